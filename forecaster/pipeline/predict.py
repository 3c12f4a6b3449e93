"""Predict: model and data in, forecast out. It starts fast: no import that only training needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from forecaster.config import Options, ReadConfig, limits_of
from forecaster.data.covariates.calendars import with_calendar
from forecaster.data.covariates.changes import Asked
from forecaster.data.covariates.future import require_known
from forecaster.data.covariates.future_file import with_future_file
from forecaster.data.findings import SHOWN, Finding, enforce, info
from forecaster.data.labels import listed, shown
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.data.storage.place import kept, place
from forecaster.errors import DataError, UsageError
from forecaster.evaluation.backtest import usual_horizon
from forecaster.forecasting.forecast import Forecast, forecast, rows_looked_back_on
from forecaster.forecasting.pretrained import forecast_pretrained
from forecaster.model.model import Model
from forecaster.pipeline.remembered import from_memory
from forecaster.pipeline.staleness import check_rows
from forecaster.pipeline.what_if import what_if as beside_base

if TYPE_CHECKING:
    import pandas as pd

PRETRAINED = "pretrained"
"""What stands for the pretrained networks in place of a model file."""
OF_ONE_SOURCE = ("delimiter", "encoding", "quote", "escape", "header", "skip", "skip_end", "decimal",
                 "thousands", "strip", "date_format", "freq")  # fmt: skip
"""Reading settings that hold for one source only; another source may be written differently."""
OF_ONE_TEXT = ("delimiter", "encoding", "quote", "escape", "header", "skip", "skip_end", "date_format")
"""Those of the text of the rows of the future; their numbers are written as those of the data."""


def predict(
    model: Model,
    source: str | Path | pd.DataFrame | None = None,
    *,
    read: ReadConfig | None = None,
    horizon: int | None = None,
    levels: Sequence[int] | None = None,
    quantiles: Sequence[float] | None = None,
    skip_short: bool = False,
    max_age: str | None = None,
    future: str | Path | pd.DataFrame | None = None,
    what_if: Asked | None = None,
    on_read: Reader | None = None,
) -> Forecast:
    """Forecast from the newest row of `source` (default: the source that the model was trained on).

    The model stores columns and dialect; the settings made in `read` override them. `levels` and `quantiles`
    override those that the model gives; `skip_short` leaves out series shorter than what it looks back on.
    `future` holds values of the covariates known of the future, where `source` does not; `what_if` changes
    them, see `pipeline.what_if`. Raises ModelError where the data does not fit the model, DataError where
    such values are missing, and StaleError where its newest row is older than `max_age`, such as 2d.
    """
    with from_memory(model) if source is None else nullcontext():
        source = model.facts.source if source is None else source
        config = read_as(model, source, read)
        loaded = load_for(model, source, config)
    loaded = with_future(loaded, future, read)
    if on_read:
        on_read(loaded)
    old = check_rows(loaded.panel, max_age)
    result = by_model(model, loaded, horizon, levels, quantiles, skip_short=skip_short, what_if=what_if)
    return dataclasses.replace(result, findings=(*loaded.findings, *old, *result.findings))


def by_model(
    model: Model,
    loaded: Loaded,
    horizon: int | None = None,
    levels: Sequence[int] | None = None,
    quantiles: Sequence[float] | None = None,
    *,
    skip_short: bool = False,
    what_if: Asked | None = None,
) -> Forecast:
    """The forecast of a model for what was read, with the findings made of it. As for `predict`."""
    panel, short = with_short(model, loaded.panel, skip=skip_short)
    run = partial(forecast, model, horizon=horizon, levels=levels, quantiles=quantiles)
    steps = min(horizon or model.horizon, model.horizon)
    result = forecast_ahead(loaded, panel, steps, run, what_if, model)
    return dataclasses.replace(result, findings=(*short, *result.findings))


def predict_pretrained(
    source: str | Path | pd.DataFrame | None,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    max_age: str | None = None,
    future: str | Path | pd.DataFrame | None = None,
    what_if: Asked | None = None,
    on_read: Reader | None = None,
) -> Forecast:
    """Forecast from the newest row of `source` by the pretrained networks alone, without a model.

    The horizon is that of `options`, or the usual one for the frequency. Raises UsageError without a source,
    and StaleError as `predict` does.
    """
    if source is None:
        raise UsageError(
            "pretrained networks have no data of their own",
            hint="Name the data: `forecast predict DATA --model pretrained`.",
        )
    limits = limits_of(options)
    loaded = with_future(load(source, read, limits=limits), future, read)
    if on_read:
        on_read(loaded)
    old = check_rows(loaded.panel, max_age)
    result = by_pretrained(loaded, options, what_if)
    return dataclasses.replace(result, findings=(*loaded.findings, *old, *result.findings))


def by_pretrained(loaded: Loaded, options: Options, what_if: Asked | None = None) -> Forecast:
    """The forecast of the pretrained networks for what was read. As for `predict_pretrained`."""
    horizon = options.horizon or usual_horizon(loaded.panel)
    run = partial(
        forecast_pretrained,
        horizon=horizon,
        levels=options.levels,
        quantiles=options.quantiles,
        limits=limits_of(options),
    )
    return forecast_ahead(loaded, loaded.panel, horizon, run, what_if)


def forecast_ahead(
    loaded: Loaded,
    panel: Panel,
    horizon: int,
    run: Callable[[Panel], Forecast],
    what_if: Asked | None = None,
    model: Model | None = None,
) -> Forecast:
    """The forecast that `run` makes of the data, with the findings about what is known of the future.

    `panel` is that of `loaded`, maybe without some series. Of a `what_if` the base is that of the values of
    --known-fill where they are asked for; else values that neither the data nor the what-if has are a
    DataError. `model`: None stands for the pretrained networks.
    """
    panel, findings = _calendar_ahead(loaded, panel, horizon)  # once: a what-if may change its columns
    ready = partial(_required, loaded, horizon=horizon, may_leave_out=model is None)
    if what_if is None or loaded.read.known_fill:
        panel, filled = ready(panel)
        findings += filled
    if what_if is None:
        return dataclasses.replace(run(panel), findings=tuple(findings))
    members = () if model is None else model.networks.trained
    networks = {name for member in members for name in member.config.known}
    result = beside_base(
        panel, what_if, horizon, run, ready=lambda changed: ready(changed)[0], networks=networks
    )
    return dataclasses.replace(result, findings=(*findings, *result.findings))


def with_future(loaded: Loaded, future: str | Path | pd.DataFrame | None, asked: ReadConfig | None) -> Loaded:
    """The data with the known values in `future`: written in a dialect of its own, or as `asked`."""
    if future is None:
        return loaded
    asked = asked or ReadConfig()
    config = dataclasses.replace(loaded.read, **{name: getattr(asked, name) for name in OF_ONE_TEXT})
    panel, findings = with_future_file(loaded.panel, future, config)
    panel, _ = with_calendar(panel, loaded.read, remembered=True)
    enforce(findings, strict=config.strict)
    return dataclasses.replace(loaded, panel=panel, findings=(*loaded.findings, *findings))


def known_ahead(
    loaded: Loaded,
    panel: Panel,
    horizon: int,
    *,
    may_leave_out: bool = False,
) -> tuple[Panel, list[Finding]]:
    """The panel with all known covariates of the `horizon` rows to be forecast: DataError without."""
    panel, made = _calendar_ahead(loaded, panel, horizon)
    panel, findings = _required(loaded, panel, horizon, may_leave_out=may_leave_out)
    return panel, findings + made


def _calendar_ahead(loaded: Loaded, panel: Panel, horizon: int) -> tuple[Panel, list[Finding]]:
    """The panel with the columns of calendars in the rows to be forecast, and what was not found before."""
    panel, made = with_calendar(panel, loaded.read, horizon, remembered=True)
    findings = [each for each in made if each not in loaded.findings]
    enforce(findings, strict=loaded.read.strict)
    return panel, findings


def _required(
    loaded: Loaded, panel: Panel, horizon: int, *, may_leave_out: bool
) -> tuple[Panel, list[Finding]]:
    """The panel with all columns that were read in the rows to be forecast: DataError without."""
    name = shown(place(loaded.source).name) if loaded.source not in ("", "-") else "the data"
    panel, findings = require_known(
        panel, horizon, loaded.read.known_fill, source=name, may_leave_out=may_leave_out
    )
    enforce(findings, strict=loaded.read.strict)
    return panel, findings


def with_short(model: Model, panel: Panel, *, skip: bool) -> tuple[Panel, list[Finding]]:
    """The panel, and the finding that names series shorter than what the model looks back on.

    `skip`: without them. Raises DataError where none is left.
    """
    least = rows_looked_back_on(model)
    short = panel.lengths < least
    if not short.any():
        return panel, []
    names = listed([panel.ids[series] for series in np.flatnonzero(short)], SHOWN)
    message = f"series of fewer than the {least} rows that the model looks back on: {names}"
    if skip and short.all():
        raise DataError(
            message,
            hint="Leave --skip-short out: each series is forecast from the rows it has.",
            code="E008",
            count=len(panel),
            places=tuple(panel.ids[:SHOWN]),
        )
    count = int(short.sum())
    if skip and panel.levels:
        raise UsageError(
            f"--skip-short would leave {names} out of the sums",
            hint="Leave it out: each series is forecast from the rows it has.",
        )
    if skip:
        kept = np.repeat(~short, panel.lengths)
        return panel.only(kept), [info("S005", message, count=count, action="left out, as asked")]
    action = "forecast from the rows there are; --skip-short leaves them out"
    return panel, [info("S005", message, count=count, action=action)]


def load_for(
    model: Model, source: str | Path | pd.DataFrame, config: ReadConfig, *, agreed: bool = False
) -> Loaded:
    """The data as a model needs it: what the model knows is not inferred. `agreed`: see `load`."""
    facts = model.facts
    return load(
        source,
        config,
        limits=model.blend.limits,
        usual=facts.frequency.alias,
        remembered=True,
        words=facts.words,
        ahead=model.horizon,
        agreed=agreed,
    )


def read_as(model: Model, source: str | Path | pd.DataFrame, asked: ReadConfig | None) -> ReadConfig:
    """How to read `source` for a model: with the model's stored settings, overridden by those in `asked`.

    The stored dialect and frequency are used for the model's own source only. Another file may be written
    differently; its frequency is inferred and checked against the model's.
    """
    stored = model.facts.read
    own = isinstance(source, str | Path) and kept(source) == model.facts.source
    default = ReadConfig()
    if not own:
        reset = {name: getattr(default, name) for name in OF_ONE_SOURCE}
        if stored.start and not stored.time_unit:
            del reset["freq"]  # the times of the rows come from it
        stored = dataclasses.replace(stored, **reset)
    if asked is None:
        return stored
    changed = {
        field.name: getattr(asked, field.name)
        for field in dataclasses.fields(ReadConfig)
        if getattr(asked, field.name) != getattr(default, field.name)
    }
    return dataclasses.replace(stored, **changed)
