"""Values that no healthy source reports: sentinels, dropouts, impossible spikes, stuck sensors, resets.

Every test compares a series with its own known values and requires a wide margin, because true extremes (a
holiday, a crash, a storm) must be kept:

    sentinel   a number that devices report for "no reading", far from all other values of the series
    dropout    zero for a few rows in a series that otherwise changes by small ratios
    spike      up to three adjacent rows far outside all other values, see `spikes`
    stuck      a run of equal readings many times longer than any other run of the series
    reset      a counter that otherwise never falls starts again near zero
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.rows.known_values import (
    KnownValues,
    blocks_of_series,
    known_values,
    quantile_within,
    run_starts,
    sorted_within,
)
from forecaster.data.series.differences import newest_resets, settled_resets
from forecaster.data.series.spikes import LEAST, RARE, absurd, neighbours, spikes

Code = Literal["sentinel", "dropout", "spike", "stuck", "reset"]
CODES: tuple[Code, ...] = ("sentinel", "dropout", "spike", "stuck", "reset")

NEGATIVE = (-1, -99, -127, -128, -999, -999.9, -9999, -99999, -32768)
POSITIVE = (85, 99, 255, 999, 999.9, 4095, 9999, 99999, 32767, 65535)
SENTINELS = np.array(NEGATIVE + POSITIVE)
"""What files and devices write for "no reading": −127 and 85 are a DS18B20's, 255 … 65535 full words."""
FREQUENT = 0.2
"""Largest fraction of sentinels in a series."""
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
CALM = 3.0
"""Dropouts need a series whose other values never change by this factor between neighbours …"""
HIGH = 0.3
"""… and neighbours of at least this fraction of the median."""
LONGER = 5.0
"""Least ratio of the length of a stuck run to the next longest run of equal readings."""
STUCK = 12
"""Least rows of a stuck run."""
FULL = (1.0, 100.0)
"""Values at which a battery, a share or a humidity may rest."""
LEAP = 0.95
"""A step above this quantile of all steps of its series is a leap."""


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
    """Index into CODES of each value (K,), −1 for most. Each test sees the values without a code so far.

    A counter that counts on after a fall has no spikes; what has just fallen may be one.
    """
    code = np.full(len(seen.values), -1, np.int8)
    tests: tuple[tuple[Code, Callable[[KnownValues], Bools]], ...] = (
        ("spike", absurd), ("sentinel", _sentinels), ("dropout", _dropouts), ("reset", settled_resets),
        ("spike", spikes), ("stuck", _stuck), ("reset", newest_resets),
    )  # fmt: skip
    for name, test in tests:
        asked = code < 0
        if test in (spikes, settled_resets, newest_resets):
            asked &= seen.total(code == CODES.index("reset"))[seen.series] == 0
        code[np.flatnonzero(asked)[test(seen.only(asked))]] = CODES.index(name)
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
    before, after = neighbours(seen, here)
    with np.errstate(invalid="ignore"):
        high = np.fmin(before, after) >= HIGH * rest.quantile(0.5)[seen.series]
    return np.asarray(here & calm[seen.series] & ~np.isnan(before) & high)


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
