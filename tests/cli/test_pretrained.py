"""`--model pretrained`: forecasts without training, from the command line."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stand_ins
from command import SMALL, assert_clean_failure, daily, forecast, inside

from forecaster.pretraining.store import OWN_FOLDER, Pretrained


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a daily series; fast training."""
    monkeypatch.chdir(tmp_path)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "x.csv").write_text(daily())
    return tmp_path


def table(*arguments: str, capfd: pytest.CaptureFixture[str]) -> pd.DataFrame:
    """The CSV that `predict --model pretrained` writes."""
    result = inside("predict", *arguments, "--model", "pretrained", capfd=capfd)
    assert result.returncode == 0, result.stderr
    return pd.read_csv(io.StringIO(result.stdout))


def test_it_forecasts_at_once(here: Path) -> None:
    """As a user runs it: one command, no model file before or after, the usual horizon and columns."""
    result = forecast("predict", "x.csv", "--model", "pretrained", cwd=here)
    assert (result.returncode, result.stderr) == (0, "")
    found = pd.read_csv(io.StringIO(result.stdout))
    assert list(found) == ["day", "forecast", "lo_80", "hi_80", "lo_95", "hi_95"]
    assert list(found["day"].iloc[[0, -1]]) == ["2024-04-30", "2024-05-13"]
    assert (found["lo_95"] <= found["lo_80"]).all()
    assert (found["lo_80"] <= found["forecast"]).all()
    assert (found["forecast"] <= found["hi_80"]).all()
    assert (found["hi_80"] <= found["hi_95"]).all()
    assert [path.name for path in here.iterdir()] == ["x.csv"]
    again = forecast("predict", "x.csv", "--model", "pretrained", cwd=here)
    assert again.stdout == result.stdout


def test_horizon_levels_and_quantiles(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each is free, whatever the network was trained for; quantiles agree with intervals."""
    found = table(
        "x.csv", "--horizon", "70", "--levels", "50,99", "--quantiles", "0.25,0.5,0.75", capfd=capfd
    )
    columns = ["day", "forecast", "lo_50", "hi_50", "lo_99", "hi_99", "q_0.25", "q_0.5", "q_0.75"]
    assert list(found) == columns
    assert len(found) == 70
    np.testing.assert_allclose(found["q_0.25"], found["lo_50"])
    np.testing.assert_allclose(found["q_0.75"], found["hi_50"])
    np.testing.assert_allclose(found["q_0.5"], found["forecast"])
    short = table("x.csv", "--horizon", "3", capfd=capfd)
    np.testing.assert_allclose(short["forecast"], found["forecast"][:3])


def test_settings_may_be_variables(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The name of the model and the horizon, as any setting, also in forecast.toml."""
    monkeypatch.setenv("FORECAST_MODEL", "pretrained")
    (here / "forecast.toml").write_text("horizon = 4\n")
    result = inside("predict", "x.csv", capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert len(pd.read_csv(io.StringIO(result.stdout))) == 4


def test_paths_depend_along_the_horizon(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The same seed draws the same paths; they have the quantiles of the forecast; neighbours are alike."""
    arguments = ("x.csv", "--horizon", "10", "--samples", "2000")
    paths = table(*arguments, capfd=capfd)
    assert list(paths) == ["day", "sample", "value"]
    assert len(paths) == 20_000
    pd.testing.assert_frame_equal(paths, table(*arguments, capfd=capfd))
    assert not paths.equals(table(*arguments, "--seed", "1", capfd=capfd))
    drawn = paths["value"].to_numpy().reshape(2000, 10)
    found = table("x.csv", "--horizon", "10", "--quantiles", "0.1,0.9", capfd=capfd)
    spread = found["q_0.9"] - found["q_0.1"]
    assert (np.abs(np.quantile(drawn, 0.1, axis=0) - found["q_0.1"]) < 0.1 * spread).all()
    assert (np.abs(np.quantile(drawn, 0.9, axis=0) - found["q_0.9"]) < 0.1 * spread).all()
    correlation = np.corrcoef(drawn.T)
    assert correlation[0, 1] > 0.6
    assert correlation[0, 9] < 0.4


def test_limits(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No column leaves the limits, and whole numbers stay whole."""
    free = table("x.csv", "--horizon", "20", "--levels", "99", capfd=capfd).drop(columns="day").to_numpy()
    assert free.min() < 40 < 64 < free.max()
    limits = ("--lower", "40", "--upper", "64")
    found = table("x.csv", *limits, "--horizon", "20", "--levels", "99", capfd=capfd)
    numbers = found.drop(columns="day").to_numpy()
    assert (numbers.min(), numbers.max()) == (40, 64)
    counts = [f"2024-01-{day:02d},{day % 5 + 3}" for day in range(1, 30)]
    (here / "counts.csv").write_text("\n".join(["ds,y", *counts, ""]))
    whole = table("counts.csv", "--integer", "--samples", "5", capfd=capfd)["value"]
    assert (whole == whole.round()).all()


def test_from_a_pipe_and_as_json(here: Path) -> None:
    """Data from stdin, the forecast as JSON on stdout."""
    result = forecast(
        "predict", "-", "--model", "pretrained", "--json", "--horizon", "2", cwd=here, stdin=daily()
    )
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert len(rows) == 2
    assert set(rows[0]) >= {"day", "forecast", "lo_80"}


def test_without_data(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The networks remember no source: the hint is a command that works."""
    result = inside("predict", "--model", "pretrained", capfd=capfd)
    assert_clean_failure(result, 2)
    assert "forecast predict DATA --model pretrained" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--skip-short"], ["--horizon", "0"], ["--levels", "100"], ["--quantiles", "1"]]
)
def test_wrong_usage(arguments: list[str], here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What means nothing here, or is out of range, is refused."""
    result = inside("predict", "x.csv", "--model", "pretrained", *arguments, capfd=capfd)
    assert_clean_failure(result, 2)
    assert arguments[0].lstrip("-").replace("-", "_") in result.stderr.replace("-", "_")


def test_it_is_no_name_of_a_file(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`train` refuses it, and says what works; a file of this name is not read."""
    result = inside("train", "x.csv", "--model", "pretrained", capfd=capfd)
    assert_clean_failure(result, 2)
    assert "--model pretrained.model" in result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["x.csv"]
    (here / "pretrained").write_text("no model")
    assert len(table("x.csv", capfd=capfd)) == 14


def test_the_hint_where_no_model_is_found(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A newcomer who forecasts before training reads that this works without."""
    result = inside("predict", "x.csv", capfd=capfd)
    assert_clean_failure(result, 4)
    assert "forecast predict DATA --model pretrained" in result.stderr


def test_limits_of_a_trained_model_stay(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Limits belong to the model: changing them when forecasting is refused. Levels may change."""
    assert inside("train", "x.csv", "--horizon", "5", capfd=capfd).returncode == 0
    result = inside("predict", "--lower", "0", capfd=capfd)
    assert_clean_failure(result, 2)
    assert "--lower" in result.stderr
    result = inside("predict", "--levels", "60", capfd=capfd)
    assert list(pd.read_csv(io.StringIO(result.stdout))) == ["day", "forecast", "lo_60", "hi_60"]


def test_limits_for_training_and_predicting(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What forecast.toml sets for training does no harm when predicting with that model; a change does."""
    (here / "forecast.toml").write_text("lower = 0\nhorizon = 5\n")
    assert inside("train", "x.csv", capfd=capfd).returncode == 0
    assert inside("predict", capfd=capfd).returncode == 0
    (here / "forecast.toml").write_text("lower = 1\nhorizon = 5\n")
    assert_clean_failure(inside("predict", capfd=capfd), 2)


def test_show(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The card of the networks: what identifies their weights, and that they saw no real data."""
    result = inside("show", "pretrained", capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert "synthetic series only" in result.stdout
    for arguments in (["show", "pretrained", "--json"], ["show", "--model", "pretrained", "--json"]):
        card = json.loads(inside(*arguments, capfd=capfd).stdout)
        assert card.pop("schema") == "show-1"
        assert card
        for section in card.values():
            assert len(section["weights"]) == 12
            assert section["parameters"] > 0


def test_evaluate(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A backtest beside the baselines; nothing is trained."""
    result = inside(
        "evaluate",
        "x.csv",
        "--model",
        "pretrained",
        "--horizon",
        "7",
        "--origins",
        "3",
        "--json",
        capfd=capfd,
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["origins"] == 3
    assert report["horizon"] == 7
    assert not list(here.glob("*.model"))


def test_ones_own_weights(here: Path, tmp_path: Path) -> None:
    """The variable names a folder with other networks, and the forecast is theirs; `show` says so."""
    folder = stand_ins.write(tmp_path / "mine", ["season_7"], seed=9)
    command = ("predict", "x.csv", "--model", "pretrained")
    usual, own = forecast(*command, cwd=here), forecast(*command, cwd=here, **{OWN_FOLDER: "mine"})
    assert own.returncode == 0, own.stderr
    assert own.stdout != usual.stdout
    assert Pretrained.from_bytes((folder / "season_7.safetensors").read_bytes()).kind == "season_7"


def test_damaged_weights(here: Path) -> None:
    """A model error that names the file and says what to do."""
    (here / "mine").mkdir()
    (here / "mine" / "season_7.safetensors").write_bytes(b"nothing")
    result = forecast("predict", "x.csv", "--model", "pretrained", cwd=here, **{OWN_FOLDER: "mine"})
    assert_clean_failure(result, 4)
    assert "season_7.safetensors" in result.stderr


@pytest.mark.parametrize(
    "rows",
    [["2024-01-01,5"], ["2024-01-01,5", "2024-01-02,6"], [f"2024-01-{day:02d},0" for day in range(1, 20)],
     [f"2024-01-{day:02d},{-day}" for day in range(1, 20)],
     [f"2024-01-{day:02d},{day % 3 == 0:d}" for day in range(1, 30)]],
    ids=["one", "two", "zeros", "negative", "counts"],
)  # fmt: skip
def test_short_and_odd_series(rows: list[str], here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One row, two, zeros, values below zero and rare counts are forecast, in order and within reason."""
    (here / "odd.csv").write_text("\n".join(["ds,y", *rows, ""]))
    found = table("odd.csv", "--horizon", "5", "--freq", "D", capfd=capfd).drop(columns="ds")
    assert np.isfinite(found.to_numpy()).all()
    assert (found["lo_95"] <= found["hi_95"]).all()
    if "zeros" in str(rows) or rows[0].endswith(",0"):
        assert (found["lo_95"] >= 0).all()


def test_many_kinds_of_series_in_one_table(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Prices stay at their last value beside a sensor, a count and a constant."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2023-01-02", periods=300, freq="B")
    values = {
        "price": 100 * np.exp(np.cumsum(0.01 * rng.normal(size=300))),
        "rare": rng.poisson(0.2, 300).astype(float),
        "still": np.full(300, 7.0),
        "wave": 20 + np.sin(np.arange(300) / 0.8) + 0.1 * rng.normal(size=300),
    }
    parts = [pd.DataFrame({"name": name, "ds": days, "y": y}) for name, y in values.items()]
    pd.concat(parts).to_csv("many.csv", index=False)
    found = table("many.csv", "--horizon", "8", capfd=capfd).set_index("name")
    np.testing.assert_allclose(found.loc["price", "forecast"], values["price"][-1], rtol=1e-6)
    assert (found.loc["still", "forecast"] == 7).all()
    assert (found.loc["rare", "lo_95"] == 0).all()
    assert found.loc["rare", "forecast"].between(0, 1).all()
    width = found["hi_80"] - found["lo_80"]
    price = width.loc["price"].to_numpy()
    assert (np.diff(price) > 0).all()
