"""Paired tests: against tables, formulas written out, a bootstrap, and how often they are wrong."""

import math

import numpy as np
import pytest

from forecaster.evaluation.significance import paired, student_quantile, student_t


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (9, 2.2622), (30, 2.0423), (1e7, 1.95996)],
)
def test_students_t_equals_its_tables(freedom, quantile):
    """The 97.5 % quantiles of Student's t, as printed in every table."""
    assert student_t(quantile, freedom) == pytest.approx(0.05, abs=2e-4)
    assert student_quantile(freedom) == pytest.approx(quantile, rel=2e-4)
    assert student_t(0, freedom) == 1.0


def test_one_degree_of_freedom_is_the_cauchy_distribution():
    """There the probability has a closed form; half a degree of freedom has heavier tails."""
    for t in (0.1, 1.0, 30.0):
        assert student_t(t, 1) == pytest.approx(1 - 2 * math.atan(t) / math.pi, rel=1e-4)
        assert student_t(t, 0.5) > student_t(t, 1)


def test_windows_that_do_not_overlap_give_the_t_test():
    """One series, no overlap: mean, standard error and freedom of the paired t test."""
    d = np.random.default_rng(0).normal(0.3, 1, 15)
    found = paired(d[:, None])
    assert found.mean == pytest.approx(d.mean())
    assert found.error == pytest.approx(d.std(ddof=1) / math.sqrt(15))
    assert found.freedom == 14


def test_overlapping_windows_are_corrected():
    """Diebold and Mariano's statistic with the correction of Harvey, Leybourne and Newbold, written out."""
    rng = np.random.default_rng(1)
    d = np.convolve(rng.normal(size=42), np.ones(3) / 3, "valid")  # 40 windows that share two thirds
    n, h = len(d), 3
    c = d - d.mean()
    gamma = [sum(c[t] * c[t - k] for t in range(k, n)) / n for k in range(h)]
    dm = d.mean() / math.sqrt((gamma[0] + 2 * gamma[1] + 2 * gamma[2]) / n)
    corrected = dm * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    found = paired(d[:, None], lags=h - 1)
    assert found.mean / found.error == pytest.approx(corrected)
    assert found.error > paired(d[:, None]).error


def test_one_window_says_nothing():
    """Without a second window or series there is no standard error."""
    found = paired(np.array([[3.0]]))
    assert math.isnan(found.p_value) and found.chance and math.isnan(found.half_width)
    assert paired(np.full((2, 2), np.nan)).chance


def test_equal_methods_differ_by_chance_only():
    """No difference at all is no evidence; the same difference everywhere is."""
    assert paired(np.zeros((8, 1))).chance
    assert not paired(np.full((8, 1), 0.2)).chance


@pytest.mark.parametrize("shape", [(12, 1), (20, 30), (1, 40), (3, 60), (8, 4)])
def test_chance_is_mistaken_for_a_difference_about_as_often_as_said(shape):
    """Of 600 pairs of equally good methods, about one in twenty is called different; shocks that all series
    share at an origin, and series that differ, included.
    """
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(600):
        shared = rng.normal(size=(shape[0], 1)) if shape[0] > 1 else 0.0
        own = rng.normal(size=(1, shape[1])) if shape[1] > 1 and shape[0] < 6 else 0.0
        wrong += not paired(shared + own + rng.normal(size=shape)).chance
    assert wrong / 600 < 0.08


def test_the_spread_is_that_of_a_bootstrap_over_series_and_origins():
    """With some origins and many series, resampling both gives about the same standard error."""
    rng = np.random.default_rng(3)
    d = 0.4 * rng.normal(size=(5, 1)) + rng.normal(size=(1, 200)) + rng.normal(size=(5, 200))
    means = [d[rng.integers(5, size=5)][:, rng.integers(200, size=200)].mean() for _ in range(4000)]
    found = paired(d)
    assert found.error == pytest.approx(np.std(means) * math.sqrt(5 / 4), rel=0.1)
    assert found.freedom < 20


def test_gaps_keep_the_mean_that_the_report_shows():
    """Series that are scored at fewer origins count the same as others."""
    d = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 7.0]])
    assert paired(d).mean == pytest.approx((2.0 + 6.0) / 2)
    assert paired(np.tile(d, (3, 1))).mean == pytest.approx(4.0)


@pytest.mark.parametrize(("lags", "windows"), [(1, 12), (3, 12), (3, 40), (11, 60)])
def test_overlapping_windows_do_not_make_chance_look_sure(lags, windows):
    """The same for windows that share rows with those before them: their errors are alike."""
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(600):
        d = np.convolve(rng.normal(size=windows + lags), np.ones(lags + 1), "valid")
        wrong += not paired(d[:, None], lags).chance
    assert wrong / 600 < 0.09
