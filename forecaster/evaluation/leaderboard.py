"""Leaderboard: contestants and baselines on the same windows, and which of them differ by more than chance.

The methods are ranked by the metric that a report decides on, and each is compared with the best one by the
paired test of a report, with Holm's correction over these tests. What cannot be told from the best is a set
of methods: Gupta (1965), On Some Multiple Decision Rules, and Hsu (1984), Constrained Simultaneous Confidence
Intervals for Multiple Comparisons with the Best, show that as many tests as there are other methods suffice
for the best one of the long run to be in that set, although the best here was picked by the same windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from forecaster.arrays import Floats
from forecaster.evaluation import metrics
from forecaster.evaluation.backtest import Backtest
from forecaster.evaluation.error_report import MODEL, Report
from forecaster.evaluation.json_numbers import plain
from forecaster.evaluation.metrics import METRICS
from forecaster.evaluation.scores import mase_scales, overlap, paired_test, score
from forecaster.evaluation.significance import SURE, Paired, holm
from forecaster.methods.baselines import first_origins

Kind = Literal["baseline", "pretrained", "model", "training"]
SIMPLE: dict[Kind, int] = {"baseline": 0, "pretrained": 1, "model": 2, "training": 2}
"""What is simpler comes first; models and trainings are ordered by their work."""
COVERED = 80
"""The interval, in percent, whose coverage is on the board."""
EQUAL = 0.001
"""A smaller relative difference counts as equal."""
NAMED = 3
"""Methods that a verdict names."""
MUCH = 0.1
"""A method whose error is higher by more than this is not recommended, though that may be chance."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A contestant and what it forecast."""

    name: str
    kind: Kind
    backtest: Backtest
    """The contestant is its model, beside the baselines; all entries have the same origins."""
    work: float = 0.0
    """What its training takes, in multiplications: no clock, so that the same run says the same."""
    train_seconds: float = 0.0
    forecast_seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """A contestant that could not be tried."""

    name: str
    reason: str


@dataclass(frozen=True)
class Standing:
    """One line of the board."""

    rank: int
    name: str
    kind: Kind
    errors: dict[str, float]
    """Metric -> error over all windows."""
    wql: float
    """Weighted quantile loss over the quantiles 0.1 to 0.9; NaN without quantiles."""
    coverage: float
    """How often the interval of 80 % covers the actual value, in percent; NaN without quantiles."""
    train_seconds: float
    forecast_seconds: float
    """NaN for baselines, which take none to speak of."""
    work: float
    difference: float
    """Error / error of the best - 1, by the metric that decides; infinite where the best makes no error."""
    p_value: float
    """The probability of such a difference to the best by chance; NaN for the best, and where it cannot be
    told."""
    adjusted: float
    """The same after Holm's correction over all tests."""

    @property
    def as_good(self) -> bool:
        """True: the difference to the best may be chance, or is none."""
        return abs(self.difference) <= EQUAL or not self.adjusted < SURE

    @property
    def cost(self) -> tuple[float, ...]:
        """Simpler methods are smaller; of baselines, the better one is."""
        return SIMPLE[self.kind], self.work, self.rank


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Methods on the same windows, the best first."""

    standings: tuple[Standing, ...]
    failures: tuple[Failure, ...]
    backtest: Backtest
    """All methods, the best contestant first and with its quantiles, the baselines last."""
    report: Report
    """Of the best contestant, beside the baselines."""

    @property
    def decided_on(self) -> str:
        """The metric that ranks the methods: mase or mae."""
        return self.report.decided_on

    @property
    def best(self) -> Standing:
        """The method with the lowest error."""
        return self.standings[0]

    @property
    def tied(self) -> tuple[Standing, ...]:
        """The methods whose difference to the best may be chance, the best itself left out."""
        return tuple(each for each in self.standings[1:] if each.as_good)

    @property
    def can_tell(self) -> bool:
        """Whether the windows are enough to tell anything."""
        return any(np.isfinite(each.p_value) for each in self.standings[1:])

    @cached_property
    def recommended(self) -> Standing | None:
        """The simplest of the best and those that may be as good, except where they seem much worse; None
        where nothing can be told.
        """
        if not self.can_tell:
            return None
        near = [each for each in self.tied if each.difference <= MUCH]
        return min((self.best, *near), key=lambda each: each.cost)

    @property
    def verdict(self) -> str:
        """The result in plain words."""
        best, choice, metric = self.best, self.recommended, self.decided_on.upper()
        on = f"on {self.report.windows:,} held-out window{'s'[: self.report.windows != 1]}"
        if self.report.scored > 1:
            on += f" of {self.report.scored:,} series"
        if choice is None:
            return (
                f"{best.name} has the lowest {metric} {on}, but so few cannot tell whether that is chance: "
                "use more --origins."
            )
        if choice is not best:
            return (
                f"Use {choice.name}: the lowest {metric} {on} is that of {best.name}, but {choice.name}, "
                f"which is simpler, may be as good ({_higher(choice)})."
            )
        words = f"Use {best.name}: it has the lowest {metric} {on}"
        if not self.tied:
            least = in_words(max(each.adjusted for each in self.standings[1:]))
            return f"{words}, and that is unlikely to be chance ({least} or less for each other method)."
        simpler = [each for each in self.tied if each.cost < best.cost]
        if not simpler:
            return f"{words}. {_listed(self.tied)} may be as good, but not simpler."
        least_cost = min(simpler, key=lambda each: each.cost)
        return (
            f"{words}. More --origins would tell whether {least_cost.name}, which is simpler, is as good "
            f"({_higher(least_cost)})."
        )

    def standing(self, name: str) -> Standing:
        """The line of a method. KeyError without it."""
        return {each.name: each for each in self.standings}[name]

    def to_json(self) -> dict[str, Any]:
        """The board as JSON values, NaN and infinity as null."""
        report = self.report
        return {
            "verdict": self.verdict,
            "recommended": None if self.recommended is None else self.recommended.name,
            "decided_on": self.decided_on,
            "horizon": report.horizon,
            "origins": report.origins,
            "origin_times": list(report.origin_times),
            "windows": report.windows,
            "scored": report.scored,
            "start": report.start,
            "end": report.end,
            "season": report.season,
            "tests": len(self.standings) - 1,
            "methods": [self._line(each) for each in self.standings],
            "failures": [asdict(each) for each in self.failures],
        }

    def _line(self, standing: Standing) -> dict[str, Any]:
        """A method as JSON values."""
        facts = {"as_good": standing.as_good} | asdict(standing)
        errors = {name: plain(np.float64(error)) for name, error in facts.pop("errors").items()}
        for name, value in facts.items():
            facts[name] = plain(np.float64(value)) if isinstance(value, float) else value
        return facts | {"errors": errors}

    def to_rows(self) -> list[dict[str, Any]]:
        """Rows of a flat table, one a method; failures have a reason and no rank."""
        nothing = dict.fromkeys(METRICS, float("nan"))
        rows = []
        for each in self.standings:
            facts = asdict(each)
            facts |= facts.pop("errors") | {"as_good": each.as_good, "reason": ""}
            rows.append(facts)
        empty = dict.fromkeys(rows[0], "") | nothing
        return rows + [empty | {"name": each.name, "reason": each.reason} for each in self.failures]


def leaderboard(entries: Sequence[Entry], failures: Sequence[Failure] = ()) -> Leaderboard:
    """The board of at least one entry; all entries have the same origins, and names of their own."""
    reports = {entry.name: score(entry.backtest) for entry in entries}
    first = next(iter(reports.values()))
    errors = {name: report.overall[0] for name, report in reports.items()}
    errors |= {name: first.overall[m] for m, name in enumerate(first.methods) if m}
    k = first.metrics.index(first.decided_on)
    order = sorted(errors, key=lambda name: float(errors[name][k]))
    backtest = _together(entries, next(name for name in order if name in reports))
    raw, corrected = _against_best(backtest, order, first.decided_on)
    lowest = float(errors[order[0]][k])
    of = {entry.name: entry for entry in entries}
    standings = []
    for rank, name in enumerate(order):
        standings.append(
            Standing(
                rank=rank + 1,
                name=name,
                kind=of[name].kind if name in of else "baseline",
                errors=dict(zip(METRICS, map(float, errors[name]), strict=False)),  # without skill
                **_of_quantiles(of.get(name), reports.get(name)),
                train_seconds=of[name].train_seconds if name in of else float("nan"),
                forecast_seconds=of[name].forecast_seconds if name in of else float("nan"),
                work=of[name].work if name in of else 0.0,
                difference=_relative(float(errors[name][k]), lowest),
                p_value=raw.get(name, float("nan")),
                adjusted=corrected.get(name, float("nan")),
            )
        )
    leader = next(name for name in order if name in reports)
    return Leaderboard(tuple(standings), tuple(failures), backtest, reports[leader])


def _together(entries: Sequence[Entry], leader: str) -> Backtest:
    """One backtest of all methods, the leader first, the baselines last."""
    ordered = sorted(entries, key=lambda entry: entry.name != leader)
    point = {entry.name: entry.backtest.point[MODEL] for entry in ordered}
    best = ordered[0].backtest
    point |= {name: values for name, values in best.point.items() if name != MODEL}
    return Backtest(best.panel, best.origins, best.actual, point, best.quantiles, best.levels, best.groups)


def _against_best(
    backtest: Backtest, order: Sequence[str], decided_on: str
) -> tuple[dict[str, float], dict[str, float]]:
    """The p-value of each method's difference to the first of `order`, as it is and after the correction."""
    values = [
        test.p_value for test in pair_tests(backtest, [(order[0], other) for other in order[1:]], decided_on)
    ]
    return dict(zip(order[1:], values, strict=True)), dict(zip(order[1:], holm(values), strict=True))


def pair_tests(backtest: Backtest, pairs: Sequence[tuple[str, str]], decided_on: str) -> list[Paired]:
    """The paired test of a report for each pair of methods, without a correction for several tests."""
    panel, origins, actual = backtest.panel, backtest.origins, backtest.actual
    scale = mase_scales(panel, first_origins(origins), panel.frequency.season)
    lags = overlap(origins, backtest.horizon)
    point = backtest.point
    return [paired_test(actual, point[one], point[other], scale, decided_on, lags) for one, other in pairs]


def _of_quantiles(entry: Entry | None, report: Report | None) -> dict[str, float]:
    """WQL and coverage of a contestant; NaN without quantiles."""
    nothing = float("nan")
    if entry is None or report is None or report.intervals is None:
        return {"wql": nothing, "coverage": nothing}
    bounds = entry.backtest.interval(COVERED)
    each: Floats = metrics.coverage(entry.backtest.actual, *bounds, axis=(0, 2))
    return {"wql": report.intervals.value("wql"), "coverage": float(metrics.average(each))}


def _relative(error: float, lowest: float) -> float:
    """error / lowest - 1; infinite where only the best makes no error."""
    if lowest == 0:
        return 0.0 if error == 0 else float("inf")
    return error / lowest - 1


def _listed(methods: Sequence[Standing]) -> str:
    """Names, the last after "and"."""
    names = [each.name for each in methods[:NAMED]]
    if len(methods) > NAMED:
        names.append(f"{len(methods) - NAMED} more")
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _higher(standing: Standing) -> str:
    """How much higher an error is than that of the best, and how likely by chance."""
    size = f"{100 * standing.difference:.1f} %" if np.isfinite(standing.difference) else "infinitely"
    return f"{size} higher, {in_words(standing.adjusted)}"


def in_words(p_value: float) -> str:
    """A p-value in words."""
    if not np.isfinite(p_value):
        return "too few windows to tell"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
