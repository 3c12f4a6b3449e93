"""Training of a pretrained network on synthetic windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Array, Floats
from forecaster.nn.network import Network
from forecaster.nn.optimizers import Adam, clip_by_global_norm
from forecaster.pretraining.network import (
    SCORES,
    Design,
    make_network,
    pinball,
    quantiles,
    quantiles_backward,
)
from forecaster.pretraining.windows import Batches

RATE = 2e-3
WARM_UP = 200
FLAT = 0.4
"""The share of the steps with the full rate; then it falls by a cosine."""
END = 0.005
AVERAGE = 0.998
"""The weights are an exponential moving average over the steps (Polyak & Juditsky 1992)."""
CLIP = 1.0
LARGEST_SCORE = 4.0


@dataclass(frozen=True)
class Progress:
    """How far training is."""

    step: int
    loss: float
    """Moving average of the training loss."""


def train(
    design: Design,
    batches: Batches,
    steps: int,
    rng: np.random.Generator,
    on_progress: Callable[[Progress], None] | None = None,
) -> Array:
    """The averaged weights (P,) after `steps` batches."""
    network = make_network(design, rng)
    optimizer = Adam(network.flat.size, network.dtype)
    average, usual = network.flat.copy(), math.nan
    for step in range(steps):
        sample, actual = next(batches)
        outputs, cache = network.forward(sample.inputs)
        loss, slope = pinball(quantiles(design, outputs, sample), actual)
        d_outputs = quantiles_backward(design, outputs, sample, slope)
        gradient = network.backward(cache, d_outputs, inputs=False).flat
        clip_by_global_norm(gradient, CLIP)
        optimizer.update(network.flat, gradient, rate_at(step, steps))
        keep = min(AVERAGE, (2 + step) / (21 + step))
        average += (1 - keep) * (network.flat - average)
        usual = loss if step == 0 else 0.995 * usual + 0.005 * loss
        if on_progress is not None:
            on_progress(Progress(step + 1, usual))
    return average


def rate_at(step: int, steps: int) -> float:
    """The learning rate: a short rise, the full rate, then half a cosine."""
    done = step / steps
    fall = 1.0 if done < FLAT else 0.5 * (1 + math.cos(math.pi * (done - FLAT) / (1 - FLAT))) + END
    return RATE * min(1.0, (step + 1) / WARM_UP) * fall


def dependence(design: Design, network: Network, batches: Batches, count: int) -> Floats:
    """The lower triangular root (H, H) of the correlations of normal scores along the horizon.

    Measured on `count` further batches: where each actual value lies among its quantiles, as a normal score.
    """
    total = np.zeros((design.horizon, design.horizon))
    for _ in range(count):
        sample, actual = next(batches)
        forecast = quantiles(design, network.predict(sample.inputs), sample)
        scores = normal_scores(np.asarray(forecast, float), actual)
        whole = scores[:, np.isfinite(scores).all(axis=0)]
        total += whole @ whole.T
    deviation = np.sqrt(np.diag(total))
    correlation = 0.99 * total / np.outer(deviation, deviation) + 0.01 * np.eye(design.horizon)
    return np.linalg.cholesky(correlation)


def normal_scores(forecast: Floats, actual: Array) -> Floats:
    """The place of actual values (H, B) among quantiles (Q, H, B), as normal scores; NaN for NaN."""
    result = np.full(actual.shape, np.nan)
    for lower in range(len(SCORES) - 1):
        low, high = forecast[lower], forecast[lower + 1]
        share = (actual - low) / np.maximum(high - low, 1e-12)
        inside = (share < 1 if lower == 0 else share >= 0) & (
            share < 1 if lower + 2 < len(SCORES) else share >= 0
        )
        result = np.where(inside, SCORES[lower] + share * (SCORES[lower + 1] - SCORES[lower]), result)
    return np.clip(result, -LARGEST_SCORE, LARGEST_SCORE)
