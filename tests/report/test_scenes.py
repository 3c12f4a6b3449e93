"""Scenes: what a picture shows of a forecast, a backtest and the data."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluation_panel import HOUR, panel_of

from forecaster.data.load import load
from forecaster.evaluation.backtest import backtest_of
from forecaster.forecasting.forecast import Forecast
from forecaster.report.scenes import PIXELS, backtest_scene, data_scene, forecast_scene


def forecast_of(series, horizon=3, **facts):
    """A Forecast of these series that repeats their last value."""
    panel = panel_of(*series, **facts)
    point = np.array([[values[~np.isnan(values)][-1]] * horizon for values in series])
    return Forecast(panel, panel.lengths, point, np.stack([point - 1]), np.stack([point + 1]), (80,))


def hours(times):
    """Times as hours since 1970."""
    return (times.astype("datetime64[ns]").astype(np.int64) // HOUR).tolist()


def test_a_forecast_grows_out_of_the_last_observation():
    """Forecast and bounds begin at the last observed point; the history has its gap."""
    values = np.arange(27.0)
    values[5] = np.nan
    scene = forecast_scene(forecast_of([values]), 0)
    past, ahead = scene.lines
    np.testing.assert_array_equal(past.values, values[3:])
    assert ahead.values.tolist() == [26, 26, 26, 26]
    assert hours(ahead.time) == [26, 27, 28, 29]
    (band,) = scene.bands
    assert (band.level, band.lower.tolist(), band.upper.tolist()) == (80, [26, 25, 25, 25], [26, 27, 27, 27])
    assert hours(np.array(scene.origins)) == [26]
    assert (scene.title, scene.notes) == ("s0", ("y",))


def test_a_what_if_stands_beside_its_base():
    """The base is a line of its own from the last observation on; none where it is not known."""
    plain = forecast_of([np.arange(27.0)])
    scene = forecast_scene(replace(plain, base=replace(plain, point=plain.point - 5)), 0)
    assert [line.kind for line in scene.lines] == ["observed", "base", "forecast"]
    assert scene.lines[1].values.tolist() == [26, 21, 21, 21]
    assert scene.notes == ("y", "what-if")
    scene = forecast_scene(replace(plain, base=replace(plain, point=plain.point * np.nan)), 0)
    assert [line.kind for line in scene.lines] == ["observed", "forecast"]


def test_history_reaches_back_to_values():
    """Where the newest rows are all missing, the history begins before them."""
    values = np.r_[np.arange(50.0), np.full(200, np.nan)]
    past, ahead = forecast_scene(forecast_of([values]), 0).lines
    assert np.nanmax(past.values) == 49
    assert np.isfinite(past.values).sum() >= 20
    assert hours(ahead.time)[:2] == [49, 250]


def test_the_clock_is_that_of_the_data_and_one_series_has_the_name_of_its_target():
    """Times are those of the zone; a table without ids is named by its target."""
    scene = forecast_scene(forecast_of([np.arange(5.0)], ids=[""], tz="Asia/Tokyo"), 0)
    assert hours(scene.lines[0].time)[0] == 9
    assert (scene.title, scene.notes) == ("y", ())


def backtest(values, origins, horizon):
    """A Backtest of one series, whose forecast is the origin."""
    panel = panel_of(values)
    origins = np.array(origins)[:, None]
    point = np.broadcast_to(origins[..., None].astype(float), (*origins.shape, horizon)).copy()
    return backtest_of(panel, origins, {"model": point}, horizon, {0.1: point - 1, 0.9: point + 1}, (80,))


def test_a_backtest_shows_each_origin_over_what_was_observed():
    """One line of what was observed, also after the origins; a forecast and an interval from each."""
    scene = backtest_scene(backtest(np.arange(60.0), [50, 55], 5), 0)
    past, first, second = scene.lines
    assert past.values.tolist() == list(range(60))[-len(past.values) :]
    assert first.values.tolist() == [49, 50, 50, 50, 50, 50]
    assert second.values.tolist() == [54, 55, 55, 55, 55, 55]
    assert hours(second.time) == [54, 55, 56, 57, 58, 59]
    assert [band.upper.tolist()[-1] for band in scene.bands] == [51, 56]
    assert hours(np.array(scene.origins)) == [49, 54]


def test_forecasts_that_overlap_are_left_out_and_counted():
    """Of origins closer than the horizon, the newest that do not overlap are shown; a note says how many."""
    scene = backtest_scene(backtest(np.arange(60.0), range(40, 56), 5), 0, most=2)
    assert hours(np.array(scene.origins)) == [49, 54]
    assert "forecasts from 2 of 16 origins" in scene.notes


def test_a_series_that_is_not_scored_shows_its_rows():
    """Without an origin the rows alone are drawn."""
    values = np.arange(60.0)
    part = backtest(np.r_[values], [55], 5)
    both = backtest_of(panel_of(values, values), np.array([[55, -1]]), {"model": np.full((1, 2, 5), 7.0)}, 5)
    assert len(backtest_scene(both, 1).lines) == 1
    assert len(backtest_scene(part, 0).lines) == 2


@pytest.fixture(scope="module")
def loaded():
    """An hourly series with a gap, a dropout, a missing reading in another scale, and a lasting shift."""
    rng = np.random.default_rng(0)
    hour = np.arange(240)
    values = 20 + 5 * np.sin(hour * 2 * np.pi / 24) + 0.3 * rng.normal(size=240)
    values[100:110] = np.nan
    values[50] = 900
    values[150:] += 20
    table = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=240, freq="h"), "y": values})
    return load(table)


def test_data_shows_what_the_findings_name(loaded):
    """Suspicious values by the code of their finding, changes of level and missing spans, at their times."""
    named = {finding.code: finding.count for finding in loaded.findings}
    scene = data_scene(loaded, 0)
    (mark,) = scene.marks
    assert (mark.code, mark.total, mark.values.tolist()) == ("V008", named["V008"], [900.0])
    assert str(mark.time[0]).startswith("2024-01-03T02:00")
    assert len(scene.shifts) == named["V011"] == 1
    assert str(scene.shifts[0].time).startswith("2024-01-07T06:00")
    assert (scene.missing_rows, len(scene.missing)) == (named["V001"], 1)
    assert [str(time)[:16] for time in scene.missing[0]] == ["2024-01-05T03:30", "2024-01-05T13:30"]
    low, high = scene.limits()
    assert 10 < low < 15 and 45 < high < 60  # 900 does not flatten the rest


def test_far_values_are_marked_where_no_other_finding_names_them():
    """V005 has its marks, and its values do not flatten the others."""
    values = np.random.default_rng(3).normal(size=300).cumsum() + 100
    values[[40, 41, 42, 43, 44]] = 1e12
    table = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=300), "y": values})
    source = load(table)
    scene = data_scene(source, 0)
    codes = {finding.code for finding in source.findings if finding.code in ("V005", "V008", "V009")}
    assert codes and {mark.code for mark in scene.marks} == codes
    assert scene.limits()[1] < 1e6


def test_long_series_are_thinned():
    """A line has at most four points a pixel, however many rows there are."""
    values = np.random.default_rng(4).normal(size=50_000)
    table = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=50_000, freq="min"), "y": values})
    (line,) = data_scene(load(table), 0).lines
    assert len(line.time) <= 4 * PIXELS
    assert (line.values.min(), line.values.max()) == (values.min(), values.max())


@pytest.mark.parametrize("values", [[0.0] * 9, [7.0] * 9, [-1e-300, 0.0] * 5, [1e30, 2e30, 1e30]])
def test_limits_are_a_range(values):
    """Constant, tiny and huge values get a range with room."""
    low, high = forecast_scene(forecast_of([np.array(values)]), 0).limits()
    assert low < high
    assert high - low > 1e-250
