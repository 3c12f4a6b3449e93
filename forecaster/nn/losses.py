"""Losses with their gradients. e = output - target; each is a sum over outputs and batch, weighted."""

from collections.abc import Callable

import numpy as np

from forecaster.arrays import Array
from forecaster.config import TrainingConfig

Loss = Callable[[Array, Array, Array | None], tuple[float, Array]]
"""loss(outputs, targets, weights) -> the weighted sum and its derivative by the outputs.

All (K, B); weights None means all ones. Where a weight is zero the target may be anything, NaN included.
"""
Formula = Callable[[Array], tuple[Array, Array]]


def mse(error: Array) -> tuple[Array, Array]:
    """e² and 2e."""
    return error * error, 2 * error


def mae(error: Array) -> tuple[Array, Array]:
    """|e| and sign e (0 at 0)."""
    return np.abs(error), np.sign(error)


def huber(error: Array, delta: float) -> tuple[Array, Array]:
    """½ e² up to |e| = δ, then δ (|e| - ½ δ) (Huber 1964)."""
    slope = np.clip(error, -delta, delta)
    return slope * (error - slope / 2), slope


def pinball(error: Array, quantile: float) -> tuple[Array, Array]:
    """max(-τ e, (1 - τ) e) (Koenker & Bassett 1978); half of MAE at τ = ½."""
    over = (1 - quantile) * (error > 0) - quantile * (error < 0)
    slope = over.astype(error.dtype)
    return slope * error, slope


def make_loss(config: TrainingConfig) -> Loss:
    """The loss of a training configuration."""
    formulas: dict[str, Formula] = {
        "mse": mse,
        "mae": mae,
        "huber": lambda error: huber(error, config.delta),
        "pinball": lambda error: pinball(error, config.quantile),
    }
    formula = formulas[config.loss]

    def loss(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
        error = np.subtract(outputs, targets, dtype=outputs.dtype)
        if weights is None:
            value, slope = formula(error)
        else:
            np.copyto(error, 0, where=weights == 0)  # a missing target is NaN, and 0 × NaN is NaN
            value, slope = formula(error)
            value, slope = value * weights, np.multiply(slope, weights, dtype=outputs.dtype)
        return float(value.sum(dtype=np.float64)), slope

    return loss
