"""`forecast train`, `evaluate`, `show`, `inspect`: files, streams, progress, interruption."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from command import ROOT, SCRIPT, daily, environment, forecast, inside, on_a_terminal
from filelock import FileLock

from forecaster.model.lock import lock
from forecaster.model.model import Model

LONG = {"FORECAST_STEPS": "1000000", "FORECAST_PATIENCE": "0"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with demand.csv."""
    (tmp_path / "demand.csv").write_text(daily())
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demand.csv, forecast.model and the report of its training in both formats."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "demand.csv").write_text(daily())
    for report in ("report.json", "report.csv"):
        result = forecast("train", "demand.csv", "--report", report, cwd=folder)
        assert result.returncode == 0, result.stderr
    return folder


def test_train_writes_a_model_and_tells_its_errors(folder: Path) -> None:
    """The model lands in forecast.model; the report, with its verdict, goes to stderr; stdout stays empty."""
    result = forecast("train", "demand.csv", cwd=folder)
    assert (result.returncode, result.stdout) == (0, "")
    assert Model.load(folder / "forecast.model").horizon == 14
    for said in ("time 'day', target 'demand'", "MASE", "naive", "the best baseline", "saved forecast.model"):
        assert said in result.stderr
    assert "\x1b" not in result.stderr
    assert "\r" not in result.stderr


def test_quiet_says_nothing(folder: Path) -> None:
    """--quiet leaves both streams empty where there is no error."""
    result = forecast("train", "demand.csv", "--quiet", cwd=folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_json_goes_to_stdout(folder: Path) -> None:
    """--json writes one JSON document to stdout; with --log-format json every line of stderr is JSON too."""
    result = forecast("train", "demand.csv", "--json", "--log-format", "json", cwd=folder)
    told = json.loads(result.stdout)
    assert told["model"] == "forecast.model"
    assert told["report"]["overall"]["model"]["mae"] > 0
    assert told["findings"] == []
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert {line["level"] for line in lines} <= {"info", "warning"}
    assert any(line.get("stage") == "train" and line["steps"] == 20 for line in lines)
    assert any(line.get("frequency") == "D" for line in lines)


def test_reports_as_files(trained: Path) -> None:
    """--report writes the error report as JSON or CSV, with the same numbers."""
    told = json.loads((trained / "report.json").read_text())
    table = pd.read_csv(trained / "report.csv").set_index(["scope", "method"])
    assert told["horizon"] == 14
    assert isinstance(told["beats"], bool)
    assert table.loc[("overall", "model"), "mae"] == pytest.approx(told["overall"]["model"]["mae"])
    assert len(table.loc[("step", "model")]) == 14


def test_the_same_command_gives_the_same_bytes(folder: Path) -> None:
    """Model, forecasts and report are the same in every run and with any number of threads."""
    made = []
    for workers in ("1", "2", "1"):
        forecast("train", "demand.csv", "--report", "report.json", cwd=folder, FORECAST_WORKERS=workers)
        model = (folder / "forecast.model").read_bytes()
        told = forecast("predict", cwd=folder).stdout
        made.append((model if workers == "1" else None, told, (folder / "report.json").read_bytes()))
    assert made[0] == made[2]
    assert made[0][1:] == made[1][1:]


def test_strict_refuses_to_repair(folder: Path) -> None:
    """A gap is repaired with a warning; with --strict it is an error."""
    lines = daily().splitlines()
    (folder / "gap.csv").write_text("\n".join(lines[:50] + lines[52:]) + "\n")
    result = forecast("inspect", "gap.csv", cwd=folder)
    assert result.returncode == 0
    assert "D002" in result.stdout
    result = forecast("inspect", "gap.csv", "--strict", cwd=folder)
    assert result.returncode == 3
    assert "D002" in result.stderr


def test_inspect_as_json(folder: Path) -> None:
    """`inspect --json` has all facts of the data."""
    told = json.loads(forecast("inspect", "-", "--json", cwd=folder, stdin=daily()).stdout)
    assert (told["source"], told["time"], told["target"]) == ("-", "day", ["demand"])
    assert (told["frequency"], told["rows"], told["first"], told["last"]) == (
        "D",
        120,
        "2024-01-01",
        "2024-04-29",
    )
    assert told["findings"] == []


def test_show_is_the_model_card(trained: Path) -> None:
    """`show` shows the source of a model; as JSON with --json."""
    told = forecast("show", cwd=trained)
    assert told.returncode == 0
    assert "demand.csv" in told.stdout
    card = json.loads(forecast("show", "forecast.model", "--json", cwd=trained).stdout)
    assert card["data"]["target"] == "demand"
    assert card["forecast"]["horizon"] == 14


def test_a_decoder_of_segments(folder: Path) -> None:
    """--decoder segments trains networks that write the horizon segment by segment; `show` says so."""
    result = forecast("train", "demand.csv", "--decoder", "segments", "--members", "1", cwd=folder)
    assert result.returncode == 0, result.stderr
    card = json.loads(forecast("show", "--json", cwd=folder).stdout)
    assert [member["decoder"] for member in card["members"].values()] == ["segments"]
    assert len(forecast("predict", cwd=folder).stdout.splitlines()) == 1 + 14


def test_evaluate_backtests(folder: Path) -> None:
    """`evaluate` scores every origin; the report is its result, so it goes to stdout."""
    arguments = ["evaluate", "demand.csv", "--horizon", "7", "--origins", "3", "--step", "5"]
    result = forecast(*arguments, "--report", "backtest.csv", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "MASE" in result.stdout
    told = json.loads(forecast(*arguments, "--json", cwd=folder).stdout)
    assert (told["origins"], told["windows"], told["horizon"]) == (3, 3, 7)
    assert (folder / "backtest.csv").read_text().startswith("scope,key,method,mae")
    assert not (folder / "forecast.model").exists()


def test_evaluate_takes_a_model_trained_before(folder: Path) -> None:
    """With --model nothing is trained: the model is scored on the rows after its training data."""
    (folder / "whole.csv").write_text(daily(160))
    assert forecast("train", "demand.csv", cwd=folder).returncode == 0
    result = forecast("evaluate", "whole.csv", "--model", "forecast.model", "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "training" not in result.stderr
    assert json.loads(result.stdout)["origins"] == 1


@pytest.fixture
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A folder with an older model, and an endless training run that has just started."""
    (folder / "forecast.model").write_bytes(b"the old model")
    process = start(folder)
    yield process
    process.kill()
    process.communicate()


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start an endless training run; returns when it reports its first progress."""
    process = subprocess.Popen(
        [SCRIPT, "train", "demand.csv", "--log-format", "json", *arguments],
        cwd=folder,
        env=environment(**LONG, FORECAST_BATCH="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & turns it off
    )
    assert process.stderr is not None
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_cleanly(
    folder: Path, running: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    """Ctrl-C and SIGTERM end training with their exit codes; the old model is whole and the lock is free."""
    wait_until_training(folder, running)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert (folder / "forecast.model").read_bytes() == b"the old model"
    assert not list(folder.glob("*.tmp"))
    with FileLock(folder / ".forecast.model.lock", timeout=0):
        pass


def test_interrupted_training_can_be_kept(folder: Path) -> None:
    """With --keep-on-interrupt, Ctrl-C saves the best model so far; the exit code is 130."""
    process = start(folder, "--keep-on-interrupt")
    wait_until_training(folder, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the best model so far is saved" in err
    assert Model.load(folder / "forecast.model").horizon == 14


def wait_until_training(folder: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the run has its lock and has had time to start training.

    The lock is not tried: a run that found it taken by this test would stop with exit code 6.
    """
    while process.poll() is None and not (folder / ".forecast.model.lock").exists():
        select.select([], [], [], 0.05)
    select.select([], [], [], 2.0)
    assert process.poll() is None


def test_two_runs_at_once(folder: Path) -> None:
    """A second run on the same model ends with exit code 6 and changes nothing."""
    (folder / "forecast.model").write_bytes(b"the old model")
    with FileLock(folder / ".forecast.model.lock"):
        result = forecast("train", "demand.csv", cwd=folder)
    assert result.returncode == 6
    assert "another run" in result.stderr
    assert (folder / "forecast.model").read_bytes() == b"the old model"


def test_waiting_for_another_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """--wait, or `wait` in forecast.toml, waits for the other run, says for whom, and then gives up."""
    monkeypatch.chdir(folder)
    (folder / "forecast.toml").write_text("wait = 1\n")
    for more in ((), ("--wait", "0.3")):
        with lock(folder / "forecast.model"):
            result = inside("train", "demand.csv", *more, capfd=capfd)
        assert result.returncode == 6
        assert f"waiting for process {os.getpid()} on " in result.stderr
        assert result.stderr.index("waiting for") < result.stderr.index("error: another run is training")
    assert inside("train", "demand.csv", "--wait=-1", capfd=capfd).returncode == 2


COLOUR = re.compile("\x1b\\[[0-9;]*3[0-9][0-9;]*m")


def test_a_bar_on_a_terminal(folder: Path) -> None:
    """On a terminal a bar shows loss, best validation loss, rate and time left, in colour."""
    seen = on_a_terminal("train", "demand.csv", cwd=folder, FORECAST_STEPS="200")
    for said in ("loss", "best validation", "windows/s", "left"):
        assert said in seen
    assert COLOUR.search(seen)


def test_no_color(folder: Path) -> None:
    """NO_COLOR turns colour off, even on a terminal."""
    assert not COLOUR.search(on_a_terminal("train", "demand.csv", cwd=folder, NO_COLOR="1"))


def test_a_dumb_terminal_gets_lines(folder: Path) -> None:
    """A terminal without animation gets plain lines."""
    seen = on_a_terminal("train", "demand.csv", cwd=folder, TERM="dumb")
    assert "\x1b" not in seen
    assert "step 20/20" in seen


def test_a_line_for_each_quarter_of_a_training(folder: Path) -> None:
    """Without a terminal, each network logs four lines, whatever the number of steps."""
    for steps, told in ((100, [30, 50, 80, 100]), (170, [50, 90, 130, 170])):
        run = forecast("train", "demand.csv", "--steps", steps, "--members", 1, "--no-refit", cwd=folder)
        assert re.findall(r"training: step (\d+)/", run.stderr) == [str(step) for step in told]


def test_training_on_the_samples(tmp_path: Path) -> None:
    """Both samples are read without any option: five companies, two sensors, the right columns."""
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    for file, ids, target, frequency in (
        ("stocks.csv", ["AAPL", "FB", "GOOG", "IBM", "MSFT"], "adj_close", "B"),
        ("sensors.parquet", ["buoy_b01_sea", "ewr_airport_air"], "celsius", "h"),
    ):
        told = json.loads(forecast("inspect", f"sample_data/{file}", "--json", cwd=tmp_path).stdout)
        assert list(told["each_series"]) == ids
        assert (told["target"], told["frequency"]) == ([target], frequency)
    assert sum(path.stat().st_size for path in (ROOT / "sample_data").iterdir()) < 2_000_000
