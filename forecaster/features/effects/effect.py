"""Effect: what known covariates do to the target of each series, as learned from its past."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.panel import TARGET, Panel, Removed
from forecaster.data.rows.known import Known
from forecaster.features.effects.design import Group, columns, groups_of
from forecaster.features.effects.regression import Choice, choose, fit
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, powers, to_scale
from forecaster.features.season_clock import SeasonClock

FITS = 4
"""Seasons that must be known for differences of one season, and for effects that depend on its position."""
BEYOND = 0.5
"""How far an effect may leave the range that it had so far, as a share of it."""
STEADY, GROWTH = 60, 1.1
"""With more known rows than STEADY, groups are chosen again only each time the rows have grown so much."""
MOST_ZEROS = 0.5
"""A series with a larger share of zeros has no effect: its zeros would no longer be any."""


class _Series(NamedTuple):
    """A series and what is known beside it."""

    y: Floats  # (o,) the known target, on its scale; NaN where missing
    values: Floats  # (R, K)
    place: Ints  # (R,) position in the season
    season: int
    lag: int


_choices: WeakKeyDictionary[Known, dict[tuple[int, int, int], Choice | None]] = WeakKeyDictionary()
"""Series, number of rows and hash of their targets -> what was chosen from them."""


def without_effect(view: Panel, origins: Ints) -> Panel:
    """The panel without the effect of its known covariates, as learned from the first origins[s] rows.

    The effect is centred, so that the series keeps its level. It is added on the scale of the series: where
    that is logarithms, it is a factor. In rows of the panel, a missing covariate counts as a usual one; after
    them, the effect is missing too.
    """
    known = view.known
    if known is None or not known.names:
        return view
    power = powers(view, origins, "each")
    effect, acts = np.zeros(len(known.values)), np.zeros((len(view), len(known.names)), np.bool_)
    target = view.target.copy()
    clock = SeasonClock(view)
    for series in np.flatnonzero(origins > 0):
        mine = slice(known.offsets[series], known.offsets[series + 1])
        own = _series(view, known, clock, int(series), int(origins[series]), float(power[series]))
        found = _effect(known, own, int(series))
        if found is not None:
            effect[mine], by = found
            acts[series, by] = True
            rows = slice(view.offsets[series], view.offsets[series + 1])
            of_rows = effect[mine][: rows.stop - rows.start]  # a view
            of_rows[np.isnan(of_rows)] = 0.0
            target[rows] = _taken(view.target[rows], power[series], of_rows)
    if not effect.any():
        return view
    values = view.values.copy()
    values[:, TARGET] = target
    return dataclasses.replace(view, values=values, removed=Removed(view.target, power, effect, acts))


def with_effect(view: Panel) -> Panel:
    """The panel with the effect that `without_effect` took out."""
    if view.removed is None:
        return view
    values = view.values.copy()
    values[:, TARGET] = view.removed.target
    return dataclasses.replace(view, values=values, removed=None)


def restored(view: Panel, forecasts: Floats, origins: Ints) -> Floats:
    """Forecasts (…, S, H) from after origins[s] rows, with the effect; NaN where covariates are
    missing after the panel.
    """
    if view.removed is None:
        return forecasts
    assert view.known is not None
    steps = np.maximum(origins, 0)[:, None] + np.arange(forecasts.shape[-1])
    count = np.diff(view.known.offsets)
    flat = np.minimum(view.known.offsets[:-1, None] + steps, len(view.removed.effect) - 1)
    effect = np.where(steps < count[:, None], view.removed.effect[flat], np.nan)
    moved = np.add.reduceat(view.removed.effect != 0, view.known.offsets[:-1], dtype=np.int64) > 0
    effect = np.where(moved[:, None], effect, 0.0)  # of a series that nothing moves, no row need be known
    return _taken(forecasts, view.removed.power[:, None], -effect)


def effect_parts(view: Panel, origins: Ints, series: int) -> Floats:
    """The effect of a series that `without_effect` took out, by covariate (R, K), in all rows of the series.

    They sum to the effect before it is kept within its range. Coefficients are those of the regression, so
    that the part of each covariate is zero at its mean over the past.
    """
    known, removed = view.known, view.removed
    assert known is not None and removed is not None
    full = with_effect(view)
    own = _series(full, known, SeasonClock(full), series, int(origins[series]), float(removed.power[series]))
    parts = np.zeros(own.values.shape)
    choice = _chosen(known, own, series) if removed.acts[series].any() else None
    if choice is None:
        return parts
    origin, x = len(own.y), _columns(list(choice.groups), known, own, len(own.y))
    past = np.concatenate(x, axis=1)[:origin]
    past = np.where(np.isfinite(past), past, np.nanmean(past, axis=0))
    beta = fit(own.y, past, own.lag, choice.penalty, choice.noise)
    ends = np.cumsum([part.shape[1] for part in x])
    for group, part, weights in zip(choice.groups, x, np.split(beta, ends[:-1]), strict=True):
        parts[:, group.covariate] += part @ weights
    whole = np.isfinite(parts[:origin]).all(axis=1)
    return np.asarray(parts - parts[:origin][whole].mean(axis=0))


def _taken(y: Floats, power: Floats | float, effect: Floats) -> Floats:
    """y less an effect on its scale."""
    factor = np.exp(np.where(power == LOGARITHMS, -effect, 0.0))
    root = np.maximum(np.sqrt(np.maximum(y, 0.0)) - effect, 0.0)
    moved = np.where(power == ROOTS, root * root, y - effect)
    return np.where(power == LOGARITHMS, y * factor, moved)


def _series(view: Panel, known: Known, clock: SeasonClock, series: int, origin: int, power: float) -> _Series:
    """A series as its regression sees it."""
    start = view.offsets[series]
    y = view.target[start : start + origin]
    y = to_scale(np.where(view.target_observed[start : start + origin], y, np.nan), np.full(origin, power))
    values = known.values[known.offsets[series] : known.offsets[series + 1]]
    chosen_by = _anchor(origin)  # groups and coefficients are of one season
    season = min((m for m in view.frequency.seasonalities if m > 1 and FITS * m <= chosen_by), default=1)
    place = clock.ahead(np.array([series]), np.zeros(1, np.int64), len(values), max(season, 1))[0]
    return _Series(y, values, place, season, season)


def _effect(known: Known, own: _Series, series: int) -> tuple[Floats, list[int]] | None:
    """The effect in all rows of a series (R,), and of which covariates it is; None: there is none."""
    seen = own.y[np.isfinite(own.y)]
    if len(seen) < 4 or np.count_nonzero(seen == 0) > MOST_ZEROS * len(seen):
        return None
    choice = _chosen(known, own, series)
    if choice is None:
        return None
    origin = len(own.y)
    x = np.concatenate(_columns(list(choice.groups), known, own, origin), axis=1)
    past = np.where(np.isfinite(x[:origin]), x[:origin], np.nanmean(x[:origin], axis=0))
    beta = fit(own.y, past, own.lag, choice.penalty, choice.noise)
    effect = x @ beta
    usual = effect[:origin][np.isfinite(effect[:origin])]
    effect -= usual.mean()
    low, high = usual.min() - usual.mean(), usual.max() - usual.mean()
    room = BEYOND * (high - low)
    return np.clip(effect, low - room, high + room), sorted({group.covariate for group in choice.groups})


def _made(known: Known) -> list[int]:
    """The numbers made of the calendar: few, and of one meaning."""
    return [
        place
        for place, (name, words) in enumerate(zip(known.names, known.words, strict=True))
        if name in known.made and words is None
    ]


def _columns(groups: list[Group], known: Known, own: _Series, origin: int) -> list[Floats]:
    return columns(groups, own.values, known.words, origin, own.season, own.place)


def _anchor(origin: int) -> int:
    """How many of the first `origin` rows groups are chosen from: the same for a while as a series grows."""
    if origin <= STEADY:
        return origin
    return int(STEADY * GROWTH ** int(np.log(origin / STEADY) / np.log(GROWTH)))


def _chosen(known: Known, own: _Series, series: int) -> Choice | None:
    """The groups that the regression reads: chosen from the first rows that the choice is kept for."""
    anchor = _anchor(len(own.y))
    kept = _choices.setdefault(known, {})
    key = series, anchor, hash(own.y[:anchor].tobytes())
    if key not in kept:
        groups = groups_of(own.values[:anchor], known.words, own.season, _made(known))
        kept[key] = None
        if groups:
            each = _columns(groups, known, own, anchor)
            x = np.concatenate(each, axis=1)[:anchor]
            x = np.where(np.isfinite(x), x, np.nanmean(x, axis=0))
            kept[key] = choose(own.y[:anchor], x, groups, [part.shape[1] for part in each], own.lag)
    return kept[key]
