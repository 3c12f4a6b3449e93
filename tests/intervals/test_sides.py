"""Sides: the spread below and above a forecast, moved towards that of a network."""

import dataclasses

import numpy as np
import pytest

from forecaster.intervals.calibration import SCORES
from forecaster.intervals.distribution import Quantiles
from forecaster.intervals.sides import FARTHEST, LEAST, MEAN_ERROR, side_errors, with_network

UNITS = np.array([False])


def normal(deviation, skew=1.0):
    """The 10, 50 and 90 % quantiles (3, 1, 1) of errors with this deviation, `skew` times as large above."""
    return 50 + np.array([-1.2816, 0, 1.2816 * skew]).reshape(3, 1, 1) * deviation


def test_side_errors_of_normal_errors():
    """Mean |z| is √(2/π) deviations, on both sides; of logarithms in logarithms."""
    assert side_errors(normal(3.0), UNITS).ravel() == pytest.approx(3 * np.sqrt(2 / np.pi), rel=1e-3)
    logs = side_errors(np.exp(normal(0.1) / 20), np.array([True])).ravel()
    assert logs == pytest.approx(0.1 / 20 * np.sqrt(2 / np.pi), rel=1e-3)


def test_side_errors_of_skewed_quantiles():
    """The larger side is above where the quantiles say so; none is less than a tenth of their mean."""
    below, above = side_errors(normal(1.0, skew=4.0), UNITS).ravel()
    assert above == pytest.approx(4 * below)
    below, above = side_errors(np.array([50.0, 50.0, 60.0]).reshape(3, 1, 1), UNITS).ravel()
    assert above == pytest.approx(10 * MEAN_ERROR)
    assert below == pytest.approx(LEAST * above / 2)


@pytest.mark.parametrize(
    ("own", "network", "expected"),
    [
        (2.0, 8.0, 4.0),  # the geometric mean, at a share of a half
        (8.0, 2.0, 4.0),
        (1.0, 1000.0, np.sqrt(FARTHEST)),
        (1.0, 1e-9, 1 / np.sqrt(FARTHEST)),
        (0.0, 5.0, 0.0),  # a night that was always zero
        (2.0, 0.0, 2.0),
        (2.0, np.nan, 2.0),
    ],
)
def test_spread_moves_towards_the_network(own, network, expected):
    """Between the two, never far from the own one, and not at all where one of them knows nothing."""
    own, sides = np.full((1, 1), own), np.full((2, 1, 1), network)
    assert with_network(own, sides, 0.5) == pytest.approx(expected)
    assert np.array_equal(with_network(own, sides, 0.0), np.stack([own, own]))
    assert np.array_equal(with_network(own, None, 0.5), np.stack([own, own]))


def skewed():
    """One series with twice the spread above the forecast."""
    size = np.array([[[1.0, 1.0]], [[2.0, 2.0]]])
    return Quantiles(
        np.full((1, 2), 10.0), size, np.tile(SCORES, (1, 2, 1)), np.eye(2)[None], np.zeros(1, int), UNITS
    )


def test_quantiles_and_paths_have_two_sides():
    """Above the forecast everything is twice as far; levels stay in order and the forecast is the median."""
    found = skewed()
    assert found.quantile(0.9) - 10 == pytest.approx(2 * (10 - found.quantile(0.1)))
    each = np.stack([found.quantile(level) for level in np.linspace(0.01, 0.99, 50)])
    assert (np.diff(each, axis=0) > 0).all()
    assert found.quantile(0.5) == pytest.approx(10)
    paths = found.samples(4000, np.random.default_rng(0))
    for level in (0.1, 0.5, 0.9):
        assert np.quantile(paths, level) == pytest.approx(float(found.quantile(level)[0, 0]), abs=0.15)
    even = dataclasses.replace(found, size=np.ones((2, 1, 2)))
    assert even.quantile(0.9) - 10 == pytest.approx(10 - even.quantile(0.1))
