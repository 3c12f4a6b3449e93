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
    intermittent demand is an expectation and stays a fraction. Ascending quantiles stay ascending, but those
    of directions: they are brought into the turn one by one, so that an interval across north goes from 350
    up, through north, to 10. An interval of a turn or more is the whole turn.
    """
    whole = limits.integer[series, None] & np.ones(point.shape, np.bool_)
    expected = whole & (limits.kind[series, None] == INTERMITTENT)
    point = np.where(whole & ~expected, np.rint(point), point)
    quantiles = np.where(whole[:, :, None], _outwards(quantiles, levels), quantiles)
    point, quantiles = _into_turn(limits.lower[series], limits.circle[series], point, quantiles, levels)
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


def _into_turn(
    low: Floats, circle: Floats, point: Floats, quantiles: Floats, levels: Floats
) -> tuple[Floats, Floats]:
    """Circular forecasts within low … low + circle (B,), (B,); NaN there leaves a forecast as it is.

    Quantiles at levels τ and 1 − τ that are a turn apart become the ends of the turn. A quantile without a
    partner at 1 − τ is at most half a turn from the forecast.
    """
    wraps = np.isfinite(circle)
    if not wraps.any():
        return point, quantiles
    low, circle = np.where(wraps, low, 0.0)[:, None], np.where(wraps, circle, np.inf)[:, None]
    result = quantiles.copy()
    for place, level in enumerate(levels):
        (partner,) = np.nonzero(np.isclose(levels, 1 - level))
        mine, half = quantiles[..., place], circle / 2
        if not len(partner):
            result[..., place] = _within(np.clip(mine, point - half, point + half), low, circle)
            continue
        whole = np.abs(mine - quantiles[..., partner[0]]) >= circle
        end = low + circle if level > 0.5 else low
        result[..., place] = np.where(whole, end, _within(mine, low, circle))
    return _within(point, low, circle), result


def _within(values: Floats, low: Floats, circle: Floats) -> Floats:
    """Values (B, H), moved by whole turns to low … low + circle (B, 1); not where circle is infinite."""
    finite = np.isfinite(circle)
    size = np.where(finite, circle, 1.0)
    inside = (values >= low) & (values <= low + size)  # 360 stays, as 0 does
    return np.where(inside | ~finite, values, values - np.floor((values - low) / size) * size)


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
