"""Frequency: how far apart rows are, how many make a season, and what comes next.

A frequency is a pandas offset alias. Here it is taken as a Step: a fixed length; a number of months (keeping
the day in the month, or always the last day, or the first or last weekday); half a month; or a business day.
Steps of whole days are counted on the clock of the time zone, shorter ones in UTC, as pandas does.

Business days are the weekdays of a pattern (B, or B-1111110 for Monday to Saturday) without the holidays
that the data show (module `holidays`), or the trading days of an exchange (alias B-XNYS), from the library
exchange_calendars (module `sessions`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.exchanges import exchange_days, refuse_unknown, weekly_days
from forecaster.data.calendar.holidays import Holiday
from forecaster.errors import UsageError

if TYPE_CHECKING:
    pass

Kind = Literal["fixed", "month_start", "month_end", "business", "business_month_start", "business_month_end",
               "half_month_start", "half_month_end"]  # fmt: skip

SECOND = 10**9  # ns
DAY = 86_400 * SECOND
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "D": DAY}
OLDER = {"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns",
         "M": "ME", "Q": "QE", "A": "YE", "Y": "YE", "AS": "YS", "SM": "SME",
         "BM": "BME", "BQ": "BQE", "BA": "BYE", "BY": "BYE", "BAS": "BYS"}  # fmt: skip
WORDS = {"sec": "s", "second": "s", "seconds": "s", "mins": "min", "minute": "min", "minutes": "min",
         "hour": "h", "hours": "h", "d": "D", "day": "D", "days": "D", "w": "W", "week": "W",
         "weeks": "W"}  # fmt: skip
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WORKWEEK = "1111100"  # Monday to Friday
WEEK = re.compile("(?=.*1.*1)[01]{7}")
KNOWN = "s, min, 15min, h, D, B, W-SUN, SMS, SME, MS, ME, BMS, BME, QS, QE, BQE, YS, YE or BYE"
MONTHLY = re.compile("(B?)([MQY])([SE])")
NEAR = 3  # weekdays from the start or end of a month within which its first or last trading day lies


@dataclass(frozen=True)
class Frequency:
    """The regular step between rows.

    `alias` is a pandas offset alias; `seasonalities` are the lengths, in rows, of the seasons that such
    data may have, the usual one first: 30min -> (48, 336), h -> (24, 168), D -> (7, 365), B -> (5,),
    W -> (52,), SME -> (24,), MS and ME -> (12,), QS -> (4,), YS -> (1,).
    """

    alias: str
    seasonalities: tuple[int, ...]
    holidays: tuple[Holiday, ...] = ()
    """Closed days that the data show, of business days."""

    @property
    def season(self) -> int:
        """The usual seasonality m of a MASE and of the seasonal naive forecast."""
        return self.seasonalities[0]


@dataclass(frozen=True)
class Step:
    """A frequency as arithmetic needs it."""

    kind: Kind
    size: int
    """ns of a fixed step, months of a month step, else 1."""
    exchange: str | None = None
    """Whose trading days business days are; None: those of `weekmask` but for `holidays`."""
    weekmask: str = WORKWEEK
    holidays: tuple[Holiday, ...] = ()

    @property
    def by_days(self) -> bool:
        """Whether steps are whole days, to be counted on the local clock."""
        return self.kind != "fixed" or self.size % DAY == 0

    @property
    def days(self) -> np.busdaycalendar:
        """The days that business days count. Raises UsageError for an exchange that is not known."""
        return exchange_days(self.exchange) if self.exchange else weekly_days(self.weekmask, self.holidays)


def frequency(alias: str) -> Frequency:
    """The Frequency of a pandas offset alias, also in older spellings or in words; UsageError for another."""
    match = re.fullmatch(r"(\d*) ?([A-Za-z]+)(?:-([A-Za-z0-9]{2,7}))?", alias.strip())
    if match is None:
        raise UsageError(f"unknown frequency {alias!r}", hint=f"Use a pandas offset alias: {KNOWN}.")
    count, unit, anchor = match[1], match[2], (match[3] or "").upper()
    unit = OLDER.get(unit) or WORDS.get(unit.lower(), unit)
    anchor = "" if unit in ("SMS", "SME") and anchor == "15" else anchor  # as pandas writes them
    name = f"{count}{unit}-{anchor}" if anchor else f"{count}{unit}"
    return Frequency(name, _seasons(step_of(name)))


@lru_cache
def step_of(alias: str) -> Step:
    """The Step of an alias; UsageError for an unknown one."""
    match = re.fullmatch(r"([1-9]\d{0,8})?([A-Za-z]+)(?:-([A-Z0-9]{3,7}))?", alias)
    count, unit, anchor = (int(match[1] or 1), match[2], match[3]) if match else (0, "", None)
    if unit in UNITS and anchor is None:
        return Step("fixed", count * UNITS[unit])
    if unit == "W" and anchor in (None, *WEEKDAYS):
        return Step("fixed", count * 7 * DAY)
    if unit == "B" and count == 1 and not (anchor or "0").isdecimal():
        return Step("business", 1, anchor)
    if unit == "B" and count == 1 and WEEK.fullmatch(anchor or WORKWEEK):
        return Step("business", 1, weekmask=anchor or WORKWEEK)
    if unit in ("SMS", "SME") and count == 1 and anchor is None:
        return Step("half_month_start" if unit == "SMS" else "half_month_end", 1)
    monthly = MONTHLY.fullmatch(unit)
    if monthly and anchor in ((None,) if monthly[2] == "M" else (None, *MONTHS)):
        kinds: tuple[Kind, Kind] = ("month_start", "month_end")
        if monthly[1]:
            kinds = ("business_month_start", "business_month_end")
        return Step(kinds[monthly[3] == "E"], count * {"M": 1, "Q": 3, "Y": 12}[monthly[2]])
    hint = f"Use a pandas offset alias: {KNOWN}."
    if unit == "m":
        hint = f"Minutes are {alias}in, months {alias[:-1]}MS. " + hint
    raise UsageError(f"unknown frequency {alias!r}", hint=hint)


def alias_of(step: Step, at: int) -> str:
    """The alias of `step` for a series with a row at time `at` (ns), which anchors weeks and years."""
    if step.kind == "business":
        return "B" if step.weekmask == WORKWEEK else f"B-{step.weekmask}"
    if step.kind == "fixed" and step.size % (7 * DAY) == 0:
        return (
            f"{_times(step.size // (7 * DAY))}W-{WEEKDAYS[(at // DAY + 3) % 7]}"  # 1970 began on a Thursday
        )
    if step.kind == "fixed":
        unit = max(
            (unit for unit, size in UNITS.items() if step.size % size == 0), key=lambda unit: UNITS[unit]
        )
        return f"{_times(step.size // UNITS[unit])}{unit}"
    month = int(np.datetime64(at, "ns").astype("datetime64[M]").astype(int)) % 12
    if step.kind.startswith("half"):
        return "SMS" if step.kind.endswith("start") else "SME"
    before, end = "B" if step.kind.startswith("business") else "", "S" if step.kind.endswith("start") else "E"
    if step.size % 12 == 0:
        return f"{_times(step.size // 12)}{before}Y{end}-{MONTHS[month]}"
    if step.size % 3 == 0:
        first = month % 3 if end == "S" else 9 + month % 3  # pandas calls plain quarters QS-JAN and QE-DEC
        return f"{_times(step.size // 3)}{before}Q{end}-{MONTHS[first]}"
    return f"{_times(step.size)}{before}M{end}"


def _times(count: int) -> str:
    return str(count) if count > 1 else ""


def _seasons(step: Step) -> tuple[int, ...]:
    """Rows in each season of the kinds that such data usually has, where it is a whole number."""
    if step.kind == "business":
        return (step.weekmask.count("1"),)
    if step.kind.startswith("half"):
        return (24,)
    if step.kind != "fixed":
        return (12 // step.size,) if 12 % step.size == 0 else (1,)
    if step.size % (7 * DAY) == 0:
        return (max(52 * 7 * DAY // step.size, 1),)
    spans = (7 * DAY, 365 * DAY) if step.size >= DAY else (DAY, 7 * DAY)
    if step.size < 60 * SECOND:
        spans = (3600 * SECOND, DAY) if step.size >= SECOND else (SECOND, 60 * SECOND)
    return tuple(span // step.size for span in spans if span % step.size == 0 and span > step.size) or (1,)


def position(step: Step, time: Ints, start: Ints) -> tuple[Ints, Bools]:
    """Steps from each `start` to its `time` (both (N,), local ns), and whether the time is on that grid."""
    if step.kind == "fixed":
        steps, rest = np.divmod(time - start, step.size)
        return steps, rest == 0
    day, clock = np.divmod(time, DAY)
    first_day, first_clock = np.divmod(start, DAY)
    if step.kind == "business":
        days = step.days
        steps = np.busday_count(_dates(first_day), _dates(day), busdaycal=days)
        return steps.astype(np.int64), (clock == first_clock) & np.is_busday(_dates(day), busdaycal=days)
    month, first_month = _months(day), _months(first_day)
    if step.kind.startswith("half"):
        later, first_later = _in_second_half(step, day), _in_second_half(step, first_day)
        steps = 2 * (month - first_month).astype(np.int64) + later - first_later
        return steps, (clock == first_clock) & (day == _half_month_day(step, month, later))
    steps, rest = np.divmod((month - first_month).astype(np.int64), step.size)
    if step.kind == "month_end":
        fits = _months(day + 1) != month
    elif step.kind == "month_start":
        fits = _day_in_month(day, month) == _day_in_month(first_day, first_month)
    else:
        fits = is_near(step, day)
    return steps, (rest == 0) & (clock == first_clock) & fits


def is_near(step: Step, day: Ints) -> Bools:
    """Whether a weekday may be the first or last trading day of its month, for all that holidays do."""
    grid = _business_month_day(step, _months(day))
    apart = np.busday_count(_dates(np.minimum(day, grid)), _dates(np.maximum(day, grid)))
    return np.is_busday(_dates(day)) & (apart <= NEAR)


def _business_month_day(step: Step, month: NDArray[np.datetime64]) -> Ints:
    """The first or last weekday of each month."""
    if step.kind.endswith("start"):
        return np.busday_offset(_dates(_first_day(month)), 0, roll="forward").astype(np.int64)
    return np.busday_offset(_dates(_first_day(month + 1) - 1), 0, roll="backward").astype(np.int64)


def _in_second_half(step: Step, day: Ints) -> Ints:
    """1 from the 15th on, or after it where halves are named by their end; else 0."""
    in_month = _day_in_month(day, _months(day)) + 1
    return (in_month >= 15 if step.kind.endswith("start") else in_month > 15).astype(np.int64)


def _half_month_day(step: Step, month: NDArray[np.datetime64], second: Ints) -> Ints:
    """The 1st or 15th of each month; or the 15th or its last day."""
    if step.kind.endswith("start"):
        return _first_day(month) + 14 * second
    return np.where(second == 1, _first_day(month + 1) - 1, _first_day(month) + 14)


def moved(step: Step, start: Ints, count: Ints) -> Ints:
    """The times `count` steps after `start` (both (N,), local ns)."""
    if step.kind == "fixed":
        return np.asarray(start + count * step.size)
    day, clock = np.divmod(start, DAY)
    if step.kind == "business":
        days = step.days
        later = np.busday_offset(_dates(day), count, roll="preceding", busdaycal=days).astype(np.int64)
        if step.exchange:
            refuse_unknown(step.exchange, later)
        return np.asarray(later * DAY + clock)
    month = _months(day)
    if step.kind.startswith("half"):
        halves = 2 * month.astype(np.int64) + _in_second_half(step, day) + count
        target, second = (halves // 2).astype("datetime64[M]"), halves % 2
        return np.asarray(_half_month_day(step, target, second) * DAY + clock)
    target = month + count * step.size
    if step.kind.startswith("business"):
        return np.asarray(_business_month_day(step, target) * DAY + clock)
    if step.kind == "month_end":
        return np.asarray((_first_day(target + 1) - 1) * DAY + clock)
    last = _first_day(target + 1) - _first_day(target) - 1
    return np.asarray((_first_day(target) + np.minimum(_day_in_month(day, month), last)) * DAY + clock)


def _dates(days: Ints) -> NDArray[np.datetime64]:
    return days.astype("datetime64[D]")


def _months(days: Ints) -> NDArray[np.datetime64]:
    return _dates(days).astype("datetime64[M]")


def _first_day(months: NDArray[np.datetime64]) -> Ints:
    return months.astype("datetime64[D]").astype(np.int64)


def _day_in_month(days: Ints, months: NDArray[np.datetime64]) -> Ints:
    return days - _first_day(months)


def to_local(ns: Ints, tz: str | None) -> Ints:
    """UTC times as the clock of zone `tz` shows them."""
    if tz is None or tz == "UTC":
        return ns
    import pandas as pd

    index = pd.DatetimeIndex(ns.view("M8[ns]")).tz_localize("UTC").tz_convert(tz).tz_localize(None)
    return np.asarray(index.as_unit("ns").asi8)


def from_local(ns: Ints, tz: str | None) -> Ints:
    """Clock times of zone `tz` as UTC; a skipped one moves forward, one that came twice is the first."""
    if tz is None or tz == "UTC":
        return ns
    import pandas as pd

    first = np.ones(len(ns), bool)
    index = pd.DatetimeIndex(ns.view("M8[ns]")).tz_localize(tz, ambiguous=first, nonexistent="shift_forward")
    return np.asarray(index.as_unit("ns").tz_convert("UTC").asi8)


def future_times(last: int, frequency: Frequency, count: int, tz: str | None = None) -> Ints:
    """The `count` timestamps (ns UTC) that follow `last`; days and longer steps keep the clock of `tz`."""
    step = replace(step_of(frequency.alias), holidays=frequency.holidays)
    zone = tz if step.by_days else None
    start = np.full(count, to_local(np.array([last], np.int64), zone)[0])
    return from_local(moved(step, start, np.arange(1, count + 1)), zone)
