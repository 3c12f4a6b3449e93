"""Chances: how often scores as large as one appear by chance, in a block of rows and at a single row.

Neighbouring scores depend on each other, so what is counted is the largest |score| of each block of rows. The
sample of these of all series, each over the usual size of its series, gives the chance of a block:

    p = (1 + number of the sample that is as large) / (1 + n)      conformal (Vovk, Gammerman & Shafer 2005)
    p = 1 − exp(−(1 + ξ (x − μ)/σ)^(−1/ξ))                         beyond the TOP largest

The second is the distribution of maxima (Fisher & Tippett 1928; Jenkinson 1955), by L-moments (Hosking,
Wallis & Wood 1985), with ξ moved towards USUAL. Where blocks have b rows, a row has p/b: 1 − (1 − p)^(1/b).

S series, M blocks of each, n numbers in the sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Bools, Floats

TOP = 4
"""Chances beyond this many of the sample come from the fitted distribution."""
USUAL, STRENGTH = 0.1, 50.0
"""ξ without data, and the sample size that it counts for."""
LEAST_SHAPE, MOST_SHAPE = 0.0, 0.4
LEAST_SPREAD = 0.05
"""Least σ, of maxima whose usual size is 1: equal ones prove nothing about larger ones."""
LEAST_SIZE = 0.5
"""Least size of a maximum: where forecasts are far too uncertain, they are not taken for exact."""
OWN = 4.0
"""Blocks of its own that the usual size of all series counts for."""
FEWEST = 8
"""With a smaller sample there are no chances."""
EULER = 0.5772156649015329


@dataclass(frozen=True, eq=False)
class Tail:
    """The distribution of the largest score of a block."""

    size: Floats  # (S,) usual size of the maxima of each series
    sample: Floats  # (n,) maxima over the size of their series, ascending
    location: float = 0.0
    spread: float = 1.0
    shape: float = USUAL

    @property
    def is_known(self) -> bool:
        """Whether there are enough blocks to tell chance."""
        return len(self.sample) >= FEWEST

    def of_block(self, score: Floats) -> Floats:
        """The chance (S, R) that a block has an |score| as large as each (S, R); 1 where not known."""
        x = np.maximum(np.abs(score), LEAST_SIZE) / self.size[:, None]
        if not self.is_known:
            return np.ones_like(x)
        larger = len(self.sample) - np.searchsorted(self.sample, x, side="left")
        ranked = (1 + larger) / (1 + len(self.sample))
        base = np.maximum(1 + self.shape * (x - self.location) / self.spread, 1e-12)
        fitted = -np.expm1(-(base ** (-1 / self.shape)))
        return np.where(np.isfinite(x), np.where(larger < TOP, fitted, ranked), 1.0)

    def size_of(self, chance: float) -> Floats:
        """The |score| of each series (S,) that a block exceeds with this chance."""
        if not self.is_known:
            return np.full(len(self.size), np.inf)
        fitted = self.location + self.spread * ((-math.log1p(-chance)) ** -self.shape - 1) / self.shape
        return np.asarray(fitted * self.size)


def fit_tail(maxima: Floats) -> Tail:
    """From the maxima (S, M) of blocks, NaN where there is none.

    The size that a maximum of the sample is divided by is that of the other blocks of its series, as a new
    one has no part in the size of its series either.
    """
    known = np.isfinite(maxima)
    logs = np.where(known, np.log(np.maximum(maxima, LEAST_SIZE, where=known, out=np.ones_like(maxima))), 0.0)
    count, total = known.sum(axis=1), logs.sum(axis=1)
    usual = float(total.sum() / max(int(count.sum()), 1))
    size = np.exp((total + OWN * usual) / (count + OWN))
    others = np.exp((total[:, None] - logs + OWN * usual) / (count[:, None] - 1 + OWN))
    sample = np.sort((np.exp(logs) / others)[known])
    if len(sample) < FEWEST:
        return Tail(size, sample)
    return Tail(size, sample, *_maxima_distribution(sample))


def _maxima_distribution(sample: Floats) -> tuple[float, float, float]:
    """Location μ, spread σ and shape ξ > 0 of ascending maxima (n,), by L-moments."""
    count = len(sample)
    rank = np.arange(count)
    first = float(sample.mean())
    second = float((rank / (count - 1) * sample).mean())
    third = float((rank * (rank - 1) / ((count - 1) * max(count - 2, 1)) * sample).mean())
    width = 2 * second - first
    skewness = (6 * third - 6 * second + first) / width if width > 1e-6 * first else 0.0
    ratio = 2 / (3 + min(max(skewness, -1.0), 1.0)) - math.log(2) / math.log(3)
    own = -(7.8590 * ratio + 2.9554 * ratio * ratio)
    shape = (count * own + STRENGTH * USUAL) / (count + STRENGTH)
    shape = min(max(shape, LEAST_SHAPE), MOST_SHAPE) + 1e-6
    gamma = math.gamma(1 - shape)
    spread = max(width * shape / ((2**shape - 1) * gamma), LEAST_SPREAD)
    return first - spread * (gamma - 1) / shape, spread, shape


def of_row(block: Floats, rows: int) -> Floats:
    """The chance of a row, from that of a block of so many rows."""
    return -np.expm1(np.log1p(-np.minimum(block, 1 - 1e-15)) / rows)


def of_rows(chance: float, rows: int) -> float:
    """The chance of a block of so many rows, from that of a row."""
    return -math.expm1(rows * math.log1p(-chance))


def discoveries(chances: Floats, level: float, count: int) -> Bools:
    """Which of some chances (n,), the smallest of `count`, are no chance: Benjamini & Hochberg (1995).

    The k-th smallest and all below it, for the largest k with p_k ≤ level k/count. Where all is chance, there
    is any with a chance of at most `level`.
    """
    order = np.argsort(chances, kind="stable")
    passed = np.flatnonzero(chances[order] <= level * np.arange(1, len(chances) + 1) / count)
    result = np.zeros(len(chances), np.bool_)
    if passed.size:
        result[order[: passed[-1] + 1]] = True
    return result
