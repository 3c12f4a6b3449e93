"""Derivatives by what a component sees of a series, turned into derivatives by its rows.

The way back through `transform`, for one series of n known rows. Decisions are taken as they are: the scale
of the series, the unit s of z, how far a season is shrunk, which value fills a gap. What is left is linear:

    e = x - x'                          the deviation from a level x'
    c = mean e,  r = e - c              over the observed rows
    i_m = k_m D_m r,  r <- r - i_m      for each season m, shortest first; D_m: `seasonal_index`
    d_t = r of the newest observed row up to t, for up to max_gap rows; 0 beyond

A component sees d (of which z = d/s), the centre x' + c, and the indices ahead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Floats
from forecaster.data.panel import TARGET, Panel
from forecaster.features.scale_choice import to_scale
from forecaster.features.seasonal_index import IndexOfOne
from forecaster.features.transform import MOST_SEASONS, Transform, filled_from


class Pullback:
    """The way back from a Transform, fitted on all rows of a panel, to the rows of one of its series."""

    def __init__(self, panel: Panel, fitted: Transform, series: int) -> None:
        span = slice(int(panel.offsets[series]), int(panel.offsets[series + 1]))
        self.rows = span.stop - span.start
        self.seen = fitted.observed[span, TARGET]
        self.x = to_scale(panel.target[span], np.full(self.rows, fitted.power[series]))
        self.x[~self.seen] = np.nan
        self._source, self._filled = filled_from(self.seen, 0, panel.max_gap)
        position = np.arange(self.rows)
        left = np.where(self.seen, self.x - fitted.centre[series], 0.0)
        self._indices = []
        for index in (indices[series] for indices in fitted.indices):
            place = fitted.clock.rows(span, position, len(index))
            used = self.seen & (position >= self.rows - MOST_SEASONS * len(index))
            self._indices.append(IndexOfOne.fitted(index, left, used, place))
            left = np.where(self.seen, left - index[place], 0.0)

    def __call__(self, d_values: Floats, d_centre: float, d_indices: Sequence[Floats]) -> Floats:
        """The derivative by x (n,): from those by d (n,), by the centre, and by each index (m,)."""
        filled = self._filled
        by_source = np.bincount(self._source[filled], d_values[filled], self.rows)
        back = np.asarray(by_source, np.float64)  # by r, after all seasons
        for index, d_index in reversed(list(zip(self._indices, d_indices, strict=True))):
            taken = np.asarray(np.bincount(index.place, back, index.season), np.float64)
            back = back + index.backward(d_index - taken)
        back = np.where(self.seen, back, 0.0)
        mean = (d_centre - back.sum()) / max(int(self.seen.sum()), 1)
        return np.where(self.seen, back + mean, 0.0)
