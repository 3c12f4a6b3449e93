"""Time faults: errors for cells that are not times, with what to type."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.data.labels import shown
from forecaster.data.parsing.hints import for_times
from forecaster.data.parsing.looks import TIME_LIKE
from forecaster.data.table import Table
from forecaster.errors import DataError

FIRST_YEAR, LAST_YEAR = 1678, 2261  # that nanoseconds in 64 bits hold whole
OFFSET = re.compile(r"[+-]([0-9]{2}):?[0-9]{2}$")
YEAR = re.compile(r"(?<![0-9:])[0-9]{4}(?![0-9])")
YEAR_OR_QUARTER = r"^[0-9]{4}([ -]?Q[1-4])?$"
ZONED = r"(?P<zone>Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)$"


def out_of_range(table: Table, name: str) -> DataError:
    return DataError(
        f"{table.name}: column {shown(name)} has times outside 1677 to 2262",
        hint="Leave such rows out, or choose another column: --time.",
    )


def refuse_missing(table: Table, name: str, column: pa.ChunkedArray) -> None:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise DataError(
            f"{table.where(row)}, column {shown(name)}: timestamp missing ({column.null_count} such rows)",
            hint="Fill it in or remove the row; or leave out such rows: --bad-rows skip.",
            code="E004",
            count=column.null_count,
        )


def bad_time(table: Table, name: str, rows: NDArray[np.intp], fault: str) -> DataError:
    count, cell = len(rows), table.cell(name, int(rows[0]))
    more = f" ({count} such cells)" if count > 1 else ""
    return DataError(
        f"{table.where(int(rows[0]))}, column {shown(name)}: {cell} {fault}{more}",
        hint=_hint(table, name, rows, cell),
        code="E004",
        count=count,
        places=table.places(name, rows),
    )


def _hint(table: Table, name: str, rows: NDArray[np.intp], cell: str) -> str:
    """What to type for a column with cells that are not times."""
    column = pc.utf8_trim_whitespace(table.columns[name].cast(pa.string()))
    forms = for_times(column)
    if forms:
        return f"Set the form: {forms}."
    if len(rows) == table.rows:
        return _reason(cell.strip("'")) or (
            "Describe it by a pattern, such as --date-format '%d.%m.%Y %H:%M' for 31.12.2024 13:45; "
            "or choose another column: --time."
        )
    hints = [
        "Repair the cell or delete its row" if len(rows) == 1 else "Repair the cells or delete their rows"
    ]
    if "24:00" in cell:
        hints = ["Write it as 00:00 of the day after"]
    aware = np.asarray(pc.match_substring_regex(column, f":[0-9.]+ ?{ZONED}").fill_null(False).to_numpy())
    odd = np.zeros(table.rows, np.bool_)
    odd[rows] = True
    if np.array_equal(aware, odd) or np.array_equal(aware, ~odd):
        hints = ["Write all times with their offset from UTC, or none"]
    mixed = pc.all(pc.match_substring_regex(column.filter(pa.array(odd)), YEAR_OR_QUARTER)).as_py()
    if mixed and not odd.all():
        hints = ["Keep rows of one kind only: years, quarters or months"]
    last = len(table.parts) == 1 and rows[0] == table.rows - len(rows)
    if last and not pc.match_substring_regex(pa.scalar(cell.strip("'")), TIME_LIKE).as_py():
        hints.append(f"leave out the lines below the table: --skip-end {len(rows)}")
    if not any(mark.isdigit() for mark in cell):
        hints.append("leave out rows without a time: --bad-rows skip")
    return "; or ".join(hints) + "."


def _reason(cell: str) -> str:
    """Why a time of a known form cannot be read; empty without a reason."""
    offset = OFFSET.search(cell)
    if offset and int(offset[1]) >= 24:
        return f"An offset from UTC is less than a day: {offset[0]} cannot be one."
    years = YEAR.findall(cell)
    if years and not any(FIRST_YEAR <= int(year) <= LAST_YEAR for year in years):
        return f"Times from {FIRST_YEAR} to {LAST_YEAR} can be read: leave out other rows."
    return ""
