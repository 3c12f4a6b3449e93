"""Evaluate: a rolling-origin backtest, compared with the baselines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Options, ReadConfig, limits_of
from forecaster.data.labels import times_as_strings
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.errors import ModelError
from forecaster.evaluation.backtest import rolling_origins
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.scores import Report, score
from forecaster.features.view import as_scored, cleaned
from forecaster.forecasting.components import point_forecasts
from forecaster.forecasting.pretrained import medians
from forecaster.methods.baselines import backtest_baselines, first_origins
from forecaster.methods.blend import Blend
from forecaster.model.model import Model, Networks
from forecaster.pipeline.predict import read_as
from forecaster.training import fit as fitting
from forecaster.training.ensemble import Listener
from forecaster.training.plan import choose_horizon, newest_origins

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `evaluate`."""

    report: Report
    loaded: Loaded
    notes: tuple[str, ...] = ()


def evaluate(
    source: str | Path | pd.DataFrame,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    origins: int = 1,
    step: int | None = None,
    model: Model | Literal["pretrained"] | None = None,
    on_event: Listener | None = None,
    on_read: Reader | None = None,
) -> Evaluation:
    """Rolling-origin backtest: `origins` forecast origins, `step` rows apart (default: one horizon).

    Trains once on the rows before the first origin, or uses `model`, which must not have seen later rows;
    "pretrained" stands for the pretrained networks alone. Each forecast reads only rows before its origin.
    """
    if isinstance(model, str):
        return _evaluate_pretrained(source, options, read, origins=origins, step=step, on_read=on_read)
    limits = model.blend.limits if model else limits_of(options)
    loaded = load(
        source, read_as(model, source, read) if model else read, limits=limits, remembered=model is not None
    )
    if on_read:
        on_read(loaded)
    panel = loaded.panel
    horizon = model.horizon if model else choose_horizon(options, panel)
    if model and options.horizon is not None:
        horizon = options.horizon
    history = 1 if model else 2  # rows before the first origin of the longest series
    newest = newest_origins(panel, horizon)
    lengths = np.where(newest > 0, newest + horizon, panel.lengths)
    origin_rows = rolling_origins(lengths, horizon, origins, step or horizon, history=history)
    if model is None:
        known = np.maximum(first_origins(origin_rows), 0)
        fit = fitting.fit(panel, known, horizon, options, on_event)
        final = fitting.refit(panel, known, fit, options, on_event) if options.refit else fit
        networks, blend = final.networks, final.blend
    else:
        model.check_fits(panel)
        _check_unseen(model, panel, origin_rows)
        networks, blend = model.networks, model.blend
    point = _blended(panel, networks, blend, origin_rows)[..., :horizon]
    return Evaluation(score_beside_baselines(panel, point, origin_rows), loaded)


def _evaluate_pretrained(
    source: str | Path | pd.DataFrame,
    options: Options,
    read: ReadConfig,
    *,
    origins: int,
    step: int | None,
    on_read: Reader | None,
) -> Evaluation:
    """The backtest of the pretrained networks."""
    limits = limits_of(options)
    loaded = load(source, read, limits=limits)
    if on_read:
        on_read(loaded)
    panel = loaded.panel
    horizon = choose_horizon(options, panel)
    newest = newest_origins(panel, horizon)
    lengths = np.where(newest > 0, newest + horizon, panel.lengths)
    rows = rolling_origins(lengths, horizon, origins, step or horizon)
    points = []
    for origin in np.maximum(rows, 0):
        view = cleaned(panel, origin, "each")
        points.append(medians(view, origin, horizon, limits))
    return Evaluation(score_beside_baselines(panel, np.stack(points), rows), loaded)


def score_beside_baselines(panel: Panel, point: Floats, origin_rows: Ints) -> Report:
    """The report of the model's forecasts (O, S, H), compared with the baselines; without suspicious values.

    None is asked to forecast a reading of 1e300, the naive forecast does not repeat it, and the mean of winds
    around north is north.
    """
    horizon = point.shape[2]
    panel = as_scored(panel)
    return score(
        panel, origin_rows, {MODEL: point} | backtest_baselines(panel, origin_rows, horizon), horizon
    )


def _blended(panel: Panel, networks: Networks, blend: Blend, origin_rows: Ints) -> Floats:
    """The model's forecasts from each origin (O, S, H)."""
    points = []
    for origin in np.maximum(origin_rows, 0):
        view = cleaned(panel, origin, blend.scales)
        points.append(point_forecasts(networks, blend, view, origin))
    return np.stack(points)


def _check_unseen(model: Model, panel: Panel, origin_rows: Ints) -> None:
    """Raise ModelError where the model was trained on rows at or after the first origin."""
    origin_rows = first_origins(origin_rows)
    series = np.flatnonzero(origin_rows > 0)
    known = panel.time[panel.offsets[series] + origin_rows[series] - 1]
    if model.facts.last > known.min():
        trained_to, first_known = times_as_strings(np.array([model.facts.last, known.min()]), panel.names)
        raise ModelError(
            f"the model was trained on data up to {trained_to}, but the first forecast origin comes after "
            f"{first_known}: its errors would look too small",
            hint="Omit --model: `evaluate` then trains a model on the rows before the first origin.",
        )
