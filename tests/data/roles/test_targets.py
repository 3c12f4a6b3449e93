"""Targets: which columns of numbers are forecast, and what is said of the others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError

RNG = np.random.default_rng(3)
DAYS = pd.date_range("2024-01-01", periods=60)
VALUES = pd.DataFrame({"date": DAYS, "load": RNG.random(60)})


def written(folder: Path, frame: pd.DataFrame, **options: object) -> Path:
    """The frame as a CSV file."""
    frame.to_csv(folder / "x.csv", **{"index": False, **options})
    return folder / "x.csv"


OTHERS: dict[str, tuple[str, object, str]] = {
    "a counter from 0": ("n", np.arange(60), "numbers the rows"),
    "a counter from 1, newest first": ("n", np.arange(60)[::-1] + 1, "numbers the rows"),
    "a counter from 20": ("f_cnt", np.arange(60) + 20, "numbers the rows"),
    "a decimal year": ("fraction", (2024 + np.arange(60) / 366).round(3), "a part of the time"),
    "a counter by its name": ("seq", np.arange(60) * 2 + 100, "numbers the rows"),
    "a record": ("RECORD", np.arange(60) % 24, "numbers the rows"),
    "an index of pandas": ("Unnamed: 0", np.arange(60) + 7, "numbers the rows"),
    "a flag": ("holiday", RNG.integers(0, 2, 60), "a flag of 0 and 1"),
    "a flag of another name": ("x", RNG.integers(0, 2, 60), "a flag of 0 and 1"),
    "a record type": ("Record Type", RNG.integers(0, 6, 60), "a label"),
    "an identifier": ("customer_id", RNG.integers(1000, 9999, 60), "a label"),
    "a place": ("latitude", np.full(60, 48.1), "a place"),
    "a weekday": ("weekday", DAYS.day_of_week, "a part of the time"),
    "a year from 0": ("yr", np.zeros(60, int), "a part of the time"),
    "words": ("note", np.where(RNG.random(60) > 0.5, "a", "b"), "words"),
    "bits as words": ("on", np.where(RNG.random(60) > 0.5, "TRUE", "FALSE"), "words"),
    "one number": ("DECIMALS", np.full(60, 4), "the same number in all rows"),
    "one number among blanks": ("days", [1] + [None] * 58 + [1], "the same number in all rows"),
    "a flag that is never set": ("is_holiday", np.zeros(60, int), "the same number in all rows"),
    "a place with its axis": ("Longitude (x)", np.full(60, -79.63), "a place"),
    "the place of a trip": ("start_lat", RNG.uniform(40, 41, 60).round(6), "a place"),
    "seconds since 1970": ("epoch s", DAYS.as_unit("s").asi8 + 3600, "a second time"),
    "milliseconds since 1970": ("closes", DAYS.as_unit("ms").asi8 + 1, "a second time"),
    "seconds since a start": ("Transmitter Time", 86_400 * np.arange(60) + 17, "a second time"),
    "dates in digits": ("end", DAYS.strftime("%Y%m%d%H%M"), "a second time"),
    "nothing": ("gap", None, "no cell has a value"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_measurement_is_left_out_and_named(tmp_path: Path, kind: str) -> None:
    """Beside a measurement, such a column is not forecast; a finding names it, and `uses` says why."""
    name, cells, reason = OTHERS[kind]
    loaded = load(written(tmp_path, VALUES.assign(**{name: cells})))
    assert loaded.read.target == ("load",)
    assert loaded.uses == {"date": "time", "load": "target", name: f"left out: {reason}"}
    assert [each for each in loaded.findings if each.code in ("C001", "C002") and f"'{name}'" in each.message]
    wide = load(written(tmp_path, VALUES.assign(**{name: cells, "flow": RNG.random(60)})))
    assert wide.read.target == ("load", "flow")
    assert [each for each in wide.findings if each.code == "C002" and f"'{name}'" in each.message]


def test_zeros_and_ones_beside_a_column_that_never_changes(tmp_path: Path) -> None:
    """They are what is measured: a constant with a blank cell shows no fractions that they would lack."""
    table = VALUES.assign(load=[0.0] * 59 + [None], x=[0] * 59 + [1])
    assert "x" in load(written(tmp_path, table)).read.target


def test_an_index_without_a_name(tmp_path: Path) -> None:
    """The index that pandas writes, with an empty name, is not forecast."""
    loaded = load(written(tmp_path, VALUES.assign(flow=RNG.random(60)), index=True))
    assert loaded.read.target == ("load", "flow")
    assert loaded.uses["column_1"] == "left out: numbers the rows"


KEPT: dict[str, dict[str, object]] = {
    "counts that are small": {"apples": RNG.integers(0, 5, 60), "pears": RNG.integers(0, 2, 60)},
    "flags alone": {"door": RNG.integers(0, 2, 60), "light": RNG.integers(0, 2, 60)},
    "flags by name": {"holiday": RNG.integers(0, 2, 60), "is_open": RNG.integers(0, 2, 60)},
    "numbers that rise": {"close": np.arange(60), "flow": RNG.random(60)},
    "a fraction": {"seq": np.arange(60) / 2, "flow": RNG.random(60)},
    "a meter": {"meter": np.arange(60) // 2 + 500, "flow": RNG.random(60)},
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_may_be_a_measurement_is_kept(tmp_path: Path, kind: str) -> None:
    """Small counts, states of which nothing else is known, and rising values are forecast."""
    loaded = load(written(tmp_path, pd.DataFrame({"date": DAYS, **KEPT[kind]})))
    expected = ("close",) if "close" in KEPT[kind] else tuple(KEPT[kind])
    assert loaded.read.target == expected


def test_counters_and_attributes_of_each_series(tmp_path: Path) -> None:
    """In a long table, a counter that begins again and numbers that belong to a series are no targets."""
    parts = [
        VALUES.assign(station=name, n=np.arange(60), height=height, area=height // 3)
        for name, height in (("a", 100), ("b", 250))
    ]
    loaded = load(written(tmp_path, pd.concat(parts)))
    assert loaded.panel.ids == ("a", "b")
    assert loaded.read.target == ("load",)
    assert loaded.uses["n"] == "left out: numbers the rows"
    renamed = load(written(tmp_path, pd.concat(parts).rename(columns={"n": ""})))
    assert renamed.read.target == ("load",)
    assert loaded.uses["height"] == loaded.uses["area"] == "left out: the same in all rows of a series"


@pytest.mark.parametrize("form", ["AAPL.{}", "{}", "AAPL {}", "{}_aapl", "BRK.B.{}"])
@pytest.mark.parametrize("adjusted", ["", "Adjusted", "Adj Close"])
def test_prices_with_a_symbol_in_their_names(tmp_path: Path, form: str, adjusted: str) -> None:
    """The close is forecast, the adjusted one if there is one, whatever symbol stands beside the names."""
    names = ["Open", "High", "Low", "Close", "Volume", *([adjusted] if adjusted else [])]
    frame = pd.DataFrame({form.format(name): RNG.random(60) + 9 for name in names})
    loaded = load(written(tmp_path, pd.concat([VALUES[["date"]], frame], axis=1)))
    assert loaded.read.target == (form.format(adjusted or "Close"),)
    assert loaded.findings[0].code == "C001"


def test_prices_of_two_symbols(tmp_path: Path) -> None:
    """In a table with the prices of two shares, the close of each is a target."""
    names = [f"{price} {symbol}" for symbol in ("AAPL", "MSFT") for price in ("Close", "High", "Low", "Open")]
    frame = pd.DataFrame({name: RNG.random(60) + 9 for name in names})
    loaded = load(written(tmp_path, pd.concat([VALUES[["date"]], frame], axis=1)))
    assert loaded.panel.ids == ("Close AAPL", "Close MSFT")
    assert loaded.uses["High AAPL"] == "left out: another column, 'Close AAPL', is the target"


def test_an_asked_target_is_used_whatever_it_looks_like(tmp_path: Path) -> None:
    """--target forecasts flags and counters, too."""
    path = written(tmp_path, VALUES.assign(holiday=RNG.integers(0, 2, 60)))
    loaded = load(path, ReadConfig(target=("holiday",)))
    assert loaded.uses == {"date": "time", "load": "left out: not named as --target", "holiday": "target"}


def test_a_measurement_of_series_that_take_turns_is_no_counter(tmp_path: Path) -> None:
    """Where each row is of another series than the row before, numbers count only within a series."""
    days = DAYS.repeat(3)
    frame = pd.DataFrame({"store": list("abc") * 60, "date": days, "sales": RNG.integers(1, 99, 180)})
    assert load(written(tmp_path, frame)).read.target == ("sales",)
    frame["customers"] = RNG.integers(1, 99, 180)
    with pytest.raises(DataError, match="'sales', 'customers'"):
        load(written(tmp_path, frame))
    frame["customers"] = np.arange(180) // 3
    assert load(written(tmp_path, frame)).uses["customers"] == "left out: numbers the rows"


def test_rows_that_differ_in_words_alone_are_one_series(tmp_path: Path) -> None:
    """Two words for the weather of one hour: the numbers agree, and each column is a series."""
    frame = VALUES.assign(wind=RNG.random(60), sky=np.where(RNG.random(60) > 0.5, "dull", "fair"))
    twice = pd.concat([frame, frame[:10].assign(sky="mist")]).sort_values("date")
    loaded = load(written(tmp_path, twice))
    assert loaded.read.target == ("load", "wind") and len(loaded.panel.time) == 120
    twice.loc[twice.sky == "mist", "wind"] += 1
    with pytest.raises(DataError, match="could be the target"):
        load(written(tmp_path, twice))


def test_only_identifiers_and_places_are_no_target(tmp_path: Path) -> None:
    """Trips are counted; their stations and places are not forecast."""
    trips = pd.DataFrame({"started_at": DAYS + pd.to_timedelta(RNG.integers(0, 86_400, 60), "s")})
    trips = trips.assign(start_station_id=RNG.integers(1, 9, 60) + 0.05, start_lat=RNG.uniform(40, 41, 60))
    with pytest.raises(DataError, match="no column of numbers") as caught:
        load(written(tmp_path, trips))
    assert "--every D --agg count" in caught.value.hint


def test_prices_by_one_letter(tmp_path: Path) -> None:
    """o, h, l and c are prices, beside a time in milliseconds called t and large volumes."""
    prices = {name: RNG.uniform(9, 10, 60) for name in "ohlc"}
    frame = pd.DataFrame({"v": RNG.integers(10**8, 10**9, 60), **prices, "t": DAYS.as_unit("ms").asi8})
    loaded = load(written(tmp_path, frame))
    assert (loaded.read.time, loaded.read.target) == ("t", ("c",))
