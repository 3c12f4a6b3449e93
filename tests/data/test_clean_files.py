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
        ("Date", "Adj Close", "B", 20, 1.101, ["C001", "P003"]),
    ),
    "quoted prices, newest first": (
        "\ufeff" + lines('"Date","Price","Vol."', *(f'"01/{d}/2024","1,2{d}.50","1.2M"' for d in reversed(TRADING))),
        ("Date", "Price", "B", 20, 1201.5, ["T003", "C002", "N001", "D004"]),
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
    "Excel, France": (
        lines("Date;Montant", *(f"{d}/01/2024;1\u202f0{d},50" for d in DAYS), end="\r\n"),
        ("Date", "Montant", "D", 28, 1001.5, ["T003", "N006", "N001"]),
    ),
    "Excel, France, older": (
        lines("Date;Montant", *(f"{d}/01/2024;1\u00a00{d},50" for d in DAYS), end="\r\n"),
        ("Date", "Montant", "D", 28, 1001.5, ["T003", "N006", "N001"]),
    ),
    "Excel, Netherlands": (
        "\ufeff" + lines("Datum;Bedrag", *(f"{d}-01-2024;{d},5" for d in DAYS), end="\r\n"),
        ("Datum", "Bedrag", "D", 28, 1.5, ["T003", "N006"]),
    ),
    "Excel, Switzerland, typographic": (
        lines("Datum;Umsatz", *(f"{d}.01.2024;1\u20190{d}.50" for d in DAYS), end="\r\n"),
        ("Datum", "Umsatz", "D", 28, 1001.5, ["T003", "N001"]),
    ),
    "Excel, United States, morning and afternoon": (
        lines("Timestamp,Value", *(f"1/{int(d)}/2024 {h % 12 or 12}:00:00 {'AM' if h < 12 else 'PM'},{h}.5" for d in DAYS for h in range(24))),
        ("Timestamp", "Value", "h", 672, 0.5, ["T003"]),
    ),
    "Excel, empty columns and rows": (
        lines("Date,Sales,,", *(f"1/{int(d)}/2024,{d},," for d in DAYS), ",,,", end="\r\n"),
        ("Date", "Sales", "D", 28, 1.0, ["R003", "R005", "R004", "T003", "C002"]),
    ),
    "stooq": (
        lines("Date,Open,High,Low,Close,Volume", *(f"2024-01-{d},184.22,185.88,183.43,184.{d},{d}123456" for d in TRADING), end="\r\n"),
        ("Date", "Close", "B", 20, 184.01, ["C001"]),
    ),
    "yahoo, missing day": (
        lines("Date,Open,High,Low,Close,Adj Close,Volume", *(f"2024-01-{d},1,2,0.5,1.{d},1.1{d},9{d}" if d != "10" else "2024-01-10,null,null,null,null,null,null" for d in TRADING)),
        ("Date", "Adj Close", "B", 20, 1.101, ["C001", "P003", "V001"]),
    ),
    "yahoo, New York": (
        lines("Date,Open,High,Low,Close,Volume,Dividends", *(f"2024-01-{d} 00:00:00-05:00,1,2,0.5,1.{d},9{d},0.0" for d in TRADING)),
        ("Date", "Close", "B", 20, 1.01, ["C001"]),
    ),
    "investing, Germany": (
        "\ufeff" + lines('"Datum","Zuletzt","Eröffn.","Vol."', *(f'"{d}.01.2024","4.7{d},50","4.745,20","1,2M"' for d in reversed(TRADING))),
        ("Datum", "Zuletzt", "B", 20, 4701.5, ["T003", "C001", "C002", "N006", "N001", "D004"]),
    ),
    "candles": (
        lines("open_time,open,high,low,close,volume", *(f"{1704067200000 + row * 3600000},42283.58,42554.57,42261.02,424{row:02d}.23,1271.68" for row in range(48))),
        ("open_time", "close", "h", 48, 42400.23, ["T001", "C001"]),
    ),
    "logger, units below the header": (
        lines("Timestamp,Temp,RH", ",degC,%", *(f"2024-01-{d} {h:02d}:00:00,{h}.5,{h + 40}" for d in DAYS for h in range(24))),
        ("Timestamp", "value", "h", 1344, 40.0, ["R009"]),
    ),
    "logger, statistics below the units": (
        lines('"TIMESTAMP","RECORD","Temp"', '"TS","RN","Deg C"', '"","","Avg"', *(f'"2024-01-{d} {h:02d}:00:00",{h},{h}.5' for d in DAYS for h in range(24)), end="\r\n"),
        ("TIMESTAMP", "Temp", "h", 672, 0.5, ["R009", "C001"]),
    ),
    "prices as a library for Python writes them": (
        lines("Price,Close,High,Low,Open,Volume", "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL", "Date,,,,,", *(f"2024-01-{d},1.{d},2,0.5,1,9{d}" for d in TRADING)),
        ("Date", "Close", "B", 20, 1.01, ["L001", "C001"]),
    ),
    "quarters": (
        lines("Quarter,GDP", *(f"{year}-Q{quarter},{quarter}.5" for year in range(2010, 2020) for quarter in (1, 2, 3, 4))),
        ("Quarter", "GDP", "QS-JAN", 40, 1.5, []),
    ),
    "weeks": (
        lines("Week,Sales", *(f"2023-W{week:02d},{week}" for week in range(1, 53))),
        ("Week", "Sales", "W-MON", 52, 1.0, []),
    ),
    "Excel, Finland": (
        lines("Aika;Arvo", *(f"{int(d)}.1.2024 {h}.00;{h},5" for d in DAYS for h in range(24)), end="\r\n"),
        ("Aika", "Arvo", "h", 672, 0.5, ["T003", "N006"]),
    ),
    "Excel, Czechia": (
        lines("Datum;Hodnota", *(f"{int(d)}. 1. 2024;{d},5" for d in DAYS), end="\r\n"),
        ("Datum", "Hodnota", "D", 28, 1.5, ["T003", "N006"]),
    ),
    "Excel, Hungary": (
        lines("Dátum;Érték", *(f"2024.01.{d}.;{d}.5" for d in DAYS), end="\r\n"),
        ("Dátum", "Érték", "D", 28, 1.5, []),
    ),
    "thingspeak": (
        lines("created_at,entry_id,field1,latitude,longitude,elevation,status", *(f"2024-01-{d} 00:00:00 UTC,{row},{d}.5,,,," for row, d in enumerate(DAYS))),
        ("created_at", "field1", "D", 28, 1.5, ["C001", "C002"]),
    ),
    "investing, France": (
        "\ufeff" + lines('"Date","Dernier","Ouv."," Plus Haut","Vol.","Variation %"', *(f'"{d}/01/2024","7.4{d},50","7.445,20","7.445,20","","-0,45%"' for d in reversed(TRADING))),
        ("Date", "Dernier", "B", 20, 7401.5, ["R002", "T003", "C001", "C002", "N006", "N001", "D004"]),
    ),
    "ISO with T and Z": (
        "\ufeff" + lines("time;temp;hum", *(f"2024-01-{d}T{h:02d}:00:00.000Z;{h}.5;{h + 40}" for d in DAYS for h in range(24))),
        ("time", "value", "h", 1344, 40.0, []),
    ),
    "home automation": (
        lines("entity_id,state,last_changed", *(f"sensor.temp,{h}.5,2024-01-{d}T{h:02d}:00:00.000Z" for d in DAYS for h in range(24))),
        ("last_changed", "state", "h", 672, 0.5, ["C002"]),
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
    assert (again.time.tobytes(), again.target.tobytes()) == (panel.time.tobytes(), panel.target.tobytes())


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
        ("Datum;Wert", "1,0a", "is not a number", "--strip a"),
        ("1001;1002", "5", "looks like data", "--header"),
        ("Datum;Wert", "1,010.5x", "is not a number", "--strip x"),
    ],
)
def test_files_that_are_not_clear(tmp_path: Path, header: str, cell: str, message: str, hint: str) -> None:
    """What has two readings is refused with the option for each."""
    (tmp_path / "x.csv").write_text(lines(header, *(f"{day}.01.2024;{cell}" for day in DAYS)))
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path / "x.csv", ReadConfig(target=("Wert",)) if "Wert" in header else ReadConfig())
    assert hint in caught.value.hint


def test_words_below_a_header(tmp_path: Path) -> None:
    """Units are left out of each file; a row with a digit, or with names of other columns, is not taken for them."""
    rows = [f"2024-01-{day},{day},{day}" for day in DAYS]
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(lines("day,kWh,note", "date,kWh,text", *rows))
    loaded = load(tmp_path, ReadConfig(target=("kWh",)))
    assert (loaded.findings[0].code, loaded.findings[0].count) == ("R009", 2)
    assert loaded.findings[0].places == ("a.csv, line 2: 'date'", "b.csv, line 2: 'date'")
    assert loaded.panel.target.tolist() == [float(day) for day in DAYS] * 2
    for row, message in (("soon,1,text", "'soon' is not a time"), ("day,note,kWh", "another table")):
        (tmp_path / "a.csv").write_text(lines("day,kWh,note", row, *rows))
        with pytest.raises(DataError, match=message):
            load(tmp_path / "a.csv", ReadConfig(target=("kWh",)))


def test_decimal_commas_need_a_cell_that_shows_them(tmp_path: Path) -> None:
    """Beside dates with strokes a comma before three digits alone could group thousands, and is refused."""
    for cells, first in ((["1,234", "1,5"], 1.234), (["1,234", "2,345"], None)):
        rows = [f"{day}/01/2024;{cells[int(day) % 2]}" for day in reversed(DAYS)]
        (tmp_path / "x.csv").write_text(lines("Date;Montant", *rows))
        if first is None:
            with pytest.raises(DataError, match="is not a number"):
                load(tmp_path / "x.csv")
        else:
            assert load(tmp_path / "x.csv").panel.target[1] == first


def test_a_decimal_comma_before_an_exponent_looks_like_a_number(tmp_path: Path) -> None:
    """A column of such cells is not left out as text: it is read, or the error names it."""
    lines = [f"2024-01-{day:02d};{day};1,5e{day % 3}" for day in range(1, 29)]
    (tmp_path / "x.csv").write_text("\n".join(["day;first;other", *lines, ""]))
    with pytest.raises(DataError, match="column 'other'") as caught:
        load(tmp_path / "x.csv")
    assert "--decimal ','" in caught.value.hint
