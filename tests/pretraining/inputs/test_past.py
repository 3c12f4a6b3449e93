"""Gaps, means and differences of the past, against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecaster.pretraining.inputs.past import LARGEST, differences, filled, mean, usual_difference

NUMBERS = st.one_of(st.just(np.nan), st.integers(-40, 40).map(float))
TABLES = st.tuples(st.integers(1, 4), st.integers(1, 14)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=NUMBERS)
)


def filled_by_hand(row, season):
    """One series; the value before the gap moves by what the season before did."""
    row = [float(value) for value in row]
    for t in range(1, len(row)):
        if np.isnan(row[t]):
            row[t] = row[t - 1]
            if season > 1 and t > season:
                moved = row[t - 1] + row[t - season] - row[t - season - 1]
                row[t] = row[t - 1] if np.isnan(moved) else moved
    return row


@given(TABLES, st.integers(1, 5))
def test_filled_against_a_loop(values, season):
    """Gaps are filled with the season before, and rows before the first known one stay NaN."""
    before = values.copy()
    result = filled(values, season)
    assert np.array_equal(result, [filled_by_hand(row, season) for row in before], equal_nan=True)
    assert np.array_equal(values, before, equal_nan=True), "the input is not changed"
    for row, old in zip(result, before, strict=True):
        known = np.flatnonzero(np.isfinite(old))
        assert np.isnan(row[: known[0] if known.size else len(row)]).all()
        assert np.array_equal(row[known], old[known])
        assert np.isfinite(row[known[0] if known.size else len(row) :]).all()


def test_a_gap_keeps_the_season():
    """In a gap of two weeks a weekly pattern goes on, at the level of the row before the gap."""
    week = np.array([1, 5, 2, 8, 3, 9, 4], np.float32)
    series = np.concatenate([week, week + 10, np.full(14, np.nan, np.float32), week])[None]
    assert np.array_equal(filled(series, 7)[0, 14:28], np.tile(week + 10, 2) + np.repeat([10, 20], 7))


@given(TABLES)
def test_mean_against_a_loop(values):
    """The mean of the used values; 0 without any."""
    used = np.isfinite(values)
    result = mean(values, used)
    expected = [[np.mean(row[mask]) if mask.any() else 0] for row, mask in zip(values, used, strict=True)]
    assert np.allclose(result, expected, atol=1e-5)
    assert result.dtype == np.float32


@given(TABLES, st.integers(1, 6), st.sampled_from([1.0, 3.0, 40.0]))
def test_usual_difference_against_a_loop(values, lag, half_life):
    """The weighted mean of |v_t − v_{t−lag}| over pairs of known values; NaN without a pair."""
    known = np.isfinite(values)
    result = usual_difference(values, known, lag, half_life)
    for row, got in zip(values.astype(float), result[:, 0], strict=True):
        total = weights = 0.0
        for t in range(lag, len(row)):
            if np.isfinite(row[t]) and np.isfinite(row[t - lag]):
                weight = 0.5 ** ((len(row) - 1 - t) / half_life)
                total, weights = total + weight * abs(row[t] - row[t - lag]), weights + weight
        assert got == pytest.approx(total / weights if weights else np.nan, rel=1e-4, abs=1e-6, nan_ok=True)


@given(TABLES, st.integers(1, 6), st.booleans())
def test_differences_against_a_loop(values, lag, clip):
    """z_t − z_{t−lag} where both have begun, clipped unless told otherwise; 0 elsewhere."""
    begun = np.isfinite(values)
    result = differences(np.nan_to_num(values), begun, lag, clip=clip)
    for b, t in np.ndindex(values.shape):
        both = t >= lag and begun[b, t] and begun[b, t - lag]
        expected = values[b, t] - values[b, t - lag] if both else 0
        if clip:
            expected = min(max(expected, -LARGEST), LARGEST)
        assert result[b, t] == expected
