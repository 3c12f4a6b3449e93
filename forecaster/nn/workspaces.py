"""Workspaces: the arrays in which a network runs forward and back, kept for the next batch of the same shape.

Notation as in `cells.base`.
"""

import threading

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.nn import dense
from forecaster.nn.cells.base import Pads
from forecaster.nn.decoder import Head
from forecaster.nn.side_inputs import SideInputs, static_backward, static_input_gradient, static_vector
from forecaster.nn.stack import Drops, Stack

SHAPES = 3
"""Shapes (T, B) for which a network keeps idle workspaces: full batches, the last batch, predictions."""


class Workspace:
    """A network's arrays for T steps of B columns: embedding (optional) -> stack -> head."""

    def __init__(
        self, config: NetworkConfig, head: type[Head], steps: int, batch: int, dtype: DTypeLike, rolling: bool
    ) -> None:
        self.key = (steps, batch, rolling)
        width = config.hidden if config.embedding else config.inputs
        shape = steps, width, config.hidden, config.layers, batch
        self.stack = Stack(config.cell, *shape, dtype, rolling=rolling, every=head.every)
        self.head = head(config, batch, dtype, rolling=rolling)
        self.X = np.ones((steps, config.inputs + 1, batch), dtype) if config.embedding else None  # [x; 1]
        self.x = self.stack.inputs if self.X is None else self.X[:, :-1]

    def load(self, parameters: dict[str, Array]) -> None:
        """Take the weights."""
        self.parameters = parameters
        self.stack.load(parameters)
        self.head.load(parameters)

    def begin(self, state: Array | None, side: SideInputs) -> None:
        """Take the state before the first step, None for zeros, and what is read beside the steps."""
        self.stack.set_state(state)
        self.side, self.static = side, static_vector(self.parameters, side)  # 1
        self.head.read(side.ahead, self.static)

    def run(self, inputs: Array, pads: Pads, drops: Drops) -> None:
        """Run embedding and stack over all steps, from the state that the stack is in."""
        self.x[...] = inputs
        for x, padded in zip(self.x, pads, strict=True):
            if padded is not None:
                x[:, padded] = 0  # padding may hold anything, NaN too, and must not reach a product
        reads = self.stack.inputs
        if self.X is not None:
            dense.linear(self.parameters["embedding.weight"], self.X, reads)  # 2
        if self.static is not None:
            reads += self.static  # 3
        if self.X is not None:
            dense.relu(reads)  # 4
            if drops[0] is not None:
                reads *= drops[0]  # 5
        self.stack.forward(pads, drops[1:-1])  # 6

    def outputs(self, drops: Drops) -> Array:
        """The head's outputs after `run`."""
        return self.head.forward(self.stack, drops)  # 7

    def backward(
        self,
        d_outputs: Array,
        d_state: Array | None,
        drops: Drops,
        gradients: dict[str, Array],
        *,
        inputs: bool,
    ) -> tuple[Array | None, Array]:
        """The derivatives by the inputs (None unless `inputs`; valid until the next run) and by the initial
        state.

        d_outputs and d_state are those by the outputs and by the final state. Fills `gradients`.
        """
        d_hidden, d_final = self.head.backward(d_outputs, gradients)  # 7
        if d_state is not None:
            d_final = d_state if d_final is None else d_final + d_state
        needed = inputs or self.X is not None or self.static is not None
        of_stack, d, d_initial = self.stack.backward(d_hidden, d_final, inputs=needed)  # 6
        for name, value in of_stack.items():
            gradients[name][...] = value
        if d is None:
            return None, d_initial
        if self.head.d_newest is not None:
            d[-1] += self.head.d_newest
        if self.X is not None:
            if drops[0] is not None:
                d *= drops[0]  # 5
            dense.relu_backward(self.stack.inputs, d)  # 4
        if self.static is not None:
            self.d_static = d.sum(axis=0) + self.head.d_static  # 3
            static_backward(self.side, self.d_static, gradients)  # 1
        if self.X is not None:
            dense.linear_backward(self.X, d, gradients["embedding.weight"])  # 2
            d = dense.linear_input_gradient(self.parameters["embedding.weight"], d) if inputs else None
        return d if inputs else None, d_initial

    def side_gradients(self) -> tuple[Array | None, Array | None]:
        """After `backward`, the derivatives by the known values ahead (m, G, B) and by the static numbers
        (N, B); None for what is not read.
        """
        static = None if self.side.static is None else static_input_gradient(self.parameters, self.d_static)
        return self.head.d_ahead(), static


class WorkspacePool:
    """A network's idle workspaces, by shape. Any thread may take one and give it back."""

    def __init__(
        self, config: NetworkConfig, head: type[Head], dtype: DTypeLike, parameters: dict[str, Array]
    ) -> None:
        self.config, self.head, self.dtype, self.parameters = config, head, dtype, parameters
        self.idle: dict[tuple[int, int, bool], list[Workspace]] = {}
        self._lock = threading.Lock()

    def take(self, steps: int, batch: int, *, rolling: bool = False) -> Workspace:
        """An idle workspace of this shape or a new one, with the current weights."""
        key = (steps, batch, rolling)
        with self._lock:
            idle = self.idle.pop(key, [])
            self.idle[key] = idle  # the newest shape comes last
            workspace = idle.pop() if idle else None
            for old in list(self.idle)[:-SHAPES]:
                del self.idle[old]
        workspace = workspace or Workspace(self.config, self.head, steps, batch, self.dtype, rolling)
        workspace.load(self.parameters)
        return workspace

    def give(self, workspace: Workspace) -> None:
        """Keep a workspace for the next run, unless its shape has been dropped meanwhile."""
        with self._lock:
            if workspace.key in self.idle:
                self.idle[workspace.key].append(workspace)

    def free(self) -> None:
        """Drop the idle workspaces, whose memory is many times that of the weights."""
        with self._lock:
            self.idle.clear()
