"""Year columns: a year in one column and its month, quarter or week in another, made one column of times."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from forecaster.arrays import Ints
from forecaster.config import ReadConfig
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.labels import shown
from forecaster.data.parsing.looks import kind_of_cells, plain
from forecaster.data.parsing.numbers import is_text
from forecaster.data.parsing.time_formats import week_starts
from forecaster.data.reading.layouts import labels
from forecaster.data.table import OnDemand, Table, makers_of

PERIOD_NAMES = ("period", "time period")
PERIOD = re.compile(r"([MQSA])([0-9]{2})", re.I)  # of the BLS
MONTHS_OF, MOST_OF = {"M": 1, "Q": 3, "S": 6, "A": 12}, {"M": 12, "Q": 4, "S": 2, "A": 1}
FINER = ("day", "hour", "date", "time", "minute", "datetime", "timestamp", "day of year", "doy",
         "dy", "dd", "hr", "hh", "he", "hour ending", "mi")  # fmt: skip
SAMPLED = 200
PARTS: tuple[tuple[tuple[str, ...], Callable[[str], int | None], int], ...] = (
    (labels.QUARTER_NAMES, labels.quarter, 3),
    (labels.MONTH_NAMES, labels.month, 1),
    (labels.WEEK_NAMES, labels.week, 0),
)
"""Names of columns, what their cells mean, and the months of one part; 0: ISO weeks."""


def join_year_columns(table: Table, config: ReadConfig) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table with a column `year+month` of times in place of the two, if they are the only times in it.

    Any other table stays as it is, and so does one for which a strptime pattern is set.
    """
    unchanged = (table, config), list[Finding]()
    if config.time in table.columns or (config.date_format and "%" in config.date_format):
        return unchanged
    years = [name for name in table.columns if labels.is_named(name, labels.YEAR_NAMES)]
    if len(years) != 1 or any(_is_time(table, name, config) for name in table.columns if name != years[0]):
        return unchanged
    joined = _parts(table, years[0])
    if joined is None:
        return unchanged
    name, time, wrong = joined
    if config.time not in (None, name):
        return unchanged
    used = name.split("+")
    stamps = pa.chunked_array([pa.array(time.view("M8[ns]"))])
    makers = {name: lambda: stamps} | makers_of(table.columns)
    columns = OnDemand({other: make for other, make in makers.items() if other not in used})
    findings = [info("C003", f"times are made of 2 columns: {shown(name)}", count=2)]
    parsed = {other: column for other, column in table.parsed.items() if other not in used}
    if len(wrong):
        places = table.places(used[1], wrong)
        message = f"rows of whole years among months or quarters, in column {shown(used[1])}"
        findings.append(repair("R013", message, count=len(wrong), places=places[:SHOWN], action="left out"))
    table = dataclasses.replace(table, columns=columns, parsed=parsed)
    return (table.without(wrong), dataclasses.replace(config, time=name)), findings


def _is_time(table: Table, name: str, config: ReadConfig) -> bool:
    if plain(name) in FINER:
        return True
    column = table.parsed.get(name, table.columns[name])
    if pa.types.is_temporal(column.type):
        return True
    return is_text(column.type) and kind_of_cells(column.slice(0, SAMPLED), config.na) == "time"


def _parts(table: Table, year: str) -> tuple[str, Ints, Ints] | None:
    """The name of the joined column, its times, and rows that are no part of a year; None without one."""
    years = labels.numbers(table, year, labels.year)
    if years is None:
        return None
    found = [
        (name, part, months)
        for names, part, months in PARTS
        for name in table.columns
        if name != year and labels.is_named(name, names) and labels.numbers(table, name, part) is not None
    ]
    finest = [each for each in found if each[2] == min((months for _, _, months in found), default=0)]
    if len(finest) == 1:
        name, part, months = finest[0]
        numbers = labels.numbers(table, name, part)
        assert numbers is not None
        time, fits = _times(years, numbers, months)
        return (f"{year}+{name}", time, np.empty(0, np.int64)) if fits else None
    return _periods(table, year, years) if not found else None


def _times(years: Ints, numbers: Ints, months: int) -> tuple[Ints, bool]:
    """The first moment of each part, and whether all parts exist."""
    if not months:
        days, exist = week_starts(years, numbers)
        return days * 86_400 * 10**9, bool(exist.all())
    first = ((years - 1970) * 12 + months * (numbers - 1)).astype("M8[M]")
    return first.astype("M8[ns]").astype(np.int64), True


def _periods(table: Table, year: str, years: Ints) -> tuple[str, Ints, Ints] | None:
    """Years and periods such as M01 … M12, of which M13 is the mean of the year."""
    name = next((name for name in table.columns if labels.is_named(name, PERIOD_NAMES)), None)
    codes = labels.numbers(table, name, _period) if name else None
    if name is None or codes is None or len(np.unique(codes // 100)) != 1:
        return None
    kind = chr(int(codes[0]) // 100)
    numbers = codes % 100
    wrong = np.flatnonzero(numbers > MOST_OF[kind])
    time, _ = _times(years, np.minimum(numbers, MOST_OF[kind]), MONTHS_OF[kind])
    return (f"{year}+{name}", time, wrong) if len(wrong) < len(numbers) else None


def _period(text: str) -> int | None:
    match = PERIOD.fullmatch(text.strip())
    return 100 * ord(match[1].upper()) + int(match[2]) if match and int(match[2]) else None
