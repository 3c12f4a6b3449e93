"""Fits the members of an ensemble on the rows before an origin.

Panel + MemberConfig -> transform -> windows -> a trained network, twice: once with the newest rows held
out for validation, which chooses the number of steps, and once more on all rows with that number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np

from forecaster.config import MemberConfig, Options
from forecaster.data.panel import Panel
from forecaster.defaults import Split
from forecaster.model import Member
from forecaster.nn.network import Network
from forecaster.training import Event, Outcome, TrainingData, train
from forecaster.transform import fit_transform
from forecaster.windows import Ints, Windows, index_windows

Listener = Callable[[Event], None]

VALIDATION_WINDOWS = 2048
"""At most this many windows are looked at each time; they are drawn once."""


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

    Rows at or after `parts.validation` are never read. Members after an interruption are left out.
    """
    return _fit_all(panel, parts, [(config, None) for config in configs], options, on_event, "train")


def refit(
    panel: Panel, known: Ints, fitted: Sequence[Fitted], options: Options, on_event: Listener | None
) -> tuple[Fitted, ...]:
    """Train anew on all `known` rows, each member with the number of steps that validation chose.

    Members that an interruption kept from being trained anew stay as they were.
    """
    work = [(item.member.config, item.outcome.steps) for item in fitted]
    again = _fit_all(panel, Split(known, known), work, options, on_event, "refit")
    if again[-1].outcome.interrupted:
        again = (*again[:-1], dataclasses.replace(fitted[len(again) - 1], outcome=again[-1].outcome))
    return (*again, *fitted[len(again) :])


def fit_unvalidated(
    panel: Panel, known: Ints, configs: Sequence[MemberConfig], options: Options, on_event: Listener | None
) -> tuple[Fitted, ...]:
    """Train on all `known` rows for all the steps configured: for series too short to hold anything out."""
    work = [(config, config.training.steps) for config in configs]
    return _fit_all(panel, Split(known, known), work, options, on_event, "train")


def _fit_all(
    panel: Panel,
    parts: Split,
    work: Sequence[tuple[MemberConfig, int | None]],
    options: Options,
    on_event: Listener | None,
    stage: str,
) -> tuple[Fitted, ...]:
    """Each configuration in turn, up to an interruption."""
    fitted: list[Fitted] = []
    for number, (config, steps) in enumerate(work):
        label = (stage, number, len(work))
        fitted.append(_fit_member(panel, parts, config, options, on_event, label, steps))
        if fitted[-1].outcome.interrupted:
            break
    return tuple(fitted)


def _fit_member(
    panel: Panel,
    parts: Split,
    config: MemberConfig,
    options: Options,
    on_event: Listener | None,
    label: tuple[str, int, int],
    steps: int | None,
) -> Fitted:
    """One member; with `steps`, trained that long without validation."""
    weights_rng, rng = np.random.default_rng(config.seed).spawn(2)
    network = Network(config.network, rng=weights_rng)
    data = _training_data(panel, parts, config, validate=steps is None, rng=rng)
    run = train(
        network,
        data,
        config.training,
        rng=rng,
        workers=options.workers,
        stop_after=steps,
        label=label,
        keep_on_interrupt=options.keep_on_interrupt,
    )
    return Fitted(Member(config, network), _to_end(run, on_event))


def _to_end(run: Generator[Event, None, Outcome], on_event: Listener | None) -> Outcome:
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


def _training_data(
    panel: Panel, parts: Split, config: MemberConfig, *, validate: bool, rng: np.random.Generator
) -> TrainingData:
    """Transform fitted on the training part, and the windows on both sides of its end."""
    transform = fit_transform(
        panel,
        parts.train,
        log=config.log,
        seasons=config.seasons,
        horizon=config.horizon,
    )
    windows = Windows(
        panel,
        transform,
        lookback=config.lookback,
        segment=config.segment,
        horizon=config.horizon,
        gaps=config.gaps,
    )
    index = index_windows(parts.train, config.lookback, config.horizon, recent=config.training.recent)
    data = TrainingData(windows, index, parts.train)
    held = np.flatnonzero((parts.train > 0) & (parts.validation > parts.train))
    if not validate or not held.size:
        return data
    validation = validation_windows(parts, held, config.horizon, rng)
    return dataclasses.replace(data, validation=validation, validation_known=parts.validation)


def validation_windows(parts: Split, held: Ints, horizon: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Origins whose targets lie between the ends of training and of validation: (series (V,), ends (V,))."""
    origins = np.maximum(parts.validation[held] - horizon - parts.train[held], 0) + 1
    series = np.repeat(held, origins)
    step = np.arange(len(series)) - np.repeat(np.cumsum(origins) - origins, origins)
    ends = parts.train[series] + step
    if len(series) > VALIDATION_WINDOWS:
        chosen = np.sort(rng.choice(len(series), VALIDATION_WINDOWS, replace=False))
        return series[chosen], ends[chosen]
    return series, ends
