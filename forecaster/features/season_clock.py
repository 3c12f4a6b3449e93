"""Where in its season a row lies: on the local clock, so that a pattern of the day stays at its hour.

When the clocks change, a day of hourly data has 23 or 25 rows. By row count, the pattern
would be an hour early or late from then on. Likewise a week of sessions has fewer rows where a day is closed.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import to_local
from forecaster.data.calendar.sessions import MONDAY, Sessions
from forecaster.data.calendar.steps import Fixed
from forecaster.data.panel import Panel


class SeasonClock:
    """Positions in the seasons of a panel, 0 … m−1.

    With a time zone and a step of less than a day, they follow the local clock; in sessions, the bars of a
    week, closed days included. Otherwise, and without `local`, they count rows from the first of each series.
    """

    def __init__(self, panel: Panel, *, local: bool = True) -> None:
        self._panel, self._tz = panel, panel.frequency.clock(panel.names.tz)
        step = panel.frequency.step
        self._sessions = step if isinstance(step, Sessions) else None
        zoned = self._tz not in (None, "UTC") and isinstance(step, Fixed) and not step.by_days
        self.local = local and (zoned or self._sessions is not None)
        self._size = step.size if isinstance(step, Fixed) else 1

    def rows(self, span: slice, position: Ints, season: int) -> Ints:
        """Positions (n,) of the rows `span` of the panel; `position` (n,) counts them within their series."""
        return self._place(self._panel.time[span], season) if self.local else position % season

    def ahead(self, series: Ints, origins: Ints, horizon: int, season: int) -> Ints:
        """Positions (B, H) of rows origins[b] … origins[b]+H−1 of series[b], which may lie in the future."""
        row = origins[:, None] + np.arange(horizon)
        if not self.local:
            return np.asarray(row % season)
        if self._sessions is not None:
            return self._place(self._times(series, row).ravel(), season).reshape(row.shape)
        start = self._panel.time[self._panel.offsets[series]]
        return self._place((start[:, None] + row * self._size).ravel(), season).reshape(row.shape)

    def number(self, series: Ints, row: Ints) -> Ints:
        """Steps of the local clock since 1970 of rows (B, N) of series[b]: for steps of a fixed size."""
        start = self._panel.time[self._panel.offsets[series]]
        local = to_local((start[:, None] + row * self._size).ravel(), self._tz)
        return np.asarray(local // self._size).reshape(row.shape)

    def _times(self, series: Ints, row: Ints) -> Ints:
        """The times (B, H) of rows of series[b], of which some follow the last one of the panel."""
        panel = self._panel
        length = panel.lengths[series][:, None]
        time = panel.time[panel.offsets[series][:, None] + np.clip(row, 0, length - 1)]
        beyond = row - length  # 0 for the first row after the last one
        reach = int(beyond.max(initial=-1)) + 1
        if reach <= 0:
            return time
        last, which = np.unique(panel.time[panel.offsets[series + 1] - 1], return_inverse=True)
        future = np.stack([panel.frequency.future_times(int(end), reach, panel.names.tz) for end in last])
        return np.where(beyond < 0, time, future[which[:, None], np.maximum(beyond, 0)])

    def _place(self, time: Ints, season: int) -> Ints:
        local = to_local(time, self._tz)
        if self._sessions is not None:
            return self._sessions.position(local, np.full_like(local, MONDAY))[0] % season
        return np.asarray(local // self._size % season)
