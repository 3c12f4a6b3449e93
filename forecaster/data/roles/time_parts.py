"""Time parts: a date in one column and the time of day in another, as loggers and exchanges write them.

A column that holds a part of the time, such as the hour, is never an id, though it differs between the rows
of one day.
"""

from __future__ import annotations

import dataclasses
import shlex

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import shown
from forecaster.data.parsing.looks import TIME_OF_DAY, all_match, plain
from forecaster.data.parsing.numbers import is_text
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.times import parse_times
from forecaster.data.roles.known_names import CLOCK_NAMES, COUNTER_NAMES, DATE_NAMES, PART_NAMES
from forecaster.data.table import OnDemand, Table, makers_of
from forecaster.errors import ForecasterError

DATES = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d")
HOURS = ("%H", "%H%M%S", "%H%M")
DATE = r"^ *([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}) *$"
PARTS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
"""Columns in which loggers write a number for each part of the time, and the pattern of each."""


def join_time_columns(table: Table, config: ReadConfig) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table with a column 'date+time' in place of the two, and the configuration that names it as time.

    `--time date+time` names two columns or more. Without `--time`, a date column and a time column are joined
    if they are the only such pair. Any other table stays as it is.
    """
    unchanged = (table, config), list[Finding]()
    if config.time in table.columns:
        return unchanged
    if config.time is not None:
        names = tuple(config.time.split("+"))
        if len(names) < 2 or not all(name in table.columns for name in names):
            return unchanged
    else:
        pair = _pair(table, config)
        if pair is None:
            return unchanged
        names = pair
    cells = [pc.utf8_trim_whitespace(table.columns[name].cast(pa.string())) for name in names]
    name = "+".join(names)
    makers = {name: lambda: pc.binary_join_element_wise(*cells, " ")} | makers_of(table.columns)
    columns = OnDemand({other: make for other, make in makers.items() if other not in names})
    joined = dataclasses.replace(table, columns=columns), dataclasses.replace(config, time=name)
    return joined, [info("C003", f"times are made of {len(names)} columns: {shown(name)}", count=len(names))]


def is_part_of_time(table: Table, name: str, number: bool) -> bool:
    """Whether a column holds times of day or, by its name, numbers that are a part of the time."""
    if number:
        return plain(name) in PART_NAMES
    column = table.columns[name]
    return is_text(column.type) and all_match(column, TIME_OF_DAY)


def numbers_rows(table: Table, name: str, times: Times) -> bool:
    """Whether a column, by its name, numbers the rows or holds the hour or another part of the time.

    A column called minute or second may hold values: it is a part of the time only if it agrees with it.
    """
    unit = {"minute": 60 * 10**9, "second": 10**9}.get(plain(name))
    if unit is None:
        return plain(name) in COUNTER_NAMES or is_part_of_time(table, name, number=True)
    values = table.columns[name].cast(pa.int64()).to_numpy()
    return len(np.unique((values - times.ns // unit) % 60)) == 1


def to_join(table: Table, time: str, config: ReadConfig) -> str:
    """The options that join the dates of column `time` with a time of day; empty without one."""
    numbers = {part: name for name in reversed(list(table.columns)) if (part := plain(name)) in PARTS}
    tries: list[tuple[list[str], str | None]] = []
    if time in numbers.values():
        names = [numbers[part] for part in PARTS if part in numbers]
        tries.append((names, " ".join(form for part, form in PARTS.items() if part in numbers)))
    else:
        beside = [name for name in table.columns if name != time]
        tries += [([time, name], None) for name in beside if is_part_of_time(table, name, number=False)]
        hours = [name for name in beside if plain(name) in ("hour", "hr", "time")]
        tries += [([time, name], f"{date} {hour}") for name in hours for date in DATES for hour in HOURS]
    for names, form in tries:
        asked = dataclasses.replace(config, time="+".join(names), date_format=form or config.date_format)
        if len(names) > 1 and _parses(table, asked):
            return f"--time {shlex.quote('+'.join(names))}" + (f" --date-format '{form}'" if form else "")
    return ""


def _parses(table: Table, config: ReadConfig) -> bool:
    try:
        (joined, asked), _ = join_time_columns(table, config)
        parse_times(joined, asked.time or "", config.date_format, config.tz)
    except (ForecasterError, pa.ArrowException):
        return False
    return True


def _pair(table: Table, config: ReadConfig) -> tuple[str, str] | None:
    """The one column with the name of a date that holds dates, and the same for the time of day."""
    used = {config.id, *(config.target or ()), *config.covariates}
    dates = [name for name in table.columns if _is(table, name, DATE_NAMES, DATE) and name not in used]
    clocks = [
        name for name in table.columns if _is(table, name, CLOCK_NAMES, TIME_OF_DAY) and name not in used
    ]
    return (dates[0], clocks[0]) if len(dates) == len(clocks) == 1 else None


def _is(table: Table, name: str, names: tuple[str, ...], pattern: str) -> bool:
    if plain(name) not in names:
        return False
    if name in table.parsed:
        return pattern == DATE and pa.types.is_date(table.parsed[name].type)
    column = table.columns[name]
    if not is_text(column.type):
        return False
    return all_match(column, pattern)
