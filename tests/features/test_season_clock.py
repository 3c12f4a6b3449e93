"""Seasons count on the local clock: what happens at seven happens at seven after the clocks change too."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import panel_of

from forecaster.config import Options, ReadConfig
from forecaster.features.season_clock import SeasonClock
from forecaster.features.transform import fit_each
from forecaster.forecasting.forecast import forecast
from forecaster.pipeline.train import train

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = "2024-03-31", "2024-10-27"


def times(start, rows, freq="h", tz=BERLIN):
    """Consecutive rows of local time, without the hour that is skipped and with that which comes twice."""
    return pd.date_range(pd.Timestamp(start, tz=tz), periods=rows, freq=freq)


def zoned(values, start, *, freq="h", tz=BERLIN, seasons=(24,)):
    """A panel of one series from a local time on."""
    panel = panel_of(values, seasons=seasons, alias=freq)
    when = times(start, len(values), freq, tz or "UTC").tz_convert("UTC").as_unit("ns").asi8
    return dataclasses.replace(panel, time=when, names=dataclasses.replace(panel.names, tz=tz))


def load_step(when):
    """A load that doubles at 7:00 on the local clock and halves at 20:00."""
    return np.where((when.hour >= 7) & (when.hour < 20), 20.0, 10.0)


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_positions_are_hours_of_the_local_day(change):
    """Before and after a change of the clocks the position is that of the wall clock, seen or forecast."""
    start = pd.Timestamp(change) - pd.Timedelta(days=3)
    when = times(start, 24 * 6)
    panel = zoned(np.arange(24.0 * 6), start)
    clock = SeasonClock(panel)
    assert clock.local
    hour = when.hour.to_numpy()
    first = clock.rows(slice(0, 1), np.zeros(1, np.int64), 24)[0] - hour[0]
    place = clock.rows(slice(None), np.arange(len(when)), 24)
    np.testing.assert_array_equal((place - first) % 24, hour)
    origins = np.array([24, 60, 70, 100])  # before, at and after the change
    ahead = clock.ahead(np.zeros(4, np.int64), origins, 40, 24)
    for row, origin in enumerate(origins):
        np.testing.assert_array_equal(ahead[row], place[origin : origin + 40])
    counted = SeasonClock(panel, local=False).rows(slice(None), np.arange(len(when)), 24)
    assert (counted != place).any()


@pytest.mark.parametrize("tz", [None, "UTC"])
def test_without_a_zone_rows_are_counted(tz):
    """Where clocks never change positions count from the first row, and so they do for steps of a day."""
    clock = SeasonClock(zoned(np.arange(60.0), "2024-03-29", tz=tz))
    assert not clock.local
    assert clock.rows(slice(0, 30), np.arange(30), 24).tolist() == [*range(24), *range(6)]
    days = SeasonClock(zoned(np.arange(60.0), "2024-03-01", freq="D", seasons=(7,)))
    assert not days.local
    assert days.ahead(np.array([0]), np.array([60]), 3, 7).tolist() == [[4, 5, 6]]


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_a_season_is_put_back_at_its_hour(change):
    """What is removed before the change comes back after it at the same time of the wall clock."""
    start = pd.Timestamp(change) - pd.Timedelta(days=9)
    when = times(start, 24 * 11)
    values, origin = load_step(when), 24 * 9
    fitted = fit_each(
        zoned(values[:origin], start), np.array([origin]), power=np.ones(1), seasons=(24,), horizon=36
    )
    component = fitted.seasonal_component(np.array([0]), np.array([origin]), 36)[0]
    np.testing.assert_allclose(np.sign(component), np.where(values[origin : origin + 36] > 15, 1, -1))


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_a_load_step_stays_at_seven(change):
    """From the evening before the clocks change, the next day's step is forecast for 7:00, not for 6 or 8."""
    start = pd.Timestamp(change) - pd.Timedelta(days=15)
    rows = 24 * 14 + 20
    when = times(start, rows + 24)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"ds": when[:rows], "load": load_step(when)[:rows] + 0.1 * rng.normal(size=rows)})
    options = Options(horizon=24, steps=20, hidden=8, members=1, workers=1)
    result = train(table, options, ReadConfig(tz=BERLIN))
    found = forecast(result.model, result.loaded.panel)
    assert result.loaded.panel.names.tz == BERLIN
    expected = load_step(when[rows:])
    assert (np.abs(found.point[0] - expected) < 3.0).all(), np.round(found.point[0], 1)


def test_positions_in_sessions_skip_closed_days_and_stay_at_their_bar():
    """After a holiday, a row of sessions has the position of its weekday and hour, seen or forecast."""
    days = pd.bdate_range("2024-01-01", "2024-01-26").difference(pd.DatetimeIndex(["2024-01-10"]))
    when = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in days for hour in range(9, 16)])
    panel = panel_of(np.arange(float(len(when))), seasons=(7, 35), alias="h@Mon-Fri/09:00-15:00")
    panel = dataclasses.replace(panel, time=when.as_unit("ns").asi8)
    clock = SeasonClock(panel)
    rows = np.arange(len(when))
    expected = when.day_of_week * 7 + when.hour - 9
    np.testing.assert_array_equal(clock.rows(slice(None), rows, 35), expected)
    np.testing.assert_array_equal(clock.rows(slice(None), rows, 7), when.hour - 9)
    ahead = clock.ahead(np.zeros(2, np.int64), np.array([30, len(when) - 10]), 45, 35)
    np.testing.assert_array_equal(ahead[0], expected[30:75])
    np.testing.assert_array_equal(ahead[1], np.r_[expected[-10:], np.arange(35)])
    counted = SeasonClock(panel, local=False).rows(slice(None), rows, 35)
    assert (counted[60:] != expected[60:]).all()
