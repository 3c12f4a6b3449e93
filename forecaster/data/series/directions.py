"""Directions and other angles: which series go round, and their values without the jump at north.

A wind of 355° that turns to 5° has moved by 10°, not by −350°. Unwrapped, it goes to 365°: then differences,
means and seasons are those of numbers, and a forecast is wrapped again at the end.

A series goes round where that is certain: it stays within one turn, comes near both ends, and passes from one
end to the other in both directions, again and again, by steps that are small round the circle. It must be
seen in all directions; or, as a steady wind from the north, on both sides of the ends with steps across them
like its other steps. A machine that is off at 0 and on at 355 W does not vary around 0.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.panel import Panel, Turns
from forecaster.data.rows.known_values import known_values
from forecaster.data.series.spikes import RARE
from forecaster.data.series.suspicious_values import FREQUENT, SENTINELS

TURNS = (
    (0.0, 360.0, 45.0),
    (-180.0, 360.0, 45.0),
    (0.0, 2 * np.pi, 0.26),
    (-np.pi, 2 * np.pi, 0.26),
)
"""First value and size of the turns that are recognised, degrees and radians; how near to its ends the least
and the largest value must be, at least."""
LEAST = 40
"""With fewer known values no series goes round."""
POINTS = (45.0, 22.5)
"""Compass points are multiples of these."""
NEAR_END, SECTOR, SECTOR_PART = 15.0, 45.0, 0.01
OFTEN, STEADY_OFTEN = 3, 5
"""Passes across the ends in each direction; of series that are not seen all round."""
BALANCED = 4
"""Most passes in one direction for each in the other."""
SMALL_TURN, STEADY_TURN = 45.0, 90.0
"""Largest median of the steps across the ends; where OPPOSITE holds."""
OPPOSITE = 0.1
"""Most of the values in the half away from the ends, of a steady direction."""
ALIKE = 2.5
"""Largest ratio of the median step across the ends to the median of the other steps."""
HARDLY = 0.01
"""A direction that at most this part of the steps crosses is where the circle is cut open."""
SLICES = 36


def turns_of(panel: Panel, known: Ints) -> Turns | None:
    """The turn of each series by its first known[s] rows, None if none goes round.

    Where the user says that all go round, they do.
    """
    if panel.turns is not None or panel.levels:  # what adds up does not go round
        return panel.turns
    seen = known_values(panel.target, panel.target_observed, panel.offsets, known)
    if panel.circle is not None:
        half = panel.circle / 2
        least, most = seen.reduce(np.minimum, seen.values), seen.reduce(np.maximum, seen.values)
        signed = (least < 0) & (least >= -half) & (most <= half)
        return Turns(np.where(signed, -half, 0.0), np.full(len(panel), panel.circle))
    low, size = np.full((2, len(panel)), np.nan)
    for first, whole, near in TURNS:
        part = seen.only((seen.values >= first) & (seen.values <= first + whole))
        inside = (part.count >= LEAST) & (part.count >= (1 - FREQUENT) * seen.count) & np.isnan(size)
        if not inside.any():
            continue
        inside &= part.reduce(np.minimum, part.values) <= first + near
        inside &= part.reduce(np.maximum, part.values) >= first + whole - near
        for series in np.flatnonzero(inside):  # few
            every, values = (each.values[slice(*each.starts[series : series + 2])] for each in (seen, part))
            strays = len(every) - len(values) - np.isin(every, SENTINELS).sum()
            if strays <= RARE * len(every) and _goes_round((values - first) * (360 / whole)):
                low[series], size[series] = first, whole
    return Turns(low, size) if np.isfinite(size).any() else None


def _goes_round(degrees: Floats) -> bool:
    """Whether values within 0 … 360 are surely directions."""
    grid = next((point for point in POINTS if not (degrees % point).any()), NEAR_END)
    if degrees.min() > grid or degrees.max() < 360 - grid:
        return False
    steps = np.diff(degrees)
    across = np.abs(steps) > 180
    up, down = int((across & (steps > 0)).sum()), int((across & (steps < 0)).sum())
    passes = min(up, down)
    if passes < OFTEN or max(up, down) > BALANCED * passes:
        return False
    median = float(np.median(360 - np.abs(steps[across])))
    sectors = np.bincount(np.minimum(degrees // SECTOR, 7).astype(np.int64), minlength=8)
    if (sectors >= max(1.0, SECTOR_PART * len(degrees))).all():
        return median <= SMALL_TURN
    steady = bool(np.mean((degrees > 90) & (degrees < 270)) <= OPPOSITE)
    others = np.abs(steps[~across & (steps != 0)])
    alike = len(others) > 0 and median <= ALIKE * max(float(np.median(others)), grid * (grid in POINTS))
    sides = degrees[(degrees > 0) & (degrees < 90)], degrees[(degrees > 270) & (degrees < 360)]
    varies = all(len(np.unique(side)) >= (1 if grid in POINTS else 2) for side in sides)
    return passes >= STEADY_OFTEN and alike and varies and median <= (STEADY_TURN if steady else SMALL_TURN)


def unwrapped(panel: Panel, known: Ints, turns: Turns) -> Floats:
    """The target (N,) without jumps at the ends of the turn; the newest of the known[s] values stays.

    The circle is cut open where hardly any step crosses, so that values stay within one turn and have a mean.
    Where there is no such direction, each value is the nearest to the one before it.
    """
    result = panel.target.copy()
    for series in np.flatnonzero(np.isfinite(turns.size)):  # few
        start, stop = panel.offsets[series : series + 2]
        seen = start + np.flatnonzero(panel.target_observed[start:stop])
        count = int(np.searchsorted(seen, start + known[series]))
        if count:
            size = float(turns.size[series])
            turns_on = np.rint((_opened(result[seen], count, size) - result[seen]) / size)
            result[seen] += size * (turns_on - turns_on[count - 1])
    return result


def _opened(values: Floats, known: int, size: float) -> Floats:
    """`unwrapped` for the values (n,) of a series, up to whole turns; the cut follows from the known ones."""
    steps = nearest(np.diff(values), 0.0, size)
    path = values[0] + np.concatenate([[0.0], np.cumsum(steps)])
    cut = size / SLICES * _quietest(values[:known] / size)
    opened = cut + (values - cut) % size
    jumps = np.abs(np.diff(opened[:known])) > size / 2
    return opened if jumps.sum() <= HARDLY * known else path


def _quietest(parts: Floats) -> int:
    """The slice of the circle with the fewest values (n,), given in turns, in it and around it."""
    counts = np.bincount((parts * SLICES).astype(np.int64) % SLICES, minlength=SLICES)
    around = sum(np.roll(counts, shift) for shift in range(-4, 5))
    return int(np.argmin(around))


def nearest(values: Floats, reference: Floats | float, size: Floats | float) -> Floats:
    """The values, moved by whole turns to within half a turn of the reference; not where size is NaN."""
    with np.errstate(invalid="ignore"):
        turns = np.rint((values - reference) / size)
    return np.asarray(values - np.where(np.isfinite(turns), turns * size, 0.0))
