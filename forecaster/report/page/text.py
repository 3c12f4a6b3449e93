"""The paragraph of a page that says in plain language what can and cannot be expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.evaluation.error_report import MODEL, Report
from forecaster.evaluation.metrics import METRICS
from forecaster.report.page.intervals import coverage_of, judged
from forecaster.report.page.parts import amount, clean
from forecaster.report.text import numbers

if TYPE_CHECKING:
    from forecaster.evaluation.backtest import Backtest
    from forecaster.model.model import Model

FEW_WINDOWS = 10
SMALL_BASE = 1000.0
"""Percent errors above this are no use: the values are near zero."""
LIMITS = (
    "What has no precedent in the past of these series, such as a new rule, a broken device or a crisis, "
    "cannot be foreseen; and single values will differ from the line: plan with the intervals."
)
TOO_SHORT = "Nothing could be held out, so nobody knows how good these forecasts are: take them with care."
UNTRIED = (
    "Nothing was held out here, so this page cannot say how good these forecasts are: `forecast evaluate` on "
    "the same data can."
)
PRICES = "Prices hardly ever follow a pattern that lasts: expect the interval to be right, not the line."


def expectation(
    report: Report | None, backtest: Backtest | None, groups: tuple[str, ...] = (), *, tried: bool = True
) -> str:
    """What the errors on held-out rows let one expect, and what they do not.

    `tried`: something would have been held out if the series were longer.
    """
    prices = len(groups) > 0 and 2 * groups.count("price") > len(groups)
    last = PRICES + " " + LIMITS if prices else LIMITS
    if report is None:
        return f"{TOO_SHORT if tried else UNTRIED} {last}"
    parts = [_size(report), _growth(report)]
    if backtest is not None and backtest.quantiles and backtest.levels:
        parts.append(_coverage(backtest))
    if report.windows < FEW_WINDOWS:
        parts.append(
            f"All this rests on {amount(report.windows, 'window')}: another time may look different."
        )
    return " ".join(part for part in (*parts, last) if part)


def of_data() -> str:
    """What a page without a forecast says."""
    return (
        "This page shows how the data was understood, and what was repaired. Nothing was forecast: whether "
        "the series can be forecast well is seen only on rows held out, by `forecast train` or `forecast "
        "evaluate`."
    )


def _size(report: Report) -> str:
    """How far off the forecasts were."""
    mae, smape = report.value(MODEL, "mae"), report.value(MODEL, "smape")
    size = f"{numbers([mae])[0]} (MAE)" if report.scored == 1 else ""
    if np.isfinite(smape) and report.overall.size and smape < SMALL_BASE:
        size += f"{', ' if size else ''}about {smape:.0f} % of the values (sMAPE)" if smape >= 0.5 else ""
    size = size or f"{numbers([mae])[0]} (MAE)"
    rival = clean(report.best_baseline)
    if not np.isfinite(report.difference):
        return f"On rows that it had not seen, the forecast was off by {size}; {rival} made no error at all."
    change, name = 100 * abs(report.difference), METRICS[report.decided_on].title
    doubt = ", which may be chance" if report.chance else ""
    way = "lower" if report.difference < 0 else "higher"
    compared = (
        f"its {name} was about that of {rival}"
        if change < 0.5
        else f"its {name} was {change:.0f} % {way} than that of {rival}{doubt}"
    )
    return f"On rows that it had not seen, the forecast was off by {size} on average; {compared}."


def _growth(report: Report) -> str:
    """How errors grow along the horizon; empty where they do not."""
    errors = report.per_step[0, report.metrics.index("mae")]
    if report.horizon < 2 or not np.isfinite(errors[[0, -1]]).all() or errors[0] <= 0:
        return ""
    ratio = errors[-1] / errors[0]
    if ratio < 1.15:
        return "It was about as good at the end of the horizon as at its first step."
    return (
        f"Errors grow with the horizon: step {report.horizon} was {ratio:.1f} times as far off as the first."
    )


def _coverage(backtest: Backtest) -> str:
    level = min(backtest.levels, key=lambda each: abs(each - 80))
    share = coverage_of(backtest, level)
    return f"The {level} % interval held {100 * share:.0f} % of the values: {judged(share, level / 100)}."


def remembered(model: Model) -> str:
    """Where the errors of a model come from, on the page of its forecast."""
    if model.facts.report is None:
        return ""
    return "The errors are those of the model's training, on rows that were held out then."
