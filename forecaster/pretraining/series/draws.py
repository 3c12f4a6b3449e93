"""Random draws that the generators share: B values at a time."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Array, Bools

SINGLE = np.float32


def normal(rng: np.random.Generator, *shape: int) -> Array:
    """Standard normal values."""
    return rng.standard_normal(shape, SINGLE)


def uniform(rng: np.random.Generator, low: float, high: float, *shape: int) -> Array:
    """Uniform values."""
    return rng.uniform(low, high, shape).astype(SINGLE)


def log_uniform(rng: np.random.Generator, low: float, high: float, *shape: int) -> Array:
    """Values whose logarithm is uniform: for sizes of which only the order of magnitude is known."""
    return np.exp(rng.uniform(np.log(low), np.log(high), shape)).astype(SINGLE)


def chance(rng: np.random.Generator, probability: float, *shape: int) -> Bools:
    """True with this probability."""
    return np.asarray(rng.random(shape) < probability)


def sometimes(rng: np.random.Generator, probability: float, values: Array) -> Array:
    """The values with this probability, 0 otherwise."""
    return np.where(chance(rng, probability, *values.shape), values, SINGLE(0))
