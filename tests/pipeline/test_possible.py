"""Forecasts that could happen and intervals that hold, on series that tempt to nonsense, from file to bounds.

Trainings are tiny: what is tested holds whatever the networks learned.
"""

import numpy as np
import pandas as pd
import pytest
from flat import sunshine, temperature, walk

from forecaster.config import Options
from forecaster.forecasting.forecast import forecast
from forecaster.pipeline.train import train


def forecast_of(series, *, freq="D", horizon=7, start="2024-01-01", **options):
    """The forecast of {id: values} by a model that was trained on them for a moment."""
    table = pd.concat(
        [
            pd.DataFrame({"id": name, "ds": pd.date_range(start, periods=len(y), freq=freq), "y": y})
            for name, y in series.items()
        ],
        ignore_index=True,
    )
    tiny = Options(horizon=horizon, steps=20, hidden=8, members=1, workers=1, **options)
    result = train(table, tiny)
    found = forecast(result.model, result.loaded.panel)
    bounds = np.concatenate([found.lower[::-1], found.point[None], found.upper])  # 95, 80, point, 80, 95
    assert np.isfinite(bounds).all()
    assert "circular" in options or (np.diff(bounds, axis=0) >= 0).all()
    return found


@pytest.mark.parametrize(("factor", "seed"), [(0.1, 0), (0.1, 5), (1000.0, 0), (4.5, 1)])
def test_after_a_change_of_level_all_starts_from_the_new_one(factor, seed):
    """A random walk whose last twenty rows are in another unit: forecast and interval are as usual there."""
    series = walk(150, seed=seed)
    series[-20:] *= factor
    found = forecast_of({"pressure": series})
    step = factor * 1.0
    assert np.abs(found.point - series[-1]).max() < 3 * step
    assert found.upper[1].max() - series[-1] < 12 * step
    assert series[-1] - found.lower[1].min() < 12 * step
    assert (found.upper[1] - found.lower[1]).min() > step


@pytest.mark.parametrize("factor", [0.1, 1.5, 10.0])
@pytest.mark.parametrize("rows", [3, 4, 5])
def test_a_new_level_of_a_few_rows_is_no_usual_error(factor, rows):
    """A level that is too new to be named makes the intervals no wider than the steps at either level."""
    series = walk(150, seed=1)
    series[-rows:] *= factor
    found = forecast_of({"pressure": series})
    step = max(factor, 1.0)
    assert np.abs(found.point - series[-1]).max() < 5 * step
    assert (found.upper[1] - found.lower[1]).max() < 30 * step
    assert (found.upper[1] - found.lower[1]).min() > 0.5 * min(factor, 1.0)


def test_a_jump_of_a_price_is_where_it_goes_on():
    """The newest price, half as high again as the one before, is no impossible value."""
    series = walk(300, step=2.0, seed=0)
    series[-1] *= 1.5
    found = forecast_of({"share": series})
    assert np.abs(found.point - series[-1]).max() < 10


def test_a_broken_reading_a_day_ago_is_not_forecast():
    """The half hour at which a thermometer failed yesterday is forecast like its neighbours."""
    series = {name: temperature(10, a_day=48, seed=3) for name in "abc"}
    for values, sentinel in zip(series.values(), (-127.0, -999.0, 85.0), strict=True):
        values[-48 + 3] = sentinel
    found = forecast_of(series, freq="30min", horizon=8)
    newest = np.array([values[-1] for values in series.values()])[:, None]
    assert np.abs(np.diff(found.point, axis=1)).max() < 2.0
    assert np.abs(found.point - newest).max() < 6.0
    assert (found.upper[1] - found.lower[1]).max() < 6.0


def test_a_broken_reading_among_the_newest_rows_widens_nothing():
    """A sentinel in what is held out to measure errors is no error of a forecast."""
    series = walk(150, start=20, step=1.0, seed=1)
    series[-3] = -999.0
    found = forecast_of({"t": series})
    walked = 2 * 1.96 * np.sqrt(np.arange(1, 8))
    assert (found.upper[1, 0] - found.lower[1, 0] < 1.5 * walked).all()
    assert np.abs(found.point - series[-1]).max() < 3.0


def test_no_light_at_night():
    """Of a solar plant, nights are zero with both bounds, noon is not, and nothing is below zero."""
    found = forecast_of({"pv": sunshine(20)}, freq="h", horizon=24)
    night = (np.arange(24) <= 6) | (np.arange(24) >= 18)
    bounds = np.stack([*found.lower, found.point, *found.upper])[:, 0]
    assert (bounds[:, night] == 0).all()
    assert (bounds >= 0).all()
    width = found.upper[0, 0] - found.lower[0, 0]
    assert (width[~night] > 0).all()
    assert width[12] > 1.5 * width[7]  # noon is less sure than the first hour of light
    assert found.point[0, 12] > 500


def test_humidity_stays_a_percentage():
    """A series that knows 100 never passes it, and its bound can be reached."""
    rng = np.random.default_rng(0)
    hour = np.arange(24 * 20)
    series = np.clip(80 + 15 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 10, len(hour)), 0, 100)
    found = forecast_of({"humidity": series}, freq="h", horizon=24)
    assert found.upper.max() == 100.0
    assert found.lower.min() >= 0.0
    assert np.ptp(found.point) > 5.0


def test_counts_are_whole_and_not_negative():
    """Counts that fall to zero stay there; forecast and bounds are numbers that can be counted."""
    rng = np.random.default_rng(0)
    falling = np.maximum(0, np.linspace(100, 8, 70) + rng.normal(0, 3, 70)).round()
    found = forecast_of({"falling": falling, "steady": rng.poisson(3.0, 70)}, horizon=14)
    for values in (found.point, found.lower, found.upper):
        assert (values >= 0).all()
        assert (values == np.rint(values)).all()
    assert found.upper[1, 1].max() < 15


def test_counts_that_fall_to_zero_are_not_certain_there():
    """Where a line through whole numbers reaches zero, the forecast stops, and the interval is above it."""
    found = forecast_of({"orders": [7, 5, 6, 4, 3, 4, 2, 3, 1], "stock": [41, 33, 30, 22, 19, 11, 6, 3, 2]})
    assert (found.lower >= 0).all()
    assert (found.upper[1] >= 1).all()


def test_nights_of_a_solar_inverter():
    """At night it draws 0.3 W: forecasts and bounds are that, and never below it by day."""
    sun = np.round(sunshine(30), 1)
    found = forecast_of({"power": np.where(sun > 0, sun, -0.3)}, freq="h", horizon=24)
    assert found.lower.min() == -0.3
    assert (found.point[0, :5] == -0.3).all()


def test_a_saturated_sensor_stays_at_its_end():
    """A converter of twelve bits that often shows 4095 never shows more, nor do its bounds."""
    hours = np.arange(24 * 30)
    rng = np.random.default_rng(0)
    raw = 3800 + 400 * np.sin(hours * 2 * np.pi / 24) + rng.normal(0, 40, len(hours))
    found = forecast_of({"raw": np.minimum(raw, 4095).round()}, freq="h", horizon=24)
    assert found.upper.max() == found.point.max() == 4095


def test_rare_demand_is_expected_and_counted():
    """Where one day in eight has any, the forecast is the mean of a day, and bounds are whole numbers."""
    rng = np.random.default_rng(1)
    demand = (rng.random(365) < 0.12) * rng.poisson(5, 365)
    found = forecast_of({"part": demand}, horizon=14)
    assert (found.lower == 0).all()
    assert (found.upper == np.rint(found.upper)).all()
    assert (found.upper[1] >= 1).all()
    assert 0 <= found.point.min() <= found.point.max() <= 2


def test_directions_stay_within_one_turn():
    """A wind that passes north again and again has directions from 0 to 360, with both bounds."""
    direction = np.mod(walk(24 * 20, start=0, step=20, seed=4), 360)
    found = forecast_of({"wind": direction}, freq="h", horizon=24, circular=360.0)
    for values in (found.point, found.lower, found.upper):
        assert ((values >= 0) & (values <= 360)).all()


def test_a_steady_north_wind_has_a_narrow_interval():
    """Around north the forecast is near north, not south, and its interval passes north."""
    rng = np.random.default_rng(0)
    away = 6 * np.convolve(rng.normal(size=500), np.ones(6) / 6**0.5, "valid")
    train_on = {"wind": np.rint(away) % 360, "signed": (np.rint(away) + 180) % 360 - 180}
    found = forecast_of(train_on, freq="h", horizon=24, circular=360.0)
    assert (np.abs((found.point + 180) % 360 - 180) < 20).all()
    width = (found.upper - found.lower) % 360
    assert ((width > 5) & (width < 90)).all()
    inside = (found.point - found.lower) % 360 <= width
    assert inside.all()
    assert (found.lower > found.upper).any()  # from 350, say, up to 10
    lower, upper = found.bands(0)[95]
    assert (lower <= found.point[0]).all() and (found.point[0] <= upper).all()


def test_what_a_user_says_is_kept_to():
    """Limits that are set hold for forecast and bounds of every series."""
    rng = np.random.default_rng(0)
    series = {"a": 5 + rng.normal(size=60), "b": 100 + rng.normal(size=60).cumsum()}
    series = {name: np.rint(np.clip(values, 4, 99)) for name, values in series.items()}
    found = forecast_of(series, lower=4.0, upper=99.0)
    for values in (found.point, found.lower, found.upper):
        assert ((values >= 4) & (values <= 99)).all()
        assert (values == np.rint(values)).all()


def test_a_counter_never_falls():
    """The reading of a meter is at least its last one, step by step, with both bounds."""
    meter = np.cumsum(sunshine(15))
    found = forecast_of({"meter": meter}, freq="h", horizon=24)
    for values in (found.point, *found.lower, *found.upper):
        assert (values >= meter[-1]).all()
        assert (np.diff(values, axis=-1) >= 0).all()


def test_a_rest_is_no_certainty():
    """A series that was flat for long keeps the width of its own longer past, and one of a single row gets
    that of its kind."""
    rng = np.random.default_rng(0)
    resting = 8 + 0.3 * rng.normal(size=120)
    resting[-44:] = resting[-45]
    moving = 100 + rng.normal(size=120).cumsum()
    found = forecast_of({"a": moving, "b": resting, "c": [9.0]})
    width = found.upper[1] - found.lower[1]
    assert (width[1] > 0.2).all()
    assert (width[1] < 6.0).all()
    assert (width[2] > 0.05).all()
    assert (width[2] < 9.0).all()


def test_levels_and_steps_belong_together():
    """Of 250 daily prices the 95 % interval is clearly wider than the 80 % one at each step; both widen."""
    price = 30 * np.exp(walk(250, start=0, step=0.02))
    found = forecast_of({"P": price}, freq="B", horizon=10)
    width = (found.upper - found.lower)[:, 0]
    assert (width[1] / width[0] > 1.2).all()
    assert (np.diff(width, axis=1) > 0).all()
    daily = 30 * 0.02 * np.exp(np.log(price[-1] / 30))
    assert width[1, 0] == pytest.approx(2 * 1.96 * daily, rel=0.35)


def test_a_series_keeps_its_own_intervals_in_mixed_company():
    """A pH that never left 7.47 … 7.56 stays near it, whatever else the table holds."""
    rng = np.random.default_rng(0)
    ph = np.zeros(240)
    for row in range(1, 240):
        ph[row] = 0.95 * ph[row - 1] + rng.normal(0, 0.006)
    ph = np.clip(7.515 + ph, 7.47, 7.56)
    others = {"turbidity": rng.lognormal(1.5, 0.6, 240), "z": 200 * np.exp(walk(240, start=0, step=0.05))}
    alone = forecast_of({"ph": ph}, freq="h", horizon=12)
    mixed = forecast_of({"ph": ph} | others, freq="h", horizon=12)
    assert mixed.lower[1, 0].min() > 7.3
    assert mixed.upper[1, 0].max() < 7.7
    width, usual = ((each.upper[1] - each.lower[1])[0] for each in (mixed, alone))
    assert ((width < 2 * usual) & (width > usual / 2)).all()


def test_one_zero_changes_the_scale_of_no_other_series():
    """A zero in one of thirty monthly series leaves the scales, forecasts and bounds of the others as they
    are, to within what one network for all brings."""
    rng = np.random.default_rng(0)
    month = np.arange(72)
    series = {
        f"s{number:02d}": 300
        * np.exp(0.01 * month + 0.2 * np.sin(month * np.pi / 6) + rng.normal(0, 0.05, 72))
        for number in range(30)
    }
    whole = forecast_of(series, freq="MS", horizon=6)
    series["s07"] = np.where(month == 40, 0.0, series["s07"])
    changed = forecast_of(series, freq="MS", horizon=6)
    others = np.arange(30) != 7
    assert changed.distribution.log[others].all()
    assert whole.distribution.log.all()
    for name in ("point", "lower", "upper"):
        one, other = (getattr(each, name)[..., others, :] for each in (whole, changed))
        np.testing.assert_allclose(other, one, rtol=0.05, err_msg=name)
    assert np.abs(changed.point[7] / whole.point[7] - 1).max() < 0.5
