"""forecast predict: forecasts from a model and data."""

from __future__ import annotations

from typing import Annotated

import typer

from forecaster.cli.log import stderr
from forecaster.cli.options import COLUMNS, FORECASTING, GENERAL, MODEL, READING, Settings, accepts

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
HORIZON = {"horizon": FORECASTING["horizon"]}


@accepts(HORIZON, COLUMNS, READING, MODEL, GENERAL)
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
    was trained on.
    """
    from forecaster.cli.picture import check_plot, draw
    from forecaster.cli.preview import preview
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.write import check_destination, write_table
    from forecaster.model.model import Model
    from forecaster.pipeline.predict import predict as predict_from

    as_json = settings.general.json
    if output != "-":
        check_folder(output)
    if not as_json:
        check_destination(output)
    check_plot(plot, plot_series)
    model = Model.load(settings.model)
    forecast = predict_from(model, data, read=settings.read, horizon=settings.options.horizon)
    for finding in forecast.findings:
        if finding.severity == "repair":
            stderr.finding(finding)
    if plot:
        draw(forecast, plot, plot_series)
    frame = forecast.to_frame()
    write_table(frame, output, format="json" if as_json else None)
    if output != "-":
        preview(forecast)
        stderr.info(f"wrote {len(frame):,} forecasts to {output}", output=output)
