"""Opponents: Theta and AutoETS of statsforecast, beside which a backtest sets the model.

They are there where the extra `stats` is installed. Each sees the newest MOST_ROWS rows before an origin,
gaps filled by lines. Sources: Fiorucci et al. (2016), Models for optimising the Theta method; Hyndman &
Khandakar (2008), Automatic time series forecasting: the forecast package for R.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.arrays import Floats, Ints

if TYPE_CHECKING:
    from forecaster.data.panel import Panel

CLASSES = {"Theta": "DynamicOptimizedTheta", "AutoETS": "AutoETS"}
"""Name in reports -> class in statsforecast.models."""
MOST_ROWS = 1000
MOST_WINDOWS = 500
"""Series times origins at most: a fit takes a tenth of a second and more."""
LONGEST_SEASON = 24
"""AutoETS has none that are longer; of longer ones both see only the rest."""
LEAST_ROWS = 6


def are_installed() -> bool:
    """Whether statsforecast is there."""
    return importlib.util.find_spec("statsforecast") is not None


def opponent_forecasts(panel: Panel, origins: Ints, horizon: int) -> dict[str, Floats]:
    """Forecasts {name: (O, S, H)} from `origins` (O, S); NaN where the origin is -1 or nothing is known.

    A series that a method cannot be fitted to (too short, constant) gets its last value.
    """
    from statsforecast import models

    season = panel.frequency.season
    result = {name: np.full((*origins.shape, horizon), np.nan) for name in CLASSES}
    for place in np.argwhere(origins > 0):
        origin, series = place.tolist()
        past = _past(panel, series, int(origins[origin, series]))
        if not past.size:
            continue
        own = season if season <= LONGEST_SEASON and 2 * season <= len(past) else 1
        for name, kind in CLASSES.items():
            result[name][origin, series] = _fitted(getattr(models, kind)(season_length=own), past, horizon)
    return result


def _past(panel: Panel, series: int, known: int) -> Floats:
    """The newest known values of a series, from the first observed one on, without gaps."""
    start = panel.offsets[series]
    values = panel.target[start : start + known]
    seen = np.flatnonzero(np.isfinite(values))
    if not seen.size:
        return values[:0]
    return np.interp(np.arange(seen[0], known), seen, values[seen])[-MOST_ROWS:]


def _fitted(method: Any, past: Floats, horizon: int) -> Floats:
    """The forecast of a method of statsforecast (H,), or the last value."""
    naive = np.full(horizon, past[-1])
    if len(past) < LEAST_ROWS or (past == past[0]).all():
        return naive
    try:
        mean = np.asarray(method.forecast(y=past, h=horizon)["mean"], float)
    except (ValueError, ArithmeticError, RuntimeError, np.linalg.LinAlgError):
        return naive
    return mean if np.isfinite(mean).all() else naive
