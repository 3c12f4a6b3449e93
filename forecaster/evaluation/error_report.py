"""Report: the errors of `train` and `evaluate` on held-out data, and the verdict in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecaster.arrays import Floats
from forecaster.errors import ModelError

MODEL = "model"
COUNTS = ("origins", "windows", "scored", "no_mase", "season")
PLAIN = ("best_baseline", "decided_on", "chance", *COUNTS, "start", "end")
MOST_ERROR = 1e300
EQUAL = 0.001  # a smaller relative difference counts as equal


@dataclass(frozen=True, eq=False)
class Report:
    """Errors on held-out data of M methods (the model first) by K metrics, at H steps, of S series.

    `metrics.METRICS` has formulas and units. The last metric, skill, is 1 - error of the method / error of
    `best_baseline`. NaN: undefined or not scored.
    """

    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    overall: Floats  # (M, K)
    per_step: Floats  # (M, K, H)
    per_series: Floats  # (M, K, S)
    ids: tuple[str, ...]
    origins: int
    windows: int
    """Scored windows: pairs of origin and series with at least one actual value after the origin."""
    scored: int
    """Series with a scored window."""
    start: str
    """First held-out timestamp in ISO 8601, with Z where the data has a time zone."""
    end: str
    season: int
    """Season m of the MASE, in rows."""
    no_mase: int
    """Scored series for which MASE is undefined."""
    decided_on: str
    """The metric that ranks methods: mase or mae."""
    best_baseline: str
    chance: bool
    """True: the difference between model and best baseline may be chance."""

    @property
    def horizon(self) -> int:
        """Rows forecast from each origin."""
        return self.per_step.shape[2]

    def value(self, method: str, metric: str) -> float:
        """One number of the overall table."""
        return float(self.overall[self.methods.index(method), self.metrics.index(metric)])

    @property
    def difference(self) -> float:
        """Error of the model / error of the best baseline - 1: negative is better. Infinite where only the
        baseline makes no error."""
        model, baseline = (self.value(name, self.decided_on) for name in (MODEL, self.best_baseline))
        if baseline == 0:
            return 0.0 if model == 0 else float("inf")
        return model / baseline - 1

    @property
    def beats(self) -> bool:
        """True: the error of the model is lower than that of every baseline, by more than 0.1 %."""
        return self.difference < -EQUAL

    @property
    def verdict(self) -> str:
        """The result in plain words."""
        name, metric = self.best_baseline, self.decided_on.upper()
        windows = f"{self.windows:,} held-out window{'s'[: self.windows != 1]}"
        if self.scored > 1:
            windows += f" of {self.scored:,} series"
        if abs(self.difference) <= EQUAL:
            return (
                f"The model does NOT beat the best baseline: its {metric} equals that of {name} on {windows}."
                f" {name[0].upper()}{name[1:]} is simpler and just as good."
            )
        chance = " The difference may be chance." if self.chance else ""
        if self.beats:
            size = f"{-100 * self.difference:.1f} %"
            return f"The model beats the best baseline ({name}) by {size} in {metric} on {windows}.{chance}"
        size = f"{100 * self.difference:.1f} %" if np.isfinite(self.difference) else "infinitely"
        return (
            f"The model does NOT beat the best baseline, {name}: its {metric} is {size} higher on {windows}. "
            f"Use {name} for {'these' if self.scored > 1 else 'this'} series.{chance}"
        )

    def to_json(self, *, series: bool = True) -> dict[str, Any]:
        """The report as JSON values, NaN as null; `series=False` leaves out the errors of each series."""
        facts: dict[str, Any] = {"verdict": self.verdict, "beats": self.beats, "horizon": self.horizon}
        facts |= {name: getattr(self, name) for name in PLAIN}
        facts |= {"methods": list(self.methods), "metrics": list(self.metrics)}
        facts["overall"] = self._nested(self.overall)
        facts["per_step"] = self._nested(self.per_step)
        facts["ids"] = list(self.ids) if series else []
        facts["per_series"] = self._nested(self.per_series if series else self.per_series[:, :, :0])
        return facts

    def _nested(self, table: Floats) -> dict[str, dict[str, Any]]:
        """{method: {metric: value or list of values}}."""
        return {
            method: {metric: _plain(table[m, k]) for k, metric in enumerate(self.metrics)}
            for m, method in enumerate(self.methods)
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Report:
        """The report from the values of `to_json`. ModelError where they are not a report."""
        try:
            methods, names = tuple(values["methods"]), tuple(values["metrics"])
            facts = {name: values[name] for name in PLAIN} | {"methods": methods, "metrics": names}
            for part in ("overall", "per_step", "per_series"):
                facts[part] = np.array([[values[part][m][k] for k in names] for m in methods], dtype=float)
            return cls(ids=tuple(values["ids"]), **facts)._checked()
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"the error report is damaged: {str(error)[:100]}") from error

    def _checked(self) -> Report:
        """The report; ValueError where its parts are not of their kind, or do not fit each other."""
        words = (self.start, self.end, self.decided_on, self.best_baseline, *self.ids, *self.methods)
        if not all(isinstance(word, str) for word in (*words, *self.metrics)):
            raise ValueError("a name or time is not text")
        if not all(type(getattr(self, name)) is int and 0 <= getattr(self, name) < 2**63 for name in COUNTS):
            raise ValueError("a count is no whole number")
        shape = len(self.methods), len(self.metrics)
        tables = self.overall, self.per_step, self.per_series
        if [table.ndim for table in tables] != [2, 3, 3] or any(table.shape[:2] != shape for table in tables):
            raise ValueError("its tables have other sizes")
        if any((np.abs(table) > MOST_ERROR).any() for table in tables):
            raise ValueError("an error is too large to be one")
        if {MODEL, self.best_baseline} - {*self.methods} or self.decided_on not in self.metrics:
            raise ValueError("the methods that it compares are not in it")
        return self

    def to_rows(self) -> list[dict[str, Any]]:
        """Rows of a flat table: scope (overall, step, series), key (step from 1, or id), method, metrics."""
        rows = [self._row("overall", "", m, self.overall[m]) for m in range(len(self.methods))]
        for scope, keys, table in (
            ("step", range(1, self.horizon + 1), self.per_step),
            ("series", self.ids, self.per_series),
        ):
            for i, key in enumerate(keys):
                rows += [self._row(scope, key, m, table[m, :, i]) for m in range(len(self.methods))]
        return rows

    def _row(self, scope: str, key: object, method: int, values: Floats) -> dict[str, Any]:
        numbers = dict(zip(self.metrics, map(float, values), strict=True))
        return {"scope": scope, "key": key, "method": self.methods[method], **numbers}


def _plain(values: Floats | np.float64) -> Any:
    """NumPy numbers as JSON values, NaN as None."""
    numbers = np.asarray(values).astype(object)
    numbers[~np.isfinite(values)] = None
    return numbers.tolist()
