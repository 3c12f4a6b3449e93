"""Forecasts brought within the possible values of their series (`ValueRange`)."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.features.value_range import KINDS, ValueRange

INTERMITTENT = KINDS.index("intermittent")


def respect(
    limits: ValueRange,
    point: Floats,
    quantiles: Floats,
    levels: Floats,
    *,
    series: Ints,
    phase: Ints | None = None,
    last: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Point (B, H) and quantiles (B, H, Q) at ascending `levels` (Q,), within the limits.

    `series` (B,): the series of each forecast; `phase` (B, H): the position in the season of each step;
    `last` (B,): the value before the first step, that of `limits` if None.

    Quantiles of whole numbers are rounded away from the median, so that intervals never shrink. The point of
    intermittent demand is an expectation and stays a fraction. Circular forecasts are brought into one turn;
    an interval that crosses north becomes the whole turn, because its values lie at both ends. Ascending
    quantiles stay ascending.
    """
    whole = limits.integer[series, None] & np.ones(point.shape, np.bool_)
    expected = whole & (limits.kind[series, None] == INTERMITTENT)
    point = np.where(whole & ~expected, np.rint(point), point)
    quantiles = np.where(whole[:, :, None], _outwards(quantiles, levels), quantiles)
    point, quantiles = _into_turn(limits.circle[series], point, quantiles, levels)
    if limits.rising[series].any():
        before = limits.last[series] if last is None else last
        point = _not_falling(point, before, limits.rising[series])
        quantiles = _not_falling(quantiles, before, limits.rising[series])
    low, high = limits.lower[series, None], limits.upper[series, None]
    point = np.clip(point, low, high)
    quantiles = np.clip(quantiles, low[:, :, None], high[:, :, None])
    if phase is not None and limits.idle.any():
        idle = limits.idle[series[:, None], phase]
        resting = np.broadcast_to(limits.resting[series, None], point.shape)
        point = np.where(idle, resting, point)
        quantiles = np.where(idle[:, :, None], resting[:, :, None], quantiles)
    return point, quantiles


def respect_paths(limits: ValueRange, paths: Floats, *, phase: Ints | None = None) -> Floats:
    """Paths (S, N, H) within the limits: each step like a point in `respect`, counts rounded."""
    count, samples, horizon = paths.shape
    series = np.repeat(np.arange(count), samples)
    flat = paths.reshape(-1, horizon)
    flat = np.where(limits.integer[series, None], np.rint(flat), flat)
    place = None if phase is None else phase[series, :horizon]
    nothing = np.empty((*flat.shape, 0))
    return respect(limits, flat, nothing, np.empty(0), series=series, phase=place)[0].reshape(paths.shape)


def _into_turn(circle: Floats, point: Floats, quantiles: Floats, levels: Floats) -> tuple[Floats, Floats]:
    """Circular forecasts within 0 … circle (B,); NaN there leaves a forecast as it is."""
    if not np.isfinite(circle).any():
        return point, quantiles
    turn = circle[:, None]
    wraps = np.isfinite(turn)
    with np.errstate(invalid="ignore"):
        shift = np.where(wraps, np.floor(point / turn) * turn, 0.0)
        point, moved = point - shift, quantiles - shift[:, :, None]
        outside = (moved.min(axis=2) < 0) | (moved.max(axis=2) > turn) if moved.shape[2] else ~wraps
    ends = np.where(levels < 0.5, 0.0, np.where(levels > 0.5, turn[:, :, None], point[:, :, None]))
    return point, np.where((wraps & outside)[:, :, None], ends, moved)


def _not_falling(forecast: Floats, before: Floats, rising: Bools) -> Floats:
    """Each step (axis 1) at least as high as the one before, the first as the value before it (B,)."""
    shape = (-1, *(1,) * (forecast.ndim - 1))
    floor = np.where(np.isfinite(before), before, -np.inf).reshape(shape)
    raised = np.maximum.accumulate(np.maximum(forecast, floor), axis=1)
    return np.where(rising.reshape(shape), raised, forecast)


def _outwards(quantiles: Floats, levels: Floats) -> Floats:
    """Round down below the median, up above it, and to the nearest at the median."""
    rounded = np.where(levels < 0.5, np.floor(quantiles), np.ceil(quantiles))
    return np.where(levels == 0.5, np.rint(quantiles), rounded)
