"""Errors by the levels of a hierarchy: the weighted RMSSE.

As in the M5 competition (Makridakis, Spiliotis & Assimakopoulos 2022): within a level, the RMSSE of each
series counts by its part of what the level adds up to in the newest rows before the first origin; all levels
count the same. Other than there, RMSSE is that of all reports, which divides by the seasonal step of a
series; and the value that weighs is that of the target, as there are no prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecaster.arrays import Floats
from forecaster.data.series.hierarchy.tree import levels_of
from forecaster.evaluation.backtest import Backtest
from forecaster.evaluation.json_numbers import plain
from forecaster.evaluation.metrics import METRICS, average
from forecaster.features.history import known_target
from forecaster.methods.baselines import first_origins


@dataclass(frozen=True, eq=False)
class LevelErrors:
    """Weighted RMSSE of M methods at L levels, the total first; NaN where it is undefined."""

    levels: tuple[str, ...]
    series: tuple[int, ...]
    """Series of each level that have an RMSSE."""
    wrmsse: Floats  # (M, L)

    @property
    def overall(self) -> Floats:
        """The mean over levels (M,)."""
        return average(self.wrmsse.T)

    def to_json(self, methods: tuple[str, ...]) -> dict[str, Any]:
        """The levels, and by method the WRMSSE of each and of all."""
        return {
            "levels": list(self.levels),
            "series": list(self.series),
            "wrmsse_by_level": {name: plain(row) for name, row in zip(methods, self.wrmsse, strict=True)},
            "wrmsse": {name: plain(each) for name, each in zip(methods, self.overall, strict=True)},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], methods: tuple[str, ...]) -> LevelErrors:
        """From the values of `to_json`; KeyError, TypeError or ValueError where they are something else."""
        table = np.array([values["wrmsse_by_level"][name] for name in methods], dtype=float)
        levels, series = tuple(map(str, values["levels"])), tuple(map(int, values["series"]))
        if table.shape != (len(methods), len(levels)) or len(series) != len(levels):
            raise ValueError("the errors by level have another size")
        return cls(levels, series, table)


def level_errors(backtest: Backtest, per_series: Floats) -> LevelErrors | None:
    """The errors by level, from those of each series (M, K, S) by METRICS; None without a hierarchy."""
    panel = backtest.panel
    if not panel.levels:
        return None
    rmsse = per_series[:, list(METRICS).index("rmsse")]  # (M, S)
    weight, names = _values(backtest), np.array(levels_of(panel))
    table = np.full((len(rmsse), len(panel.levels)), np.nan)
    counts = []
    for place, level in enumerate(panel.levels):
        mine = (names == level) & np.isfinite(rmsse).all(axis=0)
        counts.append(int(mine.sum()))
        total = weight[mine].sum()
        if total > 0:
            table[:, place] = rmsse[:, mine] @ weight[mine] / total
    return LevelErrors(panel.levels, tuple(counts), table)


def _values(backtest: Backtest) -> Floats:
    """|sum| of the newest known values (S,) before the first origin: of a season, or a horizon if longer."""
    panel, first = backtest.panel, np.maximum(first_origins(backtest.origins), 0)
    rows = np.arange(len(panel.target)) - np.repeat(panel.offsets[:-1], panel.lengths)
    newest = rows >= np.repeat(first - max(panel.frequency.season, backtest.horizon), panel.lengths)
    used = known_target(panel, first) & newest
    return np.abs(np.add.reduceat(np.where(used, panel.target, 0.0), panel.offsets[:-1]))
