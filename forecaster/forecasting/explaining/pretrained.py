"""A pretrained network: its own backward pass, with differences for what it reads of a series.

What it reads (means, differences, patterns, its own medians beyond its horizon) is computed by the code that
forecasts, of many copies of the series: in each, some rows lie a little nearer to the level or a little
further from it. The network is replaced by its tangent (`pretraining.tangent`). The path is straight in the
scale in which the network sees the series, which stays the same all along.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.labels import Names
from forecaster.data.panel import Panel
from forecaster.features.scale_choice import ROOTS, UNITS, from_scale, to_scale
from forecaster.features.yearly_season import MOST_WEEKS
from forecaster.forecasting.explaining.path import Part, Subject
from forecaster.pretraining.network import SIDE
from forecaster.pretraining.store import Pretrained
from forecaster.pretraining.tangent import Tangent
from forecaster.pretraining.views import HOURS, LONGEST, STEP, View, days_a_week, view_of
from forecaster.pretraining.zero_shot import EARLIER, LEAST_DAYS, scales_of, zero_shot

HOURLY = (0.0, 0.3, 0.7, 1.0)
SEASONAL = (0.0, 0.001, 0.01, 0.1, 0.4, 0.7, 1.0)
"""Edges of the intervals of the path. A network for sensors sees the same shapes all along; others see, near
the beginning, a series that moves less than any they know."""
SMALL = 0.001
"""How much nearer and further, relative to the distance from the level at the point of the path."""
MOST_BLOCKS, FEWEST_BLOCKS = 1000, 24
MOST_VALUES = 2**21
"""Values in all copies of the series at once."""
MOST_COPIES = 2000
"""The first series of a call is the one that the tangent touches: `zero_shot` takes so many at once."""
WORK = 2**23
"""Values in the copies of all blocks: a longer series has larger blocks."""
Networks: TypeAlias = Callable[[str], Pretrained]
Forecasts: TypeAlias = Callable[[Floats], Floats]
"""Of pasts (B, n): forecasts (B,)."""


def explain_pretrained_network(
    subject: Subject, networks: Networks, *, price: bool = False, horizon: int | None = None
) -> Part:
    """What the rows contribute to the median of the pretrained networks."""
    panel = subject.panel
    own = panel.only(np.repeat(np.arange(len(panel)) == subject.series, panel.lengths))
    view = view_of(panel.frequency)
    reach = min(_reach(view, panel, networks, subject.rows), subject.rows)
    y = own.target[subject.rows - reach :]
    seen = own.target_observed[subject.rows - reach :]
    power = _power(own, view)
    first = subject.rows - reach
    short = _newest_rows(own, first)

    def forecasts(paths: Floats, of_kind: Networks) -> Floats:
        """The forecast (B,) of each past (B, reach), given in the scale."""
        copies = _copies(short, from_scale(paths, np.full_like(paths, power)), seen)
        prices = np.full(len(paths), price)
        powers = np.full(len(paths), power)
        result = zero_shot(copies, copies.lengths, len(subject.steps), of_kind, price=prices, power=powers)
        return np.asarray(result[SIDE] @ subject.steps)

    begin = float(to_scale(np.array([subject.level]), np.array([power]))[0])
    start = np.where(seen, begin, np.nan)
    away = np.where(seen, to_scale(y, np.full(reach, power)) - begin, 0.0)
    ends = forecasts(np.stack([start, start + away]), networks)
    rows = np.zeros(subject.rows)
    if price:
        rows[first + np.flatnonzero(seen)[-1]] = ends[1] - ends[0]
    else:
        tangents, edges = _tangents(networks), HOURLY if view.kind == "hours" else SEASONAL
        rows[first:] = _along_the_path(
            start,
            away,
            _blocks(reach, view),
            np.array(edges),
            lambda paths: forecasts(paths, networks),
            lambda paths: forecasts(paths, tangents),
        )
    return Part(float(ends[0]), float(ends[1]), rows, np.zeros((subject.rows, panel.values.shape[1] - 1)))


def _along_the_path(
    start: Floats, away: Floats, blocks: Ints, edges: Floats, real: Forecasts, tangent: Forecasts
) -> Floats:
    """Contributions of each row (n,); the rows of a block (n,) share that of the block equally.

    In each interval of the path the derivatives are those of its middle. What they miss of the change of the
    forecast over the interval is shared among the blocks in proportion to the sizes of their parts.
    """
    moves = away != 0
    members = np.bincount(blocks, moves)
    total = np.zeros(len(members))
    changes = np.diff(real(start + edges[:, None] * away))
    for change, low, high in zip(changes, edges, edges[1:], strict=False):
        part = (high - low) * _derivatives(start, away, blocks, (low + high) / 2, tangent)
        size = np.abs(part)
        total += part + (change - part.sum()) * size / max(size.sum(), 1e-300)
    return np.where(moves, (total / np.maximum(members, 1))[blocks], 0.0)


def _derivatives(start: Floats, away: Floats, blocks: Ints, at: float, tangent: Forecasts) -> Floats:
    """The change of the forecast at a point of the path, as each block alone moves along it (blocks,)."""
    members = np.bincount(blocks, away != 0)
    some, result = np.flatnonzero(members), np.zeros(len(members))
    size = max(1, min(MOST_COPIES, MOST_VALUES // len(start)) // 2)
    centre = start + at * away
    for part in np.array_split(some, -(-len(some) // size)) if len(some) else ():
        nearby = SMALL * at * (blocks == part[:, None]) * away  # (B, n)
        found = tangent(np.concatenate([centre[None], centre + nearby, centre - nearby]))
        up, down = found[1 : len(part) + 1], found[len(part) + 1 :]
        result[part] = (up - down) / (2 * SMALL * at)
    return result


def _tangents(networks: Networks) -> Networks:
    return lambda kind: Tangent.to(networks(kind))


def _reach(view: View, panel: Panel, networks: Networks, rows: int) -> int:
    """How many of the newest rows the forecast may depend on."""
    if view.removed is not None:  # the season is learned from all of them
        return rows
    if view.kind == "hours":
        return (LONGEST["hours"] + 1) * HOURS * view.rows
    seen = (LONGEST[view.kind] + 1) * STEP[view.kind] + len(EARLIER.get(view.kind, ()))
    days = days_a_week(view, panel.frequency)
    if days is not None and networks(view.kind).yearly:  # the season of the year is learned from more rows
        return max(seen, MOST_WEEKS * days)
    return seen


def _blocks(rows: int, view: View) -> Ints:
    """The block of each row (n,), ascending: newest rows alone, older ones together where there are many."""
    most = int(np.clip(WORK // max(2 * rows, 1), FEWEST_BLOCKS, MOST_BLOCKS))
    if rows <= most:
        return np.arange(rows)
    alone = most // 2
    older = -(-(rows - alone) // (most - alone))
    older = -(-older // view.rows) * view.rows  # whole hours
    from_end = np.arange(rows)[::-1]
    block = np.where(from_end < alone, from_end, alone + (from_end - alone) // older)
    return np.asarray(block.max() - block)


def _power(own: Panel, view: View) -> float:
    """The scale in which the network sees the series, as `zero_shot` chooses it."""
    if view.kind != "hours":
        return float(scales_of(own, own.lengths, view)[0])
    rows = int(own.lengths[0])
    each = view.rows if rows >= LEAST_DAYS * HOURS * view.rows else 1
    days = int(np.clip(rows // (HOURS * each), 2, LONGEST["hours"]))
    y = np.where(own.target_observed, own.target, np.nan)[-days * HOURS * each :]
    y = np.concatenate([np.full(-len(y) % each, np.nan), y]).reshape(-1, each)
    known = np.isfinite(y).any(axis=1)
    return ROOTS if known.any() and (np.nansum(y[known], axis=1) >= 0).all() else UNITS


def _newest_rows(own: Panel, first: int) -> Panel:
    """The target of a panel of one series, from row `first` on."""
    return dataclasses.replace(
        own.only(np.arange(len(own.values)) >= first),
        names=dataclasses.replace(own.names, covariates=()) if own.names.covariates else own.names,
    )


def _copies(own: Panel, paths: Floats, seen: Bools) -> Panel:
    """A panel of copies of one series, with the values of `paths` (B, n)."""
    count, rows = paths.shape
    names: Names = own.names
    return Panel(
        values=paths.reshape(-1, 1),
        observed=np.tile(seen, count)[:, None],
        time=np.tile(own.time, count),
        offsets=np.arange(count + 1) * rows,
        ids=tuple(str(number) for number in range(count)),
        frequency=own.frequency,
        names=names,
        max_gap=own.max_gap,
    )
