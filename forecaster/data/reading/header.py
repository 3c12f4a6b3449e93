"""Header: the line that names the columns, where it is not the first or is damaged itself.

Asked for by `--bad-rows skip`. A line is taken only where one reading is certain:

- it has as many cells as most rows, and names each column that was asked for (or, if none was, no cell of it
  has a digit); the lines above it are left out;
- a stray quote, or another delimiter than that of the rows, where the line then has the cells of a row;
- one delimiter too many or too few, at a place that is not known: a name at place i belongs to the column i
  or to its neighbour, and it is told which by what the columns hold. If that leaves a choice, none is made.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from forecaster.config import ReadConfig
from forecaster.data.parsing.looks import kind_of_cells
from forecaster.data.parsing.times import are_times
from forecaster.data.reading.records import Marks, Record, records, split

WITHIN = 1000  # records that are looked at
SAMPLED = 200  # rows by which a column is known
OTHERS = (",", ";", "\t", "|", " ")


@dataclass(frozen=True)
class Heading:
    """A header that was found."""

    cells: list[str]
    """A cell for each column; empty where its name could not be told."""
    record: Record
    above: tuple[Record, ...] = ()
    """Lines above it, which are no rows of the table."""
    repaired: str = ""
    """What was wrong with it, in words."""


def find_header(data: bytes, marks: Marks, start: int, config: ReadConfig) -> Heading | None:
    """The header of the rows of which there are most; None where none is certain."""
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
    """Names of columns that the user gave; and whether time and target are among them."""
    time = config.time.split("+") if config.time else []
    targets = list(config.target or ())
    names = {*time, *targets, *config.covariates, *([config.id] if config.id else [])}
    return names, bool(time and targets)


def _cells(text: bytes, marks: Marks) -> list[str] | None:
    """The cells of a sound record; None where it is not UTF-8 or a cell is very long."""
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
        found = next(records(text, Marks(other, marks.quote, marks.escape), None), None)
        cells = _cells(text, Marks(other, marks.quote, marks.escape)) if found and not found.fault else None
        if cells is not None and len(cells) == width and asked <= set(cells):
            return Heading(cells, record, above, "other delimiters than those of the rows")
    cells = _cells(text, marks)
    if cells is None or any(cells.count(name) != 1 for name in asked):
        return None
    columns = _aligned(cells, _sample(data, body, marks, width), config, width)
    if columns is None:
        return None
    names = [next((name for name, column in columns.items() if column == at), "") for at in range(width)]
    return Heading(names, record, above, f"{len(cells)} fields where the rows have {width}")


def _aligned(
    cells: list[str], sample: list[pa.ChunkedArray], config: ReadConfig, width: int
) -> dict[str, int] | None:
    """The column of each name asked for, where one delimiter is too many or too few; None if not certain."""
    more = len(cells) - width
    if abs(more) != 1 or not config.time or config.time not in cells:
        return None
    asked, _ = _asked(config)
    empty = [place for place, cell in enumerate(cells) if not cell]
    turns = range(len(cells) + 1)  # from this place on, names stand one column to the right or left
    if more == 1 and len(empty) == 1 and empty[0]:
        turns = range(empty[0], empty[0] + 1)  # what is between the two delimiters is no name
    possible = []
    for turn in turns:
        columns = {
            name: place - (more if place >= turn else 0) for place, name in enumerate(cells) if name in asked
        }
        if set(columns.values()) <= set(range(width)) and _fits(columns, sample, config):
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
