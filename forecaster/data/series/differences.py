"""The rate of counters: the difference of each value to that of the row before.

A counter falls for two reasons. It begins again (a new meter, an overflow, a day): then its value is what it
has counted since. Or a reading fails and the next rows go on as before: then the reading is missing. Both are
looked for in series without negative values that hardly ever fall otherwise.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.labels import listed, shown, times_as_strings
from forecaster.data.panel import TARGET, Panel
from forecaster.errors import DataError

DEEP = 0.5
"""Of the value before, what a counter falls below when it begins again."""
LONGEST = 3
"""Failed readings in a row."""
RARE = 0.02
"""The most part of the rows that may be failed readings; LONGEST always may."""
OTHERWISE = 0.01
"""The most part of all steps that may fall otherwise."""


def differenced(panel: Panel, *, asked: bool) -> tuple[Panel, list[Finding]]:
    """The panel of the target's differences, if asked; a series starts at its second row then.

    After a row that is missing the difference is, too. Raises DataError where no series has two rows.
    """
    if not asked:
        return panel, []
    values, failed, began = _counted(panel)
    step = _ago(values, panel, 1)
    rate = np.where(began, values, values - step)
    rate[np.isnan(step)] = np.nan
    inside = np.arange(len(rate)) - np.repeat(panel.offsets[:-1], panel.lengths)
    there = np.where(np.isnan(rate), len(rate), inside)
    first = np.minimum.reduceat(there, panel.offsets[:-1])
    kept = inside >= np.repeat(first, panel.lengths)
    if not kept.any():
        raise DataError(
            "no series has two adjacent rows, so there are no differences", hint="Leave --difference out."
        )
    table, seen = panel.values.copy(), panel.observed.copy()
    table[:, TARGET], seen[:, TARGET] = rate, ~np.isnan(rate)
    findings = _named(panel, np.flatnonzero(failed), np.flatnonzero(began), first == len(rate))
    return dataclasses.replace(panel, values=table, observed=seen).only(kept), findings


def _counted(panel: Panel) -> tuple[Floats, Bools, Bools]:
    """The target with failed readings of counters missing, which they are, and where counters began again."""
    failed = _failed(panel.target, panel)
    many = _per_series(failed, panel) > np.maximum(LONGEST, RARE * panel.lengths)
    failed &= ~np.repeat(many, panel.lengths)
    without = np.where(failed, np.nan, panel.target)
    began, other = _falls(without, panel)
    counters = _per_series(panel.target < 0, panel) == 0
    counters &= _per_series(other, panel) <= OTHERWISE * panel.lengths
    mine = np.repeat(counters, panel.lengths)
    return np.where(mine, without, panel.target), failed & mine, began & mine


def _failed(values: Floats, panel: Panel) -> Bools:
    """Runs of up to LONGEST rows far below the row before, after which a value is back at it (N,)."""
    failed = np.zeros(len(values), np.bool_)
    before = _ago(values, panel, 1)
    highest = values  # of the run that begins at each row
    for rows in range(1, LONGEST + 1):
        after = _ago(values, panel, -rows)
        with np.errstate(invalid="ignore"):
            begins = np.flatnonzero((highest < DEEP * before) & (after >= before))
        for row in range(rows):
            failed[begins + row] = True
        highest = np.maximum(highest, after)
    return failed


def _falls(values: Floats, panel: Panel) -> tuple[Bools, Bools]:
    """Rows at which a counter began again, and all others that lie below the one before (N,), (N,)."""
    before = _ago(values, panel, 1)
    with np.errstate(invalid="ignore"):
        began = values < DEEP * before
        return began, (values < before) & ~began


def _ago(values: Floats, panel: Panel, rows: int) -> Floats:
    """The values so many rows before, or after if negative, in the same series (N,); NaN without any."""
    place = np.arange(len(values)) - rows
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    inside = (place >= panel.offsets[series]) & (place < panel.offsets[series + 1])
    return np.where(inside, values[np.where(inside, place, 0)], np.nan)


def _per_series(rows: Bools, panel: Panel) -> Ints:
    return np.add.reduceat(rows, panel.offsets[:-1], dtype=np.int64)


def _named(panel: Panel, failed: Ints, began: Ints, empty: Bools) -> list[Finding]:
    action = "the difference to the row before is forecast"
    resets = f", which began again {len(began):,} times" if len(began) else ""
    findings = [
        info(
            "D010",
            f"the rate of a counter, as asked{resets}",
            count=len(panel),
            places=_places(panel, began),
            action=action,
        )
    ]
    if len(failed):
        message, places = "readings of a counter that fall and are back at once", _places(panel, failed)
        findings.append(repair("V008", message, count=len(failed), places=places, action="left out"))
    if empty.any():
        names = listed([panel.ids[series] for series in np.flatnonzero(empty)], SHOWN)
        message = f"series without any difference: {names}"
        findings.append(repair("V004", message, count=int(empty.sum()), action="left out"))
    return findings


def _places(panel: Panel, rows: Ints) -> list[str]:
    """Value, time and series of the first few rows."""
    rows = rows[:SHOWN]
    series = np.searchsorted(panel.offsets, rows, side="right") - 1
    stamps = times_as_strings(panel.time[rows], panel.names)
    return [
        f"{value:.10g} on {stamp} in {shown(panel.ids[owner])}"
        for value, stamp, owner in zip(panel.target[rows], stamps, series, strict=True)
    ]
