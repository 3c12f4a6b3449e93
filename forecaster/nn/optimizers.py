"""Optimisers: update rules on one flat vector of parameters, in place."""

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.config import TrainingConfig

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

Snapshot = dict[str, Array]


class Optimizer(ABC):
    """An update rule and its memory."""

    def __init__(self, size: int, dtype: DTypeLike, weight_decay: float) -> None:
        self.weight_decay = weight_decay
        self.memory: Snapshot = {"step": np.zeros((), np.float64)}
        self._a = np.empty(size, dtype)

    def update(self, flat: Array, gradient: Array, rate: float) -> None:
        """One step down the gradient, with decoupled weight decay (Loshchilov & Hutter 2019)."""
        self.memory["step"] += 1
        if self.weight_decay:
            flat *= 1 - rate * self.weight_decay
        self._update(flat, gradient, rate)

    @abstractmethod
    def _update(self, flat: Array, gradient: Array, rate: float) -> None: ...

    def snapshot(self) -> Snapshot:
        """A copy of the memory: arrays by name."""
        return {name: value.copy() for name, value in self.memory.items()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""
        for name, value in self.memory.items():
            value[...] = snapshot[name]


class Adam(Optimizer):
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  θ ← θ - rate m̂ / (√v̂ + ε) (Kingma & Ba 2015).

    Memory holds m / (1-β₁) and v / (1-β₂). Rate and ε take up these factors, which saves passes over vectors.
    """

    def __init__(self, size: int, dtype: DTypeLike, weight_decay: float = 0.0) -> None:
        super().__init__(size, dtype, weight_decay)
        self.memory |= {"first": np.zeros(size, dtype), "second": np.zeros(size, dtype)}

    def _update(self, flat: Array, gradient: Array, rate: float) -> None:
        m, v, step, a = *self._moments(), float(self.memory["step"]), self._a
        first, second = (1 - BETA1) / (1 - BETA1**step), math.sqrt((1 - BETA2) / (1 - BETA2**step))
        m *= BETA1
        m += gradient
        v *= BETA2
        v += np.multiply(gradient, gradient, out=a)
        np.sqrt(v, out=a)
        a += EPSILON / second
        np.divide(m, a, out=a)
        a *= rate * first / second
        flat -= a

    def _moments(self) -> tuple[Array, Array]:
        return self.memory["first"], self.memory["second"]


class Sgd(Optimizer):
    """u ← momentum u + g;  θ ← θ - rate u."""

    def __init__(self, size: int, dtype: DTypeLike, weight_decay: float = 0.0, momentum: float = 0.0) -> None:
        super().__init__(size, dtype, weight_decay)
        self.momentum = momentum
        self.memory |= {"velocity": np.zeros(size, dtype)}

    def _update(self, flat: Array, gradient: Array, rate: float) -> None:
        velocity = self.memory["velocity"]
        velocity *= self.momentum
        velocity += gradient
        flat -= np.multiply(velocity, rate, out=self._a)


def make_optimizer(config: TrainingConfig, size: int, dtype: DTypeLike = np.float32) -> Optimizer:
    """The optimiser of a training configuration for `size` parameters."""
    if config.optimizer == "adam":
        return Adam(size, dtype, config.weight_decay)
    return Sgd(size, dtype, config.weight_decay, config.momentum)


def clip_by_global_norm(gradient: Array, limit: float) -> float:
    """Scale the gradient in place to a norm of at most `limit` (0: no limit); returns its norm before.

    A gradient whose norm is not finite stays unchanged; the caller decides what to do.
    """
    norm = float(np.sqrt(np.vdot(gradient, gradient)))
    if 0 < limit < norm < np.inf:
        gradient *= limit / norm
    return norm
