"""Scores: each against a loop that follows its definition."""

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from forecaster.monitoring import scores

NAN = math.nan


def naive_score(value: float, quantiles: list[float], least: float) -> float:
    """The score of one value, by its definition."""
    z = [NormalDist().inv_cdf(level) for level in scores.LEVELS]
    equal = [score for score, q in zip(z, quantiles, strict=True) if q == value]
    if equal:
        return min(max(0.0, equal[0]), equal[-1])
    if value < quantiles[0]:
        return z[0] + (value - quantiles[0]) / max((quantiles[0] - quantiles[4]) / z[0], least)
    if value > quantiles[-1]:
        return z[-1] + (value - quantiles[-1]) / max((quantiles[-1] - quantiles[4]) / z[-1], least)
    place = max(n for n, q in enumerate(quantiles) if q < value)
    share = (value - quantiles[place]) / (quantiles[place + 1] - quantiles[place])
    return z[place] + share * (z[place + 1] - z[place])


def test_scores_are_those_of_the_definition() -> None:
    """Within the quantiles, beyond them, at shared quantiles, and without any width."""
    rng = np.random.default_rng(0)
    table = np.sort(rng.normal(size=(9, 4, 50)), axis=0)
    table[:5, 1], table[5:, 1] = 0.0, np.abs(table[5:, 1])
    table = np.sort(table, axis=0)
    table[:, 2] = 3.0
    value = rng.normal(scale=2, size=(4, 50))
    value[1, ::2], value[2, ::2] = 0.0, 3.0
    least = np.array([0.1, 0.5, 0.5, 1e-9])
    expected = [
        [naive_score(value[s, r], table[:, s, r].tolist(), least[s]) for r in range(50)] for s in range(4)
    ]
    found = scores.normal_scores(value, table, least)
    np.testing.assert_allclose(found, np.clip(expected, -scores.LARGEST, scores.LARGEST))


def test_what_is_not_known_has_no_score() -> None:
    """A missing value or forecast gives NaN; an interval of no width and no unit the largest score."""
    table = np.zeros((9, 1, 3))
    table[3, 0, 1] = NAN
    found = scores.normal_scores(np.array([[NAN, 1.0, 1.0]]), table, np.array([0.0]))
    np.testing.assert_array_equal(found, [[NAN, NAN, scores.LARGEST]])


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.995, 1.0])
def test_the_correlation_is_that_of_sums(phi: float) -> None:
    """φ √(v_{h−1}/v_h), with the variances added up; zero at the first step."""
    variance = [sum(phi ** (2 * step) for step in range(lead)) for lead in range(1, 20)]
    expected = [0.0] + [phi * math.sqrt(a / b) for a, b in pairwise(variance)]
    found = scores.correlation(np.array(phi), np.arange(1, 20))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("phi", [0.0, 0.8, 1.0])
def test_phi_is_found_and_its_memory_removed(phi: float) -> None:
    """Scores of errors with this φ: it is found, and what is new at each row is without memory."""
    rng = np.random.default_rng(1)
    lead = np.tile(np.arange(1, 13), (3, 60))
    error, g = np.zeros(3), np.empty(lead.shape)
    for row in range(lead.shape[1]):
        error = np.where(lead[:, row] == 1, 0.0, phi * error) + rng.normal(size=3)
        variance = sum(phi ** (2 * step) for step in range(lead[0, row]))
        g[:, row] = error / math.sqrt(variance)
    found = scores.fit_phi(g, lead)
    assert np.abs(found - phi).max() <= 0.3 * (phi == 0) + 0.1 * (phi > 0)
    w = scores.conditional(g, lead, np.full(3, phi))
    assert abs(w.std() - 1) < 0.06
    assert abs((w[:, 1:] * w[:, :-1]).mean()) < 0.07


def test_after_a_missing_row_a_score_is_taken_as_it_is() -> None:
    """Nothing is known of the row before."""
    g = np.array([[1.0, NAN, 2.0, 3.0]])
    w = scores.conditional(g, np.array([[1, 2, 3, 4]]), np.array([1.0]))
    assert w[0, [0, 2]].tolist() == [1.0, 2.0]
    assert w[0, 3] == pytest.approx((3 - math.sqrt(3 / 4) * 2) / math.sqrt(1 / 4))


def test_memory_is_that_of_yule_and_walker() -> None:
    """Coefficients from autocovariances in a loop; a spike echoes no further than WIDE."""
    rng = np.random.default_rng(2)
    w = rng.normal(size=(1, 400))
    for row in range(2, 400):
        w[0, row] += 0.6 * w[0, row - 1] - 0.3 * w[0, row - 2]
    w[0, 50] = 40.0
    x = np.clip(w[0], -scores.WIDE, scores.WIDE)
    order = scores.ORDER
    lags = np.array([sum(x[i] * x[i - lag] for i in range(lag, 400)) for lag in range(order + 1)])
    lags /= lags[0]  # one series: what all show is what it shows
    matrix = [[lags[abs(i - j)] + 1e-3 * (i == j) for j in range(order)] for i in range(order)]
    expected = np.linalg.solve(matrix, lags[1:])
    memory = scores.fit_memory(w)
    np.testing.assert_allclose(memory[0], expected, rtol=1e-6)
    u = scores.without_memory(w, memory)
    by_hand = w[0, 300] - sum(memory[0, lag - 1] * x[300 - lag] for lag in range(1, order + 1))
    assert u[0, 300] == pytest.approx(by_hand)
    assert abs(u[0, 51] - w[0, 51]) <= scores.WIDE * np.abs(memory).sum()


def test_levels_are_running_medians() -> None:
    """Of the known among the last seven; none where fewer than five are known."""
    rng = np.random.default_rng(3)
    old = rng.normal(size=(2, 60))
    old[0, rng.random(60) < 0.3] = NAN
    found = scores.levels(old)
    for series in range(2):
        for row in range(60):
            window = old[series, max(row - 6, 0) : row + 1]
            known = window[np.isfinite(window)]
            expected = np.median(known) if len(known) >= 5 and np.isfinite(old[series, row]) else NAN
            np.testing.assert_allclose(found[series, row], expected)


def test_three_spikes_move_no_level() -> None:
    """Four rows of seven do."""
    old = np.zeros((1, 20))
    old[0, 10:13] = 9.0
    assert np.nanmax(scores.levels(old)) == 0.0
    old[0, 13] = 9.0
    assert np.nanmax(scores.levels(old)) == 9.0
