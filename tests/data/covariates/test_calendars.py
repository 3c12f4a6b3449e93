"""Calendar columns beside known columns of the table, and for a horizon that is known later."""

import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest
from read_as import bare

from forecaster.config import ReadConfig
from forecaster.data.covariates.calendars import with_calendar
from forecaster.data.load import load
from forecaster.data.rows.known import Known

LENGTHS = (40, 25)


@pytest.fixture
def events(tmp_path):
    """Events on the fifth of each month."""
    path = tmp_path / "events.csv"
    path.write_text("date,name\n" + "".join(f"2024-{month:02}-05,rent\n" for month in range(1, 13)))
    return bare(events=str(path))


@pytest.fixture
def panel():
    """Two series of different lengths with a price that is known 3 and 1 rows ahead."""
    frames = [
        pd.DataFrame({"when": pd.date_range("2024-01-01", periods=n), "id": id, "y": np.arange(n) % 4 + 1.0})
        for id, n in zip("ab", LENGTHS, strict=True)
    ]
    made = load(pd.concat(frames), ReadConfig()).panel
    offsets = np.array([0, 43, 69])
    price = Known(("price", "open"), (None, ("no", "yes")), np.arange(138.0).reshape(69, 2), offsets)
    return dataclasses.replace(made, known=price)


def rent(panel, series):
    """Which rows of a series have the event."""
    rows = slice(*panel.known.offsets[series : series + 2])
    return np.flatnonzero(panel.known.values[rows, panel.known.names.index("event rent")]).tolist()


def test_columns_of_the_table_are_kept(panel, events) -> None:
    """Its values stay, NaN where it has no row; the new columns have all rows. Twice is as once."""
    made, _ = with_calendar(panel, events, 10)
    assert made.known.names == ("price", "open", "event rent")
    assert made.known.words == (None, ("no", "yes"), None)
    assert made.known.made == ("event rent",)
    assert np.diff(made.known.offsets).tolist() == [50, 35]
    np.testing.assert_array_equal(made.known.values[:43, :2], panel.known.values[:43])
    np.testing.assert_array_equal(made.known.values[50:76, :2], panel.known.values[43:])
    assert np.isnan(made.known.values[43:50, :2]).all() and np.isnan(made.known.values[76:, :2]).all()
    assert (rent(made, 0), rent(made, 1)) == ([4, 35], [4])
    longer, _ = with_calendar(made, events, 40)
    once, _ = with_calendar(panel, events, 40)
    for name in ("names", "words", "made"):
        assert getattr(longer.known, name) == getattr(once.known, name)
    np.testing.assert_array_equal(longer.known.values, once.known.values)
    assert (rent(longer, 0), rent(longer, 1)) == ([4, 35, 64], [4, 35, 64])


def test_a_table_that_reaches_further(panel, events) -> None:
    """Rows that the table has beyond the horizon have calendar columns, too."""
    made, _ = with_calendar(panel, events)
    assert made.known.offsets.tolist() == [0, 43, 69]
    assert np.isfinite(made.known.values).all()


def test_positions_are_asked_for(panel, events) -> None:
    """They come after the others, and are replaced like them."""
    made, _ = with_calendar(panel, dataclasses.replace(events, positions=True), 5)
    assert made.known.names[:4] == ("price", "open", "event rent", "month start")
    assert len(made.known.made) == 7
    assert with_calendar(made, events, 5)[0].known.names == ("price", "open", "event rent")


def test_future_rows_are_those_of_forecasts(events) -> None:
    """Trading days without weekends, and the hours of a local clock."""
    frame = pd.DataFrame({"when": pd.bdate_range("2024-01-01", periods=400), "y": np.arange(400) % 3 + 1.0})
    loaded = load(frame, dataclasses.replace(events, freq="B"), ahead=20)
    future = loaded.panel.frequency.future_times(int(loaded.panel.time[-1]), 20)
    on = loaded.panel.known.values[400:, 0]
    days = pd.DatetimeIndex(future.view("M8[ns]"))
    np.testing.assert_array_equal(on, (days.day == 5) & (days.year == 2024))


def test_rows_before_an_origin(panel, events) -> None:
    """A panel cut at an origin keeps the future of the calendar."""
    made, _ = with_calendar(panel, events, 10)
    cut = made.before(np.array([30, 20]))
    assert np.diff(cut.known.offsets).tolist() == [50, 35]
    np.testing.assert_array_equal(cut.known.values, made.known.values)


def test_many_series_take_a_moment(tmp_path) -> None:
    """Events of single series among a thousand, and events of all: as for each series alone."""
    count, length = 1000, 60
    times = pd.date_range("2024-01-01", periods=length)
    ids = np.repeat([f"s{number:04}" for number in range(count)], length)
    frame = pd.DataFrame(
        {"when": np.tile(times, count), "id": ids, "y": np.tile(np.arange(length) % 5 + 1.0, count)}
    )
    own = [f"2024-01-{number % 30 + 1:02},own,s{number:04}" for number in range(0, count, 2)]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["date,name,id", *own, "2024-02-01,all,"]) + "\n")
    known = load(frame, bare(events=str(path)), ahead=7).panel.known
    values = known.values.reshape(count, length + 7, 2)
    every, mine = values[:, :, known.names.index("event all")], values[:, :, known.names.index("event own")]
    assert (np.flatnonzero(every.all(axis=0)), every.sum()) == ([31], count)
    assert mine.sum() == count / 2
    assert all(mine[number, number % 30] == 1 for number in range(0, count, 2))


def hourly(days: int = 20) -> pd.DataFrame:
    """Hours from Monday, 4 March 2024, with a temperature and a flag of one holiday."""
    when = pd.date_range("2024-03-04", periods=24 * days, freq="h")
    off = (when.normalize() == pd.Timestamp("2024-03-13")).astype(float)
    return pd.DataFrame(
        {"when": when, "y": np.arange(24.0 * days) % 7, "heat": np.sin(when.hour), "holiday": off}
    )


def test_positions_join_known_columns_unless_told_otherwise() -> None:
    """With a known column the day of the week is known, with holidays a day of their own; else not."""
    config = ReadConfig(target=("y",), known=("heat", "holiday"))
    panel = load(hourly(), config, ahead=30).panel
    known = panel.known
    assert known is not None
    assert known.made[0] == "month start"
    assert known.made[-1] == "day of the week"
    column, words = known.values[:, -1], known.words[-1]
    assert words is not None
    days = pd.date_range("2024-03-04", periods=len(column), freq="h")
    named = [words[int(code)] for code in column]
    wanted = ["holiday" if day.date() == datetime.date(2024, 3, 13) else day.day_name() for day in days]
    assert named == wanted
    assert len(column) == 24 * 20 + 30
    without = load(hourly(), dataclasses.replace(config, positions=False)).panel.known
    assert without is not None
    assert without.made == ()
    assert load(hourly(), ReadConfig(target=("y",), known=())).panel.known is None
    alone = load(hourly(), ReadConfig(target=("y",), known=(), positions=True)).panel.known
    assert alone is not None
    assert alone.made[-1] == "day of the week"


def test_odd_values_may_be_explained() -> None:
    """Beside known columns a finding does not promise that a spike is left out: it may be a promotion."""
    table = hourly(40)
    table.loc[500, "y"] = 900.0
    for known, wanted in ((("heat",), True), ((), False)):
        found = load(table, ReadConfig(target=("y",), known=known)).findings
        (spike,) = [finding for finding in found if finding.code == "V008"]
        assert ("but where known covariates explain them" in spike.action) == wanted
