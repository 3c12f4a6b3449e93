"""Time across: tables whose columns are times or parts of times, made long.

    Country,1960,1961,1962         each row is a series, each column a time
    YEAR,JAN,FEB,...,DEC           rows and columns together give the time: year and month (or quarter),
    Month,1958,1959,1960           month and year,
    Date,00:00,00:30,...,23:30     date and time of day

The long table has the columns `time`, `value` and, if there are several series, an id. A table is taken for
one of these only if its column names have one reading, and no column holds times by itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import kind_of_cells
from forecaster.data.parsing.numbers import blanked, is_number
from forecaster.data.parsing.times import are_times, parse_times
from forecaster.data.reading.layouts import labels
from forecaster.data.reading.layouts.stacking import free_name, stacked
from forecaster.data.table import OnDemand, Table, makers_of
from forecaster.errors import DataError, ForecasterError

MOST_KEYS = 4  # columns that together name a series
MINUTE = 60 * 10**9
SAMPLED = 200


@dataclass(frozen=True)
class Across:
    """How the times of a table are spread over rows and columns."""

    columns: tuple[str, ...]
    """The K columns that hold values, in order of time."""
    time: Ints
    """(R, K) ns since 1970 of each cell."""
    words: str
    rows: str | None = None
    """The column that holds the other part of the time; None: the columns give all of it."""


def without_times_across(table: Table, config: ReadConfig) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table made long, if its columns are times or parts of them; else as it is.

    Raises DataError if `--layout across` asks for it and the columns are no times, or if no column names the
    rows.
    """
    asked = config.layout == "across"
    unnamed = all(role is None for role in (config.layout, config.target, config.time))
    free = unnamed and not config.input_columns
    if not (asked or free):
        return (table, config), []
    plain = dataclasses.replace(config, layout=None)
    across = _recognised(table, config)
    if across is None:
        if asked:
            raise DataError(
                f"{table.name}: the columns are not times in one order",
                hint="--layout across is for columns such as 1960, 1961 ... or JAN, FEB ... DEC beside a "
                "year; --date-format says how dates in the header are written, such as %d/%m/%y.",
            )
        return (table, config), []
    return _long(table, across, plain)


def may_be_times(header: Sequence[str], form: str | None) -> bool:
    """Whether a header that begins with a word holds times in one order: a table with times across."""
    names = [cell.strip() for cell in header]
    is_word = bool(names[0]) and not any(mark.isdigit() for mark in names[0])
    return is_word and bool(labels.time_columns(names[1:], form))


def _recognised(table: Table, config: ReadConfig) -> Across | None:
    names = list(table.columns)
    if len(names) <= labels.FEWEST:
        return None
    for find in (_months, _clock, _times):
        across = find(table, config, names)
        if across is not None:
            return across
    return None


def _months(table: Table, config: ReadConfig, names: list[str]) -> Across | None:
    """Years in rows; months or quarters in columns."""
    for columns, months, words in (
        (labels.month_columns(names), 1, "years and columns months"),
        (labels.quarter_columns(names), 3, "years and columns quarters"),
    ):
        others = [name for name in names if name not in columns]
        row = next((name for name in others if labels.is_named(name, labels.YEAR_NAMES)), None)
        row = row or next(iter(others), None)
        years = labels.numbers(table, row, labels.year) if columns and row else None
        if years is None or _has_times(table, [name for name in others if name != row], config):
            continue
        first = months * np.arange(len(columns))
        time = ((years[:, None] - 1970) * 12 + first).astype("M8[M]").astype("M8[ns]").astype(np.int64)
        return Across(tuple(columns), time, f"rows are {words}", row)
    return None


def _clock(table: Table, config: ReadConfig, names: list[str]) -> Across | None:
    """Dates in rows; hours in columns."""
    columns = labels.clock_columns(names)
    if not columns:
        return None
    others = [name for name in names if name not in columns]
    dates = [name for name in others if _is_time(table, name, config)]
    if len(dates) != 1:
        return None
    try:
        times = parse_times(table, dates[0], config.date_format)
    except ForecasterError:
        return None
    if not times.dates:
        return None
    minutes = np.array(list(columns.values()))
    time = times.ns[:, None] + MINUTE * minutes
    return Across(tuple(columns), time, "rows are dates and columns times of day", dates[0])


def _times(table: Table, config: ReadConfig, names: list[str]) -> Across | None:
    """Times in columns; or years in columns and months in rows."""
    columns = labels.time_columns(names, config.date_format)
    others = [name for name in names if name not in columns]
    if not columns or _has_times(table, others, config) or not _hold_numbers(table, list(columns), config):
        return None
    time = np.tile(np.array(list(columns.values()), np.int64), (table.rows, 1))
    if all(labels.year(name) for name in columns):
        for row, part, months, words in (
            (_first_named(others, labels.MONTH_NAMES), labels.month, 1, "months"),
            (_first_named(others, labels.QUARTER_NAMES), labels.quarter, 3, "quarters"),
        ):
            parts = labels.numbers(table, row, part) if row else None
            if parts is not None:
                first = (time.astype("M8[ns]").astype("M8[M]") + months * (parts[:, None] - 1)).astype(
                    "M8[ns]"
                )
                return Across(
                    tuple(columns), first.astype(np.int64), f"rows are {words} and columns years", row
                )
    return Across(tuple(columns), time, "each row is a series and columns are times")


def _first_named(names: list[str], known: Sequence[str]) -> str | None:
    return next((name for name in names if labels.is_named(name, known)), None)


def _kind(table: Table, name: str, config: ReadConfig) -> str:
    column = table.parsed.get(name, table.columns[name])
    if pa.types.is_temporal(column.type):
        return "time"
    if is_number(column.type):
        return "number" if column.null_count < len(column) else "empty"
    if pa.types.is_null(column.type):
        return "empty"
    return kind_of_cells(column.cast(pa.string()), config.na)


def _is_time(table: Table, name: str, config: ReadConfig) -> bool:
    """Whether a column looks like times, or holds numbers since 1970."""
    kind = _kind(table, name, config)
    return kind == "time" or (
        kind == "number" and are_times(table.columns[name].slice(0, SAMPLED), ReadConfig())
    )


def _has_times(table: Table, names: Sequence[str], config: ReadConfig) -> bool:
    """Whether a column holds times by itself, so that the others are values at these times."""
    return any(_is_time(table, name, config) for name in names)


def _hold_numbers(table: Table, names: Sequence[str], config: ReadConfig) -> bool:
    """Whether most columns that are not empty hold numbers, and none holds times. A few are looked at."""
    some = [names[place] for place in np.unique(np.linspace(0, len(names) - 1, 10).astype(int))]
    kinds = [kind for name in some if (kind := _kind(table, name, config)) != "empty"]
    return "time" not in kinds and 2 * kinds.count("number") > len(kinds)


def _long(table: Table, across: Across, config: ReadConfig) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    others = [name for name in table.columns if name not in (*across.columns, across.rows)]
    key, table = _key(table, others, across, config)
    kept = [key] if key else []
    time, value = free_name(["time", "date"], kept), free_name(["value", "values"], kept)
    long = stacked(
        table, kept, {}, {value: across.columns}, place=lambda row: f"under {shown(across.columns[row])}"
    )
    stamps = pa.chunked_array([pa.array(across.time.ravel().view("M8[ns]"))])
    makers = makers_of(long.columns) | {time: lambda: stamps}
    long = dataclasses.replace(long, columns=OnDemand(makers), layout="across")
    if not key and (np.diff(across.time.ravel()) < 0).any():
        long = _in_order(long, np.argsort(across.time.ravel(), kind="stable"))
    first, last = (str(across.time.ravel().view("M8[ns]")[at])[:10] for at in (0, -1))
    message = f"{across.words}: {shown(across.columns[0])} to {shown(across.columns[-1])}, {first} to {last}"
    used = key.split("+") if key else []
    unused = [name for name in others if name not in used and name != key]
    timed = across.rows is not None and not across.words.startswith("rows are months")
    action = "a row for each time" + ("; --layout wide: each column is a series" if timed else "")
    action += f"; not used: {listed(unused)}" if unused else ""
    finding = info("L003", message, count=len(across.columns), action=action)
    return (long, dataclasses.replace(config, time=time, target=(value,), id=key or config.id)), [finding]


def _in_order(table: Table, order: Ints) -> Table:
    """The rows of a table of one part in this order."""
    part = table.parts[0]
    makers = {name: partial(_taken, table, name, order) for name in table.columns}
    parsed = {name: column.take(pa.array(order)) for name, column in table.parsed.items()}
    part = dataclasses.replace(part, line=lambda row: table.parts[0].line(int(order[row])))
    return dataclasses.replace(table, columns=OnDemand(makers), parsed=parsed, parts=(part,))


def _taken(table: Table, name: str, order: Ints) -> pa.ChunkedArray:
    return table.columns[name].take(pa.array(order))


def _key(table: Table, others: list[str], across: Across, config: ReadConfig) -> tuple[str | None, Table]:
    """The column that names the series, and the table with it; None if all rows are one series."""
    rows = np.zeros(table.rows, np.int64)
    if across.rows:
        _, rows = np.unique(across.time[:, 0], return_inverse=True)
    names = config.id.split("+") if config.id and config.id not in table.columns else [config.id or ""]
    if config.id and all(name in table.columns for name in names):
        return _with_key(table, names)
    if len(np.unique(rows)) == table.rows:  # each time once
        return None, table
    words = [name for name in others if _kind(table, name, config) == "text"]
    words += [name for name in others if labels.is_named(name, ("id", "code", "key")) and name not in words]
    for count in range(1, MOST_KEYS + 1):
        for some in combinations(words, count):
            if _distinct(table, some, rows) == table.rows:
                return _with_key(table, list(some))
    raise DataError(
        f"{table.name}: {across.words}, but no column names the rows, each with a name of its own",
        hint=f"Set it: --id COLUMN. Columns: {listed(others)}. Or each column is a series: --layout wide.",
    )


def _distinct(table: Table, names: Sequence[str], rows: Ints) -> int:
    """How many distinct pairs of name and row time there are; 0 if a name is empty."""
    text = _joined(table, names)
    if pc.any(pc.equal(text, "")).as_py():
        return 0
    codes = pc.dictionary_encode(text).combine_chunks()
    codes = codes.chunk(0) if isinstance(codes, pa.ChunkedArray) else codes
    return len(np.unique(codes.indices.to_numpy().astype(np.int64) * (rows.max() + 1) + rows))


def _joined(table: Table, names: Sequence[str]) -> pa.ChunkedArray:
    """The words of several columns in one, without empty ones."""
    columns = [blanked(table.columns[name].cast(pa.string())) for name in names]
    text = columns[0].fill_null("")
    for column in columns[1:]:
        both = pc.and_(pc.not_equal(text, ""), column.is_valid())
        text = pc.binary_join_element_wise(
            text, pc.if_else(both, pa.scalar(", "), pa.scalar("")), column.fill_null(""), ""
        )
    return text


def _with_key(table: Table, names: list[str]) -> tuple[str, Table]:
    if len(names) == 1:
        return names[0], table
    key = "+".join(names)
    makers = makers_of(table.columns) | {key: lambda: _joined(table, names)}
    return key, dataclasses.replace(table, columns=OnDemand(makers))
