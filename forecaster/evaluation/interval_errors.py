"""How good the quantiles and intervals of a model are, measured on held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from forecaster.arrays import Floats
from forecaster.evaluation import metrics
from forecaster.evaluation.backtest import Backtest
from forecaster.evaluation.json_numbers import plain

GRID = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))
"""The quantiles that CRPS and WQL average over."""


@dataclass(frozen=True, eq=False)
class IntervalErrors:
    """How good the model's quantiles are, by P measures.

    `pinball`, `crps` and `wql` over the quantiles 0.1 to 0.9; `coverage_L` (percent) and `score_L` of the
    interval of L percent. `metrics` has the formulas.
    """

    names: tuple[str, ...]  # (P,)
    overall: Floats  # (P,)
    per_step: Floats  # (P, H)
    per_series: Floats  # (P, S)
    per_origin: Floats  # (P, O)

    def value(self, name: str) -> float:
        """One measure over all series."""
        return float(self.overall[self.names.index(name)])

    def to_json(self, *, series: bool) -> dict[str, Any]:
        """Measure -> value or list of values, of each table."""
        tables = {"overall": self.overall, "per_step": self.per_step, "per_origin": self.per_origin}
        tables["per_series"] = self.per_series if series else self.per_series[:, :0]
        return {part: dict(zip(self.names, map(plain, table), strict=True)) for part, table in tables.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> IntervalErrors:
        """From the values of `to_json`; KeyError, TypeError or ValueError where they are something else."""
        names = tuple(values["overall"])
        tables = {
            part: np.array([values[part][name] for name in names], dtype=float)
            for part in ("overall", "per_step", "per_series", "per_origin")
        }
        if tables["overall"].ndim != 1 or any(tables[part].ndim != 2 for part in tables if part != "overall"):
            raise ValueError("a table of interval errors has another size")
        return cls(names, **tables)


def interval_errors(backtest: Backtest) -> IntervalErrors | None:
    """How good the quantiles of the model are; None without any."""
    quantiles = backtest.quantiles
    if not quantiles:
        return None
    actual = backtest.actual
    grid = {level: quantiles[level] for level in GRID}
    formulas: dict[str, Callable[..., Floats]] = {
        "pinball": partial(metrics.mean_pinball, actual, grid),
        "crps": partial(metrics.crps, actual, grid),
        "wql": partial(metrics.wql, actual, grid),
    }
    for level in backtest.levels:
        bounds = backtest.interval(level)
        formulas[f"coverage_{level}"] = partial(metrics.coverage, actual, *bounds)
        formulas[f"score_{level}"] = partial(metrics.interval_score, actual, *bounds, level)
    per_series, per_step, per_origin = (
        np.array([formula(axis=axis) for formula in formulas.values()]) for axis in ((0, 2), 0, 2)
    )  # (P, S), (P, S, H), (P, O, S)
    return IntervalErrors(
        names=tuple(formulas),
        overall=metrics.average(per_series.T),
        per_step=metrics.average(np.moveaxis(per_step, 1, 0)),
        per_series=per_series,
        per_origin=metrics.average(np.moveaxis(per_origin, 2, 0)),
    )
