"""Forecasts as tables: the user's id and time columns, one row per series and step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecaster.arrays import Floats, Ints
from forecaster.data.labels import timestamps
from forecaster.data.panel import Panel


def forecast_frame(panel: Panel, origins: Ints, columns: dict[str, Floats]) -> pd.DataFrame:
    """A row for each series s and step after its first origins[s] rows; each of `columns` is (S, H)."""
    horizon = next(iter(columns.values())).shape[1]
    last = panel.time[panel.offsets[:-1] + origins - 1]
    # Most series end together, so future times are computed once for each distinct end.
    distinct, which = np.unique(last, return_inverse=True)
    after, tz = panel.frequency.future_times, panel.names.tz
    times = np.stack([after(int(time), horizon, tz) for time in distinct])[which]
    frame: dict[str, object] = {}
    if panel.names.id is not None:
        frame[panel.names.id] = np.repeat(np.array(panel.ids, dtype=object), horizon)
    frame[panel.names.time] = timestamps(times.ravel(), panel.names)
    return pd.DataFrame(frame | {name: values.ravel() for name, values in columns.items()})
