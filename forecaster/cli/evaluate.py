"""forecast evaluate: a backtest over rolling origins."""

from __future__ import annotations

from typing import Annotated

import typer

from forecaster.cli.log import stderr
from forecaster.cli.options import (
    COLUMNS,
    FORECASTING,
    MODEL,
    NETWORK,
    READING,
    SPEAKING,
    TRAINING,
    Data,
    Given,
    ReportFile,
    accepts,
)

Origins = Annotated[int, typer.Option("--origins", metavar="N", min=1, help="Forecast from N origins.")]
Step = Annotated[
    int | None,
    typer.Option("--step", metavar="N", min=1, help="Rows from origin to origin. Default: the horizon."),
]


@accepts(FORECASTING, COLUMNS, READING, NETWORK, TRAINING, MODEL, SPEAKING)
def evaluate(
    data: Data, given: Given, origins: Origins = 1, step: Step = None, report: ReportFile = None
) -> None:
    """\b
    $ forecast evaluate sample_data/sensors.parquet --horizon 24 --origins 7

    Backtest: train on what precedes the first of the last N origins, forecast from each, and compare with
    what came. With --model, use that model, which has to be trained on what precedes them.
    """
    from forecaster.cli import output
    from forecaster.cli.progress import progress
    from forecaster.model.model import Model
    from forecaster.pipeline.evaluate import evaluate as backtest
    from forecaster.report.files import check_report_file, write_report

    check_report_file(report)
    model = Model.load(given.general.model) if given.general.model else None
    with progress(stderr) as listener:
        result = backtest(
            data, given.options, given.read, origins=origins, step=step, model=model, on_event=listener
        )
    output.say_understood(result.loaded, result.notes)
    if given.general.json:
        output.write_json(result.report.to_json() | {"findings": output.findings(result.loaded)})
    else:
        output.show_report(result.report)
    if report:
        write_report(result.report, report)
