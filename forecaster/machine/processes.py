"""Worker processes: new interpreters that answer through a pipe, and end with the process that began them.

A worker is a new interpreter, not a fork: a fork would copy locks that threads of a library may hold.
Messages are pickled; they pass only between our own processes and are never stored.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Collection
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, Self

from forecaster.machine import memory

PATIENCE = 5.0
"""Seconds to wait for a process to end before it is killed."""

START = """
import ctypes, json, os, signal, sys
if sys.platform.startswith("linux"):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[3]):
    os._exit(1)
sys.path[:] = json.loads(sys.argv[1])
from forecaster.machine.processes import answer
answer(sys.argv[6], int(sys.argv[2]), int(sys.argv[4]), json.loads(sys.argv[5]))
"""
"""What a worker runs. Linux ends it with its parent; elsewhere `_end_with_parent` does."""


def possible() -> bool:
    """Whether this system can have such workers."""
    return os.name == "posix" and bool(sys.executable)


class Worker:
    """A process that runs `serve`, named as module:function, with its end of a pipe. A context manager.

    It has a session of its own: the terminal's Ctrl-C reaches only us. `share`: the memory that it may take,
    in bytes; None: what there is.
    """

    def __init__(self, serve: str, share: int | None) -> None:
        self.line, theirs = Pipe()
        alive, self._life = os.pipe()  # nothing is written: the end closes with this process
        own = (json.dumps(sys.path), theirs.fileno(), os.getpid(), alive, json.dumps(share), serve)
        with theirs, os.fdopen(alive, "rb"):
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, *map(str, own)],
                pass_fds=[theirs.fileno(), alive],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(kill=kind is not None)

    def close(self, *, kill: bool = False) -> None:
        """End the process: at once, or when it has finished what it does, for which it has PATIENCE."""
        if kill:
            self.process.kill()
        self.line.close()  # this makes the worker end
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._life)

    def last_words(self) -> str:
        """How a process that no longer answers ended, as far as that is known: ' (killed by signal 9)'."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return ""
        return f" (killed by signal {-code})" if code < 0 else f" (exit code {code})"


def ready(lines: Collection[Connection]) -> list[Connection]:
    """The connections with a message, in the order given; waits for the first."""
    heard = wait(lines)
    return [line for line in lines if line in heard]


def answer(serve: str, descriptor: int, alive: int, share: int | None) -> None:
    """Run `serve` with the pipe `descriptor` until the process at its other end closes it.

    `alive`: a pipe that the other process holds open as long as it lives. `share`: as for `Worker`.
    """
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
    module, _, name = serve.partition(":")
    function: Any = getattr(importlib.import_module(module), name)
    if share is not None:
        memory.restrict(share)
    with Connection(descriptor) as line:
        try:
            function(line)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the other end is closed: nobody waits for an answer


def _end_with_parent(alive: int) -> None:
    """Wait in a thread until the parent ends, and end at once, however busy this process is."""
    os.read(alive, 1)
    os._exit(1)
