"""Members in worker processes: the same bytes, Ctrl-C, and processes that die."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from panels import panel_of, wavy

from forecaster.cli.progress import Stage
from forecaster.config import Options
from forecaster.errors import DivergenceError, MemoryLimitError
from forecaster.machine import memory, processes
from forecaster.training import ensemble, worker_processes
from forecaster.training.loop import Event
from forecaster.training.plan import plan, split

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")

HORIZON = 3
OPTIONS = Options(horizon=HORIZON, hidden=6, steps=200, batch=16, members=3, workers=2)


@pytest.fixture(scope="module")
def panel():
    """Two short series."""
    rng = np.random.default_rng(0)
    return panel_of(wavy(rng, 90), wavy(rng, 60), seasons=(7,))


def fit(panel, options, on_event=None):
    """All members, on the rows but the newest five."""
    parts = split(panel.lengths - 5, HORIZON)
    return ensemble.fit(panel, parts, plan(panel, parts.train, HORIZON, options), options, on_event)


def weights(fitted):
    """The weights of every member, to the byte."""
    return [item.member.network.flat.tobytes() for item in fitted]


def children(of=None):
    """The processes begun by this one, or by another, to train networks, that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            serves = b"worker_processes" in (entry / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if int(parent) == (of or os.getpid()) and serves and state != "Z":
            found.append(int(entry.name))
    return found


def test_the_same_bytes_however_many_processes(panel):
    """One process after the other, two or three at once: weights, steps and losses are the same."""
    found = [fit(panel, dataclasses.replace(OPTIONS, workers=workers)) for workers in (1, 2, 4)]
    assert weights(found[0]) == weights(found[1]) == weights(found[2])
    assert len({tuple(item.outcome for item in fitted) for fitted in found}) == 1


def test_every_member_reports_its_training(panel):
    """The events of each member come in their own order, the last one marked."""
    events = []
    fit(panel, OPTIONS, events.append)
    for member in range(3):
        own = [event for event in events if event.member == member]
        assert [event.step for event in own] == sorted(event.step for event in own)
        assert [event.last for event in own] == [False] * (len(own) - 1) + [True]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 2),
        ({"workers": 3}, 3),
        ({"workers": 8}, 3),
        ({"workers": 1}, 1),
        ({"steps": 20}, 1),
        ({"members": 1}, 1),
    ],
)
def test_when_processes_are_used(panel, monkeypatch, changed, expected):
    """One per core and member; none for a training shorter than their start."""
    asked = []
    monkeypatch.setattr(
        worker_processes, "fit_in_parallel", lambda *given: asked.append(given[3]) or [None] * len(given[2])
    )
    monkeypatch.setattr(ensemble, "_in_turn", lambda *given: asked.append(1) or [None] * len(given[2]))
    with pytest.raises(KeyboardInterrupt):
        fit(panel, dataclasses.replace(OPTIONS, **changed))
    assert asked == [expected]


def test_a_large_panel_is_left_to_threads(panel, monkeypatch):
    """Each process would hold a copy of the panel."""
    monkeypatch.setattr(worker_processes, "MOST_VALUES", panel.values.size - 1)
    monkeypatch.setattr(worker_processes, "fit_in_parallel", None)
    fit(panel, OPTIONS)


class PressCtrlC:
    """A listener that presses Ctrl-C at the first event of a member, once."""

    def __init__(self, member):
        self.member, self.pressed = member, False

    def __call__(self, event):
        if event.member == self.member and not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt


def test_what_ctrl_c_leaves_can_be_kept(panel):
    """Members at work end with what they have; those not begun are left out; no process stays."""
    keep = dataclasses.replace(OPTIONS, keep_on_interrupt=True, steps=5_000, patience=0)
    fitted = fit(panel, keep, PressCtrlC(0))
    assert 1 <= len(fitted) <= 2
    assert any(item.outcome.interrupted for item in fitted)
    assert all(0 < item.outcome.steps < 5_000 for item in fitted)
    assert not children()


def test_ctrl_c_ends_everything(panel):
    """Without asking, Ctrl-C is passed on at once, and no process stays."""
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fit(panel, dataclasses.replace(OPTIONS, steps=1_000_000, patience=0), PressCtrlC(1))
    assert time.monotonic() - before < 60
    assert not children()


def test_a_process_that_dies_is_an_error(panel):
    """A killed worker, as when memory runs out, gives an error with a hint, and no process stays."""

    def kill(event):
        for pid in children():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(MemoryLimitError, match=r"has died \(killed by signal 9\)") as caught:
        fit(panel, dataclasses.replace(OPTIONS, steps=1_000_000, patience=0), kill)
    assert "--workers 1" in caught.value.hint
    assert not children()


def test_divergence_is_reported_as_it_is(panel, monkeypatch):
    """An error of ours in a process is raised here, with its hint."""
    with np.errstate(all="ignore"):
        wild = dataclasses.replace(OPTIONS, rate=1e38, clip=0.0, optimizer="sgd", loss="mse")
        with pytest.raises(DivergenceError) as caught:
            fit(panel, wild)
    assert "--rate" in caught.value.hint


def test_processes_end_with_their_parent(tmp_path):
    """Killed without a chance to clean up, the parent takes its processes with it."""
    data = tmp_path / "demand.csv"
    days = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[D]")
    lines = [f"{day},{100 + 10 * np.sin(number / 9)}" for number, day in enumerate(days)]
    data.write_text("day,demand\n" + "\n".join(lines) + "\n")
    command = [
        sys.executable,
        "-m",
        "forecaster",
        "train",
        str(data),
        "--steps",
        "1000000",
        "--patience",
        "0",
    ]
    parent = subprocess.Popen(
        [*command, "--workers", "2", "--model", str(tmp_path / "m"), "--quiet"], start_new_session=True
    )
    mine = waited(lambda: len(found := children(parent.pid)) == 2 and found)
    parent.kill()
    parent.wait()
    assert mine and waited(lambda: not any(Path(f"/proc/{pid}").exists() for pid in mine))


@pytest.mark.parametrize("way", ["prctl", "pipe"])
def test_a_busy_process_ends_with_its_parent(way):
    """Killed, the parent takes a worker with it that is deep in work; elsewhere than on Linux by the pipe."""
    start = processes.START.replace("linux", "linux" if way == "prctl" else "other")
    busy = (
        "import threading\nfrom forecaster.machine.processes import _end_with_parent\n"
        "if WATCHED:\n"
        "    threading.Thread(target=_end_with_parent, args=(int(sys.argv[4]),), daemon=True).start()\n"
        "print(os.getpid(), flush=True)\nwhile True: sum(range(100000))\n"
    ).replace("WATCHED", str(way == "pipe"))
    start = start[: start.index("from forecaster")] + busy
    parent = (
        "import json, os, subprocess, sys, time\nalive, life = os.pipe()\n"
        "own = (json.dumps(sys.path), 0, os.getpid(), alive, 'null')\n"
        f"subprocess.Popen([sys.executable, '-c', {start!r}, *map(str, own)], pass_fds=[alive])\n"
        "os.close(alive)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        worker = int(process.stdout.readline())
        process.kill()
    assert waited(lambda: gone(worker))


def gone(pid):
    """Whether a process has ended."""
    try:
        return (Path(f"/proc/{pid}") / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_fewer_processes_where_memory_is_short(panel):
    """With --max-memory there are as many as fit beside this process, at least one."""
    parts = split(panel.lengths - 5, HORIZON)
    tasks = ensemble._tasks("train", plan(panel, parts.train, HORIZON, OPTIONS), OPTIONS)
    assert worker_processes.processes(panel, tasks) == 2
    try:
        memory.restrict(memory.taken() + memory.FRESH // 2)
        assert worker_processes.processes(panel, tasks) == 1
        memory.lift()
        memory.restrict(memory.taken() + 20 * memory.FRESH)
        assert worker_processes.processes(panel, tasks) == 2
        assert len(fit(panel, OPTIONS)) == 3
    finally:
        memory.lift()


def waited(condition):
    """What a condition says once it is true, or at the latest after a minute."""
    end = time.monotonic() + 60
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def test_how_far_a_stage_has_come():
    """The share done counts networks in parallel; one that stopped early is done; time left is to scale."""
    now = [100.0]
    stage = Stage(lambda: now[0])
    event = Event("train", 0, 4, 10, 100, 1.0, None, None, 1e-3, 1.0, seconds=2.0, last=False)
    stage.update(event)
    assert stage.done == pytest.approx(0.025)
    assert stage.seconds_left == pytest.approx(2 * 39)
    now[0] = 110.0
    stage.update(dataclasses.replace(event, member=1, step=50))
    stage.update(dataclasses.replace(event, step=60, last=True))
    assert stage.done == pytest.approx((1 + 0.5) / 4)
    assert stage.seconds_left == pytest.approx(12 / 0.375 * 0.625)
    stage.update(dataclasses.replace(event, stage="refit"))
    assert stage.done == pytest.approx(0.025)
