"""forecast train: train a model and report its errors on held-out data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from forecaster.cli.account import account
from forecaster.cli.log import INTERRUPTED, stderr
from forecaster.cli.option_texts import (
    COLUMNS,
    COMPUTING,
    ENGINE,
    FORECASTING,
    GENERAL,
    KEEPING,
    LOCKING,
    MODEL,
    NETWORK,
    READING,
    RESUMING,
    SAMPLING,
    TRAINING,
)
from forecaster.cli.options import Data, PageSeries, ReportFile, Settings, accepts
from forecaster.errors import DivergenceError, UsageError

if TYPE_CHECKING:
    from forecaster.evaluation.error_report import Report
    from forecaster.model.lock import Held
    from forecaster.pipeline.train import Training
    from forecaster.training.checkpoint import Checkpoint


@accepts(
    *(FORECASTING, COLUMNS, READING, NETWORK, TRAINING, SAMPLING),
    *(MODEL, LOCKING, KEEPING, RESUMING, COMPUTING, ENGINE, GENERAL),
)
def train(
    data: Data, settings: Settings, report: ReportFile = None, report_series: PageSeries = None
) -> None:
    """\b
    $ forecast train sample_data/sensors.parquet --horizon 24

    Train a model on DATA and report its errors on the newest rows, which are held out. Columns, frequency and
    settings that are not set are chosen from the data. For more data than memory, --sample-series auto trains
    on a sample of the series of Parquet files, and reports on series outside it too.
    """
    from forecaster.cli.data_summary import log_data
    from forecaster.cli.page import check_report, reader, write_report
    from forecaster.cli.progress import progress
    from forecaster.cli.streams import write_json
    from forecaster.data.writing.atomic import check_folder
    from forecaster.model.lock import lock
    from forecaster.model.old_models import check_keeping, save_keeping
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.pipeline.train import train as train_model
    from forecaster.training.checkpoint import Checkpoint, checkpoint_file

    check_report(report, report_series)
    if str(settings.model) == PRETRAINED:
        raise UsageError(
            f"{PRETRAINED!r} names the networks that come with forecast, and cannot be a model file",
            hint="Choose another name, such as --model pretrained.model.",
        )
    check_folder(settings.model)
    check_keeping(settings.model, settings.general.keep)
    general = settings.general
    with lock(settings.model, general.wait, lambda holder: stderr.info(f"waiting for {holder}")) as held:
        checkpoint = Checkpoint(checkpoint_file(settings.model), stderr.warn, resume=not general.no_resume)
        with progress(stderr) as listener, _going_on_is_possible(checkpoint):
            result = train_model(
                data,
                settings.options,
                settings.read,
                on_event=listener,
                on_read=reader(report_series),
                on_piece=partial(listener.step, "looking at all series"),
                checkpoint=checkpoint,
                engine=settings.engine,
                sample_series=general.sample_series,
            )
        save_keeping(result.model, settings.model, max(general.keep, _kept_at_least(held)))
        if not result.interrupted:
            checkpoint.remove()
    account.uses(settings.model)
    account.wrote(settings.model)
    write_report(result, report, report_series)
    log_data(result.loaded, result.notes)
    if result.report is not None:
        _show_report(result.report)
    saved = "interrupted; the best model so far is saved in" if result.interrupted else "saved"
    stderr.info(f"{saved} {settings.model}", model=str(settings.model))
    if settings.general.json:
        write_json("train-1", _as_json(result, settings))
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def _as_json(result: Training, settings: Settings) -> dict[str, Any]:
    """The result, as docs/schemas has it."""
    from forecaster.cli.data_summary import findings

    held_out = result.report.to_json() if result.report is not None else None
    facts = {"model": str(settings.model), "report": held_out, "notes": list(result.notes)}
    if result.sample is not None:
        facts["sample"] = result.sample.to_json()
    return facts | {"findings": findings(result.loaded)}


def _kept_at_least(held: Held) -> int:
    """How many old models are kept in any case: one that a run elsewhere has put there is not lost."""
    if not held.is_replaced():
        return 0
    other = f"a run on another machine has replaced {held.place} meanwhile"
    stderr.warn(f"{other}: its model is kept as {held.place.name}.1")
    return 1


@contextmanager
def _going_on_is_possible(checkpoint: Checkpoint) -> Iterator[None]:
    """Say so where training is interrupted. Where it diverged it would do so again: no checkpoint is kept."""
    from forecaster.data.storage.place import real
    from forecaster.data.writing.atomic import WRITTEN

    try:
        yield
    except DivergenceError:
        checkpoint.remove()
        raise
    except (KeyboardInterrupt, SystemExit):
        if checkpoint.written or real(checkpoint.path) in WRITTEN:  # or just now
            stderr.info("the same command goes on from the last checkpoint")
        raise


def _show_report(report: Report) -> None:
    """The error report on stderr, as tables or as a log line."""
    from forecaster.cli.streams import console
    from forecaster.report.terminal import print_report

    if stderr.as_json:
        stderr.info(report.verdict, report=report.to_json(series=False))
        return
    stderr.note("info", report.verdict, {})
    if not stderr.quiet:
        print_report(console(to_stderr=True), report)
