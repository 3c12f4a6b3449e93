"""Grouping: the value that each series has in a column, by which errors are reported."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.data.labels import shown
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError

NOTHING = "(none)"
"""The group of series without a value."""


def groups_by(
    table: Table, column: str, ids: tuple[str, ...], series: NDArray[np.int32] | None
) -> dict[str, str]:
    """The value of each of the `ids` in a column, as text: id -> group.

    `series` (R,) says which series each row belongs to; None: each has all rows. Raises UsageError where the
    rows of a series have no value of their own, DataError where they have several.
    """
    if series is None and len(ids) > 1:
        raise UsageError(
            f"a wide table has no column that groups its series, as {shown(column)} would",
            hint="Leave --by out, or give a table with one row per series and time.",
        )
    text = pc.utf8_trim_whitespace(table.columns[column].combine_chunks().cast(pa.string()))
    cells = pc.if_else(pc.equal(text, ""), None, text).dictionary_encode()
    codes = pc.fill_null(cells.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    names = cells.dictionary.to_pylist()
    owner = np.zeros(len(codes), np.int32) if series is None else series
    filled = np.flatnonzero((codes >= 0) & (owner >= 0))
    group = np.full(len(ids), -1)
    group[owner[filled][::-1]] = codes[filled][::-1]  # in order: the first value stays
    other = filled[codes[filled] != group[owner[filled]]]
    if other.size:
        row = int(other[0])
        of = owner[row]
        raise DataError(
            f"series {shown(ids[of])} has several values in column {shown(column)}: "
            f"{shown(names[group[of]])} and {shown(names[codes[row]])} ({table.where(row)})",
            hint="--by needs a column with one value for each series.",
        )
    return {each: names[code] if code >= 0 else NOTHING for each, code in zip(ids, group, strict=True)}
