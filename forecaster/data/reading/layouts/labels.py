"""Labels: what column names and cells such as 1960, Jan, Q3 or 1/22/20 mean as times or parts of times."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import DAY, MONTHS
from forecaster.data.parsing.looks import TIME_LIKE, plain
from forecaster.data.parsing.time_formats import NAMED
from forecaster.data.parsing.times import parse_times
from forecaster.data.table import Part, Table
from forecaster.errors import ForecasterError

YEAR = re.compile(r"(?:[XYxy]|YR)?((?:1[5-9]|2[01])[0-9]{2})(?:\.0| \[YR[0-9]{4}\])?")
MONTH = re.compile(rf"(?:(?P<name>{NAMED})\.?|(?:m|month)?[ _]?(?P<number>0?[1-9]|1[0-2])(?:\.0)?)", re.I)
QUARTER = re.compile(r"(?:q|qtr|quarter)[ ._]?([1-4])|([1-4])(?:q|st|nd|rd|th)?(?: ?quarter)?(?:\.0)?", re.I)
WEEK = re.compile(r"(?:w|wk|week|kw)?[ ._]?(0?[1-9]|[1-4][0-9]|5[0-3])(?:\.0)?", re.I)
HOUR = re.compile(r"(?:(?P<ending>he)|h|hr|hour)[ ._]?(?P<hour>[0-9]{1,2})", re.I)
CLOCK = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::00)?")
TIME_LABEL = re.compile(
    rf"{YEAR.pattern}|{TIME_LIKE}|{NAMED}\.?[-' ][0-9]{{2}}|[0-9]{{2}}[-' ]{NAMED}|[0-9]{{4}}-?M[0-9]{{1,2}}"
)
SHORT = ("%m/%d/%y", "%d/%m/%y", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%y", "%y-%m-%d", "%m-%d-%y", "%d-%m-%y",
         "%b-%y", "%b %y", "%b'%y", "%B-%y", "%B %y", "%y-%b", "%YM%m", "%Y-M%m")  # fmt: skip
MOST_DISTINCT = 1000  # years, or parts of a year
FEWEST = 3  # columns named by times
YEAR_NAMES = ("year", "yr", "years", "jahr", "année", "annee", "año", "ano", "anno", "jaar", "rok", "år",
              "fiscal year", "calendar year")  # fmt: skip
MONTH_NAMES = ("month", "months", "mon", "mo", "monat", "mois", "mes", "mês", "mese", "maand", "month name")
QUARTER_NAMES = ("quarter", "qtr", "q", "quartal", "trimestre", "trimester", "kwartaal")
WEEK_NAMES = ("week", "wk", "weeks", "week no", "week number", "week of year", "iso week", "isoweek", "kw",
              "woche", "semaine", "semana")  # fmt: skip


def year(text: str) -> int | None:
    """The year of `1960`, `X1960`, `YR1960` or `1960 [YR1960]`."""
    match = YEAR.fullmatch(text.strip())
    return int(match[1]) if match else None


def month(text: str) -> int | None:
    """1 … 12, of `Jan`, `January`, `1`, `01` or `M01`."""
    match = MONTH.fullmatch(text.strip())
    if match is None:
        return None
    if match["number"]:
        return int(match["number"])
    return [name.lower() for name in MONTHS].index(match["name"][:3].lower()) + 1


def quarter(text: str) -> int | None:
    """1 … 4, of `Q1`, `1Q`, `1` or `1st quarter`."""
    match = QUARTER.fullmatch(text.strip())
    return int(match[1] or match[2]) if match else None


def week(text: str) -> int | None:
    """1 … 53, of `1`, `W01` or `week 1`."""
    match = WEEK.fullmatch(text.strip())
    return int(match[1]) if match else None


def numbers(table: Table, name: str, part: Callable[[str], int | None]) -> Ints | None:
    """The number that each cell of a column stands for (R,); None if a cell stands for none."""
    column = table.parsed.get(name, table.columns[name])
    if pa.types.is_temporal(column.type):
        return None
    text = column.cast(pa.string())
    distinct = pc.unique(text)
    if not 0 < len(distinct) <= MOST_DISTINCT:
        return None
    meanings = [part(cell or "") for cell in distinct.to_pylist()]
    if None in meanings:
        return None
    return np.array(meanings, np.int64)[pc.index_in(text, value_set=distinct).to_numpy()]


def is_named(name: str, names: Sequence[str]) -> bool:
    """Whether a column has one of these names."""
    return plain(name) in names


def month_columns(names: Sequence[str]) -> dict[str, int]:
    """The column of each of the twelve months; empty unless each month has exactly one."""
    return _each_once({name: month(name) for name in names}, 12)


def quarter_columns(names: Sequence[str]) -> dict[str, int]:
    """The column of each of the four quarters; empty unless each has exactly one."""
    named = {name: quarter(name) for name in names if not name.strip().isdigit()}
    return _each_once(named, 4)


def _each_once(numbers: dict[str, int | None], count: int) -> dict[str, int]:
    found = {name: number for name, number in numbers.items() if number is not None}
    if sorted(found.values()) != list(range(1, count + 1)):
        return {}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def clock_columns(names: Sequence[str]) -> dict[str, int]:
    """Columns named by the hours or half hours of a day: the minute of the day when each begins.

    24 columns `HE1 … HE24` or `H1 … H24` are hours that end then, `H0 … H23` such that begin.
    """
    hours = {name: match for name in names if (match := HOUR.fullmatch(name.strip()))}
    numbers = {name: int(match["hour"]) for name, match in hours.items()}
    if sorted(numbers.values())[:24] in (list(range(24)), list(range(1, 25))) and len(numbers) <= 25:
        first = min(numbers.values())
        return {name: 60 * (number - first) for name, number in numbers.items() if number < 24 + first}
    clocks = {name: match for name in names if (match := CLOCK.fullmatch(name.strip()))}
    minutes = {name: 60 * int(match["hour"]) + int(match["minute"]) for name, match in clocks.items()}
    steps = set(np.diff(sorted(minutes.values())).tolist())
    return minutes if len(minutes) >= 12 and len(steps) == 1 and len(minutes) * steps.pop() == 1440 else {}


def time_columns(names: Sequence[str], form: str | None) -> dict[str, int]:
    """Columns named by times: ns since 1970 of each, in order of time; empty unless there is one reading.

    `form`: a format of dates, as of --date-format.
    """
    found = [name for name in names if TIME_LABEL.fullmatch(name.strip())]
    if form and "%" in form:
        found = [name for name in names if not pd.isna(_by_pattern([name.strip()], form)[0])]
    if len(found) < FEWEST:
        return {}
    years = [year(name) for name in found]
    if None not in years:
        dates = np.array([f"{number}-01-01" for number in years], "M8[ns]").astype(np.int64)
        readings = [dates]
    else:
        readings = _readings([name.strip() for name in found if year(name) is None], form)
        found = [name for name in found if year(name) is None]
    regular = [times for times in readings if is_regular(times)]
    if not regular or any(not np.array_equal(times, regular[0]) for times in regular[1:]):
        return {}
    return dict(sorted(zip(found, regular[0].tolist(), strict=True), key=lambda item: item[1]))


def _readings(labels: list[str], form: str | None) -> list[Ints]:
    if len(labels) < FEWEST:
        return []
    if form and "%" in form:
        return [_by_pattern(labels, form).astype("M8[ns]").astype(np.int64)]
    part = Part("the header", "header", len(labels), lambda row: f"column {labels[row]!r}")
    try:
        return [parse_times(Table({"time": pa.chunked_array([labels])}, (part,)), "time", form).ns]
    except ForecasterError:
        pass
    tries = [_by_pattern(labels, pattern) for pattern in SHORT]
    return [times.astype("M8[ns]").astype(np.int64) for times in tries if not np.isnat(times).any()]


def _by_pattern(labels: list[str], pattern: str) -> np.ndarray:
    try:
        times = pd.to_datetime(pd.Series(labels), format=pattern, errors="coerce")
    except (ValueError, TypeError, NotImplementedError):  # no pattern at all, as `parse_times` will say
        return np.full(len(labels), np.datetime64("NaT", "ns"))
    return np.asarray(times.to_numpy())


def is_regular(times: Ints) -> bool:
    """Whether times rise or fall without exception, most of them by one step."""
    steps = np.diff(times)
    if not len(steps) or not ((steps > 0).all() or (steps < 0).all()):
        return False
    days = np.round(np.abs(steps) / DAY).astype(np.int64)
    usual = np.median(np.abs(steps))
    return bool(np.mean(np.abs(np.abs(steps) - usual) <= 0.12 * usual) >= 0.8 or set(days) <= {0})
