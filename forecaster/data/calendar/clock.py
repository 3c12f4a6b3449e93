"""Clock: units of time, names of weekdays and months, and the local clock of a time zone."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from forecaster.arrays import Ints

SECOND = 10**9  # ns
HOUR = 3600 * SECOND
DAY = 24 * HOUR
LATEST = 2**63 - 1
"""The last time that 64 bits hold, in ns since 1970: in April 2262. The first is in September 1677."""
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": SECOND, "min": 60 * SECOND, "h": HOUR, "D": DAY}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ZONES = ("Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Chicago",
         "America/Denver", "America/Los_Angeles", "America/Halifax", "Australia/Sydney", "Australia/Adelaide",
         "Pacific/Auckland", "America/Santiago", "America/Sao_Paulo", "Asia/Jerusalem")  # fmt: skip
"""Zones whose clocks change, or did, one for each that people are likely to know."""
Days = TypeVar("Days", int, Ints)


def weekday_of(days: Days) -> Days:
    """0 for Monday to 6 for Sunday; `days` are counted from 1970-01-01, a Thursday."""
    return (days + 3) % 7


def size_alias(size: int) -> str:
    """The pandas alias of a step of `size` ns, in the largest unit that makes it a whole number."""
    unit = max((unit for unit in UNITS if size % UNITS[unit] == 0), key=UNITS.__getitem__)
    count = size // UNITS[unit]
    return f"{count if count > 1 else ''}{unit}"


@cache
def known_zones(names: tuple[str, ...] = ZONES) -> tuple[str, ...]:
    """Those of the zones `names` that this system knows."""
    known = []
    for name in names:
        with suppress(KeyError, ValueError, OSError):
            ZoneInfo(name)
            known.append(name)
    return tuple(known)


def to_local(ns: Ints, tz: str | None) -> Ints:
    """UTC times as the clock of zone `tz` shows them."""
    if tz is None or tz == "UTC":
        return ns
    import pandas as pd

    index = pd.DatetimeIndex(ns.view("M8[ns]")).tz_localize("UTC").tz_convert(tz).tz_localize(None)
    return np.asarray(index.as_unit("ns").asi8)


def from_local(ns: Ints, tz: str | None) -> Ints:
    """Clock times of zone `tz` as UTC: a skipped time moves forward, a repeated one is the first of two."""
    if tz is None or tz == "UTC":
        return ns
    import pandas as pd

    first = np.ones(len(ns), bool)
    index = pd.DatetimeIndex(ns.view("M8[ns]")).tz_localize(tz, ambiguous=first, nonexistent="shift_forward")
    return np.asarray(index.as_unit("ns").tz_convert("UTC").asi8)
