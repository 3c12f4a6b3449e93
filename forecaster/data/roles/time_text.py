"""Time text: cells of several columns as one text for each row, which is then parsed as any time is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.config import ReadConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.calendar.steps import Fixed
from forecaster.data.parsing.looks import all_match
from forecaster.data.parsing.numbers import is_text
from forecaster.data.roles.kinds import whole_numbers
from forecaster.data.table import Table

EIGHT_DIGITS = "^ *[0-9]{8} *$"
"""A date such as 20241231."""
MINUTE = 60 * 10**9  # ns


def digital_clock(table: Table, name: str) -> tuple[Ints, Ints] | None:
    """Minutes and seconds of times such as 0930 or 093000; None for a column that holds anything else."""
    numbers = whole_numbers(table, name)
    if numbers is None or numbers.min() < 0:
        return None
    column = table.columns[name]
    wide = is_text(column.type) and pc.min(pc.utf8_length(pc.utf8_trim_whitespace(column))).as_py() > 4
    if numbers.max() <= 24 and not wide:
        return None
    hour_minute, second = np.divmod(numbers, 100) if wide or numbers.max() > 2400 else (numbers, 0 * numbers)
    hour, minute = np.divmod(hour_minute, 100)
    fits = (hour < 24).all() and (minute < 60).all() and (second < 60).all()
    return (hour * 60 + minute, second) if fits else None


def dated(table: Table, date: str, minutes: Ints, seconds: Ints | None = None) -> pa.ChunkedArray:
    """The cells of a date with a time of day, in minutes and seconds, behind them."""
    column = table.columns[date]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("s")).cast(pa.date32())
    days = pc.utf8_trim_whitespace(column.cast(pa.string()))
    form = "%02d%02d%02d" if all_match(days, EIGHT_DIGITS) else "%02d:%02d:%02d"
    seconds = np.zeros_like(minutes) if seconds is None else seconds
    stamps, place = np.unique(minutes * 60 + seconds, return_inverse=True)
    words = pa.array([form % (stamp // 3600, stamp // 60 % 60, stamp % 60) for stamp in stamps.tolist()])
    return text_of([days, words.take(pa.array(place))], " ")


def text_of(columns: list[pa.ChunkedArray | pa.Array], mark: str) -> pa.ChunkedArray:
    """The cells of columns joined row by row, with `mark` between them."""
    cells = [pc.utf8_trim_whitespace(column.cast(pa.string())) for column in columns]
    joined = pc.binary_join_element_wise(*cells, mark)
    return joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([joined])


def digits(numbers: Ints | pa.ChunkedArray, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def last_letter(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(cells), -1)


def from_day_of_year(year: Ints, day: Ints) -> pa.ChunkedArray:
    """ISO dates; a day 366 of a year without one keeps a form that is refused later, with its line."""
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    dates = first + (day - 1)
    text = dates.astype(str)
    beyond = dates.astype("datetime64[Y]").astype(np.int64) + 1970 != year
    text[beyond] = [f"{y}-{d}" for y, d in zip(year[beyond], day[beyond], strict=True)]
    return pa.chunked_array([pa.array(text)])


def are_date_numbers(table: Table, name: str) -> bool:
    """Whether all cells are dates such as 20241231, written as numbers."""
    numbers = whole_numbers(table, name)
    if numbers is None or numbers.min() < 16000101 or numbers.max() > 22001231:
        return False
    return bool((numbers // 100 % 100 <= 12).all() and (numbers % 100 <= 31).all())


def stamps(ns: Ints) -> pa.ChunkedArray:
    """Times in UTC, which need no parsing."""
    return pa.chunked_array([pa.array(ns, pa.int64()).cast(pa.timestamp("ns", "UTC"))])


def parts_of(minutes: int, largest: int, config: ReadConfig) -> int:
    """The number of parts of an hour or a day: by the frequency, if it is known; else the largest one."""
    step = frequency(config.freq).step if config.freq else None
    parts = minutes * MINUTE // step.size if isinstance(step, Fixed) else 0
    return max(parts, largest)
