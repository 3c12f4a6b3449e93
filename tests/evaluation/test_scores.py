"""The error report: totals against loops, the verdict, and a round trip through JSON."""

import json
import math

import numpy as np
import pytest
from evaluation_panel import noisy_series, panel_of, score, with_rows_after

from forecaster.errors import DataError, ForecasterError, ModelError, UsageError
from forecaster.evaluation import metrics
from forecaster.evaluation.backtest import held_out, rolling_origins
from forecaster.evaluation.scores import Report, mase_scales, paired_test
from forecaster.methods.baselines import backtest_baselines

HORIZON, SEASON = 5, 4


@pytest.fixture(scope="module")
def case():
    """A panel with gaps, a constant and a short series, three origins, and forecasts of three methods."""
    rng = np.random.default_rng(3)
    series = [noisy_series(rng, n) for n in (60, 41, 30, 14, 13)]
    series[2][:] = 5.0  # constant: no MASE
    series[3][:8] = np.nan  # nothing observed before some origins
    panel = panel_of(*series, seasonalities=(SEASON,))
    origins = rolling_origins(panel.lengths, HORIZON, 3, 4)
    shape = (*origins.shape, HORIZON)
    forecasts = {name: 20 + rng.normal(size=shape) for name in ("model", "naive", "mean")}
    return panel, origins, forecasts


def windows_of(panel, origins, s):
    """(origin, end, past, actual) of each scored window of series s, by hand."""
    target = panel.target[panel.offsets[s] : panel.offsets[s + 1]]
    for origin, end in enumerate(origins[:, s]):
        if end >= 0 and not np.isnan(target[:end]).all() and not np.isnan(target[end : end + HORIZON]).all():
            yield origin, end, target[:end], target[end : end + HORIZON]


def naive_series_scores(panel, origins, forecast, steps):
    """{metric: value per series} over the given steps, all loops."""
    scores = {name: [] for name in ("mae", "rmse", "mape", "smape", "mase", "rmsse", "bias")}
    for s in range(len(panel)):
        windows = list(windows_of(panel, origins, s))
        triples = [(a[h], forecast[o, s, h]) for o, _, _, a in windows for h in steps if not np.isnan(a[h])]
        if not triples:
            for values in scores.values():
                values.append(math.nan)
            continue
        errors = [abs(y - f) for y, f in triples]
        scale = metrics.mase_scale(windows[0][2], SEASON)
        scores["mae"].append(sum(errors) / len(errors))
        scores["rmse"].append(math.sqrt(sum(e * e for e in errors) / len(errors)))
        percent = [100 * abs(y - f) / abs(y) for y, f in triples if y]
        scores["mape"].append(sum(percent) / len(percent))
        scores["smape"].append(sum(200 * abs(y - f) / (abs(y) + abs(f)) for y, f in triples) / len(triples))
        scores["mase"].append(scores["mae"][-1] / scale)
        past = windows[0][2]
        squares = [(b - a) ** 2 for a, b in zip(past, past[SEASON:], strict=False) if not math.isnan(b - a)]
        mean = sum(squares) / len(squares) if squares else 0
        scores["rmsse"].append(scores["rmse"][-1] / math.sqrt(mean) if mean else math.nan)
        scores["bias"].append(sum(f - y for y, f in triples) / len(triples))
    return scores


def test_totals_equal_loops_over_windows(case):
    """Overall, per step and per series equal a loop: within each series first, then over series."""
    panel, origins, forecasts = case
    report = score(panel, origins, forecasts, HORIZON)
    for m, forecast in enumerate(forecasts.values()):
        whole = naive_series_scores(panel, origins, forecast, range(HORIZON))
        for metric in whole:
            k = report.metrics.index(metric)
            np.testing.assert_allclose(report.per_series[m, k], whole[metric], err_msg=metric)
            assert report.overall[m, k] == pytest.approx(np.nanmean(whole[metric]))
            for h in range(HORIZON):
                step = naive_series_scores(panel, origins, forecast, [h])[metric]
                assert report.per_step[m, k, h] == pytest.approx(np.nanmean(step)), (metric, h)


def test_facts_say_what_was_scored(case):
    """Windows, series and series without MASE are counted; methods keep their order."""
    panel, origins, forecasts = case
    report = score(panel, origins, forecasts, HORIZON)
    scored = [list(windows_of(panel, origins, s)) for s in range(len(panel))]
    assert report.windows == sum(map(len, scored)) < (origins >= 0).sum()
    assert report.scored == sum(bool(windows) for windows in scored)
    defined = [bool(w) and not math.isnan(metrics.mase_scale(w[0][2], SEASON)) for w in scored]
    assert report.no_mase == report.scored - sum(defined) > 0
    assert report.methods == ("model", "naive", "mean")
    assert (report.horizon, report.origins, report.season) == (HORIZON, 3, SEASON)
    assert report.decided_on == "mase"
    assert (report.start, report.end) == ("1970-01-01T04:00:00", "1970-01-03T11:00:00")


def test_skill_compares_with_the_best_baseline(case):
    """Skill is 1 - error / best baseline's error: on MASE overall and per step, on MAE within a series."""
    report = score(*case, HORIZON)
    mae, mase, skill = (report.metrics.index(name) for name in ("mae", "mase", "skill"))
    best = report.methods.index(report.best_baseline)
    assert report.overall[best, mase] == report.overall[1:, mase].min()
    np.testing.assert_allclose(
        report.overall[:, skill], 1 - report.overall[:, mase] / report.overall[best, mase]
    )
    np.testing.assert_allclose(
        report.per_step[:, skill], 1 - report.per_step[:, mase] / report.per_step[best, mase]
    )
    np.testing.assert_allclose(
        report.per_series[:, skill], 1 - report.per_series[:, mae] / report.per_series[best, mae]
    )


def test_the_scale_of_mase_is_blind_to_what_is_held_out(case):
    """Garbage from the first origin on leaves every MASE scale as it was."""
    panel, origins, _ = case
    first = np.where(origins >= 0, origins, 10**6).min(axis=0)
    clean = mase_scales(panel, first, SEASON)
    spoilt = mase_scales(with_rows_after(panel, first, 1e9), first, SEASON)
    assert clean.tobytes() == spoilt.tobytes()


def one_series(error_of_model, error_of_naive, error_of_mean=9.0):
    """A report on one series of zeros and ones, with these absolute errors."""
    panel = panel_of([0.0, 1.0] * 10)
    origins = np.array([[16]])
    actual = panel.target[16:20]
    errors = {"model": error_of_model, "naive": error_of_naive, "mean": error_of_mean}
    return score(panel, origins, {name: (actual + e)[None, None] for name, e in errors.items()}, 4)


@pytest.mark.parametrize(
    ("model", "naive", "beats", "words"),
    [
        (0.5, 1.0, True, "The model beats the best baseline (naive) by 50.0 % in MAE on 1 held-out window."),
        (
            1.2,
            1.0,
            False,
            "NOT beat the best baseline, naive: its MAE is 20.0 % higher on 1 held-out window.",
        ),
        (1.0005, 1.0, False, "its MAE equals that of naive"),
        (0.9995, 1.0, False, "its MAE equals that of naive"),
        (0.0, 0.0, False, "its MAE equals that of naive"),
        (0.1, 0.0, False, "its MAE is infinitely higher"),
    ],
)
def test_the_verdict_speaks_plainly(model, naive, beats, words):
    """The verdict says by how much the model wins or loses, equals within 0.1 %, and what to use instead."""
    report = one_series(model, naive)
    assert report.beats is beats
    assert words in report.verdict
    assert "\n" not in report.verdict
    assert "Use naive" not in report.verdict  # one window proves nothing
    assert ("may be chance" in report.verdict) == ("equals" not in report.verdict)


@pytest.mark.parametrize("scatter", [0.01, 3.0])
def test_a_baseline_is_recommended_only_where_it_is_better_for_sure(scatter):
    """The verdict sends the user to the naive forecast where the difference is not chance."""
    panel = panel_of(np.random.default_rng(0).normal(size=200))
    origins = rolling_origins(panel.lengths, 5, 12, 5)
    actual = held_out(panel, origins, 5)
    worse = 0.5 + scatter * np.random.default_rng(4).normal(size=(12, 1, 1))
    report = score(panel, origins, {"model": actual + 20 + worse, "naive": actual + 20}, 5)
    assert ("Use naive for this series." in report.verdict) == (scatter < 1)
    assert report.chance == (scatter > 1)
    if scatter < 1:
        low, high = report.between
        assert low < report.difference < high
        assert "p < 0.001; 95 % interval" in report.verdict


def test_each_group_has_a_line_of_its_own():
    """Where series differ in kind, each group is compared with its own best baseline."""
    rng = np.random.default_rng(2)
    panel = panel_of(*(rng.normal(size=60) for _ in range(10)))
    origins = rolling_origins(panel.lengths, 5, 1, 5)
    actual = held_out(panel, origins, 5)
    good = np.where(np.arange(10) < 5, 0.1, 2.0)[:, None] + 0.01 * rng.random((10, 5))
    forecasts = {"model": actual + good, "naive": actual + 1.0, "mean": actual + 3.0}
    report = score(panel, origins, forecasts, 5, groups=("seasonal",) * 5 + ("price",) * 5)
    price, seasonal = report.groups
    assert (price.group, price.series, price.beats, price.chance) == ("price", 5, False, False)
    assert "5 series like prices: use naive; the model is worse by" in price.line
    assert "5 series with a season: the model is better than naive by" in seasonal.line
    again = Report.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))
    assert again.groups == report.groups
    assert score(panel, origins, forecasts, 5, groups=("plain",) * 10).groups == ()


def test_interval_errors_equal_loops(case):
    """Coverage, interval score, pinball loss, CRPS and WQL: within each series first, then over series."""
    panel, origins, forecasts = case
    shifts = {level: 8 * (level - 0.5) for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)}
    quantiles = {level: forecasts["model"] + shift for level, shift in shifts.items()}
    report = score(panel, origins, forecasts, HORIZON, quantiles=quantiles, levels=(80,))
    measures = report.intervals
    rows = {name: [] for name in measures.names}
    for s in range(len(panel)):
        pairs = [
            (y, forecasts["model"][o, s, h])
            for o, _, _, actual in windows_of(panel, origins, s)
            for h, y in enumerate(actual)
            if not math.isnan(y)
        ]
        if not pairs:
            continue
        losses = [
            max(q * (y - f - shift), (q - 1) * (y - f - shift))
            for y, f in pairs
            for q, shift in shifts.items()
        ]
        pinball = sum(losses) / len(losses)
        size = sum(abs(y) for y, _ in pairs) / len(pairs)
        outside = [max(f - 3.2 - y, 0) + max(y - f - 3.2, 0) for y, f in pairs]
        by_hand = {
            "pinball": pinball,
            "crps": 2 * pinball,
            "wql": 2 * pinball / size,
            "coverage_80": 100 * sum(each == 0 for each in outside) / len(pairs),
            "score_80": 6.4 + 10 * sum(outside) / len(pairs),
        }
        for name, value in by_hand.items():
            rows[name].append(value)
            assert measures.per_series[measures.names.index(name), s] == pytest.approx(value), name
    for name, values in rows.items():
        assert measures.value(name) == pytest.approx(np.mean(values)), name
    again = Report.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))
    assert again.to_json() == report.to_json()
    wide = report.to_rows()
    assert wide[0]["crps"] == measures.value("crps") and math.isnan(wide[1]["crps"])


def test_errors_by_origin_equal_loops(case):
    """The errors of an origin are averages over the series that are scored there."""
    panel, origins, forecasts = case
    report = score(panel, origins, forecasts, HORIZON)
    assert len(report.origin_times) == len(origins)
    for o in range(len(origins)):
        errors = [
            np.nanmean(np.abs(actual - forecasts["naive"][o, s]))
            for s in range(len(panel))
            for origin, _, _, actual in windows_of(panel, origins, s)
            if origin == o
        ]
        assert report.per_origin[1, report.metrics.index("mae"), o] == pytest.approx(np.mean(errors))


@pytest.mark.parametrize(("scatter", "chance"), [(0.3, False), (3.0, True)])
@pytest.mark.parametrize("several", [False, True])
def test_a_difference_within_its_own_scatter_may_be_chance(scatter, chance, several):
    """A gain that differs from window to window (or series to series) by more than its size proves little."""
    rng = np.random.default_rng(5)
    rows = [rng.normal(size=60) for _ in range(12)] if several else [rng.normal(size=200)]
    panel = panel_of(*rows)
    origins = rolling_origins(panel.lengths, 5, 1 if several else 12, 5)
    actual = held_out(panel, origins, 5)
    gain = 0.5 + scatter * rng.normal(size=(*origins.shape, 1))
    forecasts = {"model": actual + 20, "naive": actual + 20 + gain}
    report = score(panel, origins, forecasts, 5)
    assert report.chance is chance
    assert ("may be chance" in report.verdict) is chance


def test_two_series_prove_little():
    """A difference of the same sign in two series, of which one is half as large again, may be chance."""
    actual, better = np.zeros((1, 2, 3)), np.ones((1, 2, 3))
    for ratio, chance in ((1.5, True), (1.1, False)):  # 5 standard errors, and 21
        worse = better + np.array([0.1, 0.1 * ratio])[:, None]
        assert paired_test(actual, better, worse, np.ones(2), "mae").chance is chance


def test_one_series_is_decided_on_mae():
    """A single series needs no scaling; several without any MASE fall back to MAE too."""
    assert one_series(1, 2).decided_on == "mae"
    panel = panel_of([1.0] * 8, [2.0] * 8)
    forecasts = {name: np.ones((1, 2, 2)) for name in ("model", "naive")}
    report = score(panel, np.array([[6, 6]]), forecasts, 2)
    assert (report.decided_on, report.no_mase) == ("mae", 2)


def test_json_and_back_keeps_everything(case):
    """A report survives JSON: no NaN in the text, every number equal after it."""
    report = score(*case, HORIZON)
    text = json.dumps(report.to_json(), allow_nan=False, sort_keys=True)
    again = Report.from_json(json.loads(text))
    for name in ("overall", "per_step", "per_series"):
        np.testing.assert_array_equal(getattr(again, name), getattr(report, name))
    assert again.to_json() == report.to_json()
    assert again.verdict == report.verdict


def test_json_without_series_is_short(case):
    """`series=False` omits the scores of each series."""
    report = score(*case, HORIZON)
    short = Report.from_json(report.to_json(series=False))
    assert short.ids == () and short.per_series.shape[2] == 0
    assert (short.verdict, short.scored) == (report.verdict, report.scored)


@pytest.mark.parametrize("wrong", [{}, {"methods": ["model"], "metrics": ["mae"]}, {"methods": 3}])
def test_a_damaged_report_is_a_model_error(wrong):
    """JSON that is not a report raises ModelError."""
    with pytest.raises(ModelError, match="damaged"):
        Report.from_json(wrong)


def test_rows_hold_every_number(case):
    """One row for each method overall, at each step, from each origin and of each series."""
    report = score(*case, HORIZON)
    rows = report.to_rows()
    assert len(rows) == 3 * (1 + HORIZON + 3 + len(report.ids))
    assert list(rows[0]) == ["scope", "key", "method", *report.metrics]
    step = next(r for r in rows if (r["scope"], r["key"], r["method"]) == ("step", 2, "mean"))
    assert step["rmse"] == report.per_step[2, 1, 1]
    series = next(r for r in rows if (r["scope"], r["key"], r["method"]) == ("series", "s1", "naive"))
    assert series["mae"] == report.per_series[1, 0, 1]
    assert rows[0]["mae"] == report.value("model", "mae")


def test_nothing_observed_after_the_origins_is_a_data_error():
    """Held-out rows without any observed value cannot be scored."""
    panel = panel_of([1.0, 2.0, 3.0, np.nan, np.nan])
    forecasts = {name: np.ones((1, 1, 2)) for name in ("model", "naive")}
    with pytest.raises(DataError, match="observed"):
        score(panel, np.array([[3]]), forecasts, 2)


def test_a_forecast_that_is_not_finite_is_an_error_of_ours(case):
    """A NaN forecast of an observed value raises an error that names the series; elsewhere it is ignored."""
    panel, origins, forecasts = case
    broken = {name: forecast.copy() for name, forecast in forecasts.items()}
    broken["model"][np.where(origins < 0)] = np.nan
    score(panel, origins, broken, HORIZON)
    broken["model"][1, 2] = np.nan
    with pytest.raises(ForecasterError, match="model is not finite for series 's2'"):
        score(panel, origins, broken, HORIZON)
    with pytest.raises(ForecasterError, match="shape"):
        score(panel, origins, forecasts, HORIZON - 1)


@pytest.mark.parametrize("names", [("naive", "model"), ("model",)])
def test_the_model_comes_first_and_not_alone(names):
    """Without a baseline, or with another order, there is no report."""
    forecasts = {name: np.ones((1, 1, 2)) for name in names}
    with pytest.raises(UsageError):
        score(panel_of(np.ones(5)), np.array([[3]]), forecasts, 2)


@pytest.mark.parametrize(
    ("facts", "start"),
    [
        ({}, "1970-01-01T16:00:00"),
        ({"tz": "Europe/Paris"}, "1970-01-01T16:00:00Z"),
        ({"dates": True}, "1970-01-01"),
    ],
)
def test_span_is_written_as_the_data_was(facts, start):
    """Naive times stay naive, zoned ones are UTC, dates are dates."""
    panel = panel_of([0.0, 1.0] * 10, **facts)
    forecasts = {name: np.ones((1, 1, 4)) for name in ("model", "naive")}
    assert score(panel, np.array([[16]]), forecasts, 4).start == start


def test_baselines_beside_a_model_score_as_expected():
    """On a pure season the seasonal naive makes no error and a model that errs does not beat it."""
    panel = panel_of(np.tile([1.0, 5.0, 2.0], 10), np.tile([4.0, 1.0, 9.0], 8), seasonalities=(3,))
    origins = rolling_origins(panel.lengths, 3, 2, 3)
    base = backtest_baselines(panel, origins, 3)
    report = score(panel, origins, {"model": base["mean"], **base}, 3)
    assert report.best_baseline == "seasonal naive"
    assert report.value("seasonal naive", "mae") == 0
    assert not report.beats


def test_the_scale_of_mase_is_the_same_however_many_rows_are_read_at_once(case, monkeypatch):
    """Blocks of a few rows bound the memory and change no byte."""
    panel, origins, _ = case
    whole = mase_scales(panel, origins[0], SEASON)
    monkeypatch.setattr("forecaster.methods.baselines.BLOCK", 11)
    assert np.isfinite(whole).any()
    assert mase_scales(panel, origins[0], SEASON).tobytes() == whole.tobytes()
