"""Rows of a data set in any order, brought together by series: one pass, into files of sorted parts.

A part of the rows that fits into memory is sorted by the piece that each row belongs to, by a hash of its id,
and written as one Arrow file with a record batch for each piece. A piece is then read from its batch of each
file. Rows of a series keep the order in which they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.data.pieces.files import SourceFile
from forecaster.data.pieces.ids import batches, id_columns, ids_of, trimmed
from forecaster.data.pieces.piece import FILE, ROW, Piece
from forecaster.data.reading.read import check_text
from forecaster.data.writing.atomic import atomic_write
from forecaster.machine import memory

PART = 64 * 2**20
"""Bytes of the rows that are sorted at once."""
COPIES = 4
"""What sorting holds of them."""

Counter = Callable[[int, int], None]
"""Called with how many rows are scattered, and how many there are."""


def scatter(
    files: tuple[SourceFile, ...],
    name: str,
    columns: Sequence[str],
    piece_rows: int,
    folder: Path,
    on_rows: Counter | None = None,
) -> tuple[Piece, ...]:
    """The pieces of all rows, of about `piece_rows` rows each, in files in `folder`, which exists.

    `name` is the id column, `columns` are those that are kept, with those that the id is made of. What the
    folder holds of a run that was killed is replaced. Raises DataError and StorageError.
    """
    rows = sum(file.rows for file in files)
    count = -(-rows // piece_rows)
    memory.require(COPIES * PART, "bringing the rows of each series together", hint="See --max-memory.")
    paths: list[str] = []
    done = 0
    for table in _parts(files, name, columns, count):
        path = folder / f"rows-{len(paths):05d}.arrow"
        atomic_write(path, partial(_write, table=table, count=count))
        paths.append(str(path))
        done += table.num_rows
        if on_rows is not None:
            on_rows(done, rows)
    return tuple(Piece(number, scattered=tuple(paths)) for number in range(count))


PIECE = "\0piece"


def _parts(
    files: tuple[SourceFile, ...], name: str, columns: Sequence[str], count: int
) -> Iterator[pa.Table]:
    """All rows in tables of about PART bytes, with the file, row and piece of each."""
    waiting: list[pa.Table] = []
    needed = list(dict.fromkeys([*columns, *id_columns(files[0].columns, name)]))
    keys = "\0".join(name for name, _ in files[0].keys).encode()
    for file in files:
        row = 0
        for cells in batches(file, needed):
            ids = ids_of(cells, name)
            own = pa.table({each: cells[each] for each in columns})
            check_text(file.name, own)
            place = pa.DictionaryArray.from_arrays(np.zeros(len(ids), np.int32), [file.name])
            own = own.append_column(FILE, place).append_column(ROW, pa.array(np.arange(row, row + len(ids))))
            waiting.append(own.append_column(PIECE, pa.array(piece_of(ids, count))))
            row += len(ids)
            if sum(table.nbytes for table in waiting) >= PART:
                yield _together(waiting, keys)
                waiting = []
    if waiting:
        yield _together(waiting, keys)


def _together(tables: list[pa.Table], keys: bytes) -> pa.Table:
    table = pa.concat_tables(tables, promote_options="permissive")
    return table.replace_schema_metadata({"keys": keys}).unify_dictionaries().combine_chunks()


def piece_of(ids: pa.Array, count: int) -> Ints:
    """The piece (N,) to which rows with these ids belong, of `count`: by a hash of the id as text."""
    coded = trimmed(ids).dictionary_encode()
    words = coded.dictionary.cast(pa.string()).to_numpy(zero_copy_only=False)
    pieces = (pd.util.hash_array(words, categorize=False) % count).astype(np.int64)
    codes = pc.fill_null(coded.indices, len(words)).to_numpy(zero_copy_only=False)
    return np.append(pieces, 0)[codes]  # rows without an id are refused when they are read


def _write(file: BinaryIO, table: pa.Table, count: int) -> None:
    """A record batch for each piece."""
    pieces = table.column(PIECE).to_numpy()
    table = table.drop_columns([PIECE]).take(pa.array(np.argsort(pieces, kind="stable"))).combine_chunks()
    stops = np.cumsum(np.bincount(pieces, minlength=count))
    (batch,) = table.to_batches()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(file, table.schema, options=options) as writer:
        for start, stop in zip([0, *stops[:-1]], stops, strict=True):
            writer.write_batch(batch.slice(start, stop - start))
