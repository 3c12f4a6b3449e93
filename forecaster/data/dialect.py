"""Dialect: how a text file is laid out: encoding, delimiter, header. Checked over the whole file."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from forecaster.data.audit import Finding, info, repair
from forecaster.data.table import listed, shown
from forecaster.errors import DataError, UsageError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SAMPLE = 100  # records by which the delimiter is chosen; the reader then checks every row
WIDE_BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
             (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
DATUM = re.compile(r"\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?)\s*")


@dataclass(frozen=True)
class Dialect:
    """What the reader is told."""

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header_lines: int
    """Lines before the first row."""


def decode(name: str, data: bytes, encoding: str | None) -> tuple[bytes, str, list[Finding]]:
    """The text as UTF-8 bytes, and its encoding. DataError for NUL bytes and what is not in the encoding."""
    found = encoding or next((label for bom, label in WIDE_BOMS if data.startswith(bom)), "utf-8")
    findings = []
    try:
        plain = codecs.lookup(found).name in ("utf-8", "ascii", "utf-8-sig")
    except LookupError:
        raise UsageError(f"unknown encoding {shown(found)}", hint="Try utf-8, latin-1 or utf-16.") from None
    if plain:
        data = data.removeprefix(codecs.BOM_UTF8)
        _check_utf8(name, data)
    else:
        data = _recode(name, data, found)
        if encoding is None:
            findings.append(repair("R001", f"{name} is {found}", count=1, action="decoded it"))
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise DataError(f"{name}, line {line}: a NUL byte; this is not text", hint="Export it as UTF-8 text.")
    return data, found, findings


def _check_utf8(name: str, data: bytes) -> None:
    if data.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), 2**24):  # in blocks, so that memory stays small
        try:
            decoder.decode(data[start : start + 2**24], final=start + 2**24 >= len(data))
        except UnicodeDecodeError as error:
            line = data[: start + error.start].count(b"\n") + 1
            raise DataError(
                f"{name}, near line {line}: byte {error.object[error.start]:#04x} is not UTF-8",
                hint="Name the encoding, such as --encoding latin-1 or --encoding cp1252.",
            ) from None


def _recode(name: str, data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except (UnicodeError, LookupError) as error:
        raise DataError(f"{name} is not {encoding}: {error}", hint="Name another --encoding.") from None


def detect(name: str, data: bytes, delimiter: str | None, encoding: str) -> tuple[Dialect, list[Finding]]:
    """The dialect of UTF-8 `data`. DataError where no reading, or more than one, is consistent."""
    delimiter = delimiter or _delimiter(name, data)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(
            f"the delimiter cannot be {shown(delimiter)}", hint="Use one character, such as ';'."
        )
    check_quotes(name, data, delimiter)
    header = next(records(name, data, delimiter), None)
    if header is None:
        raise DataError(f"{name} has no rows", hint="A header and at least two rows are needed.")
    names, findings = _names(name, header.cells)
    return Dialect(encoding, delimiter, names, header.last), findings


class Record(NamedTuple):
    """One record of the text, with the lines it begins and ends on (1-based)."""

    first: int
    last: int
    cells: list[str]


def records(name: str, data: bytes, delimiter: str) -> Iterator[Record]:
    """The records of the text, blank lines left out, read strictly one by one by Python's csv module."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    last = 0
    try:
        for cells in reader:
            if cells:
                yield Record(last + 1, reader.line_num, cells)
            last = reader.line_num
    except csv.Error as error:
        raise DataError(f"{name}, line {last + 1}: {error}", hint="Repair the line.") from error


def check_quotes(name: str, data: bytes, delimiter: str) -> None:
    """Every quote opens a field, closes one, or is doubled inside one; else DataError with its line."""
    if b'"' not in data:
        return
    text = np.frombuffer(b"\n" + data.rstrip(b"\r\n") + b"\n", np.uint8)
    at = np.flatnonzero(text == ord('"'))
    borders = np.isin(text, np.frombuffer((delimiter + "\r\n").encode(), np.uint8))
    opens, closes = at[0::2], at[1::2]
    sound_open = borders[opens - 1]
    sound_open[1:] |= opens[1:] == closes[: len(opens) - 1] + 1  # doubled: closes and opens again
    sound_close = borders[closes + 1]
    sound_close[: len(opens) - 1] |= closes[: len(opens) - 1] + 1 == opens[1:]
    wrong = np.concatenate([opens[~sound_open], closes[~sound_close], opens[len(closes) :]])
    if len(wrong):
        line = data[: int(wrong.min()) - 1].count(b"\n") + 1
        raise DataError(
            f"{name}, line {line}: a quote that is not at the border of a field, or is never closed",
            hint="Repair the line.",
        )


def _delimiter(name: str, data: bytes) -> str:
    """The one delimiter by which all records of the sample have the same width, of two fields or more."""
    sample = data[: 2**16]
    if len(sample) < len(data):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    widths = {mark: _width(sample, mark) for mark in DELIMITERS}
    fits = [mark for mark, width in widths.items() if width > 1]
    if len(fits) == 1:
        return fits[0]
    if len(fits) > 1:
        readings = "; ".join(f"{DELIMITERS[mark]}: {widths[mark]} columns" for mark in fits)
        raise DataError(
            f"{name} can be read in {len(fits)} ways ({readings})", hint="Choose one: --delimiter ','"
        )
    counts = {mark: sample.count(mark.encode()) for mark in DELIMITERS}
    if not any(counts.values()):
        raise DataError(
            f"{name} has one column only",
            hint="A time column and a value column are needed; or name the --delimiter.",
        )
    return max(counts, key=lambda mark: counts[mark])  # the reader names the first row of another width


def _width(sample: bytes, delimiter: str) -> int:
    """The common number of fields of the first records; 0 where they differ."""
    try:
        widths = {len(record.cells) for record in islice(records("", sample, delimiter), SAMPLE)}
    except DataError:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _names(name: str, header: list[str]) -> tuple[tuple[str, ...], list[Finding]]:
    """Column names from the header record, stripped, filled where empty; DataError for doubtful ones."""
    if any(DATUM.fullmatch(cell) for cell in header):
        datum = next(cell for cell in header if DATUM.fullmatch(cell))
        raise DataError(
            f"{name}: the first line looks like data ({shown(datum)}), not like a header",
            hint="Write column names into the first line.",
        )
    stripped = [cell.strip() for cell in header]
    findings = []
    changed = [cell for cell, bare in zip(header, stripped, strict=True) if cell != bare]
    if changed:
        message = f"{name}: spaces around column names ({listed(changed)})"
        findings.append(repair("R002", message, count=len(changed), action="removed them"))
    filled = [bare or f"column_{place}" for place, bare in enumerate(stripped, 1)]
    if "" in stripped:
        message = f"{name}: {stripped.count('')} columns without a name"
        findings.append(info("R003", message, count=stripped.count(""), action="named by place"))
    doubles = sorted({bare for bare in filled if filled.count(bare) > 1})
    if doubles:
        raise DataError(
            f"{name}: several columns are named {listed(doubles)}", hint="Give each its own name."
        )
    return tuple(filled), findings
