"""The error report: errors of the model and the baselines on held-out rows.

Averages: each metric is averaged first within a series, over all its origins and steps, and then over series,
so that every series counts the same. RMSE is the root of the series' mean squared error, averaged over
series. Per step: the same over the origins of one step. MASE divides by the mean seasonal step of the rows
before a series' first origin; series where that is undefined (too short, constant) are left out of MASE.

The best baseline and the skill follow from MASE where there are several series and MASE is defined for at
least one (it has no unit, so large series do not dominate), else from MAE. A difference between model and
best baseline may be chance where its mean over series (over windows, for one series) lies within about two
standard errors of zero: Diebold & Mariano (1995), Comparing Predictive Accuracy, without their correction
for autocorrelation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.history import History
from forecaster.data.series.directions import nearest, turns_of
from forecaster.errors import DataError, ForecasterError, UsageError
from forecaster.evaluation import metrics
from forecaster.evaluation.backtest import held_out
from forecaster.evaluation.error_report import MODEL, Report
from forecaster.evaluation.metrics import METRICS
from forecaster.methods.baselines import blocks, first_origins

if TYPE_CHECKING:
    from forecaster.data.panel import Panel, Turns

__all__ = ["Report", "score"]


def score(panel: Panel, origins: Ints, forecasts: dict[str, Floats], horizon: int) -> Report:
    """Score `forecasts` {method: (O, S, H)}, the first of which is named "model", against the panel.

    `origins` (O, S): rows of each series known at each origin, -1 where the series is not scored there. A
    window without any observed row before its origin is not scored either. Raises DataError where nothing
    was observed in the held-out rows, ForecasterError where a forecast to be scored is not finite.
    """
    if next(iter(forecasts)) != MODEL or len(forecasts) < 2:
        raise UsageError("a report needs the forecasts of the model first, and of at least one baseline")
    origins = np.where(_anything_before(panel, origins), origins, -1)
    actual = held_out(panel, origins, horizon)
    seen = ~np.isnan(actual)
    if not seen.any():
        raise DataError(
            f"none of the {horizon} rows held out after each forecast origin has an observed value",
            hint="The gaps are too long. Fill them with --max-gap any, or use a shorter --horizon."
            if panel.broken
            else "",
        )
    _check_finite(panel, forecasts, seen)
    forecasts = _on_the_short_side(panel, origins, forecasts, actual)
    scale = mase_scales(panel, first_origins(origins), panel.frequency.season)
    scored = seen.any(axis=(0, 2))
    tables = [_tables(actual, forecast, scale) for forecast in forecasts.values()]
    overall, per_step, per_series = (np.stack(part) for part in zip(*tables, strict=True))
    names = tuple(forecasts)
    mase_defined = np.isfinite(scale) & scored
    decided_on = "mase" if scored.sum() > 1 and mase_defined.any() else "mae"
    mae, decide = (list(METRICS).index(name) for name in ("mae", decided_on))
    best = 1 + int(np.argmin(overall[1:, decide]))
    start, end = _span(panel, origins, seen)
    return Report(
        methods=names,
        metrics=(*METRICS, "skill"),
        overall=_with_skill(overall, decide, best),
        per_step=_with_skill(per_step, decide, best),
        per_series=_with_skill(per_series, mae, best),  # MASE gives the same skill there
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
        chance=may_be_chance(actual, forecasts[MODEL], forecasts[names[best]], scale, decided_on),
    )


def _on_the_short_side(
    panel: Panel, origins: Ints, forecasts: dict[str, Floats], actual: Floats
) -> dict[str, Floats]:
    """The forecasts; those of directions within half a turn of the actual values: 355 is near 5."""
    turns = turns_of(panel, np.maximum(origins.max(axis=0), 0))
    if turns is None:
        return forecasts
    return {name: nearest(values, actual, turns.size[:, None]) for name, values in forecasts.items()}


def mase_scales(panel: Panel, origins: Ints, season: int) -> Floats:
    """`metrics.mase_scale` of the first origins[s] rows of every series of the panel (S,)."""
    turns = turns_of(panel, np.maximum(origins, 0))
    parts = [_mase_scales(panel, part, origins, season, turns) for part in blocks(panel.lengths)]
    return np.concatenate(parts)


def _mase_scales(panel: Panel, part: slice, origins: Ints, season: int, turns: Turns | None) -> Floats:
    """`mase_scales` for some neighbouring series."""
    history = History(panel.offsets[part.start : part.stop + 1], origins[part])
    rows, owner = slice(panel.offsets[part.start], panel.offsets[part.stop]), history.series
    target, observed = panel.target[rows], panel.target_observed[rows]
    later = np.flatnonzero(history.known & (history.position >= season))
    both = later[observed[later] & observed[later - season]]
    steps = target[both] - target[both - season]
    if turns is not None:
        steps = nearest(steps, 0.0, turns.size[part][owner[both]])
    steps = np.abs(steps)
    total = np.bincount(owner[both], weights=steps, minlength=history.count)
    count = np.bincount(owner[both], minlength=history.count)
    return np.where(total > 0, total / np.maximum(count, 1), np.nan)


def _anything_before(panel: Panel, origins: Ints) -> Bools:
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
    """Errors of one method: overall (K,), per step (K, H) and per series (K, S)."""
    overall, per_step, per_series = [], [], []
    for metric in METRICS.values():
        series = metric.error(actual, forecast, scale, (0, 2))  # (S,)
        steps = metric.error(actual, forecast, scale[:, None], 0)  # (S, H)
        overall.append(_average(series))
        per_step.append(_average(steps))
        per_series.append(series)
    return np.array(overall), np.array(per_step), np.array(per_series)


def _average(values: Floats) -> Floats:
    """Mean over the first axis, the series, ignoring NaN."""
    return metrics.mae(values, np.zeros_like(values), axis=0)


def _with_skill(errors: Floats, metric: int, best: int) -> Floats:
    """Errors (M, K, ...) with a last column: each method's skill against the best baseline, by one metric."""
    skill = metrics.skill(errors[:, metric], errors[best, metric])
    return np.concatenate([errors, skill[:, None]], axis=1)


FEW_PAIRS = {2: 12.7, 3: 4.3}
"""Student's t at 95 % for so few differences, where the rough formula is far below it."""


def may_be_chance(actual: Floats, model: Floats, baseline: Floats, scale: Floats, decided_on: str) -> bool:
    """True where the mean paired difference of errors is within about two standard errors, or n < 2."""
    several = (~np.isnan(actual)).any(axis=(0, 2)).sum() > 1
    averaged = (0, 2) if several else (1, 2)  # an error of each series, or of each origin
    pair = [metrics.mae(actual, forecast, axis=averaged) for forecast in (model, baseline)]
    difference = pair[0] - pair[1]
    if decided_on == "mase":
        difference = difference / scale
    difference = difference[np.isfinite(difference)]
    n = len(difference)
    if n < 2:
        return True
    needed = FEW_PAIRS.get(n, 2 + 3 / (n - 1))  # roughly Student's t at 95 %
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
