"""Baseline forecasts that need no training: naive, seasonal naive, drift, mean.

Every report compares the model with them. They are computed on the flat arrays of a Panel, without a loop
over rows or series; the only loop is over blocks of series, which bound the memory. Formulas: Hyndman &
Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 5.2. Only observed rows are used, and
distances are counted in rows, gaps included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Floats, Ints

if TYPE_CHECKING:
    from forecaster.data.panel import Panel

BLOCK = 250_000  # rows processed at once: about 12 MB of temporary arrays


def baseline_forecasts(
    panel: Panel,
    origins: Ints,
    horizon: int,
    *,
    series: Ints | None = None,
    seasons: tuple[int, ...] | None = None,
) -> dict[str, Floats]:
    """Baseline forecasts {name: (S, H)} from the first origins[s] rows of each series; no others are read.

    `series` (S,) picks series of the panel, in the order of `origins`; None: all.
    `seasons` are the seasons to try; None: those that fit (`fitting_seasons`).

    - "naive": the last observed value.
    - "seasonal naive": the last observed value at the same seasonal position; "seasonal naive 48" and so on
      with several seasons. Series shorter than two seasons, and positions never observed, get "naive".
    - "drift": the line through the first and the last observed value, continued.
    - "mean": the mean of the observed values.

    NaN for a series without an observed value before its origin, or with origin -1.
    """
    origins = np.maximum(np.asarray(origins, dtype=np.int64), 0)
    series = np.arange(len(panel)) if series is None else np.asarray(series, dtype=np.int64)
    seasons = fitting_seasons(panel, origins) if seasons is None else seasons
    names = seasonal_names(seasons)
    out = {name: np.full((len(origins), horizon), np.nan) for name in ("naive", *names, "drift", "mean")}
    for block in blocks(origins):
        past = _Past(panel, series[block], origins[block])
        out["naive"][block] = past.last[:, None]
        for name, season in names.items():
            out[name][block] = past.seasonal(season, horizon)
        out["drift"][block] = past.drift(horizon)
        out["mean"][block] = past.mean[:, None]
    return out


def backtest_baselines(panel: Panel, origins: Ints, horizon: int) -> dict[str, Floats]:
    """`baseline_forecasts` from every origin: {name: (O, S, H)} for `origins` (O, S), -1 where not forecast.

    All origins use the same methods, with the seasons that fit before the first origin; where none does, with
    those that fit before the last, as a model that reads the past of each origin may know them there.
    """
    seasons = fitting_seasons(panel, first_origins(origins)) or fitting_seasons(panel, origins)
    each = [baseline_forecasts(panel, row, horizon, seasons=seasons) for row in origins]
    return {name: np.stack([origin[name] for origin in each]) for name in each[0]}


def fitting_seasons(panel: Panel, origins: Ints) -> tuple[int, ...]:
    """Seasons above 1 of the panel's frequency that fit at least twice into the longest known history."""
    longest = int(np.max(origins, initial=0))
    return tuple(m for m in panel.frequency.seasonalities if m > 1 and 2 * m <= longest)


def seasonal_names(seasons: tuple[int, ...]) -> dict[str, int]:
    """Name of the seasonal naive method of each season."""
    if len(seasons) == 1:
        return {"seasonal naive": seasons[0]}
    return {f"seasonal naive {season}": season for season in seasons}


def first_origins(origins: Ints) -> Ints:
    """The first origin of each series (S,); -1 for series without one."""
    first = np.min(np.where(origins >= 0, origins, np.iinfo(np.int64).max), axis=0)
    return np.where(np.any(origins >= 0, axis=0), first, -1)


def blocks(origins: Ints) -> Iterator[slice]:
    """Slices of series with about BLOCK rows each."""
    total = np.cumsum(origins)
    start = 0
    while start < len(origins):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + BLOCK, side="right")))
        yield slice(start, stop)
        start = stop


class _Past:
    """The observed rows of S series before their origins, flat and in order, with the series of each row."""

    def __init__(self, panel: Panel, series: Ints, origins: Ints) -> None:
        owner = np.repeat(np.arange(len(origins)), origins)  # (n,)
        position = np.arange(len(owner)) - np.repeat(
            np.cumsum(origins) - origins, origins
        )  # row within its series
        row = panel.offsets[series][owner] + position
        seen = panel.target_observed[row]
        self.origins = origins
        self.owner, self.position = owner[seen], position[seen]
        self.value = panel.target[row[seen]]
        self.count = np.bincount(self.owner, minlength=len(origins))
        self.known = self.count > 0
        after = np.cumsum(self.count)
        self._first, self._last = after - self.count, after - 1  # index of each series' first and last row
        self.last = self._at(self.value, self._last)
        total = np.bincount(self.owner, weights=self.value, minlength=len(origins))
        self.mean = np.where(self.known, total / np.maximum(self.count, 1), np.nan)

    def drift(self, horizon: int) -> Floats:
        """last + slope * distance (S, H), with the slope between the first and the last observed row."""
        start, stop = self._at(self.position, self._first), self._at(self.position, self._last)
        rise = self.last - self._at(self.value, self._first)
        slope = np.divide(rise, stop - start, out=np.zeros(len(rise)), where=stop > start)
        distance = (self.origins - stop)[:, None] + np.arange(horizon)
        return self.last[:, None] + slope[:, None] * distance

    def seasonal(self, season: int, horizon: int) -> Floats:
        """The last observed value at the same seasonal position (S, H), or naive without one."""
        fits = self.origins >= 2 * season
        table_row = np.cumsum(fits) - 1  # row in `table` of each series that fits
        table = np.full((int(fits.sum()), season), np.nan)
        rows = fits[self.owner]
        # Assigned in order, so the newest value of each seasonal position stays.
        table[table_row[self.owner[rows]], self.position[rows] % season] = self.value[rows]
        out = np.repeat(self.last[:, None], horizon, axis=1)
        seasonal_position = (self.origins[fits][:, None] + np.arange(horizon)) % season
        same = table[np.arange(len(table))[:, None], seasonal_position]
        out[fits] = np.where(np.isnan(same), out[fits], same)
        return out

    def _at(self, values: NDArray[np.generic], index: Ints) -> Floats:
        """values[index] (S,), NaN for a series without observed rows."""
        out = np.full(len(index), np.nan)
        out[self.known] = values[index[self.known]]
        return out
