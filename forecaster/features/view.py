"""View: a panel as a component of the model sees it from an origin, and the possible values of each series.

Suspicious values count as missing, rows before a lasting change of level are brought to the new level, and
directions are unwrapped; what known covariates explain stays. All is detected again at each origin, from the
rows before it only.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import Limits, Scales
from forecaster.data.panel import TARGET, Panel, Turns
from forecaster.data.series.directions import nearest, turns_of, unwrapped
from forecaster.data.series.hierarchy.tree import sums_of
from forecaster.data.series.level_shifts import LEAST_AFTER, lone_jumps, spliced
from forecaster.data.series.value_findings import Oddities
from forecaster.features.effects.effect import with_effect, without_effect
from forecaster.features.effects.explained import unexplained
from forecaster.features.possible_forecasts import respect, respect_paths
from forecaster.features.scale_choice import powers
from forecaster.features.season_clock import SeasonClock
from forecaster.features.value_range import KINDS, ValueRange, chosen, learn_range, with_options

SIGNED = re.compile(
    r"(?<![a-z])(temp|celsius|fahrenheit|deg_?[cf]|dew|frost|delta|diff|change|anomal|balance|profit"
    r"|elevation|altitude|(net|lat|lon|lng|t2m)(?![a-z]))|°|temperatur",
    re.IGNORECASE,
)
"""Words for what may be below zero although it never was."""


def cleaned(panel: Panel, origins: Ints, scales: Scales, learned: Ints | None = None) -> Panel:
    """The panel as known from the first origins[s] rows of each series; as it is, for models of format 1.

    The effect of known covariates is taken out of it, as the first learned[s] rows show it; None: the known
    ones.
    """
    if scales == "table":
        return panel
    plain = without_oddities(panel, unexplained(panel, origins), origins)
    return without_effect(plain, origins if learned is None else learned)


def without_oddities(panel: Panel, found: Oddities, known: Ints) -> Panel:
    """The panel without suspicious values, at the newest level throughout, directions unwrapped.

    `found`: what stands out in the first known[s] rows of each series.
    """
    suspicious, shifts, turns = found
    if not len(suspicious.row) and not len(shifts.row) and turns is None:
        return panel
    view = _without(panel, suspicious.left_out)
    view.values[:, TARGET] = spliced(view.target, panel.offsets, shifts)
    return view if turns is None else _unwrapped(view, known, turns)


def as_scored(panel: Panel) -> Panel:
    """The panel that forecasts are judged by: suspicious values of all rows missing, directions unwrapped."""
    suspicious, _, turns = unexplained(panel, panel.lengths)
    view = _without(panel, suspicious.left_out) if suspicious.left_out.any() else panel
    return view if turns is None else _unwrapped(view, panel.lengths, turns)


def _unwrapped(panel: Panel, known: Ints, turns: Turns) -> Panel:
    values = panel.values.copy()
    values[:, TARGET] = unwrapped(panel, known, turns)
    return dataclasses.replace(panel, values=values, turns=turns)


def _without(panel: Panel, left_out: Bools) -> Panel:
    """A copy of the panel in which the targets `left_out` (N,) are missing."""
    values, observed = panel.values.copy(), panel.observed.copy()
    observed[left_out, TARGET] = False
    values[left_out, TARGET] = np.nan
    return dataclasses.replace(panel, values=values, observed=observed)


def comparable(panel: Panel, origins: Ints, actual: Floats, point: Floats) -> Floats:
    """The actual values (O, S, H) after `origins` (O, S) by which errors of `point` are measured.

    Directions are brought to within half a turn of the forecast. Two kinds are left out, as NaN: suspicious
    values, and values of a level that begins after the origin, or too shortly before it to be detected there;
    a jump that happened once is such a beginning. Otherwise forecasts of one level would be compared with
    values of another.
    """
    steps = np.arange(actual.shape[2])
    known = np.clip(origins.max(axis=0) + actual.shape[2], 0, panel.lengths)
    suspicious, shifts, turns = unexplained(panel, known)
    if turns is not None:
        actual = nearest(actual, point, turns.size[:, None])
    rows = np.maximum(origins[..., None], 0) + steps  # (O, S, H)
    flat = np.minimum(panel.offsets[:-1, None] + rows, len(panel.values) - 1)
    result = np.where(suspicious.left_out[flat], np.nan, actual)
    level = spliced(panel.target, panel.offsets, shifts) if len(shifts.row) else panel.target
    fair = panel.target_observed & ~suspicious.left_out
    jumps = lone_jumps(level, fair, panel.offsets, known, np.zeros(len(panel), np.bool_))
    for found, least in ((shifts, LEAST_AFTER), (jumps, 1)):
        for series, row in zip(found.series, found.row, strict=True):  # few
            unseen = origins[:, series, None] < row + least
            result[:, series][unseen & (rows[:, series] >= row)] = np.nan
    return result


@dataclass(frozen=True, eq=False)
class Possible:
    """The possible values of the series of a panel after an origin."""

    limits: ValueRange
    phase: Ints  # (S, H) position in the season of each step

    def bounded(self, point: Floats, quantiles: Floats, levels: Floats) -> tuple[Floats, Floats]:
        """Point (S, H) and quantiles (S, H, Q) at ascending `levels` (Q,), within the limits."""
        series = np.arange(len(point))
        phase = self.phase[:, : point.shape[1]]
        return respect(self.limits, point, quantiles, levels, series=series, phase=phase)

    @property
    def intermittent(self) -> Bools:
        """Series that are mostly zero (S,)."""
        return self.limits.kind == KINDS.index("intermittent")

    def point(self, point: Floats) -> Floats:
        """The point forecasts (S, H) within the limits."""
        nothing = np.empty((*point.shape, 0))
        return self.bounded(point, nothing, np.empty(0))[0]

    def paths(self, paths: Floats) -> Floats:
        """Paths (S, N, H) within the limits."""
        return respect_paths(self.limits, paths, phase=self.phase)


def possible(panel: Panel, origins: Ints, horizon: int, *, scales: Scales, limits: Limits) -> Possible:
    """Learn the possible values of each series from its first origins[s] rows; `limits` are the user's."""
    panel = with_effect(panel)
    season, clock = panel.fitting_season(origins), SeasonClock(panel)
    position = np.arange(len(panel.target)) - np.repeat(panel.offsets[:-1], panel.lengths)
    learned = learn_range(
        panel.target,
        panel.target_observed,
        panel.offsets,
        origins,
        season=season,
        phase=clock.rows(slice(None), position, season),
        power=powers(panel, origins, scales),
        turns=turns_of(panel, origins),
        signed=_signed(panel.ids, panel.names.target),
    )
    ahead = clock.ahead(np.arange(len(panel)), np.maximum(origins, 0), horizon, season)
    limited = with_options(learned, **dataclasses.asdict(limits))  # limits of what is added up, not of sums
    return Possible(chosen(sums_of(panel), learned, limited), ahead)


@lru_cache(maxsize=4)
def _signed(ids: tuple[str, ...], target: str) -> Bools:
    """Which series may fall below zero, by the words in the names of the column or the series (S,)."""
    if SIGNED.search(target):
        return np.ones(len(ids), np.bool_)
    return np.array([SIGNED.search(name) is not None for name in ids], np.bool_)
