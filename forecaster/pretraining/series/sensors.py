"""Synthetic hourly sensors: patterns of day and week, weather, noise, and what instruments do to them."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Array, Bools, Ints
from forecaster.pretraining.series.days import CLEAN, HOURS, WEEK, remembered, weeks
from forecaster.pretraining.series.draws import SINGLE, chance, log_uniform, normal, sometimes, uniform


def generate(rng: np.random.Generator, count: int, length: int) -> Array:
    """Series (B, L) that begin at any hour of any day of the week; NaN in gaps."""
    clean = chance(rng, CLEAN, count)
    quiet = np.where(clean, log_uniform(rng, 0.004, 0.2, count), 1).astype(SINGLE)[:, None]
    weekday, hour = rng.integers(0, WEEK, count), rng.integers(0, HOURS, count)
    pattern, usual = weeks(rng, count, length // HOURS + 2, clean, weekday)
    rows = hour[:, None] + np.arange(length)
    seasonal = np.take_along_axis(pattern.reshape(count, -1), rows, axis=1)
    volatility = _volatility(rng, usual, rows, length)
    v: Array = (
        seasonal + quiet * (_slow(rng, count, length) + _noise(rng, volatility)) + _tide(rng, clean, length)
    )
    v = _shifted(rng, _switched(rng, v))
    v = _multiplied(rng, v)
    v = _limited(rng, _spiked(rng, v))
    return _with_gaps(rng, _stuck(rng, _rounded(rng, v, clean)))


def _volatility(rng: np.random.Generator, usual: Array, rows: Ints, length: int) -> Array:
    """The size of the noise (B, L): some days are rougher, and often the hours of high values."""
    count = len(usual)
    days = length // HOURS + 2
    rough = sometimes(rng, 0.4, uniform(rng, 0.1, 0.7, count))[:, None]
    by_day = np.exp(rough * remembered(rng, count, days, 0.3, 0.95))
    of_day = np.take_along_axis(np.repeat(by_day, HOURS, axis=1), rows, axis=1)
    low = usual.min(axis=1, keepdims=True)
    height = (usual - low) / (np.ptp(usual, axis=1)[:, None] + 1e-6)
    share = sometimes(rng, 0.35, uniform(rng, 0, 1, count))[:, None]
    by_hour = 1 - share + 1.8 * share * height
    return np.asarray(of_day * np.take_along_axis(by_hour, rows % HOURS, axis=1), SINGLE)


def _noise(rng: np.random.Generator, volatility: Array) -> Array:
    """Autocorrelated, smoothed in a third of the series, as of physical quantities; white noise in some."""
    count, length = volatility.shape
    u = rng.random(count)
    memory = np.select(
        [u < 0.2, u < 0.65], [uniform(rng, 0, 0.4, count), uniform(rng, 0.4, 0.9, count)],
        uniform(rng, 0.85, 0.985, count),
    )  # fmt: skip
    smoothing = sometimes(rng, 0.35, uniform(rng, 0.2, 0.85, count))
    tail = (rng.random((count, 1)) ** 2 * 0.8).astype(SINGLE)
    shocks = normal(rng, count, length) * np.exp(tail * normal(rng, count, length) - tail**2) * volatility
    values = _smoothed(_smoothed(shocks, memory, np.sqrt(1 - memory**2)), smoothing, 1 - smoothing)
    values /= np.maximum(values.std(axis=1, keepdims=True), 1e-3)
    size = log_uniform(rng, 0.02, 1.2, count, 1) * np.where(chance(rng, 0.06, count, 1), SINGLE(3), SINGLE(1))
    white = sometimes(rng, 0.4, log_uniform(rng, 0.01, 0.3, count, 1)) * normal(rng, count, length)
    return size * values + white * np.where(chance(rng, 0.5, count, 1), volatility, SINGLE(1))


def _slow(rng: np.random.Generator, count: int, length: int) -> Array:
    """What takes hours to days (B, L): a wandering level, weather fronts, a random walk, a trend."""
    memory = np.exp(-1 / log_uniform(rng, 12, 300, count))
    lag = sometimes(rng, 0.7, np.exp(-1 / log_uniform(rng, 2, 12, count)))
    level = _smoothed(normal(rng, count, length), memory, np.sqrt(1 - memory**2), start=normal(rng, count))
    total = sometimes(rng, 0.75, log_uniform(rng, 0.05, 2.5, count))[:, None] * _smoothed(level, lag, 1 - lag)
    jumps = normal(rng, count, length) * (
        rng.random((count, length)) < log_uniform(rng, 1 / 240, 1 / 30, count, 1)
    )
    decay = np.where(chance(rng, 0.5, count), np.exp(-1 / log_uniform(rng, 48, 400, count)), 1).astype(SINGLE)
    approach = np.exp(-1 / log_uniform(rng, 1, 20, count))
    fronts = _smoothed(_smoothed(jumps, decay, 1.0), approach, 1 - approach)
    total += sometimes(rng, 0.25, log_uniform(rng, 0.1, 1.5, count))[:, None] * fronts
    walk = np.cumsum(normal(rng, count, length), axis=1)
    total += sometimes(rng, 0.3, log_uniform(rng, 0.005, 0.25, count))[:, None] * walk
    slope = sometimes(rng, 0.25, normal(rng, count))[:, None]
    return total + slope * (np.arange(length, dtype=SINGLE) / length)


def _smoothed(values: Array, memory: Array, gain: Array | float, start: Array | None = None) -> Array:
    """x_t = memory x_{t−1} + gain values_t, by series (B, L)."""
    by_hour = np.ascontiguousarray(values.T)
    result = np.empty_like(by_hour)
    memory, gain = np.asarray(memory, SINGLE), np.asarray(gain, SINGLE)
    x = np.zeros(len(values), SINGLE) if start is None else start
    for t, value in enumerate(by_hour):
        x = memory * x + gain * value
        result[t] = x
    return result.T


def _tide(rng: np.random.Generator, clean: Bools, length: int) -> Array:
    """A long wave in series without noise (B, L)."""
    count = len(clean)
    size = np.where(clean, rng.normal(0, 0.6, count), 0).astype(SINGLE)[:, None]
    angle = 2 * np.pi * np.arange(length) * log_uniform(rng, 0.2, 1.2, count, 1) / length
    return size * np.sin(angle + uniform(rng, 0, 2 * np.pi, count, 1))


def _switched(rng: np.random.Generator, v: Array) -> Array:
    """A machine that is on or off, in a twentieth of the series."""
    count, length = v.shape
    often = log_uniform(rng, 1 / 60, 1 / 4, count, 1)
    on = np.cumsum(rng.random((count, length)) < often, axis=1) % 2
    machine = v * uniform(rng, 0.1, 1, count, 1) + on * uniform(rng, 0.5, 3, count, 1)
    return np.where(chance(rng, 0.05, count, 1), machine, v)


def _shifted(rng: np.random.Generator, v: Array) -> Array:
    """Lasting changes of level."""
    count, length = v.shape
    for often in (0.07, 0.04):
        step = sometimes(rng, often, 1.5 * normal(rng, count, 1))
        v = v + step * (np.arange(length) >= rng.integers(0, length, (count, 1)))
    return v


def _multiplied(rng: np.random.Generator, v: Array) -> Array:
    """A third of the series are products rather than sums: their swings grow with their level."""
    count = len(v)
    v = v - v.mean(axis=1, keepdims=True)
    spread = v.std(axis=1, keepdims=True) + SINGLE(1e-6)
    strength, size = log_uniform(rng, 0.08, 0.9, count, 1), log_uniform(rng, 0.08, 0.9, count, 1)
    product = np.exp(np.clip(v / spread * strength, -6, 4)) / size
    return np.where(chance(rng, 0.33, count, 1), product, v)


def _spiked(rng: np.random.Generator, v: Array) -> Array:
    """Single high or low readings in a seventh of the series."""
    count, length = v.shape
    spread = v.std(axis=1, keepdims=True) + SINGLE(1e-6)
    often = sometimes(rng, 0.14, log_uniform(rng, 0.001, 0.03, count, 1))
    side = np.where(chance(rng, 0.75, count, 1), 1, np.sign(normal(rng, count, length)))
    size = spread * (rng.exponential(2, (count, length)).astype(SINGLE) + 1) * side
    return v + np.where(rng.random((count, length)) < often, size, 0)


def _limited(rng: np.random.Generator, v: Array) -> Array:
    """Zero below a threshold in a tenth of the series, a ceiling in a few."""
    count, length = v.shape
    ordered, rows = np.sort(v, axis=1), np.arange(count)
    floor = ordered[rows, (uniform(rng, 0.02, 0.6, count) * length).astype(int)][:, None]
    v = np.where(chance(rng, 0.09, count, 1), np.maximum(v - floor, 0), v)
    ceiling = ordered[rows, (uniform(rng, 0.7, 0.98, count) * length).astype(int)][:, None]
    return np.where(chance(rng, 0.03, count, 1), np.minimum(v, ceiling), v)


def _rounded(rng: np.random.Generator, v: Array, clean: Bools) -> Array:
    """The resolution of an instrument."""
    count = len(v)
    step = v.std(axis=1) * log_uniform(rng, 0.02, 0.7, count) * np.where(clean, 0.15, 1) + 1e-6
    coarse = chance(rng, 0.2, count) | (clean & chance(rng, 0.5, count))
    return np.where(coarse[:, None], np.round(v / step[:, None]) * step[:, None], v)


def _stuck(rng: np.random.Generator, v: Array) -> Array:
    """Hours to days of the same reading, in a twentieth of the series."""
    length = v.shape[1]
    v = v.copy()
    for series in np.flatnonzero(chance(rng, 0.05, len(v))):
        for _ in range(rng.integers(1, 3)):
            start = rng.integers(0, length - 2 * HOURS)
            v[series, start : start + rng.integers(3, 2 * HOURS)] = v[series, start]
    return v


def _with_gaps(rng: np.random.Generator, v: Array) -> Array:
    """Missing hours in an eighth of the series."""
    v = np.asarray(v, SINGLE)
    for series in np.flatnonzero(chance(rng, 0.12, len(v))):
        for _ in range(rng.integers(1, 4)):
            start = rng.integers(0, v.shape[1] - 2 * HOURS)
            rows = rng.integers(1, 6) if rng.random() < 0.7 else rng.integers(6, 36)
            v[series, start : start + rows] = np.nan
    return v
