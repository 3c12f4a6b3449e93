"""Initial weights: orthogonal, Glorot, forget bias."""

import numpy as np
import pytest

from forecaster.config import NetworkConfig
from forecaster.nn.init import glorot, orthogonal
from forecaster.nn.network import Network


def test_orthogonal():
    """The matrix keeps lengths, and has determinants of both signs over many draws."""
    draws = [orthogonal(7, rng=np.random.default_rng(seed), dtype=np.float64) for seed in range(20)]
    for q in draws:
        np.testing.assert_allclose(q @ q.T, np.eye(7), atol=1e-12)
    assert {np.sign(np.linalg.det(q)) for q in draws} == {-1, 1}


def test_glorot():
    """Uniform within ±√(6 / (rows + columns))."""
    values = glorot(200, 100, rng=np.random.default_rng(0), dtype=np.float32)
    limit = np.sqrt(6 / 300)
    assert values.dtype == np.float32
    assert np.abs(values).max() <= limit
    assert np.abs(values).max() > 0.99 * limit
    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_recurrent_weights(cell, gates):
    """Each gate is orthogonal over h; biases are one for the forget gate and zero for the others."""
    config = NetworkConfig(cell=cell, inputs=3, hidden=8, layers=2, outputs=2)
    network = Network(config, rng=np.random.default_rng(0), dtype=np.float64)
    for layer in range(2):
        weight = network.parameters[f"layer{layer}.weight"]
        for block in weight.reshape(gates, 8, -1):
            np.testing.assert_allclose(block[:, :8] @ block[:, :8].T, np.eye(8), atol=1e-12)
            assert block[:, 8:-1].any()
        biases = np.zeros((gates, 8))
        if cell == "lstm":
            biases[2] = 1
        np.testing.assert_array_equal(weight[:, -1].reshape(gates, 8), biases)
    for name in ("embedding.weight", "head.weight"):
        assert not network.parameters[name][:, -1].any()
        assert network.parameters[name][:, :-1].all()
