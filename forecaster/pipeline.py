"""Train, predict, evaluate, inspect: config in, result out; joins the rooms."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecaster import __version__, fitting
from forecaster.blend import Blend
from forecaster.config import Options, ReadConfig
from forecaster.data.calendar import times_as_strings
from forecaster.data.load import Loaded, load
from forecaster.data.panel import Panel
from forecaster.defaults import choose_horizon, newest_origins, split
from forecaster.ensemble import Listener
from forecaster.errors import ModelError
from forecaster.evaluation.backtest import held_out, rolling_origins
from forecaster.evaluation.baselines import backtest_baselines, first_ends
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.intervals import calibrate
from forecaster.evaluation.scores import Report, score
from forecaster.fitting import Fit
from forecaster.forecasting import blended, point_forecasts
from forecaster.model import Facts, Member, Model
from forecaster.predicting import predict as predict
from forecaster.predicting import read_as
from forecaster.validation import interval_residuals, try_components

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FEW_WINDOWS = 10
REPORTED_SERIES = 1000
"""A model of more series remembers its report without the errors of each."""
ROUGH_SPREAD = 1.0
"""Half-width, in local spreads per root of the step, where nothing could be held out to calibrate on."""


@dataclass(frozen=True, eq=False)
class Training:
    """What `train` gives: the model, how it did on data held out, and what was found in the data."""

    model: Model
    report: Report | None
    loaded: Loaded
    notes: tuple[str, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` gives."""

    report: Report
    loaded: Loaded
    notes: tuple[str, ...] = ()


def inspect(source: str | Path | pd.DataFrame, read: ReadConfig = ReadConfig()) -> Loaded:
    """Read the data and say what was understood."""
    return load(source, read)


def train(
    source: str | Path | pd.DataFrame,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    on_event: Listener | None = None,
) -> Training:
    """Train a model and report its errors on data held out.

    The last horizon of each series long enough is the test, what lies before it validation. The report is
    that of networks that saw neither. Those of the model returned have then been trained on all rows, and
    their blend is weighed by the test too, unless `options.refit` is off.
    """
    loaded = load(source, read)
    panel = loaded.panel
    horizon = choose_horizon(options, panel)
    known = newest_origins(panel, horizon)
    if not _anything_held_out(panel, known, horizon):
        return _train_unreported(loaded, horizon, options, on_event)
    fit = fitting.fit(panel, known, horizon, options, on_event)
    ends = np.where(fit.parts.train > 0, fit.parts.validation, -1)[None]  # (1, S)
    tried = try_components(panel, fit.members, fit.blend, ends)
    components = {name: values[0] for name, values in tried.items()}
    point = blended(components, fit.blend, panel, np.maximum(ends[0], 0))[None]
    report = _score(panel, point, ends)
    if options.refit and not fit.interrupted:
        again = fitting.weigh_again(panel, fit, ends, tried)
        final = fitting.refit(panel, panel.lengths, again, options, on_event)
    else:
        final = fitting.without_idle(fit)
    model = _model(loaded, final, options, _half_widths(panel, final, ends, point, options), report)
    return Training(model, report, loaded, _notes(panel, fit, report, options), final.interrupted)


def evaluate(
    source: str | Path | pd.DataFrame,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    origins: int = 1,
    step: int | None = None,
    model: Model | None = None,
    on_event: Listener | None = None,
) -> Evaluation:
    """Rolling-origin backtest: `origins` origins, `step` rows apart (one horizon by default).

    Trains once on what precedes the first origin, or takes a `model` that was; each forecast reads the
    rows before its origin only.
    """
    loaded = load(source, read_as(model, source, read) if model else read)
    panel = loaded.panel
    horizon = model.horizon if model else choose_horizon(options, panel)
    if model and options.horizon is not None:
        horizon = options.horizon
    history = 1 if model else 2  # rows before the first origin of the longest series
    newest = newest_origins(panel, horizon)
    lengths = np.where(newest > 0, newest + horizon, panel.lengths)
    ends = rolling_origins(lengths, horizon, origins, step or horizon, history=history)
    if model is None:
        known = np.maximum(first_ends(ends), 0)
        fit = fitting.fit(panel, known, horizon, options, on_event)
        final = fitting.refit(panel, known, fit, options, on_event) if options.refit else fit
        members, blend = final.members, final.blend
    else:
        model.check_fits(panel)
        _check_unseen(model, panel, ends)
        members, blend = model.members, model.blend
    point = _blended(panel, members, blend, ends)[..., :horizon]
    return Evaluation(_score(panel, point, ends), loaded)


def _train_unreported(loaded: Loaded, horizon: int, options: Options, on_event: Listener | None) -> Training:
    """Train on all rows, since no series is long enough to hold anything out."""
    panel = loaded.panel
    fit = fitting.fit(panel, panel.lengths, horizon, options, on_event)
    longest = int((panel.stretches.stop - panel.stretches.start).max())
    rows = f"the longest series has {longest} rows"
    if panel.broken:
        rows = f"between gaps of more than {panel.max_gap} rows (see --max-gap) are {longest} rows at most"
    note = (
        f"No error report: {rows}, and holding out data for a horizon of {horizon} takes about "
        f"{3 * horizon}. The intervals are rough."
    )
    model = _model(loaded, fit, options, _rough_widths(horizon, options), None)
    return Training(model, None, loaded, (note,), fit.interrupted)


def _anything_held_out(panel: Panel, known: Ints, horizon: int) -> bool:
    """Whether a series that is long enough has a value in its `horizon` rows behind the known ones."""
    ends = np.where(split(known, horizon).train > 0, known, -1)
    return bool(np.isfinite(held_out(panel, ends[None], horizon)).any())


def _half_widths(panel: Panel, fit: Fit, ends: Ints, point: Floats, options: Options) -> Floats:
    """Interval half-widths (levels, H), calibrated on validation and on the test (ends and point)."""
    lookback = max(member.config.lookback for member in fit.members)
    held_out = ((fit.ends, fit.point), (ends, point))
    residuals = np.concatenate(
        [interval_residuals(panel, values, of, lookback, log=fit.blend.log) for of, values in held_out]
    )
    if not np.isfinite(residuals).any():  # series that never move
        return _rough_widths(point.shape[2], options)
    return calibrate(residuals, options.levels)


def _rough_widths(horizon: int, options: Options) -> Floats:
    """Half-widths (levels, H) of a random walk, where there are no held-out errors to learn them from."""
    growth = ROUGH_SPREAD * np.sqrt(np.arange(1, horizon + 1))
    return np.array([NormalDist().inv_cdf(0.5 + level / 200) * growth for level in options.levels])


def _blended(panel: Panel, members: Sequence[Member], blend: Blend, ends: Ints) -> Floats:
    """The model's forecasts from each origin (O, S, H)."""
    return np.stack([point_forecasts(members, blend, panel, np.maximum(origin, 0)) for origin in ends])


def _score(panel: Panel, point: Floats, ends: Ints) -> Report:
    """The model's forecasts (O, S, H) beside the baselines'."""
    horizon = point.shape[2]
    return score(panel, ends, {MODEL: point} | backtest_baselines(panel, ends, horizon), horizon)


def _model(loaded: Loaded, fit: Fit, options: Options, half_widths: Floats, report: Report | None) -> Model:
    """The model with everything it remembers."""
    from importlib.metadata import version  # `predict` does without

    panel = loaded.panel
    repairs: Counter[str] = Counter()
    for finding in loaded.findings:
        if finding.severity == "repair":
            repairs[finding.code] += finding.count
    facts = Facts(
        source=loaded.source,
        read=loaded.read,
        names=panel.names,
        frequency=panel.frequency,
        series=len(panel),
        rows=len(panel.values),
        first=int(panel.time.min()),
        last=int(panel.time.max()),
        versions={"forecaster": __version__}
        | {name: version(name) for name in ("numpy", "pandas", "pyarrow", "safetensors")},
        repairs=dict(repairs),
        training={
            "seed": options.seed,
            "refit": options.refit,
            "shortest": int(panel.lengths.min()),
            "steps": [item.outcome.steps for item in fit.fitted],
            "validation": [item.outcome.validation for item in fit.fitted],
            "rescues": sum(item.outcome.rescues for item in fit.fitted),
        },
        report=None if report is None else report.to_json(series=len(panel) <= REPORTED_SERIES),
    )
    options = dataclasses.replace(options, workers=None)  # never changes the result, nor the file
    return Model(options, fit.members, fit.blend, half_widths, facts)


def _notes(panel: Panel, fit: Fit, report: Report, options: Options) -> tuple[str, ...]:
    """What a reader of the report should know."""
    notes = []
    left_out = len(panel) - fit.parts.series.size
    if left_out:
        notes.append(
            f"{left_out} of {len(panel)} series are too short to hold out {report.horizon} rows; the report "
            f"is without them, the model is trained {'on them too' if options.refit else 'without them too'}."
        )
    if report.windows < FEW_WINDOWS:
        notes.append(
            f"The report rests on {report.windows} held-out window{'s'[: report.windows > 1]}: "
            "`forecast evaluate DATA --origins 20` says more."
        )
    return tuple(notes)


def _check_unseen(model: Model, panel: Panel, ends: Ints) -> None:
    """Raise ModelError where the model was trained on rows at or after the first origin."""
    ends = first_ends(ends)
    series = np.flatnonzero(ends > 0)
    known = panel.time[panel.offsets[series] + ends[series] - 1]
    if model.facts.last > known.min():
        seen, first_known = times_as_strings(np.array([model.facts.last, known.min()]), panel.names)
        raise ModelError(
            f"the model has seen data up to {seen}, the first origin follows {first_known}: "
            "its score would flatter it",
            hint="Leave --model out, and `evaluate` trains one on what precedes the first origin.",
        )
