"""Non-data rows: units below a header, totals and remarks, with as many cells as rows of data.

Their time cell has no digit. In the middle of a file such a row may begin another table, whose columns may
mean something else: that is an error.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.arrays import Bools
from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, repair
from forecaster.data.labels import shown
from forecaster.data.parsing.looks import NUMBER_LIKE, is_time_name, plain
from forecaster.data.parsing.numbers import blanked, is_text
from forecaster.data.roles.kinds import kind_of
from forecaster.data.roles.known_names import COUNTER_NAMES, RISING_NAMES
from forecaster.data.roles.roles import time_column
from forecaster.data.table import OnDemand, Table, makers_of, taken
from forecaster.errors import DataError

UNIT = (  # with a power, as in m3/s, W/m2 or kg m-3
    r"^ *[(\[]?[A-Za-z\x{b5}\x{3bc}\x{b0}]{1,5}(\^?-?[1-4])?([/ .*][A-Za-z]{1,5}(\^?-?[1-4])?)*[)\]]? *$"
)
MOST_FACTS = 30  # rows with facts about the series
MOST_UNITS = 3  # rows of words below the header of a file


def without_non_data_rows(table: Table, config: ReadConfig) -> tuple[Table, list[Finding]]:
    """Under `--bad-rows skip`, the table without rows that have no time. Each is listed in a finding.

    If most rows have no time, all stay. DataError for a row that looks like another header.
    """
    if config.bad_rows != "skip":
        return table, []
    name = time_column(table, config)
    if name not in table.columns or _is_timed(table, name):
        return table, []
    column = table.columns[name]
    timed = pc.match_substring_regex(column, "[0-9]") if is_text(column.type) else column.is_valid()
    rows = np.flatnonzero(~np.asarray(timed.fill_null(False).to_numpy()))
    if not len(rows) or 2 * len(rows) > table.rows:
        return table, []
    _refuse_headers(table, name, rows, config)
    findings, start = [], 0
    for part in table.parts:
        inside = rows[_in(rows, start, part.rows)] - start
        if len(inside):
            places = tuple(
                f"{part.line(int(row))}: no time, {table.cell(name, start + int(row))}" for row in inside
            )
            message = f"{part.name}: rows without a time"
            findings.append(Finding("R006", "repair", message, len(inside), places, "left out"))
        start += part.rows
    return table.without(rows), findings


def _is_timed(table: Table, name: str) -> bool:
    """Whether each cell of the column was parsed as a time."""
    column = table.parsed.get(name)
    return column is not None and pa.types.is_temporal(column.type) and not column.null_count


def without_words_above(table: Table, config: ReadConfig) -> tuple[Table, list[Finding]]:
    """The table without rows of words between header and first time: units, facts about the series."""
    table, units = _without_units(table, config)
    table, facts = _without_facts(table, config)
    return table, [*units, *facts]


def _without_units(table: Table, config: ReadConfig) -> tuple[Table, list[Finding]]:
    """The table without rows of words, such as units, directly below the header of a file.

    These rows have no digit in any cell, and a word in a column of numbers.
    """
    count = 0
    places: list[str] = []
    for _ in range(MOST_UNITS):
        rows = _units(table, config, more=bool(count))
        if not len(rows):
            break
        count += len(rows)
        time = _time_of(table, config)
        places += table.places(time, rows)
        name = _name_alone(table, time, int(rows[-1]), config)
        table = table.without(rows)
        table = _renamed(table, time, name) if name else table
    if not count:
        return table, []
    message = "a row of words, such as units, below the header"
    return table, [repair("R009", message, count=count, places=places, action="left out")]


def _without_facts(table: Table, config: ReadConfig) -> tuple[Table, list[Finding]]:
    """The table without rows at the top of a file that tell of the series, and of no time.

    They stand above the first time, and all rows below have a time. The cell of the time holds no digit. No
    column of values has a number there, unless words such as Unit and Source stand in several such rows.
    """
    time = _time_of(table, config)
    column = table.columns[time]
    if len(table.parts) != 1 or config.bad_rows == "skip" or _is_timed(table, time):
        return table, []
    if not is_text(column.type) or kind_of(table, time, config.na) != "time":
        return table, []
    timed = _matches(column.slice(0, MOST_FACTS + 1), "[0-9]")
    count = int(np.argmax(timed))
    rows = np.arange(count)
    if timed[:1].all() or not timed.any() or not _matches(column, "[0-9]")[count:].all():
        return table, []
    numbered = _numbered(table, time, rows, config)
    worded = _matches(taken(column, rows), "[^ ]")
    if numbered.any() and (numbered.all() or count < 2 or not worded[numbered].all()):
        return table, []
    if not is_time_name(time):
        _refuse_names(table, time, rows)
    _refuse_headers(table, time, rows, config)
    message = "rows above the first time, which tell of the series"
    finding = repair("R009", message, count=count, places=table.places(time, rows), action="left out")
    return table.without(rows), [finding]


def _numbered(table: Table, time: str, rows: NDArray[np.intp], config: ReadConfig) -> Bools:
    """Which of `rows` have a number in a column of numbers that does not just count the rows."""
    found = np.zeros(len(rows), np.bool_)
    for name, column in table.columns.items():
        if name == time or plain(name) in (*COUNTER_NAMES, *RISING_NAMES):
            continue
        if kind_of(table, name, config.na) == "number":
            cells = taken(column, rows).cast(pa.string())
            found |= _matches(blanked(cells, config.na).fill_null(""), NUMBER_LIKE)
    return found


def _units(table: Table, config: ReadConfig, *, more: bool) -> NDArray[np.intp]:
    """Rows of words at the top of a file. `more`: below other such rows, one word alone is enough."""
    none = np.empty(0, np.intp)
    tops = np.cumsum([0, *(part.rows for part in table.parts[:-1])])
    tops = tops[[part.rows > 0 for part in table.parts]]
    words = np.zeros(len(tops), np.bool_)
    digits = np.zeros(len(tops), np.bool_)
    for column in table.parsed.values():
        if not pa.types.is_dictionary(column.type):
            digits |= np.asarray(taken(column, tops).is_valid().to_numpy())
    if digits.all():
        return none
    filled = np.zeros(len(tops), np.int64)
    for column in table.columns.values():
        if not is_text(column.type):
            return none
        digits |= _matches(taken(column, tops), "[0-9]") & ~_matches(taken(column, tops), UNIT)
        filled += ~_matches(taken(column, tops), "^ *$")
    if digits.all():
        return none
    alone = more & ~digits & (filled == 1)  # as pandas names its index below several rows of names
    for name, column in table.columns.items():
        if kind_of(table, name, config.na) == "number":
            words |= ~digits & ~_matches(blanked(taken(column, tops), config.na).fill_null("0"), NUMBER_LIKE)
    rows = tops[words | alone]
    if not len(rows):
        return none
    time = _time_of(table, config)
    if config.time is None and not is_time_name(time):
        _refuse_names(table, time, tops[words])
    _refuse_headers(table, time, rows, config)
    return rows


def _time_of(table: Table, config: ReadConfig) -> str:
    """The time column; the first one, if the name that is set stands in a row below the header."""
    time = time_column(table, config)
    return time if time in table.columns else next(iter(table.columns))


def _name_alone(table: Table, time: str, row: int, config: ReadConfig) -> str:
    """The name of a time column that stands alone in a row, as pandas writes it; else empty."""
    if is_time_name(time) or config.time in table.columns:
        return ""
    cells = {name: str(column[row].as_py() or "").strip() for name, column in table.columns.items()}
    word = cells.pop(time)
    return word if is_time_name(word) and not any(cells.values()) and word not in table.columns else ""


def _renamed(table: Table, old: str, new: str) -> Table:
    """The table with another name for one column."""
    columns = OnDemand(
        {(new if name == old else name): make for name, make in makers_of(table.columns).items()}
    )
    parsed = {(new if name == old else name): column for name, column in table.parsed.items()}
    return dataclasses.replace(table, columns=columns, parsed=parsed)


def _matches(cells: pa.ChunkedArray, pattern: str) -> Bools:
    return np.asarray(pc.match_substring_regex(cells, pattern).fill_null(False).to_numpy())


def _refuse_names(table: Table, time: str, rows: NDArray[np.intp]) -> None:
    """DataError if a cell below the header is a usual name of a time column and the header's is not."""
    for row in rows.tolist():
        if is_time_name(str(table.columns[time][row].as_py())):
            raise DataError(
                f"{table.where(row)}: {table.cell(time, row)} looks like the header, not {shown(time)}",
                hint=f"If lines stand above the header: --skip {_lines_above(table, row)}; otherwise set the "
                "column: --time.",
            )


def _lines_above(table: Table, row: int) -> str:
    """The number of lines above a row; N where it is not known."""
    line = table.where(row).rpartition("line ")[2]
    return str(int(line) - 1) if line.isdigit() else "N"


def _refuse_headers(table: Table, time: str, rows: NDArray[np.intp], config: ReadConfig) -> None:
    """DataError for a row above others that looks like the header of another table.

    It has the name of another column or, between rows of data, a word in a column of numbers.
    """
    below, between = _above_others(table, rows), _above_others(table, rows) & _below_others(table, rows)
    odd = np.zeros(len(rows), np.bool_)
    for name, column in table.columns.items():
        if not is_text(column.type):
            continue
        cells = blanked(taken(column, rows), config.na)
        others = pa.array([other for other in table.columns if other != name], column.type)
        odd |= below & np.asarray(pc.is_in(cells, value_set=others).to_numpy())
        if name != time and kind_of(table, name, config.na) == "number":
            number = pc.match_substring_regex(cells, NUMBER_LIKE).fill_null(True)
            odd |= between & ~np.asarray(number.to_numpy())
    if odd.any():
        row = int(rows[odd][0])
        raise DataError(
            f"{table.where(row)}, column {shown(time)}: another table seems to begin with "
            f"{table.cell(time, row)}",
            hint="Keep one table in a file: --skip N and --skip-end N leave out lines above and below it.",
        )


def _above_others(table: Table, rows: NDArray[np.intp]) -> Bools:
    """Which of `rows` have other rows of their file below them."""
    return _beside_others(table, rows, -1)


def _below_others(table: Table, rows: NDArray[np.intp]) -> Bools:
    """Which of `rows` have other rows of their file above them."""
    return _beside_others(table, rows, 0)


def _beside_others(table: Table, rows: NDArray[np.intp], end: int) -> Bools:
    beside, start = np.zeros(len(rows), np.bool_), 0
    for part in table.parts:
        others = np.setdiff1d(np.arange(start, start + part.rows), rows)
        if len(others):
            beside |= _in(rows, start, part.rows) & ((rows < others[end]) if end else (rows > others[end]))
        start += part.rows
    return beside


def _in(rows: NDArray[np.intp], start: int, count: int) -> Bools:
    """Which of `rows` belong to the part that begins at `start`."""
    return (rows >= start) & (rows < start + count)
