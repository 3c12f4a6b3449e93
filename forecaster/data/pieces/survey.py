"""A first pass over the ids of a data set: where pieces of whole series begin, if rows are in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.pieces.files import SourceFile
from forecaster.data.pieces.ids import batches, id_columns, ids_of, later, runs
from forecaster.data.pieces.piece import Piece, Segment

LARGE_GROUP = 8
"""A row group of more pieces would be read by each of them, which need a part only: it is scattered first."""


@dataclass(frozen=True)
class Survey:
    """What a pass over the ids has shown."""

    rows: int
    series: int | None
    """None where that is not known before all rows are brought together."""
    pieces: tuple[Piece, ...] | None
    """None: the rows of a series are apart, or row groups are too large to read a part of them."""


def survey(files: tuple[SourceFile, ...], name: str | None, piece_rows: int) -> Survey:
    """The pieces, each of at least `piece_rows` rows but the last, where a series begins.

    `name` is the id column; None: each file is a series. Memory does not grow with the number of rows.
    """
    rows = sum(file.rows for file in files)
    if name is None:
        starts = np.cumsum([file.rows for file in files]) - [file.rows for file in files]
        cuts = list(_cuts(starts, piece_rows))
        return Survey(rows, len(files), _pieces(files, [*cuts, rows]))
    columns = id_columns(files[0].columns, name)
    if any(max(file.groups, default=0) > LARGE_GROUP * piece_rows for file in files):
        return Survey(rows, None, None)
    series, cuts, last = 0, [0], None
    for start, ids, begins in _runs(files, columns, name):
        ordered, same = later(ids[:-1], ids[1:])
        going_on = last is not None and ids[0].as_py() == last
        if not (ordered | same).all() or not (last is None or going_on or _after(last, ids[0].as_py())):
            return Survey(rows, None, None)
        new = start + begins[np.concatenate([[not going_on], ordered])]
        series += len(new)
        while len(new) and new[-1] >= cuts[-1] + piece_rows:
            cuts.append(int(new[np.searchsorted(new, cuts[-1] + piece_rows)]))
        last = ids[-1].as_py()
    return Survey(rows, series, _pieces(files, [*cuts, rows]))


def _runs(files: tuple[SourceFile, ...], columns: list[str], name: str) -> Iterator[tuple[int, Any, Ints]]:
    """Batch by batch, the row at which it begins, and its runs of equal ids."""
    start = 0
    for file in files:
        for cells in batches(file, columns):
            ids = ids_of(cells, name)
            if len(ids):
                yield (start, *runs(ids))
                start += len(ids)


def _after(last: Any, following: Any) -> bool:
    """Whether an id comes after another, in the order of Arrow: of numbers, or of the bytes of UTF-8."""
    if last is None or following is None or type(last) is not type(following):
        return False
    return bool(last.encode() < following.encode() if isinstance(last, str) else last < following)


def _cuts(starts: Ints, piece_rows: int) -> Iterator[int]:
    """Where pieces begin, of series that begin at rows `starts`."""
    at = 0
    yield at
    for start in starts.tolist():
        if start >= at + piece_rows:
            at = start
            yield at


def _pieces(files: tuple[SourceFile, ...], cuts: list[int]) -> tuple[Piece, ...]:
    """The rows between each two cuts, as segments of the files."""
    stops = np.cumsum([file.rows for file in files])
    pieces = []
    for number, (first, stop) in enumerate(pairwise(cuts)):
        segments = []
        while first < stop:
            file = int(np.searchsorted(stops, first, side="right"))
            rows = min(stop, int(stops[file])) - first
            segments.append(Segment(files[file], first - int(stops[file] - files[file].rows), rows))
            first += rows
        pieces.append(Piece(number, tuple(segments)))
    return tuple(pieces)
