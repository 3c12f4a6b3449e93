"""Exponential smoothing with additive errors, trend none or damped, season none or additive, averaged.

ETS(A,N,N), ETS(A,Ad,N), ETS(A,N,A) and ETS(A,Ad,A) of Hyndman, Koehler, Ord & Snyder 2008. With the error
e_t = y_t − ŷ_t, m rows a season and the seasonal state s_t of row t,

    ŷ_t = l_{t−1} + φ b_{t−1} + s_{t−m}
    l_t = l_{t−1} + φ b_{t−1} + α e_t      b_t = φ b_{t−1} + α β e_t      s_t = s_{t−m} + γ (1−α) e_t
    ŷ_{t+h} = l_t + (φ + φ² + … + φ^h) b_t + s_{t+h−m⌈h/m⌉}

No parameter set is chosen: the forecast is the mean over a grid of them, weighted by likelihood with the
penalty of the corrected Akaike criterion. Of logarithms, all this is smoothing with multiplicative errors,
trend and season.

Constant seasons are removed first, from all rows together: each s begins at zero and follows changes only.
Level and trend begin on the least squares line through the first rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.methods.model_average import likelihood_weights

ALPHAS = (0.05, 0.2, 0.4, 0.6, 0.9)
BETAS = (0.01, 0.05, 0.2)
PHIS = (0.85, 0.93, 0.98)
GAMMAS = (0.0, 0.1, 0.3)
FIRST_ROWS = 20
"""Level and trend begin on a line through this many rows."""
TREND_PENALTY = 2.0
"""Log-likelihood that a trend must gain in a long series: 1 for the trend, 1 for its damping."""
SEASON_PENALTY = 1.0
PARAMETERS = 5
"""Level, trend, α, β and φ. A series with at most one row more gets no trend."""
BLOCK = 2**18
"""Numbers in the states of all models for a block of series: they stay in the cache."""


class Models(NamedTuple):
    """The grid, each (G, 1). φ = 0: no trend."""

    alpha: Floats
    beta: Floats
    gamma: Floats
    phi: Floats


class States(NamedTuple):
    """The state of a model after a row: level and trend (G, B), season (m, G, B) by row number modulo m."""

    level: Floats
    trend: Floats
    season: Floats


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Mean and standard deviation of future rows, each (B, H)."""

    mean: Floats
    deviation: Floats


def exponential_smoothing(y: Floats, inside: Bools, horizon: int, season: int = 1) -> Floats:
    """Forecasts (B, H) of y (n, B), newest last; only rows that are `inside` are read.

    A series begins at its first row inside. In a later gap the trend continues and the state is not updated.
    `season` > 1: y is without its mean season, and the states follow changes of the season.
    """
    return _in_blocks(y, inside, horizon, season, with_deviation=False).mean


def row_weights(y: Floats, inside: Bools, horizon: int) -> Floats:
    """What each row of one series counts for in `exponential_smoothing` (n, H): y and inside are (n, 1).

    The models are averaged as they are for y; then every forecast is linear in the rows.
    """
    models = _models(GAMMAS[:1])
    squared, _ = _filter(np.where(inside, y, 0.0), inside, models, 1)
    count = inside.sum(axis=0).astype(float)
    weights = likelihood_weights(squared, count, _penalty(models, count))  # (G, 1)
    _, states = _filter(np.diag(inside[:, 0].astype(float)), np.repeat(inside, len(y), axis=1), models, 1)
    return _mean(states, weights, models, len(y), horizon)


def smoothed(y: Floats, inside: Bools, horizon: int, season: int = 1) -> Smoothed:
    """As `exponential_smoothing`, with standard deviations: the models' own and that between models."""
    return _in_blocks(y, inside, horizon, season, with_deviation=True)


def _in_blocks(y: Floats, inside: Bools, horizon: int, season: int, *, with_deviation: bool) -> Smoothed:
    """A block of series at a time, which bounds the memory; the deviation is zero unless requested."""
    models = _models(GAMMAS if season > 1 else GAMMAS[:1])
    width = max(1, BLOCK // (len(models.alpha) * (season + 6)))
    y = np.where(inside, y, 0.0)
    result = Smoothed(*np.zeros((2, y.shape[1], horizon)))
    for start in range(0, y.shape[1], width):
        part = slice(start, start + width)
        squared, states = _filter(y[:, part], inside[:, part], models, season)
        count = inside[:, part].sum(axis=0).astype(float)
        weights = likelihood_weights(squared, count, _penalty(models, count))
        result.mean[part] = _mean(states, weights, models, len(y), horizon)
        if with_deviation:
            spread = _spread_of_means(states, weights, models, len(y), result.mean[part])
            own = weights * squared / np.maximum(count - _estimated(models), 1.0)  # (G, B)
            result.deviation[part] = np.sqrt(spread + own.T @ variance_growth(models, season, horizon))
    return result


def _models(gammas: tuple[float, ...]) -> Models:
    """Every α and γ, with no trend and with every trend."""
    trends = [(0.0, 0.0), *((beta, phi) for beta in BETAS for phi in PHIS)]
    rows = [(alpha, beta, gamma, phi) for alpha in ALPHAS for gamma in gammas for beta, phi in trends]
    return Models(*np.array(rows).T[:, :, None])


def _estimated(models: Models) -> Floats:
    """How many parameters each model estimates (G, 1): level and α, and two more for a trend."""
    return np.where(models.phi > 0, 4.0, 2.0)


def _penalty(models: Models, count: Floats) -> Floats:
    """The corrected Akaike penalty (G, B), k·n / (n − k − 1); infinite for a trend in too few rows."""
    free = count - PARAMETERS - 1
    growth = np.where(free > 0, count / np.maximum(free, 1), np.inf)
    trend = np.where(models.phi > 0, TREND_PENALTY * growth, 0.0)
    return trend + np.where(models.gamma > 0, SEASON_PENALTY, 0.0)


def _filter(y: Floats, inside: Bools, models: Models, season: int) -> tuple[Floats, States]:
    """Sums of squared one-step errors (G, B) and the states after the last row."""
    alpha, gain = models.alpha, models.alpha * models.beta
    seasonal_gain = models.gamma * (1 - alpha)
    size = (len(alpha), y.shape[1])
    level, trend, squared = np.zeros(size), np.zeros(size), np.zeros(size)
    seasons = np.zeros((season, *size))
    line, slope = _first_line(y, inside)
    first = inside.argmax(axis=0)
    beginnings = frozenset(first.tolist())
    for t, (now, here) in enumerate(zip(y, inside, strict=True)):
        if t in beginnings:  # before that, its state is zero
            level[:, first == t], trend[:, first == t] = line[first == t], slope[first == t]
        trend *= models.phi
        level += trend
        error = now - level
        if season > 1:
            error -= seasons[t % season]
        error *= here
        level += alpha * error
        trend += gain * error
        if season > 1:
            seasons[t % season] += seasonal_gain * error
        squared += error * error
    return squared, States(level, trend, seasons)


def _first_line(y: Floats, inside: Bools) -> tuple[Floats, Floats]:
    """The least squares line through the first rows: its value one row before them, and its slope, (B,).

    For series too short for a trend the line is their mean.
    """
    used = inside & (np.cumsum(inside, axis=0) <= FIRST_ROWS)
    time = np.arange(1.0, len(y) + 1)[:, None] - inside.argmax(axis=0)
    count = np.maximum(used.sum(axis=0), 1)
    centre, mean = (time * used).sum(axis=0) / count, (y * used).sum(axis=0) / count
    away = (time - centre) * used
    slope = (away * y).sum(axis=0) / np.maximum((away * away).sum(axis=0), 0.5)
    slope = np.where(count > PARAMETERS + 1, slope, 0.0)
    return mean - slope * centre, slope


def _reach(models: Models, horizon: int) -> Floats:
    """φ + φ² + … + φ^h for h = 1 … H: (G, H)."""
    return np.cumsum(models.phi ** np.arange(1, horizon + 1), axis=1)


def _mean(states: States, weights: Floats, models: Models, rows: int, horizon: int) -> Floats:
    """The weighted mean of the models' forecasts (B, H); `rows` is how many were smoothed."""
    flat = (weights * states.level).sum(axis=0)[:, None] + (weights * states.trend).T @ _reach(
        models, horizon
    )
    seasons = (weights * states.season).sum(axis=1)  # (m, B)
    return flat + seasons[(rows + np.arange(horizon)) % len(seasons)].T


def _spread_of_means(states: States, weights: Floats, models: Models, rows: int, mean: Floats) -> Floats:
    """The weighted variance between the models' forecasts (B, H)."""
    spread = np.empty(mean.shape)
    for step, reach in enumerate(_reach(models, mean.shape[1]).T):
        forecast = states.level + reach[:, None] * states.trend
        forecast += states.season[(rows + step) % len(states.season)]
        spread[:, step] = (weights * (forecast - mean[:, step]) ** 2).sum(axis=0)
    return spread


def variance_growth(models: Models, season: int, horizon: int) -> Floats:
    """Variance of the error h steps ahead over that of one step, (G, H): 1 + c_1² + … + c_{h−1}².

    c_j = α + αβ (φ + … + φ^j), plus γ(1−α) where j is a multiple of m (Hyndman et al. 2008, table 6.1).
    """
    kept = models.alpha * (1 + models.beta * _reach(models, horizon))
    if season > 1:
        again = np.arange(1, horizon + 1) % season == 0
        kept = kept + models.gamma * (1 - models.alpha) * again
    growth = np.ones(kept.shape)
    growth[:, 1:] += np.cumsum(kept[:, :-1] ** 2, axis=1)
    return growth
