"""The bad inputs, by their numbers: each gets a counted repair, or an error with place, value and hint.

Cases 68–71 and 74–84, which are about files that we write and models, are tested
in other rooms; the last test here lists them by file and name.
"""

# ruff: noqa: E501 - the tables of cases read best with a case a line

import gzip
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import forecaster
from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.data.reading import files
from forecaster.errors import DataError, ForecasterError, StorageError, UsageError
from forecaster.features.scale_choice import LOGARITHMS, powers

DAYS = [f"2024-01-{day:02d}" for day in range(1, 29)]
PLAIN = [f"{day},{row}.5" for row, day in enumerate(DAYS)]


def text(*rows: str, header: str = "day,y", end: str = "\n") -> bytes:
    """A CSV file."""
    return end.join([header, *rows, ""]).encode()


def column(cells: list[str], header: str = "day,y", delimiter: str = ",") -> bytes:
    """A CSV file with these values, a day each."""
    return text(*(f"{day}{delimiter}{cell}" for day, cell in zip(DAYS, cells, strict=False)), header=header)


def values(*odd: str, count: int = 20) -> bytes:
    """Plain values with odd ones from the sixth on, so that the first is in line 7."""
    cells = [f"{row}.5" for row in range(count)]
    cells[5 : 5 + len(odd)] = odd
    return column(cells)


def times(cells: list[str], header: str = "when,y") -> bytes:
    """A CSV file with these timestamps."""
    return text(*(f"{cell},{row}.5" for row, cell in enumerate(cells)), header=header)


def read(folder: Path, data: bytes, name: str = "data.csv", **config: object) -> Loaded:
    """The bytes as a file, loaded."""
    (folder / name).write_bytes(data)
    return load(folder / name, ReadConfig(**config))


def changed(place: int, row: str, rows: list[str] = PLAIN) -> bytes:
    """The plain file with another row in its place; row 4 is in line 6."""
    return text(*rows[:place], row, *rows[place + 1 :])


ACCEPTED: list[tuple[float, bytes, dict]] = [
    (1, b"\xef\xbb\xbf" + text(*PLAIN), {}),
    (5, text(*(row.replace(",", ";") for row in PLAIN), header="day;y"), {}),
    (5.1, text(*(row.replace(",", "\t") for row in PLAIN), header="day\ty"), {}),
    (13, values("", "NA", "null", "N/A", "NaN"), {}),
    (19, values("5e-324", "2.5e-310"), {}),
    (22, text(*PLAIN, header="día,y"), {}),
    (23.4, b"# made by a tool, 2024\n" + text(*PLAIN), {}),
    (27, text(*PLAIN, end="\r"), {}),
    (27.1, text(*PLAIN).replace(b"\n", b"\r\n", 9).replace(b"\n2", b"\r2", 3), {}),
    (42.1, times([f"{day} 23:59:59" for day in DAYS]), {}),
    (45.1, times([day.replace("-", "") for day in DAYS]), {"time": "when"}),
    (45.2, times([day.replace("-", "") for day in DAYS], header="date,y"), {}),
]

REPAIRED: list[tuple[float, bytes, str, int | None, dict]] = [
    (2, text(*PLAIN).decode().encode("utf-16"), "R001", 1, {}),
    (8, text(*(row + "," for row in PLAIN)), "R005", 28, {}),
    (8.1, text(*(row + "," for row in PLAIN), header="day,y,"), "R005", 28, {}),
    (9, values('"1,234.5"', '"12,345,678"'), "N001", 2, {}),
    (9.1, column(["1'234.5", "2'234.5", "7"]), "N001", 2, {}),
    (11, values("(5)", "(7.25)"), "N003", 2, {}),
    (11.1, values("\N{MINUS SIGN}5"), "N002", 1, {}),
    (17, values("9007199254740993", "-9007199254740995", "9007199254740992"), "N004", 2, {}),
    (18, values("1e30"), "V008", 1, {}),
    (22, text(*PLAIN, header="day, y of it "), "R002", 1, {}),
    (23, b"Sales\nof 2024\n" + text(*PLAIN), "R014", 2, {}),
    (23.1, b"made by a tool, 2024\n" + text(*(row + ",x" for row in PLAIN), header="day,y,z"), "R014", 1, {}),
    (24, changed(4, "2024-01-05"), "R006", 1, {"bad_rows": "skip"}),
    (25, changed(4, "2024-01-05,4.5,x"), "R006", 1, {"bad_rows": "skip"}),
    (26, changed(4, '"2024-01-05,4.5'), "R006", 1, {"bad_rows": "skip"}),
    (26.1, changed(4, '2024-01-05,4"5'), "R006", 1, {"bad_rows": "skip"}),
    (32, text(*PLAIN[10:], *PLAIN[:10]), "D004", 1, {}),
    (33, text(*PLAIN[:5], *PLAIN[2:]), "D001", 3, {}),
    (34, changed(4, "2024-01-04,9"), "D003", 1, {"duplicates": "mean"}),
    (35, text(*PLAIN[:4], *PLAIN[6:]), "D002", 2, {}),
    (36, times(["2024-01-01T00:00+00:00", "2024-01-01T02:00+01:00", "2024-01-01T02:00Z"]), "T002", 3, {}),
    (39, times([f"2024-10-27 {hour}" for hour in ("01:00", "02:00", "02:00", "03:00")]), "T005", 2,
     {"tz": "Europe/Berlin"}),
    (42.1, times([f"{day} 24:00" for day in DAYS[:4]] + ["2024-01-06 00:00"]), "T006", 4, {}),
    (44, times([str(1_700_000_000 + 3600 * row) for row in range(9)]), "T001", 9, {}),
    (44.1, times([str(1_700_000_000_000 + 3_600_000 * row) for row in range(9)]), "T001", 9, {}),
    (47, column([f"{row}.5" if row in (0, 1, 2, 3, 25, 26) else "" for row in range(27)]), "V006", 1, {}),
    (48, column(["7"] * 20), "V003", 1, {}),
    (49, column(["", "", *map(str, range(18)), ""]), "V002", 3, {}),
    (73, times([f"2226-01-{day:02d}" for day in range(1, 20)]), "T004", 1, {}),
]  # fmt: skip

REFUSED: list[tuple[float, bytes, str, str, dict]] = [
    (3, text(*PLAIN[:3], "2024-01-04,3 é").decode().encode("latin-1"), "line 5: byte 0xe9", "--encoding", {}),
    (4, text(*PLAIN[:3], "2024-01-04,3\0"), "line 5: a NUL byte", "text", {}),
    (6, text(*PLAIN[:14], *(row.replace(",", ";") for row in PLAIN[14:])), "line 16: 1 fields|different numbers",
     "--delimiter", {}),
    (7, text(*(row.replace(",", ";").replace(".", ",") for row in PLAIN), header="day;y"),
     "line 2, column 'y': '0,5'", "--decimal ','", {}),
    (9, values('"12,34"'), "line 7, column 'y': '12,34' is not a number", "Repair it", {}),
    (9.1, values('"1,234.5"', '"1,23"'), "line 8, column 'y': '1,23' is not grouped", "--thousands", {}),
    (9.2, values('"1,234"'), "line 7, column 'y': '1,234' is not a number", "--thousands ','", {}),
    (10, values("$5"), r"line 7, column 'y': '\$5'", "--strip '$'", {}),
    (10.1, values("5%"), "line 7, column 'y': '5%'", "--strip %", {}),
    (12, values("0x10"), "line 7, column 'y': '0x10'", "--na 0x10", {}),
    (12.1, values("1_000"), "line 7, column 'y': '1_000'", "--na 1_000", {}),
    (14, values("-"), "line 7, column 'y': '-'", "--na -", {}),
    (14.1, values("#REF!"), "line 7, column 'y': '#REF!'", "--na '#REF!'", {}),
    (14.2, values("missing"), "line 7, column 'y': 'missing'", "--na missing", {}),
    (15, values("inf"), "line 7, column 'y': 'inf' is not a finite", "--na inf", {}),
    (16, values("1e400"), "line 7, column 'y': '1e400' is not a finite", "--na 1e400", {}),
    (20, text(*PLAIN[1:], header=PLAIN[0]), "line 1: the first line looks like data", "--no-header", {}),
    (21, text(*(row + ",1" for row in PLAIN), header="day,y,y"), "several columns are named 'y'", "--skip 1 --no-header", {}),
    (23, text(*PLAIN[:5], "made by, a tool", *PLAIN[5:]), "line 7, column 'day': 'made by'", "--bad-rows skip", {}),
    (23.1, b"day,n\n" + text(*PLAIN[:9], "", header=PLAIN[9]) + text(*(row + ",x" for row in PLAIN), header="day,y,z"),
     "line 13: 3 fields where the header has 2", "--skip 12", {}),
    (23.2, text(*PLAIN, "Total,99"), "line 30, column 'day': 'Total'", "--skip-end 1", {}),
    (24, changed(4, "2024-01-05"), "line 6: 1 fields where the header has 2", "--bad-rows skip", {}),
    (25, changed(4, "2024-01-05,4.5,x"), "line 6: 3 fields where the header has 2", "--bad-rows skip", {}),
    (26, changed(4, '"2024-01-05,4.5'), "line 6: a quote that is never closed", "--bad-rows skip", {}),
    (26.1, changed(4, '2024-01-05,4"5'), "line 6: a quote that is not at the edge", "--bad-rows skip", {}),
    (28, b"", "is empty", "", {}),
    (29, b"day,y\n", "header only", "two rows", {}),
    (30, text(PLAIN[0]), "one row", "two rows", {}),
    (34, changed(4, "2024-01-04,9"), "line 5 and line 6: duplicate timestamp 2024-01-04", "--duplicates", {}),
    (37, times(["2024-01-01T00:00Z", "2024-01-02T00:00", "2024-01-03T00:00Z"]), "line 3, column 'when'", "their offset", {}),
    (38, times([f"2024-03-31 {hour:02d}:00" for hour in range(5)]), "line 4: 2024-03-31 02:00:00 does not exist",
     "--tz", {"tz": "Europe/Berlin"}),
    (39, times([f"2024-10-27 {hour:02d}:00" for hour in range(5)]), "line 4: 2024-10-27 02:00:00 comes twice",
     "offset", {"tz": "Europe/Berlin"}),
    (40, times([f"0{month}/0{day}/2024" for month in (1, 2) for day in range(1, 9)]),
     "may be day first or month first", "--date-format", {}),
    (41, times([f"{day:02d}/{month:02d}/24" for month in (1, 2) for day in range(1, 28)]), "line 2, column 'when'",
     "--date-format %d/%m/%y", {}),
    (42, times([*DAYS[:4], "2024-02-30"]), "line 6, column 'when': '2024-02-30'", "", {}),
    (42.2, times(["2016-12-31 23:59:58", "2016-12-31 23:59:59", "2016-12-31 23:59:60"]), "line 4, column", "", {}),
    (43, times([*DAYS[:4], "soon", *DAYS[5:]]), "line 6, column 'when': 'soon'", "", {}),
    (45, times([str(45292 + row) for row in range(9)]), "numbers from 45292 to 45300", "--date-format excel", {"time": "when"}),
    (45.1, times([day.replace("-", "")[:6] for day in DAYS]), "numbers from 202401", "%Y%m", {"time": "when"}),
    (45.2, times([str(2000 + row) for row in range(9)]), "numbers from 2000 to 2008", "%Y", {"time": "when"}),
    (46, column([""] * 20), "no value at all", "--target", {"target": ("y",)}),
    (51, column(["red", "blue"] * 10), "line 2, column 'y': 'red'", "--target", {"target": ("y",)}),
    (51.1, column(["true", "false"] * 10), "no column of numbers to forecast", "--target y", {}),
    (53, gzip.compress(text(*PLAIN))[:-9], "is truncated gzip", "again", {"name": "a.csv.gz"}),
    (54, gzip.compress(text(*PLAIN))[:-8] + b"\0\0\0\0" + gzip.compress(text(*PLAIN))[-4:], "damaged gzip",
     "again", {"name": "a.csv.gz"}),
    (55, text(*PLAIN), "ends in .gz but is not gzip", "Rename", {"name": "a.csv.gz"}),
    (63.1, b"PAR1 and so on", "damaged Parquet", "again", {"name": "a.parquet"}),
]  # fmt: skip


def named(cases: list) -> list:
    """Cases with their numbers as names."""
    return [pytest.param(*case[1:], id=f"case{case[0]:g}") for case in cases]


@pytest.mark.parametrize(("data", "config"), named(ACCEPTED))
def test_accepted(tmp_path: Path, data: bytes, config: dict) -> None:
    """What has nothing wrong with it is taken without a repair."""
    loaded = read(tmp_path, data, **config)
    assert not [finding for finding in loaded.findings if finding.severity != "info"]
    assert read(tmp_path, data, strict=True, **config).panel.ids == loaded.panel.ids


@pytest.mark.parametrize(("data", "code", "count", "config"), named(REPAIRED))
def test_repaired(tmp_path: Path, data: bytes, code: str, count: int, config: dict) -> None:
    """A repair is counted and named; --strict makes it an error that says how to go on."""
    found = {finding.code: finding for finding in read(tmp_path, data, **config).findings}
    assert found[code].count == count
    assert found[code].severity in ("repair", "warning")
    assert found[code].action
    with pytest.raises(DataError) as caught:
        read(tmp_path, data, strict=True, **config)
    assert re.match("[A-Z]0[0-9]{2} ", caught.value.message)
    assert "Without --strict" in caught.value.hint


@pytest.mark.parametrize(("data", "message", "hint", "config"), named(REFUSED))
def test_refused(tmp_path: Path, data: bytes, message: str, hint: str, config: dict) -> None:
    """What is not clear is an error that names file, line, column and value, with a hint."""
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, data, **config)
    assert hint in caught.value.hint
    assert config.get("name", "data.csv") in str(caught.value) or "several" in message


def test_repairs_are_right(tmp_path: Path) -> None:
    """What was repaired has the values that a person reads."""
    grouped = read(tmp_path, values('"1,234.5"', '"12,345,678"')).panel.target[4:8]
    assert grouped.tolist() == [4.5, 1234.5, 12345678.0, 7.5]
    assert read(tmp_path, values("(5)", "\N{MINUS SIGN}7")).panel.target[5:7].tolist() == [-5.0, -7.0]
    comma = text(*(f"{day};1.00{row % 10},5" for row, day in enumerate(DAYS)), header="day;y")
    assert read(tmp_path, comma, decimal=",").panel.target[:2].tolist() == [1000.5, 1001.5]
    assert read(tmp_path, values("$5"), strip="$").panel.target[5] == 5.0
    assert read(tmp_path, values("5%"), strip="%").panel.target[5] == 5.0
    assert read(tmp_path, values('"1,234"'), thousands=",").panel.target[5] == 1234.0
    late = read(tmp_path, b"Sales\nof 2024\n" + text(*PLAIN, "Total,99"), skip=2, skip_end=1).panel
    assert late.target.tolist() == [row + 0.5 for row in range(28)]
    bare = read(tmp_path, text(*PLAIN[1:], header=PLAIN[0]), header=False).panel
    assert (bare.target.tolist(), bare.names.time) == ([row + 0.5 for row in range(28)], "column_1")


def test_a_point_where_the_decimal_mark_is_a_comma(tmp_path: Path) -> None:
    """With --decimal , a cell such as 1.234 could be either number, and is refused."""
    with pytest.raises(DataError, match=r"line 3, column 'y': '1\.234' has a point") as caught:
        read(tmp_path, text("2024-01-01;0,5", "2024-01-02;1.234", header="day;y"), decimal=",")
    assert "--thousands '.'" in caught.value.hint


@pytest.mark.parametrize("number", [31, 52])
def test_too_short_for_the_horizon(tmp_path: Path, number: int) -> None:
    """A series that is shorter than lookback and horizon, or than the horizon, names what is needed."""
    (tmp_path / "x.csv").write_bytes(text(*PLAIN[:6]))
    with pytest.raises(ForecasterError, match=r"\b6\b") as caught:
        forecaster.train(tmp_path / "x.csv", horizon=60, hidden=8, steps=5, members=1)
    assert caught.value.exit_code in (2, 3)


def test_case50_logarithm_of_what_is_not_positive(tmp_path: Path) -> None:
    """Asked for, the logarithm of 0 is an error; by itself it is never chosen."""
    data = column([str(row % 5) for row in range(28)])
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(ForecasterError, match="log"):
        forecaster.train(tmp_path / "x.csv", horizon=3, log=True, hidden=8, steps=5, members=1)
    training = forecaster.train(tmp_path / "x.csv", horizon=3, hidden=8, steps=5, members=1)
    panel = training.loaded.panel
    for scales in ("each", "relative"):
        assert (powers(panel, panel.lengths, scales) != LOGARITHMS).all()


def test_case56_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than the cap is refused before memory is taken."""
    monkeypatch.setattr(files, "LIMIT", 10**6)
    with pytest.raises(DataError, match="grows beyond 1,000,000 bytes"):
        read(tmp_path, gzip.compress(b"0" * 10**7), name="a.csv.gz")


def test_case57_a_url() -> None:
    """A URL of an unknown kind is refused with a hint; tests/data/storage has those that are read."""
    with pytest.raises(UsageError, match="is a URL") as caught:
        load("ftp://example.com/data.csv")
    assert "Download" in caught.value.hint


def parquet(folder: Path, **columns: object) -> Path:
    """A Parquet file with page checksums."""
    path = folder / "data.parquet"
    pa.parquet.write_table(pa.table(columns), path, write_page_checksum=True)
    return path


STAMPS = pa.array(pd.date_range("2024-01-01", periods=20, unit="ns"))


def test_case58_decimals(tmp_path: Path) -> None:
    """Decimal numbers of Parquet are read as floating point, and it is said."""
    numbers = pa.array(range(20)).cast(pa.decimal128(22, 2))
    loaded = load(parquet(tmp_path, day=STAMPS, y=numbers))
    assert loaded.panel.target.tolist() == list(range(20))
    assert [finding.code for finding in loaded.findings] == ["N005"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_case59_usual_types(tmp_path: Path, unit: str) -> None:
    """Dictionaries, large strings and timestamps of any unit are taken."""
    ids = pa.array(["a", "b"] * 10).dictionary_encode()
    large = pa.array(["x"] * 20).cast(pa.large_string())
    days = STAMPS.take(pa.array(np.repeat(np.arange(10), 2))).cast(pa.timestamp(unit))
    loaded = load(parquet(tmp_path, id=ids, note=large, day=days, y=np.arange(20.0)))
    assert loaded.panel.ids == ("a", "b")
    assert [finding.code for finding in loaded.findings] == ["C002"]


def test_case60_nested(tmp_path: Path) -> None:
    """A nested column cannot be the target, and the error says what it holds."""
    path = parquet(tmp_path, day=STAMPS, y=pa.array([[1.0]] * 20))
    with pytest.raises(DataError, match="column 'y' holds list") as caught:
        load(path, ReadConfig(target=("y",)))
    assert "--target" in caught.value.hint


def test_case61_a_damaged_page(tmp_path: Path) -> None:
    """A flipped bit in a page with a checksum is an error."""
    path = tmp_path / "data.parquet"
    table = pa.table({"day": STAMPS, "y": np.arange(20.0)})
    pa.parquet.write_table(table, path, write_page_checksum=True, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[data.index(np.float64(7).tobytes()) + 6] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="damaged Parquet"):
        load(path)


def test_case62_a_parquet_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows × columns than the cap are refused on what the metadata says."""
    from forecaster.data.reading import read as reading

    path = parquet(tmp_path, day=STAMPS, y=np.arange(20.0))
    monkeypatch.setattr(reading, "LIMIT", 300)
    with pytest.raises(DataError, match="20 rows of 2 columns, more than 300 bytes"):
        load(path)


@pytest.mark.parametrize("odd", [np.inf, -np.inf])
def test_cases_that_parquet_shares(tmp_path: Path, odd: float) -> None:
    """Infinite values, missing timestamps, contradictions and gaps get the answers that text gets."""
    y = np.arange(20.0)
    with pytest.raises(DataError, match="row 5, column 'y'"):
        load(parquet(tmp_path, day=STAMPS, y=np.where(y == 5, odd, y)))
    holes = pa.array([None if row == 7 else day for row, day in enumerate(STAMPS.to_pylist())])
    with pytest.raises(DataError, match="row 7, column 'day': timestamp missing"):
        load(parquet(tmp_path, day=holes, y=y))
    double = STAMPS.take(pa.array([0, 0, *range(1, 19)]))
    with pytest.raises(DataError, match="row 0 and row 1: duplicate timestamp"):
        load(parquet(tmp_path, day=double, y=y))
    gap = load(parquet(tmp_path, day=STAMPS.take(pa.array([*range(9), *range(11, 20)])), y=y[:18]))
    assert [(finding.code, finding.count) for finding in gap.findings] == [("D002", 2)]
    big = load(parquet(tmp_path, day=STAMPS, y=pa.array([2**53 + 1, *range(19)])))
    assert {finding.code: finding.count for finding in big.findings}["N004"] == 1


def test_case63_a_directory_without_data(tmp_path: Path) -> None:
    """A directory without data says which files are looked for."""
    with pytest.raises(DataError, match="holds no data") as caught:
        load(tmp_path)
    assert ".csv" in caught.value.hint


def test_case64_a_pipe_in_the_file_system(tmp_path: Path) -> None:
    """A FIFO or device is refused without being opened, which could block forever."""
    os.mkfifo(tmp_path / "fifo.csv")
    for path in (tmp_path / "fifo.csv", "/dev/null"):
        with pytest.raises(DataError, match="not a regular file"):
            load(path)


def test_case65_a_loop_of_links(tmp_path: Path) -> None:
    """Links that lead to each other are an error of reading."""
    (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(StorageError, match="cannot be read"):
        load(tmp_path / "a.csv")


def test_case66_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read is an error of reading."""

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.csv").write_bytes(text(*PLAIN))
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        load(tmp_path / "x.csv")


def test_case67_a_file_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows while it is read is refused."""
    path = tmp_path / "x.csv"
    path.write_bytes(text(*PLAIN[:9]))
    whole = Path.read_bytes

    def read_and_grow(self: Path) -> bytes:
        data = whole(self)
        with self.open("ab") as file:
            file.write(b"2024-01-10,5\n")
        return data

    monkeypatch.setattr(Path, "read_bytes", read_and_grow)
    with pytest.raises(DataError, match="changed while it was read"):
        load(path)


def test_case72_the_clock_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the clock set back the panel is the same; only the warning about the future knows it."""
    first = read(tmp_path, text(*PLAIN))
    monkeypatch.setattr("time.time_ns", lambda: 0)
    again = read(tmp_path, text(*PLAIN))
    assert first.panel.values.tobytes() == again.panel.values.tobytes()
    assert [finding.code for finding in again.findings] == ["T004"]
    assert [finding.severity for finding in again.findings] == ["warning"]


def test_values_are_shown_inert(tmp_path: Path) -> None:
    """Control characters in cells, names and file names are escaped wherever they are shown."""
    with pytest.raises(DataError) as caught:
        read(tmp_path, values("\x1b]0;owned\x07"))
    assert "\x1b" not in caught.value.message
    with pytest.raises(ForecasterError) as caught:
        read(tmp_path, text(*PLAIN, header="day,\x1b[31my"), target=("x",))
    assert "\x1b" not in str(caught.value)


def test_the_other_cases_are_tested_elsewhere() -> None:
    """Cases 68–71 and 74–84 have tests where files and models are written; none was lost."""
    here = Path(__file__).parents[1]
    for file, names in {
        "data/writing/test_write.py": [
            "test_failed_write_leaves_the_old_file",  # 68
            "test_a_kill_while_writing_leaves_the_old_file",  # 70
        ],
        "cli/test_errors.py": ["test_a_full_disk", "test_no_permission"],  # 68
        "cli/test_train.py": ["test_a_signal_stops_cleanly", "test_two_runs_at_once"],  # 69, 71
        "forecasting/test_forecast.py": ["test_a_history_too_short_for_format_1_is_refused"],  # 76
        "model/test_model.py": [
            "test_data_of_another_frequency",  # 74
            "test_data_without_its_covariates",  # 75
            "test_every_truncation_is_found",  # 77
            "test_flipped_bits_are_found",  # 78
            "test_a_giant_is_refused_before_it_is_read",  # 79
            "test_an_oversized_header",  # 80
            "test_shapes_and_offsets_that_do_not_fit",  # 81
            "test_a_path_in_a_name",  # 82
            "test_a_model_behind_a_link_is_the_model",  # 82
            "test_weights_that_are_not_finite",  # 83
            "test_a_newer_version",  # 84
        ],
    }.items():
        content = (here / file).read_text()
        for name in names:
            assert f"def {name}(" in content
