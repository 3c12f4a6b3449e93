"""The draws that the generators share."""

import numpy as np

from forecaster.pretraining.series.draws import chance, log_uniform, normal, sometimes, uniform


def generator():
    return np.random.default_rng(0)


def test_ranges_and_types():
    """Values are single, of the shape asked for, and within their range."""
    for values, low, high in (
        (uniform(generator(), -2, 3, 200, 5), -2, 3),
        (log_uniform(generator(), 0.01, 10, 200, 5), 0.01, 10),
    ):
        assert values.shape == (200, 5)
        assert values.dtype == np.float32
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high
    assert normal(generator(), 3, 4).dtype == np.float32


def test_the_logarithm_is_uniform():
    """As many values lie between .01 and .1 as between 1 and 10."""
    values = log_uniform(generator(), 0.01, 10, 30_000)
    shares = [np.mean((values >= low) & (values < 10 * low)) for low in (0.01, 0.1, 1)]
    assert np.allclose(shares, 1 / 3, atol=0.02)


def test_chance_and_sometimes():
    """True, or the value, with the probability given; 0 otherwise."""
    assert abs(chance(generator(), 0.2, 20_000).mean() - 0.2) < 0.01
    values = np.arange(1, 20_001, dtype=np.float32)
    kept = sometimes(generator(), 0.7, values)
    assert abs((kept != 0).mean() - 0.7) < 0.01
    assert np.array_equal(kept[kept != 0], values[kept != 0])
    assert kept.dtype == np.float32
