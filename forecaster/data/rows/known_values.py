"""The known values of each series, compact and grouped: what learns from a series' own past starts here.

S series, N rows in all, K of them known and observed. Everything is computed for all series at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from forecaster.arrays import Bools, Floats, Ints

CELLS = 2**22
"""Numbers sorted at once, which bounds the memory."""
BLOCK = 2**17
"""Rows worked on at once, or one series: what is in between stays small, and in the cache."""


@dataclass(frozen=True, eq=False)
class KnownValues:
    """Observed values before each origin, in order of series and time; gaps are closed."""

    values: Floats  # (K,)
    row: Ints  # (K,) row in its series, counted from the series' first
    starts: Ints  # (S+1,) series s holds values[starts[s]:starts[s + 1]]

    @cached_property
    def count(self) -> Ints:
        """Values of each series (S,)."""
        return np.diff(self.starts)

    @cached_property
    def series(self) -> Ints:
        """The series of each value (K,)."""
        return np.repeat(np.arange(len(self.count)), self.count)

    @cached_property
    def sorted(self) -> Floats:
        """The values in ascending order within each series (K,)."""
        return sorted_within(self.values, self.starts)

    @cached_property
    def steps(self) -> Floats:
        """The difference to the value before (K,); NaN for the first of each series."""
        steps = np.diff(self.values, prepend=np.nan)
        steps[self.starts[:-1][self.count > 0]] = np.nan
        return steps

    def quantile(self, level: float) -> Floats:
        """The value at this level of each series (S,), see `quantile_within`."""
        return quantile_within(self.sorted, self.starts, level)

    def reduce(self, reduce: np.ufunc, items: Floats | Bools, empty: float = np.nan) -> Floats:
        """`reduce` over the items (K,) of each series (S,); `empty` for a series without any."""
        return reduce_within(reduce, items, self.starts, empty)

    def total(self, items: Floats | Bools) -> Floats:
        """The sum of the items (K,) of each series (S,); NaN counts as nothing."""
        return self.reduce(np.add, np.nan_to_num(items.astype(np.float64), copy=False), 0.0)

    def only(self, kept: Bools) -> KnownValues:
        """The same series with the values that are `kept` (K,)."""
        if kept.all():
            return self  # with what it has sorted
        starts = np.concatenate([[0], np.cumsum(kept)])[self.starts]
        return KnownValues(self.values[kept], self.row[kept], starts)


def blocks_of_series(offsets: Ints) -> Iterator[tuple[slice, slice]]:
    """Series and their rows, about BLOCK rows of whole series at a time."""
    edges = np.flatnonzero(np.diff(offsets[:-1] // BLOCK)) + 1
    for first, last in pairwise([0, *edges.tolist(), len(offsets) - 1]):
        yield slice(first, last), slice(int(offsets[first]), int(offsets[last]))


def known_values(
    values: Floats,
    observed: Bools,
    offsets: Ints,
    known: Ints,
    *,
    first: Ints | None = None,
    left_out: Bools | None = None,
) -> KnownValues:
    """What is observed (N,) in rows first[s] … known[s]−1 of each series, without those `left_out` (N,).

    Row i of series s lies at offsets[s] − offsets[0] + i, so that neighbouring series can be cut out. No
    value at or after row known[s] is read.
    """
    lengths = np.diff(offsets)
    offsets = offsets - offsets[0]
    row = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    used = observed & (row < np.repeat(known, lengths))
    if first is not None:
        used &= row >= np.repeat(first, lengths)
    if left_out is not None:
        used &= ~left_out
    starts = np.concatenate([[0], np.cumsum(used)])[offsets]
    return KnownValues(values[used], row[used], starts)


def sorted_within(values: Floats, starts: Ints) -> Floats:
    """Each group values[starts[g]:starts[g + 1]] in ascending order (K,); none may be NaN.

    Groups of like length are sorted together as rows of a matrix: many short sorts would be slow.
    """
    result = np.empty(len(values))
    lengths = np.diff(starts)
    classes = np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64)
    for power in np.unique(classes[lengths > 0]):
        groups = np.flatnonzero((classes == power) & (lengths > 0))
        width = int(lengths[groups].max())
        for begin in range(0, len(groups), max(1, CELLS // width)):
            some = groups[begin : begin + max(1, CELLS // width)]
            inside = np.arange(width) < lengths[some, None]  # (G, width)
            place = (starts[some, None] + np.arange(width))[inside]
            matrix = np.full(inside.shape, np.inf)
            matrix[inside] = values[place]
            result[place] = np.sort(matrix, axis=1)[inside]
    return result


def quantile_within(ascending: Floats, starts: Ints, level: float) -> Floats:
    """A quantile of each group of sorted values, between neighbours linearly; NaN for an empty group."""
    last = np.diff(starts) - 1
    place = level * np.maximum(last, 0)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(last, 0))
    if not len(ascending):
        return np.full(len(last), np.nan)
    base = np.minimum(starts[:-1], len(ascending) - 1)
    below = ascending[np.minimum(base + low, len(ascending) - 1)]
    above = ascending[np.minimum(base + high, len(ascending) - 1)]
    return np.where(last >= 0, below + (place - low) * (above - below), np.nan)


def reduce_within(reduce: np.ufunc, items: Floats | Bools, starts: Ints, empty: float) -> Floats:
    """`reduce` over each group items[starts[g]:starts[g + 1]]; `empty` for a group without any."""
    result = np.full(len(starts) - 1, empty)
    filled = np.diff(starts) > 0
    if filled.any():
        result[filled] = reduce.reduceat(items, starts[:-1][filled])
    return result


def run_starts(known: KnownValues) -> Ints:
    """Places (R,) at which a run of equal neighbours within a series begins."""
    begins = np.concatenate([[True], known.values[1:] != known.values[:-1]])[: len(known.values)]
    begins[known.starts[:-1][known.count > 0]] = True
    return np.flatnonzero(begins)
