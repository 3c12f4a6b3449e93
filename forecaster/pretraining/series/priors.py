"""What series look like before one is seen: the parameters of the generators, by length of the season.

Set from theory and from statistics of training parts (growth, momentum and noise of slow data), never from
test parts. A pair of numbers is a range, or mean and deviation; a single one a probability, unless said
otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Prior:
    """The prior of series with one season of `season` rows (1: none)."""

    season: int
    rows_a_year: int
    noise: Range
    """Deviation of the irregular part, in logarithms."""
    growth: Range = (0.04, 0.05)
    """Mean and deviation of the growth a year of most series."""
    wild_growth: Range = (0.03, 0.12)
    """Mean and scale of the growth (Laplace) of the others."""
    usual_growth: float = 0.65
    no_growth: float = 0.2
    mean_growth: float = 0.6
    """How often growth is the mean of the slope, to which it returns."""
    momentum: float = 0.0
    """How often the newest value counts as much as in slow aggregates (α near 1)."""
    slope_gain: Range = (1.0, 5.0)
    """β/α is drawn from a beta distribution with these parameters."""
    undamped: float = 0.25
    fast: float | None = None
    """Growth a row above which it is not a mean but a state that fades; None: no such limit."""
    slope_walk: Range = (0.003, 0.4)
    no_slope_walk: float = 0.5
    level_walk: Range = (0.03, 3.0)
    no_noise: float = 0.15
    """How often a random walk has no irregular part beside it."""
    autoregression: Range = (-0.4, 0.97)
    logistic: float = 0.25
    trend_noise: float = 0.0
    """How often the noise about a smooth trend is small."""
    smooth: float = 0.3
    """How often a smooth random function has no noise at all."""
    season_size: Range = (0.008, 0.8)
    season_change: Range = (0.01, 0.35)
    """How far a position moves from one season to the next, relative to the size of the season."""
    outliers: float = 0.12
    """Share of series that have some."""
    additive: float = 0.4
    counts: float = 0.0
    """How often values are whole numbers of few events."""
    short_week: float = 0.0
    """How often one or two positions of the season have no rows."""


YEARLY = Prior(
    1, 1, (0.012, 0.35), growth=(0.07, 0.06), wild_growth=(0.05, 0.12), usual_growth=0.7, no_growth=0.07,
    mean_growth=0.5, momentum=0.85, slope_gain=(1.3, 2.5), undamped=0.04, fast=0.1, slope_walk=(0.1, 1.0),
    no_slope_walk=0.2, level_walk=(0.3, 3.0), no_noise=0.6, autoregression=(0.2, 0.97), logistic=0.45,
    trend_noise=0.6, smooth=0.6, additive=0.6, outliers=0.06,
)  # fmt: skip
QUARTERLY = Prior(
    4, 4, (0.004, 0.3), growth=(0.055, 0.05), wild_growth=(0.04, 0.1), usual_growth=0.7, no_growth=0.1,
    mean_growth=0.4, momentum=0.5, no_noise=0.35, autoregression=(0.2, 0.97), trend_noise=0.6, smooth=0.6,
    season_size=(0.008, 0.6),
)  # fmt: skip
MONTHLY = Prior(12, 12, (0.004, 0.3))
DAILY = Prior(
    7, 365, (0.01, 0.5), growth=(0.04, 0.15), wild_growth=(0.0, 0.4), no_growth=0.3, slope_walk=(0.001, 0.1),
    level_walk=(0.01, 1.5), season_size=(0.01, 1.0), counts=0.2, short_week=0.15,
)  # fmt: skip
PRIORS = {prior.season: prior for prior in (YEARLY, QUARTERLY, MONTHLY, DAILY)}
