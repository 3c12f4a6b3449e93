"""Counters that begin again, and their rate: the difference of each value to that of the row before.

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
from forecaster.data.rows.known_values import KnownValues
from forecaster.errors import DataError

DEEP = 0.5
"""Of the value before, what a counter falls below when it begins again."""
LONGEST = 3
"""Failed readings in a row."""
RARE = 0.02
"""The most part of the rows that may be failed readings; LONGEST always may."""
OTHERWISE = 0.01
"""The most part of all steps that may fall otherwise."""
RISES = 10
"""Least rises of a counter per reset."""
FEWEST = 20
"""Values that show a counter."""
NEAR_ZERO = 0.05
"""A counter starts again at no more than this fraction of its last value."""
EVEN, OVERDUE = 0.01, 1.1
"""How even, as a part of the time between them, things come back; and when they would have."""


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


def resets(seen: KnownValues) -> Bools:
    """Falls to nearly zero in series that otherwise never fall and rise in uneven steps (K,).

    A series that is back above the previous value within LONGEST rows had failed readings, not a reset.
    """
    soon = np.minimum(np.arange(len(seen.values)) + LONGEST, seen.starts[1:][seen.series] - 1)
    with np.errstate(invalid="ignore"):
        falls = seen.steps < 0
        before = seen.values - seen.steps
        reset = falls & (seen.values >= 0) & (seen.values <= NEAR_ZERO * before)
        reset &= seen.values[soon] < before
    no_other = seen.total(falls) == seen.total(reset)
    steps = np.where(falls, np.nan, seen.steps)
    few = seen.total(reset) <= np.maximum(1, RARE * seen.count)
    counts = no_other & few & (seen.count >= FEWEST) & (seen.total(steps > 0) >= RISES * seen.total(reset))
    return np.asarray(reset & counts[seen.series])


def settled_resets(seen: KnownValues) -> Bools:
    """Resets after which the counter went on (K,)."""
    return resets(seen) & ~_newest(seen)


def newest_resets(seen: KnownValues) -> Bools:
    """Resets in the newest value of a series (K,)."""
    return resets(seen) & _newest(seen)


def _newest(seen: KnownValues) -> Bools:
    newest = np.zeros(len(seen.values), np.bool_)
    newest[seen.starts[1:][seen.count > 0] - 1] = True
    return newest


def comes_back(rows: Ints) -> bool:
    """Whether runs of neighbouring `rows` (n,), in order, begin three times or more at even distances."""
    apart = np.diff(rows[np.diff(rows, prepend=rows[0] - 2) > 1])
    if len(apart) < 2:
        return False
    least = int(apart.min())
    return bool((np.abs(apart - np.rint(apart / least) * least) <= 1 + EVEN * least).all())


def is_replaced(rows: Ints, known: int) -> bool:
    """Whether a counter that began again at `rows` (n,) of `known` goes on from there for good.

    Otherwise it begins again and again, as the energy of the day does, and its fall is part of a season.
    """
    if len(rows) == 2:
        return bool(known - rows[1] > OVERDUE * (rows[1] - rows[0]))
    return not comes_back(rows)
