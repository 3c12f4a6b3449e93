"""Synthetic daily returns of prices: volatility that clusters, heavy tails, leverage, jumps, bad prints.

Six kinds of volatility: constant; GARCH and GJR (Bollerslev 1986; Glosten et al. 1993); EGARCH (Nelson 1991);
stochastic volatility of one to three speeds; GARCH times a slow stochastic one; two regimes (Hamilton 1989).
"""

from __future__ import annotations

import math

import numpy as np

from forecaster.arrays import Array, Bools, Ints
from forecaster.pretraining.series.draws import SINGLE, chance, log_uniform, normal, sometimes, uniform

CONSTANT, GARCH, EGARCH, STOCHASTIC, GARCH_TIMES_SLOW, REGIMES = range(6)
SHARES = (0.08, 0.30, 0.14, 0.26, 0.12, 0.10)
BURN = 260
"""Returns before the first one that is used, so that volatility has forgotten its start."""
WEEK = 5
GAUSSIAN = 200.0
"""Degrees of freedom that stand for a normal distribution."""


def generate(rng: np.random.Generator, count: int, length: int) -> Array:
    """Returns (B, L) of mean near zero; the size is arbitrary."""
    total = length + BURN
    kind = rng.choice(len(SHARES), count, p=SHARES)
    returns = _volatile(rng, kind, innovations(rng, count, total)) * np.sqrt(_events(rng, count, total))
    usual = np.abs(returns).mean(axis=1, keepdims=True)
    returns = _jumping(rng, returns, usual)
    returns = returns + usual * sometimes(rng, 0.7, 0.04 * normal(rng, count, 1))  # drift
    returns = _echoed(rng, returns)
    returns = _misprinted(rng, _with_closed_days(rng, returns), usual)
    return _rounded(rng, returns, usual)[:, BURN:].astype(SINGLE)


def innovations(rng: np.random.Generator, count: int, length: int) -> Array:
    """Innovations of variance one (B, L): t with 3 to 12 degrees of freedom, normal in a fifth; half skewed.

    Skewed by scaling both halves by 1 ± s, which moves mean and variance; both are put right again.
    """
    freedom = log_uniform(rng, 3, 12, count, 1).astype(float)
    freedom[chance(rng, 0.2, count)] = GAUSSIAN
    chi = np.sqrt(rng.chisquare(freedom, (count, length)) / freedom)
    x = normal(rng, count, length) / chi * np.sqrt((freedom - 2) / freedom)
    log_gamma = np.vectorize(math.lgamma)
    ratio = np.exp(log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2))
    size = ratio * 2 * np.sqrt(freedom - 2) / (np.sqrt(np.pi) * (freedom - 1))  # mean |x|
    skew = np.where(chance(rng, 0.5, count, 1), np.clip(rng.normal(-0.05, 0.1, (count, 1)), -0.3, 0.3), 0)
    x = np.where(x > 0, x * (1 + skew), x * (1 - skew)) - skew * size
    return np.asarray(x / np.sqrt(1 + skew**2 - (skew * size) ** 2), SINGLE)


def _volatile(rng: np.random.Generator, kind: Ints, z: Array) -> Array:
    """The innovations times the volatility that they drive (B, T)."""
    count, total = z.shape
    garch = (kind == GARCH) | (kind == GARCH_TIMES_SLOW)
    alpha, asymmetry, beta = _garch(rng, count)
    constant = 1 - alpha - asymmetry / 2 - beta
    memory = 1 - log_uniform(rng, 0.005, 0.15, count)  # of EGARCH
    impact, leverage = uniform(rng, 0.05, 0.3, count), sometimes(rng, 0.7, -uniform(rng, 0, 0.18, count))
    fade, size = _stochastic(rng, kind)
    correlation = sometimes(rng, 0.6, -uniform(rng, 0, 0.8, count))[:, None]
    own = np.sqrt(1 - correlation**2)
    to_high, to_low = log_uniform(rng, 1 / 400, 1 / 30, count), log_uniform(rng, 1 / 150, 1 / 5, count)
    higher = uniform(rng, 0.6, 3, count) * (kind == REGIMES)
    high: Bools = rng.random(count) < to_high / (to_high + to_low)
    weekday = sometimes(rng, 0.2, np.ones((count, 1), SINGLE)) * 0.35 * normal(rng, count, WEEK)
    first = rng.integers(0, WEEK, count)
    switches, shocks = rng.random((total, count), SINGLE), normal(rng, total, count, 3)
    variance, square, last = np.ones(count), np.ones(count), np.zeros(count, SINGLE)
    log_variance, components = np.zeros(count), size * normal(rng, count, 3)
    result = np.empty((total, count), SINGLE)
    for t, now in enumerate(np.ascontiguousarray(z.T)):
        gain = alpha + asymmetry * (last < 0)
        variance = np.where(garch, constant + gain * square + beta * variance, 1.0)
        news = memory * log_variance + impact * (np.abs(last) - 0.75) + leverage * last
        log_variance = np.where(kind == EGARCH, news, 0.0)
        driven = correlation * np.clip(last, -4, 4)[:, None] + own * shocks[t]
        components = fade * components + size * np.sqrt(1 - fade**2) * driven
        high = np.where(high, switches[t] > to_low, switches[t] < to_high)
        of_day = weekday[np.arange(count), (first + t) % WEEK]
        logs = log_variance + components.sum(axis=1) + high * higher + of_day
        shock = np.sqrt(variance) * now
        square, last = np.minimum(shock * shock, 400.0), now
        result[t] = shock * np.exp(np.clip(logs, -8, 8) / 2)
    return result.T


def _garch(rng: np.random.Generator, count: int) -> tuple[Array, Array, Array]:
    """α, γ and β of variance one: h = ω + (α + γ [e < 0]) e² + β h. Persistence is .85 to .996 (B,)."""
    alpha = log_uniform(rng, 0.02, 0.2, count)
    asymmetry = sometimes(rng, 0.5, uniform(rng, 0, 0.2, count))
    persistence = 1 - log_uniform(rng, 0.004, 0.15, count)
    alpha = np.minimum(alpha, 0.8 * persistence)
    asymmetry = np.minimum(asymmetry, persistence - alpha)
    return alpha, asymmetry, np.maximum(persistence - alpha - asymmetry / 2, 0)


def _stochastic(rng: np.random.Generator, kind: Ints) -> tuple[Array, Array]:
    """Memory and size of three components of log variance (B, 3): of days, weeks and months."""
    count = len(kind)
    lives = [log_uniform(rng, low, high, count) for low, high in ((1, 6), (6, 40), (40, 300))]
    size = np.abs(normal(rng, count, 3)) * np.array([0.45, 0.6, 0.6], SINGLE)
    size *= rng.random((count, 3)) < np.array([0.5, 0.7, 0.7])
    size[kind == GARCH_TIMES_SLOW, :2] = 0
    size *= np.isin(kind, [STOCHASTIC, GARCH_TIMES_SLOW])[:, None]
    return 0.5 ** (1 / np.stack(lives, axis=1)), size


def _events(rng: np.random.Generator, count: int, total: int) -> Array:
    """Factors of the variance on days known before, such as of quarterly results (B, T)."""
    period = np.where(chance(rng, 0.2, count), rng.integers(61, 66, count), total + BURN)[:, None]
    first = rng.integers(0, 66, count)[:, None]
    day = (np.arange(total) + first) % period == 0
    return np.where(day, np.exp(uniform(rng, 0.8, 2.6, count, 1)), SINGLE(1))


def _jumping(rng: np.random.Generator, returns: Array, usual: Array) -> Array:
    """Jumps at any time, in a third of the series."""
    count, total = returns.shape
    often = sometimes(rng, 0.3, log_uniform(rng, 1 / 400, 1 / 40, count, 1))
    size = normal(rng, count, total) * usual * uniform(rng, 2, 8, count, 1)
    return returns + np.where(rng.random((count, total)) < often, size, 0)


def _echoed(rng: np.random.Generator, returns: Array) -> Array:
    """A part of each return comes back the next day (bid and ask), or goes on."""
    count = len(returns)
    back = sometimes(rng, 0.15, uniform(rng, 0, 0.25, count, 1))
    back = np.where(back == 0, sometimes(rng, 0.1, -uniform(rng, 0, 0.15, count, 1)), back)
    result = returns.copy()
    result[:, 1:] -= back * returns[:, :-1]
    return result


def _with_closed_days(rng: np.random.Generator, returns: Array) -> Array:
    """Days without trade: a return of zero, made up for on the next day or lost."""
    count, total = returns.shape
    often = sometimes(rng, 0.25, log_uniform(rng, 0.004, 0.15, count, 1))
    closed = rng.random((count, total)) < often
    closed[:, -1] = False
    later = np.where(closed, returns, 0) * chance(rng, 0.6, count, 1)
    result = np.where(closed, 0, returns)
    result[:, 1:] += later[:, :-1]
    return result


def _misprinted(rng: np.random.Generator, returns: Array, usual: Array) -> Array:
    """Wrong prices that are right again the next day, in a few series."""
    count, total = returns.shape
    often = sometimes(rng, 0.04, np.full((count, 1), 1 / 300, SINGLE))
    wrong = (rng.random((count, total)) < often) * normal(rng, count, total) * usual * 8
    result = returns + wrong
    result[:, 1:] -= wrong[:, :-1]
    return result


def _rounded(rng: np.random.Generator, returns: Array, usual: Array) -> Array:
    """Prices in ticks that matter, in an eighth of the series."""
    tick = sometimes(rng, 0.12, usual * log_uniform(rng, 0.05, 1, len(returns), 1))
    result = returns.copy()
    coarse = np.flatnonzero(tick[:, 0])
    price = np.cumsum(returns[coarse], axis=1, dtype=np.float64)
    price = np.round(price / tick[coarse]) * tick[coarse]
    result[coarse, 1:] = np.diff(price, axis=1)
    return result
