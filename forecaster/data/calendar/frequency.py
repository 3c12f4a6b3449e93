"""Frequency: how far apart rows are, how many make a season, and what comes next.

A frequency is a pandas offset alias, read here as a Step (module `steps`).

Business days are the weekdays of a pattern (B, or B-1111110 for Monday to Saturday) without the holidays
that the data show (module `holidays`), or the trading days of an exchange (alias B-XNYS), from the library
exchange_calendars (module `exchanges`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import DAY, MONTHS, WEEKDAYS, from_local, to_local
from forecaster.data.calendar.holidays import Holiday
from forecaster.data.calendar.steps import (
    UNITS,
    WEEK,
    WORKWEEK,
    BusinessDays,
    Fixed,
    HalfMonths,
    Months,
    Step,
)
from forecaster.errors import UsageError

OLDER = {"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns",
         "M": "ME", "Q": "QE", "A": "YE", "Y": "YE", "AS": "YS", "SM": "SME",
         "BM": "BME", "BQ": "BQE", "BA": "BYE", "BY": "BYE", "BAS": "BYS"}  # fmt: skip
WORDS = {"sec": "s", "second": "s", "seconds": "s", "mins": "min", "minute": "min", "minutes": "min",
         "hour": "h", "hours": "h", "d": "D", "day": "D", "days": "D", "w": "W", "week": "W",
         "weeks": "W"}  # fmt: skip
WEEKDAY_ANCHORS, MONTH_ANCHORS = ([name.upper() for name in names] for names in (WEEKDAYS, MONTHS))
WEEKMASK = re.compile("(?=.*1.*1)[01]{7}")
KNOWN = "s, min, 15min, h, D, B, W-SUN, SMS, SME, MS, ME, BMS, BME, QS, QE, BQE, YS, YE or BYE"
MONTHLY = re.compile("(B?)([MQY])([SE])")


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

    @property
    def step(self) -> Step:
        """The step as arithmetic needs it, in which holidays count as business days."""
        return step_of(self.alias)

    @property
    def is_business_days(self) -> bool:
        """Whether rows are business days: holidays are no rows, and weeks differ in length."""
        return isinstance(self.step, BusinessDays)

    def position(self, time: Ints, start: Ints) -> tuple[Ints, Bools]:
        """Steps from each `start` to its `time` (both (N,), local ns), and whether it is on that grid."""
        return self.step.position(time, start)

    def steps_in(self, duration: Step) -> int | None:
        """How many whole steps a duration has; None where that depends on the date."""
        step = self.step
        if isinstance(step, Fixed) and isinstance(duration, Fixed):
            return duration.size // step.size
        if isinstance(step, Months) and isinstance(duration, Months):
            return None if step.on_weekday or duration.on_weekday else duration.size // step.size
        return None

    def future_times(self, last: int, count: int, tz: str | None = None) -> Ints:
        """The `count` timestamps (ns UTC) after `last`; days and longer steps keep the clock of `tz`."""
        step = self.step
        if isinstance(step, BusinessDays):
            step = replace(step, holidays=self.holidays)
        zone = tz if step.by_days else None
        start = np.full(count, to_local(np.array([last], np.int64), zone)[0])
        return from_local(step.moved(start, np.arange(1, count + 1)), zone)


def frequency(alias: str) -> Frequency:
    """The Frequency of a pandas offset alias, also in an older spelling or in words; else UsageError."""
    match = re.fullmatch(r"(\d*) ?([A-Za-z]+)(?:-([A-Za-z0-9]{2,7}))?", alias.strip())
    if match is None:
        raise UsageError(f"unknown frequency {alias!r}", hint=f"Use a pandas offset alias: {KNOWN}.")
    count, unit, anchor = match[1], match[2], (match[3] or "").upper()
    unit = OLDER.get(unit) or WORDS.get(unit.lower(), unit)
    anchor = "" if unit in ("SMS", "SME") and anchor == "15" else anchor  # as pandas writes them
    name = f"{count}{unit}-{anchor}" if anchor else f"{count}{unit}"
    return Frequency(name, step_of(name).seasonalities)


@lru_cache
def step_of(alias: str) -> Step:
    """The Step of an alias; UsageError for an unknown one."""
    match = re.fullmatch(r"([1-9]\d{0,8})?([A-Za-z]+)(?:-([A-Z0-9]{3,7}))?", alias)
    count, unit, anchor = (int(match[1] or 1), match[2], match[3]) if match else (0, "", None)
    if unit in UNITS and anchor is None:
        return Fixed(count * UNITS[unit])
    if unit == "W" and anchor in (None, *WEEKDAY_ANCHORS):
        thursday = WEEKDAY_ANCHORS.index("THU")  # 1970-01-01
        return Fixed(count * WEEK, (WEEKDAY_ANCHORS.index(anchor or "SUN") - thursday) * DAY)
    if unit == "B" and count == 1 and not (anchor or "0").isdecimal():
        return BusinessDays(anchor)
    if unit == "B" and count == 1 and WEEKMASK.fullmatch(anchor or WORKWEEK):
        return BusinessDays(weekmask=anchor or WORKWEEK)
    if unit in ("SMS", "SME") and count == 1 and anchor is None:
        return HalfMonths(at_end=unit == "SME")
    monthly = MONTHLY.fullmatch(unit)
    if monthly and anchor in ((None,) if monthly[2] == "M" else (None, *MONTH_ANCHORS)):
        size, at_end = count * {"M": 1, "Q": 3, "Y": 12}[monthly[2]], monthly[3] == "E"
        usual = "DEC" if at_end and monthly[2] != "M" else "JAN"
        return Months(size, at_end, bool(monthly[1]), MONTH_ANCHORS.index(anchor or usual))
    hint = f"Use a pandas offset alias: {KNOWN}."
    if unit == "m":
        hint = f"Minutes are {alias}in, months {alias[:-1]}MS. " + hint
    raise UsageError(f"unknown frequency {alias!r}", hint=hint)
