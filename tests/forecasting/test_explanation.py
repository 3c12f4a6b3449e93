"""Explanations: contributions sum to the forecast, and what drives a series gets the credit."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import panel_of, wavy
from threadpoolctl import threadpool_limits

import forecaster
from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import ModelError
from forecaster.forecasting.explaining.row_groups import row_groups
from forecaster.forecasting.explanation import explain, explain_pretrained

TINY = {"hidden": 8, "steps": 20, "members": 1, "workers": 1, "refit": False}
WITHIN = 0.01
"""Contributions sum to the difference from the baseline within this part of it."""


def wave(count, season, seed=0):
    """A season with noise around 20 (n,)."""
    rng = np.random.default_rng(seed)
    return 20 + 5 * np.sin(2 * np.pi * np.arange(count) / season) + rng.normal(size=count)


def with_gaps(values):
    """The values without some rows, and without a long run of them."""
    values = values.copy()
    values[[5, 60, 61, 110]] = np.nan
    values[-60:-35] = np.nan
    return values


def series(kind):
    """A table of one series of a kind."""
    rng = np.random.default_rng(1)
    steps = rng.normal(size=300)
    freq, values = {
        "plain": ("D", 50 + 3 * steps[:120]),
        "seasonal": ("D", wave(150, 7)),
        "years of days": ("D", wave(800, 365) + 40),
        "years of weekdays": ("B", wave(560, 261) + 40),
        "hourly": ("h", wave(240, 24) - 18),
        "logarithms": ("MS", np.exp(wave(96, 12) / 10 + np.arange(96) / 50)),
        "short": ("YS", 10 + np.arange(12) + steps[:12]),
        "price": ("B", 100 * np.exp(np.cumsum(steps) / 100)),
        "intermittent": ("D", np.where(rng.random(200) < 0.3, 1.0 + rng.poisson(4, 200), 0.0)),
        "counts": ("D", rng.poisson(20, 200).astype(float)),
        "gaps": ("h", with_gaps(wave(300, 24))),
        "directions": ("h", np.mod(350 + 3 * np.cumsum(steps), 360)),
        "zeros at night": (
            "h",
            np.maximum(np.sin(2 * np.pi * (np.arange(240) - 6) / 24), 0) * rng.random(240),
        ),
        "constant": ("D", np.full(60, 3.0)),
    }[kind]
    times = pd.date_range("2020-01-01", periods=len(values), freq=freq)
    return pd.DataFrame({"time": times, "y": values})


KINDS = ("plain", "seasonal", "hourly", "logarithms", "short", "price", "intermittent", "counts", "gaps",
         "directions", "zeros at night", "constant")  # fmt: skip


def check_sum(found, forecast):
    """The explained forecast is that of `predict`, and all contributions sum to it."""
    assert found.forecast == pytest.approx(forecast, rel=1e-9, abs=1e-9)
    total = found.baseline + found.explained + found.remainder
    assert total == pytest.approx(found.forecast, rel=1e-12, abs=1e-12)
    size = max(abs(found.forecast - found.baseline), 1e-6 * abs(found.forecast))
    assert abs(found.remainder) <= WITHIN * size, (found.remainder, size)
    assert found.rows.shape == found.times.shape == found.values.shape
    assert (found.rows[np.isnan(found.values)] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_sum_to_the_forecast(kind):
    """For a model of every kind of series: of a step, and of the mean of several."""
    table = series(kind)
    training = forecaster.train(table, horizon=4, **TINY)
    forecast = forecaster.predict(training)["forecast"]
    check_sum(forecaster.explain(training, step=2), forecast[1])
    check_sum(forecaster.explain(training, table, step="1-4"), forecast.mean())


@pytest.mark.parametrize("kind", (*KINDS, "years of days", "years of weekdays"))
def test_so_they_do_of_pretrained_networks(kind):
    """Beyond the horizon of a network too."""
    table = series(kind)
    forecast = forecaster.predict("pretrained", table, horizon=30)["forecast"]
    check_sum(forecaster.explain("pretrained", table, step=3), forecast[2])
    check_sum(forecaster.explain("pretrained", table, step=(1, 30)), forecast.mean())


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("decoder", ["direct", "segments"])
def test_every_cell_and_decoder(cell, decoder):
    """With covariates, gaps, seasonal position, and a share of the blend that shows."""
    rng = np.random.default_rng(0)
    table = series("seasonal").assign(heat=rng.normal(size=150))
    table.loc[100:103, "y"] = np.nan
    training = forecaster.train(
        table, target="y", time="time", covariates=["heat"], horizon=4, cell=cell, decoder=decoder, **TINY
    )
    blend = dataclasses.replace(training.model.blend, weights={"network 1": 1.0}, by_group={})
    model = dataclasses.replace(training.model, blend=blend)
    model.members[0].network.flat[...] *= 2  # after a short training its forecast is nearly the naive one
    found = forecaster.explain(model, table, step="2-4")
    check_sum(found, forecaster.predict(model, table)["forecast"][1:].mean())
    assert found.covariate_names == ("heat",)
    assert found.covariates == pytest.approx(found.covariate_rows.sum(axis=0))
    assert abs(found.covariates[0]) > 0


def copying(rows=720, season=24):
    """Each value is that of one season ago and noise; the first season is noise too (n,)."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=rows)
    for row in range(season, rows):
        values[row] = 0.95 * values[row - season] + 0.2 * values[row]
    return pd.DataFrame({"t": pd.date_range("2024-01-01", periods=rows, freq="h"), "y": 20 + values})


def test_a_copied_season_is_found():
    """A series that copies its value of one season ago owes its forecast to it, by network and by blend."""
    table = copying()
    training = forecaster.train(
        table, horizon=6, cell="rnn", hidden=32, steps=150, members=1, seasons=[], rate=0.01, workers=1,
        segment=24, lookback=24, decoder="direct", pretrained=False, refit=False,
    )  # fmt: skip
    blend = dataclasses.replace(training.model.blend, weights={"network 1": 1.0}, by_group={})
    network = dataclasses.replace(training.model, blend=blend)
    for model in (network, training.model):
        for step in (5, 6):  # their rows one season before are far from the level
            found = forecaster.explain(model, table, step=step)
            place = len(table) + step - 1 - 24
            assert np.argmax(np.abs(found.rows)) == place
            assert found.rows[place] == pytest.approx(0.95 * (found.values[place] - found.level), rel=0.5)


def test_a_driver_gets_the_credit():
    """A covariate that moves the target one row later has a contribution, and one of noise has little."""
    rng = np.random.default_rng(3)
    drive, noise, quiet = rng.normal(size=(3, 400))
    drive[-1] = 2.0
    table = pd.DataFrame({"t": pd.date_range("2020-01-01", periods=400), "drive": drive, "noise": noise})
    table["y"] = 10 + 3 * np.concatenate([[0.0], drive[:-1]]) + 0.1 * quiet
    training = forecaster.train(
        table, target="y", time="t", covariates=["drive", "noise"], horizon=1, hidden=16, steps=400,
        members=1, lookback=7, segment=1, seasons=[], pretrained=False, rate=0.01, workers=1,
    )  # fmt: skip
    found = forecaster.explain(training, table)
    contributions = dict(zip(found.covariate_names, found.covariates, strict=True))
    assert contributions["drive"] > 3
    assert abs(contributions["noise"]) < 0.1 * contributions["drive"]
    newest = np.argmax(np.abs(found.covariate_rows[:, 0]))
    assert newest == len(table) - 1


def test_without_covariates_in_the_networks_they_count_nothing():
    """Covariates of the model that no component of the blend reads contribute zero."""
    table = series("seasonal").assign(heat=np.random.default_rng(0).normal(size=150))
    training = forecaster.train(table, target="y", time="time", covariates=["heat"], horizon=3, **TINY)
    blend = dataclasses.replace(training.model.blend, weights={"naive": 0.5, "drift": 0.5}, by_group={})
    found = forecaster.explain(dataclasses.replace(training.model, blend=blend), table, step=2)
    assert found.covariates.tolist() == [0.0]
    assert np.flatnonzero(found.rows).tolist() == [0, 149]
    check_sum(found, found.forecast)


def test_baselines_name_their_rows():
    """Naive is the last row, seasonal naive that of one season before, the mean all rows alike."""
    table = series("seasonal")
    training = forecaster.train(table, horizon=9, pretrained=False, **TINY)
    for name, row in {"naive": 149, "seasonal naive 7": 150 + 8 - 14}.items():
        blend = dataclasses.replace(training.model.blend, weights={name: 1.0}, by_group={})
        found = forecaster.explain(dataclasses.replace(training.model, blend=blend), table, step=9)
        assert np.flatnonzero(found.rows).tolist() == [row]
        assert found.rows[row] == pytest.approx(found.values[row] - found.level)
        assert found.baseline == pytest.approx(found.level)


def test_other_series_and_the_number_of_cores_change_nothing():
    """An explanation is the same on every run, and rows of other series in their units have no part in it."""
    rng = np.random.default_rng(0)
    one, other = wavy(rng, 120) - 40, wavy(rng, 90) - 40
    first = explain_pretrained(panel_of(one, other, seasons=(7,)), 0, 1, 9)
    with threadpool_limits(1):
        second = explain_pretrained(panel_of(one, 3 * other[:50], seasons=(7,)), 0, 1, 9)
    assert first.rows.tobytes() == second.rows.tobytes()
    assert first.baseline == second.baseline


def test_demand_begins_from_nothing():
    """The baseline of intermittent demand is zero, and rows without demand contribute nothing."""
    table = series("intermittent")
    found = forecaster.explain("pretrained", table)
    assert (found.level, found.level_rows, found.baseline) == (0.0, 0, 0.0)
    assert (found.rows[found.values == 0] == 0).all()
    assert found.rows.sum() == pytest.approx(found.forecast)


def test_a_long_series_of_minutes_is_explained_in_blocks():
    """Old rows share what their block contributes; the sum stays complete."""
    table = pd.DataFrame(
        {"t": pd.date_range("2024-01-01", periods=12_000, freq="min"), "y": wave(12_000, 1440)}
    )
    forecast = forecaster.predict("pretrained", table, horizon=5)["forecast"]
    found = forecaster.explain("pretrained", table, step=5)
    check_sum(found, forecast[4])
    assert len(np.unique(found.rows[:6000])) < 1000


@pytest.mark.parametrize(
    ("season", "first", "last"), [(7, 1, 1), (7, 9, 9), (7, 1, 30), (1, 1, 1), (24, 24, 24), (365, 3, 4)]
)
def test_each_row_is_in_one_group(season, first, last):
    """Groups cover the past once, and the newest known row is alone."""
    values = np.r_[np.arange(50.0), np.nan]
    groups = row_groups(values, season, first, last)
    assert sorted(np.concatenate([group.rows for group in groups])) == list(range(51))
    assert (groups[0].name, groups[0].rows.tolist()) == ("last row", [49])


def test_groups_of_a_week():
    """The rows at the seasonal position of the forecast, by how many seasons before it they lie."""
    names = {group.name: group.rows.tolist() for group in row_groups(np.arange(40.0), 7, 3, 3)}
    assert names["1 season before"] == [35]
    assert names["2 seasons before"] == [28]
    assert names["3 seasons before"] == [21]
    assert names["4 or more seasons before"] == [0, 7, 14]
    assert names["others of the newest 7"] == [33, 34, 36, 37, 38]


def test_models_of_format_1_are_refused():
    """They were written before, and say what to do."""
    training = forecaster.train(series("plain"), horizon=3, **TINY)
    old = dataclasses.replace(training.model.blend, scales="table")
    panel = load(series("plain"), ReadConfig()).panel
    with pytest.raises(ModelError, match="before forecasts could be explained"):
        explain(dataclasses.replace(training.model, blend=old), panel, 0)


def test_seasons_that_a_user_sets_group_the_rows():
    """The model's seasons, not those of the frequency, say which rows lie one season before."""
    table = series("hourly")
    training = forecaster.train(table, horizon=3, seasons=[12], pretrained=False, **TINY)
    found = forecaster.explain(training)
    assert (found.season, found.level_rows) == (12, 12)
    assert found.level == pytest.approx(table["y"].iloc[-12:].mean())
