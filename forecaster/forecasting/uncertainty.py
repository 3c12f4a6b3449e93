"""What the room `intervals` needs of a panel and a model: the past of each series, its kind, the seasons."""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import Panel
from forecaster.data.series.level_shifts import lone_jumps, spliced
from forecaster.evaluation.backtest import held_out
from forecaster.features.history import known_target
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, UNITS, powers
from forecaster.features.seasonal_position import row_numbers
from forecaster.features.view import cleaned, comparable
from forecaster.intervals.demand import demand_quantiles
from forecaster.intervals.distribution import Distribution, Quantiles, fit
from forecaster.intervals.past import PastRows
from forecaster.intervals.regimes import change_points
from forecaster.intervals.sides import side_errors
from forecaster.methods.blend import Blend
from forecaster.model.model import Model

SCALES = (UNITS, LOGARITHMS, ROOTS)
"""Series seen in one scale are of one kind: their errors are pooled."""


def fit_distribution(
    panel: Panel, origins: Ints, point: Floats, blend: Blend, pretrained: Floats | None = None
) -> Distribution:
    """Learn the size and shape of errors from held-out forecasts `point` (O, S, H) from `origins` (O, S).

    O may be 0: then the past of each series alone, and the pretrained networks, say how wide its intervals
    are. `pretrained`: quantiles of these networks at `sides.LEVELS` (O, 3, S, H); None: they have no part.
    """
    newest = np.max(origins, axis=0) if len(origins) else panel.lengths
    power = _powers(cleaned(panel, newest, blend.scales), newest, blend)
    histories = []
    for row in origins if len(origins) else panel.lengths[None]:
        histories.append(past(cleaned(panel, row, blend.scales), row, power))
    actual = held_out(panel, origins, point.shape[2])
    if len(origins) and blend.scales != "table":
        actual = comparable(panel, origins, actual, point)
    sides = None
    if pretrained is not None:
        sides = np.empty((len(pretrained), 2, *point.shape[1:]))
        for number, each in enumerate(pretrained):
            sides[number] = side_errors(each, histories[0].log)
    return fit(histories, point, actual, _kinds(power), len(SCALES), _seasons(panel), sides)


def quantiles(
    model: Model, panel: Panel, origins: Ints, point: Floats, pretrained: Floats | None = None
) -> Quantiles:
    """The distributions of the forecasts `point` (S, H) from the first `origins[s]` rows of each series.

    `panel` is `cleaned` at the origins. `pretrained`: quantiles of the pretrained networks (3, S, H), where
    they have a share in the model's intervals.
    """
    assert model.distribution is not None
    power = _powers(panel, origins, model.blend)
    factors = model.factors_of(panel.ids)
    history = past(panel, origins, power)
    point = _with_a_factor(point, panel, origins, history.log)
    sides = None if pretrained is None else side_errors(pretrained, history.log)
    return model.distribution.forecast(history, point, _kinds(power), _seasons(panel), factors, sides)


def _with_a_factor(point: Floats, panel: Panel, origins: Ints, log: Bools) -> Floats:
    """The points (S, H); in logarithms, the least value so far instead of zero or less.

    A line may fall to zero. The errors of such a series are factors, and zero times these would be certain.
    """
    if not (log[:, None] & (point <= 0)).any():
        return point
    known = known_target(panel, origins) & (panel.target > 0)
    least = np.minimum.reduceat(np.where(known, panel.target, np.inf), panel.offsets[:-1])
    lifted = (log & np.isfinite(least))[:, None] & (point <= 0)
    return np.where(lifted, np.where(np.isfinite(least), least, 0.0)[:, None], point)


def demand(panel: Panel, origins: Ints, sparse: Ints, levels: Floats) -> Floats:
    """Quantiles (B, Q) of the series `sparse` (B,) with intermittent demand, in their units."""
    return demand_quantiles(past(panel, origins, np.full(len(panel), UNITS)), sparse, levels)


def past(panel: Panel, origins: Ints, power: Floats) -> PastRows:
    """The known rows of each series, from its newest change of level or scale on, without a lone jump."""
    season = min(_seasons(panel), default=1)
    first = row_numbers(panel, panel.offsets[:-1]) % season
    nothing = np.zeros(len(panel), np.int64)
    log = power == LOGARITHMS
    jumps = lone_jumps(panel.target, panel.target_observed, panel.offsets, origins, log)
    values = spliced(panel.target, panel.offsets, jumps) if len(jumps.row) else panel.target
    whole = PastRows(values, panel.target_observed, panel.offsets[:-1], origins, log, nothing, first)
    return dataclasses.replace(whole, begins=change_points(whole, season))


def _powers(panel: Panel, origins: Ints, blend: Blend) -> Floats:
    return powers(panel, origins, blend.scales) if blend.log else np.full(len(panel), UNITS)


def _kinds(power: Floats) -> Ints:
    return np.argmax(power[:, None] == np.array(SCALES), axis=1)


def _seasons(panel: Panel) -> tuple[int, ...]:
    """Seasons longer than one row, shortest first. None whose positions holidays shift."""
    return tuple(sorted(season for season in panel.frequency.counted_seasons if season > 1))
