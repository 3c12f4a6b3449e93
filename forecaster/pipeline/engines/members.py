"""Networks of an ensemble trained by the workers of an engine, one by each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

from forecaster.data.panel import Panel
from forecaster.pipeline.engines.engine import Engine, Tell, Telling
from forecaster.training.ensemble import Crew, Listener
from forecaster.training.loop import Event
from forecaster.training.member import Task, fit_member
from forecaster.training.plan import Split
from forecaster.training.worker_processes import Result, followed


def crew_of(engine: Engine | None) -> Crew | None:
    """What trains networks by this engine; None: this machine does, in processes where that is faster."""
    return partial(_train, engine) if isinstance(engine, Telling) else None


def _train(
    engine: Telling, panel: Panel, parts: Split, tasks: Sequence[Task], on_event: Listener | None
) -> list[Result | None]:
    """As `training.worker_processes.fit_in_parallel`, the same bytes."""

    def listen(event: Event) -> None:
        if on_event is not None:
            on_event(event)

    results: list[Result | None] = [None] * len(tasks)
    alone = [dataclasses.replace(task, workers=1) for task in tasks]
    keep = tasks[0].keep_on_interrupt
    for number, result in engine.map_telling(_fit, (panel, parts), alone, listen, keep=keep):
        results[number] = result
    return results


def _fit(shared: tuple[Panel, Split], task: Task, tell: Tell) -> Result | None:
    """In a worker: fit a member."""
    return followed(fit_member(*shared, task), tell)
