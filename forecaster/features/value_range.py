"""The possible values of each series: bounds, whole numbers, directions, counters, hours of a constant value.

Learned from the known rows only. Without evidence a series stays unbounded.

    lower 0     no value is below zero, and one of these: values pile up at zero; all are whole numbers that
                cannot be degrees; the values, mirrored about the median, would lie far below zero; some are
                near zero and others too large for a temperature; the series moves like a price
    upper 100   no value is below 0 or above 100, and values pile up at 100 or come near it again and again
    upper 1     the same for fractions; or only zeros and ones, so many that chance would have shown a two
    other       a sensor's least or greatest value, which many readings share that come and go, while values
                in between hardly ever repeat; below zero it may scatter a little, as at night
    counter     never falls, although its steps vary so much that it would have fallen by chance
    idle        a position of the season that always showed the series' resting value (night, closed day)
    circular    the values of directions: one turn, see `data.series.directions`

A temperature that happens to stay above zero meets none of these conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import Turns
from forecaster.data.rows.known_values import KnownValues, blocks_of_series, known_values
from forecaster.features.edges import saturated
from forecaster.features.price_like import before, moves_like_a_price

Kind = Literal["continuous", "count", "intermittent", "bounded", "circular", "price", "counter", "constant"]
KINDS: tuple[Kind, ...] = (
    "continuous",
    "count",
    "intermittent",
    "bounded",
    "circular",
    "price",
    "counter",
    "constant",
)

LEAST = 20
"""With fewer known values no bound is learned."""
PILED = {"lower": 0.05, "upper": 0.01}
"""Values pile up at a bound from this fraction of all values on, if OFTEN and STEEP hold too: a few zeros may
be missing readings."""
ZEROS = 2
"""Whole numbers that were zero this often, and never less, are counts, however few values there are."""
OFTEN = 3
STEEP = 3.0
"""Least ratio of the number of values at the bound to the number at the next value."""
MIRRORED = 2.0
"""Least distance from the median to the 99 % quantile, relative to that from zero to the median."""
TOO_HOT, NEAR_ZERO = 60.0, 0.1
"""A series that exceeds TOO_HOT and also falls to NEAR_ZERO of its maximum is not a temperature in °C."""
CALM, CALM_COUNT = 0.25, 50
"""Whole numbers may be degrees if the mean square of their steps is below this part of that of counts."""
NEAR, AWAY, VISITS = 0.97, 0.85, 5
"""A bound is learned where values rise from below AWAY to above NEAR of it VISITS times, never above it."""
SPARSE = 0.25
"""Demand is intermittent from this fraction of zeros on, idle positions not counted."""
CHANCE = 0.01
"""Largest probability that a learned pattern is chance."""
EXPECTED = 5.0
"""Events (falls, twos) that never occurred are ruled out if chance predicts this many: e^−5 = 0.7 %."""
RESTING = 0.25
"""Least fraction of all values at a resting value other than zero."""


@dataclass(frozen=True, eq=False)
class ValueRange:
    """The possible values of S series."""

    lower: Floats  # (S,) −inf: none
    upper: Floats  # (S,) inf: none
    integer: Bools  # (S,) whole numbers only
    circle: Floats  # (S,) the size of the turn from lower to upper; NaN: values do not wrap around
    rising: Bools  # (S,) never falls
    idle: Bools  # (S, m) positions of the season that always show `resting`
    resting: Floats  # (S,)
    last: Floats  # (S,) the newest known value, below which a counter cannot fall; NaN without any
    kind: NDArray[np.int8]  # (S,) index into KINDS


@np.errstate(over="ignore", invalid="ignore")  # absurd values may overflow: then nothing is learned
def learn_range(
    values: Floats,
    observed: Bools,
    offsets: Ints,
    known: Ints,
    *,
    season: int = 1,
    phase: Ints | None = None,
    power: Floats | None = None,
    first: Ints | None = None,
    left_out: Bools | None = None,
    turns: Turns | None = None,
    signed: Bools | None = None,
) -> ValueRange:
    """The range of each series from rows first[s] … known[s]−1, without those `left_out` (N,).

    `phase` (N,): the position in the season of each row, on the local clock; None: counted from each
    series' first row. `power` (S,): the scale of each series (`choose_powers`). Series in units are not
    prices; None: no series is a price. `turns`: the series that go round, with unwrapped values or not.
    `signed` (S,): series whose names say that they may fall below zero; None: none.
    """
    low, size = Turns(*np.full((2, len(known)), np.nan)) if turns is None else turns
    signed = np.zeros(len(known), np.bool_) if signed is None else signed
    ranges = []
    for part, span in blocks_of_series(offsets):
        start = offsets[part.start : part.stop + 1]
        seen = known_values(
            values[span],
            observed[span],
            start,
            known[part],
            first=None if first is None else first[part],
            left_out=None if left_out is None else left_out[span],
        )
        row = seen.row if phase is None else phase[(start[seen.series] + seen.row)]
        turn = Turns(low[part], size[part])
        scale = None if power is None else power[part]
        ranges.append(_range(seen, row % season, season, scale, turn, signed[part]))
    columns = zip(*([getattr(each, field.name) for field in fields(each)] for each in ranges), strict=True)
    return ValueRange(*(np.concatenate(parts) for parts in columns))


def _range(
    seen: KnownValues, place: Ints, season: int, power: Floats | None, turn: Turns, signed: Bools
) -> ValueRange:
    """`learn_range` for some neighbouring series; `place` (K,): each value's position in the season."""
    least, most = seen.reduce(np.minimum, seen.values), seen.reduce(np.maximum, seen.values)
    whole = seen.reduce(np.logical_and, seen.values == np.floor(seen.values), 0.0) > 0
    idle, resting = _idle(seen, place, season)
    circular = np.isfinite(turn.size)
    idle &= ~circular[:, None]
    rising = _never_falls(seen) & ~circular
    price = moves_like_a_price(seen, least, season) & (False if power is None else power < 1)
    counts = whole & (least >= 0) & ~signed & ~_may_be_degrees(seen, most)
    at_zero = (_has_lower_zero(seen, least, most, whole & ~signed) | counts | price) & ~circular
    upper = _upper(seen, least, most, whole, ~circular)
    lower = np.where(at_zero | np.isfinite(upper), 0.0, -np.inf)
    zero = (seen.values == 0) & ~idle[seen.series, place]
    sparse = seen.total(zero) >= SPARSE * seen.total(~idle[seen.series, place])
    sparse &= at_zero & ~np.isfinite(upper)
    floor, cap = (edge & ~price for edge in saturated(seen))
    lower = np.where(floor, least, lower)
    upper = np.where(cap & ~sparse & np.isinf(upper), most, upper)
    kinds = {
        "price": price,
        "count": whole & at_zero,
        "bounded": np.isfinite(upper),
        "intermittent": sparse,
        "counter": rising,
        "circular": circular,
        "constant": (least == most) | (seen.count == 0),
    }
    kind = np.zeros(len(least), np.int8)
    for name, those in kinds.items():  # later kinds take precedence
        kind[those] = KINDS.index(name)
    return ValueRange(
        lower=np.where(circular, turn.low, lower),
        upper=np.where(circular, turn.low + turn.size, upper),
        integer=whole & (least < most),
        circle=turn.size,
        rising=rising,
        idle=idle,
        resting=resting,
        last=_last(seen),
        kind=kind,
    )


def with_options(
    learned: ValueRange,
    *,
    lower: float | None = None,
    upper: float | None = None,
    integer: bool | None = None,
    circular: float | None = None,
) -> ValueRange:
    """The range with the user's limits for all series; None keeps the learned ones."""
    count = len(learned.lower)
    limits: dict[str, Any] = {"lower": lower, "upper": upper, "integer": integer}
    changes = {name: np.full(count, value) for name, value in limits.items() if value is not None}
    if circular is not None:
        low = np.where(learned.circle == circular, learned.lower, 0.0)  # 0, or −180
        changes |= {
            "lower": low,
            "upper": low + circular,
            "circle": np.full(count, circular),
            "rising": np.zeros(count, np.bool_),
            "kind": np.full(count, KINDS.index("circular"), np.int8),
        }
    return replace(learned, **changes)


def chosen(which: Bools, one: ValueRange, other: ValueRange) -> ValueRange:
    """The ranges of `one` for the series `which` (S,), else those of the other."""
    if not which.any():
        return other
    changes = {}
    for each in fields(ValueRange):
        first, second = getattr(one, each.name), getattr(other, each.name)
        changes[each.name] = np.where(which.reshape(-1, *(1,) * (first.ndim - 1)), first, second)
    return replace(other, **changes)


def _has_lower_zero(seen: KnownValues, least: Floats, most: Floats, whole: Bools) -> Bools:
    """Series whose values show that they cannot fall below zero (S,)."""
    middle, high = seen.quantile(0.5), seen.quantile(0.99)
    mirrored = (high - middle > MIRRORED * middle) & (seen.count >= 2 * LEAST)
    zeros = seen.total(seen.values == 0)
    counts = whole & (least == 0) & ((most - middle > 1.2 * middle) | (zeros >= ZEROS))
    piled = (least == 0) & _piled(seen, least, PILED["lower"])
    amounts = (most > TOO_HOT) & (least <= NEAR_ZERO * most)
    shown = (seen.count >= LEAST) & (mirrored | counts | piled | amounts)
    return np.asarray((least >= 0) & (shown | (counts & (zeros >= ZEROS))))


def _may_be_degrees(seen: KnownValues, most: Floats) -> Bools:
    """Whole numbers that may be temperatures (S,): none is too hot, and they change less than counts would.

    Independent counts with a mean μ have steps whose mean square is at least 2 μ (Poisson).
    """
    steps = np.nan_to_num(seen.steps)
    calm = seen.total(steps * steps) < CALM * 2 * seen.total(seen.values)
    return np.asarray((most <= TOO_HOT) & (seen.count >= CALM_COUNT) & calm)


def _upper(seen: KnownValues, least: Floats, most: Floats, whole: Bools, allowed: Bools) -> Floats:
    """The upper bound of each series: 1, 100 or infinity (S,)."""
    upper = np.full(len(least), np.inf)
    upper[_reaches(seen, least, most, 1.0) & allowed & ~whole] = 1.0
    upper[_reaches(seen, least, most, 100.0) & allowed] = 100.0
    ones = seen.total(seen.values == 1)
    twos = ones * ones / np.maximum(2 * seen.count, 1)  # expected of a Poisson count with this mean
    upper[whole & (least == 0) & (most == 1) & (twos >= EXPECTED)] = 1.0
    return upper


def _piled(seen: KnownValues, bound: Floats, part: float) -> Bools:
    """Series with many more values at a bound (S,), which is their least or most, than next to it (S,)."""
    away = np.abs(seen.values - bound[seen.series])
    at = away == 0
    next_to = seen.reduce(np.minimum, np.where(at, np.inf, away), np.inf)
    beside = seen.total(away == next_to[seen.series])
    times = seen.total(at)
    return np.asarray((times >= np.maximum(OFTEN, part * seen.count)) & (times >= STEEP * beside))


def _reaches(seen: KnownValues, least: Floats, most: Floats, bound: float) -> Bools:
    """Series within 0 … bound whose values show that it is a bound (S,)."""
    inside = (least >= 0) & (most <= bound) & (most > NEAR * bound) & (least < AWAY * bound)
    inside &= seen.count >= LEAST
    if not inside.any():
        return inside
    at_bound = _piled(seen, np.full(len(least), bound), PILED["upper"]) & (most == bound)
    near = seen.values >= NEAR * bound
    marked = (near | (seen.values < AWAY * bound)) & inside[seen.series]
    marks, owner = near[marked], seen.series[marked]
    arrives = marks[1:] & ~marks[:-1] & (owner[1:] == owner[:-1])
    visits = np.bincount(owner[1:][arrives], minlength=len(least))
    return np.asarray(inside & (at_bound | (visits >= VISITS)))


def _never_falls(seen: KnownValues) -> Bools:
    """Series that never fall, although falls were expected by chance (S,).

    Of n normal steps with mean μ and deviation σ, n·Φ(−μ/σ) fall by chance; steps with autocorrelation ρ
    count as n·(1 − ρ)/(1 + ρ). So a steady trend is not a counter; its forecast rises without a rule.
    """
    steps = seen.steps
    count = np.maximum(seen.count - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        falls = seen.total(steps < 0)
        mean = seen.total(steps) / count
        away = np.nan_to_num(steps - mean[seen.series])
        square = seen.total(away * away)
        follow = seen.total(away * before(seen, away, 1)) / square
        ratio = mean / np.sqrt(square / count)
    effective = count * np.clip((1 - follow) / (1 + follow), 0.0, 1.0)
    chance = np.nan_to_num(effective * _normal_tail(np.nan_to_num(ratio)))
    return np.asarray((falls == 0) & (mean > 0) & (seen.count > LEAST) & (chance >= EXPECTED))


def _normal_tail(x: Floats) -> Floats:
    """1 − Φ(x) for x ≥ 0, to a few per mille (Abramowitz & Stegun 1964, 26.2.16)."""
    t = 1 / (1 + 0.33267 * np.abs(x))
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return np.asarray(density * t * (0.4361836 + t * (-0.1201676 + t * 0.937298)))


def _last(seen: KnownValues) -> Floats:
    """The newest value of each series (S,); NaN without any."""
    last = np.full(len(seen.count), np.nan)
    filled = seen.count > 0
    last[filled] = seen.values[seen.starts[1:][filled] - 1]
    return last


def _idle(seen: KnownValues, place: Ints, season: int) -> tuple[Bools, Floats]:
    """Positions (S, m) that always show the resting value (S,): the smallest constant value of any position.

    A resting value is zero, or has at least RESTING of all rows.

    Let q be the fraction of the resting value among the rows of all other positions. The k rows of a position
    all show it by chance with probability q^k, those of any of m positions with at most m·q^k. That must be
    below CHANCE. Demand that is zero on most days has a high q and no idle position.
    """
    count = len(seen.count)
    if season == 1:
        return np.zeros((count, 1), np.bool_), np.full(count, np.nan)
    cell = seen.series * season + place
    low, high = np.full(count * season, np.inf), np.full(count * season, -np.inf)
    np.minimum.at(low, cell, seen.values)
    np.maximum.at(high, cell, seen.values)
    rows = np.bincount(cell, minlength=count * season).reshape(count, season)
    same = np.where(low == high, low, np.inf).reshape(count, season)
    resting = same.min(axis=1)
    candidate = (same == resting[:, None]) & np.isfinite(resting)[:, None]
    at_rest = seen.total(seen.values == resting[seen.series])
    candidate &= ((resting == 0) | (at_rest >= RESTING * seen.count))[:, None]
    other = ~candidate[seen.series, place]
    rests = np.bincount(seen.series[other], seen.values[other] == resting[seen.series[other]], count)
    part = (rests + 1) / (np.bincount(seen.series[other], minlength=count) + 2)
    idle = candidate & (season * part[:, None] ** rows < CHANCE) & ~candidate.all(axis=1)[:, None]
    return idle, np.where(idle.any(axis=1), resting, np.nan)
