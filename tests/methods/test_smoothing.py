"""Theta and the damped trend against plain loops over one series, one parameter set at a time."""

import itertools

import numpy as np
import pytest
from panels import panel_of, wavy

from forecaster.features.transform import fit_transform
from forecaster.methods import damped_trend as damped_module
from forecaster.methods import theta as theta_module
from forecaster.methods.blend import SMOOTHING
from forecaster.methods.damped_trend import damped
from forecaster.methods.smoothing import LONGEST, smoothing_forecasts, smoothing_methods
from forecaster.methods.theta import TIE, theta

HORIZON = 5


def naive_theta(y):
    """Forecasts of the best pair of the grid, from the formulas as they are printed."""
    best = (np.inf, None)
    for alpha, omega in itertools.product(theta_module.ALPHAS, theta_module.OMEGAS):
        level, error = alpha * y[0] + (1 - alpha) * (1 - omega) * y[0], 0.0
        for t in range(1, len(y) + 1):
            slope, intercept = np.polyfit(np.arange(1, t + 1), y[:t], 1) if t > 1 else (0.0, y[0])
            push = (1 - alpha) ** t * intercept + (1 - (1 - alpha) ** (t + 1)) / alpha * slope
            ahead = level + omega * push
            if t < len(y):
                error += (y[t] - ahead) ** 2
                level = alpha * y[t] + (1 - alpha) * level
        forecasts = ahead + omega * slope * np.arange(HORIZON)
        if error < best[0] * (1 - TIE):
            best = (error, forecasts)
    return best[1]


def naive_damped(y):
    """Forecasts of the best triple of the grid, in error-correction form."""
    best = (np.inf, None)
    for alpha, beta, phi in itertools.product(damped_module.ALPHAS, damped_module.BETAS, damped_module.PHIS):
        level, trend, squared = y[0], 0.0, 0.0
        for value in y[1:]:
            error = value - level - phi * trend
            level, trend = level + phi * trend + alpha * error, phi * trend + alpha * beta * error
            squared += error**2
        reach = np.cumsum(phi ** np.arange(1, HORIZON + 1))
        if squared < best[0] * (1 - TIE):
            best = (squared, level + trend * reach)
    return best[1]


@pytest.mark.parametrize(("method", "oracle"), [(theta, naive_theta), (damped, naive_damped)])
def test_each_series_is_as_a_plain_loop_has_it(method, oracle):
    """Series of several lengths, smoothed together, equal a loop over each series alone."""
    rng = np.random.default_rng(0)
    series = [10 + rng.normal(0.1, 1, n).cumsum() for n in (30, 22, 9, 2)]
    y, inside = np.zeros((30, 4)), np.zeros((30, 4), bool)
    for column, values in enumerate(series):
        y[-len(values) :, column], inside[-len(values) :, column] = values, True
        y[: -len(values), column] = 99.0  # must not be read
    found = method(y, inside, HORIZON)
    for column, values in enumerate(series):
        np.testing.assert_allclose(found[column], oracle(values), rtol=1e-8)


def test_a_line_is_continued():
    """Theta follows a straight line nearly; the damped trend follows it for a while and flattens."""
    y = np.arange(1.0, 41.0)[:, None]
    inside = np.ones(y.shape, bool)
    np.testing.assert_allclose(theta(y, inside, HORIZON)[0], np.arange(41.0, 46.0), rtol=0.02)
    steps = np.diff(damped(y, inside, 30)[0])
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


@pytest.mark.parametrize("log", [False, True])
def test_seasons_come_back(log):
    """The forecast of a pure season continues it."""
    wave = 20 + np.tile([0.0, 5.0, 2.0, -3.0, -4.0, 1.0, -1.0], 12)
    panel = panel_of(wave, seasons=(7, 365))
    fitted = fit_transform(panel, panel.lengths, log=log, seasons=(7,), horizon=HORIZON)
    for values in smoothing_forecasts(panel, panel.lengths, fitted, HORIZON).values():
        np.testing.assert_allclose(values[0], wave[:HORIZON], rtol=1e-3)


def test_positive_series_stay_positive():
    """A steep fall in logarithms never turns a forecast negative."""
    panel = panel_of(np.linspace(100.0, 1.0, 60), seasons=(7, 365))
    fitted = fit_transform(panel, panel.lengths, log=True, seasons=(), horizon=60)
    for values in smoothing_forecasts(panel, panel.lengths, fitted, 60).values():
        assert (values > 0).all()


def test_only_the_newest_rows_are_smoothed():
    """Rows before the last LONGEST change nothing, where scale and centre stay the same."""
    rng = np.random.default_rng(1)
    panel = panel_of(wavy(rng, LONGEST + 50), seasons=(7, 365))
    fitted = fit_transform(panel, panel.lengths, log=False, seasons=(), horizon=HORIZON)
    before = smoothing_forecasts(panel, panel.lengths, fitted, HORIZON)
    fitted.z[:50] += 100.0
    after = smoothing_forecasts(panel, panel.lengths, fitted, HORIZON)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_a_series_of_which_nothing_is_known_is_nan():
    """A series without rows has no forecast and does not change the others."""
    rng = np.random.default_rng(2)
    panel = panel_of(wavy(rng, 40), wavy(rng, 40), seasons=(7, 365))
    origins = np.array([0, 40])
    fitted = fit_transform(panel, origins, log=False, seasons=(), horizon=HORIZON)
    found = smoothing_forecasts(panel, origins, fitted, HORIZON, methods=["theta"])
    assert list(found) == ["theta"]
    assert np.isnan(found["theta"][0]).all()
    assert np.isfinite(found["theta"][1]).all()


def test_both_scales_where_there_is_no_season():
    """Without a season, positive data is smoothed both in units and in logarithms."""
    assert (
        smoothing_methods(log=True, seasons=(12,))
        == smoothing_methods(log=False, seasons=())
        == SMOOTHING[:2]
    )
    assert set(smoothing_methods(log=True, seasons=())) == set(SMOOTHING)
    panel = panel_of(np.exp(0.3 * np.arange(20)))
    fitted = fit_transform(panel, panel.lengths, log=True, seasons=(), horizon=6)
    found = smoothing_forecasts(panel, panel.lengths, fitted, 6)
    growth = {name: (values[0, 1:] / values[0, :-1])[-1] for name, values in found.items()}
    assert growth["damped"] > growth["damped in units"]  # a line in logarithms bends upwards in units
    assert growth["theta in logarithms"] > growth["theta"]
