"""Lasting changes of level are found where they are; trends, seasons, walks and crashes are none."""

import numpy as np
import pytest
from flat import flat, walk, with_garbage

from forecaster.data.rows import known_values as blocks
from forecaster.data.series.level_shifts import level_shifts, lone_jumps, spliced


def shifts_of(series, season=1):
    return level_shifts(*flat(series), season=season)


def test_pressure_divided_by_ten():
    """The last 20 of 150 rows in another unit are a new level from its first row on."""
    series = walk(150)
    series[-20:] /= 10
    shifts = shifts_of(series)
    assert shifts.row.tolist() == [130]
    assert shifts.since(1).tolist() == [130]
    assert shifts.is_ratio.tolist() == [True]


def test_prices_divided_by_ten():
    """So are prices, whose moves are ratios."""
    series = 200 * np.exp(walk(150, start=0, step=0.015, seed=3))
    series[-20:] /= 10
    assert shifts_of(series).row.tolist() == [130]


def test_a_step_of_many_deviations():
    """A sensor that was moved: the same spread around another level."""
    series = np.random.default_rng(0).normal(20, 1, 200)
    series[-30:] += 12
    shifts = shifts_of(series)
    assert shifts.row.tolist() == [170]
    assert shifts.is_ratio.tolist() == [False]


def test_a_step_beneath_a_season():
    """Hourly values with a strong day show a step of the size of that day's range."""
    hour = np.arange(24 * 30)
    series = 100 + 20 * np.sin(2 * np.pi * hour / 24) + np.random.default_rng(0).normal(0, 3, len(hour))
    series[-60:] += 40
    assert shifts_of(series, season=24).row.tolist() == [len(hour) - 60]


def test_two_shifts():
    """Each level is found, and the present one begins with the last."""
    series = np.random.default_rng(0).normal(100, 1, 400)
    series[150:] += 80
    series[300:] -= 30
    shifts = shifts_of(series)
    assert shifts.row.tolist() == [150, 300]
    assert shifts.since(1).tolist() == [300]


def test_what_is_spliced_has_no_step():
    """Older values are brought to the present level, as ratios or as differences."""
    for change in (lambda x: x / 10, lambda x: x + 500):
        steady = walk(150)
        broken = steady.copy()
        broken[-20:] = change(broken[-20:])
        values, observed, offsets, known = flat(steady, broken)
        shifts = level_shifts(values, observed, offsets, known)
        assert shifts.series.tolist() == [1]
        whole = spliced(values, offsets, shifts)
        np.testing.assert_array_equal(whole[:150], steady)
        np.testing.assert_array_equal(whole[-20:], broken[-20:])
        typical = np.abs(np.diff(whole[-20:])).max()
        assert np.abs(np.diff(whole[150:])).max() < 4 * typical


def _ramp(noise):
    """A change of many deviations that takes 15 rows."""
    return noise + np.concatenate([np.zeros(150), np.linspace(0, 40, 15), np.full(35, 40)])


def _outages(noise):
    """A step of half the size that short outages had before."""
    rows = np.arange(200)
    return noise + 40 * (rows % 50 // 4 == 5) * (rows < 160) + 20 * (rows >= 160)


def _swell(noise):
    """A step of about what slow waves do from block to block."""
    rows = np.arange(200)
    return noise + 30 * np.sin(rows / 25) + 22 * (rows >= 170)


@pytest.mark.parametrize("make", [_ramp, _outages, _swell])
def test_changes_that_are_no_shift(make):
    """What is slow, or usual for the series, is no shift; the same step in quiet would be one."""
    noise = np.random.default_rng(0).normal(1000, 0.5, 200)
    assert not len(shifts_of(make(noise)).row)
    assert len(shifts_of(noise + 20 * (np.arange(200) >= 160)).row) == 1


def test_a_low_day_is_not_yet_a_level():
    """Below a factor of four, a change has to last for a whole season."""
    series = np.random.default_rng(0).normal(100, 1, 240)
    series[-10:] -= 50
    assert not len(shifts_of(series, season=24).row)
    assert shifts_of(series, season=7).row.tolist() == [230]


def _load(rng, n):
    hour = np.arange(n)
    day = np.where((hour % 24 >= 7) & (hour % 24 < 19), 100, 40)
    return day * np.where((hour // 24) % 7 < 5, 1, 0.5) + rng.normal(0, 2, n)


def _crash(rng, n):
    returns = 0.02 * rng.standard_t(4, n) / np.sqrt(2)
    returns[rng.integers(n // 2, n - 10)] -= 0.25
    return 100 * np.exp(np.cumsum(returns))


ORDINARY = {
    "walk": (lambda rng, n: walk(n, seed=rng.integers(10**6)), 1),
    "crash": (_crash, 1),
    "trend": (lambda rng, n: np.arange(n) + rng.normal(0, 3, n), 1),
    "growth": (lambda rng, n: np.exp(0.01 * np.arange(n) + rng.normal(0, 0.1, n)), 1),
    "noise": (lambda rng, n: rng.normal(0, 1, n), 1),
    "load": (_load, 24),
    "load without a season": (_load, 1),
    "weekdays": (lambda rng, n: np.where(np.arange(n) % 7 < 5, 100, 20) + rng.normal(0, 3, n), 7),
    "demand": (lambda rng, n: rng.poisson(5, n) * (rng.random(n) < 0.1), 1),
    "year": (lambda rng, n: 50 * np.exp(2 * np.sin(np.arange(n) / 58)) + rng.normal(0, 3, n), 1),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_series_have_no_shift(name):
    """Nothing is found in 60 series of each sort but once by chance."""
    make, season = ORDINARY[name]
    rng = np.random.default_rng(11)
    series = [make(rng, length) for length in (60, 150, 700) for _ in range(20)]
    assert len(level_shifts(*flat(*series), season=season).row) <= 1


def test_an_outage_is_no_new_level():
    """A level that comes back was left for a while only."""
    series = np.random.default_rng(0).normal(100, 1, 300)
    series[200:225] = 3
    assert not len(shifts_of(series).row)


def test_only_rows_before_the_origin_count(monkeypatch):
    """Later rows change nothing, in one block or in several; values left out make no level."""
    series = [walk(300, seed=seed) for seed in range(5)]
    series[1][200:] /= 10
    series[3][250:] /= 10
    values, observed, offsets, _ = flat(*series)
    known = np.array([300, 240, 0, 250, 20])
    whole = level_shifts(values, observed, offsets, known, season=7)
    assert (whole.series.tolist(), whole.row.tolist()) == ([1], [200])
    monkeypatch.setattr(blocks, "BLOCK", 400)
    other = level_shifts(with_garbage(values, offsets, known), observed, offsets, known, season=7)
    for one, two in zip(whole, other, strict=True):
        np.testing.assert_array_equal(one, two)
    new = np.zeros(len(values), bool)
    new[offsets[1] + 200 : offsets[2]] = True
    assert not len(level_shifts(values, observed, offsets, known, left_out=new).row)


@pytest.mark.parametrize("factor", [0.1, 1000.0])
@pytest.mark.parametrize("season", [1, 7])
def test_a_change_of_unit_is_a_ratio_whatever_season_is_looked_for(factor, season):
    """Steps that became small with the level are not drowned in what a season of the old level leaves."""
    series = walk(150, seed=0)
    series[-20:] *= factor
    values, observed, offsets, known = flat(series)
    shifts = level_shifts(values, observed, offsets, known, season=season)
    assert shifts.row.tolist() == [130]
    assert shifts.is_ratio.tolist() == [True]
    steps = np.abs(np.diff(spliced(values, offsets, shifts)))
    assert steps[:129].mean() < 3 * steps[130:].mean()


def test_a_jump_that_happened_once():
    """Found however few rows follow, with the step at it; neither a season of steps nor noise has one."""
    series = walk(150, seed=2)
    series[-2:] *= 0.5
    daily = 20 + 30 * (np.arange(150) % 24 > 7) + walk(150, start=0, step=0.1)
    garch = np.random.default_rng(0).standard_t(4, 150)
    values, observed, offsets, known = flat(series, daily, garch, series[:149] + 0)
    found = lone_jumps(values, observed, offsets, known, np.array([True, False, False, False]))
    assert (found.series.tolist(), found.row.tolist()) == ([0, 3], [148, 148])
    assert (found.before[0], found.after[0]) == pytest.approx((series[147], series[148]))
    assert found.is_ratio.tolist() == [True, False]
    assert not len(lone_jumps(values, observed, offsets, known - 2, known > 0).row)
