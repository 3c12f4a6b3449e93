"""A date in one column and the time of day in another, as loggers and exchanges write them.

A column that holds a part of the time, such as the hour, tells no series apart, though it differs between
rows of one day.
"""

from __future__ import annotations

import dataclasses
import re
import shlex

import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.table import OnDemand, Table, makers_of
from forecaster.data.times import parse_times
from forecaster.data.values import is_text
from forecaster.errors import ForecasterError

CLOCK = (
    r"^ *[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?( ?[AaPp][Mm])?( ?(Z|[+-][0-9]{2}:?[0-9]{2}))? *$"
    r"|^ *[0-9]{2}[.][0-9]{2}[.][0-9]{2} *$"
)
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d")
HOURS = ("%H", "%H%M%S", "%H%M")
SAMPLED = 100
DATE = r"^ *([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}) *$"
DATE_NAMES, CLOCK_NAMES = ("date", "day"), ("time", "hour", "clock", "time of day")
PARTS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
"""Columns in which loggers write a number for each part of the time, and how each is read."""
PART_NAMES = (*PARTS, *CLOCK_NAMES, "hr", "he", "hour ending", "hour of day", "interval", "period",
              "week", "weekday", "quarter", "day of week", "day of year", "dow", "doy",
              "yr")  # fmt: skip


def with_clock(table: Table, config: ReadConfig) -> tuple[Table, str | None]:
    """The table with a column 'date+time', and its name, where there is one of each and --time names neither.

    `--time date+time` names two columns or more; without it they are joined if they are the only such pair.
    """
    if config.time in table.columns:
        return table, None
    if config.time is not None:
        names = tuple(config.time.split("+"))
        if len(names) < 2 or not all(name in table.columns for name in names):
            return table, None
    else:
        pair = _pair(table, config)
        if pair is None:
            return table, None
        names = pair
    cells = [pc.utf8_trim_whitespace(table.columns[name].cast(pa.string())) for name in names]
    name = "+".join(names)
    makers = {name: lambda: pc.binary_join_element_wise(*cells, " ")} | makers_of(table.columns)
    columns = OnDemand({other: make for other, make in makers.items() if other not in names})
    return dataclasses.replace(table, columns=columns), name


def is_part_of_time(table: Table, name: str, number: bool) -> bool:
    """Whether a column holds times of day, or numbers that are a part of the time by their name."""
    if number:
        return _plain(name) in PART_NAMES
    column = table.columns[name]
    return is_text(column.type) and _all(column.slice(0, SAMPLED), CLOCK) and _all(column, CLOCK)


def to_join(table: Table, time: str, config: ReadConfig) -> str:
    """The options by which a time of day beside the column `time` makes whole times of its dates; or none."""
    numbers = {part: name for name in reversed(list(table.columns)) if (part := _plain(name)) in PARTS}
    tries: list[tuple[list[str], str | None]] = []
    if time in numbers.values():
        names = [numbers[part] for part in PARTS if part in numbers]
        tries.append((names, " ".join(form for part, form in PARTS.items() if part in numbers)))
    else:
        beside = [name for name in table.columns if name != time]
        tries += [([time, name], None) for name in beside if is_part_of_time(table, name, number=False)]
        hours = [name for name in beside if _plain(name) in ("hour", "hr", "time")]
        tries += [([time, name], f"{date} {hour}") for name in hours for date in DATES for hour in HOURS]
    for names, form in tries:
        asked = dataclasses.replace(config, time="+".join(names), date_format=form or config.date_format)
        if len(names) > 1 and _parses(table, asked):
            return f"--time {shlex.quote('+'.join(names))}" + (f" --date-format '{form}'" if form else "")
    return ""


def _parses(table: Table, config: ReadConfig) -> bool:
    try:
        joined, name = with_clock(table, config)
        parse_times(joined, name or "", config.date_format, config.tz)
    except (ForecasterError, pa.ArrowException):
        return False
    return True


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", " ", name.strip("<> ")).lower()


def _all(cells: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells, pattern)).as_py())


def _pair(table: Table, config: ReadConfig) -> tuple[str, str] | None:
    """The one column named as a date that holds dates, and the one named as a time that holds clock times."""
    used = {config.id, *(config.target or ()), *config.covariates}
    dates = [name for name in table.columns if _is(table, name, DATE_NAMES, DATE) and name not in used]
    clocks = [name for name in table.columns if _is(table, name, CLOCK_NAMES, CLOCK) and name not in used]
    return (dates[0], clocks[0]) if len(dates) == len(clocks) == 1 else None


def _is(table: Table, name: str, names: tuple[str, ...], pattern: str) -> bool:
    if _plain(name) not in names:
        return False
    if name in table.parsed:
        return pattern == DATE and pa.types.is_date(table.parsed[name].type)
    column = table.columns[name]
    if not is_text(column.type):
        return False
    return _all(column, pattern)
