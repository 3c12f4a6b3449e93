"""A sample of the series of a source: Parquet files in one pass, piece by piece; other sources read whole."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np

from forecaster.arrays import Bools
from forecaster.config import Limits, ReadConfig
from forecaster.data.load import Loaded, load, roles_of
from forecaster.data.panel import Panel
from forecaster.data.pieces.files import PARQUET, SourceFile, files_of, fingerprint
from forecaster.data.pieces.ids import id_columns
from forecaster.data.pieces.piece import Piece, head, read_piece
from forecaster.data.pieces.scatter import scatter
from forecaster.data.pieces.selection import chosen_rows, table_of, without_others
from forecaster.data.pieces.survey import survey
from forecaster.data.reading.files import paths_of
from forecaster.data.roles.roles import Roles
from forecaster.data.series.value_findings import oddities
from forecaster.errors import DataError, MemoryLimitError, UsageError
from forecaster.features.strata import Stratum, strata_of
from forecaster.machine import memory
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.sampling.draw import AUTO, Drawn, Lot, drawn, kept, lots_of, salt_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PIECE_ROWS = 500_000
"""Rows of a piece, about."""
Passed = Callable[[int, int], None]
"""Called with how many pieces are done, and how many there are."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample of the series of a source, and other series that are held out from training."""

    loaded: Loaded
    """The panel is that of the sample. The findings are those of all rows that were read to the end."""
    held: Panel | None
    """The series held out; None where all are in the sample."""
    asked: int
    drawn: Drawn
    population: Counter[Stratum]
    """How many series of the source are in each stratum."""
    rows: int
    """Of the whole source."""

    @property
    def series(self) -> int:
        """Of the whole source."""
        return self.population.total()

    @property
    def weights(self) -> dict[str, float]:
        """How many series of the source each sampled one stands for."""
        each = Counter(lot.stratum for lot in self.drawn.sampled)
        return {lot.id: self.population[lot.stratum] / each[lot.stratum] for lot in self.drawn.sampled}

    def to_json(self) -> dict[str, Any]:
        """How many series there are and were drawn, in all and of each stratum."""
        sampled, held = (
            Counter(lot.stratum for lot in lots) for lots in (self.drawn.sampled, self.drawn.held)
        )
        return {
            "asked": self.asked,
            "series": self.series,
            "rows": self.rows,
            "sampled": sampled.total(),
            "held_out": held.total(),
            "strata": [
                {
                    "stratum": str(each),
                    "series": self.population[each],
                    "sampled": sampled[each],
                    "held_out": held[each],
                }
                for each in sorted(self.population, key=_by_size)
            ],
        }


def _by_size(stratum: Stratum) -> tuple[float, ...]:
    return stratum.sparse, stratum.rows, -np.inf if stratum.decade is None else stratum.decade


def sample_of(
    source: str | Path | pd.DataFrame,
    read: ReadConfig,
    limits: Limits,
    size: int,
    seed: int,
    engine: Engine,
    on_piece: Passed | None = None,
) -> Sample:
    """A sample of `size` series. The same seed, data and settings give the same, in whatever order rows are.

    Raises UsageError where there is one series only or a hierarchy, and the errors of `load`.
    """
    if read.hierarchy:
        raise UsageError(
            "sums of a hierarchy need all of its series, not a sample of them",
            hint="Leave out --sample-series, or --hierarchy.",
        )
    if in_pieces(source):
        files = files_of(source)
        roles = _roles(files, read)
        if roles.layout in ("long", "files"):
            with _pieces(files, roles) as pieces:
                found = _of_pieces(files, pieces, read, limits, size, seed, engine, on_piece)
            where = str(Path(source).expanduser().absolute())
            return dataclasses.replace(found, loaded=dataclasses.replace(found.loaded, source=where))
    return _of_panel(load(source, read, limits=limits), size, seed)


def in_pieces(source: str | Path | pd.DataFrame) -> TypeGuard[str | Path]:
    """Whether a source is read piece by piece: one or more Parquet files."""
    if not isinstance(source, str | Path) or str(source) == "-":
        return False
    return all(path.name.lower().endswith(PARQUET) for path in paths_of(source))


@contextmanager
def naming_samples(source: str | Path | pd.DataFrame, *, sampled: bool) -> Iterator[None]:
    """Where memory runs out on a source that is not sampled, the hint says that it can be."""
    try:
        yield
    except (MemoryLimitError, MemoryError) as error:
        known = error if isinstance(error, MemoryLimitError) else memory.ran_out(error)
        if sampled:
            raise known from error
        first = "Or train" if in_pieces(source) else "Or write it as Parquet, and train"
        hint = f"{known.hint} {first} on a sample of its series: --sample-series {AUTO}."
        raise MemoryLimitError(known.message, hint=hint.strip()) from error


def _of_panel(loaded: Loaded, size: int, seed: int) -> Sample:
    """A sample of data that was read whole."""
    panel = loaded.panel
    strata = strata_of(panel)
    chosen = drawn(lots_of(panel.ids, strata, salt_of(seed)), size)
    return _split(loaded, chosen, size, Counter(strata), len(panel.values))


def _split(loaded: Loaded, chosen: Drawn, size: int, population: Counter[Stratum], rows: int) -> Sample:
    """The sample and the series held out, of data that has both."""
    panel = loaded.panel
    if population.total() < 2:
        raise UsageError(
            "a sample is drawn from several series, and this data has one",
            hint="Leave out --sample-series; or name the column of the series: --id.",
        )
    sampled, held = (_which(panel, lots) for lots in (chosen.sampled, chosen.held))
    part = panel if sampled.all() else panel.only(np.repeat(sampled, panel.lengths))
    others = panel.only(np.repeat(held, panel.lengths)) if held.any() else None
    if part is not panel:
        loaded = dataclasses.replace(loaded, panel=part, odd=oddities(part, part.lengths))
    return Sample(loaded, others, size, chosen, population, rows)


def _which(panel: Panel, lots: Sequence[Lot]) -> Bools:
    ids = {lot.id for lot in lots}
    return np.array([name in ids for name in panel.ids], np.bool_)


def _roles(files: tuple[SourceFile, ...], read: ReadConfig) -> Roles:
    """What each column is used for, by the first rows. Raises the errors of `load`."""
    first = next(file for file in files if file.rows)
    roles = roles_of(head(first, PIECE_ROWS), read)
    if roles.layout == "one" and len(files) > 1 and read.layout is None:
        raise UsageError(
            f"{first.name} has no column that names series, and there are {len(files)} files",
            hint="If each file is a series: --layout files. Else name the column: --id.",
        )
    return roles


class Look(NamedTuple):
    """What a worker must know to look at a piece."""

    read: ReadConfig
    limits: Limits
    columns: tuple[str, ...]
    size: int
    salt: bytes


class Seen(NamedTuple):
    """What a worker has seen in a piece, and the series in it that may be drawn."""

    strata: Counter[Stratum]
    rows: int
    lots: list[Lot]
    table: pa.Table


def look(asked: Look, piece: Piece) -> Seen | None:
    """Look at a piece. Raises the errors of `load`."""
    table = read_piece(piece, asked.columns)
    if table is None:
        return None
    read = asked.read
    loaded = load(table, read, limits=asked.limits, usual=read.freq, remembered=True, examined=read.strict)
    panel = loaded.panel
    strata = strata_of(panel)
    lots = kept(lots_of(panel.ids, strata, asked.salt), asked.size)
    name = None if read.layout == "files" else read.id
    rows = chosen_rows(piece, table, name, {lot.id for lot in lots})
    return Seen(Counter(strata), len(panel.values), lots, rows)


@dataclass
class Reservoir:
    """What has been seen of a data set: the series that may be drawn, and the rows of them."""

    size: int
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
        self.lots = kept([*self.lots, *seen.lots], self.size)
        self.tables[number] = seen.table
        if sum(table.num_rows for table in self.tables.values()) > 2 * max(self.clean, PIECE_ROWS // 2):
            self.let_go({lot.id for lot in self.lots})

    def let_go(self, ids: set[str]) -> None:
        """Keep the rows of these series only."""
        parts = ((number, without_others(table, ids)) for number, table in self.tables.items())
        self.tables = {number: table for number, table in parts if table.num_rows}
        self.clean = sum(table.num_rows for table in self.tables.values())


def _of_pieces(
    files: tuple[SourceFile, ...],
    pieces: Sequence[Piece],
    read: ReadConfig,
    limits: Limits,
    size: int,
    seed: int,
    engine: Engine,
    on_piece: Passed | None,
) -> Sample:
    """A sample of a data set that is looked at piece by piece."""
    resolved = _resolved(files, pieces, read, limits)
    reservoir = Reservoir(size)
    asked = Look(resolved.read, limits, _needed(files, resolved.read), size, salt_of(seed))
    for done, (number, seen) in enumerate(engine.map(look, asked, pieces)):
        if seen is not None:
            reservoir.add(number, seen)
        if on_piece is not None:
            on_piece(done + 1, len(pieces))
    chosen = drawn(reservoir.lots, size)
    reservoir.let_go({lot.id for lot in (*chosen.sampled, *chosen.held)})
    tables = [reservoir.tables[number] for number in sorted(reservoir.tables)]
    reservoir.tables.clear()
    table = table_of(tables, tuple(name for name, _ in files[0].keys if name in asked.columns))
    del tables
    roles = {name: getattr(resolved.read, name) for name in ("time", "id", "target", "known", "layout")}
    config = dataclasses.replace(read, **roles)
    loaded = load(
        dataclasses.replace(table, digest=fingerprint(files)),
        config,
        limits=limits,
        usual=resolved.read.freq,
        remembered=True,
    )
    loaded = dataclasses.replace(loaded, uses=resolved.uses)
    return _split(loaded, chosen, size, reservoir.strata, reservoir.rows)


def _resolved(
    files: tuple[SourceFile, ...], pieces: Sequence[Piece], read: ReadConfig, limits: Limits
) -> Loaded:
    """The first piece, from which the frequency and the like are inferred. Raises the errors of `load`."""
    tables = (read_piece(piece, files[0].columns) for piece in pieces)
    first = next((table for table in tables if table is not None), None)
    if first is None:
        raise DataError(f"{files[0].name} has no rows")
    return load(first, read, limits=limits, remembered=True)


def _needed(files: tuple[SourceFile, ...], read: ReadConfig) -> tuple[str, ...]:
    """The columns that are used, in the order of the files."""
    names = files[0].columns
    used = {read.time, *(read.target or ()), *read.input_columns}
    used |= set() if read.id is None else set(id_columns(names, read.id))
    return tuple(name for name in names if name in used)


@contextmanager
def _pieces(files: tuple[SourceFile, ...], roles: Roles) -> Iterator[tuple[Piece, ...]]:
    """The pieces of a data set; rows in any order are first brought together, in a temporary folder."""
    name = None if roles.layout == "files" else roles.id
    found = survey(files, name, PIECE_ROWS)
    if found.pieces is not None:
        yield found.pieces
        return
    assert name is not None  # only ids can be out of order
    with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
        yield scatter(files, name, files[0].columns, PIECE_ROWS, Path(folder))
