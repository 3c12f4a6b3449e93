"""Gradient check: central differences, along random directions and for each coordinate.

A gradient is right when (f(x + εu) - f(x - εu)) / 2ε equals its product with u for every
direction u. Use float64 and points away from kinks (ReLU, MAE at zero).
"""

from collections.abc import Callable

import numpy as np

from forecaster.arrays import Array
from forecaster.errors import ForecasterError

Function = Callable[[], float]
"""The loss at the current values of the point. The check changes the point in place and restores it."""
STEP = 1e-5
TOLERANCE = 1e-6


def check_directions(
    function: Function,
    point: Array,
    gradient: Array,
    *,
    rng: np.random.Generator,
    directions: int = 3,
    name: str = "gradient",
    tolerance: float = TOLERANCE,
) -> float:
    """Compare along random unit directions; returns the largest relative error.

    Raises ForecasterError with both values. Small slopes are compared on the scale of the gradient's RMS.
    """
    worst = 0.0
    scale = float(np.linalg.norm(gradient)) / np.sqrt(point.size)
    for number in range(directions):
        direction = rng.standard_normal(point.shape)
        direction /= np.linalg.norm(direction)
        numeric = _slope(function, point, direction)
        analytic = float(np.vdot(gradient, direction))
        worst = max(worst, _compare(f"{name}, direction {number}", analytic, numeric, scale, tolerance))
    return worst


def check_coordinates(
    function: Function,
    point: Array,
    gradient: Array,
    *,
    name: str = "gradient",
    tolerance: float = TOLERANCE,
) -> float:
    """Compare each partial derivative; returns the largest relative error.

    Raises ForecasterError with both values. Small slopes are compared on the scale of the gradient's RMS.
    """
    worst = 0.0
    scale = float(np.linalg.norm(gradient)) / np.sqrt(point.size)
    for index in np.ndindex(point.shape):
        direction = np.zeros(point.shape)
        direction[index] = 1
        numeric, analytic = _slope(function, point, direction), float(gradient[index])
        worst = max(worst, _compare(f"{name}{list(index)}", analytic, numeric, scale, tolerance))
    return worst


def _slope(function: Function, point: Array, direction: Array) -> float:
    """The derivative of the function along a direction, by a central difference."""
    start = point.copy()
    try:
        point[...] = start + STEP * direction
        above = function()
        point[...] = start - STEP * direction
        below = function()
    finally:
        point[...] = start
    return (above - below) / (2 * STEP)


def _compare(what: str, analytic: float, numeric: float, scale: float, tolerance: float) -> float:
    size = max(abs(analytic), abs(numeric), scale)
    error = abs(analytic - numeric) / size if size else 0.0
    if not error <= tolerance:  # NaN never agrees
        raise ForecasterError(
            f"{what}: the gradient says {analytic:.12g}, central differences say {numeric:.12g} "
            f"(relative error {error:.3g}, allowed {tolerance:.3g})"
        )
    return error
