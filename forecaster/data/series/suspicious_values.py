"""Values that no healthy source reports: sentinels, dropouts, impossible spikes, stuck sensors, resets.

Every test compares a series with its own known values and requires a wide margin, because true extremes (a
holiday, a crash, a storm) must be kept:

    sentinel   a number that devices report for "no reading", far from all other values of the series
    dropout    zero for a few rows in a series that otherwise changes by small ratios
    spike      up to three adjacent rows, outside all other values by a multiple of the usual range
    stuck      a run of equal readings many times longer than any other run of the series
    reset      a counter that otherwise never falls starts again near zero
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.known_values import (
    KnownValues,
    blocks_of_series,
    known_values,
    quantile_within,
    run_starts,
    sorted_within,
)

Code = Literal["sentinel", "dropout", "spike", "stuck", "reset"]
CODES: tuple[Code, ...] = ("sentinel", "dropout", "spike", "stuck", "reset")

NEGATIVE = (-1, -99, -127, -128, -999, -999.9, -9999, -99999, -32768)
POSITIVE = (85, 99, 255, 999, 999.9, 4095, 9999, 99999, 32767, 65535)
SENTINELS = np.array(NEGATIVE + POSITIVE)
"""What files and devices write for "no reading": −127 and 85 are a DS18B20's, 255 … 65535 full words."""
LEAST = 20
"""With fewer known values nothing is suspicious."""
FREQUENT = 0.2
"""Largest fraction of sentinels in a series."""
RARE = 0.02
"""Largest fraction of spikes, dropouts and resets."""
CODED = 1.0
"""Least distance of a sentinel from the nearest other value, in ranges (5 % to 95 %) of its series."""
SIGNED = 0.25
"""The same for negative sentinels where all other values are positive. Also the least ratio of the smallest
of these to their median."""
CERTAIN = -99
"""A sentinel at or below this needs no distance where no other value is negative."""
WORD, COUNTED = 255, 3.0
"""Positive sentinels below WORD may be counts or amounts. Among whole numbers, or where zero occurs, their
distance must be COUNTED full ranges."""
FAR = 5.0
"""Least distance of a spike from the nearest other value, in ranges (5 % to 95 %)."""
RATIO = 20.0
"""Least ratio of a spike to the next largest value, in series without negative values: these are skewed."""
FARTHER = 5.0
"""In other series: least ratio of their distances from the median."""
SHORT = 3
"""Most adjacent rows of a spike."""
CALM = 3.0
"""Dropouts need a series whose other values never change by this factor between neighbours …"""
HIGH = 0.3
"""… and neighbours of at least this fraction of the median."""
LONGER = 5.0
"""Least ratio of the length of a stuck run to the next longest run of equal readings."""
STUCK = 12
"""Least rows of a stuck run."""
RISES = 10
"""Least rises of a counter per reset."""
FULL = (1.0, 100.0)
"""Values at which a battery, a share or a humidity may rest."""
LEAP = 0.95
"""A step above this quantile of all steps of its series is a leap."""
NEAR_ZERO = 0.05
"""A counter starts again at no more than this fraction of its last value."""


class SuspiciousValues(NamedTuple):
    """Suspicious rows, in order of series and row."""

    code: NDArray[np.int8]  # (F,) index into CODES
    series: Ints  # (F,)
    row: Ints  # (F,) row in its series
    value: Floats  # (F,)
    left_out: Bools  # (N,) hidden from seasons and training

    def of(self, *codes: Code) -> SuspiciousValues:
        """Only rows of some codes; `left_out` stays as it is."""
        return self.only(np.isin(self.code, [CODES.index(code) for code in codes]))

    def only(self, chosen: Bools) -> SuspiciousValues:
        """Only the chosen (F,) rows; `left_out` stays as it is."""
        return SuspiciousValues(
            self.code[chosen], self.series[chosen], self.row[chosen], self.value[chosen], self.left_out
        )


@np.errstate(over="ignore", invalid="ignore")  # absurd values may overflow: then nothing is learned
def suspicious_values(values: Floats, observed: Bools, offsets: Ints, known: Ints) -> SuspiciousValues:
    """The suspicious values among rows 0 … known[s]−1 of each series; later rows are never read.

    `values`, `observed` (N,): row i of series s lies at offsets[s] + i. A reset is reported but not left
    out: its value is true, only the step to it is not.
    """
    left_out = np.zeros(len(values), np.bool_)
    columns = []
    for part, span in blocks_of_series(offsets):
        start = offsets[part.start : part.stop + 1]
        seen = known_values(values[span], observed[span], start, known[part])
        code = _codes(seen)
        some = np.flatnonzero(code >= 0)
        series, row = seen.series[some] + part.start, seen.row[some]
        columns.append((code[some], series, row, seen.values[some]))
        false = code[some] != CODES.index("reset")
        left_out[(offsets[series] + row)[false]] = True
    code, series, row, value = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return SuspiciousValues(code, series, row, value, left_out)


def _codes(seen: KnownValues) -> NDArray[np.int8]:
    """Index into CODES of each value (K,), −1 for most. Each test sees the values without a code so far."""
    code = np.full(len(seen.values), -1, np.int8)
    for number, test in enumerate((_sentinels, _dropouts, _spikes, _stuck, _resets)):
        rest = np.flatnonzero(code < 0)
        code[rest[test(seen.only(code < 0))]] = number
    return code


def hint(suspicious: SuspiciousValues, na: tuple[str, ...] = ()) -> str:
    """The option that reads the sentinels as missing, such as `--na -127`; empty without any.

    `na`: the words that --na has already; the option takes all words in one list.
    """
    numbers = np.unique(suspicious.of("sentinel").value)
    return f"--na {','.join([*na, *(f'{number:.10g}' for number in numbers)])}" if len(numbers) else ""


def _sentinels(seen: KnownValues) -> Bools:
    """Values that are a known sentinel and lie far from all others of their series (K,)."""
    result = _interruptions(seen, -1)
    listed = np.isin(seen.values, SENTINELS)
    concerned = (seen.total(listed) > 0) & (seen.total(listed) <= FREQUENT * seen.count)
    inside = np.flatnonzero(concerned[seen.series])
    part = seen.only(concerned[seen.series])
    for number in np.unique(seen.values[listed]):
        here = part.values == number
        result[inside] |= here & _stands_apart(part, number, ~np.isin(part.values, SENTINELS))[part.series]
    return result


def _stands_apart(seen: KnownValues, number: float, usual: Bools) -> Bools:
    """In which series (S,) a number is far from the `usual` values (K,).

    It must be CODED ranges beyond them, and farther than 99 % of their steps. So 999 hPa and 85 °F among
    similar readings stay, and so does −1 °C after 0 °C. A negative number among positive ones needs less
    distance, a positive number more: at least the full range of the others.
    """
    rest = seen.only(usual)
    low, high = rest.reduce(np.minimum, rest.values), rest.reduce(np.maximum, rest.values)
    width = rest.quantile(0.95) - rest.quantile(0.05)
    step = quantile_within(*_sorted_steps(rest), 0.99)
    with np.errstate(invalid="ignore"):
        distance = np.maximum(low - number, number - high)
        apart = (width > 0) & (distance >= CODED * width) & (distance >= step)
        if number > 0:
            whole = rest.reduce(np.logical_and, rest.values == np.floor(rest.values), 0.0) > 0
            apart &= distance >= np.where((whole | (low == 0)) & (number < WORD), COUNTED, 1.0) * (high - low)
        if number < 0:
            apart |= (low > 0) & (distance >= SIGNED * width) & (low >= SIGNED * rest.quantile(0.5))
        if number <= CERTAIN:
            apart |= low >= 0
        return apart & (rest.count >= LEAST)


def _sorted_steps(seen: KnownValues) -> tuple[Floats, Ints]:
    """The sizes of the steps of each series in ascending order, and where each series begins."""
    there = ~np.isnan(seen.steps)
    starts = np.concatenate([[0], np.cumsum(there)])[seen.starts]
    return sorted_within(np.abs(seen.steps[there]), starts), starts


def _dropouts(seen: KnownValues) -> Bools:
    """Zeros that interrupt a calm series (K,)."""
    return _interruptions(seen, 0)


def _interruptions(seen: KnownValues, number: float) -> Bools:
    """Rare values equal to a number ≤ 0 in a series that otherwise changes by small ratios (K,)."""
    here = seen.values == number
    times = seen.total(here)
    concerned = (times > 0) & (times <= np.maximum(1, RARE * seen.count)) & (seen.count > LEAST)
    if not concerned.any():
        return np.zeros(len(here), np.bool_)
    rest = seen.only(~here & concerned[seen.series])
    least = rest.reduce(np.minimum, rest.values)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.abs(np.log(rest.values / (rest.values - rest.steps)))
        widest = rest.reduce(np.fmax, ratio)
        calm = concerned & (least > 0) & (widest < np.log(CALM))
    before, after = _neighbours(seen, here)
    with np.errstate(invalid="ignore"):
        high = np.fmin(before, after) >= HIGH * rest.quantile(0.5)[seen.series]
    return np.asarray(here & calm[seen.series] & ~np.isnan(before) & high)


def _neighbours(seen: KnownValues, here: Bools) -> tuple[Floats, Floats]:
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


def _spikes(seen: KnownValues) -> Bools:
    """Short excursions beyond a gap in the values of their series that is FAR ranges wide (K,).

    The gap must be among the lowest or highest RARE fraction of the sorted values. Its far side must also be
    RATIO times the near one, or FARTHER times as far from the median: many series have large extremes.
    """
    result = np.zeros(len(seen.values), np.bool_)
    width = seen.quantile(0.95) - seen.quantile(0.05)
    with np.errstate(invalid="ignore"):
        wide = seen.quantile(1) - seen.quantile(0) >= FAR * width  # otherwise there is no room for a gap
    concerned = (wide & (width > 0) & (seen.count >= LEAST))[seen.series]
    part = seen.only(concerned)
    lower, upper = _borders(part)
    outside = (part.values < lower[part.series]) | (part.values > upper[part.series])
    result[concerned] = _short_runs(part, outside, SHORT)
    return result


def _borders(seen: KnownValues) -> tuple[Floats, Floats]:
    """The bounds (S,), (S,) outside which values are spikes; infinite without a gap."""
    ascending, count = seen.sorted, seen.count
    width = (seen.quantile(0.95) - seen.quantile(0.05))[seen.series]
    middle = seen.quantile(0.5)[seen.series]
    rank = np.arange(len(ascending)) - seen.starts[seen.series]
    most = np.maximum(1, np.floor(RARE * count)).astype(np.int64)[seen.series]
    gap = np.diff(ascending, append=np.nan)  # (K,) to the next larger
    above = np.concatenate([ascending[1:], [np.nan]])[: len(ascending)]
    inside = rank + 1 < count[seen.series]
    with np.errstate(invalid="ignore"):
        wide = inside & (gap >= FAR * width)
        skewed = (seen.reduce(np.minimum, seen.values) >= 0)[seen.series]
        away = np.abs(ascending - middle), np.abs(above - middle)
        farther = np.maximum(*away) >= FARTHER * np.minimum(*away)
        wide &= np.where(skewed, (above >= RATIO * ascending) & (ascending > 0), farther)
    low = wide & (rank < most)
    high = wide & (rank + 1 >= count[seen.series] - most)
    lower = seen.reduce(np.maximum, np.where(low, above, -np.inf), -np.inf)
    upper = seen.reduce(np.minimum, np.where(high, ascending, np.inf), np.inf)
    return lower, upper


def _stuck(seen: KnownValues) -> Bools:
    """All but the first value of runs LONGER times as long as any other run of the series (K,).

    A run at the lowest value, or at a highest value of 1 or 100, is a rest (night, closed, empty, full)
    unless a leap leads to it.
    """
    result = np.zeros(len(seen.values), np.bool_)
    concerned = _repeats(seen)
    if not concerned.any():
        return result
    inside = np.flatnonzero(concerned[seen.series])
    part = seen.only(concerned[seen.series])
    place = run_starts(part)
    length = np.diff(place, append=len(part.values))
    owner = part.series[place]
    runs = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(part.count)))])
    ordered = sorted_within(length.astype(np.float64), runs)
    many = np.diff(runs) >= LEAST
    longest = np.where(many, ordered[np.maximum(runs[1:] - 1, 0)], 0.0)
    second = np.where(many, ordered[np.maximum(runs[1:] - 2, 0)], np.inf)
    stuck = many & (longest >= np.maximum(STUCK, LONGER * second))
    chosen = stuck[owner] & (length == longest[owner]) & ~_resting(part, place)
    repeated = np.repeat(chosen, length)
    repeated[place] = False
    result[inside] = repeated
    return result


def _repeats(seen: KnownValues) -> Bools:
    """Series with a run of STUCK equal readings (S,)."""
    same = np.zeros(len(seen.values) + 1, np.int64)
    np.cumsum(seen.steps == 0, out=same[1:])
    rows = np.arange(len(seen.values))
    reach = np.minimum(rows + STUCK, seen.starts[1:][seen.series])
    whole = same[reach] - same[np.minimum(rows + 1, reach)] == STUCK - 1
    return seen.total(whole) > 0


def _resting(seen: KnownValues, place: Ints) -> Bools:
    """Which runs, by the `place` where each begins, rest at an end of the range without a leap to it."""
    owner, value = seen.series[place], seen.values[place]
    low, high = seen.reduce(np.minimum, seen.values), seen.reduce(np.maximum, seen.values)
    step = quantile_within(*_sorted_steps(seen), LEAP)
    into = np.abs(np.nan_to_num(seen.steps[place]))
    full = (value == high[owner]) & np.isin(value, FULL)
    return np.asarray(((value == low[owner]) | full) & (into <= step[owner]))


def _resets(seen: KnownValues) -> Bools:
    """Falls to nearly zero in series that otherwise never fall and rise in uneven steps (K,).

    A series that is back above the previous value within SHORT rows had failed readings, not a reset.
    """
    soon = np.minimum(np.arange(len(seen.values)) + SHORT, seen.starts[1:][seen.series] - 1)
    with np.errstate(invalid="ignore"):
        falls = seen.steps < 0
        before = seen.values - seen.steps
        reset = falls & (seen.values >= 0) & (seen.values <= NEAR_ZERO * before)
        reset &= seen.values[soon] < before
    no_other = seen.total(falls) == seen.total(reset)
    steps = np.where(falls, np.nan, seen.steps)
    few = seen.total(reset) <= np.maximum(1, RARE * seen.count)
    counts = no_other & few & (seen.count >= LEAST) & (seen.total(steps > 0) >= RISES * seen.total(reset))
    return np.asarray(reset & counts[seen.series])
