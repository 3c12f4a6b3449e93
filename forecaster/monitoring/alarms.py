"""Alarms: what each says, and how unusual rows of a series become one alarm that is raised once.

    spike    a row is far from what was expected just before it
    shift    the median of the last 7 rows is far from what was expected at least a block before: it lasts
    stuck    the same reading again and again, far longer than ever before
    silent   no reading, far longer than ever before

Unusual rows that follow each other belong to one alarm, until a block of rows without one has passed. A spike
that stays is raised once more, as a shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.data.labels import Names, times_as_strings
from forecaster.monitoring.scores import ROWS
from forecaster.monitoring.state import State

Kind = Literal["spike", "shift", "stuck", "silent"]
SCHEMA = "monitor-1"
"""docs/schemas has it."""
SPIKE, SHIFT = 1, 2
"""Kinds that go on, as numbers of the state."""
NORMAL = 8
"""Blocks after which what goes on is the new normal: its rows count again among the usual ones."""


@dataclass(frozen=True)
class Alarm:
    """One alarm."""

    kind: Kind
    series: str
    time: int
    """Of the row that raised it, ns UTC."""
    since: int
    """Of the first row that belongs to it."""
    value: float | None
    forecast: float | None = None
    lower: float | None = None
    upper: float | None = None
    """The 95 % interval: of a spike by the newest forecast before it, of a shift by the one before that."""
    chance: float | None = None
    """Of so unusual a row of this series by chance."""

    def to_json(self, names: Names) -> dict[str, Any]:
        """As a line of JSON lines has it."""
        time, since = times_as_strings(np.array([self.time, self.since]), names)
        numbers = {name: getattr(self, name) for name in ("value", "forecast", "lower", "upper", "chance")}
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "series": self.series,
            "time": time,
            "since": since,
        } | {name: None if number is None else float(f"{number:.7g}") for name, number in numbers.items()}


def follow(
    state: State, series: int, numbers: list[int], spikes: Bools, shifts: Bools
) -> tuple[list[tuple[int, Kind]], Bools, Bools]:
    """Follow the rows of a series (R,), some of which are unusual; `numbers` on the calendar.

    Returns the alarms as (row, kind), which rows are quiet, and which began an alarm (R,). Changes the state.
    """
    alarms: list[tuple[int, Kind]] = []
    quiet, began = np.ones(len(numbers), np.bool_), np.zeros(len(numbers), np.bool_)
    for row, number in enumerate(numbers):
        kind = int(state.kind[series])
        if kind and number - state.unusual[series] > state.stride:
            kind = 0
        unusual = bool(spikes[row] or shifts[row])
        if unusual:
            if not kind:
                state.opened[series] = number
                began[row] = True
            if shifts[row] and kind != SHIFT:
                alarms.append((row, "shift"))
            elif not kind:
                alarms.append((row, "spike"))
            kind = SHIFT if shifts[row] else kind or SPIKE
            state.unusual[series] = number
        state.kind[series] = kind
        quiet[row] = not kind or number - state.opened[series] > NORMAL * state.stride
    return alarms, quiet, began


def first_of_shift(old: Floats, row: int) -> int:
    """The likeliest first row of a shift with an alarm at `row`, from scores (R,) by earlier forecasts.

    That from which on the scores add up to the most, less half of their new level each: the maximum of the
    likelihood of a change of a mean (Page 1955). Missing rows add nothing.
    """
    level = float(np.nanmedian(old[max(row + 1 - ROWS, 0) : row + 1]))
    gain = np.nan_to_num(np.sign(level) * old[row::-1] - abs(level) / 2)
    return row - int(np.cumsum(gain).argmax())
