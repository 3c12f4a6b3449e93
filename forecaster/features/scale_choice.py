"""The scale of each series: logarithms, square roots or units, chosen from its known rows.

Where the spread s of a series grows with its level l as s ∝ l^b, the power λ = 1 − b makes the spread
constant (Bartlett 1947; Guerrero 1993 picks λ by the same ratio over blocks of one season). Here b is the
slope of log s on log l over blocks, shrunk towards a prior, which dominates in short series:

    b̂  = (Sxy/v + b0/v0) / (Sxx/v + 1/v0)        v: variance about the line; b0, v0: the prior

    b̂ > 1/2           λ = 0      logarithms
    1/4 < b̂ ≤ 1/2     λ = 1/2    square roots
    b̂ ≤ 1/4           λ = 1      units
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Floats, Ints
from forecaster.config import Scales
from forecaster.data.panel import Panel
from forecaster.data.rows.known_values import KnownValues, blocks_of_series, known_values, reduce_within
from forecaster.features.history import known_target
from forecaster.features.price_like import moves_like_a_price

SHORTEST_BLOCK = 4
LONGEST_BLOCK = 48
"""Rows of a block: one season within these limits."""
SEASONS = 8
"""With fewer seasons, blocks have the shortest size: a slope needs more than a few levels."""
SLOPE = 1.0
SLOPE_VARIANCE = 0.25
"""The prior: most positive series grow by ratios, so logarithms forecast them better."""
NOISE = 0.25
NOISE_BLOCKS = 4
"""The prior variance about the line, and the number of blocks that it counts for."""
TINY = 1e-3
"""Smallest spread of a block, relative to the mean spread of its series."""
WELL_ABOVE = 0.1
"""A series that stays above this fraction of its mean is well above zero."""
LOGARITHMS, ROOTS, UNITS = 0.0, 0.5, 1.0


def powers(panel: Panel, origins: Ints, scales: Scales) -> Floats:
    """The power λ of each series (S,), as `scales` says; directions, once unwrapped, stay in units."""
    if panel.turns is not None:
        straight = dataclasses.replace(panel, turns=None)
        return np.where(np.isfinite(panel.turns.size), UNITS, powers(straight, origins, scales))
    if scales == "each":
        return choose_powers(panel, origins)
    known = known_target(panel, origins)
    series = np.repeat(np.arange(len(panel)), panel.lengths)[known]
    least = np.full(len(panel), np.inf)
    np.minimum.at(least, series, panel.target[known])
    if scales == "logarithms":
        return np.where(least > 0, LOGARITHMS, UNITS)
    count = np.maximum(np.bincount(series, minlength=len(panel)), 1)
    mean = np.bincount(series, panel.target[known], len(panel)) / count
    return np.where(least > WELL_ABOVE * mean, LOGARITHMS, choose_powers(panel, origins))


@np.errstate(over="ignore", invalid="ignore")  # absurd values may overflow: then nothing is learned
def choose_powers(panel: Panel, origins: Ints) -> Floats:
    """The power λ of each series (S,): 0 for logarithms, ½ for square roots, 1 for units.

    Reads the first origins[s] rows of each series. A series with a negative value stays in units. A
    series with zeros has no logarithms, and gets roots instead.
    """
    target, observed = panel.target, panel.target_observed
    powers = [
        _powers(
            known_values(
                target[span], observed[span], panel.offsets[part.start : part.stop + 1], origins[part]
            ),
            panel.frequency.season,
            trading=panel.frequency.is_trading,
        )
        for part, span in blocks_of_series(panel.offsets)
    ]
    return np.concatenate(powers)


def _powers(seen: KnownValues, season: int, *, trading: bool) -> Floats:
    """`trading`: rows are business days or sessions, so that what moves like a price is one."""
    slope = _slopes(seen, season)
    power = np.where(slope > 0.5, LOGARITHMS, np.where(slope > 0.25, ROOTS, UNITS))
    least = seen.reduce(np.minimum, seen.values, 0.0)
    power = np.where(least > 0, power, np.maximum(power, ROOTS))
    power = np.where(least < 0, UNITS, power)
    price = moves_like_a_price(seen, least, season) & ((power < UNITS) | trading)
    return np.where(price, LOGARITHMS, power)  # volatility clusters would bias the slope


def to_scale(values: Floats, power: Floats) -> Floats:
    """log y, √y or y by the power, both of one shape; NaN where undefined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(
            power == LOGARITHMS, np.log(values), np.where(power == ROOTS, np.sqrt(values), values)
        )
    return np.where(np.isfinite(scaled), scaled, np.nan)


@np.errstate(over="ignore")  # the forecast is checked as a whole
def from_scale(scaled: Floats, power: Floats) -> Floats:
    """The inverse of `to_scale`; a negative root counts as zero."""
    root = np.maximum(scaled, 0.0)
    raised = np.exp(np.where(power == LOGARITHMS, scaled, 0.0))
    return np.where(power == LOGARITHMS, raised, np.where(power == ROOTS, root * root, scaled))


def _slopes(seen: KnownValues, season: int) -> Floats:
    """The slope of log spread on log level, shrunk towards the prior (S,)."""
    usual = int(np.clip(season, SHORTEST_BLOCK, LONGEST_BLOCK))
    level, spread, owner = _blocks(seen, np.where(seen.count >= SEASONS * season, usual, SHORTEST_BLOCK))
    count = len(seen.count)
    blocks = np.maximum(np.bincount(owner, minlength=count), 1)
    x = level - (np.bincount(owner, level, count) / blocks)[owner]
    y = spread - (np.bincount(owner, spread, count) / blocks)[owner]
    xx, xy, yy = (np.bincount(owner, product, count) for product in (x * x, x * y, y * y))
    left = np.maximum(yy - xy * xy / np.maximum(xx, 1e-300), 0.0)
    noise = (left + NOISE_BLOCKS * NOISE) / (np.maximum(blocks - 2, 0) + NOISE_BLOCKS)
    return np.asarray((xy / noise + SLOPE / SLOPE_VARIANCE) / (xx / noise + 1 / SLOPE_VARIANCE))


def _blocks(seen: KnownValues, size: Ints) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """log mean, log mean |step| and series of each full block of size[s] values, the last at the end."""
    from_end = seen.starts[1:][seen.series] - 1 - np.arange(len(seen.values))
    number = from_end // size[seen.series]
    begins = np.flatnonzero((np.diff(number, prepend=-1) != 0) | (np.diff(seen.series, prepend=-1) != 0))
    starts = np.append(begins, len(number))
    owner = seen.series[begins]
    filled = np.maximum(np.diff(starts), 1)
    level = reduce_within(np.add, seen.values, starts, 0.0) / filled
    size_of_step = np.abs(np.nan_to_num(seen.steps))
    spread = reduce_within(np.add, size_of_step, starts, 0.0) / filled
    usual = seen.total(size_of_step) / np.maximum(seen.count, 1)
    spread = np.maximum(spread, TINY * usual[owner])
    used = (filled == size[owner]) & (level > 0) & (spread > 0)
    return np.log(level[used]), np.log(spread[used]), owner[used]
