"""Slow series: seasons, trends and state space, each against what it promises."""

import dataclasses

import numpy as np
import pytest

from forecaster.pretraining.series import slow_series, trends
from forecaster.pretraining.series.priors import DAILY, MONTHLY, PRIORS, YEARLY
from forecaster.pretraining.series.seasons import FLAT, _shapes, seasons
from forecaster.pretraining.series.slow_series import LARGEST


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("season", [4, 7, 12])
def test_shapes_of_a_season(season):
    """Mean zero, deviation one."""
    shapes = _shapes(rng(), 300, season)
    assert shapes.shape == (300, season)
    assert np.allclose(shapes.mean(axis=1), 0, atol=1e-5)
    assert np.allclose(shapes.std(axis=1), 1, atol=1e-2)


@pytest.mark.parametrize("season", [4, 7, 12])
def test_seasons_have_no_level(season):
    """Each season has mean zero; a third of the series have none; sizes are those of the prior."""
    prior = PRIORS[season]
    parts = seasons(rng(), prior, 600, 6 * season)
    first = next(start for start in range(season) if _level(parts[:, start:], season) < 1e-4)
    whole = parts[:, first : first + 5 * season].reshape(600, 5, season)
    assert np.allclose(whole.mean(axis=2), 0, atol=1e-4)
    flat = ~parts.any(axis=1)
    assert abs(flat.mean() - FLAT) < 0.06
    low, high = prior.season_size
    sizes = parts[~flat].std(axis=1)
    assert low / 3 < sizes.min() < 3 * low
    assert sizes.max() < 5 * high


def _level(parts, season):
    whole = parts[:, : 4 * season].reshape(len(parts), 4, season)
    return np.abs(whole.mean(axis=2)).max()


def test_most_seasons_change():
    """About two thirds walk from year to year; the others repeat but for growth."""
    parts = seasons(rng(), MONTHLY, 600, 60)
    parts = parts[parts.any(axis=1)]
    one, two = parts[:, :12], parts[:, 12:24]
    size = (one * two).sum(axis=1) / (one**2).sum(axis=1)
    exactly = np.abs(two - size[:, None] * one).max(axis=1) < 1e-3 * np.abs(one).max(axis=1)
    assert abs(exactly.mean() - 0.35) < 0.08


def test_noise_has_variance_near_one_and_tails():
    """A mixture of scales: its variance is about one, its tails at least normal."""
    noise = trends.noise(rng(), 400, 1000).astype(float)
    assert abs((noise**2).mean() - 1) < 0.1
    assert (noise**4).mean() / (noise**2).mean() ** 2 > 3.2


def test_basics():
    """Noise within its range; growth at most 60 % a year, none in its share of the series."""
    for prior in PRIORS.values():
        basic = trends.basics(rng(), prior, 2000, 50)
        assert prior.noise[0] <= basic.size.min() <= basic.size.max() <= prior.noise[1]
        assert np.abs(basic.growth).max() * prior.rows_a_year <= 0.601
        assert abs((basic.growth == 0).mean() - prior.no_growth) < 0.04
        assert basic.volatility.shape == (2000, 50)
        assert (basic.volatility > 0).all()


def test_gains_of_exponential_smoothing():
    """β ≤ α, 0 < φ ≤ 1, and an undamped slope learns slowly."""
    for prior in PRIORS.values():
        alpha, beta, damping = trends._gains(rng(), prior, 2000)
        assert alpha.min() >= 0
        assert (beta <= alpha + 1e-6).all()
        assert 0.5 <= damping.min() <= damping.max() <= 1
        assert (beta[damping == 1] <= 0.3 * alpha[damping == 1] + 1e-6).all()


def test_fast_growth_does_not_last():
    """Yearly series that grow fast return to a slower slope; without a limit the mean slope is the growth."""
    growth = np.linspace(-0.5, 0.6, 500).astype(np.float32)
    always = dataclasses.replace(YEARLY, mean_growth=1.0)
    mean, damping = trends._mean_slope(rng(), always, growth, np.ones(500, np.float32))
    fast = np.abs(growth) > YEARLY.fast
    assert (np.abs(mean[fast]) <= 0.6 * np.abs(growth[fast]) + 1e-6).all()
    assert (damping[fast] < 0.98).all()
    assert np.array_equal(mean[~fast], growth[~fast])
    assert (damping[~fast] == 1).all()
    free, _ = trends._mean_slope(rng(), dataclasses.replace(always, fast=None), growth, damping)
    assert np.array_equal(free, growth)


@pytest.mark.parametrize("source", [0.0, 1.0], ids=["own noise", "one source"])
def test_state_space_against_its_recursion(source, monkeypatch):
    """Level and slope step by step, from the parameters and shocks that were drawn."""
    count, length = 3, 12
    gains = tuple(np.full(count, value, np.float32) for value in (0.5, 0.2, 0.9))
    monkeypatch.setattr(trends, "chance", lambda rng, p, *shape: np.full(shape, bool(source)))
    monkeypatch.setattr(trends, "_gains", lambda *_: gains)
    monkeypatch.setattr(trends, "_mean_slope", lambda *_: (np.full(count, 0.01, np.float32), gains[2]))
    walks = (np.full(count, 0.0 if source else 0.4), np.full(count, 0.0 if source else 0.3))
    monkeypatch.setattr(trends, "_walks", lambda *_: walks)
    monkeypatch.setattr(trends, "_cycles", lambda *_: np.zeros((count, length), np.float32))
    monkeypatch.setattr(trends, "_autoregression", lambda *_: np.zeros((count, length), np.float32))
    drawn = [
        np.random.default_rng(seed).normal(size=(count, length)).astype(np.float32) for seed in (1, 2, 3)
    ]
    order = iter(drawn)
    monkeypatch.setattr(trends, "noise", lambda *_: next(order))
    monkeypatch.setattr(trends, "normal", lambda rng, *shape: np.ones(shape, np.float32))
    size = np.array([0.1, 0.5, 1.0], np.float32)
    basic = trends.Basics(size, np.full(count, 0.02, np.float32), np.ones((count, length), np.float32))
    result = trends.state_space(rng(), MONTHLY, basic)
    for b in range(count):
        e, own_level, own_slope = (shocks[b] * size[b] for shocks in drawn)
        level, slope = 0.0, 0.02 + 0.5 * size[b] * walks[1][b]
        for t in range(length):
            slope = 0.01 + 0.9 * (slope - 0.01)
            assert result[b, t] == pytest.approx(level + slope + e[t], abs=1e-5)
            gain = (0.5, 0.2) if source else (0.0, 0.0)
            level = level + slope + gain[0] * e[t] + walks[0][b] * own_level[t]
            slope = slope + gain[1] * e[t] + walks[1][b] * own_slope[t]


def test_steady_trends_have_no_noise():
    """Lines with at most three turns, or one logistic step."""
    basic = trends.basics(rng(), MONTHLY, 300, 80)
    steady = trends.steady_trend(rng(), MONTHLY, basic).astype(float)
    bends = (np.abs(np.diff(steady, 2, axis=1)) > 1e-4).sum(axis=1)
    assert (bends <= 3).mean() > 0.6
    assert (np.abs(np.diff(steady, axis=1)).max(axis=1) < 1).all()


def test_smooth_functions_are_smooth():
    """Where there is no noise, neighbours are alike: changes are far smaller than the range."""
    quiet = dataclasses.replace(MONTHLY, smooth=1.0)
    basic = trends.basics(rng(), quiet, 300, 80)
    values = trends.smooth_function(rng(), quiet, basic).astype(float)
    assert (np.abs(np.diff(values, 3, axis=1)).std(axis=1) < 0.5 * np.ptp(values, axis=1) + 1e-3).all()
    root = trends._root(30, 4.0)
    distance = np.arange(30)[:, None] - np.arange(30)
    assert np.allclose(root @ root.T, np.exp(-0.5 * (distance / 4) ** 2), atol=1e-3)


def test_logarithms_and_units():
    """Multiplicative series stay within ±6; additive ones are above zero before their logarithm is taken."""
    v = (4 * rng().standard_normal((500, 60))).astype(np.float32)
    multiplicative = slow_series._seen(rng(), dataclasses.replace(MONTHLY, additive=0.0), v)
    assert np.array_equal(multiplicative, np.clip(v, -LARGEST, LARGEST))
    additive = slow_series._seen(rng(), dataclasses.replace(MONTHLY, additive=1.0), v)
    assert np.isfinite(additive).all()
    assert additive.min() >= np.log(0.02) - 1e-5


def test_counts_are_seen_in_roots():
    """Counts of few events: their squares are whole numbers in the units of their mean."""
    v = (0.3 * rng().standard_normal((300, 60))).astype(np.float32)
    seen = slow_series._rounded(rng(), dataclasses.replace(DAILY, counts=1.0), v)
    assert (seen >= 0).all()
    zeros = (seen == 0).mean(axis=1)
    assert 0.05 < (zeros > 0.2).mean() < 0.6
    for row in seen[:20]:
        events = np.unique((row.astype(float) / 2) ** 2)
        step = np.diff(events).min()
        assert np.allclose(events / step, np.round(events / step), atol=0.05)
