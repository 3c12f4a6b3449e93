"""Exponential smoothing with a damped trend, the best single method in many forecasting competitions.

Gardner & McKenzie 1985, in the error-correction form of Hyndman et al. 2008. With e_t = y_t − ŷ_t,

    ŷ_t = l_{t−1} + φ b_{t−1}        l_t = ŷ_t + α e_t        b_t = φ b_{t−1} + α β e_t
    ŷ_{t+h} = l_t + (φ + φ² + … + φ^h) b_t        l_1 = y_1, b_1 = 0

α, β and φ come from a grid: each series uses those with the smallest squared one-step error.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.methods.theta import TIE

ALPHAS = np.array([0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05])
BETAS = np.array([0.01, 0.05, 0.1, 0.2, 0.4])
PHIS = np.array([0.8, 0.9, 0.98])


def damped(y: Floats, inside: Bools, horizon: int) -> Floats:
    """Forecasts (B, H) of y (n, B); each series begins at its first row that is `inside`."""
    level, trend, phi, squared = _filter(y, inside)
    return _ahead(level, trend, phi, _best(squared), horizon)


def row_weights(y: Floats, inside: Bools, horizon: int) -> Floats:
    """What each row of one series counts for in `damped` (n, H), by the parameters of y: all are (n, 1)."""
    best = _best(_filter(y, inside)[3])
    units, each = np.diag(inside[:, 0].astype(float)), np.repeat(inside, len(y), axis=1)
    level, trend, phi, _ = _filter(units, each)
    return _ahead(level, trend, phi, np.repeat(best, len(y)), horizon)


def _filter(y: Floats, inside: Bools) -> tuple[Floats, Floats, Floats, Floats]:
    """Level and trend (G, B) after the last row, φ (G, 1), sums of squared one-step errors (G, B)."""
    alpha, beta, phi = (grid.reshape(-1, 1) for grid in np.meshgrid(ALPHAS, BETAS, PHIS, indexing="ij"))
    gain = alpha * beta
    level, trend, squared = (np.zeros((len(alpha), y.shape[1])) for _ in range(3))  # (grid, B)
    begun = np.zeros(y.shape[1], bool)
    for now, here in zip(y, inside, strict=True):
        drift = phi * trend
        error = now - level - drift
        if not (all_here := here.all()):
            error[:, ~here] = 0.0  # the state stays zero until a series begins
        level += drift + alpha * error
        trend = drift + gain * error
        if not (all_here and begun.all()):
            first = here & ~begun
            level[:, first], trend[:, first] = now[first], 0.0
            error[:, first] = 0.0
            begun |= here
        squared += error * error
    return level, trend, phi, squared


def _best(squared: Floats) -> Ints:
    """The parameters of each series (B,) with the least squared error (G, B)."""
    return np.asarray((squared <= squared.min(axis=0) * (1 + TIE)).argmax(axis=0))


def _ahead(level: Floats, trend: Floats, phi: Floats, best: Ints, horizon: int) -> Floats:
    """The forecasts (B, H) of the parameters `best` (B,)."""
    column = np.arange(len(best))
    reach = np.cumsum(phi[best] ** np.arange(1, horizon + 1), axis=1)  # (B, H)
    return level[best, column][:, None] + trend[best, column][:, None] * reach
