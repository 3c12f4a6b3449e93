"""Initial values of weights."""

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array


def glorot(rows: int, columns: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    """(rows, columns), uniform in ±√(6 / (rows + columns)) (Glorot & Bengio 2010)."""
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(dtype)


def orthogonal(size: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    """(size, size), uniform among the orthogonal matrices (Saxe et al. 2014; signs as in Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return (q * np.sign(np.diagonal(r))).astype(dtype)


def recurrent(cell: str, weight: Array, hidden: int, *, rng: np.random.Generator, dtype: DTypeLike) -> None:
    """Fill a cell's weight (G·H, H+I+1) in place: orthogonal over h, Glorot over x, bias zero.

    The forget gate of the LSTM starts with a bias of one (Jozefowicz et al. 2015).
    """
    inputs = weight.shape[1] - hidden - 1
    for block in np.split(weight, len(weight) // hidden):
        block[:, :hidden] = orthogonal(hidden, rng=rng, dtype=dtype)
        block[:, hidden:-1] = glorot(hidden, inputs, rng=rng, dtype=dtype)
        block[:, -1] = 0
    if cell == "lstm":
        weight[2 * hidden : 3 * hidden, -1] = 1
