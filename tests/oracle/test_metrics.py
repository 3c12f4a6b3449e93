"""The metrics against those of utilsforecast and scoringrules."""

import numpy as np
import pandas as pd
import pytest

from forecaster.evaluation import metrics

losses = pytest.importorskip(
    "utilsforecast.losses", reason="utilsforecast is not installed; pip install 'forecaster[oracle]'"
)
rules = pytest.importorskip(
    "scoringrules", reason="scoringrules is not installed; pip install 'forecaster[oracle]'"
)

S, H, N, SEASON = 7, 12, 60, 4
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@pytest.fixture(scope="module")
def case():
    """Past (S, N), actual values (S, H), forecasts (S, H) and quantiles {level: (S, H)}."""
    rng = np.random.default_rng(0)
    past, actual = rng.normal(20, 5, (S, N)), rng.normal(20, 5, (S, H))
    forecast = actual + rng.normal(0.5, 2, (S, H))
    quantiles = {level: forecast + 5 * (level - 0.5) for level in LEVELS}
    return past, actual, forecast, quantiles


def long(values, name):
    """A long table of (S, T)."""
    series, time = np.indices(values.shape)
    return pd.DataFrame({"unique_id": series.ravel(), "ds": time.ravel(), name: values.ravel()})


def frame(actual, forecast, quantiles):
    table = long(actual, "y").assign(model=forecast.ravel())
    for level, values in quantiles.items():
        table[f"model-q{level:g}"] = values.ravel()
    table["model-lo-80"], table["model-hi-80"] = quantiles[0.1].ravel(), quantiles[0.9].ravel()
    return table


@pytest.mark.parametrize(
    ("name", "factor"), [("mae", 1), ("rmse", 1), ("mape", 100), ("smape", 200), ("bias", 1)]
)
def test_point_metrics(case, name, factor):
    """Each series' error; theirs are fractions where ours are percentages."""
    _, actual, forecast, quantiles = case
    found = getattr(losses, name)(frame(actual, forecast, quantiles), ["model"])["model"].to_numpy()
    np.testing.assert_allclose(getattr(metrics, name)(actual, forecast, axis=1), factor * found, **CLOSE)


def test_scaled_metrics(case):
    """MASE and RMSSE divide by the seasonal steps of the past."""
    past, actual, forecast, quantiles = case
    table, train = frame(actual, forecast, quantiles), long(past, "y")
    steps = past[:, SEASON:] - past[:, :-SEASON]
    scale = np.array([metrics.mase_scale(row, SEASON) for row in past])
    found = losses.mase(table, ["model"], SEASON, train)["model"].to_numpy()
    np.testing.assert_allclose(metrics.mase(actual, forecast, scale, axis=1), found, **CLOSE)
    found = losses.rmsse(table, ["model"], SEASON, train)["model"].to_numpy()
    root = np.sqrt((steps**2).mean(axis=1))
    np.testing.assert_allclose(metrics.rmsse(actual, forecast, root, axis=1), found, **CLOSE)


@pytest.mark.parametrize("level", LEVELS)
def test_pinball(case, level):
    """The quantile loss of each series."""
    _, actual, forecast, quantiles = case
    table = frame(actual, forecast, quantiles)
    found = losses.quantile_loss(table, {"model": f"model-q{level:g}"}, q=level)["model"].to_numpy()
    np.testing.assert_allclose(metrics.pinball(actual, quantiles[level], level, axis=1), found, **CLOSE)


def test_coverage(case):
    """The share of actual values between the bounds, in percent here."""
    _, actual, forecast, quantiles = case
    found = losses.coverage(frame(actual, forecast, quantiles), ["model"], 80)["model"].to_numpy()
    ours = metrics.coverage(actual, quantiles[0.1], quantiles[0.9], axis=1)
    np.testing.assert_allclose(ours, 100 * found, **CLOSE)


def test_interval_score_and_crps(case):
    """Winkler's score of an interval, and the CRPS as an average of pinball losses."""
    _, actual, _, quantiles = case
    found = rules.interval_score(actual, quantiles[0.1], quantiles[0.9], 0.2).mean(axis=1)
    ours = metrics.interval_score(actual, quantiles[0.1], quantiles[0.9], 80, axis=1)
    np.testing.assert_allclose(ours, found, **CLOSE)
    stacked = np.stack(list(quantiles.values()), axis=-1)
    found = rules.crps_quantile(actual, stacked, np.array(LEVELS)).mean(axis=1)
    np.testing.assert_allclose(metrics.crps(actual, quantiles, axis=1), found, **CLOSE)


def test_weighted_quantile_loss(case):
    """The mean quantile loss, over the mean size of the actual values."""
    _, actual, forecast, quantiles = case
    names = {"model": [f"model-q{level:g}" for level in LEVELS]}
    found = losses.scaled_crps(frame(actual, forecast, quantiles), names, np.array(LEVELS))[
        "model"
    ].to_numpy()
    np.testing.assert_allclose(metrics.wql(actual, quantiles, axis=1), found, **CLOSE)
