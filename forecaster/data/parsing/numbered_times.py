"""Numbered times: numbers -> timestamps. Times since 1970 or a start, dates, spreadsheet dates, weeks."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.data.calendar.clock import DAY
from forecaster.data.findings import info, repair
from forecaster.data.labels import shown
from forecaster.data.parsing.looks import plain
from forecaster.data.parsing.number_formats import NUMBER
from forecaster.data.parsing.numbers import is_text
from forecaster.data.parsing.time_faults import bad_time, out_of_range, refuse_missing
from forecaster.data.parsing.time_formats import YEAR_NAMES, date_pattern, week_starts
from forecaster.data.parsing.time_zones import Times
from forecaster.data.table import Table
from forecaster.errors import DataError

EXCEL = np.datetime64("1899-12-30", "D").astype(np.int64)  # day 0 of a spreadsheet, for days after 1900-02
EARLIEST_YEAR, LATEST_YEAR = 1678, 2200
FRACTION = r"^(?P<whole>[0-9]+)\.(?P<part>[0-9]{1,9})$"
SINCE = re.compile(r"(?P<unit>ns|us|ms|s|min|h|D) since (?P<start>.+)")
UNITS = {"s": (10**8, 10**10, 10**9), "ms": (10**11, 10**13, 10**6),
         "us": (10**14, 10**16, 10**3), "ns": (10**17, 9 * 10**18, 1)}  # fmt: skip
"""Unit: the numbers from … to … that are times since 1970 in it, and its ns."""
SIZES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9, "D": DAY}
NUMBERED = (*UNITS, "epoch", "excel", "year", "week")  # forms of numbers
IN_ORDER = 0.9
"""Share of steps from row to row in one direction from which times are in order: series may follow."""
ENOUGH = 10
"""Different numbers that show whether they are dates or times since 1970."""
REGULAR = 0.7
"""Share of equal steps between them from which dates are regular."""


def from_numbers(table: Table, name: str, column: pa.ChunkedArray, form: str | None) -> Times:
    """Numbers as time since 1970, in the one unit that puts all between 1973 and 2286."""
    refuse_missing(table, name, column)
    if form == "excel":
        return _from_serials(table, name, column)
    counted = SINCE.fullmatch(form or "")
    if counted:
        return _since(table, name, column, counted)
    try:
        numbers, parts = _whole_and_part(column)
    except pa.ArrowInvalid:
        raise DataError(
            f"{table.name}: column {shown(name)} holds numbers that are not times since 1970",
            hint="Choose another column: --time; or, for spreadsheet dates, set --date-format excel.",
        ) from None
    if form in (None, "year", "week"):
        times = _from_years(table, name, numbers, parts, form)
        if times:
            return times
        if form:
            raise DataError(
                f"{table.name}: column {shown(name)} holds numbers that are not all {form}s",
                hint="Set another --date-format, or choose another column: --time.",
            )
    low, high = int(numbers.min()), int(numbers.max())
    if form == "epoch" or (form is None and _units_change(numbers)):
        return _from_epochs(table, name, numbers, parts)
    dates = None if form or parts.any() else date_pattern(numbers)
    unit = form or next(
        (unit for unit, (least, most, _) in UNITS.items() if least <= low and high < most), ""
    )
    if dates and _are_dates(numbers, dates, unit):
        return _from_dates(name, numbers, dates)
    if unit not in UNITS or dates:
        raise _unclear(table, name, numbers, parts, dates, unit)
    if max(abs(low), abs(high)) > (2**63 - 1) // UNITS[unit][2]:
        raise out_of_range(table, name)
    ns = numbers * UNITS[unit][2] + parts * UNITS[unit][2] // 10**9
    first, last = (str(np.datetime64(int(end), "ns"))[:19] for end in (ns.min(), ns.max()))
    message = f"numbers in column {shown(name)} read as {unit} since 1970: {first} to {last}"
    findings = (
        () if form else (repair("T001", message, count=len(ns), action=f"read as --date-format {unit}"),)
    )
    return Times(ns, None, False, unit, findings)


def are_clear_times(numbers: Ints, *, named: bool) -> bool:
    """Whether whole numbers in order are dates such as 20240131, or times since 1970, at a glance.

    Numbers since 1970 that are not `named` as times are one step apart: a counter may be as large.
    """
    distinct = np.unique(numbers)
    if len(distinct) < min(len(numbers), ENOUGH) or not _in_order(numbers):
        return False
    low, high = int(numbers.min()), int(numbers.max())
    unit = next((unit for unit, (least, most, _) in UNITS.items() if least <= low and high < most), "")
    dates = date_pattern(numbers)
    if dates:
        return _are_dates(numbers, dates, unit)
    steps: Ints = np.diff(distinct)
    return bool(unit) and (named or _commonest(steps) >= REGULAR)


def _in_order(numbers: Ints) -> bool:
    """Whether nearly all numbers rise from row to row, or nearly all fall; equal ones do neither."""
    steps = np.diff(numbers)
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) >= IN_ORDER) if len(steps) else True


def _are_dates(numbers: Ints, pattern: str, unit: str) -> bool:
    """Whether numbers that are all dates of `pattern` can be nothing else.

    If they may be times since 1970 in `unit`, too, the dates have to be more regular: hours go to 23 only.
    """
    if not pattern.startswith("%Y%m%d") or numbers.min() < 19 * 10 ** (len(str(numbers.min())) - 2):
        return False
    if not unit:
        return _in_order(numbers)
    distinct = np.unique(numbers)
    ns: Ints = np.diff(_dates_in_ns(distinct, pattern))
    steps: Ints = np.diff(distinct)
    regular, other = _commonest(ns), _commonest(steps)
    return len(distinct) >= ENOUGH and regular >= REGULAR and regular > other


def _commonest(steps: Ints) -> float:
    """The share of the commonest of `steps`."""
    return float(np.unique(steps, return_counts=True)[1].max() / len(steps)) if len(steps) else 0.0


def _dates_in_ns(numbers: Ints, pattern: str) -> Ints:
    stamps = pd.to_datetime(pd.Series(numbers.astype(str)), format=pattern)
    return np.asarray(stamps.to_numpy().astype("M8[ns]").astype(np.int64))


def _from_dates(name: str, numbers: Ints, pattern: str) -> Times:
    """Dates without marks, such as 20240131, and the finding that says so."""
    ns = _dates_in_ns(numbers, pattern)
    length = 10 if pattern == "%Y%m%d" else 16
    ends = " to ".join(str(np.datetime64(int(end), "ns"))[:length] for end in (ns.min(), ns.max()))
    finding = info("T008", f"numbers in column {shown(name)} are dates: {ends}", count=len(ns))
    return Times(ns, None, pattern == "%Y%m%d", pattern, (finding,))


def _unclear(table: Table, name: str, numbers: Ints, parts: Ints, dates: str | None, unit: str) -> DataError:
    """The error for numbers that are not clearly times, or that may be dates as well as times since 1970."""
    low, high = int(numbers.min()), int(numbers.max())
    message = f"{table.name}: column {shown(name)} holds numbers from {low} to {high}"
    if dates and unit:
        hint = f"Say which: --date-format {dates} or --date-format {unit}."
        return DataError(f"{message}, which may be dates or {unit} since 1970", hint=hint)
    weeks = low >= 10**5 and not parts.any() and week_starts(*np.divmod(numbers, 100))[1].all()
    days = low >= 15_000 and high < 80_000  # of a spreadsheet, from 1941 to 2119
    epochs = (_units_of(numbers) >= 0).all()
    likely = dates or next(
        (word for word, fits in (("excel", days), ("epoch", epochs), ("week", weeks)) if fits), ""
    )
    hints = [f"say what they are: --date-format {likely}"] if likely else []
    if likely in ("", "%Y"):
        hints.append("if they count from a start: --start 2020-01-01 --time-unit s")
    hint = "; ".join([*hints, "or choose another column: --time."])
    return DataError(f"{message}, not clearly times", hint=hint[0].upper() + hint[1:])


def _from_years(table: Table, name: str, numbers: Ints, parts: Ints, form: str | None) -> Times | None:
    """Numbers as years, such as 1960 or 1960.083, or as weeks, such as 202053; None if they are neither.

    Without a form, the name of the column has to say so. Parts of years are months or quarters.
    """
    named = "year" if plain(name) in YEAR_NAMES else "week" if "week" in plain(name) else None
    named = "week" if plain(name) == "yyyyww" else named
    if plain(name) == "time" and parts.any() and _go_on_by_months(numbers, parts):
        named = "year"
    kind = form or named
    if kind is None or numbers.min() < 0 or numbers.max() > 10**6:
        return None
    months = np.round(parts * 12 / 10**9).astype(np.int64)
    if kind == "week":
        days, fits = week_starts(*np.divmod(numbers, 100))
        fits &= (parts == 0) & (numbers >= 10**5)
        ns = days * DAY
    else:
        fits = (numbers >= EARLIEST_YEAR) & (numbers <= LATEST_YEAR)
        fits &= np.abs(parts * 12 / 10**9 - months) < (0.06 if parts.any() else 1)
        stamps = ((numbers - 1970) * 12 + months).astype("M8[M]")
        ns = np.where(fits, stamps, np.datetime64(0, "M")).astype("M8[ns]").astype(np.int64)
        if parts.any():  # a price of 1960.25 in a column called date would not rise by months
            fits &= len(np.unique(ns)) == len(np.unique(numbers * 10**9 + parts))
    if not fits.all():
        return None
    ends = " to ".join(str(np.datetime64(int(end), "ns"))[:10] for end in (ns.min(), ns.max()))
    words = "ISO weeks" if kind == "week" else "years, parts of which are months" if parts.any() else "years"
    finding = info("T008", f"numbers in column {shown(name)} are {words}: {ends}", count=len(ns))
    return Times(ns, None, True, kind, (finding,) if form is None else ())


def _go_on_by_months(numbers: Ints, parts: Ints) -> bool:
    """Whether decimal years go on by one month or quarter, as time series of R do."""
    months = numbers * 12 + np.round(parts * 12 / 10**9).astype(np.int64)
    steps = np.diff(months)
    return len(steps) > 0 and bool((steps == steps[0]).all()) and steps[0] in (1, 3)


def _units_change(numbers: Ints) -> bool:
    """Whether numbers since 1970 change their unit once and go on in time, as files of one exchange do."""
    units = _units_of(numbers)
    if (units < 0).any() or len(np.unique(units)) != 2 or np.count_nonzero(np.diff(units)) != 1:
        return False
    seconds = numbers // np.array([10**9 // size for _, _, size in UNITS.values()])[units]
    steps = np.diff(seconds)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _units_of(numbers: Ints) -> Ints:
    """The place in UNITS of the unit of each number since 1970, by its size; −1 if there is none."""
    place = np.full(len(numbers), -1)
    for index, (least, most, _) in enumerate(UNITS.values()):
        place[(numbers >= least) & (numbers < most)] = index
    return place


def _from_epochs(table: Table, name: str, numbers: Ints, parts: Ints) -> Times:
    """Numbers since 1970, each in the unit that its size shows."""
    units = _units_of(numbers)
    wrong = np.flatnonzero(units < 0)
    if len(wrong):
        raise bad_time(table, name, wrong, "is not a time since 1970")
    size = np.array([size for _, _, size in UNITS.values()])[units]
    ns = numbers * size + parts * size // 10**9
    changes = np.flatnonzero(np.diff(units)) + 1
    words = [list(UNITS)[units[row]] for row in (0, *changes[:1])]
    message = f"numbers in column {shown(name)} read as {' and then '.join(words)} since 1970"
    places = [table.where(int(row)) for row in changes[:1]]
    finding = repair("T001", message, count=len(ns), places=places, action="read as --date-format epoch")
    return Times(ns, None, False, "epoch", (finding,))


def _since(table: Table, name: str, column: pa.ChunkedArray, since: re.Match[str]) -> Times:
    """Numbers that count a unit from a start, to the nanosecond as far as doubles hold it."""
    try:
        start = pd.Timestamp(since["start"]).as_unit("ns").value
        counts = column.cast(pa.float64()).to_numpy()
    except (ValueError, pa.ArrowInvalid, pd.errors.OutOfBoundsDatetime):
        raise DataError(
            f"{table.name}: column {shown(name)} does not hold numbers that count from a start",
            hint="Choose another column: --time.",
        ) from None
    size = SIZES[since["unit"]]
    if not np.isfinite(counts).all() or np.abs(counts).max() * size + abs(start) >= 2**63:
        raise out_of_range(table, name)
    whole = np.floor(counts)
    parts = np.round((counts - whole) * 10**6) * (size / 10**6)
    ns = start + whole.astype(np.int64) * size + parts.astype(np.int64)
    return Times(ns, None, not np.any(ns % DAY), since.string)


def _whole_and_part(column: pa.ChunkedArray) -> tuple[Ints, Ints]:
    """Numbers as whole units and billionths; ArrowInvalid for other cells."""
    if not is_text(column.type) and not pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64), np.zeros(len(column), np.int64)
    if pa.types.is_floating(column.type):
        whole = pc.floor(column)
        parts = pc.subtract(column, whole).to_numpy()
        # A double holds a time in seconds to a fraction of a microsecond.
        billionths = np.round(parts * 10**6).astype(np.int64) * 1000
        return np.asarray(whole.cast(pa.int64()).to_numpy(), dtype=np.int64), billionths
    if not pc.any(pc.match_substring(column, ".")).as_py():
        return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64), np.zeros(len(column), np.int64)
    split = pc.extract_regex(column, FRACTION)
    whole = pc.if_else(split.is_valid(), pc.struct_field(split, "whole"), column).cast(pa.int64())
    digits = pc.utf8_rpad(pc.struct_field(split, "part").fill_null("0"), 9, "0").cast(pa.int64())
    return np.asarray(whole.to_numpy(), dtype=np.int64), np.asarray(digits.to_numpy(), dtype=np.int64)


def _from_serials(table: Table, name: str, column: pa.ChunkedArray) -> Times:
    """Spreadsheet dates, which count days, to the millisecond."""
    if is_text(column.type):
        words = np.flatnonzero(~np.asarray(pc.match_substring_regex(column, NUMBER).to_numpy()))
        if len(words):
            raise bad_time(table, name, words, "is not a spreadsheet date")
    days = np.asarray(column.cast(pa.float64()).to_numpy())
    wrong = np.flatnonzero(~((days >= 61) & (days < 110_000)))  # 1900-03-01 to 2201
    if len(wrong):
        raise bad_time(table, name, wrong, "is not a spreadsheet date")
    ns = np.round(days * 86_400_000).astype(np.int64) * 10**6 + EXCEL * DAY
    return Times(ns, None, not np.any(ns % DAY), "excel")
