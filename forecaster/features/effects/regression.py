"""Regression: which groups of columns a ridge regression keeps, and its coefficients.

    y_t − y_{t−L} = c + (x_t − x_{t−L}) β + e_t        L: one season, or one row

Differences leave out level and season, so that a common trend is not taken for an effect. The penalty is
λ |β|², in units of the variance of e; as the errors follow one another, e_t − ρ e_{t−1} may take their place
(Cochrane & Orcutt 1949). Groups, λ and ρ are chosen by the error of folds of neighbouring rows that the
coefficients have not seen: the group that lowers it most enters, as long as it does so in most folds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.features.effects.design import AFTER, Group

FOLDS = 8
LEAST_A_FOLD = 4
PENALTIES = (0.5, 5.0, 50.0, 500.0)
"""λ: how often the size of an error a unit of the effect is expected to be, as the square of its inverse."""
CERTAIN = 2.0
"""Standard errors by which the mean gain over the folds must be above zero."""
LEAST_RHO, MOST_RHO = 0.1, 0.95
LEAST_GAIN = 0.002
"""The share of the error that a group must save."""


class Choice(NamedTuple):
    """What the regression of a series reads, and how it is shrunk."""

    groups: tuple[Group, ...]
    penalty: float
    whitening: float


class _Moments(NamedTuple):
    """Products of the differences in each fold: X'X (F, p, p), X'y (F, p) and y'y (F,)."""

    xx: Floats
    xy: Floats
    yy: Floats


def differences(y: Floats, x: Floats, lag: int) -> tuple[Floats, Floats, Bools]:
    """y (n,) and x (n, p) less their values `lag` rows before; which are whole (n − lag,). A first column of
    ones is the intercept.
    """
    dy, dx = y[lag:] - y[:-lag], x[lag:] - x[:-lag]
    whole = np.isfinite(dy) & np.isfinite(dx).all(axis=1)
    dx = np.concatenate([np.ones((len(dx), 1)), np.where(whole[:, None], dx, 0.0)], axis=1)
    dx[~whole] = 0.0
    return np.where(whole, dy, 0.0), dx, whole


def choose(y: Floats, x: Floats, groups: list[Group], sizes: list[int], lag: int) -> Choice | None:
    """The groups of the columns of x (n, p), `sizes` of each, that lower the error of y (n,); None: none.

    None too with less than three folds of LEAST_A_FOLD whole differences.
    """
    dy, dx, whole = differences(y, x, lag)
    rows = np.flatnonzero(whole)
    folds = min(FOLDS, len(rows) // LEAST_A_FOLD)
    if folds < 3:
        return None
    scale = float(np.std(dy[rows]))
    if not scale > 0:
        return None
    dy = dy / scale
    fold = np.full(len(dy), -1)
    fold[rows] = np.arange(len(rows)) * folds // len(rows)
    plain = _moments(dy, dx, fold, folds)
    rho = _autocorrelation(dy - dy[rows].mean(), whole)
    forms = [(0.0, plain)] + (
        [(rho, _moments(*whitened(dy, dx, whole, rho), fold, folds))] if rho > 0.1 else []
    )
    starts = 1 + np.concatenate([[0], np.cumsum(sizes)])
    place = {group: np.arange(starts[i], starts[i + 1]) for i, group in enumerate(groups)}
    return _forward(place, plain, forms)


def whitened(dy: Floats, dx: Floats, whole: Bools, rho: float) -> tuple[Floats, Floats]:
    """Differences less rho times those of the row before, where both are whole."""
    if rho == 0.0:
        return dy, dx
    follows = np.zeros(len(dy), np.bool_)
    follows[1:] = whole[1:] & whole[:-1]
    wy, wx = dy.copy(), dx.copy()
    wy[1:] -= rho * dy[:-1]
    wx[1:] -= rho * dx[:-1]
    wy[~follows], wx[~follows] = 0.0, 0.0
    return wy, wx


def fit(y: Floats, x: Floats, lag: int, penalty: float, rho: float) -> Floats:
    """The coefficients (p,) of the columns of x (n, p)."""
    dy, dx, whole = differences(y, x, lag)
    scale = float(np.std(dy[whole])) or 1.0
    wy, wx = whitened(dy / scale, dx, whole, rho)
    one = _moments(wy, wx, np.zeros(len(wy), np.int64), 1)
    return _solved(one.xx[0], one.xy[0], penalty, _noise(rho))[1:] * scale


def _moments(dy: Floats, dx: Floats, fold: Ints, folds: int) -> _Moments:
    xx = np.empty((folds, dx.shape[1], dx.shape[1]))
    xy, yy = np.empty((folds, dx.shape[1])), np.empty(folds)
    for number in range(folds):
        mine = np.flatnonzero(fold == number)
        part, of_y = dx[mine], dy[mine]
        xx[number], xy[number], yy[number] = part.T @ part, part.T @ of_y, of_y @ of_y
    return _Moments(xx, xy, yy)


def _noise(rho: float) -> float:
    """The variance of e_t − ρ e_{t−1}, where that of e is one."""
    return 1 - rho * rho


def _solved(xx: Floats, xy: Floats, penalty: float, noise: float) -> Floats:
    """Ridge coefficients (…, p); the first is the intercept, without a penalty."""
    shrink = np.full(xx.shape[-1], penalty * noise)
    shrink[0] = 1e-6
    return np.asarray(np.linalg.solve(xx + np.diag(shrink), xy[..., None])[..., 0])


def _errors(used: Ints, plain: _Moments, fit_on: _Moments, penalty: float, noise: float) -> Floats:
    """The squared error in each fold (F,) of coefficients from the other folds."""
    xx, xy = fit_on.xx[:, used[:, None], used], fit_on.xy[:, used]
    beta = _solved(xx.sum(axis=0) - xx, xy.sum(axis=0) - xy, penalty, noise)
    quadratic = np.einsum("fp,fpq,fq->f", beta, plain.xx[:, used[:, None], used], beta)
    return np.asarray(plain.yy - 2 * (beta * plain.xy[:, used]).sum(axis=1) + quadratic)


def _forward(place: dict[Group, Ints], plain: _Moments, forms: list[tuple[float, _Moments]]) -> Choice | None:
    """Groups enter one after the other."""
    chosen: list[Group] = []
    used = np.zeros(1, np.int64)
    best = _errors(used, plain, plain, 0.0, 1.0)
    result = None
    while True:
        tried = []
        for entering in _next(list(place), chosen):
            also = np.concatenate([used, *(place[group] for group in entering)])
            for rho, form in forms:
                for penalty in PENALTIES:
                    errors = _errors(also, plain, form, penalty, _noise(rho))
                    tried.append((float(errors.sum()), entering, also, errors, penalty, rho))
        if not tried:
            return result
        _, entering, also, errors, penalty, rho = min(tried, key=lambda each: each[0])
        gain = best - errors
        if not _is_gain(gain, best):
            return result
        chosen += entering
        used, best = also, errors
        result = Choice(tuple(chosen), penalty, rho)


def _next(groups: list[Group], chosen: list[Group]) -> list[list[Group]]:
    """What may enter next: a group, with the one that must come before it."""
    sets = []
    for group in groups:
        if group in chosen:
            continue
        entering, before = [group], AFTER[group.kind]
        while before and Group(group.covariate, before) not in chosen:
            entering.insert(0, Group(group.covariate, before))
            before = AFTER[before]
        sets.append(entering)
    return sets


def _is_gain(gain: Floats, before: Floats) -> bool:
    """Whether errors fall in most folds, by their size or by their share of those before: one wild fold must
    not hide the others.
    """
    shares = gain / np.maximum(np.maximum(before, before - gain), 1e-300)
    certain = any(
        each.mean() > CERTAIN * np.std(each, ddof=1) / np.sqrt(len(each)) for each in (gain, shares)
    )
    return bool(certain and gain.sum() > LEAST_GAIN * before.sum())


def _autocorrelation(e: Floats, whole: Bools) -> float:
    """Of neighbouring whole rows."""
    both = whole[1:] & whole[:-1]
    power = float((e[whole] ** 2).mean())
    if both.sum() < 8 or not power > 0:
        return 0.0
    return float(np.clip((e[1:] * e[:-1])[both].mean() / power, 0.0, MOST_RHO))
