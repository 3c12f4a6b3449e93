"""Real series for training: read like any data, shown as the network sees them, cut into pieces."""

import numpy as np
import pandas as pd
import pytest

from forecaster.errors import DataError
from forecaster.pretraining.real_series import RealSeries, read_series


def table(folder, values, freq, name="x.csv", start="2010-01-01"):
    """A file of these series."""
    parts = [
        pd.DataFrame({"id": f"s{n}", "ds": pd.date_range(start, periods=len(y), freq=freq), "y": y})
        for n, y in enumerate(values)
    ]
    path = folder / name
    pd.concat(parts).to_csv(path, index=False)
    return str(path)


def test_pieces_are_pieces():
    """Each piece is a run of rows of one series; NaN only before the first row of a short one."""
    series = RealSeries((np.arange(100.0), 1000 + np.arange(7.0)))
    pieces = series(np.random.default_rng(0), 200, 20)
    assert pieces.shape == (200, 20)
    assert pieces.dtype == np.float32
    short = pieces[:, -1] >= 1000
    assert 60 < short.sum() < 140
    assert np.array_equal(
        pieces[short], np.tile([np.nan] * 13 + list(1000 + np.arange(7)), (short.sum(), 1)), equal_nan=True
    )
    assert (np.diff(pieces[~short], axis=1) == 1).all()
    ends = pieces[~short][:, -1]
    assert ends.min() < 30 < 90 < ends.max() <= 99


def test_the_generator_decides_the_pieces():
    """The same Generator draws the same pieces."""
    series = RealSeries((np.arange(100.0),))
    one, two = (series(np.random.default_rng(1), 5, 10) for _ in range(2))
    assert np.array_equal(one, two)


def test_monthly_series_are_shown_in_logarithms(tmp_path):
    """A series well above zero, with its gaps."""
    values = 50 + 10 * np.sin(np.arange(60) / 2)
    holed = values.copy()
    holed[[7, 8]] = np.nan
    shown = read_series(table(tmp_path, [values, holed], "MS"), "season_12").series
    assert np.allclose(shown[0], np.log(values))
    assert np.isnan(shown[1][[7, 8]]).all()
    assert np.allclose(shown[1][9:], np.log(values[9:]))


def test_series_around_zero_are_shown_in_units_of_their_size(tmp_path):
    """Their differences are then of the size of those of logarithms."""
    values = 300 * np.sin(np.arange(60) / 2)
    (shown,) = read_series(table(tmp_path, [values], "QS"), "season_4").series
    assert np.allclose(shown, values / np.abs(values).mean())


def test_sensors_are_shown_as_they_are(tmp_path):
    """Their network divides by what it sees itself."""
    values = 20 + np.sin(np.arange(240) / 4)
    (shown,) = read_series(table(tmp_path, [values], "h"), "hours").series
    assert np.allclose(shown, values)


def test_prices_are_shown_as_returns(tmp_path):
    """Differences of logarithms, from one known price to the next."""
    values = 100 + np.cumsum(np.random.default_rng(2).normal(size=200))
    for freq in ("D", "B"):
        (shown,) = read_series(table(tmp_path, [values], freq), "prices").series
        assert np.allclose(shown, np.diff(np.log(values)))


@pytest.mark.parametrize(
    ("freq", "kind", "hint"),
    [
        ("MS", "season_4", "Give it quarterly series. These are for 'season_12'."),
        ("D", "hours", "Give it hourly series. These are for 'season_7'."),
        ("15min", "hours", "Give it hourly series."),
        ("B", "season_7", "Give it daily series."),
        ("W", "season_12", "Give it monthly series."),
        ("W", "season_1", "Give it yearly series."),
    ],
)
def test_a_frequency_of_another_network(freq, kind, hint, tmp_path):
    """The message says what series the network reads, and where there is one, which network is for these."""
    with pytest.raises(DataError, match=f"'{kind}' is trained on") as caught:
        read_series(table(tmp_path, [20 + np.sin(np.arange(120.0))], freq), kind)
    assert caught.value.hint == hint


def test_series_that_hold_nothing(tmp_path):
    """A series of one known row teaches nothing; without any other there is nothing to train on."""
    some = np.arange(1.0, 31.0)
    one = np.full(30, np.nan)
    one[3] = 5
    assert len(read_series(table(tmp_path, [some, one], "MS"), "season_12").series) == 1
    empty = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=30, freq="MS"), "y": 5.0})
    empty.loc[1:, "y"] = np.nan
    empty.loc[29, "y"] = np.nan
    empty.to_csv(tmp_path / "one.csv", index=False)
    with pytest.raises(DataError):
        read_series(str(tmp_path / "one.csv"), "season_12")
