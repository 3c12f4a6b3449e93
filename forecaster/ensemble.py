"""Fits the members of an ensemble on the rows before an origin.

Each is trained twice: once with the newest rows held out for validation, which chooses the number of steps,
and once more on all rows with that number. Where it pays, members train side by side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forecaster import side_by_side
from forecaster.config import MemberConfig, Options
from forecaster.data.panel import Panel
from forecaster.defaults import Split
from forecaster.member import Run, Task, fit_member
from forecaster.model import Member
from forecaster.nn.network import Network
from forecaster.side_by_side import Result
from forecaster.training import Event, Outcome
from forecaster.windows import Ints

Listener = Callable[[Event], None]


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
    found = _fit_all(panel, parts, [(config, None) for config in configs], options, on_event, "train")
    fitted = [item for item in found if item is not None]
    if not fitted:
        raise KeyboardInterrupt  # nothing to keep
    return _marked(fitted, None in found)


def refit(
    panel: Panel, known: Ints, fitted: Sequence[Fitted], options: Options, on_event: Listener | None
) -> tuple[Fitted, ...]:
    """Train anew on all `known` rows, each member with the number of steps that validation chose.

    Members that an interruption kept from being trained anew, to the end, stay as they were.
    """
    work = [(item.member.config, item.outcome.steps) for item in fitted]
    found = _fit_all(panel, Split(known, known), work, options, on_event, "refit")
    kept = [
        dataclasses.replace(before, outcome=after.outcome)
        if after and after.outcome.interrupted
        else after or before
        for before, after in zip(fitted, found, strict=True)
    ]
    return _marked(kept, None in found)


def fit_unvalidated(
    panel: Panel, known: Ints, configs: Sequence[MemberConfig], options: Options, on_event: Listener | None
) -> tuple[Fitted, ...]:
    """Train on all `known` rows for all the steps configured: for series too short to hold anything out."""
    work = [(config, config.training.steps) for config in configs]
    found = _fit_all(panel, Split(known, known), work, options, on_event, "train")
    return tuple(item for item in found if item is not None)


def _marked(fitted: list[Fitted], interrupted: bool) -> tuple[Fitted, ...]:
    """The members, of which one at least tells of an interruption if there was one."""
    if interrupted and not any(item.outcome.interrupted for item in fitted):
        last = fitted[-1]
        fitted[-1] = dataclasses.replace(last, outcome=dataclasses.replace(last.outcome, interrupted=True))
    return tuple(fitted)


def _fit_all(
    panel: Panel,
    parts: Split,
    work: Sequence[tuple[MemberConfig, int | None]],
    options: Options,
    on_event: Listener | None,
    stage: str,
) -> list[Fitted | None]:
    """Every member; None for those that an interruption kept from training."""
    tasks = [
        Task(config, steps, (stage, number, len(work)), options.workers, options.keep_on_interrupt)
        for number, (config, steps) in enumerate(work)
    ]
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
