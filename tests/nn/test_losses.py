"""Losses against naive formulas, their gradients against central differences, weights and missing targets."""

import numpy as np
import pytest

from forecaster.config import TrainingConfig
from forecaster.nn.gradcheck import check_coordinates
from forecaster.nn.losses import make_loss

DELTA, QUANTILE = 0.7, 0.2


def naive(name, output, target):
    e = output - target
    if name == "mse":
        return e**2
    if name == "mae":
        return abs(e)
    if name == "huber":
        return e**2 / 2 if abs(e) <= DELTA else DELTA * (abs(e) - DELTA / 2)
    return QUANTILE * (target - output) if target > output else (1 - QUANTILE) * (output - target)


NAMES = ["mse", "mae", "huber", "pinball"]


def make(name):
    """A loss and a case of it, (K, B) = (5, 3)."""
    rng = np.random.default_rng(0)
    loss = make_loss(TrainingConfig(loss=name, delta=DELTA, quantile=QUANTILE))
    return loss, rng.standard_normal((5, 3)), rng.standard_normal((5, 3)), rng.uniform(0.5, 2, (5, 3))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_value_is_the_weighted_sum_of_the_naive_formula(name, weighted):
    """The value is the sum over outputs and batch of weight times loss."""
    loss, outputs, targets, weights = make(name)
    wanted = sum(
        (weights[i] if weighted else 1) * naive(name, outputs[i], targets[i])
        for i in np.ndindex(outputs.shape)
    )
    assert loss(outputs, targets, weights if weighted else None)[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_slope_equals_central_differences(name, weighted):
    """The slope is the derivative of the value by each output."""
    loss, outputs, targets, weights = make(name)
    w = weights if weighted else None
    check_coordinates(lambda: loss(outputs, targets, w)[0], outputs, loss(outputs, targets, w)[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_target_without_weight_poisons_nothing(name):
    """Where the weight is zero the target may be NaN or infinite, as if it were absent."""
    loss, outputs, targets, weights = make(name)
    weights[1, 2] = weights[3, 0] = 0
    wanted, wanted_slope = loss(outputs, targets, weights)
    targets[1, 2], targets[3, 0] = np.nan, np.inf
    value, slope = loss(outputs, targets, weights)
    assert value == wanted
    np.testing.assert_array_equal(slope, wanted_slope)
    assert slope[1, 2] == slope[3, 0] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_forecast_costs_nothing(name):
    """At zero error value and slope are zero."""
    loss, outputs, _, _ = make(name)
    value, slope = loss(outputs, outputs, None)
    assert value == 0
    assert not slope.any()


@pytest.mark.parametrize("weights_type", [None, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_the_slope_has_the_precision_of_the_outputs(name, weights_type):
    """float64 targets or weights do not lift a float32 network to float64."""
    loss, outputs, targets, weights = make(name)
    slope = loss(outputs.astype(np.float32), targets, None if weights_type is None else weights)[1]
    assert slope.dtype == np.float32


def test_pinball_is_minimal_at_its_quantile():
    """The constant that minimises the pinball loss of a sample is its quantile."""
    sample = np.sort(np.random.default_rng(1).standard_normal((1, 999)))
    loss = make_loss(TrainingConfig(loss="pinball", quantile=0.9))
    values = [loss(np.full_like(sample, constant), sample, None)[0] for constant in sample[0]]
    assert sample[0, np.argmin(values)] == pytest.approx(np.quantile(sample, 0.9), abs=0.02)
