"""Cells: a column parsed while reading has the values of its text, and the text is there on demand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.data.reading import arrow_csv as cells
from forecaster.data.reading.files import Content
from forecaster.data.reading.text_table import read_text
from forecaster.data.table import taken
from forecaster.errors import DataError

ODD = ("", '""', '" "', " NA", "NA", "nan", "-nan", "inf", "1e400", " 2 ", "\t3", "+4", "0x10", "1_000",
       "1.000", '"5"', "−6", "(7)", "9007199254740993", "1700000000", "x", "7,0", "-999", "nan(1)",
       "5\N{NO-BREAK SPACE}", "007")  # fmt: skip
TIMES = ("2024-01-01", "2024-01-01 00:00", " 2024-01-01", "2024-01-01T00:00:00Z", "1500-01-01", "2024-02-30",
         "", "NA", "9999-12-31", "2024-01-01 24:00", "01.02.2024", "1700000000", '"2024-01-01"')  # fmt: skip
IDS = ("a", " a", "b", "", "NA", '"a"', "7")


def outcome(path: Path, config: ReadConfig) -> tuple[Loaded | None, str]:
    """What loading gives, or its error."""
    try:
        return load(path, config, remembered=True), ""
    except DataError as error:
        return None, str(error)


def compare(
    path: Path, odd: list[str], times: list[str], ids: list[str], na: tuple[str, ...], clock: str
) -> None:
    """Load two series with odd cells below the first rows, parsed while they are read and not."""
    day = [f"2023-{1 + place // 28:02}-{1 + place % 28:02}{clock}" for place in range(60)]
    stamps, values = [*day, *day], [str(place) for place in range(120)]
    names = [*["a"] * 60, *["b"] * 60]
    stamps[61 : 61 + len(times)] = times
    values[70 : 70 + len(odd)] = [f'"{cell}"' if "," in cell else cell for cell in odd]
    names[80 : 80 + len(ids)] = ids
    rows = zip(names, stamps, values, strict=True)
    path.write_text("id,time,value\n" + "".join(f"{name},{time},{value}\n" for name, time, value in rows))
    config = ReadConfig(na=na)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_kinds", lambda reader, config: {})
        expected, fault = outcome(path, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "SAMPLE", 600)  # bytes, all of them before the odd cells
        found, error = outcome(path, config)
    assert error == fault
    if expected is not None and found is not None:
        assert found.findings == expected.findings
        assert found.read == expected.read
        assert found.panel.ids == expected.panel.ids
        for name in ("values", "time", "offsets", "observed"):
            np.testing.assert_array_equal(getattr(found.panel, name), getattr(expected.panel, name))


@pytest.mark.parametrize("clock", ["", " 00:00"])
@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *(("odd", cell) for cell in ODD),
        *(("times", cell) for cell in TIMES),
        *(("ids", cell) for cell in IDS),
    ],
)
def test_one_odd_cell(tmp_path: Path, column: str, cell: str, clock: str) -> None:
    """One odd cell among those that are parsed while they are read is what it is in a column of text."""
    given = {"odd": [], "times": [], "ids": []} | {column: [cell]}
    compare(tmp_path / "data.csv", **given, na=(), clock=clock)


@pytest.mark.parametrize("cell", ["-999", " -999", "-999.0"])
def test_a_number_that_means_missing(tmp_path: Path, cell: str) -> None:
    """A number named by --na is missing, with spaces around it too, and no other way to write it is."""
    compare(tmp_path / "data.csv", [cell], [], [], ("-999",), "")


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6).map(str), st.sampled_from(ODD)), max_size=3),
    st.lists(st.sampled_from(TIMES), max_size=1),
    st.lists(st.sampled_from(IDS), max_size=1),
    st.sampled_from([(), ("-999",), ("x", "-999")]),
    st.sampled_from(["", " 00:00"]),
)
@examples(100)
def test_same_as_text(
    tmp_path_factory: pytest.TempPathFactory, odd: list, times: list, ids: list, na: tuple, clock: str
) -> None:
    """Columns parsed while they are read give the same panel, findings and errors as their text does."""
    compare(tmp_path_factory.mktemp("cells") / "data.csv", odd, times, ids, na, clock)


def test_parsed_and_text() -> None:
    """Numbers, times and words are parsed; their text can still be had; a column with an odd cell is text."""
    rows = b"".join(b"s%d,2024-01-01 00:%02d,1.50,%d\n" % (place % 2, place, place) for place in range(60))
    table, _, _ = read_text(
        Content("x.csv", "x", b"id,time,value,odd\n" + rows + b"s0,2024-01-01 01:00,NA,-\n"), ReadConfig()
    )
    assert [str(column.type) for column in table.parsed.values()] == [
        "dictionary<values=string, indices=int32, ordered=0>", "timestamp[ns]", "double"]  # fmt: skip
    assert table.parsed["value"].null_count == 1
    assert table.columns["value"][0].as_py() == "1.50"
    assert table.columns["odd"][60].as_py() == "-"


@pytest.mark.parametrize("piece", [70, 100, 333, 10_000])
def test_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """A text read in pieces is what it is as a whole, though cells hold line ends, quotes and delimiters."""
    monkeypatch.setattr(cells, "PIECE", piece)
    notes = ["plain", '"a,b"', '"a ""word"""', '""', '"two\nlines"', '"x"'] * 12
    path = tmp_path / "data.csv"
    for odd in (False, True):
        some = [note for note in notes if odd or "\n" not in note]
        rows = [f"2024-01-01 00:{at:02},{at}.5,{note}\n" for at, note in enumerate(some[:60])]
        path.write_text("time,value,note\n" + "".join(rows))
        found = load(path, ReadConfig(target=("value",)))
        assert found.panel.values[:, 0].tolist() == [at + 0.5 for at in range(60)]


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=5), st.data())
def test_cells_taken_from_pieces(chunks: list[list[int]], data: st.DataObject) -> None:
    """A few rows of a column in pieces are those that the library's own `take` gives."""
    column = pa.chunked_array(chunks, pa.int64())
    rows = sorted(data.draw(st.sets(st.integers(0, max(len(column) - 1, 0)))) if len(column) else [])
    assert taken(column, np.array(rows, np.int64)).to_pylist() == [column[row].as_py() for row in rows]


def test_a_small_text_starts_no_threads_that_parse(tmp_path: Path) -> None:
    """Threads that still run when the process ends abort it now and then; a small text needs none."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("threads are counted where Linux lists them")
    path = tmp_path / "x.csv"
    path.write_text("day,y\n" + "".join(f"2024-01-{day:02d},{day}\n" for day in range(1, 29)))
    code = (
        "import os, sys; from forecaster.data.load import load; before = len(os.listdir('/proc/self/task'));"
        "load(sys.argv[1]); print(len(os.listdir('/proc/self/task')) - before)"
    )
    output = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert int(output.stdout) <= 1  # the one that reads ahead
