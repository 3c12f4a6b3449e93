"""What a network for sensors reads: one recurrent step is one day of 24 hours, the newest ends at the origin.

With the mean c of the newest day and

    s = ½ mean |y_t − y_{t−24}| + ¼ min(mean |y_t − y_{t−1}|, mean |y_t − y_{t−24}|) + 1/50 mean |y_t − ȳ|

the inputs are z = (y − c)/s and its differences over an hour, a day and a week. The forecast starts from the
newest day; gates add differences of other simple forecasts from it. It sees no calendar: the week is read off
the past, so that dates that mean nothing do no harm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array, Bools
from forecaster.pretraining.inputs.past import SINGLE, differences, filled, mean, usual_difference
from forecaster.pretraining.network import Sample

DAY, WEEK = 24, 168
STATISTICS = 8
FEATURES = 5 * DAY + 1 + STATISTICS
"""F: how many numbers one recurrent step reads."""
GATES = (0.1, 0.0, 0.3, 0.2, 0.1, 0.2, 0.1, 0.0)
"""Initial weights of the patterns, in the order of `_patterns`."""
FADE = 0.8
"""What a day counts for in the mean day, relative to the next newer one."""
SWING = 3.0
"""Series that swing by more than this many s are shown in units of their swing."""


def prepare(values: Array, horizon: int, dtype: DTypeLike = SINGLE) -> Sample:
    """What the network reads of `values` (B, 24 T), NaN where unknown: before the first row and in gaps.

    Each series has a known value within its newest day.
    """
    v = filled(np.asarray(values, dtype), DAY)
    known, begun = np.isfinite(values), np.isfinite(v)
    count, steps = len(v), v.shape[1] // DAY
    centre = mean(v[:, -DAY:], begun[:, -DAY:])
    hour, day, week = (
        usual_difference(v, known, lag, life) for lag, life in ((1, 72), (DAY, 96), (WEEK, WEEK))
    )
    hour = np.where(np.isfinite(hour), hour, 0)
    day = np.where(np.isfinite(day), day, hour)
    week = np.where(np.isfinite(week), week, day)
    swing = mean(np.abs(v - mean(v, begun)), begun)
    scale = 0.5 * day + 0.25 * np.minimum(hour, day) + 0.02 * swing
    scale = np.maximum(scale, 1e-7 * np.abs(centre) + 1e-30).astype(dtype)
    z = np.where(begun, (v - centre) / scale, 0)
    shown = np.minimum(1, SWING * scale / (swing + 1e-30))
    by_day = (count, steps, DAY)
    means = mean(z.reshape(by_day), begun.reshape(by_day))
    parts = [np.arcsinh(z * shown), differences(z, begun, DAY), differences(z, begun, WEEK),
             np.arcsinh(differences(z, begun, 1, clip=False) * shown), known]  # fmt: skip
    parts = [part.reshape(by_day) for part in parts] + [np.arcsinh(means * shown[:, :, None])]
    high, low = (np.where(begun, z, -side * np.inf) * side for side in (1, -1))
    statistics = [np.log(hour / scale + 0.02) / 2, np.log(day / scale + 0.02), np.log(week / scale + 0.02),
                  np.log(swing / scale + 0.02) / 2 - 1, -high.max(1, keepdims=True) / 20,
                  low.max(1, keepdims=True) / 20, begun.mean(1, keepdims=True) * steps / 28,
                  known.sum(1, keepdims=True) / begun.sum(1, keepdims=True)]  # fmt: skip
    of_series = np.clip(np.concatenate(statistics, axis=1), -5, 5)
    parts.append(np.repeat(of_series[:, None], steps, axis=1))
    inputs = np.ascontiguousarray(np.concatenate(parts, axis=2, dtype=v.dtype).transpose(1, 2, 0))
    base, patterns = _patterns(z, begun, (swing / scale)[:, 0], horizon)
    return Sample(inputs, base, patterns, centre[:, 0].astype(float), scale[:, 0].astype(float))


def _patterns(z: Array, begun: Bools, swing: Array, horizon: int) -> tuple[Array, Array]:
    """The newest day repeated (H, B), and clipped differences of other forecasts from it (G, H, B).

    The mean day, last week, last weeks relative to the day before and as they were, the newest value, its
    difference from yesterday, the change over a week and over a day. `swing` (B,): how far z swings.
    """
    count = len(z)
    ahead = horizon // DAY
    days = z.reshape(count, -1, DAY)
    steps = days.shape[1]
    whole = np.asarray(begun.reshape(days.shape).all(axis=2))  # (B, T)
    newest = np.tile(days[:, -1], (1, ahead))
    own = days - mean(days, begun.reshape(days.shape))
    weight = (FADE ** np.arange(steps)[::-1] * whole).astype(z.dtype)
    usual = (own * weight[:, :, None]).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-6)[:, None]
    same_days, after_day_before, counts, levels = [], [], [], []
    for back in range(7, min(28, steps) + 1, 7):
        there = whole[:, -back][:, None]
        before = (
            days[:, -back - 1].mean(axis=1, keepdims=True) if back < steps else np.zeros((count, 1), z.dtype)
        )
        values = days[:, steps - back : steps - back + ahead].reshape(count, horizon)
        same_days.append(np.where(there, values, 0))
        counts.append(there)
        leads = there & whole[:, -back - 1][:, None] if back < steps else np.zeros_like(there)
        after_day_before.append(np.where(leads, values - before, 0))
        levels.append(leads)
    week = _averaged(same_days[:1], counts[:1], newest)
    weeks = _averaged(same_days, counts, newest)
    adjusted = _averaged(after_day_before, levels, newest)
    last = z[:, -1:] - newest
    of_hour = np.repeat(_between(z, begun, DAY, 1), horizon, axis=1)
    week_ago = min(7, steps - 1)
    both = whole[:, -1 - week_ago][:, None]
    drift = np.where(both, days[:, -1] - days[:, -1 - week_ago], 0) / max(week_ago, 1)
    of_week = np.concatenate([drift * (number + 1) for number in range(ahead)], axis=1)
    yesterday = (
        np.where(whole[:, -2][:, None], days[:, -1] - days[:, -2], 0) if steps > 1 else 0 * days[:, -1]
    )
    limits = (20, 12, 12, 12, 7, 20, 20, 30)
    parts = [np.tile(usual, (1, ahead)) - newest, week - newest, adjusted - newest, weeks - newest, last,
             of_hour, of_week, np.tile(yesterday, (1, ahead))]  # fmt: skip
    clipped = [np.clip(part, -limit, limit) for part, limit in zip(parts, limits, strict=True)]
    clipped[4] = clipped[4] / (1 + (swing[:, None] / 8) ** 2)  # the newest value says little of a strong day
    return newest.T.astype(z.dtype), np.ascontiguousarray(np.stack(clipped).transpose(0, 2, 1), z.dtype)


def _between(z: Array, begun: Bools, lag: int, newest: int) -> Array:
    """The newest value less the one `lag` rows before (B, 1); 0 where there is none."""
    if z.shape[1] <= lag:
        return np.zeros((len(z), 1), z.dtype)
    older = -newest - lag
    return np.where(begun[:, older], z[:, -newest] - z[:, older], 0)[:, None]


def _averaged(values: list[Array], used: list[Bools], instead: Array) -> Array:
    """The mean of the values in use (B, H), and `instead` where none is."""
    if not values:
        return instead
    count = np.sum(used, axis=0)
    return np.where(count > 0, np.sum(values, axis=0) / np.maximum(count, 1), instead)
