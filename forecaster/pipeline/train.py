"""Train: data in, a model and an error report out."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Options, ReadConfig, limits_of
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.evaluation.backtest import held_out
from forecaster.evaluation.scores import Report
from forecaster.features.groups import GROUPS
from forecaster.features.view import cleaned
from forecaster.forecasting.components import blended
from forecaster.forecasting.uncertainty import fit_distribution
from forecaster.intervals.distribution import Distribution
from forecaster.methods.blend import PRETRAINED, Blend
from forecaster.model.held_forecasts import HeldForecasts
from forecaster.model.model import Facts, Model, hashes
from forecaster.pipeline.evaluate import score_beside_baselines
from forecaster.report.series_kinds import series_kinds, summary
from forecaster.training import fit as fitting
from forecaster.training.blend_weights import try_all
from forecaster.training.checkpoint import Checkpoint
from forecaster.training.ensemble import Listener
from forecaster.training.fit import Fit
from forecaster.training.plan import choose_horizon, newest_origins, split

if TYPE_CHECKING:
    import pandas as pd


FEW_WINDOWS = 10
VERSIONS = ("forecaster", "numpy", "pandas", "pyarrow", "safetensors")
"""The packages whose versions a model remembers."""
REPORTED_SERIES = 1000
"""A model of more series remembers its report without the errors of each."""


@dataclass(frozen=True, eq=False)
class Training:
    """The result of `train`: the model, its errors on held-out data, and the data as it was read."""

    model: Model
    report: Report | None
    loaded: Loaded
    notes: tuple[str, ...] = ()
    interrupted: bool = False


def train(
    source: str | Path | pd.DataFrame,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    on_event: Listener | None = None,
    on_read: Reader | None = None,
    checkpoint: Checkpoint | None = None,
) -> Training:
    """Train a model and report its errors on held-out data.

    The last horizon of each series that is long enough is the test part, and the rows before it are the
    validation part. The report is on networks trained on neither. Unless `options.refit` is off, the
    returned model's networks are then trained on all rows, and its blend weights use the test part too. With
    `checkpoint`, a training that was interrupted goes on, to the same model.
    """
    loaded = load(source, read, limits=limits_of(options))
    if on_read:
        on_read(loaded)
    panel = loaded.panel
    horizon = choose_horizon(options, panel)
    known = newest_origins(panel, horizon)
    if checkpoint is not None:
        checkpoint.begin(panel, options)
    if not _anything_held_out(panel, known, horizon):
        return _train_unreported(loaded, horizon, options, on_event, checkpoint)
    fit = fitting.fit(panel, known, horizon, options, on_event, until=panel.lengths, checkpoint=checkpoint)
    origins = np.where(fit.parts.train > 0, fit.parts.validation, -1)[None]  # (1, S)
    forecasts, quantiles = try_all(panel, fit.networks, fit.blend, origins)
    components = {name: values[0] for name, values in forecasts.items()}
    newest = np.maximum(origins[0], 0)
    point = blended(components, fit.blend, cleaned(panel, newest, fit.blend.scales), newest)[None]
    report = score_beside_baselines(panel, point, origins)
    if options.refit and not fit.interrupted:
        reweighed = fitting.weigh_again(panel, fit, origins, forecasts)
        final = fitting.refit(panel, panel.lengths, reweighed, options, on_event, checkpoint)
    else:
        final = fitting.without_idle(fit)
    errors = _distribution(panel, final, origins, point, quantiles)
    model = _model(loaded, final, options, errors, report)
    return Training(model, report, loaded, _notes(panel, fit, report, options), final.interrupted)


def _train_unreported(
    loaded: Loaded,
    horizon: int,
    options: Options,
    on_event: Listener | None,
    checkpoint: Checkpoint | None,
) -> Training:
    """Train on all rows without a report, because no series is long enough to hold anything out."""
    panel = loaded.panel
    fit = fitting.fit(panel, panel.lengths, horizon, options, on_event, checkpoint=checkpoint)
    longest = int((panel.spans.stop - panel.spans.start).max())
    rows = f"the longest series has {longest} rows"
    if panel.broken:
        rows = (
            f"between gaps of more than {panel.max_gap} rows (see --max-gap) there are at most {longest} rows"
        )
    note = (
        f"No error report: {rows}, but holding out data for a horizon of {horizon} needs about "
        f"{3 * horizon}. The intervals are rough estimates."
    )
    pretrained = fit.quantiles if _anything_but_prices(fit) else None
    errors = fit_distribution(panel, fit.origins, fit.point, fit.blend, pretrained)
    model = _model(loaded, fit, options, errors, None)
    return Training(model, None, loaded, (note,), fit.interrupted)


def _anything_held_out(panel: Panel, known: Ints, horizon: int) -> bool:
    """Whether any series that is long enough has an observed value in the `horizon` rows after `known`."""
    origins = np.where(split(known, horizon).train > 0, known, -1)
    return bool(np.isfinite(held_out(panel, origins[None], horizon)).any())


def _distribution(
    panel: Panel, fit: Fit, origins: Ints, point: Floats, quantiles: Floats | None
) -> Distribution:
    """The sizes of errors, learned from the forecasts of validation and of the test.

    `origins`, `point` and `quantiles` of the pretrained networks are those of the test.
    """
    pretrained = None
    if fit.quantiles is not None and quantiles is not None and _anything_but_prices(fit):
        pretrained = np.concatenate([fit.quantiles, quantiles])
    origins, point = np.concatenate([fit.origins, origins]), np.concatenate([fit.point, point])
    return fit_distribution(panel, origins, point, fit.blend, pretrained)


def _anything_but_prices(fit: Fit) -> bool:
    """Whether any series gets calibrated intervals: those of prices come from their network."""
    knows_prices = any(network.kind == "prices" for network in fit.pretrained)
    return not knows_prices or bool((fit.groups != GROUPS.index("price")).any())


def _model(loaded: Loaded, fit: Fit, options: Options, errors: Distribution, report: Report | None) -> Model:
    """The model with everything it remembers."""
    training = {
        "seed": options.seed,
        "refit": options.refit,
        "shortest": int(loaded.panel.lengths.min()),
        "steps": [item.outcome.steps for item in fit.fitted],
        "validation": [item.outcome.validation for item in fit.fitted],
        "rescues": sum(item.outcome.rescues for item in fit.fitted),
    }
    facts = facts_of(loaded, fit.blend, training, report)
    options = dataclasses.replace(options, workers=None)  # never changes the result, nor the file
    used = tuple(network for network in fit.pretrained if network.kind in _kinds_used(fit, errors))
    members, held = fit.networks.trained, fit.held
    kept = HeldForecasts.of(loaded.panel, held.origins, held.blocks, held.forecasts)
    return Model(options, members, fit.blend, None, facts, errors, hashes(loaded.panel.ids), used, kept)


def facts_of(loaded: Loaded, blend: Blend, training: dict[str, Any], report: Report | None) -> Facts:
    """What a model trained on this data remembers of it."""
    from importlib.metadata import version  # `predict` does without

    panel = loaded.panel
    repairs: Counter[str] = Counter()
    for finding in loaded.findings:
        if finding.severity == "repair":
            repairs[finding.code] += finding.count
    return Facts(
        source=loaded.source,
        read=loaded.read,
        names=panel.names,
        frequency=panel.frequency,
        series=len(panel),
        rows=len(panel.values),
        first=int(panel.time.min()),
        last=int(panel.time.max()),
        versions={name: version(name) for name in VERSIONS},
        repairs=dict(repairs),
        training=training,
        report=None if report is None else report.to_json(series=len(panel) <= REPORTED_SERIES),
        values=summary(series_kinds(panel, loaded.odd, log=blend.log, limits=blend.limits)),
    )


def _kinds_used(fit: Fit, errors: Distribution) -> set[str]:
    """The kinds of pretrained networks that the model needs: of prices for intervals, others to blend too."""
    kinds = {network.kind for network in fit.pretrained}
    others = PRETRAINED in fit.blend.components or errors.network_share > 0
    prices = bool((fit.groups == GROUPS.index("price")).any())
    return {kind for kind in kinds if (prices if kind == "prices" else others)}


def _notes(panel: Panel, fit: Fit, report: Report, options: Options) -> tuple[str, ...]:
    """Notes on the limits of the report."""
    notes = []
    left_out = len(panel) - fit.parts.series.size
    if left_out:
        notes.append(
            f"{left_out} of {len(panel)} series are too short to hold out {report.horizon} rows. The report "
            f"leaves them out; the model {'is' if options.refit else 'is not'} trained on them."
        )
    if report.windows < FEW_WINDOWS:
        notes.append(
            f"The report rests on {report.windows} held-out window{'s'[: report.windows > 1]}: "
            "`forecast evaluate --origins 20`, with the same data and options, is more reliable."
        )
    return tuple(notes)
