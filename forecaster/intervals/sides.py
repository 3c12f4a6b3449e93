"""Sides: the spread below and above a forecast, with what the quantiles of another forecast say of it.

The spread of a series follows from its own past alone (see `spread`), the same below and above. A pretrained
network has seen many series: its quantiles know skewness, noise that few rows do not show, and quiet times
that end. With s the spread of the own past and p that of the network on a side, both as expected |error|:

    spread = s (p/s)^SHARE,      p/s between 1/FARTHEST and FARTHEST

Held-out errors are divided by this spread before they are calibrated, so that a network which is too sure
everywhere does no harm.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.intervals.deviations import deviations

SHARE = 0.6
"""Of the network in the logarithm of the spread: chosen one horizon before the tests."""
FARTHEST = 4.0
"""A network that is further from the spread of the series' own past has not understood the series."""
LEAST = 0.1
"""Smallest spread on a side, relative to the mean of both."""
LEVELS = (0.1, 0.5, 0.9)
"""The quantiles that the spread of a network is taken from."""
MEAN_ERROR = 0.7979 / 1.2816
"""Mean |z| of a normal variable over its 90 % quantile."""


def side_errors(quantiles: Floats, log: Bools) -> Floats:
    """Expected |error| below and above (2, S, H) of forecasts with these quantiles (3, S, H) at `LEVELS`.

    As deviations: `log` (S,) series measured in logarithms. NaN where undefined.
    """
    low, median, high = quantiles
    below, above = -deviations(low, median, log), deviations(high, median, log)
    sides = np.maximum(np.stack([below, above]), 0.0) * MEAN_ERROR
    return np.maximum(sides, LEAST * sides.mean(axis=0))


def with_network(own: Floats, sides: Floats | None, share: float) -> Floats:
    """The spread below and above (2, S, H): the own one (S, H), moved towards `sides` (2, S, H).

    `share`: that of `sides` in the logarithm. The own spread stays where it is zero, and where `sides` is
    zero or NaN.
    """
    both = np.stack([own, own])
    if sides is None or share == 0:
        return both
    used = (both > 0) & (sides > 0)
    ratio = np.divide(sides, both, out=np.ones_like(both), where=used)
    return both * np.clip(ratio, 1 / FARTHEST, FARTHEST) ** share
