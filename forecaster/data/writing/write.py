"""Writing tables as CSV, Parquet or JSON."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import numpy as np
import pandas as pd

from forecaster.data.labels import second_digits, shown
from forecaster.data.storage.place import Named, Place, at_home, place
from forecaster.data.writing.atomic import atomic_write
from forecaster.data.writing.destination import is_stream
from forecaster.data.writing.escapes import csv_cell, json_text
from forecaster.errors import UsageError

Format = Literal["csv", "parquet", "json"]
ENDINGS: dict[str, tuple[Format, str, bool]] = {  # ending: format, delimiter, gzip
    ".csv": ("csv", ",", False),
    ".tsv": ("csv", "\t", False),
    ".csv.gz": ("csv", ",", True),
    ".tsv.gz": ("csv", "\t", True),
    ".parquet": ("parquet", "", False),
    ".json": ("json", "", False),
}


def write_table(frame: pd.DataFrame, destination: Named | None, *, format: Format | None = None) -> None:
    """Write `frame` without its index, to stdout (None or '-') or to a file.

    Without `format`, the ending of the file decides, and stdout gets CSV. Raises UsageError for an unknown
    ending and StorageError if writing fails. A stream such as /dev/stdout needs no ending: it gets CSV.
    """
    if destination is None or str(destination) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(_encoded(frame, format or "csv", ",", packed=False))
        sys.stdout.buffer.flush()
        return
    path = at_home(destination)
    if format is None:
        format, delimiter, packed = _by_ending(path)
    else:
        delimiter, packed = ",", False
    data = _encoded(frame, format, delimiter, packed=packed)
    atomic_write(path, lambda file: _all_of(file, data))


def _all_of(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def check_destination(destination: Named | None) -> None:
    """Raise UsageError early, before the work is done, for an ending that `write_table` does not know."""
    if destination is not None and str(destination) != "-":
        _by_ending(place(destination))


def is_typed(destination: Named) -> bool:
    """Whether the file keeps the types of columns: times as timestamps."""
    return str(destination) != "-" and _by_ending(place(destination))[0] == "parquet"


def _by_ending(path: Place) -> tuple[Format, str, bool]:
    name = path.name.lower()
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.endswith(ending):
            return ENDINGS[ending]
    if is_stream(path):
        return ENDINGS[".csv"]
    raise UsageError(f"{shown(path.name)} has no known ending", hint="Use one of " + ", ".join(ENDINGS))


def _encoded(frame: pd.DataFrame, format: Format, delimiter: str, *, packed: bool) -> bytes:
    if format == "parquet":
        return parquet_bytes(frame)
    if format == "json":
        return _json(frame)
    text = frame.copy(deep=False)
    for number in range(frame.shape[1]):
        text.isetitem(number, _csv_column(frame.iloc[:, number]).array)
    text.columns = pd.Index([csv_cell(str(name)) for name in frame.columns])
    data: bytes = text.to_csv(index=False, sep=delimiter, lineterminator="\n").encode(
        "utf-8", "backslashreplace"
    )
    return gzip.compress(data, mtime=0) if packed else data


def _csv_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """Text that no spreadsheet takes for a formula; times in ISO 8601; numbers, which pandas round-trips."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return _iso(column)
    if column.dtype.kind not in "biufc":
        return column.map(lambda cell: csv_cell(cell) if isinstance(cell, str) else cell)
    return column


def _iso(column: pd.Series[Any]) -> pd.Series[Any]:
    """Times as text; plain dates if none has a time of day."""
    if column.dt.tz is None and (column == column.dt.normalize()).all():
        return column.dt.strftime("%Y-%m-%d")
    digits = second_digits(pd.DatetimeIndex(column))
    return column.map(lambda stamp: stamp.isoformat(sep=" ", timespec=digits) if not pd.isna(stamp) else "")


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """A table as a Parquet file, with checksums."""
    import pyarrow as pa
    import pyarrow.parquet

    buffer = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pyarrow.parquet.write_table(table, buffer, write_page_checksum=True)
    return buffer.getvalue()


def _json(frame: pd.DataFrame) -> bytes:
    """A list of records; times as ISO 8601 text, missing and infinite numbers as null."""
    columns = {str(name): list(_json_cells(frame[name])) for name in frame.columns}
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    lines = ",\n ".join(json_text(record, ensure_ascii=False) for record in records)
    return f"[{lines}]\n".encode()


def _json_cells(column: pd.Series[Any]) -> Iterator[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        column = _iso(column)
    for cell in column.tolist():
        if cell is None or cell is pd.NA or (isinstance(cell, float) and not np.isfinite(cell)):
            yield None
        else:
            yield cell if isinstance(cell, str | bool | int | float) else str(cell)
