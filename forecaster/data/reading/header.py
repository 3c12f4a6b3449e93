"""Header: the line that names the columns, if it is damaged or not the first line.

Used under `--bad-rows skip`. A line is taken only if its meaning is certain:

- it has as many cells as most rows, and every column name that the options ask for (if they ask for none, no
  digit). The lines above it are left out;
- without its misplaced quote, or with another delimiter than the rows have, it has the cells of a row;
- it has one delimiter too many or too few, at an unknown place. The name at place i then belongs to column i
  or to its neighbour: the one that holds what the name is used for. If both do, no header is taken.
"""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from forecaster.config import ReadConfig
from forecaster.data.parsing.looks import kind_of_cells
from forecaster.data.parsing.times import are_times
from forecaster.data.reading.records import Marks, Record, records, split

WITHIN = 1000  # records among which a header is searched
SAMPLED = 200  # rows that show what a column holds
OTHERS = (",", ";", "\t", "|", " ")


@dataclass(frozen=True)
class Heading:
    """A header and the lines above it."""

    cells: list[str]
    """A name for each column; empty if it is not certain."""
    record: Record
    above: tuple[Record, ...] = ()
    """Lines that do not belong to the table."""
    repaired: str = ""
    """What was wrong with it, in words."""


def find_header(data: bytes, marks: Marks, start: int, config: ReadConfig) -> Heading | None:
    """The header of rows with the commonest width; None if none is certain."""
    rows = list(islice(records(data, marks, None, start), WITHIN))
    counts = Counter(record.width for record in rows if not record.fault)
    width, count = max(counts.items(), key=lambda item: item[1], default=(0, 0))
    if width < 2 or 2 * count <= len(rows):
        return None
    asked, sure = _asked(config)
    for place, record in enumerate(rows):
        if record.fault or record.width != width:
            continue
        cells = _cells(data[record.start : record.end], marks)
        if cells is not None and _is_header(cells, asked, sure=sure):
            return Heading(cells, record, tuple(rows[:place]))
        if not asked:
            return None
    first = next(place for place, record in enumerate(rows) if not record.fault and record.width == width)
    if not sure or not first or rows[first - 1].doubt:
        return None
    return _repaired(data, rows[:first], rows[first:], marks, width, config)


def _asked(config: ReadConfig) -> tuple[set[str], bool]:
    """The column names in the options; and whether time and target are among them."""
    time = config.time.split("+") if config.time else []
    targets = list(config.target or ())
    names = {*time, *targets, *config.input_columns, *([config.id] if config.id else [])}
    return names, bool(time and targets)


def _cells(text: bytes, marks: Marks) -> list[str] | None:
    """The cells of a sound record; None if it is not UTF-8 or a cell is very long."""
    try:
        return [cell.strip() for cell in split(text, marks)]
    except (UnicodeDecodeError, csv.Error):
        return None


def _is_header(cells: list[str], asked: set[str], *, sure: bool) -> bool:
    if not asked <= set(cells) or not any(cells):
        return False
    others = [cell for cell in cells if cell not in asked]
    return sure or not any(mark.isdigit() for cell in others for mark in cell)


def _repaired(
    data: bytes, head: list[Record], body: list[Record], marks: Marks, width: int, config: ReadConfig
) -> Heading | None:
    """The last line of `head`, which is damaged, as the header of the rows below it."""
    record, above = head[-1], tuple(head[:-1])
    asked, _ = _asked(config)
    text = data[record.start : record.end]
    if record.fault:
        cells = _cells(text.replace(marks.quote.encode(), b""), marks)
        whole = cells is not None and len(cells) == width and asked <= set(cells)
        return Heading(cells or [], record, above, record.fault) if whole else None
    for other in OTHERS:
        if other in (marks.delimiter, marks.quote):
            continue
        others = dataclasses.replace(marks, delimiter=other, spaced=False)
        line = next(records(text, others), None)
        cells = _cells(text, others) if line and not line.fault else None
        if cells is not None and len(cells) == width and asked <= set(cells):
            return Heading(cells, record, above, "other delimiters than those of the rows")
    cells = _cells(text, marks)
    if cells is None or any(cells.count(name) != 1 for name in asked):
        return None
    columns = _aligned(cells, _sample(data, body, marks, width), config)
    if columns is None:
        return None
    names = [next((name for name, column in columns.items() if column == at), "") for at in range(width)]
    return Heading(names, record, above, f"{len(cells)} fields where the rows have {width}")


def _aligned(cells: list[str], sample: list[pa.ChunkedArray], config: ReadConfig) -> dict[str, int] | None:
    """The column of each name asked for, if one delimiter is too many or too few; None if not certain."""
    more = len(cells) - len(sample)
    if abs(more) != 1 or not config.time or config.time not in cells:
        return None
    asked, _ = _asked(config)
    empty = [place for place, cell in enumerate(cells) if not cell]
    turns = range(len(cells) + 1)  # from this name on, names are one column too far to the right or left
    if more == 1 and len(empty) == 1 and empty[0]:
        turns = range(empty[0], empty[0] + 1)  # between two delimiters there is no name
    possible = []
    for turn in turns:
        columns = {
            name: place - (more if place >= turn else 0) for place, name in enumerate(cells) if name in asked
        }
        if set(columns.values()) <= set(range(len(sample))) and _fits(columns, sample, config):
            possible.append(columns)
    return possible[0] if possible and all(columns == possible[0] for columns in possible) else None


def _fits(columns: dict[str, int], sample: list[pa.ChunkedArray], config: ReadConfig) -> bool:
    """Whether the columns of the sample hold, for the most part, what their names stand for."""
    if len(set(columns.values())) < len(columns):
        return False
    numbers = (*(config.target or ()), *config.covariates)
    kinds = {kind_of_cells(sample[columns[name]], config.na) for name in numbers}
    return kinds <= {"number", "empty"} and are_times(sample[columns[config.time or ""]], config)


def _sample(data: bytes, body: list[Record], marks: Marks, width: int) -> list[pa.ChunkedArray]:
    """The columns of the first sound rows, as text."""
    sound = (record for record in body if not record.fault and record.width == width)
    cells = (_cells(data[record.start : record.end], marks) for record in sound)
    rows = [row for row in islice(cells, SAMPLED) if row is not None]
    return [pa.chunked_array([[row[place] for row in rows]], pa.string()) for place in range(width)]
