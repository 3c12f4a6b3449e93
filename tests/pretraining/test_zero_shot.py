"""Forecasts of series that a network sees for the first time, whatever their season, length and values."""

import dataclasses
import tracemalloc
from functools import lru_cache

import numpy as np
import pytest
from panels import panel_of, wavy, with_garbage
from stand_ins import stand_in

from forecaster.data.calendar.frequency import frequency
from forecaster.pretraining import zero_shot as module
from forecaster.pretraining.inputs import seasonal
from forecaster.pretraining.network import LEVELS, SCORES, SIDE, quantiles
from forecaster.pretraining.store import load
from forecaster.pretraining.views import view_of
from forecaster.pretraining.zero_shot import networks_for, unit_of, zero_shot

ALIASES = (
    "YS",
    "QS",
    "6MS",
    "MS",
    "D",
    "B",
    "B-1111110",
    "W",
    "SMS",
    "h",
    "15min",
    "2h",
    "3h",
    "7min",
    "100ms",
)
aliases = pytest.mark.parametrize("alias", ALIASES)
networks = lru_cache(stand_in)


def panel_like(alias, *series):
    """A panel of these series with the frequency of an alias."""
    return panel_of(*series, seasons=frequency(alias).seasonalities, alias=alias)


def series_of(alias, rng):
    """Series of several lengths, with gaps, zeros and values below zero."""
    season = min(frequency(alias).season, 96)
    long = 6 * season + 5
    yield wavy(rng, long, season=season)
    yield wavy(rng, 3 * season + 2, season=season, gaps=0.2)
    yield wavy(rng, long, season=season, level=1e-4, trend=0)
    yield rng.poisson(0.4, long).astype(float)
    yield wavy(rng, long, season=season) - 21
    yield 1e9 * wavy(rng, 7, season=season)


def forecast(panel, horizon=5, origins=None, price=None):
    """Quantiles (Q, S, H), by default of series that are no prices, from their newest rows."""
    origins = panel.lengths if origins is None else np.asarray(origins)
    price = np.zeros(len(panel), bool) if price is None else np.asarray(price)
    return zero_shot(panel, origins, horizon, networks, price=price)


def assert_sane(result):
    """Every quantile is finite, and they rise with their level."""
    assert np.isfinite(result).all()
    assert (np.diff(result, axis=0) >= 0).all()


@aliases
def test_every_frequency_is_forecast(alias):
    """Quantiles (Q, S, H) of any series, beyond the horizon of the network too."""
    panel = panel_like(alias, *series_of(alias, np.random.default_rng(0)))
    for horizon in (1, 61):
        result = forecast(panel, horizon)
        assert result.shape == (len(LEVELS), len(panel), horizon)
        assert_sane(result)


@aliases
def test_rows_after_the_origin_change_nothing(alias):
    """What comes later may be anything: no forecast sees it."""
    panel = panel_like(alias, *series_of(alias, np.random.default_rng(1)))
    origins = np.array([panel.lengths[0] - 9, 11, 10, 12, panel.lengths[4] - 1, 3])
    before = forecast(panel, 7, origins)
    price = np.arange(len(panel)) == 0
    walk = forecast(panel, 7, origins, price)
    for seed in range(3):
        changed = with_garbage(panel, origins, seed=seed)
        assert np.array_equal(forecast(changed, 7, origins), before)
        assert np.array_equal(forecast(changed, 7, origins, price), walk)


@aliases
def test_a_series_alone_is_as_in_a_table(alias):
    """No series changes the forecast of another, wherever it stands."""
    every = list(series_of(alias, np.random.default_rng(2)))
    together = forecast(panel_like(alias, *every), 6)
    for number, values in enumerate(every):
        alone = forecast(panel_like(alias, values), 6)[:, 0]
        assert np.allclose(alone, together[:, number], rtol=1e-4, atol=1e-6 * np.nanmax(np.abs(values)))


@aliases
def test_blocks_change_nothing(alias, monkeypatch):
    """Series that are forecast three at a time get the same forecasts."""
    panel = panel_like(alias, *series_of(alias, np.random.default_rng(3)))
    whole = forecast(panel, 6)
    monkeypatch.setattr(module, "BLOCK", 1)
    assert np.allclose(forecast(panel, 6), whole, rtol=1e-4, atol=1e-6)
    monkeypatch.setattr(module, "BLOCK", 2048)
    monkeypatch.setattr(module, "MOST_VALUES", 1)
    assert np.allclose(forecast(panel, 6), whole, rtol=1e-4, atol=1e-6)


@aliases
@pytest.mark.parametrize(
    "values",
    [[5.0], [0.0], [-3.0], [1e12], [1e-12], [5.0, 5.0], [0.0] * 40, [7.0] * 40, [-7.0] * 40, [np.nan, 4.0],
     [4.0, np.nan], [1.0, -1.0] * 20, [0.0] * 39 + [1.0], [np.nan] * 30 + [2.0, 3.0]],
    ids=str,
)  # fmt: skip
def test_hardly_anything_is_known(alias, values):
    """One row, constants, zeros, values below zero and gaps give finite quantiles around what was seen."""
    result = forecast(panel_like(alias, np.array(values)), 9)
    assert_sane(result)
    known = np.array(values)[np.isfinite(values)]
    size = np.abs(known).max() + 1e-5
    assert (np.abs(result[SIDE, 0] - known.mean()) <= 30 * size).all()


def test_without_a_known_row_there_is_no_forecast():
    """Series that have not begun at the origin, or hold nothing, are NaN; the others are forecast."""
    panel = panel_like("D", np.arange(30.0), np.arange(30.0), np.full(30, np.nan))
    result = forecast(panel, 4, [30, 0, 30])
    assert np.isfinite(result[:, 0]).all()
    assert np.isnan(result[:, 1:]).all()
    hours = panel_like("h", np.arange(30.0), np.full(30, np.nan))
    assert np.isnan(forecast(hours, 4)[:, 1]).all()
    assert np.isfinite(forecast(hours, 4)[:, 0]).all()


@pytest.mark.parametrize("alias", ["MS", "D", "h", "W"])
def test_a_long_gap_before_the_origin(alias):
    """Where nothing was seen for a whole season the forecast goes on from what was known before."""
    season = min(frequency(alias).season, 52)
    values = wavy(np.random.default_rng(4), 6 * season, season=season)
    values[-season - 3 :] = np.nan
    assert_sane(forecast(panel_like(alias, values), 5))


@aliases
def test_a_gap_longer_than_what_a_network_sees(alias):
    """From within such a gap, as in a backtest, the newest known value is all that is left to say."""
    view = view_of(frequency(alias))
    rows = module.LONGEST[view.kind] * module.STEP[view.kind] * view.rows
    values = np.concatenate([[3.0, np.nan, 4.0, 8.0], np.full(rows + 1, np.nan), [5.0]])
    result = forecast(panel_like(alias, values, np.arange(1.0, 40.0)), 3, [len(values) - 1, 39])
    assert_sane(result)
    assert (result[:, 0] == 8).all()


@pytest.mark.parametrize("alias", ["YS", "QS", "MS", "D", "h"])
def test_longer_horizons_begin_as_shorter_ones(alias):
    """A longer horizon is rolled: its first steps are those of a shorter one, and no stretch is narrower than
    the end of the one before.
    """
    panel = panel_like(alias, *series_of(alias, np.random.default_rng(5)))
    network = networks(view_of(panel.frequency).kind)
    ahead, step = network.design.horizon, module.STEP[network.kind]
    long = forecast(panel, 3 * ahead + 1)
    assert_sane(long)
    for horizon in (1, ahead, ahead + 1):
        assert np.allclose(long[:, :, :horizon], forecast(panel, horizon), rtol=1e-6)
    level = np.random.default_rng(6).normal(size=(3, 5 * step))

    def prepare(past, horizon, dtype):
        return (module.daily.prepare(past, horizon, dtype) if network.kind == "hours"
                else seasonal.prepare(past, step, horizon, dtype))  # fmt: skip

    rolled = module._rolled(level, 4 * ahead, network, prepare, step, 40)
    widths = np.abs(rolled - rolled[SIDE])
    for start in range(ahead, 4 * ahead, ahead):
        before = widths[:, :, start - step : start].mean(axis=2, keepdims=True)
        assert (widths[:, :, start : start + ahead] >= before - 1e-9).all()


def said(network, values, season, horizon):
    """The quantiles (Q, H) of a network of a series as it sees it."""
    sample = seasonal.prepare(values[None], season, horizon)
    q = quantiles(network.design, network.network.predict(sample.inputs), sample)
    return q[:, :, 0] * sample.scale[0] + sample.centre[0]


def test_quarterly_series_against_the_network():
    """The forecast is what the network says of the series in roots, brought back."""
    values = wavy(np.random.default_rng(7), 60, season=4)
    result = forecast(panel_like("QS", values), 8)[:, 0]
    roots = np.sqrt(values)
    unit = roots.mean() / 2
    expected = (said(networks("season_4"), roots / unit, 4, 8) * unit) ** 2
    assert np.allclose(result, expected, rtol=1e-5)


def test_monthly_series_against_the_network():
    """The forecast averages what the network says, in logarithms, from the origin and rows before it."""
    values = np.log(wavy(np.random.default_rng(7), 84, season=12))
    result = forecast(panel_like("MS", np.exp(values)), 20)[:, 0]
    network, expected = networks("season_12"), np.zeros((len(LEVELS), 20))
    for back, weight in enumerate((0.5, 0.25, 0.15, 0.1)):
        past = np.concatenate([np.full(back, np.nan), values[: 84 - back]])
        expected += weight * said(network, past, 12, 24)[:, back : back + 20]
    assert np.allclose(result, np.exp(expected), rtol=1e-5)


def test_units_of_roots_and_of_series_in_units():
    """Differences of roots and of units are divided by their size, as logarithms do it by themselves."""
    x = np.array([[1.0, -3.0, np.nan], [0.0, 0.0, 0.0], [2.0, 2.0, 5.0]])
    assert np.allclose(unit_of(x, np.array([1.0, 1.0, 0.0])), [2.0, 1.0, 1.0])
    assert np.allclose(unit_of(x, np.array([0.5, 0.5, 0.0])), [1.0, 1.0, 1.0])


@pytest.mark.parametrize("factor", [1e-3, 1e3])
@pytest.mark.parametrize("alias", ["YS", "QS", "MS", "D", "B", "W", "h", "15min"])
def test_other_units_of_measurement(alias, factor):
    """A series in grams is forecast as one in kilograms."""
    panel = panel_like(alias, *series_of(alias, np.random.default_rng(8)))
    other = panel_like(alias, *(factor * values for values in series_of(alias, np.random.default_rng(8))))
    one, two = forecast(panel, 6), forecast(other, 6)
    size = np.abs(one).max(axis=(0, 2), keepdims=True)
    assert np.allclose(two / factor / size, one / size, atol=1e-3)


@pytest.mark.parametrize(("alias", "open_days"), [("B", 5), ("B-1111110", 6)])
def test_closed_days_are_not_forecast(alias, open_days):
    """Open days are seen as weeks with closed days before them, and only open days are forecast."""
    values = wavy(np.random.default_rng(9), 8 * open_days, season=open_days)
    result = forecast(panel_like(alias, values), 2 * open_days)[:, 0]
    weeks = np.full((8, 7), np.nan)
    weeks[:, 7 - open_days :] = np.log(values).reshape(8, open_days)
    network = networks("season_7")
    sample = seasonal.prepare(weeks.reshape(1, 56), 7, 28)
    q = quantiles(network.design, network.network.predict(sample.inputs), sample)[:, :, 0]
    expected = np.exp(q * sample.scale[0] + sample.centre[0])
    steps = [7 * week + 7 - open_days + day for week in range(2) for day in range(open_days)]
    assert np.allclose(result, expected[:, steps], rtol=1e-5)


def test_an_unfinished_week_of_open_days():
    """Series whose length is no multiple of a week are aligned at the origin, not at their start."""
    values = wavy(np.random.default_rng(10), 43, season=5)
    padded = np.concatenate([[np.nan, np.nan], values])
    one, two = forecast(panel_like("B", values), 5), forecast(panel_like("B", padded), 5)
    assert np.allclose(one, two, rtol=1e-5)


def quarters(rng, days=10, noise=0.0):
    """Readings of every quarter of an hour, with a pattern within the hour."""
    row = np.arange(96 * days)
    pattern = np.tile([0.0, 3.0, -2.0, -1.0], 24 * days)
    return 50 + 5 * np.sin(2 * np.pi * row / 96) + pattern + noise * rng.normal(size=len(row))


def test_rows_within_an_hour_keep_their_pattern():
    """Hourly means are forecast, and the usual pattern within the hour is added to them."""
    values = quarters(np.random.default_rng(11))
    means = values.reshape(-1, 4).mean(axis=1)
    fine = forecast(panel_like("15min", values), 4 * 48)[SIDE, 0]
    coarse = forecast(panel_like("h", means), 48)[SIDE, 0]
    assert np.allclose(fine.reshape(-1, 4).mean(axis=1), coarse, atol=1e-3)
    within = (values.reshape(-1, 4) - means[:, None])[-24:]
    assert np.allclose(fine.reshape(2, 24, 4) - coarse.reshape(2, 24, 1), within, atol=1e-3)


def test_noise_within_an_hour_makes_quantiles_wider():
    """What varies within the hour is not in the hourly means: it adds to their uncertainty as a variance."""
    rng = np.random.default_rng(12)
    values = quarters(rng, noise=2.0)
    fine = forecast(panel_like("15min", values), 96)[:, 0]
    coarse = np.repeat(forecast(panel_like("h", values.reshape(-1, 4).mean(axis=1)), 24)[:, 0], 4, axis=1)
    away, hourly = fine - fine[SIDE], coarse - coarse[SIDE]
    added = (away**2 - hourly**2)[[0, 1, 5, 6]] / (SCORES**2)[[0, 1, 5, 6], None]
    assert np.allclose(added, added[0, 0], rtol=1e-2)
    assert added[0, 0] == pytest.approx(2.0**2 * 3 / 4, rel=0.25)
    assert np.array_equal(np.sign(away), np.sign(hourly))


def test_gaps_within_an_hour():
    """An hour with some readings is the mean of those; one without is a gap."""
    values = quarters(np.random.default_rng(13))
    values[np.random.default_rng(14).random(len(values)) < 0.3] = np.nan
    values[200:230] = np.nan
    assert_sane(forecast(panel_like("15min", values), 96))


def test_seconds_take_little_memory(monkeypatch):
    """Short series of a row a second are padded to two days, few at a time; faster ones are not."""
    monkeypatch.setattr(module, "MOST_VALUES", 2 * 24 * 3600)
    series = [np.sin(np.arange(400) / 30 + number) for number in range(12)]
    tracemalloc.start()
    assert_sane(forecast(panel_like("s", *series), 10))
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.reset_peak()
    assert_sane(forecast(panel_like("ms", *series), 10))
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.stop()


# --- prices -------------------------------------------------------------------------------------------


def walk(rng, rows, start=100.0, size=0.01):
    """A price."""
    return start * np.exp(np.cumsum(size * rng.normal(size=rows)))


@pytest.mark.parametrize("alias", ["B", "D", "h"])
def test_prices_stay_at_their_last_value(alias):
    """The median of a price is its newest known value, at every step; quantiles lie on both sides of it."""
    rng = np.random.default_rng(15)
    series = [walk(rng, 300), walk(rng, 40), walk(rng, 700)]
    series[0][-2:] = np.nan
    panel = panel_like(alias, *series)
    result = forecast(panel, 70, price=[True] * 3)
    assert_sane(result)
    last = np.array([series[0][-3], series[1][-1], series[2][-1]])
    assert np.allclose(result[SIDE], last[:, None])
    assert (result[0] < last[:, None]).all()
    assert (result[-1] > last[:, None]).all()


def test_the_range_of_prices_grows_with_the_root_of_time():
    """Beyond the horizon of the network the logarithms of quantiles go on by √h."""
    panel = panel_like("B", walk(np.random.default_rng(16), 300))
    result = np.log(forecast(panel, 80, price=[True])[:, 0])
    away = result - result[SIDE]
    assert np.allclose(away[:, 79], away[:, 19] * 2, rtol=1e-3)
    assert np.allclose(away[:, 44], away[:, 19] * 1.5, rtol=1e-3)


def test_wilder_prices_have_wider_ranges():
    """A price that moves four times as much, from any level, has quantiles four times as far away."""
    rows = 250
    calm = walk(np.random.default_rng(17), rows)
    wild = walk(np.random.default_rng(17), rows, start=0.01, size=0.04)
    result = np.log(forecast(panel_like("B", calm, wild), 5, price=[True, True]))
    away = result - result[SIDE]
    assert np.allclose(away[:, 1], 4 * away[:, 0], rtol=1e-3)


def test_short_prices_are_forecast_like_other_series():
    """With fewer than thirty returns, none that moves, or a price of zero, another network steps in."""
    rng = np.random.default_rng(18)
    series = [walk(rng, 20), np.full(100, 3.0), walk(rng, 200), np.array([5.0]), np.zeros(50)]
    panel = panel_like("B", *series)
    result = forecast(panel, 5, price=[True] * 5)
    plain = forecast(panel, 5)
    assert_sane(result)
    others = [0, 1, 3, 4]
    assert np.allclose(result[:, others], plain[:, others], rtol=1e-4)
    assert not np.allclose(result[:, 2], plain[:, 2], rtol=1e-4)


def test_prices_of_zero_are_left_out():
    """A bad print of zero, or below, is no price."""
    rng = np.random.default_rng(19)
    clean = walk(rng, 200)
    dirty = np.insert(clean, [50, 120], [0.0, -1.0])
    one, two = (forecast(panel_like("B", values), 5, price=[True]) for values in (clean, dirty))
    assert np.allclose(one, two, rtol=1e-6)


def test_networks_of_a_frequency():
    """Those that a model of this frequency may need."""
    assert [network.kind for network in networks_for(frequency("MS"))] == ["season_12"]
    assert [network.kind for network in networks_for(frequency("15min"))] == ["hours", "prices"]


def seasonal_days(rng, rows, size):
    """Daily temperatures: a year, a week and weather."""
    weather = np.convolve(rng.normal(size=rows + 20), 0.7 ** np.arange(21), "valid")
    days = np.arange(rows)
    return 12 + size * np.cos(2 * np.pi * days / 365.2425) + 0.5 * (days % 7 > 4) + weather


def yearly(kind):
    """The network of the package, which sees days without their year."""
    network = load(kind)
    assert network.yearly == (kind == "season_7")
    return network


def weekly(kind):
    """The same as models of earlier versions have it."""
    return dataclasses.replace(yearly(kind), yearly=False)


def test_the_year_in_days():
    """Three years of temperatures show the year: two months ahead errors are less than three quarters."""
    rng, ahead = np.random.default_rng(21), 60
    series = [seasonal_days(rng, rows, 10) for rows in rng.integers(1100, 1500, 40)]
    panel = panel_like("D", *(values[:-ahead] for values in series))
    price, actual = np.zeros(len(panel), bool), np.stack([values[-ahead:] for values in series])
    errors = [
        np.abs(zero_shot(panel, panel.lengths, ahead, networks, price=price)[SIDE] - actual).mean()
        for networks in (yearly, weekly)
    ]
    assert errors[0] < 0.75 * errors[1]


@pytest.mark.parametrize(("alias", "rows"), [("D", 727), ("B", 519), ("W", 300), ("h", 1500), ("MS", 800)])
def test_elsewhere_the_year_changes_nothing(alias, rows):
    """Less than two years of days, and rows that are no days, are forecast bit for bit as before."""
    values = seasonal_days(np.random.default_rng(22), rows, 10)
    panel, price = panel_like(alias, values), np.zeros(1, bool)
    one, two = (zero_shot(panel, panel.lengths, 9, networks, price=price) for networks in (yearly, weekly))
    assert np.array_equal(one, two)


def test_the_year_in_open_days():
    """Weeks of five days have a year too; longer forecasts begin as shorter ones."""
    panel = panel_like("B", seasonal_days(np.random.default_rng(23), 900, 10))
    price = np.zeros(1, bool)
    one, two = (zero_shot(panel, panel.lengths, 40, networks, price=price) for networks in (yearly, weekly))
    assert not np.allclose(one, two, rtol=0.01)
    assert_sane(one)
    assert np.allclose(zero_shot(panel, panel.lengths, 9, yearly, price=price), one[:, :, :9])


def test_years_of_odd_values():
    """Zeros, counts, limits, spikes, steps and growth of three years have sane quantiles and no warning."""
    rng, days = np.random.default_rng(24), np.arange(1100)
    year = np.cos(2 * np.pi * days / 365.2425)
    series = [np.zeros(1100), np.full(1100, 7.0), rng.poisson(3 + 2 * year), rng.poisson(0.1, 1100)]
    series += [np.maximum(year, 0), np.where(days == 400, 1e12, 10 + year), np.exp(days / 30 + year)]
    series += [np.where(days > 550, 1e6, 1) + year, np.round(10 * year), 1e-12 * (2 + year), year - 1e9]
    panel = panel_like("D", *series)
    assert_sane(zero_shot(panel, panel.lengths, 61, yearly, price=np.zeros(len(panel), bool)))


@pytest.mark.parametrize(("alias", "rows"), [("min", 60), ("s", 60), ("5min", 200), ("15min", 150)])
def test_series_of_less_than_two_days_keep_their_rows(alias, rows):
    """An hour or less of rows is no single mean: intervals have a width."""
    values = 100 + np.random.default_rng(20).normal(size=rows)
    result = forecast(panel_like(alias, values), 12)
    assert_sane(result)
    assert (result[-1] - result[0] > 0.5).all()
