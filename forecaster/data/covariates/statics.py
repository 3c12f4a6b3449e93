"""Static: facts of each series, one value of a column for all its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import ReadConfig
from forecaster.data.findings import SHOWN, Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.panel import Panel
from forecaster.data.parsing.words import read_column, recoded, used_words
from forecaster.data.roles.kinds import kind_of
from forecaster.data.rows.known import Words
from forecaster.data.rows.static import Static
from forecaster.data.series.observations import Readings
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError


def read_static(
    table: Table, names: tuple[str, ...], readings: Readings, config: ReadConfig, like: Mapping[str, Words]
) -> tuple[Static | None, list[Finding]]:
    """The facts `names` of the series of `readings`, and repairs of their cells.

    `like`: the words that a model knows, by column. Raises UsageError for a wide table, and DataError where a
    series has several values.
    """
    if not names:
        return None, []
    if readings.series is None and len(readings.ids) > 1:
        raise UsageError(
            f"a wide table has no column with one value for each series, as {shown(names[0])} would be",
            hint="Leave --static out, or give a table with one row per series and time.",
        )
    owner = np.zeros(table.rows, np.int32) if readings.series is None else readings.series
    columns, words = [], []
    findings: list[Finding] = []
    for name in names:
        values = np.empty(table.rows)
        kind = kind_of(table, name, config.na)
        own, found = read_column(
            table, name, config, kind, comma=readings.comma, out=values, like=like, repeats=True
        )
        columns.append(_one_each(table, name, values, owner.astype(np.int64), readings.ids))
        words.append(own)
        findings += found
    return Static(names, tuple(words), np.column_stack(columns)), findings


def _one_each(table: Table, name: str, values: Floats, owner: Ints, ids: tuple[str, ...]) -> Floats:
    """The value of each series (S,), NaN where it has none. DataError where it has several."""
    filled = np.flatnonzero(~np.isnan(values))
    first = np.full(len(ids), -1)
    first[owner[filled][::-1]] = filled[::-1]  # the first row stays
    other = filled[values[filled] != values[first[owner[filled]]]]
    if len(other):
        row, series = int(other[0]), int(owner[other[0]])
        raise DataError(
            f"{table.where(row)}, column {shown(name)}: {table.cell(name, row)}, where series "
            f"{shown(ids[series])} had {table.cell(name, int(first[series]))} before",
            hint="A fact of a series has one value. What changes, and is known of the future, is named by "
            "--known; what is not, by --covariates.",
            count=len(other),
            places=table.places(name, other),
        )
    return np.where(first >= 0, values[first], np.nan)


def with_static(
    panel: Panel, static: Static | None, ids: tuple[str, ...], like: Mapping[str, Words]
) -> tuple[Panel, list[Finding]]:
    """The panel with the facts of its series, of which `ids` (S,) were read.

    The words are those in `like`, else those of the series of the panel. The findings count missing values
    and words that a model does not know.
    """
    if static is None:
        return panel, []
    place = {name: number for number, name in enumerate(ids)}
    static = static.only(np.array([place[name] for name in panel.ids]))
    columns, words = [], []
    findings: list[Finding] = []
    for name, own, values in zip(static.names, static.words, static.values.T, strict=True):
        words.append(like.get(name, used_words(own, values)))
        codes, found = recoded(values, own, words[-1], name)
        columns.append(codes)
        findings += found
        missing = np.flatnonzero(np.isnan(codes))
        if len(missing) == len(panel) and name not in like:
            raise DataError(f"column {shown(name)}: no value at all", hint="Leave it out of --static.")
        if len(missing):
            series = listed([panel.ids[number] for number in missing], SHOWN)
            message = f"series without a value of {shown(name)}: {series}"
            findings.append(info("K009", message, count=len(missing), action="marked as missing"))
    kept = Static(static.names, tuple(words), np.column_stack(columns))
    return dataclasses.replace(panel, static=kept), findings
