"""Forecasts as tables: the user's id and time columns, one row a series and step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecaster.arrays import Floats, Ints
from forecaster.data.labels import timestamps
from forecaster.data.panel import Panel
from forecaster.errors import UsageError


def forecast_frame(panel: Panel, ends: Ints, columns: dict[str, Floats]) -> pd.DataFrame:
    """A row for each series and step after its row ends[s]−1; each of `columns` is (S, H)."""
    horizon = next(iter(columns.values())).shape[1]
    frame: dict[str, object] = {}
    if panel.names.id is not None:
        frame[panel.names.id] = np.repeat(np.array(panel.ids, dtype=object), horizon)
    frame[panel.names.time] = timestamps(_times(panel, ends, horizon).ravel(), panel.names)
    return pd.DataFrame(frame | {name: values.ravel() for name, values in columns.items()})


def samples_frame(panel: Panel, ends: Ints, paths: Floats) -> pd.DataFrame:
    """A row for each series, path and step after its row ends[s]−1; `paths` is (S, N, H).

    Raises UsageError where the user's names are those of the columns `sample` and `value`.
    """
    _, count, horizon = paths.shape
    frame: dict[str, object] = {}
    if panel.names.id is not None:
        frame[panel.names.id] = np.repeat(np.array(panel.ids, dtype=object), count * horizon)
    times = np.repeat(_times(panel, ends, horizon)[:, None], count, axis=1)
    frame[panel.names.time] = timestamps(times.ravel(), panel.names)
    taken = [name for name in ("sample", "value") if name in frame]
    if taken:
        raise UsageError(
            f"the table has a column {taken[0]!r} of its own, and so have paths", hint="Rename that column."
        )
    numbers = np.tile(np.repeat(np.arange(1, count + 1), horizon), len(panel))
    return pd.DataFrame(frame | {"sample": numbers, "value": paths.ravel()})


def _times(panel: Panel, ends: Ints, horizon: int) -> Ints:
    """The times (S, H) of the rows after the row ends[s]−1 of each series."""
    last = panel.time[panel.offsets[:-1] + ends - 1]
    # Series mostly end together: each distinct end is continued once.
    distinct, which = np.unique(last, return_inverse=True)
    after, tz = panel.frequency.future_times, panel.names.tz
    return np.stack([after(int(time), horizon, tz) for time in distinct])[which]
