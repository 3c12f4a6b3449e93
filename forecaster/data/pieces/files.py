"""The Parquet files of a data set that is read piece by piece, with what tells that they are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from forecaster.data.labels import listed, shown
from forecaster.data.reading.files import keys_of, paths_of, stems
from forecaster.errors import DataError, StorageError

PARQUET = (".parquet", ".pq")
AS_PARQUET = "Write it as Parquet first, in many files or in one."


@dataclass(frozen=True)
class SourceFile:
    """A Parquet file of a data set."""

    path: str
    stem: str
    """The id of its series, where no column gives one."""
    stamp: str
    """Its size and when it was written: other content has another stamp."""
    rows: int
    columns: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    """Columns that the names of its folders give, as `symbol=AAPL` does."""
    groups: tuple[int, ...]
    """The rows of each row group."""

    @property
    def name(self) -> str:
        """As messages show it."""
        return Path(self.path).name


def files_of(source: str | Path) -> tuple[SourceFile, ...]:
    """The files of `source`, sorted by name.

    Raises StorageError where one cannot be read; DataError where one is no Parquet file, where they have
    different columns, and where none has a row.
    """
    paths = paths_of(source)
    texts = [path for path in paths if not path.name.lower().endswith(PARQUET)]
    if texts:
        raise DataError(
            f"{shown(texts[0].name)} is no Parquet file, and a data set in pieces consists of them",
            hint=AS_PARQUET,
        )
    files = [_file(path, stem, source) for path, stem in zip(paths, stems(paths), strict=True)]
    for file in files[1:]:
        if set(file.columns) != set(files[0].columns):
            odd = sorted(set(file.columns) ^ set(files[0].columns))
            raise DataError(
                f"{files[0].name} and {file.name} have different columns ({listed(odd)} only in one of them)",
                hint="Choose files of one layout, for instance by a glob such as 'readings/*.parquet'.",
            )
    if not any(file.rows for file in files):
        raise DataError(f"{shown(source)} has no rows")
    return tuple(files)


def fingerprint(files: tuple[SourceFile, ...]) -> str:
    """SHA-256 of what tells that the files have not changed."""
    lines = "".join(f"{file.path}\0{file.stamp}\0{file.rows}\n" for file in files)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def opened(file: SourceFile) -> Iterator[ParquetFile]:
    """A file, to read parts of it. DataError where it is damaged or has changed since it was looked at."""
    if stamp_of(Path(file.path)) != file.stamp:
        raise DataError(
            f"{shown(file.path)} changed since it was listed", hint="Run again when it is complete."
        )
    with parquet(file.path) as content:
        yield content


@contextmanager
def parquet(path: str) -> Iterator[ParquetFile]:
    """A Parquet file, its checksums verified. Raises StorageError and DataError."""
    try:
        with pa.OSFile(path) as bytes_, ParquetFile(bytes_, page_checksum_verification=True) as content:
            yield content
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise StorageError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
        raise DataError(
            f"{shown(Path(path).name)} is damaged Parquet: {error}", hint="Write or fetch it again."
        ) from error


def stamp_of(path: Path) -> str:
    """What tells that a file has not changed. Raises StorageError."""
    try:
        status = path.stat()
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
    return f"{status.st_size} bytes, written {status.st_mtime_ns}"


def _file(path: Path, stem: str, source: str | Path) -> SourceFile:
    stamp = stamp_of(path)
    with parquet(str(path)) as content:
        metadata = content.metadata
        groups = tuple(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
        names = content.schema_arrow.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path.name}: several columns are named {listed(repeated)}")
    keys = tuple((key, value) for key, value in keys_of(path, source) if key not in names)
    columns = (*names, *(key for key, _ in keys))
    return SourceFile(str(path.absolute()), stem, stamp, sum(groups), columns, keys, groups)
