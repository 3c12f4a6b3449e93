"""What a network for prices reads: one recurrent step is five returns, the newest end at the origin.

The forecast of a price is its last value; the network says how far from it the price may be after h rows, in
units of √h times the volatility of now, an average of all and of the newest returns.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Array
from forecaster.pretraining.inputs.past import SINGLE
from forecaster.pretraining.network import Sample

STEP = 5
MEMORIES = np.array([0.75, 0.88, 0.94, 0.97, 0.99], SINGLE)
"""Of the moving averages of squared returns; .94 is that of RiskMetrics (1996)."""
USUAL = 2
"""Its place in MEMORIES."""
LAGS = (1, 2, 3, 4, 5, 10)
QUANTILES = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)
SPANS, SUMS = (3, 5, 10, 20, 60), (5, 20)
STATISTICS = 6 + len(LAGS) + 2 + len(QUANTILES) + len(MEMORIES) + len(SPANS) + len(SUMS)
FEATURES = 3 * STEP + len(MEMORIES) + 1 + STATISTICS
"""F: how many numbers one recurrent step reads."""
MOST = 100.0
"""Squared returns are clipped to this many units in the moving averages."""
MEAN_SIZE = 1.2533
"""Deviation over mean |x| of a normal distribution."""


def prepare(returns: Array, horizon: int) -> Sample:
    """What the network reads of `returns` (B, 5 T), all known and not all zero."""
    r = np.asarray(returns, SINGLE)
    count, rows = r.shape
    steps = rows // STEP
    deviation = np.sqrt((r * r).mean(axis=1, keepdims=True)) + SINGLE(1e-12)
    size = np.abs(r).mean(axis=1, keepdims=True) * SINGLE(MEAN_SIZE) + SINGLE(1e-12)
    usual = np.sqrt(deviation * size)
    z = r / usual
    averages = _averages(np.minimum(z * z, MOST), steps)  # (T, 5, B)
    newest = averages[-1]
    scale = usual[:, 0] * np.exp(0.75 * np.maximum(newest[USUAL], -4))
    cut = z.reshape(count, steps, STEP).transpose(1, 2, 0)
    large = np.abs(cut)
    of_series = _statistics(z, np.log(deviation / size)[:, 0], newest)
    parts = [np.arcsinh(cut), np.minimum(large, 8), np.log(large * large + 0.02) * 0.3 + 0.3, averages,
             large.mean(axis=1, keepdims=True) - 1, np.repeat(of_series[None], steps, axis=0)]  # fmt: skip
    inputs = np.ascontiguousarray(np.concatenate(parts, axis=1, dtype=SINGLE))
    nothing = np.zeros((horizon, count), SINGLE)
    return Sample(
        inputs, nothing, np.zeros((0, horizon, count), SINGLE), np.zeros(count), scale.astype(float)
    )


def _averages(square: Array, steps: int) -> Array:
    """Half the logarithms of moving averages of squared returns, after each step (T, 5, B)."""
    count = len(square)
    average = np.repeat((0.5 * square.mean(axis=1) + 0.5)[None], len(MEMORIES), axis=0)
    memory, result = MEMORIES[:, None], np.empty((steps, len(MEMORIES), count), SINGLE)
    for t, now in enumerate(np.ascontiguousarray(square.T)):
        average = memory * average + (1 - memory) * now
        if t % STEP == STEP - 1:
            result[t // STEP] = np.log(average + 1e-4) / 2
    return result


def _statistics(z: Array, tail: Array, averages: Array) -> Array:
    """Statistics of the whole past (STATISTICS, B): tails, zeros, length, memory and asymmetry of the size of
    returns, quantiles, volatility of now.
    """
    rows = z.shape[1]
    large = np.minimum(np.abs(z), 8)
    centred = large - large.mean(axis=1, keepdims=True)
    variance = (centred * centred).mean(axis=1) + 1e-3
    parts = [tail, (z == 0).mean(axis=1), np.full(len(z), np.log(rows / 150))]
    parts += [np.arcsinh((z**3).clip(-200, 200).mean(axis=1)), large[:, -1] - 1, np.arcsinh(z[:, -1])]
    parts += [(centred[:, lag:] * centred[:, :-lag]).mean(axis=1) / variance for lag in LAGS]
    parts += [(z[:, :-lag] * centred[:, lag:]).mean(axis=1).clip(-3, 3) for lag in (1, 2)]
    ordered = np.sort(z, axis=1)
    parts += [ordered[:, int(level * (rows - 1))] for level in QUANTILES]
    parts += list(averages)
    parts += [np.log(large[:, -span:].mean(axis=1) + 0.1) for span in SPANS]
    parts += [z[:, -span:].sum(axis=1).clip(-20, 20) / np.sqrt(span) for span in SUMS]
    return np.stack(parts).astype(SINGLE)
