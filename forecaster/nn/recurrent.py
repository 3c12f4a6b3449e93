"""A stack of recurrent layers through time: unrolling, stacking, masks, carried state.

The notation is that of `cells`. A `Stack` is the workspace of L layers for T steps of B columns:

    stack.load(parameters)              working copies of the weights
    stack.inputs[...] = x               (T, I, B)
    stack.set_state(state)              (L, n, H, B), or None for zeros; n = 1, or 2 (h, c) for the LSTM
    stack.forward(mask)                 then stack.outputs (T, H, B) and stack.state() (L, n, H, B)
    stack.backward(...)                 once after each forward

Long sequences, many to many, are cut into pieces: each piece starts from the state of the piece before,
and gradients flow back within a piece only (truncated backpropagation through time, Williams & Peng 1990).
A rolling stack goes step by step and keeps no history, for prediction and for what lies before a cut.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import DTypeLike, NDArray

from forecaster.nn.cells import CELLS, Array, Cell, Shapes

Mask = NDArray[np.generic]
"""(T, B), 0 or False where a step is padding."""
Drops = Sequence[Array | None]
Pads = Sequence[NDArray[np.intp] | None]


def stack_shapes(cell: str, inputs: int, hidden: int, layers: int) -> Shapes:
    """Names and shapes of the parameters of a stack: "layer0.weight", …"""
    return {
        f"layer{layer}.{name}": shape
        for layer in range(layers)
        for name, shape in CELLS[cell].shapes(hidden if layer else inputs, hidden).items()
    }


def padded_steps(mask: Mask | None, steps: int) -> Pads:
    """For each step the indices of its padded columns, or None where it has none; mask (T, B) or None."""
    if mask is None:
        return [None] * steps
    padded = np.asarray(mask) == 0
    return [np.flatnonzero(row) if some else None for row, some in zip(padded, padded.any(1), strict=True)]


class Stack:
    """The workspace of L layers for T steps of B columns."""

    def __init__(
        self,
        cell: str,
        steps: int,
        inputs: int,
        hidden: int,
        layers: int,
        batch: int,
        dtype: DTypeLike,
        *,
        rolling: bool = False,
    ) -> None:
        self.cells: list[Cell] = [
            CELLS[cell](steps, hidden if layer else inputs, hidden, batch, dtype, rolling=rolling)
            for layer in range(layers)
        ]
        self.inputs = self.cells[0].x
        self.outputs = self.cells[-1].outputs
        self._d_inputs: list[Array | None] = [None] * layers
        self._pads: Pads = []
        self._drops: Drops = []

    def load(self, parameters: dict[str, Array]) -> None:
        """Take the weights, named as in `stack_shapes`."""
        for layer, cell in enumerate(self.cells):
            prefix = f"layer{layer}."
            cell.load({k.removeprefix(prefix): v for k, v in parameters.items() if k.startswith(prefix)})

    def set_state(self, state: Array | None) -> None:
        """The state before the first step, (L, n, H, B); None for zeros."""
        for layer, cell in enumerate(self.cells):
            for k, array in enumerate(cell.state(0)):
                array[...] = 0 if state is None else state[layer, k]

    def state(self) -> Array:
        """The state after the last step, (L, n, H, B); a copy."""
        return np.array([cell.state(cell.steps) for cell in self.cells])

    def forward(self, pads: Pads, drops: Drops = ()) -> None:
        """Run all steps; `pads` from `padded_steps`; `drops` (H, B) scales what layers 1 … read, or None."""
        self._pads, self._drops = pads, drops or [None] * (len(self.cells) - 1)
        with _without_buffers():
            for layer, cell in enumerate(self.cells):
                if layer:
                    _scale(self.cells[layer - 1].outputs, self._drops[layer - 1], cell.x)
                _unroll(cell, pads)

    def backward(
        self, d_outputs: Array | None, d_state: Array | None, *, inputs: bool
    ) -> tuple[dict[str, Array], Array | None, Array]:
        """Go back through all steps of the last forward.

        d_outputs (T, H, B) is the derivative by `outputs`, d_state (L, n, H, B) that by the final state;
        None means zero. Returns the derivatives by the parameters, by the inputs (T, I, B; None unless
        asked for) and by the initial state (L, n, H, B). They are overwritten by the next call.
        """
        gradients: dict[str, Array] = {}
        with _without_buffers():
            for layer in reversed(range(len(self.cells))):
                cell = self.cells[layer]
                cell.d[...] = 0 if d_state is None else d_state[layer]
                d_inputs = self._d_input(layer) if layer or inputs else None
                _unroll_back(cell, self._pads, d_outputs, d_inputs)
                gradients |= {f"layer{layer}.{name}": value for name, value in cell.gradients().items()}
                d_outputs = d_inputs
                if layer and d_inputs is not None:
                    _scale(d_inputs, self._drops[layer - 1], d_inputs)
        return gradients, d_outputs if inputs else None, np.array([cell.d for cell in self.cells])

    def _d_input(self, layer: int) -> Array:
        """The buffer of the derivative by the inputs of a layer."""
        buffer = self._d_inputs[layer]
        if buffer is None:
            buffer = self._d_inputs[layer] = np.empty_like(self.cells[layer].x)
        return buffer


@contextmanager
def _without_buffers() -> Iterator[None]:
    """Keep ufuncs from copying small strided blocks into buffers first, which doubles their time."""
    with np.errstate():  # the size of the buffer is put back on leaving
        np.setbufsize(256)
        yield


def _scale(source: Array, factor: Array | None, out: Array) -> None:
    """out = source factor; None is a factor of one."""
    if factor is not None:
        np.multiply(source, factor, out)
    elif source is not out:
        np.copyto(out, source)


def _unroll(cell: Cell, pads: Pads) -> None:
    """Run a cell over all its steps; padded columns keep their state."""
    for start, stop in _runs(pads, 0, len(pads)):
        padded = pads[start]
        if padded is None:
            cell.forward(start, stop)
        else:
            _padded_step(cell, start, padded)


def _padded_step(cell: Cell, t: int, padded: NDArray[np.intp]) -> None:
    kept = [array[:, padded] for array in cell.state(t)]  # a copy: a rolling cell overwrites it
    cell.forward(t, t + 1)
    for array, before in zip(cell.state(t + 1), kept, strict=True):
        array[:, padded] = before


def _unroll_back(cell: Cell, pads: Pads, d_outputs: Array | None, d_inputs: Array | None) -> None:
    """Go back over all steps; `cell.d` goes from the derivative by the final state to that by the initial."""
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
        d[..., padded] = 0  # the step did nothing there, so its gates get no gradient
        cell.backward(start, stop)
        d[..., padded] = kept


def _runs(pads: Pads, start: int, stop: int) -> list[tuple[int, int]]:
    """Cut steps start … stop-1 into runs without padding and single steps with padding."""
    edges = {start, stop}
    for t in range(start, stop):
        if pads[t] is not None:
            edges |= {t, t + 1}
    return list(itertools.pairwise(sorted(edges)))
