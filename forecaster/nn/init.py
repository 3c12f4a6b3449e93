"""Initial values of weights."""

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.nn.cells.base import Cell


def glorot(rows: int, columns: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    """(rows, columns), uniform in ±√(6 / (rows + columns)) (Glorot & Bengio 2010)."""
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(dtype)


def orthogonal(size: int, *, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    """(size, size), uniform over the orthogonal matrices (Saxe et al. 2014; signs as in Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return (q * np.sign(np.diagonal(r))).astype(dtype)


def recurrent(
    cell: type[Cell], weight: Array, hidden: int, *, rng: np.random.Generator, dtype: DTypeLike
) -> None:
    """Fill a cell's weight (G·H, H+I+1) in place: orthogonal over h, Glorot over x, and the cell's biases."""
    inputs = weight.shape[1] - hidden - 1
    biases = cell.initial_bias or [0.0] * cell.gates
    for block, bias in zip(np.split(weight, cell.gates), biases, strict=True):
        block[:, :hidden] = orthogonal(hidden, rng=rng, dtype=dtype)
        block[:, hidden:-1] = glorot(hidden, inputs, rng=rng, dtype=dtype)
        block[:, -1] = bias
