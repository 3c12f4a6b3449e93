"""Loads everything that `forecast` needs, then forks a child for each run that a line of stdin asks for."""

import os
import resource
import signal
import sys
import traceback

import pandas  # noqa: F401 - loaded once for all
import pyarrow.csv  # noqa: F401

import forecaster.cli.evaluate
import forecaster.cli.predict
import forecaster.cli.train
import forecaster.data.load
import forecaster.data.writing.write
import forecaster.evaluation.error_report
import forecaster.model.lock
import forecaster.pipeline.evaluate
import forecaster.pipeline.predict
import forecaster.pipeline.train
import forecaster.report.files
import forecaster.report.terminal  # noqa: F401
from forecaster.__main__ import main


def opened(name: str, state: str) -> int:
    """A new descriptor for a standard stream in a state: full, left by its reader, or a file of its name."""
    if state == "left":
        reader, writer = os.pipe()
        os.close(reader)
        return writer
    if name == "stdin":
        return os.open(os.devnull, os.O_RDONLY)
    return os.open("/dev/full" if state == "full" else name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)


def child(folder: str, limit: int, states: str, arguments: list[str], *, stopped: bool) -> None:
    """Be `forecast` in a folder, with its standard streams in these states."""
    os.chdir(folder)
    names = ("stdin", "stdout", "stderr")
    for descriptor, (name, state) in enumerate(zip(names, states.split(","), strict=True)):
        if state == "closed":
            os.close(descriptor)
            setattr(sys, name, None)
        else:
            handle = opened(name, state)
            os.dup2(handle, descriptor)
            os.close(handle)
    if limit >= 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.argv = ["forecast", *arguments]
    if stopped:
        os.kill(os.getpid(), signal.SIGSTOP)
    main()


for line in sys.stdin:
    kind, *words = line.rstrip("\n").split("\0")
    if kind == "wait":
        _, status = os.waitpid(int(words[0]), 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    pid = os.fork()
    if pid == 0:
        try:
            child(words[0], int(words[1]), words[2], words[3:], stopped=kind == "stopped")
        except SystemExit as end:
            os._exit(end.code if isinstance(end.code, int) else 1)
        except BaseException:  # noqa: BLE001 - the child ends here
            traceback.print_exc()
        os._exit(99)
    if kind == "stopped":
        os.waitid(os.P_PID, pid, os.WSTOPPED)
    print(pid, flush=True)
