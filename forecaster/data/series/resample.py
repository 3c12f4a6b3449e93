"""Readings at any time -> one value a step of a grid: drifting intervals, bursts, events, finer data."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import Aggregate
from forecaster.data.calendar.clock import from_local, to_local
from forecaster.data.calendar.frequency import frequency
from forecaster.data.calendar.steps import Fixed, Months
from forecaster.data.findings import Finding, repair
from forecaster.data.series.observations import Observations
from forecaster.errors import UsageError

FEW_STEPS = 2
"""So many steps more or less are chance."""


def on_grid(
    found: Observations, alias: str, how: Aggregate, tz: str | None
) -> tuple[Observations, list[Finding]]:
    """One row for each series and step of the grid `alias` that holds readings, named by the step's label.

    Rows must be in order of series and time. A missing reading counts for nothing; steps begin at round
    times (the hour, the day, the month), on the clock of zone `tz` where they are of whole days. Of a series
    with one reading about each of those times, a little before or after, each belongs to the nearest.
    """
    grid = frequency(alias)
    step = grid.step
    if not isinstance(step, Fixed | Months):
        raise UsageError(f"readings cannot be put on a grid of {grid.alias}", hint="Use --every D, W or MS.")
    zone = tz if step.by_days else None
    local = to_local(found.time, zone)
    labels = step.label(local)
    nearest = step.label(local + step.size // 2) if isinstance(step, Fixed) else labels
    beside = _come_beside(labels, nearest, found)
    time = from_local(np.where(beside[found.series], nearest, labels), zone)
    again = np.r_[False, (np.diff(time) == 0) & (np.diff(found.series) == 0)]
    first = np.flatnonzero(~again)
    values = np.column_stack([_aggregated(channel, first, how) for channel in found.values.T])
    result = dataclasses.replace(found.take(first), time=time[first], values=values)
    message = f"readings put on a grid of {grid.alias}"
    words = {"last": "last", "first": "first", "max": "largest", "min": "least"}.get(how, how)
    action = f"took the {words} of each step"
    if beside.any():
        action += "; readings come beside its times, each was taken to the nearest"
    return result, [repair("D006", message, count=len(time), action=action)]


def _come_beside(labels: Ints, nearest: Ints, found: Observations) -> Bools:
    """Series (S,) with about one reading a step, of which fewer steps stay empty if each takes the nearest.

    A sensor that reads each five minutes, give or take seconds, at round times, has two readings in some
    steps that begin there and none in others.
    """
    rows = np.bincount(found.series, minlength=len(found.ids))
    steps, steps_nearest = (_distinct(each, found) for each in (labels, nearest))
    return (rows < 1.1 * steps_nearest) & (steps_nearest - steps > np.maximum(FEW_STEPS, steps / 20))


def _distinct(labels: Ints, found: Observations) -> NDArray[np.intp]:
    """How many different labels each series has (S,); rows are in order."""
    new = np.r_[True, (np.diff(labels) != 0) | (np.diff(found.series) != 0)]
    return np.bincount(found.series[new], minlength=len(found.ids))


def _aggregated(values: Floats, first: NDArray[np.intp], how: Aggregate) -> Floats:
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
