"""Edges of cells and series that a mutation run showed to be untested. See docs/testing.md."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small import DAYS, ROWS, found, text

from forecaster.config import ReadConfig
from forecaster.data.calendar.infer import disagreeing
from forecaster.data.load import load
from forecaster.data.roles.roles import kind_of
from forecaster.data.series.stock_splits import adjusted
from forecaster.data.table import Part, Table
from forecaster.errors import DataError, UsageError


def test_a_pair_of_columns_that_is_not_there(tmp_path: Path) -> None:
    """A date and a time of day are asked for by two names, each of which has to be a column."""
    path = text(tmp_path, "day,clock,y", *(f"2024-01-02,{hour:02d}:00,{hour}" for hour in range(24)))
    assert load(path, ReadConfig(time="day+clock")).panel.frequency.alias == "h"
    for name in ("day+hour", "date+clock", "day"):
        with pytest.raises(UsageError if "+" in name else DataError) as caught:
            load(path, ReadConfig(time=name, target=("y",)))
        assert caught.value.hint


@pytest.mark.parametrize(("numbers", "kind"), [(4, "text"), (5, "text"), (6, "number")])
def test_a_kind_is_that_of_more_than_half_the_cells(numbers: int, kind: str) -> None:
    """Half the cells of a kind do not make the column of it."""
    cells = pa.chunked_array([["1.5"] * numbers + ["word"] * (10 - numbers)])
    assert kind_of(Table({"x": cells}, (Part("x", "x", 10, str),)), "x", ()) == kind


def test_names_in_camel_case(tmp_path: Path) -> None:
    """adjClose is known as Adj Close is."""
    rows = [f"{row},9,9,9,9" for row in ROWS]
    names = "date,adjClose,open,high,low,close"
    assert load(text(tmp_path, names, *rows)).panel.names.target == "adjClose"


def test_covariates_are_read_as_the_target_is(tmp_path: Path) -> None:
    """Decimal mark and words for missing values hold for covariates too."""
    rows = [f"{day};{at},5;{at},25" for at, day in enumerate(DAYS)] + ["2024-01-29;1;-", "2024-01-30;2;1"]
    config = ReadConfig(decimal=",", na=("-",), target=("y",), covariates=("x",))
    panel = load(text(tmp_path, "day;y;x", *rows), config).panel
    np.testing.assert_array_equal(panel.values[:, 1], [*(np.arange(28) + 0.25), np.nan, 1.0])


def test_decimal_columns_are_told() -> None:
    """A typed column of decimal numbers is read as floating point, and that is said."""
    cells = pa.array(range(28), pa.int64()).cast(pa.decimal128(21, 1))
    table = pa.table({"day": pd.to_datetime(DAYS), "y": cells}).to_pandas(types_mapper=pd.ArrowDtype)
    finding = found(load(table), "N005")
    assert (finding.message, finding.count) == ("column 'y' holds decimal numbers", 28)


def test_files_are_series_whatever_text_they_hold(tmp_path: Path) -> None:
    """Files of a folder are series by their names, even if a column of text differs between them."""
    for name, place in (("b", "north"), ("a", "south")):
        (tmp_path / f"{name}.csv").write_text("day,y,place\n" + "".join(f"{row},{place}\n" for row in ROWS))
    assert load(tmp_path).panel.ids == ("a", "b")


def test_clock_names_in_angle_brackets(tmp_path: Path) -> None:
    """A date and a time of day apart are known by names as terminals export them: <DATE>, <TIME>."""
    rows = [f"2024.01.02,{hour:02d}:00:00,{hour}" for hour in range(24)]
    panel = load(text(tmp_path, "<DATE>,<TIME>,<CLOSE>", *rows)).panel
    assert panel.names.time == "<DATE>+<TIME>"
    assert panel.frequency.alias == "h"


def test_ids_that_are_numbers(tmp_path: Path) -> None:
    """A column of whole numbers tells series apart where times come several times."""
    rows = [f"{row},{sensor}" for row in ROWS for sensor in (12, 7)]
    assert load(text(tmp_path, "day,y,sensor", *rows)).panel.ids == ("12", "7")


def test_offsets_that_differ_are_remembered_as_iso(tmp_path: Path) -> None:
    """Times of several offsets are converted to UTC with a finding, and read the same way again."""
    stamps = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    loaded = load(text(tmp_path, "t,y", *(f"{stamp},{row}" for row, stamp in enumerate(stamps))))
    assert (loaded.read.date_format, loaded.read.tz) == ("iso", "UTC")
    assert found(loaded, "T002").message.startswith("timestamps have 2 different UTC offsets")


def test_series_of_another_frequency() -> None:
    """Four rows that mostly lie apart disagree; three rows, and steps of which half are alike, do not."""
    series = {"alike": [0, 1, 2, 3, 4], "apart": [0, 2, 4, 6], "short": [0, 2, 4], "half": [0, 2, 4, 7, 10]}
    offsets = np.cumsum([0, *(len(places) for places in series.values())])
    assert disagreeing(np.concatenate(list(series.values())), offsets).tolist() == [1]


def test_months_of_a_zone(tmp_path: Path) -> None:
    """Months are recognised on the clock of the zone, where they begin, not in UTC."""
    rows = [
        f"{day.date()},{row}" for row, day in enumerate(pd.date_range("2020-01-01", periods=30, freq="MS"))
    ]
    assert load(text(tmp_path, "day,y", *rows), ReadConfig(tz="Europe/Berlin")).panel.frequency.alias == "MS"


@pytest.mark.parametrize("mark", ["'", " ", "\N{NO-BREAK SPACE}", "\N{RIGHT SINGLE QUOTATION MARK}"])
def test_one_group_is_proof_where_the_mark_divides_no_decimals(tmp_path: Path, mark: str) -> None:
    """One cell such as 1'234 shows groups; 1,234 alone does not."""
    rows = [row.replace(",", f";1{mark}0") + "0" for row in ROWS[:10]]
    panel = load(text(tmp_path, "day;y", *rows)).panel
    assert panel.target.tolist() == [1000 + 10 * row for row in range(10)]
    with pytest.raises(DataError, match="is not a number"):
        load(text(tmp_path, "day;y", *(row.replace(mark, ",") for row in rows)))


def test_two_groups_are_proof(tmp_path: Path) -> None:
    """A mark that comes twice in a cell is no decimal mark, and groups in the others too."""
    cells = ["1,234,567", "1,234", "12"] * 3
    panel = load(
        text(tmp_path, "day;y", *(f"{day};{cell}" for day, cell in zip(DAYS, cells, strict=False)))
    ).panel
    assert panel.target.tolist() == [1234567.0, 1234.0, 12.0] * 3


def test_a_contradiction_names_the_series_where_there_are_several(tmp_path: Path) -> None:
    """Two values of one time: with the id of the series if the table has some, else without."""
    with pytest.raises(DataError, match="with different values \\(1 such") as caught:
        load(text(tmp_path, "day,y", *ROWS, "2024-01-02,7"))
    assert (caught.value.code, caught.value.count) == ("E005", 1)
    rows = [f"{row},{name}" for row in ROWS for name in "ab"]
    with pytest.raises(DataError, match="with different values in series 'b' \\(1 such"):
        load(text(tmp_path, "day,y,id", *rows, "2024-01-02,7,b"))


def trading(jump: float, at: int = 30, count: int = 60) -> pd.DataFrame:
    """Prices of trading days with one jump; and a volume, which has none."""
    rng = np.random.default_rng(2)
    prices = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    prices[at:] *= jump
    days = pd.bdate_range("2024-01-01", periods=count)
    return pd.DataFrame(
        {"day": days, "close": prices, "open": prices * 1.001, "volume": rng.uniform(1, 2, count)}
    )


@pytest.mark.parametrize(("jump", "words"), [(1 / 2, "2:1"), (1 / 1.5, "1.5:1"), (3, "1:3"), (100, "1:100")])
def test_splits_and_reverse_splits(jump: float, words: str) -> None:
    """A jump is recognised by its ratio, and only what jumps with the price is divided; a volume is not."""
    table = trading(jump)
    config = ReadConfig(time="day", target=("close",), covariates=("open", "volume"))
    finding = found(load(table, config), "P001")
    assert finding.places[0].startswith(f"{words} on 2024-02-12")
    divided = load(table, dataclasses.replace(config, adjust_splits=True)).panel
    values = table[["close", "open", "volume"]].to_numpy().copy()
    values[:30, :2] *= jump
    np.testing.assert_allclose(divided.values, values, rtol=1e-12)


def test_two_splits() -> None:
    """Each split is counted and divides all that lies before it; the panel that was given stays as it is."""
    table = trading(1 / 2)[["day", "close"]]
    table.loc[45:, "close"] *= 4
    assert found(load(table), "P001").count == 2
    panel = load(table).panel
    before = panel.values.copy()
    changed, (finding,) = adjusted(panel, adjust=True)
    assert finding.count == 2
    factors = np.select([np.arange(60) < 30, np.arange(60) < 45], [2.0, 4.0], 1.0)
    np.testing.assert_allclose(changed.target, before[:, 0] * factors, rtol=1e-12)
    np.testing.assert_array_equal(panel.values, before)


@pytest.mark.parametrize(("count", "splits"), [(19, 0), (20, 1)])
def test_series_too_short_for_splits(count: int, splits: int) -> None:
    """In fewer than 20 days nothing is called a split."""
    table = trading(0.5, at=10, count=count)[["day", "close"]]
    assert [finding.count for finding in load(table).findings if finding.code == "P001"] == [1] * splits


@pytest.mark.parametrize(
    ("pattern", "dates"),
    [("%d.%m.%Y", True), ("%d.%m.%Y %H", False), ("%d.%m.%Y %I %p", False), ("%d.%m.%Y %H:%M %z", False)],
)
def test_patterns_with_a_time_of_day(tmp_path: Path, pattern: str, dates: bool) -> None:
    """A pattern with hours of any kind says that times are not plain dates."""
    stamps = pd.date_range("2024-01-01", periods=9, tz="Europe/Berlin").strftime(pattern)
    rows = [f"{stamp},{row}" for row, stamp in enumerate(stamps)]
    assert (
        load(text(tmp_path, "t,y", *rows), ReadConfig(date_format=pattern, time="t")).panel.names.dates
        is dates
    )


def test_a_pattern_with_several_offsets(tmp_path: Path) -> None:
    """Offsets that differ, as over a summer, are converted to UTC by a pattern too."""
    stamps = pd.date_range("2024-03-29", periods=9, tz="Europe/Berlin")
    rows = [f"{stamp},{row}" for row, stamp in enumerate(stamps.strftime("%d.%m.%Y %H:%M %z"))]
    config = ReadConfig(date_format="%d.%m.%Y %H:%M %z", time="t", tz="Europe/Berlin")
    assert (
        load(text(tmp_path, "t,y", *rows), config).panel.time.tolist() == stamps.as_unit("ns").asi8.tolist()
    )


@pytest.mark.parametrize(
    ("serial", "dates", "stamp"), [("45000", True, "2023-03-15"), ("45000.25", False, "2023-03-15 06")]
)
def test_days_of_a_spreadsheet(tmp_path: Path, serial: str, dates: bool, stamp: str) -> None:
    """Days of a spreadsheet are dates, or times where they have a fraction; far centuries are errors."""
    rows = [f"{float(serial) + row},{row}" for row in range(9)]
    panel = load(text(tmp_path, "t,y", *rows), ReadConfig(date_format="excel", time="t")).panel
    assert pd.Timestamp(panel.time[0]) == pd.Timestamp(stamp)
    assert panel.names.dates is dates
    for odd in ("110000", "60", "x", ""):
        with pytest.raises(DataError, match="line 11, column 't'") as caught:
            load(text(tmp_path, "t,y", *rows, f"{odd},9"), ReadConfig(date_format="excel", time="t"))
        assert caught.value.code == "E004"


def test_cells_that_are_no_numbers_are_counted(tmp_path: Path) -> None:
    """The error has its code and says how many more cells there are, if any."""
    with pytest.raises(DataError, match=r"'x' is not a number\n") as one:
        load(text(tmp_path, "day,y", *ROWS, "2024-01-29,x"))
    with pytest.raises(DataError, match=r"'x' is not a number \(and 1 more cells\)\n") as two:
        load(text(tmp_path, "day,y", *ROWS, "2024-01-29,x", "2024-01-30,z"))
    assert (one.value.code, one.value.count) == ("E003", 1)
    assert (two.value.code, two.value.count) == ("E003", 2)


def test_numbers_beside_a_word_are_none(tmp_path: Path) -> None:
    """An error about a word names no plain number, however it is written."""
    plain = ["1", "", "NA", "-1", "+1", "1.", ".59", "1.5", "1e5", "1E5", "1e+5", "1.5e-05", ".5e3", "12.5"]
    rows = [f"{day},{cell}" for day, cell in zip(DAYS, [*plain, "x"], strict=False)]
    with pytest.raises(DataError, match=r"line 16, column 'y': 'x' is not a number\n") as caught:
        load(text(tmp_path, "day,y", *rows), ReadConfig(delimiter=","))
    assert caught.value.count == 1


def test_hours_that_come_twice_in_several_years(tmp_path: Path) -> None:
    """Each autumn's double hour is distinguished by itself, and its first row is named."""
    stamps = pd.date_range("2022-10-29", "2023-11-01", freq="30min", tz="Europe/Berlin")
    rows = [f"{stamp},{row}" for row, stamp in enumerate(stamps.strftime("%Y-%m-%d %H:%M"))]
    loaded = load(text(tmp_path, "t,y", *rows), ReadConfig(tz="Europe/Berlin"))
    assert loaded.panel.time.tolist() == stamps.as_unit("ns").asi8.tolist()
    finding = found(loaded, "T005")
    first = [2 + row for row in np.flatnonzero(stamps.tz_localize(None).duplicated(keep=False))[[0, 4]]]
    assert finding.count == 8
    assert finding.places == tuple(f"x.csv, line {line}" for line in first)
