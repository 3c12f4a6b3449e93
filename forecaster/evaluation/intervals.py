"""Split-conformal calibration: the widths of prediction intervals, from held-out errors.

Sources: Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World; Lei, G'Sell, Rinaldo,
Tibshirani & Wasserman (2018), Distribution-Free Predictive Inference for Regression: with n exchangeable
absolute residuals, the ceil((n + 1) * level)-th smallest covers the next one with probability at least
`level`. Isotonic step: Barlow et al. (1972), pool adjacent violators, here on quantiles.

Forecast windows are few and their errors grow with the horizon step. So residuals of neighbouring steps
are pooled, but only as far as needed:

1. Neighbouring steps form a block until it holds enough residuals for the level (`ENOUGH` times the number
   that the finite-sample correction needs to be below 1: 8 for 80 %, 38 for 95 %).
2. A block narrower than the one before it is pooled with it, since uncertainty does not fall with the step.
   Each block's half-width is the conformal quantile of all its residuals.
3. Levels are made to nest: a higher level is never narrower.

After pooling, the guarantee holds on average over the steps of a block. Errors of neighbouring steps of one
window are correlated, so with only a few windows the coverage is approximate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from forecaster.arrays import Floats
from forecaster.errors import DataError, UsageError

ENOUGH = 2


def calibrate(residuals: Floats, levels: Sequence[int]) -> Floats:
    """Half-widths (levels, H), in the unit of `residuals`, of intervals that cover `levels` percent.

    `residuals` (n, H): absolute errors of n held-out windows, scaled so that windows are comparable, NaN
    where unobserved. Widths never fall with the level or the step. Raises UsageError for a level outside
    1 to 99, DataError where no residual was observed.
    """
    for level in levels:
        if not 0 < level < 100:
            raise UsageError(
                f"interval level {level} is not between 1 and 99", hint="Use, for instance, 80 95."
            )
    if not np.isfinite(residuals).any():
        raise DataError("no held-out errors to calibrate prediction intervals with")
    order = np.argsort(levels, kind="stable")
    widths = np.stack([_isotonic(residuals, levels[i] / 100) for i in order])  # rising levels
    nested = np.maximum.accumulate(widths, axis=0)
    return nested[np.argsort(order, kind="stable")]


def conformal_quantile(residuals: Floats, level: float) -> float:
    """The ceil((n + 1) * level)-th smallest of n residuals (n,).

    If the rank exceeds n, no finite width is guaranteed. Then the largest residual, which covers the level
    n / (n + 1), is scaled by the ratio of the normal quantiles of the two levels.
    """
    n = len(residuals)
    rank = math.ceil(round((n + 1) * level, 9))
    if rank <= n:
        return float(np.partition(residuals, rank - 1)[rank - 1])
    return float(residuals.max()) * _normal(level) / _normal(n / (n + 1))


def _isotonic(residuals: Floats, level: float) -> Floats:
    """Half-widths (H,) at one level that never fall with the step, by pooling neighbouring steps."""
    enough = ENOUGH * math.ceil(round(level / (1 - level), 9))
    blocks: list[tuple[float, Floats, int]] = []  # half-width, residuals, steps
    for block, steps in _large_enough(residuals, enough):
        width = conformal_quantile(block, level)
        while blocks and blocks[-1][0] > width:
            _, before, count = blocks.pop()
            block, steps = np.concatenate([before, block]), steps + count
            width = conformal_quantile(block, level)
        blocks.append((width, block, steps))
    return np.repeat([width for width, _, _ in blocks], [steps for _, _, steps in blocks])


def _large_enough(residuals: Floats, enough: int) -> list[tuple[Floats, int]]:
    """Residuals of neighbouring steps, pooled into blocks of at least `enough` (one block for fewer)."""
    blocks: list[tuple[Floats, int]] = []
    pooled, steps = np.empty(0), 0
    for step in residuals.T:
        pooled, steps = np.concatenate([pooled, step[np.isfinite(step)]]), steps + 1
        if len(pooled) >= enough:
            blocks.append((pooled, steps))
            pooled, steps = np.empty(0), 0
    if steps and blocks:  # the rest joins the last block
        last, count = blocks.pop()
        pooled, steps = np.concatenate([last, pooled]), count + steps
    return [*blocks, (pooled, steps)] if steps else blocks


def _normal(level: float) -> float:
    """Half-width, in standard deviations, of the central normal interval with this coverage."""
    return NormalDist().inv_cdf((1 + level) / 2)
