"""Synthetic series of business, nature and society with at most one season."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Array
from forecaster.pretraining.series.draws import SINGLE, chance, log_uniform, normal, sometimes, uniform
from forecaster.pretraining.series.priors import Prior
from forecaster.pretraining.series.seasons import seasons
from forecaster.pretraining.series.trends import (
    basics,
    smooth_function,
    state_space,
    steady_trend,
    trend_noise,
)

LARGEST = 6.0
"""Logarithms stay within ± this around their mean."""
STAYS_LINEAR = 0.35
"""Share of the additive series that is seen in units, as series that cross zero are."""


def generate(rng: np.random.Generator, prior: Prior, count: int, length: int) -> Array:
    """Series (B, L) in the scale in which the network sees them; NaN in gaps."""
    basic = basics(rng, prior, count, length)
    walk, smooth = state_space(rng, prior, basic), smooth_function(rng, prior, basic)
    steady = steady_trend(rng, prior, basic)
    noisy = steady + trend_noise(rng, prior, basic)
    kind, mixture = rng.random((count, 1)), rng.random((count, 1))
    v = np.select([kind < 0.72, kind < 0.85], [walk, noisy], smooth)
    v = np.where(mixture < 0.08, 0.5 * (walk + smooth), np.where(mixture < 0.16, walk + steady, v))
    v = v + _accidents(rng, prior, basic.size[:, None], length)
    if prior.season > 1:
        v = v + seasons(rng, prior, count, length)
    v = v - v.mean(axis=1, keepdims=True)
    v = _seen(rng, prior, v)
    v = _rounded(rng, prior, v)
    return _with_gaps(rng, prior, np.nan_to_num(v).astype(SINGLE))


def _accidents(rng: np.random.Generator, prior: Prior, size: Array, length: int) -> Array:
    """Changes of level, and outliers in some series (B, L)."""
    count = len(size)
    t, total = np.arange(length), np.zeros((count, length), SINGLE)
    for _ in range(2):
        step = sometimes(rng, 0.07, size * rng.normal(0, 5, (count, 1)).astype(SINGLE))
        total += step * (t >= rng.integers(0, length, (count, 1)))
    often = sometimes(rng, prior.outliers, np.full((count, 1), 0.025, SINGLE))
    hit = rng.random((count, length)) < often
    return np.asarray(total + hit * size * 5 * normal(rng, count, length), SINGLE)


def _seen(rng: np.random.Generator, prior: Prior, v: Array) -> Array:
    """Multiplicative series in logarithms; additive ones 1 + k v in logarithms or in units (B, L)."""
    count = len(v)
    factor = np.minimum(1, uniform(rng, 0.3, 0.95, count) / np.maximum(-v.min(axis=1), 1e-6))[:, None]
    additive = np.log(np.maximum(1 + factor * v, 0.02))
    additive = np.where(chance(rng, STAYS_LINEAR, count, 1), factor * v, additive)
    return np.where(chance(rng, prior.additive, count, 1), additive, np.clip(v, -LARGEST, LARGEST))


def _rounded(rng: np.random.Generator, prior: Prior, v: Array) -> Array:
    """Some series are coarse numbers, others counts of few events, seen in square roots (B, L)."""
    count = len(v)
    coarse, few = chance(rng, 0.08, count), chance(rng, prior.counts, count)
    v = v.copy()
    step = log_uniform(rng, 4, 400, int(coarse.sum()), 1)
    rounded = np.maximum(np.round(np.exp(np.clip(v[coarse], -LARGEST, LARGEST)) * step), 0.5)
    v[coarse] = np.log(rounded / step)
    mean = log_uniform(rng, 0.5, 200, int(few.sum()), 1)
    events = rng.poisson(mean * np.exp(np.clip(v[few], -3, 3)))
    v[few] = 2 * np.sqrt(events / mean)
    return v


def _with_gaps(rng: np.random.Generator, prior: Prior, v: Array) -> Array:
    """Single values missing in a tenth of the series, a block in a twentieth; closed days for some (B, L)."""
    count, length = v.shape
    often = sometimes(rng, 0.1, uniform(rng, 0.01, 0.2, count, 1))
    missing = rng.random((count, length)) < often
    t, start = np.arange(length), rng.integers(0, length, (count, 1))
    block = rng.integers(1, 2 * prior.season + 1, (count, 1)) * chance(rng, 0.05, count, 1)
    missing |= (t >= start) & (t < start + block)
    if prior.short_week:
        closed = chance(rng, prior.short_week, count, 1)
        first = rng.integers(0, prior.season, (count, 1))
        missing |= closed & ((t - first) % prior.season < rng.integers(1, 3, (count, 1)))
    return np.where(missing, SINGLE(np.nan), v)
