"""A pretrained network: a GRU over the past, and a head that gives quantiles of the future.

    h       final state of the GRU over the steps of the past               (hidden, B)
    u       silu(W₁ [h; x; 1]), x the newest step                           (hidden, B)
    o       W₂ [u; 1], cut into channels of one number a step ahead         (C, H, B)
    median  base + o₀ + Σ_g (o_g + w_g) pattern_g
    up/down the quantiles above (below) the median are sums of softplus(o), so that they never cross

Patterns are simple forecasts, such as the last season. The gates (o_g + w_g) add them, so that the network
need not carry them through its state. Everything is in units of the scale of the series, around its centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array, Floats
from forecaster.config import NetworkConfig
from forecaster.nn import dense
from forecaster.nn.cells.base import Shapes
from forecaster.nn.decoder import Head
from forecaster.nn.network import Network
from forecaster.nn.stack import Drops, Stack

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""The quantiles that a network gives."""
SCORES = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
"""The quantiles of a standard normal distribution at these levels."""
SIDE = len(LEVELS) // 2
MEDIAN_WEIGHT, QUANTILE_WEIGHT = 1.0, 0.15
"""What the median and each other quantile count for in the loss."""
SMALL = 0.3
"""Initial weights of the last layer, relative to Glorot's: the first forecasts are nearly the patterns."""


@dataclass(frozen=True)
class Design:
    """The sizes of a network."""

    inputs: int
    hidden: int
    horizon: int
    gates: tuple[float, ...]
    """w_g: the initial weight of each pattern."""
    median: bool = True
    """Whether the median may differ from the base and its patterns; prices keep it there."""
    switches: bool = False
    """Whether each pattern has a switch besides, the same for all steps: σ(s_g) (o_g + 2 w_g)."""

    @property
    def channels(self) -> int:
        """C: the median's offset and gates, if it moves, and the steps to the other quantiles."""
        return 2 * SIDE + (1 + len(self.gates) if self.median else 0)

    @property
    def outputs(self) -> int:
        """Numbers that the head gives: the channels at each step, and the switches."""
        return self.channels * self.horizon + (len(self.gates) if self.switches else 0)

    @property
    def config(self) -> NetworkConfig:
        """The network's configuration."""
        return NetworkConfig(inputs=self.inputs, hidden=self.hidden, outputs=self.outputs, embedding=False)


@dataclass(frozen=True)
class Sample:
    """What a network reads of B series."""

    inputs: Array
    """(T, F, B) steps of the past."""
    base: Array
    """(H, B) the forecast to start from."""
    patterns: Array
    """(G, H, B) simple forecasts to add."""
    centre: Floats
    """(B,) what is zero to the network, in the scale of the series."""
    scale: Floats
    """(B,) what is one to the network."""


class QuantileHead(Head):
    """u = silu(W₁ [h; x; 1]), outputs = W₂ [u; 1], from the last hidden state h and the last step x."""

    every = False

    def __init__(self, config: NetworkConfig, batch: int, dtype: DTypeLike, *, rolling: bool = False) -> None:
        width = config.inputs
        self.hidden, self.state_shape = config.hidden, (config.layers, 1, config.hidden, batch)
        self.V: Array = np.ones((config.hidden + width + 1, batch), dtype)  # [h; x; 1]
        self.U: Array = np.ones((config.hidden + 1, batch), dtype)  # [u; 1]
        self.a: Array = np.empty((config.hidden, batch), dtype)

    @staticmethod
    def shapes(config: NetworkConfig, width: int) -> Shapes:
        return {
            "head.hidden.weight": (config.hidden, config.hidden + width + 1),
            "head.weight": (config.outputs, config.hidden + 1),
        }

    def load(self, parameters: dict[str, Array]) -> None:
        self.first, self.second = parameters["head.hidden.weight"], parameters["head.weight"]

    def forward(self, encoder: Stack, drops: Drops) -> Array:
        self.V[: self.hidden] = encoder.outputs[-1]
        self.V[self.hidden : -1] = encoder.inputs[-1]
        dense.linear(self.first, self.V, self.a)
        self.sigmoid = 0.5 * np.tanh(0.5 * self.a) + 0.5
        np.multiply(self.a, self.sigmoid, out=self.U[:-1])
        outputs = np.empty((len(self.second), self.U.shape[1]), self.U.dtype)
        dense.linear(self.second, self.U, outputs)
        return outputs

    def backward(self, d_outputs: Array, gradients: dict[str, Array]) -> tuple[None, Array]:
        dense.linear_backward(self.U, d_outputs, gradients["head.weight"])
        d_u = dense.linear_input_gradient(self.second, d_outputs)
        d_a = d_u * (self.sigmoid * (1 + self.a * (1 - self.sigmoid)))
        dense.linear_backward(self.V, d_a, gradients["head.hidden.weight"])
        d_state = np.zeros(self.state_shape, self.V.dtype)
        d_v = dense.linear_input_gradient(self.first, d_a)  # [h; x]
        d_state[-1, 0], self.d_newest = d_v[: self.hidden], d_v[self.hidden :]
        return None, d_state


def make_network(design: Design, rng: np.random.Generator | None, dtype: DTypeLike = np.float32) -> Network:
    """A network with initial weights; without rng with zeros, for weights read from a file."""
    network = Network(design.config, rng=rng, dtype=dtype, head=QuantileHead)
    network.parameters["head.weight"][...] *= SMALL
    return network


def quantiles(design: Design, outputs: Array, sample: Sample) -> Array:
    """The quantiles (Q, H, B) of outputs (K, B), in units of the network."""
    channels = _channels(design, outputs)
    steps = _softplus(channels[: 2 * SIDE])
    median = sample.base
    if design.median:
        median = median + channels[2 * SIDE] + (gates_of(design, outputs) * sample.patterns).sum(axis=0)
    above = median + np.cumsum(steps[:SIDE], axis=0)
    below = median - np.cumsum(steps[SIDE:], axis=0)
    return np.concatenate([below[::-1], median[None], above])


def gates_of(design: Design, outputs: Array) -> Array:
    """What each pattern counts for in the median (G, H, B)."""
    gates = _channels(design, outputs)[2 * SIDE + 1 :] + _initial_gates(design, outputs)
    return gates * _switches(design, outputs)[:, None] if design.switches else gates


def quantiles_backward(design: Design, outputs: Array, sample: Sample, d_quantiles: Array) -> Array:
    """The derivative by the outputs (K, B), from that by the quantiles (Q, H, B)."""
    channels = _channels(design, outputs)
    result = np.empty_like(outputs)
    d = _channels(design, result)
    d[:SIDE] = np.cumsum(d_quantiles[:SIDE:-1], axis=0)[::-1]
    d[SIDE : 2 * SIDE] = -np.cumsum(d_quantiles[:SIDE], axis=0)[::-1]
    d[: 2 * SIDE] *= _sigmoid(channels[: 2 * SIDE])
    if design.median:
        d_median = d_quantiles.sum(axis=0)
        d_gates = d_median * sample.patterns
        d[2 * SIDE] = d_median
        if design.switches:
            switches = _switches(design, outputs)
            by_switch = (d_gates * (channels[2 * SIDE + 1 :] + _initial_gates(design, outputs))).sum(axis=1)
            result[design.channels * design.horizon :] = by_switch * switches * (1 - switches)
            d_gates = d_gates * switches[:, None]
        d[2 * SIDE + 1 :] = d_gates
    return result


def pinball(forecast: Array, actual: Array) -> tuple[float, Array]:
    """The weighted pinball loss of quantiles (Q, H, B), averaged over the actual values (H, B), and its
    derivative. Where the actual value is NaN it counts for nothing.
    """
    levels = np.asarray(LEVELS, forecast.dtype)[:, None, None]
    weight = np.full(len(LEVELS), 2 * QUANTILE_WEIGHT, forecast.dtype)
    weight[SIDE] = 2 * MEDIAN_WEIGHT
    seen = np.isfinite(actual)
    error = np.where(seen, actual, 0) - forecast  # > 0: the forecast is too low
    slope = np.where(error > 0, -levels, 1 - levels) * (weight[:, None, None] * seen)
    count = max(int(seen.sum()), 1)
    loss = -float((slope * error).sum(dtype=np.float64)) / count
    return loss, (slope / count).astype(forecast.dtype)


def _channels(design: Design, outputs: Array) -> Array:
    """The channels (C, H, B): a view."""
    return outputs[: design.channels * design.horizon].reshape(design.channels, design.horizon, -1)


def _switches(design: Design, outputs: Array) -> Array:
    """The switch of each pattern (G, B)."""
    return _sigmoid(outputs[design.channels * design.horizon :])


def _initial_gates(design: Design, outputs: Array) -> Array:
    """w_g, twice where a switch halves it at first (G, 1, 1)."""
    return np.asarray(design.gates, outputs.dtype)[:, None, None] * (2 if design.switches else 1)


def _sigmoid(values: Array) -> Array:
    return np.asarray(0.5 * np.tanh(0.5 * values) + 0.5)


def _softplus(values: Array) -> Array:
    """log(1 + eˣ)."""
    return np.asarray(np.maximum(values, 0) + np.log1p(np.exp(-np.abs(values))))
