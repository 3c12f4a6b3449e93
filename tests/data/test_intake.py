"""Intake: irregular readings on a grid, the health of series, export, and what inspect tells."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import assert_clean_failure, forecast
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples

from forecaster.config import ReadConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.load import Loaded, load
from forecaster.data.writing.export import export_panel
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
    ahead = panel.frequency.future_times(int(panel.time[-1]), 2).view("M8[ns]")
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
        ("V008", "wild"),
    ):  # fmt: skip
        assert f"'{name}'" in found[code], code
        assert codes(loaded)[code] == 1


def test_export_of_series(tmp_path: Path) -> None:
    """--export holds id, time, value and observed of every row of every series."""
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=10), "b": np.arange(10.0), "a": 1.5})
    frame.loc[4, "b"] = np.nan
    loaded = load(frame)
    for name in ("x.csv", "x.parquet"):
        export_panel(loaded.panel, tmp_path / name)
        output = (pd.read_csv if name.endswith("csv") else pd.read_parquet)(tmp_path / name)
        assert output["id"].tolist() == ["a"] * 10 + ["b"] * 10
        times = [str(day)[:10] for day in frame["day"]] if name.endswith("csv") else frame["day"].tolist()
        assert output["time"].tolist() == times * 2
        assert output["observed"].tolist() == [row != 14 for row in range(20)]
        np.testing.assert_array_equal(output["value"], np.r_[frame["a"], frame["b"]])


def test_inspect_tells_what_is_not_usable(tmp_path: Path) -> None:
    """Rows that make no series are exported as they were read, with findings as JSON and exit code 3."""
    (tmp_path / "x.csv").write_text(
        "day,y\n2024-01-01,1\n2024-01-02,2,\n2024-01-02,3\n2024-01-02,4\n2024-01-04,5\n"
    )
    asked = ("inspect", "x.csv", "--bad-rows", "skip", "--export", "rows.csv", "--json")
    result = forecast(*asked, cwd=tmp_path)
    assert result.returncode == 3
    output = json.loads(result.stdout)
    assert output["usable"] is False
    assert [finding["code"] for finding in output["findings"]][:2] == ["R006", "E005"]
    assert output["findings"][0]["places"] == ["line 3: 3 fields where the header has 2"]
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert rows["value"].tolist() == [1.0, 3.0, 4.0, 5.0]
    assert "duplicate timestamp" in result.stderr
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
    output = forecast("inspect", "x.csv", cwd=tmp_path)
    assert all(code in output.stdout for code in found)
    assert output.stderr.startswith("error: x.csv, line 4")


def test_inspect_tells_what_it_found_before_the_error(tmp_path: Path) -> None:
    """Repairs before the error are reported with it, and so are contradictions after it."""
    (tmp_path / "x.csv").write_text(
        "day, y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,3\n2024-01-03,3\n2024-01-04,4,\n2024-01-05,5\n"
        "2024-01-06,6\n"
    )
    output = json.loads(forecast("inspect", "x.csv", "--json", cwd=tmp_path).stdout)["findings"]
    assert [each["code"] for each in output] == ["E002", "E005"]
    asked = ("inspect", "x.csv", "--bad-rows", "skip")
    output = forecast(*asked, cwd=tmp_path)
    assert output.returncode == 3
    assert "R002" in output.stdout
    assert "R006" in output.stdout
    assert "E005" in output.stdout


def test_inspect_names_no_errors_in_rows_that_are_left_out(tmp_path: Path) -> None:
    """Rows of units, and rows without a time that --bad-rows skip leaves out, are no errors."""
    (tmp_path / "x.csv").write_text(
        "day,y\n,kWh\n2024-01-01,1\n2024-01-02,x2\n2024-01-03,3\n2024-01-04,4\nTotal,8\n2024-01-05,5\n"
    )
    asked = ("inspect", "x.csv", "--bad-rows", "skip", "--json")
    found = json.loads(forecast(*asked, cwd=tmp_path).stdout)["findings"]
    assert [(each["code"], each["count"]) for each in found] == [("R009", 1), ("R006", 1), ("E003", 1)]


def test_inspect_accounts_for_every_column(tmp_path: Path) -> None:
    """Each column is the time, the id, a target or a covariate, or is left out for a reason that is shown."""
    rows = [
        f"{at},2024-01-{day:02d},{name},{at % 7}.5,{day},{at % 2},ok"
        for at, (day, name) in enumerate((day, name) for day in range(1, 29) for name in "ab")
    ]
    (tmp_path / "x.csv").write_text("\n".join(["row,day,who,y,x,flag,note", *rows, ""]))
    asked = ("inspect", "x.csv", "--target", "y", "--covariates", "x")
    facts = json.loads(forecast(*asked, "--json", cwd=tmp_path).stdout)
    assert facts["left out"] == dict.fromkeys(("row", "flag"), "not named as --target") | {"note": "words"}
    everything = [facts["time"], facts["id"], *facts["target"], *facts["covariates"], *facts["left out"]]
    assert sorted(everything) == ["day", "flag", "note", "row", "who", "x", "y"]
    output = forecast(*asked, cwd=tmp_path).stdout
    assert "left out      row, flag (not named as --target), note (words)" in output


@pytest.mark.parametrize(("days", "step"), [([1, 3, 5, 7, 8, 10], "D"), ([1, 7, 13, 16, 22, 28], "3D")])
def test_rows_on_a_finer_grid(days: list[int], step: str) -> None:
    """Where rows leave the commonest step but all lie on a finer one, the error names it, and it works."""
    stamps = pd.to_datetime([f"2024-01-{day:02d}" for day in days])
    frame = pd.DataFrame({"t": stamps, "y": np.arange(6.0)})
    with pytest.raises(DataError, match="does not lie on its grid") as caught:
        load(frame)
    assert f"--freq {step}." in caught.value.hint
    assert load(frame, ReadConfig(freq=step)).panel.observed.sum() == 6
