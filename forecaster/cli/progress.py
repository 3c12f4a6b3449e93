"""Progress of training: a bar on a terminal, now and then a line elsewhere, nothing when quiet."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from forecaster.cli.log import Log
from forecaster.cli.output import console

if TYPE_CHECKING:
    from forecaster.training import Event

Listener = Callable[["Event"], None]
LINES = 4
"""Log lines for each network trained."""


@contextmanager
def progress(log: Log) -> Iterator[Listener]:
    """Something to tell each training event to."""
    if log.quiet:
        yield lambda event: None
    elif log.as_json or not _animated():
        yield lambda event: _line(log, event)
    else:
        with _bar() as listener:
            yield listener


def _animated() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _line(log: Log, event: Event) -> None:
    """Log an event where it starts a new part of the run; which ones does not depend on the clock."""
    every = max(1, event.steps // LINES)
    if event.step % every and event.step != event.steps:
        return
    facts = dataclasses.asdict(event) if log.as_json else {}
    log.info(
        f"{_what(event)}: step {event.step}/{event.steps}, {_losses(event)}, "
        f"{event.windows_per_second:,.0f} windows/s, {_clock(seconds_left(event))} left",
        **facts,
    )


@contextmanager
def _bar() -> Iterator[Listener]:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[facts]}", markup=False),
    )
    with Progress(*columns, console=console(to_stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=None, facts="")

        def listen(event: Event) -> None:
            done = event.member * event.steps + event.step
            facts = (
                f"{_losses(event)} · {event.windows_per_second:,.0f} windows/s"
                f" · {_clock(seconds_left(event))} left"
            )
            bar.update(
                task, description=_what(event), total=event.members * event.steps, completed=done, facts=facts
            )

        yield listen


def seconds_left(event: Event) -> float:
    """Time until the last network of this stage is trained, should none stop early."""
    steps_left = event.steps - event.step
    if not steps_left:
        return 0.0
    return event.seconds_left * (1 + (event.members - 1 - event.member) * event.steps / steps_left)


def _what(event: Event) -> str:
    stage = "training" if event.stage == "train" else "training again on all rows"
    return stage if event.members == 1 else f"{stage}, network {event.member + 1} of {event.members}"


def _losses(event: Event) -> str:
    best = f", best validation {event.best:.4f}" if event.best is not None else ""
    return f"loss {event.loss:.4f}{best}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
