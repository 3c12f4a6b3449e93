"""Known: covariates whose future values are known, row by row, past and future."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from forecaster.arrays import Bools, Floats, Ints

Words = tuple[str, ...] | None
"""The words of a category, in the order of their codes 0, 1, 2 …; None: the column holds numbers."""
NO_WORDS: Mapping[str, Words] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Known:
    """K covariates of S series in R rows: those of the panel, and the rows of the future after them.

    Row i of series s lies at `offsets[s] + i`, where i counts from the first row of the series in the panel.
    A series has at least as many rows here as in the panel.
    """

    names: tuple[str, ...]  # (K,)
    words: tuple[Words, ...]  # (K,)
    values: Floats  # (R, K) numbers, or codes of words; NaN where missing
    offsets: Ints  # (S+1,)
    made: tuple[str, ...] = ()
    """Those of the names that are no columns of the table: holidays, events and positions in the calendar."""
    positions: tuple[str, ...] = ()
    """Those of them that are positions: nobody asked for them by name."""

    @property
    def named(self) -> tuple[str, ...]:
        """Those that a user named, himself or by an option."""
        return tuple(name for name in self.names if name not in self.positions)

    def of(self, series: Ints, first: Ints, count: int) -> Floats:
        """The rows first[b] … first[b]+count−1 of series[b]: (B, count, K), NaN after the last."""
        row = first[:, None] + np.arange(count)
        inside = row < np.diff(self.offsets)[series][:, None]
        flat = np.minimum(self.offsets[series][:, None] + row, max(len(self.values) - 1, 0))
        return np.where(inside[:, :, None], self.values[flat], np.nan)

    def only(self, alive: Ints, first: Ints) -> Known:
        """The series `alive` (A,), without their first first[a] rows (A,)."""
        offsets = np.concatenate([[0], np.cumsum(np.diff(self.offsets)[alive] - first)])
        return dataclasses.replace(self, values=self.values[self.rows(alive, first)], offsets=offsets)

    def rows(self, alive: Ints, first: Ints) -> Ints:
        """The rows of `only`."""
        lengths = np.diff(self.offsets)[alive] - first
        start = self.offsets[alive] + first - np.cumsum(lengths) + lengths
        return np.arange(lengths.sum()) + np.repeat(start, lengths)

    def in_past(self, lengths: Ints) -> Bools:
        """Which rows (R,) are among the first lengths[s] of their series (S,)."""
        count = np.diff(self.offsets)
        position = np.arange(len(self.values)) - np.repeat(self.offsets[:-1], count)
        return np.asarray(position < np.repeat(lengths, count), np.bool_)
