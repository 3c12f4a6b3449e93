"""forecast train: from data to a model, and an honest report."""

from __future__ import annotations

import typer

from forecaster.cli.log import INTERRUPTED, stderr
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


@accepts(FORECASTING, COLUMNS, READING, NETWORK, TRAINING, MODEL, SPEAKING)
def train(data: Data, given: Given, report: ReportFile = None) -> None:
    """\b
    $ forecast train sample_data/sensors.parquet --horizon 24

    Train a model on DATA and report its errors on the newest rows, held out. Columns, frequency and settings
    are chosen from the data where nothing is said.
    """
    from forecaster.cli import output
    from forecaster.cli.progress import progress
    from forecaster.data.writing.atomic import check_folder
    from forecaster.model.file import lock
    from forecaster.pipeline.train import train as train_model
    from forecaster.report.files import check_report_file

    check_report_file(report)
    check_folder(given.model)
    with lock(given.model):
        with progress(stderr) as listener:
            result = train_model(data, given.options, given.read, on_event=listener)
        result.model.save(given.model)
    output.say_understood(result.loaded, result.notes)
    if result.report is not None:
        output.tell_report(result.report, report)
    if given.general.json:
        held_out = result.report.to_json() if result.report is not None else None
        told = {"model": str(given.model), "report": held_out, "notes": list(result.notes)}
        output.write_json(told | {"findings": output.findings(result.loaded)})
    kept = "interrupted; kept the best model so far in" if result.interrupted else "saved"
    stderr.info(f"{kept} {given.model}", model=str(given.model))
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
