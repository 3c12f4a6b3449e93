"""forecast evaluate: a backtest over rolling origins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecaster.cli.account import account
from forecaster.cli.log import stderr
from forecaster.cli.options import (
    COLUMNS,
    FORECASTING,
    GENERAL,
    MODEL,
    NETWORK,
    READING,
    TRAINING,
    Data,
    ReportFile,
    Settings,
    accepts,
)
from forecaster.cli.picture import (
    SCREEN,
    Plot,
    PlotSeries,
    before_work,
    by_default,
    check_plot,
    chosen,
    draw,
    from_best_to_worst,
    labels,
)

if TYPE_CHECKING:
    from forecaster.pipeline.evaluate import Evaluation

Origins = Annotated[int, typer.Option("--origins", metavar="N", min=1, help="Number of forecast origins.")]
Step = Annotated[
    int | None,
    typer.Option("--step", metavar="N", min=1, help="Rows between two origins. Default: the horizon."),
]


@accepts(FORECASTING, COLUMNS, READING, NETWORK, TRAINING, MODEL, GENERAL)
def evaluate(
    data: Data,
    settings: Settings,
    origins: Origins = 1,
    step: Step = None,
    report: ReportFile = None,
    plot: Plot = None,
    plot_series: PlotSeries = None,
) -> None:
    """\b
    $ forecast evaluate sample_data/sensors.parquet --horizon 24 --origins 7

    Backtest: train on the rows before the first of the last N origins, forecast from each origin, and compare
    the forecasts with the actual values. With --model, use that model instead of training one. It must have
    been trained on rows before the first origin only. --model pretrained stands for the networks that come
    with the program, which were trained on no data of yours. --plot draws the forecasts over the actual
    values, and the errors by step beside those of the baselines.
    """
    from forecaster.cli.data_summary import findings, log_data
    from forecaster.cli.progress import progress
    from forecaster.cli.streams import console, write_json
    from forecaster.data.writing.destination import is_stdout
    from forecaster.model.model import Model
    from forecaster.pipeline.evaluate import evaluate as backtest
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.report.files import check_report_file, write_report
    from forecaster.report.terminal import print_report

    check_report_file(report)
    on_stdout = "--json" * settings.general.json or "--report" * (report is not None and is_stdout(report))
    check_plot(plot, plot_series, data_on_stdout=on_stdout, text_on_stdout=True)
    named = settings.general.model
    model: Model | Literal["pretrained"] | None
    model = "pretrained" if named == PRETRAINED else Model.load(named) if named else None
    if named:
        account.uses(named)
    with progress(stderr) as listener:
        result = backtest(
            data,
            settings.options,
            settings.read,
            origins=origins,
            step=step,
            model=model,
            on_event=listener,
            on_read=before_work(plot_series),
        )
    if report:
        write_report(result.report, report)
        account.wrote(report)
    if plot and plot != SCREEN:
        _draw(result, plot, plot_series)
    log_data(result.loaded, result.notes)
    if settings.general.json:
        write_json("evaluate-1", result.report.to_json() | {"findings": findings(result.loaded)})
    else:
        print_report(console(), result.report)
        if plot == SCREEN:
            print()
            _draw(result, plot, plot_series)


def _draw(result: Evaluation, plot: str, series: list[str] | None) -> None:
    """Draw the series asked for, else from the one that is forecast best to the worst."""
    from forecaster.report.scenes import MOST_ORIGINS, backtest_scene

    panel = result.backtest.panel
    shown = chosen(labels(panel), series, from_best_to_worst(result.report))
    most = MOST_ORIGINS if len(shown) == 1 else MOST_ORIGINS // 2
    draw(
        plot,
        panel,
        shown,
        lambda number: backtest_scene(result.backtest, number, most),
        how=by_default(series, ", from the smallest to the largest error"),
        report=result.report,
    )
