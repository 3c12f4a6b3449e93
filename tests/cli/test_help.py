"""Help: every command begins with an example that runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import ROOT, environment, forecast

import forecaster
from forecaster.cli.app import COMMANDS


def examples(text: str) -> list[str]:
    """The command lines in a help text."""
    return [line.strip(" $") for line in text.splitlines() if line.strip().startswith("$ forecast")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample data and a model, as after the first example of `forecast --help`, and an old
    model.
    """
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "sample_data", folder / "sample_data")
    for seed in (1, 0):
        keeping = ("--keep", 1, "--seed", seed)
        assert forecast("train", "sample_data/sensors.parquet", *keeping, cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_begins_with_an_example_that_runs(command: str, folder: Path) -> None:
    """Help starts with a command line; in the project's folder it works."""
    told = forecast(command, "--help", cwd=folder)
    assert (told.returncode, told.stderr) == (0, "")
    usage, first, *_ = [line.strip() for line in told.stdout.splitlines() if line.strip()]
    assert usage.startswith(f"Usage: forecast {command}")
    assert first.startswith(f"$ forecast {command}")
    for example in examples(told.stdout):
        result = forecast(*example.split()[1:], cwd=folder)
        assert result.returncode == 0, result.stderr


def test_main_help_shows_the_way(tmp_path: Path) -> None:
    """`forecast --help` has an example, every command, and the exit codes."""
    told = forecast("--help", cwd=tmp_path).stdout
    assert examples(told) == ["forecast train sample_data/sensors.parquet", "forecast predict"]
    assert all(f" {command} " in told for command in COMMANDS)
    assert "Exit codes: 0 done" in " ".join(told.split())


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    """`forecast` alone is wrong usage and shows the help."""
    result = forecast(cwd=tmp_path)
    assert result.returncode == 2
    assert "Usage: forecast" in result.stdout + result.stderr


def test_version(tmp_path: Path) -> None:
    """`forecast --version` and `python -m forecaster --version` print the version on stdout."""
    expected = f"forecast {forecaster.__version__}\n"
    assert forecast("--version", cwd=tmp_path).stdout == expected
    module = subprocess.run(
        [sys.executable, "-m", "forecaster", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert module.stdout == expected


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """`forecast --help` starts without NumPy, pandas, PyArrow or the pipeline."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "forecaster", "--help"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "forecaster.cli.options" in loaded  # of the commands; they themselves are imported by their names
    assert not loaded & {
        "numpy",
        "pandas",
        "pyarrow",
        "matplotlib",
        "safetensors",
        "forecaster.pipeline.train",
    }
