"""The plain recurrent cell. Notation as in `base`."""

from typing import Any

from numpy import dot, multiply, subtract, tanh

from forecaster.nn.cells.base import Cell, Views


class RNN(Cell):
    """h_t = tanh(W [h_{t-1}; x_t; 1]) (Elman 1990)."""

    gates, sigmoids, factors, kernel = 1, 0, 1, 0
    derivatives = input_derivatives = slice(0, 1)
    split_elements = 8_000  # a step makes few calls

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.forward_views: Views = list(zip(self.S, self.h[1:], strict=False))

    def forward(self, start: int, stop: int) -> None:
        W = self.W
        for s, h in self.forward_views[start:stop]:
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
