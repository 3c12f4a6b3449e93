"""What a network for sensors reads, against formulas written out, and what it does not depend on."""

import numpy as np
import pytest

from forecaster.pretraining.inputs.daily import DAY, FADE, FEATURES, GATES, STATISTICS, SWING, WEEK, prepare
from forecaster.pretraining.inputs.past import LARGEST, filled

GROWTH = 6
"""The place of the change over a week among the patterns."""
LIMITS = (20, 12, 12, 12, 7, 20, 20, 30)


def sensors(*, count=4, days=16, seed=0):
    """Hourly series with a day, weekends and wandering noise (B, 24 T)."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * days)
    day = np.sin(2 * np.pi * hour / 24 + rng.normal(size=(count, 1))) * rng.uniform(0.5, 3, (count, 1))
    week = np.where(hour // 24 % 7 >= 5, 0.5, 0.0)
    return (20 + day + week + 0.1 * np.cumsum(rng.normal(size=(count, len(hour))), axis=1)).astype(np.float32)


def with_gaps(values, seed=1):
    """Missing hours, and a late start of the second series; the newest day is known."""
    rng = np.random.default_rng(seed)
    values = values.copy()
    early = values[:, :-DAY]
    early[rng.random(early.shape) < 0.05] = np.nan
    values[1, : 4 * DAY + 7] = np.nan
    values[2, -3 * DAY : -2 * DAY + 5] = np.nan
    return values


def weighted(row, lag, half_life):
    """The weighted mean of |differences| of known values; NaN without a pair."""
    pairs = [
        (t, abs(row[t] - row[t - lag])) for t in range(lag, len(row)) if np.isfinite(row[t] - row[t - lag])
    ]
    weights = [0.5 ** ((len(row) - 1 - t) / half_life) for t, _ in pairs]
    return np.average([size for _, size in pairs], weights=weights) if pairs else np.nan


def usual(values):
    """Centre, differences over an hour, a day and a week, swing and scale of one series without gaps."""
    row = values.astype(float)
    hour, day, week = (weighted(row, lag, life) for lag, life in ((1, 72), (DAY, 96), (WEEK, WEEK)))
    swing = np.abs(row - row.mean()).mean()
    return row[-DAY:].mean(), hour, day, week, swing, 0.5 * day + 0.25 * min(hour, day) + 0.02 * swing


def test_shapes():
    """Inputs (T, F, B), patterns (G, H, B) and a base, single and contiguous."""
    sample = prepare(sensors(), 48)
    assert sample.inputs.shape == (16, FEATURES, 4)
    assert sample.patterns.shape == (len(GATES), 48, 4)
    assert sample.base.shape == (48, 4)
    assert sample.inputs.dtype == sample.patterns.dtype == sample.base.dtype == np.float32
    assert sample.inputs.flags.c_contiguous


def test_inputs_against_their_formulas():
    """Centre and scale, the five parts of each hour, the mean of the day, and the statistics."""
    values = sensors()
    sample = prepare(values, 48)
    for b in range(4):
        centre, hour, day, week, swing, scale = usual(values[b])
        assert sample.centre[b] == pytest.approx(centre, rel=1e-4)
        assert sample.scale[b] == pytest.approx(scale, rel=1e-3)
        z = (values[b].astype(float) - centre) / scale
        shown = min(1, SWING * scale / swing)
        for t in (0, 1, 8, 15):
            step = sample.inputs[t, :, b]
            for h in range(0, DAY, 5):
                row = DAY * t + h
                by = {lag: z[row] - z[row - lag] if row >= lag else 0.0 for lag in (1, DAY, WEEK)}
                assert step[h] == pytest.approx(np.arcsinh(z[row] * shown), abs=2e-3)
                assert step[DAY + h] == pytest.approx(np.clip(by[DAY], -LARGEST, LARGEST), abs=5e-3)
                assert step[2 * DAY + h] == pytest.approx(np.clip(by[WEEK], -LARGEST, LARGEST), abs=5e-3)
                assert step[3 * DAY + h] == pytest.approx(np.arcsinh(by[1] * shown), abs=5e-3)
                assert step[4 * DAY + h] == 1
            mean = z[DAY * t : DAY * (t + 1)].mean()
            assert step[5 * DAY] == pytest.approx(np.arcsinh(mean * shown), abs=2e-3)
        sizes = [np.log(size / scale + 0.02) for size in (hour, day, week, swing)]
        expected = [
            sizes[0] / 2,
            sizes[1],
            sizes[2],
            sizes[3] / 2 - 1,
            -z.max() / 20,
            -z.min() / 20,
            16 / 28,
            1,
        ]
        assert np.allclose(sample.inputs[0, -STATISTICS:, b], np.clip(expected, -5, 5), atol=2e-3)


def forecasts(z, swing, horizon):
    """The base and the patterns of one series that is known throughout (H,), (G, H)."""
    days = z.reshape(-1, DAY)
    ahead = horizon // DAY
    newest = np.tile(days[-1], ahead)
    weights = FADE ** np.arange(len(days))[::-1]
    own = np.average(days - days.mean(axis=1, keepdims=True), axis=0, weights=weights)
    backs = [back for back in (7, 14, 21, 28) if back <= len(days)]
    weeks = [z[len(z) - DAY * back :][:horizon] for back in backs]
    relative = [
        z[len(z) - DAY * back :][:horizon] - days[-back - 1].mean() for back in backs if back < len(days)
    ]
    growth = np.repeat(np.arange(1, ahead + 1), DAY) * np.tile((days[-1] - days[-8]) / 7, ahead)
    parts = [np.tile(own, ahead) - newest, weeks[0] - newest, np.mean(relative, axis=0) - newest]
    parts += [np.mean(weeks, axis=0) - newest, z[-1] - newest, np.full(horizon, z[-1] - z[-1 - DAY]), growth]
    parts += [np.tile(days[-1] - days[-2], ahead)]
    parts = [np.clip(part, -limit, limit) for part, limit in zip(parts, LIMITS, strict=True)]
    parts[4] = parts[4] / (1 + (swing / 8) ** 2)
    return newest, np.stack(parts)


@pytest.mark.parametrize("days", [9, 16, 28])
def test_patterns_against_their_formulas(days):
    """The newest day, the mean day, last weeks, the newest value and changes, as forecasts of 48 hours."""
    values = sensors(days=days)
    sample = prepare(values, 48)
    for b in range(4):
        centre, *_, swing, scale = usual(values[b])
        base, patterns = forecasts((values[b].astype(float) - centre) / scale, swing / scale, 48)
        assert np.allclose(sample.base[:, b], base, atol=5e-3)
        for number, (got, expected) in enumerate(zip(sample.patterns[:, :, b], patterns, strict=True)):
            assert np.allclose(got, expected, atol=1e-2), number


def test_where_a_week_is_not_known_the_newest_day_stands_in():
    """With three days of history the patterns of the week say nothing."""
    sample = prepare(sensors(days=3), 48)
    assert not sample.patterns[1:4].any()
    assert sample.patterns[0].any()


def test_a_pattern_of_the_same_week_repeats_exactly():
    """A series that repeats every week is given by the pattern of last week."""
    hour = np.arange(DAY * 23)
    values = (np.sin(hour / 3.8) + hour // DAY % 7).astype(np.float32)[None]  # by the week: set below
    values = np.tile(values[:, :WEEK], 4)[:, : len(hour)]
    sample = prepare(values[:, : DAY * 21], 48)
    future = (values[0, DAY * 21 :] - sample.centre[0]) / sample.scale[0]
    for pattern in (1, 3):
        assert np.allclose(sample.base[:, 0] + sample.patterns[pattern, :, 0], future, atol=1e-3)


def test_level_and_scale_do_not_matter():
    """A sensor in other units, or from another zero, looks the same."""
    values = with_gaps(sensors())
    sample = prepare(values, 48)
    for other, factor, level in (
        (values + 50, 1, 50),
        (1000 * values, 1000, 0),
        (-3 + values / 64, 1 / 64, -3),
    ):
        seen = prepare(other, 48)
        assert np.allclose(seen.inputs, sample.inputs, atol=1e-2)
        assert np.allclose(seen.base, sample.base, atol=1e-2)
        assert np.allclose(seen.patterns, sample.patterns, atol=2e-2)
        assert np.allclose(seen.scale, factor * sample.scale, rtol=1e-3)
        assert np.allclose(seen.centre, factor * sample.centre + level, rtol=1e-4, atol=1e-3)


def test_a_series_alone_is_as_in_a_batch():
    """No series sees another."""
    values = with_gaps(sensors())
    together = prepare(values, 48)
    for number in range(len(values)):
        alone = prepare(values[number : number + 1], 48)
        for name in ("inputs", "base", "patterns", "centre", "scale"):
            assert np.array_equal(getattr(alone, name)[..., 0], getattr(together, name)[..., number]), name


def test_gaps_are_marked_and_filled():
    """Missing hours are 0 in the mask, and the inputs are those of the series filled by its season."""
    values = with_gaps(sensors())
    sample = prepare(values, 48)
    known = np.isfinite(values).reshape(4, -1, DAY).transpose(1, 2, 0)
    assert np.array_equal(sample.inputs[:, 4 * DAY : 5 * DAY], known)
    v = filled(values, DAY)
    z = (v[0] - sample.centre[0]) / sample.scale[0]
    assert np.allclose(sample.base[:DAY, 0], z[-DAY:], atol=1e-4)
    assert np.isfinite(sample.inputs).all()
    assert np.isfinite(sample.patterns).all()


def test_padding_before_the_first_row():
    """Empty days before a series change neither centre, scale nor patterns; their inputs are zero."""
    values = sensors(days=6)
    padded = np.concatenate([np.full((4, 5 * DAY), np.nan, np.float32), values], axis=1)
    short, long = prepare(values, 48), prepare(padded, 48)
    assert np.allclose(short.scale, long.scale, rtol=1e-5)
    assert np.allclose(short.centre, long.centre)
    assert not long.inputs[:5, :-STATISTICS].any()
    usual_parts = slice(0, -STATISTICS)
    assert np.allclose(short.inputs[:, usual_parts], long.inputs[5:, usual_parts], atol=1e-3)
    assert np.allclose(short.inputs[:, -STATISTICS:], long.inputs[5:, -STATISTICS:], atol=1e-3)
    same = [number for number in range(len(GATES)) if number != GROWTH]  # from the first day, or a week ago
    assert np.allclose(short.patterns[same], long.patterns[same], atol=1e-3)


@pytest.mark.parametrize("values", [0.0, 7.5, -1e6], ids=str)
def test_a_constant_sensor(values):
    """A sensor that never changes gives finite inputs and forecasts its value."""
    sample = prepare(np.full((1, 5 * DAY), values, np.float32), 48)
    assert np.isfinite(sample.inputs).all()
    assert np.isfinite(sample.patterns).all()
    assert sample.scale[0] > 0
    assert np.allclose(sample.base * sample.scale + sample.centre, values)


def test_one_known_hour():
    """One reading is enough to say something finite."""
    values = np.full((1, 2 * DAY), np.nan, np.float32)
    values[0, -1] = 21.5
    sample = prepare(values, 48)
    assert np.isfinite(sample.inputs).all()
    assert np.isfinite(sample.base).all()
    assert sample.centre[0] == 21.5
