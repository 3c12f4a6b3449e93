"""Day rows: the rows of a panel and of its future, and the local days that each of them covers.

Most rows lie within one day of the local clock: that of their timestamp. Longer steps cover several days.
Rows of months cover the months that their label names, in whole. Rows of weeks, or of several days, may be
labelled by their first or by their last day, and nothing in the data says which: they are read both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.clock import DAY, to_local
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.calendar.sessions import Sessions
from forecaster.data.calendar.steps import Fixed, HalfMonths, Months, Step
from forecaster.data.panel import Panel
from forecaster.data.rows.known import Words


class Spans(NamedTuple):
    """The days that rows cover, counted from 1970-01-01."""

    suffix: str
    """What column names say of this reading; empty where there is one only."""
    first: Ints  # (R,)
    last: Ints  # (R,) included

    @property
    def single(self) -> bool:
        """Whether each row lies within one day."""
        return bool(np.array_equal(self.first, self.last))

    def totals(self, daily: Floats, start: int) -> Floats:
        """The sum over the days of each row (R, K) of `daily` (D, K), whose first row is the day `start`."""
        if self.single:
            return daily[self.first - start]
        before = np.concatenate([np.zeros((1, daily.shape[1])), np.cumsum(daily, axis=0)])
        return before[self.last - start + 1] - before[self.first - start]


class Columns(NamedTuple):
    """K known columns of R rows."""

    names: tuple[str, ...]  # (K,)
    words: tuple[Words, ...]  # (K,)
    values: Floats  # (R, K)

    @staticmethod
    def joined(parts: list[Columns]) -> Columns:
        """All columns side by side."""
        return Columns(
            tuple(name for part in parts for name in part.names),
            tuple(words for part in parts for words in part.words),
            np.column_stack([part.values for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Rows:
    """R rows: those of S series, each followed by rows of its future."""

    time: Ints  # (R,) ns UTC
    offsets: Ints  # (S+1,)
    past: Bools  # (R,) whether the panel has the row
    frequency: Frequency
    zone: str | None
    """On whose clock days are counted."""

    @cached_property
    def local(self) -> Ints:
        """Times as the clock of `zone` shows them (R,)."""
        return to_local(self.time, self.zone)

    @cached_property
    def spans(self) -> tuple[Spans, ...]:
        """The days of each row: one reading, or two."""
        return spans_of(self.local, self.frequency.step)

    @property
    def bar(self) -> int | None:
        """The length of a row of less than a day, ns."""
        return bar_of(self.frequency)


def bar_of(frequency: Frequency) -> int | None:
    """The length of a step of less than a day, ns; None for longer ones."""
    step = frequency.step
    return step.size if isinstance(step, Fixed | Sessions) and step.size < DAY else None


def rows_with_future(panel: Panel, ahead: Ints) -> Rows:
    """The rows of a panel, and ahead[s] rows (S,) after the last one of each series.

    Raises DataError and UsageError where the calendar does not reach so far.
    """
    counts = panel.lengths + ahead
    offsets = np.concatenate([[0], np.cumsum(counts)])
    past = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts) < np.repeat(panel.lengths, counts)
    time = np.empty(offsets[-1], np.int64)
    time[past] = panel.time
    if ahead.any():
        lasts, which = np.unique(panel.time[panel.offsets[1:] - 1], return_inverse=True)
        most = np.zeros(len(lasts), np.int64)
        np.maximum.at(most, which, ahead)
        tz = panel.names.tz
        future = [
            panel.frequency.future_times(int(last), int(n), tz) for last, n in zip(lasts, most, strict=True)
        ]
        time[~past] = np.concatenate([future[k][:n] for k, n in zip(which, ahead, strict=True)])
    return Rows(time, offsets, past, panel.frequency, panel.frequency.clock(panel.names.tz))


def spans_of(local: Ints, step: Step) -> tuple[Spans, ...]:
    """The days that rows at these local times cover, in each way they can be read."""
    day = local // DAY
    if isinstance(step, Fixed) and step.size > DAY:
        days = -(-step.size // DAY)
        return (
            Spans(f" ({days} days from)", day, day + days - 1),
            Spans(f" ({days} days to)", day - days + 1, day),
        )
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    if isinstance(step, Months):
        first = month - step.size + 1 if step.at_end else month
        return (Spans("", _start_of(first), _start_of(first + step.size) - 1),)
    if isinstance(step, HalfMonths):
        start, stop = _start_of(month), _start_of(month + 1)
        middle = start + (15 if step.at_end else 14)  # the first day of the second half
        late = day >= middle
        return (Spans("", np.where(late, middle, start), np.where(late, stop, middle) - 1),)
    return (Spans("", day, day),)


def _start_of(month: Ints) -> Ints:
    """The first day of a month, both counted from January 1970."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
