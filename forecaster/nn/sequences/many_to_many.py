"""Sequences in, sequences out: a network with a head on every step.

    many to one         `network.Network`: a head reads the last state, or a `decoder` continues from it
    many to many        `SequenceNetwork.forward`: a head on every step
    one to many         `SequenceNetwork.forward` with `steps`: zeros follow the one input. Or `generate`,
                        which feeds every output back as the next input
    encoder-decoder     `encoder_decoder.EncoderDecoder`: a `Network` passes its state to a `SequenceNetwork`

Notation and shapes as in `cells.base`: inputs (T, F, B), mask (T, B), hidden states (T, H, B), outputs (T, K,
B), state (L, n, H, B). The interface is that of `network.Network`: one flat vector of parameters with named
views, forward -> outputs and cache, backward(cache, derivatives) -> gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn import dense
from forecaster.nn.cells.base import Shapes
from forecaster.nn.decoder import Head
from forecaster.nn.network import Cache, Gradients, Network
from forecaster.nn.side_inputs import NO_SIDE
from forecaster.nn.stack import Drops, Mask, Stack

Feed = Callable[[Array], Array]
"""feed(outputs (K, B)) -> the input (F, B) of the next step."""


class StepHead(Head):
    """A linear head on every step: outputs (T, K, B)."""

    every = True

    def __init__(self, config: NetworkConfig, batch: int, dtype: DTypeLike, *, rolling: bool = False) -> None:
        self.dtype = dtype

    @staticmethod
    def shapes(config: NetworkConfig, width: int) -> Shapes:
        return {"head.weight": (config.outputs, config.hidden + 1)}

    def load(self, parameters: dict[str, Array]) -> None:
        self.weight = parameters["head.weight"]

    def forward(self, encoder: Stack, drops: Drops) -> Array:
        h = encoder.outputs
        self.Y: Array = np.ones((len(h), h.shape[1] + 1, h.shape[2]), self.dtype)  # (T, H+1, B): [h; 1]
        self.Y[:, :-1] = h
        outputs = np.empty((len(h), len(self.weight), h.shape[2]), self.dtype)
        dense.linear(self.weight, self.Y, outputs)
        return outputs

    def backward(self, d_outputs: Array, gradients: dict[str, Array]) -> tuple[Array, None]:
        dense.linear_backward(self.Y, d_outputs, gradients["head.weight"])
        return dense.linear_input_gradient(self.weight, d_outputs), None


@dataclass
class SequenceCache:
    """What backward needs from a forward run, and the final state."""

    run: Cache
    state: Array
    """(L, n, H, B): the state after the last step, to continue from."""
    inputs: int
    """Number of steps that had an input."""


def check_config(config: NetworkConfig) -> None:
    """Raises ForecasterError for an embedding, dropout or side inputs, which sequence networks don't have."""
    if config.embedding or config.dropout or config.static or config.categories or config.known:
        raise ForecasterError(
            "Sequence networks have neither embedding nor dropout nor side inputs",
            hint="Use NetworkConfig(..., embedding=False, dropout=0)",
        )


class SequenceNetwork:
    """Recurrent stack -> linear head on every step."""

    def __init__(
        self,
        config: NetworkConfig,
        *,
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
        flat: Array | None = None,
    ) -> None:
        """As for `Network`. Raises ForecasterError for an embedding or dropout."""
        check_config(config)
        self.network = Network(config, rng=rng, dtype=dtype, head=StepHead, flat=flat)
        self.config, self.dtype, self.shapes = config, self.network.dtype, self.network.shapes
        self.flat, self.parameters = self.network.flat, self.network.parameters
        self.state_shape = self.network.state_shape

    def forward(
        self,
        inputs: Array,
        *,
        mask: Mask | None = None,
        state: Array | None = None,
        steps: int | None = None,
    ) -> tuple[Array, SequenceCache]:
        """Outputs (T, K, B) and what `backward` needs; the final state is `cache.state`.

        steps: total number of steps, with zeros as inputs after the given ones: one to many for inputs (1, F,
        B). The mask has a row for each of all steps. Where it is 0 the step leaves the state unchanged, and
        the output is that of the step before: give it weight zero in the loss.
        """
        count = len(inputs)
        if steps is not None:
            inputs = _followed_by_zeros(inputs, steps)
        outputs, cache = self.network.forward(inputs, mask=mask, state=state)
        return outputs, SequenceCache(cache, cache.state, count)

    def backward(
        self, cache: SequenceCache, d_outputs: Array, d_state: Array | None = None, *, inputs: bool = True
    ) -> Gradients:
        """Derivatives of the loss, given those by the outputs (T, K, B) and by the final state (None: zero).

        A cache serves once. inputs=False leaves out the derivative by the inputs.
        """
        gradients = self.network.backward(cache.run, d_outputs, d_state, inputs=inputs)
        if gradients.inputs is None:
            return gradients
        return replace(gradients, inputs=gradients.inputs[: cache.inputs])

    def generate(self, first: Array, steps: int, feed: Feed, *, state: Array | None = None) -> Array:
        """Outputs (steps, K, B) of a network that reads its own outputs, in the memory of one step.

        first (F, B) is the first input; `feed` turns each output into the next input. No gradient flows
        through this: train with `forward` on the correct inputs (teacher forcing, Williams & Zipser 1989).
        """
        if first.ndim != 2 or first.shape[0] != self.config.inputs:
            raise ForecasterError(
                f"The first input must be (F, B) = ({self.config.inputs}, B), found {first.shape}"
            )
        self.network.check(first[None], None, state)
        workspace = self.network.workspaces.take(1, first.shape[1], rolling=True)
        workspace.begin(state, NO_SIDE)
        outputs = np.empty((steps, self.config.outputs, first.shape[1]), self.dtype)
        for t in range(steps):
            workspace.run((feed(outputs[t - 1]) if t else first)[None], [None], [None])
            outputs[t] = workspace.outputs([None])[0]
        self.network.workspaces.give(workspace)
        return outputs


def _followed_by_zeros(inputs: Array, steps: int) -> Array:
    """(steps, F, B)."""
    if len(inputs) > steps:
        raise ForecasterError(f"Inputs of {len(inputs)} steps do not fit into {steps} steps")
    missing = np.zeros((steps - len(inputs), *inputs.shape[1:]), np.result_type(inputs))
    return np.concatenate([inputs, missing])
