"""Least and greatest values that a sensor cannot pass, as many equal values at the edge of its range show.

A full word (4095), the end of a scale, the small negative power of a solar inverter at night: there readings
pile up and come back to again and again, while values in between hardly ever repeat. A price that once
stayed at its highest does neither.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats
from forecaster.data.rows.known_values import KnownValues, reduce_within, run_starts

VISITS = 5
"""Least times that readings come to the edge from elsewhere."""
PART = 0.01
"""Least part of all readings at the edge."""
STEEP = 3.0
"""How often the value at the edge comes, relative to the commonest in between."""
BETWEEN = 20
"""Least different values in between."""
SCATTER, SCATTERED = 1e-3, 0.05
"""Below zero, readings may scatter by this part of the range (5 % to 95 %); then this part must be there."""


def saturated(seen: KnownValues) -> tuple[Bools, Bools]:
    """Which series have a floor at their least value, and a cap at their greatest (S,), (S,)."""
    least, most = (seen.reduce(end, seen.values) for end in (np.minimum, np.maximum))
    at_least, at_most = seen.values == least[seen.series], seen.values == most[seen.series]
    often = np.maximum(VISITS, PART * seen.count)
    low, high = seen.total(at_least) >= often, seen.total(at_most) >= often
    if (low | high).any():
        commonest, different = _between(seen, low | high)
        enough = different >= BETWEEN
        low &= enough & (seen.total(at_least) >= STEEP * commonest) & (_visits(seen, at_least) >= VISITS)
        high &= enough & (seen.total(at_most) >= STEEP * commonest) & (_visits(seen, at_most) >= VISITS)
    return low | _scatters(seen, least), high


def _between(seen: KnownValues, concerned: Bools) -> tuple[Floats, Floats]:
    """How often the commonest value between least and greatest comes, and how many there are (S,), (S,)."""
    part = seen.only(concerned[seen.series])
    runs = run_starts(KnownValues(part.sorted, part.row, part.starts))
    length = np.diff(runs, append=len(part.values)).astype(np.float64)
    owner = part.series[runs]
    starts = np.searchsorted(owner, np.arange(len(seen.count) + 1))
    filled = np.diff(starts) > 0
    length[starts[:-1][filled]] = 0.0
    length[starts[1:][filled] - 1] = 0.0
    return reduce_within(np.maximum, length, starts, 0.0), np.diff(starts) - 2.0


def _visits(seen: KnownValues, at: Bools) -> Floats:
    """How often readings come to where they are `at` (K,) from elsewhere (S,)."""
    arrives = at.copy()
    arrives[1:] &= ~at[:-1]
    arrives[seen.starts[:-1][seen.count > 0]] = False
    return seen.total(arrives)


def _scatters(seen: KnownValues, least: Floats) -> Bools:
    """Series with negative values of which many lie just above the least (S,)."""
    concerned = least < 0
    if not concerned.any():
        return concerned
    part = seen.only(concerned[seen.series])
    near = SCATTER * (part.quantile(0.95) - part.quantile(0.05))
    away = part.values - least[part.series]
    at = away <= near[part.series]
    times, beside = part.total(at), part.total(~at & (away <= 2 * near[part.series]))
    shown = (times >= SCATTERED * part.count) & (times >= STEEP * beside) & (near > 0)
    return np.asarray(concerned & shown & (_visits(part, at) >= VISITS))
