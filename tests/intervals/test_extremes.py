"""Held-out errors of an accident do not make every interval to come absurd."""

import numpy as np

from forecaster.intervals.distribution import EXTREME, _without_extremes


def test_ratios_far_beyond_the_usual_are_cut():
    """Ratios are cut at EXTREME times the median size of their kind; others and gaps stay as they are."""
    ratios = np.array([[[1.0, -1.0, 700.0]], [[0.5, np.nan, -900.0]]])
    found = _without_extremes(ratios.copy(), np.array([0]), 1)
    np.testing.assert_array_equal(found, [[[1, -1, EXTREME]], [[0.5, np.nan, -EXTREME]]])
    calm = np.array([[[1.0, -2.0, 3.0]]])
    np.testing.assert_array_equal(_without_extremes(calm.copy(), np.array([0]), 1), calm)
