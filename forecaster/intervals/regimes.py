"""The newest lasting change of level or scale: rows before it are not used for the spread after it.

- level: from a row on, the gap between all values and all earlier ones exceeds the range of either part;
- scale: from a row on, the steps |x_t − x_{t−1}| are more than RATIO times as large or small as before, and
  the likelihood ratio of two Laplace scales against one is too large for chance.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.intervals.past import PastRows

FEWEST = 10
"""Rows on either side of a change."""
RATIO = 4.0
EVIDENCE = 25.0
"""Log-likelihood ratio, well above the largest that chance gives over many rows."""
SCALE_ROWS = 20
"""Rows, or two seasons if more, on either side of a change of scale."""
ROWS = 1000
"""Only this many of the newest rows are searched."""
BLOCK = 2**17


def change_points(history: PastRows, season: int = 1) -> Ints:
    """Rows before the newest change of each series (S,); zero without one."""
    count = int(np.clip(history.origins.max(initial=0), 1, ROWS))
    size = max(1, BLOCK // count)
    result = np.zeros(len(history), np.int64)
    for start in range(0, len(history), size):
        series = np.arange(start, min(start + size, len(history)))
        x = history.newest(series, count)
        place = np.maximum(_level(x), _scale(x, max(SCALE_ROWS, 2 * season)))
        first = history.origins[series] - count
        result[series] = np.where(place > 0, np.maximum(first + place, 0), history.begins[series])
    return result


def _level(x: Floats) -> Ints:
    """The newest column of x (B, K) at which a new level begins (B,); zero for none."""
    seen = np.isfinite(x)
    low, high = np.where(seen, x, np.inf), np.where(seen, x, -np.inf)
    low_before, high_before = np.minimum.accumulate(low, axis=1), np.maximum.accumulate(high, axis=1)
    low_after = np.minimum.accumulate(low[:, ::-1], axis=1)[:, ::-1]
    high_after = np.maximum.accumulate(high[:, ::-1], axis=1)[:, ::-1]
    before, after = slice(None, -1), slice(1, None)
    with np.errstate(invalid="ignore"):
        apart = np.maximum(
            low_after[:, after] - high_before[:, before], low_before[:, before] - high_after[:, after]
        )
        ranges = np.maximum(
            high_before[:, before] - low_before[:, before], high_after[:, after] - low_after[:, after]
        )
        changed = (apart > ranges) & _enough(seen, FEWEST)
    return _newest(changed)


def _scale(x: Floats, least: int) -> Ints:
    """The likeliest column of x (B, K) at which a new scale of the steps begins (B,); zero for none."""
    steps = np.full(x.shape, np.nan)
    steps[:, 1:] = np.abs(np.diff(x, axis=1))
    seen = np.isfinite(steps)
    total = np.cumsum(np.where(seen, steps, 0.0), axis=1)
    count = np.cumsum(seen, axis=1)
    n, m = count[:, :-1], count[:, -1:] - count[:, :-1]
    before = total[:, :-1] / np.maximum(n, 1)
    after = (total[:, -1:] - total[:, :-1]) / np.maximum(m, 1)
    overall = np.broadcast_to(total[:, -1:] / np.maximum(count[:, -1:], 1), before.shape)
    fair = _enough(seen, least) & (before > 0) & (after > 0)
    a, b, c = (np.where(fair, scale, 1.0) for scale in (before, after, overall))
    evidence = np.where(fair, (n + m) * np.log(c) - n * np.log(a) - m * np.log(b), 0.0)
    evidence[np.maximum(a, b) < RATIO * np.minimum(a, b)] = 0.0
    best = evidence.argmax(axis=1) if evidence.shape[1] else np.zeros(len(x), np.int64)
    clear = evidence.max(axis=1, initial=0.0) > EVIDENCE
    return np.where(clear, best + 1, 0)


def _enough(seen: Bools, least: int) -> Bools:
    """Whether at least `least` are seen before each column but the first, and from it on (B, K − 1)."""
    count = np.cumsum(seen, axis=1)
    return (count[:, :-1] >= least) & (count[:, -1:] - count[:, :-1] >= least)


def _newest(changed: Bools) -> Ints:
    """The last column, from 1 on, that is true (B,); zero for none."""
    places = changed.shape[1] - changed[:, ::-1].argmax(axis=1) if changed.shape[1] else 0
    return np.where(changed.any(axis=1), places, 0)
