"""Every metric against a naive function that loops over its points."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from forecaster.evaluation import metrics


def naive_mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers) if numbers else math.nan


def pairs(actual, forecast):
    return [(y, f) for y, f in zip(actual.ravel(), forecast.ravel(), strict=True) if not math.isnan(y)]


ORACLES = {
    "mae": lambda y, f: naive_mean(abs(a - b) for a, b in pairs(y, f)),
    "rmse": lambda y, f: math.sqrt(naive_mean((a - b) ** 2 for a, b in pairs(y, f))),
    "mape": lambda y, f: naive_mean(100 * abs(a - b) / abs(a) for a, b in pairs(y, f) if a != 0),
    "smape": lambda y, f: naive_mean(
        200 * abs(a - b) / (abs(a) + abs(b)) if a or b else 0 for a, b in pairs(y, f)
    ),
    "bias": lambda y, f: naive_mean(b - a for a, b in pairs(y, f)),
}
values = st.one_of(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), st.just(0.0))
two_arrays = hnp.array_shapes(min_dims=1, max_dims=3, max_side=5).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(float, shape, elements=st.one_of(values, st.just(math.nan))),
        hnp.arrays(float, shape, elements=values),
    )
)


@pytest.mark.parametrize("name", ORACLES)
@given(two_arrays)
def test_equals_its_naive_form(name, arrays):
    """A metric equals its textbook loop on any shape, with gaps and zeros; NaN where nothing was seen."""
    actual, forecast = arrays
    got = getattr(metrics, name)(actual, forecast)
    assert got == pytest.approx(ORACLES[name](actual, forecast), rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", ORACLES)
def test_axis_averages_each_series_by_itself(name):
    """With an axis, the result is the metric of each slice."""
    rng = np.random.default_rng(1)
    actual, forecast = rng.normal(size=(2, 3, 5, 4)).round(1)
    actual[rng.random(actual.shape) < 0.3] = np.nan
    actual[:, 2] = np.nan
    got = getattr(metrics, name)(actual, forecast, axis=(0, 2))
    want = [ORACLES[name](actual[:, s], forecast[:, s]) for s in range(5)]
    assert np.allclose(got, want, equal_nan=True)
    assert np.isnan(got[2])


@pytest.mark.parametrize("name", ORACLES)
def test_a_forecast_that_is_not_a_number_is_not_hidden(name):
    """NaN in the forecast of an observed point makes the metric NaN; beside a gap it does not matter."""
    metric = getattr(metrics, name)
    assert np.isnan(metric(np.array([1.0, 2.0]), np.array([np.nan, 2.0])))
    assert metric(np.array([np.nan, 2.0]), np.array([np.nan, 2.0])) == 0


def test_smape_is_at_most_200_percent():
    """A forecast of the opposite sign, or of zero, counts 200 %."""
    assert metrics.smape(np.array([3.0, -1.0]), np.array([0.0, 5.0])) == 200


def test_mape_of_zeros_only_is_undefined():
    """Points with an actual value of zero are left out; where none remains there is no MAPE."""
    assert np.isnan(metrics.mape(np.zeros(3), np.ones(3)))
    assert metrics.mape(np.array([0.0, 2.0]), np.array([9.0, 1.0])) == 50


@given(two_arrays, st.floats(0.01, 0.99))
def test_pinball_equals_its_naive_form(arrays, quantile):
    """Above the forecast an error costs q, below it 1 - q."""
    actual, forecast = arrays
    want = naive_mean(quantile * (y - f) if y >= f else (1 - quantile) * (f - y) for y, f in pairs(*arrays))
    got = metrics.pinball(actual, forecast, quantile)
    assert got == pytest.approx(want, rel=1e-9, abs=1e-9, nan_ok=True)


def test_coverage_counts_the_bounds_and_skips_gaps():
    """Coverage is the percentage of observed points within the closed interval."""
    actual = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    lower, upper = np.full(5, 2.0), np.full(5, 3.0)
    assert metrics.coverage(actual, lower, upper) == 50
    upper[0] = np.nan
    assert np.isnan(metrics.coverage(actual, lower, upper))


def naive_scale(history, season):
    steps = [abs(history[t] - history[t - season]) for t in range(season, len(history))]
    scale = naive_mean(step for step in steps if not math.isnan(step))
    return scale if scale > 0 else math.nan


@given(
    hnp.arrays(float, st.integers(0, 20), elements=st.one_of(values, st.just(math.nan))), st.integers(1, 8)
)
def test_mase_scale_equals_its_naive_form(history, season):
    """The scale is the mean step over pairs that were both observed, NaN where there is none or it is 0."""
    assert metrics.mase_scale(history, season) == pytest.approx(naive_scale(history, season), nan_ok=True)


@pytest.mark.parametrize("history", [[], [1.0], [1.0, 2.0], [5.0] * 9, [np.nan] * 9])
def test_mase_is_undefined_for_short_and_constant_histories(history):
    """Without a seasonal step there is no scale, and then no MASE."""
    scale = metrics.mase_scale(np.array(history), 2)
    assert math.isnan(scale)
    assert np.isnan(metrics.mase(np.ones(3), np.zeros(3), scale))


def test_mase_divides_each_series_by_its_own_scale():
    """MASE is the MAE of a series over its scale."""
    actual, forecast = np.array([[1.0, 3.0], [10.0, 30.0]]), np.zeros((2, 2))
    assert metrics.mase(actual, forecast, [2.0, 40.0], axis=1).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("error", "baseline", "want"), [(1, 2, 0.5), (2, 1, -1), (0, 3, 1), (0, 0, 0), (1, 0, math.nan)]
)
def test_skill_is_positive_where_the_error_is_smaller(error, baseline, want):
    """Skill is 1 - error / baseline; 0 where neither errs, undefined where only the model does."""
    assert metrics.skill(error, baseline) == pytest.approx(want, nan_ok=True)


def test_every_metric_of_the_report_is_compared_with_a_loop():
    """A metric that is added to the report needs an oracle here; scaled ones have tests of their own."""
    assert set(metrics.METRICS) - {"mase", "rmsse"} == set(ORACLES)


@given(two_arrays, st.sampled_from([50, 80, 95]))
def test_the_interval_score_equals_its_naive_form(arrays, level):
    """The width, and a fine for each miss that grows with the level."""
    actual, middle = arrays
    lower, upper = middle - 1.5, middle + 2.5
    fine = 2 / (1 - level / 100)
    want = naive_mean(
        4.0 + fine * (max(f - 1.5 - y, 0) + max(y - f - 2.5, 0)) for y, f in pairs(actual, middle)
    )
    got = metrics.interval_score(actual, lower, upper, level)
    assert got == pytest.approx(want, rel=1e-9, abs=1e-6, nan_ok=True)


@given(two_arrays)
def test_crps_and_wql_are_pinball_losses(arrays):
    """CRPS is twice the mean pinball loss, WQL that over the mean size of the actual values."""
    actual, middle = arrays
    quantiles = {level: middle + level for level in (0.1, 0.5, 0.9)}
    losses = [metrics.pinball(actual, forecast, level) for level, forecast in quantiles.items()]
    assert metrics.crps(actual, quantiles) == pytest.approx(2 * np.mean(losses), nan_ok=True)
    size = naive_mean(abs(y) for y, _ in pairs(*arrays))
    want = 2 * np.mean(losses) / size if size > 0 else math.nan
    assert metrics.wql(actual, quantiles) == pytest.approx(want, nan_ok=True)
