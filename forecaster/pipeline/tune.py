"""Tune: settings found by successive halving, on origins that lie before all those of the test.

Many settings are tried with few training steps, the best third of them with three times as many, and so on:
Jamieson & Talwalkar (2016), Non-stochastic Best Arm Identification and Hyperparameter Optimization. The
settings that would be used without a search take part in every round.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecaster.arrays import Ints
from forecaster.config import Options
from forecaster.data.panel import Panel
from forecaster.errors import DataError, ForecasterError
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.json_numbers import plain
from forecaster.evaluation.scores import score
from forecaster.features.view import cleaned
from forecaster.machine import memory
from forecaster.methods.baselines import first_origins
from forecaster.pipeline.contestants import Watch, usual_origins
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.engines.members import crew_of
from forecaster.pipeline.evaluate import origins_of
from forecaster.pipeline.pieces import Counter
from forecaster.pipeline.trials import ByTraining, backtest_trial
from forecaster.training.ensemble import Listener
from forecaster.training.plan import EFFORTS, plan, split

FACTOR = 3
"""One part in FACTOR of the settings goes on, with FACTOR times as many steps."""
LEAST_STEPS = 20
"""Of the first round: fewer say nothing."""
EQUAL = 0.001
"""A smaller relative difference to the default counts as none."""
DRAWS = 50
"""Times that settings which were drawn before are drawn again."""
STREAM = 17
"""Of the seed, so that the settings drawn do not depend on the windows that training draws."""


@dataclass(frozen=True)
class Tried:
    """Settings that were tried with some steps."""

    number: int
    """0: the default; others in the order in which they were drawn."""
    steps: int
    """Training steps of each network."""
    changes: dict[str, Any]
    """The settings in which they differ from the default."""
    error: float
    """On the validation origins; infinite where they failed."""
    reason: str = ""
    """Why they failed."""


@dataclass(frozen=True, eq=False)
class Tuning:
    """The result of a search."""

    default: Options
    best: Options
    """The settings with the lowest error in the last round; `default` where none was better."""
    tried: tuple[Tried, ...]
    rounds: tuple[int, ...]
    """Training steps of each round."""
    decided_on: str
    """The metric of the errors: mase or mae."""
    errors: tuple[float, float]
    """Of the best and of the default, in the last round in which both were tried."""
    origins: int
    start: str
    end: str
    """First and last timestamp that the search was judged by."""
    stopped: BaseException | None = None
    """What ended the search before its end, such as KeyboardInterrupt."""

    @property
    def found(self) -> bool:
        """Whether the search found settings that are better than the default."""
        return self.best != self.default

    @property
    def verdict(self) -> str:
        """What the search found, in plain words."""
        count, metric = len({each.number for each in self.tried if each.number}), self.decided_on.upper()
        start, end = (time.replace("T", " ") for time in (self.start, self.end))
        where = f"on {self.origins} validation origin{'s'[: self.origins != 1]}, {start} to {end}"
        begun = "The search was stopped; of" if self.stopped is not None else "Of"
        if not self.found:
            return f"{begun} {count} settings, none had a lower {metric} than the default {where}."
        return (
            f"{begun} {count} settings, the best had {metric} {self.errors[0]:.4g} {where}; the default "
            f"{self.errors[1]:.4g}."
        )

    def to_json(self) -> dict[str, Any]:
        """The search as JSON values; errors of settings that failed are null."""
        return {
            "decided_on": self.decided_on,
            "rounds": list(self.rounds),
            "origins": self.origins,
            "start": self.start,
            "end": self.end,
            "error": plain(np.float64(self.errors[0])),
            "default_error": plain(np.float64(self.errors[1])),
            "settings": self.changes,
            "tried": [
                dataclasses.asdict(each) | {"error": plain(np.float64(each.error))} for each in self.tried
            ],
        }

    @property
    def changes(self) -> dict[str, Any]:
        """The settings in which the best differ from the default."""
        return _changes(self.best, self.default)


def tune(
    panel: Panel,
    horizon: int,
    options: Options,
    count: int,
    *,
    origins: int,
    step: int | None,
    fixed: frozenset[str],
    watch: Watch,
    engine: Engine | None = None,
) -> Tuning:
    """Search among `count` settings, drawn around `options`; those in `fixed` stay as they are.

    The panel holds only rows before the first origin of the test; its last `origins` origins, or as many as
    leave enough to train on, judge the settings. Raises DataError where the rows do not suffice, and the
    error of the default settings where they cannot be tried. A search that is stopped later returns what it
    has found so far, with what stopped it.
    """
    options = dataclasses.replace(options, keep_on_interrupt=False)
    search = _Search(panel, horizon, options, *_validation(panel, horizon, origins, step), watch, engine)
    drawn = list(_drawn(panel, search.known, horizon, options, fixed, count))
    rounds = _rounds(len(drawn), search.full)
    search.trials = sum(1 + math.ceil(len(drawn) / FACTOR**number) for number in range(len(rounds)))
    field = dict(enumerate(drawn, start=1))
    stopped: BaseException | None = None
    try:
        for number, steps in enumerate(rounds):
            errors = search.round(field, steps, last=number == len(rounds) - 1)
            if number < len(rounds) - 1:
                kept = math.ceil(len(drawn) / FACTOR ** (number + 1))
                field = {
                    each: field[each] for each in sorted(field, key=lambda each: (errors[each], each))[:kept]
                }
    except BaseException as error:  # what was found is kept; the caller raises it again
        if not search.tried:
            raise
        stopped = error
    return search.result(dict(enumerate([options, *drawn])), rounds, stopped)


def _validation(panel: Panel, horizon: int, origins: int, step: int | None) -> tuple[Ints, int]:
    """The validation origins (O, S), and their number. DataError where there is no room for them."""
    count = usual_origins(panel, horizon, step, origins)
    try:
        return origins_of(panel, horizon, count, step, history=2), count
    except DataError as error:
        raise DataError(
            f"no rows are left to choose settings by: {error.message}, before the first origin of the test",
            hint="Use fewer --origins, a smaller --step or a shorter --horizon.",
        ) from error


def _rounds(count: int, full: int) -> tuple[int, ...]:
    """Training steps of each round: the last one trains to the end, with one part in FACTOR^n left."""
    number = 0
    while FACTOR ** (number + 1) <= min(count, full / LEAST_STEPS):
        number += 1
    return tuple(math.ceil(full / FACTOR**back) for back in range(number, -1, -1))


class _Search:
    """The rounds of a search and what they found."""

    def __init__(
        self,
        panel: Panel,
        horizon: int,
        options: Options,
        rows: Ints,
        origins: int,
        watch: Watch,
        engine: Engine | None,
    ) -> None:
        self._panel, self._horizon, self._options, self._rows = panel, horizon, options, rows
        self._origins, self._watch, self._engine = origins, watch, engine
        before = panel.before(np.maximum(first_origins(rows), 0))
        known = split(before.lengths, horizon).train
        self.known = known if known.any() else before.lengths
        view = cleaned(before, before.lengths, "each")
        self.full = plan(view, self.known, horizon, options)[0].training.steps
        self.trials = 0
        self.tried: list[Tried] = []
        self._decided_on, self._start, self._end = "mae", "", ""

    def round(self, field: dict[int, Options], steps: int, *, last: bool) -> dict[int, float]:
        """The errors of the default and of the settings in the field, with so many steps."""
        errors = {}
        for number, options in ({0: self._options} | field).items():
            shorter = options if last else dataclasses.replace(options, steps=steps)
            changes = _changes(options, self._options)
            label = f"{words(changes)}, {steps:,} steps{self._best_so_far()}"
            with self._watch(label, len(self.tried) + 1, self.trials) as listeners:
                error, reason = self._error(shorter, listeners, needed=not self.tried)
            self.tried.append(Tried(number, steps, changes, error, reason))
            errors[number] = error
        return errors

    def _error(
        self, options: Options, listeners: tuple[Listener | None, Counter | None], *, needed: bool
    ) -> tuple[float, str]:
        """The error on the validation origins, or why there is none. Raises it where it is `needed`."""
        trial = ByTraining(options, crew=crew_of(self._engine))
        try:
            made = backtest_trial(
                self._panel, self._rows, trial, self._horizon, *listeners, engine=self._engine
            )
            report = score(made)
        except (ForecasterError, MemoryError) as error:
            if needed:
                raise
            failed = memory.ran_out(error) if isinstance(error, MemoryError) else error
            return float("inf"), failed.message
        self._decided_on, self._start, self._end = report.decided_on, report.start, report.end
        return report.value(MODEL, report.decided_on), ""

    def _best_so_far(self) -> str:
        """The best error of the newest round, for a label."""
        if not self.tried:
            return ""
        newest = [each for each in self.tried if each.steps == self.tried[-1].steps]
        best = min(newest, key=lambda each: each.error)
        return f"; best so far with {best.steps:,} steps: {self._decided_on.upper()} {best.error:.4g}"

    def result(
        self, settings: dict[int, Options], rounds: tuple[int, ...], stopped: BaseException | None
    ) -> Tuning:
        """The best settings of the last round in which any besides the default were tried."""
        complete = [
            steps for steps in rounds if any(each.steps == steps and each.number for each in self.tried)
        ]
        last = complete[-1] if complete else rounds[0]
        tried = {each.number: each.error for each in self.tried if each.steps == last}
        best = min(tried, key=lambda number: (tried[number], number))
        if not tried[best] < tried[0] * (1 - EQUAL):
            best = 0
        return Tuning(
            default=settings[0],
            best=settings[best],
            tried=tuple(self.tried),
            rounds=rounds,
            decided_on=self._decided_on,
            errors=(tried[best], tried[0]),
            origins=self._origins,
            start=self._start,
            end=self._end,
            stopped=stopped,
        )


def _drawn(
    panel: Panel, known: Ints, horizon: int, options: Options, fixed: frozenset[str], count: int
) -> Iterator[Options]:
    """Different settings, drawn by the seed; fewer where no others are left."""
    choices = {
        name: each for name, each in space(panel, known, horizon, options).items() if name not in fixed
    }
    rng = np.random.default_rng([options.seed, STREAM])
    seen = {options}
    for _ in range(count):
        for _ in range(DRAWS):
            drawn = {name: each[rng.integers(len(each))] for name, each in choices.items()}
            settings = dataclasses.replace(options, **drawn)
            if settings not in seen:
                seen.add(settings)
                yield settings
                break


def space(panel: Panel, known: Ints, horizon: int, options: Options) -> dict[str, tuple[Any, ...]]:
    """Setting -> values, each drawn with the same probability; the value of `options` is the most frequent.

    Sizes follow those that the rules would choose for the first known[s] rows of each series.
    """
    usual = plan(cleaned(panel, panel.lengths, "each"), known, horizon, options)[0]
    most = max(int(known.max()) // 2, 2)
    lookbacks = {min(max(round(usual.lookback * factor), 2), most) for factor in (0.5, 1.5, 2.0)}
    segments = {size for size in (1, usual.segment // 2, 2 * usual.segment) if 1 <= size <= usual.lookback}
    members = options.members or EFFORTS[options.effort].members
    positive = bool((panel.target[panel.target_observed] > 0).all())
    values: dict[str, tuple[Any, ...]] = {
        "cell": ("gru", "lstm", "rnn"),
        "hidden": (16, 32, 96, 128),
        "layers": (1, 2),
        "lookback": tuple(sorted(lookbacks - {usual.lookback})),
        "segment": tuple(sorted(segments - {usual.segment})),
        "members": tuple(sorted({max(1, members // 2), members, members + math.ceil(members / 2)})),
        "rate": (0.0005, 0.001, 0.002, 0.006, 0.01),
        "dropout": (0.0, 0.1, 0.2),
        "loss": ("mae", "huber", "mse"),
        "decoder": ("direct", "segments"),
        "log": (True, False) if positive else (False,),
        "deseasonalise": (True, False),
        "weight_decay": (0.0, 0.01, 0.1),
        "pretrained": (True, False),
    }
    return {name: (getattr(options, name),) * max(len(each), 2) + each for name, each in values.items()}


def _changes(settings: Options, default: Options) -> dict[str, Any]:
    """The settings in which the two differ."""
    pairs = ((each.name, getattr(settings, each.name)) for each in dataclasses.fields(Options))
    return {name: value for name, value in pairs if value != getattr(default, name)}


def words(changes: dict[str, Any]) -> str:
    """Settings on one line."""
    return ", ".join(f"{name} {_word(value)}" for name, value in changes.items()) or "default"


def _word(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
