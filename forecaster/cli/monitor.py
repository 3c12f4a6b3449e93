"""forecast monitor: new observations against forecasts of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.forecasts import LIMITS, NewestData, check_limits
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import (
    COLUMNS,
    COMPUTING,
    CORES,
    ENGINE,
    GENERAL,
    LOCKING,
    MODEL,
    MONITORING,
    PREDICTING,
    READING,
)
from forecaster.cli.options import Settings, accepts
from forecaster.errors import ALARM, StorageError, UsageError

if TYPE_CHECKING:
    from forecaster.data.storage.place import Place
    from forecaster.model.model import Model
    from forecaster.monitoring.alarms import Alarm
    from forecaster.pipeline.monitor import Monitoring

AGES = {name: PREDICTING[name] for name in ("max_age", "max_model_age")}


@accepts(MONITORING, LIMITS, AGES, COLUMNS, READING, MODEL, LOCKING, COMPUTING, ENGINE, CORES, GENERAL)
def monitor(settings: Settings, data: NewestData = None) -> None:
    """\b
    $ forecast monitor

    Compare the rows of DATA that are new with forecasts from before them, and print an alarm for each spike,
    lasting shift, stuck sensor and silent series: exit code 8. Each alarm is raised once: the state file says
    which rows have been judged. Without DATA, read the source again that the model was trained on; with
    --model pretrained, no training is needed.
    """
    from forecaster.cli.progress import progress
    from forecaster.data.storage.place import place
    from forecaster.data.writing.atomic import check_folder
    from forecaster.model.lock import JUDGING, lock
    from forecaster.monitoring.state import read_state, write_state
    from forecaster.pipeline.monitor import monitor as judge

    general = settings.general
    path = place(general.state) if general.state else _beside(settings.model)
    if str(path) == "-":
        raise UsageError("the state needs a file", hint="Give --state a name, or leave it out.")
    model = _model(data, settings, path)
    check_folder(path)
    with lock(path, general.wait, lambda holder: stderr.info(f"waiting for {holder}"), use=JUDGING) as held:
        with progress(stderr, lines=False) as listener:
            result = judge(
                model or "pretrained",
                data,
                settings.options,
                settings.read,
                state=read_state(path),
                since=general.since,
                false_alarms=general.false_alarms,
                max_age=general.max_age,
                on_read=account.read,
                engine=settings.engine,
                workers=settings.options.workers,
                on_origin=listener.origin,
            )
        _print(result, as_json=general.json)
        held.check()
        write_state(result.state, path)
    account.wrote(path)
    account.found(result.loaded.findings)
    for finding in result.loaded.findings:
        if finding.severity == "repair" or finding.code == "T010":
            stderr.finding(finding)
    _log(result, str(path))
    if result.alarms:
        raise typer.Exit(ALARM)


def _beside(model: Place) -> Place:
    """The state file of a model, beside it."""
    return Path(f"{model}.monitor") if isinstance(model, Path) else model.with_name(f"{model.name}.monitor")


def _model(data: str | None, settings: Settings, state: Place) -> Model | None:
    """The model that was named; None: the pretrained networks. Checks what belongs to it."""
    from forecaster.model.model import Model
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.pipeline.remembered import named
    from forecaster.pipeline.staleness import check_model

    general = settings.general
    if general.model == PRETRAINED:
        account.uses(PRETRAINED)
        return None
    model = Model.load(settings.model)
    account.uses(settings.model)
    check_model(settings.model, general.max_model_age)
    check_limits(settings, model)
    if data is None and (line := named(model)):
        stderr.info(line, source=model.facts.source)
    outputs = {"state": state, "summary": general.summary, "log_file": general.log_file}
    outputs["events"] = model.facts.read.events
    check_apart(outputs, model_is_written=False, source=model.facts.source if data is None else "")
    return model


def _print(result: Monitoring, *, as_json: bool) -> None:
    """The alarms on stdout. StorageError where it takes none, also because its reader left: nobody saw them,
    so the state stays, and they come again.
    """
    from forecaster.cli.streams import lost_output, write_json_lines

    if as_json:
        write_json_lines(result.to_rows())
    else:
        for line in lines(result):
            sys.stdout.write(line + "\n")
    if result.alarms and (error := lost_output(reader_may_leave=False)) is not None:
        raise StorageError(
            f"the alarms cannot be written to standard output: {error.strerror}",
            hint="The state is as it was: the next run raises them again.",
        )


def lines(result: Monitoring) -> list[str]:
    """Each alarm as a line for people, in columns."""
    from forecaster.report.text import inert

    rows = result.to_rows()
    width = max((len(inert(row["series"])) for row in rows), default=0)
    many = result.names.id is not None
    return [
        f"{row['time']}  {row['kind']:6}  " + (f"{inert(row['series']):{width}}  " if many else "") + said
        for row, said in zip(rows, map(_said, result.alarms, rows), strict=True)
    ]


def _said(alarm: Alarm, row: dict[str, object]) -> str:
    """What is unusual, in words."""
    if alarm.kind == "silent":
        return f"no reading since {row['since']}"
    if alarm.kind == "stuck":
        return f"{row['value']:.6g} at every reading since {row['since']}"
    since = f", since {row['since']}" if alarm.kind == "shift" else ""
    return f"{row['value']:.6g}, expected {row['lower']:.6g} to {row['upper']:.6g}{since}"


def _log(result: Monitoring, path: str) -> None:
    """What was judged, what was not, and why."""
    from forecaster.data.labels import times_as_strings

    verdict, revised = result.verdict, result.revisions
    for note in result.notes:
        stderr.info(note)
    if verdict.unjudged:
        stderr.warn(
            f"{verdict.unjudged:,} rows could not be judged: too few rows come before them",
            unjudged=verdict.unjudged,
        )
    counts = {"came late": revised.late, "were changed": revised.changed, "are gone": revised.gone}
    if any(counts.values()):
        words = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        stderr.warn(f"of rows judged before, {words}: they are not judged again", **revised._asdict())
    last = times_as_strings(result.newest, result.names)[0]
    count, alarms = verdict.judged, len(result.alarms)
    stderr.info(
        f"{alarms:,} alarm{'s' * (alarms != 1)} in {count:,} new row{'s' * (count != 1)} up to {last} of "
        f"{len(result.loaded.panel):,} series",
        alarms=alarms, judged=count, last=last, state=path,
    )  # fmt: skip
