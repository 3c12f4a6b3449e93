"""Lines that are no rows: comments, repeated headers, column types; columns without a name."""

from pathlib import Path

import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError

DAYS = [f"2024-01-{day:02d}" for day in range(1, 29)]
ROWS = [f"{day},{place}" for place, day in enumerate(DAYS)]


def read(folder: Path, *lines: str, **options) -> Loaded:
    """The lines as a file, loaded, and loaded again as understood."""
    (folder / "x.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    loaded = load(folder / "x.csv", ReadConfig(**options))
    again = load(folder / "x.csv", loaded.read).panel
    assert (again.ids, again.target.tobytes()) == (loaded.panel.ids, loaded.panel.target.tobytes())
    return loaded


def found(loaded: Loaded, code: str) -> tuple[int, tuple[str, ...]]:
    """Count and places of a finding."""
    (finding,) = (each for each in loaded.findings if each.code == code)
    return finding.count, finding.places


def test_comments_above_and_within(tmp_path: Path) -> None:
    """Lines that begin with # are left out and counted; the lines below keep their numbers."""
    loaded = read(tmp_path, "# made by a tool, version 2", "#", "time,y", *ROWS[:5], "# a;gap", *ROWS[5:])
    assert loaded.panel.target.tolist() == list(range(28))
    assert found(loaded, "R010") == (3, ("line 1", "line 2", "line 9"))
    with pytest.raises(DataError, match="line 6, column 'y': 'oops'"):
        read(tmp_path, "# one", "# two", "time,y", *ROWS[:2], "2024-01-03,oops", *ROWS[3:])


def test_a_commented_row_is_no_row(tmp_path: Path) -> None:
    """A row of data behind # is left out: the other rows begin with a date."""
    loaded = read(tmp_path, "time,y", *ROWS[:4], f"#{ROWS[4]}", *ROWS[5:])
    assert found(loaded, "R010") == (1, ("line 6",)) and len(loaded.panel.time) == 28
    assert not loaded.panel.target_observed[4]


@pytest.mark.parametrize("above", [(), ("# by a tool", "# 2024")])
def test_the_header_may_be_a_comment(tmp_path: Path, above: tuple[str, ...]) -> None:
    """The last # line above data is the header if it has as many cells."""
    loaded = read(tmp_path, *above, "# time,y", *ROWS)
    assert loaded.panel.names.time == ("time" if above else "# time")
    assert loaded.panel.target.tolist() == list(range(28))


def test_ids_and_cells_may_begin_with_the_mark(tmp_path: Path) -> None:
    """Ids such as #1 stay, and so does a line of a quoted cell."""
    rows = [f"{name},{row}" for name in ("#1", "A") for row in ROWS]
    assert read(tmp_path, "id,time,y", *rows).panel.ids == ("#1", "A")
    loaded = read(tmp_path, "time,y,note", *(f'{row},"a\n# b"' for row in ROWS))
    assert loaded.panel.target.tolist() == list(range(28))
    assert "R010" not in [each.code for each in loaded.findings]


def test_a_repeated_header(tmp_path: Path) -> None:
    """A header that comes again, as where files were joined, is left out and named."""
    loaded = read(tmp_path, "time,y", *ROWS[:9], "time,y", *ROWS[9:], "time,y")
    assert loaded.panel.target.tolist() == list(range(28))
    assert found(loaded, "R011") == (2, ("line 11", "line 31"))
    with pytest.raises(DataError):
        read(tmp_path, "time,y", *ROWS[:9], "time,z", *ROWS[9:])


def test_column_types_below_the_header(tmp_path: Path) -> None:
    """Types such as 5s and 14n are left out, and a number that is said to be text is never forecast."""
    header = "agency_cd\tsite_no\tdatetime\t00060\t00060_cd"
    rows = [f"USGS\t01646500\t{day}\t{place}.5\tA" for place, day in enumerate(DAYS)]
    loaded = read(tmp_path, "# a survey", header, "5s\t15s\t20d\t14n\t10s", *rows)
    assert loaded.panel.ids == ("00060",) and loaded.panel.target[0] == 0.5
    assert found(loaded, "R012") == (1, ("line 3",))


@pytest.mark.parametrize("unit", ["m3/s", "W/m2", "kg m-3", "(m/s)", "µg/m3", "°C"])
def test_units_with_a_power(tmp_path: Path, unit: str) -> None:
    """A row of units below the header is left out, though a unit may have a digit."""
    loaded = read(tmp_path, "time,y", f",{unit}", *ROWS)
    assert loaded.panel.target.tolist() == list(range(28)) and found(loaded, "R009")[0] == 1


@pytest.mark.parametrize("delimiter", [",", "\t", " "])
@pytest.mark.parametrize("quote", ["", '"'])
def test_row_names_of_a_counter(tmp_path: Path, delimiter: str, quote: str) -> None:
    """A header one cell shorter than its rows, above a counter, has no name for it: it is left out."""
    rows = [
        f"{quote}{place}{quote}{delimiter}{row.replace(',', delimiter)}" for place, row in enumerate(ROWS, 1)
    ]
    loaded = read(tmp_path, f"{quote}time{quote}{delimiter}{quote}y{quote}", *rows)
    assert (loaded.panel.names.time, loaded.panel.ids) == ("time", ("y",))
    assert loaded.panel.target.tolist() == list(range(28))
    assert found(loaded, "L006")[0] == 1


def test_row_names_that_are_times(tmp_path: Path) -> None:
    """Row names in quotes that are all dates are the times."""
    rows = [f'"{day}",{place},{place}.5' for place, day in enumerate(DAYS)]
    panel = read(tmp_path, '"AAPL.Open","AAPL.Close"', *rows, target=("AAPL.Close",)).panel
    assert (panel.names.time, panel.target[1]) == ("time", 1.5)


@pytest.mark.parametrize(
    ("header", "row"),
    [("timey,z", "{day},{place},5"), ("time,yz", "{day},{place},5"), ("n,y", "1{place},2,5")],
)
def test_a_header_that_lacks_a_delimiter(tmp_path: Path, header: str, row: str) -> None:
    """A header one cell short is an error where the first column is neither a counter nor quoted times."""
    with pytest.raises(DataError, match="3 fields"):
        read(tmp_path, header, *(row.format(day=day, place=place) for place, day in enumerate(DAYS)))


PRICES = [f"{day},1.{place:02d},2.{place:02d},7{place:02d},8{place:02d}" for place, day in enumerate(DAYS)]


def test_prices_with_names_on_three_lines(tmp_path: Path) -> None:
    """The first column is named by the third line; a level with one word is left out, and named."""
    rows = [f"{day},1.{place:02d},900" for place, day in enumerate(DAYS)]
    loaded = read(tmp_path, "Price,Close,Volume", "Ticker,AAPL,AAPL", "Date,,", *rows)
    assert (loaded.panel.names.time, loaded.panel.names.target) == ("Date", "Close")
    (finding,) = (each for each in loaded.findings if each.code == "L001")
    assert "'Ticker AAPL'" in finding.action
    older = load(tmp_path / "x.csv", ReadConfig(time="Price"))  # as models of an earlier version remember it
    assert older.panel.names.time == "Price"


@pytest.mark.parametrize(
    "header",
    [
        ("Price,Close,Close,Volume,Volume", "Ticker,AAPL,MSFT,AAPL,MSFT", "Date,,,,"),
        (",Close,Close,Volume,Volume", ",AAPL,MSFT,AAPL,MSFT", "Date,,,,"),
        ("Ticker,AAPL,MSFT,AAPL,MSFT", "Price,Close,Close,Volume,Volume", "Date,,,,"),
    ],
)
def test_prices_of_several_shares(tmp_path: Path, header: tuple[str, ...]) -> None:
    """Fields on one line and shares on the other make a series of each share."""
    panel = read(tmp_path, *header, *PRICES).panel
    assert (panel.ids, panel.names.time, panel.names.target) == (("AAPL", "MSFT"), "Date", "Close")
    assert panel.target[[1, 29]].tolist() == [1.01, 2.01]
    with pytest.raises(DataError, match="line 5, column 'Close': 'x'"):
        read(tmp_path, *header, PRICES[0], "2024-01-02,1,x,3,4", *PRICES[2:])


def test_names_on_two_lines_that_are_no_prices(tmp_path: Path) -> None:
    """Two levels that both vary are joined to one name each."""
    rows = [f"{day},{place * 3 % 7},{place * 5 % 11},{place % 3}" for place, day in enumerate(DAYS)]
    panel = read(tmp_path, "what,temp,temp,rain", "where,roof,yard,roof", "time,,,", *rows).panel
    assert panel.ids == ("rain roof", "temp roof", "temp yard")


ANNOTATIONS = (
    "#group,false,false,true,true,false,false,true,true",
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string",
    "#default,mean,,,,,,,",
)
COLUMNS = ",result,table,_start,_stop,_time,_value,_field,host"


def annotated(number: int, field: str, host: str) -> list[str]:
    """The rows of one series."""
    ends = "2024-01-01T00:00:00Z,2024-02-01T00:00:00Z"
    return [f",,{number},{ends},{day}T00:00:00Z,{number}.5,{field},{host}" for day in DAYS]


def test_annotated_csv(tmp_path: Path) -> None:
    """The annotations of InfluxDB say what tells the series apart; tables below one another are one."""
    loaded = read(tmp_path, *ANNOTATIONS, COLUMNS, *annotated(0, "temp", "a"))
    assert (loaded.panel.names.time, loaded.panel.ids) == ("_time", ("_value",))
    loaded = read(tmp_path, *ANNOTATIONS, COLUMNS, *annotated(0, "temp", "a"), *annotated(1, "rain", "a"))
    assert (loaded.panel.names.id, loaded.panel.ids) == ("_field", ("rain", "temp"))
    first, second = annotated(0, "temp", "a"), annotated(1, "rain", "b")
    loaded = read(tmp_path, *ANNOTATIONS, COLUMNS, *first, "", *ANNOTATIONS, COLUMNS, *second)
    assert loaded.panel.ids == ("rain b", "temp a") and loaded.panel.target[-1] == 0.5
    assert found(loaded, "L005")[0] == 2
    with pytest.raises(DataError, match=r"line 37: tables of different columns"):
        read(
            tmp_path,
            *ANNOTATIONS,
            COLUMNS,
            *first,
            "",
            *ANNOTATIONS,
            COLUMNS.replace("host", "room"),
            *second,
        )
