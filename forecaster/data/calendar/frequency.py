"""Frequency: how far apart rows are, how many make a season, and what comes next.

A frequency is a pandas offset alias, read here as a Step (module `steps`).

Business days are the weekdays of a pattern (B, or B-1111110 for Monday to Saturday) without the holidays
that the data show (module `holidays`), or the trading days of an exchange (alias B-XNYS), from the library
exchange_calendars (module `exchanges`). Bars of less than a day have opening hours (h@Mon-Fri/09:30-15:30,
module `sessions`) where the data show that the other hours are closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import DAY, LATEST, MONTHS, UNITS, WEEKDAYS, from_local, to_local
from forecaster.data.calendar.exchanges import weekly_days
from forecaster.data.calendar.holidays import Holiday
from forecaster.data.calendar.sessions import WEEK, Sessions, sessions
from forecaster.data.calendar.steps import (
    WORKWEEK,
    BusinessDays,
    Fixed,
    HalfMonths,
    Months,
    Step,
)
from forecaster.errors import DataError, UsageError, brief

OLDER = {"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns",
         "M": "ME", "Q": "QE", "A": "YE", "Y": "YE", "AS": "YS", "SM": "SME",
         "BM": "BME", "BQ": "BQE", "BA": "BYE", "BY": "BYE", "BAS": "BYS"}  # fmt: skip
WORDS = {"sec": "s", "second": "s", "seconds": "s", "mins": "min", "minute": "min", "minutes": "min",
         "hour": "h", "hours": "h", "d": "D", "day": "D", "days": "D", "w": "W", "week": "W",
         "weeks": "W"}  # fmt: skip
WEEKDAY_ANCHORS, MONTH_ANCHORS = ([name.upper() for name in names] for names in (WEEKDAYS, MONTHS))
WEEKMASK = re.compile("(?=.*1.*1)[01]{7}")
KNOWN = "s, min, 15min, h, D, B, W-SUN, SMS, SME, MS, ME, BMS, BME, QS, QE, BQE, YS, YE or BYE"
EVERY_DAY = "1111111"
CENTURY = 101 * 372 * DAY
MONTHLY = re.compile("(B?)([MQY])([SE])")


@dataclass(frozen=True)
class Frequency:
    """The regular step between rows.

    `alias` is a pandas offset alias; `seasonalities` are the lengths, in rows, of the seasons that such
    data may have, the usual one first: 30min -> (48, 336), h -> (24, 168), D -> (7, 365), B -> (5,),
    W -> (52,), SME -> (24,), MS and ME -> (12,), QS -> (4,), YS -> (1,). Of sessions they are the bars of a
    day and of a week: h@Mon-Fri/09:30-15:30 -> (7, 35).
    """

    alias: str
    seasonalities: tuple[int, ...]
    holidays: tuple[Holiday, ...] = ()
    """Closed days that the data show, of business days and sessions."""

    @property
    def season(self) -> int:
        """The usual seasonality m of a MASE and of the seasonal naive forecast."""
        return self.seasonalities[0]

    @property
    def step(self) -> Step:
        """The step as arithmetic needs it, in which holidays count as business days."""
        return step_of(self.alias)

    @property
    def counted_seasons(self) -> tuple[int, ...]:
        """The seasons whose positions follow by counting rows, also over holidays, which have no rows."""
        if self.is_business_days:
            return ()
        return self.seasonalities[:-1] if isinstance(self.step, Sessions) else self.seasonalities

    @property
    def is_business_days(self) -> bool:
        """Whether rows are business days: holidays are no rows, and weeks differ in length."""
        return isinstance(self.step, BusinessDays)

    @property
    def is_trading(self) -> bool:
        """Whether rows are business days, or the bars of sessions."""
        return isinstance(self.step, BusinessDays | Sessions)

    def clock(self, tz: str | None) -> str | None:
        """The zone on whose clock days are counted, for times of zone `tz`."""
        step = self.step
        return (step.zone or tz) if isinstance(step, Sessions) else tz

    def position(self, time: Ints, start: Ints) -> tuple[Ints, Bools]:
        """Steps from each `start` to its `time` (both (N,), local ns), and whether it is on that grid."""
        return self.step.position(time, start)

    def steps_in(self, duration: Step) -> int | None:
        """How many whole steps a duration has; None where that depends on the date."""
        step = self.step
        if isinstance(step, Fixed | Sessions) and isinstance(duration, Fixed):
            return duration.size // step.size
        if isinstance(step, Months) and isinstance(duration, Months):
            return None if step.on_weekday or duration.on_weekday else duration.size // step.size
        return None

    def ahead(self, time: Ints, last: Ints, tz: str | None) -> tuple[Ints, Bools]:
        """Which of the `future_times` after its `last` each `time` is (n,), from 1 on; and whether it is any.

        Times are ns UTC; each is after its `last`.
        """
        step = self.step
        zone = self.clock(tz) if step.by_days else None
        if isinstance(step, BusinessDays):
            step = replace(step, holidays=self.holidays)
        place, fits = step.position(to_local(time, zone), to_local(last, zone))
        if not isinstance(step, Sessions) or not self.holidays or not len(time):
            return place, fits
        for end in np.unique(last):
            mine = last == end
            bars = self.future_times(int(end), int(place[mine].max()) + 1, tz)
            place[mine] = np.searchsorted(bars, time[mine]) + 1
            fits[mine] = bars[np.minimum(place[mine], len(bars)) - 1] == time[mine]
        return place, fits

    def future_times(self, last: int, count: int, tz: str | None = None) -> Ints:
        """The `count` timestamps (ns UTC) after `last`; days and longer steps keep the clock of `tz`."""
        step = self.step
        self._check_reach(last, count)
        if isinstance(step, BusinessDays):
            step = replace(step, holidays=self.holidays)
        zone = self.clock(tz) if step.by_days else None
        start = to_local(np.array([last], np.int64), zone)
        if isinstance(step, Sessions):
            return from_local(self._open_bars(step, start, count), zone)
        return from_local(step.moved(np.repeat(start, count), np.arange(1, count + 1)), zone)

    def _check_reach(self, last: int, count: int) -> None:
        """Raise DataError where the time `count` steps after `last` does not fit 64 bits."""
        step = self.step
        each = WEEK // max(len(step.bars), 1) + 1 if isinstance(step, Sessions) else _longest(step)
        if last + count * each + 2 * WEEK > LATEST:
            day = str(np.datetime64(last, "ns"))[:10]
            raise DataError(
                f"{count:,} steps of {self.alias} after {day} reach beyond 2262, the last known year",
                hint="Take fewer steps or rows, such as a shorter --horizon, or an earlier --start.",
            )

    def _open_bars(self, step: Sessions, start: Ints, count: int) -> Ints:
        """The `count` bars after `start` (1,) that lie on no holiday."""
        calendar = weekly_days(EVERY_DAY, self.holidays)
        tried = count
        while True:
            bars = step.moved(np.repeat(start, tried), np.arange(1, tried + 1))
            bars = bars[np.is_busday((bars // DAY).astype("datetime64[D]"), busdaycal=calendar)]
            if len(bars) >= count:
                return bars[:count]
            tried += count - len(bars) + len(step.bars)


def frequency(alias: str) -> Frequency:
    """The Frequency of a pandas offset alias, also in an older spelling or in words; else UsageError."""
    bars, at, week = alias.strip().partition("@")
    if at:
        name = f"{frequency(bars).alias}@{week}"
        return Frequency(name, step_of(name).seasonalities)
    match = re.fullmatch(r"(\d*) ?([A-Za-z]+)(?:-([A-Za-z0-9]{2,7}))?", alias.strip())
    if match is None:
        raise UsageError(f"unknown frequency {brief(alias)}", hint=f"Use a pandas offset alias: {KNOWN}.")
    count, unit, anchor = match[1], match[2], (match[3] or "").upper()
    unit = OLDER.get(unit) or WORDS.get(unit.lower(), unit)
    anchor = "" if unit in ("SMS", "SME") and anchor == "15" else anchor  # as pandas writes them
    name = f"{count}{unit}-{anchor}" if anchor else f"{count}{unit}"
    return Frequency(name, step_of(name).seasonalities)


@lru_cache
def step_of(alias: str) -> Step:
    """The Step of an alias; UsageError for an unknown one, or one of more than a century."""
    step = _step_of(alias)
    if _longest(step) > CENTURY:
        raise UsageError(
            f"a step of {brief(alias)} is longer than a century", hint="Name a shorter one, as in --freq D."
        )
    return step


def _longest(step: Step) -> int:
    """The most time from one row to the next, holidays aside, ns."""
    if isinstance(step, Fixed):
        return step.size
    if isinstance(step, Months):
        return 31 * step.size * DAY
    return WEEK if isinstance(step, BusinessDays | Sessions) else 16 * DAY


def _step_of(alias: str) -> Step:
    """The Step of an alias; UsageError for an unknown one."""
    if "@" in alias:
        return _sessions(alias)
    match = re.fullmatch(r"([1-9]\d{0,8})?([A-Za-z]+)(?:-([A-Z0-9]{2,7}))?", alias)
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
    if unit == "MS" and anchor in ("29", "30"):
        return Months(count, day=int(anchor))
    monthly = MONTHLY.fullmatch(unit)
    if monthly and anchor in ((None,) if monthly[2] == "M" else (None, *MONTH_ANCHORS)):
        size, at_end = count * {"M": 1, "Q": 3, "Y": 12}[monthly[2]], monthly[3] == "E"
        usual = "DEC" if at_end and monthly[2] != "M" else "JAN"
        return Months(size, at_end, bool(monthly[1]), MONTH_ANCHORS.index(anchor or usual))
    hint = f"Use a pandas offset alias: {KNOWN}."
    if unit == "m":
        hint = f"Minutes are {alias[:20]}in, months {alias[:-1][:20]}MS. " + hint
    raise UsageError(f"unknown frequency {brief(alias)}", hint=hint)


def _sessions(alias: str) -> Sessions:
    bars, week, *zone = alias.split("@", 2)
    step = step_of(bars)
    try:
        if not isinstance(step, Fixed) or step.size >= DAY or step.size % UNITS["s"]:
            raise ValueError(f"bars of {bars!r} are not whole seconds, and less than a day")
        return sessions(step.size, week, zone[0] if zone else None)
    except (ValueError, KeyError, OSError) as error:
        raise UsageError(
            f"unknown frequency {brief(alias)}: {error}",
            hint="Name the first and the last bar of each day, as in 5min@Mon-Fri/09:00-17:25.",
        ) from error
