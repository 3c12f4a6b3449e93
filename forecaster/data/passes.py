"""Passes over neighbours in long arrays, a block at a time, so that what is compared stays in the cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**16


def blocks(count: int) -> Iterator[slice]:
    """Slices of `count` elements; each pair of neighbours lies in one."""
    for start in range(0, max(count - 1, min(count, 1)), BLOCK):
        yield slice(start, start + BLOCK + 1)


def always(
    compare: np.ufunc, values: NDArray[np.generic], *, within: NDArray[np.generic] | None = None
) -> bool:
    """Whether `compare` holds of each element and the one before it, where `within` is the same for both."""
    for part in blocks(len(values)):
        holds = compare(values[part][1:], values[part][:-1])
        if not holds.all() and (within is None or not (holds | changes(within[part])).all()):
            return False
    return True


def changes(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which elements (all but the first) differ from the one before (N-1,)."""
    return np.asarray(values[1:] != values[:-1])


def runs(values: NDArray[np.generic]) -> int:
    """How many stretches of equal neighbours there are."""
    return bool(len(values)) + sum(
        int(np.count_nonzero(changes(values[part]))) for part in blocks(len(values))
    )
