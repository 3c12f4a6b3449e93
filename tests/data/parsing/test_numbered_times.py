"""Times written as numbers, and as words of months, quarters and weeks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError


def read(folder: Path, name: str, cells: list[str], **options) -> Loaded:
    """A file with these times and values 0, 1 ..., loaded, and loaded again as understood."""
    rows = [f'"{cell}",{place}' for place, cell in enumerate(cells)]
    (folder / "x.csv").write_text("\n".join([f"{name},y", *rows, ""]))
    loaded = load(folder / "x.csv", ReadConfig(**options))
    assert load(folder / "x.csv", loaded.read).panel.time.tolist() == loaded.panel.time.tolist()
    return loaded


def first(loaded: Loaded, count: int = 2) -> list[str]:
    """The first dates."""
    return [str(each)[:10] for each in loaded.panel.time[:count].astype("M8[ns]")]


@pytest.mark.parametrize("name", ["Year", "year", "date", "Jahr", "TIME_PERIOD"])
def test_plain_years(tmp_path: Path, name: str) -> None:
    """Whole numbers such as 1960 in a column with the name of a year are years, and it is said."""
    loaded = read(tmp_path, name, [str(year) for year in range(1960, 1990)])
    assert (loaded.panel.frequency.alias, first(loaded)) == ("YS-JAN", ["1960-01-01", "1961-01-01"])
    assert loaded.findings[0].code == "T008"


def test_years_by_another_name_are_asked_for(tmp_path: Path) -> None:
    """In a column called time they may count seconds; the hint works."""
    years = [str(year) for year in range(1871, 1900)]
    with pytest.raises(DataError, match="not clearly times") as caught:
        read(tmp_path, "time", years)
    assert "--date-format %Y" in caught.value.hint and "--time-unit s" in caught.value.hint
    assert first(read(tmp_path, "time", years, date_format="%Y")) == ["1871-01-01", "1872-01-01"]
    with pytest.raises(DataError, match="not all years"):
        read(tmp_path, "time", [*years, "99999"], date_format="year")


@pytest.mark.parametrize(("parts", "alias"), [(12, "MS"), (4, "QS-JAN")])
def test_decimal_years(tmp_path: Path, parts: int, alias: str) -> None:
    """Years with a fraction that go on by months or quarters, as R writes time series."""
    cells = [f"{1949 + place / parts:.10g}" for place in range(48)]
    loaded = read(tmp_path, "time", cells)
    assert (loaded.panel.frequency.alias, first(loaded, 1)) == (alias, ["1949-01-01"])


def test_weeks_as_numbers(tmp_path: Path) -> None:
    """202053 in a column of weeks is an ISO week; by another name, the hint says so."""
    cells = [f"{year}{week:02d}" for year in (2020, 2021) for week in range(1, 53)]
    cells.insert(52, "202053")
    loaded = read(tmp_path, "YYYYWW", cells, time="YYYYWW")
    assert (loaded.panel.frequency.alias, first(loaded)) == ("W-MON", ["2019-12-30", "2020-01-06"])
    with pytest.raises(DataError) as caught:
        read(tmp_path, "when", cells, time="when")
    assert "--date-format week" in caught.value.hint
    assert first(read(tmp_path, "when", cells, time="when", date_format="week"))[0] == "2019-12-30"


def test_epochs_that_change_their_unit(tmp_path: Path) -> None:
    """Milliseconds that turn to microseconds go on in time, as in files of an exchange; the row is named."""
    start = 1_735_689_600_000
    cells = [str((start + 3_600_000 * hour) * (1 if hour < 0 else 1000)) for hour in range(-24, 24)]
    loaded = read(tmp_path, "open_time", cells)
    assert (loaded.panel.frequency.alias, first(loaded, 1)) == ("h", ["2024-12-31"])
    (finding,) = (each for each in loaded.findings if each.code == "T001")
    assert "ms and then us" in finding.message and finding.places == ("x.csv, line 26",)
    mixed = [str(int(cell) * (1000 if place % 3 else 1)) for place, cell in enumerate(cells[:20])]
    with pytest.raises(DataError) as caught:
        read(tmp_path, "open_time", mixed, time="open_time")
    assert "--date-format epoch" in caught.value.hint
    assert len(read(tmp_path, "open_time", mixed, time="open_time", date_format="epoch").panel.time) == 20


NAMED = (
    "Jan-{d}-1995", "January-{d}-1995", "January {d}, 1995", "Jan. {d}, 1995", "{d} January 1995",
    "{d}-January-1995", "{d:02d}Jan1995", "Monday, January {d}, 1995", "Mon, {d:02d} Jan 1995 00:00:00 +0000",
)  # fmt: skip


@pytest.mark.parametrize("form", NAMED)
def test_named_dates(tmp_path: Path, form: str) -> None:
    """Months by their short or full name, in any usual order, with the name of the day."""
    loaded = read(tmp_path, "when", [form.format(d=day) for day in range(1, 29)])
    assert (loaded.panel.frequency.alias, first(loaded)) == ("D", ["1995-01-01", "1995-01-02"])


PERIODS = ("FY{y} Q{q}", "{q}Q{s}", "Q{q} {s}", "Q{q}'{s}", "{q}Q{y}", "{y}:Q{q}", "{y}/Q{q}", "Q{q} FY{y}")


@pytest.mark.parametrize("form", PERIODS)
def test_quarters(tmp_path: Path, form: str) -> None:
    """Quarters as reports write them; two digits are a year from 1969 to 2068."""
    cells = [form.format(y=1998 + n // 4, s=f"{(98 + n // 4) % 100:02d}", q=n % 4 + 1) for n in range(28)]
    loaded = read(tmp_path, "when", cells)
    assert (loaded.panel.frequency.alias, first(loaded)) == ("QS-JAN", ["1998-01-01", "1998-04-01"])


@pytest.mark.parametrize(
    ("form", "alias"), [("{y}M{p:02d}", "MS"), ("{y}-M{p:02d}", "MS"), ("{y} W{p:02d}", "W-MON")]
)
def test_months_and_weeks(tmp_path: Path, form: str, alias: str) -> None:
    """Months and weeks as offices of statistics write them."""
    cells = [form.format(y=2020, p=part) for part in range(1, 13)]
    assert read(tmp_path, "when", cells).panel.frequency.alias == alias


def hours(odd: str, usual: str) -> list[str]:
    """300 hours, of which number 100 ends in `odd` and the others in `usual`."""
    stamps = pd.date_range("2024-01-01", periods=300, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    return [stamp + (odd if place == 100 else usual) for place, stamp in enumerate(stamps)]


@pytest.mark.parametrize(("odd", "usual"), [("+01:00", ""), ("", "+01:00")])
@pytest.mark.parametrize("form", ["iso", "dmy"])
def test_one_time_unlike_the_others(tmp_path: Path, odd: str, usual: str, form: str) -> None:
    """One time with an offset among 300 without, or one without, is the line to blame."""
    cells = hours(odd, usual)
    if form == "dmy":
        cells = [f"{cell[8:10]}.{cell[5:7]}.{cell[:4]}{cell[10:]}" for cell in cells]
    with pytest.raises(
        DataError, match=r"line 102, column 'time': .* not a time that can be read\n"
    ) as caught:
        read(tmp_path, "time", cells)
    assert "offset from UTC, or none" in caught.value.hint


@pytest.mark.parametrize("offset", ["+24:00", "+99:00", "-30:00", "+9900"])
@pytest.mark.parametrize("form", ["2024-01-{d:02d}T00:00:00", "{d:02d}.01.2024 00:00:00"])
def test_offsets_beyond_a_day(tmp_path: Path, offset: str, form: str) -> None:
    """An offset of a day or more is an error of the data that says so."""
    with pytest.raises(DataError, match="not a time") as caught:
        read(tmp_path, "time", [form.format(d=day) + offset for day in range(1, 29)])
    assert "less than a day" in caught.value.hint


@pytest.mark.parametrize("year", ["2263", "9999", "1600", "0001"])
@pytest.mark.parametrize(
    ("form", "options"),
    [("{y}-{m:02d}-28", {}), ("28.{m:02d}.{y}", {}), ("28 {m:02d} {y}", {"date_format": "%d %m %Y"}),
     ("{y}-{m:02d}-28 00:00", {"tz": "Europe/Berlin"})],
)  # fmt: skip
def test_years_that_do_not_fit(tmp_path: Path, year: str, form: str, options: dict[str, str]) -> None:
    """Times that nanoseconds in 64 bits do not hold are an error of the data."""
    with pytest.raises(DataError) as caught:
        read(tmp_path, "time", [form.format(y=year, m=month) for month in range(1, 13)], **options)
    assert "1678" in caught.value.hint or "1677" in caught.value.message


def test_whole_hours_with_gaps(tmp_path: Path) -> None:
    """Rows that all lie on whole hours, with more gaps than rows, get the hint --freq h, which works."""
    rng = np.random.default_rng(0)
    stamps = pd.date_range("2024-01-01", periods=2000, freq="h")[
        np.sort(rng.choice(2000, 700, replace=False))
    ]
    cells = stamps.strftime("%Y-%m-%d %H:%M:%S").tolist()
    with pytest.raises(DataError, match="irregular times") as caught:
        read(tmp_path, "time", cells)
    assert "--freq h." in caught.value.hint
    assert read(tmp_path, "time", cells, freq="h").panel.frequency.alias == "h"
