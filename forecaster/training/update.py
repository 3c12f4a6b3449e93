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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.panel import Panel
from forecaster.features.view import cleaned
from forecaster.forecasting.components import blended, combine, pretrained_quantiles
from forecaster.forecasting.uncertainty import fit_distribution
from forecaster.intervals.distribution import Distribution
from forecaster.methods.blend import PRETRAINED, Blend, kind_of
from forecaster.model.memory import Memory
from forecaster.model.model import Member, Model, Networks, hashes
from forecaster.training import ensemble
from forecaster.training.blend_weights import choose_weights, try_components
from forecaster.training.ensemble import Listener
from forecaster.training.fit import Held, groups_at
from forecaster.training.plan import VALIDATED

Part = Literal["all", "networks", "blend"]
"""What of a model learns from the new rows: a quiet week is no reason to change weights, a holiday may be."""
STEPS, LEAST_STEPS = 0.08, 20
"""Steps of each pass, as a share of those of the training; at least so many."""
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


@dataclass(frozen=True, eq=False)
class Trial:
    """Both models on the held-out rows."""

    members: tuple[Member, ...]
    """The networks after the first pass."""
    held: Held
    """The forecasts that the blend is weighed by: the memory of the model and those of the new rows."""
    old: Floats  # (V, S, H) from `NewRows.tested`
    new: dict[Part, Floats]
    """The same of the model of which this part, or all of it, has learned."""


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
    networks, horizon, tested = _networks(model), model.horizon, rows.tested
    forecasts = try_components(panel, networks, model.blend, rows.origins).points
    seen = np.minimum(rows.seen, rows.known)
    members = _go_on(model, panel, rows.known, seen, "train", model.members, workers, on_event)
    held = _with_memory(model, panel, rows, forecasts)
    before = np.where(held.origins + horizon <= rows.known, held.origins, -1)
    blend = _reweighed(model, panel, dataclasses.replace(held, origins=before))
    old = {name: values[len(rows.origins) - len(tested) :] for name, values in forecasts.items()}
    names = [name for name in forecasts if kind_of(name) == "network"]
    again = Networks(members, networks.pretrained)
    new = old | try_components(panel, again, model.blend, tested, only=names).points
    points: dict[Part, Floats] = {"all": _points(panel, blend, new, tested)}
    if model.memory is not None:  # else the blend learns nothing
        points["networks"] = _points(panel, model.blend, new, tested)
        points["blend"] = _points(panel, blend, old, tested)
    return Trial(members, held, _points(panel, model.blend, old, tested), points)


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
    if part != "blend":
        members = _go_on(model, panel, panel.lengths, rows.seen, "refit", trial.members, workers, on_event)
    if part != "networks":
        blend = _reweighed(model, panel, held)
    most = 1 + math.ceil(VALIDATED / math.sqrt(len(panel)))
    memory = model.memory and Memory.of(panel, held.origins, held.blocks, held.forecasts, most)
    return dataclasses.replace(
        model,
        members=members,
        blend=blend,
        distribution=_distribution(model, panel, held, blend),
        series=hashes(panel.ids),
        memory=memory,
    )


def _with_memory(model: Model, panel: Panel, rows: NewRows, forecasts: dict[str, Floats]) -> Held:
    """The memory of the model, followed by forecasts of the new rows."""
    if model.memory is None:
        return Held(rows.origins, rows.blocks, forecasts)
    assert model.series is not None
    places = {each: place for place, each in enumerate(model.series.tolist())}
    place = np.array([places.get(each, -1) for each in hashes(panel.ids).tolist()])
    origins, old = model.memory.in_panel(panel, place)
    blocks = np.concatenate([model.memory.blocks, model.memory.blocks.max() + 1 + rows.blocks])
    joined = {name: np.concatenate([old[name], new]) for name, new in forecasts.items() if name in old}
    return Held(np.concatenate([origins, rows.origins]), blocks, joined)


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


def _points(panel: Panel, blend: Blend, forecasts: Mapping[str, Floats], origins: Ints) -> Floats:
    """Forecasts of a blend (O, S, H) of components {name: (O, S, H)}."""
    points = []
    for number, origin in enumerate(np.maximum(origins, 0)):
        view = cleaned(panel, origin, blend.scales)
        one = {name: values[number] for name, values in forecasts.items()}
        points.append(blended(one, blend, view, origin))
    return np.stack(points)


def _reweighed(model: Model, panel: Panel, held: Held) -> Blend:
    """The blend with weights chosen as in training; as it is where the model remembers nothing."""
    if model.memory is None:
        return model.blend
    used = (held.origins >= 0).any(axis=1)
    forecasts = {name: values[used] for name, values in held.forecasts.items()}
    return choose_weights(
        panel, model.blend, forecasts, held.origins[used], held.blocks[used], _groups(model, panel)
    )


def _distribution(model: Model, panel: Panel, held: Held, blend: Blend) -> Distribution:
    """The sizes of errors, learned as in training; as they are where the model remembers nothing."""
    assert model.distribution is not None
    if model.memory is None:
        return dataclasses.replace(model.distribution, factors=model.factors_of(panel.ids))
    point = combine(held.forecasts, blend, _groups(model, panel))
    quantiles = (
        _pretrained_quantiles(model, panel, held.origins) if model.distribution.network_share else None
    )
    return fit_distribution(panel, held.origins, point, blend, quantiles)


def _pretrained_quantiles(model: Model, panel: Panel, origins: Ints) -> Floats:
    """Those of the pretrained networks from `origins` (O, 3, S, H): these have learned from no row here."""
    views = [(cleaned(panel, origin, model.blend.scales), origin) for origin in np.maximum(origins, 0)]
    return np.stack([pretrained_quantiles(model.pretrained, *view, model.horizon) for view in views])


def _groups(model: Model, panel: Panel) -> Ints:
    return groups_at(cleaned(panel, panel.lengths, "each"), panel.lengths, model.blend)
