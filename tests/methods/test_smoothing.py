"""The best Theta and the damped trend against plain loops over one series; smoothing of a whole panel."""

import itertools

import numpy as np
import pytest
from panels import panel_of, wavy

from forecaster.features.scale_choice import LOGARITHMS, ROOTS, UNITS
from forecaster.features.transform import fit_each, fit_transform
from forecaster.methods import damped_trend as damped_module
from forecaster.methods import theta as theta_module
from forecaster.methods.blend import SMOOTHING, Blend
from forecaster.methods.damped_trend import damped
from forecaster.methods.exponential_smoothing import exponential_smoothing
from forecaster.methods.smoothing import LONGEST, METHODS, TABLE_METHODS, methods_of, smoothing_forecasts
from forecaster.methods.theta import TIE, best_theta, theta

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


@pytest.mark.parametrize(("method", "oracle"), [(best_theta, naive_theta), (damped, naive_damped)])
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
    """Theta follows a straight line nearly; damped trends follow it for a while and flatten."""
    y = np.arange(1.0, 41.0)[:, None]
    inside = np.ones(y.shape, bool)
    for method in (theta, best_theta):
        np.testing.assert_allclose(method(y, inside, HORIZON)[0], np.arange(41.0, 46.0), rtol=0.02)
    for method in (damped, exponential_smoothing):
        steps = np.diff(method(y, inside, 30)[0])
        assert (steps > 0).all()
        assert (np.diff(steps) < 0).all()


def fitted_each(panel, power, *, seasons=(), horizon=HORIZON):
    """The transform of all rows with one power for every series."""
    powers = np.full(len(panel), power)
    return fit_each(panel, panel.lengths, power=powers, seasons=seasons, horizon=horizon)


@pytest.mark.parametrize("power", [UNITS, ROOTS, LOGARITHMS])
def test_seasons_come_back(power):
    """The forecast of a pure season continues it, in every scale and by every method."""
    wave = 20 + np.tile([0.0, 5.0, 2.0, -3.0, -4.0, 1.0, -1.0], 12)
    panel = panel_of(wave, seasons=(7, 365))
    found = smoothing_forecasts(panel, panel.lengths, fitted_each(panel, power, seasons=(7,)), HORIZON)
    assert set(found) == set(METHODS)
    for name, values in found.items():
        np.testing.assert_allclose(values[0], wave[:HORIZON], rtol=2e-3, err_msg=name)


@pytest.mark.parametrize("log", [False, True])
def test_seasons_come_back_as_models_of_format_1_remove_them(log):
    """The same with the index of a moving average and one scale for the table."""
    wave = 20 + np.tile([0.0, 5.0, 2.0, -3.0, -4.0, 1.0, -1.0], 12)
    panel = panel_of(wave, seasons=(7, 365))
    fitted = fit_transform(panel, panel.lengths, log=log, seasons=(7,), horizon=HORIZON)
    for values in smoothing_forecasts(panel, panel.lengths, fitted, HORIZON, methods=TABLE_METHODS).values():
        np.testing.assert_allclose(values[0], wave[:HORIZON], rtol=1e-3)


@pytest.mark.parametrize(("power", "least"), [(LOGARITHMS, 0.1), (ROOTS, 0.0)])
def test_positive_series_stay_positive(power, least):
    """A steep fall never turns a forecast negative where the scale says that it cannot."""
    panel = panel_of(np.linspace(100.0, 1.0, 60), seasons=(7, 365))
    fitted = fitted_each(panel, power, horizon=60)
    for name, values in smoothing_forecasts(panel, panel.lengths, fitted, 60).items():
        in_units = METHODS[name].in_units
        assert (values >= (0.1 if in_units else 0.0) * 0.999).all(), name
        assert (values > 0).all() or not least, name


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
    for name in METHODS:
        found = smoothing_forecasts(panel, origins, fitted, HORIZON, methods=[name])
        assert list(found) == [name]
        assert np.isnan(found[name][0]).all()
        assert np.isfinite(found[name][1]).all()


def test_methods_see_what_the_names_say():
    """Methods in units follow a line in units, the others a line in the scale, of each series its own."""
    growth = np.exp(0.3 * np.arange(20))
    panel = panel_of(growth, growth)
    fitted = fit_each(panel, panel.lengths, power=np.array([LOGARITHMS, UNITS]), seasons=(), horizon=6)
    found = smoothing_forecasts(panel, panel.lengths, fitted, 6)
    last = {name: values[:, -1] for name, values in found.items()}
    for name in ("exponential smoothing", "averaged theta"):
        assert last[name][0] > 1.2 * last[f"{name} in units"][0]
    assert last["damped"][0] > 1.2 * last["damped in units"][0]
    assert last["theta in logarithms"][0] > 1.2 * last["theta"][0]
    for scaled, in_units in (
        ("exponential smoothing", "exponential smoothing in units"),
        ("averaged theta", "averaged theta in units"),
        ("damped", "damped in units"),
    ):
        np.testing.assert_allclose(found[scaled][1], found[in_units][1], rtol=1e-9)


@pytest.mark.parametrize("season", [1, 7])
def test_the_scale_of_one_series_is_no_matter_of_another(season):
    """Each series is smoothed among others as it is alone, whatever scales they have."""
    rng = np.random.default_rng(3)
    series = [wavy(rng, n) for n in (60, 45, 30)]
    power = np.array([LOGARITHMS, UNITS, ROOTS])
    seasons = (season,) if season > 1 else ()
    panel = panel_of(*series)
    together = smoothing_forecasts(
        panel,
        panel.lengths,
        fit_each(panel, panel.lengths, power=power, seasons=seasons, horizon=HORIZON),
        HORIZON,
    )
    for number, values in enumerate(series):
        alone = panel_of(values)
        single = smoothing_forecasts(
            alone, alone.lengths, fitted_each(alone, power[number], seasons=seasons), HORIZON
        )
        for name, expected in single.items():
            np.testing.assert_allclose(together[name][number], expected[0], rtol=1e-4, err_msg=name)


def test_both_scales_where_they_differ():
    """The methods of a blend are tried in both scales where any series has one of its own."""
    seasonal = methods_of(Blend({}, True, (12,), "each"))
    assert seasonal == (
        "exponential smoothing",
        "averaged theta",
        "exponential smoothing in units",
        "averaged theta in units",
    )
    assert methods_of(Blend({}, True, (), "each")) == (*seasonal, "damped in units")
    assert methods_of(Blend({}, False, (12,), "each")) == seasonal[:2]
    assert set(METHODS) == set(SMOOTHING)


def test_both_scales_where_there_is_no_season_of_format_1():
    """Without a season, models of format 1 smooth positive data both in units and in logarithms."""
    usual = TABLE_METHODS[:2]
    assert methods_of(Blend({}, True, (12,))) == methods_of(Blend({}, False, ())) == usual
    assert methods_of(Blend({}, True, ())) == TABLE_METHODS
