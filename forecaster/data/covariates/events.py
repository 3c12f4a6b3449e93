"""Events: a table of dates or times with names, such as promotions, school terms and maintenance.

    date,name                        one day each, for all series
    start,end,name,store,value       from the first to the last day, for one series each, of a size

Columns are known by their names, in any order and case. Dates are whole days, the last one included; an event
with times goes from `start` up to `end`. A table without names is one kind of event, named as the file.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import ReadConfig
from forecaster.data.calendar.clock import DAY, from_local, to_local
from forecaster.data.covariates.day_rows import bar_of
from forecaster.data.findings import SHOWN, Finding, info, repair, warn
from forecaster.data.labels import listed, shown
from forecaster.data.panel import Panel
from forecaster.data.parsing.numbers import is_text, parse_numbers
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.times import parse_times
from forecaster.data.reading.read import read
from forecaster.data.storage.files import is_folder
from forecaster.data.storage.place import at_home, chooses_server
from forecaster.data.table import Table
from forecaster.errors import DataError, StorageError, UsageError

ALL = -1
"""The owner of an event that concerns every series."""
DATES = ("date", "day", "time", "timestamp", "datetime", "ds")
STARTS = ("start", "begin", "from", "start_date", "first")
ENDS = ("end", "until", "to", "end_date", "last")
NAMES = ("name", "event", "holiday", "title")
IDS = ("id", "series", "unique_id")
VALUES = ("value",)
FORM = "Name its columns date (or start and end) and name; and, if there are any, id and value."
READABLE = "Write it as CSV in UTF-8 with commas and a header, as in: date,name"
DATE_HINT = "Correct the file of events: dates such as 2024-12-31, or times such as 2024-12-31 13:45."


@dataclass(frozen=True, eq=False)
class Events:
    """E events of K kinds."""

    source: str
    """The name of the file, for messages."""
    kinds: tuple[str, ...]  # (K,) sorted
    kind: Ints  # (E,)
    start: Ints  # (E,)
    stop: Ints  # (E,) not included
    owner: Ints  # (E,) a series of the panel, or ALL
    value: Floats  # (E,)
    exact: bool
    """start and stop are in ns UTC; else they are local days since 1970."""
    sized: bool
    """The file gives the value of each event; else all are 1."""


def read_events(
    path: str, panel: Panel, config: ReadConfig, *, named: bool = True
) -> tuple[Events, list[Finding]]:
    """The events in a file, with the series that each concerns.

    `named`: the user has named the file; else errors say nothing of what is in it. Raises UsageError for what
    is no file, StorageError where it cannot be read, and DataError where it holds something else.
    """
    if not named and chooses_server(path):
        hint = "Name it, to read it all the same: --events FILE"
        raise UsageError(f"{shown(path)}, which the model names, is on a server that it chooses", hint=hint)
    try:
        return _read(path, panel, config)
    except DataError as error:
        if named:
            raise
        hint = f"To see why: forecast inspect DATA --events {shlex.quote(str(path))}"
        message = f"the events in {shown(path)}, which the model remembers, cannot be read"
        raise DataError(message, hint=hint, code=error.code, count=error.count) from None


def _read(path: str, panel: Panel, config: ReadConfig) -> tuple[Events, list[Finding]]:
    table, findings = _table(path, config)
    columns = _columns(table, panel)
    start, stop, exact, found = _times(table, columns, panel, config)
    names = _words(table, columns.name) if columns.name else [table.parts[0].stem] * table.rows
    _refuse_empty(table, columns.name, names)
    kinds, kind = np.unique(np.array(names, object).astype(str), return_inverse=True)
    owner, unknown = _owners(table, columns.id, panel)
    value, repaired = _values(table, columns.value)
    findings += [*found, *repaired]
    parts = [name for name in columns.unused if panel.names.id and name in panel.names.id.split("+")]
    if parts and columns.id is None:
        raise DataError(
            f"{table.name} has the column {shown(parts[0])}, but ids of series are those of {panel.names.id}",
            hint=f"Give the events a column {shown(panel.names.id)} with ids such as {shown(panel.ids[0])}.",
        )
    if columns.unused:
        action = "not used"
        findings.append(info("C002", f"columns of {table.name}: {listed(columns.unused)}", action=action))
    kept, more = _kept(table, np.column_stack([start, stop, kind, owner]), value, unknown)
    findings += more
    events = Events(
        source=table.name,
        kinds=tuple(str(each) for each in kinds),
        kind=kind.astype(np.int64)[kept],
        start=start[kept],
        stop=stop[kept],
        owner=owner[kept],
        value=value[kept],
        exact=exact,
        sized=columns.value is not None,
    )
    return events, findings


def _table(path: str, config: ReadConfig) -> tuple[Table, list[Finding]]:
    if str(path) == "-" or is_folder(at_home(path)):
        raise UsageError(f"--events {shown(path)} is not a file", hint="Name a file: --events events.csv")
    try:
        (table, _), findings = read(path, ReadConfig(max_bytes=config.max_bytes))
    except StorageError as error:
        hint = "The events are read again for each forecast. Name where they are now: --events FILE"
        raise StorageError(f"the events cannot be read: {error.message}", hint=hint) from error
    except DataError as error:
        error.hint = READABLE  # other hints are options, which are for the data
        raise
    if len(table.parts) > 1:
        raise UsageError(f"--events {shown(path)} is several files", hint="Name one: --events events.csv")
    return table, list(findings)


@dataclass(frozen=True)
class _Roles:
    start: str
    end: str | None
    name: str | None
    id: str | None
    value: str | None
    unused: tuple[str, ...]


def _columns(table: Table, panel: Panel) -> _Roles:
    """Which column is what, by its name. DataError where two could be the same, or none could."""
    start, end = _only(table, STARTS), _only(table, ENDS)
    date = _only(table, (panel.names.time, *DATES), {start, end})
    if (date is None) == (start is None):
        which = "no column of dates" if date is None else f"both {shown(date)} and {shown(start)}"
        raise DataError(f"{table.name} has {which}; its columns are {listed(list(table.columns))}", hint=FORM)
    first = date or start or ""
    others = {first, end}
    ids = [panel.names.id] if panel.names.id and panel.names.id.casefold() not in NAMES else []
    id = _only(table, (*ids, *IDS), others)
    name, value = _only(table, NAMES, {*others, id}), _only(table, VALUES, {*others, id})
    unused = tuple(column for column in table.columns if column not in {first, end, id, name, value})
    if name is None and unused:
        raise DataError(
            f"{table.name} has no column of names; its columns are {listed(list(table.columns))}", hint=FORM
        )
    return _Roles(first, end, name, id, value, unused)


def _only(table: Table, names: Sequence[str], taken: Collection[str | None] = ()) -> str | None:
    """The one column with one of these names. The first name comes before the others."""
    wanted = {name.casefold() for name in names}
    found = [
        column for column in table.columns if column.strip().casefold() in wanted and column not in taken
    ]
    own = [column for column in found if column.strip().casefold() == names[0].casefold()]
    found = own if len(own) == 1 else found
    if len(found) > 1:
        raise DataError(f"{table.name}: {listed(found)} could be the same; only one can be used", hint=FORM)
    return found[0] if found else None


def _times(
    table: Table, columns: _Roles, panel: Panel, config: ReadConfig
) -> tuple[Ints, Ints, bool, list[Finding]]:
    """Start, stop (not included), and whether they are times rather than days.

    Local times that the clock skips are read as those after, and of those that come twice the first is meant.
    """
    zone = panel.frequency.clock(panel.names.tz)
    starts = _parsed(table, columns.start, (None, config.date_format), panel)
    stop, dates, findings = starts.ns + (DAY if starts.dates else 1), starts.dates, list(starts.findings)
    given = np.flatnonzero(_filled(table, columns.end)) if columns.end else ()
    if columns.end and len(given):
        rest = table.without(np.setdiff1d(np.arange(table.rows), given))
        ends = _parsed(rest, columns.end, (None, starts.form, config.date_format), panel)
        if (starts.tz is None) != (ends.tz is None):
            message = f"only one of {shown(columns.start)} and {shown(columns.end)} has UTC offsets"
            raise DataError(f"{table.name}: {message}", hint=DATE_HINT)
        stop[given] = ends.ns + (DAY if ends.dates else 0)
        wrong = stop <= starts.ns if ends.dates else stop < starts.ns
        _refuse_backward(table, columns, np.flatnonzero(wrong))
        dates &= ends.dates
        findings += ends.findings
    start, stop = starts.ns, np.maximum(stop, starts.ns + 1)
    exact = bar_of(panel.frequency) is not None and not dates
    if exact and starts.tz is None:
        start, stop = from_local(start, zone), from_local(stop, zone)
    elif not exact and starts.tz is not None:
        start, stop = to_local(start, zone), to_local(stop, zone)
    return (start, stop, True, findings) if exact else (start // DAY, (stop - 1) // DAY + 1, False, findings)


def _parsed(table: Table, name: str, forms: Sequence[str | None], panel: Panel) -> Times:
    """A column of times, in the first of the forms that fits; the last ones are those of other columns."""
    fault: DataError | None = None
    for form in dict.fromkeys(forms):
        try:
            times = parse_times(table, name, form)
        except (DataError, UsageError) as error:
            fault = fault or (error if isinstance(error, DataError) else None)
            continue
        if times.tz and not panel.names.tz and not panel.frequency.clock(None):
            raise DataError(
                f"{table.name}: column {shown(name)} has UTC offsets, and the times of the data have none",
                hint="Name the zone of the data, as in --tz Europe/Berlin; or write events without offsets.",
            )
        return times
    assert fault is not None
    fault.hint = DATE_HINT
    raise fault


def _filled(table: Table, name: str) -> Bools:
    """The cells that are not empty (N,)."""
    column = table.columns[name]
    if is_text(column.type):
        column = pc.if_else(
            pc.equal(pc.utf8_trim_whitespace(column), ""), pa.scalar(None, column.type), column
        )
    return ~np.asarray(pc.is_null(column, nan_is_null=True).to_numpy())


def _refuse_backward(table: Table, columns: _Roles, wrong: Ints) -> None:
    if len(wrong):
        row, end = int(wrong[0]), columns.end or ""
        raise DataError(
            f"{table.where(row)}: the event ends on {table.cell(end, row)}, before it starts on "
            f"{table.cell(columns.start, row)} ({len(wrong)} such rows)",
            hint="Correct the file of events.",
            count=len(wrong),
        )


def _words(table: Table, name: str) -> list[str]:
    """A column as text without spaces around it; empty where missing."""
    column = table.columns[name]
    if not is_text(column.type):
        column = column.cast(pa.string())
    return [(text or "").strip() for text in column.to_pylist()]


def _refuse_empty(table: Table, column: str | None, names: list[str]) -> None:
    empty = [row for row, name in enumerate(names) if not name]
    if empty:
        raise DataError(
            f"{table.where(empty[0])}, column {shown(column)}: no name ({len(empty)} such rows)",
            hint="Correct the file of events.",
            count=len(empty),
        )


def _owners(table: Table, name: str | None, panel: Panel) -> tuple[Ints, list[str]]:
    """The series of each event, and the id of those in no series ('' for all others). An empty id: all."""
    if name is None:
        return np.full(table.rows, ALL), [""] * table.rows
    ids = _words(table, name)
    place = {id: series for series, id in enumerate(panel.ids)}
    owner = np.array([place.get(id, ALL) for id in ids], np.int64)
    return owner, ["" if id in place else id for id in ids]


def _values(table: Table, name: str | None) -> tuple[Floats, list[Finding]]:
    if name is None:
        return np.ones(table.rows), []
    try:
        values, findings = parse_numbers(table, name, ReadConfig())
    except DataError as error:
        error.hint = "Correct the file of events: numbers such as 0.25."
        raise
    missing = np.flatnonzero(np.isnan(values))
    if len(missing):
        raise DataError(
            f"{table.where(int(missing[0]))}, column {shown(name)}: no value ({len(missing)} such rows)",
            hint="Correct the file of events: 1 for events without another value.",
            count=len(missing),
        )
    return values, findings


def _kept(table: Table, facts: Ints, value: Floats, unknown: list[str]) -> tuple[Ints, list[Finding]]:
    """The rows that are used: each event once, of series that there are."""
    findings = []
    known = np.array([not id for id in unknown], np.bool_)
    if not known.all():
        others = sorted({id for id in unknown if id})
        message = f"events in {table.name} of ids that are in no series: {listed(others, SHOWN)}"
        findings.append(warn("H005", message, count=int((~known).sum()), action="left out"))
    rows = np.flatnonzero(known)
    every = np.column_stack([facts, value.view(np.int64)])[rows]
    _, first = np.unique(every, axis=0, return_index=True)
    if len(first) < len(rows):
        again = np.setdiff1d(np.arange(len(rows)), first)
        places = [table.where(int(rows[at])) for at in again[:SHOWN]]
        message = f"events given twice in {table.name}"
        findings.append(repair("H006", message, count=len(again), places=places, action="taken once"))
    return rows[np.sort(first)], findings
