"""Which columns of a data set are used, as seen in some of its rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.labels import shown
from forecaster.data.parsing.numbers import is_text
from forecaster.data.pieces.files import SourceFile
from forecaster.data.pieces.piece import Segment, read_segments
from forecaster.data.reading.read import joined as in_one
from forecaster.data.reading.read import read
from forecaster.data.roles.ids import with_parts_as_id
from forecaster.data.roles.kinds import distinct
from forecaster.data.roles.known_names import is_id_name
from forecaster.data.roles.roles import Roles, assign
from forecaster.data.roles.time_parts import join_time_columns
from forecaster.data.table import Part, Table
from forecaster.errors import UsageError

SPOTS, ROWS = 16, 2000
"""Rows are looked at in so many row groups, evenly spread over the data set, and so many in each."""
FEW, ENOUGH = 50, 100_000
"""Values of a possible id, all rows of which are looked at; and rows after which no more are looked for."""


def columns_used(
    files: tuple[SourceFile, ...], config: ReadConfig, by: str | None = None
) -> tuple[ReadConfig, tuple[str, ...], list[Finding]]:
    """The configuration with the roles of the columns, the columns that are read, and what was noticed.

    `by`: a column that groups series. Raises the errors of `load` about columns.
    """
    table = read_segments(_spots(files), files[0].columns)
    config_of_spots, roles, about = _roles(table, config, by)
    if roles.layout == "one" and config.id is None and config.layout is None:
        for name in _rare(table, roles):
            found = _roles(_whole_series(files, table, name), config, by)
            if found[1].id == name:
                config_of_spots, roles, about = found
                break
    config = config_of_spots
    if roles.layout == "one" and len(files) > 1:
        raise UsageError(
            f"{shown(files[0].name)} has no column that names series, and there are {len(files):,} files",
            hint="If each file is a series: --layout files. Else name the column: --id.",
        )
    config = dataclasses.replace(
        config, time=roles.time, id=roles.id, target=roles.targets, known=roles.known, layout=roles.layout
    )
    used = [roles.time, *roles.targets, *roles.known, *roles.static, *roles.covariates]
    used += [name for name in (roles.id, by) if name is not None]
    stored = files[0].columns
    parts = [part for name in used for part in ([name] if name in stored else name.split("+"))]
    return config, tuple(dict.fromkeys(parts)), about


def _roles(table: Table, config: ReadConfig, by: str | None) -> tuple[ReadConfig, Roles, list[Finding]]:
    """The roles of the columns in these rows, and what was noticed."""
    each_file = config.layout == "files"
    table = table if each_file else _as_one(table)
    (table, config), findings = read(table, config)
    (table, config), joined = join_time_columns(table, with_parts_as_id(table, config))
    (roles, _, doubt), about = assign(table, config, many=each_file, by=by)
    if doubt:
        raise doubt
    return config, roles, [*findings, *joined, *about]


def _rare(table: Table, roles: Roles) -> list[str]:
    """Columns whose values hardly repeat in these rows, as ids do where many series are in no order."""

    def may_name(name: str) -> bool:
        cells = table.columns[name].type
        return is_text(cells) or (pa.types.is_integer(cells) and is_id_name(name, numbers=True))

    names = [name for name in table.columns if name not in (roles.time, *table.keys) and may_name(name)]
    return [name for name in names if 2 * distinct(table, name) > table.rows]


def _whole_series(files: tuple[SourceFile, ...], table: Table, name: str) -> Table:
    """All rows of the data set with one of the first values of this column: whole series, if it is an id."""
    values = pc.unique(table.columns[name]).drop_null().slice(0, FEW)
    found: list[Table] = []
    for segment in _groups(files):
        wanted = pc.is_in(read_segments([segment], [name]).columns[name], value_set=values)
        others = np.flatnonzero(~wanted.to_numpy())
        if len(others) < segment.rows:
            rows = read_segments([segment], files[0].columns).without(others)
            cells = dict(rows.columns)  # made now: else the whole row group stays in memory
            found.append(dataclasses.replace(rows, columns=cells))
        if sum(each.rows for each in found) >= ENOUGH:
            break
    return in_one(found)


def _as_one(table: Table) -> Table:
    """The table as one file: an id column is told by its cells, not by the files."""
    part = Part(table.parts[0].name, table.parts[0].stem, table.rows, table.where)
    return dataclasses.replace(table, parts=(part,))


def _spots(files: tuple[SourceFile, ...]) -> list[Segment]:
    """The first rows of up to SPOTS row groups."""
    groups = _groups(files)
    chosen = np.unique(np.linspace(0, len(groups) - 1, SPOTS).round().astype(int))
    return [dataclasses.replace(groups[one], rows=min(groups[one].rows, ROWS)) for one in chosen]


def _groups(files: tuple[SourceFile, ...]) -> list[Segment]:
    """The row groups that have rows."""
    groups = []
    for file in files:
        first = 0
        for rows in file.groups:
            if rows:
                groups.append(Segment(file, first, rows))
            first += rows
    return groups
