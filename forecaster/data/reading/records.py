"""Records of a delimited text, line by line: which are sound, and what is wrong with the others.

A cell is bare (it has no quote) or quoted from its first to its last character, with quotes inside it doubled
or escaped. A line with an open quote is joined with the lines below it if that makes a sound record. If not,
the quote is a fault of that line alone, and the lines below are read normally. If both are possible, the
record is in doubt.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

LINE_END = re.compile(rb"\r\n|\r|\n")
FARTHEST = 200  # lines of a quoted cell
BLOCK = 2**18  # bytes that stay in the cache


@dataclass(frozen=True)
class Marks:
    """The characters that divide a text into cells; each is one ASCII character."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    """Stands before a quote inside a quoted cell; None: such quotes are doubled."""
    spaced: bool = False
    """Spaces may stand around a quoted cell."""

    @property
    def simple(self) -> bool:
        """Whether the two neighbours of a quote show if it is misplaced."""
        return self.escape is None and not self.spaced

    @cached_property
    def patterns(self) -> Patterns:
        """Regular expressions for these marks; possessive, so that they run in linear time."""
        comma, quote = re.escape(self.delimiter).encode(), re.escape(self.quote).encode()
        gap = b" *+" if self.spaced else b""
        if self.escape is None:
            inside = b"[^%b]*+(?:%b%b[^%b]*+)*+" % ((quote,) * 4)
            bare = b"[^%b%b\\r\\n]*+" % (quote, comma)
        else:
            back = re.escape(self.escape).encode()
            inside = b"(?:[^%b%b]|%b.)*+" % (quote, back, back)
            bare = b"(?:[^%b%b%b\\r\\n]|%b[^\\r\\n])*+" % (quote, comma, back, back)
        quoted = quote + inside + quote
        cell = b"(?:%b%b%b|%b)" % (gap, quoted, gap, bare)
        begun = b"(?:%b%b)*+%b%b" % (cell, comma, gap, quote)
        return Patterns(
            re.compile(b"%b(?:%b%b)*+" % (cell, comma, cell), re.DOTALL),
            re.compile(begun + inside, re.DOTALL),
            re.compile(quoted if self.escape is None else quoted + b"|" + back + b".", re.DOTALL),
        )


class Patterns(NamedTuple):
    """Regular expressions of a dialect."""

    sound: re.Pattern[bytes]
    """A whole record."""
    open: re.Pattern[bytes]
    """A line whose last cell is quoted and not closed."""
    quoted: re.Pattern[bytes]
    """Text whose delimiters do not separate cells."""


class Record(NamedTuple):
    """One record, or one damaged line."""

    line: int
    """Its first line (1-based)."""
    start: int
    end: int
    """data[start:end] is the record without its line end."""
    width: int
    """Number of cells; 0 if unknown."""
    fault: str
    """What is wrong, in words; empty for a sound record."""
    doubt: bool = False
    """An open quote: the lines below are either its text or rows."""
    follows: int = -1
    """Where the record before it ends, sound or not."""


def records(
    data: bytes,
    marks: Marks,
    width: int | None = None,
    start: int = 0,
    *,
    stop: int | None = None,
    line: int | None = None,
) -> Iterator[Record]:
    """The records of `data` from byte `start`, without blank lines. A sound one has `width` cells; None: any.

    `stop`: no record begins from this byte on. `line`: the number of the first line, if it is known.
    """
    line = (line_at(data, start) if line is None else line) - 1
    place, quote, before = start, marks.quote.encode(), -1
    comma = marks.delimiter.encode()
    while place < (len(data) if stop is None else stop):
        line += 1
        end, after = _line(data, place)
        text = data[place:end]
        if not text:
            place = after
            continue
        if quote in text or marks.escape is not None:
            record = _quoted(data, marks, width, Record(line, place, end, 0, "", False, before))
        else:
            record = _judged(Record(line, place, end, text.count(comma) + 1, "", False, before), width)
        yield record
        before = record.end
        if record.end > end:
            line += len(LINE_END.findall(data, place, record.end))
            _, after = _line(data, record.end)
        place = after


def line_at(data: bytes, place: int) -> int:
    """The number (1-based) of the line that begins at `place`."""
    return (data.count(b"\n", 0, place) or data.count(b"\r", 0, place)) + 1


def split(text: bytes, marks: Marks) -> list[str]:
    """The cells of one sound record."""
    reader = csv.reader(
        [text.decode()],
        delimiter=marks.delimiter,
        quotechar=marks.quote,
        escapechar=marks.escape,
        doublequote=marks.escape is None,
        skipinitialspace=marks.spaced,
        strict=not marks.spaced,
    )
    return next(reader)


def _line(data: bytes, start: int) -> tuple[int, int]:
    """Where the line that begins at `start` ends, and where the next begins."""
    end = LINE_END.search(data, start)
    return (end.start(), end.end()) if end else (len(data), len(data))


def _judged(record: Record, width: int | None) -> Record:
    if width is None or record.width == width:
        return record
    return record._replace(fault=f"{record.width} fields where the header has {width}")


def _quoted(data: bytes, marks: Marks, width: int | None, record: Record) -> Record:
    """The record that begins with this line; the line has quotes."""
    text = data[record.start : record.end]
    if marks.patterns.sound.fullmatch(text):
        return _judged(record._replace(width=_width(text, marks)), width)
    if not marks.patterns.open.fullmatch(text):
        return record._replace(fault="a quote that is not at the edge of a field")
    return _joined(data, marks, width, record) or record._replace(fault="a quote that is never closed")


def _joined(data: bytes, marks: Marks, width: int | None, record: Record) -> Record | None:
    """The line joined with those below it up to the closing quote; None if that is not a sound record."""
    end, after = _line(data, record.end)[1], record.end
    rows = False
    for _ in range(FARTHEST):
        if end >= len(data):
            return None
        start = end
        after, end = _line(data, start)
        rows = rows or _is_row(data[start:after], marks, width)
        if marks.quote.encode() in data[start:after] and not marks.patterns.open.fullmatch(
            data, record.start, after
        ):
            break
    else:
        return None
    text = data[record.start : after]
    if not marks.patterns.sound.fullmatch(text):
        return None
    joined = record._replace(end=after, width=_width(text, marks))
    if width is not None and joined.width != width:
        return None
    if rows:
        return joined._replace(fault="a quoted cell that runs over lines which look like rows", doubt=True)
    return joined


def _is_row(text: bytes, marks: Marks, width: int | None) -> bool:
    """Whether a line could be a row of two cells or more by itself."""
    if not marks.patterns.sound.fullmatch(text):
        return False
    cells = _width(text, marks)
    return cells == width if width else cells > 1


def _width(text: bytes, marks: Marks) -> int:
    return marks.patterns.quoted.sub(b"", text).count(marks.delimiter.encode()) + 1


def widths(data: bytes, marks: Marks, start: int = 0) -> Counter[int]:
    """How many lines have each number of cells; 0 stands for lines that are not a record by themselves."""
    quote, comma, sound = marks.quote.encode(), marks.delimiter.encode(), marks.patterns.sound
    counts: Counter[int] = Counter()
    for text in LINE_END.split(data[start:]):
        if not text:
            continue
        if quote not in text and marks.escape is None:
            counts[text.count(comma) + 1] += 1
        else:
            counts[_width(text, marks) if sound.fullmatch(text) else 0] += 1
    return counts


def quotes_are_sound(data: bytes, marks: Marks) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled inside one. Marks must be simple."""
    mark = ord(marks.quote)
    if marks.quote.encode() not in data:
        return True
    text = np.frombuffer(data, np.uint8)
    edge = np.zeros(256, bool)
    edge[[mark, ord(marks.delimiter), ord("\r"), ord("\n")]] = True
    seen = 0
    for block in range(0, len(text), BLOCK):  # in blocks, to save memory
        at = np.flatnonzero(text[block : block + BLOCK] == mark) + block
        opens, closes = (at[0::2], at[1::2]) if seen % 2 == 0 else (at[1::2], at[0::2])
        seen += len(at)
        opens, closes = opens[opens > 0], closes[closes < len(text) - 1]
        if not (edge[text[opens - 1]].all() and edge[text[closes + 1]].all()):
            return False
    return seen % 2 == 0
