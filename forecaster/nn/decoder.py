"""From the state after the last step to the outputs: a direct head, or a decoder step for each segment.

    direct      h (H, B) -> linear -> outputs (K, B)
    segments    the K outputs are cut into m segments of s. For each segment, a decoder (a stack of the
                encoder's size) takes one step from the encoder's final state. It reads a learned embedding
                p_j of the segment's position; a shared linear head writes the s outputs. The steps are
                independent and run as m·B columns of one batch (SegRNN's parallel multi-step forecasting,
                Lin et al. 2023)

With side inputs (notation in `side_inputs`) the step of segment j reads p_j + U a_j + s, and its outputs are
W [h; 1] + R a_j. The gates make the effect of U a_j nonlinear: a hidden layer with ReLU in place of U is no
better at nonlinear effects and worse at exact ones. R is a direct path, as in a regression: values that
explain everything are learned in fewer steps. U and R begin at zero: values that explain nothing cost next to
nothing.

Notation as in `cells.base`; column j·B + b is segment j of sequence b. SegRNN's decoder shares the encoder's
weights; separate weights forecast better (docs/defaults.md).
"""

from dataclasses import replace
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn import dense
from forecaster.nn.cells import CELLS
from forecaster.nn.cells.base import Shapes
from forecaster.nn.stack import Drops, Stack, stack_shapes

PREFIX = "decoder."


class Head(Protocol):
    """What turns the hidden states of a stack into outputs: workspace for B columns."""

    every: ClassVar[bool]
    """Whether it reads the hidden state of every step, not only of the last."""
    d_newest: Array | None = None
    """After `backward`, the derivative by the newest input of the stack (I, B); None: it does not read it."""
    d_static: Array | float = 0.0
    """After `backward`, the derivative by the static vector (W, B); 0: it does not read it."""

    def __init__(self, config: NetworkConfig, batch: int, dtype: DTypeLike, *, rolling: bool = False) -> None:
        """Allocate; a rolling head goes forward only."""

    @staticmethod
    def shapes(config: NetworkConfig, width: int) -> Shapes:
        """Names and shapes of the parameters; `width` is what a step of the stack reads."""

    def load(self, parameters: dict[str, Array]) -> None:
        """Take the weights."""

    def read(self, ahead: Array | None, static: Array | None) -> None:
        """Before `forward`: the values known ahead (m, G, B) and the static vector (W, B), or None.

        The static vector is in the hidden states already, and a head need not read it again.
        """
        if ahead is not None:
            raise ForecasterError("This head reads no known values ahead")

    def forward(self, encoder: Stack, drops: Drops) -> Array:
        """The outputs; the last of `drops` (H, B) scales the last hidden state."""

    def backward(self, d_outputs: Array, gradients: dict[str, Array]) -> tuple[Array | None, Array | None]:
        """The derivatives by all hidden states (T, H, B) and by the final state (L, n, H, B); None: zero.

        Writes the derivatives by its own parameters into `gradients`.
        """

    def d_ahead(self) -> Array | None:
        """After `backward`, the derivative by the known values ahead (m, G, B); None: it reads none."""
        return None


class DirectHead(Head):
    """A linear head from the last hidden state to all outputs at once (K, B)."""

    every = False

    def __init__(self, config: NetworkConfig, batch: int, dtype: DTypeLike, *, rolling: bool = False) -> None:
        self.state_shape = config.layers, CELLS[config.cell].states, config.hidden, batch
        self.Y: Array = np.ones((config.hidden + 1, batch), dtype)  # [h; 1]

    @staticmethod
    def shapes(config: NetworkConfig, width: int) -> Shapes:
        return {"head.weight": (config.outputs, config.hidden + 1)}

    def load(self, parameters: dict[str, Array]) -> None:
        self.weight = parameters["head.weight"]

    def forward(self, encoder: Stack, drops: Drops) -> Array:
        h, self.drop = encoder.outputs[-1], drops[-1]
        self.Y[:-1] = h if self.drop is None else h * self.drop
        outputs = np.empty((len(self.weight), h.shape[1]), self.Y.dtype)
        dense.linear(self.weight, self.Y, outputs)
        return outputs

    def backward(self, d_outputs: Array, gradients: dict[str, Array]) -> tuple[None, Array]:
        dense.linear_backward(self.Y, d_outputs, gradients["head.weight"])
        d_state = np.zeros(self.state_shape, self.Y.dtype)
        d_h = dense.linear_input_gradient(self.weight, d_outputs)
        d_state[-1, 0] = d_h if self.drop is None else d_h * self.drop
        return None, d_state


class SegmentDecoder(Head):
    """One step of a recurrent stack for each segment of the outputs (K, B)."""

    every = False

    def __init__(self, config: NetworkConfig, batch: int, dtype: DTypeLike, *, rolling: bool = False) -> None:
        self.segments, self.size = segments_of(config)
        self.outputs, self.batch = config.outputs, batch
        columns, width = self.segments * batch, config.hidden if config.embedding else config.inputs
        self.head = DirectHead(replace(config, outputs=self.size), columns, dtype)
        self.stack = Stack(
            config.cell, 1, width, config.hidden, config.layers, columns, dtype, rolling=rolling
        )
        self.ahead: Array | None = np.empty((config.known, columns), dtype) if config.known else None
        self.static: Array | None = None

    @staticmethod
    def shapes(config: NetworkConfig, width: int) -> Shapes:
        segments, size = segments_of(config)
        of_stack = stack_shapes(config.cell, width, config.hidden, config.layers)
        known: Shapes = {"decoder.known": (width, config.known), "head.known": (size, config.known)}
        return {
            "decoder.positions": (segments, width),
            **{PREFIX + name: shape for name, shape in of_stack.items()},
            "head.weight": (size, config.hidden + 1),
            **(known if config.known else {}),
        }

    def load(self, parameters: dict[str, Array]) -> None:
        self.parameters = parameters
        self.head.load(parameters)
        own = {name: value for name, value in parameters.items() if name.startswith(PREFIX)}
        self.stack.load({name.removeprefix(PREFIX): value for name, value in own.items()})

    def read(self, ahead: Array | None, static: Array | None) -> None:
        if self.ahead is not None and ahead is not None:
            self._by_segment(self.ahead)[...] = ahead.swapaxes(0, 1)  # (G, m, B)
        self.static = static

    def forward(self, encoder: Stack, drops: Drops) -> Array:
        drops = [None if drop is None else np.tile(drop, self.segments) for drop in drops]
        self._fill_inputs()  # 1
        self.stack.set_state(np.tile(encoder.state(), self.segments))
        self.stack.forward([None], drops[1:-1])  # 2
        of_segments = self.head.forward(self.stack, drops)  # (s, m·B)
        if self.ahead is not None:
            of_segments += self.parameters["head.known"] @ self.ahead  # 3
        return _swapped(of_segments, self.size, self.segments).reshape(-1, self.batch)[: self.outputs]

    def _fill_inputs(self) -> None:
        """The input of each step: p_j + U a_j + s."""
        x = self.stack.inputs[0]  # (W, m·B)
        self._by_segment(x)[...] = self.parameters["decoder.positions"].T[..., None]
        if self.ahead is not None:
            x += self.parameters["decoder.known"] @ self.ahead
        if self.static is not None:
            self._by_segment(x)[...] += self.static[:, None]

    def backward(self, d_outputs: Array, gradients: dict[str, Array]) -> tuple[None, Array]:
        d: Array = np.zeros((self.segments * self.size, self.batch), d_outputs.dtype)
        d[: self.outputs] = d_outputs  # outputs of the last segment beyond K count for nothing
        d = _swapped(d, self.segments, self.size).reshape(self.size, -1)  # (s, m·B)
        _, d_state = self.head.backward(d, gradients)
        of_stack, d_inputs, d_initial = self.stack.backward(None, d_state, inputs=True)  # 2
        assert d_inputs is not None
        for name, value in of_stack.items():
            gradients[PREFIX + name][...] = value
        of_segments = self._by_segment(d_inputs[0])  # (W, m, B)
        gradients["decoder.positions"][...] = of_segments.sum(axis=-1).T  # 1
        if self.static is not None:
            self.d_static = of_segments.sum(axis=1)
        if self.ahead is not None:
            np.matmul(d, self.ahead.T, gradients["head.known"])  # 3
            np.matmul(d_inputs[0], self.ahead.T, gradients["decoder.known"])  # 1
            self.d = d, d_inputs[0]
        return None, np.asarray(self._by_segment(d_initial).sum(axis=-2))

    def d_ahead(self) -> Array | None:
        if self.ahead is None:
            return None
        d, d_inputs = self.d
        total = self.parameters["head.known"].T @ d + self.parameters["decoder.known"].T @ d_inputs
        return self._by_segment(total).swapaxes(0, 1).copy()

    def _by_segment(self, columns: Array) -> Array:
        """(…, m·B) -> (…, m, B), a view."""
        return columns.reshape(*columns.shape[:-1], self.segments, self.batch)


def _swapped(values: Array, rows: int, inner: int) -> Array:
    """(rows·inner·B values) -> (inner, rows, B)."""
    return values.reshape(rows, inner, -1).swapaxes(0, 1)


def segments_of(config: NetworkConfig) -> tuple[int, int]:
    """(m, s): number and size of the segments of the outputs; the last segment may reach beyond them."""
    size = config.output_segment or config.outputs
    return -(-config.outputs // size), size


def head_of(config: NetworkConfig) -> type[Head]:
    """The class that `config` chooses."""
    return DirectHead if config.output_segment is None else SegmentDecoder
