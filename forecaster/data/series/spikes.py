"""Spikes: short excursions that no healthy source reports, and absurd numbers.

    far      a gap of many usual ranges lies between the spike and all other values
    lone     a narrower gap, in a series without large extremes that never changes so fast otherwise
    absurd   a number too large for any unit

Holidays, orders and storms have to stay: skewed series and counts need more, and what comes back in even time
is no spike. At the end of a series that wanders, as prices do, a value may be where it goes.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.data.rows.known_values import KnownValues, sorted_within
from forecaster.data.series.differences import comes_back

LEAST = 20
"""With fewer known values nothing is suspicious."""
RARE = 0.02
"""Largest fraction of spikes, dropouts and resets."""
FAR = 5.0
"""Least distance of a spike from the nearest other value, in ranges (5 % to 95 %)."""
RATIO = 20.0
"""Least ratio of a spike to the next largest value, in series without negative values: these are skewed."""
FARTHER = 5.0
"""In other series: least ratio of their distances from the median."""
SHORT = 3  # rows of a spike at most
BESIDE, SUDDEN = 1.0, 5.0
"""Ranges that a lone value lies beyond the others, and the least ratio of the steps to and from it to the
largest step elsewhere …"""
APART = 3.5, 3.0
"""… or these."""
COMPACT = 3.0
"""Largest ratio of the distances of the extreme and of the 95 % quantile from the median, without large
extremes."""
SKEWED = 3.0, 1.2
"""Largest ratio of the distances of the 95 % and the 5 % quantile from the median, of smooth series and of
noise: rain is skewed, and so are sales, a little."""
LEVELS = 0.25  # least difference of levels, in ranges, of a series that wanders
MANY = 50, 200
"""Fewer values say little about extremes; the second is for noise from zero on, which may be sales."""
SMOOTH = 0.2
"""Largest mean step of a smooth series, in its range."""
ABSURD, ABSURDLY = 1e15, 1e9
"""Least size of an absurd number, and its least ratio to the next smaller one of its series."""


def spikes(seen: KnownValues) -> Bools:
    """Short excursions beyond a gap in the values of their series (K,), unless they recur like a clock.

    The gap must be among the lowest or highest RARE fraction of the sorted values.
    """
    result = np.zeros(len(seen.values), np.bool_)
    width = _width(seen)
    with np.errstate(invalid="ignore"):
        room = seen.quantile(1) - seen.quantile(0) >= 2 * BESIDE * width  # otherwise there is none for a gap
    concerned = (room & (width > 0) & (seen.count >= LEAST))[seen.series]
    if not concerned.any():
        return result
    part = seen.only(concerned)
    chosen = _short_runs(part, _outside(part, _far_gaps(part)), SHORT) | _lone(part)
    result[concerned] = chosen & ~_recurring(part, chosen)
    return result


def _width(seen: KnownValues) -> Floats:
    """The range of each series (S,), 5 % to 95 %."""
    return seen.quantile(0.95) - seen.quantile(0.05)


def _gaps(seen: KnownValues) -> Floats:
    """From each sorted value to the next larger one of its series (K,); NaN for the largest."""
    gap = np.diff(seen.sorted, append=np.nan)
    gap[seen.starts[1:][seen.count > 0] - 1] = np.nan
    return gap


def _far_gaps(seen: KnownValues) -> Bools:
    """Gaps that are FAR ranges wide (K,).

    The far side must also be RATIO times the near one, or FARTHER times as far from the median: many series
    have large extremes.
    """
    ascending, gap = seen.sorted, _gaps(seen)
    above = ascending + gap
    middle = seen.quantile(0.5)[seen.series]
    with np.errstate(invalid="ignore"):
        skewed = (seen.reduce(np.minimum, seen.values) >= 0)[seen.series]
        away = np.abs(ascending - middle), np.abs(above - middle)
        farther = np.maximum(*away) >= FARTHER * np.minimum(*away)
        wide = gap >= FAR * _width(seen)[seen.series]
        return np.asarray(wide & np.where(skewed, (above >= RATIO * ascending) & (ascending > 0), farther))


def _outside(seen: KnownValues, wide: Bools) -> Bools:
    """Values (K,) beyond a `wide` gap of the sorted values (K,) that has at most RARE of them beyond it."""
    count = seen.count[seen.series]
    rank = np.arange(len(wide)) - seen.starts[seen.series]
    most = np.maximum(1, np.floor(RARE * count)).astype(np.int64)
    low, high = wide & (rank < most), wide & (rank + 1 >= count - most)
    above = np.concatenate([seen.sorted[1:], [np.nan]])[: len(wide)]
    lower = seen.reduce(np.maximum, np.where(low, above, -np.inf), -np.inf)
    upper = seen.reduce(np.minimum, np.where(high, seen.sorted, np.inf), np.inf)
    return np.asarray((seen.values < lower[seen.series]) | (seen.values > upper[seen.series]))


def _lone(seen: KnownValues) -> Bools:
    """Short excursions from a series without large extremes, to which nothing leads (K,).

    Such a value is BESIDE ranges beyond the others, and SUDDEN times their largest step from its neighbours;
    or APART of either. The series is smooth, or symmetric noise; whole numbers from zero on may be orders.
    """
    outside = _outside(seen, _gaps(seen) >= BESIDE * _width(seen)[seen.series])
    if not outside.any():
        return outside
    rest = seen.only(~outside)
    least, low, middle, high, most = (rest.quantile(level) for level in (0, 0.05, 0.5, 0.95, 1))
    step = np.where(outside | np.roll(outside, 1), np.nan, np.abs(seen.steps))
    largest, usual = seen.reduce(np.fmax, step), seen.total(step) / np.maximum(rest.count - 1, 1)
    before, after = neighbours(seen, outside)
    whole = seen.reduce(np.logical_and, seen.values == np.floor(seen.values), 0.0) > 0
    amounts = seen.reduce(np.minimum, seen.values, 0.0) >= 0
    with np.errstate(invalid="ignore", divide="ignore"):
        compact = (most - middle <= COMPACT * (high - middle)) & (middle - least <= COMPACT * (middle - low))
        skew = np.maximum(high - middle, middle - low) / np.minimum(high - middle, middle - low)
        smooth = usual <= SMOOTH * (high - low)
        noise = (skew <= SKEWED[1]) & (~amounts | (~whole & (seen.count >= MANY[1])))
        fair = compact & (skew <= SKEWED[0]) & (seen.count >= MANY[0]) & (smooth | noise)
        away = np.maximum(seen.values - most[seen.series], least[seen.series] - seen.values)
        jump = np.fmin(np.abs(seen.values - before), np.abs(seen.values - after)) / largest[seen.series]
        apart = away >= (APART[0] * (high - low))[seen.series]
        sudden = (jump >= SUDDEN) | ((jump >= APART[1]) & apart)
    lone = _short_runs(seen, outside, SHORT) & fair[seen.series] & sudden
    for series in np.unique(seen.series[lone & np.isnan(after)]):  # few
        if _wanders(rest.values[rest.starts[series] : rest.starts[series + 1]]):
            lone &= ~np.isnan(after) | (seen.series != series)  # it may be where it goes
    return lone


def _wanders(values: Floats) -> bool:
    """Whether the fifths of a series (n,) have different levels, as those of prices do."""
    low, high = np.quantile(values, (0.05, 0.95))
    middles = [np.quantile(part, (0.05, 0.95)).mean() for part in np.array_split(values, 5)]
    return bool(np.ptp(middles) > LEVELS * (high - low))


def _recurring(seen: KnownValues, chosen: Bools) -> Bools:
    """Which `chosen` values (K,) come back in even time, three times or more: a daily flush is no fault."""
    result = np.zeros(len(chosen), np.bool_)
    for series in np.unique(seen.series[chosen]):  # few
        mine = np.flatnonzero(chosen & (seen.series == series))
        result[mine] = comes_back(seen.row[mine])
    return result


def neighbours(seen: KnownValues, here: Bools) -> tuple[Floats, Floats]:
    """The nearest values before and after each that are not `here` (K,), (K,); NaN without any."""
    index = np.arange(len(here))
    before = np.maximum.accumulate(np.where(here, -1, index))
    after = np.minimum.accumulate(np.where(here, len(here), index)[::-1])[::-1]
    inside = before >= seen.starts[seen.series], after < seen.starts[seen.series + 1]
    places = np.maximum(before, 0), np.minimum(after, len(here) - 1)
    first, second = (np.where(ok, seen.values[at], np.nan) for ok, at in zip(inside, places, strict=True))
    return first, second


def _short_runs(seen: KnownValues, chosen: Bools, longest: int) -> Bools:
    """Which `chosen` values (K,) lie in runs of at most `longest` (K,)."""
    if not chosen.any():
        return chosen
    first = seen.starts[:-1][seen.count > 0]
    begins = np.concatenate([[True], chosen[1:] != chosen[:-1]])
    begins[first] = True
    place = np.flatnonzero(begins)
    length = np.diff(place, append=len(chosen))
    return chosen & np.repeat(length <= longest, length)


def absurd(seen: KnownValues) -> Bools:
    """Numbers such as 1e300 among usual ones, fewer than half of their series (K,), however few there are."""
    size = np.abs(seen.values)
    result = size >= ABSURD
    if not result.any():
        return result
    ascending = sorted_within(size, seen.starts)
    rank = np.arange(len(size)) - seen.starts[seen.series]
    before = np.concatenate([[np.inf], ascending[:-1]])
    border = (ascending >= ABSURD) & (ascending / ABSURDLY >= before) & (2 * rank > seen.count[seen.series])
    least = seen.reduce(np.minimum, np.where(border, ascending, np.inf), np.inf)
    return np.asarray(size >= least[seen.series])
