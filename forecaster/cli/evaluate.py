"""forecast evaluate: a backtest over rolling origins."""

from __future__ import annotations

from typing import Annotated, Literal

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
    PageSeries,
    ReportFile,
    Settings,
    accepts,
)

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
    report_series: PageSeries = None,
) -> None:
    """\b
    $ forecast evaluate sample_data/sensors.parquet --horizon 24 --origins 7

    Backtest: train on the rows before the first of the last N origins, forecast from each origin, and compare
    the forecasts with the actual values. With --model, use that model instead of training one. It must have
    been trained on rows before the first origin only. --model pretrained stands for the networks that come
    with the program, which were trained on no data of yours.
    """
    from forecaster.cli.data_summary import findings, log_data
    from forecaster.cli.page import check_report, reader, write_report
    from forecaster.cli.progress import progress
    from forecaster.cli.streams import console, write_json
    from forecaster.model.model import Model
    from forecaster.pipeline.evaluate import evaluate as backtest
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.report.terminal import print_report

    check_report(report, report_series)
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
            on_read=reader(report_series),
        )
    write_report(result, report, report_series)
    log_data(result.loaded, result.notes)
    if settings.general.json:
        write_json("evaluate-1", result.report.to_json() | {"findings": findings(result.loaded)})
    else:
        print_report(console(), result.report)
