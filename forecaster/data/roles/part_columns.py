"""Columns of numbers that measure nothing: parts of the time, counters of rows, flags, labels and places.

None is an id or is forecast, unless it is asked for.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Floats, Ints
from forecaster.data.calendar.clock import DAY
from forecaster.data.parsing.intervals import HOURS
from forecaster.data.parsing.looks import TIME_OF_DAY, all_match, plain
from forecaster.data.parsing.numbers import blanked, is_number, is_text
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.times import parse_times
from forecaster.data.roles.kinds import WHOLE, codes, distinct, is_whole, whole_numbers
from forecaster.data.roles.known_names import (
    COUNTER_NAMES,
    FLAG_WORDS,
    LABEL_WORDS,
    PLACE_NAMES,
    RANGES,
    RISING_NAMES,
    TARGET_NAMES,
    TIME_WORDS,
    TRIP_WORDS,
    is_id_name,
    parts_named,
)
from forecaster.data.table import Table
from forecaster.errors import DataError

AGREES = 0.45
"""Share of rows that differ from the clock by the commonest difference: two differences, in a year of summer
and winter time."""
BASES = {"month": 12, "hour": 24, "minute": 60, "second": 60}
HEAD = 10_000  # rows in which a measurement shows that it varies
NEAR_YEAR = 0.1  # years by which a decimal year may lie beside its time: a month
ONE_NUMBER = "the same number in all rows"
FEWEST = 10
"""Rows from which numbers that count up are taken for a counter whatever their name is."""


def is_clock(table: Table, name: str) -> bool:
    """Whether all cells of a column are times of day."""
    column = table.columns[name]
    return is_text(column.type) and (all_match(column, TIME_OF_DAY) or all_match(column, HOURS))


def may_be_part(table: Table, name: str) -> bool:
    """Whether a column, by its name and by all its values, may hold a part of the time, such as the hour."""
    return bool(parts_held(table, name))


def parts_held(table: Table, name: str) -> tuple[str, ...]:
    """The parts of the time that a column may hold, by its name and by all its values."""
    named = parts_named(name)
    numbers = whole_numbers(table, name) if named else None
    if numbers is None:
        return ()
    low, high = int(numbers.min()), int(numbers.max())
    return tuple(part for part in named if RANGES[part][0] <= low and high <= RANGES[part][1])


def is_part(table: Table, name: str, times: Times) -> bool:
    """Whether a column holds a part of `times`, as the clock of some zone shows it."""
    if plain(name) == "yr" and distinct(table, name) <= len(np.unique(_clock("year", times.ns))):
        return True  # years counted from the first one
    if _are_decimal_years(table, name, times):
        return True
    return any(
        part not in (*BASES, "year", "day") or _agrees(table, name, part, times)
        for part in parts_held(table, name)
    )


def _are_decimal_years(table: Table, name: str, times: Times) -> bool:
    """Whether a column holds the times as years with a fraction, such as 1958.2027."""
    column = table.parsed.get(name, None)
    column = table.columns[name] if column is None else column
    if not is_number(column.type) or column.null_count or is_whole(table, name):
        return False
    for rows in (1, len(column)):  # the first row alone decides for most columns
        years = np.asarray(column.slice(0, rows).cast(pa.float64()).to_numpy())
        if (np.abs(years - 1970 - times.ns[:rows] / (365.2425 * DAY)) >= NEAR_YEAR).any():
            return False
    return True


def _agrees(table: Table, name: str, part: str, times: Times) -> bool:
    numbers = whole_numbers(table, name)
    if numbers is None:
        return False
    apart = numbers - _clock(part, times.ns)
    _, counts = np.unique(apart % BASES[part] if part in BASES else apart, return_counts=True)
    return bool(counts.max() >= AGREES * len(numbers))


def _clock(part: str, ns: Ints) -> Ints:
    """The year, month, day, hour, minute or second of each time, from 0."""
    if part in ("hour", "minute", "second"):
        size = {"hour": 3600, "minute": 60, "second": 1}[part] * 10**9
        return ns // size
    stamps = ns.view("M8[ns]")
    months = stamps.astype("M8[M]").astype(np.int64)
    if part == "day":
        return (stamps.astype("M8[D]") - stamps.astype("M8[M]")).astype(np.int64)
    return months if part == "month" else months // 12


def why_unmeasured(table: Table, name: str, times: Times, series: str | None, fractions: bool) -> str:
    """Why a column of numbers measures nothing; empty if it may measure something.

    `series` is the id column; `fractions`: other columns hold numbers with a fraction.
    """
    if is_part(table, name, times):
        return "a part of the time"
    words = plain(name).split(" ")
    of_trip = words[0] in TRIP_WORDS and words[-1] in PLACE_NAMES
    if of_trip or (any(word in PLACE_NAMES for word in words) and distinct(table, name) == 1):
        return "a place"
    if _is_second_time(table, name, times):
        return "a second time"
    if series is not None and _is_of_series(table, series, name):
        return "the same in all rows of a series"
    if _is_one_number(table, name):
        return ONE_NUMBER
    numbers = whole_numbers(table, name)
    if numbers is None:
        return "a label" if words[-1] == "id" and len(words) > 1 else ""
    if is_counter(table, name, numbers, series):
        return "numbers the rows"
    if is_id_name(name, numbers=True) or any(word in LABEL_WORDS for word in words):
        return "a label"
    if numbers.min() == 0 and numbers.max() == 1 and (fractions or any(word in FLAG_WORDS for word in words)):
        return "a flag of 0 and 1"
    return ""


def _is_second_time(table: Table, name: str, times: Times) -> bool:
    """Whether numbers count the time that `times` give, from 1970 or from any start, or are its dates.

    Their name says so, or their size: as for times since 1970.
    """
    column = table.parsed.get(name, table.columns[name])
    named = any(word in TIME_WORDS for word in plain(name).split(" "))
    numbers: Ints | Floats | None
    if is_text(column.type):
        numbers = whole_numbers(table, name) if named or _has_long_numbers(column) else None
    elif not is_number(column.type) or column.null_count:
        return False
    else:
        large = column.slice(0, HEAD).cast(pa.float64()).to_numpy().min() >= 10**8
        numbers = column.cast(pa.float64()).to_numpy() if named or large else None
    if numbers is None:
        return False
    since, spent = numbers - numbers.min(), (times.ns - times.ns.min()) / 10**9
    rate = since.max() / spent.max() if spent.max() else 0.0
    if rate and (np.abs(since - rate * spent) <= 1).all():
        return True
    try:
        other = parse_times(dataclasses.replace(table, columns={name: column}, parsed={}), name)
    except DataError:
        return False
    return bool((np.abs(other.ns - times.ns) <= 2 * DAY).all())


def _has_long_numbers(column: pa.ChunkedArray) -> bool:
    """Whether the first cell has nine digits or more, as times have that are written as numbers."""
    return bool(pc.all(pc.match_substring_regex(column.slice(0, 1), "^ *[0-9]{9,} *$")).as_py())


def _is_one_number(table: Table, name: str) -> bool:
    """Whether a column of many rows has the same whole number in all of them, or is empty in the others."""
    column = table.parsed.get(name, table.columns[name])
    if table.rows < FEWEST or not (is_number(column.type) or is_text(column.type)):
        return False
    if is_text(column.type):
        words = pc.unique(column.slice(0, HEAD))
        words = words if len(words) > 2 else pc.unique(column)
        known = blanked(pa.chunked_array([words])).drop_null()
        return len(known) == 1 and bool(pc.all(pc.match_substring_regex(known, WHOLE)).as_py())
    head = pc.count_distinct(column.slice(0, HEAD), mode="only_valid").as_py()
    if head > 1 or pc.count_distinct(column, mode="only_valid").as_py() != 1:
        return False
    return bool(pc.max(column).as_py() % 1 == 0)


def _is_of_series(table: Table, series: str, name: str) -> bool:
    """Whether the column has one value in each of several series."""
    ids = distinct(table, series)
    if ids < 2 or pc.count_distinct(table.columns[name].slice(0, HEAD), mode="all").as_py() > ids:
        return False
    (left, _), (right, count) = codes(table, series), codes(table, name)
    return count <= ids and len(np.unique(left.astype(np.int64) * count + right)) == ids


def is_counter(table: Table, name: str, numbers: Ints, series: str | None) -> bool:
    """Whether whole numbers count the rows of the table, of each file or of each series.

    Some names say so. By any other name they go up or down by 1 from row to row, without exception.
    """
    words = plain(name)
    if words in COUNTER_NAMES:
        return True
    steps = np.diff(numbers)
    rising = bool((steps > 0).all() or (steps < 0).all())
    if rising and (words in RISING_NAMES or words.startswith(("column 1", "unnamed:"))):
        return True
    if pa.types.is_floating(table.columns[name].type) or len(numbers) < FEWEST or words in TARGET_NAMES:
        return False
    restarts = np.zeros(len(numbers), np.bool_)
    restarts[np.cumsum([part.rows for part in table.parts])[:-1]] = True
    if series is not None:  # the rows of several series may take turns
        code, _ = codes(table, series)
        order = np.argsort(code, kind="stable")
        numbers, restarts = numbers[order], restarts[order]
        restarts[1:] |= np.diff(code[order]) != 0
    steps = np.diff(numbers)[~restarts[1:]]
    return any(len(steps) and bool((steps == up).all()) for up in (1, -1))
