"""The commands on a Python without what POSIX adds to it, as on Windows: the same results."""

import json
import subprocess
import sys
from pathlib import Path

from command import daily, environment, forecast

LESS = """
import filelock, numpy, os, signal, sys  # those two ask for the system they were built for
sys.modules |= dict.fromkeys("fcntl grp pwd resource termios".split())  # importing them fails
for module, names in (
    (os, "O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK chown fchmod fchown fork getegid geteuid"),
    (os, "getgid getgroups getuid listxattr mkfifo pread pwrite sched_getaffinity statvfs sysconf uname"),
    (signal, "SIGALRM SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGXFSZ pthread_sigmask"),
):
    for name in names.split():
        delattr(module, name)
"""
START = f"""{LESS}
from forecaster.__main__ import main
main()
"""
HOLD = f"""{LESS}
from forecaster.model.lock import lock
with lock("forecast.model"):
    print("held", flush=True)
    input()
"""
TRAIN = ("train", "demand.csv", "--horizon", "3", "-q", "--keep", "1")
PREDICT = ("predict", "-o", "forecasts.parquet", "--summary", "run.json", "--log-file", "run.log")


def without_posix(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `forecast` in a process of that kind."""
    command = [sys.executable, "-c", START, *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )


def test_the_same_results(tmp_path: Path) -> None:
    """Training and forecasting write the same bytes as elsewhere, also in place of old files."""
    contents = []
    for run, commands in ((forecast, (TRAIN, PREDICT)), (without_posix, (TRAIN, PREDICT) * 2)):
        folder = tmp_path / run.__name__
        folder.mkdir()
        (folder / "demand.csv").write_text(daily(), encoding="utf-8")
        for command in commands:
            done = run(*command, cwd=folder)
            assert done.returncode == 0, done.stderr
        contents.append((folder / "forecasts.parquet").read_bytes())
    assert contents[0] == contents[1]
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]  # locks, temporary files
    summary = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert summary["cpu_seconds"] > 0
    assert summary["peak_memory_bytes"] is None
    assert (folder / "run.log").read_text(encoding="utf-8").endswith("\n")


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """A model that another run holds is not trained: exit code 6, and the model stays as it is."""
    (tmp_path / "demand.csv").write_text(daily(), encoding="utf-8")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD], cwd=tmp_path, env=environment(), **pipes) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        done = without_posix(*TRAIN, cwd=tmp_path)
        holder.communicate(b"\n")
    assert done.returncode == 6, done.stderr
    assert not (tmp_path / "forecast.model").exists()
    assert without_posix(*TRAIN, cwd=tmp_path).returncode == 0
