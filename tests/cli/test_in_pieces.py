"""forecast predict -o FOLDER/: a data set in pieces, kills from outside, and what is refused."""

import json
import signal
import subprocess
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import SCRIPT, environment, forecast

SERIES, ROWS = 200, 40


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Monthly series in order of their ids."""
    folder = tmp_path_factory.mktemp("series")
    rng = np.random.default_rng(0)
    times = np.datetime64("2021-01") + np.arange(ROWS) * np.timedelta64(1, "M")
    names = np.repeat([f"s{number:03d}" for number in range(SERIES)], ROWS)
    values = 50 + rng.standard_normal((SERIES, ROWS)).cumsum(axis=1)
    columns = {"id": names, "month": np.tile(times.astype("datetime64[ms]"), SERIES), "y": values.ravel()}
    pq.write_table(pa.table(columns), folder / "data.parquet", row_group_size=5_000)
    return folder


def command(data, out, *more):
    small = ("--piece-rows", "1000", "--horizon", "6", "--model", "pretrained")
    return ("predict", str(data), "-o", f"{out}/", *small, *more)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """What an undisturbed run writes."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    ran = forecast(*command(data, folder), cwd=folder.parent)
    assert ran.returncode == 0, ran.stderr
    assert "forecasts of 200 series" in ran.stderr and ran.stdout == ""
    return content(folder)


def test_a_data_set(whole):
    """Parts and a manifest, and nothing else."""
    manifest = json.loads(whole["_manifest.json"])
    parts = [file["file"] for file in manifest["files"]]
    assert list(whole) == ["_manifest.json", *parts] and len(parts) == 8
    assert (manifest["series"], manifest["rows"], manifest["frequency"]) == (200, 1200, "MS")


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_kill_loses_nothing(data, whole, tmp_path, stop):
    """Killed after some parts, the same command goes on, and ends with the same bytes."""
    out = tmp_path / "out"
    process = subprocess.Popen(
        [SCRIPT, *command(data, out, "--workers", "2")],
        stderr=subprocess.PIPE,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # it may be ignored here
    )
    end = time.monotonic() + 60
    while len(list(out.glob("part-*.parquet"))) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(stop)
    said = process.communicate()[1].decode()
    assert process.returncode == (130 if stop == signal.SIGINT else -signal.SIGKILL)
    if stop == signal.SIGINT:
        assert "the same command goes on" in said and said.endswith(f"written before: {out}\n"), said
    assert 2 <= len(list(out.glob("part-*.parquet"))) < len(whole) - 1
    ran = forecast(*command(data, out, "--workers", "2"), cwd=tmp_path)
    assert ran.returncode == 0 and "by an earlier run" in ran.stderr, ran.stderr
    assert content(out) == whole


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (["--json"], 2, "--json needs all series at once"),
        (["--plot", "a.png"], 2, "--plot needs all series at once"),
        (["--set", "y=1"], 2, "--set needs all series at once"),
        (["--piece-rows", "10"], 2, "piece_rows cannot be 10"),
        (["--id", "name"], 2, "no column 'name'"),
    ],
)
def test_what_is_refused(data, tmp_path, more, code, text):
    """With exit code and hint, and nothing is written."""
    ran = forecast(*command(data, tmp_path / "out", *more), cwd=tmp_path)
    assert (ran.returncode, text in ran.stderr) == (code, True), ran.stderr
    assert not list(tmp_path.glob("out/part-*"))


def test_text_is_to_be_written_as_parquet_first(tmp_path):
    """Text cannot be read in parts."""
    (tmp_path / "a.csv").write_text("id,t,y\na,2020-01-01,1\n")
    ran = forecast(*command(tmp_path / "a.csv", tmp_path / "out"), cwd=tmp_path)
    assert ran.returncode == 3 and "no Parquet file" in ran.stderr


def test_the_summary_says_what_was_done(data, tmp_path):
    """Source, files and findings as for other commands."""
    summary = tmp_path / "s.json"
    ran = forecast(*command(data, tmp_path / "out", "--summary", str(summary)), cwd=tmp_path)
    assert ran.returncode == 0
    summary = json.loads(summary.read_text())
    assert summary["source"]["series"] == 200 and summary["source"]["rows"] == 8_000
    assert summary["files"][0]["path"].endswith("/_manifest.json")
