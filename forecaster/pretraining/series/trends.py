"""Trends and noise of synthetic series: state-space models, steady trends, smooth functions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from forecaster.arrays import Array, Bools
from forecaster.pretraining.series.draws import SINGLE, chance, log_uniform, normal, sometimes, uniform
from forecaster.pretraining.series.priors import Prior

LENGTH_SCALES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Of the smooth functions, in rows."""


@dataclass(frozen=True)
class Basics:
    """What the parts of a series share, each (B,)."""

    size: Array
    """Deviation of the irregular part."""
    growth: Array
    """Growth a row."""
    volatility: Array
    """(B, L) slowly changing factor of the noise."""


def basics(rng: np.random.Generator, prior: Prior, count: int, length: int) -> Basics:
    """Noise, growth and volatility of each series."""
    growth = np.where(
        chance(rng, prior.usual_growth, count),
        rng.normal(*prior.growth, count),
        rng.laplace(*prior.wild_growth, count),
    )
    growth = np.clip(np.where(chance(rng, prior.no_growth, count), 0, growth), -0.5, 0.6)
    changing = sometimes(rng, 0.25, normal(rng, count, 1))
    volatility = np.exp(changing * (np.arange(length, dtype=SINGLE) / length - 0.5))
    return Basics(
        log_uniform(rng, *prior.noise, count), (growth / prior.rows_a_year).astype(SINGLE), volatility
    )


def noise(rng: np.random.Generator, count: int, length: int) -> Array:
    """A mixture of normal distributions of different scale (B, L): heavier tails in some series."""
    tail = (rng.random((count, 1)) ** 2 * 0.7).astype(SINGLE)
    return normal(rng, count, length) * np.exp(tail * normal(rng, count, length) - tail * tail)


def state_space(rng: np.random.Generator, prior: Prior, basic: Basics) -> Array:
    """Exponential smoothing in state-space form, or unobserved components, each half; with cycles (B, L).

        b_t = φ-weighted slope;  x_t = level + slope + irregular + cycle + autoregression

    One source of error drives level and slope with gains α, β (Hyndman et al. 2008), or each has its own
    (Harvey 1989).
    """
    count, length = basic.volatility.shape
    one_source = chance(rng, 0.5, count)
    alpha, beta, damping = _gains(rng, prior, count)
    mean_slope, damping = _mean_slope(rng, prior, basic.growth, damping)
    level_walk, slope_walk = _walks(rng, prior, one_source)
    alpha, beta = np.where(one_source, alpha, 0), np.where(one_source, beta, 0)
    irregular = np.where(one_source | ~chance(rng, prior.no_noise, count), SINGLE(1), SINGLE(0))
    spread = 1 / np.sqrt(1.001 - np.minimum(damping, 0.98) ** 2) if prior.season == 1 else 0.5
    start = basic.growth + spread * basic.size * slope_walk * normal(rng, count)
    slope: Array = np.where(damping < 1, start, basic.growth).astype(SINGLE)
    shocks = noise(rng, count, length) * basic.volatility
    of_level, of_slope = noise(rng, count, length) * basic.volatility, noise(rng, count, length)
    side = _cycles(rng, prior, count, length) + _autoregression(rng, prior, count, length)
    shocks, of_level, of_slope, side = (
        np.ascontiguousarray(part.T) * basic.size for part in (shocks, of_level, of_slope, side)
    )
    x, level = np.empty((length, count), SINGLE), np.zeros(count, SINGLE)
    for t in range(length):
        slope = mean_slope + damping * (slope - mean_slope)
        x[t] = level + slope + irregular * shocks[t] + side[t]
        level = level + slope + alpha * shocks[t] + level_walk * of_level[t]
        slope = slope + beta * shocks[t] + slope_walk * of_slope[t]
    return x.T


def _gains(rng: np.random.Generator, prior: Prior, count: int) -> tuple[Array, Array, Array]:
    """α, β and φ of exponential smoothing (B,)."""
    u = rng.random(count)
    usual = np.select(
        [u < 0.5, u < 0.7, u < 0.8],
        [uniform(rng, 0, 1, count), uniform(rng, 0, 0.2, count), np.ones(count)],
        uniform(rng, 1, 1.5, count),
    )
    slow = np.select(
        [u < 0.2, u < 0.4], [uniform(rng, 0.4, 1, count), np.ones(count)], uniform(rng, 0.8, 1.6, count)
    )
    alpha = np.where(chance(rng, prior.momentum, count), slow, usual).astype(SINGLE)
    beta = sometimes(rng, 0.6, alpha * rng.beta(*prior.slope_gain, count).astype(SINGLE))
    damped = np.where(chance(rng, 0.5, count), uniform(rng, 0.5, 0.9, count), uniform(rng, 0.9, 1, count))
    damping = np.where(chance(rng, prior.undamped, count), SINGLE(1), damped)
    return alpha, np.where(damping == 1, 0.3 * beta, beta), damping


def _mean_slope(rng: np.random.Generator, prior: Prior, growth: Array, damping: Array) -> tuple[Array, Array]:
    """The slope to which each series returns, and φ. Fast growth does not last: it is a state that fades."""
    mean = sometimes(rng, prior.mean_growth, growth)
    if prior.fast is None:
        return mean, damping
    fast = np.abs(mean) > prior.fast
    mean = np.where(fast, mean * uniform(rng, 0, 0.6, len(mean)), mean)
    return mean, np.where(fast, np.minimum(damping, uniform(rng, 0.5, 0.97, len(mean))), damping)


def _walks(rng: np.random.Generator, prior: Prior, one_source: Bools) -> tuple[Array, Array]:
    """Deviations of the steps of level and slope, where they have their own, relative to the noise (B,)."""
    count = len(one_source)
    of_level = sometimes(rng, 0.85, log_uniform(rng, *prior.level_walk, count))
    of_slope = sometimes(rng, 1 - prior.no_slope_walk, log_uniform(rng, *prior.slope_walk, count))
    return np.where(one_source, 0, of_level), np.where(one_source, 0, of_slope)


def _cycles(rng: np.random.Generator, prior: Prior, count: int, length: int) -> Array:
    """Stochastic cycles of 3 to 12 seasons in a fifth of the series: AR(2) with complex roots (B, L)."""
    period = log_uniform(rng, 3, 12, count) * prior.season
    radius = np.where(
        chance(rng, 0.5, count), uniform(rng, 0.7, 0.97, count), uniform(rng, 0.97, 0.999, count)
    )
    first, second = 2 * radius * np.cos(2 * np.pi / period), -(radius**2)
    size = sometimes(rng, 0.22, 6 * log_uniform(rng, 0.1, 1.5, count)) * (1 - radius)
    shocks = normal(rng, length, count)
    newest, older = np.zeros(count, SINGLE), np.zeros(count, SINGLE)
    result = np.empty((length, count), SINGLE)
    for t in range(length):
        newest, older = first * newest + second * older + shocks[t], newest
        result[t] = size * newest
    return result.T


def _autoregression(rng: np.random.Generator, prior: Prior, count: int, length: int) -> Array:
    """AR(1) errors in a quarter of the series (B, L)."""
    memory = uniform(rng, *prior.autoregression, count)
    size = sometimes(rng, 0.25, log_uniform(rng, 0.2, 2, count))
    shocks, value = normal(rng, length, count), np.zeros(count, SINGLE)
    result = np.empty((length, count), SINGLE)
    for t in range(length):
        value = memory * value + shocks[t]
        result[t] = size * value
    return result.T


def steady_trend(rng: np.random.Generator, prior: Prior, basic: Basics) -> Array:
    """Piecewise linear trends with up to three turns, or logistic ones, without noise (B, L)."""
    count, length = basic.volatility.shape
    t = np.arange(length, dtype=SINGLE)
    growth = basic.growth if prior.fast is None else np.clip(basic.growth, -prior.fast, prior.fast)
    trend = growth[:, None] * t
    for _ in range(3):
        turn = sometimes(rng, 0.4, rng.normal(0, 0.12 / prior.rows_a_year, (count, 1)).astype(SINGLE))
        trend = trend + turn * np.maximum(t - rng.integers(0, length, (count, 1)), 0)
    middle = uniform(rng, -0.2, 1, count, 1) * length
    width = uniform(rng, 0.05, 0.3, count, 1) * length
    height = rng.normal(0, 0.8, (count, 1)).astype(SINGLE)
    logistic = height / (1 + np.exp(np.clip(-(t - middle) / width, -50, 50)))
    return np.asarray(np.where(chance(rng, prior.logistic, count, 1), logistic, trend), SINGLE)


def trend_noise(rng: np.random.Generator, prior: Prior, basic: Basics) -> Array:
    """Noise about a steady trend (B, L)."""
    count, length = basic.volatility.shape
    share = np.where(chance(rng, prior.trend_noise, count, 1), SINGLE(0.3), SINGLE(1))
    return basic.size[:, None] * noise(rng, count, length) * basic.volatility * share


def smooth_function(rng: np.random.Generator, prior: Prior, basic: Basics) -> Array:
    """Gaussian processes of several length scales, with noise or without (B, L)."""
    count, length = basic.volatility.shape
    total = np.zeros((count, length), SINGLE)
    for scale in LENGTH_SCALES:
        weight = sometimes(rng, 0.4, rng.exponential(1, (count, 1)).astype(SINGLE))
        total += weight * (normal(rng, count, length) @ _root(length, scale).T)
    size = log_uniform(rng, 0.3, 6, count, 1)
    share = sometimes(rng, 1 - prior.smooth, uniform(rng, 0, 1, count, 1))
    own = noise(rng, count, length) * basic.volatility
    line = sometimes(rng, 0.5, basic.growth)[:, None] * np.arange(length, dtype=SINGLE)
    return np.asarray(basic.size[:, None] * (size * total + share * own) + line, SINGLE)


@lru_cache
def _root(length: int, scale: float) -> Array:
    """A Cholesky root of exp(−½ (distance/scale)²) (L, L)."""
    distance = np.arange(length)[:, None] - np.arange(length)
    kernel = np.exp(-0.5 * (distance / scale) ** 2) + 1e-4 * np.eye(length)
    return np.asarray(np.linalg.cholesky(kernel), SINGLE)
