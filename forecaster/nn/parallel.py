"""Batches split into shards on worker threads.

NumPy releases the interpreter lock in products and large ufuncs, so threads run in parallel. Each has a shard
of the batch and its own workspace; BLAS uses one thread. Shards depend only on shapes, and gradients are
summed in the order of the shards: the number of workers never changes a byte of the result.
"""

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.machine.cores import cores
from forecaster.nn.batch import Batch, Gather
from forecaster.nn.cells import CELLS
from forecaster.nn.compiled_layer import CompiledLayer
from forecaster.nn.losses import Loss
from forecaster.nn.network import Network
from forecaster.nn.stack import layer_class

COMPILED_SPLIT_ELEMENTS = 2_000
"""As `Cell.split_elements`, for compiled layers. They do not wait for the interpreter lock, so the gain of a
thread must only exceed the cost of its start."""
SHARD_ELEMENTS = 131_072
"""Elements of a shard's gate block above which a batch gets more than two shards. More shards mean more
calls; larger shards do not fit into the cache."""
COLUMNS = 16
"""Shards begin at multiples of this, the panel width of the compiled kernels; narrower products are
slower."""

T = TypeVar("T")


def shard_bounds(config: NetworkConfig, size: int) -> list[tuple[int, int]]:
    """Shards (start, stop) of nearly equal width: one for a small batch, otherwise two or more."""
    cell = CELLS[config.cell]
    elements = size * cell.gates * config.hidden
    compiled = layer_class(cell, np.float32) is CompiledLayer
    least = COMPILED_SPLIT_ELEMENTS if compiled else cell.split_elements
    wanted = 1 if elements < least else max(2, elements // SHARD_ELEMENTS)
    shards = max(1, min(size // COLUMNS, wanted))
    edges = [size * shard // shards // COLUMNS * COLUMNS for shard in range(shards)] + [size]
    return list(itertools.pairwise(edges))


@functools.cache
def _libraries() -> ThreadpoolController:
    """The libraries that have their own threads; finding them takes milliseconds."""
    return ThreadpoolController()


class ShardedNetwork:
    """A network that spreads its batches over threads. Use it as a context manager."""

    def __init__(self, network: Network, *, workers: int | None = None) -> None:
        """`workers`: number of threads; None: one per core. It never changes the result."""
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

        rng turns dropout on. A batch whose weights are all zero has loss zero and gradient zero.
        """
        bounds = shard_bounds(self.network.config, size)
        seeds = [None] * len(bounds) if rng is None else rng.integers(2**63, size=len(bounds)).tolist()

        @np.errstate(over="ignore", invalid="ignore")  # set per thread; callers check the loss
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
            raise ForecasterError("A training batch needs targets")
        outputs, cache = self.network.forward(
            batch.inputs, mask=batch.mask, rng=rng, unroll=unroll, side=batch.side
        )
        total, d_outputs = loss(outputs, batch.targets, batch.weights)
        weight = float(outputs.size if batch.weights is None else batch.weights.sum(dtype=np.float64))
        return total, weight, self.network.backward(cache, d_outputs, inputs=False).flat

    def predict(self, gather: Gather, size: int) -> Array:
        """Outputs (K, size); needs memory for one step of a few shards."""
        bounds = shard_bounds(self.network.config, size) if size else []
        outputs = np.empty((self.network.config.outputs, size), self.network.dtype)

        @np.errstate(over="ignore", invalid="ignore")
        def work(shard: int) -> None:
            start, stop = bounds[shard]
            batch = gather(start, stop)
            outputs[:, start:stop] = self.network.predict(batch.inputs, mask=batch.mask, side=batch.side)

        self._map(work, len(bounds))
        return outputs

    def _map(self, work: Callable[[int], T], shards: int) -> list[T]:
        """work(0), work(1), … in the worker threads; a single shard runs in this thread."""
        if self._pool is None:
            raise ForecasterError("A ShardedNetwork works inside its `with` block only")
        if shards == 1 or self.workers == 1:
            return [work(shard) for shard in range(shards)]
        return list(self._pool.map(work, range(shards)))
