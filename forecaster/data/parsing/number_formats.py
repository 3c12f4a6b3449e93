"""Number formats: text as people write numbers -> text of plain decimal numbers, which `numbers` parses.

Decimal commas, thousands marks and signs are converted and reported if they can mean one thing only in the
whole column. Otherwise they are left as they are, for an error.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, repair
from forecaster.data.labels import shown
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "<NA>")
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
COMMA = r"^[+-]?([0-9]+|[0-9]{1,3}([.' \x{a0}\x{202f}\x{2019}][0-9]{3})+)(,[0-9]*)?$"
POINT_THEN_COMMA = r"^[+-]?[0-9]{1,3}([.][0-9]{3})+,[0-9]+$"  # has no other meaning
UNITS = (
    r"[\x{b0}\x{ba}] ?[CFK]|\x{2103}|\x{2109}|%|[mMkG]?Wh?|[mk]?[VA]|[hk]?Pa|mbar|in(?:Hg)?|mph|k?m/h|kmh|m/s"
    r"|kn|ms|[mck]?m|ft|ppm|ppb|[\x{b5}\x{3bc}]g/m(?:3|\x{b3})|lux|lx|dBm?|[kM]?B|bpm|k?g|lbs?|l|L|[kMG]?Hz"
    r"|EUR|USD|GBP"
)
"""Words for units beside numbers, after a space."""
LEADING, DIGITS = r"[(+\-\x{2212}]", r"[0-9.,][0-9.,'eE+\- \x{a0}\x{202f}\x{2019}]*"
SIGNS = ("$", "\N{EURO SIGN}", "\N{POUND SIGN}", "\N{YEN SIGN}", "%")
MINUS = "\N{MINUS SIGN}"
GROUPS = (
    ",",
    ".",
    "'",
    "\N{RIGHT SINGLE QUOTATION MARK}",
    " ",
    "\N{NO-BREAK SPACE}",
    "\N{NARROW NO-BREAK SPACE}",
)


def plain_numbers(
    table: Table, name: str, cells: pa.ChunkedArray, config: ReadConfig, *, comma: bool
) -> tuple[pa.ChunkedArray, list[Finding]]:
    """`cells` (trimmed text, null where missing) as plain decimal numbers, and the repairs.

    `comma`: the rest of the table shows that the decimal mark is a comma.
    """
    findings: list[Finding] = []
    for sign in config.strip:
        cells = pc.replace_substring(cells, sign, "")
    if config.strip:
        cells = pc.utf8_trim_whitespace(cells)
    cells = _without_signs(name, cells, findings)
    cells = _replaced(name, cells, MINUS, "-", "N002", "the minus sign U+2212", findings)
    in_brackets = r"^\(([0-9.,]+)\)$"
    cells = _replaced(name, cells, in_brackets, r"-\1", "N003", "numbers in brackets", findings)
    decimal = config.decimal or _decimal_mark(name, cells, comma, findings)
    if decimal not in (".", ","):
        raise UsageError(f"the decimal mark cannot be {shown(decimal)}", hint="Use a point or a comma.")
    cells = _ungrouped(table, name, cells, decimal, config.thousands, findings)
    if decimal == ",":
        cells = pc.replace_substring(cells, ",", ".")
    return cells, findings


def refuse_groups(table: Table, name: str, cells: pa.ChunkedArray) -> None:
    """DataError if all points may be thousands marks as well as decimal points, in a table with commas."""
    pointed = cells.filter(pc.match_substring(cells, ".").fill_null(False))
    grouped = pc.match_substring_regex(pointed, r"^ *[+-]?[0-9]{1,3}([.][0-9]{3})+ *$")
    if not len(pointed) or not pc.all(grouped).as_py() or pc.any(pc.match_substring(cells, ",")).as_py():
        return
    row = pc.index(pc.match_substring(cells, ".").fill_null(False), True).as_py()
    raise DataError(
        f"{table.where(row)}, column {shown(name)}: {table.cell(name, row)} may have a decimal point or "
        "groups of thousands",
        hint="Say which: --decimal . or --decimal , --thousands .",
    )


def _decimal_mark(name: str, cells: pa.ChunkedArray, comma: bool, findings: list[Finding]) -> str:
    """The decimal mark: a comma only if the table or the column shows so, and it fits every cell."""
    count = pc.sum(pc.match_substring(cells, ",")).as_py() or 0
    if not count or not pc.all(pc.match_substring_regex(cells, COMMA)).as_py():
        return "."
    if not comma and not pc.any(pc.match_substring_regex(cells, POINT_THEN_COMMA)).as_py():
        return "."
    message = f"decimal commas in column {shown(name)}"
    findings.append(repair("N006", message, count=count, action="read as --decimal ,"))
    return ","


def _without_signs(name: str, cells: pa.ChunkedArray, findings: list[Finding]) -> pa.ChunkedArray:
    """Cells without a sign such as $ or %, or a unit, if it stands beside each number of the column."""
    known = len(cells) - cells.null_count
    for sign in (*SIGNS, *_unit_of(cells)) if known > 1 else ():
        mark = re.escape(sign)
        pattern = rf"^{LEADING}?({mark} ?{LEADING}?{DIGITS}|{DIGITS} ?{mark})[)]?$"
        if all(
            pc.all(pc.match_substring_regex(some, pattern)).as_py() for some in (cells.slice(0, 1), cells)
        ):
            message = f"signs {shown(sign)} beside all numbers in column {shown(name)}"
            findings.append(repair("N009", message, count=known, action=f"read as --strip {shown(sign)}"))
            return pc.utf8_trim_whitespace(pc.replace_substring(cells, sign, ""))
    return cells


def _unit_of(cells: pa.ChunkedArray) -> list[str]:
    """The unit of the first known cell, if it has one."""
    first = cells.drop_null().slice(0, 1)
    unit = pc.struct_field(pc.extract_regex(first, rf"^[^ ]*[0-9.] (?P<unit>{UNITS})$"), "unit").to_pylist()
    return [word for word in unit if word]


def _replaced(
    name: str, cells: pa.ChunkedArray, pattern: str, by: str, code: str, what: str, findings: list[Finding]
) -> pa.ChunkedArray:
    """Cells with `pattern` replaced; a finding is added if any had it."""
    count = pc.sum(pc.match_substring_regex(cells, pattern)).as_py() or 0
    if not count:
        return cells
    message = f"{what} in column {shown(name)}"
    findings.append(repair(code, message, count=count, action="read as negative numbers"))
    return pc.replace_substring_regex(cells, pattern, by)


def _ungrouped(
    table: Table, name: str, cells: pa.ChunkedArray, decimal: str, mark: str | None, findings: list[Finding]
) -> pa.ChunkedArray:
    """Cells without thousands marks, if these are right in the whole column; DataError if one is not.

    A mark that is not set needs proof: a cell has it twice or before a decimal mark, or the mark could not be
    a decimal mark at all.
    """
    if mark is None:
        mark = next((known for known in GROUPS if known != decimal and _proven(cells, known, decimal)), None)
    elif len(mark) != 1 or mark == decimal:
        raise UsageError(f"the thousands mark cannot be {shown(mark)}", hint="Use one other character.")
    if mark is None:
        _refuse_foreign_point(table, name, cells, decimal)
        return cells
    grouped = pc.match_substring(cells, mark)
    count = pc.sum(grouped).as_py() or 0
    if not count:
        return cells
    sound = pc.match_substring_regex(cells, _grouped(mark, decimal))
    plain = pc.match_substring_regex(cells, rf"^[+-]?[0-9]{{0,3}}({re.escape(decimal)}[0-9]*)?$")
    if not pc.all(pc.or_(sound, plain)).as_py():
        odd = pc.invert(pc.or_(sound, plain)).fill_null(False)
        row = pc.index(odd, True).as_py()
        raise DataError(
            f"{table.where(row)}, column {shown(name)}: {table.cell(name, row)} is not grouped by "
            f"{shown(mark)} as other cells are",
            hint="Repair it; or set the marks: --decimal and --thousands.",
        )
    message = f"numbers in column {shown(name)} are grouped by {shown(mark)}"
    findings.append(repair("N001", message, count=count, action="read without these marks"))
    return pc.replace_substring(cells, mark, "")


def _grouped(mark: str, decimal: str) -> str:
    return rf"^[+-]?[0-9]{{1,3}}({re.escape(mark)}[0-9]{{3}})+({re.escape(decimal)}[0-9]*)?$"


def _proven(cells: pa.ChunkedArray, mark: str, decimal: str) -> bool:
    """Whether a cell proves that `mark` groups digits and is not a decimal mark."""
    group, point = re.escape(mark), re.escape(decimal)
    least = "+" if mark not in ",." else "{2,}"
    twice = rf"^[+-]?[0-9]{{1,3}}({group}[0-9]{{3}}){least}$"
    before = rf"^[+-]?[0-9]{{1,3}}({group}[0-9]{{3}})+{point}[0-9]*$"
    return bool(pc.any(pc.match_substring_regex(cells, f"{twice}|{before}")).as_py())


def _refuse_foreign_point(table: Table, name: str, cells: pa.ChunkedArray, decimal: str) -> None:
    """If the decimal mark is a comma, DataError for a point: it would be parsed as a decimal mark."""
    if decimal != ",":
        return
    row = pc.index(pc.match_substring(cells, ".").fill_null(False), True).as_py()
    if row >= 0:
        raise DataError(
            f"{table.where(row)}, column {shown(name)}: {table.cell(name, row)} has a point where the "
            "decimal mark is a comma",
            hint="If points group thousands: --thousands '.'; otherwise leave out --decimal.",
        )
