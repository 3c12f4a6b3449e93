"""No values of any size make the modules that learn from a series' past fail or warn."""

import numpy as np
from flat import flat
from hypothesis import given
from hypothesis import strategies as st
from panels import flat_panel

from forecaster.config import Limits
from forecaster.data.series.level_shifts import level_shifts, spliced
from forecaster.data.series.suspicious_values import suspicious_values
from forecaster.features.scale_choice import choose_powers
from forecaster.features.value_range import learn_range
from forecaster.features.view import cleaned, possible

NUMBERS = st.one_of(
    st.floats(allow_infinity=False, width=64), st.sampled_from([0.0, -1.0, 1.0, 100.0, -999.0, 1e308, 5e-324])
)
LONG = st.tuples(st.lists(NUMBERS, min_size=1, max_size=6), st.integers(1, 30)).map(
    lambda two: two[0] * two[1]
)


@given(st.lists(LONG | st.just([]), max_size=4), st.sampled_from([1, 2, 7]))
def test_any_numbers_are_understood(series, season):
    """Whatever the numbers are, each series gets an answer of the right size."""
    values, observed, offsets, known = flat(*series, [])
    found = suspicious_values(values, observed, offsets, known)
    shifts = level_shifts(values, observed, offsets, known, season=season, left_out=found.left_out)
    panel = flat_panel(values, observed, offsets, season=season)
    power = choose_powers(panel, known)
    limits = learn_range(values, observed, offsets, known, season=season, power=power)
    assert found.left_out.shape == spliced(values, offsets, shifts).shape == values.shape
    assert limits.idle.shape == (len(known), season)
    assert limits.lower.shape == power.shape == (len(known),)
    assert not np.isnan(limits.lower).any() and not np.isnan(power).any()
    view = cleaned(panel, known, "each")
    assert view.values.shape == panel.values.shape
    assert np.isfinite(view.target[view.target_observed]).all()
    range_ = possible(view, known, 3, scales="each", limits=Limits())
    point = range_.point(np.zeros((len(known), 3)))
    assert np.isfinite(point).all()
