"""Calendars: holidays, events and positions in month and year, among the known columns of a panel."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.config import ReadConfig
from forecaster.data.covariates.day_rows import Columns, Rows, rows_with_future
from forecaster.data.covariates.event_columns import event_columns
from forecaster.data.covariates.events import read_events
from forecaster.data.covariates.holidays import holiday_columns, known_code
from forecaster.data.covariates.positions import calendar_columns, day_of_week
from forecaster.data.findings import Finding
from forecaster.data.panel import Panel
from forecaster.data.parsing.words import recoded
from forecaster.data.rows.known import NO_WORDS, Known, Words

HOLIDAY = re.compile(r"holiday|feiertag|festivo|feriado|f[ée]ri[ée]|helgdag|feestdag", re.IGNORECASE)
"""Names of columns that say which rows are public holidays."""


def with_calendar(
    panel: Panel,
    config: ReadConfig,
    horizon: int = 0,
    *,
    words: Mapping[str, Words] = NO_WORDS,
    remembered: bool = False,
) -> tuple[Panel, list[Finding]]:
    """The panel with known columns for holidays, events and positions as `config` says, and what was found.

    The columns cover all rows and at least `horizon` rows after the last one of each series; where the table
    itself has more rows of the future, those too. Known columns of the table are NaN in rows that it does not
    have. Columns of an earlier call are replaced. `words` are those of categories that a model knows,
    and stay so.
    `remembered`: the file of events is one that a model names, see `read_events`.

    Raises UsageError (unknown country, missing library), DataError and StorageError (the file of events).
    """
    positions = config.positions
    if positions is None:
        positions = bool(config.holidays or config.events or panel.names.known)
    if not (config.holidays or config.events or positions):
        return panel, []
    rows = rows_with_future(panel, _ahead(panel, horizon))
    parts: list[Columns] = []
    findings: list[Finding] = []
    for code in dict.fromkeys(map(known_code, config.holidays)):
        columns, found = holiday_columns(code, rows)
        parts.append(columns)
        findings += found
    if config.events:
        events, found = read_events(config.events, panel, config, named=not remembered)
        columns, more = event_columns(events, rows, panel.ids)
        parts.append(columns)
        findings += [*found, *more]
    if positions:
        names, values = calendar_columns(rows.local, panel.frequency)
        parts.append(Columns(names, (None,) * len(names), values))
        if rows.bar:
            parts.append(day_of_week(rows.local, _days_off(panel, rows, parts)))
    if not parts or not sum(len(part.names) for part in parts):
        return panel, findings
    before = {} if panel.known is None else dict(zip(panel.known.names, panel.known.words, strict=True))
    known = _merged(panel, rows, Columns.joined(parts))
    return dataclasses.replace(panel, known=_with_words(known, before | dict(words))), findings


def _with_words(known: Known, words: Mapping[str, Words]) -> Known:
    """The made columns with the words of the model; those of the table have them already."""
    values, own = known.values.copy(), list(known.words)
    for place, name in enumerate(known.names):
        if name in known.made and words.get(name) is not None:
            own[place] = words[name]
            values[:, place] = recoded(values[:, place], known.words[place], own[place], name)[0]
    return dataclasses.replace(known, words=tuple(own), values=values)


def _days_off(panel: Panel, rows: Rows, parts: list[Columns]) -> Bools:
    """Rows (R,) on public holidays, by --holidays or by a column of the table that says so."""
    off = np.zeros(len(rows.time), np.bool_)
    for part in parts:
        for name, values in zip(part.names, part.values.T, strict=True):
            if name.startswith("holiday "):
                off |= values == 1
    if panel.known is not None:
        there = _same_rows(panel.known.offsets, rows.offsets)
        for name, values in zip(panel.known.names, panel.known.values.T, strict=True):
            if HOLIDAY.search(name) and np.isin(values[np.isfinite(values)], (0, 1)).all():
                off[there] |= values == 1
    return off


def _ahead(panel: Panel, horizon: int) -> Ints:
    """Rows of the future of each series (S,)."""
    there = panel.lengths if panel.known is None else np.diff(panel.known.offsets)
    return np.maximum(there - panel.lengths, horizon)


def _merged(panel: Panel, rows: Rows, columns: Columns) -> Known:
    """The known columns of the table, then these."""
    names = panel.names
    taken = {names.time, names.id, names.target, *names.covariates, *names.known, *names.static}
    parts = []
    if panel.known is not None:
        old = panel.known
        own = [place for place, name in enumerate(old.names) if name not in old.made]
        values = np.full((len(rows.time), len(own)), np.nan)
        values[_same_rows(old.offsets, rows.offsets)] = old.values[:, own]
        kept = Columns(tuple(old.names[k] for k in own), tuple(old.words[k] for k in own), values)
        parts, taken = [kept], {*taken, *kept.names}
    made = tuple(_free(name, taken) for name in columns.names)
    every = Columns.joined([*parts, columns._replace(names=made)])
    return Known(every.names, every.words, every.values, rows.offsets, made)


def _same_rows(offsets: Ints, longer: Ints) -> Ints:
    """Where the rows of series at `offsets` are among those of the same series at `longer`."""
    counts = np.diff(offsets)
    return np.arange(offsets[-1]) + np.repeat(longer[:-1] - offsets[:-1], counts)


def _free(name: str, taken: set[str | None]) -> str:
    """The name, or one like it that no column of the table has."""
    while name in taken:
        name += " (calendar)"
    return name
