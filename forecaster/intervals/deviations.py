"""The scale of errors: differences, or logarithms of factors.

A deviation d of y from the forecast ŷ is y − ŷ; for series in logarithms log(y/ŷ), but linear above twice the
forecast, so that wide intervals do not explode:

    d = log(y/ŷ) below c,  log c + y/(c ŷ) − 1 above,      c = 2

The curve and its slope are continuous, so d rises with y, and quantiles of d are those of y.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats

BEND = 2.0


def deviations(actual: Floats, point: Floats, log: Bools) -> Floats:
    """Deviations (S, H) of `actual` from `point`; NaN where undefined.

    `log` (S,): series measured in logarithms.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = actual / point
        logs = np.where(factor > BEND, np.log(BEND) + factor / BEND - 1, np.log(factor))
    result = np.where(log[:, None], logs, actual - point)
    return np.where(np.isfinite(result), result, np.nan)


def outcomes(point: Floats, deviation: Floats, log: Bools | np.bool_) -> Floats:
    """The values at these deviations from the forecasts (S, H), or (H,) of one series.

    `deviation` (…, H). Forecasts of zero or less of series in logarithms stay where they are.
    """
    plain = point + deviation
    if not log.any():
        return plain
    bend = np.log(BEND)
    factor = np.where(deviation > bend, BEND * (1 + deviation - bend), np.exp(np.minimum(deviation, bend)))
    return np.where(np.asarray(log)[..., None], np.where(point > 0, point * factor, point), plain)
