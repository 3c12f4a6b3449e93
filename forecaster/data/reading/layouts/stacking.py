"""Stacking: a wide table to a long one. Each row becomes several, one for each block of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa

from forecaster.data.parsing.numbers import is_number
from forecaster.data.table import OnDemand, Part, Table


def stacked(
    table: Table,
    kept: Sequence[str],
    labels: Mapping[str, Sequence[str]],
    values: Mapping[str, Sequence[str | None]],
    *,
    place: Callable[[int], str] | None = None,
) -> Table:
    """Row r of the table (R rows) as rows r·K … r·K + K−1 of a long one.

    kept    columns whose cell stands in all K rows
    labels  new columns: the K cells that each row gets
    values  new columns: the K columns of which row r gives the cells, in order; None: missing
    place   what to add to the line of a row in messages, by its number among the K
    """
    count = len(next(iter(values.values())))
    makers: dict[str, Callable[[], pa.ChunkedArray]] = {
        name: partial(_repeated, table, name, count) for name in kept
    }
    makers |= {name: partial(_tiled, tuple(cells), table.rows) for name, cells in labels.items()}
    makers |= {name: partial(_texts, table, tuple(columns)) for name, columns in values.items()}
    parsed = {name: made for name, columns in values.items() if (made := _numbers(table, columns))}
    parts = tuple(
        replace(part, rows=part.rows * count, line=_line_of(part, count, place)) for part in table.parts
    )
    return Table(OnDemand(makers), parts, parsed, table.keys)


def free_name(wished: Sequence[str], taken: Sequence[str]) -> str:
    """The first of the names that is not taken; else the last with a number."""
    numbered = (f"{wished[-1]}_{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*wished, *numbered) if name not in taken)


def _repeated(table: Table, name: str, count: int) -> pa.ChunkedArray:
    rows = pa.array(np.repeat(np.arange(table.rows), count))
    return table.columns[name].take(rows)


def _tiled(cells: tuple[str, ...], rows: int) -> pa.ChunkedArray:
    codes = pa.array(np.tile(np.arange(len(cells), dtype=np.int32), rows))
    return pa.chunked_array([pa.array(cells, pa.string()).take(codes)])


def _texts(table: Table, columns: tuple[str | None, ...]) -> pa.ChunkedArray:
    """The cells as text, row by row. Numbers of a column without gaps are not read a second time."""
    cells = []
    for name in columns:
        if name is None:
            cells.append(pa.nulls(table.rows, pa.string()))
            continue
        known = table.parsed.get(name)
        if known is None or not is_number(known.type) or known.null_count:
            known = table.columns[name]
        cells.append(known.cast(pa.string()).combine_chunks())
    return _row_by_row(cells, table.rows)


def _numbers(table: Table, columns: Sequence[str | None]) -> pa.ChunkedArray | None:
    """The same as numbers, if all columns were parsed as numbers."""
    parsed = [table.parsed.get(name) for name in columns if name is not None]
    if not all(column is not None and is_number(column.type) for column in parsed):
        return None
    nothing = pa.nulls(table.rows, pa.float64())
    cells = [
        nothing if name is None else table.parsed[name].cast(pa.float64()).combine_chunks()
        for name in columns
    ]
    return _row_by_row(cells, table.rows)


def _row_by_row(cells: list[pa.Array], rows: int) -> pa.ChunkedArray:
    """K columns of R cells as one column of R·K."""
    pieces = [
        piece for cell in cells for piece in (cell.chunks if isinstance(cell, pa.ChunkedArray) else [cell])
    ]
    whole = pa.concat_arrays(pieces)
    order = np.arange(len(cells) * rows).reshape(len(cells), rows).T.ravel()
    return pa.chunked_array([whole.take(pa.array(order))])


def _line_of(part: Part, count: int, place: Callable[[int], str] | None) -> Callable[[int], str]:
    def line(row: int) -> str:
        return part.line(row // count) + (f" {place(row % count)}" if place else "")

    return line
