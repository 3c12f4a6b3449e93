"""Loading: whatever the format, order and layout, the same Panel; and errors that say what to type."""

import csv as csv_module
import dataclasses
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_strategies import Case, cases, on_grid
from hypothesis import example, given
from hypothesis import strategies as st
from profiles import examples

from forecaster.config import ReadConfig, from_json, to_json
from forecaster.data.load import Loaded, load
from forecaster.data.panel import Panel
from forecaster.data.reading.files import Content
from forecaster.data.reading.text_table import read_text
from forecaster.errors import DataError, StorageError, UsageError

FORMATS = ("csv", "tsv", "csv.gz", "semicolon", "parquet", "frame")
SHARED = Path(__file__).parents[3] / "shared" / "data"


def written(frame: pd.DataFrame, kind: str, folder: Path) -> Path | pd.DataFrame:
    """`frame` as a file of the given kind."""
    if kind == "frame":
        return frame
    path = folder / f"table.{'csv' if kind == 'semicolon' else kind}"
    if kind == "parquet":
        frame.to_parquet(path, index=False)
        return path
    text = frame.to_csv(index=False, sep={"tsv": "\t", "semicolon": ";"}.get(kind, ",")).encode()
    path.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
    return path


def same(one: Panel, other: Panel) -> bool:
    """Whether two panels are equal to the last bit."""
    arrays = ("values", "observed", "time", "offsets")
    equal = all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in arrays)
    return equal and (one.ids, one.frequency) == (other.ids, other.frequency)


def csv(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def daily(count: int = 20, start: str = "2024-01-01") -> pd.DataFrame:
    """A small sound table."""
    return pd.DataFrame({"date": pd.date_range(start, periods=count), "y": np.arange(count) * 1.5})


def codes(loaded: Loaded) -> dict[str, int]:
    """Findings as code: count."""
    return {finding.code: finding.count for finding in loaded.findings}


@given(cases(), st.sampled_from(FORMATS))
@examples()
def test_round_trip(tmp_path: Path, case: Case, kind: str) -> None:
    """A written table reads back as the series that pandas puts on the same grid, bit for bit."""
    loaded = load(written(case.frame, kind, tmp_path), ReadConfig(freq=case.alias))
    expected = on_grid(case)
    assert loaded.panel.ids == tuple(expected)
    for place, series in enumerate(expected.values()):
        rows = slice(*loaded.panel.offsets[place : place + 2])
        assert loaded.panel.time[rows].tolist() == series.index.as_unit("ns").asi8.tolist()
        np.testing.assert_array_equal(loaded.panel.values[rows, 0], series.to_numpy())
    np.testing.assert_array_equal(loaded.panel.observed, ~np.isnan(loaded.panel.values))


@given(cases(), st.randoms(use_true_random=False), st.sampled_from(FORMATS))
@examples()
def test_order_of_rows_does_not_matter(tmp_path: Path, case: Case, random, kind: str) -> None:
    """Permuting the rows and changing the format gives the same panel to the last byte."""
    rows = list(range(len(case.frame)))
    random.shuffle(rows)
    config = ReadConfig(time="ds", id="id", target=("y",))
    expected = load(case.frame, config).panel
    assert same(load(written(case.frame.iloc[rows], kind, tmp_path), config).panel, expected)


@given(cases())
@examples()
def test_frequency_is_found_and_reading_again_infers_nothing(case: Case) -> None:
    """The frequency is inferred in spite of missing rows; the resolved configuration gives the same panel."""
    first = load(case.frame, ReadConfig(time="ds", id="id", target=("y",)))
    assert first.panel.frequency.alias == case.alias
    again = load(case.frame, from_json(ReadConfig, to_json(first.read)))
    assert same(first.panel, again.panel)
    assert again.read == first.read


@pytest.mark.parametrize("kind", FORMATS)
def test_one_series(tmp_path: Path, kind: str) -> None:
    """A table of time and value is one series, named by its value column, with no id."""
    loaded = load(written(daily(), kind, tmp_path))
    assert loaded.panel.ids == ("y",)
    assert loaded.panel.names.id is None
    assert loaded.panel.names.dates
    assert loaded.panel.frequency.alias == "D"
    assert loaded.read.layout == "one"
    assert loaded.findings == ()


def test_source_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The absolute path is remembered, '-' for stdin and nothing for a DataFrame."""
    path = written(daily(), "csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load("table.csv").source == str(path)
    assert load(daily()).source == ""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert load("-").source == "-"


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Standard input takes CSV, gzip and Parquet, distinguished by their first bytes."""
    path = written(daily(), kind, tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert same(load("-").panel, load(path).panel)


@pytest.mark.parametrize("source", ["", "*.csv", "b*"])
def test_directory_and_glob(tmp_path: Path, source: str) -> None:
    """In a directory or glob without an id column each file is a series named by its file."""
    written(daily(), "csv", tmp_path).rename(tmp_path / "AAPL.csv")
    written(daily(30), "csv", tmp_path).rename(tmp_path / "bhp.ax.csv")
    loaded = load(tmp_path / source)
    expected = ("bhp.ax",) if source == "b*" else ("AAPL", "bhp.ax")
    assert loaded.panel.ids == expected
    assert loaded.panel.lengths.tolist() == ([30] if source == "b*" else [20, 30])
    assert loaded.panel.names.id == "series"


def test_directory_with_id_column(tmp_path: Path) -> None:
    """Files of a directory that have an id column are one long table."""
    for place, name in enumerate(["one", "two"]):
        frame = daily().assign(symbol=[name, "both"] * 10, y=1.0 + np.arange(20) + place)
        frame["date"] = pd.date_range("2024-01-01", periods=20).repeat(2)[place * 20 : place * 20 + 20]
        frame.to_csv(tmp_path / f"{place}.csv", index=False)
    panel = load(tmp_path).panel
    assert panel.ids == ("both", "one", "two")
    assert panel.lengths.tolist() == [20, 10, 10]


def test_different_files_in_a_directory(tmp_path: Path) -> None:
    """Files with different columns do not mix: the error names both and the columns."""
    daily().to_csv(tmp_path / "a.csv", index=False)
    daily().rename(columns={"y": "z"}).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match=r"a\.csv and b\.csv have different columns \('y', 'z'"):
        load(tmp_path)


def test_wide_table() -> None:
    """Several columns of numbers without an id are one series each."""
    frame = daily().assign(b=1.0 + np.arange(20), a=np.arange(20) ** 2).rename(columns={"y": "c"})
    panel = load(frame).panel
    assert panel.ids == ("a", "b", "c")
    assert panel.names.id == "series"
    np.testing.assert_array_equal(panel.values[20:40, 0], 1.0 + np.arange(20))


def test_wide_table_in_part() -> None:
    """Several named targets of a wide table are the series; the other columns are left alone."""
    frame = daily().assign(b=1.0 + np.arange(20), a=np.arange(20) ** 2, text="x")
    loaded = load(frame, ReadConfig(target=("b", "a"), covariates=("y",)))
    assert loaded.panel.ids == ("a", "b")
    assert loaded.panel.values.shape == (40, 2)
    np.testing.assert_array_equal(loaded.panel.values[20:, 1], frame["y"])
    assert same(load(frame, loaded.read).panel, loaded.panel)


def test_one_target_of_a_wide_table() -> None:
    """One named target gives one series; columns not named are ignored."""
    frame = daily().assign(OT=1.0 + np.arange(20), text="x")
    loaded = load(frame, ReadConfig(target=("OT",)))
    assert loaded.panel.ids == ("OT",)
    assert loaded.panel.names.id is None


def test_wide_series_of_different_spans() -> None:
    """Missing values at a series' start and end are left out, with a finding that says so."""
    frame = daily().assign(late=[np.nan] * 5 + [1.0, 2.0] * 7 + [np.nan])
    loaded = load(frame, ReadConfig(target=("y", "late")))
    assert loaded.panel.lengths.tolist() == [14, 20]
    assert codes(loaded) == {"V001": 6, "V002": 6}


@pytest.mark.parametrize(
    ("extra", "target"), [({}, "Close"), ({"Adj Close": 7.5}, "Adj Close"), ({"adj_close": 7.5}, "adj_close")]
)
def test_prices(extra: dict[str, float], target: str) -> None:
    """In a table of prices the adjusted close is the target, else the close, and the choice is said."""
    days = pd.bdate_range("2024-01-01", periods=40).delete([9, 21])
    frame = pd.DataFrame(
        {"Date": days, "Open": 1.0, "High": 2.0, "Low": 0.5, "Close": np.arange(38.0), "Volume": 10}
    )
    for name, start in extra.items():
        frame[name] = start + np.arange(38)
    loaded = load(frame)
    assert loaded.panel.names.target == target
    assert loaded.panel.frequency.alias == "B"
    assert len(loaded.panel.time) == 38  # holidays are not gaps
    assert [finding.code for finding in loaded.findings] == ["C001"] + ["P003"] * bool(extra)


def test_several_symbols_in_one_table() -> None:
    """Repeated dates make the text column the id, also beside columns that follow from it."""
    days = pd.bdate_range("2024-01-01", periods=30)
    parts = [
        pd.DataFrame(
            {
                "name": full,
                "symbol": short,
                "exchange": "X",
                "date": days,
                "volume": 5,
                "price": np.arange(30) + 1.0,
            }
        )
        for short, full in (("A", "Alpha"), ("B", "Beta"))
    ]
    panel = load(pd.concat(parts)).panel
    assert panel.ids == ("A", "B")
    assert (panel.names.id, panel.names.target) == ("symbol", "price")


def test_whole_number_ids() -> None:
    """A whole-number column is the id when times repeat and it tells the rows apart."""
    days = pd.date_range("2024-01-01", periods=30, freq="h")
    frame = pd.concat(
        [pd.DataFrame({"probe": probe, "time": days, "temp": np.arange(30) + 0.5}) for probe in (2, 10)]
    )
    panel = load(frame).panel
    assert panel.ids == ("10", "2")
    assert panel.names.id == "probe"


def test_several_possible_ids() -> None:
    """Two columns that could both name the series are listed, with the option."""
    days = pd.date_range("2024-01-01", periods=10).repeat(2)
    right = ["p", "q"] * 5 + ["q", "p"] * 5
    frame = pd.DataFrame({"left": ["a", "b"] * 10, "right": right, "time": days, "y": np.arange(20.0)})
    with pytest.raises(DataError, match="several columns could name the series: 'left', 'right'") as caught:
        load(frame)
    assert "--id" in caught.value.hint


def test_time_zone() -> None:
    """Aware times become UTC and the zone is kept; days are counted on its clock when clocks change."""
    days = pd.date_range("2024-03-25", periods=14, tz="Europe/Berlin")
    loaded = load(pd.DataFrame({"date": days, "y": np.arange(14.0)}))
    assert loaded.panel.names.tz == "Europe/Berlin"
    assert loaded.panel.frequency.alias == "D"
    assert loaded.panel.time.tolist() == days.as_unit("ns").asi8.tolist()


def test_series_disagree() -> None:
    """A series of another frequency than most is an error that names it."""
    parts = [
        pd.DataFrame(
            {"id": name, "ds": pd.date_range("2024-01-01", periods=30, freq=alias), "y": np.arange(30.0)}
        )
        for name, alias in (("a", "D"), ("b", "D"), ("c", "7D"))
    ]
    with pytest.raises(DataError, match="series 'c' have another frequency than D") as caught:
        load(pd.concat(parts))
    assert "--freq" in caught.value.hint


def test_findings_and_strict() -> None:
    """Unsorted, duplicate and missing rows are repaired and counted; under strict each is an error."""
    frame = daily(30)
    mixed = pd.concat([frame.iloc[20:], frame.iloc[:12], frame.iloc[14:20], frame.iloc[3:5]])
    loaded = load(mixed)
    assert codes(loaded) == {"D004": 2, "D001": 2, "D002": 2}
    assert [len(finding.places) > 0 for finding in loaded.findings] == [True] * 3
    assert loaded.panel.observed.sum() == 28
    for wrong, code in (
        (frame.iloc[::-1], "D004"),
        (frame.drop(5), "D002"),
        (frame.iloc[[0, 0, 1, 2, 3]], "D001"),
    ):
        with pytest.raises(DataError, match=code) as caught:
            load(wrong, ReadConfig(strict=True))
        assert "Without --strict" in caught.value.hint


@pytest.mark.parametrize(("rule", "expected"), [("first", 7.0), ("last", 9.0), ("mean", 8.0)])
def test_contradicting_rows(rule: str, expected: float) -> None:
    """Rows of one timestamp with different values stop the run unless a rule is given."""
    frame = daily(10)
    frame = pd.concat([frame, frame.iloc[[4, 4]].assign(y=[9.0, 9.0])]).sort_values("date", kind="stable")
    frame.iloc[4, 1], frame.iloc[5, 1] = 7.0, 8.0
    with pytest.raises(
        DataError, match=r"row 4 and row 5: duplicate timestamp 2024-01-05 00:00:00"
    ) as caught:
        load(frame)
    assert "--duplicates mean" in caught.value.hint
    loaded = load(frame, ReadConfig(duplicates=rule))
    assert loaded.panel.values[4, 0] == expected
    assert len(loaded.panel.time) == 10
    assert codes(loaded) == {"D003": 1}


def test_trading_gap() -> None:
    """A gap of more than five business days between trading days is reported, not filled."""
    days = pd.bdate_range("2024-01-01", periods=40).delete(range(20, 27))
    loaded = load(pd.DataFrame({"date": days, "close": np.arange(33.0)}))
    assert codes(loaded) == {"D005": 1}
    assert len(loaded.panel.time) == 33


def test_constant_series_and_a_series_without_values() -> None:
    """A constant series is said to be one; a series with no value is left out and named."""
    frame = daily().assign(flat=3.0, none=np.nan)
    loaded = load(frame, ReadConfig(target=("y", "flat", "none")))
    assert loaded.panel.ids == ("flat", "y")
    assert codes(loaded) == {"V001": 20, "V004": 1, "V003": 1}


TEN_DAYS = "date,y\n" + "".join(f"2024-01-{day:02d},1\n" for day in range(1, 11))
WRONG = [
    ("", "is empty"),
    ("date,y\n", "header only"),
    ("date,y", "header only"),
    ("date,y\n2024-01-01,1\n", "one row"),
    ("date,y\n2024-01-01,1\n2024-01-02,oops\n2024-01-03,3\n", "line 3, column 'y': 'oops' is not"),
    ("date,y\n2024-01-01,1\n2024-01-02,\x1b]0;x\n2024-01-03,3\n", r"'\\x1b\]0;x' is not"),
    ("date,y\n2024-01-01,a\n2024-01-02,b\n", "no column of numbers"),
    ("name,y\nx,1\nz,2\n", "no column holds times"),
    ("date,y\n2024-01-01,1\n,2\n2024-01-03,3\n", "line 3, column 'date': timestamp missing"),
    ("date,y\n2024-01-01,1\n2024-02-30,2\n2024-03-01,3\n", "line 3, column 'date': '2024-02-30'"),
    ("date,y\n2024-01-01,1\n2024-01-02,2,3\n", "line 3: 3 fields where the header has 2"),
    ("date,y\n2024-01-01,1\n2024-01-02\n", "line 3: 1 fields where the header has 2"),
    ('date,y\n2024-01-01,1\n"2024-01-02,2\n2024-01-03,3\n', "line 3: a quote"),
    ('date,y\n2024-01-01,1\n2024-01-02,2"2\n2024-01-03,3\n', "line 3: a quote"),
    ("2024-01-01,1\n2024-01-02,2\n", "looks like data"),
    ("date,y,y\n2024-01-01,1,2\n", "several columns are named 'y'"),
    ("date\n2024-01-01\n2024-01-02\n", "one column only"),
    ("date,y\n2024-01-01,NA\n2024-01-02,\n2024-01-03,NA\n", "no column of numbers"),
    ("date,y\n2024-01-01,1\0\n", "line 2: a NUL byte"),
    (b"date,y\n2024-01-01,\xff1\n", "is not UTF-8"),
    (
        "t,a,id\n2024-01-01,1,x\n2024-01-01,1,\n2024-01-02,2,x\n2024-01-02,3,y\n",
        "line 3, column 'id': id missing",
    ),
    ("date,y\n2024-01-01,1\n2024-01-05,1\n2024-01-06,2\n2024-03-01,5\n2025-01-01,2\n", "irregular"),
    (TEN_DAYS.replace("01-09", "01-09 05:00"), "does not lie on its grid"),
    (TEN_DAYS.replace("2024-01-10", "2204-01-10"), "widest gap follows .*line 10"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_unusable_text(tmp_path: Path, text: str | bytes, message: str) -> None:
    """What cannot be used is a DataError that says what was found and where."""
    with pytest.raises(DataError, match=message):
        load(csv(tmp_path, text))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ReadConfig(target=("nope",)), "has no column 'nope'"),
        (ReadConfig(freq="fortnight"), "unknown frequency"),
        (ReadConfig(encoding="klingon"), "unknown encoding"),
        (ReadConfig(delimiter="ab"), "delimiter cannot be"),
        (ReadConfig(date_format="dd.mm"), "unknown date format"),
        (ReadConfig(tz="Mars/Base"), "unknown time zone"),
    ],
)
def test_wrong_use(tmp_path: Path, config: ReadConfig, message: str) -> None:
    """An option that cannot be is a UsageError that says what can."""
    with pytest.raises(UsageError, match=message) as caught:
        load(written(daily(), "csv", tmp_path), config)
    assert caught.value.hint


def test_a_text_target_is_refused(tmp_path: Path) -> None:
    """A text column named as the target is a DataError that names the first cell."""
    path = csv(tmp_path, "date,who,y\n2024-01-01,ann,1\n2024-01-02,bob,2\n")
    with pytest.raises(DataError, match="line 2, column 'who': 'ann' is not a number"):
        load(path, ReadConfig(target=("who",)))


def test_candidates_are_listed() -> None:
    """Where time or target are open, the error lists the candidates and the option."""
    frame = daily().assign(seen=pd.date_range("2020-01-01", periods=20))
    with pytest.raises(DataError, match="2 columns hold times: 'when', 'seen'"):
        load(frame.rename(columns={"date": "when"}))
    double = pd.concat(
        [daily().assign(id=name, z=np.arange(20) % 7).rename(columns={"y": "x"}) for name in "ab"]
    )
    with pytest.raises(DataError, match="2 columns could be the target: 'x', 'z'") as caught:
        load(double)
    assert "--target" in caught.value.hint


def test_missing_and_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing or forbidden file is a StorageError; a directory without data is a DataError."""
    with pytest.raises(StorageError, match="there is no file"):
        load(tmp_path / "nope.csv")
    with pytest.raises(StorageError, match="no file matches"):
        load(tmp_path / "*.csv")
    with pytest.raises(DataError, match="holds no data"):
        load(tmp_path)
    path = written(daily(), "csv", tmp_path)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StorageError, match="cannot be read: Permission denied"):
        load(path)


def test_damaged_files(tmp_path: Path) -> None:
    """Damaged gzip and Parquet, and endings that lie, are DataErrors."""
    packed = gzip.compress(daily().to_csv(index=False).encode())
    flipped = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
    cases = [
        (packed[:-9], "a.csv.gz", "truncated gzip"),
        (flipped, "a.csv.gz", "damaged gzip"),
        (b"date,y\n", "a.csv.gz", "is not gzip"),
        (packed + b"rubbish", "a.csv.gz", "other data after"),
        (b"PAR1 and nothing more", "a.parquet", "damaged Parquet"),
        (b"date,y\n", "a.parquet", "not a Parquet file"),
        (b"PK\x03\x04....", "a.xlsx", "spreadsheet"),
    ]
    for data, name, message in cases:
        with pytest.raises(DataError, match=message):
            load(csv(tmp_path, data, name))


def test_several_gzip_members(tmp_path: Path) -> None:
    """Two gzip files one after the other are one text, as gzip itself has it."""
    text = daily().to_csv(index=False).encode()
    path = csv(tmp_path, gzip.compress(text[:50]) + gzip.compress(text[50:]), "a.csv.gz")
    assert same(load(path).panel, load(daily()).panel)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(tmp_path: Path, ending: str, last: bool) -> None:
    """LF, CRLF and CR lines, with and without a last one, blank lines and quoted cells read the same."""
    text = daily().to_csv(index=False).replace("2024-01-03,3.0", '"2024-01-03","3.0"\n').replace("\n", ending)
    path = csv(tmp_path, text if last else text.rstrip("\r\n"))
    assert same(load(path).panel, load(daily()).panel)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """Byte order marks are understood; Latin-1 is read when it is named; names keep their letters."""
    text = daily().rename(columns={"y": "größe"}).to_csv(index=False).encode(encoding)
    config = ReadConfig(encoding="latin-1" if encoding == "latin-1" else None)
    loaded = load(csv(tmp_path, text), config)
    assert loaded.panel.names.target == "größe"
    assert codes(loaded) == ({"R001": 1} if encoding in ("utf-16", "utf-32") else {})


def test_delimiter_that_is_not_clear(tmp_path: Path) -> None:
    """A text that two delimiters divide evenly is not guessed at."""
    path = csv(tmp_path, "a;b,c\n2024-01-01;1,2\n2024-01-02;1,3\n")
    with pytest.raises(DataError, match=r"2 ways \(comma: 2 columns; semicolon: 2 columns\)") as caught:
        load(path)
    assert "--delimiter" in caught.value.hint


def test_ends_of_a_frame() -> None:
    """A DataFrame's index of times is a column like others; an index of row numbers is not."""
    frame = daily().set_index("date")
    assert same(load(frame).panel, load(daily()).panel)
    assert same(load(daily().iloc[::1].set_index(pd.Index(range(5, 25)))).panel, load(daily()).panel)


@example(-3)
@given(st.integers(-(2**40), 2**40))
@examples(20)
def test_line_numbers(blank: int) -> None:
    """Lines are counted in the file as it is, blank and quoted ones included."""
    text = (
        'date,y,note\n\n2024-01-01,1,"two\nlines"\n2024-01-02,x,\n2024-01-03,3,\n2024-01-04,' + f"{blank},\n"
    )
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.raises(DataError, match=r"line 5, column 'y': 'x'"):
        load(csv(Path(folder), text))


@given(st.lists(st.lists(st.none() | st.floats(-9, 9), min_size=12, max_size=12), min_size=1, max_size=4))
@examples(60)
def test_ends_are_trimmed_as_pandas_would(columns: list[list[float | None]]) -> None:
    """Each series runs from its first to its last value; one without any is left out."""
    frame = pd.DataFrame({f"c{place}": pd.Series(cells, dtype=float) for place, cells in enumerate(columns)})
    spans = {
        name: frame[name].loc[frame[name].first_valid_index() : frame[name].last_valid_index()]
        for name in frame
    }
    expected = {name: span for name, span in spans.items() if span.notna().any()}
    table = frame.assign(date=pd.date_range("2024-01-01", periods=12))
    config = ReadConfig(target=tuple(frame), layout="wide", freq="D")
    if not expected:
        with pytest.raises(DataError, match="no value at all"):
            load(table, config)
        return
    panel = load(table, config).panel
    assert panel.ids == tuple(expected)
    np.testing.assert_array_equal(
        panel.target, np.concatenate([span.to_numpy() for span in expected.values()])
    )
    assert panel.time[panel.offsets[:-1]].tolist() == [
        pd.Timestamp("2024-01-01").value + span.index[0] * 86_400 * 10**9 for span in expected.values()
    ]


@given(st.text('ab1,"\n\r ', max_size=30), st.sampled_from(["", '"x\ny"']))
@examples(400)
def test_cells_are_those_of_a_strict_reader(text: str, last: str) -> None:
    """Whatever the text, the reader refuses it or finds the very cells that Python's strict csv finds."""
    data = f"date,y\n{text}\n{last},0\n".encode()
    content = Content("x.csv", "x", data)
    try:
        table, _, _ = read_text(content, ReadConfig(delimiter=",", quote='"'))
    except DataError:
        return
    reader = csv_module.reader(io.StringIO(data.decode(), newline=""), strict=True)
    expected = [cells for cells in reader if any(cells)][1:]
    assert [
        list(row) for row in zip(*(column.to_pylist() for column in table.columns.values()), strict=True)
    ] == expected


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data sets are not here")
@pytest.mark.parametrize(
    ("name", "config", "series", "rows", "alias"),
    [
        ("nyc_taxi.csv", {}, 1, 10320, "30min"),
        ("ETTh1.csv.gz", {"target": ("OT",)}, 1, 17420, "h"),
        ("ETTh1.csv.gz", {}, 7, 7 * 17420, "h"),
        ("m3_monthly_train.parquet", {}, 1428, 141858, "MS"),
        ("m3_quarterly_train.parquet", {}, 756, 30956, "QS-JAN"),
        ("m3_yearly_train.parquet", {}, 645, 14449, "YS-JAN"),
        ("m4_hourly_train.parquet", {}, 414, 353500, "h"),
        ("machine_temperature_system_failure.csv", {"duplicates": "mean"}, 1, 22683, "5min"),
    ],
)
def test_real_data(name: str, config: dict, series: int, rows: int, alias: str) -> None:
    """The public sets load without any option, or with the one that the error asked for."""
    panel = load(SHARED / name, dataclasses.replace(ReadConfig(), **config)).panel
    assert (len(panel), len(panel.time), panel.frequency.alias) == (series, rows, alias)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data sets are not here")
def test_real_contradictions() -> None:
    """The machine temperatures come twice where the clocks changed, and that is not passed over."""
    with pytest.raises(DataError, match="12 such timestamps") as caught:
        load(SHARED / "machine_temperature_system_failure.csv")
    assert "--duplicates" in caught.value.hint
