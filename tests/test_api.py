"""The public Python API: its names, its examples, and that it agrees with the command line."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecaster
from forecaster.config import Options, ReadConfig
from forecaster.errors import DataError, ModelError, UsageError
from forecaster.pipeline.train import Training, train

TINY = {"hidden": 8, "steps": 20, "members": 1}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Two daily series with a weekly season."""
    rng = np.random.default_rng(3)
    days = pd.date_range("2024-01-01", periods=80)
    parts = [
        pd.DataFrame({"shop": name, "day": days, "sales": 30 + level + 5 * np.sin(np.arange(80) * 0.9)})
        for name, level in (("b", 10.0), ("a", 0.0))
    ]
    return pd.concat(parts, ignore_index=True).assign(heat=rng.random(160))


@pytest.fixture(scope="module")
def training(table: pd.DataFrame) -> Training:
    """A tiny training on it."""
    return forecaster.train(table, horizon=5, target="sales", **TINY)


def test_public_names() -> None:
    """These names are public; others may change without notice."""
    assert forecaster.__all__ == [
        "__version__",
        "compare",
        "evaluate",
        "explain",
        "load",
        "monitor",
        "predict",
        "train",
        "update",
        "write_report",
    ]
    assert all(hasattr(forecaster, name) for name in forecaster.__all__)


def test_version_is_that_of_the_package() -> None:
    """`__version__` is the version of the installation."""
    from importlib.metadata import version

    assert forecaster.__version__ == version("forecaster")


def test_import_is_light() -> None:
    """Importing the package loads none of the heavy libraries, so that --help stays quick."""
    heavy = ("numpy", "pandas", "pyarrow", "safetensors", "rich", "typer", "matplotlib")
    code = f"import sys, forecaster; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_examples_run() -> None:
    """Every public function has an example, which runs."""
    tests = doctest.DocTestFinder(exclude_empty=True).find(forecaster)
    with_examples = {test.name for test in tests if test.examples}
    assert with_examples == {"forecaster"} | {
        f"forecaster.{name}"
        for name in (
            *("train", "predict", "explain", "update", "evaluate", "compare", "monitor", "load"),
            "write_report",
        )
    }
    assert doctest.testmod(forecaster).failed == 0


def test_settings_have_one_meaning() -> None:
    """No keyword is both a reading setting and an option, so its name alone is enough."""
    both = {**ReadConfig.__dataclass_fields__}.keys() & {**Options.__dataclass_fields__}.keys()
    assert not both


def test_every_setting_is_documented() -> None:
    """The docstring of `train` names every setting."""
    words = forecaster.train.__doc__.replace(",", " ").split()
    assert set(ReadConfig.__dataclass_fields__) | set(Options.__dataclass_fields__) <= set(words)


def test_train_is_the_pipeline(table: pd.DataFrame, training: Training) -> None:
    """Keywords mean what the fields of Options and ReadConfig mean."""
    options = Options(horizon=5, **TINY)
    same = train(table, options, ReadConfig(target=("sales",)))
    assert same.model.options == training.model.options
    for one, other in zip(same.model.members, training.model.members, strict=True):
        assert one.network.flat.tobytes() == other.network.flat.tobytes()


def test_predict_without_data_continues_what_was_trained_on(table: pd.DataFrame, training: Training) -> None:
    """`predict(training)` is the forecast from the newest row of the training's table."""
    here = forecaster.predict(training)
    pd.testing.assert_frame_equal(here, forecaster.predict(training, table))
    pd.testing.assert_frame_equal(here, forecaster.predict(training.model, table))
    assert list(here.columns) == ["shop", "day", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]
    assert len(here) == 10
    assert here["day"].min() == pd.Timestamp("2024-03-21")


def test_predict_takes_a_shorter_horizon(training: Training) -> None:
    """A shorter horizon gives the first steps of the whole forecast."""
    whole = forecaster.predict(training)
    short = forecaster.predict(training, horizon=np.int64(2))
    expected = whole.groupby("shop").head(2).reset_index(drop=True)
    pd.testing.assert_frame_equal(short, expected)


def test_predict_takes_other_levels(training: Training) -> None:
    """Levels of intervals may be others than those that the model was trained to give."""
    found = forecaster.predict(training, levels=np.array([50]), quantiles=[0.1, 0.25])
    assert list(found.columns) == ["shop", "day", "forecast", "lo_50", "hi_50", "q_0.1", "q_0.25"]
    np.testing.assert_allclose(found["lo_50"], found["q_0.25"])
    usual = forecaster.predict(training)
    np.testing.assert_allclose(found["q_0.1"], usual["lo_80"])
    for wrong in ([0], [100], [80.5]):
        with pytest.raises(UsageError, match="levels"):
            forecaster.predict(training, levels=wrong)


def test_pretrained_networks_forecast_at_once(table: pd.DataFrame, tmp_path: Path) -> None:
    """Without training, from a table or a file, with the settings of the command."""
    found = forecaster.predict("pretrained", table, horizon=3, levels=[90], quantiles=[0.5], target="sales")
    assert list(found.columns) == ["shop", "day", "forecast", "lo_90", "hi_90", "q_0.5"]
    assert len(found) == 6
    np.testing.assert_allclose(found["forecast"], found["q_0.5"])
    path = tmp_path / "x.csv"
    table.to_csv(path, index=False)
    from_file = forecaster.predict(
        "pretrained", path, horizon=3, levels=[90], quantiles=[0.5], target="sales"
    )
    np.testing.assert_allclose(found["forecast"], from_file["forecast"])
    limited = forecaster.predict("pretrained", table, target="sales", lower=0, horizon=60)
    assert (limited["lo_95"] >= 0).all()
    paths = forecaster.predict("pretrained", table, target="sales", horizon=3, samples=4, seed=2)
    assert list(paths.columns) == ["shop", "day", "sample", "value"]
    assert len(paths) == 24
    same = forecaster.predict("pretrained", table, target="sales", horizon=3, samples=4, seed=2)
    pd.testing.assert_frame_equal(paths, same)


def test_pretrained_networks_refuse_what_means_nothing(table: pd.DataFrame) -> None:
    """Settings of training, no data, and settings that do not exist."""
    for settings in ({"hidden": 8}, {"steps": 5}, {"skip_short": True}, {"pretrained": True}):
        with pytest.raises(UsageError, match=next(iter(settings))):
            forecaster.predict("pretrained", table, target="sales", **settings)
    with pytest.raises(UsageError, match="no data of their own"):
        forecaster.predict("pretrained")
    with pytest.raises(UsageError, match="no setting 'tagret'") as caught:
        forecaster.predict("pretrained", table, tagret="sales")
    assert "target" in caught.value.hint
    with pytest.raises(UsageError, match="horizon"):
        forecaster.predict("pretrained", table, target="sales", horizon=0)


def test_pretrained_networks_are_evaluated(table: pd.DataFrame) -> None:
    """The backtest trains nothing, and its forecasts read only rows before each origin."""
    report = forecaster.evaluate(table, model="pretrained", horizon=3, origins=2, target="sales").report
    assert (report.origins, report.windows, report.horizon) == (2, 4, 3)
    cut = table.groupby("shop").head(int(table.groupby("shop").size().min()) - 3)
    point = forecaster.predict("pretrained", cut, horizon=3, target="sales").set_index(["shop", "day"])[
        "forecast"
    ]
    held = table.set_index(["shop", "day"])["sales"].reindex(point.index)
    last = forecaster.evaluate(table, model="pretrained", horizon=3, target="sales").report
    rows = pd.DataFrame(last.to_rows()).set_index(["scope", "method"])
    assert rows.loc[("overall", "model"), "mae"].item() == pytest.approx((held - point).abs().mean())


def test_predict_from_a_file(table: pd.DataFrame, training: Training, tmp_path: Path) -> None:
    """A model file works like the model; a table in memory must be passed again."""
    path = tmp_path / "x.model"
    training.model.save(path)
    pd.testing.assert_frame_equal(forecaster.predict(path, table), forecaster.predict(training))
    pd.testing.assert_frame_equal(forecaster.predict(str(path), table), forecaster.predict(training))
    with pytest.raises(UsageError, match="table in memory"):
        forecaster.predict(forecaster.load(path))


def test_reading_settings_override_what_a_model_remembers(table: pd.DataFrame, training: Training) -> None:
    """A table with other column names is read with settings that name them."""
    renamed = table.rename(columns={"shop": "branch", "day": "date"})
    expected = forecaster.predict(training).rename(columns={"shop": "branch", "day": "date"})
    found = forecaster.predict(training, renamed, id="branch", time="date")
    pd.testing.assert_frame_equal(found, expected)


def test_data_may_be_a_path(table: pd.DataFrame, training: Training, tmp_path: Path) -> None:
    """A path, as text or Path, is read as on the command line, and remembered."""
    path = tmp_path / "sales.csv"
    table.to_csv(path, index=False)
    trained = [forecaster.train(source, horizon=5, target="sales", **TINY) for source in (path, str(path))]
    expected = forecaster.predict(training)["forecast"]
    for each in trained:
        assert each.model.facts.source == str(path)
        np.testing.assert_allclose(forecaster.predict(each.model)["forecast"], expected, rtol=1e-9)


def test_monitor_goes_on_with_its_state(table: pd.DataFrame, training: Training, tmp_path: Path) -> None:
    """New rows are judged once, by a model in any form or the pretrained networks; without a state, again."""
    later = table.assign(day=table["day"] + pd.Timedelta(days=80))
    more = pd.concat([table, later], ignore_index=True).assign(heat=0.5)
    state, model = tmp_path / "x.monitor", tmp_path / "x.model"
    training.model.save(model)
    first = forecaster.monitor(training, more, state=state)
    assert (first.verdict.judged, first.verdict.newly_read) == (160, 160)
    assert [row["schema"] for row in first.to_rows()] == ["monitor-1"] * len(first.alarms)
    assert forecaster.monitor(model, more, state=str(state)).verdict.newly_read == 0
    assert forecaster.monitor(training.model, more).verdict.newly_read == 160
    with pytest.raises(UsageError, match="table in memory"):
        forecaster.monitor(training)
    since = forecaster.monitor("pretrained", more, since="2024-05-01", target="sales", lower=0)
    assert since.verdict.newly_read == 2 * 39
    for wrong in ({"hidden": 3}, {"false_alarms": "often"}, {"since": "soon"}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            forecaster.monitor("pretrained", more, target="sales", **wrong)
    with pytest.raises(UsageError, match="no setting 'lower'"):
        forecaster.monitor(training, more, lower=0)


def test_evaluate_gives_a_report(table: pd.DataFrame) -> None:
    """A backtest trains before the first origin, and its report becomes a table."""
    report = forecaster.evaluate(table, horizon=3, origins=np.int64(2), target="sales", **TINY).report
    assert (report.origins, report.windows, report.horizon) == (2, 4, 3)
    assert pd.DataFrame(report.to_rows())["method"].iloc[0] == "model"


def test_evaluate_takes_any_form_of_a_model(table: pd.DataFrame, training: Training, tmp_path: Path) -> None:
    """A Training, a Model and a file of it get the same score on newer rows; older ones are refused."""
    more = pd.concat(
        [
            table.assign(heat=0.5),
            table.groupby("shop").head(5).assign(day=lambda rows: rows["day"] + pd.Timedelta(days=80)),
        ]
    )
    path = tmp_path / "x.model"
    training.model.save(path)
    scores = [forecaster.evaluate(more, model=trained).report for trained in (training, training.model, path)]
    assert scores[0].to_json() == scores[1].to_json() == scores[2].to_json()
    with pytest.raises(ModelError, match="trained on data up to"):
        forecaster.evaluate(table, model=training)


def test_single_names_and_numbers_stand_for_lists(table: pd.DataFrame) -> None:
    """One target, covariate, level or season needs no tuple; arrays and indices of pandas serve as lists."""
    training = forecaster.train(
        table,
        horizon=2,
        target="sales",
        covariates=table.columns[[3]],
        levels=90,
        seasons=np.array([7]),
        **TINY,
    )
    assert training.model.facts.names.covariates == ("heat",)
    assert training.model.options.levels == (90,)
    assert training.model.options.seasons == (7,)
    assert list(forecaster.predict(training).columns[-2:]) == ["lo_90", "hi_90"]


def test_a_series_with_a_time_index(table: pd.DataFrame) -> None:
    """A Series with its times as index is a table too."""
    column = table[table["shop"] == "a"].set_index("day")["sales"]
    training = forecaster.train(column, horizon=2, **TINY)
    assert list(forecaster.predict(training).columns[:2]) == ["day", "forecast"]


def test_events_are_handed_on(table: pd.DataFrame) -> None:
    """`on_event` gets the events of training and refit."""
    heard: list[str] = []
    forecaster.train(
        table, horizon=2, target="sales", on_event=lambda event: heard.append(event.stage), **TINY
    )
    assert heard[0] == "train"
    assert heard[-1] == "refit"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda table: forecaster.train(table, horizn=3), "Did you mean 'horizon'"),
        (lambda table: forecaster.train(table, zzz=3), "Known settings"),
        (lambda table: forecaster.train(table, horizon="three"), "horizon cannot be 'three'"),
        (lambda table: forecaster.train(table, target="price"), "no column 'price'"),
        (lambda table: forecaster.train([1, 2, 3]), "data cannot be a list"),
        (lambda table: forecaster.evaluate(table, target="sales", origins=99), "99 origins"),
    ],
)
def test_wrong_use_is_named(call, words: str, table: pd.DataFrame) -> None:
    """A wrong value is a UsageError that says what to write instead."""
    with pytest.raises(UsageError, match=words):
        call(table)


def test_settings_of_training_are_no_settings_of_predict(training: Training) -> None:
    """`predict` refuses settings that it would ignore."""
    with pytest.raises(UsageError, match="no setting 'hidden'"):
        forecaster.predict(training, hidden=3)


def test_unusable_data_is_a_data_error(table: pd.DataFrame) -> None:
    """A table of text cannot be forecast."""
    with pytest.raises(DataError):
        forecaster.train(table[["shop", "day"]])


def test_a_missing_model_is_a_model_error(tmp_path: Path) -> None:
    """Loading a missing file is an error that says so."""
    with pytest.raises(ModelError, match="no model"):
        forecaster.load(tmp_path / "none.model")


@pytest.mark.parametrize(
    "wrong",
    [
        *({"samples": count} for count in (0, 1.5, True, 10**12)),
        {"samples": 2, "seed": -1},
        *({"quantiles": [level]} for level in (0.0, "a", 1e-12)),
    ],
)
def test_samples_and_quantiles_that_cannot_be(training: Training, wrong: dict[str, object]) -> None:
    """A number of paths, a seed or a level that makes no sense is a UsageError that says what does."""
    with pytest.raises(UsageError) as caught:
        forecaster.predict(training, **wrong)
    assert caught.value.hint


@pytest.mark.parametrize("wrong", [{"lower": np.nan}, {"upper": np.inf}, {"circular": np.inf}])
def test_limits_that_are_no_numbers(table: pd.DataFrame, wrong: dict[str, float]) -> None:
    """A limit has to be a number."""
    with pytest.raises(UsageError):
        forecaster.train(table, **wrong)
