"""What each series is taken for, as `inspect` and `show` tell it: one series as lines, several as counts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command import SMALL, inside

import forecaster
from forecaster.config import Limits, ReadConfig
from forecaster.data.load import load
from forecaster.report.series_kinds import SeriesKind, series_kinds, summary

ROOT = Path(__file__).parents[2]
HOURS = np.arange(24 * 40)
RNG = np.random.default_rng(7)
SUN = np.round(
    800 * np.clip(np.sin(2 * np.pi * (HOURS - 6) / 24), 0, None) * RNG.uniform(0.3, 1, len(HOURS)), 1
)
SUN[(HOURS % 24 <= 6) | (HOURS % 24 >= 18)] = 0
WARM = np.round(12 + 8 * np.sin(2 * np.pi * HOURS / 24) + RNG.normal(size=len(HOURS)), 2) - 10


def table(values: np.ndarray, start: str = "2024-01-01", step: str = "h") -> pd.DataFrame:
    """One series."""
    return pd.DataFrame({"time": pd.date_range(start, periods=len(values), freq=step), "y": values})


def kinds(frame: pd.DataFrame, read: ReadConfig = ReadConfig(), **options: Any) -> list[SeriesKind]:
    """What the series of a table are taken for."""
    loaded = load(frame, read)
    return series_kinds(loaded.panel, loaded.odd, **options)


def test_a_temperature() -> None:
    """Readings above and below zero are continuous, in units, without a range."""
    (found,) = kinds(table(WARM))
    assert (found.kind, found.scale, found.range(), found.idle) == ("continuous", "units", "any", None)
    assert summary([found]) == {
        "kind": "continuous",
        "scale": "units",
        "range": "any",
        "whole numbers": False,
    }


@pytest.mark.parametrize(
    ("start", "idle"), [("2024-01-01 00:00", "0 at 18:00-7:00"), ("2024-01-01 03:00", "0 at 21:00-10:00")]
)
def test_hours_without_sun(start: str, idle: str) -> None:
    """Power that is zero at night, whatever hour the series starts at."""
    (found,) = kinds(table(SUN, start))
    assert (found.lower, found.idle) == (0.0, idle)
    assert summary([found])["idle"] == idle


def test_hours_are_those_of_the_local_clock() -> None:
    """Times in UTC with --tz are told as the clock on the wall shows them."""
    frame = table(SUN, "2023-12-31 23:00")  # midnight in Berlin
    frame["time"] = frame["time"].dt.tz_localize("UTC")
    (found,) = kinds(frame, ReadConfig(tz="Europe/Berlin"))
    assert found.idle == "0 at 18:00-7:00"


def test_closed_days_of_the_week() -> None:
    """Sales of a shop that is closed on Sunday and Monday; 2024-01-03 is a Wednesday."""
    values = RNG.poisson(50, 140).astype(float)
    days = pd.date_range("2024-01-03", periods=140)
    values[(days.day_of_week == 6) | (days.day_of_week == 0)] = 0
    (found,) = kinds(pd.DataFrame({"day": days, "y": values}))
    assert found.idle == "0 on Mon, Sun"
    assert (found.kind, found.integer, found.range()) == ("count", True, "0 and above")


def test_idle_hours_of_some_days() -> None:
    """An office that is empty at night, and on Sunday all day: the hours of all days, and the count."""
    values = RNG.uniform(5, 50, 24 * 7 * 8).round(1)
    hours = pd.date_range("2024-01-01", periods=len(values), freq="h")
    values[(hours.hour < 6) | (hours.hour >= 20) | (hours.day_of_week == 6)] = 0
    (found,) = kinds(pd.DataFrame({"time": hours, "y": values}))
    assert found.idle == "0 at 20:00-6:00 and others, 84 of 168 positions"


def test_the_level_since() -> None:
    """The time of the newest change of level, which the findings name (V011)."""
    values = 200 + np.cumsum(np.random.default_rng(1).normal(0, 1, 150))
    values[130:] /= 10
    (found,) = kinds(table(values, step="D"))
    assert found.level_since == "2024-05-10"
    assert summary([found])["level since"] == "2024-05-10"


def test_several_series_are_counted() -> None:
    """A mixed table: how many of each kind, scale and range, the commonest first."""
    wide = table(WARM).assign(
        z=WARM[::-1],
        sun=SUN,
        rain=RNG.poisson(0.1, len(HOURS)).astype(float),
        price=100 * np.exp(np.cumsum(RNG.normal(0, 0.01, len(HOURS)))),
    )
    names = ("y", "z", "sun", "rain", "price")
    found = summary(kinds(wide, ReadConfig(target=names)))
    assert found["kind"]["continuous"] >= 2
    assert sum(found["kind"].values()) == sum(found["scale"].values()) == sum(found["range"].values()) == 5
    assert {"price", "intermittent"} <= set(found["kind"])
    assert next(iter(found["kind"])) == "continuous"
    assert found["range"] == {"0 and above": 3, "any": 2}
    assert found["whole numbers"] == 1
    assert found["idle"] == 1
    assert "changed level" not in found


def test_what_a_user_says_holds() -> None:
    """Limits and --no-log are shown as they are used."""
    (found,) = kinds(table(SUN), log=False, limits=Limits(lower=0.0, upper=900.0, integer=True))
    assert (found.scale, found.range(), found.integer) == ("units", "0 to 900", True)
    (found,) = kinds(table(WARM % 360), limits=Limits(circular=360.0))
    assert (found.kind, found.circular, found.range()) == ("circular", 360.0, "0 to 360")


def test_inspect_and_show_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines of text and values of JSON; `show` has those of the training data."""
    monkeypatch.chdir(tmp_path)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    table(SUN).to_csv("sun.csv", index=False)
    expected = {
        "kind": "continuous",
        "scale": "roots",
        "range": "0 and above",
        "whole numbers": False,
        "idle": "0 at 18:00-7:00",
    }
    text = inside("inspect", "sun.csv", capfd=capfd).stdout
    assert "Values\nkind " in text
    assert "0 at 18:00-7:00" in text
    told = json.loads(inside("inspect", "sun.csv", "--json", capfd=capfd).stdout)
    assert told["values"] == expected
    assert told["each_series"]["y"]["lower"] == 0
    assert told["each_series"]["y"]["upper"] is None
    assert inside("train", "sun.csv", "--horizon", "6", "--upper", "1000", capfd=capfd).returncode == 0
    card = json.loads(inside("show", "--json", capfd=capfd).stdout)
    assert card["values"] == expected | {"range": "0 to 1000"}
    assert card["forecast"]["upper"] == 1000
    assert "lower" not in card["forecast"]
    assert "0 at 18:00-7:00" in inside("show", capfd=capfd).stdout


def test_older_models_say_nothing() -> None:
    """A file from before has no such facts, and loads."""
    model = forecaster.load(ROOT / "tests" / "data" / "written_before" / "gru.model")
    assert model.card()["values"] == {}
