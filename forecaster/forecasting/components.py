"""Forecasts of each network, smoothing method and baseline, and their blend.

A forecast reads only the rows before its origin. Transforms are fitted on these rows each time, so that they
follow the newest pattern and the model can forecast series that it was not trained on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import Scales
from forecaster.data.panel import Panel
from forecaster.errors import ModelError
from forecaster.features.effects.effect import restored, with_effect
from forecaster.features.groups import GROUPS, groups_of
from forecaster.features.history import History, known_target
from forecaster.features.scale_choice import UNITS
from forecaster.features.transform import Transform, fit_scaled, positive
from forecaster.features.view import Possible, possible
from forecaster.features.windows import Windows
from forecaster.intervals.sides import LEVELS as SIDE_LEVELS
from forecaster.methods.baselines import baseline_forecasts
from forecaster.methods.blend import DEMAND, PRETRAINED, Blend, network_name
from forecaster.methods.smoothing import demand_forecasts, methods_of, smoothing_forecasts
from forecaster.model.model import Member, Networks
from forecaster.nn.parallel import ShardedNetwork
from forecaster.pretraining.network import LEVELS
from forecaster.pretraining.store import Pretrained, by_kind
from forecaster.pretraining.zero_shot import zero_shot

OF_SIDES = [LEVELS.index(level) for level in SIDE_LEVELS]
"""Places of the quantiles that say how uncertain a pretrained network is."""
MEDIAN = SIDE_LEVELS.index(0.5)


class Components(NamedTuple):
    """The forecasts of all components from one origin."""

    points: dict[str, Floats]
    """Name -> (S, H)."""
    quantiles: Floats | None
    """Those of the pretrained networks at `sides.LEVELS` (3, S, H); None where they were not asked for."""


def point_forecasts(networks: Networks, blend: Blend, panel: Panel, origins: Ints) -> Floats:
    """The blend of all components (S, H); NaN for series without known rows (origins[s] < 1).

    `panel` is `cleaned` at the origins.
    """
    components = component_forecasts(networks, blend, panel, origins, only=blend.components)
    return blended(components, blend, panel, origins)


def blended(components: Mapping[str, Floats], blend: Blend, panel: Panel, origins: Ints) -> Floats:
    """The blend of forecasts {name: (S, H)} from the first origins[s] rows of each series.

    The forecast of a series that was constant so far is that constant.
    """
    unknown = sorted(blend.components - set(components))
    if unknown:
        raise ModelError(f"the model uses the method {unknown[0]!r}, which this version does not know")
    value, constant = constant_series(with_effect(panel), origins)
    if blend.scales == "table":
        point = _weighted(components, blend.weights)
        point[constant] = value[constant, None]
        return point
    horizon = next(iter(components.values())).shape[1]
    limits = possible(panel, origins, horizon, scales=blend.scales, limits=blend.limits)
    point = combine(components, blend, series_groups(panel, origins, blend, limits))
    point[constant] = value[constant, None]
    return limits.point(point)


def series_groups(panel: Panel, origins: Ints, blend: Blend, limits: Possible) -> Ints:
    """The group of each series (S,), by its known rows."""
    seasonal = np.zeros(len(panel), np.bool_)
    if blend.seasons:
        seasonal = fit_scaled(
            panel, origins, scales=blend.scales, log=blend.log, seasons=blend.seasons, horizon=1
        ).seasonal
    return groups_of(panel, origins, limits.limits, seasonal)


def combine(components: Mapping[str, Floats], blend: Blend, groups: Ints) -> Floats:
    """The weighted sums of forecasts {name: (..., S, H)}, with the weights of each series' group (S,)."""
    result = np.full_like(next(iter(components.values())), np.nan)
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        weights = blend.weights_of(GROUPS[group])
        result[..., mine, :] = _weighted({name: components[name][..., mine, :] for name in weights}, weights)
    return result


def constant_series(panel: Panel, origins: Ints) -> tuple[Floats, Bools]:
    """A known value of each series (S,), and whether all its known values equal it (S,)."""
    history = History(panel.offsets, origins)
    series, rows = history.series, np.flatnonzero(history.known & panel.target_observed)
    value = np.full(len(panel), np.nan)
    value[series[rows]] = panel.target[rows]
    moves = panel.target[rows] != value[series[rows]]
    return value, np.isfinite(value) & (np.bincount(series[rows], weights=moves, minlength=len(panel)) == 0)


def _weighted(components: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The weighted sum of component forecasts, in sorted order: the order of weights in a file may differ."""
    total = sum(weights[name] * components[name] for name in sorted(weights))
    return np.asarray(total, np.float64)


def component_forecasts(
    networks: Networks,
    blend: Blend,
    panel: Panel,
    origins: Ints,
    *,
    only: Collection[str] | None = None,
) -> dict[str, Floats]:
    """The points of `forecast_components` {name: (S, H)}."""
    return forecast_components(networks, blend, panel, origins, only=only).points


def forecast_components(
    networks: Networks,
    blend: Blend,
    panel: Panel,
    origins: Ints,
    *,
    only: Collection[str] | None = None,
) -> Components:
    """Forecasts of each network, method and baseline from the first origins[s] rows.

    `only`: the components wanted; None: all that the data allows.
    """
    members = networks.trained
    horizon = members[0].config.horizon
    transforms: dict[tuple[Scales, bool, tuple[int, ...]], Transform] = {}

    def transform(scales: Scales, log: bool, seasons: tuple[int, ...]) -> Transform:
        if log and scales in ("table", "logarithms") and not positive(panel, origins):
            raise ModelError(
                "the model takes logarithms, but this data has values of zero or below",
                hint="Train again with --no-log.",
            )
        if (scales, log, seasons) not in transforms:
            transforms[scales, log, seasons] = fit_scaled(
                panel, origins, scales=scales, log=log, seasons=seasons, horizon=horizon
            )
        return transforms[scales, log, seasons]

    result: dict[str, Floats] = {}
    for number, member in enumerate(members):
        if only is None or network_name(number) in only:
            fitted = transform(member.config.scales, member.config.log, member.config.seasons)
            values = _member_forecast(member, fitted, panel, origins)
            if blend.log and not member.config.log:
                positive_series = transform(blend.scales, True, blend.seasons).power < UNITS
                values = _above_zero(values, panel, origins, positive_series)
            result[network_name(number)] = values
    quantiles = None
    if networks.pretrained and (only is None or PRETRAINED in only):
        quantiles = pretrained_quantiles(networks.pretrained, panel, origins, horizon)
        result[PRETRAINED] = quantiles[MEDIAN]
    tried = methods_of(blend)
    methods = [name for name in tried if only is None or name in only]
    if methods:
        fitted = transform(blend.scales, blend.log, blend.seasons)
        result |= smoothing_forecasts(panel, origins, fitted, horizon, methods=methods)
    if blend.scales != "table" and (only is None or set(only) & set(DEMAND)):
        result |= demand_forecasts(panel, origins, horizon)
    if only is None or set(only) - set(result):
        seasons = tuple(season for season in panel.frequency.seasonalities if season > 1)
        # All seasons, so that the names are the same for any length of history.
        baselines = baseline_forecasts(panel, origins, horizon, seasons=seasons)
        result |= {name: values for name, values in baselines.items() if only is None or name in only}
    points = {name: restored(panel, values, origins) for name, values in result.items()}
    return Components(points, None if quantiles is None else restored(panel, quantiles, origins))


def pretrained_quantiles(networks: Sequence[Pretrained], panel: Panel, origins: Ints, horizon: int) -> Floats:
    """The quantiles of the pretrained networks at `sides.LEVELS` (3, S, H).

    Prices are forecast like other series here: their group of the blend stays near the naive forecast.
    """
    no_prices = np.zeros(len(panel), np.bool_)
    of_kind = by_kind(networks).__getitem__
    return zero_shot(panel, origins, horizon, of_kind, price=no_prices)[OF_SIDES]


def _above_zero(values: Floats, panel: Panel, origins: Ints, positive_series: Bools) -> Floats:
    """Forecasts of positive series, at least a tenth of the smallest known value: a line may fall below."""
    floor = np.where(positive_series, _least_known(panel, origins) / 10, -np.inf)
    return np.maximum(values, floor[:, None])


def _least_known(panel: Panel, origins: Ints) -> Floats:
    """The smallest known value of each series (S,); infinite where nothing is known."""
    known = known_target(panel, origins)
    return np.asarray(np.minimum.reduceat(np.where(known, panel.target, np.inf), panel.offsets[:-1]))


def _member_forecast(member: Member, fitted: Transform, panel: Panel, origins: Ints) -> Floats:
    """One member's forecasts in the user's units (S, H)."""
    config = member.config
    windows = Windows.of(panel, fitted, config, origins)
    series = np.flatnonzero(origins >= 1)
    starts = origins[series]
    with ShardedNetwork(member.network) as sharded:
        outputs = sharded.predict(
            lambda start, stop: windows.inputs(series[start:stop], starts[start:stop]), len(series)
        )
    z = outputs.T.astype(np.float64) + windows.level(series, starts)[:, None]  # (B, H)
    result = np.full((len(panel), config.horizon), np.nan)
    result[series] = fitted.invert(z, series, starts)
    return result
