"""Which network forecasts a series, and how the series is brought into the form that it reads.

Each network knows seasons of one length. Other lengths are fitted to them:

    seasons of 2, 3 or 6 rows   repeated until they are 4 or 12
    5 or 6 rows (open days)     a week whose other days have no value
    days of 24 k rows           means of k rows; the rows within an hour keep their usual pattern
    any other season            removed before, and added to the forecast after
    the year in days            the same, where the past of a series shows one (`features.yearly_season`)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forecaster.data.calendar.frequency import Frequency
from forecaster.data.calendar.steps import Fixed

DAY_NS = 86_400_000_000_000
HOURS, WEEK = 24, 7
MOST_ROWS = 3600
"""Rows an hour of the fastest series that are seen by the hour: a day of faster ones is never in memory."""
Kind = Literal["season_1", "season_4", "season_7", "season_12", "hours", "prices"]
LONGEST = {"season_1": 40, "season_4": 20, "season_7": 26, "season_12": 13, "hours": 28, "prices": 100}
"""Recurrent steps of the longest past that a network was trained on."""
STEP = {"season_1": 1, "season_4": 4, "season_7": 7, "season_12": 12, "hours": 24, "prices": 5}
"""Rows of one recurrent step."""


@dataclass(frozen=True)
class View:
    """How series of a frequency are shown to a network."""

    kind: Kind
    rows: int = 1
    """Rows of the series in one row of the network: a mean of them."""
    open_days: int | None = None
    """Rows of each week of seven; None: all."""
    removed: int | None = None
    """The season that is removed first, in rows of the series."""


def knows_prices(frequency: Frequency) -> bool:
    """Whether the network for prices suits this frequency: days or less. Prices of months have a drift."""
    step = frequency.step
    return frequency.is_trading or (isinstance(step, Fixed) and step.size <= DAY_NS)


def days_a_week(view: View, frequency: Frequency) -> int | None:
    """Rows of a week, where each row is a day and the network knows the week; None elsewhere."""
    step = frequency.step
    daily = frequency.is_business_days or (isinstance(step, Fixed) and step.size == DAY_NS)
    return (view.open_days or WEEK) if daily and view.kind == "season_7" else None


def view_of(frequency: Frequency) -> View:
    """The view of series of this frequency that are not prices."""
    season, step = frequency.season, frequency.step
    if isinstance(step, Fixed) and not step.by_days and DAY_NS % step.size == 0:
        rows = DAY_NS // step.size
        if rows % HOURS == 0 and rows // HOURS <= MOST_ROWS:
            return View("hours", rows=rows // HOURS)
        if HOURS % rows == 0 and rows > 1:
            return View("season_12") if 12 % rows == 0 else View("season_12", removed=rows)
    if season == 1:
        return View("season_1")
    if season in (2, 4):
        return View("season_4")
    if season in (3, 6, 12) and frequency.is_business_days is False:
        return View("season_12")
    if season == WEEK:
        return View("season_7")
    if season in (5, 6):
        return View("season_7", open_days=season)
    return View("season_12", removed=season)
