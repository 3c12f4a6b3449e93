"""Event columns: events on the rows of a panel and of its future.

Up to FEW names: a column each, 1 on rows with the event or its value there; on rows of several days, the sum
over their days. More names: one category, the event that began last, and a number: 1, or all values together.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.covariates.day_rows import Columns, Rows, Spans
from forecaster.data.covariates.events import ALL, Events
from forecaster.data.findings import SHOWN, Finding, info, warn
from forecaster.data.labels import listed, shown

FEW = 20
"""Names of events that have a column each."""
NONE = "none"
"""The word for rows without an event, or with one that the past does not show."""


@dataclasses.dataclass(frozen=True, eq=False)
class Cells:
    """The parts of time in which events are looked up: the days, or the times of rows."""

    start: Ints  # (E,) the first cell of each event
    stop: Ints  # (E,) the one after its last
    count: int
    spans: tuple[Spans, ...]
    """The cells of each row (R,)."""


def event_columns(events: Events, rows: Rows, ids: tuple[str, ...]) -> tuple[Columns, list[Finding]]:
    """The columns of `events`, and what was found of them. `ids` (S,) are those of the series."""
    cells = _cells(events, rows)
    if len(events.kinds) <= FEW:
        parts = [
            Columns(
                tuple(f"event {kind}{spans.suffix}" for kind in events.kinds),
                (None,) * len(events.kinds),
                _by_kind(events, cells, spans, rows),
            )
            for spans in cells.spans
        ]
        happens = np.logical_or.reduce([part.values != 0 for part in parts])
        new = _new(happens, rows, events, ids)
    else:
        ranks = [_newest(events, cells, spans, rows) for spans in cells.spans]
        totals = [_by_kind(_as_one(events), cells, spans, rows) for spans in cells.spans]
        parts, new = [], []
        for spans, rank, total in zip(cells.spans, ranks, totals, strict=True):
            category, unseen = _category(events, rank, spans, rows)
            number = Columns((f"events{spans.suffix}",), (None,), total)
            parts += [category, number]
            new += unseen
    columns = Columns.joined(parts)
    return columns, [_summary(events, cells, rows), *new]


def _cells(events: Events, rows: Rows) -> Cells:
    if events.exact and rows.bar:
        axis, place = np.unique(rows.time, return_inverse=True)
        start = np.searchsorted(axis, events.start - rows.bar, "right")
        stop = np.searchsorted(axis, events.stop, "left")
        return Cells(start, np.maximum(stop, start), len(axis), (Spans("", place, place),))
    first = min(int(spans.first.min()) for spans in rows.spans)
    count = max(int(spans.last.max()) for spans in rows.spans) - first + 1
    start, stop = (np.clip(each - first, 0, count) for each in (events.start, events.stop))
    spans = tuple(Spans(each.suffix, each.first - first, each.last - first) for each in rows.spans)
    return Cells(start, stop, count, spans)


def _as_one(events: Events) -> Events:
    """The same events, all of one kind."""
    return dataclasses.replace(events, kinds=("",), kind=np.zeros_like(events.kind))


def _by_kind(events: Events, cells: Cells, spans: Spans, rows: Rows) -> Floats:
    """The events on each row, by kind (R, K)."""
    shared = events.owner == ALL
    values = spans.totals(_on(events, shared, cells, 0, cells.count), 0)
    for series in np.unique(events.owner[~shared]):
        mine, low, high, here = _part_of(series, spans, rows)
        values[here] = mine.totals(_on(events, shared | (events.owner == series), cells, low, high), 0)
    return values


def _on(events: Events, which: Bools, cells: Cells, low: int, high: int) -> Floats:
    """The events `which` (E,) in the cells low … high−1: (high − low, K). Values add up; without them, 1."""
    start, stop = (np.clip(each[which], low, high) - low for each in (cells.start, cells.stop))
    kind, value = events.kind[which], events.value[which]
    change = np.zeros((high - low + 1, len(events.kinds)))
    count = np.zeros(change.shape, np.int64)
    for at, sign in ((start, 1), (stop, -1)):
        np.add.at(count, (at, kind), sign)
        np.add.at(change, (at, kind), sign * value)
    on = np.cumsum(count, axis=0)[:-1] > 0
    return np.where(on, np.cumsum(change, axis=0)[:-1], 0.0) if events.sized else on.astype(np.float64)


def _newest(events: Events, cells: Cells, spans: Spans, rows: Rows) -> Ints:
    """The event of each row that began last, or comes last in the file: its place + 1; 0 for none (R,)."""
    order = np.lexsort((np.arange(len(events.start)), events.start))
    rank = np.zeros(cells.count, np.int64)  # place in `order` + 1
    for place in np.flatnonzero(events.owner[order] == ALL):
        rank[cells.start[order[place]] : cells.stop[order[place]]] = place + 1
    newest = _latest(rank, spans)
    for series in np.unique(events.owner[events.owner != ALL]):
        mine, low, high, here = _part_of(series, spans, rows)
        own = rank[low:high].copy()
        for place in np.flatnonzero(events.owner[order] == series):
            first, stop = np.clip((cells.start[order[place]], cells.stop[order[place]]), low, high) - low
            np.maximum(own[first:stop], place + 1, out=own[first:stop])
        newest[here] = _latest(own, mine)
    return np.concatenate([[0], order + 1])[newest]


def _part_of(series: int, spans: Spans, rows: Rows) -> tuple[Spans, int, int, slice]:
    """The cells low … high−1 of a series, its spans in them, and where its rows are."""
    here = slice(int(rows.offsets[series]), int(rows.offsets[series + 1]))
    low, high = int(spans.first[here].min()), int(spans.last[here].max()) + 1
    return Spans("", spans.first[here] - low, spans.last[here] - low), low, high, here


def _latest(rank: Ints, spans: Spans) -> Ints:
    """The greatest `rank` of the cells of each row (R,)."""
    best = rank[spans.first]
    for further in range(1, int((spans.last - spans.first).max()) + 1):
        best = np.maximum(best, rank[np.minimum(spans.first + further, spans.last)])
    return best


def _category(events: Events, newest: Ints, spans: Spans, rows: Rows) -> tuple[Columns, list[Finding]]:
    kind = np.concatenate([[-1], events.kind])[newest]  # (R,) −1 for none
    seen = np.unique(kind[rows.past & (kind >= 0)])
    words = (NONE, *(events.kinds[k] for k in seen))
    code = np.zeros(len(events.kinds) + 1)
    code[seen] = np.arange(1, len(seen) + 1)
    unseen = np.setdiff1d(kind[~rows.past & (kind >= 0)], seen)
    findings = _never([events.kinds[k] for k in unseen], [], events) if len(unseen) else []
    return Columns((f"event{spans.suffix}",), (words,), code[kind][:, None]), findings


def _new(happens: Bools, rows: Rows, events: Events, ids: tuple[str, ...]) -> list[Finding]:
    """A finding for events (R, K) ahead in series whose past has none of their name."""
    start = rows.offsets[:-1]
    past = np.logical_or.reduceat(happens & rows.past[:, None], start)  # (S, K)
    ahead = np.logical_or.reduceat(happens & ~rows.past[:, None], start)
    series, kind = np.nonzero(ahead & ~past)
    if not len(series):
        return []
    places = [f"{shown(events.kinds[k])} in {shown(ids[s])}" for s, k in zip(series, kind, strict=True)]
    return _never([events.kinds[k] for k in np.unique(kind)], places, events)


def _never(names: list[str], places: list[str], events: Events) -> list[Finding]:
    message = f"events ahead that have not happened before: {listed(sorted(names), SHOWN)}"
    action = "their effect cannot be learned from such a past"
    return [warn("H007", message, count=len(places) or len(names), places=places, action=action)]


def _summary(events: Events, cells: Cells, rows: Rows) -> Finding:
    """How many events lie in the data, ahead of it, and outside of both."""
    past, ahead = (_touched(events, cells, rows, which) for which in (rows.past, ~rows.past))
    outside = int((~past & ~ahead).sum())
    message = (
        f"events in {events.source}: {len(events.kind)} of {len(events.kinds)} "
        f"name{'s' if len(events.kinds) != 1 else ''}, {int(past.sum())} in the data"
    )
    message += f", {int((ahead & ~past).sum())} ahead" if (~rows.past).any() else ""
    message += f", {outside} on none of these rows" if outside else ""
    return info("H004", message, count=len(events.kind), action="known columns of past and future")


def _touched(events: Events, cells: Cells, rows: Rows, which: Bools) -> Bools:
    """The events that lie on any of the rows `which` (R,) of their series (E,)."""
    touched = np.zeros(len(events.start), np.bool_)
    for owner in np.unique(events.owner):
        mine = np.flatnonzero(events.owner == owner)
        here = slice(None) if owner == ALL else slice(rows.offsets[owner], rows.offsets[owner + 1])
        for spans in cells.spans:
            first, last = spans.first[here][which[here]], spans.last[here][which[here]]
            order = np.argsort(first, kind="stable")  # the rows that start before an event stops …
            reached = np.maximum.accumulate(last[order])  # … reach so far
            before = np.searchsorted(first[order], cells.stop[mine], "left")
            there = before > 0
            touched[mine[there]] |= reached[before[there] - 1] >= cells.start[mine[there]]
    return touched & (cells.stop > cells.start)
