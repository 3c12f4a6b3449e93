"""Errors of the model and the baselines on held-out rows, from a backtest.

Averages: each metric is averaged first within a series, over all its origins and steps, and then over series,
so that every series counts the same. RMSE is the root of the series' mean squared error, averaged over
series. Per step: the same over the origins of one step; per origin: over its steps. MASE and RMSSE divide by
the mean and the root mean squared seasonal step of the rows before a series' first origin; series where that
is undefined (too short, constant) are left out of them.

The best baseline and the skill follow from MASE where there are several series and MASE is defined for at
least one (it has no unit, so large series do not dominate), else from MAE. `significance` says whether a
difference may be chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.series.directions import nearest, turns_of
from forecaster.errors import UsageError
from forecaster.evaluation import metrics
from forecaster.evaluation.backtest import Backtest
from forecaster.evaluation.comparison import Comparison
from forecaster.evaluation.error_report import MODEL, Report
from forecaster.evaluation.interval_errors import interval_errors
from forecaster.evaluation.level_errors import level_errors
from forecaster.evaluation.metrics import METRICS
from forecaster.evaluation.significance import Paired, paired
from forecaster.features.history import History
from forecaster.methods.baselines import blocks, first_origins

if TYPE_CHECKING:
    from forecaster.data.panel import Panel, Turns

__all__ = ["Report", "score"]


def score(backtest: Backtest) -> Report:
    """The report of a backtest, whose first method is the model and all others are baselines."""
    names = tuple(backtest.point)
    if names[:1] != (MODEL,) or len(names) < 2:
        raise UsageError("a report needs the forecasts of the model first, and of at least one baseline")
    panel, origins, actual = backtest.panel, backtest.origins, backtest.actual
    seen = ~np.isnan(actual)
    season = panel.frequency.season
    scales = step_scales(panel, first_origins(origins), season)
    tables = [_tables(actual, forecast, scales) for forecast in backtest.point.values()]
    overall, per_step, per_series, per_origin = (np.stack(part) for part in zip(*tables, strict=True))
    scored = seen.any(axis=(0, 2))
    mase_defined = np.isfinite(scales["mase"]) & scored
    whole = _compare(backtest, scales["mase"], per_series, np.ones(len(panel), np.bool_), "")
    best = names.index(whole.best_baseline)
    mae, decide = (list(METRICS).index(name) for name in ("mae", whole.decided_on))
    start, end = _span(backtest)
    return Report(
        methods=names,
        metrics=(*METRICS, "skill"),
        overall=_with_skill(overall, decide, best),
        per_step=_with_skill(per_step, decide, best),
        per_series=_with_skill(per_series, mae, best),  # MASE gives the same skill there
        per_origin=_with_skill(per_origin, decide, best),
        origin_times=_origin_times(backtest),
        ids=panel.ids,
        origins=int(seen.any(axis=(1, 2)).sum()),
        windows=int(seen.any(axis=2).sum()),
        scored=int(scored.sum()),
        start=start,
        end=end,
        season=season,
        no_mase=int((scored & ~mase_defined).sum()),
        decided_on=whole.decided_on,
        best_baseline=whole.best_baseline,
        chance=whole.chance,
        p_value=whole.p_value,
        between=whole.between,
        groups=_group_comparisons(backtest, scales["mase"], per_series),
        intervals=interval_errors(backtest),
        hierarchy=level_errors(backtest, per_series),
    )


def _group_comparisons(backtest: Backtest, scale: Floats, per_series: Floats) -> tuple[Comparison, ...]:
    """The comparison of each group of series, where there are several groups."""
    groups = np.array(backtest.groups, dtype=object)
    scored = ~np.isnan(backtest.actual).all(axis=(0, 2))
    names = sorted(set(groups[scored]))
    if len(names) < 2:
        return ()
    return tuple(_compare(backtest, scale, per_series, groups == name, name) for name in names)


def _compare(backtest: Backtest, scale: Floats, per_series: Floats, chosen: Bools, group: str) -> Comparison:
    """The model beside the best baseline of the series `chosen` (S,)."""
    actual = backtest.actual[:, chosen]
    scored = ~np.isnan(actual).all(axis=(0, 2))
    decided_on = "mase" if scored.sum() > 1 and np.isfinite(scale[chosen][scored]).any() else "mae"
    k = list(METRICS).index(decided_on)
    errors = metrics.average(np.moveaxis(per_series[:, k, chosen], 1, 0))  # (M,)
    names = list(backtest.point)
    best = 1 + int(np.argmin(errors[1:]))
    pair = backtest.point[names[0]][:, chosen], backtest.point[names[best]][:, chosen]
    test = paired_test(actual, *pair, scale[chosen], decided_on, overlap(backtest.origins, backtest.horizon))
    return Comparison(
        group=group,
        series=int(scored.sum()),
        windows=int((~np.isnan(actual)).any(axis=2).sum()),
        decided_on=decided_on,
        best_baseline=names[best],
        difference=_relative(errors[0], errors[best]),
        half_width=test.half_width / errors[best] if errors[best] > 0 else float("nan"),
        p_value=test.p_value,
        chance=test.chance,
    )


def _relative(model: float, baseline: float) -> float:
    """model / baseline - 1; infinite where only the baseline makes no error."""
    if baseline == 0:
        return 0.0 if model == 0 else float("inf")
    return float(model / baseline - 1)


def paired_test(
    actual: Floats, one: Floats, other: Floats, scale: Floats, decided_on: str, lags: int = 0
) -> Paired:
    """The test of the difference of two forecasts (O, S, H) in mean absolute error, or in MASE."""
    pair = [metrics.mae(actual, forecast, axis=2) for forecast in (one, other)]
    difference = pair[0] - pair[1]  # (O, S)
    if decided_on == "mase":
        difference = difference / scale
    difference[~np.isfinite(difference)] = np.nan
    return paired(difference, lags)


def overlap(origins: Ints, horizon: int) -> int:
    """How many of the `origins` (O, S) back a window still shares rows with."""
    if len(origins) < 2:
        return 0
    later, earlier = origins[1:], origins[:-1]
    steps = (later - earlier)[(later >= 0) & (earlier >= 0)]
    return 0 if not steps.size else -(-horizon // max(int(np.median(steps)), 1)) - 1


def mase_scales(panel: Panel, origins: Ints, season: int) -> Floats:
    """`metrics.mase_scale` of the first origins[s] rows of every series of the panel (S,)."""
    return step_scales(panel, origins, season)["mase"]


def step_scales(panel: Panel, origins: Ints, season: int) -> dict[str, Floats]:
    """The mean ("mase") and root mean squared ("rmsse") seasonal step of the first origins[s] rows (S,).

    NaN where no pair of rows a season apart was observed, or where all are equal.
    """
    turns = turns_of(panel, np.maximum(origins, 0))
    parts = [_step_scales(panel, part, origins, season, turns) for part in blocks(panel.lengths)]
    mean, square = (np.concatenate(part) for part in zip(*parts, strict=True))
    return {"mase": mean, "rmsse": np.sqrt(square)}


def _step_scales(
    panel: Panel, part: slice, origins: Ints, season: int, turns: Turns | None
) -> tuple[Floats, Floats]:
    """Mean and mean squared seasonal steps of some neighbouring series."""
    history = History(panel.offsets[part.start : part.stop + 1], origins[part])
    rows, owner = slice(panel.offsets[part.start], panel.offsets[part.stop]), history.series
    target, observed = panel.target[rows], panel.target_observed[rows]
    later = np.flatnonzero(history.known & (history.position >= season))
    both = later[observed[later] & observed[later - season]]
    steps = target[both] - target[both - season]
    if turns is not None:
        steps = nearest(steps, 0.0, turns.size[part][owner[both]])
    steps = np.abs(steps)
    count = np.maximum(np.bincount(owner[both], minlength=history.count), 1)
    total, squares = (
        np.bincount(owner[both], weights=steps**power, minlength=history.count) for power in (1, 2)
    )
    return np.where(total > 0, total / count, np.nan), np.where(squares > 0, squares / count, np.nan)


def _tables(
    actual: Floats, forecast: Floats, scales: dict[str, Floats]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Errors of one method: overall (K,), per step (K, H), per series (K, S) and per origin (K, O)."""
    tables: tuple[list[Floats], ...] = ([], [], [], [])
    columns = {name: scale[:, None] for name, scale in scales.items()}
    for metric in METRICS.values():
        series = metric.error(actual, forecast, scales, (0, 2))  # (S,)
        steps = metric.error(actual, forecast, columns, 0)  # (S, H)
        origins = metric.error(actual, forecast, scales, 2)  # (O, S)
        for table, values in zip(
            tables,
            (metrics.average(series), metrics.average(steps), series, metrics.average(origins.T)),
            strict=True,
        ):
            table.append(values)
    overall, per_step, per_series, per_origin = map(np.array, tables)
    return overall, per_step, per_series, per_origin


def _with_skill(errors: Floats, metric: int, best: int) -> Floats:
    """Errors (M, K, ...) with a last column: each method's skill against the best baseline, by one metric."""
    skill = metrics.skill(errors[:, metric], errors[best, metric])
    return np.concatenate([errors, skill[:, None]], axis=1)


def _span(backtest: Backtest) -> tuple[str, str]:
    """First and last timestamp with a scored value."""
    time = backtest.times[~np.isnan(backtest.actual)]
    return iso(backtest.panel, time.min()), iso(backtest.panel, time.max())


def _origin_times(backtest: Backtest) -> tuple[str, ...]:
    """The earliest held-out timestamp of each origin (O,); empty where nothing is scored there."""
    seen = ~np.isnan(backtest.actual)
    return tuple(
        iso(backtest.panel, times[mask].min()) if mask.any() else ""
        for times, mask in zip(backtest.times, seen, strict=True)
    )


def iso(panel: Panel, nanoseconds: np.int64) -> str:
    """A time as text: a date, or ISO 8601 with Z where the data has a time zone."""
    moment = np.datetime64(int(nanoseconds), "ns")
    if panel.names.dates:
        return str(np.datetime_as_string(moment, unit="D"))
    return str(np.datetime_as_string(moment, unit="s")) + ("Z" if panel.names.tz else "")
