"""Tables of prices, folders of files and partitioned data sets, with no option."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import forecast
from shares import prices

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError


def codes(loaded: Loaded) -> dict[str, int]:
    """Findings as code: count."""
    return {finding.code: finding.count for finding in loaded.findings}


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
    """Which of several columns is meant is asked; of one station, each is a series."""
    days = pd.date_range("2024-01-01", periods=30)
    values = {"temp": np.arange(30) / 4, "hum": np.arange(30) / 8}
    frame = pd.concat(
        [pd.DataFrame({"day": days, "station": name, **values}) for name in ids[: 1 + (not one)]]
    )
    assert load(frame, ReadConfig(target=("hum",))).panel.target[1] == 0.125
    if not one:
        with pytest.raises(DataError, match="2 columns could be the target: 'temp', 'hum'") as caught:
            load(frame)
        assert "--target temp" in caught.value.hint
    else:
        assert load(frame).panel.ids == ("hum", "temp")
        assert load(frame.drop(columns="station")).panel.ids == ("hum", "temp")
        assert load(frame.drop(columns="hum")).panel.names.target == "temp"


def test_partitions_that_go_round(tmp_path: Path) -> None:
    """A link to a folder above is found, not followed forever."""
    (tmp_path / "a=1").mkdir()
    (tmp_path / "a=1" / "b=2").symlink_to(tmp_path)
    with pytest.raises(DataError, match="is nested too deep"):
        load(tmp_path)
