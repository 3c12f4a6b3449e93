"""The section of intervals: do they hold as much as they promise, overall and at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.report.page.charts import LOOKS, lines
from forecaster.report.page.parts import Chart, Key, Section, Table, amount

if TYPE_CHECKING:
    from forecaster.evaluation.backtest import Backtest

TOO_FEW = 100
"""Below so many held-out values, shares are rough."""
NEAR = 0.05
"""A share within this of its level is about right."""


def intervals_section(backtest: Backtest) -> Section | None:
    """Calibration and coverage; None where the backtest has no quantiles or nothing was observed."""
    seen = ~np.isnan(backtest.actual)
    if not backtest.quantiles or not seen.any():
        return None
    count = int(seen.sum())
    text = [
        f"Shares are of {amount(count, 'held-out value')}"
        + (
            ": too few to tell a difference of some percent from chance."
            if count < TOO_FEW
            else ". Neighbouring values are alike, so they count for less than as many independent ones."
        )
    ]
    charts = [_calibration(backtest, seen)]
    if backtest.levels:
        charts.append(_coverage(backtest, seen))
    return Section("intervals", "Can the intervals be trusted?", "Intervals", tuple(text), tuple(charts))


def shares_below(backtest: Backtest, seen: Bools) -> dict[float, float]:
    """Level of a quantile -> share of held-out values below it; of those equal to it, half."""
    actual = backtest.actual[seen]
    return {
        level: float(np.mean((actual < q) + 0.5 * (actual == q)))
        for level, q in ((level, values[seen]) for level, values in backtest.quantiles.items())
    }


def covered(backtest: Backtest, level: int) -> Bools:
    """Which values lie within the interval of `level` percent (O, S, H)."""
    low, high = backtest.interval(level)
    return np.asarray((backtest.actual >= low) & (backtest.actual <= high))


def coverage_of(backtest: Backtest, level: int) -> float:
    """The share of held-out values within the interval of `level` percent."""
    return float(covered(backtest, level)[~np.isnan(backtest.actual)].mean())


def judged(share: float, level: float) -> str:
    """How a share of values within an interval compares with its level."""
    if abs(share - level) <= NEAR:
        return "about right"
    return "too narrow" if share < level else "wider than needed"


def _calibration(backtest: Backtest, seen: Bools) -> Chart:
    shares = shares_below(backtest, seen)
    levels = np.array(list(shares))
    found = np.array(list(shares.values()))
    gap = float(np.abs(found - levels).max())
    worst = levels[int(np.abs(found - levels).argmax())]
    title = (
        "Quantiles lie where they should"
        if gap <= NEAR
        else f"The {100 * worst:g} % quantile held {100 * shares[worst]:.0f} % of the values below it"
    )
    text = (
        "Each quantile promises the share of values that will lie below it. On the dashed line it keeps its "
        "promise. A curve flatter than that line means intervals too narrow, a steeper one too wide."
    )
    spec = lines(
        levels, {"Found": ("model", found), "Promised": ("ideal", levels)},
        x_title="Promised share below", y_title="Found share below", percent=True, points=True,
        x_format=".0%", whole=False,
    )  # fmt: skip
    rows = tuple((f"{100 * a:g} %", f"{100 * b:.1f} %") for a, b in shares.items())
    table = Table(("Quantile", "Share of values below"), rows, words=0)
    keys = (Key("model", "found"), Key("ideal", "promised"))
    return Chart("calibration", title, text, spec, table, keys)


def _coverage(backtest: Backtest, seen: Bools) -> Chart:
    levels = sorted(backtest.levels)[: len(LOOKS)]
    by_step = {level: _share_by_step(covered(backtest, level), seen) for level in levels}
    first, whole = levels[0], coverage_of(backtest, levels[0])
    title = f"The {first} % interval held {100 * whole:.0f} % of the values: {judged(whole, first / 100)}"
    text = "Share of held-out values within each interval, by step ahead; dashed: what they promise."
    steps = np.arange(1, backtest.horizon + 1)
    curves: dict[str, tuple[str, Floats]] = {}
    for look, level in zip(LOOKS, levels, strict=False):
        curves[f"{level} % interval"] = (look, by_step[level])
    for level in levels:
        curves[f"promised {level} %"] = ("ideal", np.full(len(steps), level / 100))
    spec = lines(steps, curves, x_title="Step ahead", y_title="Share within", percent=True, zero=False,
                 points=len(steps) < 3)  # fmt: skip
    rows = zip(
        map(str, steps), *([f"{100 * v:.1f} %" for v in each] for each in by_step.values()), strict=True
    )
    table = Table(("Step", *(f"{level} %" for level in levels)), tuple(rows))
    keys = tuple(Key(look, f"{level} % interval") for look, level in zip(LOOKS, levels, strict=False))
    return Chart("coverage", title, text, spec, table, (*keys, Key("ideal", "promised")))


def _share_by_step(within: Bools, seen: Bools) -> Floats:
    """Share (H,) of the seen values within; NaN where none was seen."""
    count = seen.sum(axis=(0, 1))
    return np.where(count > 0, (within & seen).sum(axis=(0, 1)) / np.maximum(count, 1), np.nan)
