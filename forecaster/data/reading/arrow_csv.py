"""Cells: a text whose rows are sound, read by PyArrow.

If the first rows of a column are numbers, ISO 8601 times or words, several threads parse it while they read,
and its text is never held. A column with any other cell stays text. The text of a parsed column is read again
when something asks for it, such as a message that shows a cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from forecaster.config import ReadConfig
from forecaster.data.parsing.looks import NUMBER_LIKE, TIME_LIKE, TIME_OF_DAY, all_match
from forecaster.data.parsing.number_formats import MISSING, NUMBER
from forecaster.data.parsing.numbers import blanked
from forecaster.data.reading.records import Marks

BLOCK = 2**22  # bytes that a thread parses at a time
PIECE = 2**25  # bytes that the reader gets at a time: it parses ahead, which takes memory
LONGEST = 2**16  # bytes of the longest line
SAMPLE = 2**14  # bytes from which the types of columns are guessed
TRIES = 3  # each with one more column as text
WORDS = pa.dictionary(pa.int32(), pa.string())
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DATE_AND_CLOCK = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}[0-9:.]*$"
EPOCH = r"^[0-9]{9,19}$"  # may be times since 1970; floats would lose digits
Kinds = dict[str, pa.DataType]


@dataclass(frozen=True)
class Cells:
    """The columns of a text, by position from 0."""

    rows: int
    parsed: dict[int, pa.ChunkedArray]
    """Columns of numbers, times or words; their text is read on demand."""
    texts: dict[int, pa.ChunkedArray]
    read_text: Callable[[int], pa.ChunkedArray]

    def text(self, place: int) -> pa.ChunkedArray:
        """A column as text."""
        return self.texts[place] if place in self.texts else self.read_text(place)


def read_cells(
    body: pa.Buffer, marks: Marks, width: int, config: ReadConfig, *, quoted: bool
) -> Cells | None:
    """The cells of `body`; None if a row has another width or the reader gives up."""
    places = [str(place) for place in range(width)]
    as_text = dict.fromkeys(places, pa.string())
    reader = _Reader(body, marks, places, (*MISSING, *config.na), quoted=quoted)
    kinds = as_text | _kinds(reader, config)
    for _ in range(TRIES):
        try:
            table = reader.read(kinds)
        except pa.ArrowInvalid as error:
            odd = re.match(r"In CSV column #(\d+): CSV conversion error", str(error))
            if odd is None or kinds[odd[1]] == pa.string():
                return None
            kinds = kinds | {odd[1]: pa.string()}
        else:
            break
    else:
        try:
            table = reader.read(as_text)
        except pa.ArrowInvalid:
            return None
    columns = {place: _joined(column) for place, column in enumerate(table.columns)}
    texts = {place: column for place, column in columns.items() if column.type == pa.string()}
    parsed = {place: column for place, column in columns.items() if place not in texts}

    def read_text(place: int) -> pa.ChunkedArray:
        name = str(place)
        return reader.read({name: pa.string()}, only=[name]).column(0)

    return Cells(table.num_rows, parsed, texts, read_text)


class _Reader:
    """PyArrow's reader with all its options."""

    def __init__(
        self, body: pa.Buffer, marks: Marks, places: list[str], missing: tuple[str, ...], *, quoted: bool
    ) -> None:
        self.places, self.missing = places, missing
        self.body = body
        self.pieces = _pieces(body, marks.quote.encode() if quoted else b"")
        self.parse = pa.csv.ParseOptions(
            delimiter=marks.delimiter,
            quote_char=marks.quote,
            double_quote=marks.escape is None,
            escape_char=marks.escape or False,
            newlines_in_values=quoted,
        )

    def read(self, kinds: Kinds, *, only: list[str] | None = None) -> pa.Table:
        """Columns of these types; ArrowInvalid for a row of another width or a cell of another kind."""
        if not self.body.size:
            return pa.table({place: pa.array([], pa.string()) for place in only or self.places})
        return pa.concat_tables([self.piece(piece, kinds, only) for piece in self.pieces])

    def piece(self, piece: pa.Buffer, kinds: Kinds, only: list[str] | None = None) -> pa.Table:
        """The same for some whole rows."""
        if piece.size <= BLOCK:  # threads gain nothing; one that runs when the process ends may abort it
            try:
                return self._parsed(piece, kinds, only, threads=False)
            except pa.ArrowInvalid:
                pass  # only with threads the error names the column
        return self._parsed(piece, kinds, only, threads=True)

    def _parsed(self, piece: pa.Buffer, kinds: Kinds, only: list[str] | None, *, threads: bool) -> pa.Table:
        return pa.csv.read_csv(
            pa.BufferReader(piece),
            read_options=pa.csv.ReadOptions(column_names=self.places, block_size=BLOCK, use_threads=threads),
            parse_options=self.parse,
            convert_options=pa.csv.ConvertOptions(
                column_types=kinds, null_values=list(self.missing), include_columns=only, check_utf8=False
            ),
        )


def _pieces(body: pa.Buffer, quote: bytes) -> list[pa.Buffer]:
    """`body` in pieces of whole lines: the reader parses ahead, and a large piece would take much memory.

    One piece if any has an odd number of quotes: it may end inside a cell.
    """
    pieces, start, text = [], 0, np.frombuffer(body, np.uint8)
    while body.size - start > PIECE:
        feeds = np.flatnonzero(text[max(start + PIECE - LONGEST, start) : start + PIECE] == ord("\n"))
        end = max(start + PIECE - LONGEST, start) + int(feeds[-1]) + 1 if len(feeds) else start
        if end == start or (quote and np.count_nonzero(text[start:end] == ord(quote)) % 2):
            return [body]
        pieces.append(body.slice(start, end - start))
        start = end
    return [*pieces, body.slice(start)]


def _kinds(reader: _Reader, config: ReadConfig) -> Kinds:
    """The types of columns, guessed from the first rows; columns to be read as text are left out."""
    head = reader.body.slice(0, min(SAMPLE, reader.body.size)).to_pybytes()
    end = len(head) if len(head) < SAMPLE else max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    try:
        as_text = dict.fromkeys(reader.places, pa.string())
        sample = reader.piece(pa.py_buffer(head[:end]), as_text) if end else None
    except pa.ArrowInvalid:
        sample = None
    if sample is None:
        return {}
    numbers = config.decimal in (None, ".") and config.thousands is None and not config.strip
    numbers &= not any(re.fullmatch(NUMBER, word) for word in config.na)  # may have spaces around it
    times = config.date_format in (None, "iso")
    kinds = {
        place: _kind(blanked(sample.column(place), config.na), numbers=numbers, times=times)
        for place in reader.places
    }
    return {place: kind for place, kind in kinds.items() if kind is not None}


def _kind(cells: pa.ChunkedArray, *, numbers: bool, times: bool) -> pa.DataType | None:
    known = cells.drop_null()
    if not len(known):
        return None
    if numbers and all_match(known, NUMBER):
        return None if all_match(known, EPOCH) else pa.float64()
    if times and not cells.null_count and all_match(known, DATE):
        return pa.date32()
    if times and not cells.null_count and all_match(known, DATE_AND_CLOCK):
        return pa.timestamp("ns")
    odd = pc.match_substring_regex(known, f"{NUMBER_LIKE}|{TIME_LIKE}|{TIME_OF_DAY}")
    return None if pc.any(odd).as_py() else WORDS


def _joined(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of words with one dictionary, in one piece; other columns unchanged."""
    if column.type != WORDS:
        return column
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.ChunkedArray) else pa.chunked_array([whole])
