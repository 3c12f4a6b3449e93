"""Fit: networks and blend, fitted on the rows before an origin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Options
from forecaster.data.panel import Panel
from forecaster.features.groups import GROUPS
from forecaster.features.view import cleaned, possible
from forecaster.forecasting.components import combine, series_groups
from forecaster.intervals.sides import LEVELS as SIDE_LEVELS
from forecaster.methods.blend import PRETRAINED_SHARE, Blend, demand_weights, network_name, prior
from forecaster.methods.smoothing import methods_of
from forecaster.model.model import Networks
from forecaster.pretraining.store import Pretrained
from forecaster.pretraining.views import knows_prices
from forecaster.pretraining.zero_shot import networks_for
from forecaster.training import ensemble
from forecaster.training.blend_weights import choose_weights, try_all, validation_origins
from forecaster.training.checkpoint import Checkpoint
from forecaster.training.ensemble import Crew, Fitted, Listener
from forecaster.training.plan import Split, plan, smoothing_partner, split

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Held:
    """Forecasts of rows that no network had learned from."""

    origins: Ints  # (O, S)
    blocks: Ints  # (O,)
    forecasts: dict[str, Floats]  # (O, S, H) of each component


@dataclass(frozen=True, eq=False)
class Fit:
    """Networks, blend, and their forecasts from the validation origins."""

    fitted: tuple[Fitted, ...]
    blend: Blend
    parts: Split
    origins: Ints  # (O, S) validation origins; O = 0 where nothing could be held out
    blocks: Ints  # (O,) origins with the same number overlap
    forecasts: dict[str, Floats]  # (O, S, H) of each component from the validation origins
    groups: Ints  # (S,) which series behave alike
    interrupted: bool
    pretrained: tuple[Pretrained, ...] = ()
    quantiles: Floats | None = None
    """Those of the pretrained networks from the validation origins (O, 3, S, H); None without them."""
    tested: Held | None = None
    """The forecasts of validation and test, if the blend was weighed by both."""

    @property
    def held(self) -> Held:
        """All forecasts by which the blend was weighed."""
        return self.tested or Held(self.origins, self.blocks, self.forecasts)

    @property
    def point(self) -> Floats:
        """Forecasts of the blend from the validation origins (O, S, H)."""
        if not len(self.origins):
            return np.empty((0, self.origins.shape[1], self.fitted[0].member.config.horizon))
        return combine(self.forecasts, self.blend, self.groups)

    @property
    def curves(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        """Step and validation loss at each validation pass of each network."""
        return tuple(item.outcome.curve for item in self.fitted)

    @property
    def networks(self) -> Networks:
        return _networks(self.fitted, self.pretrained)


def _networks(fitted: tuple[Fitted, ...], pretrained: tuple[Pretrained, ...]) -> Networks:
    return Networks(tuple(item.member for item in fitted), pretrained)


def fit(
    panel: Panel,
    known: Ints,
    horizon: int,
    options: Options,
    on_event: Listener | None = None,
    *,
    until: Ints | None = None,
    checkpoint: Checkpoint | None = None,
    crew: Crew | None = None,
) -> Fit:
    """Fit on the first known[s] rows of each series, the newest of which are held out for validation.

    Series too short to hold anything out are used in `refit` only. If all are too short, the networks train
    on them for all configured steps and the blend is the prior. `until` (S,): how many rows the final
    forecast will know, which says what seasons there may be; None: the known ones. `checkpoint`: where an
    interrupted run has left its networks, and this one leaves its own. `crew`: what trains them.
    """
    parts = split(known, horizon)
    view = cleaned(panel, known, "each")
    pretrained = networks_for(panel.frequency) if options.pretrained else ()
    if not parts.series.size:
        configs = plan(view, known, horizon, options)
        fitted = ensemble.fit_unvalidated(view, known, configs, options, on_event, checkpoint, crew)
        partner = smoothing_partner(view, known, options)
        share = PRETRAINED_SHARE["seasonal" if partner.seasons else "plain"] if pretrained else 0.0
        weights = prior(len(fitted), methods_of(partner), int(known.sum()), share)
        blend = dataclasses.replace(partner, weights=weights)
        origins = np.full((0, len(panel)), -1)
        groups = groups_at(view, known, blend)
        blend = dataclasses.replace(
            blend, by_group=_unvalidated(groups, prices=knows_prices(panel.frequency))
        )
        interrupted = _interrupted(fitted)
        nothing = np.empty((0, len(SIDE_LEVELS), len(panel), horizon)) if pretrained else None
        return Fit(fitted, blend, parts, origins, origins[:, 0], {}, groups, interrupted, pretrained, nothing)
    seen = view
    if panel.known is not None:  # no network learns from an effect that the validation part has shown
        seen = cleaned(panel, known, "each", np.where(parts.train > 0, parts.train, known))
    configs = plan(seen, parts.train, horizon, options)
    fitted = ensemble.fit(seen, parts, configs, options, on_event, checkpoint, crew)
    partner = smoothing_partner(view, parts.train, options, known if until is None else until)
    origins, blocks = validation_origins(parts, horizon)
    forecasts, quantiles = try_all(panel, _networks(fitted, pretrained), partner, origins)
    groups = groups_at(view, known, partner)
    blend = choose_weights(panel, partner, forecasts, origins, blocks, groups)
    interrupted = _interrupted(fitted)
    return Fit(fitted, blend, parts, origins, blocks, forecasts, groups, interrupted, pretrained, quantiles)


def weigh_again(panel: Panel, first: Fit, origins: Ints, more: Mapping[str, Floats]) -> Fit:
    """The same networks with blend weights that use the test origins `origins` (O, S) too.

    `more`: forecasts of each component from there {name: (O, S, H)}. Call it after the report is scored: the
    final model forecasts from after all rows and may learn from them.
    """
    names = [name for name in first.forecasts if name in more]
    forecasts = {name: np.concatenate([first.forecasts[name], more[name]]) for name in names}
    blocks = np.concatenate([first.blocks, first.blocks.max(initial=-1) + 1 + np.arange(len(origins))])
    joined = np.concatenate([first.origins, origins])
    blend = choose_weights(panel, first.blend, forecasts, joined, blocks, first.groups)
    return dataclasses.replace(first, blend=blend, tested=Held(joined, blocks, forecasts))


def groups_at(view: Panel, known: Ints, blend: Blend) -> Ints:
    limits = possible(view, known, 1, scales=blend.scales, limits=blend.limits)
    return series_groups(view, known, blend, limits)


def _unvalidated(groups: Ints, *, prices: bool) -> dict[str, dict[str, float]]:
    """Weights of the groups that have a prior of their own, where nothing could be validated.

    `prices`: whether what moves like a price is one.
    """
    priors = {"price": {"naive": 1.0}} if prices else {}
    priors["intermittent"] = demand_weights({})
    return {name: weights for name, weights in priors.items() if GROUPS.index(name) in groups}


def _interrupted(fitted: tuple[Fitted, ...]) -> bool:
    return any(item.outcome.interrupted for item in fitted)


def without_idle(first: Fit) -> Fit:
    """Drop networks without weight and renumber the others; at least one stays, since a model needs one."""
    blend = first.blend
    kept = [number for number in range(len(first.fitted)) if network_name(number) in blend.components] or [0]
    renamed = {network_name(old): network_name(new) for new, old in enumerate(kept)}
    dropped = {network_name(number) for number in range(len(first.fitted))} - renamed.keys()

    def names(weights: Mapping[str, T]) -> dict[str, T]:
        return {renamed.get(name, name): value for name, value in weights.items() if name not in dropped}

    by_group = {group: names(weights) for group, weights in blend.by_group.items()}
    tested = first.tested and dataclasses.replace(first.tested, forecasts=names(first.tested.forecasts))
    return dataclasses.replace(
        first,
        tested=tested,
        fitted=tuple(first.fitted[number] for number in kept),
        blend=dataclasses.replace(blend, weights=names(blend.weights), by_group=by_group),
        forecasts=names(first.forecasts),
    )


def refit(
    panel: Panel,
    known: Ints,
    first: Fit,
    options: Options,
    on_event: Listener | None = None,
    checkpoint: Checkpoint | None = None,
    crew: Crew | None = None,
) -> Fit:
    """Train the networks on all known rows; the blend stays.

    Returns `first` itself if it was interrupted or was already trained on all rows. If the newest rows have
    no logarithm, everything is fitted again without logarithms.
    """
    first = without_idle(first)
    if first.interrupted or not first.parts.series.size:
        return first
    view = cleaned(panel, known, "each")
    again = ensemble.refit(view, known, first.fitted, options, on_event, checkpoint, crew)
    return dataclasses.replace(first, fitted=again, interrupted=_interrupted(again))
