"""The frequency of rows: each series votes with its commonest step, and all rows must lie on that grid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.clock import DAY, weekday_of
from forecaster.data.calendar.frequency import Frequency, frequency, step_of
from forecaster.data.calendar.holidays import CHANCE
from forecaster.data.calendar.opening_hours import ODD, RARE, is_odd
from forecaster.data.calendar.sessions import WEEK, Sessions
from forecaster.data.calendar.steps import BusinessDays, Fixed, HalfMonths, Months, Step
from forecaster.data.rows.blockwise import only_step
from forecaster.errors import DataError

ROUND_STEPS = ("ms", "10ms", "100ms", "s", "2s", "5s", "10s", "15s", "30s", "min", "2min", "5min", "10min",
               "15min", "30min", "h", "2h", "3h", "6h", "12h", "D", "W", "4W")  # fmt: skip
SOME = 0.05  # share of rows that are one step of the grid apart, at least: others come at no step
MOST_GAPS = 20  # rows of a grid for each that is there, for a grid to be suggested
USUAL = 0.75  # share of the weeks whose row lies on the usual day
SHORT = 4  # days from Monday to Friday
UNLIKE = 0.05  # share of all steps, up to which the commonest one is there by chance
CANDIDATES: tuple[Step, ...] = (
    Fixed(1), Months(), Months(at_end=True), BusinessDays(), Months(on_weekday=True),
    Months(at_end=True, on_weekday=True), HalfMonths(), HalfMonths(at_end=True),
    Months(day=29), Months(day=30),
)  # fmt: skip
"""Of any size. If two have as many votes, the earlier one wins."""
BY_HALF_MONTH, BY_MONTH = (6, 7), (8, 9, 4, 5, 1, 2)
"""Places in CANDIDATES. If a series fits several, it votes for the last one."""


@dataclass(frozen=True)
class Votes:
    """The commonest step of each series (S,)."""

    kind: Ints  # index into CANDIDATES
    size: Ints  # ns, months, or 1
    share: Floats  # of the series' steps
    rows: Ints


def infer_frequency(time: Ints, offsets: Ints) -> Frequency:
    """The frequency of most series; `time` (N,) local ns, increasing within each series of `offsets` (S+1,).

    Raises DataError if no single step makes up more than half of all steps.
    """
    votes = _votes(time, offsets)
    least = 3 if (votes.rows >= 3).any() else 2
    voters = np.flatnonzero(votes.rows >= least)
    if not len(voters):
        raise DataError(
            "no series has two rows, so the frequency is unknown", hint="Give longer series, or --freq."
        )
    ballot = Counter(zip(votes.kind[voters].tolist(), votes.size[voters].tolist(), strict=True))
    kind, size = min(ballot, key=lambda key: (-ballot[key], key))
    agree = voters[(votes.kind[voters] == kind) & (votes.size[voters] == size)]
    step = _sized(CANDIDATES[kind], size)
    mask = _weekdays(step, time, offsets)
    if mask is not None:
        return frequency(mask.alias(0))
    share = float(np.median(votes.share[agree]))
    if share <= 0.5:
        commonest = f"the commonest step, {step.alias(int(time[0]))}, is {share:.0%} of all"
        raise DataError(
            "rows come at irregular times: "
            + (commonest if share > UNLIKE else "hardly any two steps between them are the same"),
            hint=f"{_with_gaps(time, offsets)}Name the step of a grid to put them on, such as "
            f"--every {round_step(time, offsets)}.",
        )
    if isinstance(step, Fixed) and step.size % WEEK == 0:
        time = whole_weeks(time, offsets)
    starts, counts = np.unique(time[offsets[agree]], return_counts=True)
    aliases: Counter[str] = Counter()
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
        aliases[step.alias(start)] += count
    return frequency(aliases.most_common(1)[0][0])


def _sized(step: Step, size: int) -> Step:
    return replace(step, size=size) if isinstance(step, Fixed | Months) else step


def _weekdays(step: Step, time: Ints, offsets: Ints) -> Step | None:
    """Business days on certain weekdays, if the rows show them and `step` does not fit them better."""
    if step in (Fixed(DAY), BusinessDays()):
        return _of_weekdays(time, least=4)
    if not isinstance(step, Fixed) or step.size % DAY or step.size >= WEEK:
        return None
    first = _first(time, offsets)  # every second day fits a grid, Tuesdays and Thursdays fit none
    if not ((time - first) % DAY == 0).all() or ((time - first) % step.size == 0).all():
        return None
    return _of_weekdays(time, least=2)


def _of_weekdays(time: Ints, least: int) -> Step | None:
    """Business days on the weekdays that have rows; None if the other days may be missing by chance.

    `least`: weeks that show it.
    """
    days = time // DAY
    first, last = int(days.min()), int(days.max())
    weekday = weekday_of(np.arange(first, last + 1))
    is_open = np.zeros(last - first + 1, np.bool_)
    is_open[days - first] = True
    weeks = (last - first) // 7
    share = np.bincount(weekday, is_open, minlength=7) / np.maximum(np.bincount(weekday, minlength=7), 1)
    usual = share > RARE
    if weeks < least or usual.all() or usual.sum() < 2:
        return None
    if 7 * (1 - share[usual].mean()) ** weeks > CHANCE:
        return None
    return BusinessDays(weekmask="".join(map(str, usual.astype(int))))


def round_step(time: Ints, offsets: Ints) -> str:
    """The round step nearest to the 90 % quantile of the steps between rows, so that bursts count little."""
    steps, _ = _differences(time, offsets)
    usual = max(float(np.quantile(steps, 0.9)), 1.0)
    sizes = {alias: step.size for alias in ROUND_STEPS if isinstance(step := step_of(alias), Fixed)}
    return min(sizes, key=lambda alias: abs(np.log(sizes[alias] / usual)))


def _with_gaps(time: Ints, offsets: Ints) -> str:
    """The hint to the step that all rows lie on, with gaps, as whole hours do; empty without one."""
    steps, _ = _differences(time, offsets)
    common = int(np.gcd.reduce(steps))
    if steps.sum() > MOST_GAPS * common * len(time) or (steps == common).mean() < SOME:
        return ""
    return f"All rows lie on a grid, which has gaps: --freq {Fixed(common).alias(int(time[0]))}. "


def grid_positions(step: Step, time: Ints, offsets: Ints) -> tuple[Ints, Bools]:
    """Steps from a series' first row to each of its rows (N,), and whether the row is on that grid, alone."""
    place, fits = step.position(time, _first(time, offsets))
    if isinstance(step, BusinessDays) and not step.exchange:  # a session on a weekend, now and then
        usual = np.is_busday((time // DAY).astype("datetime64[D]"), busdaycal=step.open_days)
        if np.count_nonzero(~usual) <= ODD * len(usual):
            fits |= ~usual & (time % DAY == _first(time % DAY, offsets))
    if isinstance(step, Sessions) and not is_odd(~fits):
        fits[:] = True
    if isinstance(step, Months) and step.on_weekday:  # several days of a month fit, but only one row may
        again = np.r_[False, np.diff(place) == 0]
        again[offsets[:-1]] = False
        fits &= ~again
    return place, fits


def whole_weeks(time: Ints, offsets: Ints) -> Ints:
    """Times (N,) of weekly rows, of which those of short weeks are moved to the usual day of their series.

    A row up to SHORT days before the end of its week stands for it, or after its start. All times stay as
    they are where that does not explain each of them.
    """
    series = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    usual, share = _modes(time % WEEK, series, len(offsets) - 1)
    ahead = (usual[series] - time) % WEEK
    if not ahead.any() or (share < USUAL).any():
        return time
    for moved in (time + ahead, time + (ahead - WEEK) * (ahead > 0)):
        apart = np.abs(moved - time)
        alone = np.diff(moved)[np.diff(series) == 0] > 0
        if (apart <= SHORT * DAY).all() and (apart % DAY == 0).all() and alone.all():
            return moved
    return time


def disagreeing(place: Ints, offsets: Ints) -> NDArray[np.intp]:
    """Series of four rows or more that lie mostly several steps apart; `place` (N,) is on the grid."""
    gaps, series = _differences(place, offsets)
    if not len(gaps) or (gaps == 1).all():
        return np.empty(0, np.intp)
    mode, share = _modes(gaps, series, len(offsets) - 1)
    return np.flatnonzero((mode != 1) & (share > 0.5) & (np.diff(offsets) >= 4))


def _votes(time: Ints, offsets: Ints) -> Votes:
    """Each series' step: one of months or half months, else business days, else the commonest difference."""
    step = only_step(time, offsets)
    if step is not None and step < 13 * DAY:  # the usual case; months and business days differ in length
        several = np.diff(offsets) > 1
        none = np.zeros(len(several), np.int64)
        return Votes(none, several * step, several.astype(float), np.diff(offsets))
    steps, series = _differences(time, offsets)
    size, share = _modes(steps, series, len(offsets) - 1)
    votes = Votes(np.zeros(len(offsets) - 1, np.int64), size.copy(), share, np.diff(offsets))
    if (size < DAY).all():
        return votes
    day, clock = np.divmod(time, DAY)
    daily = _all(clock == _first(clock, offsets), offsets[:-1])
    for least, kinds in ((13 * DAY, BY_HALF_MONTH), (26 * DAY, BY_MONTH)):
        if (size >= least).any():
            for kind in kinds:
                _vote(votes, kind, daily & (size >= least), time, offsets)
    business = daily & (size == DAY) & _all(np.is_busday(day.astype("datetime64[D]")), offsets[:-1])
    business &= (day[offsets[1:] - 1] - day[offsets[:-1]]) >= 6  # long enough for a weekend to show
    votes.kind[business], votes.size[business] = CANDIDATES.index(BusinessDays()), 1
    return votes


def _vote(votes: Votes, kind: int, may: Bools, time: Ints, offsets: Ints) -> None:
    """Let the series vote for steps of `kind` that `may` do so and whose rows all fit."""
    step, starts = CANDIDATES[kind], offsets[:-1]
    place, fits = grid_positions(step, time, offsets)
    size, share = _modes(*_differences(place, offsets), len(starts))
    fitting = may & (size > 0) & _all(fits, starts)
    if step == Months():
        fitting &= _day_in_month(time[starts]) <= 28  # every month has these days
    if isinstance(step, Months) and step.on_weekday:  # most fit exactly, the others lie beside a holiday
        exact = step.moved(time, np.zeros_like(time)) == time
        fitting &= 2 * np.add.reduceat(exact, starts, dtype=np.int64) > votes.rows
    votes.kind[fitting] = kind
    votes.size[fitting], votes.share[fitting] = size[fitting], share[fitting]


def _differences(values: Ints, offsets: Ints) -> tuple[Ints, Ints]:
    """Differences of neighbouring values within each series, and the series of each difference."""
    series = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    inside = series[1:] == series[:-1]
    return np.diff(values)[inside], series[1:][inside]


def _modes(values: Ints, series: Ints, count: int) -> tuple[Ints, Floats]:
    """The commonest value of each of `count` series and its share: the least of several, 0 without values."""
    mode, share = np.zeros(count, np.int64), np.zeros(count)
    if not len(values):
        return mode, share
    if (values == values[0]).all():
        has = np.bincount(series, minlength=count) > 0
        return np.where(has, values[0], 0), has.astype(np.float64)
    rows = np.bincount(series, minlength=count)
    usual = _usual(values)
    hits = np.bincount(series[values == usual], minlength=count)
    clear = 2 * hits > rows  # mostly all series; the others are sorted
    mode[clear], share[clear] = usual, hits[clear] / rows[clear]
    left = ~clear[series]
    values, series = values[left], series[left]
    if not len(values):
        return mode, share
    order = np.lexsort((values, series))
    values, series = values[order], series[order]
    edge = np.flatnonzero(np.r_[True, (np.diff(series) != 0) | (np.diff(values) != 0)])
    runs = np.diff(np.r_[edge, len(values)])
    best = np.lexsort((-values[edge], runs, series[edge]))  # the last run of a series: most, then least value
    last = best[np.r_[np.diff(series[edge][best]) != 0, True]]
    owner = series[edge][last]
    mode[owner] = values[edge][last]
    share[owner] = runs[last] / rows[owner]
    return mode, share


def _usual(values: Ints) -> int:
    """The commonest of a thousand values that are spread evenly over all."""
    some, times = np.unique(values[:: len(values) // 1000 + 1], return_counts=True)
    return int(some[times.argmax()])


def _day_in_month(time: Ints) -> Ints:
    """1 to 31."""
    days = time.astype("datetime64[ns]").astype("datetime64[D]")
    return (days - days.astype("datetime64[M]")).astype(np.int64) + 1


def _first(values: Ints, offsets: Ints) -> Ints:
    return np.repeat(values[offsets[:-1]], np.diff(offsets))


def _all(flags: Bools, starts: Ints) -> Bools:
    return np.asarray(np.logical_and.reduceat(flags, starts))
