"""The search for settings: what it reads, what it keeps, and that its settings are those of a training."""

import tomllib
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from flat import walk

from forecaster.config import Options, ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, DivergenceError
from forecaster.pipeline import tune as search
from forecaster.pipeline.compare import compare
from forecaster.pipeline.contestants import contestants_of
from forecaster.pipeline.tune import Tuning, tune
from forecaster.report.settings_file import settings_text

TINY = Options(horizon=4, steps=10, hidden=8, members=1, workers=1, pretrained=False)
FIXED = frozenset({"horizon", "steps", "hidden", "members", "pretrained"})


def table(rows=90, seed=0):
    """A daily series with a weekly season and noise."""
    rng = np.random.default_rng(seed)
    values = 30 + 5 * np.sin(2 * np.pi * np.arange(rows) / 7) + rng.normal(size=rows)
    return pd.DataFrame({"day": pd.date_range("2024-01-01", periods=rows), "sales": values})


@contextmanager
def silent(name, number, count):
    """Hears nothing."""
    yield None, None


@pytest.fixture(scope="module")
def found():
    """A comparison with a search among three settings, from two origins."""
    return compare(table(), (), TINY, origins=2, tuned=3, fixed=FIXED)


def test_no_row_of_the_test_is_read(found):
    """Garbage after the first test origin: the search tries the same settings, with the same errors."""
    changed = table()
    changed.loc[changed.index[-8:], "sales"] = [-3.0, 80.0, 1.0, 0.0, 99.5, 7.0, 60.0, -20.0]
    other = compare(changed, (), TINY, origins=2, tuned=3, fixed=FIXED)
    assert other.tuning.tried == found.tuning.tried
    assert other.tuning.best == found.tuning.best
    default = [each.leaderboard.standing("default").errors["mae"] for each in (found, other)]
    assert default[0] != default[1]
    assert found.tuning.end < found.leaderboard.report.start


def test_the_seed_decides_what_is_drawn():
    """The same seed draws the same settings, another one others; settings that are fixed stay."""
    panel = load(table()).panel
    known = panel.lengths
    drawn = [
        list(search._drawn(panel, known, 4, Options(seed=seed), frozenset({"cell", "members"}), 30))
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1]
    assert [search._changes(each, Options()) for each in drawn[0]] != [
        search._changes(each, Options()) for each in drawn[2]
    ]
    assert len(set(drawn[0])) == 30
    assert {(each.cell, each.members) for each in drawn[0]} == {("gru", None)}
    assert len({each.rate for each in drawn[0]}) > 3


@pytest.mark.parametrize("values", [walk(90), walk(90) - 200, np.arange(12.0) + 1])
def test_every_setting_of_the_space_can_be_planned(values):
    """No draw asks for a lookback, logarithm or segment that the data does not allow."""
    panel = load(pd.DataFrame({"day": pd.date_range("2024-01-01", periods=len(values)), "y": values})).panel
    known = panel.lengths - 2
    for options in search._drawn(panel, known, 2, Options(), frozenset(), 60):
        assert search.plan(panel, known, 2, options)
        assert options.log is not True or values.min() > 0


def test_rounds():
    """A third goes on with three times the steps; the last round trains to the end, the first some steps."""
    assert search._rounds(9, 900) == (100, 300, 900)
    assert search._rounds(8, 900) == (300, 900)
    assert search._rounds(2, 900) == (900,)
    assert search._rounds(27, 100) == (34, 100)
    assert search._rounds(0, 5) == (5,)


def test_the_verdict_writes_times_with_a_space():
    """As the report does, not as ISO 8601 has them."""
    span = {"start": "2024-01-01T05:00:00", "end": "2024-01-02T04:00:00"}
    result = Tuning(Options(), Options(), (), (250,), "mase", (0.5, 0.5), 3, **span)
    assert "3 validation origins, 2024-01-01 05:00:00 to 2024-01-02 04:00:00." in result.verdict


def test_halving(monkeypatch):
    """The best third goes on, the default always does, and the best of the last round is found."""
    options = Options(horizon=4, steps=180, hidden=8, members=1, workers=1, pretrained=False)
    monkeypatch.setattr(search._Search, "_error", lambda self, o, listeners, needed: (_quality(o), ""))
    panel = load(table()).panel
    result = tune(panel, 4, options, 9, origins=2, step=None, fixed=FIXED, watch=silent)
    assert result.rounds == (20, 60, 180)
    numbers = [[each.number for each in result.tried if each.steps == steps] for steps in result.rounds]
    assert [len(each) for each in numbers] == [10, 4, 2]
    assert all(each[0] == 0 for each in numbers)
    errors = {each.number: each.error for each in result.tried if each.steps == 20}
    ranked = sorted(list(errors)[1:], key=lambda number: (errors[number], number))
    assert numbers[1][1:] == ranked[:3]
    assert numbers[2][1:] == ranked[:1]
    assert result.found
    assert result.errors[0] == min(errors.values())
    assert result.best.steps == 180


def _quality(options):
    """An error that depends on the settings only."""
    return (options.rate or 0.003) * 100 + options.dropout + (0.3 if options.cell == "gru" else 0.1)


def test_settings_that_fail_are_named(monkeypatch):
    """They are the worst of their round; the default has to work."""
    real = search.backtest_trial

    def failing(panel, rows, trial, *rest, **ways):
        if trial.options != TINY:
            raise DivergenceError("it diverged")
        return real(panel, rows, trial, *rest, **ways)

    monkeypatch.setattr(search, "backtest_trial", failing)
    panel = load(table()).panel
    result = tune(panel, 4, TINY, 2, origins=1, step=None, fixed=FIXED, watch=silent)
    assert [each.reason for each in result.tried] == ["", "it diverged", "it diverged"]
    assert not result.found
    assert result.to_json()["tried"][1]["error"] is None
    with pytest.raises(DivergenceError):
        tune(panel, 4, Options(horizon=4, steps=11), 2, origins=1, step=None, fixed=FIXED, watch=silent)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_search_that_is_stopped_keeps_what_it_found(stop, monkeypatch):
    """The best so far can be used, though the test has not judged it; at once, there is nothing to keep."""
    monkeypatch.setattr(search._Search, "_error", lambda self, o, listeners, needed: (_quality(o), ""))

    def stopping(at):
        @contextmanager
        def watch(name, number, count):
            if number == at:
                raise stop
            yield None, None

        return watch

    options = Options(horizon=4, steps=10, hidden=8, members=1, workers=1, pretrained=False, rate=0.01)
    result = compare(table(), (), options, origins=2, tuned=9, fixed=FIXED, watch=stopping(9))
    assert isinstance(result.stopped, stop)
    assert result.leaderboard is None
    assert len(result.tuning.tried) == 8
    assert result.better_settings == result.tuning.changes != {}
    assert "stopped" in result.tuning_verdict
    with pytest.raises(stop):
        compare(table(), (), options, origins=2, tuned=9, fixed=FIXED, watch=stopping(1))


def test_a_stop_during_the_test_keeps_the_settings(monkeypatch):
    """Whether the default or the tuned settings were being tested."""
    monkeypatch.setattr(search._Search, "_error", lambda self, o, listeners, needed: (_quality(o), ""))

    for last in ("default", "tuned"):

        @contextmanager
        def watch(name, number, count, last=last):
            if name == last:
                raise KeyboardInterrupt
            yield None, None

        options = Options(horizon=4, steps=10, hidden=8, members=1, workers=1, pretrained=False, rate=0.01)
        result = compare(table(), (), options, origins=2, tuned=4, fixed=FIXED, watch=watch)
        assert isinstance(result.stopped, KeyboardInterrupt)
        assert result.better_settings


def test_the_default_stays_where_the_test_prefers_it(found, monkeypatch):
    """Settings that validation liked and the test does not are no better settings."""
    monkeypatch.setattr(search._Search, "_error", lambda self, o, listeners, needed: (_quality(o), ""))
    options = Options(horizon=4, steps=10, hidden=8, members=1, workers=1, pretrained=False, rate=0.01)
    for seed in range(2):
        result = compare(table(seed=seed), (), options, origins=2, tuned=4, fixed=FIXED)
        errors = [result.leaderboard.standing(name).errors["mae"] for name in ("tuned", "default")]
        assert bool(result.better_settings) == (errors[0] < errors[1] * 0.999)
        assert ("chance" if result.better_settings else "the default stays") in result.tuning_verdict


def test_other_contestants_join_the_test(found):
    """They stand beside the default, on the same origins."""
    contestants = contestants_of(TINY, models={"pretrained": "pretrained"})
    result = compare(table(), contestants, TINY, origins=2, tuned=1, fixed=FIXED)
    assert {"default", "pretrained", "naive"} <= {line.name for line in result.leaderboard.standings}


def test_too_few_rows_for_a_search():
    """Rows for the test but not for validation: unusable data, and what to ask for less of."""
    with pytest.raises(DataError, match="no rows are left to choose settings by") as caught:
        compare(table(8), (), TINY, origins=1, tuned=2, fixed=FIXED)
    assert "--origins" in caught.value.hint


def test_a_file_of_settings_reads_back():
    """Every kind of value, also hostile text; what is not set is left out, comments stay on their line."""
    read = ReadConfig(target=('a"b\\c', "\x7f\x1b[31m\u2028é😀"), na=("=1+1",), skip=3, strict=True)
    options = Options(rate=1e-05, seasons=(), quantiles=(0.1, 0.25), log=False, cell="lstm", workers=3)
    text = settings_text(options, read, ["one\ntwo = 3", "\x1b]0;x\x07"])
    values = tomllib.loads(text)
    assert values == {
        "target": list(read.target),
        "na": ["=1+1"],
        "skip": 3,
        "strict": True,
        "seasons": [],
        "log": False,
        "cell": "lstm",
        "rate": 1e-05,
        "quantiles": [0.1, 0.25],
    }
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines())
    assert settings_text(Options(), ReadConfig()) == "\n"
