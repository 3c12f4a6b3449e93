"""The dynamic optimised Theta method: exponential smoothing along a part of the least squares line.

Assimakopoulos & Nikolopoulos 2000; the state-space form is Fiorucci, Pellegrini, Louzada, Petropoulos &
Koehler 2016. With l the exponentially smoothed level and A, B the intercept and slope of the least
squares line through the rows so far,

    ŷ_{t+1} = l_t + ω [(1−α)^t A_t + (1 − (1−α)^{t+1})/α · B_t]        ω = 1 − 1/θ
    l_t     = α y_t + (1−α) l_{t−1}                                    l_0 = y_1
    ŷ_{t+h} = ŷ_{t+1} + ω (h−1) B_t

α and ω come from a grid, for each series the pair with the least squared one-step error so far. ω = 0 is
simple exponential smoothing; ω = ½ is the classical Theta method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHAS = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
OMEGAS = np.array([0.0, 0.25, 0.5, 0.75, 0.95])


def theta(y: Floats, inside: NDArray[np.bool_], horizon: int) -> Floats:
    """Forecasts (B, H) of y (n, B), whose series begin at the first row that is `inside`."""
    shape = (len(ALPHAS), len(OMEGAS), y.shape[1])
    alpha, omega = ALPHAS[:, None], OMEGAS[:, None]
    level = np.zeros((len(ALPHAS), y.shape[1]))  # (alphas, B)
    decay = np.ones_like(level)  # (1−α)^t
    squared = np.zeros(shape)
    ahead = np.zeros(shape)  # ŷ_{t+1}
    line = _Line(y.shape[1])
    for now, here in zip(y, inside, strict=True):
        first = here & (line.count == 0)
        later = here & ~first
        squared += np.where(later, (now - ahead) ** 2, 0.0)
        level = np.where(here, np.where(first, now, alpha * now + (1 - alpha) * level), level)
        decay = np.where(here, decay * (1 - alpha), decay)
        line.add(now, here)
        intercept, slope = line.fit()
        push = decay * intercept + (1 - decay * (1 - alpha)) / alpha * slope  # (alphas, B)
        ahead = level[:, None] + omega * push[:, None]
    best = squared.reshape(-1, y.shape[1]).argmin(axis=0)
    column = np.arange(y.shape[1])
    steps = np.arange(horizon)
    drift = OMEGAS[best % len(OMEGAS)] * slope
    return ahead.reshape(-1, y.shape[1])[best, column][:, None] + drift[:, None] * steps


class _Line:
    """Least squares line through the rows so far of each series, t = 1, 2, …; updated row by row."""

    def __init__(self, width: int) -> None:
        self.count = np.zeros(width)
        self._y, self._ty = np.zeros(width), np.zeros(width)

    def add(self, y: Floats, here: NDArray[np.bool_]) -> None:
        self.count += here
        self._y += np.where(here, y, 0.0)
        self._ty += np.where(here, y * self.count, 0.0)

    def fit(self) -> tuple[Floats, Floats]:
        """Intercept at t = 0 and slope (B,); slope 0 for fewer than two rows."""
        n = np.maximum(self.count, 1)
        mean_t = (n + 1) / 2
        spread = n * (n * n - 1) / 12
        slope = np.where(n > 1, (self._ty - mean_t * self._y) / np.maximum(spread, 1), 0.0)
        return self._y / n - slope * mean_t, slope
