"""Validation: forecasts of every component from earlier origins, whose targets no network trained on.

They give the weights of the blend and, together with the test part, calibrate the intervals.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.panel import Panel
from forecaster.evaluation.backtest import held_out
from forecaster.evaluation.scores import mase_scales
from forecaster.features.groups import GROUPS
from forecaster.features.view import cleaned
from forecaster.forecasting.components import Components, forecast_components
from forecaster.methods.blend import DEMAND, PRETRAINED_SHARE, Blend, demand_weights, fit_weights
from forecaster.model.model import Networks
from forecaster.pretraining.views import knows_prices
from forecaster.training.plan import Split

ORIGINS = 2
"""Validation origins per held-out horizon: more would overlap further and add little information."""
LEAST_ORIGINS, MOST_ROWS = 8, 10_000_000
"""Origins times known rows at most, but for the least: every component reads all rows at each origin."""


def validation_origins(parts: Split, horizon: int) -> tuple[Ints, Ints]:
    """Origins (O, S) whose targets lie in the validation part, and the block of each (O,).

    Origins of one block share targets; those of different blocks share none, except at the edge. -1 where a
    series is not used.
    """
    room = np.where(parts.train > 0, parts.validation - parts.train - horizon, -1)
    last = int(room.max(initial=-1))
    if last < 0:
        return np.full((0, len(parts.train)), -1), np.zeros(0, np.int64)
    rows = int(parts.validation.sum())
    most = min(last, ORIGINS * math.ceil(last / horizon), max(LEAST_ORIGINS, MOST_ROWS // rows))
    back = np.unique(np.linspace(last, 0, most + 1).astype(np.int64))[::-1]
    origins = parts.validation - horizon - back[:, None]  # (O, S), oldest first
    return np.where((room >= back[:, None]) & (parts.train > 0), origins, -1), -(-(last - back) // horizon)


def try_components(
    panel: Panel, networks: Networks, blend: Blend, origins: Ints, *, only: Sequence[str] | None = None
) -> dict[str, Floats]:
    """The points of `try_all` {name: (O, S, H)}; `only` these components, None: all."""
    return try_all(panel, networks, blend, origins, only=only).points


def try_all(
    panel: Panel, networks: Networks, blend: Blend, origins: Ints, *, only: Sequence[str] | None = None
) -> Components:
    """The components (`only` these; None: all) from each origin: points {name: (O, S, H)}, and quantiles of
    the pretrained networks (O, 3, S, H), None without them.
    """
    by_origin = []
    for origin in np.maximum(origins, 0):
        view = cleaned(panel, origin, blend.scales)
        by_origin.append(forecast_components(networks, blend, view, origin, only=only))
    points = [each.points for each in by_origin]
    names = [name for name in points[0] if all(name in components for components in points)]
    quantiles = [each.quantiles for each in by_origin if each.quantiles is not None]
    return Components(
        {name: np.stack([components[name] for components in points]) for name in names},
        np.stack(quantiles) if quantiles else None,
    )


def choose_weights(
    panel: Panel, blend: Blend, forecasts: Mapping[str, Floats], origins: Ints, blocks: Ints, groups: Ints
) -> Blend:
    """The blend with its weights, chosen by the forecasts from `origins` (O, S).

    Those of each group (S,) stay near the common ones; prices stay near the naive forecast, which hardly
    anything beats, and intermittent demand is forecast as an expectation.
    """
    horizon = next(iter(forecasts.values())).shape[2]
    known = np.max(origins, axis=0, initial=-1)
    scale = mase_scales(panel, known, panel.frequency.season)
    scale = np.where(scale > 0, scale, np.nan)[:, None]
    actual = held_out(panel, origins, horizon)
    residuals = {name: (actual - values) / scale for name, values in forecasts.items()}
    values = int(np.maximum(known, 0).sum())
    share = PRETRAINED_SHARE["seasonal" if blend.seasons else "plain"]
    common = fit_weights(residuals, blocks, values, pretrained=share)
    by_group = {}
    present = [group for group in np.unique(groups) if (known[groups == group] > 0).any()]
    for group in present:
        own = {name: values[:, groups == group] for name, values in residuals.items()}
        name = GROUPS[group]
        if name == "intermittent":
            by_group[name] = demand_weights({key: own[key] for key in DEMAND})
        elif name == "price" and knows_prices(panel.frequency):
            by_group[name] = fit_weights(own, blocks, values, {"naive": 1.0})
        elif len(present) > 1:
            by_group[name] = fit_weights(own, blocks, values, common)
    return dataclasses.replace(blend, weights=common, by_group=by_group)
