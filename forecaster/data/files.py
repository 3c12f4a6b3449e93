"""Where the bytes come from: a file, a directory, a glob or stdin; gzip is undone here."""

from __future__ import annotations

import glob
import stat
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forecaster.data.table import shown
from forecaster.errors import DataError, StorageError, UsageError

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".csv.gz", ".tsv.gz", ".txt.gz")
GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
LIMIT = 16 * 2**30  # bytes that a compressed file may grow to


@dataclass(frozen=True)
class Content:
    """The bytes of one file, uncompressed."""

    name: str
    stem: str
    data: bytes

    @property
    def is_parquet(self) -> bool:
        return self.data[:4] == PARQUET


def contents(source: str | Path) -> Iterator[Content]:
    """The files of `source`, sorted by name, one at a time.

    Raises StorageError (missing, unreadable), DataError (no data, damaged gzip), UsageError (URL).
    """
    if str(source) == "-":
        yield _content("stdin", "stdin", sys.stdin.buffer.read())
        return
    if "://" in str(source):
        raise UsageError(f"{shown(source)} is a URL", hint="Download it first, then name the file.")
    for path in _paths(source):
        yield _content(path.name, stem(path), _bytes(path))


def stem(path: Path) -> str:
    """The file name without its endings."""
    name = path.name
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def is_many(source: str | Path) -> bool:
    """Whether `source` names a directory or a glob, so that each file may be one series."""
    return str(source) != "-" and (Path(source).is_dir() or _is_glob(source))


def _is_glob(source: str | Path) -> bool:
    return glob.has_magic(str(source)) and not Path(source).exists()


def _paths(source: str | Path) -> list[Path]:
    path = Path(source).expanduser()
    if _is_glob(path):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207 - an absolute pattern
        if not found:
            raise StorageError(f"no file matches {shown(source)}")
        return found
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


def _inside(folder: Path) -> list[Path]:
    try:
        found = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(ENDINGS)]
    except OSError as error:
        raise _failed(folder, error) from error
    found = [path for path in found if path.is_file() and not path.name.startswith((".", "_"))]
    if not found:
        raise DataError(
            f"the directory {shown(folder)} holds no data",
            hint="Files are looked for by ending: " + " ".join(ENDINGS),
        )
    return found


def _bytes(path: Path) -> bytes:
    """All bytes of a file that nobody changes meanwhile."""
    try:
        before = path.stat()
        data = path.read_bytes()
        after = path.stat()
    except OSError as error:
        raise _failed(path, error) from error
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or after.st_size != len(
        data
    ):
        raise DataError(f"{shown(path)} changed while it was read", hint="Run again when it is written.")
    return data


def _failed(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{shown(path)} cannot be read: {error.strerror or error}")


def _content(name: str, stem: str, data: bytes) -> Content:
    if not data:
        raise DataError(f"{shown(name)} is empty (0 bytes)")
    if data[:2] == GZIP:
        data = _gunzip(name, data)
    elif name.lower().endswith(".gz"):
        raise DataError(
            f"{shown(name)} ends in .gz but is not gzip", hint="Rename it without .gz if it is plain."
        )
    if data[:4] == ZIP:
        raise DataError(f"{shown(name)} is a zip archive or a spreadsheet", hint="Save it as CSV or Parquet.")
    if name.lower().endswith((".parquet", ".pq")) and data[:4] != PARQUET:
        raise DataError(f"{shown(name)} is not a Parquet file", hint="Rename it if it is CSV.")
    return Content(name, stem, data)


def _gunzip(name: str, data: bytes) -> bytes:
    """Undo gzip (one member or several), checking its CRC and a cap on the size."""
    grown, size = [], 0
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            grown.append(member.decompress(data, LIMIT - size + 1))
        except zlib.error as error:
            raise DataError(
                f"{shown(name)} is damaged gzip: {error}", hint="Fetch or pack it again."
            ) from error
        size += len(grown[-1])
        if size > LIMIT:
            raise DataError(f"{shown(name)} grows beyond {LIMIT:,} bytes", hint="Unpack it and split it.")
        if not member.eof:
            raise DataError(f"{shown(name)} is truncated gzip", hint="Fetch or pack it again.")
        data = member.unused_data.lstrip(b"\0")
        if data and data[:2] != GZIP:
            raise DataError(f"{shown(name)} has other data after its gzip end", hint="Pack it again.")
    return b"".join(grown)
