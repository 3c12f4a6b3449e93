"""Update: a model goes on learning from rows that are newer than it has seen.

Two passes. In the first, the newest of the new rows are held out: networks and blend learn from those before,
and both models forecast the rest, which neither has seen. In the second, the networks learn from all rows.
The weights of the blend and the sizes of errors follow the forecasts that the old networks made of the new
rows: they knew none of them.

S series, O origins in the new rows, H horizon.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.panel import Panel
from forecaster.features.view import cleaned
from forecaster.forecasting.components import blended, combine, pretrained_quantiles
from forecaster.forecasting.uncertainty import fit_distribution
from forecaster.intervals.distribution import Distribution
from forecaster.methods.blend import PRETRAINED, Blend, kind_of
from forecaster.model.held_forecasts import NOWHERE, HeldForecasts
from forecaster.model.model import Member, Model, Networks, hashes
from forecaster.training import ensemble
from forecaster.training.blend_weights import choose_weights, try_components
from forecaster.training.ensemble import Listener
from forecaster.training.fit import Held, groups_at
from forecaster.training.plan import VALIDATED

BLENDS = (1.0, 0.5, 0.0)
"""How far the weights of the blend may go from the old ones to the new: the held-out rows decide."""
STEPS, LEAST_STEPS = 0.08, 20
"""Steps of each pass, as a share of those of the training; at least so many."""
ENOUGH = 0.5
"""Share of the remembered origins that the data must have, else the blend stays as it is."""
APART = 2
"""Origins in the new rows for each horizon."""
LEAST_ORIGINS, MOST_ROWS = 4, 2_000_000
"""Origins times rows at most, but for the least: every component reads all rows at each origin."""


@dataclass(frozen=True, eq=False)
class NewRows:
    """The rows of a panel that are new to a model, and the origins in them."""

    seen: Ints  # (S,) rows that the model knows
    known: Ints  # (S,) rows before those held out
    origins: Ints  # (O, S) oldest first; -1: not forecast from there
    blocks: Ints  # (O,) origins with the same number overlap

    @property
    def tested(self) -> Ints:
        """The origins whose targets are held out (V, S): the last of `origins`."""
        origins = np.where(self.origins >= self.known, self.origins, -1)
        return origins[(origins >= 0).any(axis=1)]


class Part(NamedTuple):
    """What of a model has learned."""

    networks: bool
    blend: float
    """How far its weights have gone to the new ones: 0 to 1."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Both models on the held-out rows."""

    members: tuple[Member, ...]
    """The networks after the first pass."""
    held: Held | None
    """The forecasts that the blend is weighed by: those that the model keeps and those of the new rows."""
    old: Floats  # (V, S, H) from `NewRows.tested`
    new: dict[Part, Floats]
    """The same of the model of which a part has learned, all of it first."""


def rows_seen(model: Model, panel: Panel) -> Ints:
    """The rows of each series that the model knows (S,): up to its last timestamp; of a new series none."""
    early = np.r_[0, np.cumsum(panel.time <= model.facts.last)]
    seen = early[panel.offsets[1:]] - early[panel.offsets[:-1]]
    assert model.series is not None
    return np.where(np.isin(hashes(panel.ids), model.series), seen, 0)


def new_rows(panel: Panel, seen: Ints, horizon: int) -> NewRows:
    """What to hold out: half of the new rows, but at least one horizon, and as much as validation at most.

    Of series with fewer new rows all of them, and at most half of a series that is new as a whole.
    """
    lengths = panel.lengths
    first = np.where(seen > 0, seen, lengths - lengths // 2)  # the earliest origin
    new = lengths - first
    most = math.ceil(VALIDATED / math.sqrt(max(1, int((new > 0).sum())))) * horizon
    known = lengths - np.minimum(np.clip(new // 2, horizon, most), new)
    room = max(0, int(new.max()) - horizon)
    count = min(1 + APART * math.ceil(room / horizon), max(LEAST_ORIGINS, MOST_ROWS // len(panel.values)))
    back = np.unique(np.linspace(0, room, count).astype(np.int64))[::-1]
    origins = lengths - horizon - back[:, None]  # (O, S)
    origins[-1] = np.maximum(origins[-1], first)
    origins = np.where((origins >= first) & (new > 0), origins, -1)
    return NewRows(seen, known, origins, -(-(room - back) // horizon))


def try_new_rows(
    model: Model, panel: Panel, rows: NewRows, workers: int | None, on_event: Listener | None
) -> Trial:
    """The first pass, and the forecasts of both models."""
    networks, tested = _networks(model), rows.tested
    forecasts = try_components(panel, networks, model.blend, rows.origins)
    seen = np.minimum(rows.seen, rows.known)
    members = _go_on(model, panel, rows.known, seen, "train", model.members, workers, on_event)
    held = _with_kept(model, panel, rows, forecasts)
    blends = _without_own_targets(model, panel, held, rows)
    old = {name: values[len(rows.origins) - len(tested) :] for name, values in forecasts.items()}
    names = [name for name in forecasts if kind_of(name) == "network"]
    again = Networks(members, networks.pretrained)
    new = old | try_components(panel, again, model.blend, tested, only=names)
    steps = (0.0,) if held is None else BLENDS
    points = {
        Part(trained, step): _points(panel, [_between(model.blend, b, step) for b in blends], each, tested)
        for trained, each in ((True, new), (False, old))
        for step in steps
    }
    return Trial(members, held, points.pop(Part(False, 0.0)), points)


def learned_from_all(
    model: Model,
    panel: Panel,
    rows: NewRows,
    trial: Trial,
    part: Part,
    workers: int | None,
    on_event: Listener | None,
) -> Model:
    """The second pass: the model of which this part has learned from all rows; its facts are the old ones."""
    members, held, blend = model.members, trial.held, model.blend
    if part.networks:
        members = _go_on(model, panel, panel.lengths, rows.seen, "refit", trial.members, workers, on_event)
    if part.blend:
        blend = _between(blend, _reweighed(model, panel, held, panel.lengths), part.blend)
    if held is None:
        kept = model.held and model.held.take(_places(model, panel))
    else:
        most = 1 + math.ceil(VALIDATED / math.sqrt(len(panel)))
        kept = HeldForecasts.of(panel, held.origins, held.blocks, held.forecasts, most)
    return dataclasses.replace(
        model,
        members=members,
        blend=blend,
        distribution=_distribution(model, panel, held, blend),
        series=hashes(panel.ids),
        held=kept,
    )


def _with_kept(model: Model, panel: Panel, rows: NewRows, forecasts: dict[str, Floats]) -> Held | None:
    """Those that the model keeps, followed by forecasts of the new rows.

    None where the model remembers nothing, or too little of the panel to weigh a blend by.
    """
    if model.held is None:
        return None
    places = _places(model, panel)
    origins, old = model.held.in_panel(panel, places)
    if (origins >= 0).sum() < ENOUGH * (model.held.take(places).times != NOWHERE).sum() or (
        origins < 0
    ).all():
        return None
    blocks = np.concatenate([model.held.blocks, model.held.blocks.max() + 1 + rows.blocks])
    joined = {name: np.concatenate([old[name], new]) for name, new in forecasts.items() if name in old}
    return Held(np.concatenate([origins, rows.origins]), blocks, joined)


def _places(model: Model, panel: Panel) -> Ints:
    """Where the model has each series of the panel (S,); −1: nowhere."""
    assert model.series is not None
    places = {each: place for place, each in enumerate(model.series.tolist())}
    return np.array([places.get(each, -1) for each in hashes(panel.ids).tolist()])


def _networks(model: Model) -> Networks:
    """The networks that the blend may use; those of prices alone are for intervals."""
    assert model.distribution is not None
    used = PRETRAINED in model.blend.components or model.distribution.network_share > 0
    return Networks(model.members, model.pretrained if used else ())


def _go_on(
    model: Model,
    panel: Panel,
    known: Ints,
    seen: Ints,
    stage: str,
    members: tuple[Member, ...],
    workers: int | None,
    on_event: Listener | None,
) -> tuple[Member, ...]:
    """Networks after some more steps. Each pass of each update draws other windows."""
    counts = [member.config.training.steps for member in members]
    needed = model.facts.training.get("steps", counts)  # early stopping may have needed fewer
    steps = [max(LEAST_STEPS, math.ceil(STEPS * min(pair))) for pair in zip(counts, needed, strict=False)]
    draw = (1 + int(model.facts.training.get("updates", 0)), ("train", "refit").index(stage))
    view = cleaned(panel, known, "each")
    return ensemble.go_on(view, known, members, steps, workers, on_event, stage=stage, seen=seen, draw=draw)


def _points(panel: Panel, blends: Sequence[Blend], forecasts: Mapping[str, Floats], origins: Ints) -> Floats:
    """Forecasts (O, S, H) of components {name: (O, S, H)}, by the blend of each origin."""
    points = []
    for number, (blend, origin) in enumerate(zip(blends, np.maximum(origins, 0), strict=True)):
        view = cleaned(panel, origin, blend.scales)
        one = {name: values[number] for name, values in forecasts.items()}
        points.append(blended(one, blend, view, origin))
    return np.stack(points)


def _without_own_targets(model: Model, panel: Panel, held: Held | None, rows: NewRows) -> list[Blend]:
    """The blend for each tested origin (V,), chosen by errors from origins that share none of its targets.

    So it rests on nearly as many rows as the one of the second pass.
    """
    blocks = rows.blocks[len(rows.blocks) - len(rows.tested) :]
    if held is None:
        return [model.blend] * len(blocks)
    chosen = {}
    for block in np.unique(blocks).tolist():
        mine = rows.origins[rows.blocks == block]
        shared = [(held.origins >= 0) & (np.abs(held.origins - each) < model.horizon) for each in mine]
        others = np.where(np.any(shared, axis=0), -1, held.origins)
        chosen[block] = _reweighed(model, panel, dataclasses.replace(held, origins=others), rows.known)
    return [chosen[block] for block in blocks.tolist()]


def _reweighed(model: Model, panel: Panel, held: Held | None, known: Ints) -> Blend:
    """The blend with weights chosen as in training, for groups by known[s] rows; as it is without `held`."""
    if held is None:
        return model.blend
    used = (held.origins >= 0).any(axis=1)
    forecasts = {name: values[used] for name, values in held.forecasts.items()}
    groups = _groups(model, panel, known)
    return choose_weights(panel, model.blend, forecasts, held.origins[used], held.blocks[used], groups)


def _between(old: Blend, new: Blend, share: float) -> Blend:
    """A blend whose weights lie between those of two, by the share of the new one."""
    if share in (0.0, 1.0):
        return new if share else old

    def mean(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
        names = sorted({*one, *other})
        return {name: (1 - share) * one.get(name, 0.0) + share * other.get(name, 0.0) for name in names}

    groups = {*old.by_group, *new.by_group}
    by_group = {group: mean(old.weights_of(group), new.weights_of(group)) for group in sorted(groups)}
    return dataclasses.replace(old, weights=mean(old.weights, new.weights), by_group=by_group)


def _distribution(model: Model, panel: Panel, held: Held | None, blend: Blend) -> Distribution:
    """The sizes of errors, learned as in training; as they are where none are kept."""
    assert model.distribution is not None
    if held is None:
        return dataclasses.replace(model.distribution, factors=model.factors_of(panel.ids))
    point = combine(held.forecasts, blend, _groups(model, panel, panel.lengths))
    share = model.distribution.network_share
    quantiles = _pretrained_quantiles(model, panel, held.origins) if share else None
    return fit_distribution(panel, held.origins, point, blend, quantiles)


def _pretrained_quantiles(model: Model, panel: Panel, origins: Ints) -> Floats:
    """Those of the pretrained networks from `origins` (O, 3, S, H): these have learned from no row here."""
    views = [(cleaned(panel, origin, model.blend.scales), origin) for origin in np.maximum(origins, 0)]
    return np.stack([pretrained_quantiles(model.pretrained, *view, model.horizon) for view in views])


def _groups(model: Model, panel: Panel, known: Ints) -> Ints:
    return groups_at(cleaned(panel, known, "each"), known, model.blend)
