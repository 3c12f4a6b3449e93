"""Which method forecasts intermittent demand."""

import numpy as np

from forecaster.methods.blend import demand_weights


def test_the_smaller_squared_error_decides():
    """Squared errors choose the expectation; absolute ones would choose what is nearer to zero."""
    residuals = {"croston": np.array([[[3.0, 0.0, 0.0]]]), "tsb": np.array([[[2.0, 1.0, 1.0]]])}
    assert demand_weights(residuals) == {"tsb": 1.0}


def test_without_held_out_rows_it_is_the_mean():
    """Where nothing was held out, or nothing was observed, both count half."""
    halves = {"croston": 0.5, "tsb": 0.5}
    assert demand_weights({}) == halves
    assert demand_weights({name: np.full((1, 1, 2), np.nan) for name in halves}) == halves
