"""The sums of a hierarchy: a panel of series becomes a panel of these series and of all sums above them.

A sum is known at a row where each of its series has a value, from the first row to the last one of that
series. So a gap in one series makes its sums unknown there, not smaller. Before a series begins it counts as
nothing, as an item that is not sold yet; and after it has ended, more than `max_gap` rows before the newest
row of all: such a series is not forecast any more. Others that end early miss their newest rows. All series
then end at one row, and forecasts of them begin at one time.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.clock import from_local, to_local
from forecaster.data.findings import SHOWN, Finding, info, repair, warn
from forecaster.data.labels import listed, shown, times_as_strings
from forecaster.data.panel import TARGET, Panel
from forecaster.data.series.hierarchy.given import without_given_sums
from forecaster.data.series.hierarchy.tree import NONE, SEPARATOR, TOTAL, level_of, sums_of
from forecaster.errors import DataError

FEWEST = 3
"""Series from which ids with parts are said to look like a hierarchy."""
RARE = 0.1
"""Part of its rows at which a sum must be known to be forecast."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """Where the rows of the series at the bottom lie on one grid of G times."""

    grid: Ints  # (G,) ns UTC
    place: Ints  # (N,) of each row
    first: Ints  # (S,) place of the first row of each series
    stop: Ints  # (S,) one after its last row, G if it is to go on
    gone: Bools  # (S,) ended long before the others


def with_sums(panel: Panel, asked: tuple[str, ...]) -> tuple[Panel, list[Finding]]:
    """The panel of all levels, where a hierarchy is `asked` for; else a finding where ids look like one.

    `asked`: the columns whose values are the parts of an id, or the one column of ids with parts. Raises
    DataError where ids or times do not fit a hierarchy, and for known covariates and facts of series.
    """
    if not asked:
        return panel, _looks_like_one(panel)
    if panel.names.id is None:
        raise DataError("one series has no sums", hint="Leave --hierarchy out.")
    if panel.circle is not None:
        raise DataError("directions do not add up", hint="Leave out --circular or --hierarchy.")
    if panel.known is not None or panel.static is not None:
        raise DataError(
            "columns of --known or --static say nothing of the sums of a hierarchy",
            hint="Leave them out (--known ''), or --hierarchy; --holidays and --events hold for every level.",
        )
    panel, levels, findings = without_given_sums(panel, asked)
    rows = _on_one_grid(panel)
    result = _of_all_levels(panel, rows, levels)
    return result, [*findings, *_described(panel, rows, result)]


def _looks_like_one(panel: Panel) -> list[Finding]:
    """A finding where all ids have as many parts, and some share a part."""
    depths = {name.count(SEPARATOR) for name in panel.ids}
    name = panel.names.id
    if name is None or len(panel) < FEWEST or len(depths) > 1 or depths == {0}:
        return []
    parts = [each.split(SEPARATOR) for each in panel.ids]
    sums = len({each.rpartition(SEPARATOR)[0] for each in panel.ids})
    if not all(map(all, parts)) or sums == len(panel) or TOTAL in {first for first, *_ in parts}:
        return []
    option = f"--hierarchy {shlex.quote(','.join(name.split('+')))}"
    message = f"ids of {len(parts[0])} parts such as {shown(panel.ids[0])} look like a hierarchy"
    return [info("A001", message, action=f"{option} forecasts the sums too, so that all levels add up")]


def _on_one_grid(panel: Panel) -> _Rows:
    """The rows of all series on the grid of the first. Raises DataError where a series lies beside it."""
    grid = np.unique(panel.time)
    frequency = panel.frequency
    if not frequency.is_trading:  # else days without rows are closed
        step = frequency.step
        zone = frequency.clock(panel.names.tz) if step.by_days else None
        local = to_local(grid, zone)
        place, fits = step.position(local, np.repeat(local[:1], len(local)))
        if not fits.all():
            _refuse_other_grid(panel, grid[~fits])
        if place[-1] + 1 > len(grid):  # no series has a row there
            begin = np.repeat(local[:1], place[-1] + 1)
            full = from_local(step.moved(begin, np.arange(len(begin))), zone)
            full[place] = grid
            grid = full
    place = np.searchsorted(grid, panel.time)
    first, last = place[panel.offsets[:-1]], place[panel.offsets[1:] - 1]
    early = len(grid) - 1 - last
    gone = early > (np.inf if panel.max_gap is None else panel.max_gap)
    return _Rows(grid, place, first, np.where(gone, last + 1, len(grid)), gone)


def _refuse_other_grid(panel: Panel, beside: Ints) -> None:
    """Raise DataError for the first series with a row at one of the times `beside` the grid."""
    row = int(np.flatnonzero(np.isin(panel.time, beside))[0])
    series = int(np.searchsorted(panel.offsets, row, side="right")) - 1
    when = times_as_strings(panel.time[[row]], panel.names)[0]
    raise DataError(
        f"the rows of series {shown(panel.ids[series])} lie at other times than those of other series, such "
        f"as {when}: they do not add up",
        hint=f"Bring all to one grid, such as --every {panel.frequency.alias}.",
    )


def _of_all_levels(panel: Panel, rows: _Rows, levels: tuple[str, ...]) -> Panel:
    """The panel of the series that go on, and of all sums of them."""
    owners = [_sums_at(panel.ids, level) for level in range(len(levels))]
    first: dict[str, int] = {}
    for names in owners:
        for name, place in zip(names, rows.first.tolist(), strict=True):
            first[name] = min(place, first.get(name, place))
    ids = tuple(sorted({names[series] for names in owners for series in np.flatnonzero(~rows.gone)}))
    begins = np.array([first[name] for name in ids])
    lengths = len(rows.grid) - begins
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    start = offsets[:-1] - begins  # the row of each at the first time of the grid
    values = np.full((int(offsets[-1]), panel.values.shape[1]), np.nan)
    level = np.repeat([level_of(name) for name in ids], lengths)
    number = {name: place for place, name in enumerate(ids)}
    for depth, names in enumerate(owners):
        owner = np.array([number.get(name, NONE) for name in names])
        _add(panel, rows, owner, start, level == depth, values)
    return dataclasses.replace(
        panel,
        values=values,
        observed=~np.isnan(values),
        time=rows.grid[np.arange(len(values)) - np.repeat(start, lengths)],
        offsets=offsets,
        ids=ids,
        levels=levels,
    )


def _sums_at(ids: tuple[str, ...], level: int) -> list[str]:
    """The id of the sum that each series is a part of at a level; at the bottom its own."""
    return [SEPARATOR.join(name.split(SEPARATOR)[:level]) if level else TOTAL for name in ids]


def _add(panel: Panel, rows: _Rows, owner: Ints, start: Ints, mine: Bools, values: Floats) -> None:
    """Fill in the rows `mine` (M,) of the sums of a level; of covariates, the mean of what is known.

    `owner` (S,): the sum of each series; NONE: it has ended with all of its series. `start` (U,): the row of
    each sum at the first time of the grid.
    """
    used = np.flatnonzero(owner != NONE)
    kept = np.repeat(owner != NONE, panel.lengths)
    row = rows.place[kept] + np.repeat(start[owner[used]], panel.lengths[used])
    size = len(values)
    moves = np.bincount(start[owner[used]] + rows.first[used], minlength=size + 1) - np.bincount(
        start[owner[used]] + rows.stop[used], minlength=size + 1
    )
    there = np.cumsum(moves)[:-1]  # series of each sum that have begun and not ended
    for channel in range(values.shape[1]):
        seen = panel.observed[kept, channel]
        count = np.bincount(row[seen], minlength=size)
        total = np.bincount(row[seen], weights=panel.values[kept, channel][seen], minlength=size)
        if channel == TARGET:
            known = mine & (count == there)
        else:
            known = mine & (count > 0)
            total = np.divide(total, np.maximum(count, 1))
        values[known, channel] = total[known]


def _described(panel: Panel, rows: _Rows, result: Panel) -> list[Finding]:
    """What was added up, and what there is to know about it. Raises DataError for a sum hardly ever known."""
    sums = sums_of(result)
    seen = np.add.reduceat(result.target_observed, result.offsets[:-1], dtype=np.int64)
    rare = np.flatnonzero(sums & (seen < RARE * result.lengths))
    if rare.size:
        name, known, rows_of_it = shown(result.ids[rare[0]]), seen[rare[0]], result.lengths[rare[0]]
        raise DataError(
            f"the sum {name} is known at {known} of {rows_of_it} rows: elsewhere a series of it has no value",
            hint="Fill the gaps of the series, or leave those with many gaps out.",
        )
    counts = np.bincount([level_of(name) for name in result.ids])
    each = ", ".join(f"{count:,} {name}" for count, name in zip(counts, result.levels, strict=True))
    findings = [info("A002", f"series of all levels: {each}", action="their forecasts add up")]
    unknown = int((~result.target_observed & np.repeat(sums, result.lengths)).sum())
    if unknown:
        message = "rows of sums at which a series below has no value"
        findings.append(info("A003", message, count=unknown, action="the sum is missing there, not smaller"))
    ended, early = rows.gone, ~rows.gone & (rows.place[panel.offsets[1:] - 1] < len(rows.grid) - 1)
    late = np.flatnonzero(rows.first > rows.first.min())
    if late.size:
        message = f"series that begin later than others: {_named(panel, late)}"
        findings.append(warn("A004", message, count=len(late), action="before, they count as nothing"))
    if early.any():
        message = f"series without the newest rows of others: {_named(panel, np.flatnonzero(early))}"
        action = "missing there, and so are their sums"
        findings.append(repair("A005", message, count=int(early.sum()), action=action))
    if ended.any():
        message = f"series that ended long before others: {_named(panel, np.flatnonzero(ended))}"
        action = "in the sums while they lasted, and not forecast"
        findings.append(repair("A006", message, count=int(ended.sum()), action=action))
    return findings


def _named(panel: Panel, series: Ints) -> str:
    return listed([panel.ids[each] for each in series], SHOWN)
