"""The path of integrated gradients, and what it finds of one component of a forecast.

Sundararajan, Taly & Yan 2017. From a past that is level at x' to the past x as it is, in the scale of a
component, the straight path is x(a) = x' + a (x − x'), 0 ≤ a ≤ 1. Of a forecast f,

    f(x) − f(x') = Σ_t (x_t − x'_t) ∫ ∂f/∂x_t (x(a)) da

so that each row has a contribution, and all of them sum to the difference. The integral is a Gauss-Legendre
sum over points of the path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats
from forecaster.data.panel import Panel
from forecaster.features.scale_choice import LOGARITHMS, ROOTS


@dataclass(frozen=True, eq=False)
class Subject:
    """What is explained: a weighted mean of the steps of the forecast of one series."""

    panel: Panel
    """All series, `cleaned` at their ends."""
    series: int
    level: float
    """The level of the past that the path begins from, in the user's units."""
    level_rows: int
    """Of how many of the newest known rows it is the mean."""
    season: int
    """Rows of the season by which they are grouped; 1: none."""
    steps: Floats  # (H,) what each step counts for; they sum to one

    @property
    def span(self) -> slice:
        """The rows of the series in the panel."""
        return slice(int(self.panel.offsets[self.series]), int(self.panel.offsets[self.series + 1]))

    @property
    def rows(self) -> int:
        """n: how many rows the series has."""
        return self.span.stop - self.span.start


@dataclass(frozen=True, eq=False)
class Part:
    """One component: its forecast from the level past, and what leads from there to its forecast."""

    baseline: float
    forecast: float
    """As the component makes it, before it is kept within any limits."""
    rows: Floats  # (n,) in the user's units
    covariates: Floats  # (n, C−1) by row
    position: float = 0.0
    """Of the seasonal position, which some networks read."""
    known: Floats | None = None  # (K,) of known covariates, in networks; None: it reads none
    static: Floats | None = None  # (D,) of facts


class Points(NamedTuple):
    """Points of the path, and what each counts for in the integral."""

    at: Floats  # (K,)
    weight: Floats  # (K,)


def points(count: int) -> Points:
    """Gauss-Legendre points between 0 and 1, with both ends, which count nothing, around them."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return Points(np.r_[0.0, (nodes + 1) / 2, 1.0], np.r_[0.0, weights / 2, 0.0])


def slope_of(x: Floats, power: float) -> Floats:
    """The derivative of `from_scale`: of exp x, x² or x by the power."""
    if power == LOGARITHMS:
        return np.exp(x)
    return 2 * np.maximum(x, 0.0) if power == ROOTS else np.ones_like(x)
