"""Static: facts of each series that do not change."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from forecaster.arrays import Floats, Ints
from forecaster.data.rows.known import Words


@dataclass(frozen=True, eq=False)
class Static:
    """D facts of S series."""

    names: tuple[str, ...]  # (D,)
    words: tuple[Words, ...]  # (D,)
    values: Floats  # (S, D) numbers, or codes of words; NaN where missing

    def only(self, alive: Ints) -> Static:
        """Those of the series `alive` (A,)."""
        return dataclasses.replace(self, values=self.values[alive])
