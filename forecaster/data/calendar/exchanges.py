"""Trading days: of a weekly pattern without holidays, or of an exchange (library exchange_calendars)."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import weekday_of
from forecaster.data.calendar.holidays import Holiday, closed_days
from forecaster.errors import UsageError

LAST_YEAR = 2261  # of times in ns
FIRST_SESSION, LAST_SESSION = "1990-01-01", "2060-12-31"  # asked for; some calendars know fewer years


@lru_cache
def weekly_days(weekmask: str, holidays: tuple[Holiday, ...]) -> np.busdaycalendar:
    """The days of a week such as '1111100', Monday first, without holidays."""
    return np.busdaycalendar(weekmask, closed_days(holidays, LAST_YEAR).astype("datetime64[D]"))


@lru_cache
def exchange_days(exchange: str) -> np.busdaycalendar:
    """The trading days of an exchange such as XNYS, half days included.

    Raises UsageError if the library exchange_calendars is missing or does not know the exchange.
    """
    sessions = _sessions(exchange)
    weekdays = np.unique(weekday_of(sessions.astype(np.int64)))
    mask = [day in weekdays for day in range(7)]
    every = np.arange(sessions[0], sessions[-1] + 1)
    open_days = every[np.is_busday(every, weekmask=mask)]
    return np.busdaycalendar(weekmask=mask, holidays=np.setdiff1d(open_days, sessions))


def refuse_unknown(exchange: str, days: Ints) -> None:
    """Raise UsageError for days (since 1970) after the last one that the library knows of an exchange."""
    last = _sessions(exchange)[-1]
    if days.size and days.max() > last.astype(np.int64):
        raise UsageError(
            f"exchange_calendars knows the trading days of {exchange} up to {last} only",
            hint="Update it, or ask for a shorter --horizon.",
        )


def half_days(exchange: str) -> NDArray[np.datetime64]:
    """The trading days on which an exchange closes early. Raises UsageError as `exchange_days` does."""
    return _known(exchange)[1]


def _sessions(exchange: str) -> NDArray[np.datetime64]:
    """Every trading day of an exchange that the library knows of."""
    return _known(exchange)[0]


@lru_cache
def _known(exchange: str) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """Every trading day of an exchange that the library knows of, and those on which it closes early."""
    try:
        import exchange_calendars
    except ImportError as error:
        raise UsageError(
            f"the trading days of {exchange} need the library exchange_calendars",
            hint="Install it: pip install 'forecaster[calendars]', or leave --calendar out.",
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # meant for the authors of that library, not for the user
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
            f"this version of exchange_calendars cannot list the trading days of {exchange}: {error}",
            hint="Update it, or leave --calendar out to use the holidays in the data.",
        ) from error
    every, early = (
        np.asarray(days.to_numpy().astype("datetime64[D]")) for days in (whole.sessions, whole.early_closes)
    )
    return every, early
