"""The tree of a hierarchy: which series is a part of which sum, as the ids say.

The id of a series is its parts with SEPARATOR between them, such as region/store/item. The sums above it are
region/store, region, and TOTAL. K levels of sums lie above the series at the bottom, which are level K.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Bools, Floats, Ints

if TYPE_CHECKING:
    from forecaster.data.panel import Panel

TOTAL = "total"
"""The id of the sum of all series, and the name of its level."""
SEPARATOR = "/"
NONE = -1


@dataclass(frozen=True, eq=False)
class Tree:
    """Which series is a part of which sum. Where a sum is left out, its parts are those of the sum above."""

    parent: Ints  # (S,) the sum that each series is a part of; NONE: of no sum
    level: Ints  # (S,) 0: the total; the bottom has the largest number

    @cached_property
    def is_sum(self) -> Bools:
        """Series that have parts (S,)."""
        result = np.zeros(len(self.parent), np.bool_)
        result[self.parent[self.parent != NONE]] = True
        return result

    def upwards(self) -> Iterator[tuple[Ints, Ints]]:
        """Level by level from the bottom: the series (n,) that are parts, and the sum of each."""
        for level in range(int(self.level.max(initial=0)), 0, -1):
            parts = np.flatnonzero((self.level == level) & (self.parent != NONE))
            if parts.size:
                yield parts, self.parent[parts]

    def summed(self, values: Floats) -> Floats:
        """`values` (S, ...), those of each sum replaced by the sum of its parts."""
        result = np.array(values, np.float64)
        result[self.is_sum] = 0.0
        for parts, sums in self.upwards():
            np.add.at(result, sums, result[parts])
        return result

    def most(self, values: Ints) -> Ints:
        """`values` (S,), those of each sum replaced by the largest of its parts."""
        result = np.where(self.is_sum, values.min(initial=0), values)
        for parts, sums in self.upwards():
            np.maximum.at(result, sums, result[parts])
        return result

    def without_sums(self, dropped: Bools) -> Tree:
        """The tree in which the sums `dropped` (S,) have no parts any more, and stand for themselves."""
        cut = (self.parent != NONE) & dropped[self.parent]
        return Tree(np.where(cut, NONE, self.parent), self.level)


def level_of(name: str) -> int:
    """The level of an id: 0 is the total."""
    return 0 if name == TOTAL else name.count(SEPARATOR) + 1


def above(name: str) -> str:
    """The id of the sum that a series or a sum is a part of; empty for the total."""
    return "" if name == TOTAL else name.rpartition(SEPARATOR)[0] or TOTAL


def tree_of(ids: Sequence[str]) -> Tree:
    """The tree of series and sums with these ids (S,)."""
    place = {name: number for number, name in enumerate(ids)}
    parent = np.full(len(ids), NONE)
    for number, name in enumerate(ids):
        upper = above(name)
        while upper and upper not in place:
            upper = above(upper)
        parent[number] = place.get(upper, NONE)
    return Tree(parent, np.array([level_of(name) for name in ids]))


def sums_of(panel: Panel) -> Bools:
    """Which series of a panel are sums of others (S,): those above the bottom of its hierarchy."""
    if not panel.levels:
        return np.zeros(len(panel), np.bool_)
    return np.array([level_of(name) < len(panel.levels) - 1 for name in panel.ids])


def levels_of(panel: Panel) -> tuple[str, ...]:
    """The name of the level of each series (S,); nothing without a hierarchy."""
    return tuple(panel.levels[level_of(name)] for name in panel.ids) if panel.levels else ()
