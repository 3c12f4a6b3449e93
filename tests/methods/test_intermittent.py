"""Croston's method and that of Teunter, Syntetos & Babai against plain loops over one series."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.methods.intermittent import ALPHAS, croston_sba, sba_demand, tsb, tsb_demand


def start(y):
    """Mean size of a demand, and the share of rows with one."""
    sizes = [value for value in y if value]
    return (sum(sizes) / len(sizes) if sizes else 0.0), max(len(sizes), 0.5) / len(y)


def naive_sba(y):
    """Demand and error of the best α."""
    best = (np.inf, 0.0)
    for alpha in ALPHAS:
        (size, share), since, squared = start(y), 0, 0.0
        interval = 1 / share
        for value in y:
            squared += (value - (1 - alpha / 2) * size / interval) ** 2
            since += 1
            if value:
                size += alpha * (value - size)
                interval += alpha * (since - interval)
                since = 0
        if squared < best[0] * (1 - 1e-9):
            best = (squared, (1 - alpha / 2) * size / interval)
    return best[1], np.sqrt(best[0] / len(y))


def naive_tsb(y):
    """Demand and error of the best α and β."""
    best = (np.inf, 0.0)
    for alpha, beta in itertools.product(ALPHAS, ALPHAS):
        (size, share), squared = start(y), 0.0
        for value in y:
            squared += (value - size * share) ** 2
            size += alpha * (value - size) if value else 0.0
            share += beta * (bool(value) - share)
        if squared < best[0] * (1 - 1e-9):
            best = (squared, size * share)
    return best[1], np.sqrt(best[0] / len(y))


@pytest.mark.parametrize(("method", "oracle"), [(sba_demand, naive_sba), (tsb_demand, naive_tsb)])
def test_each_series_is_as_a_plain_loop_has_it(method, oracle):
    """Series of several lengths are each what a loop over that series gives; rows outside are not read."""
    rng = np.random.default_rng(0)
    y, inside = np.full((50, 5), np.nan), np.zeros((50, 5), bool)
    for column, n in enumerate((50, 31, 8, 1, 20)):
        y[-n:, column], inside[-n:, column] = rng.poisson(3, n) * (rng.random(n) < 0.2), True
    y[-20:, 4] = 0.0
    found = method(y, inside)
    for column in range(5):
        mean, deviation = oracle(y[inside[:, column], column])
        assert found.mean[column] == pytest.approx(mean, rel=1e-9)
        assert found.deviation[column] == pytest.approx(deviation, rel=1e-9)


@pytest.mark.parametrize("method", [croston_sba, tsb])
def test_steady_demand_is_its_mean(method):
    """Of independent demands in one row of eight the forecast is near their mean, the same for all steps."""
    rng = np.random.default_rng(1)
    y = 4.0 * (rng.random((400, 50)) < 0.125)
    found = method(y, np.ones(y.shape, bool), 6)
    assert found.shape == (50, 6)
    assert (found == found[:, :1]).all()
    assert found.mean() == pytest.approx(0.5, rel=0.08)


def test_only_tsb_forgets_what_is_no_longer_asked_for():
    """After demand has ceased, the forecast by probability falls and that by intervals stays."""
    y = np.zeros((120, 1))
    y[:60:3] = 5.0
    inside = np.ones(y.shape, bool)
    assert tsb(y, inside, 1)[0, 0] < 0.1
    assert croston_sba(y, inside, 1)[0, 0] > 0.5


@given(st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 7.5]), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_demand_lies_between_none_and_the_largest(values):
    """Non-negative demands give forecasts that are not negative and not above the largest."""
    y = np.array(values)[:, None]
    for method in (croston_sba, tsb):
        found = method(y, np.ones(y.shape, bool), 3)
        assert (found >= 0).all()
        assert (found <= max(values) + 1e-9).all()


@pytest.mark.parametrize("method", [sba_demand, tsb_demand])
def test_rows_in_a_gap_count_for_nothing(method):
    """A series with rows outside in its middle is the series without them."""
    rng = np.random.default_rng(2)
    y = rng.poisson(2, 40) * (rng.random(40) < 0.3)
    spread, inside = np.full((46, 1), np.nan), np.ones((46, 1), bool)
    inside[17:23] = False
    spread[inside] = y
    whole = method(y[:, None].astype(float), np.ones((40, 1), bool))
    np.testing.assert_allclose(method(spread, inside).mean, whole.mean)
