"""Encoder-decoder: one network reads the source; another starts from its final state and writes the target.

Sutskever, Vinyals & Le (2014). Notation as in `cells.base`. The source has T steps of F inputs, the target U
steps of K outputs, and the decoder reads D inputs in each of these steps:

    source (T, F, B) -> encoder -> state (L, n, H, B) -> decoder, reading (U, D, B) -> outputs (U, K, B)

In training the decoder reads the correct previous output (teacher forcing); in use it reads its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.nn.cells.base import Shapes
from forecaster.nn.decoder import Head
from forecaster.nn.network import Cache, Gradients, Network, flat_size, named_views, parameter_shapes
from forecaster.nn.sequences.many_to_many import Feed, SequenceCache, SequenceNetwork, StepHead, check_config
from forecaster.nn.stack import Drops, Mask, Stack


class FinalState(Head):
    """The encoder's head: its outputs are the final state (L, n, H, B)."""

    every = False

    @staticmethod
    def shapes(config: NetworkConfig, width: int) -> Shapes:
        return {}

    def load(self, parameters: dict[str, Array]) -> None:
        pass

    def forward(self, encoder: Stack, drops: Drops) -> Array:
        return encoder.state()

    def backward(self, d_outputs: Array, gradients: dict[str, Array]) -> tuple[None, Array]:
        return None, d_outputs


@dataclass
class EncoderDecoderCache:
    """What backward needs from a forward run. It serves one backward."""

    encoder: Cache
    decoder: SequenceCache


@dataclass(frozen=True)
class EncoderDecoderGradients(Gradients):
    """`inputs` is the derivative by the source, `state` that by the encoder's initial state."""

    decoder_inputs: Array | None = None
    """(U, D, B), None unless requested."""


class EncoderDecoder:
    """A network that passes its final state to a `SequenceNetwork` of the same cell, size and depth."""

    def __init__(
        self,
        config: NetworkConfig,
        *,
        decoder_inputs: int | None = None,
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        """`decoder_inputs` is D; None: as many as outputs, so that the decoder can read its own outputs.

        `rng` draws the initial weights; None leaves zeros. ForecasterError for an embedding or dropout.
        """
        check_config(config)
        self.config, self.dtype = config, np.dtype(dtype)
        decoder = replace(config, inputs=config.outputs if decoder_inputs is None else decoder_inputs)
        of_encoder, of_decoder = parameter_shapes(config, FinalState), parameter_shapes(decoder, StepHead)
        self.shapes: Shapes = {
            **{f"encoder.{name}": shape for name, shape in of_encoder.items()},
            **{f"decoder.{name}": shape for name, shape in of_decoder.items()},
        }
        self.flat: Array = np.zeros(flat_size(self.shapes), self.dtype)
        self.parameters = named_views(self.flat, self.shapes)
        size = flat_size(of_encoder)
        self.encoder = Network(config, rng=rng, dtype=dtype, head=FinalState, flat=self.flat[:size])
        self.decoder = SequenceNetwork(decoder, rng=rng, dtype=dtype, flat=self.flat[size:])
        self.state_shape = self.encoder.state_shape

    def forward(
        self,
        source: Array,
        decoder_inputs: Array,
        *,
        mask: Mask | None = None,
        decoder_mask: Mask | None = None,
        state: Array | None = None,
    ) -> tuple[Array, EncoderDecoderCache]:
        """Outputs (U, K, B) for a source (T, F, B) and the decoder's inputs (U, D, B); and the cache.

        mask (T, B) and decoder_mask (U, B): 0 where a step is padding. state: the encoder's initial state.
        """
        final, encoder = self.encoder.forward(source, mask=mask, state=state)
        outputs, decoder = self.decoder.forward(decoder_inputs, mask=decoder_mask, state=final)
        return outputs, EncoderDecoderCache(encoder, decoder)

    def backward(
        self, cache: EncoderDecoderCache, d_outputs: Array, *, inputs: bool = True
    ) -> EncoderDecoderGradients:
        """Derivatives of the loss, given that by the outputs (U, K, B). A cache serves once.

        inputs=False leaves out the derivatives by the source and by the decoder's inputs.
        """
        decoder = self.decoder.backward(cache.decoder, d_outputs, inputs=inputs)
        encoder = self.encoder.backward(cache.encoder, decoder.state, inputs=inputs)
        flat = np.concatenate([encoder.flat, decoder.flat])
        gradients = named_views(flat, self.shapes)
        return EncoderDecoderGradients(
            flat, gradients, encoder.inputs, encoder.state, decoder_inputs=decoder.inputs
        )

    def decode(
        self,
        source: Array,
        first: Array,
        steps: int,
        feed: Feed,
        *,
        mask: Mask | None = None,
        state: Array | None = None,
    ) -> Array:
        """Outputs (steps, K, B); the decoder reads `first` (D, B), then what `feed` makes of its outputs.

        feed=`cross_entropy.likeliest_one_hot` decodes classes greedily; a feed that returns the outputs
        unchanged forecasts recursively.
        """
        final = self.encoder.advance(source, mask=mask, state=state)
        return self.decoder.generate(first, steps, feed, state=final)
