"""Conformal calibration: ranks, nesting, monotone widths, coverage on simulated errors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forecaster.errors import DataError, UsageError
from forecaster.evaluation.intervals import calibrate, conformal_quantile

LEVELS = (80, 95)


@pytest.mark.parametrize("n", [4, 5, 9, 19, 100])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_rank_is_that_of_split_conformal(n, level):
    """With n residuals the half-width is the ceil((n + 1) level)-th smallest."""
    residuals = np.random.default_rng(n).permutation(n) + 1.0  # 1 .. n: the value is the rank
    rank = math.ceil(round((n + 1) * level, 9))
    width = conformal_quantile(residuals, level)
    assert width == rank if rank <= n else width > n


def test_too_few_residuals_widen_instead_of_promising():
    """Where n is too small for the level, the width exceeds the largest residual, more so for fewer."""
    few, more = conformal_quantile(np.ones(2), 0.95), conformal_quantile(np.ones(10), 0.95)
    assert few > more > 1


@given(
    hnp.arrays(
        float,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.one_of(st.floats(0, 100), st.just(math.nan)),
    ).filter(lambda r: np.isfinite(r).any())
)
def test_never_narrower_for_a_higher_level_or_a_later_step(residuals):
    """Whatever the residuals and their gaps, widths are finite and rise with the level and the step."""
    widths = calibrate(residuals, (50, 80, 95, 99))
    assert widths.shape == (4, residuals.shape[1])
    assert np.isfinite(widths).all()
    assert (np.diff(widths, axis=0) >= 0).all()
    assert (np.diff(widths, axis=1) >= 0).all()


def test_levels_come_in_the_order_asked():
    """Row i belongs to level i, sorted or not."""
    residuals = np.abs(np.random.default_rng(0).normal(size=(50, 3)))
    np.testing.assert_array_equal(
        calibrate(residuals, (95, 50, 80)), calibrate(residuals, (50, 80, 95))[[2, 0, 1]]
    )


def test_many_windows_keep_each_step_to_itself():
    """With enough windows and errors that grow, each step has its own conformal quantile."""
    rng = np.random.default_rng(1)
    residuals = np.abs(rng.normal(size=(400, 5))) * 2.0 ** np.arange(5)
    want = [conformal_quantile(residuals[:, h], 0.8) for h in range(5)]
    np.testing.assert_array_equal(calibrate(residuals, (80,))[0], want)


def test_few_windows_pool_neighbouring_steps():
    """Two windows of 18 steps share widths between steps: two residuals cannot give 95 %."""
    residuals = np.abs(np.random.default_rng(2).normal(size=(2, 18)))
    widths = calibrate(residuals, (80,))[0]
    assert len(np.unique(widths)) < 6
    assert widths[0] < residuals.max()


def test_a_dip_is_pooled_with_what_precedes_it():
    """A later step with smaller errors shares one width with the step before, between the two."""
    rng = np.random.default_rng(3)
    residuals = np.abs(rng.normal(size=(300, 2))) * [2.0, 1.0]
    pooled = calibrate(residuals, (80,))[0]
    assert pooled[0] == pooled[1] == conformal_quantile(residuals.ravel(), 0.8)


def errors(kind, rng, n, horizon):
    noise = rng.normal(size=(n, horizon))
    return noise if kind == "independent" else np.cumsum(noise, axis=1)


@pytest.mark.parametrize("kind", ["independent", "random walk"])
@pytest.mark.parametrize(("n", "tolerance"), [(10, 4.0), (30, 2.5), (300, 1.5)])
def test_coverage_is_near_the_level(kind, n, tolerance):
    """On simulated errors, intervals cover fresh windows about as often as they say, on average."""
    rng = np.random.default_rng(7)
    covered = np.zeros(2)
    for _ in range(60):
        widths = calibrate(np.abs(errors(kind, rng, n, 12)), LEVELS)
        fresh = np.abs(errors(kind, rng, 200, 12))
        covered += 100 * (fresh <= widths[:, None]).mean(axis=(1, 2))
    assert np.abs(covered / 60 - LEVELS).max() < tolerance


def test_nothing_to_learn_from_is_a_data_error():
    """Without an observed residual there is no interval."""
    for residuals in (np.empty((0, 3)), np.full((4, 3), np.nan)):
        with pytest.raises(DataError, match="no held-out errors"):
            calibrate(residuals, LEVELS)


@pytest.mark.parametrize("level", [0, 100, -5])
def test_a_level_outside_percent_is_a_usage_error(level):
    """Levels lie strictly between 0 and 100 percent."""
    with pytest.raises(UsageError, match="level"):
        calibrate(np.ones((9, 2)), (80, level))
