"""`forecast predict`: where forecasts go, pipes, pictures."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import SCRIPT, assert_clean_failure, daily, environment, forecast, on_a_terminal, said

COLUMNS = ["day", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demand.csv and the model trained on it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "demand.csv").write_text(daily())
    result = forecast("train", "demand.csv", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A folder with demand.csv and a model that was trained on it."""
    (tmp_path / "demand.csv").write_text(daily())
    shutil.copy(trained / "forecast.model", tmp_path)
    return tmp_path


def test_forecasts_go_to_stdout_as_csv(trained: Path) -> None:
    """Without arguments: forecast.model, the source it remembers, CSV with the user's names; nothing else."""
    result = forecast("predict", cwd=trained)
    assert (result.returncode, said(result)) == (0, "")
    table = pd.read_csv(io.StringIO(result.stdout))
    assert list(table) == COLUMNS
    assert list(table["day"].iloc[[0, -1]]) == ["2024-04-30", "2024-05-13"]
    assert (table["lo_95"] <= table["lo_80"]).all()
    assert (table["lo_80"] <= table["forecast"]).all()
    assert (table["forecast"] <= table["hi_80"]).all()


def test_forecasts_start_at_the_newest_row(trained: Path) -> None:
    """The remembered source is read again: the forecast starts after rows that were added since."""
    (trained / "demand.csv").write_text(daily(123))
    try:
        table = pd.read_csv(io.StringIO(forecast("predict", cwd=trained).stdout))
    finally:
        (trained / "demand.csv").write_text(daily())
    assert table["day"][0] == "2024-05-03"


@pytest.mark.parametrize("name", ["f.csv", "f.tsv", "f.csv.gz", "f.parquet", "f.json"])
def test_forecasts_to_a_file(folder: Path, name: str) -> None:
    """-o chooses the format by the ending of the file; stdout stays empty. Parquet has all digits."""
    digits = ["--digits", "17"] if name == "f.parquet" else []
    expected = pd.read_csv(io.StringIO(forecast("predict", "demand.csv", *digits, cwd=folder).stdout))
    result = forecast("predict", "demand.csv", "-o", name, cwd=folder)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"wrote 14 forecasts to {name}\n"
    readers = {
        "f.csv": pd.read_csv,
        "f.tsv": lambda path: pd.read_csv(path, sep="\t"),
        "f.csv.gz": pd.read_csv,
        "f.parquet": pd.read_parquet,
        "f.json": lambda path: pd.DataFrame(json.loads(Path(path).read_text())),
    }
    table = readers[name](folder / name)
    assert list(table) == COLUMNS
    np.testing.assert_array_equal(table["forecast"], expected["forecast"])


def test_a_shorter_horizon(trained: Path) -> None:
    """--horizon gives fewer steps than the model has; they are the same."""
    whole, part = (
        pd.read_csv(io.StringIO(forecast("predict", *more, cwd=trained).stdout))
        for more in ([], ["--horizon", "3"])
    )
    assert len(part) == 3
    pd.testing.assert_frame_equal(part, whole.head(3))


def test_through_pipes(tmp_path: Path) -> None:
    """Data comes in through a pipe and forecasts go out through another, as JSON that others can read."""
    (tmp_path / "x.csv").write_text(daily())
    line = "cat x.csv | forecast train - && forecast predict x.csv -o - --json | python -m json.tool"
    path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=tmp_path,
        env=environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert len(told) == 14
    assert list(told[0]) == COLUMNS
    assert told[0]["day"] == "2024-04-30"
    piped = forecast("predict", "-", "--json", cwd=tmp_path, stdin=daily())
    assert json.loads(piped.stdout) == told
    again = forecast("predict", cwd=tmp_path)
    assert_clean_failure(again, 2)
    assert "standard input" in again.stderr


@pytest.mark.parametrize(
    "command", [["predict"], ["show"], ["inspect", "demand.csv"], ["predict", "--json"], ["train", "--help"]]
)
def test_a_reader_that_has_seen_enough(trained: Path, command: list[str]) -> None:
    """As in `forecast predict | head -2`: a closed pipe ends the command without a message."""
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [SCRIPT, *command],
        cwd=trained,
        env=environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (result.returncode, said(result)) == (0, "")


def test_several_series_and_odd_names(tmp_path: Path) -> None:
    """Id and time keep the user's names; a cell that a spreadsheet would take for a formula is quoted."""
    rows = [line.split(",") for line in daily(80).splitlines()[1:]]
    lines = [f'{day},"{name}",{value}' for name in ("=1+1", "ä b") for day, value in rows]
    (tmp_path / "two.csv").write_text("When,Which One,Much\n" + "\n".join(lines) + "\n")
    result = forecast("train", "two.csv", "--report", "report.csv", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(io.StringIO(forecast("predict", cwd=tmp_path).stdout))
    assert list(table)[:3] == ["Which One", "When", "forecast"]
    assert list(table["Which One"].unique()) == ["'=1+1", "ä b"]
    report = pd.read_csv(tmp_path / "report.csv")
    assert set(report.loc[report["scope"] == "series", "key"]) == {"'=1+1", "ä b"}


def test_a_glance_on_a_terminal(folder: Path) -> None:
    """Where forecasts go to a file and stderr is a terminal, the first and last rows are shown."""
    seen = on_a_terminal("predict", "demand.csv", "-o", "f.csv", cwd=folder, NO_COLOR="1")
    for word in ("demand", "2024-04-30", "2024-05-13", "80 %", "95 %", "wrote 14 forecasts to f.csv"):
        assert word in seen
    quiet = on_a_terminal("predict", "demand.csv", "-o", "f.csv", "--quiet", cwd=folder)
    assert quiet == ""


def test_python_m_is_the_same(trained: Path) -> None:
    """`python -m forecaster` does what `forecast` does."""
    result = subprocess.run(
        [sys.executable, "-m", "forecaster", "predict"],
        cwd=trained,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == forecast("predict", cwd=trained).stdout
