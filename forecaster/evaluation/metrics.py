"""Error metrics: one formula each, and the table of those in every error report.

Notation: y the actual value, f the forecast, m the season in rows. `actual` and `forecast` are arrays of
equal shape. NaN in `actual` means "not observed" and is left out; NaN in `forecast` is a fault and makes
the result NaN. `axis` says what is averaged (None: everything, which gives a scalar). Where nothing was
observed the result is NaN. Lower is better for every error; higher is better for `skill` only.

Sources: Hyndman & Koehler (2006), Another look at measures of forecast accuracy; Makridakis, Spiliotis &
Assimakopoulos (2020), The M4 Competition (the form of sMAPE), and (2022), The M5 Competition (RMSSE);
Koenker & Bassett (1978), Regression Quantiles (pinball); Gneiting & Raftery (2007), Strictly Proper Scoring
Rules (interval score, CRPS); Park et al. (2022), Learning Quantile Functions without Quantile Crossing (WQL).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from forecaster.arrays import Bools, Floats

Axis = int | tuple[int, ...] | None


def mae(actual: Floats, forecast: Floats, *, axis: Axis = None) -> Floats:
    """Mean absolute error, mean |y - f|: in the unit of y, at least 0."""
    return _mean(np.abs(actual - forecast), ~np.isnan(actual), axis)


def rmse(actual: Floats, forecast: Floats, *, axis: Axis = None) -> Floats:
    """Root mean squared error, sqrt(mean (y - f)^2): in the unit of y, at least 0."""
    return np.sqrt(_mean((actual - forecast) ** 2, ~np.isnan(actual), axis))


def mape(actual: Floats, forecast: Floats, *, axis: Axis = None) -> Floats:
    """Mean absolute percentage error, mean 100 |y - f| / |y|: percent, at least 0.

    Points with y = 0 are left out, because it is undefined there. Use sMAPE or MASE for data around zero.
    """
    counted = ~np.isnan(actual) & (actual != 0)
    return _mean(100 * _ratio(np.abs(actual - forecast), np.abs(actual), counted), counted, axis)


def smape(actual: Floats, forecast: Floats, *, axis: Axis = None) -> Floats:
    """Symmetric MAPE, mean 200 |y - f| / (|y| + |f|): percent, 0 to 200; a point with y = f = 0 counts 0."""
    total = np.abs(actual) + np.abs(forecast)
    return _mean(200 * _ratio(np.abs(actual - forecast), total, total != 0), ~np.isnan(actual), axis)


def mase(actual: Floats, forecast: Floats, scale: ArrayLike, *, axis: Axis = None) -> Floats:
    """Mean absolute scaled error, MAE / `scale`: no unit; below 1 beats the in-sample seasonal naive.

    `scale` (from `mase_scale`) has the shape of the result, or broadcasts to it.
    """
    return np.asarray(mae(actual, forecast, axis=axis) / np.asarray(scale))[()]


def rmsse(actual: Floats, forecast: Floats, scale: ArrayLike, *, axis: Axis = None) -> Floats:
    """Root mean squared scaled error, RMSE / `scale`: no unit; below 1 beats the in-sample seasonal naive.

    `scale` is the root of the mean squared seasonal step (M5 takes steps of one row).
    """
    return np.asarray(rmse(actual, forecast, axis=axis) / np.asarray(scale))[()]


def bias(actual: Floats, forecast: Floats, *, axis: Axis = None) -> Floats:
    """Mean error, mean f - y: in the unit of y; above 0 where forecasts are too high."""
    return _mean(forecast - actual, ~np.isnan(actual), axis)


def pinball(actual: Floats, forecast: Floats, quantile: float, *, axis: Axis = None) -> Floats:
    """Pinball loss of a forecast of the `quantile` q, mean max(q (y - f), (q - 1)(y - f)): unit of y, >= 0.

    Half the MAE at q = 0.5.
    """
    error = actual - forecast
    return _mean(np.maximum(quantile * error, (quantile - 1) * error), ~np.isnan(actual), axis)


def coverage(actual: Floats, lower: Floats, upper: Floats, *, axis: Axis = None) -> Floats:
    """Share of actual values within [lower, upper]: percent; best when equal to the nominal level."""
    inside = np.where((actual >= lower) & (actual <= upper), 100.0, 0.0)
    inside[np.isnan(lower) | np.isnan(upper)] = np.nan
    return _mean(inside, ~np.isnan(actual), axis)


def interval_score(actual: Floats, lower: Floats, upper: Floats, level: int, *, axis: Axis = None) -> Floats:
    """Score of the interval of `level` percent: its width, and 2 / a times what lies outside: unit of y.

    a = 1 - level / 100. Narrow intervals score low, misses cost the more the rarer they should be.
    """
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    score = upper - lower + 2 / (1 - level / 100) * outside
    return _mean(score, ~np.isnan(actual), axis)


def mean_pinball(actual: Floats, quantiles: Mapping[float, Floats], *, axis: Axis = None) -> Floats:
    """Pinball loss, averaged over the quantiles {level: forecast}: in the unit of y, at least 0."""
    losses = [pinball(actual, forecast, level, axis=axis) for level, forecast in quantiles.items()]
    return np.asarray(np.mean(losses, axis=0))[()]


def crps(actual: Floats, quantiles: Mapping[float, Floats], *, axis: Axis = None) -> Floats:
    """Continuous ranked probability score, as twice the mean pinball loss over evenly spaced quantiles."""
    return np.asarray(2 * mean_pinball(actual, quantiles, axis=axis))[()]


def wql(actual: Floats, quantiles: Mapping[float, Floats], *, axis: Axis = None) -> Floats:
    """Weighted quantile loss, twice the mean pinball loss / mean |y|: no unit. NaN where all y are 0."""
    size = _mean(np.abs(actual), ~np.isnan(actual), axis)
    loss = np.asarray(crps(actual, quantiles, axis=axis), float)
    return np.divide(loss, size, out=np.full(loss.shape, np.nan), where=size > 0)[()]


class Metric(NamedTuple):
    """A metric of the error report."""

    title: str
    """Head of its column in printed tables."""
    formula: Callable[..., Floats]
    """actual, forecast, axis=... -> error; where `scaled`: actual, forecast, scale, axis=... -> error."""
    scaled: str = ""
    """The scale that the formula needs: that of `mase`, or of `rmsse`."""
    printed: bool = True
    """Whether it stands in printed tables; it is in JSON and CSV in any case."""

    def error(self, actual: Floats, forecast: Floats, scales: Mapping[str, ArrayLike], axis: Axis) -> Floats:
        """The error, averaged over `axis`; `scales`: those of "mase" and "rmsse"."""
        further = (scales[self.scaled],) if self.scaled else ()
        return self.formula(actual, forecast, *further, axis=axis)


METRICS = {
    "mae": Metric("MAE", mae),
    "rmse": Metric("RMSE", rmse),
    "mape": Metric("MAPE %", mape),
    "smape": Metric("sMAPE %", smape),
    "mase": Metric("MASE", mase, scaled="mase"),
    "rmsse": Metric("RMSSE", rmsse, scaled="rmsse", printed=False),
    "bias": Metric("bias", bias, printed=False),
}
"""Every error of a report, by its name in JSON and CSV. A report adds `skill`, which compares methods."""


def skill(error: ArrayLike, baseline: ArrayLike) -> Floats:
    """1 - error / baseline: a fraction; above 0 is better than the baseline, 0 equal, 1 perfect.

    0 where both errors are 0. NaN where only the baseline's error is 0, and where either is NaN.
    """
    error, baseline = np.broadcast_arrays(np.asarray(error, float), np.asarray(baseline, float))
    both_zero = (error == 0) & (baseline == 0)
    ratio = np.full(error.shape, np.nan)
    np.divide(error, baseline, out=ratio, where=baseline != 0)
    return np.where(both_zero, 0.0, 1 - ratio)[()]


def mase_scale(history: Floats, season: int) -> float:
    """Denominator of MASE: mean |y_t - y_{t-m}| over pairs of observed values, in the unit of y.

    `history` (n,) holds the rows before the first forecast. NaN where no pair was observed (the series is too
    short) or where the mean is 0 (it is constant): such a series has no MASE.
    """
    steps = np.abs(history[season:] - history[:-season])
    scale = _mean(steps, ~np.isnan(steps), None)
    return float(scale) if scale > 0 else float("nan")


def average(values: Floats) -> Floats:
    """Mean over the first axis, ignoring NaN."""
    return _mean(values, ~np.isnan(values), 0)


def _mean(errors: Floats, counted: Bools, axis: Axis) -> Floats:
    """Mean of the `counted` entries along `axis`; NaN without any."""
    total = np.sum(errors, axis=axis, where=counted)
    count = np.sum(counted, axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)[()]


def _ratio(top: Floats, bottom: Floats, where: Bools) -> Floats:
    """top / bottom at the entries of `where`, 0 elsewhere."""
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=where)
