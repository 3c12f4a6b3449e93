"""Strata: kinds of series of about the same length and size, none of which a sample may lose.

They are seen in the first half of the rows of a series, or of those before its first long gap: each series that
holds rows out for a report holds out rows after these. So no held-out value has a part in what is drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.panel import Panel
from forecaster.data.rows.known_values import known_values
from forecaster.features.groups import is_sparse

SMALLEST, LARGEST = -9, 15
"""Decades beyond these are those."""


class Stratum(NamedTuple):
    """A kind of series."""

    rows: int
    """Series have so many rows and less than twice as many: a power of two."""
    decade: int | None
    """Their usual size is 10^decade and less than ten times that; None: nothing but zeros, or no value."""
    sparse: bool
    """Whether they are mostly zero, as demand may be."""

    def __str__(self) -> str:
        """Words for people: `64 to 127 rows, 10 to 100`."""
        size = "no size" if self.decade is None else f"{10.0**self.decade:g} to {10.0 ** (self.decade + 1):g}"
        rows = f"{self.rows:,}" + (f" to {2 * self.rows - 1:,}" if self.rows > 1 else "")
        return f"{rows} row{'s'[: self.rows != 1]}, {size}" + (", mostly zero" if self.sparse else "")


def strata_of(panel: Panel) -> list[Stratum]:
    """The stratum of each series (S,). Each depends on the rows of its series alone."""
    known = _seen(panel)
    seen = known_values(panel.target, panel.target_observed, panel.offsets, known)
    size = np.abs(seen.values)
    there = size > 0
    middle = seen.only(there)
    middle = type(middle)(size[there], middle.row, middle.starts)
    usual = middle.quantile(0.5)
    with np.errstate(invalid="ignore"):
        decade = np.clip(np.floor(np.log10(usual)), SMALLEST, LARGEST)
    rows = 2 ** np.floor(np.log2(panel.lengths)).astype(np.int64)
    sparse = is_sparse(panel, known)
    return [
        Stratum(int(length), None if np.isnan(ten) else int(ten), bool(zeros))
        for length, ten, zeros in zip(rows, decade, sparse, strict=True)
    ]


def _seen(panel: Panel) -> Ints:
    """How many rows of each series are looked at (S,): half of those before its first long gap."""
    series, start, stop = panel.spans
    first = np.flatnonzero(np.diff(series, prepend=-1))
    ends = panel.lengths.copy()
    ends[series[first]] = (stop - panel.offsets[series])[first]
    return ends // 2
