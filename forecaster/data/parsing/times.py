"""Times: a column -> timestamps. ISO 8601 and forms with one meaning are parsed; all else is an error.

A form is a word: `iso`, `ymd`, `dmy`, `mdy` (with any time of day), `named` (a month by its name), `period`
(a month, quarter or week), `year`, `week` (numbers as 202453), `s`, `ms`, `us`, `ns` (since 1970), `epoch`
(each number in the unit that its size shows), `s since 2020-01-01` (or another unit), or a strptime pattern.
`ReadConfig.date_format` takes the same words and stores the form that was inferred. The patterns of a form
are in `time_formats`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.config import ReadConfig
from forecaster.data.calendar.clock import DAY
from forecaster.data.findings import info, repair
from forecaster.data.labels import shown
from forecaster.data.parsing.intervals import without_ends
from forecaster.data.parsing.looks import all_match, kind_of_cells
from forecaster.data.parsing.midnight import a_day_later, without_midnights
from forecaster.data.parsing.numbered_times import NUMBERED, SINCE, UNITS, from_numbers
from forecaster.data.parsing.numbers import is_number, is_text
from forecaster.data.parsing.time_faults import ZONED, bad_time, out_of_range, refuse_missing
from forecaster.data.parsing.time_formats import FORMS, PatternMatch, match_pattern
from forecaster.data.parsing.time_zones import Times, in_zone, utc_offsets, zone_label
from forecaster.data.table import Part, Table
from forecaster.errors import DataError, UsageError

TORN = 2
"""Gaps of months by which one order of day and month tears readings apart that the other one connects."""


def parse_times(table: Table, name: str, form: str | None = None, tz: str | None = None) -> Times:
    """Column `name` as timestamps. DataError for a missing, impossible or ambiguous one, with its place."""
    times = _as_parsed(table, name) if form in (None, "iso") else None
    if times is None:
        times = _from_whole(table, name, form)
    if tz and times.form in (*UNITS, "epoch"):  # numbers since 1970 count in UTC
        times = dataclasses.replace(times, tz="UTC")
    return in_zone(table, times, tz) if tz else times


def _from_whole(table: Table, name: str, form: str | None) -> Times:
    """A column that holds times in any form; ends of intervals are left out, and 24:00 is the day after."""
    if not is_text(table.columns[name].type):
        return _from_column(table, name, form)
    starts, found = without_ends(table, name)
    starts, late = without_midnights(starts, name)
    times = _from_column(starts, name, form)
    times = times if late is None else a_day_later(table, times, late)
    return dataclasses.replace(times, findings=(*times.findings, *found))


def are_times(cells: pa.ChunkedArray, config: ReadConfig) -> bool:
    """Whether cells look like times, or can be parsed as times."""
    if is_text(cells.type) and kind_of_cells(cells, config.na) == "time":
        return True
    if is_text(cells.type) and config.date_format is None and not _may_be_time(cells.slice(0, 1)):
        return False
    table = Table({"time": cells}, (Part("cells", "cells", len(cells), lambda row: f"row {row}"),))
    try:
        parse_times(table, "time", config.date_format, config.tz)
    except DataError:
        return False
    return True


def _may_be_time(cell: pa.ChunkedArray) -> bool:
    """Whether a first cell may be a time; quick, for columns that hold anything else."""
    cell = pc.utf8_trim_whitespace(cell)
    if all_match(cell, r"^-?[0-9]+(\.[0-9]+)?$|^[0-9]{4}-|24:00") or _may_be_iso(cell):
        return True
    patterns = [(kind, pattern) for kind in FORMS for pattern in FORMS[kind]]
    return any(match_pattern(cell, kind, pattern).sound.all() for kind, pattern in patterns)


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
        refuse_missing(table, name, column)
        return _by_pattern(table, name, column.cast(pa.string()), form)
    if is_number(column.type):
        return from_numbers(table, name, column, form)
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return _from_typed(table, name, column)
    raise DataError(
        f"{table.name}: column {shown(name)} holds {column.type}, not times", hint="Choose: --time"
    )


def _from_typed(table: Table, name: str, column: pa.ChunkedArray) -> Times:
    refuse_missing(table, name, column)
    dates = pa.types.is_date(column.type)
    tz = None if dates else column.type.tz
    try:
        ns = _as_ns(column.cast(pa.timestamp("ns", tz)))
        pd.DatetimeIndex(ns[:1].view("M8[ns]")).tz_localize("UTC").tz_convert(tz)
    except pa.ArrowInvalid:
        raise out_of_range(table, name) from None
    except (KeyError, ValueError, OSError):
        raise DataError(
            f"{table.name}: column {shown(name)} has the unknown time zone {shown(tz)}",
            hint="Write the file again with a zone such as Europe/Berlin or UTC.",
        ) from None
    return Times(ns, tz, dates or (tz is None and not np.any(ns % DAY)), None)


def _as_ns(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _from_text(table: Table, name: str, form: str | None) -> Times:
    column = table.columns[name]
    if form in (None, "iso") and not column.null_count:
        times = _iso(column)  # the usual case, which takes no copy of the text
        if times is not None:
            return times
    cells = pc.utf8_trim_whitespace(column)
    cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells)
    refuse_missing(table, name, cells)
    if form in NUMBERED or (form and SINCE.fullmatch(form)):
        return from_numbers(table, name, cells, form)
    if form is not None and form not in ("iso", *FORMS):
        return _by_pattern(table, name, cells, form)
    if form in (None, "iso"):
        if all_match(cells, "^[0-9]{4}-[0-9]{2}$"):
            cells = pc.binary_join_element_wise(cells, "01", "-")
        times = _iso(cells)
        if times is not None:
            return times
    if form is None and all_match(cells, r"^-?[0-9]+(\.[0-9]+)?$"):
        return from_numbers(table, name, cells, None)
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
    except (ValueError, TypeError, NotImplementedError) as error:
        raise UsageError(f"the date format {shown(pattern)} does not work: {error}") from error
    wrong = np.flatnonzero(parsed.isna().to_numpy())
    if len(wrong):
        raise bad_time(table, name, wrong, f"is not of the form {shown(pattern)}")
    try:
        index = pd.DatetimeIndex(parsed).as_unit("ns")
    except pd.errors.OutOfBoundsDatetime:
        raise out_of_range(table, name) from None
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
    raise bad_time(table, name, wrong, "is not a time that can be read")


def _connected(whole: list[PatternMatch]) -> list[PatternMatch]:
    """The matches without those that tear readings of a day, hour by hour, from the next day's by months.

    So hours of 02/01/2024, 02/02/2024 ... are those of a February, and not of the second day of many months.
    """
    if len(whole) < 2 or any(match.dates for match in whole):
        return whole
    gaps = [np.diff(np.unique(match.ns)) for match in whole]
    near = [len(each) > 0 and each.max() <= 2 * DAY and (each < DAY).mean() > 0.5 for each in gaps]
    torn = [np.count_nonzero(each > 20 * DAY) >= TORN for each in gaps]
    if not all(one or other for one, other in zip(near, torn, strict=True)):
        return whole
    return [match for match, one in zip(whole, near, strict=True) if one] or whole


def _only(table: Table, name: str, whole: list[PatternMatch]) -> Times:
    """The one match; DataError if day and month could be swapped."""
    whole = _connected(whole)
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
