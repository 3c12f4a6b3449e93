"""A piece of a data set: all rows of some series, read as a Table that knows where each row comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from forecaster.data.labels import shown
from forecaster.data.pieces.files import SourceFile, opened
from forecaster.data.reading.read import FEWER, check_text, joined, plain
from forecaster.data.table import Part, Table
from forecaster.errors import DataError, StorageError
from forecaster.machine import memory

FILE, ROW = "\0file", "\0row"
"""Columns of scattered rows: where each comes from. No column of a user has such a name."""
TO_READ = 6
"""Bytes that reading takes, as a multiple of those that a file declares."""


@dataclass(frozen=True)
class Segment:
    """Rows of a file that follow one another."""

    file: SourceFile
    first: int
    rows: int


@dataclass(frozen=True)
class Piece:
    """Rows of whole series: segments of files, or one record batch of each file of scattered rows."""

    number: int
    segments: tuple[Segment, ...] = ()
    scattered: tuple[str, ...] = ()


def read_piece(piece: Piece, columns: Sequence[str]) -> Table | None:
    """The rows of a piece with these `columns`; None where it has none. Raises DataError and StorageError."""
    if piece.segments:
        tables = [_segment(segment, columns) for segment in piece.segments]
    else:
        tables = [table for path in piece.scattered if (table := _batch(path, piece.number)) is not None]
    return joined(tables) if tables else None


def head(file: SourceFile, rows: int, columns: Sequence[str] | None = None) -> Table:
    """The first rows of a file, with all columns unless some are named."""
    return _segment(Segment(file, 0, min(rows, file.rows)), file.columns if columns is None else columns)


def _segment(segment: Segment, columns: Sequence[str]) -> Table:
    file, first = segment.file, segment.first
    stops = np.cumsum(file.groups)
    groups = range(
        int(np.searchsorted(stops, first, side="right")),
        int(np.searchsorted(stops, first + segment.rows, side="left")) + 1,
    )
    keys = dict(file.keys)
    with opened(file) as content:
        declared = sum(content.metadata.row_group(group).total_byte_size for group in groups)
        memory.require(TO_READ * declared, f"reading a piece of {shown(file.name)}", hint=FEWER)
        read = content.read_row_groups(list(groups), columns=[name for name in columns if name not in keys])
    read = read.slice(first - (int(stops[groups[0] - 1]) if groups[0] else 0), segment.rows)
    check_text(file.name, read)
    cells = {name: plain(read.column(name)) for name in columns if name not in keys}
    cells |= {name: _repeated(keys[name], segment.rows) for name in columns if name in keys}
    part = Part(file.name, file.stem, segment.rows, lambda row: f"row {first + row}")
    return Table(cells, (part,), keys=tuple(name for name in columns if name in keys))


def _repeated(word: str, rows: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(word, rows)])


def _batch(path: str, number: int) -> Table | None:
    """The rows of a piece in a file of scattered rows; None where it has none there."""
    try:
        with pa.OSFile(path) as content, pa.ipc.open_file(content) as file:
            batch = file.get_batch(number)
            keys = (file.schema.metadata or {}).get(b"keys", b"").decode()
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be read: {error}") from error
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{shown(Path(path).name)} is damaged: {error}", hint="Remove its folder, and run again."
        ) from error
    if not batch.num_rows:
        return None
    names, rows = batch.column(FILE), batch.column(ROW)
    cells: Mapping[str, pa.ChunkedArray] = {
        name: pa.chunked_array([batch.column(name)]) for name in batch.schema.names if name not in (FILE, ROW)
    }
    part = Part(
        names[0].as_py(),
        "",
        batch.num_rows,
        lambda row: (
            f"row {rows[row].as_py()}" + (f" of {names[row].as_py()}" if names[row] != names[0] else "")
        ),
    )
    return Table(cells, (part,), keys=tuple(name for name in keys.split("\0") if name))
