"""Gaps: how long a gap may be for a window to cross it, and the spans of rows between longer ones.

The length of a gap is the number of rows missing between two observed rows: between hourly readings at
10:00 and 13:00 two are missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.config import ROWS
from forecaster.data.calendar.clock import DAY, to_local
from forecaster.data.calendar.frequency import Frequency, frequency
from forecaster.errors import UsageError

ANY = "any"
SEASONS = 2
"""By default windows cross gaps of up to this many seasons."""
LEAST = 5
"""Rows that count as a season if the season is shorter."""


class Spans(NamedTuple):
    """The K runs of rows of a Panel between gaps that are too long to cross, in order."""

    series: Ints  # (K,)
    start: Ints  # (K,) first row: that of the series, or the first observed after a gap
    stop: Ints  # (K,) one after the last row: the last observed before a gap, or the last of the series

    def around(self, rows: Ints) -> tuple[Ints, Ints]:
        """The start of each row's span and the start of the next span, both of the shape of `rows`.

        The rows of a gap belong to the span before it.
        """
        place = np.searchsorted(self.start, rows, side="right")
        following = np.append(self.start, self.stop[-1:])
        return self.start[place - 1], following[place]


def longest_crossed(asked: str | int | None, chosen: Frequency) -> int | None:
    """Consecutive missing rows that a window may cross; None: any number.

    `asked` is a number of rows, a duration such as 2h, "any", or None for two seasons. Raises UsageError for
    anything else, and for a duration whose number of rows depends on the date.
    """
    if asked is None:
        return default_longest(chosen)
    text = str(asked).strip()
    if text == ANY:
        return None
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        return min(int(digits[:19]), ROWS)  # more than any series has
    example = f"Give a number of rows, such as {chosen.season}, a duration such as 2h, or {ANY}."
    try:
        duration = frequency(text).step
    except UsageError as error:
        raise UsageError(f"max_gap cannot be {asked!r}", hint=example) from error
    rows = chosen.steps_in(duration)
    if rows is None:
        raise UsageError(
            f"max_gap cannot be {asked!r}: that is not a whole number of rows of {chosen.alias}",
            hint=f"Give a number of rows, such as {chosen.season}, or {ANY}.",
        )
    return rows


def default_longest(chosen: Frequency) -> int:
    """Two seasons: over a shorter gap, the rows before it are still the recent past."""
    return SEASONS * max(LEAST, chosen.season)


def missing_between(
    observed: Bools, time: Ints, offsets: Ints, chosen: Frequency, tz: str | None
) -> tuple[Ints, Ints, Ints]:
    """The gaps (n,): the last observed row before each, the first after it, and the rows missing between.

    In business days, a day without a row counts as well as a row without a value; a weekend does not.
    """
    business = chosen.is_business_days
    if not business and observed.all():
        return (np.empty(0, np.int64),) * 3
    seen = np.flatnonzero(observed)
    skips = np.diff(time[seen]) > DAY if business else np.diff(seen) > 1
    at = np.flatnonzero(skips)
    at = at[_series_of(seen[at], offsets) == _series_of(seen[at + 1], offsets)]
    before, after = seen[at], seen[at + 1]
    if not business:
        return before, after, after - before - 1
    steps, _ = chosen.position(to_local(time[after], tz), to_local(time[before], tz))
    return before, after, steps - 1


def spans_between(before: Ints, after: Ints, offsets: Ints) -> Spans:
    """The spans of series at `offsets` (S+1,), whose gaps lie between rows `before` and `after` (n,)."""
    start = np.sort(np.r_[offsets[:-1], after])
    stop = np.sort(np.r_[offsets[1:], before + 1])
    return Spans(_series_of(start, offsets), start, stop)


def _series_of(rows: Ints, offsets: Ints) -> Ints:
    return np.asarray(np.searchsorted(offsets, rows, side="right") - 1)
