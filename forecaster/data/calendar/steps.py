"""Steps: the arithmetic of frequencies. Each kind of step counts steps, moves by them and names itself.

A step is a fixed length; a number of months (on the same day of the month, or on its last day, or on its
first or last weekday); half a month; a business day; or a bar of a session (module `sessions`). Steps of
whole days and bars of sessions are counted on the local clock, shorter steps in UTC, as pandas does. Days and
months are counted from 1970-01-01.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import DAY, HOUR, LATEST, MONTHS, SECOND, WEEKDAYS, size_alias, weekday_of
from forecaster.data.calendar.exchanges import exchange_days, refuse_unknown, weekly_days
from forecaster.data.calendar.holidays import Holiday
from forecaster.data.calendar.sessions import WEEK, Sessions
from forecaster.errors import DataError

WORKWEEK = "1111100"  # Monday to Friday
MOST_STEPS = 2**62
NEAR = 3  # weekdays from the start or end of a month within which its first or last trading day lies


@dataclass(frozen=True)
class Fixed:
    """A step of fixed length. Times of all steps are (N,) and in ns, on the local clock if `by_days`."""

    size: int  # ns
    anchor: int = 0
    """A time on the grid, by which steps are labelled."""

    @property
    def by_days(self) -> bool:
        """Whether steps are whole days, counted on the local clock."""
        return self.size % DAY == 0

    def position(self, time: Ints, start: Ints) -> tuple[Ints, Bools]:
        """Steps from each `start` to its `time`, and whether the time is on that grid."""
        apart = int(time.max()) - int(start.min()) if len(time) else 0
        if apart > MOST_STEPS * self.size:
            raise DataError(
                f"rows lie {apart / self.size:.0e} steps of {size_alias(self.size)} apart, too many to count",
                hint="Name a longer step, as in --every D.",
            )
        if apart < LATEST:
            steps, rest = np.divmod(time - start, self.size)
            return steps, rest == 0
        steps, rest = np.divmod(time, self.size)  # the difference of two times does not fit 64 bits
        first, first_rest = np.divmod(start, self.size)
        return steps - first - (rest < first_rest), rest == first_rest

    def moved(self, start: Ints, count: Ints) -> Ints:
        """The times `count` steps after `start`."""
        return np.asarray(start + count * self.size)

    def label(self, time: Ints) -> Ints:
        """The start of the step that holds each time."""
        return np.asarray((time - self.anchor) // self.size * self.size + self.anchor)

    def alias(self, at: int) -> str:
        """The pandas alias for a series with a row at time `at`, which anchors weeks and years."""
        if self.size % WEEK == 0:
            return f"{_times(self.size // WEEK)}W-{WEEKDAYS[weekday_of(at // DAY)].upper()}"
        return size_alias(self.size)

    @property
    def seasonalities(self) -> tuple[int, ...]:
        """Rows in each season that such data usually has, the usual one first; (1,) for none."""
        if self.size % WEEK == 0:
            return (max(52 * WEEK // self.size, 1),)
        seasons = (WEEK, 365 * DAY) if self.size >= DAY else (DAY, WEEK)
        if self.size < 60 * SECOND:
            seasons = (HOUR, DAY) if self.size >= SECOND else (SECOND, 60 * SECOND)
        rows = (season // self.size for season in seasons if season % self.size == 0 and season > self.size)
        return tuple(rows) or (1,)


class CalendarStep(ABC):
    """A step from day to day that keeps the time of day. Its methods mean what those of `Fixed` do."""

    by_days = True

    @abstractmethod
    def _position(self, day: Ints, first: Ints) -> tuple[Ints, Bools]:
        """Steps from each `first` day to its `day`, and whether the day is on that grid."""

    @abstractmethod
    def _moved(self, day: Ints, count: Ints) -> Ints:
        """The days `count` steps after `day`."""

    @abstractmethod
    def alias(self, at: int) -> str:
        """The pandas alias for a series with a row at time `at`."""

    def position(self, time: Ints, start: Ints) -> tuple[Ints, Bools]:
        """Steps from each `start` to its `time`, and whether the time is on that grid."""
        day, clock = np.divmod(time, DAY)
        first_day, first_clock = np.divmod(start, DAY)
        steps, fits = self._position(day, first_day)
        return steps, (clock == first_clock) & fits

    def moved(self, start: Ints, count: Ints) -> Ints:
        """The times `count` steps after `start`."""
        day, clock = np.divmod(start, DAY)
        return np.asarray(self._moved(day, count) * DAY + clock)


@dataclass(frozen=True)
class BusinessDays(CalendarStep):
    """One business day."""

    exchange: str | None = None
    """Trading days are those of this exchange; None: those of `weekmask` without `holidays`."""
    weekmask: str = WORKWEEK
    holidays: tuple[Holiday, ...] = ()

    @property
    def open_days(self) -> np.busdaycalendar:
        """The days that are counted. Raises UsageError for an unknown exchange."""
        return exchange_days(self.exchange) if self.exchange else weekly_days(self.weekmask, self.holidays)

    def _position(self, day: Ints, first: Ints) -> tuple[Ints, Bools]:
        days = self.open_days
        steps = np.busday_count(_dates(first), _dates(day), busdaycal=days).astype(np.int64)
        return steps, np.is_busday(_dates(day), busdaycal=days)

    def _moved(self, day: Ints, count: Ints) -> Ints:
        days = np.busday_offset(_dates(day), count, roll="preceding", busdaycal=self.open_days)
        later = days.astype(np.int64)
        if self.exchange:
            refuse_unknown(self.exchange, later)
        return later

    def alias(self, at: int) -> str:
        return "B" if self.weekmask == WORKWEEK else f"B-{self.weekmask}"

    @property
    def seasonalities(self) -> tuple[int, ...]:
        """The days of a week."""
        return (self.weekmask.count("1"),)


@dataclass(frozen=True)
class Months(CalendarStep):
    """A number of months, from a day of a month to that of another."""

    size: int = 1
    at_end: bool = False
    """Rows lie on the last day of a month; else on any day up to the 28th, mostly the first."""
    on_weekday: bool = False
    """Rows lie on the first, or last, weekday of a month."""
    anchor: int = 0
    """A month on the grid, by which steps are labelled."""
    day: int = 0
    """29 or 30: rows lie on this day, or on the last one of a shorter month. 0: on any other day."""

    def _position(self, day: Ints, first: Ints) -> tuple[Ints, Bools]:
        month, first_month = _months(day), _months(first)
        steps, rest = np.divmod((month - first_month).astype(np.int64), self.size)
        if self.on_weekday:
            fits = self._may_be_trading_day(day)
        elif self.at_end or self.day:
            fits = day == self._grid_day(month)
        else:
            fits = _day_in_month(day, month) == _day_in_month(first, first_month)
        return steps, (rest == 0) & fits

    def _moved(self, day: Ints, count: Ints) -> Ints:
        month = _months(day)
        target = month + count * self.size
        if self.at_end or self.on_weekday or self.day:
            return self._grid_day(target)
        last = _first_day(target + 1) - _first_day(target) - 1
        return _first_day(target) + np.minimum(_day_in_month(day, month), last)

    def label(self, time: Ints) -> Ints:
        """The first or last day of the step that holds each time."""
        month = _months(time // DAY).astype(np.int64)
        sign = -1 if self.at_end else 1  # rounded up to the end of a step, or down to its start
        target = sign * (sign * (month - self.anchor) // self.size) * self.size + self.anchor
        return self._grid_day(target.astype("datetime64[M]")) * DAY

    def _may_be_trading_day(self, day: Ints) -> Bools:
        """Whether a weekday may be the first or last trading day of its month, given some holidays."""
        grid = self._grid_day(_months(day))
        apart = np.busday_count(_dates(np.minimum(day, grid)), _dates(np.maximum(day, grid)))
        return np.is_busday(_dates(day)) & (apart <= NEAR)

    def _grid_day(self, month: NDArray[np.datetime64]) -> Ints:
        """The first or last day, or weekday, of each month."""
        last = _first_day(month + 1) - 1
        if self.day:
            return np.minimum(_first_day(month) + self.day - 1, last)
        day = last if self.at_end else _first_day(month)
        if not self.on_weekday:
            return day
        roll: Literal["backward", "forward"] = "backward" if self.at_end else "forward"
        return np.busday_offset(_dates(day), 0, roll=roll).astype(np.int64)

    def alias(self, at: int) -> str:
        month = int(np.datetime64(at, "ns").astype("datetime64[M]").astype(int)) % 12
        if self.day:
            return f"{_times(self.size)}MS-{self.day}"
        before, end = "B" if self.on_weekday else "", "E" if self.at_end else "S"
        if self.size % 12 == 0:
            return f"{_times(self.size // 12)}{before}Y{end}-{MONTHS[month].upper()}"
        if self.size % 3 == 0:
            first = 9 + month % 3 if self.at_end else month % 3  # pandas writes plain quarters QS-JAN, QE-DEC
            return f"{_times(self.size // 3)}{before}Q{end}-{MONTHS[first].upper()}"
        return f"{_times(self.size)}{before}M{end}"

    @property
    def seasonalities(self) -> tuple[int, ...]:
        """The steps of a year, where it is a whole number."""
        return (12 // self.size,) if 12 % self.size == 0 else (1,)


@dataclass(frozen=True)
class HalfMonths(CalendarStep):
    """Half a month: the 1st and the 15th, or the 15th and the last day."""

    at_end: bool = False
    seasonalities = (24,)

    def _position(self, day: Ints, first: Ints) -> tuple[Ints, Bools]:
        half = self._half(day)
        return half - self._half(first), day == self._grid_day(half)

    def _moved(self, day: Ints, count: Ints) -> Ints:
        return self._grid_day(self._half(day) + count)

    def _half(self, day: Ints) -> Ints:
        """The half month of each day, counted from January 1970; the 15th begins a half, or ends one."""
        month = _months(day)
        return 2 * month.astype(np.int64) + (_day_in_month(day, month) >= (15 if self.at_end else 14))

    def _grid_day(self, half: Ints) -> Ints:
        """The day on which rows of each half month lie."""
        month, second = (half // 2).astype("datetime64[M]"), half % 2
        if self.at_end:
            return np.where(second == 1, _first_day(month + 1) - 1, _first_day(month) + 14)
        return _first_day(month) + 14 * second

    def alias(self, at: int) -> str:
        return "SME" if self.at_end else "SMS"


Step = Fixed | BusinessDays | Months | HalfMonths | Sessions


def _times(count: int) -> str:
    return str(count) if count > 1 else ""


def _dates(days: Ints) -> NDArray[np.datetime64]:
    return days.astype("datetime64[D]")


def _months(days: Ints) -> NDArray[np.datetime64]:
    return _dates(days).astype("datetime64[M]")


def _first_day(months: NDArray[np.datetime64]) -> Ints:
    return months.astype("datetime64[D]").astype(np.int64)


def _day_in_month(days: Ints, months: NDArray[np.datetime64]) -> Ints:
    """0 for the first."""
    return days - _first_day(months)
