"""Blend: the weight of each network, smoothing method and baseline in the forecast.

The weights minimise the absolute error on validation origins, where every component forecasts rows that it
was not fitted on. They are regularised towards a prior of networks and smoothing. As a safeguard,
weight then moves to the better of naive and seasonal naive, as far as the gain over that baseline may be
chance: on a random walk the forecast is the naive one. Drift or mean replaces the blend only where it is
clearly better, because on one horizon of yearly series drift is often the best by luck.

All steps share one set of weights: weights by groups of steps improved no data set tried.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import Limits, Scales

SMOOTHING = {
    "exponential smoothing": 0.3,
    "exponential smoothing in units": 0.3,
    "averaged theta": 0.2,
    "averaged theta in units": 0.2,
    "damped in units": 0.25,
    "theta": 0.25,
    "damped": 0.25,
    "theta in logarithms": 0.25,
}
"""The smoothing methods, and what each counts for in the prior; the last three are of models of format 1."""
NETWORKS = 0.5
ENOUGH_VALUES = 500
"""The networks' share of the prior, and the number of values at which it is half of that: networks learn from
values, and short series teach them little that smoothing does not know."""
PRETRAINED = "pretrained"
"""The component of networks that were trained on synthetic series."""
PRETRAINED_SHARE = {"seasonal": 0.7, "plain": 0.2}
"""Its share of the prior, where seasons are removed and where there are none."""
UNMIXED = ("drift", "mean")
"""Baselines that may replace the blend but are never mixed in: in a mixture they only fit the noise."""
CLEARLY = 3.0
"""Standard errors by which one of them must be better than the blend to replace it."""
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
"""Regularisation strengths towards the prior, relative to the error. A stronger one must help all folds."""
FEW_BLOCKS = 3
"""With fewer blocks of origins the strength starts at STRONGER, and is one of STRONGEST for few series."""
STRONGER, STRONGEST = 0.3, (10.0, 30.0)
OF_GROUP = (3.0, 10.0, 30.0)
"""Strengths towards the common weights for those of a group: freer weights were worse on held-out rows."""
FOLDS = 4
STEPS = 400
MANY_SERIES = 32
"""From this many series on, series are the independent samples of a gain; below, blocks of origins are.
A refit then continues from the validated weights, because held-out rows of so many series add little."""
TRUST = 0.8
"""Share of the blend where there are too few samples to judge and the safe baseline had the smaller error."""
LEAST = 0.01
"""Smaller weights are dropped."""
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Blend:
    """Weights by component; they sum to one. Components are `network 1` …, SMOOTHING and the baselines."""

    weights: dict[str, float]
    log: bool
    """Whether any series is seen in another scale than its units."""
    seasons: tuple[int, ...]
    """Seasons to remove before smoothing, as far as they exceed the noise."""
    scales: Scales = "table"
    """What `log` means for each series."""
    limits: Limits = field(default_factory=Limits)
    """What a user said of the values that can happen."""
    by_group: dict[str, dict[str, float]] = field(default_factory=dict)
    """Weights of series that behave alike (`features.groups`), where they differ from `weights`."""

    @property
    def components(self) -> set[str]:
        """All components with a weight."""
        return set(self.weights).union(*self.by_group.values())

    def weights_of(self, group: str) -> dict[str, float]:
        """The weights of the series of a group."""
        return self.by_group.get(group, self.weights)


DEMAND = ("croston", "tsb")
"""Expected demand of series that are mostly zero; other series do not have them."""
Kind = Literal["network", "pretrained", "smoothing", "demand", "baseline"]


def kind_of(name: str) -> Kind:
    """The kind of a component of the blend."""
    if name.startswith("network "):
        return "network"
    if name == PRETRAINED:
        return "pretrained"
    if name in DEMAND:
        return "demand"
    return "smoothing" if name in SMOOTHING else "baseline"


def demand_weights(residuals: Mapping[str, Floats]) -> dict[str, float]:
    """Weights for intermittent demand: the method with the least squared error, or the mean of both.

    `residuals` {name: (O, S, H)}; may be empty.

    Absolute errors would choose zero, the median of what is mostly zero.
    """
    if not all(name in residuals and np.isfinite(residuals[name]).any() for name in DEMAND):
        return dict.fromkeys(DEMAND, 1 / len(DEMAND))
    squared = [float(np.nanmean(residuals[name] ** 2)) for name in DEMAND]
    return {DEMAND[int(np.argmin(squared))]: 1.0}


def network_name(number: int) -> str:
    """The name of the component for member `number` (from 0) of the ensemble."""
    return f"network {number + 1}"


def prior(networks: int, smoothing: Sequence[str], values: int, pretrained: float = 0.0) -> dict[str, float]:
    """The weights to use without validation, where networks learned from so many `values`.

    `pretrained`: the share of the pretrained networks; 0 without them.
    """
    share = NETWORKS * values / (values + ENOUGH_VALUES) if networks else 0.0
    weights = {network_name(number): share / networks for number in range(networks)}
    total = sum(SMOOTHING[name] for name in smoothing)
    weights |= {name: (1 - share) * SMOOTHING[name] / total for name in smoothing}
    if not pretrained:
        return weights
    return {PRETRAINED: pretrained} | {name: (1 - pretrained) * weight for name, weight in weights.items()}


def fit_weights(
    residuals: Mapping[str, Floats],
    blocks: Ints,
    values: int,
    start: Mapping[str, float] | None = None,
    *,
    pretrained: float = 0.0,
) -> dict[str, float]:
    """Weights of the components from their validation residuals {name: (O, S, H)}, scaled per series.

    `blocks` (O,): origins with the same number overlap and count as one sample. Residuals are NaN where
    nothing was observed. `values`: how many the networks learned from.
    `start`: the weights to stay near, of all series where these are some of them; None: the prior, with the
    share `pretrained` where there is such a component.
    """
    names = [name for name in residuals if name not in (*UNMIXED, *DEMAND)]
    kinds = [kind_of(name) for name in names]
    smoothing = [name for name, kind in zip(names, kinds, strict=True) if kind == "smoothing"]
    share = pretrained if PRETRAINED in names else 0.0
    prior_weights = prior(kinds.count("network"), smoothing, values, share)
    anchor_weights = prior_weights if start is None else start
    stacked = np.stack([residuals[name] for name in names], axis=-1)  # (O, S, H, K)
    seen: Bools = np.all(np.isfinite(stacked), axis=-1)  # (O, S, H)
    if not seen.any() or not set(anchor_weights) <= set(names):  # drift or the mean has taken over
        return dict(anchor_weights)
    anchor = np.array([anchor_weights.get(name, 0.0) for name in names])
    strengths = OF_GROUP if start else _strengths(stacked.shape[1], len(np.unique(blocks)))
    with threadpool_limits(1):  # the same bytes on any number of cores
        best = _least_absolute(stacked[seen], anchor, _strength(stacked, seen, blocks, anchor, strengths))
    baselines = [number for number, kind in enumerate(kinds) if kind == "baseline"]
    safe = min(baselines, key=lambda number: float(np.abs(stacked[seen][:, number]).mean()))
    trust = 1.0 if start else _trust(_gain(stacked @ best, stacked[..., safe]), blocks)
    weights = trust * best + (1 - trust) * np.eye(len(names))[safe]
    for name in UNMIXED:
        if name in residuals and (_t(_gain(residuals[name], stacked @ weights), blocks) or 0.0) > CLEARLY:
            return {name: 1.0}
    weights = np.where(weights >= LEAST, weights, 0.0)
    weights /= weights.sum()
    return {name: float(weight) for name, weight in zip(names, weights, strict=True) if weight}


def _gain(better: Floats, worse: Floats) -> Floats:
    """How much smaller the absolute residuals are (O, S, H); NaN where one of the two is NaN."""
    return np.abs(worse) - np.abs(better)


def _strengths(series: int, blocks: int) -> tuple[float, ...]:
    """The strengths to try, by how many series and separate blocks of origins there are."""
    if blocks >= FEW_BLOCKS:
        return STRENGTHS
    return STRENGTHS[STRENGTHS.index(STRONGER) :] if series >= MANY_SERIES else STRONGEST


def _strength(
    residuals: Floats, seen: Bools, blocks: Ints, anchor: Floats, strengths: tuple[float, ...]
) -> float:
    """The regularisation strength, by cross-validation over blocks of origins.

    Strength rises as long as no held-out fold gets worse. Folds split time, not series, because the best
    weights for one year may not suit the next. All folds must agree, so that one unusual Christmas does not
    decide.
    """
    folds = [np.isin(blocks, part) for part in np.array_split(np.unique(blocks), FOLDS) if len(part)]
    pairs = [(residuals[~fold][seen[~fold]], residuals[fold][seen[fold]]) for fold in folds]
    pairs = [(others, left_out) for others, left_out in pairs if len(others) and len(left_out)]

    def errors(strength: float) -> Floats:
        weights = (_least_absolute(others, anchor, strength) for others, _ in pairs)
        return np.array([np.abs(pair[1] @ w).mean() for pair, w in zip(pairs, weights, strict=True)])

    strength, least = strengths[0], errors(strengths[0])
    for stronger in strengths[1:] if pairs else ():
        if ((fold_errors := errors(stronger)) > least).any():
            break
        strength, least = stronger, fold_errors
    return strength


def _least_absolute(residuals: Floats, anchor: Floats, strength: float) -> Floats:
    """Weights w on the simplex with the least mean |R w| / mean |R a| + λ |w − a|², for residuals R (n, K).

    Exponentiated subgradient descent (Kivinen & Warmuth 1997), averaged over the second half of the steps,
    on at most MOST_ROWS rows. They are kept as (K, n) in single precision, because each step reads them all.
    """
    residuals = residuals[:: max(1, len(residuals) // MOST_ROWS)]
    weights = 0.98 * anchor + 0.02 / len(anchor)
    anchor_error = float(np.abs(residuals @ anchor).mean())
    if anchor_error == 0:
        return anchor  # nothing is better
    size = max(float(np.abs(residuals).max()), 1e-300)
    rows = np.ascontiguousarray(residuals.T / size, np.float32)  # (K, n)
    average = np.zeros(len(anchor))
    for step in range(STEPS):
        signs = np.sign(weights.astype(np.float32) @ rows)
        slope = (rows @ signs) * (size / (len(residuals) * anchor_error)) + 2 * strength * (weights - anchor)
        weights *= np.exp(-(slope - slope.min()) / np.sqrt(step + 1))
        weights /= weights.sum()
        average += weights if step >= STEPS // 2 else 0.0
    return average / average.sum()


def _trust(gain: Floats, blocks: Ints) -> float:
    """The share of the blend, against the safe baseline, from its gains (O, S, H): 0 to 1.

    Positive-part shrinkage, 1 − 1/t² (James & Stein 1961).
    """
    t = _t(gain, blocks)
    if t is None:
        return 1.0 if np.nanmean(gain) > 0 else TRUST
    return max(0.0, 1 - 1 / t**2) if t > 0 else 0.0


def _t(gain: Floats, blocks: Ints) -> float | None:
    """The mean gain (O, S, H) over its standard error among independent samples; None for fewer than 3."""
    if gain.shape[1] >= MANY_SERIES:
        means = _means(gain.transpose(1, 0, 2).reshape(gain.shape[1], -1))
    else:
        means = np.concatenate([_means(gain[blocks == block].reshape(1, -1)) for block in np.unique(blocks)])
    if len(means) < 3:
        return None
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    return float(means.mean()) / max(error, 1e-300)


def _means(rows: Floats) -> Floats:
    """Mean of each row, ignoring NaN; rows of only NaN are left out."""
    seen = np.isfinite(rows)
    used = seen.any(axis=1)
    return np.where(seen, rows, 0.0)[used].sum(axis=1) / seen[used].sum(axis=1)
