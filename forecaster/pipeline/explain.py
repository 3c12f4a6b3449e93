"""Explain: a model and data in, what moved the forecast of one series out."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from forecaster.config import RANGES, Options, ReadConfig, limits_of
from forecaster.data.labels import listed
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.errors import UsageError, brief
from forecaster.forecasting import explanation
from forecaster.forecasting.explanation import Explanation
from forecaster.model.model import Model
from forecaster.pipeline.predict import known_ahead, load_for, read_as, with_future
from forecaster.pipeline.remembered import from_memory

if TYPE_CHECKING:
    import pandas as pd

Step = int | str | Sequence[int]
"""A step from 1 on, a range such as "2-8", or its two ends."""
NEAR = 5
"""Ids that an error suggests."""


def explain(
    model: Model,
    source: str | Path | pd.DataFrame | None = None,
    *,
    series: str | None = None,
    step: Step = 1,
    read: ReadConfig | None = None,
    future: str | Path | pd.DataFrame | None = None,
    on_read: Reader | None = None,
) -> Explanation:
    """Explain a step of the forecast, or the mean of several, from the newest row of a series of `source`.

    `source`, by default what the model was trained on, and `future` are read as `predict` reads them.
    `series` is an id; None: the first. Raises UsageError for a series or step that is not there, ModelError
    where the data does not fit the model, DataError where values known of the future are missing.
    """
    _check_steps(model, step)  # before anything is read
    with from_memory(model, "explain") if source is None else nullcontext():
        source = model.facts.source if source is None else source
        loaded = load_for(model, source, read_as(model, source, read))
    loaded = ready(with_future(loaded, future, read), model.horizon)
    if on_read:
        on_read(loaded)
    return explain_panel(model, loaded.panel, series=series, step=step)


def explain_loaded(
    model: Model,
    loaded: Loaded,
    future: str | Path | pd.DataFrame | None,
    *,
    series: str | None = None,
    step: Step = 1,
) -> Explanation:
    """The same from data that was read before."""
    loaded = ready(with_future(loaded, future, None), model.horizon)
    return explain_panel(model, loaded.panel, series=series, step=step)


def explain_panel(model: Model, panel: Panel, *, series: str | None = None, step: Step = 1) -> Explanation:
    """The same from a panel."""
    first, last = _check_steps(model, step)
    model.check_fits(panel)
    return explanation.explain(model, panel, number_of(panel, series), first, last)


def explain_pretrained(
    source: str | Path | pd.DataFrame | None,
    options: Options = Options(),
    read: ReadConfig = ReadConfig(),
    *,
    series: str | None = None,
    step: Step = 1,
    future: str | Path | pd.DataFrame | None = None,
    on_read: Reader | None = None,
) -> Explanation:
    """The same for the forecast of the pretrained networks alone. UsageError without a source."""
    first, last = steps_of(step)
    if source is None:
        raise UsageError(
            "pretrained networks have no data of their own",
            hint="Name the data: `forecast explain DATA --model pretrained`.",
        )
    limits = limits_of(options)
    loaded = ready(with_future(load(source, read, limits=limits), future, read), last, may_leave_out=True)
    if on_read:
        on_read(loaded)
    number = number_of(loaded.panel, series)
    return explanation.explain_pretrained(loaded.panel, number, first, last, limits=limits)


def ready(loaded: Loaded, horizon: int, *, may_leave_out: bool = False) -> Loaded:
    """The data with all that must be known of the future to forecast `horizon` rows."""
    panel, filled = known_ahead(loaded, loaded.panel, horizon, may_leave_out=may_leave_out)
    return dataclasses.replace(loaded, panel=panel, findings=(*loaded.findings, *filled))


def steps_of(step: Step) -> tuple[int, int]:
    """The first and the last step, from 1 on. Raises UsageError for what is none."""
    ends: Sequence[int] = ()
    if isinstance(step, str):
        found = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?", step)
        ends = [int(part) for part in found.groups() if part is not None] if found else ()
    elif type(step) is int:
        ends = [step]
    elif not isinstance(step, int) and all(type(end) is int for end in step):
        ends = step
    most = RANGES["horizon"][1]
    if len(ends) not in (1, 2) or not 1 <= ends[0] <= ends[-1] <= most:
        raise UsageError(
            f"step cannot be {brief(step)}", hint="Give a step such as 1, or a range such as 1-24."
        )
    return ends[0], ends[-1]


def _check_steps(model: Model, step: Step) -> tuple[int, int]:
    """The first and the last step. UsageError where the model does not forecast them."""
    first, last = steps_of(step)
    if last > model.horizon:
        raise UsageError(
            f"step cannot be {last}: the model forecasts {model.horizon} steps",
            hint=f"Give 1 to {model.horizon}, or a range of them such as 1-{model.horizon}.",
        )
    return first, last


def number_of(panel: Panel, series: str | None) -> int:
    """The number of a series; None: the first. UsageError where there is none of that name."""
    if series is None:
        return 0
    names = [name or panel.names.target for name in panel.ids]
    if series in names:
        return names.index(series)
    folded = {name.casefold(): name for name in reversed(names)}
    matches = difflib.get_close_matches(series.casefold(), folded, NEAR)
    near = [folded[match] for match in matches] or names[:NEAR]
    raise UsageError(
        f"there is no series {series!r} ({len(names):,} series)", hint=f"Did you mean: {listed(near)}?"
    )
