"""Calibration: one coherent set of quantiles for every series and step, from held-out errors.

The error of a forecast is its spread (see `spread`) times a *ratio*; what is learned is the distribution of
the ratio, in layers. Each layer is shrunk towards the one before, the more so the fewer windows it has:

    all series            →  the kind  →  the step          how large the ratio is, and its shape
                             the kind  →  the position      how large it is at a position in the season
                             the kind  →  the series        how large it is

    q_τ(s, h) = x̂(s, h) + spread(s, h) · factor(s) · size(kind, position) · size(kind, h) · shape_τ(kind, h)

Every layer is a mean of non-decreasing functions of τ, so that quantiles never cross, at any level, and all
levels widen together. Averaging quantiles: Vincent (1912); Ratcliff (1979). The conformal idea, quantiles
from held-out errors: Vovk, Gammerman & Shafer (2005).

G kinds, O origins, S series, H steps, Q levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from forecaster.arrays import Bools, Floats, Ints

_LOWER = (0.005, 0.01, 0.025, *(number / 20 for number in range(1, 10)))
LEVELS = np.array([*_LOWER, 0.5, *(1 - level for level in reversed(_LOWER))])
"""Levels of the stored quantiles. Levels between them are interpolated, levels beyond them extrapolated."""
MEDIAN = len(LEVELS) // 2
SCORES = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
"""These levels as normal scores: quantiles are nearly straight lines over them."""
SIZE = 1.05
"""Mean |ratio| without held-out rows: that of sensors, prices and competition series."""
TAIL = 0.35
"""Shape without held-out rows: z (1 + TAIL (z² − 1)/12) of normal scores z, with wider tails."""
KIND, POSITION, STEP, SHAPE, STEP_SHAPE, SERIES = 10.0, 8.0, 4.0, 20.0, 60.0, 6.0
"""Regularisation strength: the windows that the layer before counts for. In the size of a kind, of a position
in the season and of a step, in the shape of a kind and of a step, and in the size of a series."""
LEAST = 0.05
"""Smallest size of a position, relative to that of all."""
ENOUGH = 60.0
"""Windows at a step; with fewer, neighbouring steps are pooled with it."""
EXTREME = 50.0
"""Ratios beyond this many times their median size are cut before sizes are averaged."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is learned from held-out errors and kept in the model."""

    quantiles: Floats  # (G, H, Q) of the ratio at LEVELS, non-decreasing along Q
    positions: Floats  # (G, m) size by position in the season over that of all; (G, 1) of ones without
    factors: Floats  # (S,) by series of the table calibrated on


def calibrate(
    ratios: Floats, origins: Ints, kinds: Ints, count: int, *, season: int = 1, first: Ints | None = None
) -> Calibration:
    """Learn from ratios (O, S, H), signed errors over spread of forecasts from `origins` (O, S).

    NaN where there is no observed value or no forecast. `kinds` (S,): below `count`. `season` in rows, and
    `first` (S,) the position in it of the first row of each series, zero if None. Where all origins lie at
    one position, neighbouring steps are pooled, so that an effect of the position is not attributed to the
    step.
    """
    origins = np.where(np.isfinite(ratios).any(axis=2), origins, -1)
    first = np.zeros(ratios.shape[1], np.int64) if first is None else first
    learned, factors = [], np.ones(ratios.shape[1])
    for kind in range(count):
        mine = np.flatnonzero((kinds == kind) & (origins >= 0).any(axis=0))
        windows = _Windows(ratios[:, mine], origins[:, mine], first[mine], season)
        table, positions, factors[mine] = _calibrate_kind(windows)
        learned.append((table, positions))
    quantiles, positions = (np.stack(parts) for parts in zip(*learned, strict=True))
    return Calibration(quantiles, positions, factors)


def widening(table: Floats, growth: Floats) -> Floats:
    """Quantiles (H, Q) that, times growth (H,), move away from the forecast step by step."""
    return _widening(table * growth[:, None]) / growth[:, None]


def _widening(table: Floats) -> Floats:
    """The quantiles (H, Q), none nearer to the forecast than at the step before.

    The mean of the running maximum and the minimum of the later steps, which keeps the order of the levels.
    """
    size = np.abs(table)
    so_far = np.maximum.accumulate(size, axis=0)
    to_come = np.minimum.accumulate(size[::-1], axis=0)[::-1]
    return np.sign(SCORES) * (so_far + to_come) / 2


def prior_shape() -> Floats:
    """Quantiles (Q,) at LEVELS of errors whose mean size is one, without held-out rows."""
    shape = SCORES * (1 + TAIL * (SCORES**2 - 1) / 12)
    dense = NormalDist()
    z = np.array([dense.inv_cdf((number + 0.5) / 2000) for number in range(2000)])
    return shape / np.abs(z * (1 + TAIL * (z**2 - 1) / 12)).mean()


@dataclass(frozen=True, eq=False)
class _Windows:
    """The held-out windows of a kind."""

    ratios: Floats  # (O, S, H)
    origins: Ints  # (O, S)
    first: Ints  # (S,)
    season: int

    @property
    def position(self) -> Ints:
        """Where in the season the rows lie (O, S, H)."""
        start = np.where(self.origins >= 0, self.origins, 0) + self.first
        return (start[..., None] + np.arange(self.ratios.shape[2])) % self.season

    def reach(self, total: float) -> int:
        """How many steps on either side are pooled with a step, see `_pools`."""
        few = int(np.ceil(ENOUGH / 2 / total)) if total < ENOUGH else 0
        return max(
            few,
            round(_alignment(self.origins + self.first, self.origins >= 0, self.season) * self.season / 2),
        )


def _calibrate_kind(windows: _Windows) -> tuple[Floats, Floats, Floats]:
    """Quantiles of the ratio (H, Q) of a kind, its sizes by position (m,), and the factors (S,)."""
    ratios, origins = windows.ratios, windows.origins
    horizon = ratios.shape[2]
    each = _filled_horizons(origins, horizon)
    total = float(each.sum())
    if not total:
        table = np.tile(SIZE * prior_shape(), (horizon, 1))
        return table, np.ones(windows.season), np.ones(ratios.shape[1])
    known = total / np.sqrt(len(each))  # errors of series at one time are correlated
    size = _size(ratios)
    level = (known * float((_mean(size, (0, 2)) * each).sum() / total) + KIND * SIZE) / (known + KIND)
    factors = _factors(size, origins, level, apart=0)[0]
    ratios = ratios / _factors(size, origins, level, apart=horizon)[..., None]
    positions = _by_position(_size(ratios), windows, known)
    ratios /= positions[windows.position]
    table = level * _by_step(ratios, total, known, windows.reach(total))
    return table, positions, factors


def _by_step(ratios: Floats, total: float, known: float, reach: int) -> Floats:
    """Quantiles (H, Q) of ratios (O, S, H) relative to their mean size."""
    sizes = np.array([_mean(part, None) for part in _pools(_size(ratios), reach)])
    sizes /= max(float(sizes.mean()), 1e-12)
    sizes = (total * sizes + STEP) / (total + STEP)  # (H,)
    scaled = ratios / (sizes * max(float(_mean(_size(ratios), None)), 1e-12))
    shape = _mixed(_quantiles(scaled), prior_shape(), known / (known + SHAPE))
    shapes = [_mixed(_quantiles(part), shape, total / (total + STEP_SHAPE)) for part in _pools(scaled, reach)]
    return sizes[:, None] * np.stack(shapes)


def _by_position(size: Floats, windows: _Windows, known: float) -> Floats:
    """Mean size at each position in the season over that of all (m,), shrunk towards one.

    Positions are taken together with their neighbours, a twenty-fourth of a season on either side.
    """
    season = windows.season
    if season == 1:
        return np.ones(1)
    seen = np.isfinite(size)
    place = windows.position[seen]
    around = np.arange(-(season // 24), season // 24 + 1)[:, None] + np.arange(season)
    total = np.bincount(place, size[seen], season)[around % season].sum(axis=0)
    count = np.bincount(place, minlength=season)[around % season].sum(axis=0)
    mean = max(float(size[seen].mean()), 1e-12)
    relative = np.where(count > 0, total / np.maximum(count, 1) / mean, 1.0)
    share = min(1.0, size.shape[2] / season) * known
    return np.maximum((share * relative + POSITION) / (share + POSITION), LEAST)


def _size(ratios: Floats) -> Floats:
    """|ratio|, cut where it is extreme; NaN stays.

    Where more than half are zero, as forecasts of regular counts may be, extreme is far beyond the others.
    """
    size = np.abs(ratios)
    seen = size[np.isfinite(size)]
    if not seen.any():
        return size
    usual = float(np.median(seen)) or float(np.median(seen[seen > 0]))
    return np.minimum(size, EXTREME * max(usual, 1e-12))


def _factors(size: Floats, origins: Ints, level: float, *, apart: int) -> Floats:
    """How much larger than `level` the ratios of each series are (O, S), from all origins at least `apart`.

    With `apart` = H, only from origins whose held-out rows do not overlap those of the origin: a factor is
    always used on rows that it was not learned from.
    """
    mean = _mean(size, 2)  # (O, S)
    seen = origins >= 0
    result = np.ones(origins.shape)
    if origins.shape[1] == 1:  # the size of the kind is that of its only series
        return result
    for number, end in enumerate(origins):
        used = seen & (np.abs(origins - end) >= apart)
        windows = _filled_horizons(np.where(used, origins, -1), size.shape[2])
        own = np.where(used, mean, 0.0).sum(axis=0) / np.maximum(used.sum(axis=0), 1)
        result[number] = (windows * own + SERIES * level) / (windows + SERIES) / level
    return result


def _pools(values: Floats, reach: int) -> list[Floats]:
    """The values (O, S, …) at each step h and the steps around, h/2 or `reach` to either side, the lesser."""
    widths = [min((step + 1) // 2, reach) for step in range(values.shape[2])]
    return [values[:, :, step - width : step + width + 1] for step, width in enumerate(widths)]


def _quantiles(values: Floats) -> Floats:
    """Quantiles (Q,) minus their median, so that the forecast stays the median; NaN without values.

    A bias of held-out errors is mostly chance of the time they cover, and does not repeat.
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return np.full(len(LEVELS), np.nan)
    quantiles = np.quantile(values, LEVELS)
    return quantiles - quantiles[MEDIAN]


def _mixed(own: Floats, before: Floats, weight: float) -> Floats:
    return weight * own + (1 - weight) * before if np.isfinite(own).all() else before


def _mean(values: Floats, axis: int | tuple[int, ...] | None) -> Floats:
    """Mean over what is not NaN; zero without any."""
    seen = np.isfinite(values)
    return np.where(seen, values, 0.0).sum(axis=axis) / np.maximum(seen.sum(axis=axis), 1)


def _filled_horizons(origins: Ints, horizon: int) -> Floats:
    """How many horizons the rows after `origins` (O, S) fill, those of overlapping windows once (S,)."""
    origins = np.sort(origins, axis=0)
    apart = np.diff(origins, axis=0, append=origins[-1:] + horizon)
    return np.where(origins >= 0, np.clip(apart, 0, horizon), 0).sum(axis=0) / horizon


def _alignment(position: Ints, used: Bools, season: int) -> float:
    """0 for origins spread over the whole season, 1 for origins at one position: the length of their mean."""
    if season < 2 or not used.any():
        return 0.0
    return float(np.abs(np.exp(2j * np.pi * position[used] / season).mean()))


def ratio_scores(ratios: Floats, learned: Calibration, origins: Ints, kinds: Ints, first: Ints) -> Floats:
    """Normal scores of ratios (O, S, H) within the quantiles of their kinds; NaN stays NaN.

    Ratios beyond the outermost quantiles get the outermost scores.
    """
    season = learned.positions.shape[1]
    position = ((origins + first)[..., None] + np.arange(ratios.shape[2])) % season
    ratios = ratios / (learned.factors[:, None] * learned.positions[kinds[:, None], position])
    scores = np.full(ratios.shape, np.nan)
    for kind, table in enumerate(learned.quantiles):
        mine = np.flatnonzero(kinds == kind)
        for step, row in enumerate(table):
            scores[:, mine, step] = np.interp(ratios[:, mine, step], row, SCORES)
    return scores
