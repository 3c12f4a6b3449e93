"""Stacked headers: column names on two or three lines and the name of the index below, as pandas writes them.

    Price,Close,Close,Volume,Volume            the fields
    Ticker,AAPL,MSFT,AAPL,MSFT                 a level that distinguishes series
    Date,,,,                                   the name of the first column

A level with one word is left out. Two levels of which one holds fields of prices make a row for each time and
word of the other. Any other levels are joined to one name.
"""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import dataclass
from itertools import islice

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import DATE_CELL, data_cell, is_time_name, plain
from forecaster.data.reading.dialect import line_start
from forecaster.data.reading.layouts.stacking import free_name, stacked
from forecaster.data.reading.records import LINE_END
from forecaster.data.table import Table

DELIMITERS = (",", "\t", ";")
DEEPEST = 3  # levels of names
FIELDS = {"open", "high", "low", "close", "adj close", "volume"}


@dataclass(frozen=True)
class Stack:
    """Fields and series of a table whose columns stand for both."""

    index: str
    id: str
    columns: dict[tuple[str, str], str]
    """(field, series): the column."""


def read_levels(
    name: str, data: bytes, config: ReadConfig
) -> tuple[tuple[bytes, Stack | None], list[Finding]]:
    """The text with the header on one line, and what its columns stand for; the text as it is without levels.

    `--time` with the first word of the first line is a request to take that line as the header.
    """
    start = line_start(data, config.skip)
    lines = _lines(data, start, DEEPEST + 2)
    levels = _levels(data, lines, config)
    if not levels or config.header is False or config.time == levels[0][0]:
        return (data, None), []
    index, names = levels[-1][0], [level[1:] for level in levels[:-1]]
    varied = [place for place, level in enumerate(names) if len(set(level)) > 1] or [0]
    constant = [f"{levels[p][0]} {level[0]}".strip() for p, level in enumerate(names) if p not in varied]
    single = [" ".join(names[place][column] for place in varied) for column in range(len(names[0]))]
    header = [index, *single]
    if len(set(header)) < len(header):
        return (data, None), []
    fields = [place for place in varied if FIELDS & {plain(word) for word in names[place]}]
    stack = None
    if len(varied) == 2 and len(fields) == 1:
        (field,), (other,) = fields, [place for place in varied if place not in fields]
        columns = dict(zip(zip(names[field], names[other], strict=True), single, strict=True))
        stack = Stack(index, levels[other][0] or "series", columns)
    message = f"{name}: the column names stand on {len(levels)} lines; {shown(index)} names the first column"
    action = f"the same for all columns: {listed(constant)}" if constant else ""
    finding = info("L001", message, count=len(levels), action=action)
    return (_on_one_line(data, lines, len(levels), header, levels), stack), [finding]


def _lines(data: bytes, start: int, count: int) -> list[tuple[int, int]]:
    """Where each of the first lines from byte `start` on begins and ends."""
    lines = []
    for end in islice(LINE_END.finditer(data, start), count):
        lines.append((start, end.start()))
        start = end.end()
    return lines


def _levels(data: bytes, lines: list[tuple[int, int]], config: ReadConfig) -> list[list[str]]:
    """The cells of each line of the header, the line with the name of the index last; empty without one."""
    for delimiter in [config.delimiter] if config.delimiter else DELIMITERS:
        try:
            texts = [data[start:end].decode() for start, end in lines]
            rows = list(csv.reader(texts, delimiter=delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error, TypeError):
            continue
        rows = [[cell.strip() for cell in row] for row in rows]
        if len(rows) != len(lines) or len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
            continue
        for last in range(1, min(DEEPEST, len(rows) - 2) + 1):
            named = all(all(row[1:]) for row in rows[:last])
            index = any(map(str.isalpha, rows[last][0])) and not any(rows[last][1:])
            sound = all(data_cell(row[1:]) is None for row in rows[:last])
            known = last > 1 or is_time_name(rows[last][0])
            if named and index and sound and known and DATE_CELL.fullmatch(rows[last + 1][0]):
                return rows[: last + 1]
    return []


def _on_one_line(
    data: bytes, lines: list[tuple[int, int]], count: int, header: list[str], levels: list[list[str]]
) -> bytes:
    """The text with the last line of the header in place of all, which stay as blank lines."""
    first, last = lines[0], lines[count - 1]
    delimiter = next(mark for mark in DELIMITERS if mark.encode() in data[slice(*last)])
    quoted = ['"' + name.replace('"', '""') + '"' for name in header]
    blank = b"".join(LINE_END.findall(data, first[0], last[0]))
    return data[: first[0]] + blank + delimiter.join(quoted).encode() + data[last[1] :]


def as_long(table: Table, stack: Stack, config: ReadConfig) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """A row for each time and series, and a column for each field."""
    words = list(dict.fromkeys(word for _, word in stack.columns))
    fields = list(dict.fromkeys(field for field, _ in stack.columns))
    name = free_name([stack.id, "series"], [stack.index, *fields])
    values = {field: [stack.columns.get((field, word)) for word in words] for field in fields}
    table = stacked(table, (stack.index,), {name: words}, values)
    message = f"columns of {len(words)} series ({listed(words, 3)}): {shown(name)} tells them apart"
    finding = info("L002", message, count=len(words), action="a row for each series and time")
    return (table, dataclasses.replace(config, id=config.id or name)), [finding]
