"""Which process a file belongs to, and whether that process still runs."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process: its host, its number, and when it started, since numbers are used again."""

    host: str
    pid: int
    start: int
    """Clock ticks from the start of the machine to that of the process; 0 where the system does not say."""

    @property
    def is_gone(self) -> bool:
        """Whether it has ended. False where that cannot be known, as on another host and on Windows."""
        if self.host != host_name() or os.name == "nt":  # signal 0 interrupts a process there
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False  # a process of another user
        start = _start(self.pid)
        return start is None or bool(self.start and start and start != self.start)


def this_process() -> Process:
    """The process that runs."""
    return Process(host_name(), os.getpid(), _start(os.getpid()) or 0)


def host_name() -> str:
    """The name of this host."""
    return socket.gethostname() or "localhost"


def _start(pid: int) -> int | None:
    """When a process started; None where it has ended and waits for its parent; 0 where nothing says so."""
    try:
        state, *fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
        return None if state in "ZX" else int(fields[18])
    except (OSError, ValueError, IndexError):
        return 0
