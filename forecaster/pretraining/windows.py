"""Training windows: pieces of synthetic series, with what comes after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Array
from forecaster.pretraining.inputs import daily as daily_inputs
from forecaster.pretraining.inputs import prices as price_inputs
from forecaster.pretraining.inputs import seasonal as seasonal_inputs
from forecaster.pretraining.network import Design, Sample
from forecaster.pretraining.real_series import SHARE, Draw
from forecaster.pretraining.series.prices import generate as prices
from forecaster.pretraining.series.priors import Prior
from forecaster.pretraining.series.sensors import generate as sensors
from forecaster.pretraining.series.slow_series import generate

SERIES = 4096
"""Series generated at once."""
DRAWS = 20
"""Batches drawn from them: generating takes longer than training."""
FEWEST = 2
"""Recurrent steps of the shortest windows; FEWEST_YEARLY where a step is one row."""
FEWEST_YEARLY = 4
BARELY_BEGUN = 0.06
"""Share of batches whose series have a season or less."""

LONGEST = 0.7
"""Share of batches of sensors with the longest past."""
FAR = 1000.0
"""Values so many units away, as after a sensor that was stuck throughout, teach nothing."""

Batches = Iterator[tuple[Sample, Array]]
"""What the network reads, and the values after it (H, B) in its units; NaN where unknown."""


def _mixed(rng: np.random.Generator, pool: Array, real: Draw | None) -> Array:
    """Synthetic series (B, L), a share of them replaced by real ones."""
    if real is not None:
        count = int(len(pool) * SHARE)
        pool[:count] = real(rng, count, pool.shape[1])
    return pool


@dataclass(frozen=True)
class Seasonal:
    """Windows of series with one season of m rows."""

    prior: Prior
    steps: int
    """Recurrent steps, each a season, of the longest window."""
    horizon: int

    def design(self, hidden: int) -> Design:
        """The network for them."""
        m = self.prior.season
        return Design(seasonal_inputs.features(m), hidden, self.horizon, seasonal_inputs.gates(m))

    def batches(self, rng: np.random.Generator, size: int, real: Draw | None = None) -> Batches:
        """Batches without end. Each has windows of one random length from series of one pool."""
        m, horizon = self.prior.season, self.horizon
        longest = m * self.steps + horizon
        while True:
            pool = _mixed(rng, generate(rng, self.prior, SERIES, longest + m), real)
            for _ in range(DRAWS):
                steps, rows = self._length(rng)
                end = int(rng.integers(rows, pool.shape[1] - horizon + 1))
                chosen = pool[rng.choice(SERIES, size, replace=False)]
                past = np.full((size, steps * m), np.nan, np.float32)
                past[:, -rows:] = chosen[:, end - rows : end]
                sample = seasonal_inputs.prepare(past, m, horizon)
                actual = (chosen[:, end : end + horizon].T - sample.centre) / sample.scale
                if real is not None:  # a real series may begin after the window
                    actual[:, np.isnan(past[:, -m:]).all(axis=1)] = np.nan
                yield sample, actual.astype(np.float32)

    def _length(self, rng: np.random.Generator) -> tuple[int, int]:
        """Recurrent steps and rows of a window."""
        m = self.prior.season
        fewest = FEWEST if m > 1 else FEWEST_YEARLY
        if rng.random() < BARELY_BEGUN:
            return fewest, int(rng.integers(1, max(m, fewest) + 1))
        steps = int(rng.integers(fewest, self.steps + 1))
        return steps, steps * m - int(rng.integers(0, m))


@dataclass(frozen=True)
class Daily:
    """Windows of hourly sensors, with days as recurrent steps."""

    steps: int = 28
    horizon: int = 48

    def design(self, hidden: int) -> Design:
        """The network for them."""
        return Design(daily_inputs.FEATURES, hidden, self.horizon, daily_inputs.GATES, switches=True)

    def batches(self, rng: np.random.Generator, size: int, real: Draw | None = None) -> Batches:
        """Batches without end, most of them with the longest past."""
        day = daily_inputs.DAY
        length = day * (self.steps + 2) + self.horizon
        while True:
            pool = _mixed(rng, sensors(rng, SERIES, length), real)
            for _ in range(DRAWS):
                steps = self.steps if rng.random() < LONGEST else int(rng.integers(2, self.steps + 1))
                rows = steps * day - (int(rng.integers(0, day)) if rng.random() < 0.3 else 0)
                end = int(rng.integers(rows, length - self.horizon + 1))
                chosen = pool[rng.choice(SERIES, size, replace=False)]
                chosen = chosen[np.isfinite(chosen[:, end - day : end]).any(axis=1)]
                past = np.full((len(chosen), steps * day), np.nan, np.float32)
                past[:, -rows:] = chosen[:, end - rows : end]
                sample = daily_inputs.prepare(past, self.horizon)
                actual = (chosen[:, end : end + self.horizon].T - sample.centre) / sample.scale
                actual[np.abs(actual) > FAR] = np.nan
                yield sample, actual.astype(np.float32)


@dataclass(frozen=True)
class Prices:
    """Windows of daily returns, with weeks of five as recurrent steps."""

    steps: int = 100
    horizon: int = 20
    shortest: int = 6

    def design(self, hidden: int) -> Design:
        """The network for them: the forecast stays at the last price."""
        return Design(price_inputs.FEATURES, hidden, self.horizon, (), median=False)

    def batches(self, rng: np.random.Generator, size: int, real: Draw | None = None) -> Batches:
        """Batches without end. Targets are returns over h rows by √h, in units of today's volatility."""
        length = price_inputs.STEP * self.steps + self.horizon
        root = np.sqrt(np.arange(1, self.horizon + 1))[:, None]
        while True:
            pool = _mixed(rng, prices(rng, SERIES, length + self.horizon), real)
            for _ in range(DRAWS):
                steps = int(np.exp(rng.uniform(np.log(self.shortest), np.log(self.steps + 1))))
                rows = steps * price_inputs.STEP
                end = int(rng.integers(rows, pool.shape[1] - self.horizon + 1))
                chosen = pool[rng.choice(SERIES, size, replace=False)]
                chosen = chosen[np.abs(chosen[:, end - rows : end]).max(axis=1) > 0]  # nor NaN
                sample = price_inputs.prepare(chosen[:, end - rows : end], self.horizon)
                total = np.cumsum(chosen[:, end : end + self.horizon], axis=1).T
                yield sample, (total / root / sample.scale).astype(np.float32)
