"""--max-memory: what does not fit is exit code 10 with a hint, for every command."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import SCRIPT, SMALL, assert_clean_failure, daily, environment, forecast, inside

from forecaster.machine import memory


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with demand.csv, where training is fast."""
    monkeypatch.chdir(tmp_path)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "demand.csv").write_text(daily(60))
    return tmp_path


def test_enough_memory_changes_nothing(here: Path) -> None:
    """The least limit is enough for a small table, and the model is the same."""
    plain = forecast("train", "demand.csv", "--horizon", "5", "-m", "a.model", cwd=here)
    assert plain.returncode == 0, plain.stderr
    limited = forecast(
        *("train", "demand.csv", "--horizon", "5", "-m", "b.model", "--max-memory", "256M"), cwd=here
    )
    assert limited.returncode == 0, limited.stderr
    assert (here / "a.model").read_bytes() == (here / "b.model").read_bytes()
    result = forecast("predict", "-m", "b.model", cwd=here, FORECAST_MAX_MEMORY="300M")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", ["inspect", "train", "evaluate", "predict"])
def test_a_file_larger_than_the_memory(command: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is not read at all."""
    with (here / "large.csv").open("wb") as file:
        file.truncate(2**30)
    model = ["--model", "pretrained"] if command == "predict" else []
    result = inside(command, "large.csv", "--max-memory", "600M", *model, capfd=capfd)
    assert_clean_failure(result, 10)
    assert "reading 'large.csv' needs about 2 GiB of memory" in result.stderr
    assert memory.allowed() is None


def test_what_never_ends(here: Path) -> None:
    """Rows from stdin without an end: exit code 10, with less than the limit taken."""
    yes = subprocess.Popen(["yes", "2024-01-01,1"], stdout=subprocess.PIPE)
    result = subprocess.run(
        [SCRIPT, "inspect", "-", "--max-memory", "256M"],
        stdin=yes.stdout, cwd=here, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    yes.kill()
    yes.wait()
    assert yes.stdout is not None
    yes.stdout.close()
    assert_clean_failure(result, 10)
    assert "reading stdin needs about" in result.stderr


def test_memory_that_runs_out_unforeseen(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A MemoryError of NumPy or PyArrow, with a limit or without, is exit code 10 and no bug."""

    def fail(*arguments: object, **more: object) -> None:
        raise error

    monkeypatch.setattr("forecaster.data.load.read", fail)
    for error in (MemoryError(), pa.ArrowMemoryError("malloc of size 1073741824 failed")):
        for extra in ([], ["--max-memory", "500M"]):
            result = inside("inspect", "demand.csv", *extra, capfd=capfd)
            assert_clean_failure(result, 10)
            assert ("--max-memory 1000M" in result.stderr) == bool(extra)
            assert ("1 GiB were needed" in result.stderr) == bool(error.args)


@pytest.fixture
def bombs(here: Path) -> Path:
    """Small Parquet files of much content: equal rows, and one long text in every row."""
    rows = 9_000_000
    equal = pa.table({"t": pa.array(np.zeros(rows, np.int64)), "y": np.zeros(rows)})
    pq.write_table(equal, here / "rows.parquet", compression="zstd")
    hours = pd.date_range("2024-01-01", periods=300, freq="h")
    texts = pa.DictionaryArray.from_arrays(np.zeros(300, np.int32), ["x" * 500_000])
    pq.write_table(pa.table({"t": hours, "id": texts, "y": np.arange(300.0)}), here / "texts.parquet")
    pq.write_table(
        pa.table({"t": hours, "id": texts, "y": np.arange(300.0)}),
        here / "plain.parquet",
        store_schema=False,
    )
    return here


@pytest.mark.parametrize("name", ["rows", "texts", "plain"])
def test_a_small_file_of_much_content(name: str, bombs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Refused by what its metadata or its dictionary says, with the option that allows it."""
    size = (bombs / f"{name}.parquet").stat().st_size
    assert size < 1_000_000
    result = inside("inspect", f"{name}.parquet", capfd=capfd)
    assert result.returncode == 3
    assert "more than 134,217,728" in result.stderr
    assert "If it may: --max-bytes" in result.stderr
    largest = int(result.stderr.rpartition("--max-bytes ")[2].split(";")[0])
    if name != "rows":
        again = inside("inspect", f"{name}.parquet", "--max-bytes", str(largest), capfd=capfd)
        assert "more than" not in again.stderr
