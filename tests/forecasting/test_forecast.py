"""Forecasts: components, blend and intervals. They read only rows before the origin."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import panel_of, wavy, with_garbage

from forecaster.config import Options, ReadConfig
from forecaster.errors import ModelError
from forecaster.features.transform import fit_transform
from forecaster.features.windows import Windows
from forecaster.forecasting.components import combine, component_forecasts, point_forecasts
from forecaster.forecasting.forecast import forecast
from forecaster.forecasting.spread import SPREAD_ROWS, intervals, local_spread, scaled_residuals
from forecaster.methods.baselines import baseline_forecasts
from forecaster.methods.blend import Blend, prior
from forecaster.methods.smoothing import smoothing_forecasts
from forecaster.model.model import Facts, Model
from forecaster.training import ensemble
from forecaster.training.plan import plan, smoothing_partner

HORIZON = 4
OPTIONS = Options(horizon=HORIZON, hidden=8, steps=25, lookback=14, segment=7, members=2, levels=(80, 95))


def make_model(panel, options=OPTIONS, weights=None):
    """A model of all rows of a panel, with half-widths of one and two spreads."""
    fitted = ensemble.fit_unvalidated(
        panel, panel.lengths, plan(panel, panel.lengths, HORIZON, options), options, None
    )
    members = tuple(item.member for item in fitted)
    blend = smoothing_partner(panel, panel.lengths, options)
    facts = Facts(
        source="",
        read=ReadConfig(),
        names=panel.names,
        frequency=panel.frequency,
        series=len(panel),
        rows=len(panel.values),
        first=int(panel.time.min()),
        last=int(panel.time.max()),
        training={"shortest": int(panel.lengths.min())},
    )
    blend = dataclasses.replace(blend, weights=weights or prior(len(members)))
    widths = np.array([[1.0], [2.0]]) * np.sqrt(np.arange(1, HORIZON + 1))
    return Model(options, members, blend, widths, facts)


@pytest.fixture(scope="module")
def panel():
    """Three daily series, one of them with gaps."""
    rng = np.random.default_rng(0)
    return panel_of(wavy(rng, 90), wavy(rng, 70, gaps=0.1), wavy(rng, 60, level=500.0), seasons=(7, 365))


@pytest.fixture(scope="module")
def model(panel):
    return make_model(panel)


ALL = {"network 1": 0.3, "network 2": 0.2, "theta": 0.2, "naive": 0.1, "seasonal naive 7": 0.1, "drift": 0.1}


# --- components and blend ------------------------------------------------------------------------------


def test_a_network_sees_the_transformed_window(panel, model):
    """A network's forecast is its output on the window before the origin, transformed back."""
    origins = panel.lengths - 3
    found = component_forecasts(model.members, model.blend, panel, origins)
    for number, member in enumerate(model.members):
        config = member.config
        fitted = fit_transform(panel, origins, log=config.log, seasons=config.seasons, horizon=HORIZON)
        windows = Windows(
            panel,
            fitted,
            lookback=config.lookback,
            segment=config.segment,
            horizon=HORIZON,
            gaps=config.gaps,
            phases=config.phases,
            level_rows=config.level_rows,
        )
        series = np.arange(3)
        batch = windows.inputs(series, origins)
        outputs, _ = member.network.forward(batch.inputs, mask=batch.mask)
        z = outputs.T + windows.level(series, origins)[:, None]
        expected = fitted.invert(z.astype(float), series, origins)
        np.testing.assert_allclose(found[f"network {number + 1}"], expected, rtol=1e-5)


def test_components_are_all_there(panel, model):
    """Each component forecasts every series; smoothing and baselines equal their own functions."""
    origins = panel.lengths
    found = component_forecasts(model.members, model.blend, panel, origins)
    names = {"network 1", "network 2", "theta", "damped", "naive", "seasonal naive 7", "drift", "mean"}
    assert names <= set(found)
    assert all(values.shape == (3, HORIZON) and np.isfinite(values).all() for values in found.values())
    seasons = panel.frequency.seasonalities
    for name, values in baseline_forecasts(panel, origins, HORIZON, seasons=seasons).items():
        np.testing.assert_array_equal(found[name], values)
    fitted = fit_transform(panel, origins, log=model.blend.log, seasons=model.blend.seasons, horizon=HORIZON)
    smoothed = smoothing_forecasts(panel, origins, fitted, HORIZON)
    for name in ("theta", "damped"):
        np.testing.assert_array_equal(found[name], smoothed[name])


def test_only_what_is_wanted_is_forecast(panel, model):
    """`only` selects components without changing them."""
    whole = component_forecasts(model.members, model.blend, panel, panel.lengths)
    for only in (["theta"], ["network 2", "drift"], ["naive"]):
        found = component_forecasts(model.members, model.blend, panel, panel.lengths, only=only)
        assert set(found) == set(only)
        for name, values in found.items():
            np.testing.assert_array_equal(values, whole[name])


def test_the_forecast_is_the_weighted_sum(panel, model):
    """The blend is the sum of its components by their weights."""
    blend = dataclasses.replace(model.blend, weights=ALL)
    parts = component_forecasts(model.members, blend, panel, panel.lengths)
    expected = sum(weight * parts[name] for name, weight in ALL.items())
    found = point_forecasts(model.members, blend, panel, panel.lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(
        combine(parts, {"naive": 0.5, "drift": 0.5}), (parts["naive"] + parts["drift"]) / 2
    )


def test_names_of_components_do_not_depend_on_the_history(panel, model):
    """A blend chosen on a long history works on a short one, where its longer season does not fit, too."""
    long = panel_of(np.tile(panel.target[:84], 10), seasons=(7, 365))
    short = panel_of(panel.target[:20], seasons=(7, 365))
    names = [
        set(component_forecasts(model.members, model.blend, each, each.lengths)) for each in (long, short)
    ]
    assert names[0] == names[1]


def test_a_series_of_which_nothing_is_known_is_nan(panel, model):
    """An origin of zero gives NaN for that series and changes nothing for the others."""
    origins = panel.lengths * [1, 0, 1]
    blend = dataclasses.replace(model.blend, weights=ALL)
    found = point_forecasts(model.members, blend, panel, origins)
    assert np.isnan(found[1]).all()
    whole = point_forecasts(model.members, blend, panel, panel.lengths)
    if not model.blend.log:
        np.testing.assert_array_equal(found[[0, 2]], whole[[0, 2]])
    assert np.isfinite(found[[0, 2]]).all()
    for name, values in component_forecasts(model.members, blend, panel, origins).items():
        assert np.isnan(values[1]).all(), name


@pytest.mark.parametrize("seed", range(3))
def test_garbage_after_the_ends_changes_no_byte(panel, model, seed):
    """Rows at or after an origin change neither the forecast from it nor its intervals."""
    origins = panel.lengths - [1, 9, 30]
    blend = dataclasses.replace(model.blend, weights=ALL)
    garbage = with_garbage(panel, origins, seed=seed)
    one, other = (point_forecasts(model.members, blend, each, origins) for each in (panel, garbage))
    assert one.tobytes() == other.tobytes()
    for log in (True, False):
        one, other = (local_spread(each, origins, 14, log=log) for each in (panel, garbage))
        assert one.tobytes() == other.tobytes()


def test_values_below_zero_do_not_fit_a_model_in_logarithms(panel, model):
    """A model that takes logarithms refuses values of zero or below."""
    assert model.blend.log
    values = panel.values.copy()
    values[40] = 0.0
    with pytest.raises(ModelError, match="logarithms") as caught:
        forecast(model, dataclasses.replace(panel, values=values))
    assert "--no-log" in caught.value.hint


# --- forecast ------------------------------------------------------------------------------------------


def test_intervals_nest_around_the_forecast(panel, model):
    """Each level's interval holds the forecast and the interval of the lower level."""
    found = forecast(model, panel)
    assert found.point.shape == (3, HORIZON)
    assert found.lower.shape == found.upper.shape == (2, 3, HORIZON)
    assert (found.lower[1] < found.lower[0]).all()
    assert (found.lower[0] < found.point).all()
    assert (found.point < found.upper[0]).all()
    assert (found.upper[0] < found.upper[1]).all()
    width = found.upper - found.lower
    assert (np.diff(width, axis=2) > 0).all()


def test_half_widths_are_in_units_of_local_spread(panel, model):
    """The bounds are the forecast times, in logarithms plus, half-width times local spread."""
    found = forecast(model, panel)
    spread = local_spread(panel, panel.lengths, model.lookback, log=True)
    np.testing.assert_allclose(np.log(found.upper[1, :, 0] / found.point[:, 0]), 2 * spread)


def test_a_shorter_horizon_is_the_beginning(panel, model):
    """Fewer steps are the first of all steps; more than trained for are refused."""
    whole, short = forecast(model, panel), forecast(model, panel, horizon=2)
    np.testing.assert_array_equal(short.point, whole.point[:, :2])
    np.testing.assert_array_equal(short.lower, whole.lower[:, :, :2])
    for wrong in (0, -1, HORIZON + 1):
        with pytest.raises(ModelError, match=f"{HORIZON} steps ahead, not {wrong}"):
            forecast(model, panel, horizon=wrong)


def test_a_history_too_short_is_refused(model):
    """The error names a series shorter than the lookback, and counts all such series."""
    short = panel_of(np.arange(1.0, 14), np.arange(1.0, 20), np.arange(1.0, 6), seasons=(7, 365))
    with pytest.raises(ModelError, match=r"'s000' has 13 rows.*needs 14.*2 series") as caught:
        forecast(model, short)
    assert "whole history" in caught.value.hint
    fits = panel_of(np.arange(1.0, 15), seasons=(7, 365))
    assert np.isfinite(forecast(model, fits).point).all()


def test_a_model_of_short_series_takes_short_series(panel):
    """A model trained on series shorter than its lookback forecasts them too."""
    rng = np.random.default_rng(0)
    model = make_model(panel_of(wavy(rng, 60), [3.0, 4.0, 5.0], seasons=(7, 365)))
    short = panel_of([5.0, 6.0, 7.0], seasons=(7, 365))
    assert np.isfinite(forecast(model, short).point).all()
    with pytest.raises(ModelError, match="needs 3"):
        forecast(model, panel_of([5.0, 6.0], seasons=(7, 365)))


def test_series_do_not_influence_each_other(panel, model):
    """A series is forecast alike alone and among others, where nothing is pooled."""
    plain = make_model(panel, dataclasses.replace(OPTIONS, log=False))
    alone = panel_of(panel.target[: panel.offsets[1]], seasons=(7, 365))
    together = forecast(plain, panel)
    single = forecast(plain, alone)
    np.testing.assert_allclose(single.point[0], together.point[0], rtol=1e-6)
    np.testing.assert_allclose(single.upper[:, 0], together.upper[:, 0], rtol=1e-6)


def test_a_constant_series_stays_constant(model):
    """The forecast of a constant is that constant, with intervals of no width."""
    found = forecast(model, panel_of(np.full(40, 3.7), seasons=(7, 365)))
    for values in (found.point, *found.lower, *found.upper):
        np.testing.assert_allclose(values, 3.7, rtol=1e-15)
    assert (found.upper - found.lower == 0).all()


def test_frame_has_the_names_of_the_user(panel, model):
    """A row for each series and step; columns for id, time, forecast and bounds of each level."""
    frame = forecast(model, panel).to_frame()
    assert list(frame.columns) == ["id", "ds", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]
    assert frame["id"].tolist() == [name for name in panel.ids for _ in range(HORIZON)]
    first = frame["ds"].iloc[0]
    assert first == pd.Timestamp(panel.time[panel.offsets[1] - 1]) + pd.Timedelta(days=1)
    np.testing.assert_array_equal(frame["hi_95"], forecast(model, panel).upper[1].ravel())


# --- spread and intervals ------------------------------------------------------------------------------


@pytest.mark.parametrize("log", [True, False])
def test_local_spread_equals_a_loop(panel, log):
    """The spread is the mean step over the last few lookbacks, unobserved rows left out."""
    origins = panel.lengths - [0, 7, 20]
    found = local_spread(panel, origins, 5, log=log)
    for s, end in enumerate(origins):
        y = panel.target[panel.offsets[s] : panel.offsets[s] + end]
        x = np.log(y) if log else y
        steps = [abs(x[t] - x[t - 1]) for t in range(max(1, end - 5 * SPREAD_ROWS), end)]
        assert found[s] == pytest.approx(np.mean([step for step in steps if not np.isnan(step)]))


def test_spread_is_never_zero_for_a_series_that_moves():
    """A constant end, or gaps between all values, fall back on the whole series; a constant has no spread."""
    quiet = np.concatenate([[1.0, 2.0, 4.0], np.full(50, 4.0)])
    holed = np.where(np.arange(40) % 2, np.nan, np.arange(40.0))
    panel = panel_of(quiet, holed, np.full(30, 2.0), [5.0])
    found = local_spread(panel, panel.lengths, 5, log=False)
    np.testing.assert_allclose(found, [3 / 52, 2.0, 0.0, 0.0])
    origins = np.array([2, 3, 30, 0])
    np.testing.assert_allclose(local_spread(panel, origins, 5, log=False), [1.0, 2.0, 0.0, 0.0])
    still_quiet = panel_of([1.0, 1.0, 1.0, 9.0])
    assert local_spread(still_quiet, np.array([3]), 5, log=False) == 0


def test_spread_of_a_single_row():
    """One row has no spread, and asks for no row beyond the data."""
    assert local_spread(panel_of([5.0]), np.array([1]), 3, log=True).tolist() == [0.0]


def test_bounds_are_in_order_whatever_the_sign():
    """Also where a blend in logarithms falls below zero, the lower bound is below the upper one."""
    point = np.array([[-2.0, 0.0, 3.0]])
    reach = np.array([[[0.1, 0.1, 0.1]], [[0.5, 0.5, 0.5]]])
    for log in (True, False):
        lower, upper = intervals(point, reach, log=log)
        assert (lower <= point).all()
        assert (point <= upper).all()
        assert (lower[1] <= lower[0]).all()
        assert (upper[0] <= upper[1]).all()


def test_scaled_residuals_undo_the_intervals():
    """A value on the bound is exactly a half-width away, in either space; what is unknown is NaN."""
    point, spread = np.array([[2.0, 3.0], [5.0, 4.0]]), np.array([0.1, 0.0])
    for log in (True, False):
        _, upper = intervals(point, np.array([[1.5], [1.5]]) * spread[:, None], log=log)
        found = scaled_residuals(upper, point, spread, log=log)
        np.testing.assert_allclose(found[0], 1.5)
        assert np.isnan(found[1]).all()
        assert np.isnan(scaled_residuals(point + 1, point, spread, log=log)[1]).all()
        assert np.isnan(scaled_residuals(np.full((2, 2), np.nan), point, spread, log=log)).all()


def test_a_blend_of_unknown_components_is_refused(panel, model):
    """A weight for an unknown component is a ModelError."""
    strange = dataclasses.replace(model, blend=Blend({"oracle": 1.0}, True, ()))
    with pytest.raises(ModelError, match="'oracle'"):
        forecast(strange, panel)


def test_a_forecast_that_is_not_finite_is_refused(panel, model):
    """Weights that blow up never reach the user as NaN or infinity."""
    wild = make_model(panel, weights={"network 1": 1.0})
    wild.members[0].network.flat *= 1e6
    with pytest.raises(ModelError, match="not finite"):
        forecast(wild, panel)


def test_a_member_without_logarithms_stays_above_zero_where_all_is_positive():
    """Forecasts stop at a tenth of the smallest known value if the blend takes logarithms, else not."""
    panel = panel_of(np.linspace(100, 2, 60), np.linspace(50, 1, 40))
    options = dataclasses.replace(OPTIONS, log=False, steps=200, lookback=6, segment=1)
    model = make_model(panel, options, {"network 1": 1.0})
    for log in (False, True):
        blend = dataclasses.replace(model.blend, log=log)
        found = component_forecasts(model.members, blend, panel, panel.lengths)["network 1"]
        floor = np.array([[0.2], [0.1]])
        assert (found >= floor).all() == log
        if log:
            assert (found == floor).any()
