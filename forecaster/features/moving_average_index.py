"""The seasonal index of models of format 1, from a centred moving average; `seasonal_index` came after it."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.features.history import History

LEAST_SEASONS = 3
"""With fewer seasons of known rows there is no index."""
MOST_SEASONS = 20
"""The index is fitted on this many newest seasons, because patterns change."""
SHRINKAGE = 2.0
"""The noise in a seasonal index is subtracted this many times, because real noise is not white."""


def moving_average_index(rows: History, x: Floats, observed: Bools, season: int) -> Floats:
    """Mean deviation at each seasonal position from a centred moving average, shrunk (S, m).

    Classical additive decomposition over the newest seasons; with an even m the outer two rows of the
    average count half. Positions count from the first row of a series; each index has mean zero.

    The index is shrunk by its noise (James & Stein 1961; for seasonal factors, Miller & Williams 2003).
    With s² the mean square of the m means, and v = σ²/k the squared error of a mean of k deviations, it
    is multiplied by max(0, 1 − SHRINKAGE·v/s²).
    """
    used = rows.known & observed
    enough = rows.total(used) >= LEAST_SEASONS * season
    trend, whole = _moving_average(rows, np.where(used, x, 0.0), used, season)
    used &= whole & (rows.position >= rows.origin - MOST_SEASONS * season)
    deviation = np.where(used, x - trend, 0.0)
    slot = rows.series * np.int64(season) + rows.position % season
    size = (rows.count, season)
    totals = np.bincount(slot, weights=deviation, minlength=rows.count * season).reshape(size)
    counts = np.bincount(slot, weights=used, minlength=rows.count * season).reshape(size)
    index: Floats = totals / np.maximum(counts, 1)
    n = counts.sum(axis=1)
    noise = rows.total(deviation * deviation) - (counts * index * index).sum(axis=1)
    noise = np.maximum(noise, 0.0) / np.maximum(n - season, 1) * season / np.maximum(n, 1)
    index -= index.mean(axis=1, keepdims=True)
    signal = (index * index).sum(axis=1) / max(season - 1, 1)
    kept = np.maximum(0.0, 1 - SHRINKAGE * noise / np.maximum(signal, 1e-300))
    return index * np.where(enough & (n > season), kept, 0.0)[:, None]


def _moving_average(rows: History, x: Floats, used: Bools, season: int) -> tuple[Floats, Bools]:
    """Centred moving average over one season (N,), and whether its window is all known (N,)."""
    half = season // 2
    whole = (rows.position >= half) & (rows.position + half < rows.origin)
    trend = np.zeros(len(x))
    if len(x) > 2 * half:
        trend[half : len(x) - half] = _window_sum(x, season) / np.maximum(_window_sum(used, season), 0.5)
    return trend, whole


def _window_sum(values: Floats | Bools, season: int) -> Floats:
    """Sums over centred windows of one season (N − 2⌊m/2⌋,). With an even m the outer two rows count half."""
    running = np.zeros(len(values) + 1)
    np.cumsum(values, dtype=np.float64, out=running[1:])
    if season % 2:
        return running[season:] - running[:-season]
    total: Floats = running[season + 1 :] - running[1:-season]
    total += running[season:-1]
    total -= running[: -season - 1]
    total /= 2
    return total
