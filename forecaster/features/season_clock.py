"""Where in its season a row lies: on the local clock, so that a pattern of the day stays at its hour.

When the clocks change, a day of hourly data has 23 or 25 rows. By row count, the pattern
would be an hour early or late from then on.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import to_local
from forecaster.data.calendar.steps import Fixed
from forecaster.data.panel import Panel


class SeasonClock:
    """Positions in the seasons of a panel, 0 … m−1.

    With a time zone and a step of less than a day, they follow the local clock. Otherwise, and without
    `local`, they count rows from the first of each series.
    """

    def __init__(self, panel: Panel, *, local: bool = True) -> None:
        self._panel, self._tz = panel, panel.names.tz
        step = panel.frequency.step
        zoned = self._tz not in (None, "UTC")
        self.local = local and zoned and isinstance(step, Fixed) and not step.by_days
        self._size = step.size if isinstance(step, Fixed) else 1

    def rows(self, span: slice, position: Ints, season: int) -> Ints:
        """Positions (n,) of the rows `span` of the panel; `position` (n,) counts them within their series."""
        return self._place(self._panel.time[span], season) if self.local else position % season

    def ahead(self, series: Ints, origins: Ints, horizon: int, season: int) -> Ints:
        """Positions (B, H) of rows origins[b] … origins[b]+H−1 of series[b], which may lie in the future."""
        row = origins[:, None] + np.arange(horizon)
        if not self.local:
            return np.asarray(row % season)
        start = self._panel.time[self._panel.offsets[series]]
        return self._place((start[:, None] + row * self._size).ravel(), season).reshape(row.shape)

    def _place(self, time: Ints, season: int) -> Ints:
        return np.asarray(to_local(time, self._tz) // self._size % season)
