"""Numbers from text, strictly: a cell is a plain decimal number, is missing, or is an error that names it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.data.table import Table, shown
from forecaster.errors import DataError

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "<NA>")
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are text to be parsed."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_number(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are numbers already."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def blanked(column: pa.ChunkedArray, na: tuple[str, ...] = ()) -> pa.ChunkedArray:
    """Text without surrounding spaces, null where the cell means a missing value."""
    column = pc.utf8_trim_whitespace(column)
    words = pa.array([*MISSING, *na], column.type)
    return pc.if_else(pc.is_in(column, value_set=words), pa.scalar(None, column.type), column)


def parse_numbers(table: Table, name: str, na: tuple[str, ...] = ()) -> NDArray[np.float64]:
    """Column `name` as float64 (N,), NaN where a value is missing; DataError for anything else."""
    column = table.columns[name]
    if is_text(column.type):
        return _from_text(table, name, na)
    if pa.types.is_null(column.type):
        return np.full(table.rows, np.nan)
    if not is_number(column.type):
        raise DataError(
            f"{table.name}: column {shown(name)} holds {column.type}, not numbers",
            hint="Choose another: --target",
        )
    values = _as_floats(column.cast(pa.float64(), safe=False))
    _refuse_infinite(table, name, values)
    return values


def _from_text(table: Table, name: str, na: tuple[str, ...]) -> NDArray[np.float64]:
    column = table.columns[name]
    values = _cast(column)
    if values is not None and np.isfinite(values).all():
        return values  # the usual case: every cell a finite number
    cells = blanked(column, na)
    values = _cast(cells)
    if values is None:
        raise _not_a_number(table, name, cells)
    _refuse_infinite(table, name, values)
    if (
        np.count_nonzero(np.isnan(values)) > cells.null_count
    ):  # the library has words for NaN that we have not
        raise _not_a_number(table, name, cells)
    return values


def _cast(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """PyArrow's parser takes decimal numbers, inf and nan; not 0x10, 1_000, '1 ', 1,5. None if it refuses."""
    try:
        return _as_floats(column.cast(pa.float64()))
    except pa.ArrowInvalid:
        return None


def _as_floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.array(column.to_numpy(), dtype=np.float64)  # a copy that may be written to; null becomes NaN


def _refuse_infinite(table: Table, name: str, values: NDArray[np.float64]) -> None:
    rows = np.flatnonzero(np.isinf(values))
    if len(rows):
        raise _bad_cells(table, name, rows, "is not a finite number")


def _not_a_number(table: Table, name: str, cells: pa.ChunkedArray) -> DataError:
    odd = pc.invert(pc.match_substring_regex(cells, NUMBER)).fill_null(False)
    return _bad_cells(table, name, np.flatnonzero(odd.to_numpy()), "is not a number")


def _bad_cells(table: Table, name: str, rows: NDArray[np.intp], fault: str) -> DataError:
    first = int(rows[0])
    more = f" (and {len(rows) - 1} more cells)" if len(rows) > 1 else ""
    return DataError(
        f"{table.where(first)}, column {shown(name)}: {table.cell(name, first)} {fault}{more}",
        hint="Repair it; or, if the word means a missing value, add it: --na WORD; "
        "or choose another column: --target.",
    )
