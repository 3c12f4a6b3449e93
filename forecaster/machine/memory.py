"""Memory: how much this process may take, and the error where more is needed.

What a step needs is estimated before memory is taken, where that is possible. Besides, Linux refuses to give
a process more than `restrict` allows, which Python, NumPy and PyArrow report as MemoryError.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from forecaster.errors import MemoryLimitError, UsageError

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE)
LEAST = 256 * UNITS["M"]
"""Python and the libraries take half of that."""
OF_THREADS = (12, 2)
"""Threads of PyArrow, and threads for each core: the stack of each is reserved, and mostly never used."""
STACK = 8 * UNITS["M"]
FRESH = 150 * UNITS["M"]
"""A process with all libraries, before it has read any data."""


class _Limit:
    """What this process may take at most; None: what the machine has."""

    most: int | None = None
    before: tuple[int, int] | None = None
    """The limits of the system before they were lowered."""


def parse_size(text: str | int) -> int:
    """Bytes from a number of them, or from text such as 500M and 2G. Raises UsageError."""
    match = SIZE.fullmatch(str(text).strip()) if len(str(text)[:50]) < 50 else None
    size = int(float(match[1]) * UNITS[match[2].upper()]) if match else 0
    if size < LEAST:
        raise UsageError(f"max_memory cannot be {str(text)[:50]!r}", hint="Give 256M or more, such as 2G.")
    return size


def restrict(most: int) -> None:
    """Let this process take at most so many bytes. `lift` ends that."""
    _Limit.most = most
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # its usual pool reserves a GiB at once
    if not sys.platform.startswith("linux"):
        return
    import resource

    import numpy as np  # with what its libraries reserve

    np.ones((64, 64)) @ np.ones((64, 64))
    fixed, a_core = OF_THREADS
    spare = (fixed + a_core * (os.cpu_count() or 1)) * STACK
    _Limit.before = resource.getrlimit(resource.RLIMIT_DATA)
    soft, hard = _status("VmData") + max(most - taken(), 0) + spare, _Limit.before[1]
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def lift() -> None:
    """End what `restrict` began."""
    _Limit.most = None
    if _Limit.before is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, _Limit.before)
        _Limit.before = None


@contextmanager
def unlimited() -> Iterator[None]:
    """Let processes that are begun meanwhile have no limit of ours, and what they need here beside it."""
    most = _Limit.most
    lift()
    try:
        yield
    finally:
        if most is not None:
            restrict(most)


def allowed() -> int | None:
    """The bytes that `restrict` allows this process in all; None: it was not called."""
    return _Limit.most


def taken() -> int:
    """Bytes that this process has now; 0 where the system does not say."""
    return _status("VmRSS")


def left() -> int | None:
    """Bytes that this process may still take; None where nothing is known."""
    known = [] if _Limit.most is None else [_Limit.most - taken()]
    with suppress(OSError, ValueError, KeyError):
        known.append(_fields(Path("/proc/meminfo"))["MemAvailable"])
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text())  # "max": a ValueError
        files = re.search(r"inactive_file ([0-9]+)", (group / "memory.stat").read_text())
        used = int((group / "memory.current").read_text()) - int(files[1] if files else 0)
        known.append(most - used)
    return max(min(known), 0) if known else None


def require(needed: int, what: str, hint: str = "") -> None:
    """Raise MemoryLimitError where `what`, a noun, needs more bytes than are left."""
    free = left()
    if free is None or needed <= free:
        return
    rest = "are free" if _Limit.most is None else "are left of --max-memory"
    message = f"{what} needs about {in_words(needed)} of memory, but {in_words(free)} {rest}"
    raise MemoryLimitError(message, hint=hint)


def ran_out(error: MemoryError) -> MemoryLimitError:
    """The error for a MemoryError of Python, NumPy or PyArrow."""
    match = re.search(r"allocate ([0-9.]+ [KMGTPE]?i?B)|size ([0-9]+) failed", str(error))
    size = "" if match is None else match[1] or in_words(int(match[2]))
    at_once = f": another {size} were needed at once" if size else ""
    if _Limit.most is None:
        hint = "Free some memory; or give fewer rows, columns or series at a time."
        return MemoryLimitError(f"the memory of this machine does not suffice{at_once}", hint=hint)
    hint = f"Allow more, such as --max-memory {in_units(2 * _Limit.most)}; or give fewer rows or series."
    return MemoryLimitError(f"more memory is needed than --max-memory allows{at_once}", hint=hint)


def in_words(size: int) -> str:
    """Bytes for a person: 1.5 GiB."""
    unit = next((unit for unit in "TGMK" if size >= UNITS[unit]), "")
    return f"{size / UNITS[unit]:,.3g} {unit}iB" if unit else f"{size} bytes"


def in_units(size: int) -> str:
    """Bytes as `parse_size` reads them: 1536M."""
    unit = next((unit for unit in "TGMK" if size >= UNITS[unit] and size % UNITS[unit] == 0), "")
    return f"{size // UNITS[unit]}{unit}"


def _status(name: str) -> int:
    """A size of this process in bytes; 0 where the system does not say."""
    with suppress(OSError, ValueError, KeyError):
        return _fields(Path("/proc/self/status"))[name]
    return 0


def _fields(path: Path) -> dict[str, int]:
    """The sizes in a file of the system, in bytes."""
    lines = (line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[2:] == ["kB"]}
