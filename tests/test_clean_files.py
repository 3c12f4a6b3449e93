"""Clean files as spreadsheets, exchanges and loggers write them: they load with no option, or say which."""

# ruff: noqa: E501 - each kind of file reads best on a line

from pathlib import Path

import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError

DAYS = [f"{day:02d}" for day in range(1, 29)]
TRADING = [day for day in DAYS if int(day) % 7 not in (6, 0)]  # of January 2024


def lines(header: str, *rows: str, end: str = "\n") -> str:
    """A file."""
    return end.join([header, *rows, ""])


FILES = {
    "yahoo": (
        lines("Date,Open,High,Low,Close,Adj Close,Volume", *(f"2024-01-{d},1,2,0.5,1.{d},1.1{d},9{d}" for d in TRADING)),
        ("Date", "Adj Close", "B", 20, 1.101, ["C001"]),
    ),
    "quoted prices, newest first": (
        "\ufeff" + lines('"Date","Price","Vol."', *(f'"01/{d}/2024","1,2{d}.50","1.2M"' for d in reversed(TRADING))),
        ("Date", "Price", "B", 20, 1201.5, ["T003", "N001", "D004"]),
    ),
    "Excel, United States": (
        lines("Date,Sales", *(f'1/{int(d)}/2024,"1,0{d}.50"' for d in DAYS), end="\r\n"),
        ("Date", "Sales", "D", 28, 1001.5, ["T003", "N001"]),
    ),
    "Excel, Germany": (
        lines("Datum;Wert", *(f"{d}.01.2024;1.0{d},50" for d in DAYS), end="\r\n"),
        ("Datum", "Wert", "D", 28, 1001.5, ["T003", "N006", "N001"]),
    ),
    "Excel, Germany, no thousands": (
        lines("Datum;Wert", *(f"{d}.01.2024;{d},5" for d in DAYS), end="\r\n"),
        ("Datum", "Wert", "D", 28, 1.5, ["T003", "N006"]),
    ),
    "Excel, Switzerland": (
        lines("Datum;Wert", *(f"{d}.01.2024;1'0{d}.50" for d in DAYS), end="\r\n"),
        ("Datum", "Wert", "D", 28, 1001.5, ["T003", "N001"]),
    ),
    "Excel, first line sep=": (
        lines("sep=;", "Datum;Wert", *(f"{d}.01.2024;{d}" for d in DAYS), end="\r\n"),
        ("Datum", "Wert", "D", 28, 1.0, ["T003"]),
    ),
    "date and time apart": (
        lines("Date,Time,Temp", *(f"2024-01-{d},{h:02d}:00:00,{h}.5" for d in DAYS for h in range(24))),
        ("Date+Time", "Temp", "h", 672, 0.5, ["C003"]),
    ),
    "logger, semicolons": (
        lines("time;temp", *(f"01.01.2024 {h:02d}:{m:02d};{h}.{m}" for h in range(24) for m in (0, 15, 30, 45))),
        ("time", "temp", "15min", 96, 0.0, ["T003"]),
    ),
    "nanoseconds": (
        lines("time,value", *(f"{1700000000000000000 + row * 60_000_000_000},{row}" for row in range(1500))),
        ("time", "value", "min", 1500, 0.0, ["T001"]),
    ),
    "sensors by number": (
        lines("timestamp,1001,1002", *(f"2024-01-{d},{d},{d}" for d in DAYS)),
        ("timestamp", "value", "D", 56, 1.0, []),
    ),
    "months": (
        lines("month,value", *(f"{year}-{month:02d},{month}.1" for year in (2020, 2021) for month in range(1, 13))),
        ("month", "value", "MS", 24, 1.1, []),
    ),
    "row names of R": (
        lines('"","ds","y"', *(f'"{row}","2024-01-{d}",{d}' for row, d in enumerate(DAYS, 1))),
        ("ds", "y", "D", 28, 1.0, ["R003", "C001"]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_clean_files(tmp_path: Path, kind: str) -> None:
    """The file is understood without an option, and reading it again as understood gives the same."""
    text, (time, target, alias, rows, first, codes) = FILES[kind]
    (tmp_path / "x.csv").write_bytes(text.encode())
    loaded = load(tmp_path / "x.csv")
    panel = loaded.panel
    assert (panel.names.time, panel.names.target, panel.frequency.alias) == (time, target, alias)
    assert (len(panel.target), panel.target[0]) == (rows, first)
    assert [finding.code for finding in loaded.findings] == codes
    again = load(tmp_path / "x.csv", loaded.read).panel
    assert (again.time.tolist(), again.target.tolist()) == (panel.time.tolist(), panel.target.tolist())


def test_named_date_and_time(tmp_path: Path) -> None:
    """--time A+B joins two columns of any name; a pair that is not clear is not joined."""
    rows = [f"2024-01-{day},{hour:02d}:30,{hour}" for day in DAYS for hour in range(24)]
    (tmp_path / "x.csv").write_text(lines("d,c,y", *rows))
    panel = load(tmp_path / "x.csv", ReadConfig(time="d+c")).panel
    assert (panel.frequency.alias, len(panel.time)) == ("h", 672)


@pytest.mark.parametrize(
    ("header", "cell", "message", "hint"),
    [
        ("Datum;Wert", "1.010", "may have a decimal point or groups of thousands", "--decimal"),
        ("Datum;Wert", "1,0a", "is not a number", "--decimal ','"),
        ("1001;1002", "5", "looks like data", "--header"),
    ],
)
def test_files_that_are_not_clear(tmp_path: Path, header: str, cell: str, message: str, hint: str) -> None:
    """What has two readings is refused with the option for each."""
    (tmp_path / "x.csv").write_text(lines(header, *(f"{day}.01.2024;{cell}" for day in DAYS)))
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path / "x.csv", ReadConfig(target=("Wert",)) if "Wert" in header else ReadConfig())
    assert hint in caught.value.hint
