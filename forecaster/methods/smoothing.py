"""The statistical partners of the networks: exponential smoothing of every series of a Panel.

Their errors are nearly independent of the networks', so a blend of both beats either. Each method works on
seasonally adjusted series, in the scale of the Transform or in the user's units.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import TARGET, Panel
from forecaster.features.groups import is_sparse
from forecaster.features.scale_choice import UNITS, from_scale
from forecaster.features.transform import Transform
from forecaster.methods.blend import DEMAND, Blend
from forecaster.methods.damped_trend import damped
from forecaster.methods.damped_trend import row_weights as damped_weights
from forecaster.methods.exponential_smoothing import exponential_smoothing
from forecaster.methods.exponential_smoothing import row_weights as smoothing_weights
from forecaster.methods.intermittent import croston_sba, tsb
from forecaster.methods.theta import best_theta, theta
from forecaster.methods.theta import row_weights as theta_weights

Run = Callable[[Floats, Bools, int], Floats]


class Method(NamedTuple):
    """A method of smoothing."""

    run: Run
    """Of y (n, B), newest last, and which rows belong to each series (n, B): forecasts (B, H)."""
    in_units: bool
    """Whether it works in the user's units; otherwise in the scale of the Transform."""
    row_weights: Run | None = None
    """Of y (n, 1) and which rows belong to the series: what each row counts for (n, H)."""


METHODS: dict[str, Method] = {
    "exponential smoothing": Method(exponential_smoothing, False, smoothing_weights),
    "exponential smoothing in units": Method(exponential_smoothing, True, smoothing_weights),
    "averaged theta": Method(theta, False, theta_weights),
    "averaged theta in units": Method(theta, True, theta_weights),
    "damped in units": Method(damped, True, damped_weights),
    "theta": Method(best_theta, True),
    "damped": Method(damped, False, damped_weights),
    "theta in logarithms": Method(best_theta, False),
}
TABLE_METHODS = ("theta", "damped", "theta in logarithms", "damped in units")
"""Those of models of format 1, the last two for data without a season."""
LONGEST = 512
"""Only this many of the newest rows are smoothed; older rows do not affect level or slope."""
BLOCK = 1024
"""Series smoothed at once, which bounds the memory."""


def methods_of(blend: Blend) -> tuple[str, ...]:
    """The methods that a blend may hold: on both scales where the two differ.

    The damped trend joins where there is no season, because there it is the trends that differ.
    """
    if blend.scales == "table":
        return TABLE_METHODS if blend.log and not blend.seasons else TABLE_METHODS[:2]
    names: tuple[str, ...] = ("exponential smoothing", "averaged theta")
    if blend.log:
        names += ("exponential smoothing in units", "averaged theta in units")
    return names if blend.seasons else (*names, "damped in units")


def smoothing_forecasts(
    panel: Panel, origins: Ints, fitted: Transform, horizon: int, *, methods: Collection[str] = tuple(METHODS)
) -> dict[str, Floats]:
    """Forecasts {method: (S, H)} from the first `origins[s]` rows of each series; NaN where nothing is known.

    `fitted` removes the seasons first and adds them again, in its scale.
    """
    results = {name: np.full((len(panel), horizon), np.nan) for name in METHODS if name in methods}
    known = np.flatnonzero(origins >= 1)
    for start in range(0, len(known), BLOCK):
        series = known[start : start + BLOCK]
        rows, inside = newest_rows(panel, series, origins)
        z = np.where(inside, fitted.z[rows, TARGET], 0.0)
        x = z * fitted.scale[series] + fitted.centre[series]  # (n, B) seasonally adjusted
        season = fitted.seasonal_component(series, origins[series], horizon)  # (B, H)
        power = fitted.power[series]
        for name, result in results.items():
            run = METHODS[name].run
            if METHODS[name].in_units:
                adjusted = np.where(inside, from_scale(x, power), 0.0)
                flat = _above_zero(run(adjusted, inside, horizon), adjusted, inside, power < UNITS)
                result[series] = _with_season(flat, season, power[:, None])
            else:
                result[series] = from_scale(run(x, inside, horizon) + season, power[:, None])
    return results


def demand_forecasts(panel: Panel, origins: Ints, horizon: int) -> dict[str, Floats]:
    """Expected demand {method: (S, H)} of the series that are mostly zero; NaN for the others."""
    results = {name: np.full((len(panel), horizon), np.nan) for name in DEMAND}
    sparse = np.flatnonzero(is_sparse(panel, origins))
    for start in range(0, len(sparse), BLOCK):
        series = sparse[start : start + BLOCK]
        rows, inside = newest_rows(panel, series, origins)
        inside &= panel.target_observed[rows]
        y = np.where(inside, panel.target[rows], 0.0)
        for name, run in zip(DEMAND, (croston_sba, tsb), strict=True):
            results[name][series] = run(y, inside, horizon)
    return results


def _above_zero(forecast: Floats, y: Floats, inside: Bools, positive: Bools) -> Floats:
    """For `positive` series, forecasts of at least a tenth of the smallest value: a trend may fall below."""
    least = np.where(inside, y, np.inf).min(axis=0)
    return np.maximum(forecast, np.where(positive, least / 10, -np.inf)[:, None])


def _with_season(flat: Floats, season: Floats, power: Floats) -> Floats:
    """Forecasts in units (B, H) with the season of the scale: a factor of logarithms, a term of others."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rooted = from_scale(np.sqrt(np.maximum(flat, 0.0)) + season, power)
    return np.where(
        power == 0,
        flat * np.exp(np.where(power == 0, season, 0.0)),
        np.where(power == UNITS, flat + season, rooted),
    )


def newest_rows(panel: Panel, series: Ints, origins: Ints) -> tuple[Ints, Bools]:
    """Rows (n, B) of the panel, newest last, and whether each lies after the last gap longer than max_gap."""
    count = int(min(LONGEST, origins[series].max()))
    stop = panel.offsets[series] + origins[series]
    start = panel.spans.around(stop - 1)[0]
    rows = np.arange(-count, 0)[:, None] + stop
    return np.maximum(rows, start), rows >= start
