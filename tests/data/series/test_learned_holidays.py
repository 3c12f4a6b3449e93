"""Trading days, learned or of an exchange; splits and dividends."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import forecast
from shares import prices

from forecaster.config import ReadConfig, from_json, to_json
from forecaster.data.calendar.exchanges import exchange_days
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.load import Loaded, load
from forecaster.data.series.learned_holidays import described
from forecaster.data.writing.forecast_table import forecast_frame
from forecaster.errors import DataError, UsageError


def codes(loaded: Loaded) -> dict[str, int]:
    """Findings as code: count."""
    return {finding.code: finding.count for finding in loaded.findings}


def test_trading_days_of_an_exchange() -> None:
    """With a calendar, holidays of an exchange are no gaps, and forecasts skip those to come."""
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    days = pd.bdate_range("2024-11-01", "2024-12-31").difference(pd.to_datetime(["2024-11-28", "2024-12-25"]))
    frame = pd.DataFrame({"date": days, "close": np.arange(len(days)) + 100.0})
    panel = load(frame, ReadConfig(calendar="XNYS")).panel
    assert panel.frequency.alias == "B-XNYS"
    coming = pd.DatetimeIndex(panel.frequency.future_times(int(panel.time[-1]), 6).view("M8[ns]"))
    # New Year, and the day of mourning for President Carter on 9 January
    assert coming.strftime("%m-%d").tolist() == ["01-02", "01-03", "01-06", "01-07", "01-08", "01-10"]
    with pytest.raises(DataError, match="does not lie on its grid"):
        load(frame.replace(days[18], pd.Timestamp("2024-11-28")), ReadConfig(calendar="XNYS"))
    with pytest.raises(UsageError, match="knows no exchange 'XXXX'"):
        exchange_days("XXXX")


def future_days(loaded: Loaded, count: int) -> list[str]:
    """The days after the last one, as month and day."""
    panel = loaded.panel
    ahead = panel.frequency.future_times(int(panel.time.max()), count, panel.names.tz)
    return pd.DatetimeIndex(ahead.view("M8[ns]")).strftime("%m-%d").tolist()


def closes(start: str, stop: str, closed: list[str]) -> pd.DataFrame:
    """Closing prices of each weekday but those in `closed`."""
    days = pd.bdate_range(start, stop).difference(pd.to_datetime(closed))
    return pd.DataFrame({"date": days, "close": 100 + np.arange(len(days)) % 7})


def test_half_days_and_holidays_of_an_exchange() -> None:
    """At Thanksgiving and Christmas half days are trading days and holidays are not; the last row is one."""
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    loaded = load(closes("2025-10-01", "2025-11-28", ["2025-11-27"]), ReadConfig(calendar="XNYS"))
    days = future_days(loaded, 26)
    assert days[0] == "12-01"
    assert "12-24" in days  # closes at one o'clock
    assert days[-10:] == [
        "12-23",
        "12-24",
        "12-26",
        "12-29",
        "12-30",
        "12-31",
        "01-02",
        "01-05",
        "01-06",
        "01-07",
    ]


def test_exchanges_that_the_library_knows_for_some_years() -> None:
    """A calendar that begins late is read; beyond its end, where no holiday is known, it is refused."""
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    loaded = load(
        closes("2024-02-01", "2024-03-19", ["2024-02-12", "2024-02-23"]), ReadConfig(calendar="XTKS")
    )
    assert future_days(loaded, 2) == ["03-21", "03-22"]  # the day of the equinox is a holiday
    loaded = load(closes("2024-03-01", "2024-03-19", []), ReadConfig(calendar="XSHG"))
    assert future_days(loaded, 12)[-1] == "04-08"  # the days of Qingming
    with pytest.raises(UsageError, match="knows the trading days of XSHG up to") as caught:
        future_days(loaded, 10_000)
    assert "--horizon" in caught.value.hint


CLOSED = [f"{year}-{day}" for year in range(2015, 2025) for day in ("07-04", "12-25")]


LEARNED = "4 Jul, 25 Dec"


def test_holidays_learned_from_the_data() -> None:
    """Without a calendar, days closed every year are left out of forecasts, and that is said."""
    loaded = load(closes("2015-01-05", "2024-12-20", CLOSED))
    (finding,) = loaded.findings
    assert (finding.code, finding.severity) == ("D007", "info")
    assert LEARNED in finding.message
    assert future_days(loaded, 5) == ["12-23", "12-24", "12-26", "12-27", "12-30"]
    assert described(loaded.panel.frequency).endswith(f"learned from the data: {LEARNED}")
    again = load(closes("2015-01-05", "2024-12-20", CLOSED), from_json(ReadConfig, to_json(loaded.read)))
    assert again.panel.frequency == loaded.panel.frequency
    assert from_json(Frequency, to_json(loaded.panel.frequency)) == loaded.panel.frequency


def test_sessions_on_a_weekend() -> None:
    """Rows on a Saturday now and then are kept, named, and not taken for a day of the week that trades."""
    frame = closes("2023-01-02", "2023-12-29", [])
    extra = pd.DataFrame({"date": pd.to_datetime(["2023-01-21", "2023-11-12"]), "close": 99})
    loaded = load(pd.concat([frame, extra]).sort_values("date"))
    assert loaded.panel.frequency.alias == "B"
    (finding,) = loaded.findings
    assert (finding.code, finding.severity, finding.count) == ("D009", "warning", 2)
    assert finding.places == ("2023-01-21", "2023-11-12")
    assert len(loaded.panel.time) == len(frame) + 2
    assert future_days(loaded, 2) == ["01-01", "01-02"]
    again = load(pd.concat([frame, extra]).sort_values("date"), loaded.read)
    assert again.panel.time.tolist() == loaded.panel.time.tolist()
    with pytest.raises(DataError, match="does not lie on its grid of B"):
        load(pd.DataFrame({"date": pd.date_range("2024-01-01", periods=60), "y": 1.0}), ReadConfig(freq="B"))


def test_a_shop_closed_on_sundays() -> None:
    """A week without Sundays is learned, reported, and kept when reading again."""
    days = pd.date_range("2023-01-02", "2023-12-30")
    frame = pd.DataFrame({"day": days, "sales": np.arange(len(days)) % 6})[days.day_of_week != 6]
    loaded = load(frame)
    assert loaded.panel.frequency.alias == "B-1111110"
    assert codes(loaded) == {"D008": 1}
    assert described(loaded.panel.frequency).startswith("Mon, Tue, Wed, Thu, Fri, Sat;")
    assert future_days(loaded, 7) == ["01-01", "01-02", "01-03", "01-04", "01-05", "01-06", "01-08"]
    assert load(frame, loaded.read).panel.frequency == loaded.panel.frequency
    assert codes(load(frame, ReadConfig(freq="D"))) == {"D002": 51}


def test_holidays_of_the_whole_panel() -> None:
    """One series that trades on a day makes it open for all; a day is closed where no series has it."""
    frame = closes("2015-01-05", "2024-12-20", CLOSED).assign(symbol="A")
    other = closes("2015-01-05", "2024-12-20", CLOSED[1::2]).assign(symbol="B", close=5.0)
    loaded = load(pd.concat([frame, other]))
    assert [rule.month for rule in loaded.panel.frequency.holidays] == [12]


def test_a_series_that_ended_early_goes_on_through_days_known_to_be_open() -> None:
    """A holiday that began after a series ended is no holiday in its forecast."""
    frame = closes("2014-01-02", "2024-12-20", [f"{year}-12-25" for year in range(2019, 2024)]).assign(id="a")
    old = frame[frame["date"] < "2014-12-23"].assign(id="b", close=3.0)
    panel = load(pd.concat([frame, old])).panel
    (rule,) = panel.frequency.holidays
    assert rule.since == 2019
    first = forecast_frame(panel, panel.lengths, {"forecast": np.zeros((2, 4))}).groupby("id")["date"].first()
    table = forecast_frame(panel, panel.lengths, {"forecast": np.zeros((2, 4))})
    ahead = table[table["id"] == "b"]["date"].dt.strftime("%m-%d").tolist()
    assert ahead == ["12-23", "12-24", "12-25", "12-26"]
    assert first["a"] == pd.Timestamp("2024-12-23")


def test_the_command_line_tells_of_holidays(tmp_path: Path) -> None:
    """inspect, the log of train and the model card name the holidays, and a forecast leaves them out."""
    closes("2015-01-05", "2024-12-20", CLOSED).to_csv(tmp_path / "x.csv", index=False)
    shown = json.loads(forecast("inspect", "x.csv", "--json", cwd=tmp_path).stdout)
    assert LEARNED in shown["trading days"]
    trained = forecast("train", "x.csv", "--horizon", "4", cwd=tmp_path)
    assert f"D007 2 holidays learned from the trading days: {LEARNED}" in trained.stderr
    card = json.loads(forecast("show", "--json", cwd=tmp_path).stdout)
    assert LEARNED in card["data"]["trading days"]
    rows = forecast("predict", cwd=tmp_path)
    assert [line[:10] for line in rows.stdout.splitlines()[1:]] == [
        "2024-12-23", "2024-12-24", "2024-12-26", "2024-12-27"
    ]  # fmt: skip


def test_trading_days_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "exchange_calendars", None)
    with pytest.raises(UsageError, match="need the library exchange_calendars") as caught:
        exchange_days("XLON")
    assert "pip install" in caught.value.hint


def test_days_in_the_time_of_an_exchange(tmp_path: Path) -> None:
    """Midnights of a zone whose clocks change are days, written with their offsets or placed by --tz."""
    days = pd.bdate_range("2024-02-01", periods=60)
    stamps = days.tz_localize("America/New_York")
    frame = pd.DataFrame({"Date": stamps.map(str), "Close": np.arange(60) % 7 + 1.5})
    frame.to_csv(tmp_path / "x.csv", index=False)
    loaded = load(tmp_path / "x.csv")
    assert loaded.panel.frequency.alias == "B"
    assert loaded.panel.names.dates
    assert loaded.panel.time.tolist() == days.as_unit("ns").asi8.tolist()
    assert "the days of a local clock" in next(f for f in loaded.findings if f.code == "T002").action
    placed = load(tmp_path / "x.csv", ReadConfig(tz="America/New_York")).panel
    assert placed.frequency.alias == "B"
    assert placed.time.tolist() == stamps.as_unit("ns").asi8.tolist()


@pytest.mark.parametrize("kind", ["text", "seconds", "parquet"])
def test_days_of_an_exchange_in_utc(tmp_path: Path, kind: str) -> None:
    """Closes at four in New York, in UTC, change their hour twice a year; --tz helps, and is hinted."""
    days = (pd.bdate_range("2024-02-01", periods=60) + pd.Timedelta("16h")).tz_localize("America/New_York")
    utc = days.tz_convert("UTC")
    times = {"text": utc.map(str), "seconds": utc.as_unit("s").asi8, "parquet": utc}[kind]
    path = tmp_path / ("x.parquet" if kind == "parquet" else "x.csv")
    frame = pd.DataFrame({"Date": times, "Close": np.arange(60) % 7 + 1.5})
    frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False)
    with pytest.raises(DataError, match="does not lie on its grid of B") as caught:
        load(path)
    assert "--tz America/New_York" in caught.value.hint
    panel = load(path, ReadConfig(tz="America/New_York")).panel
    assert panel.frequency.alias == "B"
    assert panel.time.tolist() == days.as_unit("ns").asi8.tolist()


def with_dividends() -> pd.DataFrame:
    """Closes, and closes adjusted for two dividends of one in a hundred, to the cent."""
    frame = prices(1).rename(columns={"close": "Close"}).round({"Close": 2})
    factor = np.r_[np.full(40, 0.99**2), np.full(40, 0.99), np.ones(40)]
    return frame.assign(**{"Adj Close": (frame["Close"] * factor).round(4)})


def test_dividends(tmp_path: Path) -> None:
    """Where a table has both closes, it is said how far they differ, which is forecast and why."""
    frame = with_dividends()
    (tmp_path / "x.csv").write_text(frame.to_csv(index=False))
    finding = next(f for f in load(tmp_path / "x.csv").findings if f.code == "P003")
    assert (finding.severity, finding.count) == ("info", 80)
    assert finding.message == "'Adj Close' and 'Close' differ, by 2.0% at most: dividends or splits"
    row = frame.iloc[0]
    assert finding.places[0] == f"x.csv, line 2: {row['Adj Close']:g} and {row['Close']:g}"
    assert finding.action.startswith("'Adj Close' is forecast")
    finding = next(f for f in load(frame, ReadConfig(target=("Close",))).findings if f.code == "P003")
    assert finding.action.startswith("'Close' is forecast, which falls when a dividend is paid")
    assert "P003" not in codes(load(frame.assign(Close=frame["Adj Close"].round(2))))
    assert "P003" not in codes(load(frame, ReadConfig(target=("Close", "Adj Close"))))


def test_a_close_that_cannot_be_compared(tmp_path: Path) -> None:
    """A fault in the close that is not forecast stops nothing, and is said."""
    text = with_dividends().to_csv(index=False).splitlines()
    text[3] = ",".join([text[3].split(",")[0], "x", text[3].split(",")[2]])
    (tmp_path / "x.csv").write_text("\n".join(text))
    loaded = load(tmp_path / "x.csv")
    assert loaded.panel.names.target == "Adj Close"
    (finding,) = (f for f in loaded.findings if f.code == "P003")
    assert "cannot be compared: x.csv, line 4, column 'Close': 'x' is not a number" in finding.message


@pytest.mark.parametrize("name", ["Adj Close**", "adjClose", "5. adjusted close", "Adjusted_Close"])
def test_names_of_adjusted_closes(name: str) -> None:
    """An adjusted close is known by all the names that downloads use."""
    frame = with_dividends().rename(columns={"Adj Close": name}).assign(Open=1.0, High=2.0, Low=0.5)
    loaded = load(frame)
    assert loaded.panel.names.target == name
    assert "P003" in codes(loaded)


@pytest.mark.parametrize("ratio", [2, 3, 1.5, 0.1, 20])
def test_splits(ratio: float) -> None:
    """A jump like a split is reported with its ratio and date, and undone when asked."""
    loaded = load(prices(ratio))
    (finding,) = loaded.findings
    assert (finding.code, finding.severity, finding.count) == ("P001", "warning", 1)
    words = f"{ratio:g}:1" if ratio > 1 else f"1:{1 / ratio:g}"
    assert finding.places[0].startswith(f"{words} on 2024-03-25")
    whole = load(prices(ratio), ReadConfig(adjust_splits=True))
    assert codes(whole) == {"P002": 1}
    np.testing.assert_allclose(whole.panel.target, prices(1)["close"] / ratio)


def test_a_split_after_days_without_a_price() -> None:
    """Days without a price before a split hide it neither from the report nor from the repair."""
    frame = prices(4).assign(open=lambda table: table["close"] * 1.01)
    frame.loc[57:59, ["close", "open"]] = np.nan
    whole = prices(1)["close"].where(frame["close"].notna()) / 4
    config = ReadConfig(target=("close",), covariates=("open",))
    assert codes(load(frame, config))["P001"] == 1
    panel = load(frame, dataclasses.replace(config, adjust_splits=True)).panel
    np.testing.assert_allclose(panel.values, np.column_stack([whole, whole * 1.01]))


def test_a_price_that_halves_in_a_month_without_any() -> None:
    """What happens in weeks without prices is no split."""
    frame = prices(2)
    assert codes(load(frame.drop(index=range(57, 60)))) == {"P001": 1}
    assert "P001" not in codes(load(frame.drop(index=range(40, 60))))


@pytest.mark.parametrize("ratio", [1.0, 1.2, 1.7, 2.4])
def test_no_splits(ratio: float) -> None:
    """Other jumps and jumps of a sensor are no splits."""
    assert codes(load(prices(ratio))) == {}
    sensor = prices(2).assign(date=pd.date_range("2024-01-01", periods=120, freq="h"))
    assert codes(load(sensor)) == {}
