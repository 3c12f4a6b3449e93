"""The statistical partners of the networks: exponential smoothing of every series of a Panel.

Their errors are nearly independent of the networks', so that a blend of both beats either.
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
"""Each method, and whether it works in the user's units rather than in logarithms, where those are taken."""
LONGEST = 512
"""Only the newest rows are smoothed: earlier ones have no say in level or slope."""
BLOCK = 1024
"""Series smoothed at once, which bounds the memory."""


def smoothing_methods(*, log: bool, seasons: tuple[int, ...]) -> tuple[str, ...]:
    """The methods to try: in both scales where there are two and no season; it is the trend that differs."""
    names = tuple(METHODS)
    return names if log and not seasons else names[:2]


def smoothing_forecasts(
    panel: Panel, origins: Ints, fitted: Transform, horizon: int, *, methods: Collection[str] = tuple(METHODS)
) -> dict[str, Floats]:
    """Forecasts {method: (S, H)} from the first `origins[s]` rows of each series; NaN where nothing is known.

    `fitted` removes the seasons before, as factors where it works in logarithms, else as terms.
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
            method, plain = METHODS[name]
            if fitted.log and plain:
                result[series] = _above_zero(method, np.exp(x), inside, horizon) * np.exp(season)
            else:
                flat = method(x, inside, horizon) + season
                result[series] = np.exp(flat) if fitted.log else flat
    return results


def _above_zero(method: Method, y: Floats, inside: Bools, horizon: int) -> Floats:
    """Forecasts of positive series; a falling trend carries them to a tenth of their least value at most."""
    least = np.where(inside, y, np.inf).min(axis=0)
    return np.maximum(method(y, inside, horizon), least[:, None] / 10)


def _newest_rows(panel: Panel, series: Ints, origins: Ints) -> tuple[Ints, Bools]:
    """Rows (n, B) of the panel, the newest last, and which lie behind the last gap too long to cross."""
    count = int(min(LONGEST, origins[series].max()))
    stop = panel.offsets[series] + origins[series]
    start = panel.spans.around(stop - 1)[0]
    rows = np.arange(-count, 0)[:, None] + stop
    return np.maximum(rows, start), rows >= start
