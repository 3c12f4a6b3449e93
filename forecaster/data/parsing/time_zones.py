"""Time zones: local times -> UTC.

A time that the clock skips is an error. Times that it shows twice are distinguished by the order of the rows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import known_zones
from forecaster.data.findings import SHOWN, Finding, repair
from forecaster.data.labels import shown
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError


@dataclass(frozen=True)
class Times:
    """A column of timestamps."""

    ns: Ints  # (N,) since 1970 UTC; naive times as if they were UTC
    tz: str | None
    dates: bool
    """No cell has a time of day."""
    form: str | None
    """The form of the text; None for typed columns."""
    findings: tuple[Finding, ...] = ()


def zones_of(table: Table, times: Times, series: NDArray[np.int32] | None) -> list[str]:
    """The zones in which naive times that repeat are each once: clocks go back there when they repeat.

    `series` (N,): the series of each row; None: all series have all rows. Empty for times with an offset, and
    where no zone explains all repeated times.
    """
    if times.tz:
        return []
    series = np.zeros(len(times.ns), np.int32) if series is None else series
    found = []
    for zone in known_zones():
        try:
            placed = in_zone(table, times, zone)
        except DataError:
            continue
        twice = any(finding.code == "T005" for finding in placed.findings)
        order = np.lexsort((placed.ns, series))
        again = (np.diff(placed.ns[order]) == 0) & (np.diff(series[order]) == 0)
        if twice and not again.any():
            found.append(zone)
    return found


def as_options(zones: list[str]) -> str:
    """Zones as options: '--tz Europe/Berlin, or --tz Europe/London'."""
    return ", or ".join(f"--tz {zone}" for zone in zones)


def in_zone(table: Table, times: Times, tz: str) -> Times:
    """Naive times as local times of zone `tz`; aware times are only shown in it."""
    index = pd.DatetimeIndex(times.ns.view("M8[ns]"))
    try:
        if times.tz:
            index.tz_localize("UTC").tz_convert(tz)
            return dataclasses.replace(times, tz=tz, dates=False)
        skipped = np.asarray(
            index.tz_localize(tz, ambiguous=np.zeros(len(index), bool), nonexistent="NaT").isna()
        )
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(
            f"unknown time zone {shown(tz)}", hint="Use a name such as Europe/Berlin or UTC."
        ) from error
    except pd.errors.OutOfBoundsDatetime:
        raise DataError(f"{table.name} has times outside 1677 to 2262") from None
    if skipped.any():
        row = int(np.flatnonzero(skipped)[0])
        raise DataError(
            f"{table.where(row)}: {str(index[row])[:19]} does not exist in {tz}, where clocks go forward "
            f"({int(skipped.sum())} such times)",
            hint="Set the zone of the clock: --tz; or write times with their offset.",
        )
    first, findings = _twice(table, index, tz)
    placed = index.tz_localize(tz, ambiguous=first)
    return dataclasses.replace(
        times, ns=np.asarray(placed.as_unit("ns").asi8), tz=tz, findings=(*times.findings, *findings)
    )


def _twice(table: Table, index: pd.DatetimeIndex, tz: str) -> tuple[Bools, list[Finding]]:
    """Which local times are the first of two (summer time), by the order of rows; true for all others."""
    unclear = index.tz_localize(tz, ambiguous="NaT").isna()
    first = np.ones(len(index), bool)
    rows = np.flatnonzero(unclear)
    if not len(rows):
        return first, []
    times = index.asi8
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)  # rows that follow one another
    for run in runs:
        second = _second_pass(times[run])
        if second is None:
            raise _unclear(table, index, int(run[0]), tz, len(rows))
        first[run[second:]] = False
    places = [table.where(int(run[0])) for run in runs[:SHOWN]]
    message = f"clock times that come twice in {tz}"
    action = "distinguished by the order of the rows"
    return first, [repair("T005", message, count=len(rows), places=places, action=action)]


def _second_pass(clock: Ints) -> int | None:
    """Where in a run of times the clock goes back: at its one step back, or in the middle of equal times."""
    back = np.flatnonzero(np.diff(clock) < 0)
    if len(back) == 1:
        return int(back[0]) + 1
    halves = len(back) == 0 and len(clock) % 2 == 0 and clock[0] == clock[-1]
    return len(clock) // 2 if halves else None


def _unclear(table: Table, index: pd.DatetimeIndex, row: int, tz: str, count: int) -> DataError:
    return DataError(
        f"{table.where(row)}: {str(index[row])[:19]} comes twice in {tz}, where clocks go back, and the "
        f"order of rows does not show which is meant ({count} such times)",
        hint=f"Write times with their offset, or in UTC; or leave out --tz {tz}.",
    )


def zone_label(text: str) -> str:
    """A zone as it is written in a cell, as 'UTC' or an offset such as '+01:00'."""
    digits = text.lstrip("+-").replace(":", "").ljust(4, "0")
    return "UTC" if text in ("Z", "UTC") or not int(digits) else f"{text[0]}{digits[:2]}:{digits[2:]}"


def utc_offsets(zones: pa.ChunkedArray) -> Ints:
    """How far each clock is ahead of UTC (N,), ns; an empty cell means UTC."""
    distinct = pc.unique(zones)
    offsets = np.array([_minutes(zone_label(text)) for text in distinct.to_pylist()], np.int64) * 60 * 10**9
    return offsets[pc.index_in(zones, value_set=distinct).to_numpy()]


def _minutes(zone: str) -> int:
    if zone == "UTC":
        return 0
    hours, minutes = zone[1:].split(":")
    return (int(hours) * 60 + int(minutes)) * (-1 if zone[0] == "-" else 1)
