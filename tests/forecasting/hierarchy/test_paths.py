"""Paths of a hierarchy add up, and are as wide as held-out errors of the sums say."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import panel_of

from forecaster.config import Limits
from forecaster.data.series.hierarchy.tree import TOTAL, tree_of
from forecaster.features.view import possible
from forecaster.forecasting.hierarchy.paths import MOST_SHARED, Coherent, moments, shared, without_limits

IDS = ("a", "a/x", "a/y", "a/z", "b", "b/x", "b/y", TOTAL)
TREE = tree_of(IDS)


@dataclass
class Normal:
    """Normal distributions, each step independent."""

    mean: np.ndarray  # (S, H)
    deviation: np.ndarray  # (S, H)

    def quantile(self, level):
        return self.mean + self.deviation * NormalDist().inv_cdf(level)

    def path(self, series, scores):
        return self.mean[series] + self.deviation[series] * scores


def coherent(deviation, *, mean=100.0, limits=Limits(), horizon=2):
    """The distributions of the hierarchy IDS for these deviations (S,)."""
    own = Normal(np.full((len(IDS), horizon), mean), np.repeat(np.array(deviation)[:, None], horizon, axis=1))
    panel = panel_of(*np.random.default_rng(0).random((len(IDS), 30)))
    able = possible(panel, panel.lengths, horizon, scales="each", limits=limits)
    free = without_limits(able, TREE.is_sum)
    return Coherent(TREE, own, free, shared(TREE, moments(own, TREE.is_sum)[1]))


def test_sums_are_as_wide_as_their_own_errors_say():
    """With errors of the sums between those of independent series and of series that all err alike."""
    made = coherent([2.5, 1, 1, 1, 1.7, 1, 1, 3.6])
    paths = made.samples(20_000, np.random.default_rng(0))
    np.testing.assert_allclose(paths.std(axis=1)[:, 0], [2.5, 1, 1, 1, 1.7, 1, 1, 3.6], rtol=0.03)
    low, high = made.quantile(0.1)[-1], made.quantile(0.9)[-1]
    np.testing.assert_allclose(high - low, 2 * 1.2816 * 3.6, rtol=0.08)


@pytest.mark.parametrize(
    ("total", "expected"),
    [(0.1, np.sqrt(5)), (np.sqrt(5), np.sqrt(5)), (100.0, np.sqrt(3 + 2 * 3 * MOST_SHARED) + 1.99)],
)
def test_no_sum_is_narrower_than_of_independent_series(total, expected):
    """Nor wider than of series that all err alike."""
    sums = [1.0, 1.0] if total < 50 else [50.0, 50.0]
    made = coherent([sums[0], 1, 1, 1, sums[1], 1, 1, total])
    wide = made.samples(20_000, np.random.default_rng(1)).std(axis=1)[-1, 0]
    assert wide == pytest.approx(expected, rel=0.03)


@given(st.integers(0, 2**32 - 1), st.sampled_from([Limits(), Limits(lower=99, integer=True)]))
def test_paths_add_up_within_the_limits_of_the_series(seed, limits):
    """Each path of a sum is the sum of the paths of its series, which keep their limits."""
    rng = np.random.default_rng(seed)
    made = coherent(rng.uniform(0, 5, len(IDS)), limits=limits)
    paths = made.samples(5, np.random.default_rng(seed))
    np.testing.assert_allclose(paths, TREE.summed(paths), rtol=1e-12)
    if limits.integer:
        assert (paths == np.rint(paths)).all() and (paths >= 99).all()
        assert (made.quantile(0.05) == np.rint(made.quantile(0.05)))[TREE.is_sum].all()
    np.testing.assert_array_equal(paths, made.samples(5, np.random.default_rng(seed)))
    at = [made.quantile(level)[TREE.is_sum] for level in (0.01, 0.3, 0.5, 0.7, 0.99)]
    assert (np.diff(at, axis=0) >= 0).all()


def test_series_at_the_bottom_keep_their_own_distribution():
    """Their quantiles are those given, and their paths follow them."""
    made = coherent([2.5, 1, 2, 3, 1.7, 4, 5, 3.6])
    bottom = ~TREE.is_sum
    np.testing.assert_array_equal(made.quantile(0.8)[bottom], made.own.quantile(0.8)[bottom])
    paths = made.samples(20_000, np.random.default_rng(2))
    np.testing.assert_allclose(paths.std(axis=1)[bottom, 1], [1, 2, 3, 4, 5], rtol=0.03)
