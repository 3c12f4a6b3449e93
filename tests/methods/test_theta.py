"""Theta averaged over its grid, against a plain loop."""

import itertools

import numpy as np

from forecaster.methods import theta as module
from forecaster.methods.theta import theta

HORIZON = 5


def naive_theta(y):
    """The weighted mean of the grid's forecasts, from the formulas as they are printed."""
    forecasts, scores = [], []
    for alpha, omega in itertools.product(module.ALPHAS, module.OMEGAS):
        level, error = alpha * y[0] + (1 - alpha) * (1 - omega) * y[0], 0.0
        for t in range(1, len(y) + 1):
            slope, intercept = np.polyfit(np.arange(1, t + 1), y[:t], 1) if t > 1 else (0.0, y[0])
            push = (1 - alpha) ** t * intercept + (1 - (1 - alpha) ** (t + 1)) / alpha * slope
            ahead = level + omega * push
            if t < len(y):
                error += (y[t] - ahead) ** 2
                level = alpha * y[t] + (1 - alpha) * level
        forecasts.append(ahead + omega * slope * np.arange(HORIZON))
        scores.append(-len(y) / 2 * np.log(error))
    weights = np.exp(np.array(scores) - max(scores))
    return weights @ np.array(forecasts) / weights.sum()


def test_each_series_is_as_a_plain_loop_has_it():
    """Series of several lengths, smoothed together, are each what a loop over that series gives."""
    rng = np.random.default_rng(0)
    series = [10 + rng.normal(0.1, 1, n).cumsum() for n in (30, 22, 9, 2)]
    y, inside = np.full((30, 4), 99.0), np.zeros((30, 4), bool)
    for column, values in enumerate(series):
        y[-len(values) :, column], inside[-len(values) :, column] = values, True
    found = theta(y, inside, HORIZON)
    for column, values in enumerate(series):
        np.testing.assert_allclose(found[column], naive_theta(values), rtol=1e-8)
