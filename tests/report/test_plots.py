"""Pictures of forecasts: what is drawn, how they are saved, and the error without matplotlib."""

import builtins

import numpy as np
import pytest
from evaluation_panel import HOUR, panel_of

from forecaster.errors import StorageError, UsageError
from forecaster.report import axes as drawing
from forecaster.report import plots

matplotlib = pytest.importorskip("matplotlib")


def figure_of(history=(1.0, 2.0, np.nan, 4.0), point=(5.0, 6.0), intervals=None, **kwargs):
    """A small figure of hourly values."""
    start = np.datetime64("2024-01-01T00", "h")
    times = start + np.arange(len(history) + len(point))
    if intervals is None:
        intervals = {
            80: (np.subtract(point, 1), np.add(point, 1)),
            95: (np.subtract(point, 2), np.add(point, 2)),
        }
    return plots.forecast_figure(
        times[: len(history)], history, times[len(history) :], point, intervals, **kwargs
    )


def texts(figure):
    """Labels and titles of the first axes."""
    axes = figure.axes[0]
    return [text.get_text() for text in axes.texts] + [axes.get_title(loc="left")]


def test_the_forecast_grows_out_of_the_last_observation():
    """History keeps its gap; the forecast line runs from the last observed point to the last step."""
    past, ahead = figure_of().axes[0].lines[:2]
    np.testing.assert_array_equal(past.get_ydata(), [1, 2, np.nan, 4])
    np.testing.assert_array_equal(ahead.get_ydata(), [4, 5, 6])


def test_intervals_are_shaded_widest_first_and_everything_is_named():
    """Each level is one shaded band, fainter where wider; lines and bands have labels."""
    figure = figure_of(actual=[5.5, 6.5], title="Sensor", subtitle="hourly", unit="°C")
    bands = figure.axes[0].collections
    assert len(bands) == 2
    wide, narrow = bands
    assert wide.get_alpha() < narrow.get_alpha()
    assert (
        wide.get_datalim(figure.axes[0].transData).y1 == 8 > narrow.get_datalim(figure.axes[0].transData).y1
    )
    assert {"forecast", "actual", "80 %", "95 %", "Sensor", "hourly  ·  °C"} <= set(texts(figure))


def test_labels_keep_apart_and_close_to_where_they_belong():
    """Labels that would overlap are moved apart around their mean; the others stay."""
    assert drawing._apart([0.1, 0.5], 0.05) == [0.1, 0.5]
    np.testing.assert_allclose(drawing._apart([0.5, 0.5, 0.5], 0.1), [0.4, 0.5, 0.6])
    np.testing.assert_allclose(drawing._apart([0.1, 0.5, 0.52], 0.1), [0.1, 0.46, 0.56])


@pytest.mark.parametrize("ending", [".png", ".svg", ".PNG"])
def test_the_same_figure_has_the_same_bytes(tmp_path, ending):
    """A picture saved twice is the same file, in the format of its ending; no temporary file remains."""
    first, second = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    plots.save_figure(figure_of(title="x"), first)
    plots.save_figure(figure_of(title="x"), second)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG" if ending.lower() == ".png" else b"<?xml")
    assert sorted(tmp_path.iterdir()) == [first, second]


@pytest.mark.parametrize("name", ["a.pdf", "a", "png"])
def test_another_ending_is_a_usage_error_and_writes_nothing(tmp_path, name):
    """Only .png and .svg are allowed."""
    with pytest.raises(UsageError, match="cannot draw") as caught:
        plots.save_figure(figure_of(), tmp_path / name)
    assert ".png or .svg" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_a_storage_error(tmp_path):
    """Writing into a missing folder fails like any other output."""
    with pytest.raises(StorageError):
        plots.save_figure(figure_of(), tmp_path / "nowhere" / "a.png")


@pytest.mark.parametrize(
    "case",
    [
        {"history": ()},
        {"history": (3.0,), "point": (3.0,)},
        {"history": (np.nan, np.nan)},
        {"history": (), "point": (1.0,), "intervals": {}},
        {"point": (np.nan, np.nan), "intervals": {}},
        {"history": (1e12, -1e12), "title": "$x_2$ 東京 \x1b[31m", "subtitle": "a\nb"},
        {"history": (7.0,) * 50, "point": (7.0,) * 9},
    ],
)
def test_odd_series_are_drawn_without_a_warning(case, tmp_path):
    """No history, one point, only gaps, constants, huge values, other scripts: each gives a picture."""
    plots.save_figure(figure_of(**case), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_titles_are_text():
    """A dollar sign does not start a formula, and control characters are escaped."""
    figure = figure_of(title="$a_b$\x1b")
    title = figure.axes[0]._left_title
    assert title.get_text() == r"$a_b$\x1b"
    assert not title.get_parse_math()


def test_the_style_of_others_is_left_alone():
    """Drawing does not change the settings of matplotlib."""
    before = dict(matplotlib.rcParams)
    plots.render(figure_of(), ".svg")
    assert dict(matplotlib.rcParams) == before


def forecast_of(series, horizon=3, **facts):
    """A Forecast of these series that repeats their last value."""
    from forecaster.forecasting.forecast import Forecast

    panel = panel_of(*series, **facts)
    point = np.array([[values[-1]] * horizon for values in series])
    return Forecast(panel, panel.lengths, point, np.stack([point - 1]), np.stack([point + 1]), (80,))


def test_a_forecast_of_several_series_is_one_figure():
    """Each of the first series has its axes, its name, four horizons of history and the forecast times."""
    forecast = forecast_of([np.arange(30.0), np.arange(20.0), np.arange(9.0)], seasonalities=(24,))
    figure = plots.forecasts_figure(forecast, shown=2)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["s0", "s1"]
    past, ahead = figure.axes[0].lines[:2]
    np.testing.assert_array_equal(past.get_ydata(), np.arange(18.0, 30))
    hours = (ahead.get_xdata() - ahead.get_xdata()[0]).astype("timedelta64[h]").astype(int)
    assert hours.tolist() == [0, 1, 2, 3]
    assert len(figure.axes[0].collections) == 1
    assert len(plots.forecasts_figure(forecast).axes) == 3


def test_one_series_is_named_after_its_target_and_shown_on_its_clock():
    """A table without ids takes the target's name; times are those of the zone."""
    figure = plots.forecasts_figure(forecast_of([np.arange(5.0)], ids=[""], tz="Asia/Tokyo"))
    assert figure.axes[0].get_title(loc="left") == "y"
    first = figure.axes[0].lines[0].get_xdata()[0]
    assert first.astype("datetime64[ns]").astype(np.int64) == 9 * HOUR


def test_without_matplotlib_the_way_to_get_it_is_said(monkeypatch):
    """Without matplotlib, which is optional, a figure is a UsageError that says what to install."""
    load = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="matplotlib") as caught:
        figure_of()
    assert caught.value.hint == 'pip install "forecaster[plot]"'
