"""Forecasts as tables: the user's id and time columns, one row per series and step."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.labels import timestamps
from forecaster.data.panel import Panel
from forecaster.data.series.hierarchy.tree import levels_of
from forecaster.errors import UsageError

LEVEL = "level"
"""The column that says which level of a hierarchy a series is of."""


def forecast_frame(panel: Panel, origins: Ints, columns: dict[str, Floats]) -> pd.DataFrame:
    """A row for each series s and step after its first origins[s] rows; each of `columns` is (S, H).

    Raises UsageError where the user's names are those of columns.
    """
    horizon = next(iter(columns.values())).shape[1]
    frame: dict[str, object] = {}
    if panel.names.id is not None:
        frame[panel.names.id] = np.repeat(np.array(panel.ids, dtype=object), horizon)
    frame[panel.names.time] = timestamps(times_ahead(panel, origins, horizon).ravel(), panel.names)
    _refuse_taken(frame, columns, "forecasts")
    _with_level(frame, panel, np.repeat(np.arange(len(panel)), horizon))
    return pd.DataFrame(frame | {name: values.ravel() for name, values in columns.items()})


def _with_level(frame: dict[str, object], panel: Panel, series: Ints) -> None:
    """Add the column LEVEL of a hierarchy, for rows of these series (R,). UsageError where it is taken."""
    if not panel.levels:
        return
    if LEVEL in frame:
        raise UsageError(
            f"the table already has a column {LEVEL!r}, which forecasts of a hierarchy need",
            hint="Rename that column.",
        )
    frame[LEVEL] = np.array(levels_of(panel), dtype=object)[series]


def samples_frame(panel: Panel, origins: Ints, paths: Floats) -> pd.DataFrame:
    """A row for each series, path and step after its first origins[s] rows; `paths` is (S, N, H).

    Raises UsageError where the user's names are those of the columns `sample` and `value`.
    """
    _, count, horizon = paths.shape
    frame: dict[str, object] = {}
    if panel.names.id is not None:
        frame[panel.names.id] = np.repeat(np.array(panel.ids, dtype=object), count * horizon)
    times = np.repeat(times_ahead(panel, origins, horizon)[:, None], count, axis=1)
    frame[panel.names.time] = timestamps(times.ravel(), panel.names)
    _refuse_taken(frame, ("sample", "value"), "paths")
    _with_level(frame, panel, np.repeat(np.arange(len(panel)), count * horizon))
    numbers = np.tile(np.repeat(np.arange(1, count + 1), horizon), len(panel))
    return pd.DataFrame(frame | {"sample": numbers, "value": paths.ravel()})


def predictions_frame(
    panel: Panel, origins: Ints, seen: Bools, times: Ints, columns: dict[str, Floats]
) -> pd.DataFrame:
    """A row for each forecast that was scored: series, origin, step, time and the numbers of `columns`.

    `origins` (O, S) are known rows, `seen` (O, S, H) what was scored, `times` (O, S, H) in ns; the column
    `origin` holds the time of the last known row. Raises UsageError where the user's names are taken.
    """
    origin, series, step = np.nonzero(seen)
    last = panel.offsets[series] + origins[origin, series] - 1
    frame: dict[str, object] = {}
    if panel.names.id is not None:
        frame[panel.names.id] = np.array(panel.ids, dtype=object)[series]
    frame[panel.names.time] = timestamps(times[seen], panel.names)
    _refuse_taken(frame, ("origin", "step", *columns), "predictions")
    _with_level(frame, panel, series)
    frame |= {"origin": timestamps(panel.time[last], panel.names), "step": step + 1}
    return pd.DataFrame(frame | {name: values[seen] for name, values in columns.items()})


def _refuse_taken(frame: dict[str, object], names: Iterable[str], what: str) -> None:
    """Raise UsageError where a column of the user has one of the `names` that `what` needs."""
    taken = [name for name in names if name in frame]
    if taken:
        raise UsageError(
            f"the table already has a column {taken[0]!r}, which {what} need", hint="Rename that column."
        )


def times_ahead(panel: Panel, origins: Ints, horizon: int) -> Ints:
    """The times (S, H) of the rows after the first origins[s] of each series."""
    last = panel.time[panel.offsets[:-1] + origins - 1]
    # Most series end together, so future times are computed once for each distinct end.
    distinct, which = np.unique(last, return_inverse=True)
    after, tz = panel.frequency.future_times, panel.names.tz
    return np.stack([after(int(time), horizon, tz) for time in distinct])[which]
