"""A recurrent stack with its parameters: sequences in, hidden states and a final state out.

Shapes and notation as in `cells`: inputs (T, F, B), mask (T, B), hidden states (T, H, B), state (L, n, H, B).
`sequence` and `encoder_decoder` are built of it.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn import init
from forecaster.nn.cells import CELLS, Pads, Shapes
from forecaster.nn.network import SHAPES, Gradients, named_views
from forecaster.nn.stack import Mask, Stack, padded_steps, stack_shapes


@dataclass
class Cache:
    """What backward needs of a forward run. Good for one backward, which gives the workspace back."""

    stack: Stack | None
    state: Array
    """(L, n, H, B): the state after the last step."""

    def take(self) -> Stack:
        """The workspace, once."""
        stack, self.stack = self.stack, None
        if stack is None:
            raise ForecasterError("This cache has been used: backward goes once over each forward run")
        return stack


def flat_size(shapes: Shapes) -> int:
    """How many numbers arrays of these shapes hold together."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


class Recurrent:
    """A recurrent stack by itself: its outputs are the hidden states of its last layer."""

    def __init__(
        self,
        config: NetworkConfig,
        *,
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
        flat: Array | None = None,
    ) -> None:
        """`config.outputs` is not read. `flat`: memory for the parameters, where another network owns it.

        Raises ForecasterError for an embedding or dropout, which sequence networks don't have.
        """
        if config.embedding or config.dropout:
            raise ForecasterError(
                "Sequence networks have neither embedding nor dropout",
                hint="Say NetworkConfig(..., embedding=False, dropout=0)",
            )
        self.config, self.dtype = config, np.dtype(dtype)
        self.shapes = stack_shapes(config.cell, config.inputs, config.hidden, config.layers)
        self.flat: Array = np.zeros(flat_size(self.shapes), self.dtype) if flat is None else flat
        self.parameters = named_views(self.flat, self.shapes)
        self._idle: dict[tuple[int, int], list[Stack]] = {}
        self._lock = threading.Lock()
        if rng is not None:
            with threadpool_limits(1):  # the same bytes whatever the number of cores
                for name, value in self.parameters.items():
                    if name.endswith(".weight"):
                        init.recurrent(config.cell, value, config.hidden, rng=rng, dtype=self.dtype)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(L, n, H): what a state is, without the batch."""
        return self.config.layers, CELLS[self.config.cell].states, self.config.hidden

    def forward(
        self, inputs: Array, *, mask: Mask | None = None, state: Array | None = None
    ) -> tuple[Array, Cache]:
        """Hidden states (T, H, B), a view that is good until `backward`, and what `backward` needs.

        Where the mask is 0 the step leaves the state as it is, and the input may be anything.
        """
        pads = self._check(inputs, mask, state)
        stack = self._take(inputs.shape[0], inputs.shape[2])
        stack.set_state(state)
        run(stack, inputs, pads)
        return stack.outputs, Cache(stack, stack.state())

    def backward(
        self, cache: Cache, d_outputs: Array | None, d_state: Array | None = None, *, inputs: bool = True
    ) -> Gradients:
        """Derivatives of the loss, given those by the hidden states and by the final state (None: zero)."""
        stack = cache.take()
        flat = np.empty_like(self.flat)
        gradients = named_views(flat, self.shapes)
        d_outputs, d_state = (None if d is None else np.asarray(d, self.dtype) for d in (d_outputs, d_state))
        of_stack, d_inputs, d_initial = stack.backward(d_outputs, d_state, inputs=inputs)
        for name, value in of_stack.items():
            gradients[name][...] = value
        d_inputs = None if d_inputs is None else d_inputs.copy()  # the workspace is about to be reused
        self._give(stack)
        return Gradients(flat, gradients, d_inputs, d_initial)

    def advance(self, inputs: Array, *, mask: Mask | None = None, state: Array | None = None) -> Array:
        """The state (L, n, H, B) after the inputs, in the memory of one step."""
        pads = self._check(inputs, mask, state)
        stack = self.rolling(inputs.shape[2], state)
        for t in range(len(inputs)):
            run(stack, inputs[t : t + 1], pads[t : t + 1])
        return stack.state()

    def rolling(self, batch: int, state: Array | None) -> Stack:
        """A workspace of one step, to be run again and again, that starts from a state."""
        stack = self._new(1, batch, rolling=True)
        stack.set_state(state)
        return stack

    def _check(self, inputs: Array, mask: Mask | None, state: Array | None) -> Pads:
        if inputs.ndim != 3 or inputs.shape[1] != self.config.inputs or not inputs.shape[0]:
            wanted = f"(T, {self.config.inputs}, B) with T > 0"
            raise ForecasterError(f"The network takes inputs {wanted}, found {inputs.shape}")
        steps, _, batch = inputs.shape
        if mask is not None and mask.shape != (steps, batch):
            raise ForecasterError(f"The mask must be (T, B) = {(steps, batch)}, found {mask.shape}")
        check_state(state, (*self.state_shape, batch))
        return padded_steps(mask, steps)

    def _new(self, steps: int, batch: int, *, rolling: bool = False) -> Stack:
        c = self.config
        stack = Stack(c.cell, steps, c.inputs, c.hidden, c.layers, batch, self.dtype, rolling=rolling)
        stack.load(self.parameters)
        return stack

    def _take(self, steps: int, batch: int) -> Stack:
        """An idle workspace of this shape or a new one, with the present weights; any thread may ask."""
        key = (steps, batch)
        with self._lock:
            idle = self._idle.pop(key, [])
            self._idle[key] = idle  # the newest shape comes last
            for old in list(self._idle)[:-SHAPES]:
                del self._idle[old]
            stack = idle.pop() if idle else None
        if stack is None:
            return self._new(steps, batch)
        stack.load(self.parameters)
        return stack

    def _give(self, stack: Stack) -> None:
        steps, _, batch = stack.inputs.shape
        with self._lock:
            if (steps, batch) in self._idle:
                self._idle[steps, batch].append(stack)


def check_state(state: Array | None, wanted: tuple[int, ...]) -> None:
    """Raises ForecasterError for a state that is not (L, n, H, B)."""
    if state is not None and state.shape != wanted:
        raise ForecasterError(f"The state must be (L, n, H, B) = {wanted}, found {state.shape}")


def run(stack: Stack, inputs: Array, pads: Pads) -> None:
    """All steps of a workspace, from the state that is in it."""
    stack.inputs[...] = inputs
    for x, padded in zip(stack.inputs, pads, strict=True):
        if padded is not None:
            x[:, padded] = 0  # whatever was there, NaN too, must not reach a product
    stack.forward(pads)
