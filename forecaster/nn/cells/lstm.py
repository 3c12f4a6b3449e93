"""Long short-term memory. Notation as in `base`."""

from typing import Any

from numpy import add, copyto, dot, multiply, subtract, tanh

from forecaster.arrays import Array
from forecaster.nn.cells.base import Cell, Views


class LSTM(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

    o, i, f = σ(W_o s), σ(W_i s), σ(W_f s);  g = tanh(W_g s);  s = [h_{t-1}; x_t; 1]
    p = i g;  q = f c_{t-1};  c_t = p + q;  h_t = o tanh(c_t). Blocks of W in the order o, i, f, g.

    Z[t] holds o, i, f, g, c_{t-1}: both factors of [p; q] are contiguous. F[t] holds x, o, i, f, g, k: dh
    multiplies the first two, dc the others. x dh is added to dc, and k dc is dc_{t-1}.
    """

    states, gates, sigmoids, factors, kernel = 2, 4, 3, 6, 2
    initial_bias = 0.0, 0.0, 1.0, 0.0  # the forget gate starts open (Jozefowicz et al. 2015)
    derivatives = input_derivatives = slice(1, 5)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        hidden = self.hidden
        self.Z = self.empty(len(self.S), 5 * hidden)
        self.c = self.history(self.Z[:, 4 * hidden :])
        self.P = self.empty(self.steps, 2 * hidden)
        self.tanh_c = self.empty(self.steps, hidden)
        self.forward_views: Views = [self._forward_views_of(t) for t in range(self.steps)]
        if not self.rolling:
            self.backward_views: Views = [self._backward_views_of(f) for f in self.F]

    def _forward_views_of(self, t: int) -> tuple[Array, ...]:
        hidden, z, tanh_c = self.hidden, self.Z[t], self.tanh_c[t]
        o, i_f, g_c, (p, q) = z[:hidden], z[hidden : 3 * hidden], z[3 * hidden :], self.blocks(self.P[t])
        sigma, gates = z[: 3 * hidden], z[: 4 * hidden]
        return self.S[t], gates, sigma, i_f, g_c, self.P[t], p, q, self.c[t + 1], tanh_c, o, self.h[t + 1]

    def _backward_views_of(self, f: Array) -> tuple[Array, ...]:
        hidden = self.hidden
        x_o, i_f_g_k = (part.reshape(-1, hidden, self.batch) for part in (f[: 2 * hidden], f[2 * hidden :]))
        return x_o, x_o[0], i_f_g_k, i_f_g_k[3], f[hidden : 5 * hidden]

    def state(self, t: int) -> tuple[Array, ...]:
        return self.h[t], self.c[t]

    def forward(self, start: int, stop: int) -> None:
        W, half = self.W, self.half
        for s, gates, sigma, i_f, g_c, p_q, p, q, c, tanh_c, o, h in self.forward_views[start:stop]:
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
        for x_o, x, i_f_g_k, k, d_gates in reversed(
            self.backward_views[start - self.first : stop - self.first]
        ):
            multiply(x_o, dh, x_o)  # 4
            add(dc_after, x, dc)
            multiply(i_f_g_k, dc, i_f_g_k)  # 3, 2
            dot(W_h, d_gates, dh)  # 1
            dc_after = k
        copyto(dc, dc_after)
