"""Averaged exponential smoothing against a plain loop over one series, one parameter set at a time."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.methods import exponential_smoothing as module
from forecaster.methods.exponential_smoothing import (
    GAMMAS,
    exponential_smoothing,
    smoothed,
    variance_growth,
)

HORIZON = 9


def naive_states(y, seen, alpha, beta, gamma, phi, season, line, slope):
    """Squared error and the states after the last row of one series, from the printed formulas."""
    level, trend, past, squared = line, slope, [0.0] * season, 0.0
    for t, (value, known) in enumerate(zip(y, seen, strict=True)):
        ahead = level + phi * trend
        error = value - ahead - past[t % season] if known else 0.0
        level, trend = ahead + alpha * error, phi * trend + alpha * beta * error
        past[t % season] += gamma * (1 - alpha) * error if season > 1 else 0.0
        squared += error**2
    return squared, level, trend, past


def naive_forecasts(y, seen, season, horizon):
    """Every model's forecasts (G, H), its weight and its squared error."""
    rows = np.flatnonzero(seen)[: module.FIRST_ROWS]
    slope, line = (
        np.polyfit(rows + 1, y[rows], 1) if len(rows) > module.PARAMETERS + 1 else (0.0, y[rows].mean())
    )
    n = sum(seen)
    forecasts, scores, errors = [], [], []
    trends = [(0.0, 0.0), *itertools.product(module.BETAS, module.PHIS)]
    for alpha, gamma, (beta, phi) in itertools.product(
        module.ALPHAS, GAMMAS if season > 1 else [0.0], trends
    ):
        squared, level, trend, past = naive_states(y, seen, alpha, beta, gamma, phi, season, line, slope)
        damping, steps = 0.0, []
        for h in range(1, horizon + 1):
            damping += phi**h
            steps.append(level + damping * trend + past[(len(y) + h - 1) % season])
        free = n - module.PARAMETERS - 1
        penalty = (module.TREND_PENALTY * n / free if free > 0 else np.inf) if phi else 0.0
        penalty += module.SEASON_PENALTY if gamma else 0.0
        forecasts.append(steps)
        scores.append(-n / 2 * np.log(squared) - penalty)
        errors.append(squared)
    weights = np.exp(np.array(scores) - max(scores))
    return np.array(forecasts), weights / weights.sum(), np.array(errors)


@pytest.mark.parametrize("season", [1, 4])
def test_each_series_is_as_a_plain_loop_has_it(season):
    """Series of several lengths, two with a gap, are each what a loop over that series gives."""
    rng = np.random.default_rng(0)
    y, inside = np.full((40, 5), 99.0), np.zeros((40, 5), bool)
    for column, n in enumerate((40, 33, 12, 6, 3)):
        y[-n:, column], inside[-n:, column] = 10 + rng.normal(0.1, 1, n).cumsum(), True
    inside[20:24, 0] = inside[-2, 2] = False
    y[~inside] = np.nan  # must not be read
    mean = exponential_smoothing(y, inside, HORIZON, season)
    for column in range(5):
        begun = slice(inside[:, column].argmax(), None)
        values, seen = np.nan_to_num(y[begun, column]), inside[begun, column]
        forecasts, weights, _ = naive_forecasts(values, seen, season, HORIZON)
        np.testing.assert_allclose(mean[column], weights @ forecasts, rtol=1e-8)


def test_blocks_change_nothing(monkeypatch):
    """Many series give what each gives alone, however many are worked on at once."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=(30, 7)).cumsum(axis=0)
    inside = np.arange(30)[:, None] >= np.arange(7) * 3
    whole = smoothed(y, inside, HORIZON, 4)
    monkeypatch.setattr(module, "BLOCK", 1)
    alone = smoothed(y, inside, HORIZON, 4)
    np.testing.assert_allclose(whole.mean, alone.mean, rtol=1e-12)
    np.testing.assert_allclose(whole.deviation, alone.deviation, rtol=1e-9)


def test_a_change_of_season_is_followed():
    """A season that appears halfway is found in the forecasts; without `season` it is not."""
    wave = np.tile([0.0, 3.0, 0.0, -3.0], 20)
    y = (np.where(np.arange(80) < 40, 0.0, wave) + 1e-3 * np.sin(np.arange(80.0)))[:, None]
    inside = np.ones(y.shape, bool)
    np.testing.assert_allclose(exponential_smoothing(y, inside, 4, 4)[0], wave[:4], atol=0.5)
    assert np.ptp(exponential_smoothing(y, inside, 4)[0]) < 0.5


def test_a_long_line_is_continued_and_a_short_one_is_not():
    """A trend is believed after many rows, and never after six."""
    y = np.arange(1.0, 41.0)[:, None]
    inside = np.ones(y.shape, bool)
    steps = np.diff(exponential_smoothing(y, inside, 30)[0])
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()  # damped
    assert steps[0] > 0.8
    short = exponential_smoothing(y[:6], inside[:6], 3)[0]
    assert np.ptp(short) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("season", [1, 4])
def test_deviations_are_those_of_simulated_models(season, monkeypatch):
    """With one model in the grid, the deviation is that of what the model itself generates."""
    monkeypatch.setattr(module, "ALPHAS", (0.4,))
    monkeypatch.setattr(module, "BETAS", (0.2,))
    monkeypatch.setattr(module, "PHIS", (0.93,))
    models = module._models((0.3,) if season > 1 else (0.0,))
    growth = variance_growth(models, season, HORIZON)[-1]  # the one with a trend
    rng = np.random.default_rng(2)
    level, trend, past = np.zeros(200_000), np.zeros(200_000), np.zeros((season, 200_000))
    for h in range(HORIZON):
        error = rng.normal(size=200_000)
        value = level + 0.93 * trend + past[h % season] + error
        assert value.var() == pytest.approx(growth[h], rel=0.02)
        level, trend = level + 0.93 * trend + 0.4 * error, 0.93 * trend + 0.4 * 0.2 * error
        past[h % season] += 0.3 * 0.6 * error if season > 1 else 0.0


def test_deviation_is_within_and_between_models():
    """Its square is the weighted mean of the models' own variances plus the variance of their forecasts."""
    rng = np.random.default_rng(3)
    y = rng.normal(0.2, 1, (25, 1)).cumsum(axis=0)
    found = smoothed(y, np.ones(y.shape, bool), HORIZON, 4)
    forecasts, weights, squared = naive_forecasts(y[:, 0], [True] * 25, 4, HORIZON)
    models = module._models(GAMMAS)
    own = squared / (25 - np.where(models.phi[:, 0] > 0, 4, 2))
    variance = weights @ (own[:, None] * variance_growth(models, 4, HORIZON))
    variance += weights @ (forecasts - weights @ forecasts) ** 2
    np.testing.assert_allclose(found.deviation[0], np.sqrt(variance), rtol=1e-8)
    np.testing.assert_allclose(found.mean[0], weights @ forecasts, rtol=1e-8)


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12),
    scale=st.sampled_from([0.25, 4.0, 1024.0]),
    shift=st.sampled_from([0.0, 8.0, -512.0]),
)
@settings(max_examples=50, deadline=None)
def test_units_do_not_matter(values, scale, shift):
    """In other units the forecasts are the same in those units, whatever the series; a single row is kept."""
    y = np.round(np.array(values)[:, None], 3)
    inside = np.ones(y.shape, bool)
    plain = exponential_smoothing(y, inside, 5, 2)
    assert np.isfinite(plain).all()
    size = np.abs(y).max() + abs(shift) + 1e-3
    changed = exponential_smoothing(y * scale + shift, inside, 5, 2)
    np.testing.assert_allclose(changed, plain * scale + shift, atol=1e-3 * size * scale)
    if len(values) == 1:
        np.testing.assert_allclose(plain, y[0, 0])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_constant_stays_constant(value):
    """Rounding is no trend."""
    y = np.full((30, 1), value)
    found = smoothed(y, np.ones(y.shape, bool), HORIZON, 4)
    np.testing.assert_allclose(found.mean, value, rtol=1e-9)
    np.testing.assert_allclose(found.deviation, 0.0, atol=1e-9 * max(value, 1))
