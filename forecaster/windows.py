"""Windows over a Panel: an index, never a copy. Only a batch is ever gathered.

A window is a series and an origin ("end"): the network sees the `lookback` rows before the end and
foretells the `horizon` rows from it on. Both are written relative to the level at the end, the last
known z, so that neither scale nor level of a series matters.

    L lookback, s segment, T = L/s recurrent steps, H horizon, C channels, B windows
    inputs  (T, F, B)   F = s·C, and s more that tell which rows were observed where a Panel has gaps
    mask    (T, B)      0 where a step lies before the series begins (padding on the left)
    targets (H, B)      weights (H, B): 0 where nothing was observed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from forecaster.data.panel import Panel
from forecaster.nn.parallel import Batch
from forecaster.transform import Transform

Ints = NDArray[np.int64]
Float32s = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WindowIndex:
    """The origins that training may draw: first[s] … last[s] of each series listed."""

    series: Ints  # (R,)
    first: Ints  # (R,)
    last: Ints  # (R,)

    def __len__(self) -> int:
        """How many windows there are."""
        return int((self.last - self.first + 1).sum())

    def sample(self, size: int, *, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Draw a series uniformly, then one of its origins: (series (B,), ends (B,))."""
        row = rng.integers(len(self.series), size=size)
        ends = rng.integers(self.first[row], self.last[row], endpoint=True)
        return self.series[row], ends


def index_windows(known: Ints, lookback: int, horizon: int, *, recent: int | None = None) -> WindowIndex:
    """Origins whose targets all lie in the first known[s] rows of a series.

    A series too short for lookback and horizon takes part with what it has: at least half of its rows
    are input, the rest targets. `recent` keeps only origins within that many rows of the last one.
    """
    series = np.flatnonzero(known >= 2)
    rows = known[series]
    first = np.minimum(lookback, (rows + 1) // 2)
    last = np.maximum(rows - horizon, first)
    if recent is not None:
        first = np.maximum(first, last - recent)
    return WindowIndex(series, first, last)


class Windows:
    """Gathers batches of windows from transformed series."""

    def __init__(
        self, panel: Panel, transform: Transform, *, lookback: int, segment: int, horizon: int, gaps: bool
    ) -> None:
        self.lookback, self.segment, self.horizon, self.gaps = lookback, segment, horizon, gaps
        self._offsets = panel.offsets
        self._z, self._observed = transform.z, transform.observed
        self._channels = list(self._z.T)  # each (N,)
        if gaps:
            self._channels.append(self._observed[:, 0])

    @property
    def features(self) -> int:
        """F: inputs of one recurrent step."""
        return count_features(self._z.shape[1], self.segment, self.gaps)

    def level(self, series: Ints, ends: Ints) -> Float32s:
        """z of the last row before each end (B,)."""
        return self._z[self._offsets[series] + ends - 1, 0]

    def inputs(self, series: Ints, ends: Ints) -> Batch:
        """What the network sees of each window; no targets."""
        stop, steps = self._offsets[series] + ends, self.lookback // self.segment
        outside = None
        if (ends < self.lookback).any():
            outside = np.arange(self.lookback) < (self.lookback - ends)[:, None]  # (B, L)
        seen = np.empty((len(series), steps, self.features), np.float32)  # (B, T, F)
        for place, channel in enumerate(self._channels):
            rows = self._before(channel, stop)  # (B, L)
            if place == 0:
                rows -= rows[:, -1:].copy()  # the level
            if outside is not None:
                np.copyto(rows, rows.dtype.type(0), where=outside)
            first = place * self.segment
            seen[:, :, first : first + self.segment] = rows.reshape(len(series), steps, self.segment)
        mask = None
        if outside is not None:  # (T, B)
            mask = np.logical_not(outside.reshape(len(series), steps, self.segment).all(axis=2).T)
        return Batch(inputs=seen.transpose(1, 2, 0), mask=mask)

    def _before(self, channel: NDArray[Any], stop: Ints) -> NDArray[Any]:
        """The L rows before each row `stop` (B, L); what lies before the Panel repeats its first row."""
        begin = stop - self.lookback
        if begin.min() >= 0:  # copy whole stretches: no index for each row
            shape = len(channel) - self.lookback + 1, self.lookback
            return as_strided(channel, shape, channel.strides * 2, writeable=False)[begin]
        return channel[np.maximum(np.arange(self.lookback) + begin[:, None], 0)]

    def batch(self, series: Ints, ends: Ints, known: Ints) -> Batch:
        """Inputs with `targets`."""
        seen = self.inputs(series, ends)
        targets, weights = self.targets(series, ends, known)
        return Batch(inputs=seen.inputs, targets=targets, mask=seen.mask, weights=weights)

    def targets(self, series: Ints, ends: Ints, known: Ints) -> tuple[Float32s, Float32s]:
        """Targets (H, B) and their weights.

        A target at or after row known[s] of series s, or not observed, weighs nothing; nor does a window
        in which nothing was observed before its end.
        """
        stop = self._offsets[series] + known[series]
        rows = np.arange(self.horizon)[:, None] + (self._offsets[series] + ends)  # (H, B)
        inside = rows < stop
        np.minimum(rows, stop - 1, out=rows)
        weights = (inside & self._observed[rows, 0]).astype(np.float32)
        if self.gaps:
            weights *= self._seen_any(series, ends)
        return self._z[rows, 0] - self.level(series, ends), weights

    def _seen_any(self, series: Ints, ends: Ints) -> NDArray[np.bool_]:
        """Whether anything was observed in the lookback of each window (B,)."""
        start = self._offsets[series]
        rows = np.maximum(np.arange(-self.lookback, 0)[:, None] + (start + ends), start)
        return self._observed[rows, 0].any(axis=0)


def count_features(channels: int, segment: int, gaps: bool) -> int:
    """F: a segment of every channel, and of the observed flag where there are gaps."""
    return segment * (channels + gaps)
