"""Numbers of a report as JSON values: NaN is null."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecaster.arrays import Floats


def plain(values: Floats | np.float64) -> Any:
    """NumPy numbers as JSON values, NaN as None."""
    numbers = np.asarray(values).astype(object)
    numbers[~np.isfinite(values)] = None
    return numbers.tolist()


def number(value: Any) -> float:
    """A number of JSON, NaN for null; TypeError for anything else."""
    if value is None:
        return float("nan")
    if isinstance(value, bool | str):
        raise TypeError(f"{value!r} is no number")
    return float(value)
