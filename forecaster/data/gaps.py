"""Gaps: how long one may be for a window to cross it, and the stretches that longer ones leave.

The length of a gap is counted in rows that are missing between two that were observed: of readings at
10:00 and 13:00 in hourly data, two are missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.frequency import DAY, Frequency, frequency, position, step_of, to_local
from forecaster.errors import UsageError

ANY = "any"
SEASONS = 2
"""Unless asked, a gap of this many seasons is the longest that is crossed."""
LEAST = 5
"""Rows that count as a season where there is none, or a shorter one."""
MONTHS = {"month_start", "month_end"}


class Spans(NamedTuple):
    """Rows of a Panel between gaps that are too long to cross, in order."""

    series: Ints  # (K,)
    start: Ints  # (K,) first row: that of the series, or the first observed after a gap
    stop: Ints  # (K,) behind the last row observed before the next gap, or behind the last of the series

    def around(self, rows: Ints) -> tuple[Ints, Ints]:
        """For each row, where its stretch begins and where the next one does, both of the shape of `rows`.

        The rows of a gap belong to the stretch before it.
        """
        place = np.searchsorted(self.start, rows, side="right")
        following = np.append(self.start, self.stop[-1:])
        return self.start[place - 1], following[place]


def longest_crossed(asked: str | int | None, chosen: Frequency) -> int | None:
    """Missing rows in a row that a window may cross; None: any number.

    `asked` is a number of rows, a duration such as 2h, "any", or None for two seasons. Raises UsageError for
    anything else, and for a duration that is no number of such rows.
    """
    if asked is None:
        return default_longest(chosen)
    text = str(asked).strip()
    if text == ANY:
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    example = f"Give a number of rows, such as {chosen.season}, a duration such as 2h, or {ANY}."
    try:
        length = step_of(frequency(text).alias)
    except UsageError as error:
        raise UsageError(f"max_gap cannot be {asked!r}", hint=example) from error
    step = step_of(chosen.alias)
    if {length.kind, step.kind} == {"fixed"} or {length.kind, step.kind} <= MONTHS:
        return length.size // step.size
    raise UsageError(
        f"max_gap cannot be {asked!r}: that is no number of rows of {chosen.alias}",
        hint=f"Give a number of rows, such as {chosen.season}, or {ANY}.",
    )


def default_longest(chosen: Frequency) -> int:
    """Two seasons: with less than that missing, what lies before is still the recent past."""
    return SEASONS * max(LEAST, chosen.season)


def missing_between(
    observed: Bools, time: Ints, offsets: Ints, chosen: Frequency, tz: str | None
) -> tuple[Ints, Ints, Ints]:
    """The gaps (n,): the row observed before each, that observed after it, and how many are missing between.

    Of business days those are counted that are no rows, as well as those without a value; a weekend is a gap
    of none.
    """
    step = step_of(chosen.alias)
    if step.kind != "business" and observed.all():
        return (np.empty(0, np.int64),) * 3
    seen = np.flatnonzero(observed)
    skips = np.diff(time[seen]) > DAY if step.kind == "business" else np.diff(seen) > 1
    at = np.flatnonzero(skips)
    at = at[_series_of(seen[at], offsets) == _series_of(seen[at + 1], offsets)]
    before, after = seen[at], seen[at + 1]
    if step.kind != "business":
        return before, after, after - before - 1
    steps, _ = position(step, to_local(time[after], tz), to_local(time[before], tz))
    return before, after, steps - 1


def spans_between(before: Ints, after: Ints, offsets: Ints) -> Spans:
    """The stretches of series from `offsets` (S+1,) with gaps `before` one row and `after` another."""
    start = np.sort(np.r_[offsets[:-1], after])
    stop = np.sort(np.r_[offsets[1:], before + 1])
    return Spans(_series_of(start, offsets), start, stop)


def _series_of(rows: Ints, offsets: Ints) -> Ints:
    return np.asarray(np.searchsorted(offsets, rows, side="right") - 1)
