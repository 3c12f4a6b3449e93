"""Panel: many series in flat sorted arrays with offsets; the shape all later code shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecaster.data.calendar import Frequency
from forecaster.data.gaps import Stretches, missing_between, stretches_between


@dataclass(frozen=True)
class Names:
    """What the user calls things, so that forecasts speak the user's language."""

    time: str
    id: str | None
    """None: the table holds one series and has no id column."""
    target: str
    covariates: tuple[str, ...] = ()
    tz: str | None = None
    """Time zone the timestamps were written in; None: naive."""
    dates: bool = False
    """True: timestamps were plain dates, without a time of day."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Many series on regular time grids. Built once, validated once, trusted after.

    S series, N rows in all, C channels (the target first, then the covariates). Row i of series s lies
    at `offsets[s] + i`; rows of a series are consecutive steps of `frequency`, so a gap in the source
    is rows whose `observed` is False and whose `values` are NaN. Business days (alias B) have no such gaps:
    consecutive rows are consecutive observed trading days, and holidays are simply not there.
    """

    values: NDArray[np.float64]  # (N, C); NaN where not observed
    observed: NDArray[np.bool_]  # (N, C)
    time: NDArray[np.int64]  # (N,) ns since 1970 UTC
    offsets: NDArray[np.int64]  # (S+1,)
    ids: tuple[str, ...]  # (S,) sorted
    frequency: Frequency
    names: Names
    max_gap: int | None = None
    """Missing rows in a row that a window may cross; None: any number."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each series (S,)."""
        return np.diff(self.offsets)

    @property
    def target(self) -> NDArray[np.float64]:
        """The target channel (N,)."""
        return self.values[:, 0]

    @cached_property
    def stretches(self) -> Stretches:
        """What gaps of more than `max_gap` missing rows leave of the series; each as a whole if none is."""
        before, after, missing = self.gaps()
        wide = missing > (np.inf if self.max_gap is None else self.max_gap)
        return stretches_between(before[wide], after[wide], self.offsets)

    @property
    def broken(self) -> bool:
        """Whether any gap is longer than windows may cross."""
        return len(self.stretches.start) > len(self)

    def gaps(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """`missing_between` of the target."""
        seen = self.observed[:, 0]
        return missing_between(seen, self.time, self.offsets, self.frequency, self.names.tz)
