"""Encoder-decoder: one stack reads the source, another writes the target from the state it was handed.

Sutskever, Vinyals & Le (2014). Notation as in `cells`; the source has T steps of F inputs, the target U steps
of K outputs, and the decoder reads D inputs in each of them:

    source (T, F, B) -> encoder -> state (L, n, H, B) -> decoder, reading (U, D, B) -> outputs (U, K, B)

In training the decoder reads what it should have written before (teacher forcing); in use, what it has.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.nn.cells import Shapes
from forecaster.nn.network import Gradients, named_views
from forecaster.nn.sequences.recurrence import Cache, Recurrent, flat_size
from forecaster.nn.sequences.sequence import Feed, SequenceCache, SequenceNetwork
from forecaster.nn.stack import Mask, stack_shapes


@dataclass
class EncoderDecoderCache:
    """What backward needs of a forward run. Good for one backward."""

    encoder: Cache
    decoder: SequenceCache


@dataclass(frozen=True)
class EncoderDecoderGradients(Gradients):
    """`inputs` is the derivative by the source, `state` that by the encoder's initial state."""

    decoder_inputs: Array | None
    """(U, D, B), when asked for."""


class EncoderDecoder:
    """A `Recurrent` that hands its final state to a `SequenceNetwork` of the same cell, size and depth."""

    def __init__(
        self,
        config: NetworkConfig,
        *,
        decoder_inputs: int | None = None,
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        """`decoder_inputs` is D; None: as many as outputs, which the decoder then can feed itself.

        `rng` draws the initial weights; None leaves zeros. Raises ForecasterError for embedding or dropout.
        """
        self.config, self.dtype = config, np.dtype(dtype)
        decoder = replace(config, inputs=config.outputs if decoder_inputs is None else decoder_inputs)
        of_encoder = stack_shapes(config.cell, config.inputs, config.hidden, config.layers)
        of_decoder = SequenceNetwork.shapes_of(decoder)
        self.shapes: Shapes = {
            **{f"encoder.{name}": shape for name, shape in of_encoder.items()},
            **{f"decoder.{name}": shape for name, shape in of_decoder.items()},
        }
        self.flat: Array = np.zeros(flat_size(self.shapes), self.dtype)
        self.parameters = named_views(self.flat, self.shapes)
        size = flat_size(of_encoder)
        self.encoder = Recurrent(config, rng=rng, dtype=dtype, flat=self.flat[:size])
        self.decoder = SequenceNetwork(decoder, rng=rng, dtype=dtype, flat=self.flat[size:])

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(L, n, H): what a state is, without the batch."""
        return self.encoder.state_shape

    def forward(
        self,
        source: Array,
        decoder_inputs: Array,
        *,
        mask: Mask | None = None,
        decoder_mask: Mask | None = None,
        state: Array | None = None,
    ) -> tuple[Array, EncoderDecoderCache]:
        """Outputs (U, K, B) for a source (T, F, B) and what the decoder reads (U, D, B); and the cache.

        mask (T, B) and decoder_mask (U, B): 0 where a step is padding. state: the encoder's initial state.
        """
        _, encoder = self.encoder.forward(source, mask=mask, state=state)
        outputs, decoder = self.decoder.forward(decoder_inputs, mask=decoder_mask, state=encoder.state)
        return outputs, EncoderDecoderCache(encoder, decoder)

    def backward(
        self, cache: EncoderDecoderCache, d_outputs: Array, *, inputs: bool = True
    ) -> EncoderDecoderGradients:
        """Derivatives of the loss, given that by the outputs (U, K, B). A cache serves once.

        inputs=False leaves out the derivatives by the source and by what the decoder reads.
        """
        decoder = self.decoder.backward(cache.decoder, d_outputs, inputs=inputs)
        encoder = self.encoder.backward(cache.encoder, None, decoder.state, inputs=inputs)
        flat = np.concatenate([encoder.flat, decoder.flat])
        gradients = named_views(flat, self.shapes)
        return EncoderDecoderGradients(flat, gradients, encoder.inputs, encoder.state, decoder.inputs)

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

        feed=`cross_entropy.likeliest_one_hot` decodes classes greedily; a feed that returns the outputs as
        they are forecasts recursively.
        """
        handed = self.encoder.advance(source, mask=mask, state=state)
        return self.decoder.generate(first, steps, feed, state=handed)
