"""Tables whose columns are times or parts of times."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import forecast

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YEARS = range(2000, 2010)
DAYS = [str(day)[:10] for day in pd.date_range("2024-01-01", periods=28)]


def written(folder: Path, header: str, rows: list[str]) -> Path:
    """A CSV file."""
    path = folder / "x.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def read(path: Path, config: ReadConfig = ReadConfig()) -> Loaded:
    """The file, after a check that reading it again as understood gives the same."""
    loaded = load(path, config)
    again = load(path, loaded.read).panel
    assert (again.ids, again.time.tolist()) == (loaded.panel.ids, loaded.panel.time.tolist())
    assert again.values.tobytes() == loaded.panel.values.tobytes()
    return loaded


def message(loaded: Loaded, code: str) -> str:
    """The finding of a code, as one text."""
    return " ".join(f"{each.message}; {each.action}" for each in loaded.findings if each.code == code)


@pytest.mark.parametrize(
    "names", [MONTHS, [m.upper() for m in MONTHS], range(1, 13), [f"M{m:02d}" for m in range(1, 13)]]
)
def test_years_by_months(tmp_path: Path, names) -> None:
    """A row for each year and a column for each month are one monthly series; what is not used is named."""
    header = ",".join(["YEAR", *map(str, names), "Annual"])
    rows = [",".join([str(year), *(f"{year}.{month:02d}" for month in range(1, 13)), "5"]) for year in YEARS]
    loaded = read(written(tmp_path, header, rows))
    panel = loaded.panel
    assert (panel.ids, panel.frequency.alias, panel.names.time) == (("value",), "MS", "time")
    assert panel.target[:3].tolist() == [2000.01, 2000.02, 2000.03]
    assert str(panel.time[12].astype("M8[ns]"))[:10] == "2001-01-01"
    assert "'Annual'" in message(loaded, "L003")
    assert loaded.read.layout == "across"


def test_quarters_stations_and_missing_months(tmp_path: Path) -> None:
    """Quarters work as months do, a column of words names the series, and empty cells are missing."""
    rows = [f"{site},{year},1.5,2.5,,{year}" for site in "BA" for year in YEARS]
    panel = read(written(tmp_path, "Site,Year,Q1,Q2,Q3,Q4", rows)).panel
    assert (panel.ids, panel.frequency.alias, len(panel.target)) == (("A", "B"), "QS-JAN", 80)
    assert np.isnan(panel.target[2::4]).all() and panel.target[3] == 2000.0


def test_months_by_years(tmp_path: Path) -> None:
    """A row for each month and a column for each year are one series in order of time."""
    rows = [f"{name},{place},{place + 12},{place + 24}" for place, name in enumerate(MONTHS)]
    loaded = read(written(tmp_path, "Month,1958,1959,1960", rows))
    assert loaded.panel.target.tolist() == list(range(36))
    assert [finding.code for finding in loaded.findings] == ["L003"]  # nothing had to be sorted


@pytest.mark.parametrize(
    "names", [[f"HE{hour}" for hour in range(1, 25)], [f"{hour:02d}:00" for hour in range(24)]]
)
def test_dates_by_hours(tmp_path: Path, names) -> None:
    """A row for each date and a column for each hour, also named by its end, are one hourly series."""
    rows = [",".join([day, *map(str, range(24))]) for day in DAYS]
    panel = read(written(tmp_path, ",".join(["Date", *names]), rows)).panel
    assert (panel.frequency.alias, len(panel.target), panel.target[25]) == ("h", 28 * 24, 1.0)
    assert str(panel.time[1].astype("M8[ns]"))[:16] == "2024-01-01T01:00"


@pytest.mark.parametrize(
    ("labels", "alias"),
    [
        (list(range(1960, 1990)), "YS-JAN"),
        (list(range(1989, 1959, -1)), "YS-JAN"),
        ([f"{year} [YR{year}]" for year in range(1960, 1990)], "YS-JAN"),
        (list(pd.date_range("2020-01-22", periods=60).strftime("%-m/%-d/%y")), "D"),
        (list(pd.date_range("2020-01-22", periods=60).strftime("%d/%m/%Y")), "D"),
        (list(pd.date_range("2020-01-01", periods=30, freq="MS").strftime("%b-%y")), "MS"),
        (list(pd.date_range("2020-01-01", periods=30, freq="MS").strftime("%YM%m")), "MS"),
        ([f"{year}-Q{quarter}" for year in range(2000, 2008) for quarter in (1, 2, 3, 4)], "QS-JAN"),
    ],
)
def test_times_as_column_names(tmp_path: Path, labels, alias: str) -> None:
    """Each row is a series if the columns are times in one order; the first column of words names it."""
    header = ",".join(["Country Name", "Country Code", *map(str, labels)])
    rows = [",".join([name, name[:3], *(str(place + level) for place in range(len(labels)))])
            for level, name in ((0, "Aruba"), (0.5, "Zambia"))]  # fmt: skip
    loaded = read(written(tmp_path, header, rows))
    panel = loaded.panel
    first = len(labels) - 1 if labels == sorted(labels, reverse=True) and labels[0] == 1989 else 0
    assert (panel.ids, panel.frequency.alias) == (("Aruba", "Zambia"), alias)
    assert len(panel.target) == 2 * len(labels) and panel.target[0] == first
    assert "'Country Code'" in message(loaded, "L003")


def test_names_of_several_columns(tmp_path: Path) -> None:
    """Where no column names each row, the fewest that do together name it; empty parts are left out."""
    header = "Province,Country,Lat," + ",".join(f"1/{day}/20" for day in range(1, 31))
    rows = [",".join([province, country, "1.5", *map(str, range(30))])
            for province, country in (("", "Chad"), ("North", "Peru"), ("South", "Peru"))]  # fmt: skip
    loaded = read(written(tmp_path, header, rows))
    assert loaded.panel.ids == ("Chad", "North, Peru", "South, Peru")
    assert loaded.panel.names.id == "Province+Country" and "'Lat'" in message(loaded, "L003")
    named = load(tmp_path / "x.csv", ReadConfig(id="Country+Province")).panel.ids
    assert named == ("Chad", "Peru, North", "Peru, South")


def test_other_tables_stay_as_they_are(tmp_path: Path) -> None:
    """Beside a column of times, columns named by years are series; and an option says so elsewhere."""
    rows = [f"{day},{place * 3 % 7},{place * 5 % 11},{place % 3}" for place, day in enumerate(DAYS)]
    assert load(written(tmp_path, "day,2019,2020,2021", rows)).panel.ids == ("2019", "2020", "2021")
    epochs = [
        f"{1_700_000_000 + 3600 * place},{place * 3 % 7},{place * 5 % 11},{place % 3}" for place in range(50)
    ]
    assert load(written(tmp_path, "ts,2019,2020,2021", epochs)).panel.ids == ("2019", "2020", "2021")
    rows = [",".join([str(year), *map(str, range(12))]) for year in YEARS]
    path = written(tmp_path, ",".join(["YEAR", *MONTHS]), rows)
    assert load(path, ReadConfig(layout="wide")).panel.frequency.alias == "YS-JAN"
    assert load(path, ReadConfig(target=("Jan",))).panel.ids == ("Jan",)


def test_two_readings_are_refused(tmp_path: Path) -> None:
    """Dates in the header that may be day first or month first need --date-format, as the hints say."""
    header = "Region," + ",".join(f"{number}/2/20" for number in range(1, 7))
    path = written(tmp_path, header, ["A,1,2,3,4,5,6", "B,1,2,3,4,5,6"])
    with pytest.raises(DataError, match="looks like data") as caught:
        load(path)
    assert "--layout across" in caught.value.hint
    with pytest.raises(DataError, match="not times in one order") as caught:
        load(path, ReadConfig(layout="across"))
    assert "--date-format" in caught.value.hint
    loaded = load(path, ReadConfig(layout="across", date_format="%d/%m/%y"))
    assert loaded.panel.frequency.alias == "D"


def test_rows_without_a_name_are_refused(tmp_path: Path) -> None:
    """Rows that no column names are an error with an option that works."""
    path = written(tmp_path, "lat,2019,2020,2021", [f"{row}.5,1,2,3" for row in range(4)])
    with pytest.raises(DataError, match="no column names the rows") as caught:
        load(path)
    assert "--id COLUMN" in caught.value.hint
    assert len(load(path, ReadConfig(id="lat")).panel) == 4


def test_a_bad_cell_is_named_by_its_line_and_column(tmp_path: Path) -> None:
    """An error names the line and the column of the source, and its hint works."""
    rows = [",".join([str(year), *(["***"] if year == 2005 else ["1.5"]), *["2.5"] * 11]) for year in YEARS]
    path = written(tmp_path, ",".join(["Year", *MONTHS]), rows)
    with pytest.raises(DataError, match=r"line 7 under 'Jan', column 'value': '\*\*\*'") as caught:
        load(path)
    assert "--na '***'" in caught.value.hint
    loaded = load(path, ReadConfig(na=("***",)))
    assert [each.count for each in loaded.findings if each.code == "N007"] == [1]


def test_forecast_of_a_table_of_years(tmp_path: Path) -> None:
    """A model remembers the layout: it reads the same file again, and a longer one."""
    header = ",".join(["YEAR", *MONTHS])
    rows = [",".join([str(year), *(str(10 + month % 5) for month in range(12))]) for year in YEARS]
    path, model = written(tmp_path, header, rows), tmp_path / "m"
    done = forecast("train", path, "--model", model, "--effort", "quick", "--horizon", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written(tmp_path, header, [*rows, ",".join(["2010", *["12"] * 12])])
    done = forecast("predict", "--model", model, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("2011-01-01,")


def test_words_for_missing_values_do_not_hide_the_layout(tmp_path: Path) -> None:
    """A column of which half the cells say `..` is still one of the times; the error names them."""
    path = written(tmp_path, "Country,2000,2001,2002,2003", ["A,1,,3,4", "B,..,2,3,4"])
    with pytest.raises(DataError, match=r"line 3 under '2000', column 'value': '\.\.'") as caught:
        load(path)
    assert "--na .." in caught.value.hint
    assert load(path, ReadConfig(na=("..",))).panel.ids == ("A", "B")
