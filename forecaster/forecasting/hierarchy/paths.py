"""Paths of all levels of a hierarchy that add up, and the quantiles of its sums.

Each series at the bottom keeps its own distribution. Its normal score, from which a path is made, has a part
that it shares with the other parts of its sum, and this one a part that it shares with those of the sum
above:

    g_c = √r_p g_p + √(1 − r_p) e_c        for each part c of a sum p, e independent, g of the top independent

The share r_p follows from the size of errors: held-out errors say how wide the distribution of each sum is by
its own forecasts; r_p is such that its parts, added up, are as wide. With V_c the variance of a part and A_c
what of its deviation depends on g_c (at the bottom all of it),

    V_p = Σ V_c + r_p ((Σ A_c)² − Σ A_c²)        A_p = √r_p Σ A_c

The path of a sum is the sum of the paths of its series: so the paths add up, and no interval of a sum is as
narrow as if the errors of its series were independent. S series, U sums, N paths, H steps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.data.series.hierarchy.tree import NONE, Tree
from forecaster.features.value_range import KINDS, ValueRange, chosen
from forecaster.features.view import Possible
from forecaster.forecasting.quantile_table import Spread
from forecaster.machine import memory

MOST_SHARED = 0.99
NUMBERS, FEWEST, MOST = 5 * 10**7, 200, 2000
"""Numbers in all paths by which the quantiles of sums are found; and how many paths there are."""
NORMAL_WIDTH = 2 * NormalDist().inv_cdf(0.9)
SCORES = tuple(number / 5 for number in range(-17, 18))
"""Normal scores of the quantiles whose weighted mean and variance are those of a distribution."""


def moments(spread: Spread, is_sum: Bools) -> tuple[Floats, Floats]:
    """The mean and the variance (S, H) of each distribution, by quantiles at SCORES.

    The variance of sums (S,) is that of a normal distribution with their 80 % interval: so is a sum of many.
    """
    middle = spread.quantile(0.5)
    mean, square = np.zeros(middle.shape), np.zeros(middle.shape)
    weights = [NormalDist().pdf(score) for score in SCORES]
    for score, weight in zip(SCORES, np.array(weights) / sum(weights), strict=True):
        away = spread.quantile(NormalDist().cdf(score)) - middle
        mean += weight * away
        square += weight * away * away
    width = (spread.quantile(0.9) - spread.quantile(0.1)) / NORMAL_WIDTH
    return middle + mean, np.where(width > 0, width**2, np.maximum(square - mean * mean, 0.0))


def shared(tree: Tree, variance: Floats) -> Floats:
    """The share r (S, H) of each sum in the scores of its parts, by the variances (S, H); 0 at the bottom."""
    found = np.where(tree.is_sum[:, None], 0.0, variance)
    loading = np.where(tree.is_sum[:, None], 0.0, np.sqrt(variance))
    result = np.zeros(variance.shape)
    for parts, sums in tree.upwards():
        total, squares = np.zeros(found.shape), np.zeros(found.shape)
        np.add.at(found, sums, found[parts])
        np.add.at(total, sums, loading[parts])
        np.add.at(squares, sums, loading[parts] ** 2)
        here = np.unique(sums)
        room = total[here] ** 2 - squares[here]
        lacking = variance[here] - found[here]
        share = np.divide(lacking, room, out=np.zeros(room.shape), where=room > 0)
        result[here] = np.clip(share, 0.0, MOST_SHARED)
        found[here] += result[here] * room
        loading[here] = np.sqrt(result[here]) * total[here]
    return result


@dataclass(frozen=True, eq=False)
class Coherent:
    """The distributions of S series: of sums by paths of the series at the bottom, of those by their own."""

    tree: Tree
    own: Spread
    possible: Possible
    share: Floats  # (S, H) of each sum

    def quantile(self, level: float) -> Floats:
        """The quantile at a level between 0 and 1 (S, H)."""
        result = np.array(self.own.quantile(level))
        place = level * (self._sorted.shape[1] - 1)  # one of the paths: of whole numbers, a whole number
        result[self.tree.is_sum] = self._sorted[:, int(np.floor(place) if level < 0.5 else np.ceil(place))]
        return result

    def samples(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` paths of each series (S, count, H) that add up."""
        paths = np.zeros((len(self.share), count, self.share.shape[1]))
        paths[self.tree.is_sum] = self._paths(count, rng, paths)
        return paths

    def path(self, series: int, scores: Floats) -> Floats:
        """Paths (N, H) of a series at the bottom, from independent normal scores."""
        return self.own.path(series, scores)

    @cached_property
    def _sorted(self) -> Floats:
        """Paths of the sums (U, N, H), in ascending order of their values at each step."""
        size, horizon = self.share.size, self.share.shape[1]
        count = int(np.clip(NUMBERS // max(size, 1), FEWEST, MOST))
        memory.require(
            24 * count * horizon * int(self.tree.is_sum.sum()),
            f"{count} paths of {int(self.tree.is_sum.sum()):,} sums",
            hint="Use a smaller --horizon.",
        )
        return np.sort(self._paths(count, np.random.default_rng(0)), axis=1)

    def _paths(self, count: int, rng: np.random.Generator, each: Floats | None = None) -> Floats:
        """`count` paths of the sums (U, count, H); those of the series at the bottom go into `each`."""
        tree, place = self.tree, np.cumsum(self.tree.is_sum) - 1
        shape = count, self.share.shape[1]
        scores = np.empty((int(tree.is_sum.sum()), *shape))
        result = np.zeros(scores.shape)
        for series in np.argsort(tree.level, kind="stable"):  # from the top
            own, upper = rng.standard_normal(shape), tree.parent[series]
            if upper != NONE:
                share = self.share[upper]
                own = np.sqrt(share) * scores[place[upper]] + np.sqrt(1 - share) * own
            if tree.is_sum[series]:
                scores[place[series]] = own
                continue
            path = _only(self.possible, int(series)).paths(self.own.path(int(series), own)[None])[0]
            if each is not None:
                each[series] = path
            if upper != NONE:
                result[place[upper]] += path
        for parts, sums in tree.upwards():
            for part, upper in zip(parts, sums, strict=True):
                if tree.is_sum[part]:
                    result[place[upper]] += result[place[part]]
        return result


def _only(possible: Possible, series: int) -> Possible:
    """The possible values of one series."""
    one = slice(series, series + 1)
    limits = {each.name: getattr(possible.limits, each.name)[one] for each in fields(ValueRange)}
    return Possible(ValueRange(**limits), possible.phase[one])


def without_limits(possible: Possible, which: Bools) -> Possible:
    """The possible values, none of them limited for the series `which` (S,): those they are sums of are."""
    free = {"lower": -np.inf, "upper": np.inf, "integer": False, "circle": np.nan, "rising": False,
            "idle": False, "kind": KINDS.index("continuous")}  # fmt: skip
    limits = possible.limits
    none = {name: np.full(getattr(limits, name).shape, value) for name, value in free.items()}
    return replace(possible, limits=chosen(which, replace(limits, **none), limits))
