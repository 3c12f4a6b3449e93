"""Midnight written as 24:00, the end of a day: read as 00:00 of the day after (ISO 8601)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow.compute as pc

from forecaster.arrays import Bools
from forecaster.data.calendar.clock import DAY
from forecaster.data.findings import SHOWN, repair
from forecaster.data.parsing.time_zones import Times
from forecaster.data.table import OnDemand, Table, makers_of

_DATE = r"[^:]*[0-9A-Za-z][^:]*[T ,]|[^: T]{6,}:"
"""What stands before 24:00: a date, of which no colon is a part. In 00:24:00 an hour does."""
CELL = rf"^({_DATE})24(:00(?::00(?:[.,]0+)?)?(?: ?(?:Z|UTC|[+-][0-9]{{2}}(?::?[0-9]{{2}})?))?) *$"


def without_midnights(table: Table, name: str) -> tuple[Table, Bools | None]:
    """The table with 00:00 for 24:00 in column `name`, and which rows (N,) had it; None without any."""
    cells = table.columns[name]
    if not pc.any(pc.match_substring(cells, "24:00")).as_py():
        return table, None
    late = pc.match_substring_regex(cells, CELL).fill_null(False)
    if not pc.any(late).as_py():
        return table, None
    replaced = {name: lambda: pc.replace_substring_regex(cells, CELL, r"\100\2")}
    columns = OnDemand(makers_of(table.columns) | replaced)
    return dataclasses.replace(table, columns=columns), np.asarray(late.to_numpy())


def a_day_later(table: Table, times: Times, late: Bools) -> Times:
    """The times with a day more in the rows `late` (N,), and the finding that says so."""
    places = [table.where(int(row)) for row in np.flatnonzero(late)[:SHOWN]]
    finding = repair(
        "T006",
        "times of 24:00",
        count=int(late.sum()),
        places=places,
        action="read as 00:00 of the day after",
    )
    return dataclasses.replace(times, ns=times.ns + late * DAY, findings=(*times.findings, finding))
