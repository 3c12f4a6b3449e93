"""Readings at any time -> one value a step of a grid: drifting intervals, bursts, events, finer data."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from forecaster.config import Aggregate
from forecaster.data.audit import Finding, repair
from forecaster.data.calendar import DAY, WEEKDAYS, Longs, Step, frequency, from_local, step_of, to_local
from forecaster.data.observations import Observations
from forecaster.errors import UsageError


def on_grid(
    found: Observations, alias: str, how: Aggregate, tz: str | None
) -> tuple[Observations, list[Finding]]:
    """One row for each series and step of the grid `alias` that holds readings, named by the step's label.

    Rows must be in order of series and time. A missing reading counts for nothing; steps begin at round
    times (the hour, the day, the month), on the clock of zone `tz` where they are of whole days.
    """
    name = frequency(alias).alias
    step = step_of(name)
    zone = tz if step.by_days else None
    if step.kind == "business":
        raise UsageError("readings cannot be put on a grid of business days", hint="Use --every D.")
    time = from_local(_labels(step, name, to_local(found.time, zone)), zone)
    again = np.r_[False, (np.diff(time) == 0) & (np.diff(found.series) == 0)]
    first = np.flatnonzero(~again)
    values = np.column_stack([_aggregated(channel, first, how) for channel in found.values.T])
    result = dataclasses.replace(found.take(first), time=time[first], values=values)
    message = f"readings put on a grid of {name}"
    words = {"last": "last", "first": "first", "max": "largest", "min": "least"}.get(how, how)
    return result, [repair("D006", message, count=len(time), action=f"took the {words} of each step")]


def _labels(step: Step, alias: str, local: Longs) -> Longs:
    """The grid time of the step that holds each time (N,)."""
    if step.kind == "fixed":
        start = _week_start(alias) if step.size % (7 * DAY) == 0 else 0
        return np.asarray((local - start) // step.size * step.size + start)
    months = (local // DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    anchor = _anchor_month(alias)
    period = (months - anchor) // step.size * step.size + anchor
    if step.kind == "month_end":
        period = -((anchor - months) // step.size) * step.size + anchor
        return _first_day(period + 1) - DAY
    return _first_day(period)


def _first_day(months: Longs) -> Longs:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) * DAY


def _week_start(alias: str) -> int:
    """ns from 1970-01-01, a Thursday, to the weekday that labels a week: Sunday where none is named."""
    named = alias.rpartition("-")[2]
    weekday = WEEKDAYS.index(named) if named in WEEKDAYS else 6
    return (weekday - 3) * DAY if "W" in alias else 0


def _anchor_month(alias: str) -> int:
    """A month (since 1970-01) that begins, or ends, a period of the alias."""
    months = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    named = alias.rpartition("-")[2]
    if named in months:
        return months.index(named)
    return 11 if alias.endswith(("QE", "YE")) else 0


def _aggregated(values: NDArray[np.float64], first: NDArray[np.intp], how: Aggregate) -> NDArray[np.float64]:
    """One value for each group of rows that begins at `first`; NaN where a group has no reading."""
    known = ~np.isnan(values)
    count = np.add.reduceat(known.astype(np.float64), first)
    if how in ("max", "min"):
        return np.asarray((np.fmax if how == "max" else np.fmin).reduceat(values, first))
    if how in ("sum", "mean"):
        total = np.add.reduceat(np.where(known, values, 0.0), first)
        return np.where(count > 0, total / (np.maximum(count, 1) if how == "mean" else 1.0), np.nan)
    place = np.arange(len(values))
    if how == "first":
        best = np.minimum.reduceat(np.where(known, place, len(values)), first)
    else:
        best = np.maximum.reduceat(np.where(known, place, -1), first)
    return np.where(count > 0, values[np.clip(best, 0, len(values) - 1)], np.nan)
