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
from forecaster.errors import DataError

SPOTS, ROWS = 16, 2000
"""Rows are looked at in so many row groups, evenly spread over the data set, and so many in each."""


def columns_used(
    files: tuple[SourceFile, ...], config: ReadConfig
) -> tuple[ReadConfig, tuple[str, ...], list[Finding]]:
    """The configuration with the roles of the columns, the columns that are read, and what was noticed.

    Raises DataError where the roles are unclear, or where the table has no id column though it is one table.
    """
    table = read_segments(_spots(files), files[0].columns)
    (table, config), findings = read(table, config)
    (table, config), joined = join_time_columns(table, with_parts_as_id(table, config))
    (roles, _, doubt), about = assign(table, config, many=len(files) > 1)
    if doubt:
        raise doubt
    if roles.layout not in ("long", "files"):
        raise DataError(
            f"{shown(files[0].name)} has no column that names the series, and a data set in pieces needs one",
            hint="Name it: --id COLUMN. A single series or a wide table: -o FILE.parquet, not a folder.",
        )
    config = dataclasses.replace(
        config, time=roles.time, id=roles.id, target=roles.targets, known=roles.known, layout=roles.layout
    )
    used = [roles.time, *roles.targets, *roles.known, *roles.static, *roles.covariates]
    used += [] if roles.id is None else [roles.id]
    stored = files[0].columns
    parts = [part for name in used for part in ([name] if name in stored else name.split("+"))]
    return config, tuple(dict.fromkeys(parts)), [*findings, *joined, *about]


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
