"""Point forecasts of all levels of a hierarchy, made to add up.

Minimum trace (Wickramasuriya, Athanasopoulos & Hyndman 2019): of all forecasts ỹ that add up, those with the
least Σ (ỹ_i − ŷ_i)² / w_i, for w_i the variance of the error of ŷ_i. That of a series at the bottom is known
from its intervals; that of a sum counts as the sum of those of its series. This is structural scaling with a
variance for each series: where the errors of a sum are larger, because those of its series depend on each
other, that is left out on both sides. On three public hierarchies it was better than the variances of the
sums themselves and than shrunk covariances of held-out errors, of which there are few: `docs/hierarchy.md`.

As the sums are a tree, the solution needs no matrix: once up and once down. With M = Σ m_c and V = Σ v_c over
the parts c of a sum p,

    up      v_p = 1 / (1/V + 1/w_p)     m_p = v_p (M/V + ŷ_p/w_p)      (at the bottom v = w, m = ŷ)
    down    ỹ_c = m_c + v_c/V (ỹ_p − M)                                 (at the top ỹ = m)
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import Reconcile
from forecaster.data.panel import Panel
from forecaster.data.series.hierarchy.tree import NONE, Tree, tree_of

NEWEST = 28
"""Rows by which a sum is compared with its parts, at most."""
EXACT = 1e-9


def reconciled(tree: Tree, point: Floats, variance: Floats, how: Reconcile) -> Floats:
    """Forecasts that add up, from `point` (S, H); `variance` (S, H) of their errors, used at the bottom."""
    if how == "bottom-up":
        return tree.summed(point)
    weight = tree.summed(variance)
    mean, var = np.array(point, np.float64), weight.copy()
    total, spread = np.zeros(mean.shape), np.zeros(mean.shape)  # M and V of each sum
    for parts, sums in tree.upwards():
        np.add.at(total, sums, mean[parts])
        np.add.at(spread, sums, var[parts])
        here = np.unique(sums)
        gain = _share(spread[here], spread[here] + weight[here])
        mean[here] = total[here] + gain * (mean[here] - total[here])
        var[here] = gain * weight[here]
    for parts, sums in reversed(list(tree.upwards())):
        mean[parts] += _share(var[parts], spread[sums]) * (mean[sums] - total[sums])
    return tree.summed(mean)


def rounded(tree: Tree, values: Floats, whole: Bools) -> Floats:
    """`values` (S, H) that add up, those of series that are `whole` (S,) at the bottom as whole numbers.

    A sum of such series alone is rounded, and what is missing goes to its parts with the largest fractions
    (largest remainders), level by level: so no number moves by one or more, whatever the number of series.
    """
    result = np.array(values)
    fractions = tree.summed(np.where(whole, 0.0, 1.0)[:, None])[:, 0]
    whole = fractions == 0
    tops = whole & ((tree.parent == NONE) | ~whole[tree.parent])
    result[tops] = np.rint(values[tops])
    for parts, sums in reversed(list(tree.upwards())):
        order = np.argsort(sums, kind="stable")
        for mine in np.split(parts[order], np.flatnonzero(np.diff(sums[order])) + 1):
            upper = tree.parent[mine[0]]
            if not whole[upper]:
                continue
            low = np.floor(values[mine])
            missing = result[upper] - low.sum(axis=0)  # (H,)
            largest = np.argsort(low - values[mine], axis=0, kind="stable")  # fractions, the largest first
            rank = np.argsort(largest, axis=0, kind="stable")
            result[mine] = low + (rank < missing)
    return result


def _share(part: Floats, whole: Floats) -> Floats:
    """part / whole; 0 where the whole is: what is certain is not moved."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def tree_at(panel: Panel, origins: Ints) -> Tree | None:
    """The tree of the series of a panel, as known from the first origins[s] rows of each.

    None where the forecasts do not begin at one time. A sum with series that are not in the panel, because
    they are too short to be forecast, stands for itself: its newest rows are not the sum of its parts.
    """
    last = panel.offsets[:-1] + origins - 1
    if (origins < 1).any() or (panel.time[last] != panel.time[last[0]]).any():
        return None
    tree = tree_of(panel.ids)
    newest = NEWEST if panel.max_gap is None else min(NEWEST, panel.max_gap + 1)  # longer ago, others may end
    rows = last[:, None] - np.arange(newest)
    there = rows >= panel.offsets[:-1, None]
    values = np.where(there, panel.target[np.where(there, rows, 0)], 0.0)  # (S, n); NaN where not known
    parts = np.zeros(values.shape)
    below = np.flatnonzero(tree.parent != NONE)
    np.add.at(parts, tree.parent[below], values[below])
    seen = there & np.isfinite(values)
    size = np.abs(np.where(seen, values, 0.0)).max(axis=1, keepdims=True)
    lacking = seen & ~(np.abs(values - parts) <= EXACT * size) & tree.is_sum[:, None]
    return tree.without_sums(lacking.any(axis=1)) if lacking.any() else tree
