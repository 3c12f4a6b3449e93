"""Findings for values that no healthy source reports, for lasting changes of level, and for set limits.

Nothing is changed here. At each origin the model leaves suspicious values out again, and brings rows before a
change of level to the new level: see `features.view`.

A few values outside limits that a user sets for forecasts are a warning (V012): forecasts must be positive
although a meter shows -0.3 at night. Where a limit would cut off more than MOST_CUT of the usual values of a
series, its forecasts would be wrong without notice. That is an error: --upper 100 may be meant for humidity
in a table that also has pressure.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.config import Limits
from forecaster.data.findings import SHOWN, Finding, repair, warn
from forecaster.data.labels import shown, times_as_strings
from forecaster.data.panel import Panel, Turns
from forecaster.data.rows.known_values import KnownValues, known_values
from forecaster.data.series.differences import is_replaced
from forecaster.data.series.directions import turns_of
from forecaster.data.series.level_shifts import LevelShifts, level_shifts
from forecaster.data.series.stock_splits import splits
from forecaster.data.series.suspicious_values import CODES, SuspiciousValues, hint, suspicious_values
from forecaster.errors import DataError

LEFT_OUT = "left out of training, as if missing"
EXPLAINED = ", but where known covariates explain them"
"""Promotions and closed days are no errors of a sensor: `features.effects.explained` keeps them."""
MOST_CUT = 0.1
"""Of the range from the 5 % to the 95 % quantile of a series; for whole numbers, of its values."""
INSTEAD = "Set a limit that holds, or leave it out: limits are learned from each series."


class Oddities(NamedTuple):
    """Suspicious values and changes of level in the known rows of a panel, and which series go round."""

    suspicious: SuspiciousValues
    shifts: LevelShifts
    turns: Turns | None = None


def oddities(panel: Panel, known: Ints) -> Oddities:
    """Suspicious values, then changes of level without them, in the first known[s] rows of each series."""
    target, observed, offsets = panel.target, panel.target_observed, panel.offsets
    suspicious = suspicious_values(target, observed, offsets, known)
    turns = turns_of(panel, known)
    if turns is not None:
        suspicious = _outside(turns, suspicious, offsets)
    season, left_out = panel.fitting_season(known), suspicious.left_out
    shifts = level_shifts(target, observed, offsets, known, season=season, left_out=left_out)
    if turns is not None:
        shifts = shifts.only(np.isnan(turns.size[shifts.series]))
    return Oddities(suspicious, _with_resets(shifts, panel, known, suspicious), turns)


def _with_resets(shifts: LevelShifts, panel: Panel, known: Ints, suspicious: SuspiciousValues) -> LevelShifts:
    """The shifts, and the resets of counters: earlier counts are moved so that the counter goes on rising."""
    found = suspicious.of("reset")
    rows = []
    for series in np.unique(found.series):  # few
        mine = found.row[found.series == series]
        if not is_replaced(mine, int(known[series])):
            continue
        part = slice(panel.offsets[series], panel.offsets[series] + known[series])
        seen = np.flatnonzero(panel.target_observed[part] & ~suspicious.left_out[part])
        values = panel.target[part][seen]
        most = np.diff(values).max()  # what was counted since the reset is no more than a step
        at = np.searchsorted(seen, mine)
        rows += [(series, seen[k], values[k - 1], max(values[k] - most, 0.0), False) for k in at]
    if not rows:
        return shifts
    series, row, before, after, ratio = (np.array(column) for column in zip(*rows, strict=True))
    shifts = shifts.only(~np.isin(shifts.series, series))
    resets = LevelShifts(series, row, before, after, ratio)
    return shifts.joined(resets)


def _outside(turns: Turns, suspicious: SuspiciousValues, offsets: Ints) -> SuspiciousValues:
    """Of series that go round, only values outside the turn and stuck ones: 0 next to 355 is no dropout."""
    low, size = turns.low[suspicious.series], turns.size[suspicious.series]
    with np.errstate(invalid="ignore"):
        inside = (suspicious.value >= low) & (suspicious.value <= low + size)
    wrong = inside & (suspicious.code != CODES.index("stuck"))
    left_out = suspicious.left_out.copy()
    left_out[offsets[suspicious.series[wrong]] + suspicious.row[wrong]] = False
    return suspicious.only(~wrong)._replace(left_out=left_out)


def examine_values(panel: Panel, known: Oddities, na: tuple[str, ...] = ()) -> list[Finding]:
    """A finding for each kind of oddity; `na`: the words for missing values that the user has set already."""
    return [
        *_sentinels(panel, known.suspicious, na),
        *_dropouts(panel, known.suspicious),
        *_stuck(panel, known.suspicious),
        *_resets(panel, known),
        *_shifts(panel, known),
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
    return [repair("V008", message, count=len(some.row), places=places, action=LEFT_OUT + _kept(panel))]


def _stuck(panel: Panel, suspicious: SuspiciousValues) -> list[Finding]:
    some = suspicious.of("stuck")
    if not len(some.row):
        return []
    message = "the same reading many times longer than ever before: a stuck sensor"
    return [repair("V009", message, count=len(some.row), places=_places(panel, some), action=LEFT_OUT)]


def _resets(panel: Panel, known: Oddities) -> list[Finding]:
    some = known.suspicious.of("reset")
    if not len(some.row):
        return []
    message, action = "counters that began again near zero", "kept; --difference forecasts their rate"
    if np.isin(some.series, known.shifts.series).all():
        action = "the forecast goes on from the new count; --difference forecasts the rate"
    return [warn("V010", message, count=len(some.row), places=_places(panel, some), action=action)]


def named_shifts(panel: Panel, known: Oddities) -> LevelShifts:
    """Changes of level that a finding names, without resets and those that are named as stock splits."""
    shifts, resets = known.shifts, known.suspicious.of("reset")
    rows = panel.offsets[shifts.series] + shifts.row
    is_reset = np.isin(rows, panel.offsets[resets.series] + resets.row)
    shifts, rows = shifts.only(~is_reset), rows[~is_reset]
    named = [panel.offsets[series] + row for series, row, _ in splits(panel)] if len(rows) else []
    return shifts.only(~np.isin(rows, np.array(named, np.int64)))


def _shifts(panel: Panel, known: Oddities) -> list[Finding]:
    """Changes of level, the latest first."""
    shifts = named_shifts(panel, known)
    count = len(shifts.row)
    if not count:
        return []
    rows = panel.offsets[shifts.series] + shifts.row
    latest = np.argsort(-panel.time[rows], kind="stable")[:SHOWN]
    stamps = times_as_strings(panel.time[rows[latest]], panel.names)
    names = [shown(panel.ids[series]) for series in shifts.series[latest]]
    places = [
        f"{shifts.before[at]:.4g} to {shifts.after[at]:.4g} on {stamp} in {name}"
        for at, stamp, name in zip(latest, stamps, names, strict=True)
    ]
    action = "the forecast starts from the new level; earlier rows are brought to it for training"
    action += _kept(panel)
    return [repair("V011", "lasting changes of level", count=count, places=places, action=action)]


def _kept(panel: Panel) -> str:
    return "" if panel.known is None else EXPLAINED


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


def check_limits(panel: Panel, limits: Limits, left_out: Bools) -> list[Finding]:
    """A warning for values outside the limits, which a forecast will not show; without those `left_out` (N,).

    Raises DataError for a series that a limit does not fit.
    """
    if limits == Limits():
        return []
    known = known_values(panel.target, panel.target_observed, panel.offsets, panel.lengths, left_out=left_out)
    lower, upper = limits.lower, limits.upper
    if limits.circular is not None:
        lower, upper = 0.0, limits.circular
        turns = turns_of(dataclasses.replace(panel, circle=upper), panel.lengths)
        if turns is not None:  # from −180 to 180 is a turn, too
            known = known.only(turns.low[known.series] == 0)
    findings = []
    if lower is not None:
        _refuse_cut(panel, -lower, KnownValues(-known.values, known.row, known.starts), "lower", lower)
        findings += _named(panel, known, known.values < lower, f"below {lower:g}, the lower limit")
    if upper is not None:
        _refuse_cut(panel, upper, known, "upper", upper)
        findings += _named(panel, known, known.values > upper, f"above {upper:g}, the upper limit")
    if limits.integer:
        fractions = known.values != np.floor(known.values)
        _refuse_fractions(panel, known, fractions)
        findings += _named(panel, known, fractions, "that are not whole numbers, although integer is set")
    return findings


def _refuse_cut(panel: Panel, bound: float, known: KnownValues, side: str, limit: float) -> None:
    """Raise DataError where an upper `bound` cuts off much of the usual values of a series."""
    high = known.quantile(0.95)
    cut = np.flatnonzero(high - bound > MOST_CUT * (high - known.quantile(0.05)))
    if len(cut):
        name, usual = shown(panel.ids[cut[0]]), high[cut[0]] if side == "upper" else -high[cut[0]]
        beyond = "above" if side == "upper" else "below"
        more = f" ({len(cut)} such series)" if len(cut) > 1 else ""
        raise DataError(
            f"the {side} limit {limit:g} does not fit series {name}: "
            f"5 % of its values lie {beyond} {usual:g}{more}",
            hint=INSTEAD,
            count=len(cut),
        )


def _refuse_fractions(panel: Panel, known: KnownValues, fractions: Bools) -> None:
    share = known.total(fractions) / np.maximum(known.count, 1)
    odd = np.flatnonzero(share > MOST_CUT)
    if len(odd):
        more = f" ({len(odd)} such series)" if len(odd) > 1 else ""
        raise DataError(
            f"integer is set, but {share[odd[0]]:.0%} of the values of series {shown(panel.ids[odd[0]])} "
            f"are not whole numbers{more}",
            hint=INSTEAD,
            count=len(odd),
        )


def _named(panel: Panel, known: KnownValues, outside: Bools, words: str) -> list[Finding]:
    """The warning that names values outside a limit."""
    places_outside = np.flatnonzero(outside)
    if not len(places_outside):
        return []
    first = places_outside[:SHOWN]
    series = known.series[first]
    stamps = times_as_strings(panel.time[panel.offsets[series] + known.row[first]], panel.names)
    places = [
        f"{value:.10g} on {stamp} in {shown(panel.ids[owner])}"
        for value, stamp, owner in zip(known.values[first], stamps, series, strict=True)
    ]
    action = "kept; the forecast stays within the limit"
    return [warn("V012", f"values {words}", count=len(places_outside), places=places, action=action)]
