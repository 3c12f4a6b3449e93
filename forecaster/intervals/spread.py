"""The spread of a series: how large its forecast errors are expected to be, step by step, from its own past.

Before any forecast is tried, the errors that simple methods would have made on the known rows are the best
estimate of the errors of a good forecast. At each step take the smallest mean absolute error of:

    x̂_{t+h} = x_t                                                naive
    x̂_{t+h} = x_t + DRIFT h b,  b the mean of x_t − x_{t−1}      naive with a damped drift
    x̂_{t+h} = x_{t+h−k} + c (x_t − x_{t−k}),  c = 0, ½, 1        seasonal naive, k the least multiple ≥ h of m
    x̂_{t+h} = x̄                                                  the mean

It grows as √h for a random walk, stays flat for a stationary series, and is in the units of x, which is
log y for series that take logarithms. Two factors make it local:

- by season: the mean |error| of each position in the season over that of all, shrunk towards one;
- by volatility: the state of an absolute-value GARCH(1, 1) (Taylor 1986) over its long-run mean, which the
  state approaches as the step grows. See `volatility`.

S series, H steps, K newest rows of each, B series of a block. Nothing at or after an origin is read.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.intervals.past import PastRows
from forecaster.intervals.volatility import CALM, Volatility, factors

DRIFT = 0.7
CARRIES = (0.0, 0.5, 1.0)
FEWEST = 4
"""With fewer errors, the error of a method at a step is unknown."""
CYCLES, HORIZONS, LEAST_ROWS = 5, 6, 250
"""Errors are measured over this many of the newest seasons, horizons or rows, whichever is longest."""
MOST_ROWS = 1000
"""Seasonal factors and the long-run volatility are measured over this many of the newest rows, or over the
rows above if they are more."""
OPTIMISM = 2.0
"""Errors h steps ahead within n rows overlap, and the best method is chosen by them. Future errors are
1 + 2 h/n times as large, both for yearly and for hourly series."""
PREDICTABLE = 0.005
"""No method is trusted to err less than this part of the least predictable one."""
ROUNDING = 1e-13
"""Errors of no more than this part of the largest |x| are rounding: the series never moved."""
OUTLIER = 10.0
"""Errors are cut at this many times their mean, so that one broken reading does not widen the intervals."""
SHRINKAGE = 3.0
"""Regularisation strength of the seasonal factors: how many times the noise is subtracted from the signal.
More than once, because the noise is not white."""
LEAST = 0.05
"""Smallest seasonal factor."""
STILL_SEASONS = 5
"""A position that did not change in this many seasons, such as the night of a solar plant, has no spread."""
UNKNOWN = 0.1
"""Spread of a series of one value where no other series of its kind has a spread, as a fraction of that value
(in logarithms: absolute). A single zero has the median spread of others, or one unit: it shows no scale."""
BLOCK = 2**17
"""Numbers in a block of series: intermediate arrays stay in the cache."""


def spread(
    history: PastRows, horizon: int, seasons: tuple[int, ...], volatility: Volatility = CALM
) -> Floats:
    """Expected absolute error (S, H) of series of a kind for the steps after their origins, in units of x.

    `seasons` in rows, those of 1 ignored. Zero only for series and positions in the season that never change.
    """
    result, by_position = np.zeros((len(history), horizon)), np.ones((len(history), horizon))
    for series, x in _blocks(history, horizon, seasons):
        rows = _rows(horizon, seasons)
        base, choice = _least_errors(x[:, -rows:], horizon, seasons)
        before, by_position[series] = _by_season(x, choice, history.origins[series], horizon, seasons)
        if volatility.alpha:
            errors = _chosen_errors(x, choice[:, 0], 1, seasons) / before
            base *= factors(errors, horizon, volatility, rows)
        seen = np.isfinite(x[:, -rows:])
        largest = np.abs(np.where(seen, x[:, -rows:], 0.0)).max(axis=1)
        base[base <= ROUNDING * largest[:, None]] = 0.0
        known = seen.sum(axis=1)
        base *= 1 + OPTIMISM * np.arange(1, horizon + 1) / np.maximum(known, 1)[:, None]
        result[series] = base
    return _filled(result, history) * by_position


def one_step_errors(history: PastRows, horizon: int, seasons: tuple[int, ...]) -> Floats:
    """One-step errors of the best simple method, divided by their seasonal factor: (S, n), the newest last.

    Used to choose the volatility.
    """
    parts = []
    for series, x in _blocks(history, horizon, seasons):
        _, choice = _least_errors(x[:, -_rows(horizon, seasons) :], horizon, seasons)
        before, _ = _by_season(x, choice, history.origins[series], horizon, seasons)
        parts.append(_chosen_errors(x, choice[:, 0], 1, seasons) / before)
    return np.concatenate(parts) if parts else np.empty((0, 1))


def _blocks(history: PastRows, horizon: int, seasons: tuple[int, ...]) -> Iterator[tuple[Ints, Floats]]:
    """Some series (B,) at a time, and their newest rows (B, K)."""
    rows = max(MOST_ROWS, _rows(horizon, seasons))
    count = max(2, min(rows, int(history.origins.max(initial=0))))
    size = max(1, BLOCK // count)
    for start in range(0, len(history), size):
        series = np.arange(start, min(start + size, len(history)))
        yield series, history.newest(series, count)


def _rows(horizon: int, seasons: tuple[int, ...]) -> int:
    """How many of the newest rows the errors of simple methods are measured over."""
    return max(LEAST_ROWS, HORIZONS * horizon, CYCLES * max(seasons, default=1))


def _methods(seasons: tuple[int, ...]) -> list[tuple[int, float]]:
    """Simple methods as (m, c); m = 1: naive, with drift c; m = 0: the mean."""
    seasonal = [(m, carry) for m in sorted(set(seasons)) if m > 1 for carry in CARRIES]
    return [(1, 0.0), (1, DRIFT), (0, 0.0), *seasonal]


def _errors(x: Floats, step: int, method: tuple[int, float]) -> Floats:
    """Errors of a simple method at a step (B, n), the newest last; n is zero where rows are too few."""
    season, carry = method
    if season == 0:
        count = np.isfinite(x).sum(axis=1, keepdims=True)
        return x - np.nansum(x, axis=1, keepdims=True) / np.maximum(count, 1)
    if season == 1:
        ahead = _lagged(x, step)
        return ahead - carry * step * _mean(_lagged(x, 1))[:, None] if carry else ahead
    seasonal = _lagged(x, season * -(-step // season))
    if not carry:
        return seasonal
    return seasonal[:, step:] - carry * seasonal[:, : max(seasonal.shape[1] - step, 0)]


def _lagged(x: Floats, lag: int) -> Floats:
    """x_t − x_{t−lag} (B, K − lag)."""
    return x[:, lag:] - x[:, : max(x.shape[1] - lag, 0)]


def _mean(values: Floats) -> Floats:
    """Mean over what is not NaN (B,); NaN for fewer than FEWEST."""
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    total = np.where(seen, values, 0.0).sum(axis=1)
    return np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan)


def _mean_size(errors: Floats) -> Floats:
    """Mean |error| (B,), outliers cut; NaN for fewer than FEWEST."""
    size = np.abs(errors)
    seen = np.isfinite(size)
    if seen.all():
        count = np.full(len(size), size.shape[1])
    else:
        count = np.count_nonzero(seen, axis=1)
        np.copyto(size, 0.0, where=~seen)
    divisor = np.maximum(count, 1)
    for _ in range(2):  # the first mean is that of the outlier too
        np.minimum(size, (OUTLIER * size.sum(axis=1) / divisor)[:, None], out=size)
    return np.where(count >= FEWEST, size.sum(axis=1) / divisor, np.nan)


def _steps(horizon: int) -> list[int]:
    """1, 2, 4 … and the horizon."""
    return sorted({*(2**power for power in range(horizon.bit_length())), horizon})


def _least_errors(x: Floats, horizon: int, seasons: tuple[int, ...]) -> tuple[Floats, Ints]:
    """The least mean |error| of the simple methods (B, H), rising with the step, and the method (B, steps).

    Between `_steps` along straight lines in logarithms; by √h from the step before where nothing is known.
    NaN for series of which no step is known.
    """
    steps = _steps(horizon)
    least: list[Floats] = []
    choice: list[Ints] = []
    for step in steps:
        every = np.stack([_mean_size(_errors(x, step, method)) for method in _methods(seasons)])  # (M, B)
        known = np.where(np.isfinite(every), every, np.inf)
        best = known.argmin(axis=0)
        floor = PREDICTABLE * np.where(np.isfinite(every), every, 0.0).max(axis=0)
        value = np.maximum(np.take_along_axis(known, best[None], axis=0)[0], floor)
        if least:
            grown = least[-1] * np.sqrt(step / steps[len(least) - 1])
            value = np.where(np.isfinite(value), np.maximum(value, least[-1]), grown)
        least.append(value)
        choice.append(best)
    return _interpolated(np.stack(least, axis=1), steps, horizon), np.stack(choice, axis=1)


def _interpolated(values: Floats, steps: list[int], horizon: int) -> Floats:
    """Values (B, steps) for all steps 1 … H, along straight lines in logarithms (B, H)."""
    place = np.log(np.arange(1, horizon + 1))
    known = np.log(steps)
    right = np.clip(np.searchsorted(known, place), 1, max(len(steps) - 1, 1))
    if len(steps) == 1:
        return values
    share = (place - known[right - 1]) / (known[right] - known[right - 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values)
        line = np.exp(logs[:, right - 1] * (1 - share) + logs[:, right] * share)
    return np.where(values[:, right - 1] > 0, line, np.where(share >= 1, values[:, right], 0.0))


def _chosen_errors(x: Floats, choice: Ints, step: int, seasons: tuple[int, ...]) -> Floats:
    """Errors at a step of the method chosen for each series (B, K), the newest last, NaN where not known."""
    result = np.full(x.shape, np.nan)
    for number, method in enumerate(_methods(seasons)):
        mine = np.flatnonzero(choice == number)
        if mine.size:
            errors = _errors(x[mine], step, method)
            result[mine, x.shape[1] - errors.shape[1] :] = errors
    return result


def _by_season(
    x: Floats, choice: Ints, origins: Ints, horizon: int, seasons: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Spread of a position in the shortest season over that of all, for rows (B, K) and steps ahead (B, H).

    The errors are those of the chosen method at the longest step within the season.
    """
    season = min((m for m in seasons if m > 1), default=1)
    if season == 1:
        return np.ones(x.shape), np.ones((len(x), horizon))
    before = (origins[:, None] + np.arange(-x.shape[1], 0)) % season
    after = (origins[:, None] + np.arange(horizon)) % season
    steps = _steps(horizon)
    place = max(number for number, step in enumerate(steps) if step <= season)
    size = np.abs(_chosen_errors(x, choice[:, place], steps[place], seasons))
    profile = _profile(size, before, season)
    profile[np.isfinite(x).sum(axis=1) < FEWEST * season] = 1.0
    moving = np.where(_still(x, before, season), 0.0, profile)
    return np.take_along_axis(profile, before, axis=1), np.take_along_axis(moving, after, axis=1)


def _profile(size: Floats, position: Ints, season: int) -> Floats:
    """Mean size of each position in the season over that of all (B, m), shrunk towards one; never zero.

    As far as noise alone would explain the differences (James & Stein 1961): with v the variance of a mean
    of the sizes at one position and s² that between positions, they are multiplied by 1 − SHRINKAGE v/s².
    """
    size = np.minimum(size, OUTLIER * _mean(size)[:, None])
    total, count = _by_position(size, position, season)
    square, _ = _by_position(size * size, position, season)
    n = count.sum(axis=1, keepdims=True)
    overall = total.sum(axis=1, keepdims=True) / np.maximum(n, 1)
    moved = (overall > 0) & (n > season)
    overall = np.where(moved, overall, 1.0)
    mean = np.where(count > 0, total / np.maximum(count, 1), overall)
    within = (square - count * mean * mean).sum(axis=1, keepdims=True) / np.maximum(n - season, 1)
    noise = np.maximum(within, 0.0) * season / np.maximum(n, 1)
    signal = ((mean - overall) ** 2).sum(axis=1, keepdims=True) / (season - 1)
    clear = signal > SHRINKAGE * noise
    kept = np.where(clear, 1 - SHRINKAGE * noise / np.where(clear, signal, 1.0), 0.0)
    return np.where(moved, np.maximum(1 + kept * (mean / overall - 1), LEAST), 1.0)


def _still(x: Floats, position: Ints, season: int) -> Bools:
    """Positions that did not change for STILL_SEASONS, in series that change elsewhere (B, m)."""
    moves = np.full(x.shape, np.nan)
    moves[:, season:] = np.abs(_lagged(x, season))
    total, count = _by_position(moves, position, season)
    return (total == 0) & (count >= STILL_SEASONS) & (total > 0).any(axis=1, keepdims=True)


def _by_position(values: Floats, position: Ints, season: int) -> tuple[Floats, Floats]:
    """Sums of values (B, K) by position in the season, and how many there were: (B, m) each."""
    slot = np.arange(len(values))[:, None] * season + position
    seen = np.isfinite(values)
    slots, shape = slot[seen], (len(values), season)
    total = np.bincount(slots, weights=values[seen], minlength=len(values) * season)
    count = np.bincount(slots, minlength=len(values) * season)
    return total.reshape(shape).astype(np.float64), count.reshape(shape).astype(np.float64)


def _filled(result: Floats, history: PastRows) -> Floats:
    """Where nothing could be measured: by √h from the longer past, else from the other series of the kind."""
    unknown = ~np.isfinite(result[:, 0]) | ~(result > 0).any(axis=1)
    if not unknown.any():
        return result
    growth = np.sqrt(np.arange(1, result.shape[1] + 1))
    level, steps = history.summary()
    size = np.where(history.log, 1.0, np.abs(level))
    fair = ~unknown & (size > 1e-100 * result[:, 0])
    typical = np.median(result[fair, 0] / size[fair]) if fair.any() else UNKNOWN
    of_zero = np.median(result[~unknown, 0]) if not unknown.all() else 1.0
    first = np.where(np.isfinite(steps), steps, np.where(size > 0, typical * size, of_zero))
    result[unknown] = np.nan_to_num(first)[unknown, None] * growth
    return result
