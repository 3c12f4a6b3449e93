"""Forecasts by the pretrained networks alone: points, quantiles, paths, and what overrules the networks."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest
from panels import panel_of, wavy, with_garbage

from forecaster.config import Limits
from forecaster.data.calendar.frequency import frequency
from forecaster.errors import UsageError
from forecaster.features.view import cleaned, possible
from forecaster.forecasting.components import component_forecasts, pretrained_quantiles
from forecaster.forecasting.pretrained import forecast_pretrained, quantiles_at
from forecaster.forecasting.quantile_table import TableQuantiles, root_of
from forecaster.methods.smoothing import demand_forecasts
from forecaster.pretraining.network import LEVELS, SIDE
from forecaster.pretraining.store import load
from forecaster.pretraining.zero_shot import networks_for, zero_shot

ALIASES = ("YS", "QS", "MS", "D", "B", "W", "h", "15min", "3h")
aliases = pytest.mark.parametrize("alias", ALIASES)


def panel_like(alias, *series):
    return panel_of(*series, seasons=frequency(alias).seasonalities, alias=alias)


def mixed(alias="D", seed=0):
    """A season, a walk, rare demand, a constant and a short series."""
    rng = np.random.default_rng(seed)
    walk = 100 * np.exp(np.cumsum(0.01 * rng.normal(size=200)))
    rare = rng.poisson(0.2, 200).astype(float)
    return panel_like(alias, wavy(rng, 120, gaps=0.1), walk, rare, np.full(60, 7.5), wavy(rng, 9))


@aliases
def test_every_frequency(alias):
    """Intervals lie around the point and in each other, for any horizon."""
    panel = mixed(alias)
    for horizon in (1, 65):
        found = forecast_pretrained(panel, horizon, levels=(50, 90), quantiles=(0.1, 0.5))
        assert found.point.shape == (5, horizon)
        assert found.lower.shape == found.upper.shape == (2, 5, horizon)
        (narrow_low, wide_low), (narrow_high, wide_high) = found.lower, found.upper
        assert (wide_low <= narrow_low + 1e-9).all()
        assert (narrow_high <= wide_high + 1e-9).all()
        dense = [0, 1, 3, 4]
        assert (narrow_low[dense] <= found.point[dense] + 1e-9).all()
        assert (found.point[dense] <= narrow_high[dense] + 1e-9).all()


def test_a_constant_stays_so_and_demand_is_expected():
    """A series that never changed is forecast as it is; the point of rare demand is its mean, not zero."""
    panel = mixed()
    origins = panel.lengths
    view = cleaned(panel, origins, "each")
    q = quantiles_at(view, origins, 6, possible(view, origins, 6, scales="each", limits=Limits()))
    assert (q[:, 3] == 7.5).all()
    expected = demand_forecasts(cleaned(panel, origins, "each"), origins, 6)
    assert np.allclose(q[SIDE, 2], np.mean([expected["croston"][2], expected["tsb"][2]], axis=0))
    found = forecast_pretrained(panel, 6)
    assert (found.point[2] > 0.05).all()
    assert (found.lower[:, 2] == 0).all()


def test_rows_after_an_origin_change_nothing():
    """A forecast from an origin reads the rows before it only, and is that of a table that ends there."""
    panel = mixed()
    origins = np.minimum([100, 150, 170, 30, 20], panel.lengths)
    before = forecast_pretrained(panel, 5, origins=origins)
    ended = forecast_pretrained(panel.before(origins), 5)
    for name in ("point", "lower", "upper"):
        assert getattr(before, name).tobytes() == getattr(ended, name).tobytes()
    for seed in range(3):
        garbage = with_garbage(panel, origins, seed=seed)
        assert forecast_pretrained(garbage, 5, origins=origins).lower.tobytes() == before.lower.tobytes()


def test_limits_hold():
    """Points, intervals and paths stay within the limits."""
    panel = mixed()
    found = forecast_pretrained(panel, 40, levels=(99,), limits=Limits(lower=0, upper=300))
    assert min(found.point.min(), found.lower.min()) >= 0
    assert max(found.point.max(), found.upper.max()) <= 300
    paths = found.samples_to_frame(20, 0)["value"]
    assert paths.between(0, 300).all()


def test_quantiles_out_of_range():
    """A level of 0 or 1 is none."""
    for wrong in (0.0, 1.0, np.nan):
        with pytest.raises(UsageError):
            forecast_pretrained(mixed(), 3, quantiles=(wrong,))


# --- the distribution ---------------------------------------------------------------------------------


def distribution(horizon=6, series=3, roots=None, seed=0):
    """Some quantiles at the levels of the networks."""
    rng = np.random.default_rng(seed)
    table = np.cumsum(rng.uniform(0.1, 1, (len(LEVELS), series, horizon)), axis=0)
    roots = np.eye(horizon)[None] if roots is None else roots
    return TableQuantiles(table, roots, np.zeros(series, int))


def test_quantiles_at_the_levels_of_the_networks():
    """There they are what the networks say; between two they are interpolated, beyond they go on."""
    spread = distribution()
    for number, level in enumerate(LEVELS):
        assert np.allclose(spread.quantile(level), spread.table[number])
    levels = np.linspace(0.001, 0.999, 99)
    every = np.stack([spread.quantile(level) for level in levels])
    assert (np.diff(every, axis=0) > 0).all()
    z = NormalDist().inv_cdf
    share = (z(0.95) - z(0.9)) / (z(0.975) - z(0.9))
    between = spread.table[5] + share * (spread.table[6] - spread.table[5])
    assert np.allclose(spread.quantile(0.95), between)
    slope = (spread.table[6] - spread.table[5]) / (z(0.975) - z(0.9))
    assert np.allclose(spread.quantile(0.999), spread.table[6] + slope * (z(0.999) - z(0.975)))


def test_paths_have_the_quantiles_and_the_dependence():
    """Paths are drawn from the quantiles, with the correlations of normal scores along the horizon."""
    steps = np.arange(6)
    correlation = 0.7 ** np.abs(steps[:, None] - steps)
    spread = distribution(roots=np.linalg.cholesky(correlation)[None])
    paths = spread.samples(20_000, np.random.default_rng(1))
    assert paths.shape == (3, 20_000, 6)
    for level in (0.1, 0.5, 0.9):
        assert np.allclose(np.quantile(paths, level, axis=1), spread.quantile(level), atol=0.06)
    ranks = paths.argsort(axis=1).argsort(axis=1)
    for each in ranks:
        assert np.corrcoef(each.T)[0, 1] == pytest.approx(6 / np.pi * np.arcsin(0.7 / 2), abs=0.02)
        assert np.corrcoef(each.T)[0, 5] == pytest.approx(6 / np.pi * np.arcsin(0.7**5 / 2), abs=0.02)
    again = spread.samples(20_000, np.random.default_rng(1))
    assert np.array_equal(paths, again)


@pytest.mark.parametrize("horizon", [1, 7, 28, 29, 90])
def test_the_dependence_of_longer_horizons(horizon):
    """Steps beyond the network's horizon depend on each other as those a season before; each has its own."""
    network = load("season_7")
    root = root_of(network, np.arange(horizon), 7)
    correlation = root @ root.T
    assert np.allclose(np.diag(correlation), 1, atol=1e-3)
    known = network.dependence @ network.dependence.T
    size = min(horizon, 28)
    off = ~np.eye(size, dtype=bool)
    assert np.allclose(correlation[:size, :size][off], 0.98 * known[:size, :size][off])
    if horizon > 28:
        assert correlation[28, 21] == pytest.approx(0.98, abs=1e-3), "the same step of the network"
        assert correlation[28, 20] == pytest.approx(correlation[21, 20])


def test_paths_of_rows_within_an_hour():
    """Rows of one hour share its error, but for what each has of its own."""
    rng = np.random.default_rng(2)
    panel = panel_like("15min", 50 + 5 * np.sin(np.arange(960) * 2 * np.pi / 96) + rng.normal(size=960))
    found = forecast_pretrained(panel, 12)
    correlation = found.distribution.roots[0] @ found.distribution.roots[0].T
    assert np.allclose(correlation[:4, :4][~np.eye(4, dtype=bool)], 0.98, atol=1e-3)
    assert (correlation[0, 4:] < 0.9).all()


# --- as a component of the blend ----------------------------------------------------------------------


def test_quantiles_of_the_component():
    """In the blend the networks forecast prices like other series: 10, 50 and 90 % quantiles."""
    panel = mixed()
    origins = panel.lengths - 5
    networks = networks_for(panel.frequency)
    found = pretrained_quantiles(networks, panel, origins, 7)
    expected = zero_shot(panel, origins, 7, load, price=np.zeros(5, bool))
    assert np.array_equal(found, expected[[LEVELS.index(level) for level in (0.1, 0.5, 0.9)]])


def test_components_with_and_without(tmp_path):
    """The component is there where the model has its networks."""
    import pandas as pd

    from forecaster.config import Options
    from forecaster.pipeline.train import train

    days = pd.date_range("2024-01-01", periods=90)
    table = pd.DataFrame({"ds": days, "y": wavy(np.random.default_rng(3), 90)})
    training = train(table, Options(horizon=4, hidden=4, steps=5, members=1, workers=1))
    panel, blend = training.loaded.panel, training.model.blend
    with_them = dataclasses.replace(training.model.networks, pretrained=networks_for(panel.frequency))
    view = cleaned(panel, panel.lengths, blend.scales)
    found = component_forecasts(with_them, blend, view, panel.lengths)
    expected = pretrained_quantiles(with_them.pretrained, view, panel.lengths, 4)
    assert np.array_equal(found["pretrained"], expected[1])
    assert "pretrained" not in component_forecasts(with_them, blend, view, panel.lengths, only=["naive"])
    without = dataclasses.replace(with_them, pretrained=())
    assert "pretrained" not in component_forecasts(without, blend, view, panel.lengths)
