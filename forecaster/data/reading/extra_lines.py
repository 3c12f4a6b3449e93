"""Extra lines: comments, a header that comes again, a row of column types below the header.

They are blanked before the table is read, so that all other lines keep their numbers.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from forecaster.config import ReadConfig
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.parsing.looks import DATA_CELL, data_cell
from forecaster.data.reading.records import LINE_END, Marks, line_at, split

USUAL = (",", ";", "\t", "|")
COMMENT = re.compile(rb"(?:\A|(?<=[\r\n]))#[^\r\n]*")
MANY = 5  # cells that two lines of words have in common only where one holds the units of the other
SAMPLED = 50  # lines that show what rows look like
TYPE = re.compile(r"[0-9]+[sdn]")  # width and kind of a column, in tables of the USGS
Span = tuple[int, int]


def blanked_lines(data: bytes, spans: Iterable[Span]) -> bytes:
    """The text without what is in these spans (first and last byte of each, in order)."""
    pieces, place = [], 0
    for start, end in spans:
        pieces.append(data[place:start])
        place = end
    return b"".join([*pieces, data[place:]])


def without_comments(name: str, data: bytes, config: ReadConfig) -> tuple[bytes, list[Finding]]:
    """The text without lines that begin with `#`, unless they are the header or rows."""
    if not (data.startswith(b"#") or b"\n#" in data or b"\r#" in data):
        return data, []
    spans = list(_outside_quotes(data, config.quote or '"'))
    others = [line for line in _other_lines(data, spans, config.skip) if line[1] > line[0]]
    if not spans or not others:
        return data, []
    delimiter = config.delimiter or _delimiter([data[start:end] for start, end in others])
    comments = list(_comments(data, spans, others, delimiter, config))
    if not comments:
        return data, []
    places = [f"line {line_at(data, start)}" for start, _ in comments[:SHOWN]]
    message = f"{name}: comments, lines that begin with #"
    bare = _uncommented(data, spans, comments, others)
    finding = info("R010", message, count=len(comments), places=places, action="left out")
    return blanked_lines(data, sorted([*comments, *bare])), [finding]


def _outside_quotes(data: bytes, quote: str) -> Iterator[Span]:
    """The lines that begin with `#` and do not lie within a quoted cell."""
    place, odd = 0, False
    for match in COMMENT.finditer(data):
        odd ^= bool(data.count(quote.encode(), place, match.start()) % 2)
        if odd:
            place = match.start()
        else:
            place = match.end()
            yield match.span()


def _other_lines(data: bytes, spans: list[Span], skip: int) -> list[Span]:
    """The first lines that do not begin with `#`, without those that are skipped."""
    begun = {start for start, _ in spans}
    lines: list[Span] = []
    place = 0
    while place < len(data) and len(lines) < SAMPLED:
        end = LINE_END.search(data, place)
        stop, after = end.span() if end else (len(data), len(data))
        if skip:
            skip -= 1
        elif place not in begun:
            lines.append((place, stop))
        place = after
    return lines


def _delimiter(lines: list[bytes]) -> str:
    """The delimiter of which most lines have the same number."""

    def alike(mark: str) -> int:
        counts = Counter(line.count(mark.encode()) for line in lines)
        del counts[0]
        return max(counts.values(), default=0)

    return max(USUAL, key=alike)


def _cells(text: bytes, delimiter: str) -> list[str]:
    try:
        return split(text, Marks(delimiter))
    except (UnicodeDecodeError, csv.Error, StopIteration):
        return []


def _comments(
    data: bytes, spans: list[Span], others: list[Span], delimiter: str, config: ReadConfig
) -> Iterator[Span]:
    """The lines that are comments: not a header directly above data, and not rows of an id such as #5."""
    first, rows = others[0], [_cells(data[start:end], delimiter) for start, end in others]
    width = len(rows[0])
    above = [span for span in spans if span[0] < first[0]]
    headed = config.header is not False and above and data_cell(rows[0]) is not None
    header = _named_by(data, above, delimiter, width) if headed else None
    body = rows if header else rows[1:]
    plain = all(row and DATA_CELL.fullmatch(row[0]) for row in body)
    for span in spans:
        if span == header:
            continue
        is_wide = width > 1 and len(_cells(data[slice(*span)], delimiter)) == width
        if span[0] < first[0] or plain or not is_wide:
            yield span


def _uncommented(data: bytes, spans: list[Span], comments: list[Span], others: list[Span]) -> list[Span]:
    """The `#` before a header that stands below other comments."""
    above = [span for span in spans if span[0] < others[0][0]]
    header = next((span for span in above if span not in comments), None)
    if len(above) < 2 or header is None:
        return []
    start, end = header
    mark = re.compile(rb"#+ *").match(data, start, end)
    return [(start, mark.end())] if mark else []


def _named_by(data: bytes, above: list[Span], delimiter: str, width: int) -> Span | None:
    """The last comment above the rows, if it has a name for each column; of names and units, the names."""
    worded = [span for span in above if data[slice(*span)].strip(b"# \t")]
    wide = [len(_cells(data[slice(*span)], delimiter)) == width > 1 for span in worded]
    if not worded or not wide[-1]:
        return None
    return worded[-2] if width >= MANY and len(wide) > 1 and wide[-2] else worded[-1]


def without_lines_below(
    name: str, data: bytes, start: int, marks: Marks, width: int
) -> tuple[tuple[bytes, list[int]], list[Finding]]:
    """The rows from byte `start` without the header of `width` cells, if it comes again, and column types.

    Also the columns whose type is text, such as numbers of stations.
    """
    text = LINE_END.split(data[:start])
    header = next((line for line in reversed(text) if line), b"")
    names = _cells(header, marks.delimiter)
    if len(names) != width or data_cell(names) is not None or marks.escape is not None:
        return (data, []), []
    again = list(_equal_lines(data, header, start))
    types = _types(data, start, marks, width)
    findings = []
    if again:
        message = f"{name}: the header comes again"
        places = [f"line {line_at(data, begin)}" for begin, _ in again[:SHOWN]]
        findings.append(repair("R011", message, count=len(again), places=places, action="left out"))
    if types:
        places = [f"line {line_at(data, types[0][0])}"]
        message = f"{name}: a row of column types below the header"
        findings.append(repair("R012", message, count=1, places=places, action="left out"))
    kinds = [cell[-1] for begin, end in types for cell in _cells(data[begin:end], marks.delimiter)]
    words = [place for place, kind in enumerate(kinds) if kind == "s"]
    return (blanked_lines(data, sorted([*again, *types])), words), findings


def _equal_lines(data: bytes, text: bytes, start: int) -> Iterator[Span]:
    """The lines from byte `start` on that are exactly this text; none if another table may begin there.

    That is so below a blank line: files that were joined have none.
    """
    if re.search(rb"(?:\n\r?\n|\r\r)" + re.escape(text) + rb"(?=[\r\n]|\Z)", data[start - 1 :]):
        return
    place = data.find(text, start) if len(text) > 1 else -1
    while place >= 0:
        end = place + len(text)
        if data[place - 1 : place] in (b"\n", b"\r") and data[end : end + 1] in (b"\n", b"\r", b""):
            yield place, end
        place = data.find(text, end)


def _types(data: bytes, start: int, marks: Marks, width: int) -> list[Span]:
    """The first line from byte `start`, if its cells are widths and kinds, as `15s` and `14n`."""
    ends = islice(LINE_END.finditer(data, start), 1)
    end = next((match.start() for match in ends), len(data))
    cells = _cells(data[start:end], marks.delimiter) if end > start else []
    return [(start, end)] if len(cells) == width > 1 and all(map(TYPE.fullmatch, cells)) else []
