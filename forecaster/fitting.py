"""Fit: everything learned from the rows before an origin, networks and blend together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecaster import ensemble
from forecaster.blend import Blend, network_name, prior
from forecaster.config import Options
from forecaster.data.panel import Panel
from forecaster.defaults import Split, plan, smoothing_partner, split
from forecaster.ensemble import Fitted, Listener
from forecaster.forecasting import combine
from forecaster.model import Member
from forecaster.transform import positive
from forecaster.validation import choose_weights, try_components, validation_ends

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """Networks, blend, and what the blend forecast from the validation origins."""

    fitted: tuple[Fitted, ...]
    blend: Blend
    parts: Split
    ends: Ints  # (O, S) validation origins; O = 0 where nothing could be held out
    point: Floats  # (O, S, H)
    interrupted: bool

    @property
    def members(self) -> tuple[Member, ...]:
        return tuple(item.member for item in self.fitted)


def fit(panel: Panel, known: Ints, horizon: int, options: Options, on_event: Listener | None = None) -> Fit:
    """Learn from the first known[s] rows of each series, the newest of which validate.

    Series too short to hold anything out teach only in `refit`; where all are, the networks train for all
    the steps configured and the blend is the prior.
    """
    parts = split(known, horizon)
    if options.log is None:
        options = dataclasses.replace(options, log=positive(panel, known))
    if not parts.series.size:
        configs = plan(panel, known, horizon, options)
        fitted = ensemble.fit_unvalidated(panel, known, configs, options, on_event)
        blend = dataclasses.replace(smoothing_partner(panel, known, options), weights=prior(len(fitted)))
        ends, point = np.full((0, len(panel)), -1), np.empty((0, len(panel), horizon))
        return Fit(fitted, blend, parts, ends, point, _interrupted(fitted))
    fitted = ensemble.fit(panel, parts, plan(panel, parts.train, horizon, options), options, on_event)
    partner = smoothing_partner(panel, parts.train, options)
    ends, blocks = validation_ends(parts, horizon)
    forecasts = try_components(panel, [item.member for item in fitted], partner, ends)
    weights = choose_weights(panel, forecasts, ends, blocks, panel.frequency.season)
    point = combine(forecasts, weights)
    kept, weights = _without_idle(fitted, weights)
    blend = dataclasses.replace(partner, weights=weights)
    return Fit(kept, blend, parts, ends, point, _interrupted(fitted))


def _interrupted(fitted: tuple[Fitted, ...]) -> bool:
    return any(item.outcome.interrupted for item in fitted)


def _without_idle(
    fitted: tuple[Fitted, ...], weights: dict[str, float]
) -> tuple[tuple[Fitted, ...], dict[str, float]]:
    """Leave out networks without weight, and number the others anew; one stays, for the model's shape."""
    kept = [number for number in range(len(fitted)) if network_name(number) in weights] or [0]
    renamed = {network_name(old): network_name(new) for new, old in enumerate(kept)}
    return tuple(fitted[number] for number in kept), {
        renamed.get(name, name): weight for name, weight in weights.items()
    }


def refit(panel: Panel, known: Ints, first: Fit, options: Options, on_event: Listener | None = None) -> Fit:
    """Train the networks again, on all known rows, with the steps and the blend that validation chose.

    `first` itself where it was interrupted, or had already learned from all rows. Where the newest rows have
    no logarithm, everything is learned anew without.
    """
    if options.log is None and first.blend.log and not first.interrupted and not positive(panel, known):
        first = fit(panel, known, first.point.shape[2], options, on_event)
    if first.interrupted or not first.parts.series.size:
        return first
    again = ensemble.refit(panel, known, first.fitted, options, on_event)
    return dataclasses.replace(first, fitted=again, interrupted=_interrupted(again))
