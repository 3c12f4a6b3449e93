"""The leaderboard: its order, its tests, and what it recommends."""

import numpy as np
import pytest
from evaluation_panel import noisy_series, panel_of

from forecaster.evaluation.backtest import backtest_of, rolling_origins
from forecaster.evaluation.leaderboard import Entry, Failure, leaderboard
from forecaster.evaluation.scores import mase_scales, overlap, paired_test, score
from forecaster.evaluation.significance import holm, paired
from forecaster.methods.baselines import backtest_baselines, first_origins

HORIZON = 4
QUANTILES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))


def panel_and_origins(rows=80, origins=8, series=2):
    """A panel of noisy series, and its rolling origins."""
    rng = np.random.default_rng(1)
    panel = panel_of(*(noisy_series(rng, rows, gaps=0.0) for _ in range(series)), seasonalities=(4,))
    return panel, rolling_origins(panel.lengths, HORIZON, origins, HORIZON)


def entry(panel, origins, name, *, noise, seed=0, kind="training", work=1.0, quantiles=True):
    """A contestant that forecasts what happens but for noise of this size."""
    rng = np.random.default_rng(seed)
    rows = (panel.offsets[:-1] + origins)[..., None] + np.arange(HORIZON)
    point = panel.target[rows] + noise * rng.normal(size=rows.shape)
    levels = {level: point + 5 * (level - 0.5) for level in QUANTILES} if quantiles else {}
    forecasts = {"model": point} | backtest_baselines(panel, origins, HORIZON)
    return Entry(name, kind, backtest_of(panel, origins, forecasts, HORIZON, levels, (80,)), work)


def test_numbers_are_those_of_the_reports() -> None:
    """Each contestant has the errors, WQL and coverage of its own report; baselines have theirs."""
    panel, origins = panel_and_origins()
    entries = [entry(panel, origins, name, noise=noise) for name, noise in (("a", 3.0), ("b", 0.5))]
    board = leaderboard(entries)
    assert [each.rank for each in board.standings] == list(range(1, 7))
    for each in entries:
        report, line = score(each.backtest), board.standing(each.name)
        assert line.errors == dict(zip(report.metrics[:-1], report.overall[0, :-1], strict=True))
        assert (line.wql, line.coverage) == (
            report.intervals.value("wql"),
            pytest.approx(report.intervals.value("coverage_80")),
        )
        for m, name in enumerate(report.methods[1:], start=1):
            assert board.standing(name).errors["mase"] == report.overall[m, report.metrics.index("mase")]
    errors = [each.errors[board.decided_on] for each in board.standings]
    assert errors == sorted(errors)
    assert board.best.name == "b"
    assert list(board.backtest.point)[:2] == ["b", "a"]
    assert np.isnan(board.standing("naive").wql)


def test_tests_are_those_of_a_report() -> None:
    """The p-value beside the best is that of `paired_test`, and is corrected by Holm's method."""
    panel, origins = panel_and_origins()
    board = leaderboard(
        [entry(panel, origins, "a", noise=3.0), entry(panel, origins, "b", noise=2.5, seed=1)]
    )
    scale = mase_scales(panel, first_origins(origins), panel.frequency.season)
    point = board.backtest.point
    raw = []
    for each in board.standings[1:]:
        pair = point[board.best.name], point[each.name]
        test = paired_test(board.backtest.actual, *pair, scale, board.decided_on, overlap(origins, HORIZON))
        assert each.p_value == test.p_value
        raw.append(test.p_value)
    assert [each.adjusted for each in board.standings[1:]] == holm(raw)
    assert np.isnan(board.best.p_value)


def test_holm() -> None:
    """By hand; what cannot be told counts as a test and stays unknown."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    with_unknown = holm([float("nan"), 0.01])
    assert np.isnan(with_unknown[0])
    assert with_unknown[1] == 0.02
    assert holm([]) == []


def test_holm_keeps_its_promise() -> None:
    """Among ten tests of nothing, one wrong claim or more is made in about one of twenty cases."""
    rng = np.random.default_rng(0)
    wrong = [min(holm(list(rng.random(10)))) < 0.05 for _ in range(2000)]
    assert 0.03 < np.mean(wrong) < 0.07


def test_the_best_method_is_hardly_ever_excluded() -> None:
    """Of six equal methods, any one (that of the long run) is told from the best in few of 400 cases."""
    rng = np.random.default_rng(4)
    excluded = 0
    for _ in range(400):
        errors = rng.gamma(2.0, size=(6, 12))
        best = int(errors.mean(axis=1).argmin())
        others = [m for m in range(6) if m != best]
        adjusted = holm([paired((errors[best] - errors[m])[:, None]).p_value for m in others])
        excluded += best != 0 and adjusted[others.index(0)] < 0.05
    assert excluded / 400 < 0.05


def test_the_simplest_of_equals_is_recommended() -> None:
    """Of methods that may be the best, the one with the least work; a pretrained network before any."""
    panel, origins = panel_and_origins(origins=12, series=8)
    large = entry(panel, origins, "large", noise=0.50, work=9.0)
    small = entry(panel, origins, "small", noise=0.50, seed=3, work=2.0)
    given = entry(panel, origins, "given", noise=0.50, seed=2, kind="pretrained", work=0.0)
    board = leaderboard([large, small])
    assert {each.name for each in (board.best, *board.tied)} == {"large", "small"}
    assert board.recommended.name == "small"
    assert leaderboard([large, small, given]).recommended.name == "given"
    assert "may be as good" in board.verdict
    assert board.verdict.startswith("Use small")


def test_a_clear_winner_is_recommended_whatever_it_costs() -> None:
    """Where no other method may be the best, the verdict says so."""
    panel, origins = panel_and_origins(origins=12)
    board = leaderboard(
        [entry(panel, origins, "large", noise=0.01, work=9.0), entry(panel, origins, "small", noise=3.0)]
    )
    assert board.tied == ()
    assert board.recommended.name == "large"
    assert "unlikely to be chance" in board.verdict


def test_a_much_worse_method_is_not_recommended_for_want_of_windows() -> None:
    """Two windows cannot tell 50 % from nothing; the verdict asks for more instead of advising it."""
    panel, origins = panel_and_origins(origins=2, series=1)
    board = leaderboard([entry(panel, origins, "a", noise=0.5, work=9.0)])
    assert board.tied
    assert board.recommended.name == "a"
    assert "More --origins would tell" in board.verdict


def test_one_window_tells_nothing() -> None:
    """No recommendation, but how to get one."""
    panel, origins = panel_and_origins(origins=1, series=1)
    board = leaderboard([entry(panel, origins, "a", noise=0.5)])
    assert board.recommended is None
    assert "use more --origins" in board.verdict
    assert board.to_json()["recommended"] is None
    assert all(method["p_value"] is None for method in board.to_json()["methods"])


def test_failures_and_methods_without_quantiles_are_listed() -> None:
    """A model without quantiles has neither WQL nor coverage; a failure has a reason and no rank."""
    panel, origins = panel_and_origins()
    plain = entry(panel, origins, "old", noise=1.0, kind="model", quantiles=False)
    board = leaderboard([plain], [Failure("broken", "it diverged")])
    rows = board.to_rows()
    assert rows[-1]["name"] == "broken"
    assert (rows[-1]["rank"], rows[-1]["reason"]) == ("", "it diverged")
    assert len({tuple(row) for row in rows}) == 1
    assert board.to_json()["failures"] == [{"name": "broken", "reason": "it diverged"}]
    assert np.isnan(board.standing("old").coverage)
