"""Strata: by the first third of each series alone."""

import numpy as np
import pytest

from forecaster.features.strata import Stratum, strata_of
from tests.panels import panel_of, with_garbage


def level(size, rows=60):
    return np.full(rows, float(size)) + np.arange(rows) % 3 * 0.01 * size


def test_length_size_and_zeros():
    """Series of one length and size are of one stratum, each named in plain words."""
    demand = np.where(np.arange(60) % 4 == 0, 5.0, 0.0)
    panel = panel_of(level(5), level(6), level(50), level(-50), level(5, rows=200), demand, np.zeros(60))
    assert list(map(str, strata_of(panel))) == [
        "32 to 63 values, 1 to 10",
        "32 to 63 values, 1 to 10",
        "32 to 63 values, 10 to 100",
        "32 to 63 values, 10 to 100",
        "128 to 255 values, 1 to 10",
        "32 to 63 values, 1 to 10, mostly zero",
        "32 to 63 values, no size, mostly zero",
    ]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_after_the_first_third_is_looked_at(seed):
    """Held-out rows come after more than half of a series: they change nothing, whatever they hold."""
    rng = np.random.default_rng(seed)
    panel = panel_of(*(10 ** rng.normal(0, 3) * rng.random(rng.integers(8, 90)) for _ in range(20)))
    assert strata_of(with_garbage(panel, panel.lengths // 2, seed=seed)) == strata_of(panel)


def test_other_series_do_not_matter():
    """The stratum of a series is the same in any piece of the data."""
    rng = np.random.default_rng(3)
    gaps = level(5, rows=80)
    gaps[30:70] = np.nan
    series = [gaps, *(rng.poisson(rng.random(), rng.integers(2, 90)).astype(float) for _ in range(20))]
    assert strata_of(panel_of(*series)) == [strata_of(panel_of(each))[0] for each in series]


def test_a_series_without_values_and_one_of_one_row():
    """They have strata too."""
    nothing = np.full(9, np.nan)
    assert strata_of(panel_of(nothing, [7.0])) == [Stratum(1, None, False), Stratum(2, 0, False)]
