"""Calibration: layers that hand over as windows come in, and quantiles that never cross."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forecaster.intervals.calibration import LEVELS, MEDIAN, SIZE, calibrate, prior_shape, ratio_scores

ONE = np.zeros(1, np.int64)


def apart(origins, series, horizon):
    """Ends (O, S) of windows that do not overlap, each at another position of a season of 7."""
    return np.repeat(7 + np.arange(origins)[:, None] * (horizon + 7), series, axis=1) + np.arange(series)


def test_levels_are_symmetric_and_rise():
    """For each level its complement is there, so that central intervals need no special case."""
    assert (np.diff(LEVELS) > 0).all()
    np.testing.assert_allclose(LEVELS, 1 - LEVELS[::-1])
    assert LEVELS[MEDIAN] == 0.5


def test_without_windows_the_prior_stands():
    """Nothing held out: a symmetric shape of the size of all series there are, for every step and kind."""
    found = calibrate(np.full((0, 3, 4), np.nan), np.full((0, 3), -1), np.zeros(3, np.int64), 2)
    assert found.quantiles.shape == (2, 4, len(LEVELS))
    np.testing.assert_allclose(found.quantiles, np.broadcast_to(SIZE * prior_shape(), (2, 4, len(LEVELS))))
    np.testing.assert_array_equal(found.factors, 1.0)


def test_the_prior_shape_has_unit_size():
    """Errors drawn from it have a mean size of one."""
    draws = np.interp(np.random.default_rng(0).random(200_000), LEVELS, prior_shape())
    assert np.abs(draws).mean() == pytest.approx(1.0, abs=0.03)  # the tails are cut


def test_many_windows_are_believed():
    """With hundreds of windows, quantiles are those of the errors at each step, asymmetric if they are."""
    rng = np.random.default_rng(1)
    ratios = (rng.exponential(size=(400, 30, 3)) - np.log(2)) * np.array([1.0, 2.0, 3.0])
    found = calibrate(ratios, apart(400, 30, 3), np.zeros(30, np.int64), 1)
    naive = np.quantile(ratios.reshape(-1, 3), LEVELS, axis=0).T
    inner = slice(2, -2)
    np.testing.assert_allclose(found.quantiles[0][:, inner], naive[:, inner], rtol=0.06, atol=0.05)
    np.testing.assert_allclose(found.factors, 1.0, atol=0.1)


def test_the_median_is_the_forecast():
    """Errors that all lean to one side do not move the middle of the quantiles."""
    rng = np.random.default_rng(2)
    found = calibrate(rng.normal(size=(40, 5, 6)) + 1, apart(40, 5, 6), np.zeros(5, np.int64), 1)
    np.testing.assert_array_equal(found.quantiles[:, :, MEDIAN], 0.0)


def test_a_series_that_errs_more_gets_wider():
    """One of twenty series errs five times as much as its spread says: its factor says so, others' do not."""
    rng = np.random.default_rng(3)
    ratios = rng.normal(size=(30, 20, 4))
    ratios[:, 7] *= 5
    factors = calibrate(ratios, apart(30, 20, 4), np.zeros(20, np.int64), 1).factors
    others = np.delete(factors, 7)
    assert 3.5 < factors[7] / others.mean() < 5.5
    assert others.max() / others.min() < 1.5


def test_one_wild_window_is_not_a_wild_series():
    """With one window each, factors stay near one, and coverage holds for rows to come."""
    rng = np.random.default_rng(4)
    ratios = rng.normal(size=(2, 500, 6))
    found = calibrate(ratios[:1], apart(1, 500, 6), np.zeros(500, np.int64), 1)
    assert found.factors.max() < 1.6
    low, high = (found.quantiles[0][:, place] for place in (4, -5))
    width = found.factors[:, None] * np.stack([low, high])[:, None]
    inside = (ratios[1] >= width[0]) & (ratios[1] <= width[1])
    assert 0.77 < inside.mean() < 0.83


def test_a_window_does_not_calibrate_itself():
    """Of series with one window each, some wild: quantiles are those of all windows as they are."""
    rng = np.random.default_rng(9)
    ratios = rng.normal(size=(1, 3000, 2)) * np.exp(rng.normal(size=3000))[:, None]
    found = calibrate(ratios, apart(1, 3000, 2), np.zeros(3000, np.int64), 1)
    naive = np.quantile(ratios, LEVELS[2:-2])
    np.testing.assert_allclose(found.quantiles[0, :, [2, -3]].mean(axis=1), naive[[0, -1]], rtol=0.15)


def test_kinds_do_not_see_each_other():
    """Errors of another kind, whatever they are, leave quantiles and factors of the first as they were."""
    rng = np.random.default_rng(5)
    ratios, kinds = rng.normal(size=(10, 6, 4)), np.array([0, 0, 0, 1, 1, 1])
    wild = ratios.copy()
    wild[:, 3:] = 1e6 * rng.normal(size=(10, 3, 4))
    one, two = (calibrate(each, apart(10, 6, 4), kinds, 2) for each in (ratios, wild))
    np.testing.assert_array_equal(one.quantiles[0], two.quantiles[0])
    np.testing.assert_array_equal(one.factors[:3], two.factors[:3])


def test_overlapping_windows_count_once():
    """The same window given eight times says no more than once."""
    rng = np.random.default_rng(6)
    ratios, origins = 3 * rng.normal(size=(1, 1, 12)), np.array([[50]])
    once = calibrate(ratios, origins, ONE, 1)
    often = calibrate(np.repeat(ratios, 8, axis=0), np.repeat(origins, 8, axis=0), ONE, 1)
    np.testing.assert_allclose(once.quantiles, often.quantiles, rtol=0.08, atol=0.05)


def test_a_position_in_the_season_is_not_learned_for_the_step():
    """Noon errs ten times as much: seen from any origin, aligned or not, noon is wide and steps are alike."""
    rng = np.random.default_rng(7)
    for shift in (0, 1):
        origins = np.arange(200)[:, None] * (24 + shift) + 24
        noon = (origins[..., None] + np.arange(24)) % 24 == 12
        found = calibrate(rng.normal(size=(200, 1, 24)) * np.where(noon, 10, 1), origins, ONE, 1, season=24)
        assert found.positions[0, 12] > 2.5 * found.positions[0, [3, 8, 16, 20]].max()
        upper = found.quantiles[0][:, -5]
        assert upper.max() < 3.5 * upper.min()


def test_positions_are_counted_on_the_calendar():
    """Series that begin at different hours share the calendar's positions."""
    rng = np.random.default_rng(8)
    origins, first = np.repeat(np.arange(1, 41)[:, None] * 24, 2, axis=1), np.array([0, 12])
    noon = (origins[..., None] + first[:, None] + np.arange(24)) % 24 == 12
    ratios = rng.normal(size=(40, 2, 24)) * np.where(noon, 10, 1)
    found = calibrate(ratios, origins, np.zeros(2, np.int64), 1, season=24, first=first)
    others = np.delete(found.positions[0], [11, 12, 13])  # neighbours are pooled
    assert found.positions[0, 12] > 2 * others.max()
    assert others.max() < 1.2 * others.min()


@given(
    hnp.arrays(
        float,
        st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 8)),
        elements=st.one_of(st.floats(-1e9, 1e9), st.just(float("nan"))),
    ),
    st.integers(1, 9),
)
@settings(max_examples=200, deadline=None)
def test_quantiles_never_cross(ratios, season):
    """Whatever the errors and their gaps, quantiles are finite and do not fall with the level."""
    found = calibrate(ratios, apart(*ratios.shape), np.zeros(ratios.shape[1], np.int64), 1, season=season)
    assert np.isfinite(found.quantiles).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    assert np.isfinite(found.factors).all()
    assert (found.factors > 0).all()


def test_scores_of_quantiles_are_normal():
    """A ratio at the quantile of a level has that level's normal score; beyond the last, the last score."""
    found = calibrate(np.full((0, 1, 2), np.nan), np.full((0, 1), -1), ONE, 1)
    ratios = np.concatenate([found.quantiles[0][None, :, ::6].transpose(2, 0, 1), np.full((1, 1, 2), 1e9)])
    scores = ratio_scores(ratios, found, np.zeros((len(ratios), 1), np.int64), ONE, ONE)[:, 0, 0]
    assert scores[-1] == pytest.approx(2.5758, abs=1e-3)
    assert scores[len(LEVELS) // 12] == pytest.approx(0.0, abs=1e-9)
    assert (np.diff(scores) >= 0).all()


def test_forecasts_that_are_mostly_exact():
    """Where more than half of the forecasts are right to the digit, the others say how large errors are."""
    rng = np.random.default_rng(4)
    ratios = rng.normal(size=(8, 20, 7)) * (rng.random((8, 20, 7)) < 0.4)
    found = calibrate(ratios, apart(8, 20, 7), np.zeros(20, np.int64), 1, season=7)
    assert np.median(np.abs(ratios)) == 0
    assert 0.5 < found.quantiles.max() < 10 and (found.positions > 0.3).all() and (found.positions < 3).all()
