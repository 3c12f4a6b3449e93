"""Some series of a data set in pieces: their rows, which a worker can send, and the Table of all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.config import Layout
from forecaster.data.pieces.piece import FILE, ROW, Piece
from forecaster.data.roles.ids import with_joined_id
from forecaster.data.roles.roles import Roles
from forecaster.data.series.observations import series_of
from forecaster.data.storage import files as storage
from forecaster.data.table import Part, Table

ID, STEM = "\0id", "\0stem"
"""Columns of chosen rows: the id of their series, and the name without endings of the file they come from."""


def chosen_rows(piece: Piece, table: Table, name: str | None, ids: Collection[str]) -> pa.Table:
    """The rows of the series `ids` of a piece that was read as `table`, with where they come from.

    `name` is the id column; None: each file is a series.
    """
    layout: Layout = "files" if name is None else "long"
    words, codes = series_of(with_joined_id(table, name), Roles("", name, (), (), layout))
    wanted = set(ids)
    mask = pa.array(np.array([word in wanted for word in words])[codes])
    columns = {each: column.filter(mask) for each, column in table.columns.items()}
    files, rows, stems = (array.filter(mask) for array in _places(piece))
    own = pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.string())).filter(mask)
    places = {ID: own.cast(pa.string()), FILE: files, ROW: rows, STEM: stems}
    return pa.table(columns | places).combine_chunks()


def without_others(rows: pa.Table, ids: Collection[str]) -> pa.Table:
    """The chosen rows of these series only."""
    return rows.filter(pc.is_in(rows.column(ID), value_set=pa.array(sorted(ids), pa.string())))


def table_of(pieces: Sequence[pa.Table], keys: tuple[str, ...]) -> Table:
    """The Table of chosen rows of several pieces; `keys` are the columns that folders give."""
    rows = pa.concat_tables(pieces, promote_options="permissive")
    parts = tuple(part for piece in pieces for part in _parts(piece))
    columns = {each: rows.column(each) for each in rows.column_names if each not in (ID, FILE, ROW, STEM)}
    return Table(columns, parts, keys=keys)


def _places(piece: Piece) -> tuple[pa.Array, pa.Array, pa.Array]:
    """The file, the row in it and the name without endings of the file of each row (N,) of a piece."""
    files, rows, stems = [], [], []
    for segment in piece.segments:
        files.append(_repeated(segment.file.name, segment.rows))
        rows.append(pa.array(np.arange(segment.first, segment.first + segment.rows)))
        stems.append(_repeated(segment.file.stem, segment.rows))
    for path in piece.scattered:
        with storage.open_file(path) as content, pa.ipc.open_file(content) as file:
            batch = file.get_batch(piece.number)
            files.append(batch.column(FILE).cast(pa.dictionary(pa.int32(), pa.string())))
            rows.append(batch.column(ROW))
            stems.append(_repeated("", batch.num_rows))
    return tuple(
        pa.chunked_array(each).unify_dictionaries().combine_chunks() for each in (files, rows, stems)
    )


def _repeated(word: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), [word])


def _parts(piece: pa.Table) -> Iterable[Part]:
    """Where chosen rows of a piece come from; one part for each file that is a series."""
    rows = piece.column(ROW).to_numpy()
    files, stems = (piece.column(each).cast(pa.string()).combine_chunks() for each in (FILE, STEM))
    if not len(stems):
        return
    new = pc.not_equal(stems[:-1], stems[1:]).to_numpy(zero_copy_only=False)
    cuts = [0, *(np.flatnonzero(new) + 1).tolist(), len(stems)]
    for start, stop in pairwise(cuts):
        yield _part(files[start:stop], rows[start:stop], stems[start].as_py())


def _part(files: pa.Array, rows: Ints, stem: str) -> Part:
    name = files[0].as_py()

    def line(row: int) -> str:
        own = files[row].as_py()
        return f"row {rows[row]}" + (f" of {own}" if own != name else "")

    return Part(name, stem, len(rows), line)
