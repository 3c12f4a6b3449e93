"""What is done with a file, wherever it is: one function for each thing.

A Path is handled by this machine's own means, a Remote by its store or server. Errors of a Remote are
StorageError, with Missing where there is no such file; those of a Path are OSError.
"""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecaster.data.storage.place import Named, Place, Remote, place
from forecaster.errors import StorageError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from forecaster.data.storage.stores import Entry


def is_file(named: Named) -> bool:
    """Whether there is a file. StorageError where a store cannot be asked."""
    where = place(named)
    if isinstance(where, Path):
        return where.is_file()
    from forecaster.data.storage import failures, web

    if not where.is_web:
        return _stores().kind(where) == "file"
    try:
        web.start(where, 1)
    except failures.Missing:
        return False
    return True


def kind(named: Remote) -> str:
    """What is in a store: "file", "folder" (what some file lies in), or "" for nothing."""
    return str(_stores().kind(named))


def absent(named: Remote) -> StorageError:
    """The error for a file that is not in its store."""
    error: StorageError = _stores().absent(named)
    return error


def is_folder(named: Named) -> bool:
    """Whether there is a folder. What a web server has are files."""
    where = place(named)
    if isinstance(where, Path):
        return where.is_dir()
    return not where.is_web and _stores().kind(where) == "folder"


def size_and_time(named: Named) -> tuple[int, int]:
    """Bytes of a file, and when it was written, ns since 1970. 0 for what a server does not say."""
    where = place(named)
    if isinstance(where, Path):
        status = where.stat()
        return status.st_size, status.st_mtime_ns
    if where.is_web:
        from forecaster.data.storage import web

        return web.facts(where)
    return _stores().entry(where)[1:]


def read(named: Named) -> bytes:
    """All bytes of a file. Of a Remote: DataError where it is replaced meanwhile, MemoryLimitError."""
    where = place(named)
    if isinstance(where, Path):
        return where.read_bytes()
    if where.is_web:
        from forecaster.data.storage import web

        return web.read(where)
    return _stores().read(where)


def start(named: Named, most: int) -> bytes:
    """The first bytes of a file, at most `most`."""
    where = place(named)
    if isinstance(where, Path):
        with where.open("rb") as file:
            return file.read(most)
    if where.is_web:
        from forecaster.data.storage import web

        return web.start(where, most)
    return _stores().start(where, most)


def open_file(named: Named) -> pa.NativeFile:
    """A file for random reading, as pyarrow.parquet.ParquetFile takes it. Close it, or use it in a `with`."""
    import pyarrow as pa

    where = place(named)
    if isinstance(where, Path):
        return pa.OSFile(str(where))
    if where.is_web:
        from forecaster.data.storage import web

        return pa.PythonFile(web.Pieces(where), mode="r")
    return _stores().opened(where)


def entries(folder: Named, *, deep: bool = False) -> tuple[list[Entry], list[Remote]]:
    """The files of a remote folder (`deep`: of the folders in it too), sorted, and the folders in it."""
    return _stores().entries(_in_a_store(folder, "a web server lists no files"), deep=deep)


def names(folder: Named) -> list[str]:
    """The names in a folder: of files, and here of folders too."""
    where = place(folder)
    if isinstance(where, Path):
        return [entry.name for entry in where.iterdir()]
    return [entry.place.name for entry in entries(where)[0]]


def write(named: Remote, data: bytes | memoryview) -> None:
    """Put a whole file in a store. `data.writing.atomic.atomic_write` does so for files here, too."""
    _stores().write(_in_a_store(named, "a web server is only read"), data)


def check_writable(named: Remote) -> None:
    """Raise StorageError, before any work, where a store lets nothing be written there."""
    _stores().check_bucket(_in_a_store(named, "a web server is only read"))


def copy(named: Named, target: Named) -> None:
    """Copy a file at its store, or on this machine; the target is replaced."""
    where, to = place(named), place(target)
    if isinstance(where, Path) and isinstance(to, Path):
        shutil.copy2(where, to)
    elif isinstance(where, Remote) and isinstance(to, Remote):
        _stores().copy(where, to)
    else:
        raise TypeError("a file is copied within one store")


def move(named: Named, target: Named) -> None:
    """Rename a file. In a store it is copied, then removed: a kill in between leaves both."""
    where, to = place(named), place(target)
    if isinstance(where, Path) and isinstance(to, Path):
        where.replace(to)
    else:
        copy(where, to)
        remove(where)


def is_same(named: Named, other: Named) -> bool:
    """Whether two files have the same bytes."""
    where, to = place(named), place(other)
    if isinstance(where, Path) and isinstance(to, Path):
        return filecmp.cmp(where, to, shallow=False)
    return read(where) == read(to)


def remove(named: Named) -> None:
    """Remove a file."""
    where = place(named)
    if isinstance(where, Path):
        where.unlink()
    else:
        _stores().remove(_in_a_store(where, "a web server is only read"))


def remove_folder(named: Named) -> None:
    """Remove a folder with all that is in it; nothing where there is none."""
    where = place(named)
    if isinstance(where, Path):
        if where.is_dir():
            shutil.rmtree(where)
    else:
        _stores().remove_folder(_in_a_store(where, "a web server is only read"))


def version(named: Place) -> str:
    """What tells one content of a file from the next; empty where there is none."""
    from forecaster.data.storage.failures import Missing

    if isinstance(named, Path):
        try:
            status = named.stat()
        except FileNotFoundError:
            return ""
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"
    try:
        return " ".join(map(str, _stores().version(named)))
    except Missing:
        return ""


def _in_a_store(named: Named, why_not: str) -> Remote:
    where = place(named)
    if isinstance(where, Path):
        raise TypeError("a path of this machine")
    if where.is_web:
        hint = "Name a place in a bucket, s3://, gs:// or abfs://; or a file here, and upload that."
        raise UsageError(f"{str(where)!r} cannot be used for that: {why_not}", hint=hint)
    return where


def _stores() -> Any:
    """The room of buckets, loaded with PyArrow's file systems only where one is named."""
    from forecaster.data.storage import stores

    return stores
