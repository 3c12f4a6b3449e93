"""Long lines, thinned for a picture: the least and the greatest value of each pixel stay."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats, Ints


def kept_rows(values: Floats, bins: int) -> Ints:
    """Rows of a line `values` (n,) that look the same in a picture `bins` pixels wide: 4 a bin at most.

    Of each bin the first, last, least and greatest value stay, so that every peak is seen. A bin without any
    value keeps one row, so that the gap is seen.
    """
    size = -(-len(values) // bins)
    if size <= 4:
        return np.arange(len(values))
    count = -(-len(values) // size)
    padded = np.full(count * size, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(count, size)
    seen = np.isfinite(table)
    some = seen.any(axis=1)
    ends = seen.argmax(axis=1), size - 1 - seen[:, ::-1].argmax(axis=1)
    low, high = (np.where(seen, side * table, np.inf).argmin(axis=1) for side in (1, -1))
    places = np.stack([np.where(some, place, 0) for place in (*ends, low, high)], axis=1)  # (bins, 4)
    rows = np.unique(np.arange(count)[:, None] * size + places)
    return rows[rows < len(values)]


def merged(starts: Ints, stops: Ints, least: int) -> tuple[Ints, Ints]:
    """Ascending spans [start, stop) of rows; those fewer than `least` rows apart become one."""
    if not len(starts):
        return starts, stops
    new = np.concatenate([[True], starts[1:] - stops[:-1] >= least])
    last = np.concatenate([np.flatnonzero(new)[1:] - 1, [len(starts) - 1]])
    return starts[new], stops[last]
