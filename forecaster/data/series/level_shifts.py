"""Lasting changes of level: a moved sensor, a changed unit, a lost factor, a new regime.

    b        a median over a block of k rows; blocks are counted from the row c of the possible shift
    D        |b after c − b before c|
    M        the usual moves by trend, season and wandering: the largest |b − next b| before c, FEW_BLOCKS
             times their root mean square, or the mean step between rows, whichever is largest
    jump     |median of the 3 rows from c − median of the 3 rows before c|: a shift is sudden

There is a shift at c where D ≥ APART·M, the jump is at least MOST of D and ALONE times any earlier jump, and
each block is on its own side of the middle between both levels. A random walk, a crash in line with the moves
before it, a trend, a season or a daily load step fails one of these. Positive series must pass in
logarithms and in units: either alone would take the noisy end of the range for a shift. Where they wander
like prices, D must be a factor of at least TWOFOLD, because shares do lose a third in a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.rows.known_values import (
    KnownValues,
    blocks_of_series,
    known_values,
    quantile_within,
    sorted_within,
)

APART = 3.0
FEW_BLOCKS = 2.0
TWOFOLD = 2.0
WANDERING = 0.35
"""A series wanders from this fraction of the moves of a random walk's blocks on, √(2k/3) steps."""
ALONE = 2.0
MOST = 0.6
"""Least fraction of D that the jump makes up."""
LEAST_AFTER = 6
"""Least observed rows of the new level: fewer may be an outage."""
FACTOR = 4.0
"""Ratio of the levels from which LEAST_AFTER rows are enough; smaller changes must last for one season."""
LONGEST_BLOCK = 20
"""Rows of a block, or one season where that is longer."""
LEAST_BLOCKS = 4
"""Least blocks before the shift, to estimate the usual moves."""
NOTHING = 1e-9
"""Changes of less than this fraction of the largest value are rounding."""
LEAST_SEASONS = 4
"""With fewer seasons the season is not removed."""
LONE, LEAST_STEPS = 5.0, 20
"""Ratio of a jump that happened once to the largest other step, and the values needed to say so."""
MOST_SHIFTS = 3
"""Most shifts of one series: the largest first, then the largest among newer rows."""


class LevelShifts(NamedTuple):
    """Lasting changes of level, in order of series and row."""

    series: Ints  # (F,)
    row: Ints  # (F,) the first row of the new level, counted from the series' first
    before: Floats  # (F,) median of the block before
    after: Floats  # (F,) median of the block after
    is_ratio: Bools  # (F,) the spread changed with the level: older values are divided, else moved

    def only(self, chosen: Bools) -> LevelShifts:
        """Only the chosen (F,) shifts."""
        return LevelShifts(
            self.series[chosen],
            self.row[chosen],
            self.before[chosen],
            self.after[chosen],
            self.is_ratio[chosen],
        )

    def joined(self, others: LevelShifts) -> LevelShifts:
        """These and others, in order."""
        order = np.lexsort(
            (np.concatenate([self.row, others.row]), np.concatenate([self.series, others.series]))
        )
        series, row, before, after, ratio = (
            np.concatenate(pair)[order] for pair in zip(self, others, strict=True)
        )
        return LevelShifts(series, row, before, after, ratio > 0)

    def since(self, count: int) -> Ints:
        """The row at which the present level of each of `count` series begins (S,); 0 without a shift."""
        first = np.zeros(count, np.int64)
        np.maximum.at(first, self.series, self.row)
        return first


@np.errstate(over="ignore", invalid="ignore")  # absurd values may overflow: then nothing is learned
def level_shifts(
    values: Floats,
    observed: Bools,
    offsets: Ints,
    known: Ints,
    *,
    season: int = 1,
    left_out: Bools | None = None,
) -> LevelShifts:
    """The shifts among rows 0 … known[s]−1 of each series; later rows are never read.

    `values`, `observed` (N,): row i of series s lies at offsets[s] + i. `left_out` (N,): suspicious values,
    which are not part of a level.
    """
    columns = []
    for part, span in blocks_of_series(offsets):
        start = offsets[part.start : part.stop + 1]
        out = None if left_out is None else left_out[span]
        seen = known_values(values[span], observed[span], start, known[part], left_out=out)
        columns += [(series + part.start, *rest) for series, *rest in _shifts(seen, season)]
    if not columns:
        none = np.empty(0)
        return LevelShifts(none.astype(np.int64), none.astype(np.int64), none, none, none.astype(np.bool_))
    series, row, before, after, ratio = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    order = np.lexsort((row, series))
    return LevelShifts(series[order], row[order], before[order], after[order], ratio[order] > 0)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # absurd values may overflow
def lone_jumps(values: Floats, observed: Bools, offsets: Ints, known: Ints, log: Bools) -> LevelShifts:
    """The step of each series that is LONE times as large as any other, however few rows follow it.

    It happened once, and says nothing about the size of errors. In positive series it must stand out in
    logarithms, too. `log` (S,): series whose older rows are to be divided, not moved.
    """
    seen = known_values(values, observed, offsets, known)
    positive = seen.reduce(np.minimum, seen.values, 0.0) > 0
    size = np.abs(seen.steps)
    place = _place_of_largest(seen, size)
    lone = (seen.count >= LEAST_STEPS) & _stands_out(seen, size, place)
    if lone.any():
        ratio = np.abs(np.log(seen.values / (seen.values - seen.steps)))
        lone &= ~positive | _stands_out(seen, ratio, place)
    series = np.flatnonzero(lone)
    place = place[series]
    after = seen.values[place]
    return LevelShifts(series, seen.row[place], after - seen.steps[place], after, (log & positive)[series])


def _stands_out(seen: KnownValues, size: Floats, place: Ints) -> Bools:
    """Whether the size (K,) at the place is LONE times as large as any other of its series (S,)."""
    others = np.nan_to_num(size, nan=0.0)
    here = np.zeros(len(place))
    some = seen.count > 0
    here[some] = others[place[some]]
    others[place[some]] = 0.0
    largest = seen.reduce(np.maximum, others, 0.0)
    return np.asarray((largest > 0) & (here >= LONE * largest))


def _shifts(seen: KnownValues, season: int) -> Iterator[tuple[Ints, Ints, Floats, Floats, Bools]]:
    """The columns of LevelShifts: the largest shift of each series that has any, then those in newer rows."""
    positive = seen.reduce(np.minimum, seen.values, 0.0) > 0
    units = _without_season(seen, seen.values, season)
    inside = positive[seen.series]
    logs = _without_season(seen, np.log(seen.values, where=inside, out=np.zeros(len(inside))), season)
    for _ in range(MOST_SHIFTS):
        place = _largest_jump(units)
        passed, before, after = _passes(units, logs, positive, place, season)
        hits = np.flatnonzero(passed)
        if not len(hits):
            return
        ratio = _spread_changed(
            seen, place, before, after
        )  # in units: the rest of a season would add to small steps
        yield hits, units.row[place[hits]], before[hits], after[hits], ratio[hits]
        newer = passed[units.series] & (np.arange(len(units.values)) >= place[units.series])
        seen, units, logs = seen.only(newer), units.only(newer), logs.only(newer)


def _without_season(seen: KnownValues, values: Floats, season: int) -> KnownValues:
    """The values (K,) minus a seasonal index: the median of the position in the season minus the mean median.

    Series of less than LEAST_SEASONS seasons stay as they are.
    """
    long = seen.count >= LEAST_SEASONS * season
    if season == 1 or not long.any():
        return KnownValues(values, seen.row, seen.starts)
    inside = np.flatnonzero(long[seen.series])
    position = seen.series[inside] * season + seen.row[inside] % season
    order = np.argsort(position, kind="stable")
    counts = np.bincount(position, minlength=len(long) * season)
    starts = np.concatenate([[0], np.cumsum(counts)])
    median = quantile_within(sorted_within(values[inside[order]], starts), starts, 0.5).reshape(-1, season)
    index = np.nan_to_num(median - np.nanmean(np.where(long[:, None], median, 0.0), axis=1)[:, None])
    adjusted = values.copy()
    adjusted[inside] -= index[seen.series[inside], seen.row[inside] % season]
    return KnownValues(adjusted, seen.row, seen.starts)


def spliced(values: Floats, offsets: Ints, shifts: LevelShifts) -> Floats:
    """The values (N,), with rows before each shift brought to the level after it.

    Seasons and usual moves of the older rows stay usable, and no window contains the step.
    """
    result = values.copy()
    for series, row, before, after, ratio in zip(*shifts, strict=True):  # few
        older = result[offsets[series] : offsets[series] + row]
        older[:] = older * (after / before) if ratio else older + (after - before)
    return result


def _largest_jump(seen: KnownValues) -> Ints:
    """The place (S,) of the largest jump of each series; its first place without a jump."""
    last = max(len(seen.values) - 1, 0)
    place = _place_of_largest(seen, _jumps(seen))
    step = np.abs(seen.steps)  # a jump of medians is as large one row earlier and one later
    around = np.clip(place[:, None] + np.arange(-1, 2), seen.starts[:-1, None], seen.starts[1:, None] - 1)
    around = np.clip(around, 0, last)
    if not len(step):
        return place
    nearest = np.argmax(np.nan_to_num(step[around], nan=-1.0), axis=1)
    return np.asarray(around[np.arange(len(place)), nearest])


def _place_of_largest(seen: KnownValues, items: Floats) -> Ints:
    """Where the largest item (K,) of each series is (S,), the first of several; NaN is ignored."""
    items = np.nan_to_num(items, nan=-1.0)
    largest = seen.reduce(np.maximum, items, 0.0)
    places = np.flatnonzero(items == largest[seen.series])
    place = np.minimum(seen.starts[:-1], max(len(items) - 1, 0))
    place[seen.series[places[::-1]]] = places[::-1]
    return place


def _jumps(seen: KnownValues) -> Floats:
    """|median of the 3 values from each on − median of the 3 before it| (K,); NaN near either end."""
    x = seen.values
    jump = np.full(len(x), np.nan)
    if len(x) >= 6:
        first, second, third = x[:-2], x[1:-1], x[2:]
        low, high = np.minimum(first, second), np.maximum(first, second)
        median = np.maximum(low, np.minimum(high, third))  # (K-2,) of 3 values, by the first
        jump[3:-2] = np.abs(median[3:] - median[:-3])
    position = np.arange(len(x)) - seen.starts[seen.series]
    jump[(position < 3) | (position + 3 > seen.count[seen.series])] = np.nan
    return jump


def _passes(
    units: KnownValues, logs: KnownValues, positive: Bools, place: Ints, season: int
) -> tuple[Bools, Floats, Floats]:
    """Whether the value at `place` (S,) begins a new level, and the levels before and after (S,)."""
    before_count = place - units.starts[:-1]
    after_count = units.starts[1:] - place
    size = np.clip(after_count, 1, max(LONGEST_BLOCK, season))
    enough = (after_count >= LEAST_AFTER) & (before_count >= LEAST_BLOCKS * size) & (units.count > 0)
    used = enough[units.series]
    units, logs = units.only(used), logs.only(used)
    place = units.starts[:-1] + before_count * enough
    passed, before, after = _tested(units, place, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        passed &= (after_count >= season) | (np.abs(np.log(after / before)) >= np.log(FACTOR))
    in_logs, low, high = _tested(logs, place, size)
    in_logs &= ~_wanders(logs, place, size) | (np.abs(high - low) >= np.log(TWOFOLD))
    passed &= enough & (~positive | in_logs)
    return passed, before, after


def _tested(seen: KnownValues, place: Ints, size: Ints) -> tuple[Bools, Floats, Floats]:
    """`_passes` in the scale of the values."""
    median, side, owner = _block_medians(seen, place, size)
    before, after = (_pick(median, owner, side == number, len(size)) for number in (-1, 0))
    change = np.abs(after - before)
    direction = np.sign(after - before)[owner]
    moves = np.abs(np.diff(median, prepend=np.nan))
    elsewhere = np.concatenate([[False], owner[1:] == owner[:-1]])[: len(owner)] & (side < 0)
    usual, spread = _usual_moves(moves[elsewhere], owner[elsewhere], len(size))
    middle = ((before + after) / 2)[owner]
    own_side = np.where(side < 0, direction * (middle - median), direction * (median - middle)) > 0
    lasts = np.bincount(owner, weights=~own_side, minlength=len(size)) == 0
    jump, other = _jump_and_others(seen, place)
    tiny = NOTHING * seen.reduce(np.maximum, np.abs(seen.values), 0.0)
    with np.errstate(invalid="ignore"):
        passed = (change > tiny) & lasts
        passed &= change >= APART * np.maximum.reduce([usual, FEW_BLOCKS * spread, _mean_step(seen, place)])
        passed &= (jump >= MOST * change) & (jump >= ALONE * other)
    return passed, before, after


def _usual_moves(moves: Floats, owner: Ints, count: int) -> tuple[Floats, Floats]:
    """The largest and the root mean square of some moves of each series (S,), (S,)."""
    largest = np.zeros(count)
    np.maximum.at(largest, owner, moves)
    number = np.maximum(np.bincount(owner, minlength=count), 1)
    return largest, np.sqrt(np.bincount(owner, moves * moves, count) / number)


def _mean_step(seen: KnownValues, place: Ints) -> Floats:
    """Mean |step| of the values before the place (S,)."""
    earlier = np.arange(len(seen.values)) < place[seen.series]
    return np.asarray(
        seen.total(np.where(earlier, np.abs(seen.steps), 0.0)) / np.maximum(seen.total(earlier), 1)
    )


def _wanders(seen: KnownValues, place: Ints, size: Ints) -> Bools:
    """Whether the blocks before the place differ as a random walk's do, relative to the usual step (S,)."""
    median, side, owner = _block_medians(seen, place, size)
    same = (owner[1:] == owner[:-1]) & (side[1:] < 0)
    moves, owner = np.abs(np.diff(median))[same], owner[1:][same]
    _, spread = _usual_moves(moves, owner, len(size))
    steps = np.abs(np.nan_to_num(seen.steps))
    steps[place[seen.starts[:-1] < seen.starts[1:]]] = 0.0
    step = np.sqrt(seen.total(steps * steps) / np.maximum(seen.count - 2, 1))
    return np.asarray(spread > WANDERING * np.sqrt(2 * size / 3) * step)


def _block_medians(seen: KnownValues, place: Ints, size: Ints) -> tuple[Floats, Ints, Ints]:
    """Medians of blocks, their number counted from the place (0: the one that begins there), their series.

    Blocks at the ends of a series that are less than half full are left out.
    """
    number = (np.arange(len(seen.values)) - place[seen.series]) // size[seen.series]
    begins = np.flatnonzero((np.diff(number, prepend=0) != 0) | (np.diff(seen.series, prepend=-1) != 0))
    starts = np.append(begins, len(number))
    median = quantile_within(sorted_within(seen.values, starts), starts, 0.5)
    owner, number = seen.series[begins], number[begins]
    full = np.diff(starts) >= size[owner] / 2
    return median[full], number[full], owner[full]


def _pick(median: Floats, owner: Ints, chosen: Bools, count: int) -> Floats:
    picked = np.full(count, np.nan)
    picked[owner[chosen]] = median[chosen]
    return picked


def _jump_and_others(seen: KnownValues, place: Ints) -> tuple[Floats, Floats]:
    """The jump at the place (S,), and the largest earlier one that shares no value with it."""
    jump = _jumps(seen)
    away = np.arange(len(jump)) < place[seen.series] - 5
    other = seen.reduce(np.fmax, np.where(away, jump, np.nan), np.nan)
    here = jump[np.minimum(place, max(len(jump) - 1, 0))] if len(jump) else np.full(len(place), np.nan)
    return here, other


def _spread_changed(seen: KnownValues, place: Ints, before: Floats, after: Floats) -> Bools:
    """Whether the change of the usual step is nearer to the ratio of the levels than to no change (S,)."""
    later = np.arange(len(seen.values)) >= place[seen.series]
    there = ~np.isnan(seen.steps) & (np.arange(len(seen.values)) != place[seen.series])
    usual = []
    for side in (later, ~later):
        steps = np.where(there & side, np.abs(seen.steps), 0.0)
        usual.append(seen.total(steps) / np.maximum(seen.total(there & side), 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        level, spread = np.log(after / before), np.log(usual[0] / usual[1])
        return np.asarray(np.abs(spread - level) < np.abs(spread))
