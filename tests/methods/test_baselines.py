"""Every baseline equals a naive loop, also with gaps, and never reads rows after the origin."""

import numpy as np
import pytest
from evaluation_panel import noisy_series, panel_of, with_rows_after

from forecaster.methods import baselines
from forecaster.methods.baselines import backtest_baselines, baseline_forecasts

HORIZON = 7


def naive_forecasts(history, horizon, season):
    """The four methods for one series, written as anyone would, step by step."""
    seen = [(t, y) for t, y in enumerate(history) if not np.isnan(y)]
    if not seen:
        return {name: [np.nan] * horizon for name in ("naive", "seasonal naive", "drift", "mean")}
    (first, start), (last, stop) = seen[0], seen[-1]
    slope = (stop - start) / (last - first) if last > first else 0
    steps = range(len(history), len(history) + horizon)

    def same_phase(t):
        past = [y for i, y in seen if i % season == t % season]
        return past[-1] if past and len(history) >= 2 * season else stop

    return {
        "naive": [stop] * horizon,
        "seasonal naive": [same_phase(t) for t in steps],
        "drift": [stop + slope * (t - last) for t in steps],
        "mean": [sum(y for _, y in seen) / len(seen)] * horizon,
    }


@pytest.fixture
def panel():
    """Series of many lengths with gaps: leading, trailing, an unseen seasonal position, all, all but one."""
    rng = np.random.default_rng(0)
    series = [noisy_series(rng, n) for n in (40, 9, 8, 7, 25, 12)]
    series[0][:5] = np.nan
    series[1][-3:] = np.nan
    series[4][1::4] = np.nan
    return panel_of(*series, [np.nan] * 10, [np.nan, 3.0, np.nan], seasonalities=(4,))


def assert_equals_naive(got, panel, origins, season=4):
    for s, end in enumerate(origins):
        history = panel.target[panel.offsets[s] : panel.offsets[s] + max(end, 0)]
        for name, want in naive_forecasts(history, HORIZON, season).items():
            np.testing.assert_allclose(got[name][s], want, rtol=1e-12, err_msg=f"{name}, series {s}")


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_equals_a_loop_over_the_observed_past(panel, cut):
    """Each baseline equals its naive form for series of any gaps, length and origin."""
    origins = panel.lengths - cut
    assert_equals_naive(baseline_forecasts(panel, origins, HORIZON), panel, origins)


def test_nothing_after_the_end_is_read(panel):
    """Garbage in the rows after the origins changes no byte of any baseline."""
    origins = panel.lengths - 3
    clean = baseline_forecasts(panel, origins, HORIZON)
    spoilt = baseline_forecasts(with_rows_after(panel, origins, 1e9), origins, HORIZON)
    assert list(clean) == list(spoilt)
    for name in clean:
        assert clean[name].tobytes() == spoilt[name].tobytes()


def test_blocks_do_not_change_the_result(panel, monkeypatch):
    """A panel read in blocks of few rows gives the same bytes as in one."""
    whole = baseline_forecasts(panel, panel.lengths, HORIZON)
    monkeypatch.setattr(baselines, "BLOCK", 11)
    for name, blocked in baseline_forecasts(panel, panel.lengths, HORIZON).items():
        assert blocked.tobytes() == whole[name].tobytes()


def test_series_picks_rows_of_the_panel(panel):
    """`series` selects the series to forecast and their order."""
    pick = np.array([4, 0, 2])
    origins = panel.lengths[pick] - 1
    got = baseline_forecasts(panel, origins, HORIZON, series=pick)
    want = baseline_forecasts(panel, panel.lengths - 1, HORIZON)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name][pick])


def test_each_season_that_fits_is_a_method_of_its_own():
    """Several seasons that fit twice are named by their length; one alone is not; m = 1 has none."""
    panel = panel_of(np.arange(20.0), seasonalities=(3, 7, 11))
    origins = np.array([20])
    got = baseline_forecasts(panel, origins, 3)
    assert list(got) == ["naive", "seasonal naive 3", "seasonal naive 7", "drift", "mean"]
    assert got["seasonal naive 3"].tolist() == [[17, 18, 19]]
    assert got["seasonal naive 7"].tolist() == [[13, 14, 15]]
    assert "seasonal naive" in baseline_forecasts(panel, np.array([9]), 3)
    assert list(baseline_forecasts(panel, np.array([5]), 3)) == ["naive", "drift", "mean"]
    assert list(baseline_forecasts(panel_of(np.ones(9)), np.array([9]), 3)) == ["naive", "drift", "mean"]


def test_a_series_without_a_past_has_no_forecast(panel):
    """An origin of 0 or -1, or a history without observed values, gives NaN for every method."""
    origins = np.array([0, -1, *panel.lengths[2:]])
    got = baseline_forecasts(panel, origins, HORIZON)
    for forecast in got.values():
        assert np.isnan(forecast[[0, 1, 6]]).all()
        assert np.isfinite(forecast[[2, 3, 4, 5, 7]]).all()


def test_all_origins_have_the_same_methods():
    """A season that fits only before a later origin is not used in the backtest."""
    panel = panel_of(np.arange(18.0), seasonalities=(4, 8))
    assert "seasonal naive 8" in baseline_forecasts(panel, np.array([16]), 2)
    got = backtest_baselines(panel, np.array([[12], [16]]), 2)
    assert list(got) == ["naive", "seasonal naive", "drift", "mean"]
    assert got["naive"][:, 0, 0].tolist() == [11, 15]


def test_a_season_that_fits_before_no_first_origin_is_a_baseline_later():
    """A model that knows the season at later origins is not compared with methods without one only."""
    panel = panel_of(np.arange(18.0), seasonalities=(4, 8))
    got = backtest_baselines(panel, np.array([[6], [10]]), 2)
    assert list(got) == ["naive", "seasonal naive", "drift", "mean"]
    assert got["seasonal naive"][:, 0, 0].tolist() == [5, 6]
