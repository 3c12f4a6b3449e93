"""A process that has loaded everything, and forks a child for each run of `forecast`: it saves the start."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import daily, environment
from fault_runs import COMMANDS

SERVER = Path(__file__).with_name("server.py")


class Runs:
    """Starts runs of `forecast` in children of a process that has loaded everything."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(
        self,
        folder: Path,
        *arguments: str,
        limit: int = -1,
        stopped: bool = False,
        streams: str = "file,file,file",
    ) -> int:
        """Start a run in a folder; its process.

        `limit`: most bytes of a file. `stopped`: it waits for SIGCONT before its first step. `streams`: the
        states of its standard streams: closed, full, left (by the reader), or file, for stdout and stderr in
        the folder.
        """
        self._ask("stopped" if stopped else "run", str(folder), str(limit), streams, *arguments)
        return int(self._answer())

    def end(self, pid: int) -> int:
        """Wait for a run: its exit code, or minus the signal that ended it."""
        self._ask("wait", str(pid))
        return int(self._answer())

    def run(self, folder: Path, *arguments: str, limit: int = -1, streams: str = "file,file,file") -> int:
        return self.end(self.start(folder, *arguments, limit=limit, streams=streams))

    def killed(self, folder: Path, *arguments: str, after: float) -> int:
        """Start a run and kill it after some seconds: its exit code, where it ended before."""
        pid = self.start(folder, *arguments)
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)  # not waited for yet, so no other process has its number
        return self.end(pid)

    def _ask(self, *words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\0".join(words) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture(scope="session")
def runs() -> Iterator[Runs]:
    """The process that forks runs."""
    command = [sys.executable, str(SERVER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        yield Runs(process)
        process.stdin.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, runs: Runs) -> Path:
    """A folder with demand.csv and the model that the quickest training makes of it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "demand.csv").write_text(daily(60))
    assert runs.run(folder, *COMMANDS["train"]) == 0, (folder / "stderr").read_text()
    for stream in ("stdout", "stderr"):
        (folder / stream).unlink()
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of that folder that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "work"))
