"""Rolling: forecasts from several origins, each from its past only, beside those of the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Options
from forecaster.data.panel import Panel
from forecaster.data.series.hierarchy.tree import levels_of
from forecaster.evaluation.backtest import Backtest, anything_before, backtest_of, lower_side, upper_side
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.interval_errors import GRID
from forecaster.features.groups import GROUPS
from forecaster.features.view import as_scored, cleaned
from forecaster.forecasting.forecast import Forecast
from forecaster.methods.baselines import backtest_baselines, first_origins
from forecaster.methods.opponents import opponent_forecasts
from forecaster.training.fit import groups_at
from forecaster.training.plan import smoothing_partner

Forecaster = Callable[[Panel, Ints], Forecast]
"""A panel and how many rows of each series are known (S,), all of them at least one -> the forecast."""


class Made(NamedTuple):
    """The forecasts of some series from one origin."""

    series: Ints  # (n,)
    point: Floats  # (n, H)
    quantiles: dict[float, Floats]
    """Level between 0 and 1 -> (n, H)."""


@dataclass(frozen=True, eq=False)
class Rolled:
    """Forecasts of one method from O origins; NaN where a series is not forecast."""

    point: Floats  # (O, S, H)
    quantiles: dict[float, Floats]
    """Level between 0 and 1 -> (O, S, H); empty: the method gives none."""


def roll(panel: Panel, origins: Ints, forecaster: Forecaster) -> Rolled:
    """The forecasts from each of the `origins` (O, S); none from before the first observed row."""
    made = [one_origin(panel, origin, forecaster) for origin in origins]
    return rolled((len(origins), len(panel)), [(n, each) for n, each in enumerate(made) if each is not None])


def one_origin(panel: Panel, origin: Ints, forecaster: Forecaster) -> Made | None:
    """What is forecast from an origin (S,); None where no series has an observed row before it."""
    used = anything_before(panel, origin[None])[0]
    if not used.any():
        return None
    part = panel if used.all() else panel.only(np.repeat(used, panel.lengths))
    return made_of(np.flatnonzero(used), forecaster(part, origin[used]))


def made_of(series: Ints, forecast: Forecast) -> Made:
    """The forecast of these series (n,), as `rolled` takes it."""
    return Made(series, forecast.point, _quantiles(forecast))


def rolled(shape: tuple[int, int], forecasts: Sequence[tuple[int, Made]]) -> Rolled:
    """The forecasts, each with the number of its origin, in one table of O origins and S series, the `shape`.
    At least one is something.
    """
    first = forecasts[0][1]
    full = *shape, first.point.shape[1]
    point = np.full(full, np.nan)
    quantiles = {level: np.full(full, np.nan) for level in first.quantiles}
    for number, made in forecasts:
        point[number, made.series] = made.point
        for level, values in made.quantiles.items():
            quantiles[level][number, made.series] = values
    return Rolled(point, quantiles)


def _quantiles(forecast: Forecast) -> dict[float, Floats]:
    """All quantiles of a forecast by their level, those of models that have no quantiles left out."""
    if not forecast.quantiles:
        return {}
    sides: dict[float, Floats] = {}
    for level, lower, upper in zip(forecast.levels, forecast.lower, forecast.upper, strict=True):
        sides |= {lower_side(level): lower, upper_side(level): upper}
    return sides | forecast.quantiles


def beside_baselines(
    panel: Panel,
    origins: Ints,
    model: Rolled,
    levels: tuple[int, ...],
    groups: tuple[str, ...],
    *,
    opponents: bool = False,
) -> Backtest:
    """The backtest of the model's forecasts, beside the baselines; without suspicious values. `opponents`:
    also beside Theta and AutoETS, which must be installed.

    None is asked to forecast a reading of 1e300, the naive forecast does not repeat it, and the mean of winds
    around north is north.
    """
    horizon = model.point.shape[2]
    panel = as_scored(panel)
    point = {MODEL: model.point} | backtest_baselines(panel, origins, horizon)
    if opponents:
        point |= opponent_forecasts(panel, origins, horizon)
    return backtest_of(panel, origins, point, horizon, model.quantiles, levels, groups)


def asked(options: Options) -> tuple[float, ...]:
    """The quantiles that a backtest needs besides the bounds of the intervals."""
    return tuple(sorted({*GRID, *options.quantiles}))


def kinds(panel: Panel, origins: Ints, options: Options) -> tuple[str, ...]:
    """The group of each series (S,) by its rows before the first of the `origins` (O, S); or its level."""
    if panel.levels:
        return levels_of(panel)
    known = np.maximum(first_origins(origins), 0)
    view = cleaned(panel, known, "each")
    groups = groups_at(view, known, smoothing_partner(view, known, options))
    return tuple(GROUPS[group] for group in groups)
