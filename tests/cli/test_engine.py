"""--engine: the same report wherever the work is done, also when a worker is killed."""

import importlib.util
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from command import SCRIPT, assert_clean_failure, environment, forecast

from forecaster.config import Options
from forecaster.pipeline.train import train

NO_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
LINUX = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc")
BACKTEST = ("evaluate", "x.csv", "--model", "pretrained", "--horizon", "6", "--origins", "8", "--json")
WORKERS = {"processes": rb"forecaster\.machine\.processes", "ray": rb"\Aray::task"}
"""Engine -> what is in the command line of its workers; of Ray, of those that work on a piece."""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with 30 daily series."""
    folder = tmp_path_factory.mktemp("engine")
    days = np.datetime64("2024-01-01") + np.arange(90)
    rng = np.random.default_rng(3)
    lines = [
        f"s{number:02d},{day},{50 + number + 10 * np.sin(2 * np.pi * step / 7) + rng.normal():.3f}"
        for number in range(30)
        for step, day in enumerate(days)
    ]
    (folder / "x.csv").write_text("\n".join(["id,day,y", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def report(here):
    """What one process says."""
    result = forecast(*BACKTEST, cwd=here)
    assert result.returncode == 0, result.stderr
    return result.stdout


def descendants(process: int) -> list[int]:
    """The processes begun by a process, and by those."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found = [process]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def worker_of(process: int, mark: bytes) -> int | None:
    """A worker that a process has begun, if there is one yet."""
    for each in descendants(process):
        try:
            if re.search(mark, Path(f"/proc/{each}/cmdline").read_bytes()):
                return each
        except OSError:
            continue
    return None


@LINUX
@pytest.mark.parametrize("engine", ["processes", pytest.param("ray", marks=NO_RAY)])
def test_a_worker_killed_from_outside_changes_nothing(engine, here, report):
    """Its piece is begun again: the report is the same, and stdout holds nothing else."""
    command = [SCRIPT, *BACKTEST, "--engine", engine, "--workers", "2"]
    with subprocess.Popen(
        command, cwd=here, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        killed = None
        while run.poll() is None and killed is None:
            killed = worker_of(run.pid, WORKERS[engine])
            if killed is not None:
                os.kill(killed, signal.SIGKILL)
            time.sleep(0.02)
        try:
            out, err = run.communicate(timeout=120)
        finally:
            run.kill()
    assert killed is not None, "no worker was seen"
    assert (run.returncode, out) == (0, report), err
    assert "raylet" not in err and "Traceback" not in err


def test_the_engine_by_variable_and_file(here, report):
    """As for all settings; and what is none is refused before any work."""
    assert_clean_failure(forecast(*BACKTEST, cwd=here, FORECAST_ENGINE="spark"), 2)
    (here / "own.toml").write_text('engine = "processes"\nworkers = 2\n')
    result = forecast(*BACKTEST, "--config", "own.toml", cwd=here)
    assert (result.returncode, result.stdout) == (0, report)


@NO_RAY
def test_networks_trained_by_ray_are_the_same_bytes(here, tmp_path, monkeypatch):
    """With events of each, in this process; a cluster of our own ends with the engine."""
    import ray
    from ray_runs import quiet_ray

    from forecaster.pipeline.engines.ray import Ray

    monkeypatch.chdir(tmp_path)
    options = Options(horizon=6, steps=40, hidden=8, members=2, workers=2, pretrained=False)
    models, heard = [], []
    with quiet_ray():
        for engine in (None, Ray(workers=2)):
            events = []
            result = train(str(here / "x.csv"), options, on_event=events.append, engine=engine)
            heard.append({(event.stage, event.member, event.step) for event in events})
            result.model.save("m")
            models.append(Path("m").read_bytes())
        assert models[0] == models[1] and heard[0] == heard[1] and heard[0]
        del engine
        assert not ray.is_initialized()
