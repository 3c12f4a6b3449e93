"""Hostile values of options and variables, in forecast.toml and files: an error with a hint, never a bug.

FORECAST_HOSTILE=all tries every value of every option; otherwise a sample is tried.
"""

import importlib
import inspect
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from command import SMALL, daily, forecast, inside, said

from forecaster.cli import options

BASES = {
    "inspect": ["inspect", "demand.csv"],
    "predict": ["predict", "demand.csv", "--model", "pretrained"],
    "train": ["train", "demand.csv", "--horizon", "5"],
    "evaluate": ["evaluate", "demand.csv", "--horizon", "5"],
    "compare": ["compare", "demand.csv", "--horizon", "5", "--models", "pretrained"],
    "show": ["show", "pretrained"],
}
WHOLE = (
    "0",
    "-1",
    "999999999999",
    "9" * 30,
    "9" * 5000,
    "1e400",
    "1.5",
    "nan",
    "inf",
    "",
    "x",
    "\udcff",
    "²",
)
NUMBERS = ("-1", "1e400", "-1e400", "nan", "inf", "1e308", "5e-324", "9" * 5000, "", "x", "\udcff")
TEXT = (
    "\udcff",
    "a" * 100_000,
    "%",
    "\n",
    "[]",
    "(",
    "9" * 5000,
    "\x1b[31m",
    "1ns",
    "999999999D",
    "9YS",
    "**",
)
SAMPLE = 60
LONGEST_MESSAGE = 2000


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with demand.csv, where training is fast."""
    monkeypatch.chdir(tmp_path)
    for name, value in (SMALL | {"FORECAST_STEPS": "2"}).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "demand.csv").write_text(daily(40))
    return tmp_path


def kinds_of(command: str) -> Iterator[tuple[str, Any]]:
    """The flag of each option of a command that takes a value, and the type of one item."""
    function = getattr(importlib.import_module(f"forecaster.cli.{command}"), command)
    for name in inspect.signature(function).parameters:
        if name in options.CONFIG_OF:
            kind = options._type(name)
            if kind is not bool:
                yield "--" + name.replace("_", "-"), get_args(kind)[0] if get_origin(kind) is tuple else kind


def tries() -> list[list[str]]:
    """Each command with each hostile value of each option."""
    values = {int: WHOLE, float: NUMBERS}
    return [
        [*base, f"{flag}={value}"]
        for command, base in BASES.items()
        for flag, kind in kinds_of(command)
        for value in values.get(kind, TEXT)
        if flag not in ("--model", "--max-memory")
    ]


def test_any_value_of_any_option(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Done, wrong usage, unusable data or model, or too much memory: nothing else, and a short message."""
    chosen = tries()
    if os.environ.get("FORECAST_HOSTILE") != "all":
        chosen = random.Random(3).sample(chosen, SAMPLE)
    wrong = {}
    for arguments in chosen:
        result = inside(*arguments, capfd=capfd)
        clean = result.returncode in (0, 2, 3, 4, 5, 10) and "Traceback" not in result.stderr
        if not clean or (result.returncode and len(result.stderr) > LONGEST_MESSAGE):
            wrong[" ".join(arguments)[:100]] = result.stderr[-300:]
    assert not wrong, wrong


@pytest.mark.parametrize(
    "line",
    [
        f"horizon = {'9' * 5000}",
        "horizon = 1000000000000",
        "horizon = 1e400",
        "rate = 1e400",
        "seasons = [9999999999999]",
        f"levels = [{'80, ' * 20_000}]",
        "horizon = " + "[" * 5000 + "]" * 5000,
        "x = " + "{a=" * 5000 + "1" + "}" * 5000,
        'model = "a\\u0000b"',
        'encoding = "a\\u0000b"',
        'max_memory = "1e400"',
        f"max_memory = {'9' * 4000}",
        "max_memory = 1",
        "skip = -1",
    ],
)
def test_any_value_in_forecast_toml(line: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant is exit code 2, 3 for the horizon, or 4 for a model that cannot be."""
    (here / "forecast.toml").write_text(line + "\n")
    command = "show" if line.startswith("model") else "train"
    result = inside(command, *(["demand.csv"] if command == "train" else []), capfd=capfd)
    assert result.returncode in (2, 3, 4), result.stderr
    assert said(result).startswith("error: ")
    assert len(result.stderr) < LONGEST_MESSAGE


@pytest.mark.parametrize("option", ["lookback", "segment", "seasons"])
def test_a_size_beyond_the_data_names_the_largest(
    option: str, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """--lookback 1000000 of 40 rows is exit code 2, and the value of the hint works when typed."""
    result = inside("train", "demand.csv", "--horizon", "5", f"--{option}", "1000000", capfd=capfd)
    assert result.returncode == 2
    assert f"{option} cannot be 1,000,000: the longest series has 40 rows" in result.stderr
    assert f"Use --{option} 40 or less." in result.stderr
    assert inside("train", "demand.csv", "--horizon", "5", f"--{option}", "40", capfd=capfd).returncode == 0


@pytest.mark.parametrize("option", [("--hidden", "65536"), ("--batch", "1000000"), ("--layers", "100")])
def test_a_network_beyond_the_memory(option: tuple[str, str], here: Path) -> None:
    """What the network needs is estimated before it is made: exit code 10, with what to make smaller.

    In a process of its own: this one may have taken more than is allowed.
    """
    sizes = {"--hidden": "2048", "--max-memory": "400M"} | dict([option])
    arguments = [each for pair in sizes.items() for each in pair]
    result = forecast("train", "demand.csv", "--horizon", "5", *arguments, cwd=here)
    assert result.returncode == 10
    assert "training a network with hidden" in result.stderr
    assert "smaller --hidden, --batch or --lookback" in result.stderr
    assert not (here / "forecast.model").exists()
