"""Text tables: PyArrow reads the cells, and the whole text is checked to prove that it read all of them.

The checks cover every quote, the width of every row and the number of rows. If one fails, the damaged rows
are searched: the first one is an error, or all are left out under `--bad-rows skip`.
"""

from __future__ import annotations

import dataclasses
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.config import BadRows, ReadConfig
from forecaster.data.findings import SHOWN, Finding, repair
from forecaster.data.labels import shown
from forecaster.data.reading.aligned import with_tabs
from forecaster.data.reading.arrow_csv import Cells, read_cells
from forecaster.data.reading.dialect import Dialect, detect
from forecaster.data.reading.encoding import decode, is_utf8
from forecaster.data.reading.extra_lines import without_comments, without_lines_below
from forecaster.data.reading.files import Content
from forecaster.data.reading.layouts.annotated_csv import as_annotated, read_annotations
from forecaster.data.reading.layouts.stacked_header import as_long, read_levels
from forecaster.data.reading.records import Marks, Record, line_at, quotes_are_sound, records
from forecaster.data.reading.row_scanner import Segment, scan_rows
from forecaster.data.table import OnDemand, Part, Table
from forecaster.errors import DataError

NAMED = 10_000  # damaged rows that are listed one by one
COUNTED_ROWS = 50_000  # damaged rows that are counted where they are refused
COUNTED = 2**18  # bytes that stay in the cache


@dataclasses.dataclass(frozen=True)
class Rows:
    """The cells of a text as PyArrow read them, and where each row lies."""

    cells: Cells
    line: Callable[[int], int]
    findings: tuple[Finding, ...] = ()


def read_text(content: Content, config: ReadConfig) -> tuple[Table, ReadConfig, list[Finding]]:
    """One text file as a Table of text. DataError if it is not a sound table."""
    name = content.name
    lenient = config.bad_rows == "skip"
    data, encoding, findings = decode(name, content.data, config.encoding, lenient=lenient)
    data = _without_end(data, config.skip_end)
    (data, annotations), annotated = read_annotations(name, data)
    (data, stack), levels = read_levels(name, data, config)
    data, aligned = with_tabs(name, data, config)
    data, comments = without_comments(name, data, config)
    if config.start and not config.time_unit:
        _refuse_blank_lines(name, data)
    dialect, inferred = detect(name, data, config)
    (data, words), extra = without_lines_below(name, data, dialect.start, dialect.marks, dialect.width)
    rows = _rows(name, data, dialect, config)
    if not rows.cells.rows:
        raise DataError(f"{name} has a header only", hint="At least two rows are needed.")
    places, dropped = _without_empty_column(name, dialect, rows.cells)
    empty, blank = _without_empty_rows(name, places, rows) if not config.start else (np.empty(0, np.intp), [])
    makers = {label: partial(rows.cells.text, place) for label, place in places.items()}
    taken = [label for label, place in places.items() if place in rows.cells.parsed]
    parsed = {label: rows.cells.parsed.pop(places[label]) for label in taken}  # held here only
    line = rows.line
    part = Part(name, content.stem, rows.cells.rows, lambda row: f"line {line(row)}")
    table = Table(
        OnDemand(makers),
        (part,),
        {label: made for label, made in parsed.items() if made is not None},
        tuple(dialect.names[place] for place in words),
    )
    if len(empty):
        table = table.without(empty)
    delimiter = config.delimiter if aligned else dialect.marks.delimiter
    config = dataclasses.replace(config, delimiter=delimiter, encoding=encoding)
    findings += [
        *annotated,
        *comments,
        *aligned,
        *levels,
        *inferred,
        *extra,
        *rows.findings,
        *dropped,
        *blank,
    ]
    if annotations:
        (table, config), more = as_annotated(table, annotations, config)
        findings += more
    if stack:
        (table, config), more = as_long(table, stack, config)
        findings += more
    return table, config, findings


def _refuse_blank_lines(name: str, data: bytes) -> None:
    """DataError for a blank line, if rows are counted: it may be a missing value, or none."""
    blank = re.search(rb"\n\r?\n|\r\r", data.strip(b"\r\n"))
    if blank:
        line = line_at(data, len(data) - len(data.lstrip(b"\r\n")) + blank.start()) + 1
        raise DataError(
            f"{name}, line {line}: a blank line, where rows are counted for their times",
            hint="Delete it; or write NA if it stands for a missing value.",
        )


def _without_end(data: bytes, count: int) -> bytes:
    """The text without its last `count` lines, blank ones not counted."""
    stop = len(data)
    for _ in range(count):
        while stop and data[stop - 1] in b"\r\n":
            stop -= 1
        feed = data.rfind(b"\n", 0, stop)
        stop = max(feed, data.rfind(b"\r", feed + 1, stop)) + 1
        if not stop:
            break
    return data[:stop]


def _rows(name: str, data: bytes, dialect: Dialect, config: ReadConfig) -> Rows:
    """All rows, checked against the text. DataError at the first damaged one, unless they are left out."""
    marks, bad_rows = dialect.marks, config.bad_rows
    foreign = bad_rows == "skip" and not is_utf8(data)
    cells = None
    if marks.simple and not foreign and quotes_are_sound(data, marks):
        body = pa.py_buffer(data).slice(dialect.start)
        cells = read_cells(body, marks, dialect.width, config, quoted=marks.quote.encode() in data)
        if cells is not None and cells.rows == _lines(data, dialect.start):
            first = line_at(data, dialect.start)
            return Rows(cells, lambda row: first + row, _left_out(name, DamagedRows(dialect.above)))
    sound, damaged = SoundRows(), DamagedRows(dialect.above)
    scanned: Iterable[Segment | Record] = (
        scan_rows(data, marks, dialect.width, dialect.start, ascii_only=foreign)
        if marks.simple
        else records(data, marks, dialect.width, dialect.start)
    )
    for record in scanned:
        if isinstance(record, Segment):
            sound.add_segment(record)
            continue
        fault = record.fault or (foreign and _foreign(data[record.start : record.end]))
        if fault:
            damaged.add(record._replace(fault=fault))
            if damaged.count >= COUNTED_ROWS and (
                bad_rows == "error"
                or damaged.count > len(sound.lines) + (len(data) - record.end) / dialect.width
            ):
                break  # whatever follows, the file is refused
        else:
            sound.add(record)
    if damaged.count and config.start and bad_rows == "skip":
        worst = damaged.first[0]
        raise DataError(
            f"{name}, line {worst.line}: {worst.fault}, where rows are counted for their times",
            hint="Repair the line; or leave out lines above and below the table: --skip N, --skip-end N.",
            code="E002",
        )
    refused = damaged.count and (bad_rows == "error" or damaged.count > len(sound.lines))
    if damaged.doubtful or refused:
        raise _damage(name, data, damaged, sound, bad_rows)
    if cells is None or cells.rows != len(sound.lines) or damaged.count > len(dialect.above):
        cells = read_cells(sound.text(data, marks), marks, dialect.width, config, quoted=True)
    if cells is None or cells.rows != len(sound.lines):
        raise DataError(f"{name} cannot be read reliably", hint="Export it again as plain CSV.")
    return Rows(cells, sound.lines.__getitem__, _left_out(name, damaged))


def _foreign(text: bytes) -> str:
    """What is wrong with a row that is not UTF-8."""
    return "" if is_utf8(text) else "bytes that are not UTF-8; is it another --encoding?"


def _left_out(name: str, damaged: DamagedRows) -> tuple[Finding, ...]:
    if not damaged.count:
        return ()
    places = tuple(f"line {record.line}: {record.fault}" for record in damaged.first)
    return (Finding("R006", "repair", f"{name}: damaged rows", damaged.count, places, "left out"),)


class DamagedRows:
    """Damaged rows: the first of them, and what messages say of all. A file may have millions."""

    def __init__(self, above: Iterable[Record]) -> None:
        self.first: list[Record] = []
        self.count = 0
        self.doubtful: Record | None = None
        self.widths: Counter[int] = Counter()
        self.tops: dict[int, int] = {}
        """The first line of each width."""
        for record in above:
            self.add(record)

    def add(self, record: Record) -> None:
        self.count += 1
        self.widths[record.width] += 1
        self.tops.setdefault(record.width, record.line)
        if record.doubt and self.doubtful is None:
            self.doubtful = record
        if len(self.first) < NAMED:
            self.first.append(record)


class SoundRows:
    """Sound rows: the segments of the text that hold them, and the line of each row."""

    def __init__(self) -> None:
        self.lines = array("q")
        self.segments: list[list[int]] = []
        self.before = -1

    def add(self, record: Record) -> None:
        """Add a record; it extends the last segment if it follows it directly."""
        if self.segments and record.follows == self.before:
            self.segments[-1][1] = record.end
        else:
            self.segments.append([record.start, record.end])
        self.before = record.end
        self.lines.append(record.line)

    def add_segment(self, rows: Segment) -> None:
        """Add consecutive rows, each on one line."""
        self.segments.append([rows.start, rows.end])
        self.before = rows.end
        self.lines.extend(range(rows.line, rows.line + rows.rows))

    def text(self, data: bytes, marks: Marks) -> pa.Buffer:
        """The rows alone, without spaces around quotes."""
        text = b"\n".join([*(data[start:end] for start, end in self.segments), b""])
        if marks.spaced:
            quote = marks.quote.encode()
            tidy = re.compile(b" *+(%b) *+|[^%b]" % (marks.patterns.quoted.pattern, quote), re.DOTALL)
            text = tidy.sub(lambda match: match[1] or match[0], text)
        return pa.py_buffer(text)


def _lines(data: bytes, start: int) -> int:
    """How many lines follow from byte `start`, with blank ones; −1 if line ends are mixed."""
    feeds, returns = _count(data, b"\n", start), _count(data, b"\r", start)
    if feeds and returns and feeds != returns:
        return -1
    return max(feeds, returns) + (start < len(data) and data[-1:] not in (b"\n", b"\r"))


def _count(data: bytes, mark: bytes, start: int) -> int:
    """How often a byte occurs from `start` on; five times as fast as bytes.count."""
    if mark not in data:
        return 0
    text = np.frombuffer(data, np.uint8)[start:]
    parts = (text[place : place + COUNTED] for place in range(0, len(text), COUNTED))
    return sum(int(np.count_nonzero(part == ord(mark))) for part in parts)


def _damage(name: str, data: bytes, damaged: DamagedRows, sound: SoundRows, bad_rows: BadRows) -> DataError:
    record, count = damaged.doubtful or damaged.first[0], damaged.count
    more = f" ({count} such rows{' or more' * (count >= COUNTED_ROWS)})" if count > 1 else ""
    text = shown(data[record.start : record.end].decode("utf-8", "replace"))
    hint = _hint(damaged, sound.lines, bad_rows)
    if record.doubt:
        hint = "Repair the line: its open quote may swallow the rows below."
    places = tuple(f"line {each.line}: {each.fault}" for each in damaged.first[:SHOWN])
    message = f"{name}, line {record.line}: {record.fault}{more}: {text}"
    return DataError(message, hint=hint, code="E002", count=count, places=places)


def _hint(damaged: DamagedRows, sound: Sequence[int], bad_rows: BadRows) -> str:
    """What to type for damaged rows; `sound`: the lines of the other rows."""
    width, alike = damaged.widths.most_common(1)[0]
    if width > 1 and alike > 1 and alike > len(sound) and 2 * alike > damaged.count:  # no header above
        top = damaged.tops[width]
        hint = f"If the table begins in line {top}, leave out the lines above it: --skip {top - 1}."
        return f"{hint} If another character separates cells, set the --delimiter."
    if bad_rows == "skip":
        return (
            "Most rows are damaged, so none is left out: set the --delimiter, or the number of lines to "
            "--skip; or repair the header."
        )
    hint = "Repair the line; or leave such rows out: --bad-rows skip."
    if sound and sound[-1] < damaged.first[0].line:
        return f"{hint} If they stand below the table: --skip-end {damaged.count}."
    if damaged.count > 1:
        hint += " If other lines stand above or below the table: --skip N, --skip-end N."
    return hint


def _without_empty_column(name: str, dialect: Dialect, cells: Cells) -> tuple[dict[str, int], list[Finding]]:
    """The position of each column, without an empty last one from a delimiter at the end of all rows."""
    places = {label: place for place, label in enumerate(dialect.names)}
    if dialect.row_names:
        del places[dialect.names[0]]
    if dialect.trailing:
        last = cells.text(dialect.width - 1)
        if not _all_empty(last):
            row = int(np.flatnonzero(pc.not_equal(last, "").to_numpy())[0])
            raise DataError(
                f"{name}, row {row + 1}: this row has one cell more than the header, "
                f"{shown(last[row].as_py())}",
                hint="Add the missing column name; or name all columns by position: --skip 1 --no-header.",
            )
    elif dialect.names[-1] != f"column_{dialect.width}" or dialect.width <= 2:
        return places, []
    elif _all_empty(cells.text(dialect.width - 1)):
        del places[dialect.names[-1]]
    else:
        return places, []
    message = f"{name}: a delimiter at the end of each row"
    return places, [repair("R005", message, count=cells.rows, action="left out the empty column")]


def _all_empty(column: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.equal(column, "")).as_py())


def _without_empty_rows(
    name: str, places: dict[str, int], rows: Rows
) -> tuple[NDArray[np.intp], list[Finding]]:
    """The rows of empty cells only, as spreadsheets write them."""
    parsed = [rows.cells.parsed[place] for place in places.values() if place in rows.cells.parsed]
    if any(not column.null_count for column in parsed if not pa.types.is_dictionary(column.type)):
        return np.empty(0, np.intp), []
    gone = np.ones(rows.cells.rows, np.bool_)
    for place in places.values():
        gone &= pc.equal(rows.cells.text(place), "").to_numpy()
        if not gone.any():
            break
    empty = np.flatnonzero(gone)
    if not len(empty):
        return empty, []
    lines = [f"line {rows.line(int(row))}" for row in empty[:3]]
    message = f"{name}: rows of empty cells"
    return empty, [repair("R004", message, count=len(empty), places=lines, action="left out")]
