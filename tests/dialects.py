"""Generated dialects: ways to write a table as text, what can be said of each, and what it does not show."""

import dataclasses
import gzip
import random
import re
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
from data_strategies import Case, cases, on_grid
from hypothesis import strategies as st

from forecaster.config import ReadConfig

STAMPS = {  # form: its strftime pattern, and its --date-format
    "iso": ("%Y-%m-%d %H:%M:%S", "iso"),
    "iso with T": ("%Y-%m-%dT%H:%M:%S", "iso"),
    "utc": ("%Y-%m-%dT%H:%M:%SZ", "iso"),
    "offset": ("%Y-%m-%d %H:%M:%S+02:00", "iso"),
    "points": ("%d.%m.%Y %H:%M:%S", "dmy"),
    "strokes": ("%d/%m/%Y %H:%M:%S", "dmy"),
    "month first": ("%m/%d/%Y %I:%M:%S %p", "mdy"),
    "year first": ("%Y/%m/%d %H:%M:%S", "ymd"),
    "named": ("%d %b %Y %H:%M:%S", "named"),
    "named, American": ("%b %d, %Y %H:%M:%S", "named"),
    "compact": ("%Y%m%d%H%M%S", "%Y%m%d%H%M%S"),
    "two columns": ("%Y-%m-%d|%H:%M:%S", "iso"),
    "dates": ("%Y-%m-%d", "iso"),
    "dates with points": ("%d.%m.%Y", "dmy"),
    "named dates": ("%d-%b-%Y", "named"),
}
EPOCHS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
FIRST = pd.Timestamp("1973-03-04")  # from then on, numbers since 1970 show their unit
DAILY = ("D", "2D", "W-WED", "MS", "ME", "QS-FEB", "QE-DEC", "YS-APR", "YE-DEC")
ENCODINGS = ("utf-8-sig", "utf-16", "utf-32", "latin-1", "utf-16-le")
MARKS = ((".", ""), (".", ","), (".", "'"), (".", " "), (",", ""), (",", "."), (",", "\xa0"))
PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
ABOVE = ("Readings of the year", "by: a tool, version 2", "# a;b|c", "", "2024-01-01", 'the "north" side',
         'pipes of 5"', "1;2")  # fmt: skip
BELOW = ("Total", "Total;1234", "sum,99", "# 3 rows, checked", "", "Source: loggers 1, 2 and 3", "-- end --")


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    delimiter: str
    quote: str
    escape: str | None
    all_quoted: bool
    end: str
    encoding: str
    packed: bool
    header: bool
    above: tuple[str, ...]
    below: tuple[str, ...]
    decimal: str
    thousands: str
    minus: str
    missing: str
    times: str
    layout: str
    order: int | None
    """Seed of a permutation of the rows."""


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    """Any dialect, except that dates of one part of the world do not stand beside numbers of another."""
    times = draw(st.sampled_from([*STAMPS, *EPOCHS]))
    marks = [marks for marks in MARKS if marks[1] != "," or STAMPS.get(times, ("", ""))[1] != "dmy"]
    decimal, thousands = draw(st.sampled_from(marks))
    seldom = st.integers(0, 5).map(lambda number: number == 5)
    return Dialect(
        delimiter=draw(st.sampled_from(",;\t|")),
        quote="'" if draw(seldom) else '"',
        escape="\\" if draw(seldom) else None,
        all_quoted=draw(st.booleans()),
        end=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        encoding=draw(st.sampled_from(ENCODINGS)) if draw(seldom) else "utf-8",
        packed=draw(st.booleans()),
        header=not draw(seldom),
        above=tuple(draw(st.lists(st.sampled_from(ABOVE), max_size=3))) if draw(seldom) else (),
        below=tuple(draw(st.lists(st.sampled_from(BELOW), max_size=2))) if draw(seldom) else (),
        decimal=decimal,
        thousands=thousands,
        minus=draw(st.sampled_from("--\N{MINUS SIGN}")),
        missing=draw(st.sampled_from(["", "NA", "null"])),
        times=times,
        layout=draw(st.sampled_from(["one", "long", "wide"])),
        order=draw(st.none() | st.integers(0, 99)),
    )


@dataclass(frozen=True)
class Sheet:
    """One table in one dialect."""

    how: Dialect
    case: Case
    names: list[str]
    rows: list[list[str]]
    truth: dict[str, pd.Series]
    """Each series on its grid, by time in UTC, by pandas alone."""
    apparent: dict[str, pd.Series]
    """The same, where every cell of a column that is a plain number is one: nothing shows otherwise."""

    def written(self) -> bytes:
        """The file."""
        records = [self.names, *self.rows] if self.how.header else self.rows
        lines = [self.how.delimiter.join(self._cell(text) for text in cells) for cells in records]
        text = "".join(line + self.how.end for line in (*self.how.above, *lines, *self.how.below))
        data = text.encode(self.how.encoding)
        return gzip.compress(data, mtime=0) if self.how.packed else data

    def _cell(self, text: str) -> str:
        quote, escape = self.how.quote, self.how.escape or self.how.quote
        if not self.how.all_quoted and not any(mark in text for mark in (self.how.delimiter, quote, escape)):
            return text
        if escape != quote:
            text = text.replace(escape, escape * 2)
        return quote + text.replace(quote, escape + quote) + quote

    @property
    def file_name(self) -> str:
        """A name with the right ending."""
        return "x.csv.gz" if self.how.packed else "x.csv"

    def roles(self) -> ReadConfig:
        """Which columns are what."""
        names = self.called()
        times = 2 if self.how.times == "two columns" else 1
        rest = names[times:]
        series = rest.pop(0) if self.how.layout == "long" else None
        layout = "wide" if len(rest) > 1 else "long" if series else "one"
        return ReadConfig(time="+".join(names[:times]), id=series, target=tuple(rest), layout=layout)

    def options(self) -> ReadConfig:
        """Every option that describes the file."""
        how = self.how
        return dataclasses.replace(
            self.roles(),
            freq=self.case.alias,
            delimiter=how.delimiter,
            encoding=how.encoding,
            quote=how.quote,
            escape=how.escape,
            header=how.header,
            skip=len(how.above),
            skip_end=sum(line != "" for line in how.below),
            decimal=how.decimal,
            thousands=how.thousands or None,
            date_format=STAMPS[how.times][1] if how.times in STAMPS else how.times,
        )

    def called(self) -> list[str]:
        """What the reader calls the columns."""
        return self.names if self.how.header else [f"column_{at}" for at in range(1, len(self.names) + 1)]


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """A generated table in a generated dialect."""
    how = draw(dialects())
    case = draw(cases(DAILY) if "dates" in how.times else cases())
    frame = case.frame
    if "dates" in how.times:
        frame = frame.assign(ds=frame["ds"].dt.floor("D"))
    if how.layout == "one":
        frame = frame[frame["id"] == frame["id"].iloc[0]].assign(id="y")
    if how.times in EPOCHS and frame["ds"].min() < FIRST:
        how = dataclasses.replace(how, times="iso")
    letters = "".join(frame["id"]) + how.minus
    if how.encoding == "latin-1" and any(ord(letter) > 255 for letter in letters):
        how = dataclasses.replace(how, encoding="utf-8")
    return sheet(how, Case(case.alias, frame))


def sheet(how: Dialect, case: Case) -> Sheet:
    """The table in this dialect."""
    frame = case.frame.assign(cell=[number(value, how) for value in case.frame["y"]])
    if how.layout == "wide":
        table = frame.pivot(index="ds", columns="id", values="cell").fillna(how.missing)
        stamps, ids = table.index, list(table.columns)
        cells = table.to_numpy().tolist()
    else:
        stamps, ids = pd.DatetimeIndex(frame["ds"]), ["y"]
        cells = frame[["id", "cell"] if how.layout == "long" else ["cell"]].to_numpy().tolist()
    names = [
        *(["Date", "Time"] if how.times == "two columns" else ["ds"]),
        *(["id"] if how.layout == "long" else []),
    ]
    rows = [[*time, *rest] for time, rest in zip(times(stamps, how), cells, strict=True)]
    if how.order is not None:
        random.Random(how.order).shuffle(rows)
    made = Sheet(how, case, names + ids, rows, {}, {})
    called = dict(zip(made.names, made.called(), strict=True))
    shift = pd.Timedelta(hours=2 if how.times == "offset" else 0)

    def by_series(table: pd.DataFrame) -> dict[str, pd.Series]:
        if how.layout != "long":
            table = table.assign(id=table["id"].map(called))
        found = on_grid(Case(case.alias, table))
        return {name: series.set_axis(series.index - shift) for name, series in found.items()}

    return dataclasses.replace(made, truth=by_series(case.frame), apparent=by_series(seemingly(frame, how)))


def times(stamps: pd.DatetimeIndex, how: Dialect) -> list[list[str]]:
    """Each time as the cells it is written in."""
    if how.times in EPOCHS:
        return [[str(ns // EPOCHS[how.times])] for ns in stamps.as_unit("ns").asi8.tolist()]
    return [text.split("|") for text in stamps.strftime(STAMPS[how.times][0])]


def number(value: float, how: Dialect) -> str:
    """A number as it is written here; to the last bit, whatever the marks."""
    if value != value:
        return how.missing
    text = str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if how.thousands:
        text = format(Decimal(text), "f")
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, part = digits.partition(".")
    if how.thousands:
        whole = re.sub(r"(?<=[0-9])(?=(?:[0-9]{3})+$)", how.thousands, whole)
    return (
        sign.replace("-", how.minus) + whole + (how.decimal if point else "") + part.replace("-", how.minus)
    )


def seemingly(frame: pd.DataFrame, how: Dialect) -> pd.DataFrame:
    """The values that the cells show, where each of a column is a plain number by itself."""
    parts = []
    for _, part in frame.groupby("id") if how.layout == "wide" else [("", frame)]:
        cells = part["cell"].where(part["cell"] != how.missing)
        if all(PLAIN.fullmatch(text) for text in cells.dropna()):
            part = part.assign(y=cells.astype(float))
        parts.append(part)
    return pd.concat(parts).sort_values(["id", "ds"])
