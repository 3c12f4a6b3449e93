"""Looks: what a cell, a column or a first line seems to hold, before it is parsed.

Reading and roles ask here to choose a type, a header or a column. `numbers` and `times` then parse strictly.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from forecaster.data.parsing.number_formats import NUMBER, UNITS
from forecaster.data.parsing.numbers import blanked, is_text
from forecaster.data.parsing.time_formats import NAMED, PERIOD_LIKE, WEEKDAY

NUMBER_LIKE = (  # a number as people write it, in apostrophes too
    r"^'?[(]?[+\-\x{2212}]?([$€£¥] ?[(]?-?)?"
    r"[0-9]{1,3}(\\?[,.' \x{a0}\x{202f}\x{2019}]?'?[0-9]{3})*([.,][0-9]*)?"
    rf"([eE][+-]?[0-9]+)?( ?[%$€£¥]| (?:{UNITS}))?[)]?'?$|" + NUMBER
)
TIME_LIKE = (
    r"^[0-9]{4}[-/.] ?[0-9]{1,2}[-/.] ?[0-9]{1,2}[.]?([T ].*)?$"
    r"|^[0-9]{1,2}[-/.] ?[0-9]{1,2}[-/.] ?[0-9]{2,4}([T ,].*)?$"
    r"|^[0-9]{1,2}[- ][A-Za-z]{3,9}\.?[- ,]+[0-9]{2,4}|^[A-Za-z]{3,9}\.? [0-9]{1,2},? [0-9]{4}"
    r"|^[0-9]{4}[- ][A-Za-z]{3}[- ][0-9]{1,2}|^[0-9]{4}-[0-9]{2}$|^[0-9]{8}[T :][0-9]{4,6}$"
    rf"|^[0-9]{{1,2}}{NAMED}[0-9]{{2,4}}|^{NAMED}\.?[- ][0-9]{{4}}$|^[0-9]{{4}}[- ]{NAMED}$"
    r"|^[0-9]{1,2}/[0-9]{4}$|^[0-9]{4}/[0-9]{1,2}$|^[0-9]{4}[- ]?Q[1-4]$|^Q[1-4][- /]?[0-9]{4}$"
    rf"|^[0-9]{{4}}-?W[0-9]{{2}}$|^[A-Za-z]{{3,9}}-[0-9]{{1,2}}-[0-9]{{4}}|{PERIOD_LIKE}"
    rf"|^{WEEKDAY[:-1]}[A-Za-z0-9]+ .*[0-9]{{4}}"
)
TIME_OF_DAY = (
    r"^ *[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?( ?[AaPp][Mm]?)?( ?(Z|[+-][0-9]{2}:?[0-9]{2}))? *$"
    r"|^ *[0-9]{2}[.][0-9]{2}[.][0-9]{2} *$"
)
DATE_ONLY = (
    r"^ *([0-9]{4}[-/.] ?[0-9]{1,2}[-/.] ?[0-9]{1,2}[.]?|[0-9]{1,2}[-/.] ?[0-9]{1,2}[-/.] ?[0-9]{2,4}"
    rf"|[0-9]{{1,2}}[- ]?{NAMED}\.?[- ,]*[0-9]{{2,4}}|{NAMED}\.?[- ][0-9]{{1,2}},?[- ][0-9]{{2,4}}"
    rf"|[0-9]{{4}}[- ]{NAMED}[- ][0-9]{{1,2}}) *$"
)
SWITCHES = {"true": 1, "false": 0, "on": 1, "off": 0, "yes": 1, "no": 0}
"""Words for 1 and 0, in small letters."""
DATE_CELL = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?\s*")
_NUMBER_CELL = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[(]?[+\-−$€£¥]*\d[\d,.'’ \xa0\u202f]*[)%]?"
_NAMED_DATE = r"(\d{1,2}|\d{4})[- ][A-Za-z]{3,9}\.?[- ,]+\d{1,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
DATA_CELL = re.compile(rf"\s*({_NUMBER_CELL}|({_NAMED_DATE})([ T,].*)?)\s*|{DATE_CELL.pattern}")
TIME_NAMES = ("ds", "timestamp", "datetime", "date time", "time", "date", "ts", "epoch", "period", "day",
              "month", "year", "quarter", "week", "yr", "jahr", "année", "año", "anno", "jaar",
              "rok", "time period", "yyyymmdd")  # fmt: skip


def plain(name: str) -> str:
    """A column name as lower-case words: 'Adj Close', 'adj_close', '<adjClose>', '5. adj close' are one."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"^[0-9]+\. ", "", name.strip("<>* ")))
    return re.sub(r"[\s_\-.]+", " ", words).strip().lower()


def is_time_name(name: str) -> bool:
    """Whether a column of this name usually holds times."""
    return plain(name) in TIME_NAMES


def data_cell(line: list[str]) -> str | None:
    """The first cell by which a first line looks like data; None for a header.

    Beside the name of a time column, numbers such as years may be names too; dates may not.
    """
    if any(map(is_time_name, line)) and not any(map(DATE_CELL.fullmatch, line)):
        return None
    return next(filter(DATA_CELL.fullmatch, line), None)


def kind_of_cells(cells: pa.ChunkedArray, na: tuple[str, ...]) -> str:
    """time, number, text or empty: what most cells of text look like."""
    cells = blanked(cells, na).drop_null()
    if not len(cells):
        return "empty"
    for kind, pattern in (("number", NUMBER_LIKE), ("time", TIME_LIKE)):
        if pc.sum(pc.match_substring_regex(cells, pattern)).as_py() * 2 > len(cells):
            return kind
    return "text"


def all_match(cells: pa.ChunkedArray, pattern: str) -> bool:
    """Whether all cells that are not null match. The first cell is tried alone, since it usually decides."""
    return all(
        bool(pc.all(pc.match_substring_regex(some, pattern)).as_py()) for some in (cells.slice(0, 1), cells)
    )


def are_switches(cells: pa.ChunkedArray) -> bool:
    """Whether a column holds two states: bits, or words such as TRUE and FALSE or on and off."""
    if pa.types.is_boolean(cells.type):
        return True
    if not is_text(cells.type):
        return False
    return all_match(blanked(cells), f"^(?i:{'|'.join(SWITCHES)})$") and cells.null_count < len(cells)
