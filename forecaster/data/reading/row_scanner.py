"""Row scanner: segments of sound rows, found by arithmetic on blocks of bytes.

A line is a sound row by itself if it has an even number of quotes, each at the edge of a cell or doubled, and
the right number of delimiters outside quotes. The few other lines go through `records`, which is slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools
from forecaster.data.reading.records import LINE_END, Marks, Record, line_at, records

BLOCK = 2**18  # bytes


class Segment(NamedTuple):
    """Consecutive sound rows, each on a line of its own."""

    line: int
    """Line of the first row (1-based)."""
    rows: int
    start: int
    end: int
    """data[start:end] are the rows without the last line end."""


class Lines(NamedTuple):
    """The whole lines of a block."""

    start: NDArray[np.intp]  # (n+1,) from the beginning of the block; the last is its end
    end: NDArray[np.intp]  # (n,) without the line end
    sound: Bools  # (n,)


def scan_rows(
    data: bytes, marks: Marks, width: int, start: int, *, ascii_only: bool = False
) -> Iterator[Segment | Record]:
    """The sound rows and the damaged lines of `data` from byte `start`, in order. Marks must be simple.

    `ascii_only`: lines with other bytes are yielded as records, so that their encoding can be checked.
    """
    place, line = start, line_at(data, start)
    while place < len(data):
        block = _block(data, place)
        lines = _lines(data[place:block], marks, width, ascii_only=ascii_only)
        bounds = [0, *np.flatnonzero(np.diff(lines.sound)) + 1, len(lines.sound)]
        stop = place  # everything before this byte is done
        for first, last in pairwise(bounds):
            sound = lines.sound[first]
            first = max(first, int(np.searchsorted(lines.start, stop - place)))
            if first >= last:  # a record covered all of it
                continue
            begin, end = place + int(lines.start[first]), place + int(lines.end[last - 1])
            stop = place + int(lines.start[last])
            if sound:
                yield Segment(line, last - first, begin, end)
                line += last - first
                continue
            for record in records(data, marks, width, begin, stop=stop, line=line):
                yield record
                end = max(end, record.end)
            following = LINE_END.search(data, end)
            stop = max(stop, following.end() if following else len(data))
            line += len(LINE_END.findall(data, begin, stop)) + (following is None)
        place = max(block, stop)


def _block(data: bytes, place: int) -> int:
    """Where the block of whole lines that begins at `place` ends."""
    end = data.rfind(b"\n", place, place + BLOCK) + 1
    return end or data.find(b"\n", place + BLOCK) + 1 or len(data)


def _lines(block: bytes, marks: Marks, width: int, *, ascii_only: bool) -> Lines:
    """The lines of a block, and which of them are sound rows."""
    text = np.frombuffer(block, np.uint8)
    feeds = np.flatnonzero(text == ord("\n"))
    start = np.r_[0, feeds + 1]
    end = np.r_[feeds, len(text)] if not len(feeds) or feeds[-1] + 1 < len(text) else feeds
    start = np.r_[start[: len(end)], len(text)]
    returns = np.flatnonzero(text == ord("\r"))
    if not np.isin(returns + 1, feeds).all():  # a lone one ends a line too
        return Lines(start, end, np.zeros(len(end), np.bool_))
    end = end - np.isin(end - 1, returns)
    commas = np.flatnonzero(text == ord(marks.delimiter))
    quotes = np.flatnonzero(text == ord(marks.quote))
    if len(quotes):
        sound, commas = _quoted(text, marks, quotes, commas, start)
    else:
        sound = np.ones(len(end), np.bool_)
    sound &= np.diff(np.searchsorted(commas, start)) == width - 1
    sound &= end > start[:-1]  # a blank line is not a row
    if ascii_only:
        sound[np.searchsorted(start, np.flatnonzero(text >= 0x80), side="right") - 1] = False
    return Lines(start, end, sound)


def _quoted(
    text: NDArray[np.uint8],
    marks: Marks,
    quotes: NDArray[np.intp],
    commas: NDArray[np.intp],
    start: NDArray[np.intp],
) -> tuple[Bools, NDArray[np.intp]]:
    """Which lines have sound quotes; and the delimiters outside quotes, which are right in those lines."""
    first = np.searchsorted(quotes, start)  # the first quote of each line
    sound = np.diff(first) % 2 == 0
    line = np.searchsorted(start, quotes, side="right") - 1
    closes = (np.arange(len(quotes)) - first[line]) % 2 == 1
    edge = np.zeros(256, np.bool_)
    edge[[ord(mark) for mark in (marks.quote, marks.delimiter, "\r", "\n")]] = True
    padded = np.r_[ord("\n"), text, ord("\n")].astype(np.uint8)
    fine = edge[np.where(closes, padded[quotes + 2], padded[quotes])]
    sound[line[~fine]] = False
    inside = (np.searchsorted(quotes, commas) - first[np.searchsorted(start, commas, side="right") - 1]) % 2
    return sound, commas[inside == 0]
