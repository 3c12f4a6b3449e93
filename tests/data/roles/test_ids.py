"""Ids: a column names series if its rows lie in time as those of series do."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, UsageError

RNG = np.random.default_rng(7)
MINUTES = pd.date_range("2024-01-01", periods=300, freq="min")
TWICE = MINUTES[:100].append(MINUTES[99:])
"""Minutes of which one is there twice."""


def written(folder: Path, frame: pd.DataFrame) -> Path:
    """The frame as a CSV file."""
    frame.to_csv(folder / "x.csv", index=False)
    return folder / "x.csv"


MEASURED: dict[str, Sequence[int]] = {
    "temp": RNG.integers(18, 24, 301).tolist(),
    "volume": np.where(np.arange(301) < 100, 100, 250).tolist(),
    "level": np.repeat([3, 4, 3], [100, 120, 81]).tolist(),
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_measurement_is_no_id(tmp_path: Path, name: str) -> None:
    """One timestamp that is there twice makes no id of whole numbers: it is the error."""
    path = written(tmp_path, pd.DataFrame({"time": TWICE, "watts": RNG.random(301), name: MEASURED[name]}))
    with pytest.raises(DataError, match="line 101 and line 102: duplicate timestamp") as caught:
        load(path)
    assert "--duplicates" in caught.value.hint
    panel = load(path, ReadConfig(duplicates="first")).panel
    assert (panel.ids, panel.frequency.alias) == (tuple(sorted((name, "watts"))), "min")


def test_a_measurement_in_pairs_of_rows_is_no_id(tmp_path: Path) -> None:
    """Two readings a minute, whose whole numbers always differ, are no series of these numbers."""
    temp = np.repeat(RNG.integers(18, 22, 300), 2) + np.tile([0, 1], 300)
    frame = pd.DataFrame({"time": np.repeat(MINUTES, 2), "watts": RNG.random(600), "temp": temp})
    with pytest.raises(DataError, match="duplicate timestamp"):
        load(written(tmp_path, frame), ReadConfig(target=("watts",)))


def test_the_load_of_a_clock_that_goes_back_is_no_id(tmp_path: Path) -> None:
    """Hours of local time, of which one comes twice, are not made series by what was measured."""
    local = pd.date_range("2023-10-20", periods=480, freq="h", tz="Europe/Berlin").strftime("%Y-%m-%d %H:%M")
    path = written(tmp_path, pd.DataFrame({"local": local, "load": RNG.integers(30_000, 60_000, 480)}))
    with pytest.raises(DataError, match="duplicate timestamp 2023-10-29 02:00:00"):
        load(path)


@pytest.mark.parametrize("name", ["quality", "remark", "cause", "operator_name"])
def test_words_beside_a_regular_series_are_no_id(tmp_path: Path, name: str) -> None:
    """In a table with one step, words are remarks, also where a timestamp is there twice; they are named."""
    words = np.where(RNG.random(301) > 0.2, "good", "bad")
    words[99:101] = "good", "bad"
    frame = pd.DataFrame({"time": TWICE, "value": RNG.random(301), name: words})
    with pytest.raises(DataError, match="duplicate timestamp"):
        load(written(tmp_path, frame))
    loaded = load(written(tmp_path, frame.drop(index=99)))
    assert loaded.panel.ids == ("value",)
    assert loaded.uses[name] == "left out: words"


def test_ticks_and_trips_have_no_id(tmp_path: Path) -> None:
    """The volume of a trade and the zone of a trip are no series."""
    seconds = pd.Timestamp("2024-01-01 09:30") + pd.to_timedelta(np.sort(RNG.integers(0, 7200, 2000)), "s")
    ticks = pd.DataFrame({"time": seconds, "Price": RNG.random(2000), "Volume": RNG.integers(1, 10**6, 2000)})
    zones = np.array(["Astoria", "Harlem", "JFK"])[RNG.integers(0, 3, 2000)]
    for frame in (ticks, ticks.assign(zone=zones).drop_duplicates(["time", "zone"])):
        with pytest.raises(DataError, match="duplicate timestamp") as caught:
            load(written(tmp_path, frame), ReadConfig(target=("Price",)))
        assert "in series" not in caught.value.message


def states(count: int = 3000) -> pd.DataFrame:
    """A log of state changes of three sensors, each at a time of its own."""
    names = np.array(["hum", "power", "temp"])[RNG.integers(0, 3, count)]
    level = pd.Series(names).map({"hum": 50, "power": 900, "temp": 20})
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(RNG.exponential(60, count)), "s")
    return pd.DataFrame({"entity": names, "state": level + RNG.random(count), "changed": times})


@pytest.mark.parametrize("name", ["entity_id", "what"])
def test_words_beside_one_value_in_an_event_log(tmp_path: Path, name: str) -> None:
    """Though each time is there once, the states of several sensors are not averaged."""
    path = written(tmp_path, states().rename(columns={"entity": name}))
    panel = load(path, ReadConfig(every="15min")).panel
    assert panel.ids == ("hum", "power", "temp")
    for level, part in zip((50, 900, 20), np.split(panel.target, panel.offsets[1:-1]), strict=True):
        assert (np.nanmin(part) >= level, np.nanmax(part) <= level + 1) == (True, True)
    assert load(path, ReadConfig(every="15min", target=("state",))).panel.ids == panel.ids


@pytest.mark.parametrize("at", [0, 1, 150])
def test_an_exact_copy_of_a_row_hides_no_id(tmp_path: Path, at: int) -> None:
    """Two devices stay two where one row is there twice: the copy is dropped."""
    parts = [pd.DataFrame({"at": MINUTES, "node": n, "t": RNG.random(300)}) for n in ("n-1", "n-2")]
    frame = pd.concat(parts).sort_values("at", kind="stable", ignore_index=True)
    frame = pd.concat([frame.iloc[: at + 1], frame.iloc[at:]])
    loaded = load(written(tmp_path, frame))
    assert loaded.panel.ids == ("n-1", "n-2")
    assert [each.count for each in loaded.findings if each.code == "D001"] == [1]


@pytest.mark.parametrize("name", ["house", "meter"])
def test_numbers_that_name_series(tmp_path: Path, name: str) -> None:
    """Numbers are ids, whatever their name, where each is there at nearly all timestamps."""
    parts = [
        pd.DataFrame({"at": MINUTES[k * 50 :], name: k, "load": RNG.random(300 - k * 50)}) for k in (1, 2, 3)
    ]
    frame = pd.concat(parts).sort_values("at", kind="stable")
    frame = frame[RNG.random(len(frame)) > 0.05]
    assert load(written(tmp_path, frame)).panel.ids == ("1", "2", "3")


@pytest.mark.parametrize("name", ["product", "item_name"])
def test_words_of_series_with_many_gaps(tmp_path: Path, name: str) -> None:
    """Products that are sold on some days only are series, where no day has two rows of one."""
    days = pd.date_range("2024-01-01", periods=200)
    parts = [pd.DataFrame({"day": days, name: word, "sold": RNG.random(200)}) for word in "abcdef"]
    frame = pd.concat(parts).sort_values("day", kind="stable")
    path = written(tmp_path, frame[RNG.random(len(frame)) > 0.6])
    panel = load(path, ReadConfig(freq="D")).panel
    assert panel.ids == tuple("abcdef")


def test_sensors_that_read_in_turn(tmp_path: Path) -> None:
    """Words that give each sensor regular steps of its own are ids, although few timestamps repeat."""
    parts = []
    for number, word in enumerate(("north", "south")):
        at = MINUTES[::5] + pd.to_timedelta(RNG.integers(0, 20, 60) + number, "s")
        parts.append(pd.DataFrame({"at": at, "where": word, "t": RNG.random(60), "h": RNG.random(60)}))
    parts[1].loc[5, "at"] = parts[0].loc[5, "at"]
    frame = pd.concat(parts).sort_values("at", kind="stable")
    panel = load(written(tmp_path, frame), ReadConfig(target=("t",), every="5min")).panel
    assert panel.ids == ("north", "south")


def test_an_order_number_is_no_id(tmp_path: Path) -> None:
    """A name such as order_id names no series if each value is there once; nor does it become the target."""
    days = np.sort(RNG.integers(0, 60, 1000)).astype("timedelta64[D]") + np.datetime64("2024-01-01")
    frame = pd.DataFrame({"date": days, "order_id": 5000 + RNG.permutation(1000), "amount": RNG.random(1000)})
    loaded = load(written(tmp_path, frame), ReadConfig(every="D", agg="sum"))
    assert loaded.panel.ids == ("amount",)
    assert loaded.uses["order_id"] == "left out: a label"


def test_candidates_for_the_id_are_options_to_type(tmp_path: Path) -> None:
    """Where several columns could name the series, each is shown as an option."""
    frame = pd.concat(
        [
            pd.DataFrame({"at": MINUTES, "my node": n, "zone": "ab"[n % 2], "t": RNG.random(300)})
            for n in range(2)
        ]
    )
    frame["my node"] = "n" + frame["my node"].astype(str)
    frame.iloc[0, 2] = "b"
    frame.iloc[300, 2] = "a"
    with pytest.raises(DataError, match="several columns could name the series") as caught:
        load(written(tmp_path, frame))
    assert caught.value.hint == "Choose one: --id 'my node' or --id zone"


def sales(stores: int = 2, items: int = 3) -> pd.DataFrame:
    """Daily sales of each item in each store."""
    days = pd.date_range("2024-01-01", periods=40)
    parts = [
        pd.DataFrame({"date": days, "store": store, "item": f"i{item}", "sales": RNG.random(40) + store})
        for store in range(stores)
        for item in range(items)
    ]
    return pd.concat(parts, ignore_index=True)


def test_two_columns_that_name_the_series_together(tmp_path: Path) -> None:
    """Sales by store and item are a series for each pair, which is remembered and can be asked for."""
    path = written(tmp_path, sales().sort_values("date", kind="stable"))
    loaded = load(path)
    assert loaded.panel.ids == ("0/i0", "0/i1", "0/i2", "1/i0", "1/i1", "1/i2")
    assert (loaded.read.id, loaded.panel.names.id) == ("store+item", "store+item")
    assert loaded.uses == {"date": "time", "store": "id", "item": "id", "sales": "target"}
    for config in (loaded.read, ReadConfig(id="store+item")):
        np.testing.assert_array_equal(load(path, config).panel.target, loaded.panel.target)
    with pytest.raises(UsageError, match="no column 'shop'"):
        load(path, ReadConfig(id="shop+item"))


def test_pairs_of_columns_that_are_no_ids(tmp_path: Path) -> None:
    """A pair that leaves contradictions is none; of pairs that divide rows differently, one is asked."""
    frame = sales()
    with pytest.raises(DataError, match="duplicate timestamp"):
        load(written(tmp_path, pd.concat([frame, frame.iloc[[3]].assign(sales=9.0)])))
    shelf = (np.tile(np.repeat(range(3), 40), 2) + np.tile(range(40), 6)) % 3
    other = frame.assign(shelf=np.array(["a", "b", "c"])[shelf])
    with pytest.raises(DataError, match="several columns together") as caught:
        load(written(tmp_path, other))
    assert "--id store+item or --id store+shelf" in caught.value.hint
    alike = frame.assign(name="item " + frame["item"])
    assert load(written(tmp_path, alike)).read.id == "store+item"


def test_a_label_that_names_one_series(tmp_path: Path) -> None:
    """The one station of a table with several values is left out: each value is a series."""
    frame = pd.DataFrame({"at": MINUTES, "station": "North", "t": RNG.random(300), "h": RNG.random(300)})
    loaded = load(written(tmp_path, frame))
    assert loaded.panel.ids == ("h", "t")
    assert loaded.uses["station"] == "left out: words"
    assert load(written(tmp_path, frame.drop(columns="h"))).panel.ids == ("North",)


def test_entities_that_take_turns(tmp_path: Path) -> None:
    """A log of two entities at regular times is two series, though no time repeats."""
    rows = [f"sensor.{'ab'[at % 2]},{20 + at % 2 * 10 + at % 5 / 10},2024-01-01T{at // 60:02}:{at % 60:02}:00"
            for at in range(200)]  # fmt: skip
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["entity_id,state,last_changed", *rows]))
    assert load(path).panel.ids == ("sensor.a", "sensor.b")
