"""The season of the year in daily series: found where it is, and nowhere else."""

import dataclasses

import numpy as np
import pytest
from panels import DAY, panel_of, with_garbage

from forecaster.features import yearly_season as module
from forecaster.features.yearly_season import LEAST_WEEKS, WAVES, YEAR, yearly_season

TWO_YEARS = 7 * LEAST_WEEKS


def year(rows, size=5.0, first=0):
    """A season (n,) of two waves, from day `first` of 1970 on."""
    t = 2 * np.pi * (np.arange(rows) + first) / YEAR
    return size * np.cos(t - 1) + 0.2 * size * np.sin(2 * t)


def weather(rng, rows, memory=0.8):
    """Autocorrelated noise (n,) of deviation one."""
    shocks = rng.normal(0, np.sqrt(1 - memory**2), rows)
    values = np.zeros(rows)
    for t in range(1, rows):
        values[t] = memory * values[t - 1] + shocks[t]
    return values


def fit(*series, origins=None, days_a_week=7):
    """The panel, and the fitted season."""
    panel = panel_of(*series)
    origins = panel.lengths if origins is None else np.asarray(origins)
    return panel, yearly_season(panel, panel.target, origins, days_a_week)


def in_use(season):
    """Which series have a season (S,)."""
    return season.coefficients.any(axis=1)


@pytest.mark.parametrize("rows", [TWO_YEARS, 900, 1100, 2500])
def test_a_season_is_found(rows):
    """Beside a week, a trend and weather: within a fifth of its size over the next two months."""
    rng = np.random.default_rng(rows)
    week = np.resize([0, 0, 0, 0, 0, 3.0, 4.0], rows)
    values = 10 + year(rows) + week + 0.002 * np.arange(rows) + weather(rng, rows)
    panel, season = fit(values)
    ahead = season.ahead(panel, np.array([0]), panel.lengths, 60, 7)[0]
    actual = year(rows + 60)[rows:]
    change = ahead - ahead[0] - (actual - actual[0])
    assert np.abs(change).max() < 1.0


@pytest.mark.parametrize("rows", [TWO_YEARS, 1100, 2000])
def test_wandering_series_have_none(rows):
    """Levels that wander look like a season by chance in few series of two years, in hardly any of more."""
    rng = np.random.default_rng(1)
    walks = np.cumsum(rng.normal(size=(300, rows)), axis=1)
    _, season = fit(*walks)
    assert in_use(season).mean() < (0.05 if rows == TWO_YEARS else 0.02)


def test_noise_has_none():
    """A season that the weather hides is left alone: forecasts stay byte for byte what they were."""
    rng = np.random.default_rng(2)
    panel, season = fit(*(weather(rng, 1100) for _ in range(100)))
    assert in_use(season).mean() < 0.03
    none = dataclasses.replace(season, coefficients=np.zeros_like(season.coefficients))
    x = panel.target
    assert none.without(x, panel, panel.lengths, 100) is x


def test_less_than_two_years():
    """One week less, and there is nothing to compare a year with."""
    _, season = fit(year(TWO_YEARS - 1), year(TWO_YEARS), year(30))
    assert in_use(season).tolist() == [False, True, False]


def test_a_single_event_is_no_season():
    """A step, a holiday season of one year and a lone spike do not come back."""
    rng = np.random.default_rng(3)
    step, spike, once = (weather(rng, 1100) for _ in range(3))
    step[500:] += 20
    spike[700] = 1e6
    once[300:360] += 15
    _, season = fit(step, spike, once)
    assert not in_use(season).any()


def test_gaps():
    """A fifth of the days, or three months of one year, may be unknown; most of a year may not."""
    rng = np.random.default_rng(4)
    rows = 1100
    some, block, most = (year(rows) + 0.5 * weather(rng, rows) for _ in range(3))
    some[rng.random(rows) < 0.2] = np.nan
    block[400:490] = np.nan
    most[100:800] = np.nan
    panel, season = fit(some, block, most, np.full(rows, np.nan), np.full(rows, 7.0))
    assert in_use(season).tolist() == [True, True, False, False, False]
    ahead = season.ahead(panel, np.arange(2), panel.lengths[:2], 60, 7)
    actual = year(rows + 60)[rows:]
    assert np.abs(ahead - ahead[:, :1] - (actual - actual[0])).max() < 1.5


def test_nothing_after_the_origin_is_read():
    """Neither for the waves nor for what is taken from the past."""
    rng = np.random.default_rng(5)
    panel = panel_of(*(year(1300) + weather(rng, 1300) for _ in range(3)))
    origins = np.array([1100, 800, 1299])
    before = yearly_season(panel, panel.target, origins, 7)
    changed = with_garbage(panel, origins)
    after = yearly_season(changed, changed.target, origins, 7)
    assert in_use(before).all()
    assert np.array_equal(before.coefficients, after.coefficients)
    one = before.without(panel.target, panel, origins, 182)
    two = after.without(changed.target, changed, origins, 182)
    for number, origin in enumerate(origins):
        rows = slice(panel.offsets[number], panel.offsets[number] + origin)
        assert np.array_equal(one[rows], two[rows])


def test_no_series_changes_another(monkeypatch):
    """Alone, in a table, in other blocks: the same waves."""
    rng = np.random.default_rng(6)
    every = [year(rows) + weather(rng, rows) for rows in (800, 1500, 801, 800, 2600, 100)]
    together = fit(*every)[1].coefficients
    monkeypatch.setattr(module, "BLOCK", 1)
    assert np.allclose(fit(*every)[1].coefficients, together, rtol=1e-9)
    for number, values in enumerate(every):
        assert np.allclose(fit(values)[1].coefficients[0], together[number], rtol=1e-9)


def test_the_newest_rows_lose_their_season():
    """The others keep it, and what is taken is what comes back ahead."""
    panel, season = fit(year(1100), year(300))
    left = season.without(panel.target, panel, panel.lengths, 182)
    assert np.abs(left[1100 - 182 : 1100]).max() < 0.5
    assert np.array_equal(left[: 1100 - 182], panel.target[: 1100 - 182])
    assert np.array_equal(left[1100:], panel.target[1100:])
    taken = panel.target[1099] - left[1099]
    ahead = season.ahead(panel, np.array([0]), np.array([1099]), 1, 7)
    assert ahead[0, 0] == pytest.approx(taken)


def test_open_days():
    """Five rows a week: the year is that of the dates."""
    rows = 5 * LEAST_WEEKS + 200
    day = np.arange(rows) // 5 * 7 + np.arange(rows) % 5
    values = year(day[-1] + 1)[day]
    panel = dataclasses.replace(panel_of(values), time=day * DAY)
    season = yearly_season(panel, panel.target, panel.lengths, 5)
    ahead = season.ahead(panel, np.array([0]), panel.lengths, 40, 5)[0]
    actual = year(day[-1] + 57, first=0)[day[-1] + 1 :: 7]
    assert np.abs(ahead[::5][:8] - actual[:8]).max() < 0.5


def test_waves_are_those_of_the_year():
    """Cosines, then sines, of one to three waves a year."""
    quarter = np.array([[0, round(YEAR / 4 * DAY)]])
    waves = module._waves(quarter)
    assert waves.shape == (1, 2, 2 * WAVES)
    assert np.allclose(waves[0], [[1, 1, 1, 0, 0, 0], [0, -1, 0, 1, 0, -1]], atol=1e-6)
