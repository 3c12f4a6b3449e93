"""Strata: kinds of series of about the same length and size, none of which a sample may lose.

Length, size and zeros are seen in the first third of a series, or of what stands before its first long gap. A
series of which a report holds out rows has more than half of its rows before these: no held-out value has a
part in what is drawn. A third of the time, and not of the rows: how many rows a grid has may depend on other
series, as learned holidays do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.panel import Panel
from forecaster.data.rows.known_values import known_values, quantile_within, sorted_within
from forecaster.features.groups import is_sparse
from forecaster.features.history import History, known_target

SMALLEST, LARGEST = -9, 15
"""Decades beyond these are those."""
PART = 3
"""One part in so many of a series is looked at."""


class Stratum(NamedTuple):
    """A kind of series."""

    rows: int
    """They have about so many values and less than twice as many: a power of two."""
    decade: int | None
    """Their usual size is 10^decade and less than ten times that; None: nothing but zeros, or no value."""
    sparse: bool
    """Whether they are mostly zero, as demand may be."""

    def __str__(self) -> str:
        """Words for people: `64 to 127 values, 10 to 100`."""
        size = "no size" if self.decade is None else f"{10.0**self.decade:g} to {10.0 ** (self.decade + 1):g}"
        rows = f"{self.rows:,}" + (f" to {2 * self.rows - 1:,}" if self.rows > 1 else "")
        return f"{rows} value{'s'[: self.rows != 1]}, {size}" + (", mostly zero" if self.sparse else "")


def strata_of(panel: Panel) -> list[Stratum]:
    """The stratum of each series (S,). Each depends on the rows of its series alone."""
    known = _seen(panel)
    seen = known_values(panel.target, panel.target_observed & (panel.target != 0), panel.offsets, known)
    usual = quantile_within(sorted_within(np.abs(seen.values), seen.starts), seen.starts, 0.5)
    decade = np.clip(np.floor(np.log10(usual)), SMALLEST, LARGEST)
    count = History(panel.offsets, known).total(known_target(panel, known))
    rows = 2 ** np.floor(np.log2(np.maximum(PART * count, 1))).astype(np.int64)
    return [
        Stratum(int(length), None if np.isnan(ten) else int(ten), bool(zeros))
        for length, ten, zeros in zip(rows, decade, is_sparse(panel, known), strict=True)
    ]


def _seen(panel: Panel) -> Ints:
    """How many rows of each series (S,) are looked at."""
    series, _, stop = panel.spans
    first = np.flatnonzero(np.diff(series, prepend=-1))
    begin, end = panel.offsets[:-1], panel.offsets[1:].copy()
    end[series[first]] = stop[first]
    until = panel.time[begin] + (panel.time[end - 1] - panel.time[begin]) // PART
    looked_at = panel.time <= np.repeat(until, panel.lengths)
    return np.minimum(np.add.reduceat(looked_at, begin, dtype=np.int64), end - begin)
