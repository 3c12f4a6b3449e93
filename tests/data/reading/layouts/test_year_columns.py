"""A year in one column and a part of the year in another."""

from pathlib import Path

import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import load

YEARS = range(2010, 2015)  # none with 53 weeks
NAMES = pd.date_range("2000-01-01", periods=12, freq="MS").strftime("%B").tolist()


@pytest.mark.parametrize(
    ("names", "parts", "alias"),
    [
        ("year,quarter", ["1", "2", "3", "4"], "QS-JAN"),
        ("Year,Qtr", ["Q1", "Q2", "Q3", "Q4"], "QS-JAN"),
        ("Year,Month", NAMES, "MS"),
        ("YEAR,MO", [name[:3].upper() for name in NAMES], "MS"),
        ("year,month", [str(month) for month in range(1, 13)], "MS"),
        ("year,week", [str(week) for week in range(1, 53)], "W-MON"),
        ("Year,Period", [f"M{month:02d}" for month in range(1, 13)], "MS"),
        ("Year,Period", [f"Q{quarter:02d}" for quarter in range(1, 5)], "QS-JAN"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "frame"])
def test_year_and_part(tmp_path: Path, names: str, parts: list[str], alias: str, kind: str) -> None:
    """Year and quarter, month, week or period are one column of times, in files and DataFrames."""
    rows = [f"{year},{part},{year}.{place}" for year in YEARS for place, part in enumerate(parts)]
    (tmp_path / "x.csv").write_text("\n".join([f"{names},y", *rows, ""]))
    source = tmp_path / "x.csv" if kind == "csv" else pd.read_csv(tmp_path / "x.csv")
    loaded = load(source)
    panel = loaded.panel
    assert (panel.ids, panel.frequency.alias, len(panel.target)) == (("y",), alias, len(rows))
    assert panel.names.time == names.replace(",", "+")
    assert [finding.code for finding in loaded.findings if finding.code == "C003"] == ["C003"]
    again = load(source, loaded.read).panel
    assert again.time.tolist() == panel.time.tolist()


def test_means_of_years_are_left_out(tmp_path: Path) -> None:
    """The period M13 is the mean of a year: such rows are named and left out."""
    rows = [f"CES,{year},M{month:02d},{month}" for year in YEARS for month in range(1, 14)]
    (tmp_path / "x.csv").write_text("\n".join(["Series ID,Year,Period,Value", *rows, ""]))
    loaded = load(tmp_path / "x.csv")
    assert loaded.panel.target.tolist() == [float(month) for month in range(1, 13)] * len(YEARS)
    (finding,) = (each for each in loaded.findings if each.code == "R013")
    assert (finding.count, finding.places[0]) == (len(YEARS), "x.csv, line 14: 'M13'")


def test_a_table_with_times_or_a_day_is_left_alone(tmp_path: Path) -> None:
    """Beside a column of times, year and month are covariates or not used; a day belongs to the time."""
    days = pd.date_range("2024-01-01", periods=60)
    frame = pd.DataFrame({"date": days, "year": days.year, "month": days.month, "y": range(60)})
    assert load(frame).panel.names.time == "date"
    asked = ReadConfig(time="year+month+day", date_format="%Y %m %d")
    panel = load(frame.drop(columns="date").assign(day=days.day), asked).panel
    assert panel.frequency.alias == "D"


def test_the_older_option_still_works(tmp_path: Path) -> None:
    """--time year+month --date-format '%Y %m' reads the same."""
    rows = [f"{year},{month},{month}" for year in YEARS for month in range(1, 13)]
    (tmp_path / "x.csv").write_text("\n".join(["year,month,y", *rows, ""]))
    asked = load(tmp_path / "x.csv", ReadConfig(time="year+month", date_format="%Y %m")).panel
    assert asked.time.tolist() == load(tmp_path / "x.csv").panel.time.tolist()
