"""Frequency: how far apart rows are, how many make a season, and what comes next.

A frequency is a pandas offset alias. Here it is taken as a Step: a fixed length, a number of months (keeping
the day in the month, or always the last day), or a business day. Steps of whole days are counted on the clock
of the time zone, shorter ones in UTC, as pandas does.

Business days are the weekdays of a pattern without the holidays that the data show (module `holidays`), or
the trading days of an exchange (alias B-XNYS), from the library exchange_calendars.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from forecaster.data.holidays import Holiday, closed_days
from forecaster.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from forecaster.data.panel import Names

Longs = NDArray[np.int64]
Kind = Literal["fixed", "month_start", "month_end", "business"]

SECOND = 10**9  # ns
DAY = 86_400 * SECOND
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "D": DAY}
OLDER = {"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns",
         "M": "ME", "Q": "QE", "A": "YE", "Y": "YE", "AS": "YS"}  # fmt: skip
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WORKWEEK = "1111100"  # Monday to Friday
LAST_YEAR = 2261  # of times in ns
FIRST_SESSION, LAST_SESSION = "1990-01-01", "2060-12-31"  # asked of a calendar; some know fewer years
KNOWN = "s, min, 15min, h, D, B, W-SUN, MS, ME, QS, QE, YS or YE"


@dataclass(frozen=True)
class Frequency:
    """The regular step between rows.

    `alias` is a pandas offset alias; `seasonalities` are the lengths, in rows, of the seasons that such
    data may have, the usual one first: 30min -> (48, 336), h -> (24, 168), D -> (7, 365), B -> (5,),
    W -> (52,), MS and ME -> (12,), QS -> (4,), YS -> (1,).
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
    """ns of a fixed step, months of a month step, 1 for business days."""
    exchange: str | None = None
    """Whose trading days business days are; None: those of `weekmask` but for `holidays`."""
    weekmask: str = WORKWEEK
    holidays: tuple[Holiday, ...] = ()

    @property
    def by_days(self) -> bool:
        """Whether steps are whole days, to be counted on the local clock."""
        return self.kind != "fixed" or self.size % DAY == 0


def frequency(alias: str) -> Frequency:
    """The Frequency of a pandas offset alias, older spellings included; UsageError for an unknown one."""
    match = re.fullmatch(r"(\d*)([A-Za-z]+)(?:-([A-Za-z0-9]{3,6}))?", alias.strip())
    if match is None:
        raise UsageError(f"unknown frequency {alias!r}", hint=f"Use a pandas offset alias: {KNOWN}.")
    count, unit, anchor = match[1], match[2], (match[3] or "").upper()
    unit = OLDER.get(unit, unit)
    name = f"{count}{unit}-{anchor}" if anchor else f"{count}{unit}"
    return Frequency(name, _seasons(step_of(name)))


@lru_cache
def step_of(alias: str) -> Step:
    """The Step of an alias; UsageError for an unknown one."""
    match = re.fullmatch(r"([1-9]\d{0,8})?([A-Za-z]+)(?:-([A-Z0-9]{3,6}))?", alias)
    count, unit, anchor = (int(match[1] or 1), match[2], match[3]) if match else (0, "", None)
    if unit in UNITS and anchor is None:
        return Step("fixed", count * UNITS[unit])
    if unit == "W" and anchor in (None, *WEEKDAYS):
        return Step("fixed", count * 7 * DAY)
    if unit == "B" and count == 1:
        return Step("business", 1, anchor)
    if unit in ("MS", "ME") and anchor is None:
        return Step("month_start" if unit == "MS" else "month_end", count)
    if unit in ("QS", "YS", "QE", "YE") and anchor in (None, *MONTHS):
        months = count * (3 if unit[0] == "Q" else 12)
        return Step("month_start" if unit[1] == "S" else "month_end", months)
    raise UsageError(f"unknown frequency {alias!r}", hint=f"Use a pandas offset alias: {KNOWN}.")


@lru_cache
def trading_days(step: Step) -> np.busdaycalendar:
    """The days that a business step counts.

    Raises UsageError where they are those of an exchange and the library exchange_calendars is missing or
    does not know it.
    """
    if step.exchange is None:
        closed = closed_days(step.holidays, LAST_YEAR)
        return np.busdaycalendar(step.weekmask, _dates(closed))
    sessions = _sessions(step.exchange)
    weekdays = np.unique((sessions.astype(np.int64) + 3) % 7)  # 1970 began on a Thursday
    mask = [day in weekdays for day in range(7)]
    every = np.arange(sessions[0], sessions[-1] + 1)
    open_days = every[np.is_busday(every, weekmask=mask)]
    return np.busdaycalendar(weekmask=mask, holidays=np.setdiff1d(open_days, sessions))


@lru_cache
def _sessions(exchange: str) -> NDArray[np.datetime64]:
    """Every trading day of an exchange that the library knows of, half days included."""
    try:
        import exchange_calendars
    except ImportError as error:
        raise UsageError(
            f"the trading days of {exchange} need the library exchange_calendars",
            hint="Install it: pip install 'forecaster[calendars]'; or leave --calendar out.",
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what newer versions of pandas tell that library, not the user
            known = exchange_calendars.get_calendar(exchange, start="2020-01-06", end="2020-12-31")
            first, last = (str(bound or "")[:10] for bound in (known.bound_min(), known.bound_max()))
            bounds = max(first, FIRST_SESSION), min(last or LAST_SESSION, LAST_SESSION)
            whole = type(known)(*bounds)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise UsageError(
            f"exchange_calendars knows no exchange {exchange!r}", hint="Use a code such as XNYS or XLON."
        ) from error
    except (NotImplementedError, ValueError) as error:  # some exchanges, with some versions of pandas
        raise UsageError(
            f"this version of exchange_calendars cannot tell the trading days of {exchange}: {error}",
            hint="Update it; or leave --calendar out, and the holidays in the data are used.",
        ) from error
    return np.asarray(whole.sessions.to_numpy().astype("datetime64[D]"))


def alias_of(step: Step, at: int) -> str:
    """The alias of `step` for a series with a row at time `at` (ns), which anchors weeks and years."""
    if step.kind == "business":
        return "B"
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
    end = "S" if step.kind == "month_start" else "E"
    if step.size % 12 == 0:
        return f"{_times(step.size // 12)}Y{end}-{MONTHS[month]}"
    if step.size % 3 == 0:
        first = month % 3 if end == "S" else 9 + month % 3  # pandas calls plain quarters QS-JAN and QE-DEC
        return f"{_times(step.size // 3)}Q{end}-{MONTHS[first]}"
    return f"{_times(step.size)}M{end}"


def _times(count: int) -> str:
    return str(count) if count > 1 else ""


def _seasons(step: Step) -> tuple[int, ...]:
    """Rows in each season of the kinds that such data usually has, where it is a whole number."""
    if step.kind == "business":
        return (5,)
    if step.kind != "fixed":
        return (12 // step.size,) if 12 % step.size == 0 else (1,)
    if step.size % (7 * DAY) == 0:
        return (max(52 * 7 * DAY // step.size, 1),)
    spans = (7 * DAY, 365 * DAY) if step.size >= DAY else (DAY, 7 * DAY)
    if step.size < 60 * SECOND:
        spans = (3600 * SECOND, DAY) if step.size >= SECOND else (SECOND, 60 * SECOND)
    return tuple(span // step.size for span in spans if span % step.size == 0 and span > step.size) or (1,)


def position(step: Step, time: Longs, start: Longs) -> tuple[Longs, NDArray[np.bool_]]:
    """Steps from each `start` to its `time` (both (N,), local ns), and whether the time is on that grid."""
    if step.kind == "fixed":
        steps, rest = np.divmod(time - start, step.size)
        return steps, rest == 0
    day, clock = np.divmod(time, DAY)
    first_day, first_clock = np.divmod(start, DAY)
    if step.kind == "business":
        days = trading_days(step)
        steps = np.busday_count(_dates(first_day), _dates(day), busdaycal=days)
        return steps.astype(np.int64), (clock == first_clock) & np.is_busday(_dates(day), busdaycal=days)
    month, first_month = _months(day), _months(first_day)
    steps, rest = np.divmod((month - first_month).astype(np.int64), step.size)
    if step.kind == "month_end":
        fits = _months(day + 1) != month
    else:
        fits = _day_in_month(day, month) == _day_in_month(first_day, first_month)
    return steps, (rest == 0) & (clock == first_clock) & fits


def moved(step: Step, start: Longs, count: Longs) -> Longs:
    """The times `count` steps after `start` (both (N,), local ns)."""
    if step.kind == "fixed":
        return np.asarray(start + count * step.size)
    day, clock = np.divmod(start, DAY)
    if step.kind == "business":
        days = trading_days(step)
        later = np.busday_offset(_dates(day), count, roll="preceding", busdaycal=days).astype(np.int64)
        _refuse_unknown(step, later)
        return np.asarray(later * DAY + clock)
    month = _months(day)
    target = month + count * step.size
    if step.kind == "month_end":
        return np.asarray((_first_day(target + 1) - 1) * DAY + clock)
    last = _first_day(target + 1) - _first_day(target) - 1
    return np.asarray((_first_day(target) + np.minimum(_day_in_month(day, month), last)) * DAY + clock)


def _refuse_unknown(step: Step, days: Longs) -> None:
    """UsageError for days later than those that the library knows of an exchange."""
    if step.exchange is None:
        return
    last = _sessions(step.exchange)[-1]
    if days.size and days.max() > last.astype(np.int64):
        raise UsageError(
            f"exchange_calendars knows the trading days of {step.exchange} up to {last} only",
            hint="Update it, or ask for a shorter --horizon.",
        )


def _dates(days: Longs) -> NDArray[np.datetime64]:
    return days.astype("datetime64[D]")


def _months(days: Longs) -> NDArray[np.datetime64]:
    return _dates(days).astype("datetime64[M]")


def _first_day(months: NDArray[np.datetime64]) -> Longs:
    return months.astype("datetime64[D]").astype(np.int64)


def _day_in_month(days: Longs, months: NDArray[np.datetime64]) -> Longs:
    return days - _first_day(months)


def to_local(ns: Longs, tz: str | None) -> Longs:
    """UTC times as the clock of zone `tz` shows them."""
    if tz is None or tz == "UTC":
        return ns
    import pandas as pd

    index = pd.DatetimeIndex(ns.view("M8[ns]")).tz_localize("UTC").tz_convert(tz).tz_localize(None)
    return np.asarray(index.as_unit("ns").asi8)


def from_local(ns: Longs, tz: str | None) -> Longs:
    """Clock times of zone `tz` as UTC; a skipped one moves forward, one that came twice is the first."""
    if tz is None or tz == "UTC":
        return ns
    import pandas as pd

    first = np.ones(len(ns), bool)
    index = pd.DatetimeIndex(ns.view("M8[ns]")).tz_localize(tz, ambiguous=first, nonexistent="shift_forward")
    return np.asarray(index.as_unit("ns").tz_convert("UTC").asi8)


def future_times(last: int, frequency: Frequency, count: int, tz: str | None = None) -> Longs:
    """The `count` timestamps (ns UTC) that follow `last`; days and longer steps keep the clock of `tz`."""
    step = replace(step_of(frequency.alias), holidays=frequency.holidays)
    zone = tz if step.by_days else None
    start = np.full(count, to_local(np.array([last], np.int64), zone)[0])
    return from_local(moved(step, start, np.arange(1, count + 1)), zone)


def timestamps(ns: Longs, names: Names) -> pd.DatetimeIndex:
    """Times for a user's table: in the zone they were written in, naive where they were naive."""
    import pandas as pd

    index = pd.DatetimeIndex(np.asarray(ns, np.int64).view("M8[ns]"))
    return index.tz_localize("UTC").tz_convert(names.tz) if names.tz else index


def times_as_strings(ns: Longs, names: Names) -> list[str]:
    """ISO 8601 text: plain dates where the source had plain dates."""
    index = timestamps(ns, names)
    if names.dates:
        return [str(text) for text in index.strftime("%Y-%m-%d")]
    return [stamp.isoformat(sep=" ") for stamp in index]
