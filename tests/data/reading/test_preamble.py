"""Lines above the header, facts below it, columns of spaces: what a person sees at a glance."""

from pathlib import Path

import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError

DAYS = [f"2024-01-{day:02d}" for day in range(1, 29)]
TABLE = ["date,temp,hum", *(f"{day},{row}.5,{60 + 7 * row % 11}" for row, day in enumerate(DAYS))]


def read(folder: Path, *lines: str, **options) -> Loaded:
    """The lines as a file, loaded."""
    (folder / "x.csv").write_text("\n".join([*lines, ""]))
    return load(folder / "x.csv", ReadConfig(**options))


def places(loaded: Loaded, code: str) -> tuple[str, ...]:
    """Where something was found."""
    return next(finding.places for finding in loaded.findings if finding.code == code)


ABOVE = {
    "a title": ["Readings of the garden", "Exported 2024-02-01 10:00", ""],
    "an address": ["https://www.example.org"],
    "keys and values": ["Name,Garden", 'Address,"1 Main St, X"', "Number,12345", ""],
    "a place": ["latitude,longitude,elevation,zone", "52.5,13.4,38.0,GMT", ""],
    "a title of the same width": ["Readings of the garden,,", ",,"],
    "a place of the same width": ["Name,long,lat", "Garden,13.4,52.5"],
    "a quote": ['Readings of "the garden', "by me"],
    "more cells than the table": ['"TOA5","Tower","CR1000","12345"'],
}


@pytest.mark.parametrize("kind", ABOVE)
def test_lines_above_a_header(tmp_path: Path, kind: str) -> None:
    """They are left out, counted and named; the table is that without them."""
    loaded = read(tmp_path, *ABOVE[kind], *TABLE)
    assert loaded.read.target == ("temp", "hum") and len(loaded.panel.time) == 56
    finding = next(each for each in loaded.findings if each.code == "R014")
    assert finding.count == len([line for line in ABOVE[kind] if line])
    assert finding.places[0].startswith("line 1: ")


def test_units_below_a_header_that_stands_below_other_lines(tmp_path: Path) -> None:
    """The names are the first line of words above the rows."""
    loaded = read(tmp_path, "Garden", TABLE[0], "UTC,degC,%", *TABLE[1:])
    assert loaded.read.target == ("temp", "hum") and len(places(loaded, "R009")) == 1


REFUSED = {
    "another table": (["day,n", *(f"{day},1" for day in DAYS[:9]), "", *TABLE], "--skip 11"),
    "no header": (["Garden", *TABLE[1:]], "--skip 1"),
    "a header with a name too many": (["date,temp,hum,", *TABLE[1:]], "3 fields where the header has 4"),
    "a remark within the table": ([*TABLE[:9], "a remark", *TABLE[9:]], "--bad-rows skip"),
    "a second row of words": ([TABLE[0], TABLE[1], "Holiday,none,closed", *TABLE[2:]], "Holiday"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_may_be_a_part_of_the_table(tmp_path: Path, kind: str) -> None:
    """Rows of another table, rows under a damaged header, words within the table: an error names the line."""
    lines, said = REFUSED[kind]
    with pytest.raises(DataError) as caught:
        read(tmp_path, *lines)
    assert said in f"{caught.value} {caught.value.hint}"


def test_lines_above_with_damaged_rows_left_out(tmp_path: Path) -> None:
    """Under --bad-rows skip, names with digits are found below other lines, too."""
    lines = [line.replace("temp", "temp 2").replace("hum", "hum 3") for line in TABLE]
    loaded = read(tmp_path, "Garden", *lines, "a remark", bad_rows="skip")
    assert loaded.read.target == ("temp 2", "hum 3") and len(loaded.panel.time) == 56
    assert "line 31" in places(loaded, "R006")[0]


def test_facts_below_the_header(tmp_path: Path) -> None:
    """Rows without a time above the first one tell of the series; each is counted."""
    facts = ["Code,L55O,A1", "Source,MM23,MM24", "Release,17-01-2024,", ",,"]
    loaded = read(tmp_path, TABLE[0], *facts, *TABLE[1:])
    assert len(loaded.panel.time) == 56 and loaded.panel.target[0] == 60
    assert [finding.count for finding in loaded.findings if finding.code == "R009"] == [3]
    with pytest.raises(DataError, match="'Total' is not a time"):
        read(tmp_path, TABLE[0], "Total,99,999", *TABLE[1:])
    with pytest.raises(DataError, match="timestamp missing"):
        read(tmp_path, TABLE[0], ",1.5,2", *TABLE[1:])


def test_columns_of_spaces(tmp_path: Path) -> None:
    """Runs of spaces between cells are one delimiter; it is said, and the file reads again as understood."""
    rows = [f" {day}   {row + 0.5:5.1f}  {60 + 7 * row % 11:4d} " for row, day in enumerate(DAYS)]
    loaded = read(tmp_path, "  date         temp   hum", *rows)
    assert loaded.read.target == ("temp", "hum") and len(loaded.panel.time) == 56
    assert "R007" in {finding.code for finding in loaded.findings}
    assert load(tmp_path / "x.csv", loaded.read).panel.target.tolist() == loaded.panel.target.tolist()


def test_names_and_units_in_comments(tmp_path: Path) -> None:
    """Of two comments with a cell for each column, the first holds the names, as buoys write them."""
    head = ["#YY  MM DD hh mm  WSPD  ATMP", "#yr  mo dy hr mn   m/s  degC"]
    rows = [
        f"2024 01 {1 + row // 24:02d} {row % 24:02d} 50   {row % 7}.5  {row % 9 + 5}.1" for row in range(96)
    ]
    loaded = read(tmp_path, *head, *rows)
    assert loaded.read.target == ("WSPD", "ATMP") and loaded.panel.frequency.alias == "h"
    knmi = ["# station 260", "# ", "# STN,YYYYMMDD,   TG", "# "]
    days = [f"  260,{day.replace('-', '')},{7 * row % 11:5d}" for row, day in enumerate(DAYS)]
    loaded = read(tmp_path, *knmi, *days)
    assert loaded.read.target == ("TG",) and loaded.uses["STN"] == "left out: the same number in all rows"


def test_keys_in_the_first_of_cells_divided_by_tabs(tmp_path: Path) -> None:
    """Commas within the first cell of each line divide no columns beside tabs."""
    head = "freq,geo\\TIME_PERIOD\t" + "\t".join(f"2024-{month:02d} " for month in range(1, 13))
    rows = [f"M,{geo}\t" + "\t".join(f"{month}.5 " for month in range(1, 13)) for geo in ("AT", "BE")]
    loaded = read(tmp_path, head, *rows)
    assert loaded.panel.ids == ("M,AT", "M,BE") and loaded.panel.frequency.alias == "MS"


GERMAN = ["Netzlast Deutschland", "Quelle: Stadtwerke, Abruf 01.02.2024", "Einheit: kWh"]
MARKS = {
    "semicolons": ("Zeit;Verbrauch;Temperatur", "{day} 00:00;1.2{n},56;{n},1"),
    "tabs": ("Zeit\tVerbrauch\tTemperatur", "{day} 00:00\t1.2{n},56\t{n},1"),
    "one value": ("Zeit;Temperatur", "{day} 00:00;{n},1"),
    "names with commas": ("Zeit;Verbrauch, gesamt;Temperatur, innen", "{day} 00:00;1.2{n},56;{n},1"),
    "quoted words": ('"Zeit";"Ort, Teil";"Temperatur"', '{day} 00:00;"Bonn";{n},1'),
    "commas before the clock": ("Zeit;Verbrauch;Temperatur", "{day}, 00:00;1.2{n},56;{n},1"),
}


def german(kind: str) -> list[str]:
    """A table of German numbers: names, then 28 rows."""
    names, row = MARKS[kind]
    return [names, *(row.format(day=f"{day:02d}.01.2024", n=day + 10) for day in range(1, 29))]


@pytest.mark.parametrize("above", [GERMAN, GERMAN[1:2], []])
@pytest.mark.parametrize("kind", MARKS)
def test_decimal_commas_are_no_delimiters(tmp_path: Path, kind: str, above: list[str]) -> None:
    """Commas that divide all rows as evenly as the delimiter are the decimal commas a person sees."""
    loaded = read(tmp_path, *above, *german(kind))
    temperatures = loaded.panel.target[:28]  # the first series by name
    assert temperatures.tolist() == [day + 10.1 for day in range(1, 29)]
    assert [each.count for each in loaded.findings if each.code == "R014"] == ([len(above)] if above else [])


def test_a_damaged_row_between_decimal_commas(tmp_path: Path) -> None:
    """The error names the line; below other lines it names the options that read the file."""
    lines = [*german("semicolons")[:10], "28.01.2024 00:00;1", *german("semicolons")[10:]]
    with pytest.raises(DataError, match="line 11: 2 fields where the header has 3"):
        read(tmp_path, *lines)
    with pytest.raises(DataError, match="different numbers") as caught:
        read(tmp_path, *GERMAN, *lines)
    assert caught.value.hint == "If one delimiter is right, set it: --delimiter ';' --bad-rows skip."
    assert len(read(tmp_path, *GERMAN, *lines, delimiter=";", bad_rows="skip").panel.time) == 56


def test_a_delimiter_that_two_tables_allow(tmp_path: Path) -> None:
    """Half of the rows have another delimiter: neither is chosen, and the options printed read the file."""
    lines = [*TABLE[:16], *(line.replace(",", ";") for line in TABLE[16:])]
    with pytest.raises(DataError, match="different numbers of cells") as caught:
        read(tmp_path, *lines)
    assert caught.value.hint == "If one delimiter is right, set it: --delimiter ',' --bad-rows skip."
    assert len(read(tmp_path, *lines, delimiter=",", bad_rows="skip").panel.time) == 30
