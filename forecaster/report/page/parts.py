"""What a page is made of: sections with text, tables and charts, as plain values without HTML.

All text may hold a user's words. `clean` makes them safe to show; the template escapes markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from forecaster.arrays import Floats
from forecaster.report.text import inert

LONGEST = 160
"""Characters of a user's word that a page shows."""
MOST_LISTED = 20_000
"""Series in the list of the picker at most."""


@dataclass(frozen=True)
class Table:
    """A table of text: every row has a cell for each word of the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    """How many columns, from the left, hold words; the others hold numbers."""
    strong: tuple[int, ...] = ()
    """Rows to stress."""
    shares: tuple[float, ...] = ()
    """A fraction for each row, drawn as a bar behind its last cell."""


@dataclass(frozen=True)
class Key:
    """An entry of a legend: how a line or an area looks, and what it means."""

    look: str
    """A name of a look in page.css: model, first, second …, band, actual."""
    text: str


@dataclass(frozen=True)
class Chart:
    """A figure: a sentence that says what it shows, the picture, and the same numbers as a table."""

    name: str
    """Unique within the page; lower-case letters and hyphens."""
    title: str
    text: str
    spec: dict[str, Any]
    """Vega-Lite, with its numbers."""
    table: Table
    keys: tuple[Key, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A section of the page, with an entry in the contents."""

    name: str
    """Unique within the page; lower-case letters and hyphens."""
    title: str
    short: str
    """The title in the contents: a word."""
    text: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()
    """Tables, each after its title."""
    facts: tuple[tuple[str, str], ...] = ()
    code: str = ""
    """Text to copy, such as settings."""


@dataclass(frozen=True, eq=False)
class SeriesList:
    """All series for the picker, and the data of those that have a chart."""

    target: str
    measure: str
    """The error that the list shows, such as MASE; empty: none."""
    rival: str
    """The method whose error stands beside that of the model; empty: none."""
    ids: tuple[str, ...]
    errors: Floats
    """Error of the model; NaN: not scored. Empty without errors."""
    rivals: Floats
    notes: Sequence[str]
    """What to say of each series, such as its rows."""
    charts: dict[int, dict[str, Any]]
    """Number of a series -> its data, as `series.py` packs it; the first is shown first."""
    levels: tuple[int, ...]
    text: tuple[str, ...]
    """What is shown and what is left out."""
    ahead: bool
    """True: the forecasts lie ahead of all rows; False: on held-out rows."""

    @property
    def listed(self) -> int:
        """Series in the list."""
        return min(len(self.ids), MOST_LISTED)


@dataclass(frozen=True, eq=False)
class Page:
    """A whole page."""

    kind: str
    """What it is about: Backtest, Training, Forecast, Data."""
    title: str
    summary: tuple[str, ...]
    """Short facts beneath the title."""
    verdict: str
    good: bool | None
    """Whether the verdict is good news; None: neither."""
    expect: str
    """What can and cannot be expected, in plain language."""
    series: SeriesList | None
    sections: tuple[Section, ...] = field(default=())


def clean(value: object, limit: int = LONGEST) -> str:
    """`value` as text on one line, without control and direction characters, cut where it is long."""
    text = str(value)
    cut = inert(text[:limit])
    return cut if len(text) <= limit else f"{cut}… ({len(text):,} characters)"


def amount(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: 1 row, 2 rows."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
