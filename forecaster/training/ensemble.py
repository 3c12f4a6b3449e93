"""Fits the members of an ensemble on the rows before an origin.

Each member is trained twice. First the newest rows are held out for validation, which chooses the number of
steps. Then it trains on all rows, either further or from new weights. Members train in parallel where that
is faster.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forecaster.arrays import Ints
from forecaster.config import MemberConfig, Options
from forecaster.data.panel import Panel
from forecaster.methods.blend import MANY_SERIES
from forecaster.model.model import Member
from forecaster.nn.network import Network
from forecaster.training import worker_processes
from forecaster.training.checkpoint import Checkpoint
from forecaster.training.loop import Event, Outcome
from forecaster.training.member import Run, Task, fit_member
from forecaster.training.plan import Split
from forecaster.training.worker_processes import Result

Listener = Callable[[Event], None]
Crew = Callable[[Panel, Split, Sequence[Task], Listener | None], Sequence[Result | None]]
"""Trains members elsewhere: as `worker_processes.fit_in_parallel`."""

MORE_STEPS = 0.3
"""Steps of a refit that continues, as a share of the steps that validation chose."""
LATER_RATE = 0.3
"""Learning rate of networks that go on in an update, as a share of that of training."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A member and how its training ended."""

    member: Member
    outcome: Outcome


def fit(
    panel: Panel,
    parts: Split,
    configs: Sequence[MemberConfig],
    options: Options,
    on_event: Listener | None,
    checkpoint: Checkpoint | None = None,
    crew: Crew | None = None,
) -> tuple[Fitted, ...]:
    """Train every member on `parts.train`, with early stopping by validation.

    Rows at or after `parts.validation` are never read. Members not yet trained at an interruption are left
    out.
    """
    results = _fit_all(panel, parts, _tasks("train", configs, options), on_event, checkpoint, crew)
    fitted = [item for item in results if item is not None]
    if not fitted:
        raise KeyboardInterrupt  # nothing to keep
    return _marked(fitted, None in results)


def refit(
    panel: Panel,
    known: Ints,
    fitted: Sequence[Fitted],
    options: Options,
    on_event: Listener | None,
    checkpoint: Checkpoint | None = None,
    crew: Crew | None = None,
) -> tuple[Fitted, ...]:
    """Train on all `known` rows, with a learning rate schedule of its own.

    With many series, continue for MORE_STEPS of the steps that validation chose: as accurate, in a third of
    the time. Otherwise train from new weights for as many steps as validation chose. The outcome keeps the
    earlier validation loss. Members that are interrupted before their end keep their earlier weights.
    """
    further = int((known > 0).sum()) >= MANY_SERIES
    share = MORE_STEPS if further else 1.0
    configs = [_with_steps(item.member.config, math.ceil(share * item.outcome.steps)) for item in fitted]
    tasks = _tasks("refit", configs, options)
    if further:
        starts = (item.member.network.flat for item in fitted)
        tasks = [dataclasses.replace(task, start=start) for task, start in zip(tasks, starts, strict=True)]
    results = _fit_all(panel, Split(known, known), tasks, on_event, checkpoint, crew)
    kept = [_refitted(before, after, further) for before, after in zip(fitted, results, strict=True)]
    return _marked(kept, None in results)


def fit_unvalidated(
    panel: Panel,
    known: Ints,
    configs: Sequence[MemberConfig],
    options: Options,
    on_event: Listener | None,
    checkpoint: Checkpoint | None = None,
    crew: Crew | None = None,
) -> tuple[Fitted, ...]:
    """Train on all `known` rows for all configured steps: for series too short to hold anything out."""
    results = _fit_all(
        panel, Split(known, known), _tasks("train", configs, options), on_event, checkpoint, crew
    )
    return tuple(item for item in results if item is not None)


def go_on(
    panel: Panel,
    known: Ints,
    members: Sequence[Member],
    steps: Sequence[int],
    workers: int | None,
    on_event: Listener | None,
    *,
    stage: str,
    seen: Ints,
    draw: tuple[int, ...],
) -> tuple[Member, ...]:
    """Train members on the `known` rows for a few more `steps` each, at a lower rate.

    Those before seen[s] (S,) they know already; `draw` varies the windows drawn. Configurations stay.
    Ctrl-C raises KeyboardInterrupt.
    """
    tasks = []
    for number, (member, count) in enumerate(zip(members, steps, strict=True)):
        training = member.config.training
        training = dataclasses.replace(training, steps=count, rate=training.rate * LATER_RATE)
        config = dataclasses.replace(member.config, training=training)
        label, start = (stage, number, len(members)), member.network.flat
        tasks.append(Task(config, start, label, workers, False, seen=seen, draw=draw))
    results = _fit_all(panel, Split(known, known), tasks, on_event)
    return tuple(
        Member(member.config, result.member.network)
        for member, result in zip(members, results, strict=True)
        if result is not None  # never: an interruption is raised
    )


def _marked(fitted: list[Fitted], interrupted: bool) -> tuple[Fitted, ...]:
    """The members; after an interruption, at least one is marked as interrupted."""
    if interrupted and not any(item.outcome.interrupted for item in fitted):
        last = fitted[-1]
        fitted[-1] = dataclasses.replace(last, outcome=dataclasses.replace(last.outcome, interrupted=True))
    return tuple(fitted)


def _tasks(stage: str, configs: Sequence[MemberConfig], options: Options) -> list[Task]:
    return [
        Task(config, None, (stage, number, len(configs)), options.workers, options.keep_on_interrupt)
        for number, config in enumerate(configs)
    ]


def _with_steps(config: MemberConfig, steps: int) -> MemberConfig:
    return dataclasses.replace(config, training=dataclasses.replace(config.training, steps=steps))


def _refitted(before: Fitted, after: Fitted | None, further: bool) -> Fitted:
    """The member after the refit, or as it was before if the refit was interrupted."""
    if after is None:
        return before
    if after.outcome.interrupted:
        return dataclasses.replace(before, outcome=dataclasses.replace(before.outcome, interrupted=True))
    first, last = before.outcome, after.outcome
    steps = last.steps + (first.steps if further else 0)
    rescues = last.rescues + (first.rescues if further else 0)
    outcome = Outcome(steps, first.validation, rescues=rescues, curve=first.curve)
    return Fitted(Member(before.member.config, after.member.network), outcome)


def _fit_all(
    panel: Panel,
    parts: Split,
    tasks: Sequence[Task],
    on_event: Listener | None,
    checkpoint: Checkpoint | None = None,
    crew: Crew | None = None,
) -> list[Fitted | None]:
    """Every member, by the `crew` if there is one; None for members not trained because of an interruption.

    With `checkpoint`, members finished by an earlier run are taken from there, and others go on.
    """
    if checkpoint is not None:
        tasks, on_event = checkpoint.resumed(tasks), checkpoint.listener(on_event)
    results: list[Result | None] = [task.state.result if task.state else None for task in tasks]
    left = [number for number, result in enumerate(results) if result is None]
    train = (crew if left else None) or _train
    trained = train(panel, parts, [tasks[number] for number in left], on_event)
    for number, result in zip(left, trained, strict=True):
        results[number] = result
    return [
        None if result is None else _fitted(task.config, result)
        for task, result in zip(tasks, results, strict=True)
    ]


def _train(
    panel: Panel, parts: Split, tasks: Sequence[Task], on_event: Listener | None
) -> Sequence[Result | None]:
    """Train the members in parallel, where that is faster."""
    count = worker_processes.processes(panel, tasks) if tasks else 1
    if count == 1:
        return _in_turn(panel, parts, tasks, on_event)
    single_threaded = [dataclasses.replace(task, workers=1) for task in tasks]
    return worker_processes.fit_in_parallel(panel, parts, single_threaded, count, on_event)


def _fitted(config: MemberConfig, result: Result) -> Fitted:
    weights, outcome = result
    network = Network(config.network, rng=None)
    network.flat[...] = weights
    return Fitted(Member(config, network), outcome)


def _in_turn(
    panel: Panel, parts: Split, tasks: Sequence[Task], on_event: Listener | None
) -> list[Result | None]:
    """Train one member after the other, until an interruption."""
    results: list[Result | None] = [None] * len(tasks)
    for number, task in enumerate(tasks):
        network, outcome = _to_end(fit_member(panel, parts, task), on_event)
        results[number] = network.flat, outcome
        if outcome.interrupted:
            break
    return results


def _to_end(run: Run, on_event: Listener | None) -> tuple[Network, Outcome]:
    """Report every event. Ctrl-C in the listener goes to the training, which may keep its best weights."""
    interrupt: KeyboardInterrupt | None = None
    while True:
        try:
            event = next(run) if interrupt is None else run.throw(interrupt)
        except StopIteration as stop:
            return stop.value
        try:
            if on_event is not None:
                on_event(event)
        except KeyboardInterrupt as error:
            interrupt = error
