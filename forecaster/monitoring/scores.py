"""Scores: how unusual each observation is, given forecasts from before it.

    g    normal score of a value within the quantiles of its forecast: 0 at the median, ±1.96 at the ends of
         the 95 % interval
    w    g, given the score of the row before it by the same forecast: what is new at this row
    u    w, given the last ORDER w before it: as nearly without memory as a few numbers make it
    c    level: the median g of the last ROWS rows, by forecasts made at least a block before them

Errors h steps after an origin are taken for sums e_h = φ e_{h−1} + noise with e_0 = 0: a random walk where
φ = 1, without memory where φ = 0. Their variance is v_h = 1 + φ² + … + φ^{2(h−1)}, so that the correlation of
g_h and g_{h−1} is φ √(v_{h−1}/v_h).

S series, R rows of each, the newest last; Q levels. NaN where nothing is known.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from forecaster.arrays import Floats, Ints

LEVELS = (0.005, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.995)
"""Levels of the quantiles that values are compared with."""
SCORES = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
MEDIAN = len(LEVELS) // 2
LARGEST = 50.0
"""Scores are cut here: beyond, their size means nothing."""
GRID = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995, 1.0)
"""φ is one of these."""
POOLED = 50.0
"""Rows of its own that what all series show counts for, in φ and in the memory of w."""
ORDER = 4
WIDE = 4.0
"""Scores are cut here where memory is measured or removed: one spike shall not echo."""
ROWS, LEAST_ROWS = 7, 5
"""Rows of a level, and how many of them must be known. Three rows or fewer never move the median of 7."""
FREEDOM = 3.0
"""Degrees of freedom of the t distribution that φ is chosen by: outliers count little."""


def normal_scores(values: Floats, table: Floats, least: Floats) -> Floats:
    """Scores g (S, R) of values (S, R) within quantiles `table` (Q, S, R) at LEVELS, non-decreasing along Q.

    Along straight lines between quantiles, and on with the mean slope of that side beyond the outermost.
    `least` (S,): the least unit of a score there, for intervals without width. A value that several quantiles
    share has the score nearest to zero.
    """
    below, within = (table < values).sum(axis=0), (table <= values).sum(axis=0)
    right = np.clip(below, 1, len(LEVELS) - 1)
    low, high = (np.take_along_axis(table, (right - shift)[None], axis=0)[0] for shift in (1, 0))
    gap = high - low
    share = np.divide(values - low, gap, where=gap > 0, out=np.full_like(values, 0.5))
    result = SCORES[right - 1] + share * (SCORES[right] - SCORES[right - 1])
    tied = within > below
    last = np.maximum(within, 1) - 1
    result = np.where(tied, np.clip(0.0, SCORES[np.minimum(below, last)], SCORES[last]), result)
    for end, outside in ((0, within == 0), (-1, below == len(LEVELS))):
        unit = np.maximum((table[end] - table[MEDIAN]) / SCORES[end], least[:, None])
        beyond = np.divide(values - table[end], unit, where=unit > 0, out=np.full_like(values, LARGEST))
        result = np.where(outside, SCORES[end] + beyond, result)
    known = np.isfinite(values) & np.isfinite(table).all(axis=0)
    return np.where(known, np.clip(result, -LARGEST, LARGEST), np.nan)


def correlation(phi: Floats, lead: Ints) -> Floats:
    """The correlation of the errors `lead` and `lead` − 1 steps after an origin; zero for the first step."""
    phi, lead = np.broadcast_arrays(phi, np.maximum(lead, 1).astype(np.float64))
    square = np.minimum(phi * phi, 1 - 1e-9)
    before, now = 1 - square ** (lead - 1), 1 - square**lead
    return np.sqrt(np.where(phi >= 1, (lead - 1) / lead, square * before / now))


def conditional(score: Floats, lead: Ints, phi: Floats) -> Floats:
    """Scores w (S, R) of scores g (S, R), `lead` (S, R) steps after the origin of each; φ (S,).

    After a row without a score, and at the first step, w is g.
    """
    before = _shifted(score, 1)
    rho = _correlations(before, lead, phi)
    return (score - rho * np.nan_to_num(before)) / np.sqrt(1 - rho * rho)


def _correlations(before: Floats, lead: Ints, phi: Floats) -> Floats:
    """The correlation (S, R) of each score with that of the row before it, zero where there is none."""
    leads = np.arange(int(lead.max(initial=0)) + 1)
    rho = np.take_along_axis(correlation(phi[:, None], leads), lead, axis=1)
    return np.where(np.isfinite(before) & (lead > 1), rho, 0.0)


def fit_phi(score: Floats, lead: Ints) -> Floats:
    """φ (S,) by the likelihood of each series, and of all as if they were POOLED rows of it."""
    each = np.empty((len(GRID), len(score)))
    for place, value in enumerate(GRID):
        phi = np.full(len(score), value)
        w, rho = conditional(score, lead, phi), _correlations(_shifted(score, 1), lead, phi)
        likely = -(FREEDOM + 1) / 2 * np.log1p(w * w / FREEDOM) - np.log1p(-rho * rho) / 2
        each[place] = np.nansum(likely, axis=1)
    count = max(int(np.isfinite(score).sum()), 1)
    total = each + POOLED * each.sum(axis=1, keepdims=True) / count
    return np.array(GRID)[total.argmax(axis=0)]


def fit_memory(w: Floats) -> Floats:
    """Coefficients (S, ORDER) of the autoregression of w (S, R), by the equations of Yule and Walker."""
    x = np.nan_to_num(np.clip(w, -WIDE, WIDE))
    lags = np.stack([(x[:, lag:] * x[:, : x.shape[1] - lag]).sum(axis=1) for lag in range(ORDER + 1)], axis=1)
    count = max(int(np.isfinite(w).sum()), 1)
    lags = lags + POOLED * lags.sum(axis=0) / count  # (S, ORDER + 1)
    lags = np.where(lags[:, :1] > 0, lags / np.maximum(lags[:, :1], 1e-12), np.eye(1, ORDER + 1))
    place = np.abs(np.subtract.outer(np.arange(ORDER), np.arange(ORDER)))
    matrix = lags[:, place] + 1e-3 * np.eye(ORDER)
    return np.asarray(np.linalg.solve(matrix, lags[:, 1:, None])[..., 0])


def without_memory(w: Floats, memory: Floats) -> Floats:
    """Scores u (S, R) of scores w (S, R), by the coefficients of `fit_memory`; unknown w count as zero."""
    known = np.nan_to_num(np.clip(w, -WIDE, WIDE))
    expected = np.zeros_like(w)
    for lag in range(1, ORDER + 1):
        expected[:, lag:] += memory[:, lag - 1, None] * known[:, : max(w.shape[1] - lag, 0)]
    return w - expected


def levels(old: Floats) -> Floats:
    """Levels c (S, R): the median of the known among each score (S, R) and the ROWS − 1 before it."""
    padded = np.concatenate([np.full((len(old), ROWS - 1), np.nan), old], axis=1)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, ROWS, axis=1), axis=2)  # NaN last
    count = np.isfinite(windows).sum(axis=2)
    enough = count >= LEAST_ROWS
    low, high = np.where(enough, (count - 1) // 2, 0), np.where(enough, count // 2, 0)
    middle = sum(np.take_along_axis(windows, each[..., None], axis=2)[..., 0] for each in (low, high)) / 2
    return np.where(enough & np.isfinite(old), middle, np.nan)


def _shifted(values: Floats, lag: int) -> Floats:
    """The values `lag` rows earlier; NaN before the first."""
    return np.concatenate([np.full((len(values), lag), np.nan), values[:, :-lag]], axis=1)
