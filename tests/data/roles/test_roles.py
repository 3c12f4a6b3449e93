"""Columns: what each is taken for, and when it is asked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, UsageError

DAYS = pd.date_range("2024-01-01", periods=12)


def long(**columns: object) -> pd.DataFrame:
    """Two series, distinguished by `id`, and further columns."""
    frame = pd.concat([pd.DataFrame({"id": name, "t": DAYS, "y": np.arange(12.0)}) for name in "ab"])
    return frame.assign(**columns).reset_index(drop=True)


@pytest.mark.parametrize("name", ["ds", "Timestamp", "date", "DateTime", "TS"])
def test_known_time_names_win(name: str) -> None:
    """Of several columns of times the one with a usual name is the time."""
    frame = pd.DataFrame({"made": DAYS + pd.Timedelta("90D"), name: DAYS, "y": np.arange(12.0)})
    assert load(frame).panel.names.time == name


def test_named_columns_win() -> None:
    """What is named is used, whatever would be inferred."""
    frame = pd.DataFrame(
        {"date": DAYS, "seen": DAYS + pd.Timedelta("1h"), "close": np.arange(12.0), "b": 1.0}
    )
    loaded = load(frame, ReadConfig(time="seen", target=("b",), covariates=("close",)))
    assert (loaded.panel.names.time, loaded.panel.names.target) == ("seen", "b")
    assert loaded.panel.values[:, 1].tolist() == list(range(12))
    assert loaded.panel.names.covariates == ("close",)


def test_id_by_its_name_in_a_table_of_one_series() -> None:
    """A column such as symbol is the id also where there is one series only; a column of remarks is not."""
    frame = pd.DataFrame({"Symbol": "AAPL", "date": DAYS, "y": np.arange(12.0)})
    assert load(frame).panel.ids == ("AAPL",)
    remarks = pd.DataFrame({"name": [f"row {row}" for row in range(12)], "date": DAYS, "y": np.arange(12.0)})
    assert load(remarks).panel.names.id is None


def test_id_with_contradicting_rows() -> None:
    """A few contradicting rows do not hide a column with an id's name: the error is about them."""
    frame = long()
    frame = pd.concat([frame, frame.iloc[[3]].assign(y=99.0)])
    with pytest.raises(
        DataError, match="duplicate timestamp 2024-01-04 00:00:00 with different values in series 'a'"
    ):
        load(frame)


def test_epoch_columns() -> None:
    """A first column of numbers since 1970, or one with a time's name, is the time."""
    seconds = 1_700_000_000 + 60 * np.arange(12)
    for name in ("unixtime", "epoch"):
        loaded = load(pd.DataFrame({name: seconds, "y": np.arange(12.0)}))
        assert loaded.panel.names.time == name
        assert loaded.panel.frequency.alias == "min"
    with pytest.raises(DataError, match="no column holds times"):
        load(pd.DataFrame({"level": np.arange(12), "y": np.arange(12.0)}))


def test_years_are_seen_by_their_name() -> None:
    """A column called year is one of years; under another name the error names the option, which works."""
    frame = pd.DataFrame({"year": np.arange(2000, 2012), "y": np.arange(12.0)})
    assert load(frame).panel.frequency.alias == "YS-JAN"
    frame = frame.rename(columns={"year": "time"})
    with pytest.raises(DataError, match="column 'time' holds numbers") as caught:
        load(frame)
    assert "--date-format %Y" in caught.value.hint
    assert load(frame, ReadConfig(date_format="%Y")).panel.frequency.alias == "YS-JAN"


def test_layouts_that_do_not_fit() -> None:
    """A long layout needs an id; a table with an id takes one target."""
    single = pd.DataFrame({"date": DAYS, "y": np.arange(12.0)})
    with pytest.raises(DataError, match="no id column"):
        load(single, ReadConfig(layout="long"))
    with pytest.raises(UsageError, match="2 targets"):
        load(long(z=1.0), ReadConfig(target=("y", "z"), id="id", layout="long"))


def test_empty_columns_and_bits_are_left_alone() -> None:
    """Columns without values, of bits or of lists are no targets."""
    frame = pd.DataFrame({"date": DAYS, "v": np.arange(12.0), "none": np.nan, "on": True, "text": None})
    assert load(frame).panel.names.target == "v"


@pytest.mark.parametrize("ids", [[1, 2], [1.0, 2.0], ["x", "y"]])
def test_ids_are_text(ids: list) -> None:
    """Ids of any type become text, whole numbers without a point."""
    frame = long().assign(id=np.repeat(ids, 12))
    assert load(frame, ReadConfig(id="id")).panel.ids == (("x", "y") if ids[0] == "x" else ("1", "2"))


def test_target_by_its_name() -> None:
    """Of several columns of numbers one with a usual name is the target; the others are said to be unused."""
    frame = long(temperature=1.0)
    loaded = load(frame)
    assert loaded.panel.names.target == "y"
    (finding,) = (finding for finding in loaded.findings if finding.code == "C001")
    assert "not used: 'temperature'" in finding.message


def test_column_that_turns_to_text_late() -> None:
    """A column of numbers with text far down is still the target, and the cell is named."""
    cells = [str(row) for row in range(5000)]
    cells[4321] = "broken"
    frame = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=5000, freq="h").astype(str), "y": cells})
    with pytest.raises(DataError, match="row 4321, column 'y': 'broken' is not a number"):
        load(frame)


def test_parts_of_the_calendar_are_not_forecast() -> None:
    """Columns of the month and the hour, and numbers of rows, are no series of a wide table."""
    frame = pd.DataFrame({"when": DAYS, "Month": 1, "entry_id": range(12), "load": np.arange(12.0)})
    loaded = load(frame)
    assert loaded.read.target == ("load",)
    assert loaded.findings[0].code == "C001"
    loaded = load(frame.assign(min=1.5))
    assert loaded.read.target == ("load", "min")
    assert loaded.findings[0].message == "not used: 'Month', 'entry_id'"
    assert loaded.findings[0].code == "C002"


def test_a_column_called_second_may_be_a_value() -> None:
    """Its name alone makes a column no part of the time: it is one where it goes as the time does."""
    frame = pd.DataFrame({"when": DAYS, "first": np.arange(12.0), "second": np.arange(12) % 7})
    assert load(frame).read.target == ("first", "second")
    frame["when"] = pd.date_range("2024-01-01", periods=12, freq="10s")
    frame["minute"], frame["second"] = frame["when"].dt.minute, frame["when"].dt.second
    loaded = load(frame)
    assert loaded.read.target == ("first",)
    assert loaded.findings[0].message == "the target is 'first'; not used: 'second', 'minute'"


@pytest.mark.parametrize("written", ["'1''000'", r"'1\'000'", "'1,5'", "'-0.5'"])
def test_numbers_in_apostrophes_are_not_left_out(tmp_path: Path, written: str) -> None:
    """A column of numbers of which half or more stand in apostrophes is refused, not passed over."""
    rows = [f"{day:%Y-%m-%d};{number};{written}" for number, day in enumerate(DAYS)]
    rows[:5] = [row.replace(written, "0") for row in rows[:5]]
    (tmp_path / "x.csv").write_text("\n".join(["when;a;b", *rows]) + "\n")
    with pytest.raises(DataError, match="column 'b'") as caught:
        load(tmp_path / "x.csv")
    assert ("--strip" if "\\" not in written else "Repair it") in caught.value.hint


def test_words_with_some_numbers_among_them_are_said() -> None:
    """A column of words is no target, and is named; where some of its cells are numbers, that is said."""
    frame = pd.DataFrame({"when": DAYS, "load": np.arange(12.0), "note": ["5", "7"] + ["good"] * 10})
    for each in (frame, frame.astype({"note": "category"})):
        (finding,) = (finding for finding in load(each).findings if finding.code == "C002")
        assert finding.message == "not used: 'note', where some cells are numbers and most are not"
    (finding,) = (each for each in load(frame.assign(note="good")).findings if each.code == "C002")
    assert finding.message == "not used: 'note' (words)"


def test_of_a_change_and_an_update_the_change_is_the_time(tmp_path: Path) -> None:
    """A state log has two nearly equal times; the other one is named as left out."""
    rows = [f"{row % 9},2024-01-01T{row:02d}:00:00Z,2024-01-01T{row:02d}:00:01Z" for row in range(24)]
    (tmp_path / "x.csv").write_text("\n".join(["state,last_changed,last_updated", *rows, ""]))
    loaded = load(tmp_path / "x.csv")
    assert loaded.read.time == "last_changed" and loaded.uses["last_updated"].startswith("left out")


@pytest.mark.parametrize(("name", "other"), [("MESS_DATUM", "QN"), ("TIMESTAMP_START", "TIMESTAMP_END")])
def test_dates_in_digits_are_the_time_by_any_name(tmp_path: Path, name: str, other: str) -> None:
    """The one column of such dates, or that of the start."""
    stamps = pd.date_range("2024-01-01", periods=72, freq="h").strftime("%Y%m%d%H%M")
    others = stamps if other == "TIMESTAMP_END" else [3] * 72
    rows = [
        f"433;{stamp}; {b};{row % 7}.5" for row, (stamp, b) in enumerate(zip(stamps, others, strict=True))
    ]
    (tmp_path / "x.csv").write_text("\n".join([f"STATION;{name};{other};TT", *rows, ""]))
    loaded = load(tmp_path / "x.csv")
    assert (loaded.read.time, loaded.read.target, loaded.panel.frequency.alias) == (name, ("TT",), "h")
    assert load(tmp_path / "x.csv", loaded.read).panel.time.tolist() == loaded.panel.time.tolist()


def test_parts_of_the_time_without_names(tmp_path: Path) -> None:
    """Year, month, day and hour in a table without a header: the hint reads them."""
    hours = [divmod(hour, 24) for hour in range(96)]
    rows = [f"2024,1,{1 + day},{hour},{hour % 7}.5" for day, hour in hours]
    (tmp_path / "x.csv").write_text("\n".join([*rows, ""]))
    with pytest.raises(DataError, match="no column holds times") as caught:
        load(tmp_path / "x.csv", ReadConfig(header=False))
    time = "column_1+column_2+column_3+column_4"
    assert f"--time {time} --date-format '%Y %m %d %H'" in caught.value.hint
    asked = ReadConfig(header=False, time=time, date_format="%Y %m %d %H")
    assert load(tmp_path / "x.csv", asked).panel.frequency.alias == "h"


def test_names_of_clocks_are_no_ids(tmp_path: Path) -> None:
    """EDT and EST beside local times are one series; where the hour repeats, the hint names the zone."""
    local = pd.date_range("2023-11-04", periods=72, freq="h", tz="America/New_York")
    rows = [f"{time:%Y-%m-%d %H:%M},{time:%Z},{row % 7}.5" for row, time in enumerate(local)]
    (tmp_path / "x.csv").write_text("\n".join(["datetime,tz_cd,flow", *rows, ""]))
    with pytest.raises(DataError, match="duplicate timestamp") as caught:
        load(tmp_path / "x.csv")
    assert "--tz America/New_York" in caught.value.hint
    assert len(load(tmp_path / "x.csv", ReadConfig(tz="America/New_York")).panel) == 1


def test_a_large_counter_is_no_time(tmp_path: Path) -> None:
    """Numbers that rise unevenly, and lie in the range of seconds since 1970, may count anything."""
    counts = 10**9 + np.cumsum(np.random.default_rng(1).integers(1, 9999, 40))
    rows = [f"{row % 5}.5,{count}" for row, count in enumerate(counts)]
    (tmp_path / "x.csv").write_text("\n".join(["load,bytes", *rows, ""]))
    with pytest.raises(DataError, match="no column holds times"):
        load(tmp_path / "x.csv")
