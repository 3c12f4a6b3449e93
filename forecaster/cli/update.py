"""forecast update: go on training a model on the rows that are new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import (
    COLUMNS,
    COMPUTING,
    CORES,
    GENERAL,
    KEEPING,
    LOCKING,
    MODEL,
    READING,
)
from forecaster.cli.options import ReportFile, Settings, accepts
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.pipeline.update import Update

NewData = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATA]",
        help="A file, a directory, a glob, a URL (s3://, gs://, abfs://, https://), or - for stdin. "
        "Default: what the model was trained on.",
    ),
]


@accepts(COLUMNS, READING, CORES, MODEL, LOCKING, KEEPING, COMPUTING, GENERAL)
def update(settings: Settings, data: NewData = None, report: ReportFile = None) -> None:
    """\b
    $ forecast update

    Let the model go on learning from the rows of DATA that are newer than it has seen: the same columns, with
    the history before them. The newest are held out first. If the updated model is worse there, by more than
    1 % and more than chance explains, the model stays as it was. Without new rows nothing is done.
    """
    from forecaster.cli.data_summary import findings, log_data
    from forecaster.cli.page import check_report, write_report
    from forecaster.cli.progress import progress
    from forecaster.cli.streams import console, write_json
    from forecaster.data.writing.atomic import check_folder
    from forecaster.model.lock import lock
    from forecaster.model.model import Model
    from forecaster.model.old_models import check_keeping, save_keeping
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.pipeline.remembered import named
    from forecaster.pipeline.update import update as go_on
    from forecaster.report.terminal import print_report

    check_report(report)
    path = settings.model
    if str(path) == PRETRAINED:
        raise UsageError(
            "the networks that come with forecast are not trained again",
            hint="Train a model of your own: `forecast train DATA`.",
        )
    check_folder(path)
    check_keeping(path, settings.general.keep)
    with lock(path, settings.general.wait, lambda holder: stderr.info(f"waiting for {holder}")) as held:
        model = Model.load(path)
        if data is None and (line := named(model)):
            stderr.info(line, source=model.facts.source)
        outputs = {"model": str(path), "report": report, "summary": settings.general.summary}
        outputs["events"] = model.facts.read.events
        check_apart(outputs, model_is_written=True, source=model.facts.source if data is None else "")
        with progress(stderr) as listener:
            workers = settings.options.workers
            result = go_on(
                model, data, settings.read, workers=workers, on_event=listener, on_read=account.read
            )
        if result.outcome == "updated":
            held.check()
            save_keeping(result.model, path, settings.general.keep)
            account.wrote(path)
    account.uses(path)
    write_report(result, report)
    log_data(result.loaded, result.notes)
    if result.report is not None and not (stderr.quiet or stderr.as_json):
        print_report(console(to_stderr=True), result.report)
    if settings.general.json:
        write_json(
            "update-1", {"model": str(path)} | result.to_json() | {"findings": findings(result.loaded)}
        )
    stderr.info(_said(result, str(path)), model=str(path), **_logged(result))


def _said(result: Update, path: str) -> str:
    """The outcome in a sentence."""
    if result.outcome == "nothing new":
        return f"nothing new up to {result.last}; {path} stays as it is"
    errors = ""
    if result.errors is not None:
        metric, new, old = result.errors
        errors = f": {metric.upper()} on the newest rows {new:.4g}, before {old:.4g}"
    done = f"updated {path}" if result.outcome == "updated" else f"kept {path} as it was"
    return f"{done} after {result.rows:,} new rows up to {result.last}{errors}"


def _logged(result: Update) -> dict[str, object]:
    """The facts of the outcome for the log."""
    facts = result.to_json()
    return {name: facts[name] for name in ("outcome", "new_rows", "last", "errors")}
