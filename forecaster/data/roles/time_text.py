"""Time text: cells of several columns as one text for each row, which is then parsed as any time is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.data.parsing.looks import all_match
from forecaster.data.roles.kinds import whole_numbers
from forecaster.data.table import Table

EIGHT_DIGITS = "^ *[0-9]{8} *$"
"""A date such as 20241231."""


def is_digital_clock(table: Table, name: str) -> bool:
    """Whether all cells are times such as 0930 or 93000."""
    numbers = whole_numbers(table, name)
    if numbers is None or numbers.min() < 0 or numbers.max() <= 24:
        return False
    seconds = digital_clock(numbers)[1]
    tops = numbers // (10000 if numbers.max() > 2400 else 100)
    middles = numbers // 100 % 100 if numbers.max() > 2400 else numbers % 100
    return bool((tops < 24).all() and (middles < 60).all() and (seconds < 60).all())


def digital_clock(numbers: Ints) -> tuple[Ints, Ints]:
    """Minutes and seconds of times such as 930 or 93000."""
    if numbers.max() <= 2400:
        return numbers // 100 * 60 + numbers % 100, np.zeros_like(numbers)
    return numbers // 10000 * 60 + numbers // 100 % 100, numbers % 100


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
