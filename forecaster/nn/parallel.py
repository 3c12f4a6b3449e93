"""Batch shards on worker threads.

NumPy lets go of the interpreter lock in products and large ufuncs, so threads run side by side, each with
a shard of the batch and its own workspace, while BLAS is held to one thread. Shards depend on shapes alone
and gradients are summed in the order of the shards: the number of workers never changes a byte.
"""

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn.cells import CELLS
from forecaster.nn.compiled_layer import available as compiled_layers
from forecaster.nn.losses import Loss
from forecaster.nn.network import Network
from forecaster.nn.stack import Mask

SPLIT_ELEMENTS = {"rnn": 8_000, "gru": 20_000, "lstm": 20_000}
"""Elements of a batch's gate block (G·H·B) from which on two threads are faster than one: with fewer, a step
is calls and waiting for the interpreter lock, not arithmetic. A step of the RNN makes fewest calls."""
COMPILED_SPLIT_ELEMENTS = 2_000
"""The same for compiled layers, which do not wait for the lock: the threads need only earn their start."""
SHARD_ELEMENTS = 131_072
"""Elements of a shard's gate block in a batch for which two shards are too few: the more shards, the more
calls, and the larger a shard, the less of it stays in cache."""
COLUMNS = 16
"""Shards begin at multiples of this, the width of a panel of the compiled kernels; with less, products lose
speed."""

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Columns of a batch: inputs (T, F, B), targets (K, B), mask (T, B), weights (K, B).

    mask None: no padding. weights None: all ones. Prediction needs no targets.
    """

    inputs: Array
    targets: Array | None = None
    mask: Mask | None = None
    weights: Array | None = None


Gather = Callable[[int, int], Batch]
"""gather(start, stop): those columns of a batch. Pure; called in the worker threads."""


def shard_bounds(config: NetworkConfig, size: int) -> list[tuple[int, int]]:
    """Shards (start, stop) of nearly equal width: one for a small batch, else two or more."""
    elements = size * CELLS[config.cell].gates * config.hidden
    compiled = compiled_layers(np.float32)
    least = COMPILED_SPLIT_ELEMENTS if compiled else SPLIT_ELEMENTS[config.cell]
    wanted = 1 if elements < least else max(2, elements // SHARD_ELEMENTS)
    shards = max(1, min(size // COLUMNS, wanted))
    edges = [size * shard // shards // COLUMNS * COLUMNS for shard in range(shards)] + [size]
    return list(itertools.pairwise(edges))


@functools.cache
def _libraries() -> ThreadpoolController:
    """The libraries with threads of their own; looking for them takes milliseconds."""
    return ThreadpoolController()


def cores() -> int:
    """Cores this process may use; not every system can say, and then all there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ShardedNetwork:
    """A network whose batches are worked on by threads. Use it as a context manager."""

    def __init__(self, network: Network, *, workers: int | None = None) -> None:
        """`workers` threads; None: one per core. It never changes the result."""
        self.network = network
        self.workers = workers or cores()
        self._pool: ThreadPoolExecutor | None = None
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self._exits.enter_context(_libraries().limit(limits=1, user_api="blas"))
        self._pool = self._exits.enter_context(ThreadPoolExecutor(self.workers))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool = None
        self._exits.close()

    def loss_and_gradient(
        self,
        gather: Gather,
        size: int,
        loss: Loss,
        *,
        rng: np.random.Generator | None = None,
        unroll: int | None = None,
    ) -> tuple[float, Array]:
        """The mean loss over the weights of a batch of `size` columns, and its gradient (P,).

        rng turns dropout on. A batch without any weight has loss zero and gradient zero.
        """
        bounds = shard_bounds(self.network.config, size)
        seeds = [None] * len(bounds) if rng is None else rng.integers(2**63, size=len(bounds)).tolist()

        @np.errstate(over="ignore", invalid="ignore")  # each thread has its own; callers check the loss
        def work(shard: int) -> tuple[float, float, Array]:
            own = None if seeds[shard] is None else np.random.default_rng(seeds[shard])
            return self._shard(gather(*bounds[shard]), loss, own, unroll)

        (total, weight, gradient), *others = self._map(work, len(bounds))
        for further_total, further_weight, further in others:
            total, weight = total + further_total, weight + further_weight
            gradient += further
        if weight:
            gradient *= gradient.dtype.type(1 / weight)
            total /= weight
        return total, gradient

    def _shard(
        self, batch: Batch, loss: Loss, rng: np.random.Generator | None, unroll: int | None
    ) -> tuple[float, float, Array]:
        """Sum of losses, sum of weights and gradient of the sum for one shard."""
        if batch.targets is None:
            raise ForecasterError("A batch to learn from needs targets")
        outputs, cache = self.network.forward(batch.inputs, mask=batch.mask, rng=rng, unroll=unroll)
        total, d_outputs = loss(outputs, batch.targets, batch.weights)
        weight = float(outputs.size if batch.weights is None else batch.weights.sum(dtype=np.float64))
        return total, weight, self.network.backward(cache, d_outputs, inputs=False).flat

    def predict(self, gather: Gather, size: int) -> Array:
        """Outputs (K, size), in the memory of one step of a few shards."""
        bounds = shard_bounds(self.network.config, size) if size else []
        outputs = np.empty((self.network.config.outputs, size), self.network.dtype)

        @np.errstate(over="ignore", invalid="ignore")
        def work(shard: int) -> None:
            start, stop = bounds[shard]
            batch = gather(start, stop)
            outputs[:, start:stop] = self.network.predict(batch.inputs, mask=batch.mask)

        self._map(work, len(bounds))
        return outputs

    def _map(self, work: Callable[[int], T], shards: int) -> list[T]:
        """work(0), work(1), … in the worker threads; a single shard stays in this thread."""
        if self._pool is None:
            raise ForecasterError("A ShardedNetwork works inside its `with` block only")
        if shards == 1 or self.workers == 1:
            return [work(shard) for shard in range(shards)]
        return list(self._pool.map(work, range(shards)))
