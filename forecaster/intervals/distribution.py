"""Distribution: everything that turns point forecasts into quantiles, intervals and paths.

Fitted once on held-out forecasts, kept in the model file as arrays; the spread is computed again from the
rows before each origin.

    d_τ(s, h) = spread(s, h) · factor(s) · size(kind, position) · ratio_τ(kind, h)     see `deviations` for d

The spread below the forecast may differ from that above, see `sides`.

Paths are a Gaussian copula: normal scores g (H,) with the correlations of those of held-out windows, each
turned into the quantile of its score. G kinds, O origins, S series, H steps, Q levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.errors import UsageError
from forecaster.intervals.calibration import SCORES, calibrate, ratio_scores, widening
from forecaster.intervals.deviations import deviations, outcomes
from forecaster.intervals.past import PastRows
from forecaster.intervals.sides import SHARE, with_network
from forecaster.intervals.spread import one_step_errors, spread
from forecaster.intervals.volatility import Volatility, choose

SAMPLED = 256
"""Most series of a kind from which its volatility is chosen."""
PARTS = ("ratios", "positions", "factors", "volatility", "mixing")
EXTREME, LEAST_RATIO = 8.0, 0.2
"""Held-out ratios of error to spread beyond so many of their median, or of this least median, are cut."""
INDEPENDENT = 20.0
"""Windows that the correlations of a random walk, √(h/k) of steps h < k, count for."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """What held-out forecasts show about the errors of future forecasts."""

    ratios: Floats  # (G, H, Q) quantiles of error over spread at calibration.LEVELS
    positions: Floats  # (G, m) size by position in the season
    factors: Floats  # (S,) of the series it was fitted on
    volatility: Floats  # (G, 2) alpha, beta
    mixing: Floats  # (G, H, H) lower triangular: correlations of the normal scores are M Mᵀ
    network_share: float = 0.0
    """Of the pretrained networks in the spread; 0: it needs none."""

    def to_arrays(self) -> dict[str, Floats]:
        """For the model file, where the share of the networks stands in the configuration."""
        return {name: getattr(self, name) for name in PARTS}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Floats], network_share: float = 0.0) -> Distribution:
        """From what `to_arrays` gave."""
        return Distribution(**{name: arrays[name] for name in PARTS}, network_share=network_share)

    def fits(self, horizon: int, series: int) -> bool:
        """Whether the arrays belong together, for so many steps and series."""
        kinds, season = self.positions.shape
        return (
            self.ratios.shape == (kinds, horizon, len(SCORES))
            and self.factors.shape == (series,)
            and self.volatility.shape == (kinds, 2)
            and self.mixing.shape == (kinds, horizon, horizon)
            and 0 <= self.network_share <= 1
            and season > 0
            and bool((np.diff(self.ratios, axis=2) >= 0).all())
            and self._in_range()
        )

    def _in_range(self) -> bool:
        """Whether sizes are not negative, and the volatility is one that dies away."""
        alpha, beta = self.volatility.T
        sizes = np.concatenate([self.positions.ravel(), self.factors, alpha])
        return bool((sizes >= 0).all() and (beta > 0).all() and (alpha + beta < 1).all())

    def forecast(
        self,
        history: PastRows,
        point: Floats,
        kinds: Ints,
        seasons: tuple[int, ...],
        factors: Floats | None = None,
        sides: Floats | None = None,
    ) -> Quantiles:
        """Quantiles around the forecasts `point` (S, H), H at most the fitted horizon.

        `kinds` (S,): the kind of each series; `factors` (S,): its factor, 1 for a series not seen before.
        None: 1 for all. `sides` (2, S, H): expected |error| by the pretrained networks, if they have a share.
        """
        horizon = point.shape[1]
        own = _spreads(history, self.ratios.shape[1], kinds, seasons, self.volatility)[:, :horizon]
        size = with_network(own, sides, self.network_share)
        season = self.positions.shape[1]
        ahead = ((history.origins + history.first)[:, None] + np.arange(horizon)) % season
        size *= self.positions[kinds[:, None], ahead]
        if factors is not None:
            size *= factors[:, None]
        ratios, mixing = self.ratios[:, :horizon], self.mixing[:, :horizon, :horizon]
        return Quantiles(point, size, ratios, mixing, kinds, history.log)


@dataclass(frozen=True, eq=False)
class Quantiles:
    """The distributions of S series at H steps; all levels come from one set of quantiles."""

    point: Floats  # (S, H), which is also the median
    size: Floats  # (2, S, H) spread times factor, below and above the forecast
    ratios: Floats  # (G, H, Q)
    mixing: Floats  # (G, H, H)
    kinds: Ints  # (S,)
    log: Bools  # (S,)

    def quantile(self, level: float) -> Floats:
        """The quantile at a level between 0 and 1 (S, H). Raises UsageError for another level."""
        if not 0 < level < 1:
            raise UsageError(f"quantile {level:g} is not between 0 and 1", hint="Use for instance 0.1.")
        right, share = _place(np.array(NormalDist().inv_cdf(level)))
        ratio = self.ratios[:, :, right - 1] * (1 - share) + self.ratios[:, :, right] * share  # (G, H)
        return outcomes(self.point, _times(self.size, ratio[self.kinds]), self.log)

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Lower and upper bounds (S, H) of the central interval that covers `level` percent."""
        if not 0 < level < 100:
            raise UsageError(
                f"interval level {level:g} is not between 0 and 100", hint="Use for instance 80 95."
            )
        return self.quantile(0.5 - level / 200), self.quantile(0.5 + level / 200)

    def samples(self, count: int, rng: np.random.Generator, series: Ints | None = None) -> Floats:
        """`count` paths of each of some series (all by default): (B, count, H).

        Series one after the other draw from `rng`, so that a path is the same whatever comes after it.
        """
        series = np.arange(len(self.point)) if series is None else series
        shape = count, self.point.shape[1]
        paths = np.empty((len(series), *shape))
        for place, number in enumerate(series):
            paths[place] = self.path(int(number), rng.standard_normal(shape))
        return paths

    def path(self, series: int, scores: Floats) -> Floats:
        """Paths (N, H) of a series, from independent normal scores."""
        kind, steps = self.kinds[series], np.arange(scores.shape[1])
        right, share = _place(scores @ self.mixing[kind].T)
        table = self.ratios[kind]
        ratio = table[steps, right - 1] * (1 - share) + table[steps, right] * share  # (N, H)
        return outcomes(self.point[series], _times(self.size[:, series], ratio), self.log[series])


def _times(size: Floats, ratio: Floats) -> Floats:
    """Deviations (…, H) with these ratios of size (2, …, H), which is below the forecast or above it."""
    return np.where(ratio < 0, size[0], size[1]) * ratio


def _place(scores: Floats) -> tuple[Ints, Floats]:
    """The upper of the two quantiles around normal scores, and the share of it; beyond all, the outermost."""
    right = np.clip(np.searchsorted(SCORES, scores), 1, len(SCORES) - 1)
    return right, (scores - SCORES[right - 1]) / (SCORES[right] - SCORES[right - 1])


def fit(
    histories: Sequence[PastRows],
    point: Floats,
    actual: Floats,
    kinds: Ints,
    count: int,
    seasons: tuple[int, ...],
    sides: Floats | None = None,
) -> Distribution:
    """Learn from forecasts `point` (O, S, H) of `actual`, from the origins that the O histories end at.

    The newest history is the last. NaN without a forecast or an observed value; O may be 0 (then `histories`
    is one, with all known rows). `kinds` (S,) below `count`: series that are alike, in scale too. `sides`
    (O, 2, S, H): expected |error| below and above by pretrained networks; None: they have no share.
    """
    newest = histories[-1]
    horizon = point.shape[2]
    season = min((m for m in seasons if m > 1), default=1)
    volatility = np.array([_volatility(newest, kinds == kind, horizon, seasons) for kind in range(count)])
    share = 0.0 if sides is None else SHARE
    sizes, ratios = np.zeros(point.shape), np.full(point.shape, np.nan)
    origins = np.full(point.shape[:2], -1, np.int64)
    for number in range(len(point)):
        history = histories[number]
        own = _spreads(history, horizon, kinds, seasons, volatility)
        both = with_network(own, None if sides is None else sides[number], share)
        sizes[number] = both.mean(axis=0)
        deviation = deviations(actual[number], point[number], history.log)
        size = np.where(deviation < 0, both[0], both[1])
        np.divide(deviation, size, out=ratios[number], where=size > 0)
        origins[number] = history.origins
    ratios = _without_extremes(ratios, kinds, count)
    learned = calibrate(ratios, origins, kinds, count, season=season, first=newest.first)
    table = learned.quantiles
    if season == 1:
        growth = [_growth(sizes[:, kinds == kind]) for kind in range(count)]
        table = np.stack([widening(*pair) for pair in zip(table, growth, strict=True)])
    scores = ratio_scores(ratios, learned, origins, kinds, newest.first)
    mixing = np.stack([_mixing(scores[:, kinds == kind]) for kind in range(count)])
    return Distribution(table, learned.positions, learned.factors, volatility, mixing, share)


def _without_extremes(ratios: Floats, kinds: Ints, count: int) -> Floats:
    """Ratios (O, S, H), cut at EXTREME times the median size of their kind.

    A change of level that is too new to be recognised does not measure errors to come.
    """
    for kind in range(count):
        mine = ratios[:, kinds == kind]
        size = np.abs(mine[np.isfinite(mine)])
        if size.size:
            most = EXTREME * max(float(np.median(size)), LEAST_RATIO)
            ratios[:, kinds == kind] = np.clip(mine, -most, most)
    return ratios


def _volatility(history: PastRows, mine: Bools, horizon: int, seasons: tuple[int, ...]) -> Volatility:
    """The volatility of a kind, chosen by evenly spaced series of it."""
    series = np.flatnonzero(mine & (history.origins > 0))
    series = series[:: max(1, -(-len(series) // SAMPLED))]
    season = min((m for m in seasons if m > 1), default=1)
    return choose(one_step_errors(history.take(series), horizon, seasons), season)


def _spreads(
    history: PastRows, horizon: int, kinds: Ints, seasons: tuple[int, ...], volatility: Floats
) -> Floats:
    """The spread (S, H) of series, kind by kind."""
    result = np.zeros((len(history), horizon))
    for kind in np.unique(kinds):
        series = np.flatnonzero(kinds == kind)
        alpha, beta = volatility[kind].tolist()
        result[series] = spread(history.take(series), horizon, seasons, Volatility(alpha, beta))
    return result


def _growth(sizes: Floats) -> Floats:
    """How spreads (O, S, H) usually grow with the step (H,); by √h without any."""
    moved = sizes.reshape(-1, sizes.shape[2])
    moved = moved[(moved > 0).all(axis=1)]
    if not len(moved):
        return np.sqrt(np.arange(1.0, sizes.shape[2] + 1))
    return np.median(moved / moved[:, :1], axis=0)


def _mixing(scores: Floats) -> Floats:
    """The lower triangular root (H, H) of the correlations of normal scores (O, S, H) along the horizon."""
    horizon = scores.shape[2]
    steps = np.arange(1.0, horizon + 1)
    walk = np.sqrt(np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps))
    rows = scores[np.isfinite(scores).all(axis=2)]  # (n, H)
    covariance = INDEPENDENT * walk + rows.T @ rows
    deviation = np.sqrt(np.diag(covariance))
    return np.linalg.cholesky(covariance / np.outer(deviation, deviation) + 1e-9 * np.eye(horizon))
