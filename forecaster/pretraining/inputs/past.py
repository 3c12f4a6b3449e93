"""The past of series as arrays (B, N): gaps filled, means and differences."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Array, Bools

SINGLE = np.float32
LARGEST = 8.0
"""Differences are clipped to this many units."""


def filled(v: Array, season: int) -> Array:
    """Gaps filled by the value a season before, moved to the level of the row before the gap.

    Rows before the first known one stay NaN.
    """
    if np.isfinite(v).all():
        return v
    v = v.copy()
    for t in np.flatnonzero(np.isnan(v).any(axis=0)):
        if t == 0:
            continue
        missing = np.isnan(v[:, t])
        value = v[missing, t - 1]
        if season > 1 and t > season:
            moved = value + v[missing, t - season] - v[missing, t - season - 1]
            value = np.where(np.isnan(moved), value, moved)
        v[missing, t] = value
    return v


def mean(values: Array, used: Bools) -> Array:
    """The mean of the used values along the last axis, which is kept; 0 without any."""
    total = np.where(used, values, 0).sum(axis=-1, keepdims=True)
    return np.asarray(total / np.maximum(used.sum(axis=-1, keepdims=True), 1), values.dtype)


def usual_difference(v: Array, known: Bools, lag: int, half_life: float) -> Array:
    """The mean |v_t − v_{t−lag}| (B, 1); one `half_life` rows older counts half. NaN without any."""
    if v.shape[1] <= lag:
        return np.full((len(v), 1), np.nan, v.dtype)
    both = known[:, lag:] & known[:, :-lag]
    age = np.arange(both.shape[1])[::-1]
    weight = np.where(both, 0.5 ** (age / half_life), 0).astype(v.dtype)
    size = np.abs(np.where(both, v[:, lag:] - v[:, :-lag], 0))
    total = weight.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray((size * weight).sum(axis=1, keepdims=True) / np.where(total > 0, total, np.nan))


def differences(z: Array, begun: Bools, lag: int, *, clip: bool = True) -> Array:
    """z_t − z_{t−lag} (B, N), clipped unless told otherwise; 0 where there is none."""
    result = np.zeros_like(z)
    if z.shape[1] > lag:
        both = begun[:, lag:] & begun[:, :-lag]
        change = np.where(both, z[:, lag:] - z[:, :-lag], 0)
        result[:, lag:] = np.clip(change, -LARGEST, LARGEST) if clip else change
    return result
