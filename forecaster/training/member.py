"""Fits one member of an ensemble: Panel + MemberConfig -> transform -> windows -> a trained network."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Float32s, Ints
from forecaster.config import MemberConfig
from forecaster.data.panel import Panel
from forecaster.features.transform import fit_scaled
from forecaster.features.windows import Mixture, WindowIndex, Windows, index_windows
from forecaster.nn.network import Network
from forecaster.training.loop import Event, Outcome, State, TrainingData, train
from forecaster.training.plan import Split

Run = Generator[Event, None, tuple[Network, Outcome]]

VALIDATION_WINDOWS = 2048
"""Most windows in a validation pass; they are drawn once for all passes."""
NEW = 0.5
"""Share of new windows in a training that goes on; the others are of all rows, so that old ones are kept."""


@dataclass(frozen=True)
class Task:
    """One member to fit."""

    config: MemberConfig
    start: Float32s | None
    """Weights (P,) to continue from; None: draw new ones."""
    label: tuple[str, int, int]
    """Stage, number of the member and number of members, for its events."""
    workers: int | None
    """Number of threads; it never changes the result."""
    keep_on_interrupt: bool
    seen: Ints | None = None
    """(S,) rows that `start` was trained on: NEW of the windows then have targets after them."""
    draw: tuple[int, ...] = ()
    """Further numbers of the seed, so that a training that goes on draws other windows."""
    state: State | None = None
    """Where an earlier run of the same task stopped."""
    state_every: float | None = None
    """Seconds between two events with the state; None: none have it."""


def fit_member(panel: Panel, parts: Split, task: Task) -> Run:
    """Train on `parts.train`; rows from there up to `parts.validation`, if any, decide when to stop.

    Yields events. Rows at or after `parts.validation` are never read.
    """
    seed = task.config.seed
    weights_rng, rng = np.random.default_rng([seed, *task.draw] if task.draw else seed).spawn(2)
    network = Network(task.config.network, rng=weights_rng)
    if task.start is not None:
        network.flat[...] = task.start
    data = _training_data(panel, parts, task.config, rng)
    if task.seen is not None:
        data = dataclasses.replace(data, index=_with_new(data.index, task.seen, task.config.horizon))
    outcome = yield from train(
        network,
        data,
        task.config.training,
        rng=rng,
        workers=task.workers,
        label=task.label,
        keep_on_interrupt=task.keep_on_interrupt,
        state=task.state,
        state_every=task.state_every,
    )
    return network, outcome


def _training_data(
    panel: Panel, parts: Split, config: MemberConfig, rng: np.random.Generator
) -> TrainingData:
    """Training and validation windows, transformed by what was fitted on the training part."""
    transform = fit_scaled(
        panel,
        parts.train,
        scales=config.scales,
        log=config.log,
        seasons=config.seasons,
        horizon=config.horizon,
    )
    windows = Windows.of(panel, transform, config, parts.train)
    index = index_windows(
        parts.train, config.lookback, config.horizon, recent=config.training.recent, panel=panel
    )
    data = TrainingData(windows, index, parts.train)
    held = np.flatnonzero((parts.train > 0) & (parts.validation > parts.train))
    if not held.size:
        return data
    validation = validation_windows(parts, held, config.horizon, rng)
    if not windows.targets(*validation, parts.validation)[1].any():  # all targets lie in gaps
        return data
    return dataclasses.replace(data, validation=validation, validation_known=parts.validation)


def _with_new(index: WindowIndex | Mixture, seen: Ints, horizon: int) -> WindowIndex | Mixture:
    """The windows, a share of NEW of which have a target at or after row seen[s] of the series."""
    assert isinstance(index, WindowIndex)
    new = index.since(seen - horizon + 1)
    return Mixture(new, index, NEW) if len(new) else index


def validation_windows(parts: Split, held: Ints, horizon: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """All windows with targets in the validation part, or a sample: (series (V,), origins (V,))."""
    counts = np.maximum(parts.validation[held] - horizon - parts.train[held], 0) + 1
    series = np.repeat(held, counts)
    step = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    origins = parts.train[series] + step
    if len(series) > VALIDATION_WINDOWS:
        chosen = np.sort(rng.choice(len(series), VALIDATION_WINDOWS, replace=False))
        return series[chosen], origins[chosen]
    return series, origins
