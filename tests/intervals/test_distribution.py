"""Distribution: intervals that nest and cover, series on their own footing, paths."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import UsageError
from forecaster.intervals.deviations import deviations, outcomes
from forecaster.intervals.distribution import Distribution, fit
from forecaster.intervals.past import PastRows

LEVELS = (50, 80, 90, 95, 99, 99.9)


def naive(values, horizon, origins, step=None, *, log=False, kinds=None, count=1, seasons=()):
    """Series (S, n) forecast by their last value from `origins` origins and from their end.

    Returns the Distribution, its Quantiles after the last row, and that PastRows.
    """
    series, rows = values.shape
    step = step or horizon
    log = np.broadcast_to(log, series)
    kinds = np.zeros(series, np.int64) if kinds is None else kinds

    def history(end):
        return PastRows(
            values.ravel(),
            np.isfinite(values).ravel(),
            np.arange(series) * rows,
            np.full(series, end),
            np.array(log),
            np.zeros(series, np.int64),
            np.zeros(series, np.int64),
        )

    starts = [rows - horizon - step * number for number in reversed(range(origins))]
    point = np.array([np.repeat(values[:, end - 1 : end], horizon, axis=1) for end in starts])
    actual = np.array([values[:, end : end + horizon] for end in starts])
    shape = (0, series, horizon)
    learned = fit(
        [history(end) for end in starts] or [history(rows)],
        point if starts else np.empty(shape),
        actual if starts else np.empty(shape),
        kinds,
        count,
        seasons,
    )
    last = history(rows)
    newest = np.repeat(values[:, -1:], horizon, axis=1)
    return learned, learned.forecast(last, newest, kinds, seasons, learned.factors), last


def walks(seed, series, rows, *, deviation=1.0):
    rng = np.random.default_rng(seed)
    return 100 + deviation * np.cumsum(rng.normal(size=(series, rows)), axis=1)


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("origins", [0, 1, 8])
def test_levels_nest_and_widths_rise_with_the_step(log, origins):
    """250 daily prices: a higher level is wider at every step, and no step is narrower than that before."""
    prices = np.exp(walks(0, 1, 250, deviation=0.02) / 100 + 4)
    _, found, _ = naive(prices, 10, origins, log=log)
    bounds = [found.interval(level) for level in LEVELS]
    widths = np.stack([upper - lower for lower, upper in bounds])  # (levels, 1, H)
    assert (np.diff(widths, axis=0) > 0).all()
    assert (np.diff(widths, axis=2) >= -0.02 * widths[:, :, 1:]).all()
    assert all((lower < found.point).all() and (found.point < upper).all() for lower, upper in bounds)


def test_coverage_holds_for_rows_to_come():
    """Over many walks, each alone, 80 and 95 % of what follows lies within, overall and at each step."""
    rows, horizon = 200, 6
    values = walks(1, 300, rows + horizon)
    inside = np.empty((2, 300, horizon))
    for number in range(300):
        _, found, _ = naive(values[number : number + 1, :rows], horizon, 4)
        for place, level in enumerate((80, 95)):
            lower, upper = found.interval(level)
            actual = values[number, rows:]
            inside[place, number] = (lower[0] <= actual) & (actual <= upper[0])
    np.testing.assert_allclose(inside.mean(axis=(1, 2)), [0.80, 0.95], atol=0.035)
    np.testing.assert_allclose(inside.mean(axis=1), np.array([[0.80], [0.95]]).repeat(horizon, 1), atol=0.07)


def test_a_quiet_series_does_not_inherit_a_wild_neighbour():
    """A pH that never leaves 7.4 to 7.6 keeps an interval of that order beside turbidity."""
    rng = np.random.default_rng(2)
    acid = 7.5 + 0.01 * rng.normal(size=400)
    turbid = np.exp(np.cumsum(rng.normal(size=400) * 0.5) * 0.2 + rng.normal(size=400))
    _, alone, _ = naive(acid[None], 12, 8)
    _, both, _ = naive(np.stack([acid, turbid]), 12, 8)
    one, two = ((found.interval(95)[1] - found.interval(95)[0])[0] for found in (alone, both))
    assert (one < 0.15).all()
    np.testing.assert_allclose(two, one, rtol=0.5)


def test_a_new_series_is_forecast_with_the_factor_one():
    """Another table's series takes the quantiles of its kind."""
    learned, _, _ = naive(walks(3, 5, 150), 6, 5)
    other = walks(4, 2, 80)
    history = PastRows(
        other.ravel(),
        np.ones(160, bool),
        np.array([0, 80]),
        np.array([80, 80]),
        np.zeros(2, bool),
        np.zeros(2, np.int64),
        np.zeros(2, np.int64),
    )
    point, kinds = np.repeat(other[:, -1:], 6, axis=1), np.zeros(2, np.int64)
    plain, ones = (learned.forecast(history, point, kinds, (), f) for f in (None, np.ones(2)))
    np.testing.assert_array_equal(plain.quantile(0.9), ones.quantile(0.9))
    assert (plain.quantile(0.9) > point).all()


def test_widths_follow_factors_and_positions():
    """Twice the factor is twice the width; half the size at a position of the calendar is half the width."""
    learned, found, history = naive(walks(12, 2, 200), 6, 4)
    point, kinds = found.point, found.kinds
    half = dataclasses.replace(learned, positions=np.array([[1.0, 0.5, 1.0]]))
    later = dataclasses.replace(history, first=np.array([0, 1]))  # 200 rows known: positions 2 and 0 are next
    one = learned.forecast(history, point, kinds, ()).quantile(0.9) - point
    twice = learned.forecast(history, point, kinds, (), np.full(2, 2.0)).quantile(0.9) - point
    placed = half.forecast(later, point, kinds, ()).quantile(0.9) - point
    np.testing.assert_allclose(twice, 2 * one)
    np.testing.assert_allclose(placed[0] / one[0], [1, 1, 0.5, 1, 1, 0.5])
    np.testing.assert_allclose(placed[1] / one[1], [1, 0.5, 1, 1, 0.5, 1])


def test_a_shorter_horizon_is_the_start_of_the_longer():
    """Asked for fewer steps, quantiles of those stay what they were."""
    learned, full, history = naive(walks(5, 3, 2000), 60, 4)
    short = learned.forecast(history, full.point[:, :7], full.kinds, (), learned.factors)
    np.testing.assert_array_equal(short.quantile(0.9), full.quantile(0.9)[:, :7])


def test_the_model_file_brings_back_the_same():
    """Through arrays and back, the same quantiles and paths."""
    learned, found, history = naive(walks(6, 3, 120), 5, 4, log=True)
    again = Distribution.from_arrays(learned.to_arrays())
    same = again.forecast(history, found.point, found.kinds, (), again.factors)
    np.testing.assert_array_equal(same.quantile(0.05), found.quantile(0.05))
    assert all(isinstance(array, np.ndarray) for array in learned.to_arrays().values())


def test_paths_have_the_quantiles_and_the_dependence_of_a_walk():
    """Samples agree with the quantiles at each step, and their sums spread as those of walks do."""
    _, found, _ = naive(walks(7, 30, 400), 12, 20)
    paths = found.samples(4000, np.random.default_rng(0), np.array([3]))[0]  # (N, H)
    for level in (0.05, 0.3, 0.8, 0.99):
        share = (paths < found.quantile(level)[3]).mean(axis=0)
        np.testing.assert_allclose(share, level, atol=0.03)
    together = np.corrcoef(paths.T)
    assert together[10, 11] > 0.9
    assert 0.15 < together[0, 11] < 0.45  # sqrt(1/12) = .29


def test_paths_of_noise_do_not_hang_together():
    """Forecasts of noise by its mean: errors of neighbouring steps are unrelated, and so are the paths."""
    rng = np.random.default_rng(8)
    values = rng.normal(size=(40, 300))
    origins = range(100, 290, 10)
    histories = [
        PastRows(
            values.ravel(),
            np.ones(values.size, bool),
            np.arange(40) * 300,
            np.full(40, end),
            np.zeros(40, bool),
            np.zeros(40, np.int64),
            np.zeros(40, np.int64),
        )
        for end in origins
    ]
    actual = np.array([values[:, end : end + 10] for end in origins])
    kinds = np.zeros(40, np.int64)
    learned = fit(histories, np.zeros_like(actual), actual, kinds, 1, ())
    found = learned.forecast(histories[-1], np.zeros((40, 10)), kinds, ())
    paths = found.samples(3000, np.random.default_rng(1), np.array([0]))[0]
    off = np.corrcoef(paths.T)[np.triu_indices(10, 1)]
    assert np.abs(off).max() < 0.15


def test_paths_are_deterministic_and_do_not_depend_on_later_series():
    """The same generator gives the same paths; asking for more series leaves the first as they were."""
    _, found, _ = naive(walks(9, 4, 120), 6, 4)
    one = found.samples(10, np.random.default_rng(5))
    two = found.samples(10, np.random.default_rng(5), np.array([0, 1]))
    np.testing.assert_array_equal(one[:2], two)
    assert one.shape == (4, 10, 6)


def test_after_a_change_of_level_the_interval_is_of_the_new_level():
    """A walk divided by ten 40 rows ago: bounds of the new level's order, in logarithms or not."""
    values = walks(10, 1, 150) + 100
    values[:, 110:] /= 10
    learned, _, history = naive(values, 6, 0)
    for log in (True, False):
        new = dataclasses.replace(history, log=np.array([log]), begins=np.array([110]))
        found = learned.forecast(new, np.full((1, 6), values[0, -1]), np.zeros(1, np.int64), ())
        lower, upper = found.interval(95)
        assert (lower > 0.8 * values[0, -1]).all()
        assert (upper < 1.2 * values[0, -1]).all()


@pytest.mark.parametrize("level", [0.0, 1.0, -3, 2])
def test_a_quantile_outside_is_named(level):
    """A level that no quantile has is the user's mistake."""
    _, found, _ = naive(walks(11, 1, 60), 3, 1)
    with pytest.raises(UsageError, match="quantile"):
        found.quantile(level)
    with pytest.raises(UsageError, match="interval level"):
        found.interval(100 * level if level in (0.0, 1.0) else 100 + abs(level))


@settings(deadline=None)
@given(st.floats(1e-3, 1e3), st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8), st.booleans())
def test_outcomes_undo_deviations(point, actual, log):
    """The value that deviates as a value does is that value, and larger ones deviate more."""
    actual = np.sort(np.array(actual))[None]
    points, logs = np.full(actual.shape, point), np.array([log])
    deviation = deviations(actual, points, logs)
    np.testing.assert_allclose(outcomes(points, deviation, logs), actual, rtol=1e-9)
    assert (np.diff(deviation) >= 0).all()
