"""Learn: all that a model is made of, from a panel, and a backtest on its newest rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Options, ReadConfig
from forecaster.data.panel import Panel
from forecaster.data.series.hierarchy.tree import levels_of
from forecaster.evaluation.backtest import Backtest, anything_before, held_out
from forecaster.features.groups import GROUPS
from forecaster.features.view import cleaned
from forecaster.forecasting.components import blended
from forecaster.forecasting.forecast import with_intervals
from forecaster.forecasting.uncertainty import fit_distribution
from forecaster.intervals.distribution import Distribution
from forecaster.methods.baselines import first_origins
from forecaster.methods.blend import PRETRAINED
from forecaster.model.held_forecasts import HeldForecasts
from forecaster.model.model import Facts, Model, hashes
from forecaster.pipeline.rolling import asked, beside_baselines, made_of, rolled
from forecaster.training import fit as fitting
from forecaster.training.blend_weights import try_all
from forecaster.training.checkpoint import Checkpoint
from forecaster.training.ensemble import Crew, Listener
from forecaster.training.fit import Fit
from forecaster.training.plan import reported_origins


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned from a panel."""

    options: Options
    panel: Panel
    fit: Fit
    errors: Distribution
    backtest: Backtest | None
    """On the newest rows, by networks and blend that had not seen them; None where nothing was held out."""
    held_out_from: Fit
    """What the backtest tests."""
    tested: Model | None = None
    """The same as a model: it has not seen the newest rows."""

    def model(self, facts: Facts) -> Model:
        """The model, with the facts that it remembers."""
        return _model(self.panel, self.fit, self.options, self.errors, facts)


def learn(
    panel: Panel,
    horizon: int,
    options: Options,
    on_event: Listener | None = None,
    checkpoint: Checkpoint | None = None,
    crew: Crew | None = None,
) -> Learned:
    """Learn from all rows of the panel.

    The newest horizons of each series that is long enough are the test part, and the rows before them the
    validation part. The backtest is of networks trained on neither. Unless `options.refit` is off, the
    networks are then trained on all rows, and the weights of the blend use the test part too. With
    `checkpoint`, a training that was interrupted goes on, to the same result. `crew`: what trains networks.
    """
    origins = reported_origins(panel, horizon)
    if not np.isfinite(held_out(panel, origins, horizon)).any():
        return _learn_unreported(panel, horizon, options, on_event, checkpoint, crew)
    known = known_before(panel, origins, horizon)
    until = panel.lengths
    fit = fitting.fit(panel, known, horizon, options, on_event, until=until, checkpoint=checkpoint, crew=crew)
    origins = np.where(fit.parts.train > 0, origins, -1)
    forecasts, quantiles = try_all(panel, fit.networks, fit.blend, origins)
    point = _blended(panel, fit, origins, forecasts)
    tested = _tested(panel, fit, options)
    backtest = _backtest(panel, tested, fit, origins, point, quantiles)
    if options.refit and not fit.interrupted:
        reweighed = fitting.weigh_again(panel, fit, origins, forecasts)
        final = fitting.refit(panel, panel.lengths, reweighed, options, on_event, checkpoint, crew)
    else:
        final = fitting.without_idle(fit)
    errors = _distribution(panel, final, origins, point, quantiles)
    return Learned(options, panel, final, errors, backtest, fit, tested)


def learn_before(panel: Panel, horizon: int, options: Options) -> Model | None:
    """The model that `learn` tests, which has not seen the newest rows; None where none are held out."""
    origins = reported_origins(panel, horizon)
    if not np.isfinite(held_out(panel, origins, horizon)).any():
        return None
    known = known_before(panel, origins, horizon)
    return _tested(panel, fitting.fit(panel, known, horizon, options, until=panel.lengths), options)


def known_before(panel: Panel, origins: Ints, horizon: int) -> Ints:
    """The rows of each series (S,) before its first origin; of series without one, those before the horizon
    that would be held out.
    """
    first = first_origins(origins)
    return np.where(first > 0, first, np.maximum(panel.lengths - horizon, 0))


def _learn_unreported(
    panel: Panel,
    horizon: int,
    options: Options,
    on_event: Listener | None,
    checkpoint: Checkpoint | None,
    crew: Crew | None,
) -> Learned:
    """Learn without a backtest, because no series is long enough to hold anything out."""
    fit = fitting.fit(panel, panel.lengths, horizon, options, on_event, checkpoint=checkpoint, crew=crew)
    pretrained = fit.quantiles if _anything_but_prices(fit) else None
    errors = fit_distribution(panel, fit.origins, fit.point, fit.blend, pretrained)
    return Learned(options, panel, fit, errors, None, fit)


def _blended(panel: Panel, fit: Fit, origins: Ints, forecasts: dict[str, Floats]) -> Floats:
    """The blend (O, S, H) of forecasts of components {name: (O, S, H)}."""
    points = []
    for number, origin in enumerate(np.maximum(origins, 0)):
        one = {name: values[number] for name, values in forecasts.items()}
        points.append(blended(one, fit.blend, cleaned(panel, origin, fit.blend.scales), origin))
    return np.stack(points)


def _tested(panel: Panel, fit: Fit, options: Options) -> Model:
    """The model of a fit, with intervals that only validation has calibrated."""
    known = fit.quantiles if _anything_but_prices(fit) else None
    errors = fit_distribution(panel, fit.origins, fit.point, fit.blend, known)
    return _model(panel, fit, options, errors, facts_without_source(panel))


def _backtest(
    panel: Panel, model: Model, fit: Fit, origins: Ints, point: Floats, pretrained: Floats | None
) -> Backtest:
    """The backtest of forecasts `point` (O, S, H) by the model of a fit.

    `pretrained`: quantiles of the pretrained networks (O, 3, S, H).
    """
    options, errors = model.options, model.distribution
    assert errors is not None
    if not errors.network_share:
        pretrained = None
    forecasts = []
    for number, origin in enumerate(origins):
        used = anything_before(panel, origin[None])[0]
        if not used.any():
            continue
        part = panel if used.all() else panel.only(np.repeat(used, panel.lengths))
        view = cleaned(part, origin[used], fit.blend.scales)
        sides = None if pretrained is None else pretrained[number][:, used]
        made = with_intervals(
            model, part, view, origin[used], point[number, used], sides, options.levels, asked(options)
        )
        forecasts.append((number, made_of(np.flatnonzero(used), made)))
    groups = levels_of(panel) or tuple(GROUPS[group] for group in fit.groups)
    return beside_baselines(panel, origins, rolled(origins.shape, forecasts), options.levels, groups)


def _distribution(
    panel: Panel, fit: Fit, origins: Ints, point: Floats, quantiles: Floats | None
) -> Distribution:
    """The sizes of errors, learned from the forecasts of validation and of the test.

    `origins`, `point` and `quantiles` of the pretrained networks are those of the test.
    """
    pretrained = None
    if fit.quantiles is not None and quantiles is not None and _anything_but_prices(fit):
        pretrained = np.concatenate([fit.quantiles, quantiles])
    origins, point = np.concatenate([fit.origins, origins]), np.concatenate([fit.point, point])
    return fit_distribution(panel, origins, point, fit.blend, pretrained)


def _anything_but_prices(fit: Fit) -> bool:
    """Whether any series gets calibrated intervals: those of prices come from their network."""
    knows_prices = any(network.kind == "prices" for network in fit.pretrained)
    return not knows_prices or bool((fit.groups != GROUPS.index("price")).any())


def _model(panel: Panel, fit: Fit, options: Options, errors: Distribution, facts: Facts) -> Model:
    """A model with all that it needs to forecast."""
    options = dataclasses.replace(options, workers=None)  # never changes the result, nor the file
    used = tuple(network for network in fit.pretrained if network.kind in _kinds_used(fit, errors))
    members, held = fit.networks.trained, fit.held
    kept = HeldForecasts.of(panel, held.origins, held.blocks, held.forecasts)
    return Model(options, members, fit.blend, None, facts, errors, hashes(panel.ids), used, kept)


def _kinds_used(fit: Fit, errors: Distribution) -> set[str]:
    """The kinds of pretrained networks that the model needs: of prices for intervals, others to blend too."""
    kinds = {network.kind for network in fit.pretrained}
    others = PRETRAINED in fit.blend.components or errors.network_share > 0
    prices = bool((fit.groups == GROUPS.index("price")).any())
    return {kind for kind in kinds if (prices if kind == "prices" else others)}


def facts_without_source(panel: Panel) -> Facts:
    """What a model that is never saved remembers of its data."""
    return Facts(
        source="",
        read=ReadConfig(),
        names=panel.names,
        frequency=panel.frequency,
        series=len(panel),
        rows=len(panel.values),
        first=int(panel.time.min()),
        last=int(panel.time.max()),
    )
