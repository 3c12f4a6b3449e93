"""Dialect: the delimiter, quotes and header of a text. What is inferred is checked on the whole text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from forecaster.config import ReadConfig
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import data_cell
from forecaster.data.reading.header import Heading, find_header
from forecaster.data.reading.layouts.across import may_be_times
from forecaster.data.reading.layouts.row_names import row_names
from forecaster.data.reading.layouts.stacking import free_name
from forecaster.data.reading.preamble import header_below, is_table
from forecaster.data.reading.records import LINE_END, Marks, Record, records, split, widths
from forecaster.data.reading.row_scanner import Segment, scan_rows
from forecaster.errors import DataError, UsageError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
USUAL = (",", ";", "\t", "|")
MOST_NAMES = 3  # in a header, if only the rows may end with a delimiter
SAMPLE = 2**16  # bytes on which delimiters are compared; the chosen one is checked on the whole text
EXCEL = re.compile(rb'"?sep=([^\r\n"])"?(?:\r\n|\r|\n)')


@dataclass(frozen=True)
class Dialect:
    """How a text has to be read."""

    marks: Marks
    names: tuple[str, ...]
    start: int
    """The first byte of the rows."""
    trailing: bool = False
    """Each row ends with a delimiter, but the header does not."""
    above: tuple[Record, ...] = ()
    """Lines above the header, left out under `--bad-rows skip`."""
    row_names: bool = False
    """The first column numbers the rows, and has no name in the header."""

    @property
    def width(self) -> int:
        """Cells of a row."""
        return len(self.names) + self.trailing


def detect(name: str, data: bytes, config: ReadConfig) -> tuple[Dialect, list[Finding]]:
    """The dialect of UTF-8 `data`. DataError if no dialect fits, or several do."""
    start, declared = _beginning(data, config)
    marks, findings = _marks(name, data, start, config, declared)
    header = next(records(data, marks, None, start), None)
    if header is None:
        raise DataError(f"{name} has no rows", hint="A header and at least two rows are needed.")
    above: tuple[Record, ...] = ()
    lenient = config.bad_rows == "skip"
    if config.header is None and not (lenient and find_header(data, marks, start, config)):
        header, above = _without_preamble(data, marks, start, header)
    trailing = not header.fault and _is_trailing(data, marks, header)
    rows = row_names(data, marks, header) if config.header is None and not trailing else ""
    if lenient and not above and config.header is not False and not trailing and not rows:
        heading = find_header(data, marks, start, config)
        if heading and (heading.repaired or heading.above):
            return _headed(name, data, marks, heading, config, findings)
    if header.fault:
        raise DataError(
            f"{name}, line {header.line}: {header.fault}, in the header",
            hint="Repair the line; or set --time, --target and --bad-rows skip.",
        )
    try:
        cells = split(data[header.start : header.end], marks)
    except UnicodeDecodeError:
        raise DataError(
            f"{name}, line {header.line}: the header is not UTF-8",
            hint="Set the encoding, such as --encoding latin-1 or --encoding cp1252.",
        ) from None
    if config.header is False:
        names = tuple(f"column_{place}" for place in range(1, len(cells) + 1))
        return Dialect(marks, names, start), findings
    if rows:
        cells = [free_name(["row name" if rows == "counter" else "time", "row"], cells), *cells]
        named = "left out" if rows == "counter" else f"named {shown(cells[0])}"
        message = f"{name}: the first column holds row names, without a name in the header"
        findings.append(info("L006", message, action=named))
    findings += _left_above(name, data, above)
    above_it = _above(data, marks, header)
    sure = config.header is True or config.layout == "across" or may_be_times(cells, config.date_format)
    names, more = _names(name, header.line, cells, sure=sure, above=above_it)
    dialect = Dialect(marks, names, _below(data, header), trailing, row_names=rows == "counter")
    return dialect, findings + more


def _without_preamble(
    data: bytes, marks: Marks, start: int, first: Record
) -> tuple[Record, tuple[Record, ...]]:
    """The header and the lines above it; the first line, where no table seems to begin below it."""
    header = header_below(data, marks, start)
    if header is None:
        return first, ()
    return header, tuple(records(data, marks, None, start, stop=header.start))


def _left_above(name: str, data: bytes, above: tuple[Record, ...]) -> list[Finding]:
    if not above:
        return []
    texts = [shown(data[line.start : line.end].decode("utf-8", "replace")) for line in above[:SHOWN]]
    places = [f"line {line.line}: {text}" for line, text in zip(above[:SHOWN], texts, strict=True)]
    return [
        repair("R014", f"{name}: lines above the header", count=len(above), places=places, action="left out")
    ]


def _headed(
    name: str, data: bytes, marks: Marks, heading: Heading, config: ReadConfig, findings: list[Finding]
) -> tuple[Dialect, list[Finding]]:
    """The dialect with a header that is damaged or not the first line."""
    line = heading.record.line
    names, more = _names(name, line, heading.cells, sure=config.header is True)
    if heading.repaired:
        message = f"{name}: the header is damaged: {heading.repaired}"
        action = "used the names that fit one column only"
        findings.append(repair("R008", message, count=1, places=[f"line {line}"], action=action))
    above = tuple(record._replace(fault=record.fault or "above the header") for record in heading.above)
    return Dialect(marks, names, _below(data, heading.record), above=above), findings + more


def _above(data: bytes, marks: Marks, header: Record) -> int:
    """How many lines stand above the first one that has as many cells as most lines."""
    counts = widths(data[header.start : header.start + SAMPLE], marks)
    width, count = max(counts.items(), key=lambda item: item[1])
    if width < 2 or 2 * count <= counts.total() or width == header.width:
        return header.line - 1
    lines = records(data, marks, width, header.start, line=header.line)
    return next((record.line for record in lines if not record.fault), header.line) - 1


def _below(data: bytes, header: Record) -> int:
    """Where the rows begin."""
    end = LINE_END.search(data, header.end)
    return end.end() if end else len(data)


def line_start(data: bytes, count: int) -> int:
    """Where the line after the first `count` lines begins."""
    place = 0
    for _ in range(count):
        end = LINE_END.search(data, place)
        if end is None:
            return len(data)
        place = end.end()
    return place


def _beginning(data: bytes, config: ReadConfig) -> tuple[int, str | None]:
    """Where the header begins, and the delimiter that a first line such as `sep=;` names."""
    place = line_start(data, config.skip)
    excel = EXCEL.match(data, place)
    return (excel.end(), excel[1].decode("latin-1")) if excel else (place, None)


def _marks(
    name: str, data: bytes, start: int, config: ReadConfig, declared: str | None
) -> tuple[Marks, list[Finding]]:
    """The marks that give all records the same width; else the likeliest, which the reader then checks."""
    delimiter, quote, escape = config.delimiter or declared, config.quote or '"', config.escape
    _check_marks(delimiter=delimiter, quote=quote, escape=escape)
    usual = [Marks(mark, quote, escape) for mark in ([delimiter] if delimiter else USUAL) if mark != quote]
    sample = data[start : start + SAMPLE]
    cut = len(sample) < len(data) - start
    fits = [marks for marks in usual if _width(sample, marks, cut=cut)]
    if len(fits) > 1 and _has_compound_first_cell(sample, fits):
        fits = [marks for marks in fits if marks.delimiter == "\t"]
    if len(fits) > 1:
        fits = [marks for marks in fits if _holds(data, marks, start, _width(sample, marks, cut=cut))] or fits
    if len(fits) > 1:
        fits = _clear(data, fits, start, config)
    if len(fits) > 1:
        raise _several(name, sample, fits)
    if fits:
        return fits[0], []
    if config.quote is None and escape is None:
        for marks, words in _unusual(data, start, delimiter):
            width = _width(sample, marks, cut=cut)
            if width and _holds(data, marks, start, width):
                message = f"{name} is written with {words}"
                return marks, [info("R007", message)]
    likeliest = _likeliest(name, sample, usual, one=config.start is not None)
    likeliest = likeliest if len(likeliest) == 1 else _clear(data, likeliest, start, config)
    if len(likeliest) > 1:
        raise _different(name, data, sample, likeliest, config)
    return likeliest[0], []


def _clear(data: bytes, rivals: list[Marks], start: int, config: ReadConfig) -> list[Marks]:
    """The one of the rivals that divides the text into a table; all of them, if none or several do."""
    marks = {each.delimiter for each in rivals}
    tables = [
        each
        for each in rivals
        if is_table(data, each, start, "".join(marks - {each.delimiter}), header=config.header)
    ]
    return tables if len(tables) == 1 else rivals


def _has_compound_first_cell(sample: bytes, fits: list[Marks]) -> bool:
    """Whether tabs divide all lines and every comma stands before the first one, as Eurostat writes keys."""
    if {marks.delimiter for marks in fits} != {",", "\t"}:
        return False
    lines = [line for line in LINE_END.split(sample) if line]
    return not any(b"," in line.partition(b"\t")[2] for line in lines)


def _check_marks(**marks: str | None) -> None:
    chosen = {what: mark for what, mark in marks.items() if mark is not None}
    for what, mark in chosen.items():
        if len(mark) != 1 or not mark.isascii() or mark in "\r\n":
            raise UsageError(f"the {what} cannot be {shown(mark)}", hint="Use one character, such as ';'.")
    if len(set(chosen.values())) < len(chosen):
        raise UsageError("delimiter, quote and escape are the same", hint="Use three different characters.")


def _width(text: bytes, marks: Marks, *, cut: bool = False) -> int:
    """The number of cells of every record, two or more; 0 if they differ or a record is damaged.

    `cut`: the text is a sample, which may end in the middle of a record.
    """
    counts = widths(text, marks)
    several = [(count, width) for width, count in counts.items() if width > 1]
    if not several or counts[1] > max(several)[0]:
        return 0
    width = max(several)[1]
    header = True
    for record in records(text, marks, width):
        if cut and record.end + 2**12 > len(text):
            break
        trailing = header and record.width == width - 1 and _lacks_name(text, marks, record)
        if record.fault and not trailing:
            return 0
        header = False
    return width


def _holds(data: bytes, marks: Marks, start: int, width: int) -> bool:
    """Whether all records of the text have `width` cells; a header may have one less."""
    rows = scan_rows(data, marks, width, start) if marks.simple else records(data, marks, width, start)
    for place, row in enumerate(rows):
        if isinstance(row, Segment) or not row.fault:
            continue
        if place or row.width != width - 1 or not _lacks_name(data, marks, row):
            return False
    return True


def _is_trailing(data: bytes, marks: Marks, header: Record) -> bool:
    """Whether the first rows all have one more cell than the header, an empty one at the end.

    False for a header of many names: it may lack a delimiter, which would shift the columns.
    """
    end = LINE_END.search(data, header.end)
    if end is None or header.width > MOST_NAMES:
        return False
    rows = data[end.end() : end.end() + SAMPLE]
    lines = [line for line in LINE_END.split(rows)[: -1 if len(rows) == SAMPLE else None] if line]
    return set(widths(b"\n".join(lines), marks)) == {header.width + 1} and all(
        line.endswith(marks.delimiter.encode()) for line in lines
    )


def _lacks_name(data: bytes, marks: Marks, header: Record) -> bool:
    """Whether a header has a reason to be one cell shorter than the rows."""
    return _is_trailing(data, marks, header) or bool(row_names(data, marks, header))


def _unusual(data: bytes, start: int, delimiter: str | None) -> list[tuple[Marks, str]]:
    """Rarer dialects that the text hints at, each with its description."""
    some = [delimiter] if delimiter else list(USUAL)
    tries = [(Marks(mark, spaced=True), "spaces around quotes") for mark in some if b'"' in data]
    if b'\\"' in data:
        tries += [(Marks(mark, escape="\\"), "quotes escaped by backslashes") for mark in some]
    if b"'" in data:
        marks = [Marks(mark, "'") for mark in some]
        if b'"' in data:  # then apostrophes need proof that they are quotes
            marks = [each for each in marks if _holds_delimiters(data, each)]
        tries += [(each, "apostrophes as quotes") for each in marks]
    first = LINE_END.search(data, start)
    top = data[start : first.start() if first else None]
    if delimiter is None and not any(mark.encode() in top for mark in USUAL):
        tries.append((Marks(" "), "spaces between cells"))
    return tries


def _holds_delimiters(data: bytes, marks: Marks) -> bool:
    """Whether a quoted cell holds a delimiter."""
    return any(marks.delimiter.encode() in cell[0] for cell in marks.patterns.quoted.finditer(data))


def _several(name: str, sample: bytes, fits: list[Marks]) -> DataError:
    readings = "; ".join(f"{DELIMITERS[marks.delimiter]}: {_width(sample, marks)} columns" for marks in fits)
    return DataError(
        f"{name} can be read in {len(fits)} ways ({readings})",
        hint=f"Choose one: {' or '.join(map(_option, fits))}",
    )


def _option(marks: Marks) -> str:
    """The option for a delimiter as a shell takes it."""
    return "--delimiter " + ("$'\\t'" if marks.delimiter == "\t" else f"'{marks.delimiter}'")


def _likeliest(name: str, sample: bytes, usual: list[Marks], *, one: bool) -> list[Marks]:
    """The marks that give most lines the same number of cells, two or more, then those that come near.

    `one`: one cell is enough.
    """
    if len(usual) == 1:
        return usual
    shares = {marks: _share(sample, marks) for marks in usual}
    best = max(usual, key=lambda marks: shares[marks])
    if not shares[best] and one:
        return [best]
    if not shares[best]:
        raise DataError(
            f"{name} has one column only",
            hint="A time column and a value column are needed; or set the --delimiter. If it holds values, "
            "one step apart, say when the first was: --start 2020-01-01 --freq D.",
        )
    return [best, *(marks for marks in usual if marks != best and 2 * shares[marks] > shares[best])]


def _share(sample: bytes, marks: Marks) -> int:
    """How many lines have the commonest number of cells, two or more."""
    return max((count for width, count in widths(sample, marks).items() if width > 1), default=0)


def _different(name: str, data: bytes, sample: bytes, rivals: list[Marks], config: ReadConfig) -> DataError:
    readings = "; ".join(f"{DELIMITERS[m.delimiter]}: {_share(sample, m)} lines" for m in rivals)
    choices = [choice for marks in rivals if (choice := _choice(name, data, marks, config))]
    hint = f"If one delimiter is right, set it: {' or '.join(choices)}." if choices else "Repair the file."
    return DataError(
        f"{name}: the lines have different numbers of cells, with any delimiter ({readings})", hint=hint
    )


def _choice(name: str, data: bytes, marks: Marks, config: ReadConfig) -> str:
    """The options with which the text is read, damaged rows left out if need be; empty if there are none."""
    tries = {"": config.bad_rows, " --bad-rows skip": "skip"}
    for more, bad_rows in tries.items():
        try:
            chosen = replace(config, delimiter=marks.delimiter, bad_rows=bad_rows)
            dialect, _ = detect(name, data, chosen)
        except DataError:
            continue
        counts = widths(data, dialect.marks, dialect.start)
        good = counts[dialect.width] if dialect.width > 1 else 0
        damaged = counts.total() - good + len(dialect.above)
        if good and (not damaged or (bad_rows == "skip" and damaged <= good)):
            return _option(marks) + more
    return ""


def _names(
    name: str, line: int, header: list[str], *, sure: bool, above: int = 0
) -> tuple[tuple[str, ...], list[Finding]]:
    """Column names from the header, without spaces around them; empty ones are filled in.

    `above`: lines above the apparent table. DataError for a line of data and for names that repeat.
    """
    datum = None if sure else data_cell(header)
    if datum is not None:
        raise DataError(
            f"{name}, line {line}: the first line looks like data ({shown(datum)}), not like a header",
            hint=f"If the table begins in line {above + 1}: --skip {above}."
            if above >= line
            else "If there is no header: --no-header, which names columns column_1, column_2 ...; "
            "if this is the header: --header; if it is and its cells are the times of the values below: "
            "--layout across; if lines stand above it: --skip N.",
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
        findings.append(info("R003", message, count=stripped.count(""), action="named by position"))
    repeated = sorted({bare for bare in filled if filled.count(bare) > 1})
    if repeated:
        by_position = f"--skip {line} --no-header"
        raise DataError(
            f"{name}: several columns are named {listed(repeated)}",
            hint=f"Give each its own name; or name columns by position, such as {by_position}.",
        )
    return tuple(filled), findings
