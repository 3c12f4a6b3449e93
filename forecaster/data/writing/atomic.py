"""Files replaced atomically: a reader sees the old file or the new one, never part of one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from forecaster.data.storage import files as storage
from forecaster.data.storage.place import Named, Place, Remote, place
from forecaster.data.writing import ownership
from forecaster.data.writing.destination import check_stream, is_stream, kind, write_stream
from forecaster.data.writing.leftovers import new_temporary, remove_leftovers
from forecaster.errors import StorageError, StorageWarning

WRITTEN: list[Place] = []
"""The files that this process replaced, or was about to, in this order."""
NO_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""Errors of file systems that cannot sync."""


def atomic_write(path: Named, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file beside `path`, sync it, then rename it to `path`.

    Owner, group, mode and access list of an existing file are kept. If anything fails, the old file stays
    whole and the temporary one is removed. What killed runs left in the folder is removed too. A stream, such
    as /dev/stdout or /dev/null, is written to instead.

    A file elsewhere goes there whole, once `write` is done, or not at all.

    OSError becomes StorageError. What is worth a look although the file was written is a StorageWarning.
    """
    where = place(path)
    if isinstance(where, Remote):
        _upload(where, write)
        return
    try:
        if is_stream(where):
            write_stream(where, write)
            return
        target = Path(os.path.realpath(where))  # a link stays a link: its target is replaced
        problems = _replace(target, write)
    except OSError as error:
        raise _failed(path, error) from error
    for problem in [*problems, *_sync_folder(target)]:
        warnings.warn(problem, StorageWarning, stacklevel=2)


def _upload(target: Remote, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill memory, and put that in a store. Raises StorageError."""
    content = BytesIO()
    write(content)
    WRITTEN.append(target)
    try:
        storage.write(target, content.getbuffer())
    except StorageError:
        WRITTEN.pop()
        raise


def _replace(target: Path, write: Callable[[BinaryIO], object]) -> list[str]:
    """Write the new file and put it in place; what could not be kept or done. Raises OSError."""
    old = _replaced(target)
    remove_leftovers(target.parent)
    handle, temporary = new_temporary(target, private=old is not None)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            kept = ownership.keep(handle, target, old) if old else ""
            problems = [kept, _sync(handle, target)]
        WRITTEN.append(target)
        try:
            temporary.replace(target)
        except OSError:
            WRITTEN.pop()
            raise
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return [problem for problem in problems if problem]


def _replaced(target: Path) -> os.stat_result | None:
    """The status of the file to be replaced; None where there is none. StorageError for what is no file."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if name := kind(status):
        raise StorageError(
            f"{str(target)!r} cannot be written: it is {name}",
            hint="Name a file, or write to standard output." if name != "a folder" else "Name a file in it.",
        )
    return status


def _sync(handle: int, target: Path) -> str:
    """Sync an open file; a word where its file system cannot. Raises OSError where syncing fails."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
        return _not_synced(target, error)
    return ""


def _sync_folder(target: Path) -> list[str]:
    """Sync the folder, so that the new name outlives a power failure; a word where that fails."""
    if os.name == "nt":  # folders cannot be opened
        return []
    try:
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        return [_not_synced(target, error)]
    return []


def _not_synced(target: Path, error: OSError) -> str:
    return f"{str(target)!r} is written, but may not outlive a power failure: {error.strerror or error}"


def _failed(path: Named, error: OSError) -> StorageError:
    hints = {
        errno.ENOSPC: "Free some space and run again.",
        errno.EDQUOT: "Free some space and run again.",
        errno.EBUSY: "Something is mounted there: mount its folder instead, to let the file be replaced.",
    }
    return StorageError(
        f"{str(path)!r} cannot be written: {error.strerror or error}", hint=hints.get(error.errno or 0, "")
    )


def check_folder(path: Named) -> None:
    """Raise StorageError early where `path` cannot be written; warn where its owner cannot be kept."""
    where = place(path)
    if isinstance(where, Remote):
        storage.check_writable(where)
        return
    try:
        if is_stream(where):
            check_stream(where)
            return
        target = Path(os.path.realpath(where))
        folder = target.parent
        if not folder.is_dir():
            raise StorageError(f"there is no folder {str(folder)!r} to write {where.name!r} to")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StorageError(f"no permission to write {where.name!r} to {str(folder)!r}")
        old = _replaced(target)
        if old is not None and not ownership.is_ours(old):
            _try_to_replace(target, old)
    except OSError as error:
        raise _failed(path, error) from error


def _try_to_replace(target: Path, old: os.stat_result) -> None:
    """Try on a temporary file whether owner and group can be kept; warn where not. Raises OSError."""
    sticky = target.parent.stat()
    if sticky.st_mode & stat.S_ISVTX and os.geteuid() not in (0, old.st_uid, sticky.st_uid):
        raise StorageError(
            f"no permission to replace {str(target)!r}, which belongs to {ownership.user(old.st_uid)}: "
            "its folder lets only owners replace their files"
        )
    handle, temporary = new_temporary(target, private=True)
    try:
        problem = ownership.keep(handle, target, old)
    finally:
        os.close(handle)
        temporary.unlink()
    if problem:
        warnings.warn(problem, StorageWarning, stacklevel=3)
