"""forecast predict: forecasts from a model and data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.forecasts import LIMITS, LOGGED, NewestData, check_limits
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import (
    AHEAD,
    COLUMNS,
    COMPUTING,
    CORES,
    ENGINE,
    FORECASTING,
    GENERAL,
    MODEL,
    PREDICTING,
    READING,
    TRAINING,
)
from forecaster.cli.options import PageFile, PageSeries, Settings, WhatIf, accepts
from forecaster.cli.picture import (
    SCREEN,
    Plot,
    PlotSeries,
    before_work,
    by_default,
    check_plot,
    chosen,
    draw,
    labels,
)
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.data.load import Loaded, Reader
    from forecaster.forecasting.forecast import Forecast
    from forecaster.model.model import Model

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a .csv, .parquet or .json file, here or in a bucket; FOLDER/ is a data set of any "
        "size; - is stdout. Default: -.",
    ),
]
STEPS = {name: FORECASTING[name] for name in ("horizon", "levels", "quantiles")}
SEED = {"seed": TRAINING["seed"]}


@accepts(STEPS, LIMITS, PREDICTING, SEED, CORES, COLUMNS, AHEAD, READING, MODEL, COMPUTING, ENGINE, GENERAL)
def predict(
    settings: Settings,
    data: NewestData = None,
    output: Output = None,
    what_if: WhatIf = None,
    plot: Plot = None,
    plot_series: PlotSeries = None,
    report: PageFile = None,
    report_series: PageSeries = None,
) -> None:
    """\b
    $ forecast predict -o forecasts.csv

    Forecast from the newest row of each series in DATA. Without DATA, read the source again that the model
    was trained on. With --samples, draw paths of what may come instead, with their dependence along the
    horizon. With --model pretrained, forecast at once, without training: by networks that come with the
    program and know what series look like. Values of --known columns stand below the data, in rows without a
    target, or in the table of --future. With --plot -, a plot on the terminal takes the place of the
    forecasts; -o FILE writes them too.

    With --set price=9.5, forecast what comes if a known covariate takes another value, beside the forecast
    without (columns base and difference): an association, no proof that the one causes the other.

    With -o FOLDER/, forecast a Parquet data set of millions of series piece by piece, in memory that does not
    grow, into a data set of Parquet files. After a kill, the same command goes on.
    """
    from forecaster.cli.in_pieces import is_folder, predict_in_pieces
    from forecaster.cli.page import check_report, reader, write_page

    general = settings.general
    if output is not None and is_folder(output):
        predict_in_pieces(data, output, settings, {"--set": what_if, "--plot": plot, "--report": report})
        return
    instead = plot == SCREEN and output is None and not general.json  # the plot, instead of the forecasts
    _check(settings, output or "-", plot, plot_series, instead=instead)
    check_report(report, report_series, errors=False)
    output = output or "-"
    outputs = {"output": output, "plot": plot, "report": report}
    outputs |= {"summary": general.summary, "log_file": general.log_file}
    sources: list[Loaded] = []
    noted = reader(report_series, before_work(plot_series))

    def read(loaded: Loaded) -> None:
        noted(loaded)
        sources[:] = [loaded] if report else []

    forecast, model = _forecast(data, settings, outputs, read, what_if)
    account.found(forecast.findings)
    for finding in forecast.findings:
        if finding.severity == "repair" or finding.code in LOGGED:
            stderr.finding(finding)
    if plot and plot != SCREEN:
        _draw(forecast, plot, plot_series)
    if report:
        options = settings.options
        write_page(forecast, report, report_series, model=model, loaded=sources[0], options=options)
    if not instead:
        _write(forecast, output, settings)
    if plot == SCREEN:  # after the files: its reader may leave
        _draw(forecast, plot, plot_series)


def _check(
    settings: Settings, output: str, plot: str | None, plot_series: list[str] | None, *, instead: bool
) -> None:
    """Raise UsageError or StorageError before any work is done where something could not be written."""
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.destination import is_stdout
    from forecaster.data.writing.digits import check_digits
    from forecaster.data.writing.write import check_destination
    from forecaster.pipeline.staleness import parsed_age

    general = settings.general
    if instead and general.samples is not None:
        raise UsageError("--samples would not be written", hint="Name a file for them: -o FILE.csv.")
    if output != "-":
        check_folder(output)
    if not general.json:
        check_destination(output)
    on_stdout = not instead and (output == "-" or is_stdout(output))
    data_on_stdout = "--json" * general.json or "the forecasts" if on_stdout else ""
    check_plot(plot, plot_series, data_on_stdout=data_on_stdout)
    check_digits(general.digits)
    parsed_age("max_age", general.max_age)
    parsed_age("max_model_age", general.max_model_age)


def _write(forecast: Forecast, output: str, settings: Settings) -> None:
    """Write the forecasts, or the paths that --samples asks for; of a file, show the beginning."""
    from forecaster.cli.preview import preview
    from forecaster.data.writing.digits import MOST
    from forecaster.data.writing.write import is_typed, write_table

    as_json, samples = settings.general.json, settings.general.samples
    digits = MOST if not as_json and is_typed(output) else settings.general.digits
    frame = (
        forecast.to_frame(digits=digits)
        if samples is None
        else forecast.samples_to_frame(samples, settings.options.seed, digits=digits)
    )
    write_table(frame, output, format="json" if as_json else None)
    if output != "-":
        account.wrote(output)
        preview(forecast)
        rows = "forecasts" if samples is None else "rows of paths"
        rows += " of the what-if" if samples is not None and forecast.base else ""
        stderr.info(f"wrote {len(frame):,} {rows} to {output}", output=output)


def _draw(forecast: Forecast, plot: str, series: list[str] | None) -> None:
    from forecaster.report.scenes import forecast_scene

    shown = chosen(labels(forecast.panel), series)
    draw(plot, forecast.panel, shown, lambda number: forecast_scene(forecast, number), how=by_default(series))


def _forecast(
    data: str | None,
    settings: Settings,
    outputs: dict[str, str | None],
    on_read: Reader,
    what_if: list[str] | None,
) -> tuple[Forecast, Model | None]:
    """The forecast of the model that was named, and that model; or of the pretrained networks."""
    from forecaster.pipeline.predict import PRETRAINED, predict_pretrained
    from forecaster.pipeline.predict import predict as predict_from
    from forecaster.pipeline.staleness import check_model

    options = settings.options
    if settings.general.model == PRETRAINED:
        if settings.general.skip_short:
            raise UsageError("--skip-short needs a trained model: pretrained networks forecast any length")
        account.uses(PRETRAINED)
        age, future = settings.general.max_age, settings.general.future
        result = predict_pretrained(
            data,
            options,
            settings.read,
            max_age=age,
            future=future,
            what_if=what_if or None,
            on_read=on_read,
        )
        return result, None
    from forecaster.model.model import Model
    from forecaster.pipeline.remembered import named

    model = Model.load(settings.model)
    account.uses(settings.model)
    check_model(settings.model, settings.general.max_model_age)
    if data is None and (line := named(model)):
        stderr.info(line, source=model.facts.source)
    read = {**outputs, "events": model.facts.read.events}
    check_apart(read, model_is_written=False, source=model.facts.source if data is None else "")
    check_limits(settings, model)
    result = predict_from(
        model,
        data,
        read=settings.read,
        horizon=options.horizon,
        levels=options.levels if "levels" in settings.explicit else None,  # else those of the model
        quantiles=options.quantiles if "quantiles" in settings.explicit else None,
        skip_short=settings.general.skip_short,
        max_age=settings.general.max_age,
        future=settings.general.future,
        what_if=what_if or None,
        on_read=on_read,
    )
    return result, model
