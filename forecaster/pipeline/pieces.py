"""Pieces: forecasts of many series, a fixed number of them at a time, by an engine.

What a piece is depends on the data only, never on the engine or the number of its workers, and one process
makes the same pieces: the forecasts are the same bytes. A panel of at most SERIES series is one piece.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from forecaster.arrays import Ints
from forecaster.data.panel import Panel
from forecaster.evaluation.backtest import anything_before
from forecaster.machine import memory
from forecaster.machine.cores import cores
from forecaster.machine.processes import possible
from forecaster.pipeline.engines.engine import Engine, Result
from forecaster.pipeline.engines.processes import InTurn, Processes
from forecaster.pipeline.rolling import Forecaster, Made, one_origin

SERIES = 2048
"""Of a piece. So many give networks full batches, and the mean of what series share is that of all."""
A_FORECAST = 0.0005
"""Seconds that a forecast of one series takes at least, on one core."""
LEAST_SECONDS = 4.0
"""Less work is done in this process: to begin others takes a second or two."""
COPIES = 6
"""What a process holds of the panel, with all that is made of it."""

Counter = Callable[[float, int], None]
"""Called with how many origins are done, and how many there are."""


class Piece(NamedTuple):
    """Some series and one origin."""

    number: int
    """Of the origin."""
    start: int
    stop: int
    origin: Ints  # (stop − start,)
    usual: int
    """Rows that are known of a usual series of the whole panel."""


@dataclass(frozen=True, eq=False)
class _Job:
    """What all pieces have in common."""

    panel: Panel
    forecaster: Forecaster | None
    parts: dict[int, Panel] = field(default_factory=dict)
    """Those made so far: what is learned of known covariates stays with them from origin to origin."""

    def part(self, start: int, stop: int) -> Panel:
        """The panel of these series; the panel itself, if they are all."""
        if stop - start == len(self.panel):
            return self.panel
        if start not in self.parts:
            kept = np.zeros(len(self.panel.time), np.bool_)
            kept[self.panel.offsets[start] : self.panel.offsets[stop]] = True
            self.parts[start] = self.panel.only(kept)
        return self.parts[start]

    def __getstate__(self) -> dict[str, Any]:
        return {"panel": self.panel, "forecaster": self.forecaster, "parts": {}}


def forecasts(
    panel: Panel,
    origins: Ints,
    forecaster: Forecaster,
    engine: Engine,
    on_origin: Counter | None = None,
    *,
    whole: bool = False,
) -> tuple[list[tuple[int, Made]], float]:
    """What is forecast from each of the `origins` (O, S), with the number of the origin; and the seconds
    that it took, of all workers together.

    `whole`: the forecasts depend on all series, which are one piece.
    """
    size = len(panel) if whole else SERIES
    count = -(-len(panel) // size)
    made: list[tuple[int, Made]] = []
    seconds = 0.0
    results = engine.map(_work, _Job(panel, forecaster), _pieces(panel, origins, size))
    for done, (_, (number, each, took)) in enumerate(results, start=1):
        seconds += took
        if each is not None:
            made.append((number, each))
        if on_origin is not None:
            on_origin(done / count, len(origins))
    return made, seconds


def _pieces(panel: Panel, origins: Ints, size: int) -> Iterator[Piece]:
    """All series from the first origin, then all from the next."""
    for number, origin in enumerate(origins):
        usual = panel.usual_rows(origin[anything_before(panel, origin[None])[0]])
        for start in range(0, len(panel), size):
            stop = min(start + size, len(panel))
            yield Piece(number, start, stop, origin[start:stop], usual)


def _work(job: _Job, piece: Piece) -> tuple[int, Made | None, float]:
    """Number of the origin, the forecasts and the seconds that they took."""
    begin = time.perf_counter()
    part = job.part(piece.start, piece.stop)
    if part is not job.panel:
        part = dataclasses.replace(part, usual=piece.usual)
    assert job.forecaster is not None
    made = one_origin(part, piece.origin, job.forecaster)
    if made is not None:
        made = made._replace(series=made.series + piece.start)
    return piece.number, made, time.perf_counter() - begin


def in_order(
    engine: Engine, work: Callable[[Any, Any], Result], shared: Any, groups: Iterable[Sequence[Any]]
) -> Iterator[list[Result]]:
    """The results of the pieces of each group, groups and pieces in their order."""
    sizes: deque[int] = deque()

    def pieces() -> Iterator[Any]:
        for group in groups:
            sizes.append(len(group))
            yield from group

    first, done = 0, {}
    for number, result in engine.map(work, shared, pieces()):
        done[number] = result
        while sizes and all(first + place in done for place in range(sizes[0])):
            size = sizes.popleft()
            yield [done.pop(first + place) for place in range(size)]
            first += size


def cut(panel: Panel, *, whole: bool) -> list[Panel]:
    """The pieces of a panel all of whose rows are known; series that must add up stay together.

    `whole`: the forecasts depend on all series, which are one piece.
    """
    if whole or panel.levels or len(panel) <= SERIES:
        return [panel]
    job, usual = _Job(panel, None), panel.usual_rows(panel.lengths)
    starts = range(0, len(panel), SERIES)
    parts = (job.part(start, min(start + SERIES, len(panel))) for start in starts)
    return [dataclasses.replace(part, usual=usual) for part in parts]


def engine_for(forecasts: int, panel: Panel, workers: int | None) -> Engine:
    """The default engine for so many forecasts: processes where they save time and have room."""
    count = workers or cores()
    if forecasts * A_FORECAST < LEAST_SECONDS or not possible():
        return InTurn()
    free = memory.left()
    if free is not None:
        count = min(count, free // (memory.FRESH + COPIES * panel.values.nbytes))
    return Processes(count) if count > 1 else InTurn()
