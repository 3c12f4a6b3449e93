"""The past rows of an explanation in groups that mean something to a person. Each row is in one group."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats, Ints

ALONE = 3
"""So many seasons before the forecast have a group each; earlier ones share one."""
RECENT = 10
"""Rows that are recent where there is no season; one season otherwise."""


class RowGroup(NamedTuple):
    """Some of the past rows."""

    name: str
    rows: Ints
    """Their places in the past, ascending."""


def row_groups(values: Floats, season: int, first: int, last: int) -> list[RowGroup]:
    """The groups of the rows of `values` (n,), for the forecast of the steps first … last; none is empty.

    The newest known row; rows at the seasonal positions of these steps, by how many seasons before; other
    recent rows; older rows.
    """
    count = len(values)
    group = np.full(count, "older rows", dtype=object)
    recent = season if season > 1 else RECENT
    others = f"others of the newest {recent:,}"
    group[max(count - recent, 0) :] = others
    names = [f"{number} season{'s'[: number > 1]} before" for number in range(1, ALONE + 1)]
    names.append(f"{ALONE + 1} or more seasons before")
    if season > 1:
        before = _seasons_before(count, season, first, last)
        for number in range(ALONE + 1, 0, -1):
            there = before > ALONE if number > ALONE else before == number
            group[there] = names[number - 1]
    known = np.flatnonzero(np.isfinite(values))
    if known.size:
        group[known[-1]] = "last row"
    order = ["last row", *names, others, "older rows"]
    found = [RowGroup(name, np.flatnonzero(group == name)) for name in order]
    return [each for each in found if each.rows.size]


def _seasons_before(count: int, season: int, first: int, last: int) -> Ints:
    """How many seasons each row (n,) lies before one of the steps, the nearest; 0: none."""
    result = np.zeros(count, np.int64)
    row = np.arange(count)
    for step in range(first, min(last, first + season - 1) + 1):
        distance = count + step - 1 - row
        same = distance % season == 0
        result[same] = distance[same] // season
    return result
