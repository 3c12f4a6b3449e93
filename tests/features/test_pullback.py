"""The way back through the transform: its derivatives are those of the transform."""

import dataclasses

import numpy as np
import pytest
from panels import panel_of, wavy

from forecaster.data.panel import TARGET
from forecaster.features.pullback import Pullback
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, UNITS, from_scale
from forecaster.features.seasonal_index import IndexOfOne, seasonal_index
from forecaster.features.transform import fit_each


def test_the_index_as_a_linear_function():
    """It gives the index, and its derivative is that of central differences, with gaps and odd positions."""
    rng = np.random.default_rng(0)
    used, place = rng.random(60) > 0.2, (np.arange(60) + 3) % 7
    x = np.where(used, rng.normal(size=60) / 5 + np.sin(place), 0.0)
    offsets = np.array([0, 60])
    index = seasonal_index(x, used, offsets, 7, place)[0]
    assert index.any()
    one = IndexOfOne.fitted(index, x, used, place)
    weights = rng.normal(size=7)
    gradient = one.backward(weights)
    assert gradient @ x == pytest.approx(weights @ index)
    assert (gradient[~used] == 0).all()
    for row in np.flatnonzero(used):
        moved = [x + sign * 1e-4 * (np.arange(60) == row) for sign in (1, -1)]
        up, down = (seasonal_index(each, used, offsets, 7, place)[0] for each in moved)
        unshrunk = [
            found / IndexOfOne.fitted(found, each, used, place).kept
            for found, each in zip((up, down), moved, strict=True)
        ]
        slope = weights @ (unshrunk[0] - unshrunk[1]) * one.kept / 2e-4
        assert gradient[row] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("power", [UNITS, ROOTS, LOGARITHMS])
@pytest.mark.parametrize("max_gap", [None, 2])
def test_the_way_back(power, max_gap):
    """A weighted sum of what a component sees is that of the rows, deviation by deviation."""
    rng = np.random.default_rng(1)
    values = wavy(rng, 80)
    values[30:35] = np.nan
    panel = dataclasses.replace(panel_of(wavy(rng, 50), values, seasons=(7,)), max_gap=max_gap)
    fitted = fit_each(panel, panel.lengths, power=np.full(2, power), seasons=(7, 14), horizon=4)
    span = slice(int(panel.offsets[1]), None)
    back, level = Pullback(panel, fitted, 1), 1.3
    d_values, d_centre, d_indices = rng.normal(size=80), 0.7, [rng.normal(size=7), rng.normal(size=14)]
    seen = d_values @ fitted.z[span, TARGET].astype(float) * fitted.scale[1]
    seen += d_centre * (fitted.centre[1] - level)
    seen += sum(weights @ index[1] for weights, index in zip(d_indices, fitted.indices, strict=True))
    rows = back(d_values, d_centre, d_indices)
    assert np.where(back.seen, back.x - level, 0.0) @ rows == pytest.approx(seen, rel=1e-5)
    assert (rows[30:35] == 0).all()
    np.testing.assert_allclose(from_scale(back.x, np.full(80, power)), values, rtol=1e-12)
