"""Synthetic returns: variance, tails, clusters of volatility, and what markets do to them."""

import numpy as np
import pytest

from forecaster.pretraining.series import prices
from forecaster.pretraining.series.prices import (
    CONSTANT,
    EGARCH,
    GARCH,
    GARCH_TIMES_SLOW,
    REGIMES,
    SHARES,
    STOCHASTIC,
    generate,
    innovations,
)


def rng():
    return np.random.default_rng(0)


def test_shares_are_a_distribution():
    """Each kind of volatility has a share."""
    assert sum(SHARES) == pytest.approx(1)
    assert len(SHARES) == 6


def test_innovations_have_mean_zero_and_variance_one():
    """Tails and skew leave both where they are; tails are heavier than normal in most series."""
    z = innovations(rng(), 500, 2000).astype(float)
    assert z.shape == (500, 2000)
    assert abs(z.mean()) < 0.005
    assert abs((z**2).mean() - 1) < 0.02
    assert np.percentile((z**2).mean(axis=1), [5, 95]) == pytest.approx([1, 1], abs=0.15)
    fourth = (z**4).mean(axis=1) / (z**2).mean(axis=1) ** 2
    assert (fourth > 3.3).mean() > 0.6
    third = (z**3).mean(axis=1)
    assert third.min() < -0.3 < 0.1 < third.max(), "skewed to both sides"


def test_skew_moves_neither_mean_nor_variance(monkeypatch):
    """Also where every series has the largest skew."""

    class Skewed:
        def __init__(self):
            self.own = rng()

        def normal(self, mean, deviation, shape):
            return np.full(shape, 0.3)

        def __getattr__(self, name):
            return getattr(self.own, name)

    monkeypatch.setattr(prices, "chance", lambda rng, probability, *shape: np.ones(shape, bool))
    z = innovations(Skewed(), 500, 2000).astype(float)
    assert (z**3).mean() > 0.5
    assert abs(z.mean()) < 0.005
    assert abs((z**2).mean() - 1) < 0.01


def test_garch_is_stationary():
    """α + γ/2 + β is between .85 and .996, and no parameter is negative."""
    alpha, asymmetry, beta = prices._garch(rng(), 2000)
    persistence = alpha + asymmetry / 2 + beta
    assert min(alpha.min(), asymmetry.min(), beta.min()) >= 0
    assert persistence.max() <= 0.9961
    assert persistence.min() >= 0.8499


def clustering(returns):
    """Autocorrelation of |returns| over a day, of each series."""
    size = np.minimum(np.abs(returns), 8 * np.abs(returns).mean(axis=1, keepdims=True))
    size = size - size.mean(axis=1, keepdims=True)
    return (size[:, 1:] * size[:, :-1]).mean(axis=1) / (size**2).mean(axis=1)


@pytest.mark.parametrize("kind", [GARCH, EGARCH, STOCHASTIC, GARCH_TIMES_SLOW, REGIMES])
def test_large_returns_follow_large_ones(kind):
    """Volatility clusters in every kind but the constant one."""
    count = 300
    z = rng().standard_normal((count, 1500)).astype(np.float32)
    usual = {each: clustering(prices._volatile(rng(), np.full(count, each), z)) for each in (CONSTANT, kind)}
    assert np.mean(usual[kind]) > np.mean(usual[CONSTANT]) + 0.05
    assert abs(np.median(usual[CONSTANT])) < 0.02


def test_garch_against_its_recursion(monkeypatch):
    """h = ω + (α + γ [e < 0]) e² + β h, started at variance one."""
    alpha, asymmetry, beta = (np.full(4, value) for value in (0.1, 0.06, 0.8))
    monkeypatch.setattr(prices, "_garch", lambda *_: (alpha, asymmetry, beta))
    monkeypatch.setattr(
        prices, "sometimes", lambda rng, probability, values: 0 * values
    )  # no weekday, no leverage
    z = rng().standard_normal((4, 60)).astype(np.float32)
    result = prices._volatile(rng(), np.full(4, GARCH), z)
    for series in range(4):
        variance, square, sign = 1.0, 1.0, 0.0
        for t in range(60):
            variance = (1 - 0.93) + (0.1 + 0.06 * (sign < 0)) * square + 0.8 * variance
            shock = np.sqrt(variance) * z[series, t]
            assert result[series, t] == pytest.approx(shock, rel=1e-4)
            square, sign = shock**2, z[series, t]


def test_closed_days_are_made_up_for_or_lost():
    """A closed day has a return of zero; where it is made up for, the price ends where it would have."""
    returns = rng().standard_normal((400, 100)).astype(np.float32)
    result = prices._with_closed_days(rng(), returns)
    closed = (result == 0).any(axis=1)
    assert 0.1 < closed.mean() < 0.3
    kept = np.isclose(result.sum(axis=1), returns.sum(axis=1), atol=1e-3)
    assert kept[~closed].all()
    assert 0.2 < kept[closed].mean() < 0.9


def test_wrong_prices_are_right_again():
    """A misprint moves a price for one day."""
    returns = rng().standard_normal((2000, 100)).astype(np.float32)
    usual = np.abs(returns).mean(axis=1, keepdims=True)
    wrong = prices._misprinted(rng(), returns, usual) - returns
    hit = np.flatnonzero(np.abs(wrong[:, :-1]).max(axis=1) > 0)
    assert 0.002 < len(hit) / 2000 < 0.04
    total = np.cumsum(wrong, axis=1)
    assert (np.abs(total[hit]) > 1e-4).mean() < 0.05


def test_prices_in_ticks():
    """An eighth of the prices are whole ticks."""
    returns = rng().standard_normal((400, 100)).astype(np.float32)
    usual = np.abs(returns).mean(axis=1, keepdims=True)
    result = prices._rounded(rng(), returns, usual)
    coarse = (result != returns).any(axis=1)
    assert abs(coarse.mean() - 0.12) < 0.05
    for row in result[coarse]:
        moves = np.abs(row[1:].astype(float))
        tick = moves[moves > 1e-6].min()
        assert np.allclose(moves / tick, np.round(moves / tick), atol=0.02)


def test_returns_hardly_say_where_the_price_goes():
    """Drift is small against volatility, and so is what a return says of the next one."""
    returns = generate(rng(), 300, 500).astype(float)
    ratio = returns.mean(axis=1) / returns.std(axis=1)
    assert np.percentile(np.abs(ratio), 95) < 0.2
    centred = returns - returns.mean(axis=1, keepdims=True)
    memory = (centred[:, 1:] * centred[:, :-1]).mean(axis=1) / (centred**2).mean(axis=1)
    assert abs(np.median(memory)) < 0.05
