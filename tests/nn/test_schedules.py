"""Learning-rate schedules: worked values, ends and shapes."""

import numpy as np
import pytest

from forecaster.config import TrainingConfig
from forecaster.nn.schedules import rate_at


def rates(schedule, steps=101, rate=2.0):
    config = TrainingConfig(schedule=schedule, steps=steps, rate=rate)
    return np.array([rate_at(config, step) for step in range(steps)])


def test_constant():
    """Every step has the full rate."""
    assert (rates("constant") == 2).all()


def test_cosine():
    """From the full rate along half a cosine to nearly nothing."""
    values = rates("cosine")
    assert values[0] == 2
    assert values[50] == pytest.approx(1, rel=1e-3)
    assert 0 < values[-1] < 1e-3
    assert (np.diff(values) < 0).all()


def test_one_cycle():
    """Up from 1/25 in the first 30 %, then down along half a cosine to nearly nothing."""
    values = rates("one_cycle")
    assert values[0] == pytest.approx(2 / 25)
    assert values[15] == pytest.approx((2 + 2 / 25) / 2)
    assert values[30] == pytest.approx(2)
    assert values[65] == pytest.approx(1, rel=1e-3)
    assert 0 < values[-1] < 1e-3
    assert (np.diff(values[:31]) > 0).all()
    assert (np.diff(values[30:]) < 0).all()


def test_step():
    """A tenth at half of the steps, a hundredth at three quarters."""
    values = rates("step")
    assert values[[0, 49, 50, 74, 75, 100]] == pytest.approx([2, 2, 0.2, 0.2, 0.02, 0.02])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "step"])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_any_step_has_a_rate(schedule, steps):
    """Short trainings and steps past the last one have a positive rate of at most the full one."""
    config = TrainingConfig(schedule=schedule, steps=steps, rate=2.0)
    values = [rate_at(config, step) for step in range(steps + 3)]
    assert all(0 < value <= 2 for value in values)
    assert values[-1] == values[steps - 1]
