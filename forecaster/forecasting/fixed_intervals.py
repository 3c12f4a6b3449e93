"""The intervals of models of format 1: fixed half-widths in units of a local spread."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.panel import Panel
from forecaster.features.history import History

SPREAD_ROWS = 3
"""Local spread is measured over this many lookbacks."""


def local_spread(panel: Panel, origins: Ints, lookback: int, *, log: bool) -> Floats:
    """Mean |x_t − x_{t−1}| over the last few lookbacks before each origin (S,), the unit of the intervals.

    Measured locally, because the volatility of prices comes in clusters (Engle 1982). Zero only for constant
    series. x is log y with `log`, else y.
    """
    rows = (
        panel.offsets[:-1, None] + np.maximum(origins, 1)[:, None] - np.arange(1, SPREAD_ROWS * lookback + 1)
    )
    valid = rows > panel.offsets[:-1, None]
    rows = np.where(valid, rows, 0)
    y = panel.target
    with np.errstate(divide="ignore", invalid="ignore"):
        now, before = (np.log(y[rows]), np.log(y[rows - 1])) if log else (y[rows], y[rows - 1])
        steps = np.where(valid, np.abs(now - before), np.nan)
    seen = np.isfinite(steps)
    spread = np.where(seen, steps, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.where(spread > 0, spread, _whole_spread(panel, origins, log)) if (spread == 0).any() else spread


def _whole_spread(panel: Panel, origins: Ints, log: bool) -> Floats:
    """Mean |x_t − x_{t'}| over all known rows (S,), where t' is the observed row before t."""
    history = History(panel.offsets, origins)
    series, rows = history.series, np.flatnonzero(history.known & panel.target_observed)
    x = np.log(panel.target[rows]) if log else panel.target[rows]
    pair = series[rows[1:]] == series[rows[:-1]]
    owner, steps = series[rows[1:]][pair], np.abs(np.diff(x))[pair]
    total = np.bincount(owner, weights=steps, minlength=len(panel))
    return np.asarray(total / np.maximum(np.bincount(owner, minlength=len(panel)), 1))


def intervals(point: Floats, reach: Floats, *, log: bool) -> tuple[Floats, Floats]:
    """Lower and upper bounds, `reach` away from the point forecasts; with `log`, as factors exp(±reach)."""
    if log:
        near, far = point * np.exp(-reach), point * np.exp(reach)
        return np.minimum(near, far), np.maximum(near, far)  # the order changes for a negative point
    return point - reach, point + reach
