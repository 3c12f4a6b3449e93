"""What a forecast of a hierarchy is made of: points, distributions and limits of all levels that add up."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Reconcile
from forecaster.data.panel import Panel
from forecaster.features.value_range import KINDS
from forecaster.features.view import Possible
from forecaster.forecasting.hierarchy.paths import Coherent, moments, shared, without_limits
from forecaster.forecasting.hierarchy.reconcile import reconciled, rounded, tree_at
from forecaster.forecasting.quantile_table import Mixed, Moved, Spread, TableQuantiles
from forecaster.forecasting.uncertainty import demand
from forecaster.pretraining.network import LEVELS

FARTHEST = 0.1
"""Beside one, the part of a median by which the mean of a count differs from it at most."""


def added_up(
    panel: Panel,
    view: Panel,
    origins: Ints,
    point: Floats,
    spread: Spread,
    limits: Possible,
    how: Reconcile,
) -> tuple[Floats, Spread, Possible]:
    """Points (S, H), distributions and limits that add up; as they are where series begin at other times.

    Limits and whole numbers are those of the series at the bottom: a sum is what they add up to. Counts are
    forecast by their means: medians of what is skewed do not add up to that of the sum.
    """
    tree = tree_at(panel, origins)
    if tree is None:
        return point, spread, limits
    own = _with_demand(view, origins, point, spread, limits)
    mean, variance = moments(own, tree.is_sum)
    counts = (limits.limits.kind == KINDS.index("count")) & ~tree.is_sum
    most = 1 + FARTHEST * np.abs(point)
    base = np.where(counts[:, None], np.clip(mean, point - most, point + most), point)
    moved = reconciled(tree, base, variance, how)
    moved = tree.summed(limits.point(rounded(tree, moved, limits.limits.integer & ~limits.intermittent)))
    share = shared(tree, variance)
    sparse = limits.intermittent[:, None]  # theirs is past demand, wherever the point is
    own = Moved(own, np.where(sparse, 0.0, moved - base))
    free = without_limits(limits, tree.is_sum)
    return moved, Coherent(tree, own, free, share), free


def _with_demand(view: Panel, origins: Ints, point: Floats, spread: Spread, limits: Possible) -> Spread:
    """The distributions; of intermittent demand, which a spread around its mean would not add up to, those of
    past demand.
    """
    sparse = np.flatnonzero(limits.intermittent)
    if not sparse.size:
        return spread
    table = np.zeros((len(LEVELS), *point.shape))
    table[:, sparse] = demand(view, origins, sparse, np.array(LEVELS)).T[..., None]
    horizon = point.shape[1]
    roots, kinds = np.eye(horizon)[None], np.zeros(len(point), np.int64)
    return Mixed(spread, TableQuantiles(table, roots, kinds), limits.intermittent)
