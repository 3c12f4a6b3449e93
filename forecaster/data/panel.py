"""Panel: many series in flat sorted arrays with offsets; the form of the data in all later code."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.calendar.gaps import Spans, missing_between, spans_between
from forecaster.data.labels import Names
from forecaster.data.rows.known import Known
from forecaster.data.rows.static import Static

TARGET = 0
"""The channel that is forecast; the covariates follow it."""
FITS = 4
"""Seasons that must be known for positions in it to show anything."""


class Removed(NamedTuple):
    """The effect of known covariates that was taken out of the target of each series."""

    target: Floats  # (N,) the target with it
    power: Floats  # (S,) of the scale on which it is added: 0 logarithms, ½ roots, 1 units
    effect: Floats  # (R,) in the rows of `Known`, those of the future included
    acts: Bools  # (S, K) which covariates have one

    def only(self, rows: Ints, kept: Bools, alive: Ints) -> Removed:
        """That of the series `alive` (A,): `rows` of those known, and the rows `kept` (N,) of the panel."""
        return Removed(self.target[kept], self.power[alive], self.effect[rows], self.acts[alive])


class Turns(NamedTuple):
    """Where the values of each series go round, as directions do."""

    low: Floats  # (S,) the first value of the turn: 0 or −180
    size: Floats  # (S,) 360 of degrees; NaN: the series does not go round


@dataclass(frozen=True, eq=False)
class Panel:
    """Many series on regular time grids. Built and validated once, then trusted.

    S series, N rows in all, C channels (the target first, then the covariates). Row i of series s lies
    at `offsets[s] + i`. Rows of a series are consecutive steps of `frequency`: a gap in the source becomes
    rows whose `observed` is False and whose `values` are NaN. Business days (alias B) have no such rows:
    consecutive rows are consecutive observed trading days, and holidays have no row.
    """

    values: Floats  # (N, C); NaN where not observed
    observed: Bools  # (N, C)
    time: Ints  # (N,) ns since 1970 UTC
    offsets: Ints  # (S+1,)
    ids: tuple[str, ...]  # (S,) sorted
    frequency: Frequency
    names: Names
    max_gap: int | None = None
    """Consecutive missing rows that a window may cross; None: any number."""
    circle: float | None = None
    """The user says that all targets go round, from this to 0."""
    turns: Turns | None = None
    """Set where the target is unwrapped: a step across north is small. The values then leave the turn."""
    known: Known | None = None
    """Covariates with rows of the future."""
    static: Static | None = None
    """Facts of each series."""
    removed: Removed | None = None
    """Set where the effect of known covariates is taken out of the target."""
    levels: tuple[str, ...] = ()
    """The names of the levels of a hierarchy, the total first: see `data.series.hierarchy`."""
    usual: int | None = None
    """Set where this is a piece of a panel: how many rows are known of a usual series of all of that."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def lengths(self) -> Ints:
        """Rows of each series (S,)."""
        return np.diff(self.offsets)

    def only(self, kept: Bools) -> Panel:
        """The panel of the rows `kept` (N,), which have no gap within a series, without empty series."""
        counts = np.add.reduceat(kept, self.offsets[:-1], dtype=np.int64)
        alive = np.flatnonzero(counts)
        first = np.zeros(len(alive), np.int64)
        removed: Removed | None = None
        if self.known is not None:
            first = np.flatnonzero(kept)[np.cumsum(counts[alive]) - counts[alive]] - self.offsets[alive]
            if self.removed is not None:
                removed = self.removed.only(self.known.rows(alive, first), kept, alive)
        return dataclasses.replace(
            self,
            values=self.values[kept],
            observed=self.observed[kept],
            time=self.time[kept],
            offsets=np.concatenate([[0], np.cumsum(counts[alive])]),
            ids=tuple(self.ids[series] for series in alive),
            turns=self.turns and Turns(*(column[alive] for column in self.turns)),
            known=self.known and self.known.only(alive, first),
            removed=removed,
            static=self.static and self.static.only(alive),
        )

    def before(self, origins: Ints) -> Panel:
        """The first origins[s] rows of each series (S,), without series of which none is left."""
        position = np.arange(len(self.time)) - np.repeat(self.offsets[:-1], self.lengths)
        return self.only(position < np.repeat(origins, self.lengths))

    def usual_rows(self, known: Ints) -> int:
        """How many rows are known of a usual series, where known[s] rows are of each; 0 without any."""
        if self.usual is not None:
            return self.usual
        some = known[known > 0]
        return int(np.median(some)) if some.size else 0

    def fitting_season(self, known: Ints) -> int:
        """The longest season that usually fits FITS times into known[s] rows; 1 if none does."""
        rows = self.usual_rows(known)
        return max((m for m in self.frequency.seasonalities if FITS * m <= rows), default=1)

    @property
    def target(self) -> Floats:
        """The target channel (N,)."""
        return self.values[:, TARGET]

    @property
    def target_observed(self) -> Bools:
        """Which rows have a target (N,)."""
        return self.observed[:, TARGET]

    @cached_property
    def spans(self) -> Spans:
        """The rows of the series between gaps of more than `max_gap` missing rows."""
        before, after, missing = self.gaps()
        wide = missing > (np.inf if self.max_gap is None else self.max_gap)
        return spans_between(before[wide], after[wide], self.offsets)

    @property
    def broken(self) -> bool:
        """Whether any gap is too long for windows to cross."""
        return len(self.spans.start) > len(self)

    def gaps(self) -> tuple[Ints, Ints, Ints]:
        """`missing_between` of the target."""
        seen = self.target_observed
        return missing_between(seen, self.time, self.offsets, self.frequency, self.names.tz)
