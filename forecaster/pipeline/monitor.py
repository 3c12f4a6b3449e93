"""Monitor: a model and newer rows in, alarms out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from forecaster.arrays import Ints
from forecaster.config import Limits, Options, ReadConfig, limits_of
from forecaster.data.covariates.calendars import with_calendar
from forecaster.data.covariates.future import require_known
from forecaster.data.labels import Names, listed, times_as_strings
from forecaster.data.load import Loaded, Reader, load
from forecaster.data.panel import Panel
from forecaster.errors import UsageError
from forecaster.forecasting.forecast import Forecast, forecast
from forecaster.forecasting.pretrained import forecast_pretrained
from forecaster.model.model import Model
from forecaster.monitoring.alarms import Alarm
from forecaster.monitoring.judge import WARM_UP, Expected, Forecaster, Judge, Verdict
from forecaster.monitoring.rate import chance_of_step, parsed_rate, time_of
from forecaster.monitoring.revisions import Revisions, revisions
from forecaster.monitoring.scores import LEVELS
from forecaster.monitoring.state import State, fresh, sizes
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.pieces import Counter, cut, engine_for, in_order
from forecaster.pipeline.predict import load_for, read_as
from forecaster.pipeline.remembered import from_memory
from forecaster.pipeline.staleness import check_rows

if TYPE_CHECKING:
    import pandas as pd

OLD = "nothing newer is judged; --max-age sets how old it may be (any: however old)"
LEVEL = 95
"""Percent of the interval that alarms show."""
USUAL_SEASON, MOST_ROWS = 12, 1000
"""Rows that two blocks have where there is no season or a shorter one, and at most."""


@dataclass(frozen=True, eq=False)
class Monitoring:
    """The result of `monitor`."""

    alarms: tuple[Alarm, ...]
    state: State
    """What the next run goes on from."""
    verdict: Verdict
    revisions: Revisions
    """What became of rows that were judged before."""
    loaded: Loaded
    chance: float
    """Of a false alarm at a time step, in all series together."""
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> Names:
        return self.loaded.panel.names

    @property
    def newest(self) -> Ints:
        """The time of the newest row, ns UTC (1,)."""
        panel = self.loaded.panel
        return panel.time[panel.offsets[1:] - 1].max(keepdims=True)

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each alarm, as docs/schemas has it."""
        return [alarm.to_json(self.names) for alarm in self.alarms]


def monitor(
    model: Model | Literal["pretrained"],
    source: str | Path | pd.DataFrame | None = None,
    options: Options = Options(),
    read: ReadConfig | None = None,
    *,
    state: State | None = None,
    since: str | None = None,
    false_alarms: str | None = None,
    max_age: str | None = None,
    on_read: Reader | None = None,
    engine: Engine | None = None,
    workers: int | None = None,
    on_origin: Counter | None = None,
) -> Monitoring:
    """Judge the rows of `source` that `state` has not seen by forecasts from before them.

    Default source: that of the model. Without a state: the rows since the time `since`, or those after what
    the model was trained on; for pretrained networks, all that enough rows come before. `false_alarms` in all
    series together, such as 1/w; `options`: limits for pretrained networks. `engine`: where forecasts are
    made; None: where it suits, by so many `workers`. `on_origin` counts the blocks of rows that are forecast.
    Raises UsageError, and the errors of `predict`.
    """
    if false_alarms is not None:
        parsed_rate(false_alarms)
    loaded = _loaded(model, source, options, read)
    if on_read:
        on_read(loaded)
    old = [dataclasses.replace(each, action=OLD) for each in check_rows(loaded.panel, max_age)]
    loaded = dataclasses.replace(loaded, findings=(*loaded.findings, *old))
    panel = loaded.panel
    chance = chance_of_step(false_alarms, panel)
    horizon = 2 * _stride(model, panel)
    if not isinstance(model, str):
        model.check_fits(panel)
        horizon = min(horizon, model.horizon)
    whole, notes = _state(model, panel, state, since)
    own = whole.of(panel.ids, whole.newest)
    revised = revisions(panel, own)
    expect = _Expect(model, horizon, limits_of(options))
    # What is missing after the newest row moves forecasts of rows that are never judged: no error.
    ahead, _ = with_calendar(panel, loaded.read, horizon, remembered=True)
    ahead, _ = require_known(ahead, horizon, "last")
    each = partial(_each, engine, workers, on_origin)
    verdict = Judge(ahead, own, expect, chance, each).run()
    newest = max(own.newest, int(panel.time[panel.offsets[1:] - 1].max()))
    after = whole.updated(dataclasses.replace(own, newest=newest))
    return Monitoring(tuple(verdict.alarms), after, verdict, revised, loaded, chance, tuple(notes))


@dataclass(frozen=True, eq=False)
class _Expect:
    """What is expected of the steps after a panel; nothing beyond the horizon of the model."""

    model: Model | Literal["pretrained"]
    horizon: int
    limits: Limits

    @property
    def joint(self) -> bool:
        """Whether all series are forecast in one scale, as by models of format 1."""
        return not isinstance(self.model, str) and self.model.blend.scales == "table"

    def __call__(self, past: Panel, rows: int) -> Expected:
        past, _ = require_known(past, self.horizon, "mean")  # missing in the rows to judge: as usual
        return _expected(_forecast(self.model, past, self.horizon, self.limits), rows)


def _each(
    engine: Engine | None,
    workers: int | None,
    on_origin: Counter | None,
    expect: Forecaster,
    panels: Iterable[Panel],
    rows: int,
    count: int,
) -> Iterator[Expected]:
    """What is expected after each of the panels, the largest last; of many series by pieces of them."""
    panels = iter(panels)
    first = next(panels, None)
    if first is None:
        return
    engine = engine or engine_for(count * len(first), first, workers)
    whole = expect.joint if isinstance(expect, _Expect) else False
    groups = ([(part, rows) for part in cut(panel, whole=whole)] for panel in chain([first], panels))
    for done, parts in enumerate(in_order(engine, _expect_piece, expect, groups), start=1):
        if on_origin is not None:
            on_origin(done, count)
        yield Expected(
            np.concatenate([part.table for part in parts], axis=1),
            np.concatenate([part.shown for part in parts], axis=1),
            np.concatenate([part.circle for part in parts]),
        )


def _expect_piece(expect: Forecaster, piece: tuple[Panel, int]) -> Expected:
    return expect(*piece)


def _loaded(
    model: Model | Literal["pretrained"],
    source: str | Path | pd.DataFrame | None,
    options: Options,
    read: ReadConfig | None,
) -> Loaded:
    """The data, read as `predict` reads it."""
    if isinstance(model, str):
        if source is None:
            raise UsageError(
                "pretrained networks have no data of their own",
                hint="Name the data: `forecast monitor DATA --model pretrained`.",
            )
        return load(source, read or ReadConfig(), limits=limits_of(options))
    with from_memory(model, "monitor") if source is None else nullcontext():
        source = model.facts.source if source is None else source
        return load_for(model, source, read_as(model, source, read))


def _stride(model: Model | Literal["pretrained"], panel: Panel) -> int:
    """Rows of a block: half a season or, where that is less, half of what the model forecasts."""
    rows = min(max(panel.frequency.season, USUAL_SEASON), MOST_ROWS)
    return max(1, (rows if isinstance(model, str) else min(rows, model.horizon)) // 2)


def _state(
    model: Model | Literal["pretrained"], panel: Panel, state: State | None, since: str | None
) -> tuple[State, list[str]]:
    """The state to go on from, and what to say of it. UsageError where it is that of other data."""
    stride, alias = _stride(model, panel), panel.frequency.alias
    begins = None if since is None else time_of(since, panel.names) - 1
    if state is None:
        begins = _first(model, panel, stride) if begins is None else begins
        return fresh(panel.ids, stride, alias, begins, *sizes(len(panel), stride)), []
    if state.frequency != alias or not set(state.ids) & set(panel.ids):
        same = state.frequency == alias
        what = f"series {listed(state.ids, 3)}" if same else f"frequency {state.frequency}"
        raise UsageError(
            f"the state is that of other data: {what}", hint="Name another file with --state, or remove it."
        )
    notes = []
    if begins is not None:
        went = times_as_strings(np.array([state.newest]), panel.names)[0]
        notes.append(f"--since is for a new state: this one goes on after {went}")
    if state.stride != stride:
        notes.append("the model has another horizon: what is usual is learned again")
        anew = fresh(state.ids, stride, alias, 0, *sizes(len(state.ids), stride))
        kept = {name: getattr(state, name) for name in ("kind", "unusual", "opened", "newest")}
        state = dataclasses.replace(anew, begins=np.maximum(state.done, state.begins), **kept)
    return state, notes


def _first(model: Model | Literal["pretrained"], panel: Panel, stride: int) -> int:
    """The time after which rows are judged where nothing else says it."""
    if not isinstance(model, str):
        return model.facts.last
    longest = int(panel.lengths.argmax())
    row = min(int(panel.lengths[longest]) // 2, WARM_UP * stride)
    return int(panel.time[panel.offsets[longest] + max(row - 1, 0)])


def _forecast(model: Model | Literal["pretrained"], panel: Panel, horizon: int, limits: Limits) -> Forecast:
    if isinstance(model, str):
        return forecast_pretrained(panel, horizon, levels=(LEVEL,), quantiles=LEVELS, limits=limits)
    return forecast(model, panel, horizon=horizon, levels=(LEVEL,), quantiles=LEVELS)


def _expected(result: Forecast, rows: int) -> Expected:
    """A forecast as the judge needs it: H steps made `rows`.

    Scores come from quantiles as they are before they are cut at what the series never did: an hour that was
    idle for some weeks would make any reading impossible. Demand that is mostly zero has those of its past.
    """
    assert result.distribution is not None and result.possible is not None  # format 1 has no quantiles
    cut = np.stack([result.quantiles[level] for level in LEVELS])
    table = np.stack([result.distribution.quantile(level) for level in LEVELS])
    table[:, result.possible.intermittent] = cut[:, result.possible.intermittent]
    shown = np.stack([result.point, result.lower[0], result.upper[0]])
    more = ((0, 0), (0, 0), (0, rows - table.shape[2]))
    table, shown = (np.pad(each, more, constant_values=np.nan) for each in (np.sort(table, axis=0), shown))
    return Expected(table, shown, result.possible.limits.circle)
