"""A pretrained network as a linear function of what it reads, by its own backward pass.

What it reads of a series that moves a little is computed as always; so the forecast of the moved series, by
the tangent, gives the derivative of the forecast by the rows of the series.

The statistics of a sensor are taken as they are. They are ratios, which stay the same where all rows move in
proportion, so that nothing is lost; and its least and greatest value have no derivative where many rows share
them, as the zeros of the nights do.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forecaster.arrays import Array
from forecaster.pretraining.inputs.daily import STATISTICS
from forecaster.pretraining.network import (
    LEVELS,
    SIDE,
    Sample,
    gates_of,
    quantiles,
    quantiles_backward,
)
from forecaster.pretraining.store import Pretrained


@dataclass(frozen=True, eq=False)
class Tangent(Pretrained):
    """A network that is linear around what it reads of the first series of a batch."""

    precision: ClassVar[type[np.floating]] = np.float64
    """Differences between series that hardly differ need all digits."""

    @classmethod
    def to(cls, network: Pretrained) -> Tangent:
        """The tangent to a network."""
        fields = dataclasses.fields(Pretrained)
        return cls(**{field.name: getattr(network, field.name) for field in fields})

    def quantiles(self, sample: Sample) -> Array:
        """The medians of B series, in place of all quantiles (Q, H, B)."""
        first = first_of(sample, self.design.horizon)
        outputs, d_inputs = input_gradients(self, first)
        patterns = sample.patterns.astype(float) - sample.patterns[:, :, :1]  # (G, H, B)
        median = quantiles(self.design, outputs[:, :1], first_of(sample, 1))[SIDE].astype(float)  # (H, 1)
        median = median + sample.base - sample.base[:, :1].astype(float)
        if self.design.median:
            median = median + (gates_of(self.design, outputs[:, :1]) * patterns).sum(axis=0)
        moved = sample.inputs.astype(float) - sample.inputs[:, :, :1]  # (T, F, B)
        if self.kind == "hours":
            moved[:, -STATISTICS:] = 0.0
        steps = d_inputs.reshape(-1, d_inputs.shape[2]).T.astype(float)  # (H, T F)
        median = median + steps @ moved.reshape(-1, moved.shape[2])
        return np.broadcast_to(median, (len(LEVELS), *median.shape))


def first_of(sample: Sample, copies: int) -> Sample:
    """The first series of a sample, so many times."""
    return Sample(
        np.repeat(sample.inputs[:, :, :1], copies, axis=2),
        np.repeat(sample.base[:, :1], copies, axis=1),
        np.repeat(sample.patterns[:, :, :1], copies, axis=2),
        np.repeat(sample.centre[:1], copies),
        np.repeat(sample.scale[:1], copies),
    )


def input_gradients(network: Pretrained, sample: Sample) -> tuple[Array, Array]:
    """Outputs (K, H), and the derivative of the median of step h by the inputs, as column h (T, F, H).

    `sample`: H times the same series, H the steps of the network.
    """
    design = network.design
    outputs, cache = network.network.forward(sample.inputs)
    d_quantiles = np.zeros((len(LEVELS), design.horizon, design.horizon), outputs.dtype)
    d_quantiles[SIDE] = np.eye(design.horizon)
    d_outputs = quantiles_backward(design, outputs, sample, d_quantiles)
    d_inputs = network.network.backward(cache, d_outputs).inputs
    assert d_inputs is not None
    return outputs, d_inputs
