"""forecast evaluate: a backtest over rolling origins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecaster.cli.account import account
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import (
    COLUMNS,
    COMPUTING,
    ENGINE,
    FORECASTING,
    GENERAL,
    MODEL,
    NETWORK,
    READING,
    SAMPLING,
    TRAINING,
)
from forecaster.cli.options import Data, PageSeries, ReportFile, Settings, accepts
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
    from forecaster.model.model import Model
    from forecaster.pipeline.evaluate import Evaluation

Origins = Annotated[int, typer.Option("--origins", metavar="N", min=1, help="Number of forecast origins.")]
Step = Annotated[
    int | None,
    typer.Option("--step", metavar="N", min=1, help="Rows between two origins. Default: the horizon."),
]
Refit = Annotated[
    str,
    typer.Option(
        "--refit",
        metavar="never|each|N",
        help="Train again: never after the first origin, before each, or before every N-th.",
    ),
]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="COLUMN", help="Report groups of series too, by their value in a column."),
]
Predictions = Annotated[
    str | None,
    typer.Option(
        "--predictions",
        metavar="FILE",
        help="Write each forecast beside its actual value to a .csv, .parquet or .json file.",
    ),
]


@accepts(FORECASTING, COLUMNS, READING, NETWORK, TRAINING, SAMPLING, MODEL, COMPUTING, ENGINE, GENERAL)
def evaluate(
    data: Data,
    settings: Settings,
    origins: Origins = 1,
    step: Step = None,
    again: Refit = "never",
    by: By = None,
    predictions: Predictions = None,
    report: ReportFile = None,
    report_series: PageSeries = None,
    plot: Plot = None,
    plot_series: PlotSeries = None,
) -> None:
    """\b
    $ forecast evaluate sample_data/sensors.parquet --horizon 24 --origins 7

    Backtest: train on the rows before the first of the last N origins, as `train` would, forecast from each
    origin, and compare the forecasts with the actual values and with simple methods. --refit each trains
    again before each origin. With --model, use that model instead of training one. It must have been trained
    on rows before the first origin only. --model pretrained stands for the networks that come with the
    program, which were trained on no data of yours. --plot draws the forecasts over the actual values, and
    the errors by step beside those of the simple methods.
    """
    from forecaster.cli.data_summary import log_data
    from forecaster.cli.page import reader
    from forecaster.cli.progress import progress
    from forecaster.pipeline.evaluate import evaluate as backtest
    from forecaster.pipeline.evaluate import refit_of

    _check_files(report, report_series, predictions)
    on_stdout = _data_on_stdout(settings, report, predictions)
    check_plot(plot, plot_series, data_on_stdout=on_stdout, text_on_stdout=True)
    refit, model = refit_of(again), _model(settings)
    with progress(stderr) as listener:
        result = backtest(
            data,
            settings.options,
            settings.read,
            origins=origins,
            step=step,
            refit=refit,
            by=by,
            model=model,
            on_event=listener,
            on_origin=listener.origin,
            on_read=reader(report_series, before_work(plot_series)),
            engine=settings.engine,
            on_piece=partial(listener.step, "looking at all series"),
            sample_series=settings.general.sample_series,
        )
    _write_files(result, report, report_series, predictions)
    if plot and plot != SCREEN:
        _draw(result, plot, plot_series)
    log_data(result.loaded, result.notes)
    _show(result, as_json=settings.general.json)
    if plot == SCREEN:
        print()
        _draw(result, plot, plot_series)


def _check_files(report: str | None, series: list[str] | None, predictions: str | None) -> None:
    """Raise UsageError or StorageError before any work where a file could not be written."""
    from forecaster.cli.page import check_report
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.write import check_destination

    check_report(report, series)
    if predictions is not None:
        check_destination(predictions)
        check_folder(predictions)


def _data_on_stdout(settings: Settings, report: str | None, predictions: str | None) -> str:
    """The option by which data goes to stdout, if any."""
    from forecaster.data.writing.destination import is_stdout

    named = {"--report": report, "--predictions": predictions}
    files = (name for name, path in named.items() if path is not None and (path == "-" or is_stdout(path)))
    return "--json" if settings.general.json else next(files, "")


def _model(settings: Settings) -> Model | Literal["pretrained"] | None:
    """The model that was named; None: train one."""
    from forecaster.model.model import Model
    from forecaster.pipeline.predict import PRETRAINED

    named = settings.general.model
    if named is None:
        return None
    account.uses(named)
    return "pretrained" if named == PRETRAINED else Model.load(named)


def _write_files(
    result: Evaluation, report: str | None, series: list[str] | None, predictions: str | None
) -> None:
    from forecaster.cli.page import write_report
    from forecaster.data.writing.write import write_table

    write_report(result, report, series)
    if predictions is not None:
        write_table(result.backtest.to_frame(), predictions)
        account.wrote(predictions)


def _show(result: Evaluation, *, as_json: bool) -> None:
    """The report on stdout."""
    from forecaster.cli.data_summary import findings
    from forecaster.cli.streams import console, write_json
    from forecaster.report.terminal import print_report

    if as_json:
        sample = {} if result.sample is None else {"sample": result.sample.to_json()}
        write_json("evaluate-1", result.report.to_json() | sample | {"findings": findings(result.loaded)})
    else:
        print_report(console(), result.report)


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
