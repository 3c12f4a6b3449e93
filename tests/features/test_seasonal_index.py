"""The seasonal index against a plain loop over one series."""

import numpy as np
import pytest

from forecaster.features.seasonal_index import PASSES, SHRINKAGE, seasonal_index


def naive_index(x, used, season):
    """The index of one series, with a least squares line around every row."""
    rows, index = np.flatnonzero(used), np.zeros(season)
    for _ in range(PASSES):
        deviation = np.zeros(len(x))
        rest = x - index[np.arange(len(x)) % season]
        for t in rows:
            near = rows[np.abs(rows - t) <= season]
            line = np.polyfit(near - t, rest[near], 1)[1] if len(near) > 1 else rest[t]
            deviation[t] = x[t] - line
        index = np.array([deviation[rows[rows % season == phase]].mean() for phase in range(season)])
    noise = sum((deviation[t] - index[t % season]) ** 2 for t in rows)
    n = len(rows)
    noise = noise / (n - season - n / season) / (n / season)
    index -= index.mean()
    return index * max(0.0, 1 - SHRINKAGE * noise / (index @ index / (season - 1)))


def test_each_series_is_as_a_plain_loop_has_it():
    """Series of several lengths, gaps among them, are each what a loop over that series gives."""
    rng = np.random.default_rng(0)
    lengths = [40, 25, 9, 8]
    wave = np.array([2.0, 0.0, -3.0, 1.0])
    parts = [wave[np.arange(n) % 4] + rng.normal(0.1, 0.6, n).cumsum() for n in lengths]
    used = np.ones(sum(lengths), bool)
    used[[3, 10, 11, 12, 60]] = False
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    x = np.where(used, np.concatenate(parts), np.nan)  # what is not used is not read
    found = seasonal_index(x, used, offsets, 4)
    for s, part in enumerate(parts):
        span = slice(offsets[s], offsets[s + 1])
        np.testing.assert_allclose(found[s], naive_index(part, used[span], 4), atol=1e-9)


def test_two_seasons_are_enough_and_fewer_are_not():
    """Twice round a strong season with a trend is found nearly whole; one row less says nothing."""
    wave = np.array([5.0, 1.0, 0.0, -2.0, -5.0, 1.0])
    x = np.tile(wave, 2) + 0.3 * np.arange(12)
    found = seasonal_index(x, np.ones(12, bool), np.array([0, 12]), 6)[0]
    np.testing.assert_allclose(found, wave, atol=1.0)
    assert not seasonal_index(x[:11], np.ones(11, bool), np.array([0, 11]), 6).any()


def test_noise_has_no_season():
    """Of most random walks the index is zero, or small beside their steps."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 48)).cumsum(axis=1).ravel()
    found = seasonal_index(x, np.ones(len(x), bool), np.arange(0, len(x) + 1, 48), 12)
    assert np.median(np.abs(found).max(axis=1)) == 0.0


@pytest.mark.parametrize("series", [0, 1])
def test_empty_series_have_a_zero_index(series):
    """A series without rows or without used rows is in nobody's way."""
    x = np.tile([1.0, -1.0], 10)
    used = np.ones(20, bool)
    offsets = np.array([0, 0, 20]) if series == 0 else np.array([0, 20, 20])
    found = seasonal_index(x, used, offsets, 2)
    assert not found[series].any()
    assert found[1 - series].any()
