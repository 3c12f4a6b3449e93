"""What moved a forecast: the contributions of past rows, covariates and seasonal position, in its units.

The forecast is a blend, and so is its explanation: each component is explained by itself, from the forecast
it makes of a past that is level at the mean of its newest season (of intermittent demand: a past without
demand).

    forecast = baseline + rows + covariates + seasonal position + limits + remainder

Limits are what bounds, whole numbers and directions change in the blend; the remainder is the error of the
path integrals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecaster.arrays import Floats, Ints
from forecaster.config import Limits, MemberConfig, Scales
from forecaster.data.panel import Panel
from forecaster.errors import ModelError
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

    `baseline` + `rows` + `covariates` + `position` + `limits` + `remainder` = `forecast`.
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

    @property
    def explained(self) -> float:
        """All contributions together: the forecast less baseline and remainder."""
        return float(self.rows.sum() + self.covariates.sum() + self.position + self.limits)


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
    components = _components(model, view, own, series)
    able = possible(own, known, model.horizon, scales=blend.scales, limits=blend.limits)
    group = GROUPS[int(series_groups(own, known, blend, able)[0])]
    weights = blend.weights_of(group)
    steps = _steps(model.horizon, first, last)
    season = min(blend.seasons, default=panel.frequency.season)
    subject = _subject(view, series, steps, season, sparse=group == "intermittent")
    point = blended(components, blend, own, known)[0]
    with threadpool_limits(1):  # the same bytes on any number of cores
        parts = _parts(model, subject, sorted(weights))
    made = {name: float(components[name][0] @ steps) for name in parts}
    return _whole(panel, subject, parts, weights, made, float(point @ steps), able)


def explain_pretrained(
    panel: Panel, series: int, first: int = 1, last: int | None = None, *, limits: Limits = Limits()
) -> Explanation:
    """The same for the pretrained networks alone, without a model."""
    own = _one(panel, series)
    origins, horizon = own.lengths, last or first
    view = cleaned(own, origins, SCALES)
    able = possible(view, origins, horizon, scales=SCALES, limits=limits)
    steps = _steps(horizon, first, last)
    median = quantiles_at(view, origins, horizon, able)[SIDE]
    point = float(able.point(median)[0] @ steps)
    sparse = bool((able.intermittent & is_sparse(view, origins))[0])
    subject = _subject(view, 0, steps, panel.frequency.season, sparse=sparse)
    price = bool(able.limits.kind[0] == KINDS.index("price"))
    with threadpool_limits(1):
        if sparse:
            parts = {name: explain_demand(subject, name) for name in DEMAND}
        else:
            parts = {PRETRAINED: explain_pretrained_network(subject, load, price=price)}
    weights = dict.fromkeys(parts, 1 / len(parts))
    made = {PRETRAINED: float(median[0] @ steps)} if not sparse else {n: p.forecast for n, p in parts.items()}
    return _whole(own, subject, parts, weights, made, point, able)


def _one(panel: Panel, series: int) -> Panel:
    """The panel of one series."""
    return panel.only(np.repeat(np.arange(len(panel)) == series, panel.lengths))


def _components(model: Model, view: Panel, own: Panel, series: int) -> dict[str, Floats]:
    """The forecasts of all components (1, H) of a series of `view`, which `own` holds alone.

    Only the networks need the others: series in logarithms share a unit.
    """
    names, blend = model.blend.components, model.blend
    networks = {name for name in names if kind_of(name) == "network"}
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


def _whole(
    panel: Panel,
    subject: Subject,
    parts: Mapping[str, Part],
    weights: Mapping[str, float],
    made: Mapping[str, float],
    point: float,
    able: Possible,
) -> Explanation:
    """The blend of the parts.

    `made`: what the components forecast; `point`: what is forecast in the end; `able`: of this series alone.
    """
    names = tuple(parts)
    shares = np.array([weights[name] for name in names])
    each = [parts[name] for name in names]
    raised = [max(made[name] - parts[name].forecast, 0.0) if _has_floor(name) else 0.0 for name in names]
    baseline = float(shares @ [part.baseline for part in each])
    limits = point - float(shares @ [made[name] for name in names]) + float(shares @ raised)
    rows = np.tensordot(shares, [part.rows for part in each], 1)
    covariate_rows = np.tensordot(shares, [part.covariates for part in each], 1)
    position = float(shares @ [part.position for part in each])
    if constant_series(subject.panel, subject.panel.lengths)[1][subject.series]:  # the blend is not asked
        baseline, limits, position, covariate_rows = point, 0.0, 0.0, 0 * covariate_rows
    turn = able.limits.circle[0]
    if np.isfinite(turn):
        baseline, limits = baseline + np.rint(limits / turn) * turn, limits - np.rint(limits / turn) * turn
    explained = float(rows.sum() + covariate_rows.sum()) + position + limits
    span, steps = subject.span, np.flatnonzero(subject.steps)
    ahead = panel.frequency.future_times(int(panel.time[span.stop - 1]), len(subject.steps), panel.names.tz)
    return Explanation(
        series=panel.ids[subject.series],
        target=panel.names.target,
        first_step=int(steps[0]) + 1,
        last_step=int(steps[-1]) + 1,
        ahead=ahead[steps],
        times=panel.time[span],
        values=panel.target[span],
        rows=rows,
        covariate_names=panel.names.covariates,
        covariates=covariate_rows.sum(axis=0),
        covariate_rows=covariate_rows,
        component_names=names,
        shares=shares,
        component_baselines=np.array([part.baseline for part in each]),
        component_forecasts=np.array([made[name] for name in names]),
        component_rows=np.stack([part.rows for part in each]),
        level=subject.level,
        level_rows=subject.level_rows,
        baseline=float(baseline),
        position=position,
        limits=float(limits),
        remainder=point - float(baseline) - explained,
        forecast=point,
        season=subject.season,
    )


def _has_floor(name: str) -> bool:
    """Whether a component is kept above zero: a line may fall below."""
    return kind_of(name) == "network" or (name in METHODS and METHODS[name].in_units)
