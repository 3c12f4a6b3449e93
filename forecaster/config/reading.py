"""How a source is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forecaster.config.ranges import check_ranges, check_text

Duplicates = Literal["error", "mean", "last", "first"]
Aggregate = Literal["mean", "sum", "last", "first", "max", "min", "count"]
TimeUnit = Literal["ns", "us", "ms", "s", "min", "h", "D"]
Hours = Literal["0-23", "1-24"]
BadRows = Literal["error", "skip"]
KnownFill = Literal["last", "mean"]
Layout = Literal["one", "long", "wide", "files", "across"]


@dataclass(frozen=True)
class ReadConfig:
    """What the columns mean and how the text is read. None: inferred from the whole file."""

    time: str | None = None
    id: str | None = None
    target: tuple[str, ...] | None = None
    """One name, or several value columns of a wide table. Each column of a wide table becomes a series."""
    covariates: tuple[str, ...] = ()
    """Columns whose past says something of the target; their future is unknown."""
    known: tuple[str, ...] | None = None
    """Columns whose future values are known, such as opening hours or prices; None: inferred where safe."""
    static: tuple[str, ...] = ()
    """Columns with one value for each series, such as the type of a store."""
    known_fill: KnownFill | None = None
    """What stands for missing future values of known columns; None: they are an error."""
    holidays: tuple[str, ...] = ()
    """Countries or parts of them, such as DE-BY, whose public holidays are known."""
    events: str | None = None
    """A table of events: date, name, and optionally the series and how many days."""
    positions: bool | None = None
    """Whether positions in week, month and year are known; None: beside other known covariates."""
    hierarchy: tuple[str, ...] = ()
    """Columns whose values are parts of an id, or one of ids such as north/shop: sums are forecast too."""
    layout: Layout | None = None
    """one: a single series; long: an id column; wide: each target column is a series; files: each file is;
    across: columns are times, such as years, or parts of times, such as the months of a year in each row."""
    freq: str | None = None
    """A pandas offset alias such as h, 30min, D, B, W-SUN, MS, ME, QS, YS."""
    every: str | None = None
    """A step such as 5min: readings at irregular times are resampled to this grid."""
    agg: Aggregate | None = None
    """How readings within one step of `freq` or `every` are combined; None: their mean for `every`."""
    max_gap: str | int | None = None
    """The longest gap that is filled: missing rows, a duration such as 2h, or any; None: two seasons."""
    calendar: str | None = None
    """An exchange, such as XNYS, whose holidays the library exchange_calendars knows."""
    adjust_splits: bool = False
    """Adjust prices before a jump that looks like a stock split."""
    difference: bool = False
    """Forecast the rate of a counter: the difference of each value to that of the row before."""
    delimiter: str | None = None
    encoding: str | None = None
    max_bytes: int | None = None
    """The most that a packed file may grow to; None: a multiple of its size, at least 1 GiB (gzip) or 128 MiB
    (Parquet)."""
    quote: str | None = None
    escape: str | None = None
    """The character before a quote inside a quoted cell, where quotes are not doubled."""
    header: bool | None = None
    """True: the first line is a header; False: there is none, and columns are named column_1, column_2 ..."""
    skip: int = 0
    """Lines above the table to skip, such as a preamble."""
    skip_end: int = 0
    """Lines below the table to skip, such as totals and notes."""
    decimal: str | None = None
    """Decimal mark; None: a point."""
    thousands: str | None = None
    """Thousands separator; None: inferred where a cell has only one possible reading."""
    strip: str = ""
    """Characters to remove from numbers, such as $ or %."""
    na: tuple[str, ...] = ()
    """Further words that mean a missing value."""
    date_format: str | None = None
    """iso, ymd, dmy, mdy, named, period, year; s, ms, us, ns, epoch since 1970; `s since 2020-01-01`; or a
    strptime pattern such as %d.%m.%Y."""
    start: str | None = None
    """The time of the first row, if no column holds times: rows are one step of `freq` apart."""
    time_unit: TimeUnit | None = None
    """The time column counts these from `start`; without one, from 1970."""
    hours: Hours | None = None
    """How a column of hours beside a date numbers them: 0-23, or 1-24 with the first hour of the day as 1."""
    tz: str | None = None
    """Times without a zone are in this one; times with a zone are shown in it."""
    duplicates: Duplicates = "error"
    bad_rows: BadRows = "error"
    strict: bool = False
    """Treat every repair as an error."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_text(self)

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns named beside the target: covariates and facts of the series."""
        return (*self.covariates, *(self.known or ()), *self.static)
