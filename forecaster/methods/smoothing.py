"""Exponential smoothing of every series of a Panel, to be blended with the networks.

Its errors are nearly independent of the networks' errors, so a blend beats either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import TARGET, Panel
from forecaster.features.transform import Transform
from forecaster.methods.damped_trend import damped
from forecaster.methods.theta import theta

Method = Callable[[Floats, Bools, int], Floats]

METHODS: dict[str, tuple[Method, bool]] = {
    "theta": (theta, True),
    "damped": (damped, False),
    "theta in logarithms": (theta, False),
    "damped in units": (damped, True),
}
"""Each method, and whether it keeps the user's units where the transform takes logarithms."""
LONGEST = 512
"""Only this many of the newest rows are smoothed: earlier ones hardly affect level or slope."""
BLOCK = 1024
"""Series smoothed at once, to bound the memory."""


def smoothing_methods(*, log: bool, seasons: tuple[int, ...]) -> tuple[str, ...]:
    """The methods to try. On both scales, which differ in the trend, only with `log` and without seasons."""
    names = tuple(METHODS)
    return names if log and not seasons else names[:2]


def smoothing_forecasts(
    panel: Panel, origins: Ints, fitted: Transform, horizon: int, *, methods: Collection[str] = tuple(METHODS)
) -> dict[str, Floats]:
    """Forecasts {method: (S, H)} from the first `origins[s]` rows of each series; NaN where nothing is known.

    `fitted` removes the seasons first: as factors where it takes logarithms, else as additive terms.
    """
    results = {name: np.full((len(panel), horizon), np.nan) for name in METHODS if name in methods}
    known = np.flatnonzero(origins >= 1)
    for start in range(0, len(known), BLOCK):
        series = known[start : start + BLOCK]
        rows, inside = _newest_rows(panel, series, origins)
        z = np.where(inside, fitted.z[rows, TARGET], 0.0)
        x = z * fitted.scale[series] + fitted.centre[series]  # (n, B) seasonally adjusted
        season = fitted.seasonal_component(series, origins[series], horizon)  # (B, H)
        for name, result in results.items():
            method, in_units = METHODS[name]
            if fitted.log and in_units:
                result[series] = _above_zero(method, np.exp(x), inside, horizon) * np.exp(season)
            else:
                forecasts = method(x, inside, horizon) + season
                result[series] = np.exp(forecasts) if fitted.log else forecasts
    return results


def _above_zero(method: Method, y: Floats, inside: Bools, horizon: int) -> Floats:
    """Forecasts of positive series, kept at or above a tenth of each series' smallest value."""
    least = np.where(inside, y, np.inf).min(axis=0)
    return np.maximum(method(y, inside, horizon), least[:, None] / 10)


def _newest_rows(panel: Panel, series: Ints, origins: Ints) -> tuple[Ints, Bools]:
    """Rows (n, B) of the panel, newest last, and which of them lie after the last gap beyond `max_gap`."""
    count = int(min(LONGEST, origins[series].max()))
    stop = panel.offsets[series] + origins[series]
    start = panel.spans.around(stop - 1)[0]
    rows = np.arange(-count, 0)[:, None] + stop
    return np.maximum(rows, start), rows >= start
