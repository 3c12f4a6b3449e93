"""Recurrent cells: one step forward and one step backward, side by side.

Notation, used throughout this room
    t = 0 … T-1        steps of a sequence; B columns of a batch; I inputs; H hidden units
    x_t (I, B)         input of step t
    h_t (H, B)         hidden state after step t. Step t reads h_{t-1}; h_{-1} is the initial state
    c_t (H, B)         cell state of the LSTM, with the same offset
    S[t] (H+I+1, B)    [h_{t-1}; x_t; 1], all that step t reads. Step t writes h_t into S[t+1]: the initial
                       state lies in S[0], and S has T+1 blocks
    W                  gate weights over [h; x; 1]: recurrent weights, input weights, bias
    Z[t]               the gates of step t, one block of H rows each; backward overwrites them with the
                       derivatives of their pre-activations, so that one product with Z[t] remains
    σ(a)               ½ tanh(a/2) + ½: the inner ½ is folded into the weight rows by `load`, so one tanh
                       serves all gates
    da                 derivative of the loss by a

Everything is feature-major with the batch last: a block of H rows of a gate array is contiguous.

A cell object is the workspace of one layer for T steps of B columns; it allocates nothing while it steps.
A rolling cell keeps only the present step (S has one block and h_t overwrites h_{t-1}): it goes forward
over any number of steps, and never back. Looping over time is the business of `recurrent`.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy import add, copyto, matmul, multiply, subtract, tanh
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating[Any]]
Shapes = dict[str, tuple[int, ...]]


class Cell(ABC):
    """One layer's workspace; subclasses give the step."""

    states: ClassVar[int] = 1
    """Arrays of state that step t hands to step t+1: h, and c for the LSTM."""
    sigmoids: ClassVar[int]
    """Gate blocks at the top of the weight that are sigmoids."""
    gates: ClassVar[int]
    """Blocks of H rows of the weight."""

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
        scalar: Any = self.dtype.type
        self.half, self.one = scalar(0.5), scalar(1)

    def empty(self, *shape: int) -> Array:
        """An array of `shape` with the batch as last axis."""
        return np.empty((*shape, self.batch), self.dtype)

    def history(self, blocks: Array) -> list[Array]:
        """Views v of a state with v[t] what step t reads and v[t+1] what it writes."""
        return [blocks[0], blocks[0]] if self.rolling else list(blocks)

    def state(self, t: int) -> tuple[Array, ...]:
        """The arrays of state that step t reads."""
        return (self.h[t],)

    def load(self, parameters: dict[str, Array]) -> None:
        """Make the working copies of the weights: folded for forward, contiguous for backward."""
        weight, hidden = parameters["weight"], self.hidden
        self.W = weight.copy()
        self.W[: self.sigmoids * hidden] *= self.half
        self.W_h = np.ascontiguousarray(weight[:, :hidden].T)  # (H, GH)
        self.W_x = np.ascontiguousarray(weight[:, hidden:-1].T)  # (I, GH)
        if not self.rolling:
            self.dW, self.product = np.empty_like(weight), np.empty_like(weight)

    def prepare(self) -> None:  # noqa: B027 - only the GRU has something to do
        """Do what can be done for all steps at once; the inputs are in place."""

    @abstractmethod
    def forward(self, t: int) -> None:
        """Step t: read S[t], write h_t (and c_t)."""

    @abstractmethod
    def backward(self, t: int) -> None:
        """Step t: turn `d`, the derivative by the state after t, into that before t; add to dW."""

    def accumulate(self, d_gates: Array, read: Array, product: Array, total: Array) -> None:
        """total += d_gates readᵀ."""
        matmul(d_gates, read.T, product)
        add(total, product, total)

    def gradients(self) -> dict[str, Array]:
        """The derivative by each parameter, after `backward` of all steps."""
        return {"weight": self.dW}

    @abstractmethod
    def input_gradient(self, out: Array) -> None:
        """The derivative by the inputs of all steps, (T, I, B), after `backward` of all steps."""

    def begin_backward(self) -> None:
        """Set the sums of the gradients to zero."""
        self.dW[...] = 0


class RNN(Cell):
    """h_t = tanh(W [h_{t-1}; x_t; 1]) (Elman 1990)."""

    gates, sigmoids = 1, 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.Z = self.empty(0 if self.rolling else self.steps, self.hidden)

    def forward(self, t: int) -> None:
        h = self.h[t + 1]
        matmul(self.W, self.S[t], h)  # 1
        tanh(h, h)  # 2

    def backward(self, t: int) -> None:
        da, h, dh = self.Z[t], self.h[t + 1], self.d[0]
        multiply(h, h, da)  # 2: da = dh (1 - h²)
        subtract(self.one, da, da)
        multiply(da, dh, da)
        matmul(self.W_h, da, dh)  # 1
        self.accumulate(da, self.S[t], self.product, self.dW)

    def input_gradient(self, out: Array) -> None:
        matmul(self.W_x, self.Z, out)


class LSTM(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

    i, f, o = σ(W_i s), σ(W_f s), σ(W_o s);  g = tanh(W_g s);  s = [h_{t-1}; x_t; 1]
    c_t = f c_{t-1} + i g;  h_t = o tanh(c_t). Blocks of W in the order i, f, o, g.
    """

    states, gates, sigmoids = 2, 4, 3

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hidden = self.hidden
        self.Z = self.empty(self.steps, 4 * hidden)
        self.c = self.history(self.empty(len(self.S), hidden))
        self.tanh_c = self.empty(self.steps, hidden)
        self.slope = self.empty(3 * hidden)
        self.a, self.b = self.empty(hidden), self.empty(hidden)

    def state(self, t: int) -> tuple[Array, ...]:
        return self.h[t], self.c[t]

    def forward(self, t: int) -> None:
        z, c_before, c, tanh_c = self.Z[t], self.c[t], self.c[t + 1], self.tanh_c[t]
        sigma, (i, f, o, g) = z[: 3 * self.hidden], z.reshape(4, self.hidden, -1)
        matmul(self.W, self.S[t], z)  # 1
        tanh(z, z)  # 2
        multiply(sigma, self.half, sigma)
        add(sigma, self.half, sigma)
        multiply(f, c_before, c)  # 3
        multiply(i, g, tanh_c)
        add(c, tanh_c, c)
        tanh(c, tanh_c)  # 4
        multiply(o, tanh_c, self.h[t + 1])

    def backward(self, t: int) -> None:
        z, c_before, tanh_c, (dh, dc) = self.Z[t], self.c[t], self.tanh_c[t], self.d
        sigma, (i, f, o, g) = z[: 3 * self.hidden], z.reshape(4, self.hidden, -1)
        slope, a, b, one = self.slope, self.a, self.b, self.one
        subtract(one, sigma, slope)  # σ' = σ (1 - σ)
        multiply(slope, sigma, slope)
        multiply(tanh_c, tanh_c, a)  # 4: dc += dh o (1 - tanh²c)
        subtract(one, a, a)
        multiply(a, o, a)
        multiply(a, dh, a)
        add(dc, a, dc)
        multiply(dh, tanh_c, o)  #    do = dh tanh c, in the place of o
        multiply(g, g, b)  # 3, 2: da_g = dc i (1 - g²)
        subtract(one, b, b)
        multiply(b, i, b)
        multiply(dc, g, i)  #    di = dc g, in the place of i
        multiply(dc, b, g)
        multiply(dc, c_before, a)  #    df = dc c_{t-1}
        multiply(dc, f, dc)  #    dc_{t-1} = dc f
        copyto(f, a)
        multiply(sigma, slope, sigma)  # 2: da = ds σ'
        matmul(self.W_h, z, dh)  # 1
        self.accumulate(z, self.S[t], self.product, self.dW)

    def input_gradient(self, out: Array) -> None:
        matmul(self.W_x, self.Z, out)


class GRU(Cell):
    """Gated recurrent unit (Cho et al. 2014), in the form of cuDNN and PyTorch.

    r, z = σ(W_r s), σ(W_z s);  s = [h_{t-1}; x_t; 1]
    n = tanh(v + r u);  v = W_nx x_t + b_n;  u = W_nh h_{t-1} + b_u
    h_t = (1 - z) n + z h_{t-1} = n + z (h_{t-1} - n)

    `weight` has the blocks r, z, n over [h; x; 1]; `bias` is b_u. Z[t] holds n, r, z, u in this order: the
    rows over h (r, z, u) and the rows over x (n, r, z) are then both contiguous.
    """

    gates, sigmoids = 3, 2

    @classmethod
    def shapes(cls, inputs: int, hidden: int) -> Shapes:
        return {**super().shapes(inputs, hidden), "bias": (hidden,)}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.Z = self.empty(self.steps, 4 * self.hidden)
        self.a, self.b = self.empty(self.hidden), self.empty(self.hidden)

    def load(self, parameters: dict[str, Array]) -> None:
        super().load(parameters)
        hidden, last = self.hidden, slice(2 * self.hidden, None)
        rows_n = parameters["weight"][last]
        self.W_v = np.ascontiguousarray(rows_n[:, hidden:])  # (H, I+1)
        self.W[last, hidden:-1] = 0  # u does not read x
        self.W[last, -1] = parameters["bias"]
        self.W_x = np.roll(self.W_x, hidden, axis=1)  # columns n, r, z
        if not self.rolling:
            self.dV, self.product_v = np.empty_like(self.W_v), np.empty_like(self.W_v)

    def begin_backward(self) -> None:
        super().begin_backward()
        self.dV[...] = 0

    def prepare(self) -> None:
        matmul(self.W_v, self.xs, self.Z[:, : self.hidden])  # 0: v of all steps

    def forward(self, t: int) -> None:
        hidden, gates, h_before, h = self.hidden, self.Z[t], self.h[t], self.h[t + 1]
        sigma, (n, r, z, u), a = gates[hidden : 3 * hidden], gates.reshape(4, hidden, -1), self.a
        matmul(self.W, self.S[t], gates[hidden:])  # 1: r, z, u
        tanh(sigma, sigma)  # 2
        multiply(sigma, self.half, sigma)
        add(sigma, self.half, sigma)
        multiply(r, u, a)  # 3
        add(n, a, n)
        tanh(n, n)
        subtract(h_before, n, a)  # 4
        multiply(a, z, a)
        add(n, a, h)

    def backward(self, t: int) -> None:
        hidden, gates, h_before, dh = self.hidden, self.Z[t], self.h[t], self.d[0]
        n, r, z, u = gates.reshape(4, hidden, -1)
        a, b, one = self.a, self.b, self.one
        subtract(h_before, n, a)  # 4: dz = dh (h_{t-1} - n); 2: da_z = dz z (1 - z)
        multiply(a, dh, a)
        multiply(a, z, a)
        subtract(one, z, b)
        multiply(a, b, a)
        multiply(n, n, n)  # 4: dn = dh (1 - z); 3: dv = dn (1 - n²), in the place of n
        subtract(one, n, n)
        multiply(n, b, n)
        multiply(n, dh, n)
        multiply(dh, z, dh)  # 4: what h_{t-1} gets through z
        copyto(z, a)
        multiply(n, u, a)  # 3: dr = dv u; 2: da_r = dr r (1 - r)
        multiply(n, r, u)  # 3: du = dv r, in the place of u
        multiply(a, r, a)
        subtract(one, r, r)
        multiply(r, a, r)
        matmul(self.W_h, gates[hidden:], a)  # 1
        add(dh, a, dh)
        self.accumulate(gates[hidden:], self.S[t], self.product, self.dW)
        self.accumulate(n, self.xs[t], self.product_v, self.dV)  # 0

    def gradients(self) -> dict[str, Array]:
        last = slice(2 * self.hidden, None)
        bias = self.dW[last, -1].copy()
        self.dW[last, self.hidden :] = self.dV
        return {"weight": self.dW, "bias": bias}

    def input_gradient(self, out: Array) -> None:
        matmul(self.W_x, self.Z[:, : 3 * self.hidden], out)


CELLS: dict[str, type[Cell]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
