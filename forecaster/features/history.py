"""History: the rows of each series known before its forecast origin, on the flat arrays of a Panel.

All fitting takes its rows from here, so that nothing reads a row at or after the origin.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import Panel


class History:
    """Which rows are known, with sums and means for each series.

    For S neighbouring series of a Panel with N rows in all. Series s begins at row offsets[s] − offsets[0],
    and its first origins[s] rows are known.
    """

    def __init__(self, offsets: Ints, origins: Ints) -> None:
        self.count = len(origins)
        self.offsets = offsets - offsets[0]  # (S+1,)
        self.starts = self.offsets[:-1]
        self.series = np.repeat(np.arange(self.count, dtype=np.int32), np.diff(offsets))  # (N,)
        self.position = np.arange(len(self.series)) - self.starts[self.series]  # (N,) row within its series
        self.origin = origins[self.series]  # (N,)
        self.known: Bools = self.position < self.origin

    def total(self, values: Floats | Bools) -> Floats:
        """Sum over all rows of each series (S,)."""
        return np.asarray(np.bincount(self.series, weights=values, minlength=self.count), np.float64)

    def mean(self, values: Floats, observed: Bools) -> Floats:
        """Mean of the known and observed values of each series (S,); zero without any."""
        used = self.known & observed
        return self.total(np.where(used, values, 0.0)) / np.maximum(self.total(used), 1)


def known_target(panel: Panel, origins: Ints) -> Bools:
    """Which rows lie before the origin of their series and have an observed target (N,)."""
    return History(panel.offsets, origins).known & panel.target_observed
