"""Train: data in, a model and an error report out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecaster.config import Options, ReadConfig, limits_of
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.data.rows.known import Words
from forecaster.evaluation.backtest import Backtest
from forecaster.evaluation.scores import Report, score
from forecaster.methods.blend import Blend
from forecaster.model.model import SAMPLE, Facts, Model
from forecaster.nn.compiled_layer import described
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.engines.members import crew_of
from forecaster.pipeline.engines.named import engine_named
from forecaster.pipeline.learn import Learned, learn
from forecaster.pipeline.sampling.draw import sample_size
from forecaster.pipeline.sampling.one_pass import Passed, Wanted
from forecaster.pipeline.sampling.report import SampleReport, report_on
from forecaster.pipeline.sampling.source import Sample, naming_samples, sample_of
from forecaster.report.series_kinds import series_kinds, summary
from forecaster.training.checkpoint import Checkpoint
from forecaster.training.ensemble import Listener
from forecaster.training.plan import choose_horizon

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
    backtest: Backtest | None = None
    """What the report is made of."""
    curves: tuple[tuple[tuple[int, float], ...], ...] = ()
    """Step and validation loss at each validation pass of each network, before the refit."""
    sample: SampleReport | None = None
    """What the sample is and what it costs, if only a sample of the series was trained on."""


def train(
    source: str | Path | pd.DataFrame,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    on_event: Listener | None = None,
    on_read: Reader | None = None,
    on_piece: Passed | None = None,
    checkpoint: Checkpoint | None = None,
    sample_series: str | int | None = None,
    engine: Engine | None = None,
) -> Training:
    """Train a model and report its errors on held-out data.

    The last horizon of each series that is long enough is the test part, and the rows before it are the
    validation part. The report is on networks trained on neither. Unless `options.refit` is off, the
    returned model's networks are then trained on all rows, and its blend weights use the test part too. With
    `checkpoint`, a training that was interrupted goes on, to the same model. `engine`: where networks are
    trained; None: here.

    `sample_series`: train on a sample of so many series, or `auto`; see `pipeline.sampling.draw`. Where the
    source is Parquet, `engine` draws it piece by piece (default: processes of this machine).
    """
    sample = None
    with naming_samples(source, sampled=sample_series is not None):
        if sample_series is None:
            loaded = load(source, read, limits=limits_of(options))
        else:
            size, drawn_by = sample_size(sample_series), engine or engine_named(workers=options.workers)
            wanted = Wanted(size, read, limits_of(options), options.seed)
            sample = sample_of(source, wanted, drawn_by, on_piece)
            loaded = sample.loaded
        if on_read:
            on_read(loaded)
        if checkpoint is not None:
            checkpoint.begin(loaded.panel, options)
        horizon = choose_horizon(options, loaded.panel)
        learned = learn(loaded.panel, horizon, options, on_event, checkpoint, crew_of(engine))
    return _trained(loaded, options, learned, sample)


def _trained(loaded: Loaded, options: Options, learned: Learned, sample: Sample | None) -> Training:
    """The model of what was learned, and the report on it."""
    panel, fit = loaded.panel, learned.fit
    report = None if learned.backtest is None else score(learned.backtest)
    of_sample = None if sample is None else report_on(sample, learned, report, options)
    training = {
        "seed": options.seed,
        "refit": options.refit,
        "shortest": int(panel.lengths.min()),
        "steps": [item.outcome.steps for item in fit.fitted],
        "validation": [item.outcome.validation for item in fit.fitted],
        "rescues": sum(item.outcome.rescues for item in fit.fitted),
    }
    if of_sample is not None:
        training[SAMPLE] = of_sample.to_json(series=False)
    model = learned.model(facts_of(loaded, fit.blend, training, report))
    notes = (*_notes(learned, report), *(of_sample.notes if of_sample else ()))
    curves = learned.held_out_from.curves
    return Training(model, report, loaded, notes, fit.interrupted, learned.backtest, curves, of_sample)


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
        versions={name: version(name) for name in VERSIONS} | {"kernels": described()},
        repairs=dict(repairs),
        training=training,
        report=None if report is None else report.to_json(series=len(panel) <= REPORTED_SERIES),
        words=_words(loaded),
        values=summary(series_kinds(panel, loaded.odd, log=blend.log, limits=blend.limits)),
    )


def _words(loaded: Loaded) -> dict[str, Words]:
    """The words of known covariates and facts of series, by the column that they were read from."""
    read, panel = loaded.read, loaded.panel
    each = [part for part in (panel.known, panel.static) if part is not None]
    words = {name: own for part in each for name, own in zip(part.names, part.words, strict=True)}
    made = () if panel.known is None else [name for name in panel.known.made if words[name] is not None]
    return {name: words[name] for name in (*(read.known or ()), *made, *read.static)}


def _notes(learned: Learned, report: Report | None) -> tuple[str, ...]:
    """Notes on the limits of the report."""
    panel, fit = learned.panel, learned.held_out_from
    if report is None:
        return (_unreported(panel, fit.fitted[0].member.config.horizon),)
    notes = []
    left_out = len(panel) - fit.parts.series.size
    if left_out:
        notes.append(
            f"{left_out} of {len(panel)} series are too short to hold out {report.horizon} rows. The report "
            f"leaves them out; the model {'is' if learned.options.refit else 'is not'} trained on them."
        )
    if report.windows < FEW_WINDOWS:
        notes.append(
            f"The report rests on {report.windows} held-out window{'s'[: report.windows > 1]}, all that "
            "training holds out of so few rows: `forecast evaluate`, with the same data and options and "
            "with --origins and --step, measures more."
        )
    return tuple(notes)


def _unreported(panel: Panel, horizon: int) -> str:
    """Why there is no report."""
    longest = int((panel.spans.stop - panel.spans.start).max())
    rows = f"the longest series has {longest} rows"
    if panel.broken:
        rows = (
            f"between gaps of more than {panel.max_gap} rows (see --max-gap) there are at most {longest} rows"
        )
    return (
        f"No error report: {rows}, but holding out data for a horizon of {horizon} needs about "
        f"{3 * horizon}. The intervals are rough estimates."
    )
