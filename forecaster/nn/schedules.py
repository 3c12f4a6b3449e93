"""Learning-rate schedules: the rate of each training step, from 0 to config.steps - 1."""

import math
from collections.abc import Callable

from forecaster.config import TrainingConfig

WARM_UP = 0.3
"""Share of the steps in which `one_cycle` rises to the full rate (Smith & Topin 2019)."""
START, END = 1 / 25, 1e-4
"""First and last rate of `one_cycle`, as fractions of the full rate."""


def rate_at(config: TrainingConfig, step: int) -> float:
    """The learning rate of a step; later steps keep the rate of the last one."""
    last = config.steps - 1
    progress = min(step, last) / max(last, 1)
    return config.rate * _FACTORS[config.schedule](progress)


def _cosine_between(start: float, end: float, progress: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress))


def _one_cycle(progress: float) -> float:
    if progress < WARM_UP:
        return _cosine_between(START, 1, progress / WARM_UP)
    return _cosine_between(1, END, (progress - WARM_UP) / (1 - WARM_UP))


_FACTORS: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: _cosine_between(1, END, progress),
    "one_cycle": _one_cycle,
    "step": lambda progress: 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01,
}
