"""The ids of the rows of a data set, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Bools, Ints
from forecaster.data.pieces.files import SourceFile, opened
from forecaster.data.reading.read import plain
from forecaster.data.roles.ids import id_parts, with_joined_id
from forecaster.data.table import Part, Table

BATCH = 2**18
"""Rows that are read at once."""


def batches(file: SourceFile, columns: Sequence[str]) -> Iterator[dict[str, pa.Array]]:
    """The columns of a file, of up to BATCH rows at a time, those that folders give included."""
    keys = dict(file.keys)
    stored = [name for name in columns if name not in keys]
    if not stored:
        for start in range(0, file.rows, BATCH):
            rows = min(BATCH, file.rows - start)
            yield {name: pa.repeat(keys[name], rows) for name in columns}
        return
    with opened(file) as content:
        for batch in content.iter_batches(batch_size=BATCH, columns=stored):
            cells = {name: _plain(batch.column(name)) for name in stored}
            yield cells | {name: pa.repeat(keys[name], batch.num_rows) for name in columns if name in keys}


def id_columns(columns: Sequence[str], name: str) -> list[str]:
    """The columns of which an id is made: one, or the parts of `a+b`."""
    bare = Table(dict.fromkeys(columns, pa.chunked_array([], pa.string())), (Part("", "", 0, str),))
    return list(id_parts(bare, name))


def ids_of(cells: dict[str, pa.Array], name: str) -> pa.Array:
    """The id of each row (N,), text or numbers, as they stand."""
    if name in cells:
        return cells[name]
    rows = len(next(iter(cells.values())))
    columns = {each: pa.chunked_array([array]) for each, array in cells.items()}
    made = with_joined_id(Table(columns, (Part("", "", rows, str),)), name).columns[name]
    return made.combine_chunks()


def runs(ids: pa.Array) -> tuple[pa.Array, Ints]:
    """The id of each run of equal ids, spaces around texts removed, and the row at which each begins."""
    encoded = pc.run_end_encode(ids)
    ends = encoded.run_ends.to_numpy()
    return trimmed(encoded.values), np.concatenate([[0], ends[:-1]])


def trimmed(ids: pa.Array) -> pa.Array:
    """Ids as series are named: texts without spaces around them; other types as text, but whole numbers."""
    if pa.types.is_integer(ids.type):
        return ids
    return pc.utf8_trim_whitespace(ids if pa.types.is_string(ids.type) else ids.cast(pa.string()))


def later(before: pa.Array, after: pa.Array) -> tuple[Bools, Bools]:
    """Which ids come after their predecessors in order, and which are the same; neither of missing ids."""
    ordered, same = (
        compare(before, after).fill_null(False).to_numpy(zero_copy_only=False)
        for compare in (pc.less, pc.equal)
    )
    return ordered, same


def _plain(array: pa.Array) -> pa.Array:
    column = plain(pa.chunked_array([array]))
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
