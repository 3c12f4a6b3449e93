"""Seasonal position: where a row lies within each season, on the calendar that all series share.

Rows are counted from the first Monday of 1970 in local time. Position 0 is therefore Monday in a week,
midnight in a day, and January in a year of months.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from forecaster.arrays import Float32s, Floats, Ints
from forecaster.data.calendar.clock import to_local
from forecaster.data.calendar.sessions import MONDAY
from forecaster.data.panel import Panel


def row_numbers(panel: Panel, rows: Ints) -> Ints:
    """Steps from the first Monday of 1970 to each of these rows of the panel (B,)."""
    local = to_local(panel.time[rows], panel.frequency.clock(panel.names.tz))
    return panel.frequency.position(local, np.full_like(local, MONDAY))[0]


@lru_cache
def circle(season: int) -> Float32s:
    """Sine and cosine of each position in a season of m rows (m, 2)."""
    angle = 2 * np.pi * np.arange(season) / season
    return np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


def agreement(panel: Panel, index: Floats, *, aligned: bool = False) -> float:
    """Mean cosine similarity of the seasonal indices of all pairs of series; 1 for one series.

    `index` (S, m) counts from the first row of each series; it is aligned on the calendar before comparing,
    unless it counts there already (`aligned`).
    Rows of zeros are series without the season and are left out.
    """
    season = index.shape[1]
    if not aligned:
        first = row_numbers(panel, panel.offsets[:-1])
        index = np.take_along_axis(index, (np.arange(season) - first[:, None]) % season, axis=1)
    length = np.linalg.norm(index, axis=1)
    unit = index[length > 0] / length[length > 0, None]
    count = len(unit)
    if count < 2:
        return float(count)
    return float(((unit.sum(axis=0) ** 2).sum() - count) / (count * (count - 1)))
