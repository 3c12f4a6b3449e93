"""Repeats: what to type where a timestamp has several rows with different values.

The rows may be of several series, of the hour that clocks repeat, of events, or the time of day may be in
another column. What the table shows decides which of these is said.
"""

from __future__ import annotations

import shlex
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import DAY, HOUR, SECOND
from forecaster.data.parsing.looks import plain
from forecaster.data.roles.known_names import TARGET_NAMES, price_tables

MANY = 0.05
"""Share of rows that repeat a timestamp from which the rows may be events."""
SAME = 0.8
"""Share of timestamps with equally many rows from which the rows are those of several series."""
REGULAR = 0.5
"""Share of equal steps from which rows are readings, not events."""
FILLED = 0.95
"""Share of steps with rows from which a grid suits events."""
GRIDS = {"min": 60 * SECOND, "5min": 300 * SECOND, "15min": 900 * SECOND, "h": HOUR, "D": DAY, "W": 7 * DAY}
ZONES = ("Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Chicago",
         "America/Los_Angeles", "Australia/Sydney", "Pacific/Auckland", "America/Santiago")  # fmt: skip
"""One zone for each rule by which clocks go back, and the large ones of America."""
SHOWN = 3


class Repeats(NamedTuple):
    """The timestamps (G,) of each series, in order, and how many rows each has."""

    time: Ints
    series: NDArray[np.int32]
    rows: Ints


class Columns(NamedTuple):
    """What is known of the columns: what is forecast, what may be the id, and options for the time."""

    targets: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    join: str = ""
    """Options that join the time with another column."""
    zones: str = ""
    """Options of the zones in whose time clocks went back."""


def advice_on(repeats: Repeats, columns: Columns) -> str:
    """What to type."""
    keep = "say which to keep: --duplicates mean, last or first"
    if columns.join:
        return f"If the time of day is in another column: {columns.join}. Otherwise {keep}"
    if columns.zones:
        return f"If clocks went back an hour: {columns.zones}. Otherwise {keep}"
    ids = " or ".join(f"--id {shlex.quote(name)}" for name in columns.ids[:SHOWN])
    series = f"; if the rows are of several series: {ids}" if ids else ""
    if _are_events(repeats):
        prices = {plain(name) for name in columns.targets} & set(TARGET_NAMES)
        prices |= set(price_tables(list(columns.targets)))
        how, other = ("last", "mean") if prices else ("sum", "count")
        step = f"--every {_grid(repeats.time)} --agg"
        return (
            f"For events, take the {how} or the {other} of each step: {step} {how}, or {step} {other}{series}"
        )
    return f"{keep[0].upper()}{keep[1:]}{series}"


def _are_events(repeats: Repeats) -> bool:
    """Whether rows come as events do: at hardly any regular step, or a changing number at a time."""
    steps = np.diff(repeats.time)[np.diff(repeats.series) == 0]
    if len(steps) and np.mean(steps == np.median(steps)) < REGULAR:
        return True
    _, counts = np.unique(repeats.rows, return_counts=True)
    varying = counts.max() < SAME * len(repeats.rows)
    return bool(varying and (repeats.rows.sum() - len(repeats.rows)) > MANY * repeats.rows.sum())


def _grid(time: Ints) -> str:
    """The finest step of a grid of which nearly all steps have a row; of dates, a day at least."""
    for alias, size in GRIDS.items():
        if size < DAY and not (time % DAY).any():
            continue
        labels = np.unique(time // size)
        if len(labels) >= FILLED * (labels[-1] - labels[0] + 1):
            return alias
    return "MS"
