"""The network: segment embedding (optional) -> recurrent stack -> head.

Notation and shapes as in `cells.base`: inputs (T, F, B), mask (T, B), state (L, n, H, B). The head decides
the outputs: (K, B) from the final state (`decoder`), or one for every step (`sequences`).
"""

import itertools
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn import init
from forecaster.nn.cells import CELLS
from forecaster.nn.cells.base import Pads, Shapes
from forecaster.nn.decoder import Head, head_of, segments_of
from forecaster.nn.side_inputs import NO_SIDE, SideInputs, check_side, static_shapes
from forecaster.nn.stack import Drops, Mask, padded_steps, stack_shapes
from forecaster.nn.workspaces import Workspace, WorkspacePool


def parameter_shapes(config: NetworkConfig, head: type[Head] | None = None) -> Shapes:
    """Names and shapes of all parameters, in the order of `Network.flat`; head None: that of `config`."""
    width = config.hidden if config.embedding else config.inputs
    embedding: Shapes = {"embedding.weight": (config.hidden, config.inputs + 1)} if config.embedding else {}
    stack = stack_shapes(config.cell, width, config.hidden, config.layers)
    of_head = (head or head_of(config)).shapes(config, width)
    return {**embedding, **static_shapes(config, width), **stack, **of_head}


def flat_size(shapes: Shapes) -> int:
    """How many numbers arrays of these shapes hold together."""
    return sum(map(math.prod, shapes.values()))


def named_views(flat: Array, shapes: Shapes) -> dict[str, Array]:
    """Views into a flat vector, one for each name, in order."""
    edges = itertools.accumulate(map(math.prod, shapes.values()), initial=0)
    parts = (flat[start:stop] for start, stop in itertools.pairwise(edges))
    return {name: part.reshape(shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)}


@dataclass(frozen=True)
class Gradients:
    """Derivatives of the loss: by the parameters, flat (P,) and as named views; by inputs and state."""

    flat: Array
    parameters: dict[str, Array]
    inputs: Array | None
    """(T, F, B), None unless requested; zero before the cut of a truncated run."""
    state: Array
    """(L, n, H, B), by the initial state; zero after a truncated run."""
    ahead: Array | None = None
    """(m, G, B), by the known values ahead; None unless requested and read."""
    static: Array | None = None
    """(N, B), by the static numbers, as `ahead`; through the steps after the cut only."""


@dataclass
class Cache:
    """What backward needs from a forward run. It serves one backward, which gives the workspace back."""

    workspace: Workspace | None
    drops: Drops
    """Factors (rows, B): after the embedding, between the layers, before the head."""
    cut: int
    """Number of steps before the first one through which gradients flow."""
    shape: tuple[int, ...]
    """Of the outputs."""

    def unused(self) -> Workspace:
        """The workspace. Raises ForecasterError after `backward`."""
        if self.workspace is None:
            raise ForecasterError("This cache has been used: backward runs once after each forward run")
        return self.workspace

    @property
    def state(self) -> Array:
        """(L, n, H, B): the state after the last step; not available after `backward`."""
        return self.unused().stack.state()


class Network:
    """Segment embedding (optional linear + ReLU) -> recurrent stack -> head.

    Dropout uses one mask of units for all steps of a sequence (Gal & Ghahramani 2016). The kept units are
    scaled by 1 / (1 - p).
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
        head: type[Head] | None = None,
        flat: Array | None = None,
    ) -> None:
        """`rng` draws the initial weights; None leaves zeros, for weights that are read from a file.

        head: None for the one of `config`. flat: memory for the parameters; None allocates it.
        """
        self.config = config
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._head = head = head or head_of(config)
        self.shapes = parameter_shapes(config, head)
        self.flat: Array = np.zeros(flat_size(self.shapes), self.dtype) if flat is None else flat
        self.parameters = named_views(self.flat, self.shapes)
        self.workspaces = WorkspacePool(config, head, self.dtype, self.parameters)
        if rng is not None:
            with threadpool_limits(1):  # the same bytes for any number of cores
                self._initialise(rng)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its weights: no workspace goes with it to another process."""
        same = partial(type(self), rng=None, dtype=self.dtype, head=self._head, flat=self.flat)
        return same, (self.config,)

    def _initialise(self, rng: np.random.Generator) -> None:
        cell = CELLS[self.config.cell]
        for name, value in self.parameters.items():
            if "layer" in name and name.endswith("weight"):
                init.recurrent(cell, value, self.config.hidden, rng=rng, dtype=self.dtype)
            elif name.endswith(".weight"):
                rows, columns = value.shape
                value[:, :-1] = init.glorot(rows, columns - 1, rng=rng, dtype=self.dtype)
            elif name == "decoder.positions":
                value[...] = init.glorot(*value.shape, rng=rng, dtype=self.dtype)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(L, n, H): the shape of a state without the batch."""
        return self.config.layers, CELLS[self.config.cell].states, self.config.hidden

    def forward(
        self,
        inputs: Array,
        *,
        mask: Mask | None = None,
        state: Array | None = None,
        rng: np.random.Generator | None = None,
        unroll: int | None = None,
        side: SideInputs = NO_SIDE,
    ) -> tuple[Array, Cache]:
        """Outputs (K, B) for inputs (T, F, B), and what `backward` needs.

        mask (T, B): where it is 0 the step leaves the state unchanged, and the input may be anything.
        state (L, n, H, B): the initial state; None for zeros. rng: turns dropout on. unroll: gradients flow
        back through the last `unroll` steps only; the earlier steps run without a cache. side: what is read
        beside the steps.
        """
        pads = self.check(inputs, mask, state, side)
        if unroll is not None and unroll < 1:
            raise ForecasterError(f"unroll must be at least 1, found {unroll}")
        steps, _, batch = inputs.shape
        drops = self._draw_drops(batch, rng)
        cut = max(steps - unroll, 0) if unroll else 0
        if cut:
            state = self._advance(inputs[:cut], pads[:cut], state, drops, side)
        workspace = self.workspaces.take(steps - cut, batch)
        workspace.begin(state, side)
        workspace.run(inputs[cut:], pads[cut:], drops)
        outputs = workspace.outputs(drops)
        return outputs, Cache(workspace, drops, cut, outputs.shape)

    def backward(
        self, cache: Cache, d_outputs: Array, d_state: Array | None = None, *, inputs: bool = True
    ) -> Gradients:
        """Derivatives of the loss, given those by the outputs and by the final state (None: zero).

        A cache serves once. inputs=False leaves out the derivative by the inputs, as training does.
        """
        if d_outputs.shape != cache.shape:  # it would be broadcast
            raise ForecasterError(
                f"The derivative by the outputs must have their shape {cache.shape}, found {d_outputs.shape}"
            )
        workspace, cache.workspace = cache.unused(), None
        flat = np.empty_like(self.flat)
        gradients = named_views(flat, self.shapes)
        d_outputs = np.asarray(d_outputs, self.dtype)
        d_inputs, d_initial = workspace.backward(d_outputs, d_state, cache.drops, gradients, inputs=inputs)
        if cache.cut:
            d_initial[...] = 0
        full = None if d_inputs is None else _after_zeros(d_inputs, cache.cut)
        of_side = workspace.side_gradients() if inputs else ()
        self.workspaces.give(workspace)
        return Gradients(flat, gradients, full, d_initial, *of_side)

    def predict(
        self,
        inputs: Array,
        *,
        mask: Mask | None = None,
        state: Array | None = None,
        side: SideInputs = NO_SIDE,
    ) -> Array:
        """Outputs (K, B) as from `forward` without dropout, in the memory of one step."""
        pads, drops = self.check(inputs, mask, state, side), self._draw_drops(inputs.shape[2], None)
        workspace = self._roll(inputs, pads, state, drops, side)
        outputs = workspace.outputs(drops)
        self.workspaces.give(workspace)
        return outputs

    def advance(
        self,
        inputs: Array,
        *,
        mask: Mask | None = None,
        state: Array | None = None,
        side: SideInputs = NO_SIDE,
    ) -> Array:
        """The state (L, n, H, B) after the steps of inputs (T, F, B), without dropout.

        It owes nothing to what is known ahead, which `side` may have or not.
        """
        pads = self.check(inputs, mask, state, side, outputs=False)
        return self._advance(inputs, pads, state, self._draw_drops(inputs.shape[2], None), side)

    def _advance(
        self, inputs: Array, pads: Pads, state: Array | None, drops: Drops, side: SideInputs
    ) -> Array:
        workspace = self._roll(inputs, pads, state, drops, side)
        state = workspace.stack.state()
        self.workspaces.give(workspace)
        return state

    def _roll(
        self, inputs: Array, pads: Pads, state: Array | None, drops: Drops, side: SideInputs
    ) -> Workspace:
        """A rolling workspace after all steps: no history, so no backward."""
        workspace = self.workspaces.take(1, inputs.shape[2], rolling=True)
        workspace.begin(state, side)
        for t in range(len(inputs)):
            workspace.run(inputs[t : t + 1], pads[t : t + 1], drops)
        return workspace

    def check(
        self,
        inputs: Array,
        mask: Mask | None,
        state: Array | None,
        side: SideInputs = NO_SIDE,
        *,
        outputs: bool = True,
    ) -> Pads:
        """The padded columns of each step. Raises ForecasterError for a shape that does not fit.

        Without `outputs`, known values ahead may be left out.
        """
        if inputs.ndim != 3 or inputs.shape[1] != self.config.inputs or not inputs.shape[0]:
            raise ForecasterError(
                f"The network takes inputs (T, {self.config.inputs}, B) with T > 0, found {inputs.shape}"
            )
        steps, _, batch = inputs.shape
        if mask is not None and mask.shape != (steps, batch):
            raise ForecasterError(f"The mask must be (T, B) = {(steps, batch)}, found {mask.shape}")
        wanted = (*self.state_shape, batch)
        if state is not None and state.shape != wanted:
            raise ForecasterError(f"The state must be (L, n, H, B) = {wanted}, found {state.shape}")
        check_side(self.config, side, segments_of(self.config)[0], batch, ahead=outputs)
        return padded_steps(mask, steps)

    def _draw_drops(self, batch: int, rng: np.random.Generator | None) -> Drops:
        places, p = self.config.layers + 1, self.config.dropout
        if rng is None or not p:
            return [None] * places
        kept = rng.random((places, self.config.hidden, batch), dtype=np.float32) >= p
        drops: list[Array | None] = list(kept.astype(self.dtype) / self.dtype.type(1 - p))
        return drops if self.config.embedding else [None, *drops[1:]]

    def free(self) -> None:
        """Drop the idle workspaces, whose memory is many times that of the weights."""
        self.workspaces.free()


def _after_zeros(d_inputs: Array, cut: int) -> Array:
    """A copy, with zeros for the steps before the cut."""
    return np.concatenate([np.zeros((cut, *d_inputs.shape[1:]), d_inputs.dtype), d_inputs])
