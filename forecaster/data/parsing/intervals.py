"""Intervals written as a start and an end in one cell: the start is the time of the row."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pyarrow.compute as pc

from forecaster.data.findings import Finding, info
from forecaster.data.labels import shown
from forecaster.data.parsing.looks import all_match
from forecaster.data.table import OnDemand, Table, makers_of

MARK = r"[-\x{2013}]"
CELL = rf"^ *(?P<start>[^ ].*[0-9][^ ]*) +{MARK} +[^ ].*[0-9][^ ]* *$"
"""Such as 01.01.2023 00:00 - 01.01.2023 00:15."""
HOURS = rf"^ *(?P<start>[0-9]{{1,2}}(?::[0-9]{{2}})?) ?{MARK} ?[0-9]{{1,2}}(?::[0-9]{{2}})? *$"
"""Such as 00 - 01 or 23:00-24:00."""


def starts_of_hours(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """The times of day at which intervals of HOURS begin: 00:00 for 00 - 01."""
    starts = pc.struct_field(pc.extract_regex(cells, HOURS), "start")
    whole = pc.match_substring(starts, ":")
    return pc.if_else(whole, starts, pc.binary_join_element_wise(starts, ":00", ""))


def without_ends(table: Table, name: str) -> tuple[Table, list[Finding]]:
    """The table with the start alone in column `name`, if each cell is an interval; else as it is."""
    cells = table.columns[name]
    if cells.null_count or not all_match(cells, CELL):
        return table, []
    starts = {name: lambda: pc.struct_field(pc.extract_regex(cells, CELL), "start")}
    columns = OnDemand(makers_of(table.columns) | starts)
    finding = info("T009", f"intervals in column {shown(name)} are named by their start", count=len(cells))
    return dataclasses.replace(table, columns=columns), [finding]
