"""Quantiles of intermittent demand: those of past demand.

A spread around an expectation of 0.3 a day cannot describe a series that is zero on most days and six on
some. Its known values can, the same at every step; the only assumption is that the future is like the past.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.intervals.past import PastRows

NEWEST = 500
"""The quantiles are those of this many of the newest rows."""


def demand_quantiles(history: PastRows, series: Ints, levels: Floats) -> Floats:
    """Quantiles (B, Q) at `levels` (Q,) of the newest known values of some series (B,).

    Of n values the ⌈(n + 1) τ⌉-th smallest, which a further one exceeds with probability 1 − τ at most.
    """
    result = np.empty((len(series), len(levels)))
    for place, number in enumerate(series):
        newest = history.newest(np.array([number]), NEWEST)[0]
        known = np.sort(newest[np.isfinite(newest)])
        rank = np.ceil(np.round((len(known) + 1) * levels, 9)).astype(np.int64)
        result[place] = known[np.clip(rank, 1, len(known)) - 1]
    return result
