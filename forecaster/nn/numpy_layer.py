"""A layer through time in NumPy: the loop over the steps of a cell, masks included.

Notation as in `cells.base`. `compiled_layer` does the same in one compiled call.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Array
from forecaster.nn.cells.base import Cell, Pads


class NumpyLayer:
    """The workspace of one layer for T steps of B columns."""

    def __init__(self, cell: type[Cell], *shape: Any, rolling: bool = False, every: bool = True) -> None:
        """`shape` as for `Cell`. Without `every`, `outputs` may hold the last step only: (1, H, B)."""
        self.cell = cell(*shape, rolling=rolling)
        self.x, self.outputs, self.d = self.cell.x, self.cell.outputs, self.cell.d
        self.load, self.gradients = self.cell.load, self.cell.gradients

    def initial(self) -> Sequence[Array]:
        """The state arrays before the first step."""
        return self.cell.state(0)

    def final(self) -> Sequence[Array]:
        """The state arrays after the last step."""
        return self.cell.state(self.cell.steps)

    def unroll(self, pads: Pads) -> None:
        """Run all steps; padded columns keep their state."""
        with _without_buffers():
            for start, stop in _runs(pads, 0, len(pads)):
                padded = pads[start]
                if padded is None:
                    self.cell.forward(start, stop)
                else:
                    _padded_step(self.cell, start, padded)
        self._pads = pads

    def unroll_back(self, d_outputs: Array | None, d_inputs: Array | None) -> None:
        """Go back over all steps: `d` turns from the derivative by the final into that by the initial state.

        d_outputs (T, H, B) is the derivative by `outputs`; None means zero. The derivative by `x` is written
        into d_inputs (T, I, B) unless that is None.
        """
        with _without_buffers():
            _unroll_back(self.cell, self._pads, d_outputs, d_inputs)


@contextmanager
def _without_buffers() -> Iterator[None]:
    """Keep ufuncs from first copying small strided blocks into buffers, which doubles their time."""
    with np.errstate():  # restores the buffer size on exit
        np.setbufsize(256)
        yield


def _padded_step(cell: Cell, t: int, padded: NDArray[np.intp]) -> None:
    kept = [array[:, padded] for array in cell.state(t)]  # copies, because a rolling cell overwrites them
    cell.forward(t, t + 1)
    for array, before in zip(cell.state(t + 1), kept, strict=True):
        array[:, padded] = before


def _unroll_back(cell: Cell, pads: Pads, d_outputs: Array | None, d_inputs: Array | None) -> None:
    cell.begin_backward()
    for stop in range(cell.steps, 0, -cell.block):
        start = max(stop - cell.block, 0)
        cell.factorise(start, stop)
        if d_outputs is None:
            for first, last in reversed(_runs(pads, start, stop)):
                _steps_back(cell, first, last, pads[first])
        else:
            for t in reversed(range(start, stop)):
                np.add(cell.d[0], d_outputs[t], cell.d[0])
                _steps_back(cell, t, t + 1, pads[t])
        cell.accumulate(start, stop, d_inputs)


def _steps_back(cell: Cell, start: int, stop: int, padded: NDArray[np.intp] | None) -> None:
    if padded is None:
        cell.backward(start, stop)
    else:
        d = cell.d
        kept = d[..., padded]
        d[..., padded] = 0  # a padded step does nothing, so its gates get no gradient
        cell.backward(start, stop)
        d[..., padded] = kept


def _runs(pads: Pads, start: int, stop: int) -> list[tuple[int, int]]:
    """Split steps start … stop-1 into runs without padding and single steps with padding."""
    edges = {start, stop}
    for t in range(start, stop):
        if pads[t] is not None:
            edges |= {t, t + 1}
    return list(itertools.pairwise(sorted(edges)))
