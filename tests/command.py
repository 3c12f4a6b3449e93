"""Run the installed `forecast` as a user does, in its own process."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from forecaster.pretraining.store import OWN_FOLDER

SCRIPT = Path(sys.executable).with_name("forecast")
ROOT = Path(__file__).parents[1]
SMALL = {"FORECAST_STEPS": "20", "FORECAST_MEMBERS": "1", "FORECAST_HIDDEN": "8", "FORECAST_WORKERS": "1"}
"""Training that takes a moment."""
OLD_DATA = {"FORECAST_MAX_AGE": "any"}
"""No warning that the newest row is years old."""


def environment(**changes: str) -> dict[str, str]:
    """The environment without variables that would change a run, with small training and `changes`.

    The stand-ins of the pretrained networks stay.
    """
    kept = {
        k: v
        for k, v in os.environ.items()
        if k == OWN_FOLDER or (not k.startswith("FORECAST_") and k not in ("NO_COLOR", "COLUMNS"))
    }
    return kept | SMALL | OLD_DATA | changes


def forecast(
    *arguments: str | Path, cwd: Path, stdin: str | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run `forecast` with `arguments` in the folder `cwd`; environment variables can be changed."""
    return subprocess.run(
        [SCRIPT, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def inside(*arguments: str, capfd: pytest.CaptureFixture[str]) -> subprocess.CompletedProcess[str]:
    """Run `forecast` in this process, which saves the start-up of another."""
    from forecaster.cli.app import build
    from forecaster.cli.border import run

    with pytest.MonkeyPatch.context() as patch:
        for name, value in OLD_DATA.items():
            patch.setenv(name, value)
        code = run(build(arguments), arguments)
    out, err = capfd.readouterr()
    return subprocess.CompletedProcess(arguments, code, out, err)


def on_a_terminal(*arguments: str, cwd: Path, **changes: str) -> str:
    """The output of `forecast` on stderr where stderr is a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [SCRIPT, *arguments],
        cwd=cwd,
        env=environment(**{"TERM": "xterm-256color", "COLUMNS": "120"} | changes),
        stdout=subprocess.DEVNULL,
        stderr=slave,
    )
    os.close(slave)
    seen = b""
    while True:
        try:
            seen += os.read(master, 4096)
        except OSError:  # Linux: the other end is closed
            break
    os.close(master)
    assert process.wait(timeout=60) == 0, seen.decode()
    return seen.decode()


def daily(rows: int = 120, *, start: str = "2024-01-01", step: str = "D", name: str = "demand") -> str:
    """A CSV table of one series with a weekly season."""
    times = np.datetime64(start) + np.arange(rows) * np.timedelta64(1, step)
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(rows) / 7) + np.arange(rows) % 5
    lines = [f"{time},{value:.3f}" for time, value in zip(times, values, strict=True)]
    return "\n".join([f"day,{name}", *lines]) + "\n"


def said(result: subprocess.CompletedProcess[str]) -> str:
    """What is on stderr, without the lines that name the settings and the source that are read."""
    return re.sub(r"\A(settings of .*\n)?(reading .*, as the model remembers\n)?", "", result.stderr)


def assert_clean_failure(result: subprocess.CompletedProcess[str], code: int) -> None:
    """One clear message on stderr, the right exit code, no traceback, nothing on stdout."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert said(result).startswith("error: ")
    assert result.stderr.count("error: ") == 1
    assert "Traceback" not in result.stderr
    assert "bug in forecast" not in result.stderr
