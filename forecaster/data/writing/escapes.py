"""Text that neither a terminal nor a spreadsheet obeys: JSON without control characters, cells of CSV."""

from __future__ import annotations

import json
import re
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet takes a cell that starts so for a formula; some do with the full-width forms too."""
NUMBER = re.compile(r"[+-]\d+([.,]\d+)?([eE][+-]?\d+)?")
"""A signed number, such as the id -12: it computes nothing."""
NOT_ASCII = re.compile(r"[^\n -~]")
"""Characters other than printed ASCII and the line breaks between the values of a JSON text."""


def json_text(value: Any, **options: Any) -> str:
    """`value` as JSON. Control and direction characters are escaped, as everything else that is not printed.

    `options` are those of `json.dumps`. NaN is a ValueError.
    """
    return NOT_ASCII.sub(_escaped, json.dumps(value, allow_nan=False, **options))


def _escaped(match: re.Match[str]) -> str:
    """A character of a string in JSON, as it is or as \\u and its number."""
    if match[0].isprintable():
        return match[0]
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def csv_cell(text: str) -> str:
    """A cell of CSV, with an apostrophe before what a spreadsheet would compute."""
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
