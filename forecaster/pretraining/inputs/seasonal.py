"""What a seasonal network reads: one recurrent step is one season, the newest ends at the origin.

A series is seen in its scale (logarithms, roots or units), v. With the mean c of the newest season and

    s = ½ (mean |v_t − v_{t−1}| + mean |v_t − v_{t−m}|)       newer differences count more

the inputs are z = (v − c)/s and its differences over one row and one season; forecasts are in the same units.
So the network sees shapes, not sizes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array, Bools
from forecaster.pretraining.inputs.past import SINGLE, differences, filled, mean, usual_difference
from forecaster.pretraining.network import Sample

HALF_LIFE, HALF_LIFE_YEARLY = 3.0, 8.0
"""Seasons (rows, where there is no season) after which a difference counts half in the scale."""
FADES = (0.75, 0.93)
"""What a season counts for in the mean season, relative to the next newer one."""
LEAST_SCALE = 1e-3
STATISTICS = 5
GATES, GATES_YEARLY = (0.3, 0.3, 0.1), ()
"""Initial weights of the patterns: the last season, and the mean season by each of FADES."""


def features(season: int) -> int:
    """F: how many numbers one recurrent step reads."""
    return (4 * season + 1 if season > 1 else 3) + STATISTICS


def gates(season: int) -> tuple[float, ...]:
    """The initial weights of the patterns."""
    return GATES if season > 1 else GATES_YEARLY


def prepare(values: Array, season: int, horizon: int, dtype: DTypeLike = SINGLE) -> Sample:
    """What the network reads of `values` (B, T·m), NaN where unknown: before the first row and in gaps.

    Each series has a known value within its newest season.
    """
    v = filled(np.asarray(values, dtype), season)
    known, begun = np.isfinite(values), np.isfinite(v)
    count, rows = v.shape
    steps = rows // season
    centre = mean(v[:, -season:], begun[:, -season:])
    half_life = HALF_LIFE * season if season > 1 else HALF_LIFE_YEARLY
    first, seasonal = usual_difference(v, known, 1, half_life), usual_difference(v, known, season, half_life)
    first = np.where(np.isfinite(first), first, 0.1)
    seasonal = np.where(np.isfinite(seasonal), seasonal, first)
    scale = 0.5 * (first + seasonal) + v.dtype.type(LEAST_SCALE)
    z = np.where(begun, (v - centre) / scale, 0)
    by_season = z.reshape(count, steps, season)
    parts = [np.arcsinh(by_season), differences(z, begun, season).reshape(by_season.shape)]
    parts.append(known.reshape(by_season.shape))
    if season > 1:
        parts.append(differences(z, begun, 1).reshape(by_season.shape))
        means = mean(by_season, begun.reshape(by_season.shape))
        parts.append(np.arcsinh(means))
        patterns = _patterns(by_season, means, begun.reshape(by_season.shape), horizon)
    else:
        patterns = np.zeros((0, horizon, count), dtype)
    length = begun.sum(axis=1, keepdims=True) / (10.0 * season)
    statistics = [
        np.log(scale) / 2 + 1,
        np.log(first / scale + 0.01),
        np.log(seasonal / scale + 0.01),
        length,
        known.sum(axis=1, keepdims=True) / np.maximum(begun.sum(axis=1, keepdims=True), 1),
    ]
    parts.append(np.repeat(np.concatenate(statistics, axis=1)[:, None], steps, axis=1))
    inputs = np.ascontiguousarray(np.concatenate(parts, axis=2, dtype=v.dtype).transpose(1, 2, 0))
    base = np.zeros((horizon, count), dtype)
    return Sample(inputs, base, patterns, centre[:, 0].astype(float), scale[:, 0].astype(float))


def _patterns(z: Array, means: Array, begun: Bools, horizon: int) -> Array:
    """The last season and mean seasons without their level, repeated over the horizon (G, H, B)."""
    _, steps, season = z.shape
    whole = begun.all(axis=2, keepdims=True)
    own = z - means
    patterns = [z[:, -1]]
    for fade in FADES:
        weight = np.where(whole, fade ** np.arange(steps)[::-1, None], 0).astype(z.dtype)
        total = weight.sum(axis=1)
        usual = (own * weight).sum(axis=1) / np.maximum(total, 1e-6)
        patterns.append(np.where(total > 0, usual, np.where(begun[:, -1], own[:, -1], 0)))
    repeats = -(-horizon // season)
    tiled = np.tile(np.stack(patterns), (1, 1, repeats))[:, :, :horizon]
    return np.ascontiguousarray(tiled.transpose(0, 2, 1), dtype=z.dtype)
