"""Invertible steps that make series comparable. They are fitted on rows before the origin only.

    y  --log (optional)-->  x  --minus seasonal indices-->  d  --minus centre, over scale-->  z

S series, N rows, C channels, m rows a season. The first `origins[s]` rows of series s are known, and
fitting reads no others. `z` of a later row depends only on that row and the fitted values, so held-out
targets can be expressed on the same scale.

Everything is computed on the flat arrays of a Panel, many series at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from forecaster.arrays import Bools, Float32s, Floats, Ints
from forecaster.data.history import History, known_target
from forecaster.data.panel import TARGET, Panel

LEAST_SEASONS = 3
"""Known seasons that a series needs before a seasonal index is estimated."""
MOST_SEASONS = 20
"""Only this many of the newest seasons enter the index, because patterns change."""
SHRINKAGE = 2.0
"""Factor on the noise that is subtracted from a seasonal index; above 1, because the noise is not white."""
BLOCK = 2**17
"""Rows processed at once (at least one series), so that intermediate arrays stay small and in the cache."""
ROUNDING = 1e-10
"""A deviation below this fraction of the mean is rounding error: the covariate is constant."""


@dataclass(frozen=True, eq=False)
class Transform:
    """The fitted values, and the transformed series."""

    log: bool
    indices: tuple[Floats, ...]  # one (S, m) per season: additive index of x, zero where there is no season
    centre: Floats  # (S,)
    scale: Floats  # (S,) one unit of z in units of d; never zero
    z: Float32s  # (N, C) gaps up to max_gap filled with the last value; covariates standardised
    observed: Bools  # (N, C)

    @np.errstate(over="ignore")  # the finished forecast is checked
    def invert(self, z: Floats, series: Ints, origins: Ints) -> Floats:
        """Transform forecasts back to the user's units.

        z (B, H): values for rows origins[b] … origins[b]+H−1 of series[b]. Returns y (B, H).
        """
        x = z * self.scale[series, None] + self.centre[series, None]
        x += self.seasonal_component(series, origins, z.shape[1])
        return np.exp(x) if self.log else x

    def seasonal_component(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """The sum of the indices for rows origins[b] … origins[b]+H−1 of series[b]: (B, H) in units of x."""
        row = origins[:, None] + np.arange(horizon)
        component = np.zeros(row.shape)
        for index in self.indices:
            component += index[series[:, None], row % index.shape[1]]
        return component

    @property
    def seasonal(self) -> Bools:
        """Whether each series has a season (S,)."""
        by_season = [index.any(axis=1) for index in self.indices]
        return np.any(by_season, axis=0) if by_season else np.zeros(len(self.centre), bool)


@np.errstate(over="ignore")  # rows after the origin may hold anything
def fit_transform(
    panel: Panel, origins: Ints, *, log: bool, seasons: tuple[int, ...], horizon: int
) -> Transform:
    """Fit on the first `origins[s]` rows of each series and apply to all rows.

    The scale of a series is the mean absolute error of naive forecasts of d over the horizon, so that the
    network's outputs are of order one. With `log`, all series share the mean of these scales, because
    logarithms are relative already.

    `seasons` are removed shortest first, each shrunk by the noise in the remainder. With `log`, check with
    `positive` first that all known values have a logarithm.
    """
    observed = panel.observed.copy()
    d = np.empty(len(panel.values))
    z: Float32s = np.empty(panel.values.shape, np.float32)
    fitted = []
    for part, span in _blocks(panel.offsets):
        rows = _Rows(panel.offsets[part.start : part.stop + 1], origins[part])
        d[span], *of_part = _fit_target(
            rows, panel.target[span], observed[span, TARGET], log, seasons, horizon, panel.max_gap
        )
        fitted.append(of_part)
        for channel in range(1, panel.values.shape[1]):
            z[span, channel] = _standardise(
                panel.values[span, channel], observed[span, channel], rows, panel.max_gap
            )
    every_index, centres, scales = zip(*fitted, strict=True)
    indices = tuple(np.concatenate(parts) for parts in zip(*every_index, strict=True))
    scale = np.concatenate(scales)
    if log:
        scale = np.full(len(panel), np.mean(scale[scale > 0]) if (scale > 0).any() else 1.0)
    scale = np.where(scale > 0, scale, 1.0)
    for part, span in _blocks(panel.offsets):
        z[span, TARGET] = d[span] / np.repeat(scale[part], panel.lengths[part])
    return Transform(log, indices, np.concatenate(centres), scale, z, observed)


def _blocks(offsets: Ints) -> Iterator[tuple[slice, slice]]:
    """Slices of series and of their rows, about BLOCK rows of whole series at a time."""
    edges = np.flatnonzero(np.diff(offsets[:-1] // BLOCK)) + 1
    for first, last in pairwise([0, *edges.tolist(), len(offsets) - 1]):
        yield slice(first, last), slice(int(offsets[first]), int(offsets[last]))


def _fit_target(
    rows: _Rows,
    target: Floats,
    observed: Bools,
    log: bool,
    seasons: tuple[int, ...],
    horizon: int,
    max_gap: int | None,
) -> tuple[Floats, list[Floats], Floats, Floats]:
    """d with its gaps filled, and the indices, centres and scales of some series.

    Clears `observed` where a value has no logarithm.
    """
    x = _log(target) if log else target.copy()
    observed &= np.isfinite(x)
    centre = rows.mean(x, observed)
    x -= centre[rows.series]
    x[~observed] = 0.0
    indices = []
    for season in sorted(seasons):
        index = rows.seasonal_index(x, observed, season)
        x -= index[rows.series, rows.position % season]
        indices.append(index)
    return _fill_left(x, observed, rows, max_gap), indices, centre, rows.spread(x, observed, horizon)


def positive(panel: Panel, origins: Ints) -> bool:
    """Whether every known target is above zero, so that it has a logarithm."""
    return bool((panel.target[known_target(panel, origins)] > 0).all())


def observed_throughout(panel: Panel, origins: Ints) -> bool:
    """Whether every known row has a target."""
    return bool(panel.target_observed[History(panel.offsets, origins).known].all())


class _Rows(History):
    """Statistics over the known rows of some neighbouring series of a Panel."""

    def spread(self, x: Floats, observed: Bools, horizon: int) -> Floats:
        """Mean |x_t − x_{t−h}| over h = 1, 2, 4 … ≤ horizon (S,): the naive forecast's mean error.

        Lags longer than a series are left out. The result is zero for a constant series.
        """
        total, pairs = np.zeros(self.count), np.zeros(self.count)
        for lag in (2**power for power in range(horizon.bit_length())):
            used = self._pairs(observed, lag)
            difference = np.zeros(len(x))
            difference[lag:] = np.abs(x[lag:] - x[:-lag])
            total += self.total(np.where(used, difference, 0.0))
            pairs += self.total(used)
        mean = total / np.maximum(pairs, 1)
        return np.where(mean > 1e-12, mean, 0.0)

    def _pairs(self, observed: Bools, lag: int) -> Bools:
        """Whether rows t and t−lag lie in the same series and are both known and observed (N,)."""
        used = self.known & observed & (self.position >= lag)
        used[lag:] &= observed[:-lag]
        return used

    def seasonal_index(self, x: Floats, observed: Bools, season: int) -> Floats:
        """Mean deviation at each seasonal position from a centred moving average, shrunk (S, m).

        Classical additive decomposition over the newest seasons; with an even m the outer two rows of the
        average count half. Positions count from the first row of a series; each index has mean zero.

        The index is shrunk by its noise (James & Stein 1961; for seasonal factors, Miller & Williams 2003).
        With s² the mean square of the m means, and v = σ²/k the squared error of a mean of k deviations, it
        is multiplied by max(0, 1 − SHRINKAGE·v/s²).
        """
        used = self.known & observed
        enough = self.total(used) >= LEAST_SEASONS * season
        trend, whole = self._moving_average(np.where(used, x, 0.0), used, season)
        used &= whole & (self.position >= self.origin - MOST_SEASONS * season)
        deviation = np.where(used, x - trend, 0.0)
        slot = self.series * np.int64(season) + self.position % season
        size = (self.count, season)
        totals = np.bincount(slot, weights=deviation, minlength=self.count * season).reshape(size)
        counts = np.bincount(slot, weights=used, minlength=self.count * season).reshape(size)
        index: Floats = totals / np.maximum(counts, 1)
        n = counts.sum(axis=1)
        noise = self.total(deviation * deviation) - (counts * index * index).sum(axis=1)
        noise = np.maximum(noise, 0.0) / np.maximum(n - season, 1) * season / np.maximum(n, 1)
        index -= index.mean(axis=1, keepdims=True)
        signal = (index * index).sum(axis=1) / max(season - 1, 1)
        kept = np.maximum(0.0, 1 - SHRINKAGE * noise / np.maximum(signal, 1e-300))
        return index * np.where(enough & (n > season), kept, 0.0)[:, None]

    def _moving_average(self, x: Floats, used: Bools, season: int) -> tuple[Floats, Bools]:
        """Centred moving average over one season (N,), and whether its window is all known (N,)."""
        half = season // 2
        whole = (self.position >= half) & (self.position + half < self.origin)
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


def _log(values: Floats) -> Floats:
    """The logarithm; NaN where it is undefined, which only rows after the origin may be."""
    return np.log(values, where=values > 0, out=np.full(len(values), np.nan))


def _standardise(values: Floats, observed: Bools, rows: _Rows, max_gap: int | None) -> Floats:
    """A covariate with mean 0 and standard deviation 1 over its known rows, gaps filled (N,)."""
    centred = np.where(observed, values - rows.mean(values, observed)[rows.series], 0.0)
    deviation = np.sqrt(rows.mean(centred * centred, observed))
    moves = deviation > ROUNDING * np.abs(rows.mean(values, observed))
    return _fill_left(centred / np.where(moves, deviation, 1.0)[rows.series], observed, rows, max_gap)


def _fill_left(values: Floats, observed: Bools, rows: _Rows, max_gap: int | None) -> Floats:
    """Fill gaps with the last observed value for up to `max_gap` rows, and with 0 (the centre) beyond."""
    row = np.arange(len(values))
    source = np.maximum.accumulate(np.where(observed, row, -1))
    inside = source >= rows.starts[rows.series]
    if max_gap is not None:
        inside &= row - source <= max_gap
    return np.where(inside, values[np.maximum(source, 0)], 0.0)
