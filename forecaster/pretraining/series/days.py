"""Days and weeks of synthetic sensors: shapes of a day, how weekdays differ, and how they change."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Array, Bools, Ints
from forecaster.pretraining.series.draws import SINGLE, chance, log_uniform, normal, sometimes, uniform

HOURS = 24
WEEK = 7
SATURDAY, SUNDAY = 5, 6
CLEAN = 0.16
"""Share of series almost without noise, such as a load that repeats or a tide."""


def day_shapes(rng: np.random.Generator, count: int) -> Array:
    """Shapes of a day with mean 0 and deviation 1 (B, 24).

    One wave, several waves, two peaks, on and off, sun, quick rise and slow fall, spikes, unordered.
    """
    hour = np.arange(HOURS, dtype=SINGLE)
    kind = rng.random((count, 1))
    one, several = _waves(rng, count, hour)
    choices = [
        one,
        several,
        _two_peaks(rng, count, hour),
        _on_and_off(rng, count, hour),
        _sun(rng, count, hour),
    ]
    choices += [_saw(rng, count, hour), np.exp(1.2 * normal(rng, count, HOURS))]
    edges = (0.16, 0.38, 0.62, 0.74, 0.82, 0.92, 0.95)
    shape = np.select([kind < edge for edge in edges], choices, normal(rng, count, HOURS))
    shape = shape - shape.mean(axis=1, keepdims=True)
    return np.asarray(shape / (shape.std(axis=1, keepdims=True) + 1e-6), SINGLE)


def weeks(rng: np.random.Generator, count: int, days: int, clean: Bools, first: Ints) -> tuple[Array, Array]:
    """Patterns day by day (B, D, 24) from weekday `first` (B,) on, and the usual day (B, 24).

    `clean` (B,): series that change little.
    """
    usual = day_shapes(rng, count)
    week, weekend = _week(rng, usual, clean)
    number = (np.arange(days) + first[:, None]) % WEEK
    holiday = chance(rng, 0.015, count, days) & (weekend & chance(rng, 0.7, count))[:, None]
    number = np.where(holiday, SUNDAY, number)
    pattern = week[np.arange(count)[:, None], number]
    return _changed(rng, pattern, usual, clean), usual


def _week(rng: np.random.Generator, usual: Array, clean: Bools) -> tuple[Array, Bools]:
    """The days of a week (B, 7, 24), and which series have a weekend (B,)."""
    count = len(usual)
    kind = np.where(clean & chance(rng, 0.7, count), 0, rng.random(count))
    weekend, every = kind > 0.42, kind > 0.7  # no week, a weekend only, every day its own
    strength, level = np.ones((count, WEEK), SINGLE), np.zeros((count, WEEK), SINGLE)
    of_weekend = np.exp(rng.normal(-0.25, 0.4, count))
    shift = sometimes(
        rng, 0.8, -np.abs(rng.normal(0, 0.9, count)) * np.where(chance(rng, 0.85, count), 1, -1)
    )
    saturday = np.where(chance(rng, 0.5, count), 1, uniform(rng, 0.2, 1, count))
    for day, share in ((SATURDAY, saturday), (SUNDAY, np.ones(count))):
        strength[:, day] = np.where(weekend, 1 + share * (of_weekend - 1), 1)
        level[:, day] = np.where(weekend, share * shift, 0)
    own_level = np.where(every, log_uniform(rng, 0.02, 0.8, count), np.where(weekend, 0.03, 0))
    level += own_level[:, None] * normal(rng, count, WEEK)
    strength *= np.exp(np.where(every, uniform(rng, 0, 0.25, count), 0)[:, None] * normal(rng, count, WEEK))
    week = strength[:, :, None] * usual[:, None]
    other = day_shapes(rng, count)
    mixed = np.where(chance(rng, 0.7, count), uniform(rng, 0, 0.5, count), uniform(rng, 0.3, 1, count))
    mixed = np.where(weekend & chance(rng, 0.7, count), mixed, 0)[:, None]
    for day, weight in ((SATURDAY, 0.8), (SUNDAY, 1.0)):
        shape = usual + weight * (other - usual)
        week[:, day] = (1 - mixed) * week[:, day] + mixed * shape * strength[:, day, None]
    own_shape = np.where(kind > 0.6, log_uniform(rng, 0.02, 0.4, count), 0)[:, None, None]
    week = week + level[:, :, None] + own_shape * smooth_day(normal(rng, count, WEEK, HOURS), 2)
    return np.asarray(week, SINGLE), weekend


def _changed(rng: np.random.Generator, pattern: Array, usual: Array, clean: Bools) -> Array:
    """The patterns (B, D, 24) with days stronger or weaker than usual, drift of shape, and accidents."""
    count, days, _ = pattern.shape
    little = np.where(clean, log_uniform(rng, 0.004, 0.2, count), 1).astype(SINGLE)
    strength = sometimes(rng, 0.55, little * log_uniform(rng, 0.03, 0.6, count))
    pattern = pattern * np.exp(strength[:, None] * remembered(rng, count, days, 0, 0.95))[:, :, None]
    drift = sometimes(rng, 0.5, little * log_uniform(rng, 0.01, 0.15, count))[:, None, None]
    pattern = pattern + drift * np.cumsum(smooth_day(normal(rng, count, days, HOURS), 2), axis=1)
    accident = sometimes(rng, 0.4, little * log_uniform(rng, 0.03, 0.5, count))[:, None, None]
    pattern = pattern + 1.5 * accident * smooth_day(normal(rng, count, days, HOURS), 3)
    turning = np.where(clean | chance(rng, 0.12, count), rng.normal(0, 0.6, count), 0)[:, None, None]
    towards = 0.5 * day_shapes(rng, count) + 0.5 * smooth_day(normal(rng, count, HOURS), 6)
    time = np.arange(days, dtype=SINGLE)
    pattern = pattern + turning * towards[:, None] * (time / days)[:, None]
    growth = sometimes(rng, 0.2, rng.normal(0, 0.02, (count,)).astype(SINGLE))
    pattern = pattern * np.exp(growth[:, None] * (time - days / 2))[:, :, None]
    size = np.where(chance(rng, 0.12, count) & ~clean, log_uniform(rng, 0.03, 0.4, count), 1)
    size = np.where(chance(rng, 0.1, count), 0, size)  # no day at all: a random walk, a tank, a server
    return np.asarray(pattern * size[:, None, None], SINGLE)


def smooth_day(values: Array, times: int) -> Array:
    """Values (…, 24) smoothed around the clock."""
    for _ in range(times):
        values = 0.25 * np.roll(values, 1, -1) + 0.5 * values + 0.25 * np.roll(values, -1, -1)
    return values


def remembered(rng: np.random.Generator, count: int, days: int, low: float, high: float) -> Array:
    """Standard normal values (B, D) that resemble those of the day before: AR(1), with memory low … high."""
    memory = uniform(rng, low, high, count)
    shocks, value = normal(rng, count, days), normal(rng, count)
    result = np.empty((count, days), SINGLE)
    for day in range(days):
        value = memory * value + np.sqrt(1 - memory * memory) * shocks[:, day]
        result[:, day] = value
    return result


def _turn(hours: Array) -> Array:
    """Hours as an angle."""
    return np.asarray(2 * np.pi * hours / HOURS, SINGLE)


def _waves(rng: np.random.Generator, count: int, hour: Array) -> tuple[Array, Array]:
    """One wave with a weak second, and eleven harmonics of falling size."""
    one, several = np.zeros((count, HOURS), SINGLE), np.zeros((count, HOURS), SINGLE)
    decay, start = uniform(rng, 0.4, 2.2, count, 1), uniform(rng, 0, 24, count, 1)
    for harmonic in range(1, 12):
        size, angle = normal(rng, count, 1), uniform(rng, 0, 2 * np.pi, count, 1)
        several += size * harmonic**-decay * np.cos(_turn(harmonic * hour) + angle)
        if harmonic <= 2:
            one += size * (1 if harmonic == 1 else 0.35) * np.cos(_turn(harmonic * (hour - start)))
    return one, several


def _peak(hour: Array, at: Array, sharpness: Array | float) -> Array:
    return np.asarray(np.exp(sharpness * (np.cos(_turn(hour - at)) - 1)))


def _two_peaks(rng: np.random.Generator, count: int, hour: Array) -> Array:
    """Morning and evening."""
    at, apart = uniform(rng, 0, 24, count, 1), uniform(rng, 5, 13, count, 1)
    first = _peak(hour, at, log_uniform(rng, 1, 12, count, 1))
    second = uniform(rng, 0.2, 1.2, count, 1) * _peak(hour, at + apart, log_uniform(rng, 1, 12, count, 1))
    night = uniform(rng, -0.4, 0.4, count, 1) * _peak(hour, uniform(rng, 0, 24, count, 1), 2)
    return first + second + night


def _on_and_off(rng: np.random.Generator, count: int, hour: Array) -> Array:
    """Open hours, with steep or gentle edges."""
    distance = np.abs((hour - uniform(rng, 0, 24, count, 1) + 12) % 24 - 12)
    steepness = log_uniform(rng, 1, 8, count, 1)
    inside = (distance - uniform(rng, 2, 16, count, 1) / 2) * steepness
    open_hours = 1 / (1 + np.exp(np.clip(inside, -50, 50)))
    rough = sometimes(rng, 0.5, uniform(rng, 0, 0.5, count, 1))
    return np.asarray(open_hours * (1 + rough * normal(rng, count, HOURS)))


def _sun(rng: np.random.Generator, count: int, hour: Array) -> Array:
    """Light: nothing at night."""
    height = np.cos(_turn(hour - uniform(rng, 0, 24, count, 1))) + uniform(rng, -0.5, 0.4, count, 1)
    return np.asarray(np.maximum(height, 0) ** uniform(rng, 0.6, 1.6, count, 1))


def _saw(rng: np.random.Generator, count: int, hour: Array) -> Array:
    """A quick rise and a slow fall, as of temperature."""
    place = ((hour - uniform(rng, 0, 24, count, 1)) % 24) / 24
    top = uniform(rng, 0.15, 0.5, count, 1)
    saw = np.where(place < top, place / top, (1 - place) / (1 - top))
    return np.asarray(saw ** uniform(rng, 0.7, 1.5, count, 1))
