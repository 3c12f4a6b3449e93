"""Kinds: what the cells of a column are, asked before its role is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.arrays import Ints
from forecaster.data.parsing.looks import NUMBER_LIKE, kind_of_cells
from forecaster.data.parsing.numbers import blanked, is_number, is_text
from forecaster.data.table import Table, taken

SAMPLED = 200
WHOLE = r"^ *[+-]?[0-9]{1,15} *$"


def kind_of(table: Table, name: str, na: tuple[str, ...]) -> str:
    """time, number, text, empty, key or other: what most cells of a sample look like.

    A key comes from the names of folders, even if they look like numbers.
    """
    kind = _kind_of(table, name, na)
    return "key" if name in table.keys and kind in ("number", "text") else kind


def _kind_of(table: Table, name: str, na: tuple[str, ...]) -> str:
    column = table.parsed[name] if name in table.parsed else table.columns[name]
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return "time"
    if is_number(column.type):
        return "number" if column.null_count < len(column) else "empty"
    if not pa.types.is_dictionary(column.type) and not is_text(column.type):
        return "empty" if pa.types.is_null(column.type) else "other"
    kind = kind_of_cells(sample(column), na)
    return kind if kind != "empty" else kind_of_cells(column.cast(pa.string()), na)


def has_some_numbers(table: Table, name: str, na: tuple[str, ...]) -> bool:
    """Whether any cell of a sample looks like a number."""
    cells = blanked(sample(table.parsed.get(name, table.columns[name])), na)
    return bool(pc.any(pc.match_substring_regex(cells, NUMBER_LIKE)).as_py())


def sample(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first cells of a column and some from its whole length, as text."""
    rows = np.unique(np.linspace(0, len(column) - 1, SAMPLED).astype(np.int64))
    head = column.slice(0, SAMPLED)
    spread = taken(column, rows) if len(column) > SAMPLED else head
    return pa.chunked_array([*head.chunks, *spread.chunks], column.type).cast(pa.string())


def is_whole(table: Table, name: str) -> bool:
    """Whether the cells are written as whole numbers, none below 0 and none missing."""
    if name in table.parsed and not _may_be_whole(table.parsed[name]):
        return False
    column = table.columns[name]
    if is_text(column.type):
        return bool(pc.all(pc.match_substring_regex(column, "^[0-9]+$")).as_py())
    return bool(pa.types.is_integer(column.type))


def _may_be_whole(column: pa.ChunkedArray) -> bool:
    """Whether all cells of a parsed column may be digits only."""
    if not is_number(column.type) or column.null_count:
        return False
    return all(bool(pc.all(pc.equal(chunk, pc.floor(chunk))).as_py()) for chunk in column.chunks)


def whole_numbers(table: Table, name: str) -> Ints | None:
    """The cells as whole numbers (N,); None if one is missing, or is anything else."""
    column = table.parsed.get(name)
    if column is None or not is_number(column.type):
        column = table.columns[name]
    if column.null_count or not len(column):
        return None
    if is_text(column.type):
        first = all(pc.match_substring_regex(column.slice(0, 1), WHOLE).to_pylist())
        if not first or not pc.all(pc.match_substring_regex(column, WHOLE)).as_py():
            return None
        column = pc.utf8_trim_whitespace(column)
    elif not is_number(column.type) or not (pa.types.is_integer(column.type) or _may_be_whole(column)):
        return None
    try:
        return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)
    except pa.ArrowInvalid:  # beyond 64 bits
        return None


def is_complete(table: Table, name: str) -> bool:
    """Whether no cell of a column is missing."""
    column = _any_form(table, name)
    if pa.types.is_dictionary(column.type):
        words = pa.chunked_array([chunk.dictionary.cast(pa.string()) for chunk in column.chunks])
        return not column.null_count and not blanked(words).null_count
    return not (blanked(column) if is_text(column.type) else column).null_count


def codes(table: Table, name: str) -> tuple[NDArray[np.signedinteger], int]:
    """The index of each row's value among the distinct ones, and how many there are."""
    coded = _any_form(table, name)
    if not pa.types.is_dictionary(coded.type):
        coded = pc.dictionary_encode(coded, null_encoding="encode")
    coded = coded.combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0)
    return coded.indices.to_numpy(zero_copy_only=False), len(coded.dictionary)


def distinct(table: Table, name: str) -> int:
    """How many different values a column has."""
    column = _any_form(table, name)
    if pa.types.is_dictionary(column.type):
        return len(np.unique(np.concatenate([np.unique(chunk.indices) for chunk in column.chunks])))
    return int(pc.count_distinct(column, mode="all").as_py())


def never_changes(table: Table, name: str) -> bool:
    """Whether all cells of a column of numbers that are not missing hold the same value."""
    column = _any_form(table, name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return int(pc.count_distinct(column, mode="only_valid").as_py()) <= 1


def _any_form(table: Table, name: str) -> pa.ChunkedArray:
    """The cells as parsed; if they are not, as read."""
    return table.parsed[name] if name in table.parsed else table.columns[name]
