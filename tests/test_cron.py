"""The recipes of docs/cron.md run as they are written, in another folder."""

import json
import re
import shlex
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from command import ROOT, SCRIPT, environment

PLACE = "/srv/meter"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "docs" / "cron.md").read_text())
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def blocks(language: str) -> list[str]:
    """The code of a language in the document, in order."""
    return [code for name, code in BLOCKS if name == language]


def hourly(rows: int) -> str:
    """Readings up to the last full hour."""
    last = np.datetime64(datetime.now().replace(minute=0, second=0, microsecond=0))
    times = last - np.arange(rows)[::-1] * np.timedelta64(1, "h")
    values = 20 + 5 * np.sin(np.arange(rows) * 2 * np.pi / 24) + np.arange(rows) % 3
    return "time,kw\n" + "".join(f"{t},{v:.2f}\n" for t, v in zip(times, values, strict=True))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What /srv/meter stands for: readings, and the program in venv/bin."""
    (tmp_path / "readings.csv").write_text(hourly(400))
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "forecast").symlink_to(SCRIPT)
    return tmp_path


def run(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    """A recipe in a shell, at `place`."""
    path = f"{place}/venv/bin:/usr/bin:/bin"
    text = command.replace(PLACE, str(place))
    return subprocess.run(
        ["/bin/sh", "-ec", text],
        cwd=place,
        env=environment(PATH=path, FORECAST_MAX_AGE="any"),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_crontab(place: Path) -> None:
    """Every line has five fields in range; trained, updated and forecast, nothing is mailed."""
    lines = [line for line in blocks("crontab")[0].splitlines() if re.match(r"[\d*]", line)]
    jobs = {}
    for line in lines:
        *fields, command = line.split(None, 5)
        for field, (low, high) in zip(fields, RANGES, strict=True):
            assert all(low <= int(number) <= high for number in re.findall(r"\d+", field)), line
        jobs[command.split("forecast ")[1].split()[0]] = command
    for name in ("train", "update", "predict"):
        result = run(jobs[name], place)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), name
        assert json.loads((place / f"{name}.json").read_text())["exit_code"] == 0
    assert (place / "forecasts.csv").read_text().count("\n") == 25
    assert (place / "forecast.log").read_text().count("exit code 0") == 3


def test_the_service_and_its_timer(place: Path) -> None:
    """The command of the service runs; systemd finds nothing wrong with the units, where it is there."""
    service, timer = blocks("ini")
    (command,) = re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE)
    assert run("forecast train readings.csv -q", place).returncode == 0
    assert run(shlex.join(shlex.split(command)), place).returncode == 0
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    for name, unit in (("forecast-predict.service", service), ("forecast-predict.timer", timer)):
        text = unit.replace(PLACE, str(place)).replace("User=meter\n", "").replace("OnFailure=", "# ")
        (place / name).write_text(text)
    units = [str(place / name) for name in ("forecast-predict.service", "forecast-predict.timer")]
    checked = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    complaints = [line for line in checked.stderr.splitlines() if "forecast-predict" in line]
    assert not complaints


def test_the_makefile(place: Path) -> None:
    """Trains and forecasts; does nothing the second time; updates when there are new readings."""
    (place / "Makefile").write_text(blocks("makefile")[0])
    assert run("make -s", place).returncode == 0
    assert run("make -q", place).returncode == 0
    whole = (place / "readings.csv").read_text()
    (place / "readings.csv").write_text(whole[: whole.rindex("\n", 0, -30) + 1])
    assert run("make -s new forecasts.csv", place).returncode == 0
    first = (place / "forecasts.csv").read_bytes()
    time.sleep(0.01)
    (place / "readings.csv").write_text(whole)
    assert run("make -q", place).returncode == 1
    result = run("make -s", place)
    assert result.returncode == 0, result.stderr
    assert (place / "forecasts.csv").read_bytes() != first
    assert run("make -q", place).returncode == 0


def test_rolling_back(place: Path) -> None:
    """The model before comes back, and forecasts."""
    train = "forecast train readings.csv -q --keep 3"
    assert run(f"{train}; cp forecast.model first; {train} --seed 1", place).returncode == 0
    result = run(blocks("sh")[-1], place)
    assert result.returncode == 0, result.stderr
    assert (place / "forecast.model").read_bytes() == (place / "first").read_bytes()
