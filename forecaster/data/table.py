"""Table: columns as they were read, and the source of each row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forecaster.arrays import Bools, Ints
from forecaster.data.labels import shown


@dataclass(frozen=True)
class Part:
    """The file, stream or DataFrame from which rows of a table were read."""

    name: str
    """As messages show it."""
    stem: str
    """The file name without folder and endings: the id of its series if no column gives one."""
    rows: int
    line: Callable[[int], str]
    """The place of row i (0-based) of this part: 'line 17', 'row 16'."""


class OnDemand(Mapping[str, pa.ChunkedArray]):
    """Columns that are made when they are first used."""

    def __init__(self, makers: Mapping[str, Callable[[], pa.ChunkedArray]]) -> None:
        self._makers = makers
        self._made: dict[str, pa.ChunkedArray] = {}

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers  # without making it

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def makers_of(columns: Mapping[str, pa.ChunkedArray]) -> dict[str, Callable[[], pa.ChunkedArray]]:
    """A maker for each of these columns, for an `OnDemand`."""
    return {name: partial(columns.__getitem__, name) for name in columns}


@dataclass(frozen=True)
class Table:
    """Columns of equal length (text from CSV, typed from Parquet and DataFrames) and their origin."""

    columns: Mapping[str, pa.ChunkedArray]
    parts: tuple[Part, ...]
    parsed: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    """Text columns parsed as numbers, dates, times or words, if every cell is one; null where missing."""
    keys: tuple[str, ...] = ()
    """Columns that name things even if they hold digits: from the names of folders, or said to be text."""
    layout: Literal["across"] | None = None
    """across: the source has times in its columns; here each has a row."""
    digest: str = ""
    """SHA-256 of the files; empty for a DataFrame."""

    @property
    def rows(self) -> int:
        """Rows over all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        first = self.parts[0].name
        return first if len(self.parts) == 1 else f"{first} and {len(self.parts) - 1} more"

    def where(self, row: int) -> str:
        """File and line of a row: 'prices.csv, line 17'."""
        stops = list(accumulate(part.rows for part in self.parts))
        part = bisect_right(stops, row)
        before = stops[part - 1] if part else 0
        return f"{self.parts[part].name}, {self.parts[part].line(row - before)}"

    def without(self, rows: NDArray[np.intp]) -> Table:
        """The table without these rows; the others keep their place in the source."""
        mask = np.ones(self.rows, np.bool_)
        mask[rows] = False
        kept = np.flatnonzero(mask)
        columns = OnDemand({name: partial(self._filtered, name, mask) for name in self.columns})
        parts, start = [], 0
        for part in self.parts:
            inside = kept[(kept >= start) & (kept < start + part.rows)] - start
            parts.append(replace(part, rows=len(inside), line=_line_of(part, inside)))
            start += part.rows
        parsed = {name: column.filter(pa.array(mask)) for name, column in self.parsed.items()}
        return replace(self, columns=columns, parts=tuple(parts), parsed=parsed)

    def _filtered(self, name: str, mask: Bools) -> pa.ChunkedArray:
        return self.columns[name].filter(pa.array(mask))

    def places(self, column: str, rows: NDArray[np.intp], limit: int = 3) -> tuple[str, ...]:
        """The places and cells of the first of `rows`: 'prices.csv, line 17: 'x''."""
        return tuple(f"{self.where(int(row))}: {self.cell(column, int(row))}" for row in rows[:limit])

    def cell(self, column: str, row: int) -> str:
        """The value of a cell for a message."""
        return shown(self.columns[column][row].as_py())


def taken(column: pa.ChunkedArray, rows: NDArray[np.integer]) -> pa.ChunkedArray:
    """The cells of a column at sorted `rows`. PyArrow's own `take` would first join all chunks."""
    stops = np.cumsum([len(chunk) for chunk in column.chunks])
    which = np.searchsorted(stops, rows, side="right")
    pieces = []
    for piece in np.unique(which):
        chunk = column.chunk(int(piece))
        pieces.append(chunk.take(pa.array(rows[which == piece] - (stops[piece] - len(chunk)))))
    return pa.chunked_array(pieces, column.type)


def _line_of(part: Part, kept: Ints) -> Callable[[int], str]:
    return lambda row: part.line(int(kept[row]))
