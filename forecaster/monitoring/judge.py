"""The judge: blocks of rows, each compared with forecasts from before it, one block after the other.

Time is cut into blocks of `stride` rows by the calendar, so that the same blocks come whatever is read when.
Each block is forecast from the rows before it, and from the rows before the block before it. Chances and the
memory of scores come from earlier blocks only. So a verdict depends on nothing at or after its row but the
rows of its block before it, and many runs raise the alarms that one run would raise.

S series, W rows of a block, Q levels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import Panel
from forecaster.features.seasonal_position import row_numbers
from forecaster.monitoring import alarms, scores
from forecaster.monitoring.alarms import Alarm
from forecaster.monitoring.runs import held_rows, run_alarms
from forecaster.monitoring.state import NEVER, State
from forecaster.monitoring.tails import Tail, discoveries, fit_tail, of_row, of_rows

WARM_UP, LEAST_WARM_UP, ALL_WARM_UP = 60, 8, 400
"""Blocks before the first judged row that show what is usual: of one series, of many, of all together."""
LEAST_PAST = 8
"""Rows of a series, and two blocks, that a forecast needs."""
FINEST = 1e-9
"""Steps below this part of the largest value are rounding."""
CUT = 2.0
SPIKES, SHIFTS = 0, 1
"""Places of the two tests."""


class Expected(NamedTuple):
    """What is expected of H steps after the last row of each series of a panel; NaN where nothing is."""

    table: Floats  # (Q, S, H) quantiles at `scores.LEVELS`, non-decreasing; not cut at what seems impossible
    shown: Floats  # (3, S, H) point forecast and 95 % interval, for people
    circle: Floats  # (S,) the size of the turn of directions; NaN: the series does not go round


Forecaster = Callable[[Panel, int], Expected]
"""Forecasts a panel so many steps ahead."""
Each = Callable[[Forecaster, Iterable[Panel], int, int], Iterator[Expected]]
"""Forecasts each of some panels, of which the last number says how many there are at most, in their order."""


def in_turn(forecaster: Forecaster, panels: Iterable[Panel], steps: int, count: int) -> Iterator[Expected]:
    """One panel after the other."""
    return (forecaster(panel, steps) for panel in panels)


@dataclass
class Verdict:
    """What a run of the judge found."""

    alarms: list[Alarm] = field(default_factory=list)
    judged: int = 0
    """Observed rows that were compared with a forecast."""
    unjudged: int = 0
    """Observed rows of series whose past is too short yet."""
    newly_read: int = 0
    """Rows with a value that are newer than those of the last run."""


@dataclass(frozen=True, eq=False)
class _Block:
    """The new rows of a block: column w of series s is row `row[s, w]` of the panel, −1: none."""

    number: int
    row: Ints  # (S, W)
    first: Ints  # (S,) the row of the panel that the newest forecasts begin with
    lead: Ints  # (S, W) steps after the newest origin
    newest: Expected  # at the times of the rows (…, S, W)
    before: Expected  # by the forecast before

    @property
    def there(self) -> Bools:
        return self.row >= 0


class Judge:
    """Judges the rows of a panel that a state has not seen, and brings the state up to date."""

    def __init__(
        self, panel: Panel, state: State, forecaster: Forecaster, chance: float, each: Each = in_turn
    ) -> None:
        self._panel, self._state = panel, state
        self._forecaster, self._each = forecaster, each
        self._chance = chance
        """Of a false alarm at a time step, in all series together."""
        self._number = row_numbers(panel, np.arange(len(panel.time)))
        self._block = self._number // state.stride
        self._owner = np.repeat(np.arange(len(panel)), panel.lengths)
        self._within = np.arange(len(panel.time)) - panel.offsets[self._owner]
        self._forecasts: dict[int, tuple[Expected, Ints]] = {}
        self._made: Iterator[tuple[int, Expected, Ints]] = iter(())
        self._resolution = resolution(panel)
        parts = [slice(*ends) for ends in zip(panel.offsets[:-1], panel.offsets[1:], strict=True)]
        self._held = np.concatenate([held_rows(panel.target[p], panel.target_observed[p]) for p in parts])

    def run(self) -> Verdict:
        """Judge all rows that are new. Alarms come in order of time, then of series."""
        panel, state, verdict = self._panel, self._state, Verdict()
        self._new = self._new_rows()
        values = panel.target_observed & self._new
        verdict.newly_read = int((values & (panel.time > state.begins[self._owner])).sum())
        verdict.alarms += run_alarms(panel, state)
        blocks = np.unique(self._block[self._new])
        self._made = self._all_forecasts(np.unique([blocks - 1, blocks]))
        for number in blocks:
            self._judge(self._block_of(int(number)), verdict)
        for series in np.unique(self._owner[self._new]):
            state.done[series] = panel.time[panel.offsets[series + 1] - 1]
        verdict.alarms.sort(key=lambda alarm: (alarm.time, alarm.series))
        return verdict

    def _new_rows(self) -> Bools:
        """Rows (N,) that the state has not seen: newer ones, and for a new series those to warm up on."""
        state, panel = self._state, self._panel
        count = min(max(ALL_WARM_UP // len(panel), LEAST_WARM_UP), WARM_UP) * state.stride
        begin = np.array(
            [
                np.searchsorted(panel.time[start:stop], begins, side="right")
                for start, stop, begins in zip(panel.offsets, panel.offsets[1:], state.begins, strict=False)
            ]
        )
        first = np.where(state.done == NEVER, np.maximum(begin // 2, begin - count), 0)
        return (panel.time > state.done[self._owner]) & (self._within >= first[self._owner])

    def _block_of(self, number: int) -> _Block:
        """The new rows of a block, with their forecasts."""
        rows = np.flatnonzero(self._new & (self._block == number))
        series = self._owner[rows]
        column = np.arange(len(rows)) - np.searchsorted(series, series)
        row = np.full((len(self._panel), int(column.max()) + 1), -1)
        row[series, column] = rows
        newest, origin = self._forecast(number)
        before, origin_before = self._forecast(number - 1)
        for old in [each for each in self._forecasts if each < number]:
            del self._forecasts[old]
        self._forecasts[number] = newest, origin
        step, earlier = (
            np.where(row >= 0, self._within[row] - each[:, None], 0) for each in (origin, origin_before)
        )
        first = self._panel.offsets[:-1] + origin
        lead = np.minimum(step + 1, 2 * self._state.stride)
        return _Block(number, row, first, lead, _at(newest, step), _at(before, earlier))

    def _forecast(self, number: int) -> tuple[Expected, Ints]:
        """What is expected from the rows before a block, and how many rows those are (S,)."""
        while number not in self._forecasts:
            made, expected, count = next(self._made)
            self._forecasts[made] = expected, count
        return self._forecasts[number]

    def _all_forecasts(self, numbers: Ints) -> Iterator[tuple[int, Expected, Ints]]:
        """What is expected from the rows before each of these blocks, in ascending order."""
        pasts: deque[tuple[int, Ints, Bools]] = deque()

        def panels() -> Iterator[Panel]:
            for number in numbers.tolist():
                past, count, some = self._past(number)
                pasts.append((number, count, some))
                if some.any():
                    yield past

        for result in self._each(self._forecaster, panels(), 2 * self._state.stride, len(numbers)):
            while not pasts[0][2].any():  # before it, blocks without a forecast
                yield self._placed(*pasts.popleft(), None)
            yield self._placed(*pasts.popleft(), result)
        for left in pasts:
            yield self._placed(*left, None)

    def _past(self, number: int) -> tuple[Panel, Ints, Bools]:
        """The rows before a block of series with enough of them; of all, how many, and whether they do."""
        panel = self._panel
        known = self._block < number
        count = np.add.reduceat(known, panel.offsets[:-1], dtype=np.int64)
        ready = count >= max(LEAST_PAST, 2 * self._state.stride)
        some = ready & np.logical_or.reduceat(known & panel.target_observed, panel.offsets[:-1])
        return panel.only(known & some[self._owner]) if some.any() else panel, count, some

    def _placed(
        self, number: int, count: Ints, some: Bools, result: Expected | None
    ) -> tuple[int, Expected, Ints]:
        """The forecasts of `some` series (S,) among all; NaN for the others."""
        shape = len(self._panel), 2 * self._state.stride
        parts = [np.full((len(scores.LEVELS), *shape), np.nan), np.full((3, *shape), np.nan)]
        circle = np.full(len(self._panel), np.nan)
        if result is not None:
            parts[0][:, some], parts[1][:, some], circle[some] = result
        return number, Expected(parts[0], parts[1], circle), count

    def _judge(self, block: _Block, verdict: Verdict) -> None:
        """Score the rows of a block, raise alarms, and add the rows to the state."""
        state, there = self._state, block.there
        time = np.where(there, self._panel.time[block.row], NEVER)
        value = np.where(
            there & self._panel.target_observed[block.row], self._panel.target[block.row], np.nan
        )
        least = self._resolution[np.maximum(block.first - 1, 0)]
        new, old = (
            scores.normal_scores(_beside(value, each), each.table, least)
            for each in (block.newest, block.before)
        )
        judged = np.isfinite(value) & (time > state.begins[:, None])
        tails, each = self._scored(block, time, value, new, old)
        ready = np.isfinite(new) & tails[SPIKES].is_known
        verdict.judged += int((judged & ready).sum())
        verdict.unjudged += int((judged & ~ready).sum())
        chances = [
            of_row(tail.of_block(score), state.stride) for tail, score in zip(tails, each, strict=True)
        ]
        chances = [np.where(judged, chance, 1.0) for chance in chances]
        held = there & self._held[block.row]
        unusual = self._discoveries(time, chances) & ~held
        quiet, began = np.ones(there.shape, np.bool_), np.zeros(there.shape, np.bool_)
        touched = unusual.any(axis=(0, 2)) | ((state.kind > 0) & there.any(axis=1))
        for series in np.flatnonzero(touched):
            columns = np.flatnonzero(there[series])
            numbers = self._number[block.row[series, columns]].tolist()
            found, *marks = alarms.follow(state, int(series), numbers, *unusual[:, series, columns])
            quiet[series, columns], began[series, columns] = marks
            for row, kind in found:
                verdict.alarms.append(self._alarm(block, int(series), int(columns[row]), kind, chances))
        most = of_rows(self._chance / (2 * len(self._panel)), state.stride)
        for test, (tail, score) in enumerate(zip(tails, each, strict=True)):
            self._add_maxima(
                block.number, test, _kept(np.abs(score), quiet & ~held, began, tail.size_of(most))
            )

    def _scored(
        self, block: _Block, time: Ints, value: Floats, new: Floats, old: Floats
    ) -> tuple[tuple[Tail, Tail], tuple[Floats, Floats]]:
        """Add the rows to the state; the tails known before the block, and the scores u and c (S, W)."""
        state = self._state
        width = time.shape[1]
        parts = (("time", time), ("block", np.full(time.shape, block.number)), ("lead", block.lead),
                 ("value", value), ("new", new), ("old", old))  # fmt: skip
        joined = {name: np.concatenate([getattr(state, name), part], axis=1) for name, part in parts}
        order = np.argsort(joined["time"] != NEVER, axis=1, kind="stable")  # rows that are there last
        joined = {name: np.take_along_axis(each, order, axis=1) for name, each in joined.items()}
        first = block.number - (state.time.shape[1] // state.stride - 2)  # all of it is kept at any row
        earlier = (joined["block"] >= first) & (joined["block"] < block.number)
        score = np.where(joined["time"] != NEVER, joined["new"], np.nan)
        phi = scores.fit_phi(np.where(earlier, score, np.nan), joined["lead"])
        w = scores.conditional(score, joined["lead"], phi)
        memory = scores.fit_memory(np.where(earlier, w, np.nan))
        place = np.cumsum(block.there, axis=1) - 1 - block.there.sum(axis=1, keepdims=True)
        u, c = scores.without_memory(w, memory), scores.levels(joined["old"][:, -width - scores.ROWS :])
        each = tuple(
            np.where(block.there, np.take_along_axis(s, place % s.shape[1], 1), np.nan) for s in (u, c)
        )
        for name, values in joined.items():
            getattr(state, name)[...] = values[:, width:]
        known = np.where((state.maxima_of < block.number)[..., None], state.maxima, np.nan)
        known[state.maxima_of[:, -1] != block.number, 0] = np.nan  # as many as when the block has begun
        return (fit_tail(known[..., SPIKES]), fit_tail(known[..., SHIFTS])), (each[0], each[1])

    def _discoveries(self, time: Ints, chances: list[Floats]) -> Bools:
        """Which rows are unusual by each test (2, S, W): at each time, over all series and both tests."""
        both = np.stack(chances)
        result = np.zeros(both.shape, np.bool_)
        places = np.argwhere(both <= self._chance)
        moments = time[places[:, 1], places[:, 2]]
        for moment in np.unique(moments):
            here = places[moments == moment]
            passed = discoveries(both[tuple(here.T)], self._chance, 2 * len(self._panel))
            result[tuple(here[passed].T)] = True
        return result

    def _alarm(
        self, block: _Block, series: int, column: int, kind: alarms.Kind, chances: list[Floats]
    ) -> Alarm:
        """The alarm that a row raises."""
        panel, state = self._panel, self._state
        row = int(block.row[series, column])
        name, time, value = panel.ids[series], int(panel.time[row]), float(panel.target[row])
        since, by = time, block.newest
        if kind == "shift":
            by = block.before
            place = int(np.flatnonzero(state.time[series] == time)[0])
            since = int(state.time[series, alarms.first_of_shift(state.old[series], place)])
        forecast, lower, upper = by.shown[:, series, column].tolist()
        chance = float(chances[SHIFTS if kind == "shift" else SPIKES][series, column])
        return Alarm(kind, name, time, since, value, forecast, lower, upper, chance)

    def _add_maxima(self, number: int, test: int, largest: Floats) -> None:
        """Add the largest |score| (S,) of some rows of a block; NaN where there is none."""
        state = self._state
        some = np.flatnonzero(np.isfinite(largest))
        new = some[state.maxima_of[some, -1] != number]
        state.maxima[new] = np.roll(state.maxima[new], -1, axis=1)
        state.maxima_of[new] = np.roll(state.maxima_of[new], -1, axis=1)
        state.maxima[new, -1], state.maxima_of[new, -1] = np.nan, number
        state.maxima[some, -1, test] = np.fmax(state.maxima[some, -1, test], largest[some])


def _at(expected: Expected, step: Ints) -> Expected:
    """What is expected at steps (S, W) from 0; NaN beyond the horizon."""
    inside = (step >= 0) & (step < expected.table.shape[2])

    def taken(values: Floats) -> Floats:
        return np.where(inside, np.take_along_axis(values, np.where(inside, step, 0)[None], axis=2), np.nan)

    return Expected(taken(expected.table), taken(expected.shown), expected.circle)


def _beside(value: Floats, expected: Expected) -> Floats:
    """The values (S, W); of directions the angle nearest to the median: 350 beside 10 is −10."""
    circle = expected.circle[:, None]
    turns = np.round((value - expected.table[scores.MEDIAN]) / circle)
    return np.where(np.isfinite(turns), value - circle * turns, value)


def _kept(size: Floats, quiet: Bools, began: Bools, most: Floats) -> Floats:
    """The largest |score| (S,) of rows (S, W) that show what is usual.

    That which began an alarm counts too, or the chance of such rows would seem smaller with every alarm; but
    no more than CUT times what is just an alarm, `most` (S,), or one fault would hide those to come.
    """
    size = np.where(began, np.minimum(size, CUT * most[:, None]), np.where(quiet, size, np.nan))
    known = np.isfinite(size)
    largest = np.where(known, size, 0.0).max(axis=1)
    return np.where(known.any(axis=1), largest, np.nan)


def resolution(panel: Panel) -> Floats:
    """Half the least step so far between two readings of a series (N,): finer, nothing can be told.

    Without a step, a billionth of the largest value so far.
    """
    result = np.empty(len(panel.time))
    for start, stop in zip(panel.offsets[:-1], panel.offsets[1:], strict=True):
        y = panel.target[start:stop][panel.target_observed[start:stop]]
        largest = np.maximum.accumulate(np.abs(y)) if len(y) else y
        step = np.abs(np.diff(y, prepend=y[:1]))
        least = np.minimum.accumulate(np.where(step > FINEST * largest, step, np.inf)) if len(y) else y
        each = np.where(np.isfinite(least), least / 2, FINEST * np.where(largest > 0, largest, 1.0))
        known = np.cumsum(panel.target_observed[start:stop])
        result[start:stop] = np.concatenate([[FINEST], each])[known]
    return result
