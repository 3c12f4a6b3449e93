"""Recurrent cells: one step forward and one step backward, side by side.

Notation, used throughout this room
    t = 0 … T-1        steps of a sequence; B columns of a batch; I inputs; H hidden units
    x_t (I, B)         input of step t
    h_t (H, B)         hidden state after step t. Step t reads h_{t-1}; h_{-1} is the initial state
    c_t (H, B)         cell state of the LSTM, with the same offset
    S[t] (H+I+1, B)    [h_{t-1}; x_t; 1], all that step t reads. Step t writes h_t into S[t+1]: the initial
                       state lies in S[0], and S has T+1 blocks
    W                  gate weights over [h; x; 1]: recurrent weights, input weights, bias
    Z[t]               the gates of step t, one block of H rows each, and what else backward needs
    σ(a)               ½ tanh(a/2) + ½: the inner ½ is folded into the weight rows by `load`, so one tanh
                       serves all gates
    da                 derivative of the loss by a
    F[t]               factors: da = F dh (or F dc), all that is not known before the derivative arrives.
                       Backward overwrites F by da, so that two products with it remain

Everything is feature-major with the batch last: a block of H rows of a gate array is contiguous.

Small steps are bound by the number of NumPy calls, not by arithmetic. So the factors are computed for a block
of several steps at once, and so is the gradient by the weights; blocks of rows that meet the same multiplier
lie side by side and take one call; and the views that a step needs are made once, in a list of tuples that
the loops walk along.

A cell object is the workspace of one layer for T steps of B columns; it allocates nothing while it steps.
A rolling cell keeps only the present step (S has one block and h_t overwrites h_{t-1}): it goes forward
over any number of steps, and never back. Which steps to take is the business of `recurrent`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy import add, copyto, dot, matmul, multiply, subtract, tanh
from numpy.typing import DTypeLike, NDArray

from forecaster.arrays import Array

Shapes = dict[str, tuple[int, ...]]
Views = list[tuple[Array, ...]]
Pads = Sequence[NDArray[np.intp] | None]
"""For each step the indices of the columns in which it is padding, None where there are none."""

BLOCK_BYTES = 3_000_000
"""What backward works on at a time, factors and products. More than a second-level cache holds: with two
threads a call less, and with it a wait for the interpreter lock, is worth more than the cache."""
CACHE_BYTES = 400_000
"""What stays in a second-level cache of 1 MB beside the weights."""


class Cell(ABC):
    """One layer's workspace; subclasses give the step."""

    states: ClassVar[int] = 1
    """Arrays of state that step t hands to step t+1: h, and c for the LSTM."""
    sigmoids: ClassVar[int]
    """Gate blocks at the top of the weight that are sigmoids."""
    gates: ClassVar[int]
    """Blocks of H rows of the weight."""
    factors: ClassVar[int]
    """Blocks of H rows of F."""
    derivatives: ClassVar[slice]
    """Where among them lie the derivatives by the gates that read h, in the order of the weight."""
    input_derivatives: ClassVar[slice]
    """Where lie those by the gates that read x, in the order of the columns of W_x."""

    @classmethod
    def shapes(cls, inputs: int, hidden: int) -> Shapes:
        """Names and shapes of the parameters of a layer."""
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
        """Steps whose factors and products are made at once."""
        self.F = self.empty(self.block, self.factors * self.hidden)
        self.first = 0
        """The step that F[0] stands for."""
        self.products = np.empty((self.block, rows, columns), self.dtype)
        self.dW = np.empty((rows, columns), self.dtype)

    def empty(self, *shape: int) -> Array:
        """An array of `shape` with the batch as last axis."""
        return np.empty((*shape, self.batch), self.dtype)

    def history(self, blocks: Array) -> list[Array]:
        """Views v of a state with v[t] what step t reads and v[t+1] what it writes."""
        return [blocks[0], blocks[0]] if self.rolling else list(blocks)

    def state(self, t: int) -> tuple[Array, ...]:
        """The arrays of state that step t reads."""
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
        """Steps start … stop-1: read S[t], write h_t (and c_t)."""

    @abstractmethod
    def factorise(self, start: int, stop: int) -> None:
        """Factors of steps start … stop-1 into F; at most `block` steps."""

    @abstractmethod
    def backward(self, start: int, stop: int) -> None:
        """Steps stop-1 … start: turn `d`, the derivative by the state after them, into that before."""

    def begin_backward(self) -> None:
        """Set the sums of the gradients to zero."""
        self.dW[...] = 0

    def accumulate(self, start: int, stop: int, d_inputs: Array | None) -> None:
        """Add the derivative by the weights of these steps; that by their inputs into d_inputs (T, I, B)."""
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


class RNN(Cell):
    """h_t = tanh(W [h_{t-1}; x_t; 1]) (Elman 1990)."""

    gates, sigmoids, factors = 1, 0, 1
    derivatives = input_derivatives = slice(0, 1)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ahead: Views = list(zip(self.S, self.h[1:], strict=False))

    def forward(self, start: int, stop: int) -> None:
        W = self.W
        for s, h in self.ahead[start:stop]:
            dot(W, s, h)  # 1
            tanh(h, h)  # 2

    def factorise(self, start: int, stop: int) -> None:
        self.first, h, f = start, self.outputs[start:stop], self.F[: stop - start]
        multiply(h, h, f)  # 2: da = dh (1 - h²)
        subtract(self.one, f, f)

    def backward(self, start: int, stop: int) -> None:
        W_h, dh = self.W_h, self.d[0]
        for f in self.F[start - self.first : stop - self.first][::-1]:
            multiply(f, dh, f)  # 2
            dot(W_h, f, dh)  # 1


class LSTM(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

    o, i, f = σ(W_o s), σ(W_i s), σ(W_f s);  g = tanh(W_g s);  s = [h_{t-1}; x_t; 1]
    p = i g;  q = f c_{t-1};  c_t = p + q;  h_t = o tanh(c_t). Blocks of W in the order o, i, f, g.

    Z[t] holds o, i, f, g, c_{t-1}: both factors of [p; q] are contiguous. F[t] holds x, o, i, f, g, k: the
    first two wait for dh, the others for dc, where x is what dh adds to dc, and k what dc_{t-1} gets of dc.
    """

    states, gates, sigmoids, factors = 2, 4, 3, 6
    derivatives = input_derivatives = slice(1, 5)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hidden = self.hidden
        self.Z = self.empty(len(self.S), 5 * hidden)
        self.c = self.history(self.Z[:, 4 * hidden :])
        self.P = self.empty(self.steps, 2 * hidden)
        self.tanh_c = self.empty(self.steps, hidden)
        self.ahead: Views = [self._ahead(t) for t in range(self.steps)]
        if not self.rolling:
            self.back: Views = [self._back(f) for f in self.F]

    def _ahead(self, t: int) -> tuple[Array, ...]:
        hidden, z, tanh_c = self.hidden, self.Z[t], self.tanh_c[t]
        o, i_f, g_c, (p, q) = z[:hidden], z[hidden : 3 * hidden], z[3 * hidden :], self.blocks(self.P[t])
        sigma, gates = z[: 3 * hidden], z[: 4 * hidden]
        return self.S[t], gates, sigma, i_f, g_c, self.P[t], p, q, self.c[t + 1], tanh_c, o, self.h[t + 1]

    def _back(self, f: Array) -> tuple[Array, ...]:
        hidden = self.hidden
        x_o, i_f_g_k = (part.reshape(-1, hidden, self.batch) for part in (f[: 2 * hidden], f[2 * hidden :]))
        return x_o, x_o[0], i_f_g_k, i_f_g_k[3], f[hidden : 5 * hidden]

    def state(self, t: int) -> tuple[Array, ...]:
        return self.h[t], self.c[t]

    def forward(self, start: int, stop: int) -> None:
        W, half = self.W, self.half
        for s, gates, sigma, i_f, g_c, p_q, p, q, c, tanh_c, o, h in self.ahead[start:stop]:
            dot(W, s, gates)  # 1
            tanh(gates, gates)  # 2
            multiply(sigma, half, sigma)
            add(sigma, half, sigma)
            multiply(i_f, g_c, p_q)  # 3
            add(p, q, c)
            tanh(c, tanh_c)  # 4
            multiply(o, tanh_c, h)

    def factorise(self, start: int, stop: int) -> None:
        self.first, hidden = start, self.hidden
        Z, p_q, F = self.Z[start:stop], self.P[start:stop], self.F[: stop - start]
        h, tanh_c, p = self.outputs[start:stop], self.tanh_c[start:stop], p_q[:, :hidden]
        (o, i, f, g, _c), (F_x, F_o, _, _, F_g, F_k) = self.blocks(Z), self.blocks(F)
        i_f, F_i_f = Z[:, hidden : 3 * hidden], F[:, 2 * hidden : 4 * hidden]
        multiply(h, tanh_c, F_x)  # 4: dc += dh o (1 - tanh²c), and o tanh c is h
        subtract(o, F_x, F_x)
        multiply(h, o, F_o)  # 4, 2: da_o = dh tanh c o (1 - o)
        subtract(h, F_o, F_o)
        multiply(p_q, i_f, F_i_f)  # 3, 2: da_i = dc g i (1 - i), da_f = dc c_{t-1} f (1 - f)
        subtract(p_q, F_i_f, F_i_f)
        multiply(p, g, F_g)  # 3, 2: da_g = dc i (1 - g²)
        subtract(i, F_g, F_g)
        copyto(F_k, f)  # 3: dc_{t-1} = dc f

    def backward(self, start: int, stop: int) -> None:
        W_h, (dh, dc) = self.W_h, self.d
        dc_after = dc
        for x_o, x, i_f_g_k, k, d_gates in reversed(self.back[start - self.first : stop - self.first]):
            multiply(x_o, dh, x_o)  # 4
            add(dc_after, x, dc)
            multiply(i_f_g_k, dc, i_f_g_k)  # 3, 2
            dot(W_h, d_gates, dh)  # 1
            dc_after = k
        copyto(dc, dc_after)


class GRU(Cell):
    """Gated recurrent unit (Cho et al. 2014), in the form of cuDNN and PyTorch.

    r, z = σ(W_r s), σ(W_z s);  s = [h_{t-1}; x_t; 1]
    n = tanh(v + r u);  v = W_nx x_t + b_n;  u = W_nh h_{t-1} + b_u
    h_t = (1 - z) n + z h_{t-1} = n + z (h_{t-1} - n)

    `weight` has the blocks r, z, n over [h; x; 1]; `bias` is b_u. Z[t] holds n, r, z, u in this order: the
    rows over h (r, z, u) and the rows over x (n, r, z) are then both contiguous. F[t] has one more, k, what
    dh_{t-1} gets of dh past the gates; all five wait for dh.
    """

    gates, sigmoids, factors = 3, 2, 5
    derivatives, input_derivatives = slice(1, 4), slice(0, 3)

    @classmethod
    def shapes(cls, inputs: int, hidden: int) -> Shapes:
        return {**super().shapes(inputs, hidden), "bias": (hidden,)}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.Z = self.empty(self.steps, 4 * self.hidden)
        self.a = self.empty(self.hidden)
        self.W_v = np.empty((self.hidden, self.xs.shape[1]), self.dtype)
        self.ahead: Views = [self._ahead(t) for t in range(self.steps)]
        if not self.rolling:
            self.back: Views = [self._back(f) for f in self.F]
            self.dV = np.empty_like(self.W_v)
            self.products_v = np.empty((self.block, *self.W_v.shape), self.dtype)

    def _ahead(self, t: int) -> tuple[Array, ...]:
        hidden, gates = self.hidden, self.Z[t]
        sigma = gates[hidden : 3 * hidden]
        return self.S[t], gates[hidden:], sigma, *self.blocks(gates), self.h[t], self.h[t + 1]

    def _back(self, f: Array) -> tuple[Array, ...]:
        all_five = f.reshape(5, self.hidden, self.batch)
        return all_five, f[self.hidden : 4 * self.hidden], all_five[4]

    def load(self, parameters: dict[str, Array]) -> None:
        super().load(parameters)
        weight, hidden, last = parameters["weight"], self.hidden, slice(2 * self.hidden, None)
        rows_n = weight[last]
        copyto(self.W_v, rows_n[:, hidden:])
        self.W[last, hidden:-1] = 0  # u does not read x
        self.W[last, -1] = parameters["bias"]
        if not self.rolling:
            copyto(self.W_x[:, :hidden], rows_n[:, hidden:-1].T)  # columns n, r, z
            copyto(self.W_x[:, hidden:], weight[: 2 * hidden, hidden:-1].T)

    def forward(self, start: int, stop: int) -> None:
        few = max(1, CACHE_BYTES // self.Z[0].nbytes)
        for first in range(start, stop, few):
            last = min(first + few, stop)
            matmul(self.W_v, self.xs[first:last], self.Z[first:last, : self.hidden])  # 0: v
            self._forward(first, last)

    def _forward(self, start: int, stop: int) -> None:
        W, half, a = self.W, self.half, self.a
        for s, r_z_u, sigma, n, r, z, u, h_before, h in self.ahead[start:stop]:
            dot(W, s, r_z_u)  # 1
            tanh(sigma, sigma)  # 2
            multiply(sigma, half, sigma)
            add(sigma, half, sigma)
            multiply(r, u, a)  # 3
            add(n, a, n)
            tanh(n, n)
            subtract(h_before, n, a)  # 4
            multiply(a, z, a)
            add(n, a, h)

    def factorise(self, start: int, stop: int) -> None:
        self.first, one, h = start, self.one, self.outputs[start:stop]
        n, r, z, u = self.blocks(self.Z[start:stop])
        F_n, F_r, F_z, F_u, F_k = self.blocks(self.F[: stop - start])
        subtract(one, z, F_k)  # 1 - z, for a while
        subtract(h, n, F_z)  # 4, 2: da_z = dh (h_{t-1} - n) z (1 - z), and (h_{t-1} - n) z is h - n
        multiply(F_z, F_k, F_z)
        multiply(n, n, F_n)  # 4, 3: dv = dh (1 - z) (1 - n²)
        subtract(one, F_n, F_n)
        multiply(F_n, F_k, F_n)
        multiply(F_n, r, F_u)  # 3: du = dv r
        subtract(one, r, F_r)  # 3, 2: da_r = dv u r (1 - r)
        multiply(F_r, u, F_r)
        multiply(F_r, F_u, F_r)
        copyto(F_k, z)  # 4: what h_{t-1} gets through z

    def backward(self, start: int, stop: int) -> None:
        W_h, dh, a = self.W_h, self.d[0], self.a
        for all_five, d_gates, k in reversed(self.back[start - self.first : stop - self.first]):
            multiply(all_five, dh, all_five)  # 4, 3, 2
            dot(W_h, d_gates, a)  # 1
            add(k, a, dh)

    def begin_backward(self) -> None:
        super().begin_backward()
        self.dV[...] = 0

    def accumulate(self, start: int, stop: int, d_inputs: Array | None) -> None:
        super().accumulate(start, stop, d_inputs)
        d_v = self.F[: stop - start, : self.hidden]
        self.add_products(d_v, self.xs[start:stop], self.products_v, self.dV)  # 0

    def gradients(self) -> dict[str, Array]:
        last = slice(2 * self.hidden, None)
        bias = self.dW[last, -1].copy()
        self.dW[last, self.hidden :] = self.dV
        return {"weight": self.dW, "bias": bias}


CELLS: dict[str, type[Cell]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
