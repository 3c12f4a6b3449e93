"""Findings for values that no healthy source reports, and for lasting changes of level.

Nothing is changed here. At each origin the model leaves suspicious values out again, and brings rows before a
change of level to the new level: see `features.view`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.findings import SHOWN, Finding, repair, warn
from forecaster.data.history import fitting_season
from forecaster.data.labels import shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.series.level_shifts import LevelShifts, level_shifts
from forecaster.data.series.stock_splits import splits
from forecaster.data.series.suspicious_values import SuspiciousValues, hint, suspicious_values

LEFT_OUT = "left out of training, as if missing"


class Oddities(NamedTuple):
    """Suspicious values and changes of level in the known rows of a panel."""

    suspicious: SuspiciousValues
    shifts: LevelShifts


def oddities(panel: Panel, known: Ints) -> Oddities:
    """Suspicious values, then changes of level without them, in the first known[s] rows of each series."""
    target, observed, offsets = panel.target, panel.target_observed, panel.offsets
    suspicious = suspicious_values(target, observed, offsets, known)
    season, left_out = fitting_season(panel, known), suspicious.left_out
    shifts = level_shifts(target, observed, offsets, known, season=season, left_out=left_out)
    return Oddities(suspicious, shifts)


def examine_values(panel: Panel, known: Oddities, na: tuple[str, ...] = ()) -> list[Finding]:
    """A finding for each kind of oddity; `na`: the words for missing values that the user has set already."""
    return [
        *_sentinels(panel, known.suspicious, na),
        *_dropouts(panel, known.suspicious),
        *_stuck(panel, known.suspicious),
        *_resets(panel, known.suspicious),
        *_shifts(panel, known.shifts),
    ]


def _sentinels(panel: Panel, suspicious: SuspiciousValues, na: tuple[str, ...]) -> list[Finding]:
    some = suspicious.of("sentinel")
    if not len(some.row):
        return []
    action = f"{LEFT_OUT}; {hint(some, na)} makes them missing for good"
    message, places = 'numbers that stand for "no reading"', _places(panel, some)
    return [repair("V007", message, count=len(some.row), places=places, action=action)]


def _dropouts(panel: Panel, suspicious: SuspiciousValues) -> list[Finding]:
    some = suspicious.of("dropout", "spike")
    if not len(some.row):
        return []
    message, places = "dropouts or impossible single values", _places(panel, some)
    return [repair("V008", message, count=len(some.row), places=places, action=LEFT_OUT)]


def _stuck(panel: Panel, suspicious: SuspiciousValues) -> list[Finding]:
    some = suspicious.of("stuck")
    if not len(some.row):
        return []
    message = "the same reading many times longer than ever before: a stuck sensor"
    return [repair("V009", message, count=len(some.row), places=_places(panel, some), action=LEFT_OUT)]


def _resets(panel: Panel, suspicious: SuspiciousValues) -> list[Finding]:
    some = suspicious.of("reset")
    if not len(some.row):
        return []
    message, action = "counters that began again near zero", "kept; --difference forecasts their rate"
    return [warn("V010", message, count=len(some.row), places=_places(panel, some), action=action)]


def _shifts(panel: Panel, shifts: LevelShifts) -> list[Finding]:
    """Changes of level, the latest first; without those that are named as stock splits."""
    rows = panel.offsets[shifts.series] + shifts.row
    named = [panel.offsets[series] + row for series, row, _ in splits(panel)] if len(rows) else []
    kept = np.flatnonzero(~np.isin(rows, np.array(named, np.int64)))
    if not len(kept):
        return []
    latest = kept[np.argsort(-panel.time[rows[kept]], kind="stable")][:SHOWN]
    stamps = times_as_strings(panel.time[rows[latest]], panel.names)
    names = [shown(panel.ids[series]) for series in shifts.series[latest]]
    places = [
        f"{shifts.before[at]:.4g} to {shifts.after[at]:.4g} on {stamp} in {name}"
        for at, stamp, name in zip(latest, stamps, names, strict=True)
    ]
    action = "the forecast starts from the new level; earlier rows are brought to it for training"
    return [repair("V011", "lasting changes of level", count=len(kept), places=places, action=action)]


def _places(panel: Panel, some: SuspiciousValues) -> list[str]:
    """Value, time and series of the first few; a run of neighbouring rows is one place."""
    begins = (np.diff(some.row, prepend=-2) != 1) | (np.diff(some.series, prepend=-1) != 0)
    first = np.flatnonzero(begins)
    length = np.diff(first, append=len(some.row))[:SHOWN]
    first = first[:SHOWN]
    stamps = times_as_strings(panel.time[panel.offsets[some.series[first]] + some.row[first]], panel.names)
    return [
        f"{some.value[at]:.10g} on {stamp} in {shown(panel.ids[some.series[at]])}"
        + (f" and the next {count - 1:,} rows" if count > 2 else " and the next row" if count == 2 else "")
        for at, stamp, count in zip(first, stamps, length, strict=True)
    ]
