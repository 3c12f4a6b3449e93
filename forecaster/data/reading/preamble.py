"""Preamble: lines above the header, such as a title, facts about the station, or when the file was made.

A person sees where the table begins: a line of names, and below it rows of as many cells to the end. The
lines above are left out and counted. Where two tables may be meant, or where no line of names stands above
the rows, nothing is left out: the error that follows names the line.

Where two delimiters divide most lines, as in `31.12.2024 00:00;1.234,56;7,1`, a person sees from the table
below these lines which of them divides it: with the other one, cells such as `56;7` are no numbers.
"""

from __future__ import annotations

import csv
import re
from itertools import islice

from forecaster.data.parsing.looks import DATA_CELL, DATE_ONLY, TIME_LIKE, TIME_OF_DAY
from forecaster.data.parsing.number_formats import MISSING
from forecaster.data.reading.layouts.across import may_be_times
from forecaster.data.reading.records import Marks, Record, records, split

DEEPEST = 200  # lines above a header
BELOW = 50  # records of the table that have to be rows of its width, where there are as many
UNITS = 3  # lines of words, such as units, between the names and the first row
OTHER_ROWS = 3  # rows of data above the header from which they are another table
JUDGED = 2**16  # bytes of rows that show whether a delimiter divides them
SOUND = 0.9  # share of the rows that have a cell for each name; the others may be damaged
TIME = re.compile(TIME_LIKE)
BEFORE_CLOCK = re.compile(r",? (?=[0-9]{1,2}:)|T(?=[0-9]{2}:)")
WHOLE_NUMBER = re.compile(  # one number, with its sign, unit, thousands and decimal comma or point
    r"[^\w,;|\t]{0,3}\d+([.,'’ \xa0\u202f]\d{3})*([.,]\d*)?([eE][+-]?\d+)?( ?[^\d,;|\t]{1,8})?"
)


def header_below(data: bytes, marks: Marks, start: int) -> Record | None:
    """The header, if it stands below other lines, else None: then the first line is taken for it."""
    some = list(islice(records(data, marks, None, start), DEEPEST + BELOW))
    whole = len(some) < DEEPEST + BELOW
    place = _first_of_table(some, whole=whole)
    if place is None:
        return None
    cells = [_cells(data, record, marks) for record in some]
    found = _names_at(cells, place)
    if found is None or found == 0 or _is_other_table(cells[:found]) or some[found - 1].doubt:
        return None
    return some[found]


def is_table(data: bytes, marks: Marks, start: int, rivals: str, *, header: bool | None) -> bool:
    """Whether `marks` divide the text into names and rows of data, so that no cell holds two values.

    `rivals`: the other delimiters. `header`: whether the first line holds the names; None: any line may.
    """
    top = next(records(data, marks, None, start), None)
    if header is None:
        top = header_below(data, marks, start) or top
    if top is None:
        return False
    names = _cells(data, top, marks)
    if header is None and not _are_names(names):
        return False
    if header is not False and any(mark in name.replace(f"{mark} ", "") for mark in rivals for name in names):
        return False
    begin = top.start if header is False else top.end
    stop = min(begin + JUDGED, len(data))
    rows = [_cells(data, row, marks) for row in records(data, marks, None, begin, stop=stop, line=0)]
    words = next((place for place, row in enumerate(rows[:UNITS]) if any(map(_is_datum, row))), UNITS)
    rows = rows[words:]
    full = [row for row in rows if len(row) - (len(row) == len(names) + 1 and not row[-1]) == len(names)]
    data_rows = [row for row in full if any(map(_is_datum, row))]
    if len(names) < 2 or not data_rows or len(data_rows) < SOUND * len(rows):
        return False
    return not any(_holds_two(cell, mark) for row in full for cell in row for mark in rivals if mark in cell)


def _holds_two(cell: str, rival: str) -> bool:
    """Whether a cell is no single number or time, but another delimiter divides a number or time from it."""
    if WHOLE_NUMBER.fullmatch(cell):
        return False
    date, *clock = BEFORE_CLOCK.split(cell, maxsplit=1)
    if re.search(DATE_ONLY, date) and all(re.search(TIME_OF_DAY, time) for time in clock):
        return False
    return any(_is_datum(part.strip()) for part in cell.split(rival))


def _first_of_table(some: list[Record], *, whole: bool) -> int | None:
    """The first of the records that all have as many cells as the last one; None if they are few.

    `whole`: there are no more records. Then the last one may be a damaged one, or stand below the table.
    """
    if len(some) < 3:
        return None
    widths = [0 if record.fault else record.width for record in some]
    width = max(set(widths), key=widths.count)
    last = len(some) - 1
    while whole and last > 0 and widths[last] != width:
        last -= 1
    first = last
    while first > 0 and widths[first - 1] == width:
        first -= 1
    rows = last - first + 1
    return first if width > 1 and rows >= 3 and (rows >= BELOW or 2 * rows > len(some) or whole) else None


def _cells(data: bytes, record: Record, marks: Marks) -> list[str]:
    """The cells of a record without spaces around them; none of a damaged one."""
    if record.fault:
        return []
    try:
        return [cell.strip() for cell in split(data[record.start : record.end], marks)]
    except (UnicodeDecodeError, csv.Error, StopIteration):
        return []


def _names_at(cells: list[list[str]], place: int) -> int | None:
    """The line of names among the records from `place` on, all of one width; None if it is not certain."""
    if place == 0 and _are_names(cells[0]):
        return _second_names(cells)
    for row in range(place, len(cells) - 1):
        if _are_names(cells[row]):
            return row if _rows_follow(cells, row) else None
        if sum(map(bool, cells[row])) > max(1, len(cells[row]) // 2):
            return None  # no title but a row, whose header may be damaged
    return None


def _second_names(cells: list[list[str]]) -> int | None:
    """The names of a table of times that stands below a small one of facts, of the same width."""
    for row in range(2, min(1 + OTHER_ROWS, len(cells) - 1)):
        first, below = cells[1], cells[row + 1]
        if not (_are_names(cells[row]) and _rows_follow(cells, row)) or set(cells[row]) == set(cells[0]):
            continue
        kinds = [[_is_datum(cell) for cell in line] for line in (first, below)]
        times = bool(TIME.search(below[0])) and not TIME.search(first[0])
        if times and all(cells[row]) and any(kinds[0]) and kinds[0] != kinds[1]:
            return row
    return None


def _are_names(cells: list[str]) -> bool:
    """Whether a line may hold column names: all different words, or times that columns are named by.

    The last name may be missing, beside a delimiter at the end of each row.
    """
    names = cells[:-1] if len(cells) > 2 and not cells[-1] else cells
    if len(names) < 2 or not all(names[1:]) or any(name in MISSING for name in names[1:]):
        return False
    return not any(map(_is_datum, names)) or may_be_times(names, None)


def _is_datum(cell: str) -> bool:
    return bool(DATA_CELL.fullmatch(cell) or TIME.search(cell))


def _rows_follow(cells: list[list[str]], row: int) -> bool:
    """Whether rows of data stand below the names, perhaps after a few lines of words."""
    below = cells[row + 1 : row + 2 + UNITS]
    return any(any(map(_is_datum, line)) for line in below)


def _is_other_table(above: list[list[str]]) -> bool:
    """Whether lines above the header may be rows of another table: several begin with a time or a number."""
    return sum(len(line) > 1 and _is_datum(line[0]) for line in above) >= OTHER_ROWS
