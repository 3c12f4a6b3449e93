"""`--lower --upper --integer --circular`: limits of forecasts, however they are set, and data beyond them."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import SMALL, inside

import forecaster
from forecaster.config import Limits, Options, ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, UsageError

TINY = {"steps": 10, "members": 1, "hidden": 8, "workers": 1}


def noisy(level: float, spread: float, rows: int = 90, seed: int = 0) -> np.ndarray:
    """Values around a level."""
    return level + spread * np.random.default_rng(seed).normal(size=rows)


def table(values: np.ndarray, **more: np.ndarray) -> pd.DataFrame:
    """Daily rows."""
    return pd.DataFrame({"day": pd.date_range("2024-01-01", periods=len(values)), "y": values} | more)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with fast training."""
    monkeypatch.chdir(tmp_path)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    table(noisy(3.0, 1.5).clip(0.01)).to_csv("x.csv", index=False)
    return tmp_path


def forecasts(capfd: pytest.CaptureFixture[str]) -> pd.DataFrame:
    """What `predict` writes."""
    result = inside("predict", capfd=capfd)
    assert result.returncode == 0, result.stderr
    return pd.read_csv(io.StringIO(result.stdout))


@pytest.mark.parametrize("place", ["flag", "variable", "file"])
def test_limits_from_flag_variable_and_file(
    place: str, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The model remembers them: every number of `predict` is a whole one from 2 to 4."""
    flags: list[str] = []
    frame = table(np.rint(noisy(3.0, 0.6)).clip(2, 4))
    frame.loc[5, "y"] = 1.0
    frame.to_csv("x.csv", index=False)
    if place == "flag":
        flags = ["--lower", "2", "--upper", "4", "--integer"]
    elif place == "variable":
        for name, value in (("LOWER", "2"), ("UPPER", "4"), ("INTEGER", "true")):
            monkeypatch.setenv(f"FORECAST_{name}", value)
    else:
        (here / "forecast.toml").write_text("lower = 2\nupper = 4.0\ninteger = true\n")
    result = inside("train", "x.csv", "--horizon", "5", *flags, capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert "V012 values below 2, the lower limit (1 on 2024-01-06 in 'y')" in result.stderr
    numbers = forecasts(capfd).drop(columns="day").to_numpy()
    assert numbers.min() >= 2
    assert numbers.max() <= 4
    assert (numbers == np.rint(numbers)).all()


def test_whole_numbers_can_be_denied(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a word whole numbers are learned; --no-integer gives fractions."""
    table(np.rint(noisy(40.0, 9.0))).to_csv("x.csv", index=False)
    assert inside("train", "x.csv", "--horizon", "5", capfd=capfd).returncode == 0
    assert (forecasts(capfd)["lo_80"] % 1 == 0).all()
    assert inside("train", "x.csv", "--horizon", "5", "--no-integer", capfd=capfd).returncode == 0
    assert (forecasts(capfd)["lo_80"] % 1 != 0).any()


def test_directions_go_round() -> None:
    """circular=24: forecasts and intervals lie within one turn, on a series too short to learn that from."""
    hours = np.cumsum(noisy(0, 3.0)) % 24
    frame = forecaster.predict(forecaster.train(table(hours), horizon=5, circular=24, **TINY))
    numbers = frame.drop(columns="day").to_numpy()
    assert numbers.min() >= 0
    assert numbers.max() <= 24


def test_a_few_values_outside_are_a_warning() -> None:
    """A meter that shows -0.3 now and then is named (V012), count and place, and --strict refuses it."""
    values = noisy(50.0, 20.0).clip(0.1)
    values[[10, 20]] = -0.3
    loaded = load(table(values), limits=Limits(lower=0.0))
    (finding,) = [each for each in loaded.findings if each.code == "V012"]
    assert (finding.severity, finding.count) == ("warning", 2)
    assert finding.places == ("-0.3 on 2024-01-11 in 'y'", "-0.3 on 2024-01-21 in 'y'")
    with pytest.raises(DataError, match="V012 values below 0"):
        load(table(values), ReadConfig(strict=True), limits=Limits(lower=0.0))


def test_a_sentinel_is_not_outside_a_limit() -> None:
    """What is left out as a sentinel (V007) is not named again."""
    values = noisy(50.0, 5.0)
    values[10] = -127
    assert [each.code for each in load(table(values), limits=Limits(lower=0.0)).findings] == ["V007"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            Limits(upper=100),
            "the upper limit 100 does not fit series 'pressure': 5 % of its values lie above 10",
        ),
        (Limits(lower=60), "the lower limit 60 does not fit series 'y': 5 % of its values lie below 4"),
        (Limits(circular=360), "the upper limit 360 does not fit series 'pressure'"),
        (Limits(integer=True), "integer is set, but 100% of the values of series 'pressure' are not whole"),
    ],
)
def test_a_limit_that_does_not_fit_a_series(limits: Limits, words: str) -> None:
    """A limit that would cut off much of a series is an error that names it: its forecasts would be wrong."""
    frame = table(noisy(50.0, 5.0), pressure=noisy(1013.0, 4.0))
    with pytest.raises(DataError, match=words):
        load(frame, ReadConfig(target=("y", "pressure")), limits=limits)


def test_a_limit_that_does_not_fit_stops_every_command(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 3 from train, evaluate and, with a model that has the limit and other data, predict."""
    table(noisy(50.0, 5.0)).to_csv("high.csv", index=False)
    for command in ("train", "evaluate"):
        assert inside(command, "high.csv", "--horizon", "5", "--upper", "6", capfd=capfd).returncode == 3
    assert inside("train", "x.csv", "--horizon", "5", "--upper", "6", capfd=capfd).returncode == 0
    result = inside("predict", "high.csv", capfd=capfd)
    assert result.returncode == 3
    assert "upper limit 6 does not fit series 'y'" in result.stderr


def test_limits_that_contradict_each_other() -> None:
    """circular has both ends already; lower lies below upper."""
    with pytest.raises(UsageError, match="circular already sets the limits to 0 and 360"):
        Options(circular=360, upper=100)
    with pytest.raises(UsageError, match="lower cannot be 3"):
        Options(lower=3, upper=2)
