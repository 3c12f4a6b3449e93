"""Repeated timestamps: what is combined, and what the error says to type, which then works."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError

RNG = np.random.default_rng(5)
MINUTES = pd.date_range("2024-01-01", periods=200, freq="10min")


def written(folder: Path, frame: pd.DataFrame) -> Path:
    """The frame as a CSV file."""
    frame.to_csv(folder / "x.csv", index=False)
    return folder / "x.csv"


def options(text: str) -> ReadConfig:
    """A configuration from the first options in a hint."""
    words = shlex.split(text[text.index("--") :].split(" or ")[0].split(". ")[0].split("; ")[0].rstrip(","))
    values = dict(zip((word[2:] for word in words[::2]), words[1::2], strict=True))
    if "target" in values:
        values["target"] = (values["target"],)
    return ReadConfig(**values)


def loaded_by_hints(path: Path, most: int = 3) -> tuple[Loaded, list[str]]:
    """The file, loaded with the options that the hints name, one after another; and the hints."""
    config, hints = ReadConfig(), []
    for _ in range(most):
        try:
            return load(path, config), hints
        except DataError as error:
            hints.append(error.hint)
            named = {name: value for name, value in vars(options(error.hint)).items() if value}
            defaults = vars(ReadConfig())
            changed = {name: value for name, value in named.items() if value != defaults[name]}
            config = ReadConfig(**{**vars(config), **changed})
    return load(path, config), hints


def test_a_blank_beside_a_value_contradicts_nothing(tmp_path: Path) -> None:
    """Of two rows for one time, of which one lacks the value, the value is kept, whatever their order."""
    frame = pd.DataFrame({"time": MINUTES, "price": RNG.random(200)})
    for blank_first in (True, False):
        blank = frame.iloc[[50]].assign(price=np.nan)
        parts = [blank, frame.iloc[[50]]] if blank_first else [frame.iloc[[50]], blank]
        loaded = load(written(tmp_path, pd.concat([frame.iloc[:50], *parts, frame.iloc[51:]])))
        np.testing.assert_array_equal(loaded.panel.target, frame["price"])
        (finding,) = (each for each in loaded.findings if each.code == "D001")
        assert (finding.count, finding.action) == (1, "kept the known values")


@pytest.mark.parametrize("rule", ["first", "last", "mean"])
def test_blanks_beside_values_that_contradict(tmp_path: Path, rule: str) -> None:
    """A rule for contradicting rows leaves those that only lack a value as they are."""
    frame = pd.DataFrame({"time": MINUTES[[0, 1, 1, 2, 2, 3]], "y": [1.0, np.nan, 2.0, 3.0, 5.0, 7.0]})
    target = load(written(tmp_path, frame), ReadConfig(duplicates=rule)).panel.target
    assert target.tolist() == [1.0, 2.0, {"first": 3.0, "last": 5.0, "mean": 4.0}[rule], 7.0]


def orders(count: int = 3000) -> pd.DataFrame:
    """Orders of two months, each with its day."""
    days = np.sort(RNG.integers(0, 60, count)).astype("timedelta64[D]") + np.datetime64("2024-01-01")
    return pd.DataFrame({"date": days, "amount": RNG.random(count)})


def test_orders_are_added_up(tmp_path: Path) -> None:
    """Many rows a day, a changing number of them, are events: the hint adds them up by the day."""
    frame = orders()
    loaded, hints = loaded_by_hints(written(tmp_path, frame))
    assert "--every D --agg sum, or --every D --agg count" in hints[0]
    assert "--duplicates" not in hints[0]
    np.testing.assert_allclose(loaded.panel.target, frame.groupby("date")["amount"].sum())


def test_trips_are_added_up(tmp_path: Path) -> None:
    """Trips at any second, with a zone in words, are no series of the zones; two hints lead to one a step."""
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(RNG.integers(0, 86400 * 20, 4000)), "s")
    zones = np.array(["Astoria", "Harlem", "JFK"])
    frame = pd.DataFrame({"pickup": at, "from": zones[RNG.integers(0, 3, 4000)], "fare": RNG.random(4000)})
    frame["to"] = zones[RNG.integers(0, 3, 4000)]
    loaded, hints = loaded_by_hints(written(tmp_path, frame))
    assert loaded.panel.ids == ("fare",)
    assert "--every h --agg sum" in hints[-1]


def test_ticks_take_the_last_price(tmp_path: Path) -> None:
    """Prices are not added up: of each step the last is taken."""
    at = pd.Timestamp("2024-01-01 09:30") + pd.to_timedelta(np.sort(RNG.integers(0, 3600, 2000)), "s")
    frame = pd.DataFrame({"time": at, "Price": RNG.random(2000), "Volume": RNG.integers(1, 10**6, 2000)})
    loaded, hints = loaded_by_hints(written(tmp_path, frame))
    assert "--every min --agg last" in hints[0]
    assert loaded.read.target == ("Price",)


def test_several_rows_of_series_that_have_no_name_yet(tmp_path: Path) -> None:
    """Equally many rows at each time are series: columns of words that may name them are shown as options."""
    frame = pd.concat([pd.DataFrame({"time": MINUTES, "y": RNG.random(200), "who": name}) for name in "ab"])
    frame.iloc[7, 2] = ""
    with pytest.raises(DataError, match="200 such timestamps") as caught:
        load(written(tmp_path, frame))
    assert caught.value.hint.endswith("if the rows are of several series: --id who")


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", "2023-10-20"), ("Europe/London", "2023-10-20"), ("America/New_York", "2023-10-25"),
        ("Australia/Sydney", "2024-03-25"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", ["h", "15min"])
def test_a_clock_that_went_back(tmp_path: Path, zone: str, start: str, step: str) -> None:
    """The hint names zones that make sense of the file, of which one is right; a true duplicate has none."""
    times = pd.date_range(start, periods=24 * 80, freq=step, tz=zone)
    frame = pd.DataFrame({"local": times.strftime("%Y-%m-%d %H:%M"), "load": RNG.integers(300, 600, 1920)})
    loaded, hints = loaded_by_hints(written(tmp_path, frame))
    assert f"--tz {zone}" in hints[0]
    assert loaded.panel.time.tolist() == times.as_unit("ns").asi8.tolist()
    frame = pd.concat([frame.iloc[:9], frame.iloc[[8]].assign(load=1), frame.iloc[9:]])
    with pytest.raises(DataError, match="duplicate timestamp") as caught:
        load(written(tmp_path, frame))
    assert "--tz" not in caught.value.hint


def test_events_are_counted(tmp_path: Path) -> None:
    """--agg count counts the rows of each step, by the id if there is one; a step without rows has none."""
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(RNG.integers(0, 86400 * 20, 400)), "s")
    frame = pd.DataFrame({"time": at, "kind": np.array(["a", "b"])[RNG.integers(0, 2, 400)]})
    frame = frame[~frame["time"].between("2024-01-06", "2024-01-08")]
    path = written(tmp_path, frame)
    loaded, hints = loaded_by_hints(path)
    assert "--every D --agg count" in hints[0]
    expected = (
        frame.groupby(frame["time"].dt.floor("D"))
        .size()
        .reindex(pd.date_range(at[0].floor("D"), at[-1].floor("D")))
    )
    assert loaded.panel.target.tolist() == expected.fillna(0).tolist()
    again = load(path, loaded.read).panel
    assert again.target.tolist() == loaded.panel.target.tolist()
    each = load(path, ReadConfig(every="D", agg="count", id="kind")).panel
    assert each.ids == ("a", "b")
    assert each.target.sum() == len(frame)


@pytest.mark.parametrize(("on", "off"), [("TRUE", "FALSE"), ("on", "off"), ("Yes", "no"), (True, False)])
def test_states_are_read_as_numbers_where_asked(tmp_path: Path, on: object, off: object) -> None:
    """A column of two states is never chosen; named as the target it is 1 and 0, missing where empty."""
    states = np.where(np.arange(200) % 3 == 0, on, off).astype(object)
    frame = pd.DataFrame({"time": MINUTES, "motion": states})
    path = written(tmp_path, frame) if isinstance(on, str) else frame
    with pytest.raises(DataError, match="no column of numbers") as caught:
        load(path)
    loaded = load(path, options(caught.value.hint))
    assert loaded.panel.target.tolist() == (np.arange(200) % 3 == 0).astype(float).tolist()
    assert loaded.findings[0].message.endswith(f"holds states: {str(on)!r} as 1 and {str(off)!r} as 0")
