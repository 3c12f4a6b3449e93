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

LINES = 4
"""Log lines for each network trained."""
BAR = 30
"""Characters of a terminal for the bar and its percentage."""


class Progress:
    """Shows training events, and how many forecast origins are done."""

    def __init__(
        self,
        log: Log,
        bar: Bar | None,
        clock: Callable[[], float] = time.perf_counter,
        *,
        in_file_only: bool = False,
    ) -> None:
        self._log, self._bar, self._clock = log, bar, clock
        self._in_file_only = in_file_only or bar is not None
        self._stage, self._start = Stage(clock), clock()

    def __call__(self, event: Event) -> None:
        """A training event."""
        stage = self._stage
        stage.update(event)
        if self._bar is not None:
            facts = (_losses(event), f"{event.windows_per_second:,.0f} windows/s")
            self._bar(_description(event), stage.done, f"{_clock(stage.seconds_left)} left", *facts)
        _log_part(self._log, stage, event, in_file_only=self._in_file_only)

    def origin(self, done: int, total: int) -> None:
        """The forecasts from so many of all origins are made. The time left counts all work so far."""
        self._count(f"forecasts from {done} of {total} origins", done, total, "origins")

    def piece(self, done: int, total: int) -> None:
        """So many of all pieces of the data have been looked at."""
        self._count(f"looked at {done:,} of {total:,} pieces", done, total, "pieces")

    def _count(self, text: str, done: int, total: int, what: str) -> None:
        left = _clock((self._clock() - self._start) * (total - done) / done)
        if self._bar is not None:
            self._bar(text, done / total, f"{left} left")
        if done * LINES // total != (done - 1) * LINES // total and total > 1:
            line = _in_file(self._log) if self._in_file_only else self._log.info
            line(f"{text}, {left} left", **{what: total, "done": done})


def _in_file(log: Log) -> Callable[..., None]:
    """What logs to the file only."""
    return lambda text, **facts: log.note("info", text, facts)


Bar = Callable[..., None]
"""Shows a description, the share that is done, and facts, the most important one first."""


@contextmanager
def progress(log: Log, *, lines: bool = True) -> Iterator[Progress]:
    """What to call with each training event, and for each origin. A log file gets lines in any case; without
    a terminal stderr does, if `lines` is True.
    """
    animated = not log.quiet and not log.as_json and _animated()
    with _bar() if animated else nullcontext() as bar:
        yield Progress(log, bar, in_file_only=not lines)


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
def _bar() -> Iterator[Bar]:
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

        def show(description: str, done: float, *facts: str) -> None:
            room = screen.width - len(description) - BAR
            shown = list(facts)
            while len(shown) > 1 and len(" · ".join(shown)) > room:
                shown.pop()
            bar.update(task, description=description, total=1.0, completed=done, facts=" · ".join(shown))

        yield show


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
