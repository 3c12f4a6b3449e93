"""A date in one column and the time of day in another, as loggers and exchanges write them."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.table import OnDemand, Table, makers_of
from forecaster.data.values import is_text

CLOCK = (
    r"^ *[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?( ?[AaPp][Mm])?( ?(Z|[+-][0-9]{2}:?[0-9]{2}))? *$"
)
DATE = r"^ *([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}) *$"
DATE_NAMES, CLOCK_NAMES = ("date", "day"), ("time", "hour", "clock", "time of day")


def with_clock(table: Table, config: ReadConfig) -> tuple[Table, str | None]:
    """The table with a column 'date+time', and its name, where there is one of each and --time names neither.

    `--time date+time` names the two columns; without it they are joined if they are the only such pair.
    """
    if config.time in table.columns:
        return table, None
    if config.time is not None:
        date, _, clock = config.time.partition("+")
        if date not in table.columns or clock not in table.columns:
            return table, None
    else:
        pair = _pair(table, config)
        if pair is None:
            return table, None
        date, clock = pair
    left, right = (pc.utf8_trim_whitespace(table.columns[name].cast(pa.string())) for name in (date, clock))
    name = f"{date}+{clock}"
    makers = {name: lambda: pc.binary_join_element_wise(left, right, " ")} | makers_of(table.columns)
    columns = OnDemand({other: make for other, make in makers.items() if other not in (date, clock)})
    return dataclasses.replace(table, columns=columns), name


def _pair(table: Table, config: ReadConfig) -> tuple[str, str] | None:
    """The one column named as a date that holds dates, and the one named as a time that holds clock times."""
    used = {config.id, *(config.target or ()), *config.covariates}
    dates = [name for name in table.columns if _is(table, name, DATE_NAMES, DATE) and name not in used]
    clocks = [name for name in table.columns if _is(table, name, CLOCK_NAMES, CLOCK) and name not in used]
    return (dates[0], clocks[0]) if len(dates) == len(clocks) == 1 else None


def _is(table: Table, name: str, names: tuple[str, ...], pattern: str) -> bool:
    if name.strip("<>").lower().replace("_", " ") not in names:
        return False
    if name in table.parsed:
        return pattern == DATE and pa.types.is_date(table.parsed[name].type)
    column = table.columns[name]
    if not is_text(column.type):
        return False
    return bool(pc.all(pc.match_substring_regex(column, pattern)).as_py())
