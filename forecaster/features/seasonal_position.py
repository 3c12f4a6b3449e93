"""Phases: where in its seasons a row lies, on the calendar that all series share.

Rows are counted from the first Monday of 1970 on the local clock, so that phase 0 of a week is Monday, of a
day midnight, of a year of months January.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from forecaster.arrays import Float32s, Floats, Ints
from forecaster.data.calendar.clock import DAY, to_local
from forecaster.data.panel import Panel

MONDAY = 4 * DAY


def row_numbers(panel: Panel, rows: Ints) -> Ints:
    """How many steps after the first Monday of 1970 each of these rows of the panel is (B,)."""
    local = to_local(panel.time[rows], panel.names.tz)
    return panel.frequency.position(local, np.full_like(local, MONDAY))[0]


@lru_cache
def circle(season: int) -> Float32s:
    """Sine and cosine of each phase of a season (m, 2)."""
    angle = 2 * np.pi * np.arange(season) / season
    return np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


def agreement(panel: Panel, index: Floats) -> float:
    """Mean cosine between the seasonal indices of each two series at the same phases; 1 for one series.

    `index` (S, m), counted from the first row of each series; rows of zeros are series without the season.
    """
    season = index.shape[1]
    first = row_numbers(panel, panel.offsets[:-1])
    aligned = np.take_along_axis(index, (np.arange(season) - first[:, None]) % season, axis=1)
    length = np.linalg.norm(aligned, axis=1)
    unit = aligned[length > 0] / length[length > 0, None]
    count = len(unit)
    if count < 2:
        return float(count)
    return float(((unit.sum(axis=0) ** 2).sum() - count) / (count * (count - 1)))
