"""Future file: values of known covariates in a table of their own, such as a weather forecast."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecaster.config import ReadConfig
from forecaster.data.covariates.future import with_future, without_made
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.panel import Panel
from forecaster.data.parsing.numbers import blanked, is_text
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.times import parse_times
from forecaster.data.parsing.words import read_column
from forecaster.data.reading.files import is_many
from forecaster.data.reading.read import read
from forecaster.data.roles.ids import id_parts, with_joined_id
from forecaster.data.roles.kinds import kind_of
from forecaster.data.roles.non_data_rows import without_words_above
from forecaster.data.roles.roles import Roles
from forecaster.data.roles.time_parts import join_time_columns
from forecaster.data.series.observations import Observations, decimal_commas, each_once, in_order, series_of
from forecaster.data.series.resample import on_grid
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError


def with_future_file(
    panel: Panel, source: str | Path | pd.DataFrame, config: ReadConfig
) -> tuple[Panel, list[Finding]]:
    """The panel with the known covariates in `source` after the end of its series.

    `config` is how the panel was read; the dialect is that of `source`. The table has the column of times,
    that of ids (without one it holds for all series) and the known covariates; others are not used. Columns
    that calendars make are left out: they are to be made again. Raises UsageError for a column that is not
    there, and the errors of reading.
    """
    if not panel.names.known:
        raise UsageError(
            "--future names values of covariates, but no covariate is known of the future",
            hint="Train with such columns: --known price,holiday.",
        )
    if config.start and not config.time_unit:
        raise UsageError(
            "--future needs a column of times, but those of the data come from --start",
            hint="Write the rows of the future below those of the data, without a target.",
        )
    panel = without_made(panel)
    own = dataclasses.replace(config, target=None, covariates=(), static=())
    (table, own), findings = read(source, own)
    (table, own), joined = join_time_columns(table, own)
    table, above = without_words_above(table, own)
    rows, found = _rows(panel, table, own, is_many(source))
    rows, sorted_ = in_order(rows)
    findings = [*findings, *joined, *above, *found, *sorted_]
    if own.every or own.agg:
        rows, gridded = on_grid(rows, (own.every or own.freq or "").split("@")[0], "mean", panel.names.tz)
        findings += gridded
    rows, repeated = each_once(
        rows, own.duplicates, table, lambda _: "Remove one of them; or take the last: --duplicates last."
    )
    values = rows.values[:, 1:]
    panel, placed = with_future(
        panel, dataclasses.replace(rows, values=values), lambda row: table.where(rows.row(row))
    )
    return panel, [*findings, *repeated, *placed]


def _rows(panel: Panel, table: Table, config: ReadConfig, many: bool) -> tuple[Observations, list[Finding]]:
    """The rows of a table, as channels a target that is missing, and the known covariates."""
    names = panel.names
    time = config.time or names.time
    _refuse_absent(table, (time, *names.known))
    assert panel.known is not None
    times = parse_times(table, time, config.date_format, config.tz)
    _refuse_zone(table, times, names.tz)
    ids, series = _series(panel, table, config, many)
    comma = decimal_commas(table, names.known, time, times, config)
    values, words, findings = np.full((table.rows, 1 + len(names.known)), np.nan), [], [*times.findings]
    known = dict(zip(panel.known.names, panel.known.words, strict=True))
    for channel, name in enumerate(names.known, 1):
        kind = kind_of(table, name, config.na)
        each, found = read_column(
            table, name, config, kind, comma=comma, out=values[:, channel], like={name: known[name]}
        )
        words.append(each)
        findings += found
    findings += _unused_targets(table, config, names.target)
    if series is None:  # the rows hold for each series
        count = len(ids)
        series = np.repeat(np.arange(count, dtype=np.int32), table.rows)
        rows = Observations(ids, series, np.tile(times.ns, count), np.tile(values, (count, 1)), table.rows,
                            words=tuple(words))  # fmt: skip
        return rows, findings
    return Observations(ids, series, times.ns, values, table.rows, words=tuple(words)), findings


def _series(
    panel: Panel, table: Table, config: ReadConfig, many: bool
) -> tuple[tuple[str, ...], NDArray[np.int32] | None]:
    """The ids of the rows, and the number of each row's id; None: the rows are those of every series."""
    layout = config.layout
    parts = id_parts(table, config.id)
    if layout == "files" and many and len(panel) > 1:
        roles = Roles(panel.names.time, None, (), (), "files")
    elif layout == "long" and config.id is not None and set(parts) <= set(table.columns):
        table = with_joined_id(table, config.id)
        roles = Roles(panel.names.time, config.id, (), (), "long")
    else:
        return panel.ids, None
    return series_of(table, roles)


def _refuse_absent(table: Table, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            close = get_close_matches(name, list(table.columns), 1)
            meant = f"Did you mean {shown(close[0])}? " if close else ""
            raise UsageError(
                f"{table.name} has no column {shown(name)}, which the forecast needs",
                hint=f"{meant}Columns: {listed(list(table.columns))}",
            )


def _refuse_zone(table: Table, times: Times, tz: str | None) -> None:
    if (times.tz is None) == (tz is None):
        return
    own, other = ("a time zone", "none") if times.tz else ("no time zone", f"that of {tz}")
    raise DataError(
        f"{table.name}: its times have {own}, those of the data {other}",
        hint="Write the times as the data does." if times.tz else f"Write them so; or set it: --tz {tz}.",
    )


def _unused_targets(table: Table, config: ReadConfig, name: str) -> list[Finding]:
    """The finding that values of the target are not used."""
    column = table.columns.get(name) if name in table.columns else None
    if column is None:
        return []
    column = blanked(column, config.na) if is_text(column.type) else column
    count = len(column) - column.null_count
    if not count:
        return []
    message = f"values of the target {shown(name)} beside known values of the future"
    return [info("K003", message, count=count, action="not used: the target comes from the data alone")]
