"""Sequences in, sequences out: a network with a head on every step.

    many to one         `network.Network`: a head reads the last step, or a `decoder` goes on from it, the
                        outputs cut in segments
    many to many        `SequenceNetwork.forward`: a head on every step
    one to many         the same with `steps`, for an input that is followed by nothing; or `generate`, which
                        feeds every output back as the next input
    encoder-decoder     `encoder_decoder.EncoderDecoder`: a `Recurrent` hands its state to a `SequenceNetwork`

Shapes and notation as in `cells`: inputs (T, F, B), mask (T, B), hidden states (T, H, B), outputs (T, K, B),
state (L, n, H, B). The classes here are those of `network.Network` in style: one flat vector of parameters
with named views, forward -> outputs and cache, backward(cache, derivatives) -> gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn import dense, init
from forecaster.nn.cells import Shapes
from forecaster.nn.network import Gradients, named_views
from forecaster.nn.sequences.recurrence import Cache, Recurrent, check_state, flat_size, run
from forecaster.nn.stack import Mask, stack_shapes

Feed = Callable[[Array], Array]
"""feed(outputs (K, B)) -> the input (F, B) of the next step."""


@dataclass
class SequenceCache:
    """The cache of a `SequenceNetwork`: that of its stack, and what the head has read."""

    recurrent: Cache
    Y: Array
    """(T, H+1, B): [h; 1] of every step."""
    given: int
    """Steps that had an input."""

    @property
    def state(self) -> Array:
        """(L, n, H, B): the state after the last step, to go on from."""
        return self.recurrent.state


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
        """As of `Recurrent`; the head has `config.outputs` outputs."""
        self.config, self.dtype = config, np.dtype(dtype)
        self.shapes = self.shapes_of(config)
        self.flat: Array = np.zeros(flat_size(self.shapes), self.dtype) if flat is None else flat
        self.parameters = named_views(self.flat, self.shapes)
        self._weight = self.parameters["head.weight"]
        of_stack = self.flat[: -self._weight.size]  # the head lies last
        self.recurrent = Recurrent(config, rng=rng, dtype=dtype, flat=of_stack)
        if rng is not None:
            self._weight[:, :-1] = init.glorot(config.outputs, config.hidden, rng=rng, dtype=self.dtype)

    @staticmethod
    def shapes_of(config: NetworkConfig) -> Shapes:
        """Names and shapes of all parameters, in the order in which they lie in `flat`."""
        of_stack = stack_shapes(config.cell, config.inputs, config.hidden, config.layers)
        return {**of_stack, "head.weight": (config.outputs, config.hidden + 1)}

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(L, n, H): what a state is, without the batch."""
        return self.recurrent.state_shape

    def forward(
        self,
        inputs: Array,
        *,
        mask: Mask | None = None,
        state: Array | None = None,
        steps: int | None = None,
    ) -> tuple[Array, SequenceCache]:
        """Outputs (T, K, B) and what `backward` needs; the final state is `cache.state`.

        steps: go on to so many steps in all, with zeros for inputs: one to many for inputs (1, F, B).
        The mask has a row for each of all the steps. Where it is 0 the step leaves the state as it is, and
        the output is that of the step before: give it no weight in the loss.
        """
        given = len(inputs)
        if steps is not None:
            inputs = _followed_by_zeros(inputs, steps)
        h, cache = self.recurrent.forward(inputs, mask=mask, state=state)
        Y = np.ones((h.shape[0], h.shape[1] + 1, h.shape[2]), self.dtype)
        Y[:, :-1] = h
        return self._head(Y), SequenceCache(cache, Y, given)

    def backward(
        self, cache: SequenceCache, d_outputs: Array, d_state: Array | None = None, *, inputs: bool = True
    ) -> Gradients:
        """Derivatives of the loss, given those by the outputs (T, K, B) and by the final state (None: zero).

        A cache serves once. inputs=False leaves out the derivative by the inputs.
        """
        d_outputs = np.asarray(d_outputs, self.dtype)
        wanted = (len(cache.Y), self.config.outputs, cache.Y.shape[2])
        if d_outputs.shape != wanted:  # it would be broadcast
            raise ForecasterError(
                f"The derivative by the outputs must be (T, K, B) = {wanted}, found {d_outputs.shape}"
            )
        d_h = dense.linear_input_gradient(self._weight, d_outputs)
        below = self.recurrent.backward(cache.recurrent, d_h, d_state, inputs=inputs)
        flat = np.empty_like(self.flat)
        gradients = named_views(flat, self.shapes)
        flat[: below.flat.size] = below.flat
        dense.linear_backward(cache.Y, d_outputs, gradients["head.weight"])
        d_inputs = None if below.inputs is None else below.inputs[: cache.given]
        return Gradients(flat, gradients, d_inputs, below.state)

    def generate(self, first: Array, steps: int, feed: Feed, *, state: Array | None = None) -> Array:
        """Outputs (steps, K, B) of a network that reads its own outputs, in the memory of one step.

        first (F, B) is the first input; feed makes the next one of each output. No gradient flows through
        it: train with `forward`, giving what should have been fed (teacher forcing, Williams & Zipser 1989).
        """
        if first.ndim != 2 or first.shape[0] != self.config.inputs:
            raise ForecasterError(
                f"The first input must be (F, B) = ({self.config.inputs}, B), found {first.shape}"
            )
        batch = first.shape[1]
        check_state(state, (*self.state_shape, batch))
        stack = self.recurrent.rolling(batch, state)
        outputs = np.empty((steps, self.config.outputs, batch), self.dtype)
        Y = np.ones((1, self.config.hidden + 1, batch), self.dtype)
        for t in range(steps):
            run(stack, (feed(outputs[t - 1]) if t else first)[None], [None])
            Y[:, :-1] = stack.outputs
            outputs[t] = self._head(Y)[0]
        return outputs

    def _head(self, Y: Array) -> Array:
        outputs = np.empty((len(Y), self.config.outputs, Y.shape[2]), self.dtype)
        dense.linear(self._weight, Y, outputs)
        return outputs


def _followed_by_zeros(inputs: Array, steps: int) -> Array:
    """(steps, F, B)."""
    if len(inputs) > steps:
        raise ForecasterError(f"Inputs of {len(inputs)} steps do not fit into {steps} steps")
    missing = np.zeros((steps - len(inputs), *inputs.shape[1:]), np.result_type(inputs))
    return np.concatenate([inputs, missing])
