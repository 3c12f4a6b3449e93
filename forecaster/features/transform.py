"""Invertible steps that make series comparable. They are fitted on rows before the origin only.

    y  --logarithm, root or as it is-->  x  --minus seasonal indices-->  d  --minus centre, over scale-->  z

S series, N rows, C channels, m rows a season. The first `origins[s]` rows of series s are known, and
fitting reads no others. `z` of a later row depends only on that row and the fitted values, so held-out
targets can be expressed on the same scale.

Everything is computed on the flat arrays of a Panel, many series at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from forecaster.arrays import Bools, Float32s, Floats, Ints
from forecaster.config import Scales
from forecaster.data.panel import TARGET, Panel
from forecaster.data.rows.known_values import blocks_of_series
from forecaster.features.history import History, known_target
from forecaster.features.moving_average_index import moving_average_index
from forecaster.features.scale_choice import LOGARITHMS, UNITS, from_scale, powers, to_scale
from forecaster.features.season_clock import SeasonClock
from forecaster.features.seasonal_index import LEAST_SEASONS, seasonal_index

SMALL_SEASON = 1000
"""An index of zeros for a longer season is not made at all: it may not fit into memory."""
MOST_SEASONS = 20
"""Only this many of the newest seasons enter the index, because patterns change."""
ROUNDING = 1e-10
"""A deviation below this fraction of the mean is rounding error: the covariate is constant."""
Index: TypeAlias = Callable[["_Rows", Floats, Bools, int, Ints], Floats]
"""Rows, x (n,), which are observed (n,), season and the position of each row in it (n,) -> index (S, m)."""


@dataclass(frozen=True, eq=False)
class Transform:
    """The fitted values, and the transformed series."""

    power: Floats  # (S,) 0: x is log y; ½: √y; 1: y
    indices: tuple[Floats, ...]  # one (S, m) per season: additive index of x, zero where there is no season
    centre: Floats  # (S,)
    scale: Floats  # (S,) one unit of z in units of d; never zero
    z: Float32s  # (N, C) gaps up to max_gap filled with the last value; covariates standardised
    observed: Bools  # (N, C)
    clock: SeasonClock

    def invert(self, z: Floats, series: Ints, origins: Ints) -> Floats:
        """Transform forecasts back to the user's units.

        z (B, H): values for rows origins[b] … origins[b]+H−1 of series[b]. Returns y (B, H).
        """
        x = z * self.scale[series, None] + self.centre[series, None]
        x += self.seasonal_component(series, origins, z.shape[1])
        return from_scale(x, self.power[series, None])

    def seasonal_component(self, series: Ints, origins: Ints, horizon: int) -> Floats:
        """The sum of the indices for rows origins[b] … origins[b]+H−1 of series[b]: (B, H) in units of x."""
        component = np.zeros((len(series), horizon))
        for index in self.indices:
            place = self.clock.ahead(series, origins, horizon, index.shape[1])
            component += index[series[:, None], place]
        return component

    @property
    def seasonal(self) -> Bools:
        """Whether each series has a season (S,)."""
        by_season = [index.any(axis=1) for index in self.indices]
        return np.any(by_season, axis=0) if by_season else np.zeros(len(self.centre), bool)


def fit_each(
    panel: Panel, origins: Ints, *, power: Floats, seasons: tuple[int, ...], horizon: int
) -> Transform:
    """Fit on the first `origins[s]` rows of each series and apply to all rows.

    `power` (S,): the scale of each series (`choose_powers`). Values that the scale cannot represent (log 0)
    count as missing. z is divided by the series' mean absolute naive error; for logarithms, by its mean over
    all series. `seasons` are removed shortest first, each shrunk by the noise in the remainder; their
    positions follow the local clock.
    """
    return _fit(panel, origins, power, seasons, horizon, _line_index, SeasonClock(panel))


def fit_scaled(
    panel: Panel, origins: Ints, *, scales: Scales, log: bool, seasons: tuple[int, ...], horizon: int
) -> Transform:
    """The Transform of a component: with `log`, in the `scales` of the series, otherwise in their units."""
    if scales == "table":
        return fit_transform(panel, origins, log=log, seasons=seasons, horizon=horizon)
    power = powers(panel, origins, scales) if log else np.full(len(panel), UNITS)
    return fit_each(panel, origins, power=power, seasons=seasons, horizon=horizon)


def fit_transform(
    panel: Panel, origins: Ints, *, log: bool, seasons: tuple[int, ...], horizon: int
) -> Transform:
    """The transform of models of format 1: one scale for all series, and indices from a moving average.

    With `log`, check with `positive` first that all known values have a logarithm.
    """
    power = np.full(len(panel), LOGARITHMS if log else UNITS)
    return _fit(panel, origins, power, seasons, horizon, _average_index, SeasonClock(panel, local=False))


def _line_index(rows: _Rows, x: Floats, observed: Bools, season: int, place: Ints) -> Floats:
    used = rows.known & observed & (rows.position >= rows.origin - MOST_SEASONS * season)
    return seasonal_index(x, used, rows.offsets, season, place)


def _average_index(rows: _Rows, x: Floats, observed: Bools, season: int, place: Ints) -> Floats:
    return moving_average_index(rows, x, observed, season)


@np.errstate(over="ignore")  # rows after the origin may hold anything
def _fit(
    panel: Panel,
    origins: Ints,
    power: Floats,
    seasons: tuple[int, ...],
    horizon: int,
    index: Index,
    clock: SeasonClock,
) -> Transform:
    observed = panel.observed.copy()
    longest = int(panel.lengths.max(initial=0))  # the index of a longer season is zero
    seasons = tuple(m for m in seasons if LEAST_SEASONS * m <= max(longest, SMALL_SEASON))
    d = np.empty(len(panel.values))
    z: Float32s = np.empty(panel.values.shape, np.float32)
    fitted = []
    for part, span in blocks_of_series(panel.offsets):
        rows = _Rows(panel.offsets[part.start : part.stop + 1], origins[part])
        x = to_scale(panel.target[span], power[part][rows.series])
        seen = observed[span, TARGET]
        seen &= np.isfinite(x)
        indices, centre = _remove_level_and_seasons(x, seen, rows, index, clock, span, seasons)
        d[span] = _fill_left(x, seen, rows, panel.max_gap)
        fitted.append((indices, centre, rows.spread(x, seen, horizon)))
        for channel in range(1, panel.values.shape[1]):
            z[span, channel] = _standardise(
                panel.values[span, channel], observed[span, channel], rows, panel.max_gap
            )
    every_index, centres, scales = zip(*fitted, strict=True)
    indices = [np.concatenate(parts) for parts in zip(*every_index, strict=True)]
    scale = _shared_among_logarithms(np.concatenate(scales), power)
    for part, span in blocks_of_series(panel.offsets):
        z[span, TARGET] = d[span] / np.repeat(scale[part], panel.lengths[part])
    return Transform(power, tuple(indices), np.concatenate(centres), scale, z, observed, clock)


def _shared_among_logarithms(scale: Floats, power: Floats) -> Floats:
    """Series in logarithms share the mean of their scales; a series that never moves has the scale 1."""
    log = power == LOGARITHMS
    moving = log & (scale > 0)
    scale = np.where(log, np.mean(scale[moving]) if moving.any() else 1.0, scale)
    return np.where(scale > 0, scale, 1.0)


def _remove_level_and_seasons(
    x: Floats,
    observed: Bools,
    rows: _Rows,
    index: Index,
    clock: SeasonClock,
    span: slice,
    seasons: tuple[int, ...],
) -> tuple[list[Floats], Floats]:
    """Subtract centre and seasons from x in place; returns the indices and the centres."""
    centre = rows.mean(x, observed)
    x -= centre[rows.series]
    x[~observed] = 0.0
    indices = []
    for season in sorted(seasons):
        place = clock.rows(span, rows.position, season)
        index_of_season = index(rows, x, observed, season, place)
        x -= index_of_season[rows.series, place]
        indices.append(index_of_season)
    return indices, centre


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


def _standardise(values: Floats, observed: Bools, rows: _Rows, max_gap: int | None) -> Floats:
    """A covariate with mean 0 and standard deviation 1 over its known rows, gaps filled (N,)."""
    centred = np.where(observed, values - rows.mean(values, observed)[rows.series], 0.0)
    deviation = np.sqrt(rows.mean(centred * centred, observed))
    moves = deviation > ROUNDING * np.abs(rows.mean(values, observed))
    return _fill_left(centred / np.where(moves, deviation, 1.0)[rows.series], observed, rows, max_gap)


def _fill_left(values: Floats, observed: Bools, rows: _Rows, max_gap: int | None) -> Floats:
    """Fill gaps with the last observed value for up to `max_gap` rows, and with 0 (the centre) beyond."""
    source, inside = filled_from(observed, rows.starts[rows.series], max_gap)
    return np.where(inside, values[np.maximum(source, 0)], 0.0)


def filled_from(observed: Bools, begins: Ints | int, max_gap: int | None) -> tuple[Ints, Bools]:
    """The row that gives each row its value (N,), and whether one does (N,).

    `begins` (N,): the first row of the series of each row.
    """
    row = np.arange(len(observed))
    source = np.maximum.accumulate(np.where(observed, row, -1))
    inside = source >= begins
    if max_gap is not None:
        inside &= row - source <= max_gap
    return source, inside
