"""Comparisons: contestants have the numbers of `evaluate`, and none of them ends the others."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecaster.config import Options, ReadConfig
from forecaster.errors import DataError, DivergenceError, MemoryLimitError, ModelError, UsageError
from forecaster.evaluation.error_report import MODEL
from forecaster.pipeline import compare as pipeline
from forecaster.pipeline.compare import compare
from forecaster.pipeline.contestants import contestants_of, named
from forecaster.pipeline.evaluate import evaluate
from forecaster.pipeline.train import train

PRETRAINED = {"pretrained": "pretrained"}
TINY = Options(horizon=4, steps=20, hidden=8, members=1, workers=1)


def table(rows=90, seed=0):
    """Two daily series with a weekly season and noise."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=rows)
    wave = 5 * np.sin(2 * np.pi * np.arange(rows) / 7)
    parts = [
        pd.DataFrame({"day": days, "shop": name, "sales": 30 + level + wave + rng.normal(size=rows)})
        for name, level in (("a", 0.0), ("b", 9.0))
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def model():
    """A model of the first 60 days."""
    return train(table().query("day < '2024-03-01'"), TINY).model


@pytest.fixture(scope="module")
def compared(model):
    """A training, the pretrained networks and a model, from three origins."""
    contestants = contestants_of(TINY, cells=("rnn",), models={"pretrained": "pretrained", "old": model})
    return compare(table(), contestants, TINY, origins=3)


def test_numbers_are_those_of_evaluate(compared, model):
    """Errors, WQL and forecasts of each contestant, and of the baselines, are those of its own backtest."""
    ways = {"rnn": Options(horizon=4, steps=20, hidden=8, members=1, workers=1, cell="rnn")}
    for name, options, what in (
        ("rnn", ways["rnn"], None),
        ("pretrained", TINY, "pretrained"),
        ("old", TINY, model),
    ):
        alone = evaluate(table(), options, origins=3, model=what)
        line = compared.leaderboard.standing(name)
        for metric in ("mae", "mase", "smape"):
            assert line.errors[metric] == alone.report.value(MODEL, metric)
            naive = compared.leaderboard.standing("naive").errors[metric]
            assert naive == alone.report.value("naive", metric)
        assert line.wql == alone.report.intervals.value("wql")
        np.testing.assert_array_equal(compared.backtests[name].point[MODEL], alone.backtest.point[MODEL])
        np.testing.assert_array_equal(compared.leaderboard.backtest.point[name], alone.backtest.point[MODEL])


def test_kinds_and_times(compared):
    """Only a training trains; each contestant has its work, and takes a while."""
    lines = {name: compared.leaderboard.standing(name) for name in ("rnn", "pretrained", "old", "naive")}
    assert [line.kind for line in lines.values()] == ["training", "pretrained", "model", "baseline"]
    assert lines["rnn"].train_seconds > lines["old"].train_seconds
    assert all(lines[name].forecast_seconds > 0 for name in ("rnn", "pretrained", "old"))
    assert lines["rnn"].work > 0 == lines["pretrained"].work


def test_rows_after_the_last_origin_change_no_forecast(compared):
    """Other values in the held-out rows: the same forecasts from each origin before them."""
    changed = table()
    newest = changed["day"] >= changed["day"].max() - pd.Timedelta(days=3)
    changed.loc[newest, "sales"] = 77.0
    contestants = contestants_of(TINY, cells=("rnn",), models=PRETRAINED)
    other = compare(changed, contestants, TINY, origins=3)
    for name in ("rnn", "pretrained"):
        one, two = (each.backtests[name] for each in (compared, other))
        np.testing.assert_array_equal(one.point[MODEL], two.point[MODEL])
        for level, values in one.quantiles.items():
            np.testing.assert_array_equal(values, two.quantiles[level])
    assert other.leaderboard.standing("rnn").errors != compared.leaderboard.standing("rnn").errors


@pytest.mark.parametrize("error", [DivergenceError("it diverged"), MemoryError(), DataError("too few rows")])
def test_a_contestant_that_fails_does_not_end_the_others(error, monkeypatch):
    """It is listed with its reason."""
    real = pipeline.backtest_trial

    def failing(panel, rows, trial, *rest, **options):
        if trial.options.cell == "lstm":
            raise error
        return real(panel, rows, trial, *rest, **options)

    monkeypatch.setattr(pipeline, "backtest_trial", failing)
    board = compare(table(), contestants_of(TINY, cells=("lstm",), models=PRETRAINED), TINY).leaderboard
    (failure,) = board.failures
    assert failure.name == "lstm"
    assert failure.reason
    assert {"pretrained", "naive"} <= {line.name for line in board.standings}
    expected = MemoryLimitError if isinstance(error, MemoryError) else type(error)
    with pytest.raises(expected, match="lstm: "):
        compare(table(), contestants_of(TINY, cells=("lstm",)), TINY)


def test_a_model_that_has_seen_the_test_is_listed_as_failed(model):
    """Also one of another frequency; alone it is an error."""
    early = table().query("day < '2024-03-05'")
    contestants = contestants_of(TINY, models={"old": model, "pretrained": "pretrained"})
    board = compare(early, contestants, TINY, origins=3).leaderboard
    assert "trained on data up to" in board.failures[0].reason
    with pytest.raises(ModelError, match="old: "):
        compare(early, contestants[:1], TINY, origins=3)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_what_is_done_is_kept(stop):
    """Ctrl-C, SIGTERM and a bug in the second contestant: the first is on the board, the rest is named."""

    @contextmanager
    def watch(name, number, count):
        assert count == 3
        if number == 2:
            raise stop
        yield None, None

    cells = [("cell", name, replace(TINY, cell=name)) for name in ("gru", "rnn")]
    contestants = named([("model", "pretrained", "pretrained"), *cells])
    result = compare(table(), contestants, TINY, watch=watch)
    assert isinstance(result.stopped, stop)
    assert "pretrained" in {line.name for line in result.leaderboard.standings}
    assert [each.name for each in result.leaderboard.failures] == ["gru", "rnn"]

    @contextmanager
    def at_once(name, number, count):
        raise stop
        yield

    with pytest.raises(stop):
        compare(table(), contestants, TINY, watch=at_once)


def test_the_usual_contestants_and_origins():
    """Without any: quick, normal, pretrained; as many origins as a quarter of the rows holds, ten at most."""
    result = compare(table(), (), TINY)
    assert {"quick", "pretrained"} <= {line.name for line in result.leaderboard.standings}
    assert result.leaderboard.report.origins == 5


def test_the_same_settings_are_tried_once():
    """A note names those that are left out."""
    contestants = contestants_of(TINY, cells=("gru",), efforts=("normal",))
    result = compare(table(), contestants, TINY, origins=1)
    assert result.notes == ("normal and gru are the same: tried once.",)


def test_names_are_inert_and_unique():
    """Control characters are escaped, long names are cut, and a name that is taken gets another."""
    odd = [
        "\x1b]0;x\x07",
        "[red]",
        "=1+1",
        "naive",
        "seasonal naive 7",
        "Theta",
        "y" * 500,
        "z" * 47 + "y" * 48,
    ]
    settings = [("settings", name, TINY) for name in odd]
    names = [each.name for each in named([*settings, *settings, ("cell", "naive", TINY)])]
    assert len(set(names)) == 17
    assert all(name.isprintable() and len(name) < 80 for name in names)
    assert not {"naive", "seasonal naive 7", "Theta"} & set(names)
    assert "settings naive" in names
    assert "cell naive" in names


def test_one_horizon_for_all(model):
    """That of the settings or the model that has one; two of them are wrong usage, with one that all have."""
    free = Options(steps=20, hidden=8, members=1, workers=1)
    contestants = contestants_of(free, cells=("gru",), models={"old": model})
    assert compare(table(), contestants, free, origins=1).leaderboard.report.horizon == 4
    contestants = contestants_of(free, configs={"a": TINY, "b": Options(horizon=9, steps=20)})
    with pytest.raises(UsageError, match="a 4, b 9") as caught:
        compare(table(), contestants, free)
    assert "--horizon 4" in caught.value.hint


def test_one_way_to_read_the_data():
    """Models that remember other columns cannot be compared without saying which to take."""
    both = table().assign(visits=table()["sales"] * 2)
    early = both.query("day < '2024-03-01'")
    models = {name: train(early, TINY, ReadConfig(target=(name,))).model for name in ("sales", "visits")}
    contestants = contestants_of(TINY, models=models)
    with pytest.raises(UsageError, match="target is") as caught:
        compare(both, contestants, TINY)
    assert caught.value.hint == "Say how to read it, such as --target sales."
    read = ReadConfig(target=("sales",))
    assert compare(both, contestants, TINY, read, origins=2).leaderboard.best
    circles = contestants_of(TINY, configs={"a": TINY, "b": Options(horizon=4, circular=360.0)})
    with pytest.raises(UsageError, match="circular"):
        compare(table(), circles, TINY)


def test_wrong_cells_and_efforts():
    """A UsageError that says what there is."""
    for wrong in ({"cells": ["tanh"]}, {"efforts": ["slow"]}):
        with pytest.raises(UsageError) as caught:
            contestants_of(TINY, **wrong)
        assert "Choose one of" in caught.value.hint
