"""The list of cells, and a new one: defined here in NumPy alone, it trains, is saved and predicts."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
import pytest
from numpy import add, copyto, dot, multiply, subtract, tanh
from textbook_cells import STEPS, gates, sigmoid, stack_step

import forecaster
from forecaster.config import NetworkConfig, networks, options
from forecaster.nn.cells import CELLS
from forecaster.nn.cells.base import Cell
from forecaster.nn.gradcheck import check_coordinates
from forecaster.nn.network import Network
from forecaster.nn.numpy_layer import NumpyLayer
from forecaster.nn.stack import Stack

T, B, F, H, K = 6, 2, 3, 5, 4
LAYERS = 2


class UGRNN(Cell):
    """h_t = c + g (h_{t-1} - c);  g = σ(W_g s);  c = tanh(W_c s) (Collins et al. 2017).

    Z[t] holds g, c. F[t] holds g, c, k: dh multiplies all three, and k dh bypasses the gates.
    """

    gates, sigmoids, factors = 2, 1, 3
    initial_bias = 1.0, 0.0
    derivatives = input_derivatives = slice(0, 2)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.Z = self.empty(self.steps, 2 * self.hidden)
        self.a = self.empty(self.hidden)

    def forward(self, start, stop):
        for t in range(start, stop):
            g, c = self.blocks(self.Z[t])
            dot(self.W, self.S[t], self.Z[t])  # 1
            tanh(self.Z[t], self.Z[t])  # 2
            multiply(g, self.half, g)
            add(g, self.half, g)
            subtract(self.h[t], c, self.a)  # 3
            multiply(self.a, g, self.a)
            add(c, self.a, self.h[t + 1])

    def factorise(self, start, stop):
        self.first, one = start, self.one
        (g, c), (F_g, F_c, F_k) = self.blocks(self.Z[start:stop]), self.blocks(self.F[: stop - start])
        multiply(self.outputs[start:stop] - c, one - g, F_g)  # 3, 2: da_g = dh (h_{t-1} - c) g (1 - g)
        multiply(one - g, one - c * c, F_c)  # 3, 2: da_c = dh (1 - g) (1 - c²)
        copyto(F_k, g)  # 3: dh_{t-1} += dh g

    def backward(self, start, stop):
        dh = self.d[0]
        for f in self.F[start - self.first : stop - self.first][::-1]:
            F_g_c, k = f[: 2 * self.hidden], f[2 * self.hidden :]
            multiply(f.reshape(3, *dh.shape), dh, f.reshape(3, *dh.shape))  # 3, 2
            dot(self.W_h, F_g_c, self.a)  # 1
            add(k, self.a, dh)


def ugrnn(p, x, h):
    """The same as the literature writes it."""
    g, c = (u @ h + w @ x + b for u, w, b in gates(p, h))
    return (sigmoid(g) * h + (1 - sigmoid(g)) * np.tanh(c),)


@pytest.fixture
def added(monkeypatch):
    """The cell under its name, for one test."""
    monkeypatch.setitem(CELLS, "ugrnn", UGRNN)
    monkeypatch.setitem(STEPS, "ugrnn", ugrnn)
    for place in (networks, options):
        monkeypatch.setattr(place, "Cell", Literal[*get_args(networks.Cell), "ugrnn"])
    return "ugrnn"


def test_the_configuration_names_every_cell():
    """The settings accept the registered cells and no others, and every cell has a textbook step."""
    assert get_args(networks.Cell) == tuple(CELLS) == tuple(STEPS)


def make(cell, *, dtype=np.float64):
    """A network, inputs, a mask and a state."""
    shape = NetworkConfig(cell=cell, inputs=F, hidden=H, layers=LAYERS, outputs=K, embedding=False)
    network, rng = Network(shape, rng=np.random.default_rng(1), dtype=dtype), np.random.default_rng(7)
    mask = np.ones((T, B), bool)
    mask[:2, 0] = mask[-1, 1] = mask[-3, 1] = False
    return network, rng.standard_normal((T, F, B)), mask, rng.standard_normal((*network.state_shape, B))


def test_a_new_cell_has_its_gradients(added):
    """Every parameter, input and initial state, with padding, has the gradient of central differences."""
    network, inputs, mask, state = make(added)

    def function():
        return float(np.square(network.forward(inputs, mask=mask, state=state)[0]).sum() / 2)

    outputs, cache = network.forward(inputs, mask=mask, state=state)
    gradients = network.backward(cache, outputs)
    check_coordinates(function, network.flat, gradients.flat, name="parameters")
    check_coordinates(function, inputs, gradients.inputs, name="inputs")
    check_coordinates(function, state, gradients.state, name="state")


def test_a_new_cell_equals_its_textbook_step(added):
    """The network's outputs are those of the formula; prediction, step by step, gives the same."""
    network, inputs, mask, state = make(added)
    outputs = network.predict(inputs, mask=mask, state=state)
    np.testing.assert_allclose(outputs, network.forward(inputs, mask=mask, state=state)[0], rtol=1e-12)
    for b in range(B):
        states = [tuple(of_layer) for of_layer in state[..., b]]
        for x in inputs[mask[:, b], :, b]:
            states = stack_step(added, network.parameters, x, states)
        wanted = network.parameters["head.weight"] @ np.append(states[-1][0], 1)
        np.testing.assert_allclose(outputs[:, b], wanted, rtol=1e-10)


def test_a_new_cell_starts_with_its_bias(added):
    """The first gate's bias is one, as the class says, the others are zero."""
    biases = make(added)[0].parameters["layer1.weight"][:, -1]
    np.testing.assert_array_equal(biases, np.repeat([1.0, 0.0], H))


def test_a_cell_without_a_kernel_runs_in_numpy(added):
    """In float32, where others have compiled layers, it has NumPy's."""
    stack = Stack(added, T, F, H, LAYERS, B, np.float32)
    assert {type(layer) for layer in stack.layers} == {NumpyLayer}


def test_a_new_cell_forecasts(added, tmp_path):
    """It is trained by its name; the model, saved and loaded, knows it and forecasts the same bytes."""
    days = pd.date_range("2024-01-01", periods=80)
    table = pd.DataFrame({"day": days, "sales": 30 + 5 * np.sin(np.arange(80) * 0.9)})
    training = forecaster.train(table, horizon=5, hidden=8, steps=20, members=1, cell=added)
    training.model.save(tmp_path / "x.model")
    loaded = forecaster.load(tmp_path / "x.model")
    assert {member.config.network.cell for member in loaded.members} == {added}
    first, second = (forecaster.predict(model, table) for model in (training, loaded))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert np.isfinite(first["forecast"]).all()


@pytest.mark.parametrize("cell", ["ugrnn", "transformer"])
def test_a_cell_that_is_not_listed_is_refused(cell):
    """Without an entry the name is an error that lists the cells there are."""
    with pytest.raises(forecaster.errors.UsageError, match=cell) as caught:
        forecaster.train(pd.DataFrame({"y": np.arange(50.0)}), cell=cell)
    assert "rnn, gru, lstm" in caught.value.hint
