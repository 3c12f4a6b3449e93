"""Loading: source -> table -> columns -> observations -> panel. What the pipeline calls."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from forecaster.config import ReadConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.findings import Finding, enforce, info
from forecaster.data.gaps import ANY
from forecaster.data.labels import Names, shown
from forecaster.data.panel import Panel
from forecaster.data.parsing.time_zones import Times
from forecaster.data.reading.files import is_many
from forecaster.data.reading.read import read
from forecaster.data.roles.adjusted_close import adjusted_closes
from forecaster.data.roles.non_data_rows import without_strays, without_units
from forecaster.data.roles.roles import Roles, assign
from forecaster.data.roles.time_parts import to_join, with_clock
from forecaster.data.series.grid import to_panel
from forecaster.data.series.health import examine
from forecaster.data.series.learned_holidays import with_holidays
from forecaster.data.series.observations import Observations, each_once, in_order, observe, trimmed
from forecaster.data.series.resample import on_grid
from forecaster.data.series.stock_splits import adjusted
from forecaster.errors import DataError, UsageError


@dataclass(frozen=True)
class Loaded:
    """A panel, and how it came about."""

    panel: Panel
    read: ReadConfig
    """With every choice filled in, so that reading again infers nothing."""
    findings: tuple[Finding, ...]
    source: str
    """Absolute path or glob, '-' for stdin, '' for a DataFrame."""


def load(
    source: str | Path | pd.DataFrame,
    config: ReadConfig = ReadConfig(),
    *,
    on_rows: Callable[[Observations, Names, list[Finding]], None] | None = None,
    noted: list[Finding] | None = None,
) -> Loaded:
    """Read `source` and arrange it as a Panel.

    `on_rows` is given the rows as they were understood, what they are called and what was found, before they
    are arranged, which may yet fail. `noted` is a list to which findings are added as they are made.
    Raises UsageError (a column or option that does not exist), DataError (the data cannot be used as it is)
    and StorageError (reading fails).
    """
    many = not isinstance(source, pd.DataFrame) and is_many(source)
    findings = [] if noted is None else noted
    table, config, found_in_text = read(source, config)
    findings += found_in_text
    if table.rows < 2:
        raise DataError(f"{table.name} has one row", hint="At least two rows are needed to see a frequency.")
    table, joined = with_clock(table, config)
    if joined:
        config = dataclasses.replace(config, time=joined)
        findings.append(info("C003", f"times are made of two columns: {shown(joined)}"))
    table, units = without_units(table, config)
    findings += units
    if config.bad_rows == "skip":
        table, strays = without_strays(table, config)
        findings += strays
    roles, times, chosen, doubt = assign(table, config, many=many)
    findings += [*times.findings, *chosen]
    readings, repairs = observe(table, roles, times, config)
    findings += [*repairs, *adjusted_closes(table, roles, config)]
    join = to_join(table, roles.time, config)
    # The cells are parsed; what is left tells where a row lies.
    table = dataclasses.replace(table, columns={}, parsed={})
    pa.default_memory_pool().release_unused()
    found = readings.each()
    if on_rows:
        on_rows(found, _names(roles, times), findings)
    if doubt:
        raise doubt
    found, sorting = in_order(found)
    findings += sorting
    names, freq = _names(roles, times), _step(config)
    if config.every or config.agg:
        found, moved = on_grid(found, freq or "", config.agg or "mean", names.tz)
        findings += moved
    found, doubles = each_once(found, config.duplicates, table, join)
    found, ends = trimmed(found, table, roles.targets)
    panel, gaps = to_panel(found, names, freq, config.max_gap, table)
    panel, holidays = with_holidays(panel)
    panel, splits = adjusted(panel, adjust=config.adjust_splits)
    findings += [*doubles, *ends, *gaps, *holidays, *splits, *examine(panel, time.time_ns())]
    enforce(findings, strict=config.strict)
    pa.default_memory_pool().release_unused()  # back to the system: training has better use for it
    return Loaded(panel, _resolved(config, roles, times, panel), tuple(findings), _remembered(source))


def _step(config: ReadConfig) -> str | None:
    """The step that was asked for. UsageError where two were."""
    if config.calendar and (config.every or config.freq not in (None, "B", f"B-{config.calendar}")):
        raise UsageError(
            "--calendar is for trading days", hint="Leave --every and --freq out, or say --freq B."
        )
    if config.every and config.freq and frequency(config.every) != frequency(config.freq):
        raise UsageError("--every and --freq name different steps", hint="Name one of them.")
    if config.agg and not (config.every or config.freq):
        raise UsageError("--agg needs a step", hint="Name it: --freq D or --every 5min.")
    return f"B-{config.calendar}" if config.calendar else config.every or config.freq


def _names(roles: Roles, times: Times) -> Names:
    """How forecasts name things: wide tables and folders have no id column, so that it is called series."""
    column = {"long": roles.id, "wide": "series", "files": "series", "one": None}[roles.layout]
    target = roles.targets[0] if len(roles.targets) == 1 else "value"
    return Names(roles.time, column, target, roles.covariates, times.tz, times.dates)


def _resolved(config: ReadConfig, roles: Roles, times: Times, panel: Panel) -> ReadConfig:
    return dataclasses.replace(
        config,
        time=roles.time,
        id=roles.id,
        target=roles.targets,
        layout=roles.layout,
        freq=panel.frequency.alias,
        max_gap=ANY if panel.max_gap is None else panel.max_gap,
        date_format=times.form or config.date_format,
        tz=times.tz,
    )


def _remembered(source: str | Path | pd.DataFrame) -> str:
    if isinstance(source, pd.DataFrame):
        return ""
    return "-" if str(source) == "-" else str(Path(source).expanduser().absolute())
