"""Temporary files, and those that killed runs left.

The name of a temporary file says which process writes it: `.NAME.HOST-PID-START-RANDOM.tmp`. Its process
holds a lock on it as long as it is open, where the file system has locks.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from pathlib import Path

from forecaster.data.writing.processes import Process, host_name, this_process
from forecaster.machine.system import BINARY, NO_LINK, NO_WAIT

LONGEST = 100
"""Bytes of the name of the file in the name of its temporary file."""
PATTERN = re.compile(r"\..*\.(?P<host>\w+)-(?P<pid>\d+)-(?P<start>\d+)-[0-9a-f]{8}\.tmp", re.ASCII)
A_DAY = 86_400
"""Seconds after which a temporary file of another host, whose processes are not seen, is left over."""


def new_temporary(target: Path, *, private: bool) -> tuple[int, Path]:
    """Create a temporary file beside `target`: its descriptor and its name. Raises OSError.

    A private one is for this user alone, until its mode is set. Any other has the mode of a new file.
    """
    me = this_process()
    name = os.fsdecode(os.fsencode(target.name)[:LONGEST])
    path = target.with_name(f".{name}.{_tag()}-{me.pid}-{me.start}-{secrets.token_hex(4)}.tmp")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY
    handle = os.open(path, flags, 0o600 if private else 0o666)
    with contextlib.suppress(OSError):
        _lock(handle)
    return handle, path


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of runs that were killed. Raises nothing."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".tmp") and (match := PATTERN.fullmatch(entry.name)):
                with contextlib.suppress(OSError):
                    _remove(Path(entry.path), match)


def _tag() -> str:
    """The name of this host, in letters that a file name may have."""
    return re.sub(r"[^A-Za-z0-9]", "_", host_name())[:40]


def _remove(path: Path, name: re.Match[str]) -> None:
    """Remove a temporary file whose writer is gone. Raises OSError."""
    status = path.lstat()
    if name["host"] == _tag():
        left = Process(host_name(), int(name["pid"]), int(name["start"])).is_gone
    else:
        left = time.time() - status.st_mtime > A_DAY
    if not (left and stat.S_ISREG(status.st_mode)):
        return
    handle = os.open(path, os.O_RDONLY | NO_WAIT | NO_LINK)
    try:
        if _lock(handle):
            path.unlink()
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file; False where another process has it. True where the file system has no locks."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True
