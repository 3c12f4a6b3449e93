"""Trials: what can be tried from rolling origins: settings of a training, a model, pretrained networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from forecaster.pipeline.learn import Learned, facts_without_source, learn
from forecaster.pipeline.rolling import Forecaster, asked, beside_baselines, kinds, one_origin, rolled
from forecaster.training.ensemble import Listener
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
    ) -> Iterator[tuple[Ints, Forecaster]]:
        """Parts of the `origins` (O, S), oldest first, and what forecasts from each of a part."""


@dataclass(frozen=True)
class ByTraining:
    """A training on the rows before the first origin, and again before every `refit`-th one."""

    options: Options
    refit: int = NEVER
    on_learned: Callable[[Learned, Model], None] | None = None
    """Called with each training and its model."""

    def horizon(self, panel: Panel) -> int:
        """That of the options, or the usual one."""
        return choose_horizon(self.options, panel)

    def forecasters(
        self, panel: Panel, origins: Ints, horizon: int, on_event: Listener | None
    ) -> Iterator[tuple[Ints, Forecaster]]:
        """One model for each part of `refit` origins."""
        size = len(origins) if self.refit == NEVER else self.refit
        for start in range(0, len(origins), size):
            part = origins[start : start + size]
            before = panel.before(np.maximum(first_origins(part), 0))
            learned = learn(before, horizon, self.options, on_event)
            model = learned.model(facts_without_source(before))
            if self.on_learned is not None:
                self.on_learned(learned, model)
            yield part, _of_model(model, horizon, self.options)


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
    ) -> Iterator[tuple[Ints, Forecaster]]:
        """The model, for all origins."""
        yield origins, _of_model(self.model, horizon, self.options)


@dataclass(frozen=True)
class ByPretrained:
    """The pretrained networks alone."""

    options: Options

    def horizon(self, panel: Panel) -> int:
        """That of the options, or the usual one."""
        return choose_horizon(self.options, panel)

    def forecasters(
        self, panel: Panel, origins: Ints, horizon: int, on_event: Listener | None
    ) -> Iterator[tuple[Ints, Forecaster]]:
        """The networks, for all origins."""
        options = self.options

        def make(part: Panel, known: Ints) -> Forecast:
            return forecast_pretrained(
                part,
                horizon,
                levels=options.levels,
                quantiles=asked(options),
                limits=limits_of(options),
                origins=known,
            )

        yield origins, make


def trial_of(
    what: Options | Model | Literal["pretrained"],
    options: Options,
    refit: int = NEVER,
    on_learned: Callable[[Learned, Model], None] | None = None,
) -> Trial:
    """How to try settings, a model, or "pretrained"; `options`: of the forecast."""
    if isinstance(what, Model):
        return ByModel(what, options)
    return ByPretrained(options) if isinstance(what, str) else ByTraining(what, refit, on_learned)


def _of_model(model: Model, horizon: int, options: Options) -> Forecaster:
    """The forecasts of a model; one of format 1 gives its own intervals and no quantiles."""
    if model.half_widths is not None:
        return lambda panel, known: forecast(model, panel, horizon=horizon, origins=known)
    wanted = asked(options)
    return lambda panel, known: forecast(
        model, panel, horizon=horizon, levels=options.levels, quantiles=wanted, origins=known
    )


Counter = Callable[[int, int], None]
"""Called with how many origins are done, and how many there are."""


def backtest_trial(
    panel: Panel,
    origins: Ints,
    trial: Trial,
    horizon: int,
    on_event: Listener | None = None,
    on_origin: Counter | None = None,
    *,
    opponents: bool = False,
) -> Backtest:
    """The backtest of a trial from the `origins` (O, S), beside the baselines (and `opponents`)."""
    forecasts = []
    for part, forecaster in trial.forecasters(panel, origins, horizon, on_event):
        for origin in part:
            forecasts.append(one_origin(panel, origin, forecaster))
            if on_origin is not None:
                on_origin(len(forecasts), len(origins))
    groups = kinds(panel, origins, trial.options)
    made, levels = rolled(panel, forecasts), trial.options.levels
    return beside_baselines(panel, origins, made, levels, groups, opponents=opponents)
