"""Positions: columns that say where in the month and year a row lies, as far as seasons do not.

Seasons count rows, so they know the hour, the weekday and, of months, the month. These move against them:

    rows within a day       day of the week, and public holidays as one more
    rows of a day or less   month start, month end: 1, ⅔, ⅓ on the first and last three days, when wages are
                            paid and accounts closed; of business days, the first and last three open ones
                            mid month: 1 on the 15th, ½ beside it: the other day of wages
                            Easter: Good Friday to Easter Monday
                            year sine, year cosine: the time of year, for series shorter than two years
    of business days        before closing, after closing: the last open day before a holiday, the first after
                            half day: the exchange closes early
    of several days, weeks  month sine, month cosine: the place in the month
                            Easter: a share of its four days
    of months and quarters  working days (Monday to Friday), Saturdays, Sundays: what a month is made of
                            Easter: the share of the eight days before Easter Sunday, as the regressor
                            Easter[8] of X-13ARIMA-SEATS
    of years                none
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.clock import DAY, weekday_of
from forecaster.data.calendar.exchanges import half_days
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.calendar.steps import BusinessDays, HalfMonths, Months
from forecaster.data.covariates.day_rows import Columns, Spans, spans_of

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EDGE = 3
"""Days at the start and end of a month."""
YEAR = 365.2425
BEFORE_EASTER = 8


def calendar_columns(local: Ints, frequency: Frequency) -> tuple[tuple[str, ...], Floats]:
    """The names and values (n, k) of the columns for rows at the local times `local` (n,), ns."""
    step = frequency.step
    spans = spans_of(local, step)
    if isinstance(step, Months | HalfMonths):
        if isinstance(step, Months) and step.size >= 12:
            return (), np.zeros((len(local), 0))
        return _of_months(spans[0])
    if len(spans) > 1:
        return _of_weeks(local // DAY, spans)
    days, row = np.unique(local // DAY, return_inverse=True)
    names, values = _of_days(days, frequency)
    return names, values[row]


def day_of_week(local: Ints, off: Bools) -> Columns:
    """The day of the week as a category; a public holiday (`off` (n,)) is a day of its own kind.

    A holiday then has the hours of its kind, and no working day those of a weekend: for rows within a day.
    """
    day = np.where(off, len(DAYS), weekday_of(local // DAY))
    return Columns(("day of the week",), ((*DAYS, "holiday"),), day.astype(np.float64)[:, None])


def _of_days(days: Ints, frequency: Frequency) -> tuple[tuple[str, ...], Floats]:
    start, stop, _ = _month(days)
    step = frequency.step
    trading: list[Bools] = []
    if isinstance(step, BusinessDays):
        open_days = BusinessDays(step.exchange, step.weekmask, frequency.holidays).open_days
        passed = _count(start, days, open_days)
        left = _count(days, stop, open_days) - 1
        trading = _closings(days, open_days)
        if step.exchange:
            trading.append(np.isin(days, half_days(step.exchange).astype(np.int64)))
    else:
        passed, left = days - start, stop - 1 - days
    angle = 2 * np.pi * days / YEAR
    columns = [
        np.clip(1 - passed / EDGE, 0, 1),
        np.clip(1 - left / EDGE, 0, 1),
        np.clip(1 - np.abs(days - start - 14) / 2, 0, 1),
        _in_easter(days, -2, 1),
        np.sin(angle),
        np.cos(angle),
    ]
    names = ("month start", "month end", "mid month", "Easter", "year sine", "year cosine")
    more = ("before closing", "after closing", "half day")[: len(trading)]
    return (*names, *more), np.column_stack([*columns, *trading]).astype(np.float64)


def _closings(days: Ints, open_days: np.busdaycalendar) -> list[Bools]:
    """The last open day before a day that the week alone would have open, and the first after it."""
    weekly = np.busdaycalendar(open_days.weekmask)
    beside = []
    for one in (1, -1):
        roll = "backward" if one > 0 else "forward"
        dates = days.astype("M8[D]")
        # type: the stubs of NumPy know `roll` as a literal only
        usual = np.busday_offset(dates, one, roll=roll, busdaycal=weekly)  # type: ignore[call-overload]
        beside.append(~np.is_busday(usual, busdaycal=open_days))
    return beside


def _of_weeks(days: Ints, spans: tuple[Spans, ...]) -> tuple[tuple[str, ...], Floats]:
    start, stop, _ = _month(days)
    angle = 2 * np.pi * (days - start) / (stop - start)
    names, columns = ["month sine", "month cosine"], [np.sin(angle), np.cos(angle)]
    for each in spans:
        names.append(f"Easter{each.suffix}")
        columns.append(_easter_days(each, -2, 1) / 4)
    return tuple(names), np.column_stack(columns)


def _of_months(spans: Spans) -> tuple[tuple[str, ...], Floats]:
    length = spans.last - spans.first + 1
    saturdays, sundays = (_weekdays(spans, day) for day in (5, 6))
    easter = _easter_days(spans, -BEFORE_EASTER, -1) / BEFORE_EASTER
    names = ("working days", "Saturdays", "Sundays", "Easter")
    return names, np.column_stack([length - saturdays - sundays, saturdays, sundays, easter]).astype(
        np.float64
    )


def _weekdays(spans: Spans, weekday: int) -> Ints:
    """How many days of this weekday (0 for Monday) each span has."""
    first = spans.first + (weekday - weekday_of(spans.first)) % 7
    return np.maximum((spans.last - first) // 7 + 1, 0)


def _month(days: Ints) -> tuple[Ints, Ints, Ints]:
    """The first day of the month of each day, that of the next month, and the year."""
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    start, stop = ((month + ahead).astype("datetime64[D]").astype(np.int64) for ahead in (0, 1))
    return start, stop, month.astype("datetime64[Y]").astype(np.int64) + 1970


def _count(first: Ints, stop: Ints, open_days: np.busdaycalendar) -> Ints:
    """Open days from `first` up to `stop`, which is not counted."""
    days = np.busday_count(first.astype("M8[D]"), stop.astype("M8[D]"), busdaycal=open_days)
    return days.astype(np.int64)


def _in_easter(days: Ints, first: int, last: int) -> Bools:
    """Which days are `first` … `last` days after Easter Sunday."""
    after = days - _easter(_month(days)[2])
    return np.asarray((after >= first) & (after <= last))


def _easter_days(spans: Spans, first: int, last: int) -> Ints:
    """How many of the days `first` … `last` after Easter Sunday each span, of a year at most, holds."""
    total = np.zeros(len(spans.first), np.int64)
    years = _month(spans.first)[2], _month(spans.last)[2]
    for year in (years[0], np.where(years[1] > years[0], years[1], 0)):
        sunday = _easter(np.maximum(year, 1))
        inside = np.minimum(spans.last, sunday + last) - np.maximum(spans.first, sunday + first) + 1
        total += np.where(year > 0, np.maximum(inside, 0), 0)
    return total


def _easter(years: Ints) -> Ints:
    """The day of Easter Sunday in each year."""
    each, row = np.unique(years, return_inverse=True)
    return np.array([_easter_of(int(year)) for year in each], np.int64)[row]


@lru_cache(maxsize=1024)
def _easter_of(year: int) -> int:
    from dateutil.easter import easter

    return int(np.datetime64(easter(year), "D").astype(int))
