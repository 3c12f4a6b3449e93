"""Files replaced atomically: a reader sees the old file or the new one, never part of one."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from forecaster.data.labels import shown
from forecaster.errors import StorageError


def atomic_write(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a temporary file beside `path`, sync it, then rename it to `path`.

    The mode of an existing file is kept. If anything fails, the old file stays whole and the temporary one is
    removed. OSError becomes StorageError.
    """
    path = Path(path).resolve()  # a link stays a link: its target is replaced
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fchmod(file.fileno(), _mode(path))
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be written: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _mode(path: Path) -> int:
    """The mode of the file to be replaced; for a new file, the default of the umask."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_folder(path: str | Path) -> None:
    """Raise StorageError early if the folder of an output file is missing or not writable."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise StorageError(f"there is no folder {str(folder)!r} to write {Path(path).name!r} to")
    if not os.access(folder, os.W_OK):
        raise StorageError(f"no permission to write {Path(path).name!r} to {str(folder)!r}")
