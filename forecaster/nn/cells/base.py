"""What a recurrent cell is: one step forward, one step backward, and the arrays they work in.

Notation, used throughout this room
    t = 0 … T-1        steps of a sequence; B columns of a batch; I inputs; H hidden units
    x_t (I, B)         input of step t
    h_t (H, B)         hidden state after step t. Step t reads h_{t-1}; h_{-1} is the initial state
    c_t (H, B)         cell state of the LSTM, with the same offset
    S[t] (H+I+1, B)    [h_{t-1}; x_t; 1]: everything step t reads. Step t writes h_t into S[t+1]. S[0] holds
                       the initial state, so S has T+1 blocks
    W                  gate weights over [h; x; 1]: recurrent weights, input weights, bias
    Z[t]               the gates of step t, one block of H rows each, and what else backward needs
    σ(a)               ½ tanh(a/2) + ½. `load` folds the inner ½ into the weight rows, so one tanh serves
                       all gates
    da                 derivative of the loss by a
    F[t]               factors: da = F dh (or F dc). F is computed before the derivative is known. Backward
                       then overwrites F by da

All arrays are feature-major with the batch last: a block of H rows of a gate array is contiguous.

The number of NumPy calls limits small steps, not the arithmetic. Therefore the factors and the gradient by
the weights are computed for a block of several steps in one call; row blocks with the same multiplier are
adjacent and share one call; and the views that a step needs are made once, as a list of tuples.

A cell object is the workspace of one layer for T steps of B columns. It allocates nothing while it steps.
A rolling cell keeps only the current step: S has one block, and h_t overwrites h_{t-1}. It runs forward over
any number of steps and cannot go backward. `numpy_layer` has the loop over the steps.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import add, copyto, matmul
from numpy.typing import DTypeLike, NDArray

from forecaster.arrays import Array

Shapes = dict[str, tuple[int, ...]]
Views = list[tuple[Array, ...]]
Pads = Sequence[NDArray[np.intp] | None]
"""For each step the indices of its padded columns; None where no column is padded."""

BLOCK_BYTES = 3_000_000
"""Size of the factors and products that backward computes at once. This is more than a second-level cache
holds: with two threads, one call less saves more (a wait for the interpreter lock) than the cache does."""
CACHE_BYTES = 400_000
"""What fits into a second-level cache of 1 MB next to the weights."""


class Cell(ABC):
    """One layer's workspace. A subclass sets the class variables and writes the three abstract methods."""

    states: ClassVar[int] = 1
    """Number of state arrays that step t passes to step t+1: h, and c for the LSTM."""
    gates: ClassVar[int]
    """Blocks of H rows of the weight."""
    sigmoids: ClassVar[int]
    """How many of them are sigmoids. They come first."""
    initial_bias: ClassVar[tuple[float, ...]] = ()
    """Initial bias of each gate; empty: 0 for all."""
    factors: ClassVar[int]
    """Blocks of H rows of F."""
    derivatives: ClassVar[slice]
    """The blocks of F with the derivatives by the gates that read h, in the order of the weight."""
    input_derivatives: ClassVar[slice]
    """The blocks of F with the derivatives by the gates that read x, in the order of the columns of W_x."""
    kernel: ClassVar[int | None] = None
    """The cell's number in `kernels.c`; None: NumPy only."""
    split_elements: ClassVar[int] = 20_000
    """Elements of a batch's gate block (G·H·B) above which two threads are faster than one in NumPy. Below,
    a step spends its time on calls and on waiting for the interpreter lock."""

    @classmethod
    def shapes(cls, inputs: int, hidden: int) -> Shapes:
        """Names and shapes of a layer's parameters; names ending in "weight" hold gates over [h; x; 1]."""
        return {"weight": (cls.gates * hidden, hidden + inputs + 1)}

    def __init__(
        self, steps: int, inputs: int, hidden: int, batch: int, dtype: DTypeLike, *, rolling: bool = False
    ) -> None:
        """Allocate for `steps` steps of `batch` columns; a rolling cell has one step."""
        self.steps, self.hidden, self.batch, self.rolling = steps, hidden, batch, rolling
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.S = self.empty(1 if rolling else steps + 1, hidden + inputs + 1)
        self.S[:, -1] = 1
        self.x = self.S[:steps, hidden:-1]  # (T, I, B)
        self.xs = self.S[:steps, hidden:]  # (T, I+1, B)
        self.h = self.history(self.S[:, :hidden])
        self.outputs = self.S[0 if rolling else 1 :, :hidden]  # (T, H, B)
        self.d = self.empty(self.states, hidden)  # (n, H, B), derivative by the state
        self.half, self.one = np.array(0.5, self.dtype), np.array(1, self.dtype)  # cheaper than scalars
        rows, columns = self.shapes(inputs, hidden)["weight"]
        self.W = np.empty((rows, columns), self.dtype)
        self.W_h = np.empty((hidden, rows), self.dtype)
        self.W_x = np.empty((inputs, rows), self.dtype)
        if not rolling:
            self._allocate_backward(rows, columns)

    def _allocate_backward(self, rows: int, columns: int) -> None:
        step = (self.factors * self.hidden * self.batch + rows * columns) * self.dtype.itemsize
        self.block = min(self.steps, max(1, BLOCK_BYTES // step))
        """Number of steps whose factors and products are computed at once."""
        self.F = self.empty(self.block, self.factors * self.hidden)
        self.first = 0
        """The step whose factors are in F[0]."""
        self.products = np.empty((self.block, rows, columns), self.dtype)
        self.dW = np.empty((rows, columns), self.dtype)

    def empty(self, *shape: int) -> Array:
        """An array of `shape` with the batch as last axis."""
        return np.empty((*shape, self.batch), self.dtype)

    def history(self, blocks: Array) -> list[Array]:
        """Views v of a state: step t reads v[t] and writes v[t+1]."""
        return [blocks[0], blocks[0]] if self.rolling else list(blocks)

    def state(self, t: int) -> tuple[Array, ...]:
        """The state arrays that step t reads."""
        return (self.h[t],)

    def blocks(self, array: Array) -> list[Array]:
        """Views of the blocks of H rows: (…, k·H, B) -> k times (…, H, B)."""
        return [array[..., row : row + self.hidden, :] for row in range(0, array.shape[-2], self.hidden)]

    def load(self, parameters: dict[str, Array]) -> None:
        """Make the working copies of the weights: folded for forward, contiguous for backward."""
        weight, hidden = parameters["weight"], self.hidden
        copyto(self.W, weight)
        self.W[: self.sigmoids * hidden] *= self.half
        if not self.rolling:
            copyto(self.W_h, weight[:, :hidden].T)
            copyto(self.W_x, weight[:, hidden:-1].T)

    @abstractmethod
    def forward(self, start: int, stop: int) -> None:
        """Run steps start … stop-1: read S[t], write h_t (and c_t)."""

    @abstractmethod
    def factorise(self, start: int, stop: int) -> None:
        """Compute the factors F of steps start … stop-1, at most `block` steps; set `first` to start."""

    @abstractmethod
    def backward(self, start: int, stop: int) -> None:
        """Go back over steps stop-1 … start, overwriting their factors by the derivatives by their gates.

        `d` turns from the derivative by the state after these steps into that by the state before them.
        """

    def begin_backward(self) -> None:
        """Set the sums of the gradients to zero."""
        self.dW[...] = 0

    def accumulate(self, start: int, stop: int, d_inputs: Array | None) -> None:
        """Add these steps' derivative by the weights; write that by their inputs into d_inputs (T, I, B)."""
        F, hidden, count = self.F, self.hidden, stop - start
        d_gates = F[:count, self.derivatives.start * hidden : self.derivatives.stop * hidden]
        self.add_products(d_gates, self.S[start:stop], self.products, self.dW)
        if d_inputs is not None:
            rows = slice(self.input_derivatives.start * hidden, self.input_derivatives.stop * hidden)
            matmul(self.W_x, F[:count, rows], d_inputs[start:stop])

    @staticmethod
    def add_products(d_gates: Array, read: Array, products: Array, total: Array) -> None:
        """total += Σ_t d_gates[t] read[t]ᵀ."""
        products = products[: len(d_gates)]
        matmul(d_gates, read.swapaxes(1, 2), products)
        for product in products if len(products) < 4 else [add.reduce(products, axis=0)]:
            add(total, product, total)

    def gradients(self) -> dict[str, Array]:
        """The derivative by each parameter, after `backward` of all steps."""
        return {"weight": self.dW}
