"""Fits the members of an ensemble on the rows before an origin.

Each is trained twice: with the newest rows held out for validation, which chooses the number of steps; then
with all rows, for a while from there or anew. Where it pays, members train side by side.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forecaster.arrays import Ints
from forecaster.config import MemberConfig, Options
from forecaster.data.panel import Panel
from forecaster.model.model import Member
from forecaster.nn.network import Network
from forecaster.training import worker_processes as side_by_side
from forecaster.training.loop import Event, Outcome
from forecaster.training.member import Run, Task, fit_member
from forecaster.training.plan import Split
from forecaster.training.worker_processes import Result

Listener = Callable[[Event], None]

MANY_SERIES = 32
"""From this many series on, the rows held out are little beside what all series have taught, and a refit goes
on from the weights that validation chose. Fewer train anew: more steps would bring them beyond the best."""
MORE_STEPS = 0.3
"""Steps of a refit that goes on, for each of those that validation chose."""


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
) -> tuple[Fitted, ...]:
    """Train every member on `parts.train`, stopping by validation.

    Rows at or after `parts.validation` are never read. Members that an interruption kept from training are
    left out.
    """
    found = _fit_all(panel, parts, _tasks("train", configs, options), on_event)
    fitted = [item for item in found if item is not None]
    if not fitted:
        raise KeyboardInterrupt  # nothing to keep
    return _marked(fitted, None in found)


def refit(
    panel: Panel, known: Ints, fitted: Sequence[Fitted], options: Options, on_event: Listener | None
) -> tuple[Fitted, ...]:
    """Train on all `known` rows, with a schedule of its own: further where there are many series, else anew.

    For as many steps as validation chose, or MORE_STEPS as many further ones: as good where there are many
    series, in a third of the time. The outcome keeps the validation loss there was. Members that an
    interruption kept from being trained to the end stay as they were.
    """
    further = int((known > 0).sum()) >= MANY_SERIES
    share = MORE_STEPS if further else 1.0
    configs = [_with_steps(item.member.config, math.ceil(share * item.outcome.steps)) for item in fitted]
    tasks = _tasks("refit", configs, options)
    if further:
        starts = (item.member.network.flat for item in fitted)
        tasks = [dataclasses.replace(task, start=start) for task, start in zip(tasks, starts, strict=True)]
    found = _fit_all(panel, Split(known, known), tasks, on_event)
    kept = [_refitted(before, after, further) for before, after in zip(fitted, found, strict=True)]
    return _marked(kept, None in found)


def fit_unvalidated(
    panel: Panel, known: Ints, configs: Sequence[MemberConfig], options: Options, on_event: Listener | None
) -> tuple[Fitted, ...]:
    """Train on all `known` rows for all the steps configured: for series too short to hold anything out."""
    found = _fit_all(panel, Split(known, known), _tasks("train", configs, options), on_event)
    return tuple(item for item in found if item is not None)


def _marked(fitted: list[Fitted], interrupted: bool) -> tuple[Fitted, ...]:
    """The members, of which one at least tells of an interruption if there was one."""
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
    """A member and all that led to its weights; as it was before, if it was not trained to the end."""
    if after is None:
        return before
    if after.outcome.interrupted:
        return dataclasses.replace(before, outcome=dataclasses.replace(before.outcome, interrupted=True))
    first, last = before.outcome, after.outcome
    steps = last.steps + (first.steps if further else 0)
    outcome = Outcome(steps, first.validation, rescues=last.rescues + (first.rescues if further else 0))
    return Fitted(Member(before.member.config, after.member.network), outcome)


def _fit_all(
    panel: Panel, parts: Split, tasks: Sequence[Task], on_event: Listener | None
) -> list[Fitted | None]:
    """Every member; None for those that an interruption kept from training."""
    count = side_by_side.processes(panel, tasks)
    if count > 1:
        alone = [dataclasses.replace(task, workers=1) for task in tasks]
        results = side_by_side.fit_side_by_side(panel, parts, alone, count, on_event)
    else:
        results = _in_turn(panel, parts, tasks, on_event)
    return [
        None if result is None else _fitted(task.config, result)
        for task, result in zip(tasks, results, strict=True)
    ]


def _fitted(config: MemberConfig, result: Result) -> Fitted:
    weights, outcome = result
    network = Network(config.network, rng=None)
    network.flat[...] = weights
    return Fitted(Member(config, network), outcome)


def _in_turn(
    panel: Panel, parts: Split, tasks: Sequence[Task], on_event: Listener | None
) -> list[Result | None]:
    """One member after the other, up to an interruption."""
    results: list[Result | None] = [None] * len(tasks)
    for number, task in enumerate(tasks):
        network, outcome = _to_end(fit_member(panel, parts, task), on_event)
        results[number] = network.flat, outcome
        if outcome.interrupted:
            break
    return results


def _to_end(run: Run, on_event: Listener | None) -> tuple[Network, Outcome]:
    """Tell of every event; Ctrl-C while one is told goes into the training, which may keep its best."""
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
