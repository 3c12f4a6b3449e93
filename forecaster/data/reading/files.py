"""Files: the bytes of a file, a directory, a glob or stdin; gzip is unpacked here."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, NoReturn
from urllib.parse import unquote

from forecaster.data.labels import shown
from forecaster.data.storage import files as storage
from forecaster.data.storage.matching import fixed, matches
from forecaster.data.storage.place import Place, Remote, at_home
from forecaster.data.storage.secrets import MASK
from forecaster.errors import DataError, StorageError, UsageError
from forecaster.machine import memory
from forecaster.machine.system import BINARY, NO_WAIT

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".csv.gz", ".tsv.gz", ".txt.gz")
PARTITION = re.compile(r"([^=]+)=(.*)")
DEEPEST = 8  # folders within folders
GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
PART = 2**24  # bytes read or unpacked at once
LIMIT = 16 * 2**30  # bytes of an unpacked file
FREE, USUAL_GROWTH = (
    2**30,
    20,
)  # an unpacked file of more bytes, and of more times its size, is to be asked for


@dataclass(frozen=True)
class Content:
    """The bytes of one file, uncompressed."""

    name: str
    stem: str
    data: bytes
    digest: str = ""
    """SHA-256 of the file as it is stored, before it is unpacked."""
    keys: tuple[tuple[str, str], ...] = ()
    """Columns that the names of its folders give, as `symbol=AAPL` does."""

    @property
    def is_parquet(self) -> bool:
        return self.data[:4] == PARQUET


def contents(source: str | Path, max_bytes: int | None = None) -> Iterator[Content]:
    """The files of `source`, sorted by name, one at a time.

    `max_bytes`: the most that a packed file may grow to; None: as LIMIT and FREE say.

    Raises StorageError (missing, unreadable), DataError (no data, damaged gzip), UsageError (no such URL).
    """
    if str(source) == "-":
        try:
            data = _all_of(sys.stdin.buffer)
        except OSError as error:
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise StorageError(f"standard input cannot be read: {reason}") from error
        yield _content("stdin", "stdin", data, max_bytes)
        return
    if "\0" in str(source):
        raise StorageError(f"there is no file {shown(source)}", hint="Check the path.")
    top = at_home(source)
    paths = paths_of(source)
    for path, name in zip(paths, stems(paths), strict=True):
        content = _content(path.name, name, _bytes(path), max_bytes)
        yield replace(content, keys=_keys(path, top))


def stem(path: Place) -> str:
    """The file name without its endings."""
    name = path.name
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def keys_of(path: Place, source: str | Path) -> tuple[tuple[str, str], ...]:
    """The key and value of each folder, as `symbol=AAPL` is, between `source` and a file of it."""
    return _keys(path, at_home(source))


def stems(paths: Sequence[Place]) -> list[str]:
    """A distinct name for each file: its stem; or, to be distinct, with folders; or with endings too."""
    whole = [
        path.absolute() if isinstance(path, Path) else Path("/", *path.parts or (path.name,))
        for path in paths
    ]
    top = Path(os.path.commonpath([path.parent for path in whole]))
    inside = [path.relative_to(top) for path in whole]
    for names in ([stem(path) for path in paths], [path.with_name(stem(path)).as_posix() for path in inside]):
        if len(set(names)) == len(names):
            return names
    return [path.as_posix() for path in inside]


def is_many(source: object) -> bool:
    """Whether `source` names a directory or a glob, so that each file may be one series."""
    if not isinstance(source, str | Path) or str(source) == "-":
        return False
    folder = at_home(source)
    if isinstance(folder, Remote):
        is_one = folder.is_web or storage.is_file(folder)
        return not is_one and (glob.has_magic(folder.key) or not _named_parts(storage.entries(folder)[1]))
    return _is_glob(folder) or (folder.is_dir() and not _partitions(folder))


def _named_parts(folders: Sequence[Remote]) -> list[Remote]:
    """Those of some remote folders that hold parts of one table, see `_partitions`."""
    return [folder for folder in folders if PARTITION.fullmatch(folder.name)]


def _partitions(folder: Path) -> list[Path]:
    """Folders such as `symbol=AAPL`, each of which holds a part of one table."""
    return [path for path in sorted(folder.iterdir()) if PARTITION.fullmatch(path.name) and path.is_dir()]


def _keys(path: Place, top: Place) -> tuple[tuple[str, str], ...]:
    """The key and value of each folder between `top` and the file."""
    if path.parts[: len(top.parts)] != top.parts or len(path.parts) == len(top.parts):
        return ()  # `top` is the file, or a glob
    matches = [PARTITION.fullmatch(part) for part in path.parts[len(top.parts) : -1]]
    return tuple((match[1], unquote(match[2])) for match in matches if match)


def _is_glob(path: Path) -> bool:
    return glob.has_magic(str(path)) and not path.exists()


def _remote_paths(where: Remote) -> list[Remote]:
    """The data files of a place elsewhere, in the order of those here. Raises the errors of `contents`."""
    if MASK in f"{where.authority}{where.query}":
        hint = "Secrets are not kept. Name the place again, with its secret, or give it by the environment."
        raise UsageError(f"{shown(where)} has {MASK} where a secret was", hint=hint)
    if where.is_web:
        if "*" in where.key:
            raise UsageError(f"{shown(where)} is a glob: a web server lists no files", hint="Name one file.")
        return [where]
    what = storage.kind(where)
    if what == "file":
        return [where]
    if glob.has_magic(where.key):
        if matching := matches(where):
            return matching
        raise StorageError(f"no file matches {shown(where)}")
    if not what:
        raise storage.absent(where)
    files, folders = storage.entries(where)
    if _named_parts(folders):
        files = storage.entries(where, deep=True)[0]
    named = [(_order(each.place.parts[len(where.parts) :]), each.place) for each in files]
    found = [file for order, file in sorted(named) if _is_data(order)]
    return found or _no_data(where)


def _order(parts: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Where a file stands: those of a folder come before those of the folders in it."""
    return (*((1, part) for part in parts[:-1]), (0, parts[-1]))


def _is_data(order: tuple[tuple[int, str], ...]) -> bool:
    """Whether a file has data, and all folders above it hold parts of one table."""
    name = order[-1][1]
    in_parts = all(PARTITION.fullmatch(part) for _, part in order[:-1])
    return in_parts and name.lower().endswith(ENDINGS) and not name.startswith((".", "_"))


def _paths(path: Path) -> list[Path]:
    source = path
    if _is_glob(path):
        files = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207 - an absolute pattern
        if not files:
            raise StorageError(f"no file matches {shown(source)}")
        return files
    try:
        if path.is_dir():
            return _inside(path)
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise StorageError(f"there is no file {shown(source)}", hint="Check the path.") from None
    except OSError as error:
        raise _failed(path, error) from error
    if not stat.S_ISREG(mode):
        raise DataError(f"{shown(source)} is not a regular file", hint="Pipe it in: cat … | forecast … -")
    return [path]


def paths_of(source: str | Path) -> Sequence[Place]:
    """The files of a source, sorted. Raises the errors of `contents`."""
    where = at_home(source)
    return _paths(where) if isinstance(where, Path) else _remote_paths(where)


def is_among(file: Remote, source: Remote) -> bool:
    """Whether a file elsewhere is one of those of a folder or glob. Asks the store only where it may be."""
    top = fixed(source) if glob.has_magic(source.key) else source
    inside = not source.is_web and file.address.startswith(top.address.rstrip("/") + "/")
    return inside and any(each.address == file.address for each in _remote_paths(source))


def leads_outside(source: str | Path) -> Path | None:
    """A file of a glob or folder that lies elsewhere, as links may lead there; None where all lie in it.

    A source that is one file is where it is. Raises the errors of `contents`.
    """
    path = at_home(source)
    if isinstance(path, Remote):  # a store has no links
        return None
    if "\0" in str(source) or not (_is_glob(path) or path.is_dir()):
        return None
    fixed = path if path.is_dir() else Path(*takewhile(lambda part: not glob.has_magic(part), path.parts))
    top = fixed.resolve()
    ends = (each.resolve() for each in _paths(path))
    return next((end for end in ends if not end.is_relative_to(top)), None)


def _inside(folder: Path, depth: int = 0) -> list[Path]:
    """The data files of a folder, and of the partitions in it."""
    try:
        files = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(ENDINGS)]
        files = [path for path in files if path.is_file() and not path.name.startswith((".", "_"))]
        parts = _partitions(folder)
    except OSError as error:
        raise _failed(folder, error) from error
    if depth > DEEPEST:
        raise DataError(f"{shown(folder)} is nested too deep", hint="Remove links to a folder above it.")
    files += [path for part in parts for path in _inside(part, depth + 1)]
    return files if files or depth else _no_data(folder)


def _no_data(folder: Place) -> NoReturn:
    raise DataError(
        f"the directory {shown(folder)} holds no data",
        hint="Files with these endings are read: " + " ".join(ENDINGS),
    )


def _all_of(stream: BinaryIO) -> bytes:
    """All bytes of a stream. MemoryLimitError where it does not end before the memory does."""
    parts, size = [], 0
    while part := stream.read(PART):
        parts.append(part)
        size += len(part)
        memory.require(3 * size, "reading stdin", hint="Write it to a file, and split that.")
    return b"".join(parts)


def _bytes(path: Place) -> bytes:
    """All bytes of a file; DataError if it changes while it is read."""
    if isinstance(path, Remote):
        return storage.read(path)
    try:
        before = path.stat()
        memory.require(
            2 * before.st_size, f"reading {shown(path.name)}", hint="Split it, or see --max-memory."
        )
        data = path.read_bytes()
        after = path.stat()
    except OSError as error:
        raise _failed(path, error) from error
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or after.st_size != len(
        data
    ):
        raise DataError(f"{shown(path)} changed while it was read", hint="Run again when it is complete.")
    return data


def regular_bytes(path: Place, most: int, what: str) -> bytes:
    """All bytes of a regular file, at most `most`. It never waits, as reading a FIFO or a device may.

    Raises ValueError, with the reason, for anything else and for a larger file than a `what` may be; OSError.
    """
    if isinstance(path, Remote):
        size = storage.size_and_time(path)[0]
        return storage.read(path) if size <= most else _too_large(size, what)
    regular, size = stat.S_ISREG(path.stat().st_mode), 0  # asked first: some devices act when they are opened
    if regular:
        with os.fdopen(os.open(path, os.O_RDONLY | NO_WAIT | BINARY), "rb") as file:
            status = os.fstat(file.fileno())
            regular, size = stat.S_ISREG(status.st_mode), status.st_size
            data = file.read(size + 1) if regular and size <= most else b""
            size = max(size, len(data))
    if not regular:
        raise ValueError("it is not a regular file")
    return data if size <= most else _too_large(size, what)


def _too_large(size: int, what: str) -> NoReturn:
    raise ValueError(f"it has {size:,} bytes, more than any {what} may have")


def _failed(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{shown(path)} cannot be read: {error.strerror or error}")


def digest_of(contents: Sequence[tuple[str, str]]) -> str:
    """One SHA-256 for files, each given as (name, digest): of a single file its own, of several that of the
    list that `sha256sum` prints of them.
    """
    if len(contents) == 1:
        return contents[0][1]
    lines = (f"{digest}  {name}\n" for name, digest in contents)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _content(name: str, stem: str, data: bytes, max_bytes: int | None) -> Content:
    if not data:
        raise DataError(f"{shown(name)} is empty (0 bytes)")
    digest = hashlib.sha256(data).hexdigest()
    if data[:2] == GZIP:
        data = _gunzip(name, data, max_bytes or min(max(USUAL_GROWTH * len(data), FREE), LIMIT))
    elif name.lower().endswith(".gz"):
        raise DataError(
            f"{shown(name)} ends in .gz but is not gzip", hint="Rename it without .gz if it is plain."
        )
    if data[:4] == ZIP:
        raise DataError(f"{shown(name)} is a zip archive or a spreadsheet", hint="Save it as CSV or Parquet.")
    if name.lower().endswith((".parquet", ".pq")) and data[:4] != PARQUET:
        raise DataError(f"{shown(name)} is not a Parquet file", hint="Rename it if it is CSV.")
    return Content(name, stem, data, digest)


def _gunzip(name: str, data: bytes, limit: int) -> bytes:
    """Unpack gzip (one member or several) to at most `limit` bytes; its CRC and its size are checked."""
    grown, size = [], 0
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof and size <= limit:
                grown.append(member.decompress(data, min(limit - size + 1, PART)))
                data, size = member.unconsumed_tail, size + len(grown[-1])
                memory.require(2 * size, f"unpacking {shown(name)}", hint="Split it, or see --max-memory.")
                if not grown[-1]:
                    break
        except zlib.error as error:
            raise DataError(
                f"{shown(name)} is damaged gzip: {error}", hint="Fetch or pack it again."
            ) from error
        if size > limit:
            raise DataError(
                f"{shown(name)} grows beyond {limit:,} bytes when it is unpacked",
                hint=f"If it may: --max-bytes {4 * limit}; or unpack it and split it.",
            )
        if not member.eof:
            raise DataError(f"{shown(name)} is truncated gzip", hint="Fetch or pack it again.")
        data = member.unused_data.lstrip(b"\0")
        if data and data[:2] != GZIP:
            raise DataError(f"{shown(name)} has other data after the end of its gzip", hint="Pack it again.")
    return b"".join(grown)
