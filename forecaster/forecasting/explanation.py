"""What moved a forecast: the contributions of past rows, covariates and seasonal position, in its units.

The forecast is a blend, and so is its explanation: each component is explained by itself, from the forecast
it makes of a past that is level at the mean of its newest season (of intermittent demand: a past without
demand).

    forecast = baseline + rows + covariates + known covariates + facts + seasonal position + limits
        + remainder

Limits are what bounds, whole numbers and directions change in the blend; the remainder is the error of the
path integrals. Where known covariates have an effect, rows are those of the series without it, and the effect
is added after them: its coefficients are taken as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecaster.arrays import Floats, Ints
from forecaster.config import Limits, MemberConfig, Scales
from forecaster.data.panel import Panel
from forecaster.errors import ModelError
from forecaster.features.effects.effect import restored, with_effect
from forecaster.features.groups import GROUPS, is_sparse
from forecaster.features.transform import Transform, fit_scaled
from forecaster.features.value_range import KINDS
from forecaster.features.view import Possible, cleaned, possible
from forecaster.forecasting.components import (
    blended,
    constant_series,
    forecast_components,
    series_groups,
)
from forecaster.forecasting.explaining.known import (
    Fact,
    KnownCovariate,
    added_by,
    facts,
    known_covariates,
    restored_one,
)
from forecaster.forecasting.explaining.methods import explain_baseline, explain_demand, explain_smoothing
from forecaster.forecasting.explaining.networks import explain_network
from forecaster.forecasting.explaining.path import Part, Subject
from forecaster.forecasting.explaining.pretrained import explain_pretrained_network
from forecaster.forecasting.pretrained import SCALES, quantiles_at
from forecaster.methods.blend import DEMAND, PRETRAINED, Blend, kind_of
from forecaster.methods.smoothing import METHODS
from forecaster.model.model import Model
from forecaster.pretraining.network import SIDE
from forecaster.pretraining.store import by_kind, load

LEVEL_ROWS = 10
"""The level is a mean of at least so many rows."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What moved the mean of the steps `first_step` … `last_step` of the forecast of one series.

    `baseline` + `rows` + `covariates` + `known` + `facts` + `position` + `limits` + `remainder` = `forecast`.
    """

    series: str
    target: str
    first_step: int
    last_step: int
    ahead: Ints
    """The times of these steps, ns UTC."""
    times: Ints  # (n,) of the past rows, ns UTC
    values: Floats  # (n,) of the past rows as read; NaN where missing
    rows: Floats  # (n,) their contributions
    covariate_names: tuple[str, ...]
    covariates: Floats  # (C,)
    covariate_rows: Floats  # (n, C) the same by row
    component_names: tuple[str, ...]
    shares: Floats  # (K,) of the components in the blend; they sum to one
    component_baselines: Floats  # (K,)
    component_forecasts: Floats  # (K,)
    component_rows: Floats  # (K, n) contributions to the component's own forecast
    level: float
    """Where the past is level for the baseline."""
    level_rows: int
    """The level is the mean of so many of the newest known rows; 0: it is zero, of intermittent demand."""
    baseline: float
    """The forecast of the level past."""
    position: float
    limits: float
    remainder: float
    forecast: float
    season: int
    """Rows of the shortest season; 1: none."""
    known: tuple[KnownCovariate, ...] = ()
    """Covariates known of the steps, in the order of the model."""
    facts: tuple[Fact, ...] = ()
    bare: Floats | None = None
    """(n,) of the past rows as components see them: without the effect of known covariates, cleaned."""

    @property
    def explained(self) -> float:
        """All contributions together: the forecast less baseline and remainder."""
        known = sum(each.contribution for each in self.known)
        of_facts = sum(each.contribution for each in self.facts)
        of_rows = self.rows.sum() + self.covariates.sum()
        return float(of_rows + known + of_facts + self.position + self.limits)

    @property
    def without_effect(self) -> bool:
        """Whether level and rows are those of the series without the effect of known covariates."""
        return any(each.confirmed for each in self.known)


def explain(model: Model, panel: Panel, series: int, first: int = 1, last: int | None = None) -> Explanation:
    """Explain the mean of the steps first … last (from 1 on) of a series, from its newest row.

    Raises ModelError where model and data do not fit each other, and for models of format 1.
    """
    model.check_fits(panel)
    blend, origins = model.blend, panel.lengths
    if blend.scales == "table":
        raise ModelError("the model was written before forecasts could be explained", hint="Train it again.")
    view = cleaned(panel, origins, blend.scales)
    own, known = _one(view, series), origins[[series]]
    made = _components(model, view, own, series)
    components = {name: restored(own, values, known) for name, values in made.items()}
    able = possible(own, known, model.horizon, scales=blend.scales, limits=blend.limits)
    group = GROUPS[int(series_groups(own, known, blend, able)[0])]
    weights = blend.weights_of(group)
    steps = _steps(model.horizon, first, last)
    season = min(blend.seasons, default=panel.frequency.season)
    subject = _subject(view, series, steps, season, sparse=group == "intermittent")
    point = blended(components, blend, own, known)[0]
    with threadpool_limits(1):  # the same bytes on any number of cores
        parts = _parts(model, subject, sorted(weights))
    whole = _Whole(subject, parts, weights, {name: made[name][0] for name in parts}, _read(model, parts))
    return _explanation(panel, whole, float(point @ steps), able)


def explain_pretrained(
    panel: Panel, series: int, first: int = 1, last: int | None = None, *, limits: Limits = Limits()
) -> Explanation:
    """The same for the pretrained networks alone, without a model."""
    own = _one(panel, series)
    origins, horizon = own.lengths, last or first
    view = cleaned(own, origins, SCALES)
    able = possible(view, origins, horizon, scales=SCALES, limits=limits)
    steps = _steps(horizon, first, last)
    median = quantiles_at(_bare(view), origins, horizon, able)[SIDE]
    point = float(able.point(restored(view, median, origins))[0] @ steps)
    sparse = bool((able.intermittent & is_sparse(view, origins))[0])
    subject = _subject(view, 0, steps, panel.frequency.season, sparse=sparse)
    price = bool(able.limits.kind[0] == KINDS.index("price"))
    with threadpool_limits(1):
        if sparse:
            parts = {name: explain_demand(subject, name) for name in DEMAND}
        else:
            parts = {PRETRAINED: explain_pretrained_network(subject, load, price=price)}
    weights = dict.fromkeys(parts, 1 / len(parts))
    made = {name: np.full(horizon, part.forecast) if sparse else median[0] for name, part in parts.items()}
    return _explanation(own, _Whole(subject, parts, weights, made, ()), point, able)


def _one(panel: Panel, series: int) -> Panel:
    """The panel of one series."""
    return panel.only(np.repeat(np.arange(len(panel)) == series, panel.lengths))


def _bare(view: Panel) -> Panel:
    """The panel without the effect of known covariates, as if it had never had one."""
    return dataclasses.replace(view, removed=None)


def _components(model: Model, view: Panel, own: Panel, series: int) -> dict[str, Floats]:
    """The forecasts of all components (1, H) of a series of `view`, which `own` holds alone, without effects.

    Only the networks need the others: series in logarithms share a unit.
    """
    names, blend = model.blend.components, model.blend
    networks = {name for name in names if kind_of(name) == "network"}
    view, own = _bare(view), _bare(own)
    others = forecast_components(model.networks, blend, own, own.lengths, only=names - networks).points
    of_all = forecast_components(model.networks, blend, view, view.lengths, only=networks).points
    return others | {name: values[[series]] for name, values in of_all.items()}


def _steps(horizon: int, first: int, last: int | None) -> Floats:
    """What each step counts for (H,)."""
    last = first if last is None else last
    steps = np.zeros(horizon)
    steps[first - 1 : last] = 1 / (last - first + 1)
    return steps


def _subject(view: Panel, series: int, steps: Floats, season: int, *, sparse: bool) -> Subject:
    """With the level of the newest season, or of LEVEL_ROWS rows; of intermittent demand, zero."""
    span = slice(int(view.offsets[series]), int(view.offsets[series + 1]))
    known = view.target[span][view.target_observed[span]]
    rows = 0 if sparse else min(max(season, LEVEL_ROWS), len(known))
    return Subject(view, series, float(known[-rows:].mean()) if rows else 0.0, rows, season, steps)


def _parts(model: Model, subject: Subject, names: Iterable[str]) -> dict[str, Part]:
    """The explanation of each component by name."""
    transforms: dict[tuple[Scales, bool, tuple[int, ...]], Transform] = {}
    panel = subject.panel

    def fitted(of: MemberConfig | Blend) -> Transform:
        key = of.scales, of.log, of.seasons
        if key not in transforms:
            transforms[key] = fit_scaled(
                panel, panel.lengths, scales=key[0], log=key[1], seasons=key[2], horizon=model.horizon
            )
        return transforms[key]

    def part(name: str) -> Part:
        kind = kind_of(name)
        if kind == "network":
            member = model.members[int(name.split()[1]) - 1]
            return explain_network(subject, member, fitted(member.config))
        if kind == "pretrained":
            return explain_pretrained_network(subject, by_kind(model.pretrained).__getitem__)
        if kind == "smoothing":
            return explain_smoothing(subject, name, fitted(model.blend))
        return explain_demand(subject, name) if kind == "demand" else explain_baseline(subject, name)

    return {name: part(name) for name in names}


def _read(model: Model, names: Iterable[str]) -> tuple[str, ...]:
    """The known covariates that networks among the components read."""
    members = [model.members[int(name.split()[1]) - 1] for name in names if kind_of(name) == "network"]
    return tuple(name for member in members for name in member.config.known)


class _Whole(NamedTuple):
    """The parts of a blend."""

    subject: Subject
    parts: Mapping[str, Part]
    weights: Mapping[str, float]
    made: Mapping[str, Floats]
    """What the components forecast (H,), without the effect of known covariates."""
    read: Collection[str]
    """Known covariates that networks read."""

    def blended(self, values: Iterable[Floats | float]) -> Floats:
        """The blend of one value of each component."""
        shares = np.array([self.weights[name] for name in self.parts])
        return np.asarray(np.tensordot(shares, list(values), 1))


def _explanation(panel: Panel, whole: _Whole, point: float, able: Possible) -> Explanation:
    """The explanation by the parts. `point`: what is forecast in the end; `able`: of this series alone."""
    subject, names, each = whole.subject, tuple(whole.parts), list(whole.parts.values())
    view, series, steps = subject.panel, subject.series, subject.steps
    before = {name: float(values @ steps) for name, values in whole.made.items()}
    after = {name: float(restored_one(view, series, values) @ steps) for name, values in whole.made.items()}
    raised = [
        max(before[name] - whole.parts[name].forecast, 0.0) if _has_floor(name) else 0.0 for name in names
    ]
    baseline = float(whole.blended(part.baseline for part in each))
    limits = point - float(whole.blended(after[name] for name in names)) + float(whole.blended(raised))
    rows = whole.blended(part.rows for part in each)
    covariate_rows = whole.blended(part.covariates for part in each)
    position = float(whole.blended(part.position for part in each))
    added = whole.blended(added_by(view, series, whole.made[name]) for name in names)  # (H, K)
    in_networks = whole.blended(
        np.zeros(added.shape[1]) if part.known is None else part.known for part in each
    )
    of_facts = whole.blended(np.zeros(_facts(view)) if part.static is None else part.static for part in each)
    if constant_series(with_effect(view), view.lengths)[1][series]:  # the blend is not asked
        baseline, limits, position, covariate_rows = point, 0.0, 0.0, 0 * covariate_rows
        added, in_networks, of_facts = 0 * added, 0 * in_networks, 0 * of_facts
    turn = able.limits.circle[0]
    if np.isfinite(turn):
        baseline, limits = baseline + np.rint(limits / turn) * turn, limits - np.rint(limits / turn) * turn
    span, chosen = subject.span, np.flatnonzero(steps)
    ahead = panel.frequency.future_times(int(panel.time[span.stop - 1]), len(steps), panel.names.tz)
    result = Explanation(
        series=panel.ids[series],
        target=panel.names.target,
        first_step=int(chosen[0]) + 1,
        last_step=int(chosen[-1]) + 1,
        ahead=ahead[chosen],
        times=panel.time[span],
        values=panel.target[span],
        rows=rows,
        covariate_names=panel.names.covariates,
        covariates=covariate_rows.sum(axis=0),
        covariate_rows=covariate_rows,
        component_names=names,
        shares=np.array([whole.weights[name] for name in names]),
        component_baselines=np.array([part.baseline for part in each]),
        component_forecasts=np.array([after[name] for name in names]),
        component_rows=np.stack([part.rows for part in each]),
        level=subject.level,
        level_rows=subject.level_rows,
        baseline=float(baseline),
        position=position,
        limits=float(limits),
        remainder=0.0,
        forecast=point,
        season=subject.season,
        known=known_covariates(subject, added, in_networks, whole.read),
        facts=facts(subject, of_facts),
        bare=view.target[span],
    )
    return dataclasses.replace(result, remainder=point - float(baseline) - result.explained)


def _facts(panel: Panel) -> int:
    """D: how many facts each series has."""
    return 0 if panel.static is None else len(panel.static.names)


def _has_floor(name: str) -> bool:
    """Whether a component is kept above zero: a line may fall below."""
    return kind_of(name) == "network" or (name in METHODS and METHODS[name].in_units)
