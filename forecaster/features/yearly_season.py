"""The season of the year in daily series, as a few waves of the date, where the past says that it helps.

Weekly means m_w are the rows without their week. Their changes over LAG weeks are fitted by the changes of K
waves a year, and a drift:

    m_w − m_{w−LAG} = drift + Σ_k a_k Δcos(2πk t_w) + b_k Δsin(2πk t_w) + error        t in years

Changes, since levels that wander look like a season by chance, and since a change is what a forecast misses.
The past is then cut into years, and the changes of each are forecast by the waves fitted to the others. The
waves are used where this takes at least GAIN_YEARS / years of the squared changes, times the slope of the
actual changes on those forecast (at most 1), as in cross-validated shrinkage (Copas 1983).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.panel import Panel

DAY_NS = 86_400_000_000_000
YEAR = 365.2425
"""Days."""
WAVES = 3
"""K: waves of a year, half a year and four months."""
LAG = 8
LEAST_WEEKS, MOST_WEEKS = 104, 313
"""Two years, and six: seasons change."""
LEAST_CHANGES = 75
"""Known changes of a series at least; two years have 96."""
GAIN_YEARS = 0.7
"""Two years of a random walk may agree by chance, more of them rarely do."""
RIDGE = 1e-6
BLOCK = 512
"""Series fitted at once."""


@dataclass(frozen=True)
class YearlySeason:
    """The waves of each series."""

    coefficients: Floats
    """(S, 2 K) of cosines and sines, in the scale of the series; zero where there is no season."""

    def at(self, series: Ints, time: Ints) -> Floats:
        """The season of series[b] at times (B, H), ns UTC."""
        return np.einsum("bhk,bk->bh", _waves(time), self.coefficients[series])

    def ahead(self, panel: Panel, series: Ints, origins: Ints, horizon: int, days_a_week: int) -> Floats:
        """The season of the rows origins[b] … origins[b]+H−1 of series[b]: (B, H)."""
        last = panel.time[panel.offsets[series] + origins - 1]
        steps = np.arange(1, horizon + 1) * (7 * DAY_NS // days_a_week)
        return self.at(series, last[:, None] + steps)

    def without(self, x: Floats, panel: Panel, origins: Ints, rows: int) -> Floats:
        """x (N,) with the season taken from the newest `rows` rows, at most two years, before each origin."""
        seasonal = np.flatnonzero(self.coefficients.any(axis=1))
        if not seasonal.size:
            return x
        x = x.copy()
        for some in np.array_split(seasonal, -(-len(seasonal) // BLOCK)):
            row = _newest_rows(panel, origins, some, rows)
            x[row] -= self.at(some, panel.time[row])
        return x


def yearly_season(panel: Panel, x: Floats, origins: Ints, days_a_week: int) -> YearlySeason:
    """Fit the first origins[s] rows of each series of x (N,), NaN where unknown; each row is a day.

    `days_a_week`: rows of each week.
    """
    coefficients = np.zeros((len(panel), 2 * WAVES))
    weeks = np.minimum(origins // days_a_week, MOST_WEEKS)
    for count in np.unique(weeks[weeks >= LEAST_WEEKS]):
        same = np.flatnonzero(weeks == count)
        for some in np.array_split(same, -(-len(same) // BLOCK)):
            row = _newest_rows(panel, origins, some, int(count) * days_a_week)
            row = row.reshape(len(some), count, days_a_week)
            middle = panel.time[row[:, :, days_a_week // 2]]
            coefficients[some] = _fit(_known_mean(x[row]), _waves(middle))
    return YearlySeason(coefficients)


def _newest_rows(panel: Panel, origins: Ints, series: Ints, count: int) -> Ints:
    """The `count` rows before the origins (B, count), which the series have."""
    stop = panel.offsets[series] + origins[series]
    return np.asarray(stop[:, None] - np.arange(count, 0, -1))


def _known_mean(values: Floats) -> Floats:
    """The mean of the finite values along the last axis; NaN without any."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _waves(time: Ints) -> Floats:
    """Cosines and sines of the year (…, 2 K) at times (…), ns UTC."""
    angle = 2 * np.pi * (time / DAY_NS / YEAR)[..., None] * np.arange(1, WAVES + 1)
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=-1)


def _fit(means: Floats, waves: Floats) -> Floats:
    """Coefficients (B, 2 K) from weekly means (B, W), NaN where unknown, and the waves then (B, W, 2 K)."""
    change = means[:, LAG:] - means[:, :-LAG]
    used = np.isfinite(change)
    count = used.sum(axis=1)
    drift = np.where(used, change, 0.0).sum(axis=1) / np.maximum(count, 1)
    change = np.where(used, change - drift[:, None], 0.0)
    one = np.ones((*change.shape, 1))
    inputs = np.concatenate([waves[:, LAG:] - waves[:, :-LAG], one], axis=2) * used[:, :, None]
    years = max(2, change.shape[1] // 52)
    parts = np.array_split(np.arange(change.shape[1]), years)
    squares = [np.einsum("bwp,bwq->bpq", inputs[:, part], inputs[:, part]) for part in parts]
    products = [np.einsum("bwp,bw->bp", inputs[:, part], change[:, part]) for part in parts]
    forecast = np.zeros_like(change)
    for part, square, product in zip(parts, squares, products, strict=True):
        of_others = _solved(sum(squares) - square, sum(products) - product)
        forecast[:, part] = np.einsum("bwp,bp->bw", inputs[:, part, :-1], of_others[:, :-1])
    total = (change * change).sum(axis=1)
    left = ((change - forecast) ** 2).sum(axis=1)
    slope = (change * forecast).sum(axis=1) / np.maximum((forecast * forecast).sum(axis=1), 1e-300)
    helps = (count >= LEAST_CHANGES) & (total > 0) & (left <= (1 - GAIN_YEARS / years) * total)
    kept = np.where(helps, np.clip(slope, 0, 1), 0.0)
    return np.asarray(_solved(sum(squares), sum(products))[:, :-1] * kept[:, None])


def _solved(square: Floats, product: Floats) -> Floats:
    """Least squares (B, P), with a ridge for waves that too few weeks show."""
    size = square.shape[-1]
    trace = np.trace(square, axis1=1, axis2=2)[:, None, None] / size
    return np.linalg.solve(square + (RIDGE * trace + 1e-300) * np.eye(size), product[:, :, None])[:, :, 0]
