"""Model x Panel -> Forecast: point forecasts and intervals, in the user's units.

A forecast from an origin reads only the rows before it: transforms are fitted on them anew each time,
so they follow the newest pattern, and a series that the model has never seen is forecast like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecaster.blend import Blend, network_name
from forecaster.data.panel import Panel
from forecaster.errors import ModelError
from forecaster.evaluation.baselines import baseline_forecasts
from forecaster.model import Member, Model
from forecaster.nn.parallel import ShardedNetwork
from forecaster.smoothing import smoothing_forecasts, smoothing_methods
from forecaster.transform import Transform, fit_transform, positive
from forecaster.windows import Ints, Windows

if TYPE_CHECKING:
    import pandas as pd

    from forecaster.data.audit import Finding

Floats = NDArray[np.float64]

SPREAD_ROWS = 3
"""Local spread is measured over this many lookbacks."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Point forecasts and intervals of S series, H steps ahead."""

    panel: Panel
    ends: Ints  # (S,) rows known; the first forecast is for row ends[s]
    point: Floats  # (S, H)
    lower: Floats  # (levels, S, H)
    upper: Floats  # (levels, S, H)
    levels: tuple[int, ...]
    findings: tuple[Finding, ...] = ()
    """What was found in the data on reading it."""

    def to_frame(self) -> pd.DataFrame:
        """One row a series and step; the columns for id and time keep the user's names."""
        from forecaster.data.frames import forecast_frame

        bounds: dict[str, Floats] = {"forecast": self.point}
        for level, lower, upper in zip(self.levels, self.lower, self.upper, strict=True):
            bounds |= {f"lo_{level}": lower, f"hi_{level}": upper}
        return forecast_frame(self.panel, self.ends, bounds)


def forecast(model: Model, panel: Panel, *, horizon: int | None = None) -> Forecast:
    """Forecast each series from its newest row, `horizon` steps ahead (the model's own by default).

    Raises ModelError where model and data do not fit each other.
    """
    model.check_fits(panel)
    horizon = model.horizon if horizon is None else horizon
    if not 1 <= horizon <= model.horizon:
        raise ModelError(
            f"the model was trained to look {model.horizon} steps ahead, not {horizon}",
            hint=f"Ask for 1 to {model.horizon}, or train again with --horizon {horizon}.",
        )
    check_history(model, panel)
    ends = panel.lengths
    point = point_forecasts(model.members, model.blend, panel, ends)[:, :horizon]
    _check_finite(panel, point)
    log = model.blend.log
    reach = model.half_widths[:, None, :horizon] * local_spread(panel, ends, model.lookback, log=log)[:, None]
    lower, upper = intervals(point, reach, log=log)
    return Forecast(panel, ends, point, lower, upper, model.options.levels)


def _check_finite(panel: Panel, point: Floats) -> None:
    broken = np.flatnonzero(~np.isfinite(point).all(axis=1))
    if broken.size:
        raise ModelError(
            f"the forecast of series {panel.ids[broken[0]]!r} is not finite ({broken.size} in all)",
            hint="Look at the data with `forecast inspect`, or train again.",
        )


def check_history(model: Model, panel: Panel) -> None:
    """Raise ModelError where a series is shorter than what the model looks back on.

    A model trained on series shorter than its lookback takes any of two rows or more.
    """
    least = min(model.lookback, int(model.facts.training.get("shortest", model.lookback)))
    short = np.flatnonzero(panel.lengths < least)
    if short.size:
        first = short[0]
        raise ModelError(
            f"series {panel.ids[first]!r} has {panel.lengths[first]} rows, the model looks back on {least}"
            + (f" ({short.size} series are too short)" if short.size > 1 else ""),
            hint="Give the whole history, not only the newest rows; or train with a smaller --lookback.",
        )


def point_forecasts(members: Sequence[Member], blend: Blend, panel: Panel, ends: Ints) -> Floats:
    """The blend of all components (S, H); NaN for series of which nothing is known (ends[s] < 1)."""
    components = component_forecasts(members, blend, panel, ends, only=blend.weights)
    return blended(components, blend, panel, ends)


def blended(components: Mapping[str, Floats], blend: Blend, panel: Panel, ends: Ints) -> Floats:
    """The blend of forecasts {name: (S, H)} from the first ends[s] rows of each series.

    A series that never moved is foretold to stay where it is: it says nothing that a blend could use.
    """
    unknown = sorted(set(blend.weights) - set(components))
    if unknown:
        raise ModelError(f"the model blends in {unknown[0]!r}, which this version does not know")
    point = combine(components, blend.weights)
    value, still = _standing(panel, ends)
    point[still] = value[still, None]
    return point


def _standing(panel: Panel, ends: Ints) -> tuple[Floats, NDArray[np.bool_]]:
    """A known value of each series (S,), and whether all its known values are that one (S,)."""
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    known = np.arange(len(series)) - panel.offsets[series] < ends[series]
    rows = np.flatnonzero(known & panel.observed[:, 0])
    value = np.full(len(panel), np.nan)
    value[series[rows]] = panel.target[rows]
    moves = panel.target[rows] != value[series[rows]]
    return value, np.isfinite(value) & (np.bincount(series[rows], weights=moves, minlength=len(panel)) == 0)


def combine(components: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The weighted sum of component forecasts, in one order: a model file keeps another than the blend."""
    total = sum(weights[name] * components[name] for name in sorted(weights))
    return np.asarray(total, np.float64)


def component_forecasts(
    members: Sequence[Member],
    blend: Blend,
    panel: Panel,
    ends: Ints,
    *,
    only: Collection[str] | None = None,
) -> dict[str, Floats]:
    """What each network, smoothing method and baseline forecasts from the first ends[s] rows: {name: (S, H)}.

    `only`: the components wanted; None: all that the data allows.
    """
    horizon = members[0].config.horizon
    transforms: dict[tuple[bool, tuple[int, ...]], Transform] = {}

    def transform(log: bool, seasons: tuple[int, ...]) -> Transform:
        if log and not positive(panel, ends):
            raise ModelError(
                "the model works with logarithms, but this data has values of zero or below",
                hint="Train again with --no-log.",
            )
        if (log, seasons) not in transforms:
            transforms[log, seasons] = fit_transform(panel, ends, log=log, seasons=seasons, horizon=horizon)
        return transforms[log, seasons]

    result: dict[str, Floats] = {}
    for number, member in enumerate(members):
        if only is None or network_name(number) in only:
            fitted = transform(member.config.log, member.config.seasons)
            values = _member_forecast(member, fitted, panel, ends)
            if blend.log and not member.config.log:  # a falling line must not leave what is always positive
                values = np.maximum(values, _least_known(panel, ends)[:, None] / 10)
            result[network_name(number)] = values
    tried = smoothing_methods(log=blend.log, seasons=blend.seasons)
    methods = [name for name in tried if only is None or name in only]
    if methods:
        fitted = transform(blend.log, blend.seasons)
        result |= smoothing_forecasts(panel, ends, fitted, horizon, methods=methods)
    if only is None or set(only) - set(result):
        seasons = tuple(season for season in panel.frequency.seasonalities if season > 1)
        baselines = baseline_forecasts(panel, ends, horizon, seasons=seasons)  # the same names at any length
        result |= {name: values for name, values in baselines.items() if only is None or name in only}
    return result


def _least_known(panel: Panel, ends: Ints) -> Floats:
    """The least known value of each series (S,); infinite where nothing is known."""
    position = np.arange(len(panel.target)) - np.repeat(panel.offsets[:-1], panel.lengths)
    known = (position < np.repeat(ends, panel.lengths)) & panel.observed[:, 0]
    return np.asarray(np.minimum.reduceat(np.where(known, panel.target, np.inf), panel.offsets[:-1]))


def _member_forecast(member: Member, fitted: Transform, panel: Panel, ends: Ints) -> Floats:
    """One member's forecasts in the user's units (S, H)."""
    config = member.config
    windows = Windows(
        panel,
        fitted,
        lookback=config.lookback,
        segment=config.segment,
        horizon=config.horizon,
        gaps=config.gaps,
        phases=config.phases,
        level_rows=config.level_rows,
    )
    series = np.flatnonzero(ends >= 1)
    origins = ends[series]
    with ShardedNetwork(member.network) as sharded:
        outputs = sharded.predict(
            lambda start, stop: windows.inputs(series[start:stop], origins[start:stop]), len(series)
        )
    z = outputs.T.astype(np.float64) + windows.level(series, origins)[:, None]  # (B, H)
    result = np.full((len(panel), config.horizon), np.nan)
    result[series] = fitted.invert(z, series, origins)
    return result


def local_spread(panel: Panel, ends: Ints, lookback: int, *, log: bool) -> Floats:
    """Mean |x_t − x_{t−1}| over the last few lookbacks before each end (S,), the unit of the intervals.

    Measured locally, because the volatility of prices comes in clusters (Engle 1982). Never zero where
    the series as a whole moves. x is log y with `log`.
    """
    rows = panel.offsets[:-1, None] + np.maximum(ends, 1)[:, None] - np.arange(1, SPREAD_ROWS * lookback + 1)
    valid = rows > panel.offsets[:-1, None]
    rows = np.where(valid, rows, 0)
    y = panel.target
    with np.errstate(divide="ignore", invalid="ignore"):
        now, before = (np.log(y[rows]), np.log(y[rows - 1])) if log else (y[rows], y[rows - 1])
        steps = np.where(valid, np.abs(now - before), np.nan)
    seen = np.isfinite(steps)
    spread = np.where(seen, steps, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.where(spread > 0, spread, _whole_spread(panel, ends, log)) if (spread == 0).any() else spread


def _whole_spread(panel: Panel, ends: Ints, log: bool) -> Floats:
    """Mean |x_t − x_{t'}| between an observed value and the one before it, over all known rows (S,)."""
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    known = np.arange(len(series)) - panel.offsets[series] < ends[series]
    rows = np.flatnonzero(known & panel.observed[:, 0])
    x = np.log(panel.target[rows]) if log else panel.target[rows]
    pair = series[rows[1:]] == series[rows[:-1]]
    owner, steps = series[rows[1:]][pair], np.abs(np.diff(x))[pair]
    total = np.bincount(owner, weights=steps, minlength=len(panel))
    return np.asarray(total / np.maximum(np.bincount(owner, minlength=len(panel)), 1))


def intervals(point: Floats, reach: Floats, *, log: bool) -> tuple[Floats, Floats]:
    """Bounds `reach` away from the point forecasts, as factors where the model works in logarithms."""
    if log:
        near, far = point * np.exp(-reach), point * np.exp(reach)
        return np.minimum(near, far), np.maximum(near, far)  # a blend may fall below zero
    return point - reach, point + reach


def scaled_residuals(actual: Floats, point: Floats, spread: Floats, *, log: bool) -> Floats:
    """|x − x̂| in units of local spread (S, H); NaN where there is no actual value or no spread."""
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(np.log(actual / point)) if log else np.abs(actual - point)
        scaled = distance / spread[:, None]
    return np.where(np.isfinite(scaled), scaled, np.nan)
