"""`--quantiles` and `--samples`: columns of quantiles, and paths that depend along the horizon."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import SMALL, daily, inside

import forecaster
from forecaster.errors import ModelError, UsageError
from forecaster.forecasting.forecast import forecast as forecast_with
from forecaster.pipeline.train import Training

ROOT = Path(__file__).parents[2]
TINY = {"steps": 20, "members": 1, "hidden": 8, "workers": 1}
PLAIN = ["day", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]


@pytest.fixture(scope="module")
def walks() -> pd.DataFrame:
    """Two random walks, counts, and counts that are mostly zero."""
    rng = np.random.default_rng(4)
    days = pd.date_range("2024-01-01", periods=150)
    values = {
        "a": 100 + np.cumsum(rng.normal(size=150)),
        "b": 50 + np.cumsum(rng.normal(size=150)),
        "n": rng.poisson(3.0, 150).astype(float),
        "r": rng.poisson(0.4, 150).astype(float),
    }
    return pd.concat(pd.DataFrame({"shop": name, "day": days, "y": y}) for name, y in values.items())


@pytest.fixture(scope="module")
def training(walks: pd.DataFrame) -> Training:
    """A model of them that gives two quantiles."""
    return forecaster.train(walks, horizon=7, quantiles=[0.1, 0.9], **TINY)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with fast training."""
    monkeypatch.chdir(tmp_path)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "x.csv").write_text(daily())
    return tmp_path


def table(*arguments: str, capfd: pytest.CaptureFixture[str]) -> pd.DataFrame:
    """The CSV that a command writes."""
    result = inside(*arguments, capfd=capfd)
    assert result.returncode == 0, result.stderr
    return pd.read_csv(io.StringIO(result.stdout))


@pytest.mark.parametrize("place", ["flag", "variable", "file"])
def test_quantiles_are_columns(
    place: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Those that the model was trained to give, then those asked of predict; ascending in each row."""
    flags: list[str] = []
    if place == "flag":
        flags = ["--quantiles", "0.1,0.5,0.9"]
    elif place == "variable":
        monkeypatch.setenv("FORECAST_QUANTILES", "0.1, 0.5,0.9")
    else:
        (here / "forecast.toml").write_text("quantiles = [0.1, 0.5, 0.9]\n")
    assert inside("train", "x.csv", "--horizon", "5", *flags, capfd=capfd).returncode == 0
    frame = table("predict", capfd=capfd)
    assert list(frame) == [*PLAIN, "q_0.1", "q_0.5", "q_0.9"]
    assert (frame["q_0.1"] < frame["q_0.5"]).all()
    assert (frame["q_0.5"] < frame["q_0.9"]).all()
    np.testing.assert_allclose(frame["q_0.1"], frame["lo_80"])
    other = table("predict", "--quantiles", "0.25", capfd=capfd)
    assert list(other) == [*PLAIN, "q_0.25"]
    assert list(table("predict", "--quantiles", "", capfd=capfd)) == PLAIN


@pytest.mark.parametrize("text", ["ten", "0.1;0.9", "1.5", "0", "10"])
def test_wrong_quantiles_are_named(text: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is no number between 0 and 1 is wrong usage, which says what to write."""
    result = inside("train", "x.csv", "--quantiles", text, capfd=capfd)
    assert result.returncode == 2
    assert "0.1,0.5,0.9" in result.stderr or "Give 0.001 to 0.999" in result.stderr


def test_quantiles_from_python(training: Training, walks: pd.DataFrame) -> None:
    """`predict(quantiles=...)` overrides those of the model; a single number is a list of one."""
    assert list(forecaster.predict(training))[-2:] == ["q_0.1", "q_0.9"]
    assert list(forecaster.predict(training, walks, quantiles=(0.3,)))[-2:] == ["hi_95", "q_0.3"]
    assert list(forecaster.predict(training, quantiles=np.array([0.2, 0.4])))[-2:] == ["q_0.2", "q_0.4"]
    assert list(forecaster.predict(training, quantiles=()))[-1] == "hi_95"
    assert forecaster.train(walks, horizon=2, quantiles=0.5, **TINY).model.options.quantiles == (0.5,)


def test_evaluate_takes_quantiles_and_limits(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The options of train hold for evaluate."""
    flags = ("--quantiles", "0.1,0.9", "--lower", "0", "--upper", "90", "--no-integer")
    assert inside("evaluate", "x.csv", "--horizon", "5", *flags, capfd=capfd).returncode == 0


def test_paths_in_long_format(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One row per path and step; the same bytes for the same seed, to stdout or a file."""
    assert inside("train", "x.csv", "--horizon", "4", capfd=capfd).returncode == 0
    first = inside("predict", "--samples", "3", capfd=capfd)
    frame = pd.read_csv(io.StringIO(first.stdout))
    assert list(frame) == ["day", "sample", "value"]
    assert frame["sample"].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    assert frame["day"].tolist() == ["2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03"] * 3
    assert inside("predict", "--samples", "3", capfd=capfd).stdout == first.stdout
    assert inside("predict", "--samples", "3", "--seed", "1", capfd=capfd).stdout != first.stdout
    written = inside("predict", "--samples", "3", "-o", "paths.csv", capfd=capfd)
    assert (here / "paths.csv").read_text() == first.stdout
    assert "wrote 12 rows of paths to paths.csv" in written.stderr
    assert inside("predict", "--samples", "0", capfd=capfd).returncode == 2


def test_paths_from_python(training: Training, walks: pd.DataFrame, tmp_path: Path) -> None:
    """Each series has its own, of the chosen horizon; a training, a model and a file give the same."""
    frame = forecaster.predict(training, samples=5, horizon=3)
    assert list(frame) == ["shop", "day", "sample", "value"]
    assert frame.groupby(["shop", "sample"]).size().tolist() == [3] * 20
    training.model.save(tmp_path / "x.model")
    pd.testing.assert_frame_equal(frame, forecaster.predict(training.model, walks, samples=5, horizon=3))
    pd.testing.assert_frame_equal(
        frame, forecaster.predict(tmp_path / "x.model", walks, samples=np.int64(5), horizon=3)
    )


def test_paths_have_the_quantiles_of_the_forecast(training: Training) -> None:
    """At each step, a tenth of the paths lies below the quantile 0.1, nine tenths below 0.9."""
    result = forecast_with(training.model, training.loaded.panel, quantiles=(0.1, 0.9))
    paths = result.samples(4000)
    for level, bound in result.quantiles.items():
        share = (paths[:2] < bound[:2, None]).mean(axis=1)
        np.testing.assert_allclose(share, level, atol=0.03)


def test_paths_of_a_walk_depend_along_the_horizon(training: Training) -> None:
    """A random walk that is high tomorrow is high next week, so sums spread more."""
    paths = forecast_with(training.model, training.loaded.panel).samples(2000)[0]
    assert np.corrcoef(paths[:, 3], paths[:, 4])[0, 1] > 0.6
    assert paths.sum(axis=1).std() > 1.5 * np.sqrt((paths.std(axis=0) ** 2).sum())


def test_paths_could_happen(training: Training) -> None:
    """Paths of counts are whole numbers, none below zero; so are those of rare events, whose mean is not."""
    frame = forecaster.predict(training, samples=300)
    for name, least in (("n", 4), ("r", 2)):
        counts = frame.loc[frame["shop"] == name, "value"]
        assert (counts % 1 == 0).all()
        assert counts.min() >= 0
        assert counts.nunique() >= least


def test_paths_keep_to_limits_that_are_set(walks: pd.DataFrame) -> None:
    """Bounds hold for every value of every path, and a direction is brought into its turn."""
    part = walks.query("shop == 'b'")[["day", "y"]]
    bounded = forecaster.train(part, horizon=7, lower=part["y"].min(), upper=part["y"].max(), **TINY)
    values = forecaster.predict(bounded, samples=500)["value"]
    assert values.min() >= part["y"].min()
    assert values.max() <= part["y"].max()
    turning = part.assign(y=part["y"] * 10 % 360)
    values = forecaster.predict(forecaster.train(turning, horizon=7, circular=360, **TINY), samples=500)[
        "value"
    ]
    assert values.min() >= 0
    assert values.max() <= 360
    assert values.max() - values.min() > 100


def test_a_counter_has_no_falling_path() -> None:
    """A path of a counter starts at its newest value or above, and never falls."""
    values = np.cumsum(np.random.default_rng(2).gamma(0.5, 3, 200))
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=200), "y": values})
    paths = forecaster.predict(forecaster.train(frame, horizon=6, **TINY), samples=200)
    steps = paths["value"].to_numpy().reshape(200, 6)
    assert (np.diff(steps, axis=1) >= 0).all()
    assert steps.min() >= values[-1]


def test_names_that_paths_need_for_themselves(walks: pd.DataFrame) -> None:
    """A table whose ids are called `sample` cannot get that column a second time."""
    renamed = walks.rename(columns={"shop": "sample"})
    training = forecaster.train(renamed, horizon=2, **TINY)
    with pytest.raises(UsageError, match="already has a column 'sample'"):
        forecaster.predict(training, samples=2)


def test_models_of_the_first_format_have_no_paths() -> None:
    """They say so."""
    folder = ROOT / "tests" / "data" / "written_before"
    model = forecaster.load(folder / "gru.model")
    names, times = model.facts.names, pd.date_range("2024-01-01", periods=400, freq="h")
    frame = pd.DataFrame({names.time: times, names.id: "s", names.target: 5.0 + np.arange(400) % 7})
    assert len(forecaster.predict(model, frame, horizon=2)) == 2
    with pytest.raises(ModelError, match="before paths could be drawn"):
        forecaster.predict(model, frame, samples=2)
