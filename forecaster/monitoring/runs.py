"""Stuck and silent series: the same reading again and again, or none, far longer than ever before.

Both need no forecast. A run of equal readings, or of missing rows, is an alarm at the row where it becomes
LONGER times as long as any run of its series that ended before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import Panel
from forecaster.features.seasonal_position import row_numbers
from forecaster.monitoring.alarms import Alarm
from forecaster.monitoring.state import State

LONGER = 5
"""Runs are alarms when they are this many times as long as any before …"""
STUCK, SILENT = 12, 6
"""… and at least this many rows."""
HELD = 4
"""Equal readings in a row, more than ever before, that are about to be stuck."""
REST = 3
"""A value at an end of its range that was read so often in a row before is a rest: night, closed, full."""
FEWEST = 20
"""Known rows before a run, without which nothing is known of usual runs."""


class Run(NamedTuple):
    """A run that is too long."""

    first: int
    """Its first row."""
    row: int
    """The row at which it became too long."""


def stuck_runs(values: Floats, observed: Bools) -> list[Run]:
    """Runs of equal readings of a series (R,); missing rows neither end a run nor count."""
    rows = np.flatnonzero(observed)
    y = values[rows]
    if len(y) < FEWEST + STUCK:
        return []
    starts = np.flatnonzero(np.concatenate([[True], y[1:] != y[:-1]]))
    length = np.diff(starts, append=len(y))
    need = np.maximum(STUCK, LONGER * _longest_before(length))
    found = []
    for run in np.flatnonzero((length >= need) & (starts >= FEWEST)):
        start, value = int(starts[run]), y[starts[run]]
        earlier = y[:start]
        rested = length[:run][y[starts[:run]] == value]
        at_end = value <= earlier.min() or value >= earlier.max()
        if not (at_end and rested.size and rested.max() >= REST):
            found.append(Run(int(rows[start]), int(rows[start + need[run] - 1])))
    return found


def held_rows(values: Floats, observed: Bools) -> Bools:
    """Rows of a series (R,) whose reading has repeated HELD times or more, and more often than ever before.

    They are about to be stuck: that they leave what is expected is no shift of their own.
    """
    rows = np.flatnonzero(observed)
    result = np.zeros(len(values), np.bool_)
    if len(rows):
        y = values[rows]
        starts = np.flatnonzero(np.concatenate([[True], y[1:] != y[:-1]]))
        run = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(y)))
        times = np.arange(len(y)) - starts[run] + 1
        before = _longest_before(np.diff(starts, append=len(y)))
        result[rows] = (times >= HELD) & (times > before[run]) & (starts[run] >= FEWEST)
    return result


def silent_runs(observed: Bools, after: int = 0) -> list[Run]:
    """Runs of missing rows of a series (R,), followed by `after` missing rows that it has not."""
    seen = np.concatenate([observed, np.zeros(after, np.bool_)])
    rows = np.flatnonzero(seen)
    if len(rows) < FEWEST:
        return []
    gaps = np.diff(rows, append=len(seen)) - 1
    need = np.maximum(SILENT, LONGER * _longest_before(gaps))
    late = (gaps >= need) & (np.arange(len(rows)) >= FEWEST - 1)
    return [Run(int(rows[place]) + 1, int(rows[place] + need[place])) for place in np.flatnonzero(late)]


def _longest_before(length: Ints) -> Ints:
    """The longest of the runs before each (K,); zero before the first."""
    return np.concatenate([[0], np.maximum.accumulate(length)[:-1]])


def run_alarms(panel: Panel, state: State) -> list[Alarm]:
    """Alarms of runs that became too long at a row that the state has not seen.

    For a silent series, at a time that no series had reached when rows were last judged.
    """
    newest = int(panel.time[panel.offsets[1:] - 1].max())
    last = row_numbers(panel, panel.offsets[1:] - 1)
    found = []
    for series, name in enumerate(panel.ids):
        rows = slice(int(panel.offsets[series]), int(panel.offsets[series + 1]))
        time, y, seen = panel.time[rows], panel.target[rows], panel.target_observed[rows]
        after = max(int(state.begins[series]), int(state.done[series]))
        for run in stuck_runs(y, seen):
            if time[run.row] > after:
                found.append(
                    Alarm("stuck", name, int(time[run.row]), int(time[run.first]), float(y[run.row]))
                )
        missing = int(last.max() - last[series])
        if missing:
            time = np.concatenate(
                [time, panel.frequency.future_times(int(time[-1]), missing, panel.names.tz)]
            )
        after = max(int(state.begins[series]), state.newest)
        for run in silent_runs(seen, missing):
            if after < time[run.row] <= newest:
                found.append(Alarm("silent", name, int(time[run.row]), int(time[run.first]), None))
    return found
