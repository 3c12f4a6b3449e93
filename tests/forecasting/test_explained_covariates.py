"""Explanations of known covariates and facts: what they add, by step, and sums that stay exact."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import informed_panel

import forecaster
from forecaster.config import Options, ReadConfig
from forecaster.features.effects.effect import effect_parts, restored
from forecaster.features.view import cleaned
from forecaster.forecasting.explaining.known import added_by
from forecaster.forecasting.explanation import explain, explain_pretrained
from forecaster.forecasting.forecast import forecast
from forecaster.forecasting.pretrained import forecast_pretrained
from forecaster.forecasting.uncertainty import fit_distribution
from forecaster.methods.blend import prior
from forecaster.methods.smoothing import methods_of
from forecaster.model.model import Facts, Model, hashes
from forecaster.training import ensemble
from forecaster.training.plan import plan, smoothing_partner

HORIZON = 4
OPTIONS = Options(horizon=HORIZON, hidden=8, steps=25, lookback=9, segment=3, members=2)
NETWORK = {"network 1": 1.0}
METHODS = {"averaged theta": 0.5, "naive": 0.5}


def model_of(panel):
    """A model with networks that read known covariates and facts."""
    view = cleaned(panel, panel.lengths, "each")
    configs = plan(view, view.lengths, HORIZON, OPTIONS)
    members = tuple(
        each.member for each in ensemble.fit_unvalidated(view, view.lengths, configs, OPTIONS, None)
    )
    blend = smoothing_partner(view, view.lengths, OPTIONS)
    times = int(panel.time.min()), int(panel.time.max())
    facts = Facts("", ReadConfig(), panel.names, panel.frequency, len(panel), len(panel.values), *times)
    blend = dataclasses.replace(blend, weights=prior(len(members), methods_of(blend), len(panel.values)))
    distribution = fit_distribution(
        panel, np.full((0, len(panel)), -1), np.empty((0, len(panel), HORIZON)), blend
    )
    return Model(OPTIONS, members, blend, None, facts, distribution, hashes(panel.ids))


def weighted(model, weights):
    """The model with these weights."""
    return dataclasses.replace(model, blend=dataclasses.replace(model.blend, weights=weights, by_group={}))


@pytest.fixture(scope="module", params=["units", "roots", "logarithms"])
def scale(request):
    return request.param


@pytest.fixture(scope="module")
def panel(scale):
    return informed_panel(scale=scale)


@pytest.fixture(scope="module")
def model(panel):
    """Its networks differ from the naive forecast, and tell words apart."""
    made = model_of(panel)
    rng = np.random.default_rng(0)
    for member in made.members:
        member.network.flat[...] += rng.normal(0, 0.1, member.network.flat.shape).astype(np.float32)
    return made


def check_sum(found, expected, rel=1e-9):
    """The forecast is that of `predict`, and all contributions sum to it."""
    assert found.forecast == pytest.approx(expected, rel=rel)
    total = found.baseline + found.rows.sum() + found.covariates.sum() + found.position + found.limits
    total += sum(each.contribution for each in (*found.known, *found.facts)) + found.remainder
    assert total == pytest.approx(found.forecast, rel=1e-12)
    assert abs(found.remainder) <= 0.01 * max(abs(found.forecast - found.baseline), 1e-6)


@pytest.mark.parametrize("weights", [NETWORK, METHODS, {"network 1": 0.4, "network 2": 0.3, "naive": 0.3}])
def test_contributions_sum_to_the_forecast(panel, model, weights):
    """Of a step and of several, in every scale, by methods and by networks."""
    own = weighted(model, weights)
    point = forecast(own, panel).point
    acts = cleaned(panel, panel.lengths, "each").removed.acts
    for series, first, last in ((0, 2, 2), (4, 1, HORIZON)):
        found = explain(own, panel, series, first, last)
        check_sum(found, point[series, first - 1 : last].mean())
        assert [each.confirmed for each in found.known] == acts[series].tolist()
        assert acts[series, :3].all()
        assert found.known[3].read or found.known[3].confirmed or found.known[3].contribution == 0
        assert found.known[2].values[0] in ("fog", "rain", "sun")
        assert len(found.known[0].effects) == last - first + 1
        assert found.without_effect
        read = any(name.startswith("network") for name in weights)
        assert [each.read for each in found.known[:3]] == [read] * 3
        assert all((each.in_networks != 0) == read for each in found.known[:3])
        assert [each.value for each in found.facts][1] == ("north", "south")[series % 2]
        assert (found.facts[0].contribution != 0) == (found.facts[1].contribution != 0) == read


def test_so_they_do_of_pretrained_networks(panel):
    """Alone, without a model."""
    point = forecast_pretrained(panel, HORIZON).point
    found = explain_pretrained(panel, 3, 1, HORIZON)
    check_sum(found, point[3].mean(), rel=1e-7)  # in a batch of another size, float32 rounds differently
    assert all(each.confirmed and each.contribution for each in found.known[:3])
    assert not any(each.read for each in found.known)


def test_effects_by_covariate_sum_to_the_effect(panel):
    """Where it keeps within its range, in past and future."""
    view = cleaned(panel, panel.lengths, "each")
    for series in range(len(panel)):
        rows = slice(*panel.known.offsets[series : series + 2])
        parts = effect_parts(view, view.lengths, series)
        assert parts.shape == panel.known.values[rows].shape
        assert (parts[-1] != 0).tolist() == view.removed.acts[series].tolist()
        whole, effect = parts.sum(axis=1), view.removed.effect[rows]
        known = np.isfinite(panel.known.values[rows, 0])
        inside = np.abs(whole) < 0.99 * np.nanmax(np.abs(effect))
        assert (inside & known).sum() > 0.8 * len(whole)
        np.testing.assert_allclose(whole[inside & known], effect[inside & known], atol=1e-9)


def test_the_parts_of_what_is_added_sum_to_it(panel):
    """In every scale: for usual effects, for those at the mean, and beyond their range."""
    first = slice(int(panel.lengths[0]), int(panel.known.offsets[1]))
    mean = np.nanmean(panel.known.values[: first.start], axis=0)
    level = float(np.median(panel.target[: panel.lengths[0]]))
    forecasts = np.zeros((len(panel), HORIZON))
    forecasts[0] = level * np.array([0.5, 1.0, 1.0, 2.0])
    for heat in (panel.known.values[first, 0], mean[0], mean[0] + 60.0):
        known = panel.known.values.copy()
        known[first, 0], known[first, 1] = heat, mean[1]
        moved = dataclasses.replace(panel, known=dataclasses.replace(panel.known, values=known))
        view = cleaned(moved, moved.lengths, "each")
        added = restored(view, forecasts, view.lengths)[0] - forecasts[0]
        np.testing.assert_allclose(added_by(view, 0, forecasts[0]).sum(axis=1), added, atol=1e-9 * level)


def test_one_covariate_moved_alone_moves_its_own_contribution(panel, model):
    """Without networks, the change of the forecast is the change of what that covariate adds; rows and
    baseline keep theirs. In units the others keep theirs too."""
    own = weighted(model, METHODS)
    ahead = panel.known.offsets[1:] - 7
    values = panel.known.values.copy()
    values[ahead[2] + 1, 0] += 4.0
    moved = dataclasses.replace(panel, known=dataclasses.replace(panel.known, values=values))
    one, other = (explain(own, each, 2, 2, 2) for each in (panel, moved))
    change = other.forecast - one.forecast
    assert one.rows.tobytes() == other.rows.tobytes() and one.baseline == other.baseline
    gained = [b.contribution - a.contribution for a, b in zip(one.known, other.known, strict=True)]
    assert sum(gained) == pytest.approx(change, rel=1e-6)
    assert gained[0] == pytest.approx(change, rel=0.5)
    if (panel.target < 100).all() and panel.target.min() > 20:  # units
        assert gained[0] == pytest.approx(change, rel=1e-6)
        assert change == pytest.approx(1.5 * 4.0, rel=0.1)


def test_what_a_price_cut_does_is_said_in_units():
    """A price that is 20 % lower on given days: the effect beside the usual price is what it was, and a
    covariate of noise is said to have none."""
    rng = np.random.default_rng(1)
    rows, ahead = 300, 4
    cut = rng.random(rows + ahead) < 0.15
    cut[rows:] = [True, False, True, False]
    y = 100 + 10 * np.sin(2 * np.pi * np.arange(rows + ahead) / 7) + 25 * cut + rng.normal(size=rows + ahead)
    y[rows:] = np.nan
    table = pd.DataFrame({"day": pd.date_range("2023-01-01", periods=rows + ahead), "y": y})
    table["price"], table["noise"] = np.where(cut, 8.0, 10.0), rng.normal(size=rows + ahead)
    training = forecaster.train(
        table, target="y", time="day", known=["price", "noise"], horizon=ahead, hidden=8, steps=20, members=1,
        workers=1, refit=False,
    )  # fmt: skip
    found = forecaster.explain(training, table, step="1-4")
    price, noise = found.known[:2]
    assert price.values == (8.0, 10.0, 8.0, 10.0)
    np.testing.assert_allclose(price.effects[::2] - price.effects[1::2], 25.0, rtol=0.1)
    assert (noise.confirmed, noise.contribution) == (False, 0.0)
    check_sum(found, forecaster.predict(training, table)["forecast"].mean())
