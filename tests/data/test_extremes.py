"""Times at the ends of what 64 bits hold, steps beyond all data, damaged rows by the hundred thousand."""

import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecaster.config import ReadConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.load import load
from forecaster.errors import DataError, ForecasterError, UsageError
from forecaster.pipeline.predict import predict_pretrained


def table(times: pd.DatetimeIndex) -> pd.DataFrame:
    """A value for each time."""
    return pd.DataFrame({"t": times, "y": np.arange(len(times)) % 7 + 1.0})


def yearly(first: int, last: int) -> pd.DataFrame:
    """A row for each year, as dates in text."""
    days = [f"{year:04d}-01-01" for year in range(first, last)]
    return pd.DataFrame({"t": days, "y": np.arange(len(days)) % 7 + 1.0})


def test_more_than_292_years() -> None:
    """Times further apart than 64 bits of nanoseconds count as any: here 320 years of days, with a gap."""
    days = pd.DatetimeIndex(np.arange("1700-01-01", "2020-01-01", dtype="datetime64[D]").astype("M8[ns]"))
    panel = load(table(days.delete(5000)), ReadConfig(freq="D")).panel
    assert panel.frequency.alias == "D"
    assert len(panel.values) == len(days)
    assert np.flatnonzero(~panel.observed[:, 0]).tolist() == [5000]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"every": "1ns"}, "too many to count"),
        ({"freq": "1ns"}, "too many to count"),
        ({"every": "1ns", "agg": "count"}, "too many to count"),
        ({"every": "s", "agg": "count"}, "nearly all with a count of 0"),
        ({"freq": "s@Mon-Sun"}, "rows would have to be"),
        ({"freq": "s"}, "rows would have to be"),
    ],
)
def test_a_grid_far_too_fine(changes: dict[str, str], words: str) -> None:
    """Over centuries, a step of a nanosecond or second is an error before memory is taken for its grid."""
    with pytest.raises(DataError, match=words) as caught:
        load(yearly(1700, 2024), ReadConfig(**changes))
    assert caught.value.hint


@pytest.mark.parametrize("alias", ["999999999D", "999999999h", "300YS", "9999MS", "999999999W", "99999999QS"])
def test_a_step_longer_than_a_century(alias: str) -> None:
    """It is no step of any data."""
    with pytest.raises(UsageError, match="longer than a century") as caught:
        frequency(alias)
    assert "--freq D" in caught.value.hint


@pytest.mark.parametrize("alias", ["100YS", "36525D", "52W", "1ns"])
def test_long_steps_that_are_fine(alias: str) -> None:
    """Up to a century there may be data."""
    assert frequency(alias)


def test_forecasts_end_with_time_itself() -> None:
    """Forecasts never wrap around to the year 1677: beyond April 2262 they are an error."""
    days = pd.date_range("2261-06-01", "2262-03-10")
    assert len(predict_pretrained(table(days)).to_frame()) == 14
    with pytest.raises(DataError, match="reach beyond 2262") as caught:
        predict_pretrained(table(pd.date_range("2261-06-01", "2262-04-05")))
    assert "--horizon" in caught.value.hint
    rows = pd.DataFrame({"y": np.arange(100) % 7 + 1.0})
    with pytest.raises(DataError, match="reach beyond 2262"):
        load(rows, ReadConfig(start="2262-04-11", freq="D"))


@pytest.mark.parametrize(("first", "last"), [(2200, 2300), (1500, 1600), (1, 40)])
def test_years_beyond_64_bits(first: int, last: int) -> None:
    """Dates that 64 bits do not hold are unusable data, with a hint."""
    with pytest.raises(DataError) as caught:
        load(yearly(first, last))
    assert caught.value.hint


def test_column_names_that_are_not_utf8(tmp_path: Path) -> None:
    """A Parquet file may hold any bytes as a name: an error, whichever column is asked for."""
    times = pd.date_range("2024-01-01", periods=60)
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"t": times, "QQQQ": np.arange(60.0)}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"QQQQ", b"\xff\xfe\x80\xff"))
    for config in (ReadConfig(), ReadConfig(target=("y",))):
        with pytest.raises(DataError, match="not UTF-8") as caught:
            load(path, config)
        assert caught.value.hint


def test_ids_of_bytes() -> None:
    """Ids that are bytes and no text are named as what they are."""
    frame = table(pd.date_range("2024-01-01", periods=60)).assign(id=[b"\xff\xfe"] * 60)
    with pytest.raises(DataError, match="holds binary, not names of series") as caught:
        load(frame, ReadConfig(id="id"))
    assert "--id" in caught.value.hint


@pytest.mark.parametrize("pattern", ["%", "%Q%Q", "%s", "%d.%m.%"])
def test_patterns_that_are_none(pattern: str, tmp_path: Path) -> None:
    """A pattern that strptime does not know is wrong usage."""
    (tmp_path / "x.csv").write_text("t,y\n" + "".join(f"2024-01-{day:02d},{day}\n" for day in range(1, 29)))
    with pytest.raises(ForecasterError) as caught:
        load(tmp_path / "x.csv", ReadConfig(date_format=pattern))
    assert caught.value.exit_code in (2, 3)


def test_more_lines_to_skip_than_there_are(tmp_path: Path) -> None:
    """--skip-end of any size takes no time, and does not count blank lines."""
    days = "2024-01-01,1\n\n\n2024-01-02,2\n2024-01-03,3\n\n2024-01-04,4\n\n"
    (tmp_path / "x.csv").write_text("t,y\n" + days)
    with pytest.raises(DataError):
        load(tmp_path / "x.csv", ReadConfig(skip_end=10**8))
    for count, rows in ((1, 3), (2, 2)):
        assert len(load(tmp_path / "x.csv", ReadConfig(skip_end=count)).panel.values) == rows


def test_damaged_rows_by_the_hundred_thousand(tmp_path: Path) -> None:
    """They are counted up to a bound and not kept: little more memory than the file."""
    (tmp_path / "x.csv").write_text("t,y\n" + "1\n" * 300_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"\(50000 such rows or more\)") as caught:
        load(tmp_path / "x.csv")
    assert caught.value.code == "E002"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
