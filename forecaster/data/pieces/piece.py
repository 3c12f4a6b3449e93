"""A piece of a data set: all rows of some series, read as a Table that knows where each row comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from forecaster.arrays import Ints
from forecaster.data.labels import shown
from forecaster.data.pieces.files import SourceFile, opened
from forecaster.data.reading.read import FEWER, check_text, joined, plain
from forecaster.data.storage import files as storage
from forecaster.data.storage.place import Place
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
    scattered: tuple[Place, ...] = ()


def read_piece(piece: Piece, columns: Sequence[str]) -> Table | None:
    """The rows of a piece with these `columns`; None where it has none. Raises DataError and StorageError."""
    if piece.segments:
        return read_segments(piece.segments, columns)
    tables = [table for place in piece.scattered if (table := _batch(place, piece.number)) is not None]
    return joined(tables) if tables else None


def read_segments(segments: Sequence[Segment], columns: Sequence[str]) -> Table:
    """The rows of these segments, with these columns. Raises DataError and StorageError."""
    return joined([_segment(segment, columns) for segment in segments])


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


def _batch(place: Place, number: int) -> Table | None:
    """The rows of a piece in a file of scattered rows; None where it has none there."""
    try:
        with storage.open_file(place) as content, pa.ipc.open_file(content) as file:
            batch = file.get_batch(number)
            keys = (file.schema.metadata or {}).get(b"keys", b"").decode()
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{shown(place.name)} is damaged: {error}", hint="Remove its folder, and run again."
        ) from error
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{shown(place)} cannot be read: {error}") from error
    if not batch.num_rows:
        return None
    cells: Mapping[str, pa.ChunkedArray] = {
        name: pa.chunked_array([batch.column(name)]) for name in batch.schema.names if name not in (FILE, ROW)
    }
    return Table(cells, _origins(batch), keys=tuple(name for name in keys.split("\0") if name))


def _origins(batch: pa.RecordBatch) -> tuple[Part, ...]:
    """Where the rows of a batch come from: those of a file stand together."""
    rows, names = batch.column(ROW).to_numpy(), batch.column(FILE)
    codes = names.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    parts = []
    for start, stop in zip(starts, [*starts[1:], len(codes)], strict=True):
        own = rows[start:stop]
        parts.append(Part(names[int(start)].as_py(), "", len(own), partial(_row, own)))
    return tuple(parts)


def _row(rows: Ints, row: int) -> str:
    return f"row {rows[row]}"
