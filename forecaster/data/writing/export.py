"""Export: the series as they were read, for a person or a script to check."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecaster.arrays import Ints
from forecaster.data.labels import Names, times_as_strings, timestamps
from forecaster.data.panel import Panel
from forecaster.data.series.observations import Observations
from forecaster.data.storage.place import Named
from forecaster.data.writing.write import is_typed, write_table


def export_panel(panel: Panel, destination: Named) -> None:
    """Write each row of the panel: id, time, value, observed. Raises StorageError."""
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    _write(panel.ids, series, panel.time, panel.target, panel.names, destination)


def export_rows(obs: Observations, names: Names, destination: Named) -> None:
    """Write the rows in the order of the source, for rows that could not be arranged as series."""
    _write(obs.ids, obs.series, obs.time, obs.values[:, 0], names, destination)


def _write(
    ids: tuple[str, ...],
    series: NDArray[np.signedinteger],
    time: Ints,
    values: np.ndarray,
    names: Names,
    destination: Named,
) -> None:
    columns: dict[str, object] = {
        "id": np.array(ids, dtype=object)[series],
        # In a typed file a time is a timestamp; in text it stands as in the source.
        "time": timestamps(time, names) if is_typed(destination) else times_as_strings(time, names),
        "value": values,
        "observed": ~np.isnan(values),
    }
    write_table(pd.DataFrame(columns), destination)
