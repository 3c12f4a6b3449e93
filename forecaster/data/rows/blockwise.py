"""Passes over long arrays, one block at a time, so that the data of a block stays in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints

BLOCK = 2**16


def blocks(count: int) -> Iterator[slice]:
    """Slices of `count` elements that overlap by one, so that each pair of neighbours lies in a slice."""
    for start in range(0, max(count - 1, min(count, 1)), BLOCK):
        yield slice(start, start + BLOCK + 1)


def always(
    compare: np.ufunc, values: NDArray[np.generic], *, within: NDArray[np.generic] | None = None
) -> bool:
    """Whether `compare` holds for each element and the one before it, if both have the same `within`."""
    for part in blocks(len(values)):
        holds = compare(values[part][1:], values[part][:-1])
        if not holds.all() and (within is None or not (holds | changes(within[part])).all()):
            return False
    return True


def changes(values: NDArray[np.generic]) -> Bools:
    """Which elements (all but the first) differ from the one before (N-1,)."""
    return np.asarray(values[1:] != values[:-1])


def runs(values: NDArray[np.generic]) -> int:
    """The number of runs of equal neighbours."""
    return bool(len(values)) + sum(
        int(np.count_nonzero(changes(values[part]))) for part in blocks(len(values))
    )


def only_step(time: Ints, offsets: Ints) -> int | None:
    """The step between all neighbours within the series at `offsets` (S+1,); None if steps differ."""
    several = np.flatnonzero(np.diff(offsets) > 1)
    if not len(several):
        return None
    first = offsets[several[0]]
    step = int(time[first + 1] - time[first])
    for part in blocks(len(time)):
        same = np.diff(time[part]) == step
        low, high = np.searchsorted(offsets, [part.start + 1, part.start + 1 + len(same)])
        same[offsets[low:high] - part.start - 1] = True  # from one series to the next
        if not same.all():
            return None
    return step


def over_series(reduce: np.ufunc, make: Callable[[slice], Floats], offsets: Ints, start: float) -> Floats:
    """`reduce` over the rows of each series (S,), from `start` on; `make` gives the values of a slice."""
    result = np.full(len(offsets) - 1, start)
    for begin in range(0, int(offsets[-1]), BLOCK):
        end = min(begin + BLOCK, int(offsets[-1]))
        series = slice(np.searchsorted(offsets, begin, side="right") - 1, np.searchsorted(offsets, end))
        part = reduce.reduceat(make(slice(begin, end)), np.maximum(offsets[series] - begin, 0))
        result[series] = reduce(result[series], part)
    return result
