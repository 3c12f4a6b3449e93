"""Text for people: escaped user text, numbers of a column in one format, sparklines. Prints nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.-=+*%#"
DIGITS = 3  # significant digits of the smallest number in a column
NOTHING = "-"


def inert(value: object) -> str:
    """`value` as text on one line, safe to print on a terminal.

    Control characters, line breaks, invisible and direction-changing characters are escaped.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def numbers(values: ArrayLike, *, like: ArrayLike | None = None) -> list[str]:
    """The numbers of a column with the same number of decimals: 3 significant digits of the smallest number.

    `like`: other numbers that decide the decimals (for the bounds of an interval, its widths). Thousands are
    grouped. Very large or very small numbers get exponents. NaN is "-".
    """
    column = np.asarray(values, dtype=float)
    deciding = np.asarray(column if like is None else like, dtype=float)
    sizes = np.abs(deciding[np.isfinite(deciding) & (deciding != 0)])
    if sizes.size and (sizes.max() >= 1e7 or sizes.max() < 1e-4):
        return [_or_nothing(value, f"{value:.{DIGITS - 1}e}") for value in column]
    smallest = max(sizes.min(), 1e-4) if sizes.size else 1.0
    decimals = min(max(DIGITS - 1 - math.floor(math.log10(smallest)), 0), 5)
    return [_or_nothing(value, f"{value:,.{decimals}f}") for value in column]


def percents(fractions: ArrayLike) -> list[str]:
    """Fractions as signed percentages with one decimal: 0.142 is "+14.2"."""
    return [
        _or_nothing(value, f"{100 * value + 0.0:+,.1f}" if abs(value) >= 5e-4 else "0.0")
        for value in np.asarray(fractions, dtype=float)
    ]


def _or_nothing(value: float, text: str) -> str:
    return text if math.isfinite(value) else NOTHING


def plain(value: object) -> str:
    """A setting or fact as text: lists with commas, yes and no, few digits."""
    if value is None or value == "" or (isinstance(value, Sequence | dict) and not value):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e5 else f"{value:,.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{inert(key)} {plain(item)}" for key, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(plain(item) for item in value)
    return inert(value)


def sparkline(values: ArrayLike, width: int, *, low: float, high: float, ascii_only: bool = False) -> str:
    """`values` as at most `width` bars, scaled from `low` to `high`; a blank where nothing was observed."""
    column = np.asarray(values, dtype=float)
    bars = ASCII_BLOCKS if ascii_only else BLOCKS
    cells = np.array_split(column, min(width, len(column))) if len(column) else []
    span = (high - low) or 1.0
    line = ""
    for cell in cells:
        finite = cell[np.isfinite(cell)]
        height = (float(finite.mean()) - low) / span if finite.size else math.nan
        line += " " if math.isnan(height) else bars[min(max(int(height * len(bars)), 0), len(bars) - 1)]
    return line
