"""Several series as the flat arrays that the modules under test take."""

import numpy as np


def flat(*series):
    """values, observed, offsets and known rows of these series; NaN is what was not observed."""
    values = np.concatenate([np.asarray(each, float) for each in series])
    lengths = np.array([len(each) for each in series])
    return values, ~np.isnan(values), np.concatenate([[0], np.cumsum(lengths)]), lengths


def with_garbage(values, offsets, known, seed=0):
    """The values with everything at or after the known rows replaced."""
    lengths = np.diff(offsets)
    late = np.arange(len(values)) - np.repeat(offsets[:-1], lengths) >= np.repeat(known, lengths)
    garbage = np.random.default_rng(seed).choice([1e30, -999.0, 0.0, -127.0, 7.0], size=len(values))
    return np.where(late, garbage, values)


def walk(count, *, start=200.0, step=1.0, seed=0):
    """A random walk."""
    return start + np.cumsum(np.random.default_rng(seed).normal(0, step, count))


def temperature(days=14, *, a_day=288, seed=0):
    """Readings of an outdoor thermometer in °C, with two digits."""
    rng = np.random.default_rng(seed)
    hour = np.arange(days * a_day)
    slow = np.cumsum(rng.normal(0, 0.03, len(hour)))
    return np.round(20 + 5 * np.sin(2 * np.pi * hour / a_day) + slow + rng.normal(0, 0.1, len(hour)), 2)


def sunshine(days=40, seed=0):
    """Hourly power of a solar plant: zero from 18:00 to 6:00."""
    hour = np.arange(24 * days)
    height = np.sin(2 * np.pi * (hour - 6) / 24)
    power = 5000 * np.random.default_rng(seed).uniform(0.2, 1, len(hour)) * height
    return np.where((hour % 24 > 6) & (hour % 24 < 18), power, 0.0)
