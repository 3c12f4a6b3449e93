"""Revisions: rows that came late, were changed or vanished after their time was judged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.data.panel import Panel
from forecaster.monitoring.state import NEVER, State


class Revisions(NamedTuple):
    """How many rows of each kind. None is judged again; forecasts to come see them as they are now."""

    late: int = 0
    """A value where there was none when the time was judged."""
    changed: int = 0
    """Another value than that which was judged."""
    gone: int = 0
    """No value any more."""


def revisions(panel: Panel, state: State) -> Revisions:
    """Compare a panel with the rows that the state of its series keeps: the newest of those judged."""
    late = changed = gone = 0
    for series in range(len(panel)):
        kept = state.time[series] != NEVER
        then, value = state.time[series][kept], state.value[series][kept]
        if not len(then):
            continue
        rows = slice(int(panel.offsets[series]), int(panel.offsets[series + 1]))
        now, y = panel.time[rows], np.where(panel.target_observed[rows], panel.target[rows], np.nan)
        inside = (now >= then[0]) & (now <= state.done[series]) & np.isfinite(y)
        now, y = now[inside], y[inside]
        place = np.minimum(np.searchsorted(then, now), len(then) - 1)
        before = np.where(then[place] == now, value[place], np.nan)
        late += int(np.isnan(before).sum())
        changed += int((np.isfinite(before) & (before != y)).sum())
        gone += int(np.isfinite(value).sum()) - int(np.isfinite(before).sum())
    return Revisions(late, changed, gone)
