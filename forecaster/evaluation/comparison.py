"""Comparison: the model beside the best baseline of some series, and what follows in plain words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecaster.evaluation.json_numbers import number, plain

NUMBERS = ("difference", "half_width", "p_value")
EQUAL = 0.001  # a smaller relative difference counts as equal
KINDS = {
    "plain": "without a season",
    "seasonal": "with a season",
    "price": "like prices",
    "intermittent": "mostly of zeros",
}
"""What series of a group are taken for, in plain words; other groups are values of a column."""


@dataclass(frozen=True)
class Comparison:
    """The model beside the best baseline of a group of series."""

    group: str
    """What the series are taken for, or their value in a column; empty: all series."""
    series: int
    windows: int
    decided_on: str
    best_baseline: str
    difference: float
    """Error of the model / error of the best baseline - 1: negative is better. Infinite where only the
    baseline makes no error."""
    half_width: float
    """Half the width of the 95 % interval of `difference`; NaN where it cannot be told."""
    p_value: float
    """The probability of such a difference by chance; NaN where it cannot be told."""
    chance: bool
    """True: the difference may be chance."""

    @property
    def beats(self) -> bool:
        """True: the error of the model is lower than that of every baseline, by more than 0.1 %."""
        return self.difference < -EQUAL

    @property
    def between(self) -> tuple[float, float]:
        """The 95 % interval of `difference`."""
        return self.difference - self.half_width, self.difference + self.half_width

    @property
    def verdict(self) -> str:
        """The result in plain words."""
        name, metric = self.best_baseline, self.decided_on.upper()
        windows = f"{self.windows:,} held-out window{'s'[: self.windows != 1]}"
        if self.series > 1:
            windows += f" of {self.series:,} series"
        if abs(self.difference) <= EQUAL:
            return (
                f"The model does NOT beat the best baseline: its {metric} equals that of {name} on {windows}."
                f" {name[0].upper()}{name[1:]} is simpler and just as good."
            )
        sure = self._how_sure()
        if self.beats:
            size = f"{-100 * self.difference:.1f} %"
            return f"The model beats the best baseline ({name}) by {size} in {metric} on {windows}. {sure}"
        size = f"{100 * self.difference:.1f} %" if np.isfinite(self.difference) else "infinitely"
        advice = "" if self.chance else f" Use {name} for {'these' if self.series > 1 else 'this'} series."
        return (
            f"The model does NOT beat the best baseline, {name}: its {metric} is {size} higher on {windows}. "
            f"{sure}{advice}"
        )

    def _how_sure(self) -> str:
        """Whether the difference may be chance, in plain words."""
        if not np.isfinite(self.p_value):
            return "The difference may be chance: so few windows cannot tell."
        p = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.2g}"
        if self.chance:
            return f"The difference may be chance ({p})."
        if not np.isfinite(self.half_width):
            return f"This is unlikely to be chance ({p})."
        low, high = sorted(100 * abs(bound) for bound in self.between)
        return f"This is unlikely to be chance ({p}; 95 % interval {low:.1f} to {high:.1f} %)."

    @property
    def line(self) -> str:
        """The result of a group in one line."""
        of = KINDS.get(self.group, f"of {self.group!r}")
        who = f"{self.series:,} series {of}"
        if self.chance or abs(self.difference) <= EQUAL:
            return (
                f"{who}: model and {self.best_baseline} are equally good, as far as can be told{self._p()}."
            )
        size = f"{abs(100 * self.difference):.1f} %"
        if self.beats:
            return f"{who}: the model is better than {self.best_baseline} by {size}{self._p()}."
        return f"{who}: use {self.best_baseline}; the model is worse by {size}{self._p()}."

    def _p(self) -> str:
        if not np.isfinite(self.p_value):
            return ""
        return " (p < 0.001)" if self.p_value < 0.001 else f" (p = {self.p_value:.2g})"

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values, with its line in plain words."""
        facts = asdict(self)
        facts |= {name: plain(np.float64(facts[name])) for name in NUMBERS}
        return facts | {"line": self.line}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Comparison:
        """From the values of `to_json`; KeyError, TypeError or ValueError for others."""
        facts = {name: value for name, value in values.items() if name != "line"}
        facts |= {name: number(facts[name]) for name in NUMBERS}
        if np.isnan(facts["difference"]):
            facts["difference"] = float("inf")  # JSON has no infinity
        if not all(isinstance(facts[name], str) for name in ("group", "decided_on", "best_baseline")):
            raise TypeError("a name of a group is not text")
        if not all(type(facts[name]) is int for name in ("series", "windows")) or facts["chance"] not in (
            True,
            False,
        ):
            raise TypeError("a count of a group is no whole number")
        return cls(**facts)
