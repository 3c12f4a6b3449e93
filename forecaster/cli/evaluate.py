"""forecast evaluate: a backtest over rolling origins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecaster.cli.account import account
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import COLUMNS, FORECASTING, GENERAL, MODEL, NETWORK, READING, TRAINING
from forecaster.cli.options import Data, ReportFile, Settings, accepts

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


@accepts(FORECASTING, COLUMNS, READING, NETWORK, TRAINING, MODEL, GENERAL)
def evaluate(
    data: Data,
    settings: Settings,
    origins: Origins = 1,
    step: Step = None,
    again: Refit = "never",
    by: By = None,
    predictions: Predictions = None,
    report: ReportFile = None,
) -> None:
    """\b
    $ forecast evaluate sample_data/sensors.parquet --horizon 24 --origins 7

    Backtest: train on the rows before the first of the last N origins, as `train` would, forecast from each
    origin, and compare the forecasts with the actual values and with simple methods. --refit each trains
    again before each origin. With --model, use that model instead of training one. It must have been trained
    on rows before the first origin only. --model pretrained stands for the networks that come with the
    program, which were trained on no data of yours.
    """
    from forecaster.cli.data_summary import log_data
    from forecaster.cli.progress import progress
    from forecaster.pipeline.evaluate import evaluate as backtest
    from forecaster.pipeline.evaluate import refit_of

    _check_files(report, predictions)
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
            on_read=account.read,
        )
    _write_files(result, report, predictions)
    log_data(result.loaded, result.notes)
    _show(result, as_json=settings.general.json)


def _check_files(report: str | None, predictions: str | None) -> None:
    """Raise UsageError or StorageError before any work where a file could not be written."""
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.write import check_destination
    from forecaster.report.files import check_report_file

    check_report_file(report)
    if predictions is not None:
        check_destination(predictions)
        check_folder(predictions)


def _model(settings: Settings) -> Model | Literal["pretrained"] | None:
    """The model that was named; None: train one."""
    from forecaster.model.model import Model
    from forecaster.pipeline.predict import PRETRAINED

    named = settings.general.model
    if named is None:
        return None
    account.uses(named)
    return "pretrained" if named == PRETRAINED else Model.load(named)


def _write_files(result: Evaluation, report: str | None, predictions: str | None) -> None:
    from forecaster.data.writing.write import write_table
    from forecaster.report.files import write_report

    if report:
        write_report(result.report, report)
        account.wrote(report)
    if predictions is not None:
        write_table(result.backtest.to_frame(), predictions)
        account.wrote(predictions)


def _show(result: Evaluation, *, as_json: bool) -> None:
    """The report on stdout."""
    from forecaster.cli.data_summary import findings
    from forecaster.cli.streams import console, write_json
    from forecaster.report.terminal import print_report

    if as_json:
        write_json("evaluate-1", result.report.to_json() | {"findings": findings(result.loaded)})
    else:
        print_report(console(), result.report)
