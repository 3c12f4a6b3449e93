"""Progress of training: a bar on a terminal, a few log lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from forecaster.cli.log import Log
from forecaster.cli.streams import console

if TYPE_CHECKING:
    from forecaster.training.loop import Event

Listener = Callable[["Event"], None]
LINES = 4
"""Log lines for each network trained."""
BAR = 30
"""Characters of a terminal for the bar and its percentage."""


@contextmanager
def progress(log: Log) -> Iterator[Listener]:
    """A listener to call with each training event. A log file gets lines whatever stderr shows."""
    stage = Stage()
    animated = not log.quiet and not log.as_json and _animated()
    with _bar(stage) if animated else nullcontext() as bar:

        def listen(event: Event) -> None:
            stage.update(event)
            if bar is not None:
                bar(event)
            _log_part(log, stage, event, in_file_only=animated)

        yield listen


def _animated() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _log_part(log: Log, stage: Stage, event: Event, *, in_file_only: bool) -> None:
    """Log an event where a new part of the training starts. The choice does not depend on the clock."""
    from forecaster.training.loop import EVENT_EVERY

    part, before = (step * LINES // event.steps for step in (event.step, event.step - EVENT_EVERY))
    if part == before and not event.last:
        return
    facts = dataclasses.asdict(event) if log.as_json else {}
    text = (
        f"{_description(event)}: step {event.step}/{event.steps}, {_losses(event)}, "
        f"{event.windows_per_second:,.0f} windows/s, {_clock(stage.seconds_left)} left"
    )
    if in_file_only:
        log.note("info", text, facts)
    else:
        log.info(text, **facts)


@contextmanager
def _bar(stage: Stage) -> Iterator[Listener]:
    """A bar that fits the terminal: what does not fit beside it is left out."""
    from rich.progress import BarColumn, Progress, TextColumn

    screen = console(to_stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[facts]}", markup=False),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("training", total=None, facts="")

        def listen(event: Event) -> None:
            description = _description(event)
            facts = [
                f"{_clock(stage.seconds_left)} left",
                _losses(event),
                f"{event.windows_per_second:,.0f} windows/s",
            ]
            room = screen.width - len(description) - BAR
            while len(facts) > 1 and len(" · ".join(facts)) > room:
                facts.pop()
            text = " · ".join(facts)
            bar.update(task, description=description, total=1.0, completed=stage.done, facts=text)

        yield listen


class Stage:
    """How far the networks of a stage are trained. Several may train in parallel."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._name, self._start, self._members = clock, "", 0.0, 1
        self._shares: dict[int, float] = {}

    def update(self, event: Event) -> None:
        """Record an event. The first event of another stage starts from zero."""
        if event.stage != self._name:
            self._name, self._members, self._shares = event.stage, event.members, {}
            self._start = self._clock() - event.seconds
        self._shares[event.member] = 1.0 if event.last else event.step / event.steps

    @property
    def done(self) -> float:
        """Share of the stage that is done, 0 to 1."""
        return sum(self._shares.values()) / self._members

    @property
    def seconds_left(self) -> float:
        """Seconds until the last network of the stage is trained, at the pace so far."""
        return (self._clock() - self._start) * (1 - self.done) / self.done


def _description(event: Event) -> str:
    stage = "training" if event.stage == "train" else "training on all rows"
    return stage if event.members == 1 else f"{stage}, network {event.member + 1} of {event.members}"


def _losses(event: Event) -> str:
    best = f", best validation {event.best:.4f}" if event.best is not None else ""
    return f"loss {event.loss:.4f}{best}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
