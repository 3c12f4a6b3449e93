"""Statistical methods: exactly, because each is linear in the past once its parameters are chosen.

Smoothing in the user's units of a series that is seen in logarithms or roots follows the path, as a network
does. Expected demand is linear in the sizes of demand, and zero without any; its weights are differences.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats
from forecaster.data.panel import TARGET
from forecaster.features.pullback import Pullback
from forecaster.features.scale_choice import LOGARITHMS, UNITS, from_scale, to_scale
from forecaster.features.transform import Transform
from forecaster.forecasting.explaining.networks import d_indices
from forecaster.forecasting.explaining.path import Part, Subject, points, slope_of
from forecaster.methods.baselines import seasonal_names
from forecaster.methods.blend import DEMAND
from forecaster.methods.intermittent import croston_sba, tsb
from forecaster.methods.smoothing import METHODS, newest_rows

POINTS = 32
SMALL = 1e-4
"""Relative change of a demand, for differences: the function is linear, so that the size hardly matters."""


def explain_smoothing(subject: Subject, name: str, fitted: Transform) -> Part:
    """What the rows contribute to the forecast of a smoothing method."""
    panel, number = subject.panel, subject.series
    power, horizon = float(fitted.power[number]), len(subject.steps)
    rows, inside = newest_rows(panel, np.array([number]), panel.lengths)  # (k, 1)
    x = fitted.z[rows[:, 0], TARGET] * fitted.scale[number] + fitted.centre[number]  # (k,)
    x = np.where(inside[:, 0], x, 0.0)
    season = fitted.seasonal_component(np.array([number]), np.array([subject.rows]), horizon)[0]
    begin = float(to_scale(np.array([subject.level]), np.array([power]))[0])
    method = METHODS[name]
    assert method.row_weights is not None
    start = np.where(inside[:, 0], begin, 0.0)
    at, weight = points(POINTS)
    along = start[:, None] + at * (x - start)[:, None]  # (k, K)
    if method.in_units:
        adjusted = np.where(inside, from_scale(along, np.full_like(along, power)), 0.0)
        weights = method.row_weights(adjusted[:, -1:], inside, horizon)  # (k, H)
        flat = weights.T @ adjusted  # (H, K)
        y, d_flat, d_season = _with_season(flat, at * season[:, None], power)
        d_rows = (weights @ (d_flat * subject.steps[:, None]) * slope_of(along, power)) @ weight
        d_ahead = subject.steps * (d_season @ weight)
    else:
        weights = method.row_weights(x[:, None], inside, horizon)
        ahead = weights.T @ along + at * season[:, None]
        y = from_scale(ahead, np.full_like(ahead, power))
        d_ahead = subject.steps * (slope_of(ahead, power) @ weight)
        d_rows = weights @ d_ahead
    d_values = np.zeros(subject.rows)
    d_values[rows[inside] - subject.span.start] = d_rows[inside[:, 0]]
    back = Pullback(panel, fitted, number)
    d_x = back(d_values, float(d_values.sum()), d_indices(subject, fitted, d_ahead))
    contributions = np.where(back.seen, (back.x - begin) * d_x, 0.0)
    ends = subject.steps @ y[:, [0, -1]]
    return _part(subject, float(ends[0]), float(ends[1]), contributions)


def _with_season(flat: Floats, season: Floats, power: float) -> tuple[Floats, Floats, Floats]:
    """Forecasts in units with their season, as `smoothing` adds it, and the derivatives by both (H, K)."""
    if power == LOGARITHMS:
        factor = np.exp(season)
        return flat * factor, factor, flat * factor
    if power == UNITS:
        return flat + season, np.ones_like(flat), np.ones_like(flat)
    root = np.sqrt(np.maximum(flat, 0.0))
    rooted = np.maximum(root + season, 0.0)
    return rooted**2, np.where(root > 0, rooted / np.where(root > 0, root, 1.0), 0.0), 2 * rooted


def explain_baseline(subject: Subject, name: str) -> Part:
    """What the rows contribute to the forecast of a baseline: a weighted sum of few of them."""
    seen = np.flatnonzero(subject.panel.target_observed[subject.span])
    weights = np.zeros((subject.rows, len(subject.steps)))
    if len(seen):
        _weigh(weights, seen, name, subject)
    by_row = weights @ subject.steps
    target = np.where(by_row != 0, subject.panel.target[subject.span], 0.0)
    total = float(by_row.sum()) * subject.level
    moved = np.where(by_row != 0, by_row * (target - subject.level), 0.0)
    return _part(subject, total, float(by_row @ target), moved)


def _weigh(weights: Floats, seen: np.ndarray, name: str, subject: Subject) -> None:
    """Write what each row counts for in a baseline into `weights` (n, H); `seen`: the rows observed."""
    count, horizon = weights.shape
    first, last, ahead = int(seen[0]), int(seen[-1]), np.arange(horizon)
    seasons = tuple(season for season in subject.panel.frequency.seasonalities if season > 1)
    season = seasonal_names(seasons).get(name)
    if name == "mean":
        weights[seen] = 1 / len(seen)
        return
    weights[last] = 1.0
    if name == "drift" and last > first:
        share = (count - last + ahead) / (last - first)
        weights[last] += share
        weights[first] -= share
    if season is not None and count >= 2 * season:
        for step in range(horizon):
            same = seen[seen % season == (count + step) % season]
            if len(same):
                weights[:, step] = 0.0
                weights[same[-1], step] = 1.0


def explain_demand(subject: Subject, name: str) -> Part:
    """What the demands contribute to the expected demand; without any it would be zero."""
    rows, inside = newest_rows(subject.panel, np.array([subject.series]), subject.panel.lengths)
    inside &= subject.panel.target_observed[rows]
    y = np.where(inside, subject.panel.target[rows], 0.0)  # (k, 1)
    run = dict(zip(DEMAND, (croston_sba, tsb), strict=True))[name]
    some = np.flatnonzero(y[:, 0])
    moved = np.repeat(y, 2 * len(some), axis=1)
    moved[some, 2 * np.arange(len(some))] *= 1 + SMALL
    moved[some, 2 * np.arange(len(some)) + 1] *= 1 - SMALL
    contributions = np.zeros(subject.rows)
    if len(some):
        up, down = run(moved, np.repeat(inside, moved.shape[1], axis=1), 1).reshape(-1, 2).T
        contributions[rows[some, 0] - subject.span.start] = (up - down) / (2 * SMALL)
    return _part(subject, 0.0, float(run(y, inside, 1)[0, 0]), contributions)


def _part(subject: Subject, baseline: float, forecast: float, rows: Floats) -> Part:
    """A part that reads no covariate."""
    return Part(baseline, forecast, rows, np.zeros((subject.rows, subject.panel.values.shape[1] - 1)))
