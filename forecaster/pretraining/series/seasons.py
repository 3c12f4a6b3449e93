"""Seasons of synthetic series: shapes, and how they change from one season to the next."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Array
from forecaster.pretraining.series.draws import SINGLE, chance, log_uniform, normal, sometimes, uniform
from forecaster.pretraining.series.priors import Prior

FLAT = 0.3
"""Share of series without a season."""


def seasons(rng: np.random.Generator, prior: Prior, count: int, length: int) -> Array:
    """Seasonal parts (B, L), with mean zero in each season and a common position of the first row.

    Their size is log-uniform. Most change: each position walks from season to season, has accidents of one
    season, and the whole may grow or fade.
    """
    m = prior.season
    number = length // m + 2
    size = sometimes(rng, 1 - FLAT, log_uniform(rng, *prior.season_size, count, 1))
    change = sometimes(rng, 0.65, log_uniform(rng, *prior.season_change, count, 1))[:, :, None]
    walks = np.cumsum(normal(rng, count, number, m), axis=1)
    accidents = normal(rng, count, number, m) * uniform(rng, 0, 1, count, 1, 1)
    season = _shapes(rng, count, m)[:, None] + change * (walks + accidents)
    season -= season.mean(axis=2, keepdims=True)
    growth = sometimes(rng, 0.3, rng.normal(0, 0.07, (count, 1)).astype(SINGLE))
    season *= (size * np.exp(growth * (np.arange(number, dtype=SINGLE) - number / 2)))[:, :, None]
    first = int(rng.integers(0, m))
    return season.reshape(count, number * m)[:, first : first + length]


def _shapes(rng: np.random.Generator, count: int, m: int) -> Array:
    """Shapes (B, m) with mean 0 and deviation 1: waves, unordered, spikes, a bump, one position."""
    position = np.arange(m)
    unordered = normal(rng, count, m)
    spikes = np.exp(1.2 * normal(rng, count, m)) * _signs(rng, count)
    bump = np.exp(uniform(rng, 0.5, 4, count, 1) * np.cos(_angle(position - uniform(rng, 0, m, count, 1), m)))
    one = 3 * (position == rng.integers(0, m, (count, 1))) * _signs(rng, count) + 0.3 * normal(rng, count, m)
    kind = rng.random((count, 1))
    shape = np.select(
        [kind < 0.45, kind < 0.65, kind < 0.75, kind < 0.92],
        [_waves(rng, count, m), unordered, spikes, bump],
        one,
    )
    shape = shape - shape.mean(axis=1, keepdims=True)
    return np.asarray(shape / (shape.std(axis=1, keepdims=True) + 1e-6), SINGLE)


def _waves(rng: np.random.Generator, count: int, m: int) -> Array:
    """Sums of harmonics whose size falls with their number (B, m)."""
    decay = uniform(rng, 0.3, 2, count, 1)
    total = np.zeros((count, m), SINGLE)
    for harmonic in range(1, m // 2 + 1):
        size = normal(rng, count, 1) * harmonic**-decay
        start = uniform(rng, 0, 2 * np.pi, count, 1)
        total += size * np.cos(_angle(harmonic * np.arange(m), m) + start)
    return total


def _angle(position: Array | np.ndarray, m: int) -> Array:
    return np.asarray(2 * np.pi * position / m, SINGLE)


def _signs(rng: np.random.Generator, count: int) -> Array:
    """1 for two thirds of the series, −1 for the others (B, 1)."""
    return np.where(chance(rng, 2 / 3, count, 1), SINGLE(1), SINGLE(-1))
