"""Reading: Parquet and DataFrames of every usual type, and tables that do not fit together."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from forecaster.config import ReadConfig
from forecaster.data.labels import listed
from forecaster.data.load import load
from forecaster.data.reading import files
from forecaster.data.reading.files import stem
from forecaster.data.table import Part, Table
from forecaster.errors import DataError, UsageError

DAYS = pd.date_range("2024-01-01", periods=10, unit="ns")


def parquet(folder: Path, columns: dict, name: str = "x.parquet") -> Path:
    """A Parquet file with these Arrow columns."""
    pa.parquet.write_table(pa.table(columns), folder / name)
    return folder / name


@pytest.mark.parametrize("kind", ["dictionary", "large", "view", "text"])
def test_kinds_of_text(tmp_path: Path, kind: str) -> None:
    """Dictionaries, large and viewed strings are ids like any text."""
    ids = pa.array(["b", "a"] * 10)
    made = {
        "dictionary": ids.dictionary_encode(),
        "large": ids.cast(pa.large_string()),
        "view": ids.cast(pa.string_view()),
        "text": ids,
    }[kind]
    path = parquet(tmp_path, {"id": made, "t": pa.array(DAYS.repeat(2)), "y": np.arange(20.0)})
    panel = load(path).panel
    assert panel.ids == ("a", "b")
    assert panel.target.tolist() == [*range(1, 20, 2), *range(0, 20, 2)]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us"), pa.date32(), pa.date64()]
)
def test_kinds_of_time(tmp_path: Path, kind: pa.DataType) -> None:
    """Timestamps of any unit and dates are the same nanoseconds."""
    panel = load(parquet(tmp_path, {"t": pa.array(DAYS).cast(kind), "y": np.arange(10.0)})).panel
    assert panel.time.tolist() == DAYS.asi8.tolist()
    assert panel.names.dates


def test_files_of_different_types(tmp_path: Path) -> None:
    """Files of a folder may mix whole numbers and fractions, but not text and times."""
    parquet(tmp_path, {"t": pa.array(DAYS).cast(pa.timestamp("ms")), "y": np.arange(10)}, "a.parquet")
    parquet(tmp_path, {"t": pa.array(DAYS), "y": np.arange(10) + 0.5}, "b.parquet")
    panel = load(tmp_path).panel
    assert panel.ids == ("a", "b")
    assert panel.target.tolist() == [*range(10), *(np.arange(10) + 0.5)]
    parquet(tmp_path, {"t": pa.array(DAYS.astype(str)), "y": np.arange(10)}, "c.parquet")
    with pytest.raises(DataError, match="column 't' has different types in different files"):
        load(tmp_path)


def test_damaged_page_is_noticed(tmp_path: Path) -> None:
    """A bit flipped in a page with a checksum is a DataError, not another number."""
    path = tmp_path / "x.parquet"
    table = pa.table({"t": pa.array(DAYS), "y": np.arange(10.0)})
    pa.parquet.write_table(table, path, write_page_checksum=True, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    place = data.index(np.float64(7.0).tobytes())
    data[place + 6] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="damaged Parquet"):
        load(path)


def test_empty_and_doubled(tmp_path: Path) -> None:
    """Tables without rows and with doubled names are refused, in any form."""
    with pytest.raises(DataError, match="has no rows"):
        load(parquet(tmp_path, {"t": pa.array(DAYS[:0]), "y": np.arange(0.0)}))
    doubled = pa.Table.from_arrays(
        [pa.array(DAYS), pa.array(range(10)), pa.array(range(10))], ["t", "y", "y"]
    )
    pa.parquet.write_table(doubled, tmp_path / "x.parquet")
    frame = pd.DataFrame([[1, 2, 3]] * 3, columns=["t", "y", "y"])
    for source in (tmp_path / "x.parquet", frame):
        with pytest.raises(DataError, match="several columns are named 'y'"):
            load(source)
    with pytest.raises(DataError, match="no rows"):
        load(pd.DataFrame({"t": DAYS[:0], "y": []}))


def test_frame_with_mixed_cells() -> None:
    """A DataFrame column that mixes numbers and text is an error that names it."""
    with pytest.raises(DataError, match="column 'y' mixes kinds of values"):
        load(pd.DataFrame({"t": DAYS, "y": [1, "x"] * 5}))


def test_frame_of_text_is_parsed_like_a_file() -> None:
    """Times and numbers in text columns of a DataFrame are read as strictly as in a file."""
    frame = pd.DataFrame({"t": DAYS.strftime("%Y-%m-%d"), "y": [f"{row}.5" for row in range(10)]})
    assert load(frame).panel.target.tolist() == [row + 0.5 for row in range(10)]
    frame.loc[3, "y"] = "0x10"
    with pytest.raises(DataError, match="the DataFrame, row 3, column 'y': '0x10'"):
        load(frame)


def test_an_unknown_kind_of_url_is_refused() -> None:
    """A URL of no known kind is a UsageError that says what to do."""
    with pytest.raises(UsageError, match="is a URL") as caught:
        load("ftp://example.com/x.csv")
    assert "Download" in caught.value.hint


def test_device_is_refused() -> None:
    """What is not a regular file is refused before it is read."""
    with pytest.raises(DataError, match="not a regular file"):
        load("/dev/null")


def test_names_of_files() -> None:
    """Endings go, other dots stay."""
    names = ["a.csv", "b.v2.CSV.GZ", "c.parquet", ".csv", "d"]
    assert [stem(Path(name)) for name in names] == ["a", "b.v2", "c", ".csv", "d"]


def test_where_a_row_lies() -> None:
    """A row of a table is named by its file and line."""
    parts = tuple(
        Part(name, name, rows, lambda row: f"line {row + 2}") for name, rows in (("a", 2), ("b", 3))
    )
    table = Table({}, parts)
    assert [table.where(row) for row in range(5)] == [
        "a, line 2",
        "a, line 3",
        "b, line 2",
        "b, line 3",
        "b, line 4",
    ]
    assert (table.name, table.rows) == ("a and 1 more", 5)
    assert listed(("x", "y", "z"), 2) == "'x', 'y' and 1 more"


def test_unnamed_and_spaced_columns(tmp_path: Path) -> None:
    """A column without a name is named by its place, and spaces around names go; both are said."""
    (tmp_path / "x.csv").write_text(", y \n" + "".join(f"2024-01-{day:02d}, {day}\n" for day in range(1, 9)))
    loaded = load(tmp_path / "x.csv")
    assert (loaded.panel.names.time, loaded.panel.names.target) == ("column_1", "y")
    assert [finding.code for finding in loaded.findings] == ["R002", "R003"]


def test_long_cells(tmp_path: Path) -> None:
    """Cells of any length are read whole."""
    (tmp_path / "x.csv").write_text("t,y,note\n2024-01-01,1," + "x" * 200_000 + "\n2024-01-02,2,\n")
    with pytest.raises(DataError, match="line 2, column 'note': 'xxx"):
        load(tmp_path / "x.csv", ReadConfig(delimiter=",", target=("note",)))


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    """Text in a Parquet file that is not UTF-8 is an error of the data, which names the column."""
    offsets = pa.py_buffer(np.arange(11, dtype=np.int32).tobytes())
    broken = pa.Array.from_buffers(pa.string(), 10, [None, offsets, pa.py_buffer(b"\xff" * 10)])
    path = parquet(tmp_path, {"time": pa.array(DAYS), "y": pa.array(np.arange(10.0)), "note": broken})
    with pytest.raises(DataError, match="column 'note' holds text that is not UTF-8"):
        load(path)


@pytest.mark.parametrize("zone", ["+99:00", "+25:00", "Mars/Base"])
def test_zones_that_do_not_exist(tmp_path: Path, zone: str) -> None:
    """Times in an unknown zone, or in one a day or more from UTC, are an error of the data."""
    times = pa.array(DAYS).cast(pa.timestamp("ns", zone))
    with pytest.raises(DataError, match="unknown time zone"):
        load(parquet(tmp_path, {"time": times, "y": pa.array(np.arange(10.0))}))


@pytest.mark.parametrize("kind", ["date32", "timestamp"])
def test_times_that_do_not_fit(tmp_path: Path, kind: str) -> None:
    """Dates beyond 2262 in a Parquet file are an error of the data."""
    days = np.arange(10) + 200_000
    times = pa.array(days.astype("M8[D]")) if kind == "date32" else pa.array(days * 86_400, pa.timestamp("s"))
    with pytest.raises(DataError, match="outside 1677 to 2262"):
        load(parquet(tmp_path, {"time": times, "y": pa.array(np.arange(10.0))}))


def test_a_packed_file_that_grows_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .gz that grows beyond 20 times its size and what is free needs --max-bytes, as the hint says."""
    path = tmp_path / "x.csv.gz"
    rows = "".join(f"{day:%Y-%m-%d},1{' ' * 5000}\n" for day in DAYS)
    path.write_bytes(gzip.compress(f"time,y\n{rows}".encode()))
    assert len(load(path).panel.time) == 10
    monkeypatch.setattr(files, "FREE", 10_000)
    with pytest.raises(DataError, match="grows beyond 10,000 bytes") as caught:
        load(path)
    assert "--max-bytes 40000" in caught.value.hint
    with pytest.raises(DataError, match="grows beyond 40,000 bytes"):
        load(path, ReadConfig(max_bytes=40_000))
    assert len(load(path, ReadConfig(max_bytes=160_000)).panel.time) == 10
