"""What is known of each series before an origin: rows of a Panel, none of them after the origin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class PastRows:
    """The first `origins[s]` rows of S series, in flat arrays of N rows as a Panel holds them."""

    values: Floats  # (N,) in the user's units
    observed: Bools  # (N,)
    starts: Ints  # (S,) first row of each series
    origins: Ints  # (S,) rows known, counted from the start
    log: Bools  # (S,) series whose errors are measured in logarithms
    begins: Ints  # (S,) rows before the newest change of level or scale; not used
    first: Ints  # (S,) position of the first row in the shortest season of the calendar

    def __len__(self) -> int:
        return len(self.origins)

    def take(self, series: Ints) -> PastRows:
        """Some of the series."""
        return PastRows(
            self.values,
            self.observed,
            self.starts[series],
            self.origins[series],
            self.log[series],
            self.begins[series],
            self.first[series],
        )

    def newest(self, series: Ints, count: int) -> Floats:
        """The newest `count` rows x (B, count) of some series, the newest last; NaN where not known.

        x is log y for series in logarithms, NaN where y is not positive.
        """
        stop = self.starts[series] + np.maximum(self.origins[series], 0)
        first = self.starts[series] + self.begins[series]
        rows = stop[:, None] - np.arange(count, 0, -1)
        known = rows >= first[:, None]
        rows = np.where(known, rows, 0)
        known &= self.observed[rows]
        x = np.where(known, self.values[rows], np.nan)
        log = self.log[series]
        if log.any():
            logs = x if log.all() else x[log]
            x[log] = np.log(logs, where=logs > 0, out=np.full_like(logs, np.nan))
        return x

    def summary(self) -> tuple[Floats, Floats]:
        """Newest value x, and mean |x_t − x_{t'}| of each known row and the one before it: (S,) each.

        Over all known rows, including those before a change. NaN for series without a value; the mean is also
        NaN for series with a single value.
        """
        counts = np.maximum(self.origins, 0)
        owner = np.repeat(np.arange(len(self)), counts)
        row = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + self.starts[owner]
        seen = self.observed[row] & (~self.log[owner] | (self.values[row] > 0))
        owner, row = owner[seen], row[seen]
        x = self.values[row].astype(np.float64)
        x = np.log(x, where=self.log[owner], out=x)
        newest = np.full(len(self), np.nan)
        newest[owner] = x
        pair = np.flatnonzero(owner[1:] == owner[:-1])
        steps = np.bincount(owner[pair], np.abs(x[pair + 1] - x[pair]), minlength=len(self))
        pairs = np.bincount(owner[pair], minlength=len(self))
        return newest, np.where(pairs > 0, steps / np.maximum(pairs, 1), np.nan)
