"""Volatility: large errors follow large errors, as in prices.

An absolute-value GARCH(1, 1) (Taylor 1986, Modelling Financial Time Series; GARCH itself is Bollerslev 1986):
with u_t the one-step errors, s̄ their long-run mean absolute value and s_t the expected |u_t|,

    s_{t+1} = (1 − α − β) s̄ + α |u_t| + β s_t
            = (1 − α − β)/(1 − β) s̄ + α/(1 − β) E_t,      E_t the mean of |u| with weights β^age
    s_{t+j} = s̄ + (α + β)^{j−1} (s_{t+1} − s̄)

Absolute values, not squares, because one extreme day then has less weight in later spreads. α and β are one
pair from a grid for all series of a kind: that with the least mean log s + |u|/s, the Laplace likelihood,
over the known rows. α = 0 is a constant spread.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats


class Volatility(NamedTuple):
    """The coefficients of |u_t| and of s_t."""

    alpha: float
    beta: float


CALM = Volatility(0.0, 0.5)
GRID = (
    CALM,
    Volatility(0.03, 0.96),
    Volatility(0.05, 0.94),
    Volatility(0.08, 0.91),
    Volatility(0.05, 0.9),
    Volatility(0.1, 0.85),
    Volatility(0.15, 0.8),
    Volatility(0.1, 0.7),
    Volatility(0.2, 0.6),
)
CLEARLY = 2.0
"""Log-likelihood that a moving spread must gain over a constant one."""
OUTLIER = 6.0
"""|u| is cut at this many times its mean."""
MEMORY = 1e-3
"""Weights of E below this part of the newest are left out."""


def factors(errors: Floats, horizon: int, volatility: Volatility, rows: int) -> Floats:
    """Mean expected |u| over the first h steps, over its mean in the newest `rows`, for h = 1 … H: (B, H).

    `errors` (B, n): one-step errors, the newest last, NaN where not known. 1 without known errors.
    """
    size, mean = sizes(errors)
    alpha, beta = volatility
    if alpha == 0:
        return np.ones((len(errors), horizon))
    count = min(size.shape[1], int(np.ceil(np.log(MEMORY) / np.log(beta))))
    newest = size[:, size.shape[1] - count :]
    weights = np.where(np.isfinite(newest), beta ** np.arange(count - 1, -1, -1), 0.0)  # (B, n)
    total = weights.sum(axis=1)
    recent = np.where(np.isfinite(newest), newest, 0.0)
    # unknown rows before the first known one count as the mean
    known = total * (1 - beta)
    state = (weights * recent).sum(axis=1) * (1 - beta) + np.maximum(1 - known, 0.0) * mean
    moved = mean > 0
    ratio = np.where(moved, state / np.where(moved, mean, 1.0), 1.0)  # E over s̄
    first = (1 - alpha - beta + alpha * ratio) / (1 - beta)
    kept = alpha + beta
    steps = np.arange(1, horizon + 1)
    expected = 1 + (first - 1)[:, None] * (1 - kept**steps) / ((1 - kept) * steps)
    newest = sizes(errors[:, -rows:])[1]
    fair = moved & (newest > 0)
    return np.where(fair[:, None], expected * (mean / np.where(fair, newest, 1.0))[:, None], 1.0)


def choose(errors: Floats, season: int = 1) -> Volatility:
    """The pair of GRID that suits the one-step errors (B, n) of series of a kind, the newest last.

    Only pairs whose memory spans a whole `season`: a shorter one would follow the hours of the day.
    """
    grid = [pair for pair in GRID if pair == CALM or 1 / (1 - pair.beta) >= season]
    size, mean = sizes(errors)
    moved = mean > 0
    size, mean = size[moved] / mean[moved, None], mean[moved]
    if not size.size:
        return CALM
    alpha, beta = (np.array(column)[:, None] for column in zip(*grid, strict=True))
    state = np.ones((len(grid), len(size)))
    loss = np.zeros(len(grid))
    for now in size.T:
        seen = np.isfinite(now)
        now = np.where(seen, now, 1.0)
        loss += np.where(seen, np.log(state) + now / state, 0.0).sum(axis=1)
        state = np.where(seen, 1 - alpha - beta + alpha * now + beta * state, state)
    best = int(loss.argmin())
    return grid[best] if loss[best] < loss[0] - CLEARLY else CALM


def sizes(errors: Floats) -> tuple[Floats, Floats]:
    """|u| (B, n) with outliers cut, and its mean (B,), zero without known errors."""
    size = np.abs(errors)
    count = np.maximum(np.isfinite(size).sum(axis=1), 1)
    mean = np.nansum(size, axis=1) / count
    size = np.minimum(size, OUTLIER * mean[:, None])
    return size, np.nansum(size, axis=1) / count
