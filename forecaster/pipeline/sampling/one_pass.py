"""One pass over a data set of Parquet files, piece by piece: who is drawn, and the rows of those series."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from forecaster.config import Limits, ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.data.pieces.files import SourceFile, fingerprint
from forecaster.data.pieces.piece import Piece, read_piece
from forecaster.data.pieces.scatter import scatter
from forecaster.data.pieces.selection import chosen_rows, table_of, without_others
from forecaster.data.pieces.survey import survey
from forecaster.errors import DataError
from forecaster.features.strata import Stratum, strata_of
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.sampling.draw import Drawn, Lot, drawn, kept, lots_of, salt_of

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_ROWS = 500_000
"""Rows of a piece, about."""
NO_VALUE = "E007"
"""The error of a piece in which no series has a value."""
Passed = Callable[[int, int], None]
"""Called with how many pieces are done, and how many there are."""


class Wanted(NamedTuple):
    """A sample that is wanted, and how its source is read."""

    size: int
    read: ReadConfig = ReadConfig()
    limits: Limits = Limits()
    seed: int = 0
    simple: bool = False
    """A simple random sample, from which no series is held out."""
    by: str | None = None
    """The column that groups series."""


class Look(NamedTuple):
    """What a worker must know to look at a piece."""

    wanted: Wanted
    columns: tuple[str, ...]


class Seen(NamedTuple):
    """What a worker has seen in a piece, and the series in it that may be drawn."""

    strata: Counter[Stratum]
    rows: int
    lots: list[Lot]
    table: pa.Table


class Passing(NamedTuple):
    """What a pass has found."""

    loaded: Loaded
    """The series drawn, for the sample or to be held out."""
    drawn: Drawn
    population: Counter[Stratum]
    rows: int


def pass_over(
    files: tuple[SourceFile, ...],
    columns: tuple[str, ...],
    wanted: Wanted,
    engine: Engine,
    on_piece: Passed | None = None,
) -> Passing:
    """Look at all series of the files, and read those drawn. Memory does not grow with the data.

    `wanted.read` says what each of the `columns` is: see `data.pieces.columns`.
    Rows in any order are first brought together, in a temporary folder. Raises the errors of `load`.
    """
    with _pieces(files, columns, wanted.read) as pieces:
        first = _first(pieces, columns, wanted)
        reservoir = Reservoir(wanted)
        asked = Look(wanted._replace(read=first.read), columns)
        for done, (number, seen) in enumerate(engine.map(look, asked, pieces)):
            if seen is not None:
                reservoir.add(number, seen)
            if on_piece is not None:
                on_piece(done + 1, len(pieces))
    found = drawn(reservoir.lots, wanted.size, simple=wanted.simple)
    reservoir.let_go({lot.id for lot in (*found.sampled, *found.held)})
    tables = [reservoir.tables[number] for number in sorted(reservoir.tables)]
    reservoir.tables.clear()
    table = table_of(tables, tuple(name for name, _ in files[0].keys if name in columns))
    del tables
    loaded = load(
        dataclasses.replace(table, digest=fingerprint(files)),
        dataclasses.replace(wanted.read, known=first.read.known),
        limits=wanted.limits,
        usual=first.read.freq,
        remembered=True,
        by=wanted.by,
    )
    loaded = dataclasses.replace(loaded, uses=first.uses)
    return Passing(loaded, found, reservoir.strata, reservoir.rows)


def look(asked: Look, piece: Piece) -> Seen | None:
    """Look at a piece; None where it has no series with a value. Raises the errors of `load`."""
    table = read_piece(piece, asked.columns)
    if table is None:
        return None
    wanted, read = asked.wanted, asked.wanted.read
    try:
        panel = load(
            table, read, limits=wanted.limits, usual=read.freq, remembered=True, examined=read.strict
        ).panel
    except DataError as error:
        if error.code != NO_VALUE or read.strict:
            raise
        return None
    strata = strata_of(panel)
    lots = kept(lots_of(panel.ids, strata, salt_of(wanted.seed)), wanted.size, simple=wanted.simple)
    name = None if read.layout == "files" else read.id
    rows = chosen_rows(piece, table, name, {lot.id for lot in lots})
    return Seen(Counter(strata), len(panel.values), lots, rows)


@dataclass
class Reservoir:
    """What has been seen of a data set: the series that may be drawn, and the rows of them."""

    wanted: Wanted
    strata: Counter[Stratum] = field(default_factory=Counter)
    rows: int = 0
    lots: list[Lot] = field(default_factory=list)
    tables: dict[int, pa.Table] = field(default_factory=dict)
    """Piece -> rows of its series."""
    clean: int = 0
    """Rows that were left when others were last let go."""

    def add(self, number: int, seen: Seen) -> None:
        """What was seen in a piece."""
        self.strata.update(seen.strata)
        self.rows += seen.rows
        self.lots = kept([*self.lots, *seen.lots], self.wanted.size, simple=self.wanted.simple)
        self.tables[number] = seen.table
        if sum(table.num_rows for table in self.tables.values()) > 2 * max(self.clean, PIECE_ROWS // 2):
            self.let_go({lot.id for lot in self.lots})

    def let_go(self, ids: set[str]) -> None:
        """Keep the rows of these series only."""
        parts = ((number, without_others(table, ids)) for number, table in self.tables.items())
        self.tables = {number: table for number, table in parts if table.num_rows}
        self.clean = sum(table.num_rows for table in self.tables.values())


def _first(pieces: Sequence[Piece], columns: tuple[str, ...], wanted: Wanted) -> Loaded:
    """The first piece with a value: the frequency and the like come from it. Raises the errors of `load`."""
    failure: DataError | None = None
    for piece in pieces:
        table = read_piece(piece, columns)
        try:
            if table is not None:
                return load(table, wanted.read, limits=wanted.limits, remembered=True, by=wanted.by)
        except DataError as error:
            if error.code != NO_VALUE or wanted.read.strict:
                raise
            failure = error
    assert failure is not None  # the files have rows
    raise failure


@contextmanager
def _pieces(
    files: tuple[SourceFile, ...], columns: tuple[str, ...], read: ReadConfig
) -> Iterator[tuple[Piece, ...]]:
    """The pieces of a data set."""
    name = None if read.layout == "files" else read.id
    found = survey(files, name, PIECE_ROWS)
    if found.pieces is not None:
        yield found.pieces
        return
    assert name is not None  # only ids can be out of order
    with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
        yield scatter(files, name, columns, PIECE_ROWS, Path(folder))
