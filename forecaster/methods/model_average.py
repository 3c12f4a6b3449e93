"""Weights for averaging one method's forecasts over a grid of its parameters.

Choosing the one parameter set with the least error throws away what the others say; on a short series many
are nearly as likely. Each gets the weight exp(log-likelihood − penalty), as in the Akaike weights of Burnham
& Anderson 2002, with Gaussian errors of estimated variance: log-likelihood = −n/2 log(sum of squares).
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats

EXACT = 1e-12
"""A sum of squares this small beside the largest of the grid is rounding: such models are equally good."""


def likelihood_weights(squared: Floats, count: Floats, penalty: Floats | float = 0.0) -> Floats:
    """Weights (G, B) that sum to one over the grid.

    squared (G, B): sums of squared one-step errors, over `count` (B,) rows; penalty (G, B) or what broadcasts
    to it, in units of the log-likelihood. A penalty may be infinite, though not for every model of a series.
    """
    floor = EXACT * squared.max(axis=0) + np.finfo(float).tiny
    likelihood = -0.5 * count * np.log(squared + floor) - penalty
    weights = np.exp(likelihood - likelihood.max(axis=0))
    return weights / weights.sum(axis=0)
