"""Whether the data keep the limits that a user sets for forecasts.

A few values outside are a warning (V012): forecasts must be positive although a meter shows -0.3 at night.
Where a limit would cut off more than MOST_CUT of the usual values of a series, its forecasts would be wrong
without notice. That is an error: --upper 100 may be meant for humidity in a table that also has pressure.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools
from forecaster.config import Limits
from forecaster.data.findings import SHOWN, Finding, warn
from forecaster.data.known_values import KnownValues, known_values
from forecaster.data.labels import shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.errors import DataError

MOST_CUT = 0.1
"""Of the range from the 5 % to the 95 % quantile of a series; for whole numbers, of its values."""
INSTEAD = "Set a limit that holds, or leave it out: limits are learned from each series."


def check_limits(panel: Panel, limits: Limits, left_out: Bools) -> list[Finding]:
    """A warning for values outside the limits, which a forecast will not show; without those `left_out` (N,).

    Raises DataError for a series that a limit does not fit.
    """
    if limits == Limits():
        return []
    known = known_values(panel.target, panel.target_observed, panel.offsets, panel.lengths, left_out=left_out)
    lower = 0.0 if limits.circular is not None else limits.lower
    upper = limits.upper if limits.circular is None else limits.circular
    findings = []
    if lower is not None:
        _refuse_cut(panel, -lower, KnownValues(-known.values, known.row, known.starts), "lower", lower)
        findings += _named(panel, known, known.values < lower, f"below {lower:g}, the lower limit")
    if upper is not None:
        _refuse_cut(panel, upper, known, "upper", upper)
        findings += _named(panel, known, known.values > upper, f"above {upper:g}, the upper limit")
    if limits.integer:
        fractions = known.values != np.floor(known.values)
        _refuse_fractions(panel, known, fractions)
        findings += _named(panel, known, fractions, "that are not whole numbers, although integer is set")
    return findings


def _refuse_cut(panel: Panel, bound: float, known: KnownValues, side: str, limit: float) -> None:
    """Raise DataError where an upper `bound` cuts off much of the usual values of a series."""
    high = known.quantile(0.95)
    cut = np.flatnonzero(high - bound > MOST_CUT * (high - known.quantile(0.05)))
    if len(cut):
        name, usual = shown(panel.ids[cut[0]]), high[cut[0]] if side == "upper" else -high[cut[0]]
        beyond = "above" if side == "upper" else "below"
        more = f" ({len(cut)} such series)" if len(cut) > 1 else ""
        raise DataError(
            f"the {side} limit {limit:g} does not fit series {name}: "
            f"5 % of its values lie {beyond} {usual:g}{more}",
            hint=INSTEAD,
            count=len(cut),
        )


def _refuse_fractions(panel: Panel, known: KnownValues, fractions: Bools) -> None:
    share = known.total(fractions) / np.maximum(known.count, 1)
    odd = np.flatnonzero(share > MOST_CUT)
    if len(odd):
        more = f" ({len(odd)} such series)" if len(odd) > 1 else ""
        raise DataError(
            f"integer is set, but {share[odd[0]]:.0%} of the values of series {shown(panel.ids[odd[0]])} "
            f"are not whole numbers{more}",
            hint=INSTEAD,
            count=len(odd),
        )


def _named(panel: Panel, known: KnownValues, outside: Bools, words: str) -> list[Finding]:
    """The warning that names values outside a limit."""
    places_outside = np.flatnonzero(outside)
    if not len(places_outside):
        return []
    first = places_outside[:SHOWN]
    series = known.series[first]
    stamps = times_as_strings(panel.time[panel.offsets[series] + known.row[first]], panel.names)
    places = [
        f"{value:.10g} on {stamp} in {shown(panel.ids[owner])}"
        for value, stamp, owner in zip(known.values[first], stamps, series, strict=True)
    ]
    action = "kept; the forecast stays within the limit"
    return [warn("V012", f"values {words}", count=len(places_outside), places=places, action=action)]
