"""`--max-gap` on the command line: valid and invalid values, what a model remembers, what is reported."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import assert_clean_failure, forecast

HOURS = 24 * 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty days of hourly readings without one hour, without four, without three days; then 30 hours."""
    rng = np.random.default_rng(4)
    hours = pd.date_range("2024-05-01", periods=HOURS, freq="h")
    values = 20 + 5 * np.sin(np.arange(HOURS) / 24 * 2 * np.pi) + rng.normal(0, 0.3, HOURS)
    kept = np.ones(HOURS, bool)
    kept[100] = False
    kept[200:204] = False
    kept[HOURS - 30 - 72 : HOURS - 30] = False
    frame = pd.DataFrame({"time": hours, "temp": values.round(2)})[kept]
    frame.to_csv(tmp_path / "temp.csv", index=False)
    return tmp_path


def gaps_named(folder: Path, *arguments: str) -> dict:
    """The finding of `inspect` about gaps that are too long."""
    told = json.loads(forecast("inspect", "temp.csv", "--json", *arguments, cwd=folder).stdout)
    return next((each for each in told["findings"] if each["code"] == "V006"), {"count": 0})


@pytest.mark.parametrize(
    ("asked", "count"),
    [((), 1), (("0",), 3), (("1",), 2), (("2h",), 2), (("4h",), 1), (("71",), 1), (("3D",), 0), (("72",), 0)],
)
def test_lengths_of_gaps(folder: Path, asked: tuple[str, ...], count: int) -> None:
    """The value is a number of rows or a duration; longer gaps are listed, the longest first."""
    found = gaps_named(folder, *(("--max-gap", *asked) if asked else ()))
    assert found["count"] == count
    if count:
        assert found["places"][0] == "72 rows after 2024-05-26 17:00:00 in 'temp'"
        assert "--max-gap" in found["action"]


def test_any_gap(folder: Path) -> None:
    """`any` allows all gaps, and the finding says so."""
    found = gaps_named(folder, "--max-gap", "any")
    assert (found["count"], found["action"]) == (1, "crossed, as asked")


@pytest.mark.parametrize("asked", ["-1", "two", "2.5", "1MS", "0h"])
def test_no_lengths(folder: Path, asked: str) -> None:
    """A value that is not a length is wrong usage; the message says which values are."""
    result = forecast("inspect", "temp.csv", "--max-gap", asked, cwd=folder)
    assert_clean_failure(result, 2)
    assert f"max_gap cannot be '{asked}'" in result.stderr
    assert "any." in result.stderr


def test_a_number_in_the_file_of_settings(folder: Path) -> None:
    """forecast.toml accepts a number as well as text."""
    (folder / "forecast.toml").write_text("max_gap = 1\n")
    assert gaps_named(folder)["count"] == 2
    (folder / "forecast.toml").write_text("max_gap = true\n")
    assert_clean_failure(forecast("inspect", "temp.csv", cwd=folder), 2)


def test_a_model_remembers_it(folder: Path) -> None:
    """`predict` uses the limit of `train`; an option of `predict` overrides it."""
    assert forecast("train", "temp.csv", "--max-gap", "2h", cwd=folder).returncode == 0
    card = json.loads(forecast("show", "--json", cwd=folder).stdout)
    assert card["data"]["max_gap"] == 2
    remembered = forecast("predict", cwd=folder).stdout
    assert forecast("predict", "temp.csv", "--max-gap", "2", cwd=folder).stdout == remembered
    assert forecast("predict", "temp.csv", "--max-gap", "any", cwd=folder).stdout != remembered


def test_the_report_is_of_rows_between_gaps(folder: Path) -> None:
    """With an outage shortly before the end, the held-out rows are all after it or all before it."""
    for horizon, start in (("24", "2024-05-30 00:00"), ("48", "2024-05-24 18:00")):
        told = json.loads(forecast("train", "temp.csv", "--horizon", horizon, "--json", cwd=folder).stdout)
        first, last = pd.Timestamp(told["report"]["start"]), pd.Timestamp(told["report"]["end"])
        assert last - first == pd.Timedelta(hours=int(horizon) - 1)
        assert told["report"]["windows"] == 1
        assert (horizon, first) == (horizon, pd.Timestamp(start))


def test_a_backtest_is_of_rows_between_gaps(folder: Path) -> None:
    """`evaluate` goes back from the newest rows that can be held out; rows after long gaps are not."""
    asked = ("evaluate", "temp.csv", "--horizon", "48", "--origins", "3", "--step", "48", "--json")
    told = json.loads(forecast(*asked, cwd=folder).stdout)
    assert (told["origins"], told["end"]) == (3, "2024-05-26T17:00:00")
    told = json.loads(forecast(*asked, "--max-gap", "any", cwd=folder).stdout)
    assert told["end"] == "2024-05-30T23:00:00"


def test_no_stretch_is_long_enough_for_a_report(folder: Path) -> None:
    """Where gaps leave nothing to hold out, there is a model, and a note says why it has no report."""
    table = pd.read_csv(folder / "temp.csv")
    back = np.arange(len(table))[::-1]
    table[(back % 6 != 0) | (back == 0)].to_csv(folder / "temp.csv", index=False)
    result = forecast("train", "temp.csv", "--max-gap", "0", "--horizon", "12", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert (
        "No error report: between gaps of more than 0 rows (see --max-gap)" in result.stdout + result.stderr
    )
    assert forecast("predict", cwd=folder).stdout.count("\n") == 13


def test_nothing_is_near_enough_to_learn_from(folder: Path) -> None:
    """Where every gap is too long, the error says how to allow them."""
    table = pd.read_csv(folder / "temp.csv")
    table[::2].to_csv(folder / "temp.csv", index=False)
    result = forecast("train", "temp.csv", "--freq", "h", "--max-gap", "0", cwd=folder)
    assert_clean_failure(result, 3)
    assert "--max-gap any" in result.stderr
