"""Optimisers against naive loops over single numbers, clipping, snapshots."""

import math

import numpy as np
import pytest

from forecaster.config import TrainingConfig
from forecaster.nn.optimizers import clip_by_global_norm, make_optimizer

SIZE = 6
RATES = [0.1, 0.05, 0.2, 0.01]


def gradients():
    return [np.random.default_rng(seed).standard_normal(SIZE) for seed in range(len(RATES))]


def naive_adam(start, decay):
    """Kingma & Ba, algorithm 1, one number at a time; decay as in Loshchilov & Hutter."""
    result = []
    for k in range(SIZE):
        theta, m, v = start[k], 0.0, 0.0
        for step, (g, rate) in enumerate(zip(gradients(), RATES, strict=True), 1):
            theta -= rate * decay * theta
            m = 0.9 * m + 0.1 * g[k]
            v = 0.999 * v + 0.001 * g[k] ** 2
            theta -= rate * (m / (1 - 0.9**step)) / (math.sqrt(v / (1 - 0.999**step)) + 1e-8)
        result.append(theta)
    return result


def naive_sgd(start, decay, momentum):
    result = []
    for k in range(SIZE):
        theta, velocity = start[k], 0.0
        for g, rate in zip(gradients(), RATES, strict=True):
            theta -= rate * decay * theta
            velocity = momentum * velocity + g[k]
            theta -= rate * velocity
        result.append(theta)
    return result


def run(optimizer, flat, parts=slice(None)):
    for gradient, rate in list(zip(gradients(), RATES, strict=True))[parts]:
        optimizer.update(flat, gradient, rate)
    return flat


def start():
    return np.linspace(-1, 1, SIZE)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_equals_the_naive_loop(decay):
    """Adam with bias correction and decoupled decay, after several steps of different rates."""
    config = TrainingConfig(optimizer="adam", weight_decay=decay)
    flat = run(make_optimizer(config, SIZE, np.float64), start())
    np.testing.assert_allclose(flat, naive_adam(start(), decay), rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_sgd_equals_the_naive_loop(decay, momentum):
    """SGD with momentum and decoupled decay."""
    config = TrainingConfig(optimizer="sgd", weight_decay=decay, momentum=momentum)
    flat = run(make_optimizer(config, SIZE, np.float64), start())
    np.testing.assert_allclose(flat, naive_sgd(start(), decay, momentum), rtol=1e-12)


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_a_snapshot_brings_back_the_same_bytes(name):
    """Continuing from a snapshot, in this optimiser or a new one, repeats the steps after it."""
    config = TrainingConfig(optimizer=name)
    optimizer, flat = make_optimizer(config, SIZE, np.float64), start()
    run(optimizer, flat, slice(2))
    saved, snapshot = flat.copy(), optimizer.snapshot()
    run(optimizer, flat, slice(2, None))
    for other in (optimizer, make_optimizer(config, SIZE, np.float64)):
        again = saved.copy()
        other.restore(snapshot)
        run(other, again, slice(2, None))
        assert again.tobytes() == flat.tobytes()


def test_updates_are_in_place_and_keep_the_precision():
    """The vector that the network's weights are views of is the one that changes."""
    flat = start().astype(np.float32)
    view = flat[2:4]
    before = view.copy()
    make_optimizer(TrainingConfig(), SIZE).update(flat, np.ones(SIZE, np.float32), 0.1)
    assert flat.dtype == np.float32
    assert (view < before).all()


def test_clipping_keeps_the_direction():
    """A gradient longer than the limit is scaled to it, a shorter one stays; the norm is returned."""
    gradient = np.array([3.0, 4.0])
    assert clip_by_global_norm(gradient, 10) == 5
    np.testing.assert_array_equal(gradient, [3, 4])
    assert clip_by_global_norm(gradient, 0) == 5
    np.testing.assert_array_equal(gradient, [3, 4])
    assert clip_by_global_norm(gradient, 1) == 5
    np.testing.assert_allclose(gradient, [0.6, 0.8], rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clipping_tells_of_a_gradient_that_is_not_finite(bad):
    """The norm of a gradient with a NaN or an infinity is not finite, so that training can see it."""
    assert not np.isfinite(clip_by_global_norm(np.array([1.0, bad]), 1))
