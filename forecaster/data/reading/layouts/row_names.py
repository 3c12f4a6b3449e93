"""Row names: a first column that has no name in the header, as R writes them: a counter, or times."""

from __future__ import annotations

import csv
from itertools import islice, pairwise
from typing import Literal

from forecaster.data.parsing.looks import DATE_CELL, data_cell, is_time_name
from forecaster.data.reading.records import Marks, Record, records, split

SAMPLED = 200  # rows
Kind = Literal["", "counter", "times"]


def row_names(data: bytes, marks: Marks, header: Record) -> Kind:
    """What the first column holds, if the header is one cell shorter than the rows for want of its name.

    A header that lacks a delimiter is as short. So a counter starts with 0 or 1 and counts on, or is in
    quotes; times and all names are in quotes, and no other column has the name of one.
    """
    below = records(data, marks, None, header.end, line=header.line)
    rows = [row for row in islice(below, SAMPLED + 1) if row.start > header.start and row.end > row.start]
    whole = rows[:-1] if len(rows) > SAMPLED or (rows and rows[-1].end == len(data)) else rows
    rows = whole or rows
    if not header.width or not rows or any(row.fault or row.width != header.width + 1 for row in rows):
        return ""
    try:
        names = [cell.strip() for cell in split(data[header.start : header.end], marks)]
        cells = [split(data[row.start : row.end], marks) for row in rows]
    except (UnicodeDecodeError, csv.Error):
        return ""
    if not all(names) or data_cell(names) is not None or not _fits(names, cells[0]):
        return ""
    quote = marks.quote.encode()
    quoted = all(data[row.start : row.start + 1] == quote for row in rows)
    first = [row[0] for row in cells]
    if all(cell.isdigit() for cell in first):
        numbers = [int(cell) for cell in first]
        counts = numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)
        rising = all(one < next_one for one, next_one in pairwise(numbers))
        return "counter" if len(numbers) > 1 and (counts or (quoted and rising)) else ""
    times = quoted and data[header.start : header.start + 1] == quote and not any(map(is_time_name, names))
    return "times" if times and all(map(DATE_CELL.fullmatch, first)) else ""


def _fits(names: list[str], row: list[str]) -> bool:
    """Whether a column with the name of a time holds one when all names belong one column further right."""
    return not any(
        is_time_name(name) and DATE_CELL.fullmatch(row[place]) and not DATE_CELL.fullmatch(row[place + 1])
        for place, name in enumerate(names)
    )
