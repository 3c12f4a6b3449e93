"""What each row counts for: the weighted sum of the rows is the forecast."""

import numpy as np
import pytest

from forecaster.methods.smoothing import METHODS

WITH_WEIGHTS = [name for name, method in METHODS.items() if method.row_weights is not None]


@pytest.mark.parametrize("name", WITH_WEIGHTS)
@pytest.mark.parametrize("before", [0, 7])
def test_the_weighted_sum_is_the_forecast(name, before):
    """For series that begin late too, whose rows before count for nothing; a level past keeps its level."""
    rng = np.random.default_rng(0)
    inside = np.arange(60)[:, None] >= before
    y = np.where(inside, 20 + rng.normal(size=(60, 1)).cumsum(axis=0), 0.0)
    method = METHODS[name]
    weights = method.row_weights(y, inside, 5)
    assert weights.shape == (60, 5)
    np.testing.assert_allclose(weights.T @ y[:, 0], method.run(y, inside, 5)[0], rtol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    assert (weights[:before] == 0).all()
