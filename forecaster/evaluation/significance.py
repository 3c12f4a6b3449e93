"""Is a difference between two methods more than chance? Paired tests over forecast origins and series.

Notation: d (O, S) the difference of two methods' errors in each window, n the number of independent parts.

With at least ENOUGH origins, or as many as series, the question is whether the difference lasts in time for
these series: Diebold & Mariano (1995), Comparing Predictive Accuracy, on the mean over series at each origin,
with the correction of Harvey, Leybourne & Newbold (1997) for few origins and windows that overlap, and as
many degrees of freedom as there are windows that do not: with n - 1 of them, one in six pairs of equal
methods would be called different on 12 windows of four steps, one step apart.

With fewer origins the spread over series has to say most: variances of series and of origins are added as for
two-way clusters (Cameron, Gelbach & Miller 2011), with Student's t and the degrees of freedom of
Satterthwaite (1946). A bootstrap over series and origins draws from the same two spreads, but its interval is
too narrow for few of them, and it needs random numbers; a test compares both where there are many.

Of several tests at once, some look sure by chance: Holm (1979), A Simple Sequentially Rejective Multiple Test
Procedure, makes their p-values larger, so that one wrong claim among all of them has probability SURE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Floats

ENOUGH = 6
"""Origins from which on the spread over them says enough by itself."""
POINTS = 4001
"""Of the numerical integral of Student's t."""
MANY = 1e5
"""More degrees of freedom change nothing, and make the integral steep."""
SURE = 0.05
"""A difference with a smaller p-value is not taken for chance."""


@dataclass(frozen=True)
class Paired:
    """The mean difference of two methods, and how sure it is."""

    mean: float
    error: float
    """Its standard error; NaN where one window says nothing about it."""
    freedom: float
    """Degrees of freedom of Student's t."""

    @property
    def p_value(self) -> float:
        """The probability of a mean at least this far from zero by chance; NaN where it cannot be told."""
        if not np.isfinite(self.error):
            return float("nan")
        if self.error == 0:
            return 0.0 if self.mean else 1.0
        return student_t(self.mean / self.error, self.freedom)

    @property
    def chance(self) -> bool:
        """Whether the difference may be chance."""
        return not self.p_value < SURE

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval of the mean."""
        return self.error * student_quantile(self.freedom) if np.isfinite(self.error) else float("nan")


def paired(difference: Floats, lags: int = 0) -> Paired:
    """Test the mean of `difference` (O, S), NaN where nothing was scored; each series counts the same.

    `lags`: how many windows back an origin shares rows with.
    """
    used = ~np.isnan(difference)
    difference = difference[used.any(axis=1)][:, used.any(axis=0)]
    origins, series = difference.shape
    if not difference.size:
        return Paired(float("nan"), float("nan"), 0)
    used = ~np.isnan(difference)
    share = used / used.sum(axis=0) / series  # of each window in the mean
    known = np.where(used, difference, 0.0)
    parts = origins * (share * known).sum(axis=1)  # (O,) with the same mean
    mean = float(parts.mean())
    if origins >= min(ENOUGH, series):
        return Paired(mean, _over_origins(parts, lags), max(origins / (lags + 1) - 1, 1))
    of_series = series * (share * known).sum(axis=0)  # (S,)
    variances = [_variance(of_series), _variance(parts) if origins > 1 else 0.0]
    rest = np.where(used, difference - of_series - parts[:, None] + mean, 0.0)
    both = float((share**2 * rest**2).sum()) if origins > 1 else 0.0
    variance = max(sum(variances) - both, *variances)
    spread = sum(v**2 / max(n - 1, 1) for v, n in zip(variances, (series, origins), strict=True))
    return Paired(mean, float(np.sqrt(variance)), variance**2 / spread if spread else series - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of tests made together, after Holm's correction; NaN counts as a test, and stays NaN."""
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values)  # NaN last
    steps = np.minimum(values[order] * (len(values) - np.arange(len(values))), 1.0)
    adjusted = np.empty(len(values))
    adjusted[order] = np.maximum.accumulate(steps)
    return list(map(float, adjusted))


def _variance(values: Floats) -> float:
    """Of the mean of independent values (n,)."""
    return float(values.var(ddof=1) / len(values))


def _over_origins(values: Floats, lags: int) -> float:
    """The standard error of the mean of values (O,) that share rows with the `lags` before them."""
    n = len(values)
    if n < 2:
        return float("nan")
    lags = min(lags, n - 2)
    centred = values - values.mean()
    covariances = np.array([centred[k:] @ centred[: n - k] for k in range(lags + 1)]) / n
    long_run = covariances[0] + 2 * covariances[1:].sum()
    if long_run <= 0:  # with falling weights it cannot be negative (Bartlett)
        long_run = covariances[0] + 2 * (covariances[1:] * (1 - np.arange(1, lags + 1) / (lags + 1))).sum()
    windows = lags + 1
    corrected = (n + 1 - 2 * windows + windows * (windows - 1) / n) / n
    return float(np.sqrt(long_run / n / corrected))


def student_t(t: float, freedom: float) -> float:
    """The probability that |T| of Student's t exceeds |t|, by the integral of cos^(freedom - 1)."""
    freedom = min(freedom, MANY)
    angle = np.arctan(abs(t) / np.sqrt(freedom))
    return float(_integral(angle, freedom) / _integral(0.0, freedom))


def _integral(start: float, freedom: float) -> float:
    """Of cos^(freedom - 1) from `start` to a right angle, by Simpson's rule after angle = pi/2 - u^3.

    The power of u smooths the end where few degrees of freedom make the cosine steep.
    """
    top = (np.pi / 2 - start) ** (1 / 3)
    u = np.linspace(0.0, top, POINTS)
    values = np.zeros(POINTS)
    values[1:] = np.sin(u[1:] ** 3) ** (freedom - 1) * 3 * u[1:] ** 2
    weights = np.ones(POINTS)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return float(weights @ values * top / (POINTS - 1) / 3)


def student_quantile(freedom: float) -> float:
    """The t that |T| exceeds with probability SURE, by bisection."""
    low, high = 0.0, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_t(middle, freedom) > SURE else (low, middle)
    return high
