"""Which columns of a data set are used, as seen in some of its rows."""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.labels import shown
from forecaster.data.pieces.files import SourceFile
from forecaster.data.pieces.piece import Segment, read_segments
from forecaster.data.reading.read import read
from forecaster.data.roles.ids import with_parts_as_id
from forecaster.data.roles.roles import assign
from forecaster.data.roles.time_parts import join_time_columns
from forecaster.data.table import Part, Table
from forecaster.errors import UsageError

SPOTS, ROWS = 16, 2000
"""Rows are looked at in so many row groups, evenly spread over the data set, and so many in each."""


def columns_used(
    files: tuple[SourceFile, ...], config: ReadConfig, by: str | None = None
) -> tuple[ReadConfig, tuple[str, ...], list[Finding]]:
    """The configuration with the roles of the columns, the columns that are read, and what was noticed.

    `by`: a column that groups series. Raises the errors of `load` about columns.
    """
    each_file = config.layout == "files"
    table = read_segments(_spots(files), files[0].columns)
    table = table if each_file else _as_one(table)
    (table, config), findings = read(table, config)
    (table, config), joined = join_time_columns(table, with_parts_as_id(table, config))
    (roles, _, doubt), about = assign(table, config, many=each_file, by=by)
    if doubt:
        raise doubt
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
    return config, tuple(dict.fromkeys(parts)), [*findings, *joined, *about]


def _as_one(table: Table) -> Table:
    """The table as one file: an id column is told by its cells, not by the files."""
    part = Part(table.parts[0].name, table.parts[0].stem, table.rows, table.where)
    return dataclasses.replace(table, parts=(part,))


def _spots(files: tuple[SourceFile, ...]) -> list[Segment]:
    """The first rows of up to SPOTS row groups."""
    starts = []
    for file in files:
        first = 0
        for rows in file.groups:
            if rows:
                starts.append(Segment(file, first, min(rows, ROWS)))
            first += rows
    chosen = np.unique(np.linspace(0, len(starts) - 1, SPOTS).round().astype(int))
    return [starts[number] for number in chosen]
