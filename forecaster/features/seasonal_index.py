"""The season of every series, as an additive index estimated from all its rows, first and last included.

A centred moving average has no value for the first and last half season, so that two seasons leave one
deviation a position and three seasons leave two. Here the trend is a local line, which reaches the ends.
Trend and index are estimated in turn, each from what the other leaves (backfitting: Friedman & Stuetzle
1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Bools, Floats, Ints

LEAST_SEASONS = 2
"""Fewer seasons of used rows say nothing about a season."""
SHRINKAGE = 2.0
"""How often the noise in an index is taken from it: more than once, since noise is not white."""
PASSES = 2
"""The first trend still holds some of the season; more than two passes change nothing."""


def seasonal_index(x: Floats, used: Bools, offsets: Ints, season: int, place: Ints | None = None) -> Floats:
    """Mean deviation of each position in the season from the trend, shrunk: (S, m), each row with mean zero.

    Series s is rows offsets[s] to offsets[s + 1] of x (N,); `place` (N,) is the position of each row
    in the season, None: counted from the first row of its series. Only rows that are `used` are read. An
    index is zero where fewer than LEAST_SEASONS seasons are used.

    What noise alone would make of the index is taken from it (James & Stein 1961; of seasonal factors, Miller
    & Williams 2003): with s² the mean square of the m means, and v the square of the error of one, the index
    is multiplied by 1 − SHRINKAGE·v/s² or, below zero, by 0.
    """
    lengths = np.diff(offsets)
    series = np.repeat(np.arange(len(lengths)), lengths)
    place = (np.arange(len(x)) - offsets[series]) % season if place is None else place
    slot = series * season + place
    counts = _used_at(slot, used, len(lengths) * season)
    deviation, index = _backfitted(x, used, offsets, season, slot, counts)
    left = np.where(used, deviation - index[slot], 0.0)
    squared = np.bincount(series, weights=left * left, minlength=len(lengths)).astype(np.float64)
    total = counts.reshape(-1, season).sum(axis=1).astype(np.float64)
    return _shrink(index.reshape(-1, season), squared, total)


def _used_at(slot: Ints, used: Bools, slots: int) -> Floats:
    """How many rows of each slot are used."""
    return np.asarray(np.bincount(slot, weights=used, minlength=slots), np.float64)


def _backfitted(
    x: Floats, used: Bools, offsets: Ints, season: int, slot: Ints, counts: Floats
) -> tuple[Floats, Floats]:
    """Deviations from the trend (N,) and their mean in each slot of series and position, (S·m,)."""
    x = np.where(used, x, 0.0)
    index = np.zeros(len(counts))
    for _ in range(PASSES):
        rest = np.where(used, x - index[slot], 0.0)
        deviation = np.where(used, x - _local_line(rest, used, offsets, season), 0.0)
        index = np.bincount(slot, weights=deviation, minlength=len(counts)) / np.maximum(counts, 1)
    return deviation, index


@dataclass(frozen=True, eq=False)
class IndexOfOne:
    """The index of one series as a linear function of its rows: how far it is shrunk is taken as it is."""

    used: Bools  # (n,)
    place: Ints  # (n,)
    kept: float
    """The factor that `_shrink` left of it."""
    season: int

    @classmethod
    def fitted(cls, index: Floats, x: Floats, used: Bools, place: Ints) -> IndexOfOne:
        """That which gave `index` (m,) for x (n,)."""
        season, offsets = len(index), np.array([0, len(x)])
        counts = _used_at(place, used, season)
        raw = _backfitted(x, used, offsets, season, place, counts)[1]
        raw = raw - raw.mean()
        size = float(raw @ raw)
        return cls(used, place, float(index @ raw) / size if size > 0 else 0.0, season)

    def backward(self, d_index: Floats) -> Floats:
        """The derivative by x (n,), from that by the index (m,): the passes of `_backfitted`, last first."""
        counts = np.maximum(_used_at(self.place, self.used, self.season), 1)
        d_index = self.kept * (d_index - d_index.mean())
        result = np.zeros(len(self.used))
        for _ in range(PASSES):
            d_deviation = np.where(self.used, (d_index / counts)[self.place], 0.0)
            d_rest = -np.where(self.used, _local_line_backward(d_deviation, self.used, self.season), 0.0)
            result += d_deviation + d_rest
            d_index = np.asarray(-np.bincount(self.place, weights=d_rest, minlength=self.season), np.float64)
        return result


def _shrink(index: Floats, squared: Floats, count: Floats) -> Floats:
    """Take from each index (S, m) what noise put into it.

    squared, count (S,): the sum of squares that the index leaves, and of how many rows. The trend is taken to
    cost one number a season.
    """
    season = index.shape[1]
    free = count - season - count / season
    error = squared / np.maximum(free, 1) * season / np.maximum(count, 1)
    index = index - index.mean(axis=1, keepdims=True)
    signal = (index * index).sum(axis=1) / max(season - 1, 1)
    kept = np.maximum(0.0, 1 - SHRINKAGE * error / np.maximum(signal, 1e-300))
    return index * np.where(count >= LEAST_SEASONS * season, kept, 0.0)[:, None]


def _local_line(x: Floats, used: Bools, offsets: Ints, reach: int) -> Floats:
    """At each row, the least squares line through the used rows at most `reach` away in its series (N,).

    Sums over windows are differences of running sums; those of the times are whole numbers, hence exact.
    """
    lengths = np.diff(offsets)
    row = np.arange(len(x))
    time = row - np.repeat(offsets[:-1], lengths)
    low = np.maximum(row - reach, np.repeat(offsets[:-1], lengths))
    high = np.minimum(row + reach + 1, np.repeat(offsets[1:], lengths))
    t = time * used

    def around(values: Ints | Floats) -> Floats:
        running = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
        return (running[high] - running[low]).astype(float)

    count = np.maximum(around(used.astype(np.int64)), 1)
    centre, mean = around(t) / count, around(x) / count
    spread = around(t * t) - count * centre * centre
    slope = (around(time * x) - count * centre * mean) / np.maximum(spread, 0.5)  # one row: 0 / 0.5
    return mean + slope * (time - centre)


def _local_line_backward(d_line: Floats, used: Bools, reach: int) -> Floats:
    """The derivative by x (n,) from that by the line at each row of one series (n,).

    line_t = Σ_s x_s (1/n_t + (s − c_t)(t − c_t)/v_t) over the rows s around t: n_t their number, c_t their
    mean, v_t their spread. As s is around t where t is around s, all sums are over the same windows.
    """
    time = np.arange(len(d_line))
    low, high = np.maximum(time - reach, 0), np.minimum(time + reach + 1, len(time))

    def around(values: Ints | Floats) -> Floats:
        running = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
        return (running[high] - running[low]).astype(float)

    t = time * used
    count = np.maximum(around(used.astype(np.int64)), 1)
    centre = around(t) / count
    spread = np.maximum(around(t * t) - count * centre * centre, 0.5)
    d_slope = d_line * (time - centre) / spread
    return around(d_line / count - centre * d_slope) + time * around(d_slope)
