"""Forecasts by the pretrained networks alone: no training, no model file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Limits, Scales
from forecaster.data.panel import Panel
from forecaster.features.groups import is_sparse
from forecaster.features.value_range import KINDS
from forecaster.features.view import cleaned, possible
from forecaster.forecasting.components import constant_series
from forecaster.forecasting.forecast import Forecast, check_finite, finished, levels_of
from forecaster.methods.blend import DEMAND
from forecaster.methods.smoothing import demand_forecasts
from forecaster.pretraining.network import SCORES, SIDE
from forecaster.pretraining.store import Pretrained, load
from forecaster.pretraining.views import STEP, view_of
from forecaster.pretraining.zero_shot import steps_of, zero_shot

SCALES: Scales = "each"
BEYOND = 0.02
"""What each step has of its own: two steps beyond the network's horizon never depend on each other wholly."""


def forecast_pretrained(
    panel: Panel,
    horizon: int,
    *,
    levels: tuple[int, ...] = (80, 95),
    quantiles: Sequence[float] = (),
    limits: Limits = Limits(),
) -> Forecast:
    """Forecast each series `horizon` steps from its newest row.

    Raises ModelError where the forecast of a series is not finite.
    """
    origins = panel.lengths
    view = cleaned(panel, origins, SCALES)
    table = quantiles_at(view, origins, horizon, limits)
    check_finite(panel, table[SIDE])
    asked = levels_of(quantiles)
    spread = TableQuantiles(table, *_dependence(view, origins, horizon, limits))
    able = possible(view, origins, horizon, scales=SCALES, limits=limits)
    return finished(panel, view, origins, table[SIDE], spread, able, levels, asked)


def medians(panel: Panel, origins: Ints, horizon: int, limits: Limits) -> Floats:
    """The point forecasts (S, H) from the first origins[s] rows of each series; NaN without a known row.

    `panel` is `cleaned` at the origins.
    """
    point = quantiles_at(panel, origins, horizon, limits)[SIDE]
    return possible(panel, origins, horizon, scales=SCALES, limits=limits).point(point)


def quantiles_at(panel: Panel, origins: Ints, horizon: int, limits: Limits) -> Floats:
    """Quantiles at `network.LEVELS` (Q, S, H). A series that was constant so far stays so; the point of
    intermittent demand is its expectation.
    """
    able = possible(panel, origins, 1, scales=SCALES, limits=limits)
    price = able.limits.kind == KINDS.index("price")
    result = zero_shot(panel, origins, horizon, load, price=price)
    sparse = able.intermittent & is_sparse(panel, origins)
    if sparse.any():
        expected = demand_forecasts(panel, origins, horizon)
        result[SIDE, sparse] = np.mean([expected[name][sparse] for name in DEMAND], axis=0)
    value, constant = constant_series(panel, origins)
    result[:, constant] = value[constant, None]
    return result


@dataclass(frozen=True, eq=False)
class TableQuantiles:
    """Distributions of S series at H steps, given as quantiles at `network.LEVELS`.

    Between two of them a quantile is interpolated by its normal score; beyond the outermost the line goes on.
    """

    table: Floats  # (Q, S, H)
    roots: Floats  # (G, H, H) lower triangular: correlations of the normal scores are R Rᵀ
    kinds: Ints  # (S,)

    def quantile(self, level: float) -> Floats:
        """The quantile at a level between 0 and 1 (S, H)."""
        return self._at(
            np.full(self.table.shape[1:], NormalDist().inv_cdf(level)), np.arange(self.table.shape[1])
        )

    def samples(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` paths of each series (S, count, H); series one after the other draw from `rng`."""
        _, series, horizon = self.table.shape
        paths = np.empty((series, count, horizon))
        for number in range(series):
            scores = rng.standard_normal((count, horizon)) @ self.roots[self.kinds[number]].T
            paths[number] = self._at(scores, np.full(count, number))
        return paths

    def _at(self, scores: Floats, series: Ints) -> Floats:
        """The values (B, H) with these normal scores, of series (B,)."""
        right = np.clip(np.searchsorted(SCORES, scores), 1, len(SCORES) - 1)
        share = (scores - SCORES[right - 1]) / (SCORES[right] - SCORES[right - 1])
        steps = np.arange(scores.shape[1])
        low, high = (self.table[place, series[:, None], steps] for place in (right - 1, right))
        return low + share * (high - low)


def _dependence(panel: Panel, origins: Ints, horizon: int, limits: Limits) -> tuple[Floats, Ints]:
    """Roots (2, H, H) of the correlations along the horizon, of prices and of other series; which (S,)."""
    able = possible(panel, origins, 1, scales=SCALES, limits=limits)
    price = able.limits.kind == KINDS.index("price")
    view = view_of(panel.frequency)
    roots = [
        _root(load("prices"), np.arange(horizon), STEP["prices"]),
        _root(load(view.kind), steps_of(view, horizon), STEP[view.kind]),
    ]
    return np.stack(roots), np.where(price, 0, 1)


def _root(network: Pretrained, steps: Ints, season: int) -> Floats:
    """The root (H, H) for steps (H,) of a network; those beyond its horizon count as a season earlier."""
    known = len(network.dependence)
    beyond = np.maximum(-(-(steps - known + 1) // season), 0) * season
    steps = np.maximum(steps - beyond, 0)
    correlation = (network.dependence @ network.dependence.T)[steps[:, None], steps]
    mixed = (1 - BEYOND) * correlation + BEYOND * np.eye(len(steps))
    return np.asarray(np.linalg.cholesky(mixed), np.float64)
