"""Scores for the error report: the errors of the model and the baselines on held-out rows.

Averages: each metric is first averaged within a series over all its origins and steps, then over series,
so that every series counts the same. RMSE is the root of a series' mean squared error, averaged over
series. Per step, only that step of each origin is averaged. MASE divides by the mean absolute seasonal
difference of the rows before a series' first origin; where it is undefined (too short, constant), the
series is left out of MASE.

Methods are ranked by MASE if there are several series and it is defined for at least one (it has no unit,
so large series do not dominate), else by MAE. The difference to the best baseline may be chance when its
mean over series (over origins, for one series) lies within about two standard errors of zero; Diebold &
Mariano (1995), Comparing Predictive Accuracy, without a correction for autocorrelation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.history import History
from forecaster.errors import DataError, ForecasterError, UsageError
from forecaster.evaluation import metrics
from forecaster.evaluation.backtest import held_out
from forecaster.evaluation.error_report import METRICS, MODEL, Report
from forecaster.methods.baselines import blocks, first_origins

if TYPE_CHECKING:
    from forecaster.data.panel import Panel

__all__ = ["Report", "score"]


def score(panel: Panel, origins: Ints, forecasts: dict[str, Floats], horizon: int) -> Report:
    """Score `forecasts` {method: (O, S, H)}, the first of which is named "model", against the panel.

    `origins` (O, S): known rows of each series at each origin, -1 where the series is not scored. Windows
    without an observed row before the origin are not scored either. Raises DataError where nothing was
    observed in the held-out rows, ForecasterError where a forecast to be scored is not finite.
    """
    if next(iter(forecasts)) != MODEL or len(forecasts) < 2:
        raise UsageError("a report needs the model's forecasts first and at least one baseline")
    origins = np.where(_observed_before(panel, origins), origins, -1)
    actual = held_out(panel, origins, horizon)
    seen = ~np.isnan(actual)
    if not seen.any():
        raise DataError(
            f"none of the {horizon} rows held out after each forecast origin has an observed value",
            hint="The gaps are too long: allow them with --max-gap any, or use a shorter --horizon."
            if panel.broken
            else "",
        )
    _check_finite(panel, forecasts, seen)
    scale = mase_scales(panel, first_origins(origins), panel.frequency.season)
    scored = seen.any(axis=(0, 2))
    tables = [_tables(actual, forecast, scale) for forecast in forecasts.values()]
    overall, per_step, per_series = (np.stack(part) for part in zip(*tables, strict=True))
    names = tuple(forecasts)
    mase_defined = np.isfinite(scale) & scored
    decided_on = "mase" if scored.sum() > 1 and mase_defined.any() else "mae"
    decide = METRICS.index(decided_on)
    best = 1 + int(np.argmin(overall[1:, decide]))
    _fill_skill(overall, per_step, per_series, decide, best)
    start, end = _span(panel, origins, seen)
    return Report(
        methods=names,
        metrics=METRICS,
        overall=overall,
        per_step=per_step,
        per_series=per_series,
        ids=panel.ids,
        origins=int(seen.any(axis=(1, 2)).sum()),
        windows=int(seen.any(axis=2).sum()),
        scored=int(scored.sum()),
        start=start,
        end=end,
        season=panel.frequency.season,
        no_mase=int((scored & ~mase_defined).sum()),
        decided_on=decided_on,
        best_baseline=names[best],
        chance=_may_be_chance(actual, forecasts[MODEL], forecasts[names[best]], scale, decided_on),
    )


def mase_scales(panel: Panel, origins: Ints, season: int) -> Floats:
    """`metrics.mase_scale` of the first origins[s] rows of every series of the panel (S,)."""
    return np.concatenate([_mase_scales(panel, part, origins, season) for part in blocks(panel.lengths)])


def _mase_scales(panel: Panel, part: slice, origins: Ints, season: int) -> Floats:
    """`mase_scales` for some neighbouring series."""
    history = History(panel.offsets[part.start : part.stop + 1], origins[part])
    rows, owner = slice(panel.offsets[part.start], panel.offsets[part.stop]), history.series
    target, observed = panel.target[rows], panel.target_observed[rows]
    later = np.flatnonzero(history.known & (history.position >= season))
    both = later[observed[later] & observed[later - season]]
    steps = np.abs(target[both] - target[both - season])
    total = np.bincount(owner[both], weights=steps, minlength=history.count)
    count = np.bincount(owner[both], minlength=history.count)
    return np.where(total > 0, total / np.maximum(count, 1), np.nan)


def _observed_before(panel: Panel, origins: Ints) -> Bools:
    """True (O, S) where a series has an observed row before the origin."""
    seen = np.concatenate([[0], np.cumsum(panel.target_observed)])
    start = panel.offsets[:-1]
    return (origins > 0) & (seen[start + np.clip(origins, 0, panel.lengths)] > seen[start])


def _check_finite(panel: Panel, forecasts: dict[str, Floats], seen: Bools) -> None:
    for method, forecast in forecasts.items():
        if forecast.shape != seen.shape:
            raise ForecasterError(f"forecasts of {method} have shape {forecast.shape}, not {seen.shape}")
        broken = np.argwhere(seen & ~np.isfinite(forecast))
        if len(broken):
            origin, series, step = broken[0]
            raise ForecasterError(
                f"the forecast of {method} is not finite for series {panel.ids[series]!r}, "
                f"forecast origin {origin + 1}, step {step + 1}"
            )


def _tables(actual: Floats, forecast: Floats, scale: Floats) -> tuple[Floats, Floats, Floats]:
    """Overall (K,), per step (K, H) and per series (K, S) of one method; skill is filled in later."""
    overall, per_step, per_series = [], [], []
    for metric in METRICS:
        series = _error(metric, actual, forecast, scale, (0, 2))  # (S,)
        steps = _error(metric, actual, forecast, scale[:, None], 0)  # (S, H)
        overall.append(_average(series))
        per_step.append(_average(steps))
        per_series.append(series)
    return np.array(overall), np.array(per_step), np.array(per_series)


def _error(metric: str, actual: Floats, forecast: Floats, scale: Floats, axis: metrics.Axis) -> Floats:
    if metric == "skill":
        return np.full_like(metrics.mae(actual, forecast, axis=axis), np.nan)
    if metric == "mase":
        return metrics.mase(actual, forecast, scale, axis=axis)
    formula = {"mae": metrics.mae, "rmse": metrics.rmse, "mape": metrics.mape, "smape": metrics.smape}
    return formula[metric](actual, forecast, axis=axis)


def _average(values: Floats) -> Floats:
    """Mean over the first axis, the series, ignoring NaN."""
    return metrics.mae(values, np.zeros_like(values), axis=0)


def _fill_skill(overall: Floats, per_step: Floats, per_series: Floats, decide: int, best: int) -> None:
    """Fill in the skill of every method against the best baseline; per series on MAE, as MASE would give."""
    skill, mae = METRICS.index("skill"), METRICS.index("mae")
    overall[:, skill] = metrics.skill(overall[:, decide], overall[best, decide])
    per_step[:, skill] = metrics.skill(per_step[:, decide], per_step[best, decide])
    per_series[:, skill] = metrics.skill(per_series[:, mae], per_series[best, mae])


def _may_be_chance(actual: Floats, model: Floats, baseline: Floats, scale: Floats, decided_on: str) -> bool:
    """True where the mean paired difference of errors is within about two standard errors, or n < 2."""
    averaged = (0, 2) if (~np.isnan(actual)).any(axis=(0, 2)).sum() > 1 else (1, 2)  # per series, or origin
    pair = [metrics.mae(actual, forecast, axis=averaged) for forecast in (model, baseline)]
    difference = pair[0] - pair[1]
    if decided_on == "mase":
        difference = difference / scale
    difference = difference[np.isfinite(difference)]
    n = len(difference)
    if n < 2:
        return True
    needed = 2 + 3 / (n - 1)  # roughly Student's t at 95 %
    return bool(abs(difference.mean()) < needed * difference.std(ddof=1) / np.sqrt(n))


def _span(panel: Panel, origins: Ints, seen: Bools) -> tuple[str, str]:
    """First and last timestamp with a scored value."""
    origin, series, step = np.nonzero(seen)
    time = panel.time[panel.offsets[series] + origins[origin, series] + step]
    return _iso(panel, time.min()), _iso(panel, time.max())


def _iso(panel: Panel, nanoseconds: np.int64) -> str:
    moment = np.datetime64(int(nanoseconds), "ns")
    if panel.names.dates:
        return str(np.datetime_as_string(moment, unit="D"))
    return str(np.datetime_as_string(moment, unit="s")) + ("Z" if panel.names.tz else "")
