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

import numpy as np
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

    @property
    def features(self) -> int:
        """F: inputs of one recurrent step."""
        return count_features(self._z.shape[1], self.segment, self.gaps)

    def level(self, series: Ints, ends: Ints) -> Float32s:
        """z of the last row before each end (B,)."""
        return self._z[self._offsets[series] + ends - 1, 0]

    def inputs(self, series: Ints, ends: Ints) -> Batch:
        """What the network sees of each window; no targets."""
        start = self._offsets[series]  # (B,)
        rows = np.arange(-self.lookback, 0)[:, None] + (start + ends)  # (L, B)
        outside = rows < start if (ends < self.lookback).any() else None
        if outside is not None:
            np.maximum(rows, start, out=rows)
        channels = [self._z[rows, c] for c in range(self._z.shape[1])]  # each (L, B)
        channels[0] -= self.level(series, ends)
        if self.gaps:
            channels.append(self._observed[rows, 0].astype(np.float32))
        if outside is not None:
            for channel in channels:
                channel[outside] = 0.0
        shape = (self.lookback // self.segment, self.segment, len(series))
        inputs = np.concatenate([channel.reshape(shape) for channel in channels], axis=1)  # (T, F, B)
        mask = None if outside is None else np.logical_not(outside.reshape(shape).all(axis=1))  # (T, B)
        return Batch(inputs=inputs, mask=mask)

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
