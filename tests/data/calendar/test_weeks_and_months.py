"""Weeks that end early, weekday masks, and the 30th of every month."""

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig, from_json, to_json
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError, UsageError

FRIDAYS = pd.date_range("2005-01-07", periods=120, freq="W-FRI")
MONDAYS = pd.date_range("2005-01-03", periods=120, freq="W-MON")
DAYS = pd.date_range("2024-01-01", periods=400)


def table(times: pd.DatetimeIndex, **more: object) -> pd.DataFrame:
    """A series at these times."""
    return pd.DataFrame({"date": times, "close": 100.0 + np.arange(len(times)) % 7, **more})


def moved(times: pd.DatetimeIndex, at: int, days: int) -> pd.DatetimeIndex:
    """The times, one of them moved."""
    return times[:at].append(times[[at]] + pd.Timedelta(days=days)).append(times[at + 1 :])


def coming(loaded: Loaded, count: int) -> list[str]:
    """The days after the last one."""
    panel = loaded.panel
    ahead = panel.frequency.future_times(int(panel.time.max()), count, panel.names.tz)
    return pd.DatetimeIndex(ahead.view("M8[ns]")).strftime("%Y-%m-%d").tolist()


@pytest.mark.parametrize(("times", "at", "days"), [(FRIDAYS, 66, -1), (FRIDAYS, 66, -4), (FRIDAYS, 0, -1),
                                                   (FRIDAYS, 119, -1), (MONDAYS, 66, 1), (MONDAYS, 66, 4),
                                                   (MONDAYS, 119, 1), (MONDAYS, 0, 2)])  # fmt: skip
def test_a_short_week(times: pd.DatetimeIndex, at: int, days: int) -> None:
    """The row of a week that ends early, or begins late, stands for it; no value changes."""
    frame = table(moved(times, at, days))
    loaded = load(frame)
    assert loaded.panel.frequency.alias == ("W-FRI" if times is FRIDAYS else "W-MON")
    assert loaded.panel.time.tolist() == times.as_unit("ns").asi8.tolist()
    np.testing.assert_array_equal(loaded.panel.target, frame["close"])
    (finding,) = loaded.findings
    assert (finding.code, finding.severity, finding.count) == ("D011", "repair", 1)
    assert finding.places == (f"{frame['date'][at]:%Y-%m-%d} for {times[at]:%Y-%m-%d}",)
    assert coming(loaded, 1) == [f"{times[-1] + pd.Timedelta(days=7):%Y-%m-%d}"]
    again = load(frame, from_json(ReadConfig, to_json(loaded.read)))
    assert again.panel.time.tolist() == loaded.panel.time.tolist()


def test_short_weeks_of_several_series() -> None:
    """Each series has its own usual day."""
    both = pd.concat([table(moved(FRIDAYS, 3, -1), id="a"), table(MONDAYS, id="b")])
    panel = load(both).panel
    assert panel.time[:120].tolist() == FRIDAYS.as_unit("ns").asi8.tolist()
    assert panel.time[120:].tolist() == MONDAYS.as_unit("ns").asi8.tolist()


def test_weeks_that_are_not_short() -> None:
    """Two rows in a week, or rows on any day, are not taken for weeks that end early."""
    extra = FRIDAYS.append(pd.DatetimeIndex(["2006-04-13"])).sort_values()
    with pytest.raises(DataError, match="2006-04-13"):
        load(table(extra))
    with pytest.raises(DataError):
        load(table(FRIDAYS + pd.to_timedelta(np.arange(120) % 3, "D")))


MASKS = {
    "Tue and Thu": ([1, 3], "B-0101000", 2, 6),
    "Mon, Wed, Fri": ([0, 2, 4], "B-1010100", 3, 9),
    "Mon and Sat": ([0, 5], "B-1000010", 2, 6),
    "weekends": ([5, 6], "B-0000011", 2, 9),
    "but Wednesday": ([0, 1, 3, 4, 5, 6], "B-1101111", 6, 30),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("hour", [0, 18])
def test_any_weekdays(name: str, hour: int) -> None:
    """Rows on certain weekdays only are read without an option, and forecast on those days."""
    weekdays, alias, season, least = MASKS[name]
    times = DAYS[DAYS.day_of_week.isin(weekdays)] + pd.Timedelta(hours=hour)
    for rows in (least, 40):
        loaded = load(table(times[:rows]))
        assert loaded.panel.frequency.alias == alias
        assert loaded.panel.frequency.season == season
        assert len(loaded.panel.time) == rows
        assert coming(loaded, 5) == times[rows : rows + 5].strftime("%Y-%m-%d").tolist()
    some = times[np.random.default_rng(1).random(len(times)) < 0.9]
    assert load(table(some)).panel.frequency.alias == alias


@pytest.mark.parametrize("days", [2, 3, 5])
def test_every_few_days(days: int) -> None:
    """Every second day is no weekday mask, also where some are missing."""
    times = DAYS[::days]
    assert load(table(times)).panel.frequency.alias == f"{days}D"
    assert load(table(times.delete([4, 9]))).panel.frequency.alias == f"{days}D"


def on_day(day: int, months: range = range(30)) -> pd.DatetimeIndex:
    """A day of each month, or the last one of shorter months."""
    start = pd.Timestamp("2022-01-01")
    return pd.DatetimeIndex([start + pd.DateOffset(months=at) + pd.DateOffset(day=day) for at in months])


@pytest.mark.parametrize(("times", "alias"), [
    (on_day(30), "MS-30"), (on_day(30, range(1, 30)), "MS-30"), (on_day(30, range(26)), "MS-30"),
    (on_day(29), "MS-29"), (on_day(31), "ME"), (on_day(30, range(0, 30, 3)), "3MS-30"), (on_day(28), "MS"),
])  # fmt: skip
def test_the_same_day_of_every_month(times: pd.DatetimeIndex, alias: str) -> None:
    """On the 29th and 30th, February ends the month early, and the day comes again in March."""
    loaded = load(table(times))
    assert loaded.panel.frequency.alias == alias
    assert len(loaded.panel.time) == len(times)
    last, months = times[-1], int(alias[0]) if alias[0].isdigit() else 1
    day = 31 if alias == "ME" else int(alias[-2:]) if alias[-2:].isdigit() else 28
    expected = [last + pd.DateOffset(months=months * at) + pd.DateOffset(day=day) for at in range(1, 15)]
    assert coming(loaded, 14) == [f"{at:%Y-%m-%d}" for at in expected]
    assert (
        load(table(times), from_json(ReadConfig, to_json(loaded.read))).panel.time.tolist()
        == loaded.panel.time.tolist()
    )


def test_a_grid_of_the_30th() -> None:
    """Readings are not put on a grid of the 30th, and a row beside it is an error whose hint works."""
    with pytest.raises(UsageError, match="cannot be put on a grid of MS-30"):
        load(table(DAYS), ReadConfig(every="MS-30"))
    with pytest.raises(DataError, match="does not lie on its grid of MS-30") as caught:
        load(table(on_day(31)), ReadConfig(freq="MS-30"))
    assert "--every MS," in caught.value.hint
    assert load(table(on_day(31)), ReadConfig(every="MS")).panel.frequency.alias == "MS"
