"""Intake: irregular readings on a grid, trading days, splits, the health of series, partitions, export."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import assert_clean_failure, forecast
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples

from forecaster.config import ReadConfig, from_json, to_json
from forecaster.data.calendar import Frequency, frequency, future_times
from forecaster.data.export import export_panel
from forecaster.data.frames import forecast_frame
from forecaster.data.load import Loaded, load
from forecaster.data.sessions import exchange_days
from forecaster.data.trading import described
from forecaster.errors import DataError, UsageError

HOWS = ["mean", "sum", "last", "first", "max", "min"]


def codes(loaded: Loaded) -> dict[str, int]:
    """Findings as code: count."""
    return {finding.code: finding.count for finding in loaded.findings}


@given(
    st.lists(st.tuples(st.integers(0, 7200), st.none() | st.floats(-100, 100)), min_size=3, max_size=60),
    st.sampled_from(HOWS),
    st.sampled_from(["5min", "10min", "h"]),
)
@examples(80)
def test_readings_on_a_grid(readings: list, how: str, step: str) -> None:
    """Readings at any time become one value a step, as pandas resamples them; empty steps stay empty."""
    readings = sorted(readings, key=lambda reading: reading[0])
    index = pd.Timestamp("2024-03-05 07:13:20") + pd.to_timedelta(
        [second for second, _ in readings], unit="s"
    )
    values = pd.Series([value for _, value in readings], index=index, dtype=float)
    frame = pd.DataFrame({"t": index, "y": values.to_numpy()})
    config = ReadConfig(time="t", target=("y",), every=step, agg=how)
    known = values.dropna()
    if known.empty:
        with pytest.raises(DataError, match="no value at all"):
            load(frame, config)
        return
    expected = getattr(known.resample(step), how)()
    if how == "sum":
        expected = expected.where(known.resample(step).count() > 0)
    loaded = load(frame, config)
    assume("nearest" not in next(each.action for each in loaded.findings if each.code == "D006"))
    panel = loaded.panel
    assert panel.time.tolist() == expected.index.as_unit("ns").asi8.tolist()
    np.testing.assert_allclose(panel.target, expected.to_numpy(), atol=1e-9)


@pytest.mark.parametrize(
    "alias", ["D", "W-WED", "W", "MS", "ME", "QS", "QE", "YS", "YE", "QS-FEB", "2D", "BME", "BQS", "BYE-JUN"]
)
def test_finer_data_on_a_coarser_grid(alias: str) -> None:
    """Days, weeks, months, quarters and years hold what lies in them, and sums stay whole."""
    days = pd.date_range("2020-02-11 05:00", periods=1500, freq="17h")
    frame = pd.DataFrame({"t": days, "y": np.arange(1500.0)})
    panel = load(frame, ReadConfig(freq=alias, agg="sum")).panel
    assert panel.target.sum() == frame["y"].sum()
    assert panel.frequency.alias == frequency(alias).alias
    if alias in ("D", "MS", "QS", "YS", "ME", "QE", "YE"):
        expected = frame.set_index("t")["y"].resample(alias).sum()
        assert panel.time.tolist() == expected.index.as_unit("ns").asi8.tolist()
        np.testing.assert_allclose(panel.target, expected)


def test_days_on_the_last_weekday_of_their_month() -> None:
    """Days become months named by their last weekday, as pandas names them, the weekend after it included."""
    days = pd.date_range("2020-01-06", "2024-12-31", freq="B")
    frame = pd.DataFrame({"t": days, "y": np.arange(float(len(days)))})
    panel = load(frame, ReadConfig(freq="BME", agg="last")).panel
    expected = frame.set_index("t")["y"].resample("BME").last()
    assert panel.time.tolist() == expected.index.as_unit("ns").asi8.tolist()
    np.testing.assert_array_equal(panel.target, expected)
    ahead = future_times(int(panel.time[-1]), panel.frequency, 2).view("M8[ns]")
    assert ahead.tolist() == np.array(["2025-01-31", "2025-02-28"], "M8[ns]").tolist()


def test_a_missing_month_leaves_the_last_trading_days_as_they_are() -> None:
    """A month without a row is one not observed; the days of the others stay, where a holiday moved them."""
    days = ["2021-01-29", "2021-02-26", "2021-03-31", "2021-04-30", "2021-05-28", "2021-07-30", "2021-08-31"]
    loaded = load(pd.DataFrame({"t": pd.to_datetime(days), "y": np.arange(7.0)}))
    assert loaded.panel.frequency.alias == "BME"
    assert codes(loaded)["D002"] == 1
    days.insert(5, "2021-06-30")
    assert loaded.panel.time.tolist() == np.array(days, "M8[ns]").astype(np.int64).tolist()


def test_a_grid_that_is_not_clear() -> None:
    """Irregular readings without a step are refused with the option; options that disagree are named."""
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta([0, 7, 61, 62, 300, 1000, 1003], unit="s")
    frame = pd.DataFrame({"t": times, "y": 1.0})
    with pytest.raises(DataError, match="irregular") as caught:
        load(frame)
    assert "--every" in caught.value.hint
    for config in (
        ReadConfig(every="5min", freq="h"), ReadConfig(agg="sum"), ReadConfig(calendar="XNYS", freq="D"),
        ReadConfig(every="B"), ReadConfig(every="SMS"),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            load(frame, config)


def test_trading_days_of_an_exchange() -> None:
    """With a calendar, holidays of an exchange are no gaps, and forecasts skip those to come."""
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    days = pd.bdate_range("2024-11-01", "2024-12-31").difference(pd.to_datetime(["2024-11-28", "2024-12-25"]))
    frame = pd.DataFrame({"date": days, "close": np.arange(len(days)) + 100.0})
    panel = load(frame, ReadConfig(calendar="XNYS")).panel
    assert panel.frequency.alias == "B-XNYS"
    coming = pd.DatetimeIndex(future_times(int(panel.time[-1]), panel.frequency, 6).view("M8[ns]"))
    # New Year, and the day of mourning for President Carter on 9 January
    assert coming.strftime("%m-%d").tolist() == ["01-02", "01-03", "01-06", "01-07", "01-08", "01-10"]
    with pytest.raises(DataError, match="does not lie on its grid"):
        load(frame.replace(days[18], pd.Timestamp("2024-11-28")), ReadConfig(calendar="XNYS"))
    with pytest.raises(UsageError, match="knows no exchange 'XXXX'"):
        exchange_days("XXXX")


def future_days(loaded: Loaded, count: int) -> list[str]:
    """The days after the last one, as month and day."""
    panel = loaded.panel
    ahead = future_times(int(panel.time.max()), panel.frequency, count, panel.names.tz)
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
    """A week without Sundays is learned, told, and kept when reading again."""
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
    """Midnights of a zone whose clocks change are days, told with their offsets or placed by --tz."""
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


OHLCV = {
    "a download": ["Date", "Open", "High", "Low", "Close", "Volume"],
    "in lower case": ["date", "open", "high", "low", "close", "volume"],
    "in brackets": ["<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"],
    "numbered": ["timestamp", "1. open", "2. high", "3. low", "4. close", "5. volume"],
}


@pytest.mark.parametrize("kind", OHLCV)
@pytest.mark.parametrize("layout", ["one", "long", "folder", "parquet"])
def test_prices_need_no_option(tmp_path: Path, kind: str, layout: str) -> None:
    """The close of an OHLCV table is forecast, for one symbol or many, in one file or one each."""
    names = OHLCV[kind]
    frame = prices(1).iloc[:, [0, 1, 1, 1, 1, 1]].set_axis(names, axis="columns")
    frame[names[-1]] = 1_000_000 + np.arange(len(frame))
    path = tmp_path / ("x.parquet" if layout == "parquet" else "x.csv")
    if layout == "one":
        frame.to_csv(path, index=False)
    elif layout == "folder":
        for name in ("AAA", "BBB"):
            frame.to_csv(tmp_path / f"{name}.csv", index=False)
        path = tmp_path
    else:
        whole = pd.concat([frame.assign(Symbol=name) for name in ("AAA", "BBB")])
        whole.to_parquet(path, index=False) if layout == "parquet" else whole.to_csv(path, index=False)
    panel = load(path).panel
    assert panel.names.target == names[4]
    assert panel.ids == ((names[4],) if layout == "one" else ("AAA", "BBB"))
    assert panel.frequency.alias == "B"


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
    """An adjusted close is known by whatever name a download gives it."""
    frame = with_dividends().rename(columns={"Adj Close": name}).assign(Open=1.0, High=2.0, Low=0.5)
    loaded = load(frame)
    assert loaded.panel.names.target == name
    assert "P003" in codes(loaded)


def prices(ratio: float, row: int = 60) -> pd.DataFrame:
    """Prices of a share that is split once."""
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 120)))
    close[row:] /= ratio
    return pd.DataFrame({"date": pd.bdate_range("2024-01-01", periods=120), "close": close})


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
    """Other jumps are no splits, nor is any jump of a sensor."""
    assert codes(load(prices(ratio))) == {}
    sensor = prices(2).assign(date=pd.date_range("2024-01-01", periods=120, freq="h"))
    assert codes(load(sensor)) == {}


def test_health_of_each_series() -> None:
    """Short, stale, gappy and constant series are found among many, and named."""
    days = pd.date_range("2024-01-01", periods=100)
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"s{number}": rng.normal(size=100) for number in range(20)}, index=days)
    frame["short"] = np.r_[np.full(97, np.nan), 1.0, 3.0, 2.0]
    frame["stale"] = np.r_[rng.normal(size=50), np.full(50, np.nan)]
    frame["gappy"] = np.where(np.arange(100) % 3 == 0, rng.normal(size=100), np.nan)
    frame["flat"] = 4.0
    frame["hole"] = np.r_[rng.normal(size=40), np.full(20, np.nan), rng.normal(size=40)]
    frame["wild"] = np.r_[rng.normal(size=50), 1e12, rng.normal(size=49)]
    loaded = load(frame.reset_index(names="day"), ReadConfig(target=tuple(frame)))
    found = {finding.code: f"{finding.message} {finding.places}" for finding in loaded.findings}
    for code, name in (
        ("S001", "short"), ("S002", "stale"), ("S003", "gappy"), ("V003", "flat"), ("V006", "hole"),
        ("V005", "wild"),
    ):  # fmt: skip
        assert f"'{name}'" in found[code], code
        assert codes(loaded)[code] == 1


@pytest.mark.parametrize("key", ["symbol", "date"])
def test_partitioned_data_sets(tmp_path: Path, key: str) -> None:
    """A Parquet data set in folders such as symbol=AAPL is one table, whatever it is divided by."""
    days = pd.bdate_range("2024-01-01", periods=40)
    whole = pd.concat(
        [
            pd.DataFrame({"symbol": name, "date": days, "close": np.arange(40.0) + level})
            for level, name in enumerate("AB")
        ]
    )
    whole["month"] = whole["date"].dt.strftime("%Y-%m")
    by = "symbol" if key == "symbol" else "month"
    for value, part in whole.groupby(by):
        (tmp_path / f"{by}={value}").mkdir()
        part.drop(columns=[by, "month"], errors="ignore").to_parquet(tmp_path / f"{by}={value}" / "0.parquet")
    panel = load(tmp_path).panel
    assert panel.ids == ("A", "B")
    assert panel.lengths.tolist() == [40, 40]
    assert panel.frequency.alias == "B"
    np.testing.assert_array_equal(panel.target, np.r_[np.arange(40.0), np.arange(40.0) + 1])


def sensors(codes: tuple[int, ...] = (7203, 6758), hours: int = 24 * 40) -> pd.DataFrame:
    """Hourly temperatures of several sensors, of the year and month in which they were taken."""
    times = pd.date_range("2023-12-10", periods=hours, freq="h")
    parts = [
        pd.DataFrame({"sensor": code, "time": times, "temp": np.arange(hours) % 24 + code}) for code in codes
    ]
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(year=whole["time"].dt.year, month=whole["time"].dt.month)


def partitioned(
    frame: pd.DataFrame, folder: Path, keys: list[str], kind: str = "parquet", files: int = 2
) -> None:
    """`frame` in folders such as year=2024/month=1, in several files each, as engines write them."""
    for values, part in frame.groupby(keys):
        inner = folder.joinpath(*(f"{key}={value}" for key, value in zip(keys, values, strict=True)))
        inner.mkdir(parents=True)
        (inner / "_SUCCESS").touch()
        for number in range(files):
            rows = part.iloc[number::files].drop(columns=keys)
            path = inner / f"part-{number}.{kind}"
            rows.to_parquet(path, index=False) if kind == "parquet" else rows.to_csv(path, index=False)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize(
    "keys", [["sensor"], ["year", "month"], ["sensor", "year"], ["year", "month", "sensor"]]
)
def test_keys_of_a_data_set_are_no_values(tmp_path: Path, keys: list[str], kind: str) -> None:
    """Numbers in the names of folders name series or times, and are never forecast."""
    frame = sensors()
    dropped = [name for name in ("year", "month") if name not in keys]
    partitioned(frame.drop(columns=dropped), tmp_path, keys, kind)
    loaded = load(tmp_path)
    assert loaded.panel.ids == ("6758", "7203")
    assert loaded.panel.names.target == "temp"
    expected = frame.sort_values(["sensor", "time"])["temp"]
    np.testing.assert_array_equal(loaded.panel.target, expected)


def test_one_sensor_in_a_data_set(tmp_path: Path) -> None:
    """A data set by month of one sensor is one series; of several values a series each."""
    frame = sensors((1,)).drop(columns="sensor")
    partitioned(frame, tmp_path / "one", ["year", "month"])
    partitioned(frame.assign(hum=0.5), tmp_path / "wide", ["year", "month"])
    assert load(tmp_path / "one").panel.ids == ("temp",)
    assert load(tmp_path / "wide").panel.ids == ("hum", "temp")


def test_a_data_set_by_the_command_line(tmp_path: Path) -> None:
    """A partitioned data set is trained on and forecast with no option, by the words in its folders."""
    partitioned(sensors().drop(columns=["year", "month"]), tmp_path / "set", ["sensor"])
    assert forecast("train", "set", "--horizon", "3", "--quiet", cwd=tmp_path).returncode == 0
    rows = forecast("predict", cwd=tmp_path).stdout.splitlines()
    assert rows[0].startswith("sensor,time,forecast")
    assert [row.split(",")[0] for row in rows[1:]] == ["6758"] * 3 + ["7203"] * 3


def in_files(frame: pd.DataFrame, by: str, folder: Path) -> Path:
    """A file for each day or month, as a logger writes them."""
    folder.mkdir()
    for period, part in frame.groupby(frame["time"].dt.strftime(by)):
        part.to_csv(folder / f"log-{period}.csv", index=False)
    return folder


@pytest.mark.parametrize("by", ["%Y-%m-%d", "%Y-%m", "%d.%m.%Y"])
def test_logs_by_day_or_month(tmp_path: Path, by: str) -> None:
    """Files each of which goes on where another ends are one series, in whatever order their names are."""
    frame = sensors((1,), hours=24 * 70)[["time", "temp"]]
    loaded = load(in_files(frame, by, tmp_path / "logs"))
    assert loaded.panel.ids == ("temp",)
    assert codes(loaded)["C004"] == 1
    np.testing.assert_array_equal(loaded.panel.target, frame["temp"])
    assert load(tmp_path / "logs", loaded.read).panel.time.tolist() == loaded.panel.time.tolist()


def test_files_that_do_not_follow_one_another(tmp_path: Path) -> None:
    """Files that overlap in time, or lie far apart, are series of their own; so are all where it is asked."""
    frame = sensors((1,), hours=24 * 70)[["time", "temp"]]
    folder = in_files(frame, "%Y-%m", tmp_path / "logs")
    assert load(folder, ReadConfig(layout="files")).panel.ids == tuple(
        f"log-{month}" for month in ("2023-12", "2024-01", "2024-02")
    )
    (folder / "log-2024-01.csv").unlink()
    assert load(folder).panel.ids == ("log-2023-12", "log-2024-02")
    (tmp_path / "logs" / "log-2024-02.csv").unlink()
    frame.iloc[24 * 20 :].to_csv(tmp_path / "logs" / "b.csv", index=False)
    assert load(folder).panel.ids == ("b", "log-2023-12")


def test_the_layout_by_the_command_line(tmp_path: Path) -> None:
    """--layout files makes a series of each file, and the model remembers it."""
    in_files(sensors((1,), hours=24 * 50)[["time", "temp"]], "%Y-%m", tmp_path / "logs")
    asked = forecast("train", "logs", "--layout", "files", "--horizon", "2", "--quiet", cwd=tmp_path)
    assert asked.returncode == 0, asked.stderr
    rows = forecast("predict", cwd=tmp_path).stdout.splitlines()
    assert [row.split(",")[0] for row in rows[1::2]] == ["log-2023-12", "log-2024-01"]


def test_files_of_one_name_are_different_series(tmp_path: Path) -> None:
    """Where files in several folders have one name, or one stem, more of the path tells them apart."""
    frame = sensors((1,))[["time", "temp"]]
    for number, name in enumerate(("north/data.csv", "south/data.csv")):
        (tmp_path / name).parent.mkdir()
        frame.assign(temp=frame["temp"] + number).to_csv(tmp_path / name, index=False)
    assert load(tmp_path / "*" / "data.csv").panel.ids == ("north/data", "south/data")
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.txt", index=False)
    assert load(tmp_path).panel.ids == ("a.csv", "a.txt")


@pytest.mark.parametrize("one", [True, False])
@pytest.mark.parametrize("ids", [["a", "b"], [101, 102]])
def test_several_values_beside_an_id(ids: list, *, one: bool) -> None:
    """Which of several columns is meant is asked, also where there is one series; a label is no candidate."""
    days = pd.date_range("2024-01-01", periods=30)
    values = {"temp": np.arange(30) / 4, "hum": np.arange(30) / 8}
    frame = pd.concat(
        [pd.DataFrame({"day": days, "station": name, **values}) for name in ids[: 1 + (not one)]]
    )
    with pytest.raises(DataError, match="2 columns could be the target: 'temp', 'hum'") as caught:
        load(frame)
    assert "--target" in caught.value.hint
    assert load(frame, ReadConfig(target=("hum",))).panel.target[1] == 0.125
    if one:
        assert load(frame.drop(columns="station")).panel.ids == ("hum", "temp")
        assert load(frame.drop(columns="hum")).panel.names.target == "temp"


def test_partitions_that_go_round(tmp_path: Path) -> None:
    """A link to a folder above is found, not followed forever."""
    (tmp_path / "a=1").mkdir()
    (tmp_path / "a=1" / "b=2").symlink_to(tmp_path)
    with pytest.raises(DataError, match="lies too deep"):
        load(tmp_path)


def test_export_of_series(tmp_path: Path) -> None:
    """--export holds id, time, value and observed of every row of every series."""
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=10), "b": np.arange(10.0), "a": 1.5})
    frame.loc[4, "b"] = np.nan
    loaded = load(frame)
    for name in ("x.csv", "x.parquet"):
        export_panel(loaded.panel, tmp_path / name)
        told = (pd.read_csv if name.endswith("csv") else pd.read_parquet)(tmp_path / name)
        assert told["id"].tolist() == ["a"] * 10 + ["b"] * 10
        assert told["time"].tolist() == [str(day)[:10] for day in frame["day"]] * 2
        assert told["observed"].tolist() == [row != 14 for row in range(20)]
        np.testing.assert_array_equal(told["value"], np.r_[frame["a"], frame["b"]])


def test_inspect_tells_what_is_not_usable(tmp_path: Path) -> None:
    """Rows that make no series are exported as they were read, the findings told as JSON; the code is 3."""
    (tmp_path / "x.csv").write_text(
        "day,y\n2024-01-01,1\n2024-01-02,2,\n2024-01-02,3\n2024-01-02,4\n2024-01-04,5\n"
    )
    asked = ("inspect", "x.csv", "--bad-rows", "skip", "--export", "rows.csv", "--json")
    result = forecast(*asked, cwd=tmp_path)
    assert result.returncode == 3
    told = json.loads(result.stdout)
    assert told["usable"] is False
    assert [finding["code"] for finding in told["findings"]][:2] == ["R006", "E005"]
    assert told["findings"][0]["places"] == ["line 3: 3 fields where the header has 2"]
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert rows["value"].tolist() == [1.0, 3.0, 4.0, 5.0]
    assert "the same timestamp" in result.stderr
    (tmp_path / "x.csv").write_text("day,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n2024-01-04,4,\n")
    assert_clean_failure(forecast("inspect", "x.csv", cwd=tmp_path), 3)  # one error alone needs no table


def test_inspect_tells_all_that_is_wrong(tmp_path: Path) -> None:
    """Behind the first error the others are found: damaged rows, cells, times, each with count and places."""
    (tmp_path / "x.csv").write_text(
        " day;y;note\n2024-01-01;1;a\n2024-01-02;x2;b\n2024-01-03;3\n2024-01-04;4;d;e\nsoon;5;b\n"
        "2024-01-06;?;b\n2024-01-07;7;b\n2024-01-08;8;b\n2024-01-09;9;b\n2024-01-10;9;b\n"
    )
    result = forecast("inspect", "x.csv", "--json", cwd=tmp_path)
    assert result.returncode == 3
    found = {each["code"]: each for each in json.loads(result.stdout)["findings"]}
    assert {code: each["count"] for code, each in found.items()} == {"E002": 2, "E003": 2, "E004": 1}
    assert found["E002"]["places"] == [
        f"line {row}: {n} fields where the header has 3" for row, n in ((4, 2), (5, 4))
    ]
    assert found["E003"]["places"] == ["x.csv, line 3: 'x2'", "x.csv, line 7: '?'"]
    assert found["E004"]["places"] == ["x.csv, line 6: 'soon'"]
    assert "--bad-rows skip" in found["E002"]["action"]
    told = forecast("inspect", "x.csv", cwd=tmp_path)
    assert all(code in told.stdout for code in found)
    assert told.stderr.startswith("error: x.csv, line 4")


def test_inspect_tells_what_it_found_before_the_error(tmp_path: Path) -> None:
    """Repairs before the error are told beside it, on the terminal too; so are contradictions behind it."""
    (tmp_path / "x.csv").write_text(
        "day, y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,3\n2024-01-03,3\n2024-01-04,4,\n2024-01-05,5\n"
        "2024-01-06,6\n"
    )
    told = json.loads(forecast("inspect", "x.csv", "--json", cwd=tmp_path).stdout)["findings"]
    assert [each["code"] for each in told] == ["E002", "E005"]
    asked = ("inspect", "x.csv", "--bad-rows", "skip")
    told = forecast(*asked, cwd=tmp_path)
    assert told.returncode == 3
    assert "R002" in told.stdout
    assert "R006" in told.stdout
    assert "E005" in told.stdout
