"""Ids of a hierarchy that are checked, and series of a table that are sums of its others.

Such series would count twice. Where their ids show that they are sums, as `north` does above `north/shop`,
they are compared with the sums and left out; where they look like any other series, they are refused.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.findings import SHOWN, Finding, repair
from forecaster.data.labels import listed, shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.series.hierarchy.tree import SEPARATOR, TOTAL
from forecaster.errors import DataError

CLOSE = 1e-3
"""Largest difference from the sum, as a part of its largest value: numbers in a table are rounded."""
EXACT = 1e-9
BESIDE, ROWS = 2, 5
"""Other series beside one, and rows with a value other than zero, that show that it is their sum."""


def without_given_sums(panel: Panel, asked: tuple[str, ...]) -> tuple[Panel, tuple[str, ...], list[Finding]]:
    """The series at the bottom, the names of the levels from the top, and what was left out.

    Raises DataError for ids that do not fit a hierarchy, and for sums that are not those of the series.
    """
    counts = np.array([name.count(SEPARATOR) + 1 for name in panel.ids])
    depth = len(asked) if len(asked) > 1 else int(counts.max())
    _check_parts(panel, counts, depth, asked)
    is_sum = counts < depth
    if depth == 1 and TOTAL in panel.ids and len(panel) > BESIDE:
        is_sum[panel.ids.index(TOTAL)] = True
    levels = [SEPARATOR.join(asked[:number]) for number in range(1, depth + 1)]
    if len(asked) == 1:
        levels = [f"level {number}" for number in range(1, depth + 1)]
    findings = []
    if is_sum.any():
        findings.append(_compared(panel, is_sum))
        panel = panel.only(np.repeat(~is_sum, panel.lengths))
    taken = [name for name in panel.ids if name.split(SEPARATOR)[0] == TOTAL]
    if taken:
        raise DataError(
            f"series {shown(taken[0])} is called {TOTAL!r}, as the sum of all series is",
            hint="If it is that sum, leave its rows out; else rename it.",
        )
    _refuse_sums(panel, depth)
    return panel, (TOTAL, *levels), findings


def _check_parts(panel: Panel, counts: Ints, depth: int, asked: tuple[str, ...]) -> None:
    """Raise DataError for ids with more parts than there are columns, and for empty parts."""
    empty = [name for name in panel.ids if not all(map(str.strip, name.split(SEPARATOR)))]
    if empty:
        raise DataError(
            f"series {shown(empty[0])} has an empty part ({len(empty)} such series)",
            hint=f"Each part of an id, between {SEPARATOR}, needs a name.",
        )
    longer = np.flatnonzero(counts > depth)
    if longer.size:
        raise DataError(
            f"series {shown(panel.ids[longer[0]])} has {counts[longer[0]]} parts, for {len(asked)} columns: "
            f"a value holds {SEPARATOR}, which stands between parts",
            hint=f"Write another character for {SEPARATOR} in {listed(asked)}.",
        )


def _compared(panel: Panel, is_sum: Bools) -> Finding:
    """The finding that names the sums `is_sum` (S,) of a table. DataError where one is another number."""
    for series in np.flatnonzero(is_sum):
        name = panel.ids[series]
        bottom = np.flatnonzero(~is_sum).tolist()
        below = [each for each in bottom if panel.ids[each].startswith(name + SEPARATOR)]
        rows = slice(panel.offsets[series], panel.offsets[series + 1])
        sums, known = _summed(panel, below or bottom, panel.time[rows])
        given = panel.target[rows]
        known &= panel.target_observed[rows]
        size = np.abs(sums[known]).max(initial=0.0)
        other = np.flatnonzero(known & ~(np.abs(given - sums) <= CLOSE * size))
        if other.size or not known.any():
            raise DataError(
                f"series {shown(name)} has fewer parts than others, and is no sum of them"
                + (_where(panel, rows.start + int(other[0]), float(sums[other[0]])) if other.size else ""),
                hint="Give all series as many parts, or leave its rows out.",
            )
    names = listed([panel.ids[series] for series in np.flatnonzero(is_sum)], SHOWN)
    message = f"series that are the sums of others: {names}"
    return repair("A007", message, count=int(is_sum.sum()), action="left out, and added up again")


def _where(panel: Panel, row: int, total: float) -> str:
    """The first time at which a row is not the sum, with both numbers."""
    when = times_as_strings(panel.time[[row]], panel.names)[0]
    return f": {panel.target[row]:g} at {when}, where they add up to {total:g}"


def _summed(panel: Panel, members: Iterable[int], times: Ints) -> tuple[Floats, Bools]:
    """The sums (n,) of some series at some times, and where all that have begun and not ended are known."""
    total, known = np.zeros(len(times)), np.ones(len(times), np.bool_)
    some = np.zeros(len(times), np.bool_)
    for series in members:
        rows = slice(panel.offsets[series], panel.offsets[series + 1])
        own = panel.time[rows]
        place = np.clip(np.searchsorted(own, times), 0, len(own) - 1)
        here = (own[place] == times) & panel.target_observed[rows][place]
        lasts = (times >= own[0]) & (times <= own[-1])
        total += np.where(here, panel.target[rows][place], 0.0)
        known &= here | ~lasts
        some |= here
    return total, known & some


def _refuse_sums(panel: Panel, depth: int) -> None:
    """Raise DataError for a series that is the sum of all others beside it, at any level."""
    for level in range(depth, 0, -1):
        groups: dict[str, dict[str, list[int]]] = {}
        for series, name in enumerate(panel.ids):
            parts = name.split(SEPARATOR)
            upper = groups.setdefault(SEPARATOR.join(parts[: level - 1]), {})
            upper.setdefault(SEPARATOR.join(parts[:level]), []).append(series)
        for members in groups.values():
            if len(members) > BESIDE:
                _refuse_sum_among(panel, members)


def _refuse_sum_among(panel: Panel, members: dict[str, list[int]]) -> None:
    """Raise DataError where one of these sums or series is the sum of the others. `members`: id -> series."""
    everything = [series for each in members.values() for series in each]
    longest = max(everything, key=lambda series: panel.lengths[series])
    times = panel.time[panel.offsets[longest] : panel.offsets[longest + 1]]
    whole, known = _summed(panel, everything, times)
    for name, series in members.items():
        own, seen = _summed(panel, series, times)
        both = known & seen & (whole != 0)
        if both.sum() >= ROWS and (np.abs(2 * own - whole)[both] <= EXACT * np.abs(whole[both])).all():
            raise DataError(
                f"series {shown(name)} is the sum of the {len(members) - 1} others beside it",
                hint="Leave its rows out: sums are made by --hierarchy.",
            )
