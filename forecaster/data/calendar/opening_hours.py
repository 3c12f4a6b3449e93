"""Opening hours: the sessions of bars of less than a day, learned from the times that never have a row.

All series of a table are taken together. A time of day is closed if at most RARE of the days with rows have a
row there; a weekday, if at most RARE of its days have any. That has to be more than chance: with p the mean
share of days that have a row at an open time, n days all miss one by chance with probability (1 − p)^n.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import DAY, HOUR, SECOND, known_zones, to_local, weekday_of
from forecaster.data.calendar.holidays import CHANCE, SATURDAY
from forecaster.data.calendar.sessions import WEEK, Sessions, Spans, spans_of

RARE = 0.1
"""Share of days up to which rows at a time, or on a weekday, are exceptions."""
ODD = 0.02
"""Share of all rows that may lie in closed hours."""
DAYS, WEEKENDS = 3, 2
"""Days with rows that show closed hours of the day; weekends that show closed weekdays of whole days."""
ALIKE = 24
"""Independent times of a day, among which closed ones are looked for."""
LONG_NIGHT = 12 * HOUR
"""Closed hours between two days, of which both have each bar, that show them, too."""
EDGE = 0.1
"""Share of a day by which it begins later or ends earlier than others."""
ZONES = ("America/New_York", "Europe/London", "Australia/Sydney")
"""One zone for each of the usual rules by which clocks change."""


def learn_sessions(time: Ints, size: int, tz: str | None) -> Sessions | None:
    """The sessions of bars `size` (ns) apart; None where rows come around the clock, or too few show more.

    `time`: all times with a row (ns UTC), in any order. Hours are those of the clock of `tz`. Where `tz`
    names no place, and the hours change with the clocks of one, the sessions are those of its zone.
    """
    if size % SECOND or size >= DAY:
        return None
    time = np.unique(time)
    if not _has_pauses(time, size):
        return None
    found = []
    for zone in (None, *known_zones(ZONES)) if tz in (None, "UTC") else (None,):
        local = to_local(time, zone or tz)
        learned = _learned(local, size) if zone is None or len(np.unique(local - time)) > 1 else None
        if learned is not None:
            odd = np.count_nonzero(~learned.position(local, local)[1])
            found.append((len(learned.bars), odd, Sessions(size, learned.days, zone)))
    return min(found, key=lambda each: each[:2])[2] if found else None


def _has_pauses(time: Ints, size: int) -> bool:
    """Whether rows pause again and again: once in every seven days at least."""
    pauses = np.count_nonzero(np.diff(time) > size)
    return bool(pauses > 0 and pauses * WEEK >= (time[-1] - time[0]) - WEEK)


def _learned(local: Ints, size: int) -> Sessions | None:
    """The sessions on the clock by which the times (N,) are given."""
    day, clock = np.divmod(local, DAY)
    clocks, slot = np.unique(clock, return_inverse=True)
    if len(clocks) > 2 * DAY // size:  # no grid
        return None
    weekend = _one_weekend(local, size)
    if weekend is not None:
        return weekend
    week = _Week(day, slot, clocks)
    hours = week.has_hours(size)
    if not hours and not week.has_closed_days():
        return None
    spans = [() if week.is_shut(at, hours=hours) else week.spans(at, size) for at in range(7)]
    found = Sessions(size, tuple(spans))
    if hours and is_odd(~found.position(local, local)[1]):  # thin trading before or after the usual hours
        found = Sessions(size, tuple(week.widest(size) if each else () for each in spans))
    if not 0 < len(found.bars) < WEEK // size:
        return None
    return None if is_odd(~found.position(local, local)[1]) else found


def _one_weekend(local: Ints, size: int) -> Sessions | None:
    """Hours around the clock but for one pause, which is as long as a weekend and lies there."""
    pauses = np.flatnonzero(np.diff(local) > max(HOUR, 2 * size))
    if len(pauses) != 1 or DAY % size:
        return None
    last, first = local[pauses[0]], local[pauses[0] + 1]
    around = local[-1] - local[0] - (first - last)
    if around < DAYS * DAY or len(local) * size < (1 - RARE) * around:
        return None
    closed = np.arange(last // DAY + 1, first // DAY)
    weekend = len(closed) > 0 and bool((weekday_of(closed) >= SATURDAY).all())
    if not weekend or not 2 * DAY <= first - last <= 2 * DAY + HOUR + size:
        return None
    start, end = int(local[0] % size), int(DAY - size + local[0] % size)
    days: list[Spans] = [((start, end),)] * 7
    for day in closed:
        days[weekday_of(int(day))] = ()
    days[weekday_of(int(last // DAY))] = ((start, int(last % DAY)),)
    days[weekday_of(int(first // DAY))] = ((int(first % DAY), end),)
    return Sessions(size, tuple(days))


class _Week:
    """How many days of each weekday have a row, in all and at each of C times of day."""

    def __init__(self, day: Ints, slot: Ints, clocks: Ints) -> None:
        self.clocks = clocks
        self.days = np.bincount(weekday_of(np.arange(day[0], day[-1] + 1)), minlength=7)  # (7,)
        self.usual = np.bincount(weekday_of(np.unique(day)), minlength=7) > RARE * self.days
        with_rows = np.count_nonzero(self.usual[weekday_of(np.unique(day))])
        self.share_of_days = float(with_rows / self.days[self.usual].sum())
        weekday = weekday_of(day)
        rows = np.bincount(weekday * len(clocks) + slot, minlength=7 * len(clocks))
        self.rows = rows.reshape(7, -1)  # (7, C)
        is_open = np.bincount(weekday_of(np.unique(day)), minlength=7)
        self.count = int(is_open[self.usual].sum())
        self.open = np.repeat(is_open[:, None], len(clocks), axis=1)  # (7, C)
        self.open[weekday[0], : slot[0]] -= 1  # the data begin later on the first day,
        self.open[weekday[-1], slot[-1] + 1 :] -= 1  # and end earlier on the last
        self.pooled = self.rows[self.usual].sum(axis=0)  # (C,)
        self.pooled_open = self.open[self.usual].sum(axis=0)

    def has_hours(self, size: int) -> bool:
        """Whether usual days are closed at some times, and enough days show it."""
        is_open, share = _open_times(self.pooled, self.pooled_open)
        closed = DAY // size - np.count_nonzero(is_open)
        certain = _chance(ALIKE, share, self.count) <= CHANCE
        alike = self.count == 2 and bool((self.pooled == self.count).all())
        least = LONG_NIGHT if alike else 2 * HOUR
        return bool((alike or self.count >= DAYS) and closed >= 2 and closed * size >= least and certain)

    def has_closed_days(self) -> bool:
        """Whether some weekdays have no rows, in enough weeks."""
        weeks = int(self.days.min())
        some = weeks >= WEEKENDS and not bool(self.usual.all())
        return some and _chance(7, self.share_of_days, weeks) <= CHANCE

    def is_shut(self, weekday: int, *, hours: bool) -> bool:
        """Whether a weekday is closed. Beside closed `hours`, weekends without rows are, also unseen ones."""
        if self.usual[weekday] or (hours and weekday >= SATURDAY):
            return not self.usual[weekday]
        return _chance(7, self.share_of_days, int(self.days[weekday])) <= CHANCE

    def spans(self, weekday: int, size: int) -> Spans:
        """The sessions of a weekday: its own where its rows show them, else those of all days together."""
        usual, share = _open_times(self.pooled, self.pooled_open)
        if _chance(ALIKE, share, self.count) > CHANCE:  # too thin to tell a pause from missing rows
            start = int(self.clocks[0] % size)
            return ((start, start + (DAY - 1 - start) // size * size),)
        days = int(self.open[weekday].min())
        own, _ = _open_times(self.rows[weekday], self.open[weekday])
        own &= usual | (self.rows[weekday] >= 2)
        if days < 2 or not own.any():
            return spans_of(self.clocks[usual], size)
        if _chance(7 * int(usual.sum()), self._share(), days) <= CHANCE:
            return spans_of(self.clocks[own], size)
        first, last = np.flatnonzero(own)[[0, -1]]
        inside = usual.copy()
        inside[:first] = inside[last + 1 :] = False
        missing = int(usual.sum() - inside.sum())  # in one piece, so that chance counts once
        short = missing > max(1, EDGE * usual.sum()) and _chance(7, self._share(), days) <= CHANCE
        return spans_of(self.clocks[inside if short else usual], size)

    def widest(self, size: int) -> Spans:
        """From the first to the last time with rows on two days; none if that is nearly all day."""
        first, last = self.clocks[np.flatnonzero(self.pooled >= 2)[[0, -1]]].tolist()
        return ((first, last),) if last - first <= DAY - 2 * HOUR - size else ()

    def _share(self) -> float:
        """The mean share of days with a row at times that are open on that weekday, less half a day."""
        several = self.usual & (self.open.min(axis=1) >= 2)
        share = self.rows[several] / self.open[several]
        return float(share[share > RARE].mean()) * self.count / (self.count + 0.5) if several.any() else 0.0


def _open_times(rows: Ints, days: Ints) -> tuple[Bools, float]:
    """Whether each time of day is open (C,), and the mean share of days with a row at open times.

    `rows` (C,): how many of the `days` (C,) have a row there. A row on one day alone is an exception where
    chance would have left rows on others.
    """
    share = rows / np.maximum(days, 1)
    usual = float(share[share > RARE].mean()) if (share > RARE).any() else 0.0
    exception = (rows <= 1) & (days > DAYS) & (days * (1 - usual) ** np.maximum(days - 1, 0) <= CHANCE)
    is_open = (share > RARE) & ~exception
    return is_open, float(share[is_open].mean()) if is_open.any() else 0.0


def _chance(places: int, share: float, days: int) -> float:
    """The probability that one of some places has no row on any of `days`, each with rows on a `share`."""
    return float(places * (1 - share) ** max(days, 0))


def is_odd(odd: Bools) -> bool:
    """Whether so many rows (N,) of all lie in closed hours that the hours cannot be those of the data."""
    return bool(np.count_nonzero(odd) > max(1, ODD * len(odd)))
