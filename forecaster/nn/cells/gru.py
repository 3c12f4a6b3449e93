"""The gated recurrent unit. Notation as in `base`."""

from typing import Any

import numpy as np
from numpy import add, copyto, dot, matmul, multiply, subtract, tanh

from forecaster.arrays import Array
from forecaster.nn.cells.base import CACHE_BYTES, Cell, Shapes, Views


class GRU(Cell):
    """Gated recurrent unit (Cho et al. 2014), in the form of cuDNN and PyTorch.

    r, z = σ(W_r s), σ(W_z s);  s = [h_{t-1}; x_t; 1]
    n = tanh(v + r u);  v = W_nx x_t + b_n;  u = W_nh h_{t-1} + b_u
    h_t = (1 - z) n + z h_{t-1} = n + z (h_{t-1} - n)

    `weight` has the blocks r, z, n over [h; x; 1]; `bias` is b_u. Z[t] holds n, r, z, u in this order: the
    rows over h (r, z, u) and the rows over x (n, r, z) are then both contiguous. F[t] holds n, r, z, u, k: dh
    multiplies all five, and k dh is the part of dh_{t-1} that bypasses the gates.
    """

    gates, sigmoids, factors, kernel = 3, 2, 5, 1
    derivatives, input_derivatives = slice(1, 4), slice(0, 3)

    @classmethod
    def shapes(cls, inputs: int, hidden: int) -> Shapes:
        return {**super().shapes(inputs, hidden), "bias": (hidden,)}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.Z = self.empty(self.steps, 4 * self.hidden)
        self.a = self.empty(self.hidden)
        self.W_v = np.empty((self.hidden, self.xs.shape[1]), self.dtype)
        self.forward_views: Views = [self._forward_views_of(t) for t in range(self.steps)]
        if not self.rolling:
            self.backward_views: Views = [self._backward_views_of(f) for f in self.F]
            self.dV = np.empty_like(self.W_v)
            self.products_v = np.empty((self.block, *self.W_v.shape), self.dtype)

    def _forward_views_of(self, t: int) -> tuple[Array, ...]:
        hidden, gates = self.hidden, self.Z[t]
        sigma = gates[hidden : 3 * hidden]
        return self.S[t], gates[hidden:], sigma, *self.blocks(gates), self.h[t], self.h[t + 1]

    def _backward_views_of(self, f: Array) -> tuple[Array, ...]:
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
        for s, r_z_u, sigma, n, r, z, u, h_before, h in self.forward_views[start:stop]:
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
        subtract(one, z, F_k)  # 1 - z, overwritten below
        subtract(h, n, F_z)  # 4, 2: da_z = dh (h_{t-1} - n) z (1 - z), and (h_{t-1} - n) z is h - n
        multiply(F_z, F_k, F_z)
        multiply(n, n, F_n)  # 4, 3: dv = dh (1 - z) (1 - n²)
        subtract(one, F_n, F_n)
        multiply(F_n, F_k, F_n)
        multiply(F_n, r, F_u)  # 3: du = dv r
        subtract(one, r, F_r)  # 3, 2: da_r = dv u r (1 - r)
        multiply(F_r, u, F_r)
        multiply(F_r, F_u, F_r)
        copyto(F_k, z)  # 4: dh_{t-1} += dh z

    def backward(self, start: int, stop: int) -> None:
        W_h, dh, a = self.W_h, self.d[0], self.a
        for all_five, d_gates, k in reversed(self.backward_views[start - self.first : stop - self.first]):
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
