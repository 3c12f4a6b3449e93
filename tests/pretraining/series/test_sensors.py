"""Synthetic sensors: shapes of a day, weeks, noise, and what instruments do."""

import numpy as np

from forecaster.pretraining.series import days, sensors
from forecaster.pretraining.series.days import HOURS, WEEK, day_shapes, remembered, smooth_day, weeks


def rng():
    return np.random.default_rng(0)


def test_shapes_of_a_day():
    """Mean zero, deviation one; smooth and rough ones."""
    shapes = day_shapes(rng(), 500)
    assert shapes.shape == (500, HOURS)
    assert shapes.dtype == np.float32
    assert np.allclose(shapes.mean(axis=1), 0, atol=1e-5)
    assert np.allclose(shapes.std(axis=1), 1, atol=1e-2)
    rough = np.abs(shapes - smooth_day(shapes, 1)).mean(axis=1)
    assert rough.min() < 0.03 < 0.4 < rough.max()


def test_smoothing_around_the_clock():
    """Each hour is half itself and a quarter of each neighbour, midnight included."""
    day = rng().standard_normal(HOURS)
    expected = [0.25 * day[h - 1] + 0.5 * day[h] + 0.25 * day[(h + 1) % HOURS] for h in range(HOURS)]
    assert np.allclose(smooth_day(day, 1), expected)
    assert np.allclose(smooth_day(day, 3), smooth_day(smooth_day(smooth_day(day, 1), 1), 1))
    assert np.array_equal(smooth_day(day, 0), day)


def test_days_resemble_the_day_before():
    """AR(1) of variance one: memory shows in the correlation with the day before."""
    values = remembered(rng(), 4000, 6, 0.6, 0.6)
    assert np.allclose(values.std(axis=0), 1, atol=0.05)
    assert abs((values[:, 1:] * values[:, :-1]).mean() - 0.6) < 0.03


def test_a_week_begins_on_its_weekday(monkeypatch):
    """The day of row 0 is the weekday asked for, and the pattern of a weekday comes back after seven days."""
    monkeypatch.setattr(days, "_changed", lambda rng, pattern, *_: pattern)
    monkeypatch.setattr(days, "chance", lambda rng, p, *shape: np.zeros(shape, bool))  # no holidays
    first = np.arange(WEEK).repeat(10)
    pattern, usual = weeks(rng(), 70, 21, np.zeros(70, bool), first)
    assert pattern.shape == (70, 21, HOURS)
    assert usual.shape == (70, HOURS)
    assert np.array_equal(pattern[:, :7], pattern[:, 7:14])
    weekend = days.SATURDAY, days.SUNDAY
    plain = [day for day in range(WEEK) if day not in weekend]
    for series in range(70):
        week = pattern[series, (np.arange(WEEK) - first[series]) % WEEK]  # from Monday
        spread = week[plain].std(axis=0).max()
        if spread == 0:  # Monday to Friday are alike: what differs is the weekend
            assert np.allclose(week[0], usual[series], atol=1e-5)


def test_clean_series_change_little():
    """Weeks of clean series differ less from those before and after, once a steady turn is left out."""
    count = 300
    changes = {}
    for clean in (False, True):
        pattern, _ = weeks(rng(), count, 21, np.full(count, clean), np.zeros(count, int))
        one, two, three = pattern[:, :7], pattern[:, 7:14], pattern[:, 14:]
        changes[clean] = np.abs(one - 2 * two + three).mean(axis=(1, 2))
    assert np.median(changes[True]) < 0.5 * np.median(changes[False])


def test_smoothed_against_a_loop():
    """x_t = memory x_{t−1} + gain values_t."""
    values = rng().standard_normal((3, 20)).astype(np.float32)
    memory, gain = np.array([0.0, 0.5, 0.9]), np.array([1.0, 0.5, 0.1])
    start = np.array([1.0, 2.0, 3.0], np.float32)
    result = sensors._smoothed(values, memory, gain, start)
    for b in range(3):
        x = start[b]
        for t in range(20):
            x = memory[b] * x + gain[b] * values[b, t]
            assert np.isclose(result[b, t], x, atol=1e-5)


def test_noise_has_all_kinds_of_memory():
    """From nearly white to nearly a walk, and of sizes that differ by a factor of twenty."""
    noise = sensors._noise(rng(), np.ones((300, 400), np.float32)).astype(float)
    centred = noise - noise.mean(axis=1, keepdims=True)
    memory = (centred[:, 1:] * centred[:, :-1]).mean(axis=1) / (centred**2).mean(axis=1)
    assert np.percentile(memory, 5) < 0.3 < 0.9 < np.percentile(memory, 95)
    assert noise.std(axis=1).max() > 20 * noise.std(axis=1).min()


def test_limits():
    """A tenth of the series never fall below zero and often stay there; a few have a ceiling."""
    v = rng().standard_normal((1000, 200)).astype(np.float32)
    result = sensors._limited(rng(), v)
    floor = (result == 0).any(axis=1)
    assert abs(floor.mean() - 0.09) < 0.03
    assert (result[floor] >= 0).all()
    top = (result == result.max(axis=1, keepdims=True)).sum(axis=1) > 1
    assert abs(top.mean() - 0.03) < 0.03


def test_stuck_readings():
    """In a twentieth of the series the same reading lasts for hours, at most four days in all."""
    v = rng().standard_normal((600, 200)).astype(np.float32)
    result = sensors._stuck(rng(), v)
    same = (np.diff(result, axis=1) == 0).sum(axis=1)
    assert 0.02 < (same > 0).mean() < 0.09
    assert same.max() <= 2 * 2 * HOURS
    assert np.array_equal(result[same == 0], v[same == 0])


def test_rounding_and_spikes():
    """A fifth of the series have the resolution of an instrument; spikes change few readings."""
    v = rng().standard_normal((600, 200)).astype(np.float32)
    rounded = sensors._rounded(rng(), v, np.zeros(600, bool))
    coarse = (rounded != v).any(axis=1)
    assert abs(coarse.mean() - 0.2) < 0.05
    assert len(np.unique(rounded[coarse][0])) < 200
    spiked = sensors._spiked(rng(), v) != v
    assert abs(spiked.any(axis=1).mean() - 0.12) < 0.06
    assert spiked.mean() < 0.01


def test_products_are_positive():
    """A third of the series are products: above zero, with swings that grow with their level."""
    v = rng().standard_normal((600, 200)).astype(np.float32)
    result = sensors._multiplied(rng(), v)
    assert abs((result > 0).all(axis=1).mean() - 0.33) < 0.06
