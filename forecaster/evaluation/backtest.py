"""Backtest: rolling forecast origins, where the past ends and the held-out future begins, and what was
forecast from them.

A forecast origin is given as the number of known rows of a series; the forecast covers the next `horizon`
rows. `origins` (O, S) has one for each origin o and series s, -1 where s is not forecast at o.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.sessions import Sessions
from forecaster.data.series.directions import nearest, turns_of
from forecaster.errors import DataError, ForecasterError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from forecaster.data.panel import Panel

USUAL_HORIZON = {7: 14, 5: 10, 52: 13, 12: 12, 4: 8, 1: 6}
"""Season -> horizon for steps of a day or longer; for shorter steps the horizon is one season."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from O origins of the S series of a panel, H steps ahead, beside what was observed."""

    panel: Panel
    origins: Ints  # (O, S), oldest first; -1: the series is not scored there
    actual: Floats  # (O, S, H); NaN where not observed
    point: dict[str, Floats]
    """Method -> (O, S, H): the model first, then the baselines."""
    quantiles: dict[float, Floats]
    """Level between 0 and 1, ascending -> quantiles of the model (O, S, H); empty: it gives none."""
    levels: tuple[int, ...]
    """Coverage of the intervals in percent: the bounds of level L are the quantiles 0.5 ∓ L / 200."""
    groups: tuple[str, ...]
    """The group of each series (S,): what it is taken for, or its value in a column."""

    @property
    def horizon(self) -> int:
        """Rows forecast from each origin."""
        return self.actual.shape[2]

    @property
    def times(self) -> Ints:
        """The time of each forecast (O, S, H), ns since 1970 UTC; the least integer where not observed."""
        rows = (self.panel.offsets[:-1] + self.origins)[..., None] + np.arange(self.horizon)
        seen = ~np.isnan(self.actual)
        return np.where(seen, self.panel.time[np.where(seen, rows, 0)], np.iinfo(np.int64).min)

    def interval(self, level: int) -> tuple[Floats, Floats]:
        """The bounds (O, S, H), (O, S, H) of the interval of a level in percent. KeyError without it."""
        return self.quantiles[lower_side(level)], self.quantiles[upper_side(level)]

    def to_frame(self) -> pd.DataFrame:
        """One row for each forecast that was scored: series, time, origin, step, actual, forecast, intervals,
        quantiles, and the forecasts of the baselines under their names.
        """
        from forecaster.data.writing.forecast_table import predictions_frame

        model, *baselines = self.point
        columns = {"actual": self.actual, "forecast": self.point[model]}
        bounds = []
        if self.quantiles:
            for level in self.levels:
                columns[f"lo_{level}"], columns[f"hi_{level}"] = self.interval(level)
                bounds += [lower_side(level), upper_side(level)]
        columns |= {f"q_{level:g}": each for level, each in self.quantiles.items() if level not in bounds}
        columns |= {name: self.point[name] for name in baselines}
        return predictions_frame(self.panel, self.origins, ~np.isnan(self.actual), self.times, columns)


def backtest_of(
    panel: Panel,
    origins: Ints,
    point: dict[str, Floats],
    horizon: int,
    quantiles: Mapping[float, Floats] | None = None,
    levels: tuple[int, ...] = (),
    groups: tuple[str, ...] = (),
) -> Backtest:
    """The backtest of forecasts `point` {method: (O, S, H)} and `quantiles` of the model from `origins`.

    A window without any observed row before its origin is not scored. Directions are brought to within half a
    turn of the actual values: 355 is near 5. Raises DataError where nothing was observed in the held-out
    rows, ForecasterError where a forecast to be scored is not finite.
    """
    origins = np.where(anything_before(panel, origins), origins, -1)
    actual = held_out(panel, origins, horizon)
    seen = ~np.isnan(actual)
    if not seen.any():
        raise DataError(
            f"none of the {horizon} rows held out after each forecast origin has an observed value",
            hint="The gaps are too long. Fill them with --max-gap any, or use a shorter --horizon."
            if panel.broken
            else "",
        )
    quantiles = {} if quantiles is None else dict(sorted(quantiles.items()))
    _check_finite(panel, point | {f"quantile {level:g}": each for level, each in quantiles.items()}, seen)
    turns = turns_of(panel, np.maximum(origins.max(axis=0), 0))
    if turns is not None:
        size = turns.size[:, None]
        model = next(iter(point.values()))
        around = {level: _on_its_side(each, model, level, size) for level, each in quantiles.items()}
        move = nearest(model, actual, size) - model
        quantiles = {level: each + np.where(seen, move, 0) for level, each in around.items()}
        point = {name: nearest(values, actual, size) for name, values in point.items()}
    return Backtest(panel, origins, actual, point, quantiles, levels, groups or ("",) * len(panel))


def _on_its_side(quantile: Floats, point: Floats, level: float, size: Floats) -> Floats:
    """A quantile of directions below the point (above it, for levels above a half), less than a turn away."""
    below, above = point - (point - quantile) % size, point + (quantile - point) % size
    return np.where(np.isnan(size), quantile, below if level < 0.5 else above)


def anything_before(panel: Panel, origins: Ints) -> Bools:
    """True (O, S) where a series has an observed row before the origin."""
    seen = np.concatenate([[0], np.cumsum(panel.target_observed)])
    start = panel.offsets[:-1]
    return (origins > 0) & (seen[start + np.clip(origins, 0, panel.lengths)] > seen[start])


def _check_finite(panel: Panel, forecasts: Mapping[str, Floats], seen: Bools) -> None:
    for method, forecast in forecasts.items():
        if forecast.shape != seen.shape:
            raise ForecasterError(f"forecasts of {method} have shape {forecast.shape}, not {seen.shape}")
        broken = np.argwhere(seen & ~np.isfinite(forecast))
        if len(broken):
            origin, series, step = broken[0]
            raise ForecasterError(
                f"the forecast of {method} is not finite for series {panel.ids[series]!r}, "
                f"forecast origin {origin + 1}, step {step + 1}"
            )


def lower_side(level: int) -> float:
    """The level of the quantile below which the interval of `level` percent ends."""
    return round(0.5 - level / 200, 9)


def upper_side(level: int) -> float:
    """The level of the quantile above which the interval of `level` percent ends."""
    return round(0.5 + level / 200, 9)


def usual_horizon(panel: Panel) -> int:
    """The usual horizon for the frequency, shortened for short series."""
    season = panel.frequency.season
    in_sessions = isinstance(panel.frequency.step, Sessions)
    usual = season if in_sessions else USUAL_HORIZON.get(season, season)
    return max(1, min(usual, int(panel.lengths.max()) // 5))


def rolling_origins(lengths: Ints, horizon: int, origins: int, step: int, *, history: int = 1) -> Ints:
    """Origins in rows (O, S), oldest first, of series with `lengths` (S,) rows.

    The last origin leaves exactly `horizon` rows of every series; each earlier one lies `step` rows before
    the next. -1 where fewer than `history` rows would precede the origin. Raises DataError where no series
    is long enough for one origin, UsageError where none is long enough for all of them.
    """
    for name, value in (("horizon", horizon), ("origins", origins), ("step", step)):
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1", hint=f"Use --{name} 1 or more.")
    fitting = most_origins(lengths, horizon, step, history=history)
    if fitting == 0:
        longest = int(lengths.max(initial=0))
        raise DataError(
            f"no series is long enough to hold out {horizon} rows: the longest has {longest}",
            hint=f"Use a shorter --horizon (at most {longest - history}), or more data."
            if longest > history
            else "A forecast needs more rows than its horizon.",
        )
    if fitting < origins:
        raise UsageError(
            f"{origins} origins {step} rows apart with a horizon of {horizon} do not fit: "
            f"the longest series has {int(lengths.max())} rows",
            hint=f"Use --origins {fitting} or fewer, or a smaller --step.",
        )
    back = step * np.arange(origins - 1, -1, -1, dtype=np.int64)
    rows = lengths - horizon - back[:, None]  # (O, S)
    return np.where(rows >= history, rows, -1)


def most_origins(lengths: Ints, horizon: int, step: int, *, history: int = 1) -> int:
    """The most origins, `step` rows apart, that fit into the longest series after `history` rows."""
    room = int(lengths.max(initial=0)) - horizon - history
    return room // step + 1 if room >= 0 else 0


def held_out(panel: Panel, origins: Ints, horizon: int) -> Floats:
    """Actual targets (O, S, H) in the `horizon` rows after each of the `origins` (O, S).

    NaN where not observed, after the end of the series or a gap beyond `max_gap`, or where the origin is -1.
    Directions are brought to within half a turn of the newest known one, where forecasts begin.
    """
    first = panel.offsets[:-1] + origins  # (O, S)
    _, stop = panel.spans.around(np.maximum(first - 1, panel.offsets[:-1]))
    rows = first[..., None] + np.arange(horizon)  # (O, S, H)
    inside = (origins >= 0)[..., None] & (rows < stop[..., None])
    rows = np.where(inside, rows, 0)
    actual = np.where(inside, panel.target[rows], np.nan)
    turns = turns_of(panel, origins.max(axis=0, initial=0))
    return actual if turns is None else nearest(actual, _newest(panel, first - 1), turns.size[:, None])


def _newest(panel: Panel, rows: Ints) -> Floats:
    """The last observed target up to each of the rows (O, S), as (O, S, 1)."""
    place = np.where(panel.target_observed, np.arange(len(panel.target)), -1)
    newest = np.maximum.accumulate(place)[np.maximum(rows, 0)]
    return np.asarray(panel.target[np.maximum(newest, 0)][..., None])
