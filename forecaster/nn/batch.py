"""A batch: what a network learns from or predicts from."""

from collections.abc import Callable
from dataclasses import dataclass

from forecaster.arrays import Array
from forecaster.nn.stack import Mask


@dataclass(frozen=True)
class Batch:
    """Columns of a batch: inputs (T, F, B), targets (K, B), mask (T, B), weights (K, B).

    mask None: no padding. weights None: all ones. Prediction needs no targets.
    """

    inputs: Array
    targets: Array | None = None
    mask: Mask | None = None
    weights: Array | None = None


Gather = Callable[[int, int], Batch]
"""gather(start, stop) -> these columns of a batch. A pure function; worker threads call it."""
