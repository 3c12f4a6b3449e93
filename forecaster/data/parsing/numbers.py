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
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.labels import shown
from forecaster.data.parsing.hints import for_numbers
from forecaster.data.parsing.number_formats import MISSING, NUMBER, UNITS, plain_numbers, refuse_groups
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError

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
        found = _words_taken(table, name, config.na, values)
        return _without(config.na, values), found
    try:
        values, findings = _checked(table, name, config, comma)
    except DataError as error:
        if error.code == "E003":
            error.hint = _hint(table, name, config, comma)
        raise
    findings += _words_taken(table, name, config.na, values)
    values = _without(config.na, values)
    if out is not None:
        out[:] = values
        values = out
    return values, findings


def by_word(findings: list[Finding], na: tuple[str, ...], *, all_used: bool) -> list[Finding]:
    """The findings of all columns, with those of `--na` as one for each word.

    `all_used`: raise UsageError for a word that stands in no cell.
    """
    others = [finding for finding in findings if finding.code != "N007"]
    words = []
    for word in na:
        here = [each for each in findings if each.code == "N007" and each.message == shown(word)]
        columns = [place for each in here for place in each.places]
        if not here and all_used:
            raise UsageError(
                f"--na {shown(word)} is in no cell that is read", hint="Leave it out, or correct it."
            )
        if here:
            message = f"cells that say {shown(word)}, a missing value as set"
            count = sum(each.count for each in here)
            words.append(info("N007", message, count=count, places=columns))
    return [*others, *words]


def _words_taken(table: Table, name: str, na: tuple[str, ...], values: Floats) -> list[Finding]:
    """How many cells of a column each of the words for missing values takes: a number by its value."""
    findings = []
    column = table.columns[name] if na else None
    for word in na:
        number = float(word) if re.fullmatch(NUMBER, word) else None
        count = 0 if number is None else int(np.count_nonzero(values == number))
        if column is not None and is_text(column.type) and (number is None or np.isnan(values).any()):
            count += int(pc.sum(pc.equal(pc.utf8_trim_whitespace(column), word)).as_py() or 0)
        if count:
            places = [f"column {shown(name)}: {count}"]
            findings.append(info("N007", shown(word), count=count, places=places))
    return findings


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


def _units(table: Table, name: str) -> list[str]:
    """The units beside the numbers of a column of text."""
    cells = table.columns[name]
    if not is_text(cells.type):
        return []
    found = pc.extract_regex(pc.utf8_trim_whitespace(cells), rf"^[^ ]*[0-9.] (?P<unit>{UNITS})$").drop_null()
    return [str(unit) for unit in pc.unique(pc.struct_field(found, "unit")).to_pylist()]


def _hint(table: Table, name: str, config: ReadConfig, comma: bool) -> str:
    """What to type for a column with cells that are not plain numbers."""
    options = ""
    if is_text(table.columns[name].type):
        options = for_numbers(table, name, config, lambda some, asked: _checked(some, name, asked, comma))
    units = _units(table, name) if not options else []
    if len(units) > 1:
        options = (
            f"the cells have different units ({', '.join(units[:SHOWN])}); export the numbers in one unit"
        )
    hint = options or "repair it"
    return f"{hint[0].upper()}{hint[1:]}; or choose another column: --target."
