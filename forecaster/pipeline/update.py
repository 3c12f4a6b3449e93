"""Update: a model and newer rows in, the model that went on learning out, or the old one if it is better."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from forecaster.arrays import Floats
from forecaster.config import ReadConfig
from forecaster.data.labels import times_as_strings
from forecaster.data.load import Loaded, Reader
from forecaster.data.panel import Panel
from forecaster.errors import DataError, ModelError, UsageError
from forecaster.evaluation.backtest import held_out
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.scores import Report, mase_scales, overlap, paired_test, score
from forecaster.features.view import as_scored
from forecaster.methods.baselines import first_origins
from forecaster.model.model import Model, hashes
from forecaster.pipeline.predict import load_for, read_as
from forecaster.pipeline.remembered import from_memory
from forecaster.pipeline.rolling import Rolled, beside_baselines
from forecaster.pipeline.sampling.source import naming_samples
from forecaster.pipeline.train import facts_of
from forecaster.training.ensemble import Listener
from forecaster.training.update import (
    NewRows,
    Part,
    Trial,
    learned_from_all,
    new_rows,
    rows_seen,
    try_new_rows,
)

if TYPE_CHECKING:
    import pandas as pd

BEFORE = "model before"
"""The old model in the report."""
EQUAL = 0.01
"""Errors this close, relative to the old one, count as equal."""
ENOUGH = 3
"""Windows or series that show what chance is."""
Outcome = Literal["updated", "kept", "nothing new"]


@dataclass(frozen=True, eq=False)
class Update:
    """The result of `update`."""

    model: Model
    """The model to use from now on: the old one itself unless `outcome` is "updated"."""
    outcome: Outcome
    """kept: the old model was better on the held-out rows."""
    loaded: Loaded
    rows: int
    """New rows."""
    last: str
    """The newest timestamp of the data."""
    report: Report | None = None
    """The errors on the held-out rows of the updated model, the model before and the baselines."""
    notes: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[str, float, float] | None:
        """The metric that decided, and the errors by it of the updated model and of the one before."""
        if self.report is None:
            return None
        return self.report.decided_on, *_errors(self.report)

    def to_json(self) -> dict[str, Any]:
        """All but the model and the data, as JSON values."""
        errors = None
        if self.errors is not None:
            errors = dict(zip(("metric", "updated", "before"), self.errors, strict=True))
        return {
            "outcome": self.outcome,
            "new_rows": self.rows,
            "last": self.last,
            "errors": errors,
            "report": None if self.report is None else self.report.to_json(),
            "notes": list(self.notes),
        }


def update(
    model: Model,
    source: str | Path | pd.DataFrame | None = None,
    read: ReadConfig | None = None,
    *,
    workers: int | None = None,
    on_event: Listener | None = None,
    on_read: Reader | None = None,
) -> Update:
    """Let a model go on learning from the rows that are newer than it has seen.

    `source` has these rows and those before (default: the source that the model was trained on); it is read
    as `predict` reads it. The newest of the new rows are held out first. Where the updated model is worse
    there than the old one, by more than 1 % and more than chance explains, the old one stays; otherwise it
    learns from all rows. `workers` is the number of cores and never changes the result.

    Raises ModelError where the data does not fit the model, DataError where too few of its rows are left.
    """
    if model.distribution is None or model.series is None:
        raise ModelError(
            "the model was written before models could be updated",
            hint="Train it again: `forecast train DATA`.",
        )
    with naming_samples(source, instead="forecast train DATA"):
        loaded = _loaded(model, source, read)
    if on_read:
        on_read(loaded)
    panel = loaded.panel
    model.check_fits(panel)
    seen = rows_seen(model, panel)
    count = int((panel.lengths - seen).sum())
    last = str(times_as_strings(np.array([panel.time.max()]), panel.names)[0])
    notes = _notes(model, panel)
    if not count:
        return Update(model, "nothing new", loaded, 0, last, notes=notes)
    rows = new_rows(panel, seen, model.horizon)
    _check_rows(model, panel, rows)
    if not np.isfinite(held_out(panel, rows.tested, model.horizon)).any():
        notes = (*notes, "None of the newest rows has a value to compare the models by.")
        return Update(model, "kept", loaded, count, last, notes=notes)
    trial = try_new_rows(model, panel, rows, workers, on_event)
    part, report = _best(panel, rows, trial)
    result = Update(model, "kept", loaded, count, last, report, notes)
    if part is None:
        return result
    learned = learned_from_all(model, panel, rows, trial, part, workers, on_event)
    return dataclasses.replace(result, model=_with_facts(learned, loaded, report), outcome="updated")


def _best(panel: Panel, rows: NewRows, trial: Trial) -> tuple[Part | None, Report]:
    """What of the model to update, and the report on it: all, unless it is worse; then a part that is better.

    None: no part is better.
    """
    (whole, points), *others = trial.new.items()
    report = _report(panel, rows, points, trial.old)
    if not _worse(panel, rows, points, trial.old, report):
        return whole, report
    reports = {part: _report(panel, rows, each, trial.old) for part, each in others}
    for part, each in sorted(reports.items(), key=lambda pair: _errors(pair[1])):
        if _errors(each)[0] < _errors(each)[1]:
            return part, each
    return None, report


def _worse(panel: Panel, rows: NewRows, new: Floats, old: Floats, report: Report) -> bool:
    """Whether forecasts are worse than the old ones: by more than EQUAL, and by more than chance explains.

    Fewer than ENOUGH series, or windows of a single one, cannot tell what chance is: then it is left out.
    """
    after, before = _errors(report)
    if after <= (1 + EQUAL) * before:
        return False
    if (report.scored if report.scored > 1 else report.origins) < ENOUGH:
        return True
    scale = mase_scales(panel, first_origins(rows.tested), panel.frequency.season)
    actual = held_out(as_scored(panel), rows.tested, report.horizon)
    lags = overlap(rows.tested, report.horizon)
    return not paired_test(actual, new, old, scale, report.decided_on, lags).chance


def _errors(report: Report) -> tuple[float, float]:
    """The errors that decide: of the updated model, and of the one before."""
    return report.value(MODEL, report.decided_on), report.value(BEFORE, report.decided_on)


def _loaded(model: Model, source: str | Path | pd.DataFrame | None, read: ReadConfig | None) -> Loaded:
    """The data, read as the model remembers it. ModelError where it lacks a column of the model."""

    def read_from(source: str | Path | pd.DataFrame) -> Loaded:
        return load_for(model, source, read_as(model, source, read))

    if source is None:
        with from_memory(model, "update"):
            return read_from(model.facts.source)
    try:
        return read_from(source)
    except UsageError as error:
        if read not in (None, ReadConfig()):
            raise
        hint = f"{error.hint}\nName the columns with --time, --id, --target, or train a new model."
        raise ModelError(f"the data does not fit the model: {error.message}", hint=hint.strip()) from error


def _check_rows(model: Model, panel: Panel, rows: NewRows) -> None:
    """Raise DataError where too few rows come before those held out to learn anything from them."""
    longest, needed = int(rows.known.max()), model.horizon + 2
    if longest < needed:
        raise DataError(
            f"the longest series has {int(panel.lengths.max())} rows, {longest} of them before those held "
            f"out: an update needs {needed}",
            hint="Give the whole history, not only the newest rows.",
        )


def _notes(model: Model, panel: Panel) -> tuple[str, ...]:
    """What is unlike the data that the model was trained on."""
    assert model.series is not None
    here = hashes(panel.ids)
    fresh, gone = (
        int(np.isin(a, b, invert=True).sum()) for a, b in ((here, model.series), (model.series, here))
    )
    notes = []
    if fresh:
        notes.append(f"{fresh} of {len(panel)} series are new to the model.")
    if gone:
        notes.append(f"{gone} of the {len(model.series)} series that the model knows are not in the data.")
    first = int(panel.time.min())
    if first > model.facts.first:
        begins, trained = times_as_strings(np.array([first, model.facts.first]), panel.names)
        notes.append(
            f"The data begins at {begins}, that of the training at {trained}: older rows are left out."
        )
    return tuple(notes)


def _report(panel: Panel, rows: NewRows, new: Floats, old: Floats) -> Report:
    """The errors on the held-out rows: both models, then the baselines."""
    reports = [score(beside_baselines(panel, rows.tested, Rolled(point, {}), (), ())) for point in (new, old)]

    def joined(name: str) -> Floats:
        one, other = (getattr(report, name) for report in reports)
        return np.concatenate([one[:1], other[:1], one[1:]])

    levels = reports[0].hierarchy
    if levels is not None and reports[1].hierarchy is not None:
        table, before = levels.wrmsse, reports[1].hierarchy.wrmsse
        levels = dataclasses.replace(levels, wrmsse=np.concatenate([table[:1], before[:1], table[1:]]))
    return dataclasses.replace(
        reports[0],
        hierarchy=levels,
        methods=(MODEL, BEFORE, *reports[0].methods[1:]),
        overall=joined("overall"),
        per_step=joined("per_step"),
        per_series=joined("per_series"),
        per_origin=joined("per_origin"),
    )


def _with_facts(model: Model, loaded: Loaded, report: Report) -> Model:
    """The updated model, with the facts of its new data."""
    before = model.facts.training
    training = before | {
        "updates": int(before.get("updates", 0)) + 1,
        "shortest": min(
            int(loaded.panel.lengths.min()), int(before.get("shortest", loaded.panel.lengths.min()))
        ),
    }
    facts = facts_of(loaded, model.blend, training, report)
    facts = dataclasses.replace(facts, first=min(facts.first, model.facts.first))
    return dataclasses.replace(model, facts=facts)
