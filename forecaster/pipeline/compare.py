"""Compare: contestants on the same rolling origins, as a leaderboard; or settings found by a search."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.arrays import Ints
from forecaster.config import Options, ReadConfig
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.errors import ForecasterError, UsageError
from forecaster.evaluation.backtest import Backtest
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.leaderboard import Entry, Failure, Leaderboard, in_words, leaderboard, pair_tests
from forecaster.features.view import cleaned
from forecaster.machine import memory
from forecaster.methods.baselines import first_origins
from forecaster.model.model import Model
from forecaster.pipeline.contestants import (
    Contestant,
    Wanted,
    Watch,
    common_horizon,
    common_limits,
    common_reading,
    contestants_of,
    named,
    usual_contestants,
    usual_origins,
    without_repeats,
)
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.engines.members import crew_of
from forecaster.pipeline.evaluate import check_unseen, opponents_of, origins_of, refit_of
from forecaster.pipeline.pieces import Counter
from forecaster.pipeline.trials import NEVER, Spent, backtest_trial, trial_of
from forecaster.pipeline.tune import Tuning, tune
from forecaster.training.ensemble import Listener
from forecaster.training.plan import choose_horizon, plan, split, training_work

__all__ = ["Comparisons", "compare", "contestants_of", "refit_of"]

if TYPE_CHECKING:
    import pandas as pd


DEFAULT, TUNED, SETTINGS = "default", "tuned", "settings"
"""Names of the contestants of a search, and what they are."""
MOST_SETTINGS = 10_000
"""To search among."""
EQUAL = 0.001
"""A smaller relative difference on the test counts as none."""


@dataclass(frozen=True, eq=False)
class Comparisons:
    """The result of `compare`."""

    loaded: Loaded
    leaderboard: Leaderboard | None
    """None where the search was stopped before the test."""
    backtests: dict[str, Backtest] = field(default_factory=dict)
    """Contestant -> its forecasts beside those of the baselines, as `evaluate` has them."""
    tuning: Tuning | None = None
    notes: tuple[str, ...] = ()
    stopped: BaseException | None = None
    """What ended the run before all were tried, such as KeyboardInterrupt; to be raised after showing the
    rest."""

    @property
    def better_settings(self) -> dict[str, Any]:
        """The settings that a search found, where they are better than the default on the test too.

        Without a test, because the run was stopped: those that validation found.
        """
        if self.tuning is None or not self.tuning.found:
            return {}
        pair = self._tested()
        if pair is None:
            better = self.stopped is not None or TUNED in self.backtests
        else:
            better = pair[0] < pair[1] * (1 - EQUAL)
        return self.tuning.changes if better else {}

    def _tested(self) -> tuple[float, float] | None:
        """The errors of the tuned settings and of the default on the test; None where one was not tried."""
        board = self.leaderboard
        if board is None or not {DEFAULT, TUNED} <= self.backtests.keys():
            return None
        tuned, default = (board.standing(name).errors[board.decided_on] for name in (TUNED, DEFAULT))
        return tuned, default

    @property
    def tuning_verdict(self) -> str:
        """What the search found, in plain words; empty without one."""
        if self.tuning is None:
            return ""
        words = self.tuning.verdict
        pair = self._tested()
        if not self.tuning.found:
            return f"{words} The default stays."
        if pair is None or self.leaderboard is None:
            return f"{words} The test did not judge them."
        board = self.leaderboard
        words += f" On the test origins, which it did not see: {pair[0]:.4g}, with the default {pair[1]:.4g}"
        if not self.better_settings:
            return f"{words}. They are not better there: the default stays."
        (test,) = pair_tests(board.backtest, [(TUNED, DEFAULT)], board.decided_on)
        sure = "may be" if test.chance else "is unlikely to be"
        return f"{words}. That {sure} chance ({in_words(test.p_value)})."


def compare(
    source: str | Path | pd.DataFrame,
    contestants: Sequence[Contestant],
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    origins: int | None = None,
    step: int | None = None,
    refit: int = NEVER,
    tuned: int = 0,
    fixed: frozenset[str] = frozenset(),
    watch: Watch | None = None,
    on_event: Listener | None = None,
    on_read: Reader | None = None,
    engine: Engine | None = None,
) -> Comparisons:
    """Backtest the contestants as `evaluate` does, all from the same origins, and rank them.

    Without contestants and a search: the usual ones. `origins` None: up to ten, as many as the data has room
    for. `tuned`: try so many settings on origins that lie before all of them, and let the best one and
    `options` join the contestants; settings in `fixed` stay as they are. `watch` is told of each contestant;
    without it `on_event` hears all training. `engine`: where the work is done; None: where it suits. A
    contestant that cannot be tried is listed with the reason. Raises its error where none can.
    """
    watch = watch or (lambda name, number, count: nullcontext((on_event, None)))
    if not 0 <= tuned <= MOST_SETTINGS:
        raise UsageError(f"tune cannot be {tuned}", hint=f"Give 1 to {MOST_SETTINGS:,}.")
    if not contestants and not tuned:
        contestants = usual_contestants(options)
    others: list[Wanted] = [(SETTINGS, each.name, each.what) for each in contestants]
    if tuned:
        contestants = named([(SETTINGS, DEFAULT, options), *others])
    asked = common_horizon(contestants, options)
    loaded = _loaded(source, contestants, options, read)
    if on_read:
        on_read(loaded)
    panel = loaded.panel
    horizon = choose_horizon(replace(options, horizon=asked), panel)
    count = usual_origins(panel, horizon, step) if origins is None else origins
    rows = origins_of(panel, horizon, count, step, history=1 + any(each.trains for each in contestants))
    tuning = None
    if tuned:
        before = panel.before(np.maximum(first_origins(rows), 0))
        search = partial(tune, before, horizon, options, tuned, origins=count, step=step)
        tuning = search(fixed=fixed, watch=watch, engine=engine)
        if tuning.stopped is not None:
            return Comparisons(loaded, None, tuning=tuning, stopped=tuning.stopped)
        winner: list[Wanted] = [(SETTINGS, TUNED, tuning.best)] if tuning.found else []
        contestants = named([(SETTINGS, DEFAULT, options), *winner, *others])
    contestants, repeats = without_repeats(contestants)
    with_opponents, left_out = opponents_of(rows)
    common = _Field(panel, rows, horizon, options, refit, watch, with_opponents, engine)
    try:
        entries, failures, stopped = _tried(contestants, common)
    except BaseException as error:  # what a search has found is kept; the caller raises it again
        if tuning is None:
            raise
        return Comparisons(loaded, None, tuning=tuning, stopped=error)
    board, backtests = leaderboard(entries, failures), {entry.name: entry.backtest for entry in entries}
    return Comparisons(loaded, board, backtests, tuning, (*repeats, *left_out), stopped)


def _loaded(
    source: str | Path | pd.DataFrame, contestants: Sequence[Contestant], options: Options, read: ReadConfig
) -> Loaded:
    """The data, read in the one way that suits all."""
    return load(
        source,
        common_reading(contestants, source, read),
        limits=common_limits(contestants, options),
        remembered=any(isinstance(each.what, Model) for each in contestants),
    )


@dataclass(frozen=True, eq=False)
class _Field:
    """What all contestants have in common."""

    panel: Panel
    rows: Ints  # (O, S)
    horizon: int
    options: Options
    refit: int
    watch: Watch
    opponents: bool
    """Whether Theta and AutoETS join the baselines."""
    engine: Engine | None


def _tried(
    contestants: Sequence[Contestant], field: _Field
) -> tuple[list[Entry], list[Failure], BaseException | None]:
    """The contestants that could be tried, those that could not, and what stopped the run.

    Raises the first error where none could be tried.
    """
    entries: list[Entry] = []
    failures: list[tuple[Failure, ForecasterError]] = []
    for number, each in enumerate(contestants):
        try:
            with field.watch(each.name, number + 1, len(contestants)) as listeners:
                entries.append(_entry(each, field, entries[0] if entries else None, *listeners))
        except ForecasterError as error:
            failures.append((Failure(each.name, error.message), error))
        except MemoryError as error:
            ran_out = memory.ran_out(error)
            failures.append((Failure(each.name, ran_out.message), ran_out))
        except BaseException as error:  # what was tried is kept; the caller raises it again
            if not entries:
                raise
            rest = [Failure(left.name, "not finished, the run was stopped") for left in contestants[number:]]
            return entries, [failure for failure, _ in failures] + rest, error
    if not entries:
        failure, first = failures[0]
        raise type(first)(f"{failure.name}: {first.message}", hint=first.hint) from first
    return entries, [failure for failure, _ in failures], None


def _entry(
    contestant: Contestant,
    field: _Field,
    before: Entry | None,
    on_event: Listener | None,
    on_origin: Counter | None,
) -> Entry:
    """A contestant's backtest, and what it took. Theta and AutoETS are those of the entry `before`."""
    what, panel, rows = contestant.what, field.panel, field.rows
    work = 0.0
    if isinstance(what, Model):
        check_unseen(what, panel, rows, hint="Use fewer --origins, or a model of earlier rows.")
        work = sum(training_work(member.config) for member in what.members)
    elif isinstance(what, Options):
        work = _work(what, panel, rows, field.horizon)
    trial, spent = trial_of(what, field.options, field.refit, crew=crew_of(field.engine)), Spent()
    fitted = field.opponents and before is None
    backtest = backtest_trial(
        panel,
        rows,
        trial,
        field.horizon,
        on_event,
        on_origin,
        opponents=fitted,
        engine=field.engine,
        spent=spent,
    )
    if before is not None:
        point = before.backtest.point | {MODEL: backtest.point[MODEL]}
        backtest = replace(backtest, point=point)
    return Entry(contestant.name, contestant.kind, backtest, work, spent.training, spent.forecasting)


def _work(options: Options, panel: Panel, rows: Ints, horizon: int) -> float:
    """What training on the rows before the first origin takes, as `training_work`."""
    before = panel.before(np.maximum(first_origins(rows), 0))
    known = split(before.lengths, horizon).train
    known = known if known.any() else before.lengths
    return sum(map(training_work, plan(cleaned(before, before.lengths, "each"), known, horizon, options)))
