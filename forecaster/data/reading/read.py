"""Reading: a source -> one Table. Each format is read by one function; text stays text."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.labels import listed, shown
from forecaster.data.reading.files import LIMIT, Content, contents, digest_of
from forecaster.data.reading.layouts.across import without_times_across
from forecaster.data.reading.layouts.row_times import with_times
from forecaster.data.reading.layouts.year_columns import join_year_columns
from forecaster.data.reading.text_table import read_text
from forecaster.data.table import OnDemand, Part, Table, makers_of
from forecaster.errors import DataError
from forecaster.machine import memory

PARQUET_FREE, PARQUET_GROWTH = 2**27, 100
"""A table of more bytes than these, and of more times those of its file, is to be asked for."""
FEWER = "Write the columns and rows that you need to a smaller file; or see --max-memory."

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData


def read(
    source: str | Path | pd.DataFrame | Table, config: ReadConfig
) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table of `source` and the configuration with its dialect filled in; and the findings.

    Raises StorageError where reading fails and DataError where a file is not a sound table.
    """
    if isinstance(source, Table):
        return _arranged(source, config, [])
    if isinstance(source, pd.DataFrame):
        return _arranged(_from_frame(source), config, [])
    tables, findings, digests = [], [], []
    for content in contents(source, config.max_bytes):
        table, config, more = (
            _from_parquet(content, config) if content.is_parquet else read_text(content, config)
        )
        tables.append(_with_keys(table, content))
        findings += more
        digests.append((content.name, content.digest))
    (table, config), findings = _arranged(joined(tables), config, findings)
    return (dataclasses.replace(table, digest=digest_of(digests)), config), findings


def _arranged(
    table: Table, config: ReadConfig, findings: list[Finding]
) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table with a row for each observation, and a column of times if one can be made."""
    for step in (with_times, without_times_across, join_year_columns):
        (table, config), more = step(table, config)
        findings = [*findings, *more]
    return (table, config), findings


def _with_keys(table: Table, content: Content) -> Table:
    """The table with a column for each key of its folders."""
    if not content.keys:
        return table
    makers = makers_of(table.columns)
    for key, value in content.keys:
        makers.setdefault(key, partial(_repeated, value, table.rows))
    keys = tuple(key for key, _ in content.keys if key not in table.columns)
    return dataclasses.replace(table, columns=OnDemand(makers), keys=(*table.keys, *keys))


def _repeated(word: str, rows: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(word, rows)])


def joined(tables: list[Table]) -> Table:
    """The tables concatenated; DataError unless they have the same columns."""
    first = tables[0]
    if len(tables) == 1:
        return first
    for table in tables[1:]:
        if set(table.columns) != set(first.columns):
            odd = sorted(set(table.columns) ^ set(first.columns))
            raise DataError(
                f"{first.name} and {table.name} have different columns ({listed(odd)} only in one of them)",
                hint="Choose files of one layout, for instance by a glob such as 'prices/*.csv'.",
            )
    columns = OnDemand({name: partial(_column, tables, name) for name in first.columns})
    kinds = {name: {_parsed_as(table, name) for table in tables} for name in first.parsed}
    parsed = {
        name: _concatenated([table.parsed[name] for table in tables])
        for name, types in kinds.items()
        if len(types) == 1
    }
    return Table(columns, tuple(part for table in tables for part in table.parts), parsed, first.keys)


def _parsed_as(table: Table, name: str) -> pa.DataType | None:
    return table.parsed[name].type if name in table.parsed else None


def _column(tables: list[Table], name: str) -> pa.ChunkedArray:
    """A column of all tables; DataError if its types are too different."""
    columns = [table.columns[name] for table in tables]
    if len({column.type for column in columns}) > 1:
        columns = [_as_common(column, name) for column in columns]
    return _concatenated(columns)


def _concatenated(columns: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks], columns[0].type)


def _as_common(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.float64())
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        return column.cast(pa.timestamp("ns"))
    raise DataError(f"column {shown(name)} has different types in different files ({column.type} in one)")


def _from_frame(frame: pd.DataFrame) -> Table:
    if not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None):
        unnamed_rows = (
            frame.index.nlevels == 1 and frame.index.name is None and frame.index.dtype.kind in "iu"
        )
        frame = frame.reset_index(drop=unnamed_rows)  # an index of row numbers is not data
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"several columns are named {listed(repeated)}", hint="Give each its own name.")
    if not len(frame):
        raise DataError("the DataFrame has no rows")
    columns = {}
    for place, name in enumerate(names):
        try:
            array = pa.Array.from_pandas(frame.iloc[:, place])
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise DataError(f"column {shown(name)} mixes kinds of values: {error}") from error
        columns[name] = plain(array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]))
    return Table(columns, (Part("the DataFrame", "series", len(frame), lambda row: f"row {row}"),))


def _from_parquet(content: Content, config: ReadConfig) -> tuple[Table, ReadConfig, list[Finding]]:
    from pyarrow.parquet import ParquetFile  # loads file systems and TLS, which text does without

    most = config.max_bytes or min(max(PARQUET_GROWTH * len(content.data), PARQUET_FREE), LIMIT)
    try:
        opened = partial(ParquetFile, page_checksum_verification=True)
        metadata = opened(pa.BufferReader(content.data)).metadata
        _refuse_bomb(content.name, metadata, most)
        file = opened(pa.BufferReader(content.data), read_dictionary=_short_in_the_file(metadata))
        table = file.read()
        labels = table.column_names
        _refuse_long_texts(content.name, table, most)
    except pa.ArrowMemoryError:
        raise
    except UnicodeDecodeError as error:
        raise DataError(
            f"{content.name} has a column whose name is not UTF-8", hint="Write it again with names that are."
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{content.name} is damaged Parquet: {error}", hint="Write or fetch it again."
        ) from error
    if not table.num_rows:
        raise DataError(f"{content.name} has no rows")
    check_text(content.name, table)
    repeated = sorted({name for name in labels if labels.count(name) > 1})
    if repeated:
        raise DataError(f"{content.name}: several columns are named {listed(repeated)}")
    columns = {name: plain(table.column(name)) for name in labels}
    part = Part(content.name, content.stem, table.num_rows, lambda row: f"row {row}")
    return Table(columns, (part,)), config, []


def check_text(name: str, table: pa.Table) -> None:
    """DataError for text that is not UTF-8, which Parquet files may hold and nothing else checks."""
    for column, cells in zip(table.column_names, table.columns, strict=True):
        try:
            cells.validate(full=True)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{name}: column {shown(column)} holds text that is not UTF-8: {error}",
                hint="Write the file again from text that is.",
            ) from error


def _refuse_bomb(name: str, metadata: FileMetaData, limit: int) -> None:
    """DataError before memory is allocated for more rows × columns than the limit.

    MemoryLimitError where there is not as much memory.
    """
    size = max(metadata.num_rows, 0) * metadata.num_columns * 8
    groups = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if max(size, groups) > limit:
        raise DataError(
            f"{name} declares {metadata.num_rows:,} rows of {metadata.num_columns} columns, more than "
            f"{limit:,} bytes",
            hint=f"If it may: --max-bytes {4 * max(size, groups)}; or write the columns and rows that you "
            "need to a smaller file.",
        )
    memory.require(2 * max(size, groups), f"reading {name}", hint=FEWER)


def _short_in_the_file(metadata: FileMetaData) -> list[str]:
    """The columns of texts that may be much longer than they are in the file, where each stands once."""
    columns = set()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(place)
            coded = any("DICTIONARY" in encoding for encoding in chunk.encodings)
            large = chunk.num_values * chunk.total_uncompressed_size > PARQUET_FREE
            if coded and large and chunk.physical_type == "BYTE_ARRAY":
                columns.add(chunk.path_in_schema)
    return sorted(columns)


def _refuse_long_texts(name: str, table: pa.Table, limit: int) -> None:
    """DataError before texts that each stand once are written out to more bytes than the limit."""
    size = 0
    for column in table.columns:
        for chunk in column.chunks if pa.types.is_dictionary(column.type) else ():
            if pa.types.is_string(chunk.type.value_type) or pa.types.is_large_string(chunk.type.value_type):
                lengths = pc.binary_length(chunk.dictionary)
                size += pc.sum(lengths.take(chunk.indices)).as_py() or 0
    if size > limit:
        raise DataError(
            f"{name} has texts of {size:,} bytes, more than {limit:,}",
            hint=f"If it may: --max-bytes {4 * size}; or write the columns that you need to a smaller file.",
        )
    memory.require(2 * size, f"reading {name}", hint=FEWER)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionaries and the newer text types as ordinary columns."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string()) if column.nbytes < 2**31 else column.cast(pa.large_string())
    return column
