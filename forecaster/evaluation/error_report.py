"""Report: the errors of `train` and `evaluate` on held-out data, and the verdict in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from forecaster.arrays import Floats
from forecaster.errors import ModelError
from forecaster.evaluation.comparison import Comparison
from forecaster.evaluation.interval_errors import IntervalErrors
from forecaster.evaluation.json_numbers import number, plain
from forecaster.evaluation.level_errors import LevelErrors

MODEL = "model"
COUNTS = ("origins", "windows", "scored", "no_mase", "season")
PLAIN = ("best_baseline", "decided_on", "chance", *COUNTS, "start", "end")
MOST_ERROR = 1e300


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
    p_value: float = float("nan")
    """As for `Comparison`; NaN in reports of versions that did not tell it."""
    between: tuple[float, float] = (float("nan"), float("nan"))
    """The 95 % interval of `difference`."""
    groups: tuple[Comparison, ...] = ()
    """The comparison of each group of series, where there are several groups."""
    per_origin: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))  # (M, K, O)
    origin_times: tuple[str, ...] = ()
    """The earliest held-out timestamp after each origin (O,); empty where nothing is scored there."""
    intervals: IntervalErrors | None = None
    """How good the model's quantiles are, where it gives any."""
    hierarchy: LevelErrors | None = None
    """The errors by the levels of a hierarchy, where there is one."""

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
    def comparison(self) -> Comparison:
        """The model beside the best baseline, over all series."""
        half = (self.between[1] - self.between[0]) / 2
        return Comparison("", self.scored, self.windows, self.decided_on, self.best_baseline, self.difference,
                          half, self.p_value, self.chance)  # fmt: skip

    @property
    def beats(self) -> bool:
        """True: the error of the model is lower than that of every baseline, by more than 0.1 %."""
        return self.comparison.beats

    @property
    def verdict(self) -> str:
        """The result over all series in plain words."""
        return self.comparison.verdict

    def to_json(self, *, series: bool = True) -> dict[str, Any]:
        """The report as JSON values, NaN as null; `series=False` leaves out the errors of each series."""
        facts: dict[str, Any] = {"verdict": self.verdict, "beats": self.beats, "horizon": self.horizon}
        facts |= {name: getattr(self, name) for name in PLAIN}
        facts["p_value"], facts["between"] = plain(np.float64(self.p_value)), plain(np.array(self.between))
        facts["groups"] = [each.to_json() for each in self.groups]
        facts |= {"methods": list(self.methods), "metrics": list(self.metrics)}
        facts["overall"] = self._nested(self.overall)
        facts["per_step"] = self._nested(self.per_step)
        facts["ids"] = list(self.ids) if series else []
        facts["per_series"] = self._nested(self.per_series if series else self.per_series[:, :, :0])
        facts["per_origin"], facts["origin_times"] = self._nested(self.per_origin), list(self.origin_times)
        facts["intervals"] = None if self.intervals is None else self.intervals.to_json(series=series)
        if self.hierarchy is not None:
            facts["hierarchy"] = self.hierarchy.to_json(self.methods)
        return facts

    def _nested(self, table: Floats) -> dict[str, dict[str, Any]]:
        """{method: {metric: value or list of values}}."""
        return {
            method: {metric: plain(table[m, k]) for k, metric in enumerate(self.metrics)}
            for m, method in enumerate(self.methods)
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Report:
        """The report from the values of `to_json`. ModelError where they are not a report."""
        try:
            methods, names = tuple(values["methods"]), tuple(values["metrics"])
            facts = {name: values[name] for name in PLAIN} | {"methods": methods, "metrics": names}
            parts = ["overall", "per_step", "per_series"]
            if "p_value" in values:  # since then
                parts.append("per_origin")
                low, high = map(number, values["between"])
                facts["p_value"], facts["between"] = number(values["p_value"]), (low, high)
                facts["groups"] = tuple(Comparison.from_json(each) for each in values["groups"])
                facts["origin_times"] = tuple(values["origin_times"])
                held = values["intervals"]
                facts["intervals"] = None if held is None else IntervalErrors.from_json(held)
            if "hierarchy" in values:
                facts["hierarchy"] = LevelErrors.from_json(values["hierarchy"], methods)
            for part in parts:
                facts[part] = np.array([[values[part][m][k] for k in names] for m in methods], dtype=float)
            return cls(ids=tuple(values["ids"]), **facts)._checked()
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"the error report is damaged: {str(error)[:100]}") from error

    def _checked(self) -> Report:
        """The report; ValueError where its parts are not of their kind, or do not fit each other."""
        words = (self.start, self.end, self.decided_on, self.best_baseline, *self.ids, *self.methods,
                 *self.origin_times)  # fmt: skip
        if not all(isinstance(word, str) for word in (*words, *self.metrics)):
            raise ValueError("a name or time is not text")
        if not all(type(getattr(self, name)) is int and 0 <= getattr(self, name) < 2**63 for name in COUNTS):
            raise ValueError("a count is no whole number")
        shape = len(self.methods), len(self.metrics)
        tables = self.overall, self.per_step, self.per_series
        if [table.ndim for table in tables] != [2, 3, 3] or any(table.shape[:2] != shape for table in tables):
            raise ValueError("its tables have other sizes")
        if self.per_origin.ndim != 3 or self.per_origin.shape[2] != len(self.origin_times):
            raise ValueError("its errors by origin have another size")
        if any((np.abs(table) > MOST_ERROR).any() for table in tables):
            raise ValueError("an error is too large to be one")
        if {MODEL, self.best_baseline} - {*self.methods} or self.decided_on not in self.metrics:
            raise ValueError("the methods that it compares are not in it")
        return self

    def to_rows(self) -> list[dict[str, Any]]:
        """Rows of a flat table: scope, key, method, metrics; of the model the measures of its quantiles too.

        The scope is overall, step (key: from 1 on), origin (key: the first timestamp after it) or series
        (key: the id).
        """
        of = self.intervals
        nothing = np.empty((0, 0))
        parts = (
            ("overall", [""], self.overall[..., None], nothing if of is None else of.overall[:, None]),
            ("step", range(1, self.horizon + 1), self.per_step, nothing if of is None else of.per_step),
            ("origin", self.origin_times, self.per_origin, nothing if of is None else of.per_origin),
            ("series", self.ids, self.per_series, nothing if of is None else of.per_series),
        )
        return [
            {"scope": scope, "key": key, "method": method, **self._numbers(table[m, :, i], m, measures, i)}
            for scope, keys, table, measures in parts
            for i, key in enumerate(keys)
            for m, method in enumerate(self.methods)
        ]

    def _numbers(self, errors: Floats, method: int, measures: Floats, place: int) -> dict[str, float]:
        """Errors (K,) of a method by name, and measures (P, n) of the model's quantiles; NaN for others."""
        numbers = dict(zip(self.metrics, map(float, errors), strict=True))
        names = self.intervals.names if self.intervals is not None else ()
        for p, name in enumerate(names):
            numbers[name] = float(measures[p, place]) if method == 0 else float("nan")
        return numbers
