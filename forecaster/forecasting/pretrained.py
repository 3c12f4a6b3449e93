"""Forecasts by the pretrained networks alone: no training, no model file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import Limits, Scales
from forecaster.data.panel import Panel
from forecaster.features.effects.effect import restored, with_effect
from forecaster.features.groups import is_sparse
from forecaster.features.value_range import KINDS
from forecaster.features.view import Possible, cleaned, possible
from forecaster.forecasting.components import constant_series
from forecaster.forecasting.forecast import Forecast, check_finite, finished, levels_of
from forecaster.forecasting.quantile_table import TableQuantiles, root_of
from forecaster.machine import memory
from forecaster.methods.blend import DEMAND
from forecaster.methods.smoothing import demand_forecasts
from forecaster.pretraining.network import LEVELS, SIDE
from forecaster.pretraining.store import load
from forecaster.pretraining.views import STEP, knows_prices, view_of
from forecaster.pretraining.zero_shot import steps_of, zero_shot

SCALES: Scales = "each"
COPIES = 4
"""Copies of all quantiles while they are brought within what is possible."""
BEYOND = 0.02
"""What each step has of its own: two steps beyond the network's horizon never depend on each other wholly."""


def forecast_pretrained(
    panel: Panel,
    horizon: int,
    *,
    levels: tuple[int, ...] = (80, 95),
    quantiles: Sequence[float] = (),
    limits: Limits = Limits(),
    origins: Ints | None = None,
) -> Forecast:
    """Forecast each series `horizon` steps from its newest row, or from after its first origins[s] rows.

    Raises ModelError where the forecast of a series is not finite.
    """
    last = int(panel.time[panel.offsets[1:] - 1].max())
    panel.frequency.future_times(last, horizon, panel.names.tz)  # DataError where these are no times
    memory.require(
        8 * (COPIES * len(panel) * horizon * len(LEVELS) + 3 * horizon * horizon),
        f"a forecast of {horizon:,} steps of {len(panel):,} series",
        hint="Use a smaller --horizon, or a longer step such as --every D.",
    )
    origins = panel.lengths if origins is None else origins
    view = cleaned(panel, origins, SCALES)
    able = possible(view, origins, horizon, scales=SCALES, limits=limits)
    table = quantiles_at(view, origins, horizon, able)
    check_finite(panel, table[SIDE])
    asked = levels_of(quantiles)
    spread = TableQuantiles(table, *_dependence(view, horizon, _prices(able)))
    return finished(panel, view, origins, table[SIDE], spread, able, levels, asked)


def quantiles_at(panel: Panel, origins: Ints, horizon: int, able: Possible) -> Floats:
    """Quantiles at `network.LEVELS` (Q, S, H). A series that was constant so far stays so; the point of
    intermittent demand is its expectation.
    """
    result = zero_shot(panel, origins, horizon, load, price=_prices(able))
    sparse = able.intermittent & is_sparse(panel, origins)
    if sparse.any():
        expected = demand_forecasts(panel, origins, horizon)
        result[SIDE, sparse] = np.mean([expected[name][sparse] for name in DEMAND], axis=0)
    result = restored(panel, result, origins)
    value, constant = constant_series(with_effect(panel), origins)
    result[:, constant] = value[constant, None]
    return result


def _prices(able: Possible) -> Bools:
    """Series that move like prices (S,)."""
    return np.asarray(able.limits.kind == KINDS.index("price"))


def _dependence(panel: Panel, horizon: int, price: Bools) -> tuple[Floats, Ints]:
    """Roots (1 or 2, H, H) of the correlations along the horizon, the second for prices; which (S,)."""
    view = view_of(panel.frequency)
    roots = [root_of(load(view.kind), steps_of(view, horizon), STEP[view.kind])]
    if not knows_prices(panel.frequency):
        return np.stack(roots), np.zeros(len(panel), np.int64)
    roots.append(root_of(load("prices"), np.arange(horizon), STEP["prices"]))
    return np.stack(roots), price.astype(np.int64)
