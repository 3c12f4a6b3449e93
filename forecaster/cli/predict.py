"""forecast predict: forecasts from a model and data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.log import stderr
from forecaster.cli.options import (
    COLUMNS,
    FORECASTING,
    GENERAL,
    MODEL,
    PREDICTING,
    READING,
    TRAINING,
    Settings,
    accepts,
)
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.forecasting.forecast import Forecast
    from forecaster.model.model import Model

NewestData = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATA]",
        help="A file, a directory, a glob, or - for stdin. Default: what the model was trained on.",
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write to a .csv, .parquet or .json file; - is stdout."
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        "--plot", metavar="FILE", help="Draw history, forecast and intervals to a .png or .svg file."
    ),
]
Series = Annotated[
    str | None, typer.Option("--plot-series", metavar="ID", help="Series to draw. Default: the first.")
]
STEPS = {name: FORECASTING[name] for name in ("horizon", "levels", "quantiles")}
LIMITS = {name: FORECASTING[name] for name in ("lower", "upper", "integer", "circular")}
SEED = {"seed": TRAINING["seed"]}
LOGGED = ("S005", "T004", "T010", "V012")
"""Codes of findings that are logged beside repairs: they say how far to trust these forecasts."""


@accepts(STEPS, LIMITS, PREDICTING, SEED, COLUMNS, READING, MODEL, GENERAL)
def predict(
    settings: Settings,
    data: NewestData = None,
    output: Output = "-",
    plot: Plot = None,
    plot_series: Series = None,
) -> None:
    """\b
    $ forecast predict -o forecasts.csv

    Forecast from the newest row of each series in DATA. Without DATA, read the source again that the model
    was trained on. With --samples, draw paths of what may come instead, with their dependence along the
    horizon. With --model pretrained, forecast at once, without training: by networks that come with the
    program and know what series look like.
    """
    from forecaster.cli.picture import check_plot, draw
    from forecaster.cli.preview import preview
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.digits import MOST, check_digits
    from forecaster.data.writing.write import check_destination, is_typed, write_table
    from forecaster.pipeline.staleness import parsed_age

    as_json = settings.general.json
    if output != "-":
        check_folder(output)
    if not as_json:
        check_destination(output)
    check_plot(plot, plot_series)
    options, general = settings.options, settings.general
    check_digits(general.digits)
    parsed_age("max_age", general.max_age)
    parsed_age("max_model_age", general.max_model_age)
    outputs = {"output": output, "plot": plot, "summary": general.summary, "log_file": general.log_file}
    forecast = _forecast(data, settings, outputs)
    account.found(forecast.findings)
    for finding in forecast.findings:
        if finding.severity == "repair" or finding.code in LOGGED:
            stderr.finding(finding)
    if plot:
        draw(forecast, plot, plot_series)
        account.wrote(plot)
    samples = general.samples
    digits = MOST if not as_json and is_typed(output) else general.digits
    frame = (
        forecast.to_frame(digits=digits)
        if samples is None
        else forecast.samples_to_frame(samples, options.seed, digits=digits)
    )
    write_table(frame, output, format="json" if as_json else None)
    if output != "-":
        account.wrote(output)
        preview(forecast)
        rows = "forecasts" if samples is None else "rows of paths"
        stderr.info(f"wrote {len(frame):,} {rows} to {output}", output=output)


def _forecast(data: str | None, settings: Settings, outputs: dict[str, str | None]) -> Forecast:
    """The forecast of the model that was named, or of the pretrained networks."""
    from forecaster.pipeline.predict import PRETRAINED, predict_pretrained
    from forecaster.pipeline.predict import predict as predict_from
    from forecaster.pipeline.staleness import check_model

    options = settings.options
    if settings.general.model == PRETRAINED:
        if settings.general.skip_short:
            raise UsageError("--skip-short needs a trained model: pretrained networks forecast any length")
        account.uses(PRETRAINED)
        return predict_pretrained(
            data, options, settings.read, max_age=settings.general.max_age, on_read=account.read
        )
    from forecaster.model.model import Model
    from forecaster.pipeline.remembered import named

    model = Model.load(settings.model)
    account.uses(settings.model)
    check_model(settings.model, settings.general.max_model_age)
    if data is None and (line := named(model)):
        stderr.info(line, source=model.facts.source)
        check_apart(outputs, model_is_written=False, source=model.facts.source)
    check_limits(model, settings)
    return predict_from(
        model,
        data,
        read=settings.read,
        horizon=options.horizon,
        levels=options.levels if "levels" in settings.explicit else None,  # else those of the model
        quantiles=options.quantiles if "quantiles" in settings.explicit else None,
        skip_short=settings.general.skip_short,
        max_age=settings.general.max_age,
        on_read=account.read,
    )


def check_limits(model: Model, settings: Settings) -> None:
    """Raise UsageError where limits are asked for that the model has not."""
    limits = model.blend.limits  # those of forecast.toml may be set for training and predicting alike
    options = settings.options
    given = [n for n in LIMITS if n in settings.explicit and getattr(options, n) != getattr(limits, n)]
    if given:
        raise UsageError(
            f"--{given[0]} is part of the model: it cannot be changed when forecasting",
            hint=f"Train with --{given[0]}, or forecast with --model pretrained.",
        )
