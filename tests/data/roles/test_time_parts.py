"""Times in several columns: joined where one reading makes sense, and only there."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError

HOURS = pd.date_range("2024-01-13", periods=24 * 20, freq="h")


def written(folder: Path, frame: pd.DataFrame) -> Path:
    """The frame as a CSV file."""
    frame.to_csv(folder / "x.csv", index=False)
    return folder / "x.csv"


def assert_hourly(loaded: Loaded, times: pd.DatetimeIndex = HOURS) -> None:
    """One series of values 0.5, 1.5 ... at these times."""
    panel = loaded.panel
    assert panel.time.tolist() == times.as_unit("ns").asi8.tolist()
    np.testing.assert_array_equal(panel.target, np.arange(len(times)) + 0.5)


COLUMNS = {
    "in German": {"Datum": "%d.%m.%Y", "Anfang": "%H:%M:%S"},
    "hours": {"Date": "%Y-%m-%d", "Hour": "%H"},
    "hours, month first": {"date": "%m/%d/%Y", "HR": "%H"},
    "without marks": {"<DATE>": "%Y%m%d", "<TIME>": "%H%M%S"},
    "start and end": {"DATE": "%Y-%m-%d", "START TIME": "%H:%M", "END TIME": "%H:59"},
    "a clock without a mark": {"day": "%d %b %Y", "time": "%H%M"},
    "four parts": {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H"},
    "short names": {"YEAR": "%Y", "MO": "%m", "DY": "%d", "HR": "%H"},
    "days of the year": {"YEAR": "%Y", "DOY": "%j", "Hour": "%H"},
    "a clock with points": {"Date": "%d/%m/%Y", "Time": "%H.%M.%S"},
    "hours by another name": {"OPR_DT": "%Y-%m-%d", "OPR_HR": "%H"},
    "parts of a buoy": {"YY": "%Y", "MM": "%m", "DD": "%d", "hh": "%H", "mm": "%M"},
    "local and UTC": {
        "Date Local": "2020-01-01",
        "Time Local": "%M:00",
        "Date GMT": "%Y-%m-%d",
        "Time GMT": "%H:%M",
    },
    "hours and minutes": {"date": "%Y-%m-%d", "hour": "%H", "minute": "%M"},
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_times_in_several_columns(tmp_path: Path, kind: str) -> None:
    """A date and the time of day, or numbers for the parts, are joined; reading again gives the same."""
    frame = pd.DataFrame({name: HOURS.strftime(form) for name, form in COLUMNS[kind].items()})
    path = written(tmp_path, frame.assign(load=np.arange(len(HOURS)) + 0.5))
    loaded = load(path)
    assert_hourly(loaded)
    assert loaded.findings[0].code == "C003"
    assert_hourly(load(path, loaded.read))
    assert all(use in ("time", "target") or use.startswith("left out: ") for use in loaded.uses.values())


def test_an_end_that_is_not_used_is_named(tmp_path: Path) -> None:
    """Beside the start of each hour, its end is named as not used; so the hint that was shown works, too."""
    columns = COLUMNS["start and end"]
    frame = pd.DataFrame({name: HOURS.strftime(form) for name, form in columns.items()})
    path = written(tmp_path, frame.assign(USAGE=np.arange(len(HOURS)) + 0.5))
    for config in (ReadConfig(), ReadConfig(time="DATE+START TIME")):
        loaded = load(path, config)
        assert_hourly(loaded)
        assert loaded.uses["END TIME"] == "left out: words"


@pytest.mark.parametrize("name", ["HE", "Hour Ending", "hour"])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%m/%d/%Y"])
def test_hours_from_1_to_24(tmp_path: Path, name: str, form: str) -> None:
    """The first hour of a day begins at 00:00, and that is remembered for rows that do not show it."""
    frame = pd.DataFrame({"Date": HOURS.strftime(form), name: HOURS.hour + 1})
    frame["MW"] = np.arange(len(HOURS)) + 0.5
    loaded = load(written(tmp_path, frame))
    assert_hourly(loaded)
    assert "hours 1 to 24, the first at 00:00" in loaded.findings[0].message
    few = load(written(tmp_path, frame.iloc[:20]), loaded.read)
    assert_hourly(few, HOURS[:20])


def test_hour_endings_as_clock_times(tmp_path: Path) -> None:
    """01:00 to 24:00 are the ends of hours, named by their start."""
    frame = pd.DataFrame({"Date": HOURS.strftime("%Y-%m-%d")})
    frame["HourEnding"] = [f"{hour + 1:02d}:00" for hour in HOURS.hour]
    loaded = load(written(tmp_path, frame.assign(MW=np.arange(len(HOURS)) + 0.5)))
    assert_hourly(loaded)


def test_a_pattern_for_joined_columns_is_remembered(tmp_path: Path) -> None:
    """Where the date needs a pattern, the hint names it for the joined text, and reading again works."""
    frame = pd.DataFrame({"Date": HOURS.strftime("%d-%b-%y"), "Hr_End": HOURS.hour + 1})
    path = written(tmp_path, frame.assign(MW=np.arange(len(HOURS)) + 0.5))
    loaded = load(path, ReadConfig(date_format="%d-%b-%y %H:%M:%S"))
    assert_hourly(loaded)
    assert_hourly(load(path, loaded.read))


def test_a_rush_hour_is_no_hour(tmp_path: Path) -> None:
    """A flag whose name ends in hour is no time of day beside dates that repeat."""
    frame = pd.DataFrame({"date": HOURS.strftime("%Y-%m-%d"), "rush_hour": HOURS.hour // 12})
    with pytest.raises(DataError, match=r"duplicate timestamp 2024-01-13 .*\(20 such"):
        load(written(tmp_path, frame.assign(MW=np.arange(len(HOURS)) + 0.5)))


def test_hours_from_0_to_24(tmp_path: Path) -> None:
    """Hours that are both are an error that names the option."""
    frame = pd.DataFrame({"Date": HOURS.strftime("%Y-%m-%d"), "Hour": HOURS.hour})
    frame["MW"] = np.arange(len(HOURS)) + 0.5
    frame.loc[23, "Hour"] = 24
    with pytest.raises(DataError, match="hours from 0 to 24") as caught:
        load(written(tmp_path, frame))
    assert "--hours 1-24" in caught.value.hint


def test_parts_of_half_an_hour(tmp_path: Path) -> None:
    """Settlement periods 1 to 48 are half-hours."""
    times = pd.date_range("2024-01-13", periods=480, freq="30min")
    period = times.hour * 2 + times.minute // 30 + 1
    frame = pd.DataFrame({"SETTLEMENT_DATE": times.strftime("%d-%b-%Y"), "SETTLEMENT_PERIOD": period})
    assert_hourly(load(written(tmp_path, frame.assign(ND=np.arange(480) + 0.5))), times)


NAMED_MONTHS = pd.date_range("2024-01-01", periods=12, freq="MS").strftime("%B")


@pytest.mark.parametrize(("name", "minutes"), [("SETTLEMENT_PERIOD", 30), ("HE", 60)])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%d-%b-%Y"])
def test_days_of_25_hours(tmp_path: Path, name: str, minutes: int, form: str) -> None:
    """Parts of a day that count up to 25 hours need the zone, which the hint names; 23 hours fit, too."""
    times = pd.date_range("2023-03-20", "2023-11-05", freq=f"{minutes}min", tz="Europe/London")[:-1]
    midnight = times.normalize()
    parts = (times - midnight) // pd.Timedelta(minutes=minutes) + 1
    assert {23, 24, 25} == set((pd.Series(parts).groupby(midnight.date).max() * minutes / 60).astype(int))
    frame = pd.DataFrame({"date": midnight.strftime(form), name: parts, "ND": np.arange(len(times)) + 0.5})
    path = written(tmp_path, frame)
    with pytest.raises(DataError, match=f"column '{name}' counts up to {1500 // minutes}") as caught:
        load(path)
    assert "--tz Europe/London" in caught.value.hint
    order = "dmy" if "/" in form else None
    loaded = load(path, ReadConfig(tz="Europe/London", date_format=order))
    assert_hourly(loaded, times)
    assert_hourly(load(path, loaded.read), times)


def test_intervals_of_an_hour(tmp_path: Path) -> None:
    """Hours 1 to 24 with intervals 1 to 4 are quarters of an hour, also of several series."""
    times = pd.date_range("2024-01-13", periods=960, freq="15min")
    frame = pd.DataFrame({"Delivery Date": times.strftime("%m/%d/%Y"), "Delivery Hour": times.hour + 1})
    frame["Delivery Interval"] = times.minute // 15 + 1
    path = written(tmp_path, frame.assign(Price=np.arange(960) + 0.5))
    loaded = load(path)
    assert_hourly(loaded, times)
    assert_hourly(load(path, loaded.read), times)
    few = written(tmp_path, frame.assign(Price=np.arange(960) + 0.5).iloc[:14])
    assert_hourly(load(few, loaded.read), times[:14])
    written(tmp_path, frame.assign(Price=np.arange(960) + 0.5).iloc[:2])
    assert_hourly(load(few, loaded.read), times[:2])


def test_few_rows_after_midnight_are_read_as_the_others(tmp_path: Path) -> None:
    """000500 is five past midnight, and period 3 of 48 is one o'clock, also in a file that ends there."""
    times = pd.date_range("2024-01-13", periods=48 * 9, freq="30min")
    period = times.hour * 2 + times.minute // 30 + 1
    values = np.arange(len(times)) + 0.5
    for frame in (
        pd.DataFrame({"<DATE>": times.strftime("%Y%m%d"), "<TIME>": times.strftime("%H%M%S"), "y": values}),
        pd.DataFrame({"date": times.strftime("%Y-%m-%d"), "period": period, "y": values}),
    ):
        loaded = load(written(tmp_path, frame))
        assert_hourly(loaded, times)
        assert_hourly(load(written(tmp_path, frame.iloc[:3]), loaded.read), times[:3])


@pytest.mark.parametrize(
    ("columns", "alias"),
    [
        ({"year": [2021, 2022, 2023], "week": range(1, 53)}, "W-MON"),
        ({"Year": [2020, 2021, 2022], "Month": range(1, 13)}, "MS"),
        ({"Year": [2020, 2021, 2022], "Month": NAMED_MONTHS}, "MS"),
        ({"year": [2020, 2021, 2022], "quarter": range(1, 5)}, "QS-JAN"),
        ({"year": [2020, 2021, 2022], "Qtr": ["Q1", "Q2", "Q3", "Q4"]}, "QS-JAN"),
    ],
)
def test_years_and_their_parts(tmp_path: Path, columns: dict, alias: str) -> None:
    """A year and a month, a quarter or a week make one series of them."""
    (year, years), (part, parts) = columns.items()
    frame = pd.DataFrame([(each, some) for each in years for some in parts], columns=[year, part])
    loaded = load(written(tmp_path, frame.assign(cases=np.arange(len(frame)) + 0.5)))
    assert (loaded.panel.frequency.alias, len(loaded.panel)) == (alias, 1)
    assert loaded.panel.target.tolist() == (np.arange(len(frame)) + 0.5).tolist()


def test_a_date_that_does_not_exist_is_an_error_with_its_line(tmp_path: Path) -> None:
    """30 February in three columns is refused as in one."""
    frame = pd.DataFrame({"year": 2024, "month": 2, "day": [27, 28, 29, 30], "y": [1.5, 2, 3, 4]})
    with pytest.raises(DataError, match=r"line 5, column 'year.month.day': '2024-02-30' is not a time"):
        load(written(tmp_path, frame))


def test_heart_rates_are_no_hours(tmp_path: Path) -> None:
    """HR beside full timestamps is a measurement; an hour that agrees with them is none."""
    frame = pd.DataFrame({"time": HOURS, "HR": np.arange(480) % 40 + 60, "SpO2": np.arange(480) % 5 + 95})
    assert load(written(tmp_path, frame)).read.target == ("HR", "SpO2")
    low = frame.assign(HR=np.arange(480) % 11 + 5)
    assert load(written(tmp_path, low)).read.target == ("HR", "SpO2")
    berlin = HOURS.tz_localize("UTC").tz_convert("Europe/Berlin")
    loaded = load(written(tmp_path, frame.assign(HR=berlin.hour)))
    assert loaded.read.target == ("SpO2",)
    assert loaded.uses["HR"] == "left out: a part of the time"


def test_a_clock_beside_days_that_do_not_repeat(tmp_path: Path) -> None:
    """The hour of the peak of each day is a value; the times of sunrise are none, and are left out."""
    days = pd.date_range("2024-01-01", periods=60)
    frame = pd.DataFrame({"date": days, "hour": np.arange(60) * 7 % 24, "sunrise": "08:15", "peak": 1.5})
    loaded = load(written(tmp_path, frame.assign(peak=np.arange(60) + 0.5)))
    assert loaded.panel.frequency.alias == "D"
    assert loaded.uses["sunrise"] == "left out: words"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("interval_start_utc", "interval_end_utc", "interval_start_local"), "interval_start_utc"),
        (("datetime_beginning_utc", "datetime_beginning_ept"), "datetime_beginning_utc"),
        (("Start", "Ende"), "Start"),
        (("INTERVALSTARTTIME_GMT", "INTERVALENDTIME_GMT"), "INTERVALSTARTTIME_GMT"),
    ],
)
def test_several_times_of_one_row(tmp_path: Path, names: tuple[str, ...], expected: str) -> None:
    """Of start and end the start is the time, of UTC and local time UTC; the others are named."""
    frame = pd.DataFrame({name: HOURS + pd.Timedelta(f"{at}h") for at, name in enumerate(names)})
    loaded = load(written(tmp_path, frame.assign(MW=np.arange(480) + 0.5)))
    assert loaded.panel.names.time == expected
    assert [name for name, use in loaded.uses.items() if use == "left out: another time"] == [
        name for name in names if name != expected
    ]


def test_the_hint_to_join_works(tmp_path: Path) -> None:
    """Where two clocks could be meant, the error names one to join, as it can be typed."""
    frame = pd.DataFrame({"date": HOURS.strftime("%Y-%m-%d"), "A B": HOURS.strftime("%H:%M")})
    frame["C"] = frame["A B"]
    path = written(tmp_path, frame.assign(MW=np.arange(480) + 0.5))
    with pytest.raises(DataError, match="duplicate timestamp") as caught:
        load(path)
    words = shlex.split(caught.value.hint.split(": ")[1].split(". ")[0])
    assert words == ["--time", "date+A B"]
    assert_hourly(load(path, ReadConfig(time=words[1])))


@pytest.mark.parametrize("mark", [" - ", "-"])
def test_hours_as_intervals(tmp_path: Path, mark: str) -> None:
    """00 - 01 is the hour from midnight on, and not the name of a series."""
    hours = [divmod(hour, 24) for hour in range(24 * 20)]
    rows = [f"{1 + d:02d}-01-2024;{h:02d}{mark}{(h + 1) % 24:02d};{h % 7}.5" for d, h in hours]
    (tmp_path / "x.csv").write_text("\n".join([";Hours;SE1", *rows, ""]))
    panel = load(tmp_path / "x.csv").panel
    assert (panel.frequency.alias, len(panel.time), panel.ids) == ("h", 480, ("SE1",))
