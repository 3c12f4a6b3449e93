"""Groups of series that behave alike: each has weights of its own in the blend."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.data.panel import Panel
from forecaster.features.history import known_target
from forecaster.features.value_range import KINDS, SPARSE, ValueRange

GROUPS = ("plain", "seasonal", "price", "intermittent")


def groups_of(panel: Panel, origins: Ints, limits: ValueRange, seasonal: Bools) -> Ints:
    """The group of each series (S,), index into GROUPS, by its known rows."""
    kind = limits.kind
    group = np.where(seasonal, GROUPS.index("seasonal"), GROUPS.index("plain"))
    group[kind == KINDS.index("price")] = GROUPS.index("price")
    demand = (kind == KINDS.index("intermittent")) & is_sparse(panel, origins)
    group[demand] = GROUPS.index("intermittent")
    return group


def is_sparse(panel: Panel, origins: Ints) -> Bools:
    """Series without a negative value that are zero in at least SPARSE of their known rows (S,)."""
    known = known_target(panel, origins)
    series = np.repeat(np.arange(len(panel)), panel.lengths)[known]
    value = panel.target[known]
    zeros, negative = (np.bincount(series, test, len(panel)) for test in (value == 0, value < 0))
    count = np.bincount(series, minlength=len(panel))
    return (count > 0) & (negative == 0) & (zeros >= SPARSE * count)
