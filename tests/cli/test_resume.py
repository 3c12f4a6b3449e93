"""Checkpoints and old models on the command line: kills, changed settings, `--keep`, `forecast rollback`."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import SCRIPT, assert_clean_failure, daily, environment, forecast, inside

CHECKPOINT = ".forecast.model.checkpoint"
LONG = {"FORECAST_STEPS": "800", "FORECAST_PATIENCE": "0", "FORECAST_BATCH": "4"}
OFTEN = LONG | {"FORECAST_CHECKPOINT_SECONDS": "0.02"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with demand.csv."""
    (tmp_path / "demand.csv").write_text(daily())
    return tmp_path


def stopped(folder: Path, number: signal.Signals) -> str:
    """Stop a training by a signal once it has written a checkpoint; returns its log."""
    process = subprocess.Popen(
        [SCRIPT, "train", "demand.csv", "--log-format", "json"],
        cwd=folder,
        env=environment(**OFTEN),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & turns it off
    )
    end = time.monotonic() + 60
    while not (folder / CHECKPOINT).exists() and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(number)
    _, log = process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert (folder / CHECKPOINT).exists()
    return log


def test_a_killed_training_goes_on_to_the_same_bytes(folder: Path) -> None:
    """After SIGKILL the same command says that it goes on; model as if nothing had happened, no leftovers."""
    assert forecast("train", "demand.csv", cwd=folder, **LONG).returncode == 0
    undisturbed = (folder / "forecast.model").read_bytes()
    assert not (folder / CHECKPOINT).exists()
    (folder / "forecast.model").unlink()
    stopped(folder, signal.SIGKILL)
    again = forecast("train", "demand.csv", cwd=folder, **LONG)
    assert again.returncode == 0, again.stderr
    assert "going on where an interrupted training" in again.stderr
    assert (folder / "forecast.model").read_bytes() == undisturbed
    assert not (folder / CHECKPOINT).exists()


def test_after_ctrl_c_the_same_command_goes_on_unless_it_is_told_not_to(folder: Path) -> None:
    """The interrupted run says so; with other settings, or with --no-resume, training starts anew."""
    assert "the same command goes on from the last checkpoint" in stopped(folder, signal.SIGINT)
    left = (folder / CHECKPOINT).read_bytes()
    again = forecast("train", "demand.csv", "--no-resume", cwd=folder)
    assert "warning" not in again.stderr
    assert not (folder / CHECKPOINT).exists()
    (folder / CHECKPOINT).write_bytes(left)
    again = forecast("train", "demand.csv", cwd=folder)
    assert again.returncode == 0
    assert "warning: an interrupted training was not the same (settings differ)" in again.stderr


def train(folder: Path, seed: int, capfd: pytest.CaptureFixture[str], *more: str) -> bytes:
    """Train with a seed; returns the bytes of the model."""
    model = str(folder / "x.model")
    small = ("--steps", "5", "--members", "1", "--hidden", "4", "--workers", "1", "--no-pretrained")
    data = str(folder / "demand.csv")
    result = inside("train", data, "--model", model, "--seed", str(seed), *small, *more, capfd=capfd)
    assert result.returncode == 0, result.stderr
    return Path(model).read_bytes()


def test_old_models_come_back(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """--keep numbers old models; `rollback` brings back one after the other, and says which it is."""
    models = [train(folder, seed, capfd, "--keep", "2") for seed in range(4)]
    assert (folder / "x.model.1").read_bytes() == models[2]
    assert (folder / "x.model.2").read_bytes() == models[1]
    assert not (folder / "x.model.3").exists()
    arguments = ("rollback", "--model", str(folder / "x.model"))
    result = inside(*arguments, "--json", capfd=capfd)
    told = json.loads(result.stdout)
    assert (told["rows"], told["last"], told["left"]) == (120, "2024-04-29", ["x.model.1"])
    assert told["source"].endswith("demand.csv")
    assert told["trained"].endswith("Z")
    assert (folder / "x.model").read_bytes() == models[2]
    result = inside(*arguments, capfd=capfd)
    assert "is now the model trained at 20" in result.stderr
    assert "120 rows up to 2024-04-29" in result.stderr
    assert (folder / "x.model").read_bytes() == models[1]
    result = inside(*arguments, capfd=capfd)
    assert_clean_failure(result, 4)
    assert "x.model.undone': rename it" in result.stderr


@pytest.mark.parametrize("number", ["-1", "1000"])
def test_keep_is_a_small_number(folder: Path, capfd: pytest.CaptureFixture[str], number: str) -> None:
    """Anything else is wrong usage."""
    result = inside("train", str(folder / "demand.csv"), "--keep", number, capfd=capfd)
    assert_clean_failure(result, 2)
    assert "Give 0 to 999" in result.stderr
