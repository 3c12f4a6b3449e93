"""Labels: the user's names for columns, and how messages and tables show names and times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from forecaster.arrays import Ints

if TYPE_CHECKING:
    import pandas as pd

SecondDigits = Literal["seconds", "milliseconds", "microseconds", "nanoseconds"]


@dataclass(frozen=True)
class Names:
    """The user's names for columns and forms of times, so that forecasts look like the data."""

    time: str
    id: str | None
    """None: the table holds one series and has no id column."""
    target: str
    covariates: tuple[str, ...] = ()
    """Past-only: their future is unknown."""
    tz: str | None = None
    """Time zone of the timestamps in the source; None: naive."""
    dates: bool = False
    """True: timestamps were plain dates, without a time of day."""
    known: tuple[str, ...] = ()
    """Covariates whose future values are known."""
    static: tuple[str, ...] = ()
    """Facts of each series."""


def timestamps(ns: Ints, names: Names) -> pd.DatetimeIndex:
    """Times for a user's table: in the time zone of the source, naive if the source was."""
    import pandas as pd

    index = pd.DatetimeIndex(np.asarray(ns, np.int64).view("M8[ns]"))
    return index.tz_localize("UTC").tz_convert(names.tz) if names.tz else index


def times_as_strings(ns: Ints, names: Names) -> list[str]:
    """ISO 8601 text; plain dates if the source had plain dates."""
    index = timestamps(ns, names)
    if names.dates:
        return [str(text) for text in index.strftime("%Y-%m-%d")]
    digits = second_digits(index)
    return [stamp.isoformat(sep=" ", timespec=digits) for stamp in index]


def second_digits(times: pd.DatetimeIndex) -> SecondDigits:
    """How far the seconds of all these times must be written, so that each is whole."""
    ns = times[times.notna()].as_unit("ns").asi8
    units: dict[SecondDigits, int] = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3}
    return next((unit for unit, size in units.items() if not (ns % size).any()), "nanoseconds")


def shown(value: object, limit: int = 60) -> str:
    """`value` quoted, with control and invisible characters escaped and long text cut."""
    text = str(value)
    return repr(text if len(text) <= limit else text[:limit] + "…")


def listed(names: list[str] | tuple[str, ...], limit: int = 12) -> str:
    """Names for a message: 'a', 'b' and 3 more."""
    head = ", ".join(shown(name) for name in names[:limit])
    return head if len(names) <= limit else f"{head} and {len(names) - limit} more"
