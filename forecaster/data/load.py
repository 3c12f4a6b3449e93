"""Loading: source -> table -> roles -> observations -> panel. `load` is the table of contents of reading."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from forecaster.config import Layout, Limits, ReadConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.calendar.gaps import ANY
from forecaster.data.covariates.calendars import with_calendar
from forecaster.data.covariates.future import split_future, split_known, with_future
from forecaster.data.covariates.grouping import groups_by
from forecaster.data.covariates.statics import read_static, with_static
from forecaster.data.findings import Finding, enforce, warn
from forecaster.data.labels import Names
from forecaster.data.panel import Panel
from forecaster.data.parsing.numbers import by_word
from forecaster.data.parsing.time_zones import Times, as_options, zones_of
from forecaster.data.reading.files import is_many
from forecaster.data.reading.read import read
from forecaster.data.roles.adjusted_close import adjusted_closes
from forecaster.data.roles.ids import repeated_times, with_parts_as_id
from forecaster.data.roles.non_data_rows import without_non_data_rows, without_words_above
from forecaster.data.roles.repeats import Columns, Repeats, advice_on
from forecaster.data.roles.roles import Roles, assign
from forecaster.data.roles.time_parts import join_time_columns, to_join
from forecaster.data.rows.known import NO_WORDS, Words
from forecaster.data.series.differences import differenced
from forecaster.data.series.grid import to_panel
from forecaster.data.series.health import examine
from forecaster.data.series.hierarchy.sums import with_sums
from forecaster.data.series.hierarchy.tree import sums_of
from forecaster.data.series.learned_holidays import with_holidays
from forecaster.data.series.observations import Observations, Readings, each_once, in_order, observe, trimmed
from forecaster.data.series.resample import on_grid
from forecaster.data.series.stock_splits import adjusted
from forecaster.data.series.value_findings import Oddities, check_limits, examine_values, oddities
from forecaster.data.storage.place import kept
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError

T = TypeVar("T")
Reader = Callable[["Loaded"], None]
"""Called with what was read, before anything is made of it."""
SET_BACK = 20
"""Times that the clock of a series may have been set back."""


@dataclass(frozen=True)
class Loaded:
    """A panel, and how it was read."""

    panel: Panel
    read: ReadConfig
    """With every choice filled in: reading again infers nothing."""
    findings: tuple[Finding, ...]
    source: str
    """Absolute path or glob, '-' for stdin, '' for a DataFrame."""
    uses: dict[str, str]
    """Column -> what it is used for, or why it is left out."""
    odd: Oddities
    """Suspicious values and changes of level, which the findings name."""
    digest: str
    """SHA-256 of the source; empty for a DataFrame."""
    groups: dict[str, str] = field(default_factory=dict)
    """Series -> its value in the column that errors are grouped by, if one was named."""


class _Notes:
    """Keeps the findings of each step."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings

    def __call__(self, step: tuple[T, Iterable[Finding]]) -> T:
        """The value that a step returns."""
        value, made = step
        self.findings.extend(made)
        return value


def load(
    source: str | Path | pd.DataFrame | Table,
    config: ReadConfig = ReadConfig(),
    *,
    limits: Limits = Limits(),
    usual: str | None = None,
    on_rows: Callable[[Observations, Names, list[Finding]], None] | None = None,
    noted: list[Finding] | None = None,
    remembered: bool = False,
    by: str | None = None,
    words: Mapping[str, Words] = NO_WORDS,
    ahead: int = 0,
    examined: bool = True,
    agreed: bool = False,
) -> Loaded:
    """Read `source` and arrange it as a Panel.

    `on_rows` gets the rows, the user's names for them and the findings so far, before the rows are put in
    order: a later step may fail. `limits` are those that a user sets for forecasts; `usual` is the frequency
    where no series has two rows to show one. `noted` is a list that each step adds its findings to.
    `remembered`: a model has this configuration; a word for missing values may be in no cell. `by` is a
    column that groups series. `words` are those of categories that a model knows;
    holidays cover `ahead` rows of the future. Without `examined`, nothing is said of values that stand out.
    `agreed`: see `to_panel`. Raises UsageError, DataError and StorageError.
    """
    findings = [] if noted is None else noted
    note = _Notes(findings)
    table, config = _cells(note, source, config, usual)
    roles, times, doubt = note(assign(table, config, many=is_many(source), by=by))
    readings = note(_observed(table, roles, times, config, remembered, words))
    static = note(read_static(table, roles.static, readings, config, words))
    groups = groups_by(table, by, readings.ids, readings.series) if by else {}
    findings += adjusted_closes(table, roles, config)
    advice = _advice(table, roles, times, readings, config)
    table = dataclasses.replace(table, columns={}, parsed={})  # from here on: where a row comes from
    pa.default_memory_pool().release_unused()
    rows, names = readings.each(), _names(roles, times)
    if on_rows:
        on_rows(rows, names, findings)
    if doubt:
        raise doubt
    rows = note(_sorted(rows, partial(zones_of, table, times, readings.series)))
    rows = note(_combined(rows, freq := _step(config), config, names.tz))
    rows = note(each_once(rows, config.duplicates, table, advice))
    rows, future = split_future(rows)
    rows = note(trimmed(rows, table, roles.targets))
    freq = freq or (usual if len(rows.ids) == len(rows.time) else None)  # no series has two rows
    panel = note(_gridded(rows, names, freq, table, config, usual, agreed))
    panel = note(with_static(panel, static, readings.ids, words))
    panel = note(_with_known(panel, rows, future, words, table))
    panel = note(adjusted(panel, adjust=config.adjust_splits))
    panel = dataclasses.replace(note(differenced(panel, asked=config.difference)), circle=limits.circular)
    panel = note(with_sums(panel, config.hierarchy))
    read_as = _resolved(config, roles, times, panel, table.layout)
    panel = note(with_calendar(panel, read_as, ahead, words=words, remembered=remembered))
    nothing = np.zeros(len(panel), np.int64)
    odd = note(_examined(panel, limits, config)) if examined else oddities(panel, nothing)
    enforce(findings, strict=config.strict)
    pa.default_memory_pool().release_unused()  # back to the system: training has better use for it
    return Loaded(panel, read_as, tuple(findings), absolute(source), roles.uses, odd, table.digest, groups)


def _cells(
    note: _Notes, source: str | Path | pd.DataFrame | Table, config: ReadConfig, usual: str | None
) -> tuple[Table, ReadConfig]:
    """The rows of a source that hold data, and how its cells are read."""
    table, config = note(_read(source, config, usual))
    table, config = note(join_time_columns(table, with_parts_as_id(table, config)))
    table = note(without_words_above(table, config))
    return note(without_non_data_rows(table, config)), config


def _read(
    source: str | Path | pd.DataFrame | Table, config: ReadConfig, usual: str | None
) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table of a source, of more than one row unless a frequency is known."""
    (table, config), findings = read(source, config)
    if table.rows < (1 if config.freq or usual else 2):
        raise DataError(f"{table.name} has one row", hint="At least two rows are needed to see a frequency.")
    return (table, config), findings


def _combined(
    rows: Observations, freq: str | None, config: ReadConfig, tz: str | None
) -> tuple[Observations, Iterable[Finding]]:
    """One row a step, where the options ask for it."""
    if not (config.every or config.agg):
        return rows, ()
    return on_grid(rows, (freq or "").split("@")[0], config.agg or "mean", tz)


def _gridded(
    rows: Observations,
    names: Names,
    freq: str | None,
    table: Table,
    config: ReadConfig,
    usual: str | None,
    agreed: bool,
) -> tuple[Panel, list[Finding]]:
    """The panel of the rows, on the grid of `freq` or of what they show."""
    exact = bool(config.freq or config.calendar or not config.every)
    freq = config.freq or freq
    return to_panel(rows, names, freq, config.max_gap, table, exact=exact, usual=usual, agreed=agreed)


def _with_known(
    panel: Panel, rows: Observations, future: Observations | None, words: Mapping[str, Words], table: Table
) -> tuple[Panel, list[Finding]]:
    """The panel with the known covariates of its rows and of those of the `future`, and with its holidays."""
    panel, findings = split_known(panel, rows.words, words)
    panel, learned = with_holidays(panel)
    if future is None:
        return panel, [*findings, *learned]
    panel, more = with_future(panel, future, lambda row: table.where(future.row(row)))
    return panel, [*findings, *learned, *more]


def _observed(
    table: Table,
    roles: Roles,
    times: Times,
    config: ReadConfig,
    remembered: bool,
    words: Mapping[str, Words],
) -> tuple[Readings, list[Finding]]:
    """The readings, and what was noticed about the cells. UsageError for a word of `na` in no cell."""
    readings, findings = observe(table, roles, times, config, words)
    return readings, by_word(findings, config.na, all_used=not remembered)


def _advice(
    table: Table, roles: Roles, times: Times, readings: Readings, config: ReadConfig
) -> Callable[[Repeats], str]:
    """What to type where rows contradict each other. What depends on cells is found now."""
    if not repeated_times(times):
        return lambda repeats: advice_on(repeats, Columns(roles.targets))
    columns = Columns(roles.targets, roles.possible_ids(table), to_join(table, roles.time, config))
    bare = dataclasses.replace(table, columns={}, parsed={})

    def advice(repeats: Repeats) -> str:
        return advice_on(repeats, columns._replace(zones=as_options(zones_of(bare, times, readings.series))))

    return advice


def _examined(panel: Panel, limits: Limits, config: ReadConfig) -> tuple[Oddities, list[Finding]]:
    """What stands out in the finished panel; nothing is changed any more."""
    odd = oddities(panel, panel.lengths)
    return odd, [
        *examine(panel, time.time_ns(), odd.suspicious.left_out),
        *examine_values(panel, odd, config.na),
        *check_limits(panel, limits, odd.suspicious.left_out | np.repeat(sums_of(panel), panel.lengths)),
    ]


def _sorted(rows: Observations, zones: Callable[[], list[str]]) -> tuple[Observations, list[Finding]]:
    """Rows in order, and a warning where those that were not are so in some time zone."""
    rows, findings = in_order(rows)
    back = sum(finding.count for finding in findings if finding.code == "D004")
    found = zones() if 0 < back <= SET_BACK * len(rows.ids) else []
    if found:
        message = f"the clock was set back, as it is in {', '.join(found)}"
        action = f"kept as written; {as_options(found)} places the times"
        findings.append(warn("T007", message, count=back, action=action))
    return rows, findings


def _step(config: ReadConfig) -> str | None:
    """The step that the options ask for; UsageError where they ask for two."""
    if config.calendar and (config.every or config.freq not in (None, "B", f"B-{config.calendar}")):
        raise UsageError(
            "--calendar is for trading days", hint="Leave out --every and --freq, or use --freq B."
        )
    if config.every and config.freq and frequency(config.every) != frequency(config.freq.split("@")[0]):
        raise UsageError("--every and --freq name different steps", hint="Leave out one of them.")
    if config.agg and not (config.every or config.freq):
        raise UsageError("--agg needs a step", hint="Set it: --freq D or --every 5min.")
    return f"B-{config.calendar}" if config.calendar else config.every or config.freq


def _names(roles: Roles, times: Times) -> Names:
    """The names in forecasts. Wide tables and folders have no id column: theirs is called series."""
    column = {"long": roles.id, "wide": "series", "files": "series", "one": None}[roles.layout]
    target = roles.targets[0] if len(roles.targets) == 1 else "value"
    return Names(roles.time, column, target, roles.covariates, times.tz, times.dates, roles.known,
                 roles.static)  # fmt: skip


def _resolved(
    config: ReadConfig, roles: Roles, times: Times, panel: Panel, layout: Layout | None
) -> ReadConfig:
    """The configuration with every choice that was inferred. `layout`: of a rearranged source."""
    return dataclasses.replace(
        config,
        time=roles.time,
        id=roles.id,
        target=roles.targets,
        known=roles.known,
        layout=layout or roles.layout,
        freq=panel.frequency.alias,
        max_gap=ANY if panel.max_gap is None else panel.max_gap,
        date_format=times.form or config.date_format,
        tz=times.tz,
        events=config.events and absolute(config.events),
    )


def absolute(source: str | Path | pd.DataFrame | Table) -> str:
    """The path of a source, to find it again from anywhere: see `Loaded.source`."""
    if isinstance(source, pd.DataFrame | Table):
        return ""
    return "-" if str(source) == "-" else kept(source)
