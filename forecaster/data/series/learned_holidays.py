"""Trading days and sessions of a panel: its holidays are learned, kept in its frequency, and reported."""

from __future__ import annotations

import dataclasses
from typing import TypeGuard

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import DAY, WEEKDAYS, to_local
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.calendar.holidays import Holiday, learn_holidays
from forecaster.data.calendar.sessions import Sessions
from forecaster.data.calendar.steps import BusinessDays, Step
from forecaster.data.findings import SHOWN, Finding, info, warn
from forecaster.data.labels import times_as_strings
from forecaster.data.panel import Panel


def with_holidays(panel: Panel) -> tuple[Panel, list[Finding]]:
    """The panel with the holidays learned from the rows of all series together, and findings about its days.

    Only sessions and business days without an exchange have holidays; forecasts leave these days out.
    """
    step = panel.frequency.step
    if not _has_holidays(step):
        return panel, []
    local = to_local(panel.time, panel.frequency.clock(panel.names.tz))
    findings = [*_opening(step), *_exceptions(panel, step, local)]
    days = (local[panel.observed.any(axis=1)] if isinstance(step, Sessions) else local) // DAY
    first = int(days.min())
    is_open = np.zeros(int(days.max()) - first + 1, np.bool_)
    is_open[days - first] = True
    holidays = learn_holidays(is_open, first, step.weekmask)
    if not holidays:
        return panel, findings
    known = dataclasses.replace(panel.frequency, holidays=holidays)
    message = f"{len(holidays)} holidays learned from the trading days: {_names(holidays)}"
    other = "" if isinstance(step, Sessions) else "; --calendar uses those of an exchange"
    finding = info("D007", message, action=f"forecasts leave them out{other}")
    return dataclasses.replace(panel, frequency=known), [*findings, finding]


def _has_holidays(step: Step) -> TypeGuard[BusinessDays | Sessions]:
    return isinstance(step, Sessions) or (isinstance(step, BusinessDays) and not step.exchange)


def _opening(step: BusinessDays | Sessions) -> list[Finding]:
    """The days and hours that have rows, if they are not the usual ones."""
    if step == BusinessDays():
        return []
    what, freq = ("times", step.around_the_clock) if isinstance(step, Sessions) else ("days", "D")
    action = f"forecasts leave out the other {what}; --freq {freq} includes them"
    return [info("D008", f"all rows lie on {_week(step)}", action=action)]


def _exceptions(panel: Panel, step: BusinessDays | Sessions, local: Ints) -> list[Finding]:
    """A warning of rows on closed days or at closed hours: special sessions, or wrong dates."""
    if isinstance(step, Sessions):
        odd = np.flatnonzero(~step.position(local, local)[1] & panel.observed.any(axis=1))
        what = "times"
    else:
        odd = np.flatnonzero(~np.is_busday((local // DAY).astype("datetime64[D]"), busdaycal=step.open_days))
        what = "days"
    if not len(odd):
        return []
    message = f"rows on other {what} than {_week(step)}"
    places = times_as_strings(panel.time[odd[:SHOWN]], panel.names)
    return [
        warn("D009", message, count=len(odd), places=places, action=f"kept; forecasts leave such {what} out")
    ]


def described(frequency: Frequency) -> str:
    """The trading days or sessions and how they are known, for a person; empty for other frequencies."""
    step = frequency.step
    if isinstance(step, BusinessDays) and step.exchange:
        return f"those of {step.exchange}, from the library exchange_calendars"
    if not _has_holidays(step):
        return ""
    if not frequency.holidays:
        return f"{_week(step)}; the data show no holidays that recur"
    return f"{_week(step)}, without holidays learned from the data: {_names(frequency.holidays)}"


def _week(step: BusinessDays | Sessions) -> str:
    if isinstance(step, Sessions):
        return str(step)
    return ", ".join(name for name, flag in zip(WEEKDAYS, step.weekmask, strict=True) if flag == "1")


def _names(holidays: tuple[Holiday, ...]) -> str:
    return ", ".join(map(str, holidays))
