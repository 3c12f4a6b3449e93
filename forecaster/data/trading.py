"""Trading days: which days of a panel are closed year by year, told to its frequency and to the reader."""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.data.audit import Finding, info
from forecaster.data.calendar import DAY, Frequency, step_of, to_local
from forecaster.data.holidays import WEEKDAYS, Holiday, learned_holidays
from forecaster.data.panel import Panel


def with_holidays(panel: Panel) -> tuple[Panel, list[Finding]]:
    """The panel with the holidays that its rows, of all series together, show; and the finding that says so.

    Only business days without an exchange have any: forecasts leave these days out.
    """
    step = step_of(panel.frequency.alias)
    if step.kind != "business" or step.exchange:
        return panel, []
    days = to_local(panel.time, panel.names.tz) // DAY
    first = int(days.min())
    is_open = np.zeros(int(days.max()) - first + 1, np.bool_)
    is_open[days - first] = True
    holidays = learned_holidays(is_open, first, step.weekmask)
    if not holidays:
        return panel, []
    known = dataclasses.replace(panel.frequency, holidays=holidays)
    message = f"{len(holidays)} holidays learned from the trading days: {_names(holidays)}"
    finding = info("D007", message, action="forecasts leave them out; --calendar knows those of an exchange")
    return dataclasses.replace(panel, frequency=known), [finding]


def described(frequency: Frequency) -> str:
    """Which days are taken as trading days, and where that is known from; empty for other frequencies."""
    step = step_of(frequency.alias)
    if step.kind != "business":
        return ""
    if step.exchange:
        return f"those of {step.exchange}, from the library exchange_calendars"
    week = ", ".join(name for name, flag in zip(WEEKDAYS, step.weekmask, strict=True) if flag == "1")
    if not frequency.holidays:
        return f"{week}; the data show no holidays that recur"
    return f"{week}, without holidays learned from the data: {_names(frequency.holidays)}"


def _names(holidays: tuple[Holiday, ...]) -> str:
    return ", ".join(map(str, holidays))
