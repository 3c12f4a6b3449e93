"""Times: a column -> timestamps. ISO 8601 and forms with one meaning are parsed; all else is an error.

A form is a word: `iso`, `ymd`, `dmy`, `mdy` (with any time of day), `named` (a month by its name), `period`
(a month, quarter or week), `s`, `ms`, `us`, `ns` (since 1970), or a strptime pattern.
`ReadConfig.date_format` takes the same words and stores the form that was inferred. The patterns of a form
are in `time_formats`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.arrays import Ints
from forecaster.config import ReadConfig
from forecaster.data.calendar.clock import DAY
from forecaster.data.findings import info, repair
from forecaster.data.labels import shown
from forecaster.data.parsing.hints import for_times
from forecaster.data.parsing.looks import TIME_LIKE, all_match, kind_of_cells
from forecaster.data.parsing.midnight import a_day_later, without_midnights
from forecaster.data.parsing.number_formats import NUMBER
from forecaster.data.parsing.numbers import is_number, is_text
from forecaster.data.parsing.time_formats import FORMS, PatternMatch, date_pattern, match_pattern
from forecaster.data.parsing.time_zones import Times, in_zone, utc_offsets, zone_label
from forecaster.data.table import Part, Table
from forecaster.errors import DataError, UsageError

ZONED = r"(?P<zone>Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)$"
EXCEL = np.datetime64("1899-12-30", "D").astype(np.int64)  # day 0 of a spreadsheet, for days after 1900-02
FRACTION = r"^(?P<whole>[0-9]+)\.(?P<part>[0-9]{1,9})$"
UNITS = {"s": (10**8, 10**10, 10**9), "ms": (10**11, 10**13, 10**6),
         "us": (10**14, 10**16, 10**3), "ns": (10**17, 9 * 10**18, 1)}  # fmt: skip


def parse_times(table: Table, name: str, form: str | None = None, tz: str | None = None) -> Times:
    """Column `name` as timestamps. DataError for a missing, impossible or ambiguous one, with its place."""
    times = _as_parsed(table, name) if form in (None, "iso") else None
    if times is None:
        table, late = without_midnights(table, name) if is_text(table.columns[name].type) else (table, None)
        times = _from_column(table, name, form)
        times = times if late is None else a_day_later(table, times, late)
    if tz and times.form in UNITS:  # numbers since 1970 count in UTC
        times = dataclasses.replace(times, tz="UTC")
    return in_zone(table, times, tz) if tz else times


def are_times(cells: pa.ChunkedArray, config: ReadConfig) -> bool:
    """Whether cells look like times, or can be parsed as times."""
    if is_text(cells.type) and kind_of_cells(cells, config.na) == "time":
        return True
    table = Table({"time": cells}, (Part("cells", "cells", len(cells), lambda row: f"row {row}"),))
    try:
        parse_times(table, "time", config.date_format, config.tz)
    except DataError:
        return False
    return True


def _as_parsed(table: Table, name: str) -> Times | None:
    """The column as parsed while reading; None if its text is needed."""
    column = table.parsed.get(name)
    if column is None or not pa.types.is_temporal(column.type) or column.null_count:
        return None
    try:
        return Times(_as_ns(column.cast(pa.timestamp("ns"))), None, pa.types.is_date(column.type), "iso")
    except pa.ArrowInvalid:  # a year out of range
        return None


def _from_column(table: Table, name: str, form: str | None) -> Times:
    column = table.columns[name]
    if is_text(column.type):
        return _from_text(table, name, form)
    if is_number(column.type) and form and "%" in form:
        _refuse_missing(table, name, column)
        return _by_pattern(table, name, column.cast(pa.string()), form)
    if is_number(column.type):
        return _from_numbers(table, name, column, form)
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return _from_typed(table, name, column)
    raise DataError(
        f"{table.name}: column {shown(name)} holds {column.type}, not times", hint="Choose: --time"
    )


def _from_typed(table: Table, name: str, column: pa.ChunkedArray) -> Times:
    _refuse_missing(table, name, column)
    dates = pa.types.is_date(column.type)
    tz = None if dates else column.type.tz
    try:
        ns = _as_ns(column.cast(pa.timestamp("ns", tz)))
    except pa.ArrowInvalid:
        raise DataError(f"{table.name}: column {shown(name)} has times outside 1677 to 2262") from None
    return Times(ns, tz, dates or (tz is None and not np.any(ns % DAY)), None)


def _as_ns(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _refuse_missing(table: Table, name: str, column: pa.ChunkedArray) -> None:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise DataError(
            f"{table.where(row)}, column {shown(name)}: timestamp missing ({column.null_count} such rows)",
            hint="Fill it in or remove the row; or leave out such rows: --bad-rows skip.",
            code="E004",
            count=column.null_count,
        )


def _from_text(table: Table, name: str, form: str | None) -> Times:
    column = table.columns[name]
    if form in (None, "iso") and not column.null_count:
        times = _iso(column)  # the usual case, which takes no copy of the text
        if times is not None:
            return times
    cells = pc.utf8_trim_whitespace(column)
    cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells)
    _refuse_missing(table, name, cells)
    if form in (*UNITS, "excel"):
        return _from_numbers(table, name, cells, form)
    if form is not None and form not in ("iso", *FORMS):
        return _by_pattern(table, name, cells, form)
    if form in (None, "iso"):
        if all_match(cells, "^[0-9]{4}-[0-9]{2}$"):
            cells = pc.binary_join_element_wise(cells, "01", "-")
        times = _iso(cells)
        if times is not None:
            return times
    if form is None and all_match(cells, r"^-?[0-9]+(\.[0-9]+)?$"):
        return _from_numbers(table, name, cells, None)
    return _by_parts(table, name, cells, form)


def _iso(cells: pa.ChunkedArray) -> Times | None:
    """ISO 8601, by PyArrow's strict parser; None if any cell is something else."""
    if not _may_be_iso(cells):
        return None
    try:
        ns = _as_ns(cells.cast(pa.timestamp("ns")))
        longest = pc.max(pc.utf8_length(cells)).as_py()
        return Times(ns, None, longest <= 10, "iso")
    except pa.ArrowInvalid:
        pass
    try:
        ns = _as_ns(cells.cast(pa.timestamp("ns", "UTC")))
    except pa.ArrowInvalid:
        return None
    zones = _zones(pc.unique(pc.utf8_slice_codeunits(cells, -len("+00:00"))))
    if len({zone_label(zone) for zone in zones.to_pylist()}) > 1:
        zones = _zones(cells)
    return _aware(ns, zones, "iso")


def _zones(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.struct_field(pc.extract_regex(cells, ZONED), "zone")


def _may_be_iso(cells: pa.ChunkedArray) -> bool:
    """Whether the first cell is ISO 8601; PyArrow's parser would read all cells before it refuses one."""
    first = cells.slice(0, 1)
    for kind in (pa.timestamp("ns"), pa.timestamp("ns", "UTC")):
        try:
            first.cast(kind)
        except pa.ArrowInvalid:
            continue
        return True
    return False


def _aware(ns: Ints, zones: pa.ChunkedArray, form: str) -> Times:
    """Times already in UTC, with their zone if all have the same; otherwise with a finding."""
    labels = sorted({zone_label(zone) for zone in pc.unique(zones).to_pylist()})
    if len(labels) == 1:
        return Times(ns, labels[0], False, form)
    message = f"timestamps have {len(labels)} different UTC offsets ({', '.join(labels[:4])})"
    local = ns + utc_offsets(zones)
    if (local % DAY == local[0] % DAY).all():  # days of a zone with summer time
        action = "read as the days of a local clock, on which all have one time; set its zone with --tz"
        finding = repair("T002", message, count=len(ns), action=action)
        return Times(local, None, not local[0] % DAY, form, (finding,))
    finding = repair(
        "T002", message, count=len(ns), action="converted to UTC; --tz sets a zone to show them in"
    )
    return Times(ns, "UTC", False, form, (finding,))


def _by_pattern(table: Table, name: str, cells: pa.ChunkedArray, pattern: str) -> Times:
    """By a strptime pattern from the user."""
    if "%" not in pattern:
        raise UsageError(
            f"unknown date format {shown(pattern)}",
            hint="Use dmy, mdy, ymd, iso, s, ms, us, ns or a pattern: %d.%m.%Y",
        )
    try:
        parsed = pd.to_datetime(
            cells.to_pandas(), format=pattern, exact=True, errors="coerce", utc="%z" in pattern
        )
    except (ValueError, TypeError) as error:
        raise UsageError(f"the date format {shown(pattern)} does not work: {error}") from error
    wrong = np.flatnonzero(parsed.isna().to_numpy())
    if len(wrong):
        raise _bad_time(table, name, wrong, f"is not of the form {shown(pattern)}")
    index = pd.DatetimeIndex(parsed).as_unit("ns")
    clock = any(mark in pattern for mark in ("%H", "%I", "%M", "%S", "%T", "%X", "%c"))
    return Times(np.asarray(index.asi8), "UTC" if index.tz is not None else None, not clock, pattern)


def _by_parts(table: Table, name: str, cells: pa.ChunkedArray, form: str | None) -> Times:
    """By the patterns of a form, or of the one form that fits all cells."""
    forms = [form] if form and form != "iso" else list(FORMS)
    patterns = [(kind, pattern) for kind in forms for pattern in FORMS[kind]]
    first = cells.slice(0, 1)
    likely = [
        (kind, pattern) for kind, pattern in patterns if match_pattern(first, kind, pattern).sound.all()
    ]
    matches = [match_pattern(cells, kind, pattern) for kind, pattern in likely]
    whole = [match for match in matches if match.sound.all()]
    if whole:
        return _only(table, name, whole)
    matches = [match_pattern(cells, *each) for each in patterns]  # for the error
    best = max(matches, key=lambda match: int(match.sound.sum()))
    wrong = np.flatnonzero(~best.sound)
    raise _bad_time(table, name, wrong, "is not a time that can be read")


def _only(table: Table, name: str, whole: list[PatternMatch]) -> Times:
    """The one match; DataError if day and month could be swapped."""
    first = whole[0]
    for other in whole[1:]:
        if not np.array_equal(first.ns, other.ns):
            raise DataError(
                f"{table.name}, column {shown(name)}: {table.cell(name, 0)} may be day first or month first",
                hint="Say which: --date-format dmy or --date-format mdy.",
            )
    order = {"dmy": "day first", "mdy": "month first"}.get(first.form)
    findings = (info("T003", f"dates in column {shown(name)} are {order}"),) if order else ()
    if first.zones is not None:
        times = _aware(first.ns, first.zones, first.form)
        return dataclasses.replace(times, findings=findings + times.findings)
    return Times(first.ns, None, first.dates, first.form, findings)


def _from_numbers(table: Table, name: str, column: pa.ChunkedArray, form: str | None) -> Times:
    """Numbers as time since 1970, in the one unit that puts all between 1973 and 2286."""
    _refuse_missing(table, name, column)
    if form == "excel":
        return _from_serials(table, name, column)
    try:
        numbers, parts = _whole_and_part(column)
    except pa.ArrowInvalid:
        raise DataError(
            f"{table.name}: column {shown(name)} holds numbers that are not times since 1970",
            hint="Choose another column: --time; or, for spreadsheet dates, set --date-format excel.",
        ) from None
    low, high = int(numbers.min()), int(numbers.max())
    unit = form or next(
        (unit for unit, (least, most, _) in UNITS.items() if least <= low and high < most), None
    )
    dates = None if form or parts.any() else date_pattern(numbers)
    if unit in UNITS and dates:
        raise DataError(
            f"{table.name}: column {shown(name)} holds numbers from {low} to {high}, which may be dates or "
            f"{unit} since 1970",
            hint=f"Say which: --date-format {dates} or --date-format {unit}.",
        )
    if unit not in UNITS:
        days = low >= 15_000 and high < 80_000  # of a spreadsheet, from 1941 to 2119
        likely = dates or ("excel" if days else "%Y%m%d, %Y, excel, s, ms, us or ns")
        raise DataError(
            f"{table.name}: column {shown(name)} holds numbers from {low} to {high}, not clearly times",
            hint=f"Say what they are: --date-format {likely}; or choose another column: --time",
        )
    if max(abs(low), abs(high)) > (2**63 - 1) // UNITS[unit][2]:
        raise DataError(f"{table.name}: column {shown(name)} has times outside 1677 to 2262")
    ns = numbers * UNITS[unit][2] + parts * UNITS[unit][2] // 10**9
    first, last = (str(np.datetime64(int(end), "ns"))[:19] for end in (ns.min(), ns.max()))
    message = f"numbers in column {shown(name)} read as {unit} since 1970: {first} to {last}"
    findings = (
        () if form else (repair("T001", message, count=len(ns), action=f"read as --date-format {unit}"),)
    )
    return Times(ns, None, False, unit, findings)


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
            raise _bad_time(table, name, words, "is not a spreadsheet date")
    days = np.asarray(column.cast(pa.float64()).to_numpy())
    wrong = np.flatnonzero(~((days >= 61) & (days < 110_000)))  # 1900-03-01 to 2201
    if len(wrong):
        raise _bad_time(table, name, wrong, "is not a spreadsheet date")
    ns = np.round(days * 86_400_000).astype(np.int64) * 10**6 + EXCEL * DAY
    return Times(ns, None, not np.any(ns % DAY), "excel")


def _bad_time(table: Table, name: str, rows: NDArray[np.intp], fault: str) -> DataError:
    count, cell = len(rows), table.cell(name, int(rows[0]))
    more = f" ({count} such cells)" if count > 1 else ""
    return DataError(
        f"{table.where(int(rows[0]))}, column {shown(name)}: {cell} {fault}{more}",
        hint=_hint(table, name, rows, cell),
        code="E004",
        count=count,
        places=table.places(name, rows),
    )


def _hint(table: Table, name: str, rows: NDArray[np.intp], cell: str) -> str:
    """What to type for a column with cells that are not times."""
    column = pc.utf8_trim_whitespace(table.columns[name].cast(pa.string()))
    forms = for_times(column)
    if forms:
        return f"Set the form: {forms}."
    if len(rows) == table.rows:
        return "Set the form: --date-format dmy, mdy, ymd or a pattern such as '%d.%m.%Y %H:%M'."
    hints = [
        "Repair the cell or delete its row" if len(rows) == 1 else "Repair the cells or delete their rows"
    ]
    aware = np.asarray(pc.match_substring_regex(column, f":[0-9.]+ ?{ZONED}").fill_null(False).to_numpy())
    if aware.any() and not aware[rows].any() and table.rows == len(rows) + np.count_nonzero(aware):
        hints = ["Write all times with their offset from UTC, or none"]
    last = len(table.parts) == 1 and rows[0] == table.rows - len(rows)
    if last and not pc.match_substring_regex(pa.scalar(cell.strip("'")), TIME_LIKE).as_py():
        hints.append(f"leave out the lines below the table: --skip-end {len(rows)}")
    if not any(mark.isdigit() for mark in cell):
        hints.append("leave out rows without a time: --bad-rows skip")
    return "; or ".join(hints) + "."
