"""Sessions: a step from one open bar to the next, in a week of opening hours.

As text, a session frequency is the alias of its bars and the first and last bar of each session:

    5min@Mon-Fri/09:05-17:30                     an exchange; 102 bars a day
    5min@Mon-Fri/09:00-11:25+12:30-14:55         with a break at noon
    h@Mon-Thu,Fri/00:00-21:00,Sun/22:00-23:00    currencies; Mon-Thu without times are whole days
    h@Mon-Fri/09:30-15:30@America/New_York       on the clock of a zone, wherever the times are written

Bars are named by their time in the data, be it the start or the end of what they cover. Closed hours are no
rows. Days that are closed although their weekday is open (holidays) count as open here: they depend on the
date, and are left out of the grid of a panel and of future times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import DAY, SECOND, WEEKDAYS, size_alias, to_local

WEEK = 7 * DAY
MONDAY = 4 * DAY  # the first one after 1970-01-01
Spans = tuple[tuple[int, int], ...]
CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
NAME = "|".join(WEEKDAYS)
SPAN = f"{CLOCK}(?:-{CLOCK})?"
DAYS = re.compile(rf"({NAME})(?:-({NAME}))?(?:/({SPAN}(?:\+{SPAN})*))?")


@dataclass(frozen=True)
class Sessions:
    """One open bar. Times are (N,) and in ns, on the local clock. Methods mean what those of `Fixed` do."""

    size: int
    """From one bar of a session to the next, ns."""
    days: tuple[Spans, ...]
    """The first and the last bar of each session of a day, in ns from midnight; Monday first, seven days."""
    zone: str | None = None
    """The zone of the clock, where it is not that of the times in the data."""

    by_days = True

    @cached_property
    def bars(self) -> Ints:
        """The bars of a week (K,), in ns from Monday midnight."""
        each = [
            np.arange(day * DAY + first, day * DAY + last + 1, self.size, dtype=np.int64)
            for day, spans in enumerate(self.days)
            for first, last in spans
        ]
        return np.concatenate([np.empty(0, np.int64), *each])

    @property
    def weekmask(self) -> str:
        """The days of a week with bars, Monday first, such as '1111100'."""
        return "".join(str(int(bool(spans))) for spans in self.days)

    def position(self, time: Ints, start: Ints) -> tuple[Ints, Bools]:
        """Open bars from each `start` to its `time`, and whether the time is an open bar."""
        before = self._bars_before(time)
        return before - self._bars_before(start), self._bar(before) == time

    def moved(self, start: Ints, count: Ints) -> Ints:
        """The times of the bars `count` steps after `start`, or after the last bar before it."""
        return self._bar(self._bars_before(start + 1) - 1 + count)

    def between(self, first: int, last: int) -> Ints:
        """All bars from `first` to `last`, both included."""
        return self._bar(np.arange(*self._bars_before(np.array([first, last + 1]))))

    def _bars_before(self, time: Ints) -> Ints:
        """How many bars lie before each time, counted from the first Monday of 1970."""
        week, rest = np.divmod(time - MONDAY, WEEK)
        return np.asarray(week * len(self.bars) + np.searchsorted(self.bars, rest))

    def _bar(self, number: Ints) -> Ints:
        """The time of the bar that so many bars lie before."""
        week, place = np.divmod(number, len(self.bars))
        return np.asarray(MONDAY + week * WEEK + self.bars[place])

    def alias(self, at: int) -> str:
        """The text form; the same for all series."""
        groups = groupby(enumerate(self.days), key=lambda item: item[1])
        parts = [_days([day for day, _ in group], spans, self.size) for spans, group in groups if spans]
        zone = f"@{self.zone}" if self.zone else ""
        return f"{size_alias(self.size)}@{','.join(parts)}{zone}"

    @property
    def seasonalities(self) -> tuple[int, ...]:
        """The bars of a day, if every day has as many, and of a week."""
        week = len(self.bars)
        day = int(max(np.bincount(self.bars // DAY)))
        clock = self.bars % DAY
        same = week % day == 0 and np.array_equal(clock, np.resize(clock[:day], week))
        return tuple(dict.fromkeys((day, week))) if same and day > 1 else (week,)

    @property
    def around_the_clock(self) -> str:
        """The alias of the longest step with which a grid of all hours has every bar."""
        return size_alias(int(np.gcd.reduce(np.diff(self.bars), initial=self.size)))

    def __str__(self) -> str:
        """For a person, such as 'Mon-Fri 09:05-17:30'."""
        words = self.alias(0).split("@")[1].replace("/", " ").replace("+", " and ").replace(",", ", ")
        return f"{words} of {self.zone}" if self.zone else words


def sessions(size: int, week: str, zone: str | None = None) -> Sessions:
    """The Sessions of a text such as 'Mon-Fri/09:05-17:30'. ValueError if it is none."""
    days: list[Spans] = [()] * 7
    for part in week.split(","):
        match = DAYS.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} names no opening hours")
        first, last = WEEKDAYS.index(match[1]), WEEKDAYS.index(match[2] or match[1])
        if last < first:
            raise ValueError(f"{WEEKDAYS[last]} comes before {WEEKDAYS[first]}: name them apart")
        spans = tuple(_span(text) for text in match[3].split("+")) if match[3] else _whole_day(size)
        for day in range(first, last + 1):
            if days[day]:
                raise ValueError(f"{WEEKDAYS[day]} is named twice")
            days[day] = spans
    made = Sessions(size, tuple(days), zone)
    if any(last < first for spans in days for first, last in spans) or (np.diff(made.bars) <= 0).any():
        raise ValueError("sessions overlap, or end before they begin")
    if zone == "":
        raise ValueError("no time zone follows the second @")
    if zone:
        to_local(np.zeros(1, np.int64), zone)  # ValueError, or KeyError, for an unknown zone
    return made


def _days(days: list[int], spans: Spans, size: int) -> str:
    name = WEEKDAYS[days[0]] + (f"-{WEEKDAYS[days[-1]]}" if len(days) > 1 else "")
    if spans == _whole_day(size):
        return name
    return f"{name}/{'+'.join(_words(span) for span in spans)}"


def _whole_day(size: int) -> Spans:
    return ((0, (DAY - 1) // size * size),)


def _words(span: tuple[int, int]) -> str:
    return "-".join(dict.fromkeys(_clock(at) for at in span))


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return _time_of_day(first), _time_of_day(last or first)


def _clock(at: int) -> str:
    minutes, seconds = divmod(at // SECOND, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def _time_of_day(text: str) -> int:
    hours, minutes, *seconds = map(int, text.split(":"))
    return ((hours * 60 + minutes) * 60 + sum(seconds)) * SECOND


def spans_of(clocks: Iterable[int], size: int) -> Spans:
    """The sessions of a day with bars at these times, ascending: runs of bars one `size` apart."""
    at = np.fromiter(clocks, np.int64)
    cuts = np.flatnonzero(np.diff(at) != size) + 1
    return tuple((int(run[0]), int(run[-1])) for run in np.split(at, cuts) if len(run))
