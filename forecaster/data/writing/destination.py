"""What an output path names: a file, which is replaced, or a stream, which is written to."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from forecaster.data.storage.place import Named, place
from forecaster.errors import StorageError
from forecaster.machine.system import BINARY, NO_TERMINAL

DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/(?:self|thread-self)/fd)/(\d{1,9})")
NAMED = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
TERMINALS = ("/dev/tty", "/dev/pts/")
MOST_LINKS = 40
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind(status: os.stat_result) -> str:
    """What a path names that is no regular file; empty for a regular file."""
    return next((name for test, name in KINDS if test(status.st_mode)), "")


def is_stream(path: Named) -> bool:
    """Whether writing to `path` adds to a stream: /dev/stdout, /dev/fd/3, /dev/null, a terminal."""
    where = place(path)
    return isinstance(where, Path) and (_descriptor(where) is not None or _is_sink(where))


def is_stdout(path: Named) -> bool:
    """Whether `path` is a name of standard output, such as /dev/stdout."""
    where = place(path)
    return isinstance(where, Path) and _descriptor(where) == 1


def check_stream(path: str | Path) -> None:
    """Raise StorageError where a stream is not open."""
    descriptor = _descriptor(path)
    try:
        os.close(_opened(path) if descriptor is None else os.dup(descriptor))
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def write_stream(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` write to a stream. Raises OSError."""
    descriptor = _descriptor(path)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # what was printed before comes first
    if descriptor == 1 and hasattr(sys.stdout, "buffer"):
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    handle = _opened(path) if descriptor is None else os.dup(descriptor)
    with os.fdopen(handle, "wb") as file:
        write(file)


def _opened(path: str | Path) -> int:
    return os.open(path, os.O_WRONLY | NO_TERMINAL | BINARY)


def _descriptor(path: str | Path) -> int | None:
    """The number of the open file that `path` stands for, by itself or by a link; None for any other path."""
    place = Path(path).absolute()
    for _ in range(MOST_LINKS):
        if str(place) in NAMED:
            return NAMED[str(place)]
        if match := DESCRIPTOR.fullmatch(str(place)):
            return int(match[1])
        if not place.is_symlink():
            return None
        place = place.parent / place.readlink()
    return None


def _is_sink(path: str | Path) -> bool:
    """Whether `path` is the null device or a terminal."""
    try:
        status, null = Path(path).stat(), Path(os.devnull).stat()
    except (OSError, ValueError):
        return False
    terminal = os.path.realpath(path).startswith(TERMINALS)
    return stat.S_ISCHR(status.st_mode) and (status.st_rdev == null.st_rdev or terminal)
