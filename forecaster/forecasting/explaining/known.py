"""Known covariates and facts: what they add to a forecast.

Two ways lead from a known covariate to the forecast. Its effect on the series was taken out of the past and
is added to the forecast of each component; and networks read its values beside the series without it.

A forecast is y = g(x + e): x without the effect e = Σ_k e_k, on the scale of the series, of which g is the
way back (exp, square, or nothing). Along the straight path from no effect to the whole of it,

    part_k = e_k (g(x + e) − g(x)) / e

so that the parts sum to what is added (Sundararajan, Taly & Yan 2017, of a function of one sum). Each e_k is
zero at the mean of its covariate over the past.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats
from forecaster.data.panel import Panel
from forecaster.data.rows.known import Words
from forecaster.features.effects.effect import effect_parts, restored
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, UNITS
from forecaster.forecasting.explaining.path import Subject

SMALL = 1e-7
"""An effect below this share of the forecast has the slope of g; the quotient would be rounding error."""

Value = float | str | None
"""A number or a word; None: missing."""


class KnownCovariate(NamedTuple):
    """What a known covariate adds to the explained steps (T,) of the forecast, in the user's units."""

    name: str
    values: tuple[Value, ...]  # (T,)
    effects: Floats  # (T,) added to the forecast of each step
    in_networks: float
    """What networks make of its values in their past and ahead, on the mean of the steps."""
    confirmed: bool
    """Whether the past of this series confirms an effect; without, none is taken out or added."""
    read: bool
    """Whether a network of the blend reads it."""
    of_calendar: bool = False
    """Whether it follows from the time alone, and is no column of the table."""

    @property
    def contribution(self) -> float:
        """To the mean of the steps."""
        return float(self.effects.mean()) + self.in_networks


class Fact(NamedTuple):
    """What networks make of a fact of the series, compared with the mean of the series of training."""

    name: str
    value: Value
    contribution: float


def restored_one(view: Panel, series: int, forecast: Floats) -> Floats:
    """The forecast (H,) of one series from its end, with the effect."""
    every = np.zeros((len(view), len(forecast)))
    every[series] = forecast
    return restored(view, every, view.lengths)[series]


def added_by(view: Panel, series: int, forecast: Floats) -> Floats:
    """What the effect of each known covariate adds to a forecast (H,) without it: (H, K)."""
    if view.known is None:
        return np.zeros((len(forecast), 0))
    if view.removed is None or not view.removed.acts[series].any():
        return np.zeros((len(forecast), len(view.known.names)))
    power = float(view.removed.power[series])
    origin = int(view.lengths[series])
    parts = effect_parts(view, view.lengths, series)[origin : origin + len(forecast)]  # (H, K)
    whole = parts.sum(axis=1)
    added = restored_one(view, series, forecast) - forecast
    root = np.sqrt(np.maximum(forecast, 0.0))
    size, at_none = {
        LOGARITHMS: (np.ones_like(forecast), forecast),
        ROOTS: (root, 2 * root),
        UNITS: (np.abs(forecast), np.ones_like(forecast)),
    }[power]
    tiny = np.abs(whole) <= SMALL * size
    slope = np.where(tiny, at_none, added / np.where(tiny, 1.0, whole))
    return np.asarray(slope[:, None] * parts)


def known_covariates(
    subject: Subject, added: Floats, in_networks: Floats, read: Collection[str]
) -> tuple[KnownCovariate, ...]:
    """Each of them, from what effects add (H, K) and networks make of them (K,); `read`: those they read."""
    view, steps = subject.panel, np.flatnonzero(subject.steps)
    if view.known is None:
        return ()
    series = np.array([subject.series])
    values = view.known.of(series, np.array([subject.rows]), len(subject.steps))[0][steps]  # (T, K)
    acts = np.zeros(len(view.known.names), np.bool_) if view.removed is None else view.removed.acts[series[0]]
    return tuple(
        KnownCovariate(
            name,
            tuple(_value(each, view.known.words[k]) for each in values[:, k]),
            added[steps, k],
            float(in_networks[k]),
            bool(acts[k]),
            name in read,
            name not in view.names.known,
        )
        for k, name in enumerate(view.known.names)
    )


def facts(subject: Subject, contributions: Floats) -> tuple[Fact, ...]:
    """Each fact with what networks make of it (D,)."""
    static = subject.panel.static
    if static is None:
        return ()
    values = static.values[subject.series]
    return tuple(
        Fact(name, _value(values[d], static.words[d]), float(contributions[d]))
        for d, name in enumerate(static.names)
    )


def _value(value: float, words: Words) -> Value:
    if not np.isfinite(value):
        return None
    return float(value) if words is None else words[int(value)]
