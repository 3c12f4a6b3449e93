"""Windows over a Panel: an index into its rows. Only the rows of a batch are copied.

A window is a series and a forecast origin: the network sees the `lookback` rows before the origin and
forecasts the `horizon` rows from it on. Both are relative to the level at the origin (the last known z, or
the mean of the last few), so that neither scale nor level of a series matters.

    L lookback, s segment, T = L/s recurrent steps, H horizon, C channels, B windows
    inputs  (T, F, B)   F = s·C; with gaps, s more flags for observed rows; two more for each season
                        with a seasonal position: its sine and cosine at the last row of a step
                        C counts the numbers of known covariates too
    ahead   (m, G, B)   known covariates of the m segments of the horizon, row by row; 0 where unknown, and
                        beyond the horizon
    mask    (T, B)      0 where a step lies before the series begins (padding on the left)
    targets (H, B)      weights (H, B): 0 where nothing was observed

No window crosses a gap longer than `Panel.max_gap`: after the gap the series counts as a new one, and
before it the targets beyond the gap have weight 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from forecaster.arrays import Bools, Float32s, Ints
from forecaster.config import MemberConfig
from forecaster.data.panel import TARGET, Panel
from forecaster.errors import DataError
from forecaster.features.covariate_inputs import CovariateInputs, covariate_inputs
from forecaster.features.seasonal_position import circle, row_numbers
from forecaster.features.transform import Transform
from forecaster.nn.batch import Batch


@dataclass(frozen=True, eq=False)
class WindowIndex:
    """The origins that training may draw: a range first[r] … last[r] in series[r] for each span r of rows."""

    series: Ints  # (R,) ascending
    first: Ints  # (R,)
    last: Ints  # (R,)

    def __len__(self) -> int:
        """The number of windows."""
        return int((self.last - self.first + 1).sum())

    def sample(self, size: int, *, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Draw a series uniformly, then one of its origins: (series (B,), origins (B,))."""
        before, bounds = self._window_numbers
        row = rng.integers(len(bounds) - 1, size=size)
        window = rng.integers(bounds[row], bounds[row + 1] - 1, endpoint=True)
        span = np.searchsorted(before, window, side="right") - 1
        return self.series[span], self.first[span] + window - before[span]

    def since(self, origins: Ints) -> WindowIndex:
        """The windows whose origin is at least origins[s] (S,)."""
        first = np.maximum(self.first, origins[self.series])
        kept = first <= self.last
        return WindowIndex(self.series[kept], first[kept], self.last[kept])

    @cached_property
    def _window_numbers(self) -> tuple[Ints, Ints]:
        """The first window of each range (R,) and of each series (S'+1,), all windows numbered in order."""
        counted = np.r_[0, np.cumsum(self.last - self.first + 1)]
        begins = np.flatnonzero(np.diff(self.series, prepend=-1))
        return counted[:-1], np.append(counted[begins], counted[-1])


@dataclass(frozen=True, eq=False)
class Mixture:
    """The origins of two indexes, of which training draws so many from each."""

    one: WindowIndex
    other: WindowIndex
    share: float
    """Share of `one`."""

    def sample(self, size: int, *, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """As `WindowIndex.sample`."""
        of_one = round(size * self.share)
        parts = self.one.sample(of_one, rng=rng), self.other.sample(size - of_one, rng=rng)
        series, origins = (np.concatenate(each) for each in zip(*parts, strict=True))
        return series, origins


def index_windows(
    known: Ints, lookback: int, horizon: int, *, recent: int | None = None, panel: Panel | None = None
) -> WindowIndex:
    """Origins whose targets all lie in the first known[s] rows of a series.

    A series too short for lookback and horizon is used as far as it goes: at least half of its rows are
    input, the rest targets. `recent` keeps only origins within that many rows of the last one. Gaps of
    `panel` longer than `max_gap` split a series into spans. After such a gap, origins start at the second
    row, so that training includes windows with a short history.

    Raises DataError where no span has two rows.
    """
    series, start, rows = _known_spans(known, panel)
    first = np.where(start > 0, 1, np.minimum(lookback, (rows + 1) // 2))
    last = np.maximum(rows - horizon, first)
    first, last = start + first, start + last
    if recent is not None:
        newest = np.zeros(len(known), np.int64)
        np.maximum.at(newest, series, last)
        first = np.maximum(first, newest[series] - recent)
    kept = first <= last
    return WindowIndex(series[kept], first[kept], last[kept])


def _known_spans(known: Ints, panel: Panel | None) -> tuple[Ints, Ints, Ints]:
    """Series, first row and number of rows of each span with at least two known rows (R,)."""
    if panel is None or not panel.broken:
        series = np.flatnonzero(known >= 2)
        return series, np.zeros(len(series), np.int64), known[series]
    series, start, stop = panel.spans
    start, stop = start - panel.offsets[series], stop - panel.offsets[series]
    rows = np.minimum(stop, known[series]) - start
    kept = rows >= 2
    if not kept.any():
        raise DataError(
            f"every gap between observed rows is longer than {panel.max_gap} missing rows",
            hint="Allow longer gaps, for instance --max-gap any, or use a longer step with --every.",
        )
    return series[kept], start[kept], rows[kept]


class Windows:
    """Gathers batches of windows from transformed series."""

    def __init__(
        self,
        panel: Panel,
        transform: Transform,
        *,
        lookback: int,
        segment: int,
        horizon: int,
        gaps: bool,
        phases: tuple[int, ...] = (),
        level_rows: int = 1,
        covariates: CovariateInputs | None = None,
        output_segment: int | None = None,
    ) -> None:
        self.lookback, self.segment, self.horizon, self.gaps = lookback, segment, horizon, gaps
        self.level_rows = level_rows
        self._panel, self._phases, self._offsets = panel, phases, panel.offsets
        self._spans = panel.spans if panel.broken else None
        self._z, self._observed = transform.z, transform.observed
        self._covariates, self._output_segment = covariates, output_segment or horizon
        known = _in_panel(covariates, panel)
        channels = [*self._z.T, *known.T, *([self._observed[:, TARGET]] if gaps else [])]
        self._channels = [_Slices(channel, lookback) for channel in channels]
        self._ahead = _Slices(self._z[:, TARGET], horizon)
        self._seen = _Slices(self._observed[:, TARGET], horizon)
        self._whole = bool(self._observed[:, TARGET].all())

    @classmethod
    def of(cls, panel: Panel, transform: Transform, config: MemberConfig, origins: Ints) -> Windows:
        """The windows that a member of the ensemble sees.

        Known covariates have the scales of the first origins[s] rows of each series.
        """
        return cls(
            panel,
            transform,
            lookback=config.lookback,
            segment=config.segment,
            horizon=config.horizon,
            gaps=config.gaps,
            phases=config.phases,
            level_rows=config.level_rows,
            covariates=covariate_inputs(panel, origins, config),
            output_segment=config.network.output_segment,
        )

    @property
    def features(self) -> int:
        """F: inputs of one recurrent step."""
        channels = self._z.shape[1] + (self._covariates.width if self._covariates else 0)
        return count_features(channels, self.segment, self.gaps, self._phases)

    def level(self, series: Ints, origins: Ints) -> Float32s:
        """Mean z of the `level_rows` rows before each origin (B,).

        The first row of a span is repeated where the span has fewer rows.
        """
        stop = self._offsets[series] + origins
        if self.level_rows == 1:
            return self._z[stop - 1, TARGET]
        rows = np.maximum(
            stop - np.arange(1, self.level_rows + 1)[:, None], stop - self._history(stop, origins)
        )
        total = self._z[rows, TARGET].cumsum(axis=0, dtype=np.float64)[-1]  # one order, whatever the batch
        return np.asarray(total / self.level_rows, np.float32)

    def inputs(self, series: Ints, origins: Ints) -> Batch:
        """A batch with the inputs of each window, without targets."""
        stop, steps = self._offsets[series] + origins, self.lookback // self.segment
        outside, history = None, self._history(stop, origins)
        if (history < self.lookback).any():
            outside = np.arange(self.lookback) < (self.lookback - history)[:, None]  # (B, L)
        parts = []  # of the features, each (B, T, ·)
        for place, channel in enumerate(self._channels):
            rows = channel.rows(stop - self.lookback)  # (B, L)
            if place == TARGET:
                rows -= self.level(series, origins)[:, None]
            if outside is not None:
                np.copyto(rows, rows.dtype.type(0), where=outside)
            parts.append(rows.reshape(len(series), steps, self.segment))
        if self._phases:
            parts.append(self._seasonal_position(stop, steps))
        seen = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2, dtype=np.float32)
        mask = None
        if outside is not None:  # (T, B)
            mask = np.logical_not(outside.reshape(len(series), steps, self.segment).all(axis=2).T)
        batch = Batch(inputs=seen.transpose(1, 2, 0), mask=mask)
        return batch if self._covariates is None else self._with_covariates(batch, series, origins)

    def _with_covariates(self, batch: Batch, series: Ints, origins: Ints) -> Batch:
        """The batch with what is known of the horizon, and with the facts of the series."""
        beside = self._covariates
        assert beside is not None
        ahead = None
        if beside.known is not None:
            segments = -(-self.horizon // self._output_segment)
            row = origins[:, None] + np.arange(segments * self._output_segment)  # (B, m·s)
            last = np.minimum(np.diff(beside.offsets)[series], origins + self.horizon)
            inside = (row < last[:, None])[:, :, None]
            flat = np.minimum(beside.offsets[series][:, None] + row, len(beside.known) - 1)
            values = np.where(inside, beside.known[flat], np.float32(0))  # (B, m·s, width)
            ahead = values.reshape(len(series), segments, -1).transpose(1, 2, 0)
        static = None if beside.static is None else beside.static[:, series]
        codes = None if beside.codes is None else beside.codes[:, series]
        return replace(batch, ahead=ahead, static=static, codes=codes)

    def _seasonal_position(self, stop: Ints, steps: int) -> Float32s:
        """Sine and cosine of the position in each season at the last row of each step (B, T, 2·seasons).

        Positions count back in rows from the local time at the origin: clock changes (daylight saving) in
        between are ignored.
        """
        numbers = (
            row_numbers(self._panel, stop - 1)[:, None] - self.segment * np.arange(steps)[::-1]
        )  # (B, T)
        return np.concatenate([circle(season)[numbers % season] for season in self._phases], axis=2)

    def _history(self, stop: Ints, origins: Ints) -> Ints:
        """Rows of the series before each row `stop`, back to the last gap longer than `max_gap` (B,)."""
        return origins if self._spans is None else stop - self._spans.around(stop - 1)[0]

    def batch(self, series: Ints, origins: Ints, known: Ints) -> Batch:
        """Inputs, targets and weights; weights are None where all are one."""
        seen = self.inputs(series, origins)
        targets, counted = self._targets(series, origins, known)
        all_count = counted is None or counted.all()
        weights = None if all_count else np.asarray(counted, np.float32)
        return replace(seen, targets=targets, weights=weights)

    def targets(self, series: Ints, origins: Ints, known: Ints) -> tuple[Float32s, Float32s]:
        """Targets (H, B) and their weights.

        Target and weight are 0 at or after row known[s] of series s, after a gap longer than `max_gap`,
        where nothing was observed, and in windows without an observed row before the origin.
        """
        ahead, counted = self._targets(series, origins, known)
        return ahead, np.ones_like(ahead) if counted is None else counted.astype(np.float32)

    def _targets(self, series: Ints, origins: Ints, known: Ints) -> tuple[Float32s, Bools | None]:
        """Targets, and which of them have weight (None: all)."""
        stop, origin = self._offsets[series] + known[series], self._offsets[series] + origins
        ahead = np.ascontiguousarray(self._ahead.rows(origin).T)  # (H, B)
        ahead -= self.level(series, origins)
        if self._spans is not None:
            stop = np.minimum(stop, self._spans.around(origin - 1)[1])
        left = stop - origin
        if self._whole and left.min() >= self.horizon:
            return ahead, None
        counted = self._seen.rows(origin).T
        if (left < self.horizon).any():
            counted &= np.arange(self.horizon)[:, None] < left
        if self.gaps:
            counted &= self._seen_any(series, origins)
        np.copyto(ahead, 0, where=~counted)
        return ahead, counted

    def _seen_any(self, series: Ints, origins: Ints) -> Bools:
        """Whether anything was observed in the lookback of each window (B,)."""
        stop = self._offsets[series] + origins
        start = stop - self._history(stop, origins)
        rows = np.maximum(np.arange(-self.lookback, 0)[:, None] + stop, start)
        return self._observed[rows, TARGET].any(axis=0)


def _in_panel(covariates: CovariateInputs | None, panel: Panel) -> Float32s:
    """The known covariates in the rows of the panel (N, G)."""
    if covariates is None or covariates.known is None:
        return np.empty((len(panel.values), 0), np.float32)
    start = np.repeat(covariates.offsets[:-1] - panel.offsets[:-1], panel.lengths)
    return np.ascontiguousarray(covariates.known[start + np.arange(len(panel.values))].T).T


class _Slices:
    """Slices of one size from a channel (N,), each copied whole instead of row by row."""

    def __init__(self, channel: NDArray[Any], size: int) -> None:
        self._channel, self._size = channel, size
        shape = max(len(channel) - size + 1, 0), size
        self._all = as_strided(channel, shape, channel.strides * 2, writeable=False)

    def rows(self, begin: Ints) -> NDArray[Any]:
        """Copies of the slices that start at rows `begin` (B, size).

        The first or last row of the channel is repeated where a slice reaches beyond it.
        """
        if begin.min() >= 0 and begin.max() < len(self._all):
            return self._all[begin]
        rows = np.arange(self._size) + begin[:, None]
        return self._channel[np.clip(rows, 0, len(self._channel) - 1)]


def count_features(channels: int, segment: int, gaps: bool, phases: tuple[int, ...] = ()) -> int:
    """F: a segment of every channel and, with gaps, of the observed flag; two per seasonal position."""
    return segment * (channels + gaps) + 2 * len(phases)
