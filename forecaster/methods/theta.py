"""The dynamic optimised Theta method: exponential smoothing along a part of the least squares line.

Assimakopoulos & Nikolopoulos 2000; the state-space form is Fiorucci, Pellegrini, Louzada, Petropoulos &
Koehler 2016. With l the exponentially smoothed level and A, B the intercept and slope of the least
squares line through the rows so far,

    ŷ_{t+1} = l_t + ω [(1−α)^t A_t + (1 − (1−α)^{t+1})/α · B_t]        ω = 1 − 1/θ
    l_t     = α y_t + (1−α) l_{t−1}                                    l_0 = (1−ω) y_1
    ŷ_{t+h} = ŷ_{t+1} + ω (h−1) B_t

α and ω come from a grid. ω = 0 is simple exponential smoothing; ω = ½ is the classical Theta method.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.methods.model_average import likelihood_weights

ALPHAS = np.array([0.99, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
OMEGAS = np.array([0.0, 0.25, 0.5, 0.75, 0.95])
TIE = 1e-9
"""Errors this near to each other are equal: the first of the grid wins, which trusts the newest row most."""


def theta(y: Floats, inside: Bools, horizon: int) -> Floats:
    """Forecasts (B, H) of y (n, B), newest last; a series begins at its first row `inside`.

    The mean over the grid, weighted by likelihood: on a short series many pairs are nearly as good.
    """
    grid = _filter(y, inside, *_lines(y, inside))
    weights = likelihood_weights(grid.squared, inside.sum(axis=0).astype(float))
    drift = (weights * grid.omega).sum(axis=0) * grid.slope
    return (weights * grid.ahead).sum(axis=0)[:, None] + drift[:, None] * np.arange(horizon)


def row_weights(y: Floats, inside: Bools, horizon: int) -> Floats:
    """What each row of one series counts for in `theta` (n, H): y and inside are (n, 1).

    The grid is averaged as it is for y; then every forecast is linear in the rows.
    """
    squared = _filter(y, inside, *_lines(y, inside)).squared
    weights = likelihood_weights(squared, inside.sum(axis=0).astype(float))  # (G, 1)
    units, each = np.diag(inside[:, 0].astype(float)), np.repeat(inside, len(y), axis=1)
    grid = _filter(units, each, *_lines(units, each))
    drift = float((weights * grid.omega).sum()) * grid.slope
    return (weights * grid.ahead).sum(axis=0)[:, None] + drift[:, None] * np.arange(horizon)


def best_theta(y: Floats, inside: Bools, horizon: int) -> Floats:
    """The same from the one pair with the least squared error, as models of format 1 have it."""
    grid = _filter(y, inside, *_lines(y, inside, least=1.0))
    best = (grid.squared <= grid.squared.min(axis=0) * (1 + TIE)).argmax(axis=0)
    drift = grid.omega[best, 0] * grid.slope
    return grid.ahead[best, np.arange(y.shape[1])][:, None] + drift[:, None] * np.arange(horizon)


class _Grid(NamedTuple):
    """What each pair of the grid says after the last row."""

    omega: Floats  # (G, 1)
    squared: Floats  # (G, B) sum of squared one-step errors
    ahead: Floats  # (G, B) forecast of the next row
    slope: Floats  # (B,) of the line through all rows


def _filter(y: Floats, inside: Bools, intercepts: Floats, slopes: Floats) -> _Grid:
    """Smooth all rows with every pair of the grid."""
    alpha, omega = (grid.reshape(-1, 1) for grid in np.meshgrid(ALPHAS, OMEGAS, indexing="ij"))  # (G, 1)
    keep = 1 - alpha
    level, squared, ahead = (np.zeros((len(alpha), y.shape[1])) for _ in range(3))  # (G, B)
    decay = np.ones_like(level)  # (1−α)^t
    begun = np.logical_or.accumulate(inside, axis=0)
    for t, (now, here) in enumerate(zip(y, inside, strict=True)):
        if t and begun[t - 1].all() and here.all():  # as below, without asking which
            squared += (now - ahead) ** 2
            level = alpha * now + keep * level
            decay = decay * keep
        else:
            first = here & ~begun[t - 1] if t else here
            squared += np.where(here & ~first, (now - ahead) ** 2, 0.0)
            level = np.where(first, (1 - omega) * now, level)
            level = np.where(here, alpha * now + keep * level, level)
            decay = np.where(here, decay * keep, decay)
        ahead = level + omega * (decay * intercepts[t] + (1 - decay * keep) / alpha * slopes[t])
    return _Grid(omega, squared, ahead, slopes[-1])


def _lines(y: Floats, inside: Bools, least: float = 0.5) -> tuple[Floats, Floats]:
    """Least squares lines through the rows so far, t = 1, 2, …: intercepts at t = 0 and slopes (n, B).

    The slope is 0 for fewer than two rows. `least` bounds the sum of squared times, which is ½ for two rows.
    """
    count = np.cumsum(inside, axis=0, dtype=np.float64)
    y = np.where(inside, y, 0.0)
    n, total = np.maximum(count, 1), np.cumsum(y, axis=0)
    mean_t = (n + 1) / 2
    slope = np.cumsum(y * count, axis=0) - mean_t * total
    slope = np.where(n > 1, slope / np.maximum(n * (n * n - 1) / 12, least), 0.0)
    return total / n - slope * mean_t, slope
