"""Readings at irregular times -> one value per step of a grid: clock drift, bursts, events, finer data."""

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
from forecaster.errors import DataError, UsageError

MOST_COUNTED = 1000
"""Steps for each row, where steps without a row have a count of zero."""
FEW_STEPS = 2
"""A difference of this many steps may be chance."""


def on_grid(
    obs: Observations, alias: str, how: Aggregate, tz: str | None
) -> tuple[Observations, list[Finding]]:
    """One row for each series and step of the grid `alias` that has readings, at the label of the step.

    Rows must be in order of series and time. Missing readings do not count. Steps begin at round times (the
    hour, the day, the month); steps of whole days on the clock of zone `tz`. If a series has one reading a
    little before or after each of these times, a reading belongs to the nearest of them.
    """
    grid = frequency(alias)
    step = grid.step
    if not isinstance(step, Fixed | Months) or (isinstance(step, Months) and step.day):
        raise UsageError(f"readings cannot be put on a grid of {grid.alias}", hint="Use --every D, W or MS.")
    zone = tz if step.by_days else None
    local = to_local(obs.time, zone)
    labels = step.label(local)
    nearest = step.label(local + step.size // 2) if isinstance(step, Fixed) else labels
    jittered = _are_jittered(labels, nearest, obs)
    time = from_local(np.where(jittered[obs.series], nearest, labels), zone)
    again = np.r_[False, (np.diff(time) == 0) & (np.diff(obs.series) == 0)]
    first = np.flatnonzero(~again)
    ways = _ways(how, obs)
    values = np.column_stack(
        [_aggregated(channel, first, way) for channel, way in zip(obs.values.T, ways, strict=True)]
    )
    result = dataclasses.replace(obs.take(first), time=time[first], values=values)
    if how == "count":
        result = _with_zeros(result, step, zone)
        if result.words:  # a step of the future is not counted
            result.values[result.after_end(result.values[:, 0] > 0), 0] = np.nan
    message = f"readings put on a grid of {grid.alias}"
    words = {"last": "last", "first": "first", "max": "largest", "min": "least"}.get(how, how)
    action = f"took the {words} of each step"
    if jittered.any():
        action += "; readings lie a little before or after it, and each counts for the nearest"
    return result, [repair("D006", message, count=len(time), action=action)]


def _ways(how: Aggregate, obs: Observations) -> list[Aggregate]:
    """How the readings of a step make one, for each channel: of known covariates their mean or last word."""
    channels = obs.values.shape[1]
    ways: list[Aggregate] = [how, *["mean" if how == "count" else how] * (channels - 1)]
    for channel in range(channels - len(obs.words), channels):
        ways[channel] = "last" if channel in obs.categories else "mean"
    return ways


def _with_zeros(obs: Observations, step: Fixed | Months, zone: str | None) -> Observations:
    """With a row of count 0 for each step without a row, from the first to the last step of a series."""
    local, offsets = to_local(obs.time, zone), obs.offsets()
    start = np.repeat(local[offsets[:-1]], np.diff(offsets))
    place, _ = step.position(local, start)
    steps = place[offsets[1:] - 1] + 1  # of each series
    total = sum(steps.tolist())
    if total > MOST_COUNTED * len(obs.time) + 10**6:
        raise DataError(
            f"{len(obs.time):,} rows would become {total:,}, nearly all with a count of 0",
            hint="Count over a longer step, such as --every D --agg count.",
        )
    begin = np.cumsum(steps) - steps
    series = np.repeat(np.arange(len(obs.ids), dtype=obs.series.dtype), steps)
    count = np.arange(len(series)) - begin[series]
    time = from_local(step.moved(local[offsets[:-1]][series], count), zone)
    values = np.full((len(series), obs.values.shape[1]), np.nan)
    values[:, 0] = 0.0
    values[begin[obs.series] + place] = obs.values
    origin = np.zeros(len(series), np.int64)
    origin[begin[obs.series] + place] = np.arange(len(obs.time)) if obs.origin is None else obs.origin
    return dataclasses.replace(obs, series=series, time=time, values=values, origin=origin)


def _are_jittered(labels: Ints, nearest: Ints, obs: Observations) -> Bools:
    """Series (S,) with about one reading per step, for which the nearest time leaves fewer steps empty.

    A sensor that reads every five minutes, a few seconds early or late, has two readings in some steps that
    begin at these times and none in others.
    """
    rows = np.bincount(obs.series, minlength=len(obs.ids))
    steps, steps_nearest = (_distinct(each, obs) for each in (labels, nearest))
    return (rows < 1.1 * steps_nearest) & (steps_nearest - steps > np.maximum(FEW_STEPS, steps / 20))


def _distinct(labels: Ints, obs: Observations) -> NDArray[np.intp]:
    """The number of different labels of each series (S,); rows are in order."""
    new = np.r_[True, (np.diff(labels) != 0) | (np.diff(obs.series) != 0)]
    return np.bincount(obs.series[new], minlength=len(obs.ids))


def _aggregated(values: Floats, first: NDArray[np.intp], how: Aggregate) -> Floats:
    """One value for each group of rows that starts at `first`; NaN if a group has no reading."""
    known = ~np.isnan(values)
    count = np.add.reduceat(known.astype(np.float64), first)
    if how == "count":
        return np.asarray(count)
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
