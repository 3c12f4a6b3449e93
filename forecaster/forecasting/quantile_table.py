"""Distributions given as quantiles at a few levels, such as pretrained networks forecast."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.pretraining.network import SCORES
from forecaster.pretraining.store import Pretrained

BEYOND = 0.02
"""What each step has of its own: two steps beyond the network's horizon never depend on each other wholly."""


class Spread(Protocol):
    """The distributions of the forecasts of S series."""

    def quantile(self, level: float) -> Floats:
        """The quantile at a level between 0 and 1 (S, H)."""

    def samples(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` paths of each series (S, count, H)."""

    def path(self, series: int, scores: Floats) -> Floats:
        """Paths (N, H) of a series, from independent normal scores."""


@dataclass(frozen=True, eq=False)
class TableQuantiles:
    """Distributions of S series at H steps, given as quantiles at `network.LEVELS`.

    Between two of them a quantile is interpolated by its normal score; beyond the outermost the line goes on.
    """

    table: Floats  # (Q, S, H)
    roots: Floats  # (G, H, H) lower triangular: correlations of the normal scores are R Rᵀ
    kinds: Ints  # (S,)

    def quantile(self, level: float) -> Floats:
        """The quantile at a level between 0 and 1 (S, H)."""
        return self._at(
            np.full(self.table.shape[1:], NormalDist().inv_cdf(level)), np.arange(self.table.shape[1])
        )

    def samples(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` paths of each series (S, count, H); series one after the other draw from `rng`."""
        _, series, horizon = self.table.shape
        paths = np.empty((series, count, horizon))
        for number in range(series):
            paths[number] = self.path(number, rng.standard_normal((count, horizon)))
        return paths

    def path(self, series: int, scores: Floats) -> Floats:
        """Paths (N, H) of a series, from independent normal scores."""
        return self._at(scores @ self.roots[self.kinds[series]].T, np.full(len(scores), series))

    def _at(self, scores: Floats, series: Ints) -> Floats:
        """The values (B, H) with these normal scores, of series (B,)."""
        right = np.clip(np.searchsorted(SCORES, scores), 1, len(SCORES) - 1)
        share = (scores - SCORES[right - 1]) / (SCORES[right] - SCORES[right - 1])
        steps = np.arange(scores.shape[1])
        low, high = (self.table[place, series[:, None], steps] for place in (right - 1, right))
        return low + share * (high - low)


@dataclass(frozen=True, eq=False)
class Mixed:
    """Distributions of S series, some of which have another source."""

    usual: Spread
    other: Spread
    others: Bools  # (S,) series of `other`

    def quantile(self, level: float) -> Floats:
        """The quantile at a level between 0 and 1 (S, H)."""
        return np.where(self.others[:, None], self.other.quantile(level), self.usual.quantile(level))

    def samples(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` paths of each series (S, count, H)."""
        first, second = rng.spawn(2)
        usual, other = self.usual.samples(count, first), self.other.samples(count, second)
        return np.where(self.others[:, None, None], other, usual)

    def path(self, series: int, scores: Floats) -> Floats:
        """Paths (N, H) of a series, from independent normal scores."""
        return (self.other if self.others[series] else self.usual).path(series, scores)


@dataclass(frozen=True, eq=False)
class Moved:
    """Distributions of S series, moved."""

    usual: Spread
    by: Floats  # (S, H)

    def quantile(self, level: float) -> Floats:
        """The quantile at a level between 0 and 1 (S, H)."""
        return self.usual.quantile(level) + self.by

    def samples(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` paths of each series (S, count, H)."""
        return self.usual.samples(count, rng) + self.by[:, None]

    def path(self, series: int, scores: Floats) -> Floats:
        """Paths (N, H) of a series, from independent normal scores."""
        return self.usual.path(series, scores) + self.by[series]


def root_of(network: Pretrained, steps: Ints, season: int) -> Floats:
    """The root (H, H) for steps (H,) of a network; those beyond its horizon count as a season earlier."""
    known = len(network.dependence)
    beyond = np.maximum(-(-(steps - known + 1) // season), 0) * season
    steps = np.maximum(steps - beyond, 0)
    correlation = (network.dependence @ network.dependence.T)[steps[:, None], steps]
    mixed = (1 - BEYOND) * correlation + BEYOND * np.eye(len(steps))
    return np.asarray(np.linalg.cholesky(mixed), np.float64)
