"""Evaluate: a rolling-origin backtest, compared with the baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from forecaster.arrays import Ints
from forecaster.config import Options, ReadConfig, limits_of
from forecaster.data.labels import times_as_strings
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.errors import ModelError, UsageError
from forecaster.evaluation.backtest import Backtest, rolling_origins
from forecaster.evaluation.scores import Report, score
from forecaster.methods import opponents
from forecaster.methods.baselines import first_origins
from forecaster.model.model import Model
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.engines.members import crew_of
from forecaster.pipeline.engines.named import engine_named
from forecaster.pipeline.learn import Learned
from forecaster.pipeline.pieces import Counter
from forecaster.pipeline.predict import read_as
from forecaster.pipeline.sampling.draw import sample_size
from forecaster.pipeline.sampling.one_pass import Passed, Wanted
from forecaster.pipeline.sampling.source import Sample, naming_samples, sample_of
from forecaster.pipeline.trials import NEVER, backtest_trial, trial_of
from forecaster.training.ensemble import Listener
from forecaster.training.plan import newest_origins

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `evaluate`."""

    report: Report
    loaded: Loaded
    backtest: Backtest
    """What the report is made of."""
    notes: tuple[str, ...] = ()
    model: Model | None = None
    """What made the forecasts, the last of several; None: the pretrained networks alone."""
    options: Options = Options()
    curves: tuple[tuple[tuple[int, float], ...], ...] = ()
    """Step and validation loss at each validation pass of each network of that model."""
    sample: Sample | None = None
    """The series that were evaluated, if only a sample was."""


def evaluate(
    source: str | Path | pd.DataFrame,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    origins: int = 1,
    step: int | None = None,
    refit: int = NEVER,
    by: str | None = None,
    model: Model | Literal["pretrained"] | None = None,
    on_event: Listener | None = None,
    on_origin: Counter | None = None,
    on_read: Reader | None = None,
    on_piece: Passed | None = None,
    sample_series: str | int | None = None,
    engine: Engine | None = None,
) -> Evaluation:
    """Rolling-origin backtest: `origins` forecast origins, `step` rows apart (default: one horizon).

    Trains, as `train` does, on the rows before the first origin, and again before each `refit`-th one
    (NEVER: not again); or uses `model`, which must not have seen later rows; "pretrained" stands for the
    pretrained networks alone. Each forecast reads only rows before its origin. `by`: the column whose values
    group the series of the report; None: they are grouped by what they are taken for. `sample_series`: a
    simple random sample of so many series is evaluated, or of `auto`, which `engine` draws as for `train`.
    `engine` makes the forecasts too; None: where it suits.
    """
    if model is not None and refit != NEVER:
        raise UsageError("a model that is given is not trained again", hint="Leave out --refit, or --model.")
    known = model if isinstance(model, Model) else None
    config = read_as(known, source, read) if known else read
    limits = known.blend.limits if known else limits_of(options)
    with naming_samples(source, sampled=sample_series is not None):
        if sample_series is None:
            sample, loaded = None, load(source, config, limits=limits, remembered=known is not None, by=by)
        else:
            wanted = Wanted(sample_size(sample_series), config, limits, options.seed, simple=True, by=by)
            sample = sample_of(source, wanted, engine or engine_named(workers=options.workers), on_piece)
            loaded = sample.loaded
    if on_read:
        on_read(loaded)
    panel = loaded.panel
    newest: list[tuple[Learned, Model]] = []
    keep = partial(_keep_newest, newest)
    trial = trial_of(model or options, options, refit, keep, crew_of(engine))
    horizon = trial.horizon(panel)
    rows = origins_of(panel, horizon, origins, step, history=1 if model else 2)
    if known:
        check_unseen(known, panel, rows)
    fitted, notes = opponents_of(rows)
    backtest = backtest_trial(
        panel, rows, trial, horizon, on_event, on_origin, opponents=fitted, engine=engine
    )
    if by:
        backtest = replace(backtest, groups=tuple(loaded.groups[each] for each in panel.ids))
    made = newest[0][1] if newest else known
    curves = newest[0][0].held_out_from.curves if newest else ()
    notes = notes if sample is None else (*notes, sample.simple_note)
    return Evaluation(score(backtest), loaded, backtest, notes, made, options, curves, sample)


def _keep_newest(newest: list[tuple[Learned, Model]], learned: Learned, made: Model) -> None:
    newest[:] = [(learned, made)]


def opponents_of(rows: Ints) -> tuple[bool, tuple[str, ...]]:
    """Whether Theta and AutoETS join the baselines at the origins `rows` (O, S); a note where they would take
    too long.
    """
    windows = int((rows > 0).sum())
    if not opponents.are_installed() or windows <= opponents.MOST_WINDOWS:
        return opponents.are_installed(), ()
    names = " and ".join(opponents.CLASSES)
    times = f"{windows:,} times ({opponents.MOST_WINDOWS} at most)"
    return False, (f"{names} are left out: they would be fitted {times}.",)


def refit_of(asked: str | int) -> int:
    """After how many origins to train again, from never, each or a number. Raises UsageError."""
    words = {"never": NEVER, "each": 1}
    if asked in words:
        return words[str(asked)]
    text = str(asked)
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0:
        return int(text)
    raise UsageError(f"refit cannot be {asked!r}", hint="Give never, each, or a number of origins such as 5.")


def origins_of(panel: Panel, horizon: int, origins: int, step: int | None, *, history: int) -> Ints:
    """Origins (O, S) with at least `history` known rows, the last followed by no long gap."""
    newest = newest_origins(panel, horizon)
    lengths = np.where(newest > 0, newest + horizon, panel.lengths)
    return rolling_origins(lengths, horizon, origins, step or horizon, history=history)


WITHOUT_MODEL = "Omit --model: `evaluate` then trains a model on the rows before the first origin."


def check_unseen(model: Model, panel: Panel, origin_rows: Ints, hint: str = WITHOUT_MODEL) -> None:
    """Raise ModelError where the model does not fit, or, with this hint, where it was trained on rows at or
    after the first origin.
    """
    model.check_fits(panel)
    origin_rows = first_origins(origin_rows)
    series = np.flatnonzero(origin_rows > 0)
    known = panel.time[panel.offsets[series] + origin_rows[series] - 1]
    if model.facts.last > known.min():
        trained_to, first_known = times_as_strings(np.array([model.facts.last, known.min()]), panel.names)
        raise ModelError(
            f"the model was trained on data up to {trained_to}, but the first forecast origin comes after "
            f"{first_known}: its errors would look too small",
            hint=hint,
        )
