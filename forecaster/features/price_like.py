"""Which series move like prices: positive, and wandering by independent steps of a ratio."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.data.rows.known_values import KnownValues

WALK = (0.5, 1.8)
"""The ratio of variances of 8 steps and of 8 times one step of what moves like a price."""
CALM_WALK = 0.1
"""The largest autocorrelation of its steps, over one row and one season; or two standard errors."""
LONG_WALK = 100
"""Values from which the test says something."""


def moves_like_a_price(seen: KnownValues, least: Floats, season: int) -> Bools:
    """Positive series that wander by independent steps of a ratio (S,), as Lo & MacKinlay 1988 test it."""
    there = (least > 0) & (seen.count >= LONG_WALK)
    part = seen.only(there[seen.series])
    logs = KnownValues(np.log(part.values), part.row, part.starts)
    steps = np.nan_to_num(logs.steps)
    count = np.maximum(logs.count - 1, 1)
    steps = np.where(np.isnan(logs.steps), 0.0, steps - (logs.total(steps) / count)[logs.series])
    square = logs.total(steps * steps)
    sums = np.cumsum(steps)
    eight = np.zeros(len(steps))
    eight[8:] = sums[8:] - sums[:-8]
    eight[np.arange(len(steps)) - logs.starts[logs.series] < 8] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        follow = np.abs(logs.total(steps * before(logs, steps, 1)) / square)
        if season > 1:
            follow = np.maximum(follow, np.abs(logs.total(steps * before(logs, steps, season)) / square))
        ratio = logs.total(eight * eight) / np.maximum(logs.count - 8, 1) / (8 * square / count)
        return (
            there
            & (follow < np.maximum(CALM_WALK, 2 / np.sqrt(count)))
            & (ratio > WALK[0])
            & (ratio < WALK[1])
        )


def before(seen: KnownValues, items: Floats, lag: int) -> Floats:
    """The item `lag` before each in its series (K,); 0 for the first ones."""
    before = np.concatenate([np.zeros(lag), items])[: len(items)]
    before[np.arange(len(items)) - seen.starts[seen.series] < lag] = 0.0
    return before
