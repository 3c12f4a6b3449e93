"""Expected demand of series that are mostly zero: Croston's method, corrected, and that of Teunter et al.

Both smooth the size z of a demand, and how often there is one, and forecast the same mean demand for every
row to come. They differ in what they do between demands.

SBA (Croston 1972; corrected by Syntetos & Boylan 2005). After each demand, with q rows since the one before,
    z ← z + α (y − z)        p ← p + α (q − p)        forecast (1 − α/2) z / p

TSB (Teunter, Syntetos & Babai 2011). With π the probability of a demand,
    every row: π ← π + β (1[y ≠ 0] − π)        after a demand: z ← z + α (y − z)        forecast π z
so that the forecast falls while nothing is asked for.

The parameters come from a grid, for each series those with the least squared one-step error: the mean is what
minimises it. Absolute errors would choose zero. Size and frequency begin at their means over all rows known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Bools, Floats

ALPHAS = np.array([0.02, 0.05, 0.1, 0.2, 0.3])
"""Of SBA, and of size and probability in TSB. The first of equally good ones is taken: the slowest."""
TIE = 1e-9
"""Errors this near to each other are equal."""


@dataclass(frozen=True, eq=False)
class Demand:
    """Expected demand in each row to come, and the root of the mean squared one-step error, each (B,)."""

    mean: Floats
    deviation: Floats


def croston_sba(y: Floats, inside: Bools, horizon: int) -> Floats:
    """Forecasts (B, H) of y (n, B), newest last, of which only rows that are `inside` are read."""
    return np.repeat(sba_demand(y, inside).mean[:, None], horizon, axis=1)


def tsb(y: Floats, inside: Bools, horizon: int) -> Floats:
    """Forecasts (B, H) of y (n, B), newest last, of which only rows that are `inside` are read."""
    return np.repeat(tsb_demand(y, inside).mean[:, None], horizon, axis=1)


def sba_demand(y: Floats, inside: Bools) -> Demand:
    """Demand by the method of Syntetos & Boylan; a row outside neither counts as a row nor as a demand."""
    alpha = ALPHAS[:, None]
    y = np.where(inside, y, 0.0)
    size, share = _means(y, inside)
    size, interval = (np.repeat(v[None], len(alpha), axis=0) for v in (size, 1 / share))  # (grid, B)
    since = np.zeros(y.shape[1])
    squared = np.zeros(size.shape)
    for now, here in zip(y, inside, strict=True):
        squared += here * (now - (1 - alpha / 2) * size / interval) ** 2
        since += here
        demand = now != 0
        size += demand * alpha * (now - size)
        interval += demand * alpha * (since - interval)
        since[demand] = 0.0
    return _best((1 - alpha / 2) * size / interval, squared, inside)


def tsb_demand(y: Floats, inside: Bools) -> Demand:
    """Demand by the method of Teunter, Syntetos & Babai; a row outside changes nothing."""
    alpha, beta = (grid.reshape(-1, 1) for grid in np.meshgrid(ALPHAS, ALPHAS, indexing="ij"))
    y = np.where(inside, y, 0.0)
    size, probability = (np.repeat(v[None], len(alpha), axis=0) for v in _means(y, inside))  # (grid, B)
    squared = np.zeros(size.shape)
    for now, here in zip(y, inside, strict=True):
        squared += here * (now - probability * size) ** 2
        demand = now != 0
        size += demand * alpha * (now - size)
        probability += here * beta * (demand - probability)
    return _best(probability * size, squared, inside)


def _means(y: Floats, inside: Bools) -> tuple[Floats, Floats]:
    """Mean size of a demand, and the share of rows with one; of a series without any, 0 and a half row's."""
    rows, demands = inside.sum(axis=0), (y != 0).sum(axis=0)
    return y.sum(axis=0) / np.maximum(demands, 1), np.maximum(demands, 0.5) / np.maximum(rows, 1)


def _best(forecast: Floats, squared: Floats, inside: Bools) -> Demand:
    """For each series that of the grid (G, B) with the least squared error."""
    best = (squared <= squared.min(axis=0) * (1 + TIE)).argmax(axis=0)
    column = np.arange(forecast.shape[1])
    rows = np.maximum(inside.sum(axis=0), 1)
    return Demand(forecast[best, column], np.sqrt(squared[best, column] / rows))
