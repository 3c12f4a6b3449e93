"""Trials: what can be tried from rolling origins: settings of a training, a model, pretrained networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import numpy as np

from forecaster.arrays import Ints
from forecaster.config import Options, limits_of
from forecaster.data.panel import Panel
from forecaster.evaluation.backtest import Backtest
from forecaster.forecasting.forecast import Forecast, forecast
from forecaster.forecasting.pretrained import forecast_pretrained
from forecaster.methods.baselines import first_origins
from forecaster.model.model import Model
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.learn import Learned, facts_without_source, learn
from forecaster.pipeline.pieces import Counter, engine_for, forecasts
from forecaster.pipeline.rolling import Made, asked, beside_baselines, kinds, rolled
from forecaster.training.ensemble import Crew, Listener
from forecaster.training.plan import choose_horizon

NEVER = 0
"""Train once, before the first origin."""


class Trial(Protocol):
    """Something that forecasts from rolling origins."""

    @property
    def options(self) -> Options:
        """Those of the forecast: levels, quantiles."""

    def horizon(self, panel: Panel) -> int:
        """How many rows it forecasts."""

    def forecasters(
        self, panel: Panel, origins: Ints, horizon: int, on_event: Listener | None
    ) -> Iterator[tuple[Ints, OfModel | OfPretrained]]:
        """Parts of the `origins` (O, S), oldest first, and what forecasts from each of a part."""


@dataclass(frozen=True)
class ByTraining:
    """A training on the rows before the first origin, and again before every `refit`-th one."""

    options: Options
    refit: int = NEVER
    on_learned: Callable[[Learned, Model], None] | None = None
    """Called with each training and its model."""
    crew: Crew | None = None
    """What trains networks; None: this machine."""

    def horizon(self, panel: Panel) -> int:
        """That of the options, or the usual one."""
        return choose_horizon(self.options, panel)

    def forecasters(
        self, panel: Panel, origins: Ints, horizon: int, on_event: Listener | None
    ) -> Iterator[tuple[Ints, OfModel | OfPretrained]]:
        """One model for each part of `refit` origins."""
        size = len(origins) if self.refit == NEVER else self.refit
        for start in range(0, len(origins), size):
            part = origins[start : start + size]
            before = panel.before(np.maximum(first_origins(part), 0))
            learned = learn(before, horizon, self.options, on_event, crew=self.crew)
            model = learned.model(facts_without_source(before))
            if self.on_learned is not None:
                self.on_learned(learned, model)
            yield part, OfModel(model, horizon, self.options)


@dataclass(frozen=True, eq=False)
class ByModel:
    """A model that was trained before."""

    model: Model
    options: Options

    def horizon(self, panel: Panel) -> int:
        """That of the options, or of the model."""
        return self.options.horizon or self.model.horizon

    def forecasters(
        self, panel: Panel, origins: Ints, horizon: int, on_event: Listener | None
    ) -> Iterator[tuple[Ints, OfModel | OfPretrained]]:
        """The model, for all origins."""
        yield origins, OfModel(self.model, horizon, self.options)


@dataclass(frozen=True)
class ByPretrained:
    """The pretrained networks alone."""

    options: Options

    def horizon(self, panel: Panel) -> int:
        """That of the options, or the usual one."""
        return choose_horizon(self.options, panel)

    def forecasters(
        self, panel: Panel, origins: Ints, horizon: int, on_event: Listener | None
    ) -> Iterator[tuple[Ints, OfModel | OfPretrained]]:
        """The networks, for all origins."""
        yield origins, OfPretrained(horizon, self.options)


def trial_of(
    what: Options | Model | Literal["pretrained"],
    options: Options,
    refit: int = NEVER,
    on_learned: Callable[[Learned, Model], None] | None = None,
    crew: Crew | None = None,
) -> Trial:
    """How to try settings, a model, or "pretrained"; `options`: of the forecast."""
    if isinstance(what, Model):
        return ByModel(what, options)
    return ByPretrained(options) if isinstance(what, str) else ByTraining(what, refit, on_learned, crew)


@dataclass(frozen=True, eq=False)
class OfModel:
    """The forecasts of a model; one of format 1 gives its own intervals and no quantiles."""

    model: Model
    horizon: int
    options: Options

    @property
    def joint(self) -> bool:
        """Whether all series are forecast in one scale, as by models of format 1."""
        return self.model.blend.scales == "table"

    def __call__(self, panel: Panel, known: Ints) -> Forecast:
        """The forecast from the first known[s] rows."""
        if self.model.half_widths is not None:
            return forecast(self.model, panel, horizon=self.horizon, origins=known)
        levels, wanted = self.options.levels, asked(self.options)
        return forecast(
            self.model, panel, horizon=self.horizon, levels=levels, quantiles=wanted, origins=known
        )


@dataclass(frozen=True)
class OfPretrained:
    """The forecasts of the pretrained networks."""

    horizon: int
    options: Options
    joint = False

    def __call__(self, panel: Panel, known: Ints) -> Forecast:
        """The forecast from the first known[s] rows."""
        return forecast_pretrained(
            panel,
            self.horizon,
            levels=self.options.levels,
            quantiles=asked(self.options),
            limits=limits_of(self.options),
            origins=known,
        )


@dataclass
class Spent:
    """Seconds of work: of processes, all of them together."""

    training: float = 0.0
    forecasting: float = 0.0


def backtest_trial(
    panel: Panel,
    origins: Ints,
    trial: Trial,
    horizon: int,
    on_event: Listener | None = None,
    on_origin: Counter | None = None,
    *,
    opponents: bool = False,
    engine: Engine | None = None,
    spent: Spent | None = None,
) -> Backtest:
    """The backtest of a trial from the `origins` (O, S), beside the baselines (and `opponents`).

    `engine`: what forecasts; None: what suits the work. `spent`: what it takes is added there.
    """
    engine = engine or engine_for(int((origins > 0).sum()), panel, trial.options.workers)
    spent = Spent() if spent is None else spent
    made: list[tuple[int, Made]] = []
    done, start = 0, time.perf_counter()
    for part, forecaster in trial.forecasters(panel, origins, horizon, on_event):
        spent.training += time.perf_counter() - start
        whole = forecaster.joint or bool(panel.levels)
        count = on_origin and partial(_count_on, on_origin, done, len(origins))
        some, seconds = forecasts(panel, part, forecaster, engine, count, whole=whole)
        made += [(done + number, each) for number, each in some]
        spent.forecasting += seconds
        done, start = done + len(part), time.perf_counter()
    groups = kinds(panel, origins, trial.options)
    table, levels = rolled(origins.shape, made), trial.options.levels
    return beside_baselines(panel, origins, table, levels, groups, opponents=opponents)


def _count_on(on_origin: Counter, before: int, total: int, done: float, _: int) -> None:
    """Report the origins done, those of earlier trainings included."""
    on_origin(before + done, total)
