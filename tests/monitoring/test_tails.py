"""Chances: oracles, and that they are right where all is chance."""

import math

import numpy as np
import pytest

from forecaster.monitoring import tails


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    """The largest k with p_(k) ≤ level k/n, in a loop; chances above the level may be left out."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        chances = rng.random(12) ** 3
        ordered = sorted(chances)
        passed = [k for k in range(1, 13) if ordered[k - 1] <= 0.2 * k / 12]
        most = ordered[passed[-1] - 1] if passed else -1.0
        expected = chances <= most
        np.testing.assert_array_equal(tails.discoveries(chances, 0.2, 12), expected)
        small = chances <= 0.2
        np.testing.assert_array_equal(tails.discoveries(chances[small], 0.2, 12), expected[small])


def test_the_chance_of_a_row_and_of_a_block() -> None:
    """One is the other, and both agree with (1 − p)^b."""
    assert tails.of_rows(0.001, 24) == pytest.approx(1 - 0.999**24)
    assert tails.of_row(np.array([tails.of_rows(0.001, 24)]), 24)[0] == pytest.approx(0.001)
    assert tails.of_row(np.array([1.0]), 24)[0] < 1


def test_the_distribution_of_maxima_is_found() -> None:
    """A sample of a known one: its L-moments in loops, and the quantiles that follow."""
    shape, spread, location = 0.2, 0.3, 1.0
    rng = np.random.default_rng(1)
    sample = np.sort(location + spread * ((-np.log(rng.random(20_000))) ** -shape - 1) / shape)
    found = tails._maxima_distribution(sample)
    np.testing.assert_allclose(found, (location, spread, shape), atol=0.01)
    few = np.sort(rng.gumbel(size=30))
    first = sum(few) / 30
    second = sum(i * x for i, x in enumerate(few)) / 29 / 30
    width = 2 * second - first
    mean, scale, shape = tails._maxima_distribution(few)
    gamma = math.gamma(1 - shape)
    assert scale == pytest.approx(width * shape / ((2**shape - 1) * gamma))
    assert mean == pytest.approx(first - scale * (gamma - 1) / shape)


@pytest.mark.parametrize(("series", "blocks"), [(1, 100), (1, 300), (40, 10)])
def test_chances_are_right_where_all_is_chance(series: int, blocks: int) -> None:
    """Of new blocks as large as those known, a share p has a chance of at most p; sizes may differ."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(6000 // (series * 10) + 40):
        size = np.exp(rng.normal(size=(series, 1)))
        drawn = size * (2 + rng.gumbel(size=(series, blocks + 10)) / 3)
        drawn = np.maximum(drawn, 0.6 * size)
        tail = tails.fit_tail(np.where(size > 0, drawn[:, :blocks] / size.min(), np.nan))
        found.append(tail.of_block(drawn[:, blocks:] / size.min()).ravel())
    chances = np.concatenate(found)
    for p in (0.2, 0.05, 0.01):
        assert 0.4 * p < (chances <= p).mean() < 1.4 * p + 0.002


def test_the_size_of_a_chance_is_its_inverse() -> None:
    """A score of that size has the chance, where the fitted distribution is asked."""
    tail = tails.fit_tail(np.random.default_rng(3).gumbel(5, 1, size=(3, 100)))
    size = tail.size_of(1e-3)
    np.testing.assert_allclose(tail.of_block(size[:, None]), 1e-3, rtol=1e-6)


def test_without_blocks_there_are_no_chances() -> None:
    """Too few tell nothing; neither does a missing score."""
    tail = tails.fit_tail(np.full((2, 3), 2.0))
    assert not tail.is_known
    assert (tail.of_block(np.array([[99.0], [np.nan]])) == 1).all()
    assert np.isinf(tail.size_of(0.01)).all()
    known = tails.fit_tail(np.random.default_rng(0).random((2, 20)) + 2)
    assert known.of_block(np.array([[np.nan], [np.nan]])).tolist() == [[1.0], [1.0]]


def test_equal_blocks_prove_little() -> None:
    """Where all maxima were the same, a somewhat larger one has still a chance."""
    tail = tails.fit_tail(np.full((1, 50), 2.0))
    chances = tail.of_block(np.array([[2.05, 2.2, 4.0]]))[0]
    assert chances[0] > 0.05
    assert chances[2] < 0.01
    assert (np.diff(chances) < 0).all()
    for usual in (0.1, 1 / 3, 1e6):  # of any size, and whatever rounding leaves of their differences
        assert 0 < tails.fit_tail(np.full((3, 37), usual)).of_block(np.full((3, 1), 9 * usual)).max() < 0.01
