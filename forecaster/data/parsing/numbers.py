"""Numbers: a column -> float64. A cell is a plain decimal number, missing, or an error that names the cell.

`number_formats` first makes plain numbers of the ways in which people write them.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.arrays import Floats
from forecaster.config import ReadConfig
from forecaster.data.findings import SHOWN, Finding, repair
from forecaster.data.labels import shown
from forecaster.data.parsing.hints import for_numbers
from forecaster.data.parsing.number_formats import MISSING, NUMBER, plain_numbers, refuse_groups
from forecaster.data.table import Table
from forecaster.errors import DataError

EXACT = 2.0**53  # up to here every whole number is a floating point number


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are text to be parsed."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_number(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are numbers already."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def blanked(column: pa.ChunkedArray, na: tuple[str, ...] = ()) -> pa.ChunkedArray:
    """Text without surrounding spaces; null if the cell stands for a missing value."""
    column = pc.utf8_trim_whitespace(column)
    words = pa.array([*MISSING, *na], column.type)
    return pc.if_else(pc.is_in(column, value_set=words), pa.scalar(None, column.type), column)


def parse_numbers(
    table: Table,
    name: str,
    config: ReadConfig,
    *,
    comma: bool = False,
    out: Floats | None = None,
) -> tuple[Floats, list[Finding]]:
    """Column `name` as float64 (N,), NaN where a value is missing, and the repairs.

    `out`: array to write to. DataError for a cell that is neither a number nor missing.
    """
    values = None if comma else _as_parsed(table, name, out)
    if values is not None:
        return _without(config.na, values), []
    try:
        values, findings = _checked(table, name, config, comma)
    except DataError as error:
        if error.code == "E003":
            error.hint = _hint(table, name, config, comma)
        raise
    values = _without(config.na, values)
    if out is not None:
        out[:] = values
        values = out
    return values, findings


def _without(na: tuple[str, ...], values: Floats) -> Floats:
    """The values with NaN for the numbers among the words that mean a missing value: -127 is -127.0, too."""
    for word in na:
        if re.fullmatch(NUMBER, word):
            values[values == float(word)] = np.nan
    return values


def _checked(table: Table, name: str, config: ReadConfig, comma: bool) -> tuple[Floats, list[Finding]]:
    column = table.columns[name]
    if is_text(column.type):
        return _from_text(table, name, config, comma)
    if pa.types.is_null(column.type):
        return np.full(table.rows, np.nan), []
    if not is_number(column.type):
        raise DataError(
            f"{table.name}: column {shown(name)} holds {column.type}, not numbers",
            hint="Choose another: --target",
        )
    values = _as_floats(column.cast(pa.float64(), safe=False))
    _refuse_infinite(table, name, values)
    findings = _inexact(table, name, column, values)
    if pa.types.is_decimal(column.type):
        message = f"column {shown(name)} holds decimal numbers"
        findings.append(repair("N005", message, count=len(values), action="read as floating point"))
    return values, findings


def _as_parsed(table: Table, name: str, out: Floats | None) -> Floats | None:
    """The column as parsed while reading; None if its text is needed."""
    column = table.parsed.get(name)
    if column is None or not is_number(column.type):
        return None
    values, start = np.empty(len(column)) if out is None else out, 0
    for chunk in column.chunks:
        part = chunk.to_numpy(zero_copy_only=False)
        values[start : start + len(chunk)] = part
        start += len(chunk)
        if chunk.null_count:
            part = part[chunk.is_valid().to_numpy(zero_copy_only=False)]
        if len(part) and not (part.min() > -EXACT and part.max() < EXACT):  # false for NaN, too
            return None
    return values


def _from_text(table: Table, name: str, config: ReadConfig, comma: bool) -> tuple[Floats, list[Finding]]:
    column = table.columns[name]
    if comma and config.decimal is None and config.thousands is None:
        refuse_groups(table, name, column)
    values = _cast(column) if config.decimal in (None, ".") and not config.na else None
    if values is not None and np.isfinite(values).all():
        return values, _inexact(table, name, column, values)  # the usual case: every cell a finite number
    cells, findings = plain_numbers(table, name, blanked(column, config.na), config, comma=comma)
    values = _cast(cells)
    if values is None:
        raise _not_a_number(table, name, cells)
    _refuse_infinite(table, name, values)
    if np.count_nonzero(np.isnan(values)) > cells.null_count:  # PyArrow takes more words as NaN than we do
        raise _not_a_number(table, name, cells)
    return values, findings + _inexact(table, name, cells, values)


def _inexact(table: Table, name: str, column: pa.ChunkedArray, values: Floats) -> list[Finding]:
    """A finding for whole numbers that a floating point number cannot hold."""
    if not len(values) or not (np.abs(values) >= EXACT).any() or pa.types.is_floating(column.type):
        return []
    rows = np.flatnonzero(np.abs(values) >= EXACT)
    whole = column.take(pa.array(rows)).cast(pa.string())
    rounded = [
        int(row)
        for row, text in zip(rows, whole.to_pylist(), strict=True)
        if text.lstrip("+-").isdigit() and int(text) != int(values[row])
    ]
    if not rounded:
        return []
    places = [table.where(row) for row in rounded[:SHOWN]]
    message = f"whole numbers in column {shown(name)} beyond 2^53"
    return [repair("N004", message, count=len(rounded), places=places, action="rounded to about 16 digits")]


def _cast(column: pa.ChunkedArray) -> Floats | None:
    """PyArrow's parser takes decimal numbers, inf and nan; not 0x10, 1_000, '1 ', 1,5. None if it refuses."""
    try:
        return _as_floats(column.cast(pa.float64()))
    except pa.ArrowInvalid:
        return None


def _as_floats(column: pa.ChunkedArray) -> Floats:
    return np.array(column.to_numpy(), dtype=np.float64)  # a copy that may be written to; null becomes NaN


def _refuse_infinite(table: Table, name: str, values: Floats) -> None:
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
        code="E003",
        count=len(rows),
        places=table.places(name, rows),
    )


def _hint(table: Table, name: str, config: ReadConfig, comma: bool) -> str:
    """What to type for a column with cells that are not plain numbers."""
    options = ""
    if is_text(table.columns[name].type):
        options = for_numbers(table, name, config, lambda some, asked: _checked(some, name, asked, comma))
    hint = options or "repair it"
    return f"{hint[0].upper()}{hint[1:]}; or choose another column: --target."
