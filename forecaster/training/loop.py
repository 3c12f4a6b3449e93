"""Training loop: steps, early stopping, checkpoints, divergence guard. It yields events, prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecaster.arrays import Array, Float32s, Ints
from forecaster.config import TrainingConfig
from forecaster.errors import DivergenceError
from forecaster.features.windows import Mixture, WindowIndex, Windows
from forecaster.nn.batch import Batch
from forecaster.nn.losses import make_loss
from forecaster.nn.network import Network
from forecaster.nn.optimizers import Optimizer, clip_by_global_norm, make_optimizer
from forecaster.nn.parallel import ShardedNetwork
from forecaster.nn.schedules import rate_at

EVENT_EVERY = 10
"""Steps between two events."""
RESCUES = 6
"""Rollbacks, each with a lower learning rate, before training gives up."""
CONFIRM = 25
"""Healthy steps after which the weights become the new rollback point."""
NUMBERS = ("taken", "best_step", "best", "validation", "passes_without_progress", "smooth")
"""The numbers of a run that change from step to step."""


@dataclass(frozen=True)
class Event:
    """Progress of one network: an event every EVENT_EVERY steps and at each validation pass."""

    stage: str  # "train" or "refit"
    member: int
    members: int
    step: int
    steps: int
    loss: float
    validation: float | None
    best: float | None
    rate: float
    windows_per_second: float
    seconds: float
    """Time since this network's training began."""
    last: bool
    """Whether this is the network's last event."""
    state: State | None = None
    """Where training can go on from; set where it was asked for and some time has passed."""


@dataclass(frozen=True, eq=False)
class State:
    """All that a training needs to go on as if it had never stopped; of a finished one, its result."""

    facts: dict[str, Any]
    """Numbers and the state of the random generator, as JSON values."""
    arrays: dict[str, Array]

    @property
    def result(self) -> tuple[Float32s, Outcome] | None:
        """Weights and outcome, if the training is finished."""
        outcome = self.facts.get("outcome")
        return None if outcome is None else (self.arrays["weights"], Outcome.of(outcome))


@dataclass(frozen=True)
class Outcome:
    """The result of training: the network holds the weights of step `steps`."""

    steps: int
    validation: float | None
    interrupted: bool = False
    rescues: int = 0
    curve: tuple[tuple[int, float], ...] = ()
    """Step and validation loss of each validation pass."""

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Outcome:
        """From the values of `asdict`, also after JSON has made lists of tuples."""
        return cls(**facts | {"curve": _curve(facts.get("curve", ()))})


def _curve(pairs: Iterable[Sequence[float]]) -> tuple[tuple[int, float], ...]:
    return tuple((int(step), loss) for step, loss in pairs)


@dataclass(frozen=True)
class TrainingData:
    """Windows to train on, and validation windows for early stopping."""

    windows: Windows
    index: WindowIndex | Mixture
    known: Ints  # (S,) targets at or after row known[s] are never read
    validation: tuple[Ints, Ints] | None = None  # series (V,), origins (V,)
    validation_known: Ints | None = None  # (S,) the same bound for validation targets


def train(
    network: Network,
    data: TrainingData,
    config: TrainingConfig,
    *,
    rng: np.random.Generator,
    workers: int | None = None,
    label: tuple[str, int, int] = ("train", 0, 1),
    keep_on_interrupt: bool = False,
    state: State | None = None,
    state_every: float | None = None,
) -> Generator[Event, None, Outcome]:
    """Train `network` in place; yields events and returns the outcome.

    With `state`, go on from there; the end is the same, to the byte. With `state_every`, events have the
    state, but at most one in so many seconds, and the last one.

    With validation windows, the weights of the best validation pass are restored at the end. With
    `keep_on_interrupt`, Ctrl-C ends training with the best weights so far instead of raising
    KeyboardInterrupt.

    Raises DivergenceError when the loss stays non-finite after RESCUES rollbacks.
    """
    with ShardedNetwork(network, workers=workers) as sharded:
        run = _Run(sharded, data, config, rng, label, state_every)
        if state is not None:
            run.restore(state)
        try:
            yield from run.steps()
        except KeyboardInterrupt:
            if not keep_on_interrupt:
                raise
            return run.finish(interrupted=True)
        finally:
            network.free()
        return run.finish()


class _Run:
    """The state of one training run."""

    def __init__(
        self,
        sharded: ShardedNetwork,
        data: TrainingData,
        config: TrainingConfig,
        rng: np.random.Generator,
        label: tuple[str, int, int],
        state_every: float | None = None,
    ) -> None:
        self.sharded, self.data, self.config, self.rng, self.label = sharded, data, config, rng, label
        self.weights = sharded.network.flat
        self.loss = make_loss(config)
        self.optimizer = make_optimizer(config, self.weights.size, self.weights.dtype)
        self.average = _Average(self.weights, config.average)
        self.guard = _Guard(self.weights, self.optimizer)
        self.validation: float | None = None
        self.best: float | None = None
        self.taken = self.best_step = 0
        self.best_weights = self.weights.copy()
        self.passes_without_progress = 0
        self.curve: list[tuple[int, float]] = []
        self.smooth = math.nan
        self.began = 0
        self.started = self.stated = time.perf_counter()
        self.state_every = state_every

    def steps(self) -> Generator[Event, None, None]:
        """Run until the last step, or until validation makes no more progress."""
        for step in range(self.taken + 1, self.config.steps + 1):
            loss = self.step(step)
            self.taken = step
            self.smooth = loss if math.isnan(self.smooth) else 0.9 * self.smooth + 0.1 * loss
            validate = step % self.config.check_every == 0 or step == self.config.steps
            stop = validate and self.validation_pass(step)
            if validate or step % EVENT_EVERY == 0:
                yield self.event(step, self.smooth, last=stop or step == self.config.steps)
            if stop:
                return

    @np.errstate(over="ignore", invalid="ignore")  # the guard handles overflow
    def step(self, step: int) -> float:
        """One step of gradient descent; returns its loss."""
        rate = rate_at(self.config, step - 1)
        series, origins = self.data.index.sample(self.config.batch, rng=self.rng)

        def gather(start: int, stop: int) -> Batch:
            return self.data.windows.batch(series[start:stop], origins[start:stop], self.data.known)

        loss, gradient = self.sharded.loss_and_gradient(
            gather, self.config.batch, self.loss, rng=self.dropout_rng(), unroll=self.config.unroll
        )
        norm = clip_by_global_norm(gradient, self.config.clip)
        if self.guard.healthy(loss, norm):
            self.optimizer.update(self.weights, gradient, rate * self.guard.factor)
            self.average.update(self.weights)
        return loss

    def dropout_rng(self) -> np.random.Generator | None:
        return self.rng if self.sharded.network.config.dropout > 0 else None

    def validation_pass(self, step: int) -> bool:
        """Measure the validation loss and keep the best weights; True when training should stop."""
        if self.data.validation is None:
            return False
        with self.average.in_place(self.weights):
            self.validation = self.validation_loss()
            self.curve.append((step, self.validation))
            if self.best is None or self.validation < self.best:
                self.best, self.best_step = self.validation, step
                self.best_weights[:] = self.weights
                self.passes_without_progress = 0
                return False
        self.passes_without_progress += 1
        return 0 < self.config.patience <= self.passes_without_progress

    @np.errstate(over="ignore", invalid="ignore")
    def validation_loss(self) -> float:
        """Mean loss over the validation windows."""
        assert self.data.validation is not None and self.data.validation_known is not None
        series, origins = self.data.validation
        known = self.data.validation_known
        outputs = self.sharded.predict(
            lambda start, stop: self.data.windows.inputs(series[start:stop], origins[start:stop]), len(series)
        )
        targets, weights = self.data.windows.targets(series, origins, known)
        total, _ = self.loss(outputs, targets, weights)
        value = total / max(float(weights.sum(dtype=np.float64)), 1.0)
        return value if math.isfinite(value) else math.inf

    def finish(self, *, interrupted: bool = False) -> Outcome:
        """Leave the best weights in the network."""
        if self.best is not None:
            self.weights[:] = self.best_weights
            return Outcome(self.best_step, self.best, interrupted, self.guard.rescues, tuple(self.curve))
        self.weights[:] = self.average.weights
        return Outcome(self.taken, None, interrupted, self.guard.rescues)

    def event(self, step: int, loss: float, *, last: bool) -> Event:
        elapsed = time.perf_counter() - self.started
        stage, member, members = self.label
        return Event(
            stage=stage,
            member=member,
            members=members,
            step=step,
            steps=self.config.steps,
            loss=loss,
            validation=self.validation,
            best=self.best,
            rate=rate_at(self.config, step - 1) * self.guard.factor,
            windows_per_second=(step - self.began) * self.config.batch / max(elapsed, 1e-9),
            seconds=elapsed,
            last=last,
            state=self.state_if_due(last=last),
        )

    def state_if_due(self, *, last: bool) -> State | None:
        """The state, or the result after the last step; None between two times at which it is asked for."""
        if self.state_every is None:
            return None
        if last:
            outcome = self.finish()
            return State({"outcome": asdict(outcome)}, {"weights": self.weights.copy()})
        if time.perf_counter() - self.stated < self.state_every:
            return None
        self.stated = time.perf_counter()
        return self.state()

    def state(self) -> State:
        """A copy of everything that changes from step to step."""
        arrays = {"weights": self.weights, "best": self.best_weights, "average": self.average.weights}
        arrays |= {f"optimizer.{name}": value for name, value in self.optimizer.memory.items()}
        arrays |= self.guard.arrays()
        facts: dict[str, Any] = {name: getattr(self, name) for name in NUMBERS} | {"curve": list(self.curve)}
        facts["average"], facts["guard"] = self.average.count, self.guard.numbers()
        facts["rng"] = self.rng.bit_generator.state
        return State(facts, {name: value.copy() for name, value in arrays.items()})

    def restore(self, state: State) -> None:
        """Go on from a state."""
        facts, arrays = state.facts, state.arrays
        for name in NUMBERS:
            setattr(self, name, facts[name])
        self.curve = list(_curve(facts.get("curve", ())))  # older checkpoints have none
        self.began = self.taken
        self.weights[:], self.best_weights[:] = arrays["weights"], arrays["best"]
        self.average.weights[:], self.average.count = arrays["average"], facts["average"]
        self.optimizer.restore(_part(arrays, "optimizer."))
        self.guard.restore(facts["guard"], arrays)
        self.rng.bit_generator.state = facts["rng"]


class _Average:
    """Exponential moving average of the weights. Its forecasts vary less than those of a single step.

    Polyak & Juditsky 1992. In the first steps it is the plain mean of the steps so far.
    """

    def __init__(self, weights: Float32s, decay: float) -> None:
        self.decay, self.count = decay, 0
        self.weights = weights.copy()
        self._difference = np.empty_like(weights)

    def update(self, weights: Float32s) -> None:
        self.count += 1
        keep = min(self.decay, (self.count - 1) / self.count) if self.decay else 0.0
        np.subtract(weights, self.weights, out=self._difference)
        self._difference *= 1 - keep
        self.weights += self._difference

    @contextmanager
    def in_place(self, weights: Float32s) -> Generator[None, None, None]:
        """Put the average into `weights` within the context."""
        kept = weights.copy()
        weights[:] = self.weights
        try:
            yield
        finally:
            weights[:] = kept


class _Guard:
    """Rolls back and halves the learning rate when loss or gradient is not finite."""

    def __init__(self, weights: Float32s, optimizer: Optimizer) -> None:
        self.factor, self.rescues = 1.0, 0
        self._weights, self._optimizer = weights, optimizer
        self._good = (weights.copy(), optimizer.snapshot())
        self._healthy_steps = 0

    def numbers(self) -> list[float]:
        """For a state: factor, rescues, healthy steps."""
        return [self.factor, self.rescues, self._healthy_steps]

    def arrays(self) -> dict[str, Array]:
        """For a state: the rollback point."""
        weights, memory = self._good
        return {"good": weights} | {f"good.{name}": value for name, value in memory.items()}

    def restore(self, numbers: list[float], arrays: Mapping[str, Array]) -> None:
        """Go back to a state."""
        self.factor, self.rescues, self._healthy_steps = numbers[0], int(numbers[1]), int(numbers[2])
        self._good = arrays["good"].copy(), {n: a.copy() for n, a in _part(arrays, "good.").items()}

    def healthy(self, loss: float, norm: float) -> bool:
        """Whether to apply this step; if not, weights and optimiser are rolled back.

        Raises DivergenceError after RESCUES rollbacks.
        """
        if math.isfinite(loss) and math.isfinite(norm):
            if self._healthy_steps % CONFIRM == 0:
                self._good = (self._weights.copy(), self._optimizer.snapshot())
            self._healthy_steps += 1
            return True
        self.rescues += 1
        if self.rescues > RESCUES:
            raise DivergenceError(
                f"training diverged: the loss is not finite after halving the learning rate {RESCUES} times",
                hint="Check the data with `forecast inspect`; try a lower --rate or another --loss.",
            )
        self.factor /= 2
        self._healthy_steps = 0
        self._weights[:] = self._good[0]
        self._optimizer.restore(self._good[1])
        return False


def _part(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
