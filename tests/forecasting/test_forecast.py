"""Forecasts: components, blend and intervals. They read only rows before the origin."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import GARBAGE, informed_panel, panel_of, rows_of, wavy, with_garbage

from forecaster.config import Options, ReadConfig
from forecaster.errors import ModelError
from forecaster.features.groups import GROUPS
from forecaster.features.transform import fit_scaled
from forecaster.features.view import cleaned, possible
from forecaster.features.windows import Windows
from forecaster.forecasting.components import combine, component_forecasts, point_forecasts
from forecaster.forecasting.fixed_intervals import SPREAD_ROWS, intervals, local_spread
from forecaster.forecasting.forecast import forecast
from forecaster.forecasting.pretrained import forecast_pretrained
from forecaster.forecasting.uncertainty import fit_distribution
from forecaster.forecasting.uncertainty import quantiles as quantiles_of
from forecaster.methods.baselines import baseline_forecasts
from forecaster.methods.blend import DEMAND, Blend, prior
from forecaster.methods.smoothing import TABLE_METHODS, methods_of, smoothing_forecasts
from forecaster.model.model import Facts, Model, hashes
from forecaster.training import ensemble
from forecaster.training.plan import plan, smoothing_partner

HORIZON = 4
OPTIONS = Options(horizon=HORIZON, hidden=8, steps=25, lookback=14, segment=7, members=2, levels=(80, 95))


def make_model(panel, options=OPTIONS, weights=None):
    """A model of all rows of a panel, whose intervals come from the past of each series alone."""
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
    default = prior(len(members), methods_of(blend), len(panel.values))
    blend = dataclasses.replace(blend, weights=weights or default)
    none = np.empty((0, len(panel), HORIZON))
    distribution = fit_distribution(panel, np.full((0, len(panel)), -1), none, blend)
    return Model(options, members, blend, None, facts, distribution, hashes(panel.ids))


def of_format_1(model):
    """The model as the first format has it: a scale for the table, half-widths of one and two spreads."""
    weights = prior(len(model.members), TABLE_METHODS[:2], 10**6)
    members = tuple(
        dataclasses.replace(each, config=dataclasses.replace(each.config, scales="table"))
        for each in model.members
    )
    return dataclasses.replace(
        model,
        members=members,
        blend=dataclasses.replace(model.blend, scales="table", weights=weights),
        half_widths=np.array([[1.0], [2.0]]) * np.sqrt(np.arange(1, HORIZON + 1)),
        distribution=None,
        series=None,
    )


def forecast_from(model, panel, origins):
    """Point forecasts and interval bounds from earlier origins, as `forecast` makes them from the newest."""
    blend = model.blend
    view = cleaned(panel, origins, blend.scales)
    point = point_forecasts(model.networks, blend, view, origins)
    levels = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
    distribution = quantiles_of(model, view, origins, point)
    each = np.stack([distribution.quantile(level) for level in levels], axis=2)
    limits = possible(view, origins, HORIZON, scales=blend.scales, limits=blend.limits)
    return limits.bounded(point, each, levels)


@pytest.fixture(scope="module")
def panel():
    """Three daily series, one of them with gaps."""
    rng = np.random.default_rng(0)
    return panel_of(wavy(rng, 90), wavy(rng, 70, gaps=0.1), wavy(rng, 60, level=500.0), seasons=(7, 365))


@pytest.fixture(scope="module")
def model(panel):
    return make_model(panel)


@pytest.fixture(scope="module")
def older(model):
    """The model as the first format has it."""
    return of_format_1(model)


ALL = {
    "network 1": 0.3,
    "network 2": 0.2,
    "averaged theta": 0.1,
    "exponential smoothing in units": 0.1,
    "naive": 0.1,
    "seasonal naive 7": 0.1,
    "drift": 0.1,
}


# --- components and blend ------------------------------------------------------------------------------


def test_a_network_sees_the_transformed_window(panel, model):
    """A network's forecast is its output on the window before the origin, transformed back."""
    origins = panel.lengths - 3
    found = component_forecasts(model.networks, model.blend, panel, origins)
    for number, member in enumerate(model.members):
        config = member.config
        fitted = fit_scaled(
            panel, origins, scales="each", log=config.log, seasons=config.seasons, horizon=HORIZON
        )
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
    found = component_forecasts(model.networks, model.blend, panel, origins)
    smoothing = methods_of(model.blend)
    names = {"network 1", "network 2", *smoothing, "naive", "seasonal naive 7", "drift", "mean"}
    assert len(smoothing) == 4
    assert names <= set(found)
    for name, values in found.items():
        assert values.shape == (3, HORIZON)
        assert np.isfinite(values).all() or name in DEMAND  # of series that are mostly zero only
    seasons = panel.frequency.seasonalities
    for name, values in baseline_forecasts(panel, origins, HORIZON, seasons=seasons).items():
        np.testing.assert_array_equal(found[name], values)
    blend = model.blend
    fitted = fit_scaled(
        panel, origins, scales=blend.scales, log=blend.log, seasons=blend.seasons, horizon=HORIZON
    )
    smoothed = smoothing_forecasts(panel, origins, fitted, HORIZON)
    for name in smoothing:
        np.testing.assert_array_equal(found[name], smoothed[name])


def test_only_what_is_wanted_is_forecast(panel, model):
    """`only` selects components without changing them."""
    whole = component_forecasts(model.networks, model.blend, panel, panel.lengths)
    for only in (["averaged theta"], ["network 2", "drift"], ["naive"]):
        found = component_forecasts(model.networks, model.blend, panel, panel.lengths, only=only)
        assert set(found) == set(only)
        for name, values in found.items():
            np.testing.assert_array_equal(values, whole[name])


def test_the_forecast_is_the_weighted_sum(panel, model):
    """The blend is the sum of its components by their weights."""
    blend = dataclasses.replace(model.blend, weights=ALL)
    parts = component_forecasts(model.networks, blend, panel, panel.lengths)
    expected = sum(weight * parts[name] for name, weight in ALL.items())
    found = point_forecasts(model.networks, blend, panel, panel.lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_each_group_has_weights_of_its_own(panel, model):
    """Series are blended by the weights of their group, or by the common ones where it has none."""
    blend = dataclasses.replace(
        model.blend, weights={"naive": 1.0}, by_group={"price": {"drift": 0.5, "mean": 0.5}}
    )
    parts = component_forecasts(model.networks, blend, panel, panel.lengths)
    plain, price = GROUPS.index("plain"), GROUPS.index("price")
    found = combine(parts, blend, np.array([plain, price, plain]))
    np.testing.assert_allclose(found[[0, 2]], parts["naive"][[0, 2]])
    np.testing.assert_allclose(found[1], (parts["drift"][1] + parts["mean"][1]) / 2)


def test_names_of_components_do_not_depend_on_the_history(panel, model):
    """A blend chosen on a long history works on a short one, where its longer season does not fit, too."""
    long = panel_of(np.tile(panel.target[:84], 10), seasons=(7, 365))
    short = panel_of(panel.target[:20], seasons=(7, 365))
    names = [
        set(component_forecasts(model.networks, model.blend, each, each.lengths)) for each in (long, short)
    ]
    assert names[0] == names[1]


def test_a_series_of_which_nothing_is_known_is_nan(panel, model):
    """An origin of zero gives NaN for that series and changes nothing for the others."""
    origins = panel.lengths * [1, 0, 1]
    blend = dataclasses.replace(model.blend, weights=ALL)
    found = point_forecasts(model.networks, blend, panel, origins)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()
    for name, values in component_forecasts(model.networks, blend, panel, origins).items():
        assert np.isnan(values[1]).all(), name


@pytest.mark.parametrize("seed", range(3))
def test_garbage_after_the_origins_changes_no_byte(panel, model, older, seed):
    """Rows at or after an origin change neither the forecast from it nor its intervals, by any format."""
    origins = panel.lengths - [1, 9, 30]
    garbage = with_garbage(panel, origins, seed=seed)
    for blend in (dataclasses.replace(model.blend, weights=ALL), older.blend):
        one, other = (point_forecasts(model.networks, blend, each, origins) for each in (panel, garbage))
        assert one.tobytes() == other.tobytes()
    for log in (True, False):
        one, other = (local_spread(each, origins, 14, log=log) for each in (panel, garbage))
        assert one.tobytes() == other.tobytes()


@pytest.fixture(scope="module")
def eventful():
    """Series with a change of level, a broken reading, zeros, whole numbers and bounds."""
    rng = np.random.default_rng(3)
    shifted = 200 + np.cumsum(rng.normal(size=120))
    shifted[80:] /= 10
    broken = wavy(rng, 120)
    broken[70] = -999.0
    counts = rng.poisson(2.0, 120).astype(float)
    humid = np.clip(85 + 15 * np.sin(np.arange(120) / 5) + 5 * rng.normal(size=120), 0, 100)
    closed = np.where(np.arange(120) % 7 == 6, 0.0, 20 + rng.poisson(5, 120))
    counter = np.cumsum(rng.exponential(3.0, 120) * (rng.random(120) < 0.6))
    return panel_of(shifted, broken, counts, humid, closed, counter, wavy(rng, 90), seasons=(7,))


@pytest.fixture(scope="module")
def model_of_events(eventful):
    return make_model(eventful)


@pytest.mark.parametrize("seed", range(4))
def test_garbage_after_the_origins_changes_no_view(eventful, model_of_events, seed):
    """Cleaning, what is possible, and the distribution of errors read nothing at or after the origin either:
    forecasts and bounds keep every byte."""
    origins = eventful.lengths - [12, 20, 9, 7, 1, 15, 30]
    garbage = with_garbage(eventful, origins, seed=seed)
    views = [cleaned(each, origins, "each") for each in (eventful, garbage)]
    known = rows_of(eventful) < np.repeat(origins, eventful.lengths)
    assert views[0].values[known].tobytes() == views[1].values[known].tobytes()
    assert views[0].observed[known].tobytes() == views[1].observed[known].tobytes()
    assert views[0].values[known].tobytes() != eventful.values[known].tobytes()  # something was cleaned
    one, other = (forecast_from(model_of_events, each, origins) for each in (eventful, garbage))
    assert np.isfinite(one[0]).all() and np.isfinite(one[1]).all()
    assert (np.diff(one[1], axis=2) >= 0).all()
    assert one[0].tobytes() == other[0].tobytes()
    assert one[1].tobytes() == other[1].tobytes()


@pytest.mark.parametrize("seed", range(2))
def test_garbage_after_the_origins_changes_no_distribution(eventful, model_of_events, seed):
    """What held-out errors teach depends on no row after the held-out ones."""
    origins = (eventful.lengths - [40, 40, 40, 40, 40, 40, 40])[None] + np.array([[0], [4]])
    late = origins[-1] + HORIZON
    point = np.stack([forecast_from(model_of_events, eventful, each)[0] for each in origins])
    learned = [
        fit_distribution(each, origins, point, model_of_events.blend).to_arrays()
        for each in (eventful, with_garbage(eventful, late, seed=seed))
    ]
    for name, values in learned[0].items():
        assert values.tobytes() == learned[1][name].tobytes(), name


@pytest.fixture(scope="module")
def informed():
    """Series with covariates known ahead, past-only ones and facts."""
    return informed_panel()


@pytest.fixture(scope="module")
def model_of_known(informed):
    """Networks that read all of them, with a share in the blend."""
    options = dataclasses.replace(OPTIONS, lookback=9, segment=3, members=1)
    made = make_model(cleaned(informed, informed.lengths, "each"), options)
    config = made.members[0].config
    assert {"heat", "open", "sky"} <= set(config.known) and config.static == ("size", "region")
    assert HORIZON % config.network.output_segment  # the last segment reaches beyond the horizon
    weights = dict.fromkeys(("network 1", "averaged theta", "naive", "seasonal naive"), 1 / 4)
    return dataclasses.replace(made, blend=dataclasses.replace(made.blend, weights=weights))


def moved(panel, change):
    """The panel with changed values of known covariates: change(position (R,), values (R, K)) -> (R, K)."""
    known = panel.known
    position = np.arange(len(known.values)) - np.repeat(known.offsets[:-1], np.diff(known.offsets))
    values = change(position, known.values.copy())
    return dataclasses.replace(panel, known=dataclasses.replace(known, values=values))


def everything(model, panel, origins):
    """Point forecasts and bounds from origins, of the model and of the pretrained networks alone."""
    alone = forecast_pretrained(panel, HORIZON, origins=origins)
    return *forecast_from(model, panel, origins), alone.point, alone.lower, alone.upper


@pytest.mark.parametrize("seed", range(3))
def test_garbage_after_the_origins_changes_no_byte_beside_known_covariates(informed, model_of_known, seed):
    """Targets and past-only covariates at or after an origin; the values of known covariates stay."""
    origins = informed.lengths - [12, 20, 9, 7, 5, 15, 30, 8, 6]
    garbage = with_garbage(informed, origins, seed=seed)
    views = [cleaned(each, origins, "each") for each in (informed, garbage)]
    assert views[0].removed.effect.tobytes() == views[1].removed.effect.tobytes()
    assert views[0].removed.acts[:, :3].any(axis=0).all()
    for one, other in zip(
        *(everything(model_of_known, each, origins) for each in (informed, garbage)), strict=True
    ):
        assert np.isfinite(one).all()
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_known_values_after_the_horizon_change_no_byte(informed, model_of_known, seed):
    """Garbage there changes nothing, and so does their absence; within the horizon they count."""
    origins = informed.lengths - [12, 20, 9, 7, 5, 15, 30, 8, 6]
    rng = np.random.default_rng(seed)
    limit = np.repeat(origins + HORIZON, np.diff(informed.known.offsets))

    def late(position, values, garbage=GARBAGE):
        rows = position >= limit
        values[rows] = rng.choice(garbage, size=(rows.sum(), values.shape[1]))
        return values

    first = everything(model_of_known, informed, origins)
    for garbage in (GARBAGE, (np.nan,)):
        dirty = moved(informed, lambda position, values, of=garbage: late(position, values, of))
        for one, other in zip(first, everything(model_of_known, dirty, origins), strict=True):
            assert one.tobytes() == other.tobytes()

    def within(position, values):
        values[position == limit - 1, 0] += 3.0
        return values

    changed = everything(model_of_known, moved(informed, within), origins)
    assert (np.abs(changed[0][:, -1] - first[0][:, -1]) > 1).sum() >= 5
    assert (np.abs(changed[2][:, -1] - first[2][:, -1]) > 1).sum() >= 5


def test_a_known_value_missing_in_the_past_is_a_usual_one(informed, model_of_known):
    """From an origin before it, its effect is that of the mean; after all rows, it is missing."""
    origins = informed.lengths - HORIZON
    rows = informed.known.offsets[:-1] + origins + 1  # second step

    def missing(position, values, shift=0):
        values[rows + shift, 0] = np.nan
        return values

    dirty = moved(informed, missing)
    views = [cleaned(each, origins, "each") for each in (informed, dirty)]
    assert (views[1].removed.effect[rows] == 0).all()
    assert (views[0].removed.effect[rows] != 0).all()
    for one, other in zip(
        *(everything(model_of_known, each, origins) for each in (informed, dirty)), strict=True
    ):
        assert np.isfinite(other).all()
        assert (one[:, 1] != other[:, 1]).any()
    ahead = cleaned(moved(informed, lambda *given: missing(*given, HORIZON)), informed.lengths, "each")
    assert np.isnan(ahead.removed.effect[rows + HORIZON]).all()


def test_a_series_owes_nothing_to_the_known_values_of_another(informed, model_of_known):
    """Values of the past and ahead of other series move their own forecasts only."""
    origins = informed.lengths - 5
    end = informed.known.offsets[1]

    def others(position, values):
        values[end:, 0] = 3 * values[end:, 0] - 7 * (position[end:] % 5)
        return values

    one, other = (
        forecast_pretrained(each, HORIZON, origins=origins).point
        for each in (informed, moved(informed, others))
    )
    assert one[0].tobytes() == other[0].tobytes()
    assert (one[1:] != other[1:]).any(axis=1).all()


def test_a_forecast_from_an_origin_is_that_of_the_table_cut_off(eventful, model_of_events):
    """What is known from an origin is all there is: later rows may as well not be there."""
    origins = eventful.lengths - 9
    parts = np.split(eventful.target, eventful.offsets[1:-1])
    short = panel_of(*(part[:-9] for part in parts), seasons=(7,))
    point, quantiles = forecast_from(model_of_events, eventful, origins)
    found = forecast(model_of_events, short)
    np.testing.assert_allclose(found.point, point, rtol=1e-9)
    np.testing.assert_allclose(found.lower, np.moveaxis(quantiles[:, :, [1, 0]], 2, 0), rtol=1e-9)
    np.testing.assert_allclose(found.upper, np.moveaxis(quantiles[:, :, [3, 4]], 2, 0), rtol=1e-9)


def test_values_below_zero_do_not_fit_a_model_of_format_1_in_logarithms(panel, older):
    """A model with one scale for the table refuses values of zero or below where it takes logarithms."""
    assert older.blend.log
    values = panel.values.copy()
    values[40] = 0.0
    with pytest.raises(ModelError, match="logarithms") as caught:
        forecast(older, dataclasses.replace(panel, values=values))
    assert "--no-log" in caught.value.hint


@pytest.mark.parametrize("value", [0.0, -4.0])
def test_a_value_below_zero_is_a_matter_of_its_series(panel, model, value):
    """Any other series is forecast as it was, and the one with the value is forecast too."""
    assert model.blend.log
    values = panel.values.copy()
    values[40] = value
    whole, changed = forecast(model, panel), forecast(model, dataclasses.replace(panel, values=values))
    for name in ("point", "lower", "upper"):
        one, other = getattr(whole, name), getattr(changed, name)
        assert np.isfinite(other).all()
        np.testing.assert_allclose(other[..., 1:, :], one[..., 1:, :], rtol=1e-2)


# --- forecast ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of_now", [True, False])
def test_intervals_nest_around_the_forecast(panel, model, older, of_now):
    """Each level's interval holds the forecast and the interval of the lower level."""
    found = forecast(model if of_now else older, panel)
    assert found.point.shape == (3, HORIZON)
    assert found.lower.shape == found.upper.shape == (2, 3, HORIZON)
    assert (found.lower[1] < found.lower[0]).all()
    assert (found.lower[0] < found.point).all()
    assert (found.point < found.upper[0]).all()
    assert (found.upper[0] < found.upper[1]).all()
    if not of_now:
        assert (np.diff(found.upper - found.lower, axis=2) > 0).all()


def test_without_a_season_intervals_widen():
    """Where no position of a season is surer than another, each step is less sure than the one before."""
    rng = np.random.default_rng(0)
    walks = panel_of(*(100 + np.cumsum(rng.normal(size=n)) for n in (90, 70, 60)))
    found = forecast(make_model(walks), walks)
    for side in (found.upper - found.point, found.point - found.lower):
        assert (np.diff(side, axis=2) > 0).all()


def test_half_widths_are_in_units_of_local_spread(panel, older):
    """Of format 1, the bounds are the forecast times, in logarithms plus, half-width times local spread."""
    found = forecast(older, panel)
    spread = local_spread(panel, panel.lengths, older.lookback, log=True)
    np.testing.assert_allclose(np.log(found.upper[1, :, 0] / found.point[:, 0]), 2 * spread)


def test_quantiles_are_those_asked_for(panel, model, older):
    """They ascend, agree with the bounds of the same level, and a model of format 1 has none."""
    found = forecast(model, panel, quantiles=[0.9, 0.1, 0.5, 0.33])
    assert list(found.quantiles) == [0.9, 0.1, 0.5, 0.33]
    np.testing.assert_array_equal(found.quantiles[0.1], found.lower[0])
    np.testing.assert_array_equal(found.quantiles[0.9], found.upper[0])
    ascending = np.stack([found.quantiles[level] for level in (0.1, 0.33, 0.5, 0.9)])
    assert (np.diff(ascending, axis=0) > 0).all()
    assert not forecast(model, panel).quantiles
    usual = dataclasses.replace(model, options=dataclasses.replace(model.options, quantiles=(0.25,)))
    assert list(forecast(usual, panel).quantiles) == [0.25]
    frame = forecast(usual, panel).to_frame()
    assert list(frame.columns)[-1] == "q_0.25"
    with pytest.raises(ModelError, match="quantiles") as caught:
        forecast(older, panel, quantiles=[0.5])
    assert "Train it again" in caught.value.hint
    assert np.isfinite(forecast(older, panel).point).all()


def test_a_shorter_horizon_is_the_beginning(panel, model):
    """Fewer steps are the first of all steps; more than trained for are refused."""
    whole, short = forecast(model, panel), forecast(model, panel, horizon=2)
    np.testing.assert_array_equal(short.point, whole.point[:, :2])
    np.testing.assert_array_equal(short.lower, whole.lower[:, :, :2])
    for wrong in (0, -1, HORIZON + 1):
        with pytest.raises(ModelError, match=f"{HORIZON} steps ahead, not {wrong}"):
            forecast(model, panel, horizon=wrong)


def test_a_history_too_short_for_format_1_is_refused(older):
    """The error names a series shorter than the lookback, and counts all such series."""
    short = panel_of(np.arange(1.0, 14), np.arange(1.0, 20), np.arange(1.0, 6), seasons=(7, 365))
    with pytest.raises(ModelError, match=r"'s000' has 13 rows.*needs 14.*2 series") as caught:
        forecast(older, short)
    assert "whole history" in caught.value.hint
    fits = panel_of(np.arange(1.0, 15), seasons=(7, 365))
    assert np.isfinite(forecast(older, fits).point).all()


def test_a_model_of_format_1_of_short_series_takes_short_series(panel):
    """A model trained on series shorter than its lookback forecasts them too."""
    rng = np.random.default_rng(0)
    model = of_format_1(make_model(panel_of(wavy(rng, 60), [3.0, 4.0, 5.0], seasons=(7, 365))))
    short = panel_of([5.0, 6.0, 7.0], seasons=(7, 365))
    assert np.isfinite(forecast(model, short).point).all()
    with pytest.raises(ModelError, match="needs 3"):
        forecast(model, panel_of([5.0, 6.0], seasons=(7, 365)))


def test_any_history_is_forecast(panel, model):
    """A new series of one row or of fewer than the lookback is forecast from what it has, with an interval,
    and leaves the others as they are."""
    parts = np.split(panel.target, panel.offsets[1:-1])
    found = forecast(model, panel_of(*parts, [30.0], [30.0, 32.0], np.arange(1.0, 9), seasons=(7, 365)))
    for values in (found.point, found.lower, found.upper):
        assert np.isfinite(values).all()
    assert (found.lower < found.upper).all()
    np.testing.assert_allclose(found.point[3], 30.0, rtol=0.25)
    whole = forecast(model, panel)
    np.testing.assert_allclose(found.point[:3], whole.point, rtol=0.02)
    alone = forecast(model, panel_of([30.0], seasons=(7, 365)))
    assert (alone.lower < alone.upper).all()


def test_series_do_not_influence_each_other(panel, model):
    """A series is forecast alike alone and among others, where nothing is pooled, by any format."""
    plain = make_model(panel, dataclasses.replace(OPTIONS, log=False))
    alone = panel_of(panel.target[: panel.offsets[1]], seasons=(7, 365))
    for model in (plain, of_format_1(plain)):
        together, single = forecast(model, panel), forecast(model, alone)
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
        blend = dataclasses.replace(model.blend, log=log, scales="logarithms")
        found = component_forecasts(model.networks, blend, panel, panel.lengths)["network 1"]
        floor = np.array([[0.2], [0.1]])
        assert (found >= floor).all() == log
        if log:
            assert (found == floor).any()
