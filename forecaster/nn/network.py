"""The network: segment embedding (optional) -> recurrent stack -> outputs from its final state (`decoder`).

Shapes and notation as in `cells`: inputs (T, F, B), mask (T, B), outputs (K, B), state (L, n, H, B).
"""

import itertools
import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn import dense, init
from forecaster.nn.cells import CELLS, Pads, Shapes
from forecaster.nn.decoder import decoder_of
from forecaster.nn.stack import Mask, Stack, padded_steps, stack_shapes

SHAPES = 3
"""Shapes (T, B) for which a network keeps its idle workspaces: full batches, the last one, predictions."""


def parameter_shapes(config: NetworkConfig) -> Shapes:
    """Names and shapes of all parameters, in the order in which they lie in `Network.flat`."""
    width = config.hidden if config.embedding else config.inputs
    embedding: Shapes = {"embedding.weight": (config.hidden, config.inputs + 1)} if config.embedding else {}
    stack = stack_shapes(config.cell, width, config.hidden, config.layers)
    return {**embedding, **stack, **decoder_of(config).shapes(config, width)}


def named_views(flat: Array, shapes: Shapes) -> dict[str, Array]:
    """Views into a flat vector, one for each name, in order."""
    ends = itertools.accumulate(map(math.prod, shapes.values()), initial=0)
    parts = (flat[start:stop] for start, stop in itertools.pairwise(ends))
    return {name: part.reshape(shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)}


@dataclass(frozen=True)
class Gradients:
    """Derivatives of the loss: by the parameters, flat (P,) and as named views; by inputs and state."""

    flat: Array
    parameters: dict[str, Array]
    inputs: Array | None
    """(T, F, B) when asked for; zero before the cut of a truncated run."""
    state: Array
    """(L, n, H, B), by the initial state; zero when the run was truncated."""


class _Workspace:
    """Arrays for T steps of B columns: [x; 1] of the embedding, those of the stack and of the decoder."""

    def __init__(
        self, config: NetworkConfig, steps: int, batch: int, dtype: DTypeLike, rolling: bool
    ) -> None:
        self.key = (steps, batch, rolling)
        width = config.hidden if config.embedding else config.inputs
        shape = steps, width, config.hidden, config.layers, batch
        self.stack = Stack(config.cell, *shape, dtype, rolling=rolling, every=False)
        self.X = np.ones((steps, config.inputs + 1, batch), dtype)
        self.x = self.X[:, :-1] if config.embedding else self.stack.inputs
        self.decoder = decoder_of(config)(config, batch, dtype, rolling=rolling)

    def load(self, parameters: dict[str, Array]) -> None:
        """Take the weights."""
        self.stack.load(parameters)
        self.decoder.load(parameters)

    def outputs(self, drops: list[Array | None]) -> Array:
        """(K, B), from the state after the last step."""
        return self.decoder.forward(self.stack, drops)


@dataclass
class Cache:
    """What backward needs of a forward run. Good for one backward, which gives the workspace back."""

    workspace: _Workspace | None
    drops: list[Array | None]
    """Factors (rows, B): after the embedding, between the layers, before the head."""
    cut: int
    """Steps before the first one through which gradients flow."""


class Network:
    """Segment embedding (optional linear + ReLU) -> recurrent stack -> direct head or segment decoder.

    With dropout, one mask of units serves all steps of a sequence (Gal & Ghahramani 2016); what is kept is
    scaled by 1 / (1 - p).
    """

    def __init__(
        self, config: NetworkConfig, *, rng: np.random.Generator | None, dtype: DTypeLike = np.float32
    ) -> None:
        """`rng` draws the initial weights; None leaves zeros, for weights that are read from a file."""
        self.config = config
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shapes = parameter_shapes(config)
        self.flat: Array = np.zeros(sum(int(np.prod(s)) for s in self.shapes.values()), self.dtype)
        self.parameters = named_views(self.flat, self.shapes)
        self._idle: dict[tuple[int, int, bool], list[_Workspace]] = {}
        self._lock = threading.Lock()
        if rng is not None:
            with threadpool_limits(1):  # the same bytes whatever the number of cores
                self._initialise(rng)

    def _initialise(self, rng: np.random.Generator) -> None:
        for name, value in self.parameters.items():
            if "layer" in name and name.endswith(".weight"):
                init.recurrent(self.config.cell, value, self.config.hidden, rng=rng, dtype=self.dtype)
            elif name.endswith(".weight"):
                rows, columns = value.shape
                value[:, :-1] = init.glorot(rows, columns - 1, rng=rng, dtype=self.dtype)
            elif name == "decoder.positions":
                value[...] = init.glorot(*value.shape, rng=rng, dtype=self.dtype)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(L, n, H): what a state is, without the batch."""
        return self.config.layers, CELLS[self.config.cell].states, self.config.hidden

    def forward(
        self,
        inputs: Array,
        *,
        mask: Mask | None = None,
        state: Array | None = None,
        rng: np.random.Generator | None = None,
        unroll: int | None = None,
    ) -> tuple[Array, Cache]:
        """Outputs (K, B) for inputs (T, F, B), and what `backward` needs.

        mask (T, B): where it is 0 the step leaves the state as it is, and the input may be anything.
        state (L, n, H, B): the initial state; None for zeros. rng: turns dropout on. unroll: gradients flow
        back through the last `unroll` steps only; earlier steps run without a cache and hand on their state.
        """
        steps, batch = self._check(inputs, mask, state)
        if unroll is not None and unroll < 1:
            raise ForecasterError(f"unroll must be at least 1, found {unroll}")
        pads, drops = padded_steps(mask, steps), self._draw_drops(batch, rng)
        cut = max(steps - unroll, 0) if unroll else 0
        if cut:
            state = self._roll(inputs[:cut], pads[:cut], state, drops)
        workspace = self._take(steps - cut, batch)
        workspace.stack.set_state(state)
        self._run(workspace, inputs[cut:], pads[cut:], drops)
        return workspace.outputs(drops), Cache(workspace, drops, cut)

    def predict(self, inputs: Array, *, mask: Mask | None = None, state: Array | None = None) -> Array:
        """Outputs (K, B) as of `forward` without dropout, in the memory of one step."""
        steps, batch = self._check(inputs, mask, state)
        drops = self._draw_drops(batch, None)
        workspace = self._take(1, batch, rolling=True)
        self._roll_in(workspace, inputs, padded_steps(mask, steps), state, drops)
        outputs = workspace.outputs(drops)
        self._give(workspace)
        return outputs

    def advance(self, inputs: Array, *, mask: Mask | None = None, state: Array | None = None) -> Array:
        """The state (L, n, H, B) after the steps of inputs (T, F, B), to go on from; without dropout."""
        steps, batch = self._check(inputs, mask, state)
        return self._roll(inputs, padded_steps(mask, steps), state, self._draw_drops(batch, None))

    def backward(self, cache: Cache, d_outputs: Array, *, inputs: bool = True) -> Gradients:
        """Derivatives of the loss, given that by the outputs (K, B). A cache serves once.

        inputs=False leaves out the derivative by the inputs, which training does not need.
        """
        workspace = cache.workspace
        if workspace is None:
            raise ForecasterError("This cache has been used: backward goes once over each forward run")
        cache.workspace = None
        flat = np.empty_like(self.flat)
        gradients = named_views(flat, self.shapes)
        d_state = workspace.decoder.backward(np.asarray(d_outputs, self.dtype), gradients)
        needed = inputs or self.config.embedding
        of_stack, d_inputs, d_initial = workspace.stack.backward(None, d_state, inputs=needed)
        for name, value in of_stack.items():
            gradients[name][...] = value
        if self.config.embedding:
            assert d_inputs is not None
            d_inputs = self._embed_backward(workspace, cache.drops[0], d_inputs, gradients, inputs)
        if cache.cut:
            d_initial[...] = 0
        full = self._after_zeros(d_inputs, cache.cut) if inputs and d_inputs is not None else None
        self._give(workspace)
        return Gradients(flat, gradients, full, d_initial)

    # --- embedding and stack -----------------------------------------------------------------------------

    def _run(self, workspace: _Workspace, inputs: Array, pads: Pads, drops: list[Array | None]) -> None:
        """Embedding and stack over the steps of a workspace, from the state that is in it."""
        workspace.x[...] = inputs
        for x, padded in zip(workspace.x, pads, strict=True):
            if padded is not None:
                x[:, padded] = 0  # whatever was there, NaN too, must not reach a product
        if self.config.embedding:
            embedded = workspace.stack.inputs
            dense.linear(self.parameters["embedding.weight"], workspace.X, embedded)
            dense.relu(embedded)
            if drops[0] is not None:
                embedded *= drops[0]
        workspace.stack.forward(pads, drops[1:-1])

    def _embed_backward(
        self, workspace: _Workspace, drop: Array | None, d: Array, gradients: dict[str, Array], inputs: bool
    ) -> Array | None:
        if drop is not None:
            d *= drop
        dense.relu_backward(workspace.stack.inputs, d)
        dense.linear_backward(workspace.X, d, gradients["embedding.weight"])
        return dense.linear_input_gradient(self.parameters["embedding.weight"], d) if inputs else None

    # --- steps without a cache -------------------------------------------------------------------------

    def _roll(self, inputs: Array, pads: Pads, state: Array | None, drops: list[Array | None]) -> Array:
        workspace = self._take(1, inputs.shape[2], rolling=True)
        self._roll_in(workspace, inputs, pads, state, drops)
        state = workspace.stack.state()
        self._give(workspace)
        return state

    def _roll_in(
        self,
        workspace: _Workspace,
        inputs: Array,
        pads: Pads,
        state: Array | None,
        drops: list[Array | None],
    ) -> None:
        workspace.stack.set_state(state)
        for t in range(len(inputs)):
            self._run(workspace, inputs[t : t + 1], pads[t : t + 1], drops)

    # --- helpers ---------------------------------------------------------------------------------------

    def _check(self, inputs: Array, mask: Mask | None, state: Array | None) -> tuple[int, int]:
        if inputs.ndim != 3 or inputs.shape[1] != self.config.inputs or not inputs.shape[0]:
            raise ForecasterError(
                f"The network takes inputs (T, {self.config.inputs}, B) with T > 0, found {inputs.shape}"
            )
        steps, _, batch = inputs.shape
        if mask is not None and mask.shape != (steps, batch):
            raise ForecasterError(f"The mask must be (T, B) = {(steps, batch)}, found {mask.shape}")
        if state is not None and state.shape != (*self.state_shape, batch):
            wanted = (*self.state_shape, batch)
            raise ForecasterError(f"The state must be (L, n, H, B) = {wanted}, found {state.shape}")
        return steps, batch

    def _draw_drops(self, batch: int, rng: np.random.Generator | None) -> list[Array | None]:
        places, p = self.config.layers + 1, self.config.dropout
        if rng is None or not p:
            return [None] * places
        kept = rng.random((places, self.config.hidden, batch), dtype=np.float32) >= p
        drops: list[Array | None] = list(kept.astype(self.dtype) / self.dtype.type(1 - p))
        return drops if self.config.embedding else [None, *drops[1:]]

    @staticmethod
    def _after_zeros(d_inputs: Array, cut: int) -> Array:
        return np.concatenate([np.zeros((cut, *d_inputs.shape[1:]), d_inputs.dtype), d_inputs])

    def free(self) -> None:
        """Let go of the idle workspaces, whose memory is many times that of the weights."""
        with self._lock:
            self._idle.clear()

    def _take(self, steps: int, batch: int, *, rolling: bool = False) -> _Workspace:
        """An idle workspace of this shape or a new one, with the present weights; any thread may ask."""
        key = (steps, batch, rolling)
        with self._lock:
            idle = self._idle.pop(key, [])
            self._idle[key] = idle  # the newest shape comes last
            workspace = idle.pop() if idle else None
            for old in list(self._idle)[:-SHAPES]:
                del self._idle[old]
        workspace = workspace or _Workspace(self.config, steps, batch, self.dtype, rolling)
        workspace.load(self.parameters)
        return workspace

    def _give(self, workspace: _Workspace) -> None:
        with self._lock:
            if workspace.key in self._idle:
                self._idle[workspace.key].append(workspace)
