"""A stack of recurrent layers through time: unrolling, stacking, masks, carried state.

Notation as in `cells.base`. A `Stack` is the workspace of L layers for T steps of B columns:

    stack.load(parameters)              working copies of the weights
    stack.inputs[...] = x               (T, I, B)
    stack.set_state(state)              (L, n, H, B), or None for zeros; n = 1, or 2 (h, c) for the LSTM
    stack.forward(pads)                 gives stack.outputs (T, H, B) and stack.state() (L, n, H, B)
    stack.backward(...)                 once after each forward

A long sequence can be cut into pieces: each piece starts from the final state of the piece before it, and
gradients flow back within a piece only (truncated backpropagation through time, Williams & Peng 1990). A
rolling stack runs step by step and keeps no history; it serves prediction and the steps before a cut.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from forecaster.arrays import Array
from forecaster.nn import compiled_layer as compiled
from forecaster.nn.cells import CELLS
from forecaster.nn.cells.base import Cell, Pads, Shapes
from forecaster.nn.compiled_layer import CompiledLayer
from forecaster.nn.numpy_layer import NumpyLayer

Mask = NDArray[np.generic]
"""(T, B), 0 or False where a step is padding."""
Drops = Sequence[Array | None]
"""Factors of dropout, one array (H, B) for each place; None: a factor of one."""


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


def layer_class(cell: type[Cell], dtype: DTypeLike) -> type[CompiledLayer] | type[NumpyLayer]:
    """The class of a cell's layers in this precision on this machine."""
    return CompiledLayer if cell.kernel is not None and compiled.available(dtype) else NumpyLayer


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
        every: bool = True,
    ) -> None:
        """Allocate. Without `every`, only the last step's outputs are used."""
        kind = CELLS[cell]
        make = layer_class(kind, dtype)
        self.layers = [
            make(
                kind,
                steps,
                hidden if layer else inputs,
                hidden,
                batch,
                dtype,
                rolling=rolling,
                every=every or layer < layers - 1,
            )
            for layer in range(layers)
        ]
        self.inputs = self.layers[0].x
        self.outputs = self.layers[-1].outputs
        self._d_inputs: list[Array | None] = [None] * layers
        self._drops: Drops = []

    def load(self, parameters: dict[str, Array]) -> None:
        """Take the weights, named as in `stack_shapes`."""
        for number, layer in enumerate(self.layers):
            prefix = f"layer{number}."
            layer.load({k.removeprefix(prefix): v for k, v in parameters.items() if k.startswith(prefix)})

    def set_state(self, state: Array | None) -> None:
        """The state before the first step, (L, n, H, B); None for zeros."""
        for number, layer in enumerate(self.layers):
            for k, array in enumerate(layer.initial()):
                array[...] = 0 if state is None else state[number, k]

    def state(self) -> Array:
        """The state after the last step, (L, n, H, B); a copy."""
        return np.array([layer.final() for layer in self.layers])

    def forward(self, pads: Pads, drops: Drops = ()) -> None:
        """Run all steps. `pads` comes from `padded_steps`; `drops` (H, B) scale the inputs of layers 1 …."""
        self._drops = drops or [None] * (len(self.layers) - 1)
        for number, layer in enumerate(self.layers):
            if number:
                _scale(self.layers[number - 1].outputs, self._drops[number - 1], layer.x)
            layer.unroll(pads)

    def backward(
        self, d_outputs: Array | None, d_state: Array | None, *, inputs: bool
    ) -> tuple[dict[str, Array], Array | None, Array]:
        """Go back through all steps of the last forward.

        d_outputs (T, H, B) is the derivative by `outputs`, d_state (L, n, H, B) that by the final state;
        None means zero. Returns the derivatives by the parameters, by the inputs (T, I, B; None unless
        `inputs`) and by the initial state (L, n, H, B). The next call overwrites them.
        """
        gradients: dict[str, Array] = {}
        for number, layer in reversed(list(enumerate(self.layers))):
            layer.d[...] = 0 if d_state is None else d_state[number]
            d_inputs = self._d_input(number) if number or inputs else None
            layer.unroll_back(d_outputs, d_inputs)
            gradients |= {f"layer{number}.{name}": value for name, value in layer.gradients().items()}
            d_outputs = d_inputs
            if number and d_inputs is not None:
                _scale(d_inputs, self._drops[number - 1], d_inputs)
        return gradients, d_outputs if inputs else None, np.array([layer.d for layer in self.layers])

    def _d_input(self, number: int) -> Array:
        """The buffer of the derivative by the inputs of a layer."""
        buffer = self._d_inputs[number]
        if buffer is None:
            buffer = self._d_inputs[number] = np.empty_like(self.layers[number].x)
        return buffer


def _scale(source: Array, factor: Array | None, out: Array) -> None:
    """out = source factor; None is a factor of one."""
    if factor is not None:
        np.multiply(source, factor, out)
    elif source is not out:
        np.copyto(out, source)
