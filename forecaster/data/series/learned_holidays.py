"""Trading days of a panel: its holidays are learned, kept in its frequency, and reported."""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import DAY, WEEKDAYS, to_local
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.calendar.holidays import Holiday, learn_holidays
from forecaster.data.calendar.steps import WORKWEEK, BusinessDays
from forecaster.data.findings import SHOWN, Finding, info, warn
from forecaster.data.labels import times_as_strings
from forecaster.data.panel import Panel


def with_holidays(panel: Panel) -> tuple[Panel, list[Finding]]:
    """The panel with the holidays learned from the rows of all series together, and findings about its days.

    Only business days without an exchange have holidays; forecasts leave these days out.
    """
    step = panel.frequency.step
    if not isinstance(step, BusinessDays) or step.exchange:
        return panel, []
    days = to_local(panel.time, panel.names.tz) // DAY
    findings = [*_unusual_week(step), *_exceptions(panel, step, days)]
    first = int(days.min())
    is_open = np.zeros(int(days.max()) - first + 1, np.bool_)
    is_open[days - first] = True
    holidays = learn_holidays(is_open, first, step.weekmask)
    if not holidays:
        return panel, findings
    known = dataclasses.replace(panel.frequency, holidays=holidays)
    message = f"{len(holidays)} holidays learned from the trading days: {_names(holidays)}"
    finding = info("D007", message, action="forecasts leave them out; --calendar uses those of an exchange")
    return dataclasses.replace(panel, frequency=known), [*findings, finding]


def _unusual_week(step: BusinessDays) -> list[Finding]:
    if step.weekmask == WORKWEEK:
        return []
    message = f"all rows lie on {_week(step)}"
    return [info("D008", message, action="forecasts leave out the other days; --freq D includes them")]


def _exceptions(panel: Panel, step: BusinessDays, days: Ints) -> list[Finding]:
    """A warning of rows on closed days: special sessions, or wrong dates."""
    odd = np.flatnonzero(~np.is_busday(days.astype("datetime64[D]"), busdaycal=step.open_days))
    if not len(odd):
        return []
    message = f"rows on other days than {_week(step)}"
    places = times_as_strings(panel.time[odd[:SHOWN]], panel.names)
    return [
        warn("D009", message, count=len(odd), places=places, action="kept; forecasts leave such days out")
    ]


def described(frequency: Frequency) -> str:
    """The trading days and how they are known, for a person; empty for other frequencies."""
    step = frequency.step
    if not isinstance(step, BusinessDays):
        return ""
    if step.exchange:
        return f"those of {step.exchange}, from the library exchange_calendars"
    if not frequency.holidays:
        return f"{_week(step)}; the data show no holidays that recur"
    return f"{_week(step)}, without holidays learned from the data: {_names(frequency.holidays)}"


def _week(step: BusinessDays) -> str:
    return ", ".join(name for name, flag in zip(WEEKDAYS, step.weekmask, strict=True) if flag == "1")


def _names(holidays: tuple[Holiday, ...]) -> str:
    return ", ".join(map(str, holidays))
