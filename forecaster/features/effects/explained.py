"""Explained: suspicious values and changes of level that known covariates account for are none.

A promotion sells three times as much, a holiday closes the doors, a new price brings a new level.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.panel import TARGET, Panel
from forecaster.data.series.suspicious_values import SuspiciousValues
from forecaster.data.series.value_findings import Oddities, oddities
from forecaster.features.effects.effect import without_effect


def unexplained(panel: Panel, known: Ints) -> Oddities:
    """The oddities in the first known[s] rows of each series, without those that known covariates explain.

    A value is explained where it lies beyond all other values of its series, and among them without the
    effect. Changes of level are those of the series without the effect. Directions have no effect here.
    """
    found = oddities(panel, known)
    nothing = not len(found.suspicious.row) and not len(found.shifts.row)
    if panel.known is None or nothing or found.turns is not None:
        return found
    suspicious = found.suspicious
    plain = without_effect(_without_codes(panel, suspicious), known)
    if plain.removed is None:
        return found
    left_out = suspicious.left_out.copy()
    for series in np.unique(suspicious.series):  # few
        rows = slice(panel.offsets[series], panel.offsets[series] + known[series])
        fair = panel.target_observed[rows] & ~suspicious.left_out[rows]
        if fair.any():
            with_it, without = (_among(view.target[rows], fair) for view in (panel, plain))
            left_out[rows] &= with_it | ~without
    flat = panel.offsets[suspicious.series] + suspicious.row
    kept = left_out[flat] | ~suspicious.left_out[flat]
    shifts = oddities(plain, known).shifts if len(found.shifts.row) else found.shifts
    return Oddities(suspicious.only(kept)._replace(left_out=left_out), shifts, None)


def _without_codes(panel: Panel, suspicious: SuspiciousValues) -> Panel:
    """The panel without what devices write for no reading: one −999 hides every effect."""
    some = suspicious.of("sentinel", "stuck")
    observed = panel.observed.copy()
    observed[panel.offsets[some.series] + some.row, TARGET] = False
    return dataclasses.replace(panel, observed=observed)


def _among(values: Floats, fair: Bools) -> Bools:
    """Which values (n,) are within the range of the `fair` ones (n,)."""
    return np.asarray((values >= values[fair].min()) & (values <= values[fair].max()))
