"""A sample of the series of a source: Parquet files in one pass, piece by piece; other sources read whole."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from forecaster.arrays import Bools
from forecaster.data.load import Loaded, absolute, load
from forecaster.data.panel import Panel
from forecaster.data.pieces.columns import columns_used
from forecaster.data.pieces.files import PARQUET, files_of
from forecaster.data.reading.files import paths_of
from forecaster.data.series.value_findings import oddities
from forecaster.errors import MemoryLimitError, UsageError
from forecaster.features.strata import Stratum, strata_of
from forecaster.machine import memory
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.sampling.draw import AUTO, Drawn, Lot, drawn, lots_of, salt_of
from forecaster.pipeline.sampling.one_pass import Passed, Passing, Wanted, pass_over

if TYPE_CHECKING:
    import pandas as pd


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
    def simple_note(self) -> str:
        """What errors of a simple random sample are, in plain words."""
        size = len(self.drawn.sampled)
        return f"The errors are those of a simple random sample: {size:,} of {self.series:,} series."

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
    source: str | Path | pd.DataFrame, wanted: Wanted, engine: Engine, on_piece: Passed | None = None
) -> Sample:
    """A sample of the series. The same seed, data and settings give the same, in whatever order rows are.

    Raises UsageError where there is one series only or a hierarchy, and the errors of `load`.
    """
    if wanted.read.hierarchy:
        raise UsageError(
            "sums of a hierarchy need all of its series, not a sample of them",
            hint="Leave out --sample-series, or --hierarchy.",
        )
    if in_pieces(source):
        files = files_of(source)
        config, columns, _ = columns_used(files, wanted.read, wanted.by)
        if config.layout in ("long", "files"):
            found = pass_over(files, columns, wanted._replace(read=config), engine, on_piece)
            loaded = dataclasses.replace(found.loaded, source=absolute(source))
            return _split(found._replace(loaded=loaded), wanted)
    return _of_panel(load(source, wanted.read, limits=wanted.limits, by=wanted.by), wanted)


def in_pieces(source: str | Path | pd.DataFrame) -> TypeGuard[str | Path]:
    """Whether a source is read piece by piece: one or more Parquet files."""
    if not isinstance(source, str | Path) or str(source) == "-":
        return False
    return all(path.name.lower().endswith(PARQUET) for path in paths_of(source))


@contextmanager
def naming_samples(
    source: str | Path | pd.DataFrame | None, *, sampled: bool = False, instead: str = ""
) -> Iterator[None]:
    """Where memory runs out on a source that is not sampled, the hint says that it can be.

    `instead`: a command that takes a sample, where this one does not.
    """
    try:
        yield
    except (MemoryLimitError, MemoryError) as error:
        known = error if isinstance(error, MemoryLimitError) else memory.ran_out(error)
        if sampled:
            raise known from error
        option = f"--sample-series {AUTO}"
        first = "Or" if source is None or in_pieces(source) else "Or write the data as Parquet, and"
        way = f"use a sample of its series: {f'`{instead} {option}`' if instead else option}"
        raise MemoryLimitError(known.message, hint=f"{known.hint} {first} {way}.".strip()) from error


def _of_panel(loaded: Loaded, wanted: Wanted) -> Sample:
    """A sample of data that was read whole."""
    panel = loaded.panel
    strata = strata_of(panel)
    found = drawn(lots_of(panel.ids, strata, salt_of(wanted.seed)), wanted.size, simple=wanted.simple)
    return _split(Passing(loaded, found, Counter(strata), len(panel.values)), wanted)


def _split(found: Passing, wanted: Wanted) -> Sample:
    """The sample and the series held out, of data that has both."""
    loaded, panel = found.loaded, found.loaded.panel
    if found.population.total() < 2:
        raise UsageError(
            "a sample is drawn from several series, and this data has one",
            hint="Leave out --sample-series; or name the column of the series: --id.",
        )
    sampled, held = (_which(panel, lots) for lots in (found.drawn.sampled, found.drawn.held))
    part = panel if sampled.all() else panel.only(np.repeat(sampled, panel.lengths))
    others = panel.only(np.repeat(held, panel.lengths)) if held.any() else None
    if part is not panel:
        loaded = dataclasses.replace(loaded, panel=part, odd=oddities(part, part.lengths))
    return Sample(loaded, others, wanted.size, found.drawn, found.population, found.rows)


def _which(panel: Panel, lots: Sequence[Lot]) -> Bools:
    ids = {lot.id for lot in lots}
    return np.array([name in ids for name in panel.ids], np.bool_)
