"""Times from text: one reading or an error."""

import contextlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from profiles import examples

from forecaster.data.parsing.time_formats import FORMS
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.times import UNITS, parse_times
from forecaster.data.table import Part, Table
from forecaster.errors import DataError, ForecasterError

DATES = st.lists(
    st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2250-01-01")), min_size=1, max_size=20
)
CELLS = st.text("0123456789-/.:, TZ+APMJanfebe", max_size=22) | st.sampled_from(
    ["2024-01-05", "1700000000", "1e400", "nan", "inf", "05.01.2024 10:00", "Jan 5, 2024", "9" * 25,
     "-5", "0001-01-01", "9999-12-31 23:59:60", "2024-02-30", "2024-01-01T00:00:00+99:99", "2024-01-01 24:00"]
)  # fmt: skip
PATTERNS = {
    "%Y-%m-%d %H:%M:%S.%f": "us", "%Y-%m-%dT%H:%M:%S": "s", "%Y-%m-%d %H:%M": "min", "%Y-%m-%d": "D",
    "%Y/%m/%d %H:%M:%S": "s", "%d.%m.%Y %H:%M": "min", "%d.%m.%Y": "D", "%Y.%m.%d": "D", "%d-%b-%Y": "D",
    "%d %B %Y %H:%M:%S": "s", "%b %d, %Y": "D", "%B %d, %Y %I:%M %p": "min", "%Y-%b-%d": "D",
    "%Y-%m-%dT%H:%M:%SZ": "s", "%Y-%m-%d %H:%M:%S UTC": "s", "%Y-%m-%d %H:%M:%S,%f": "us",
}  # fmt: skip


def parsed(
    cells: list, form: str | None = None, tz: str | None = None, kind: pa.DataType | None = None
) -> Times:
    """The cells as times."""
    part = Part("data.csv", "data", len(cells), lambda row: f"line {row + 2}")
    return parse_times(Table({"t": pa.chunked_array([pa.array(cells, kind)])}, (part,)), "t", form, tz)


def ns(stamps: list, unit: str = "ns") -> list[int]:
    """The oracle: pandas timestamps, cut to the unit that the text shows."""
    return pd.DatetimeIndex(stamps).as_unit("ns").floor(unit).asi8.tolist()


@pytest.mark.parametrize("pattern", PATTERNS)
@given(stamps=DATES)
@examples(25)
def test_forms_with_one_reading(pattern: str, stamps: list) -> None:
    """ISO 8601, year first, dotted and named dates are read without an option."""
    times = parsed([stamp.strftime(pattern) for stamp in stamps])
    assert times.ns.tolist() == ns(stamps, PATTERNS[pattern])
    assert times.dates == (PATTERNS[pattern] == "D")
    assert times.tz == ("UTC" if pattern.endswith(("Z", "UTC")) else None)
    again = parsed([stamp.strftime(pattern) for stamp in stamps], times.form)
    assert again.ns.tolist() == times.ns.tolist()


@pytest.mark.parametrize(
    ("pattern", "form"), [("%d/%m/%Y", "dmy"), ("%m/%d/%Y %H:%M", "mdy"), ("%d-%m-%Y", "dmy")]
)
@given(stamps=DATES)
@examples(40)
def test_day_and_month(pattern: str, form: str, stamps: list) -> None:
    """The order of day and month shows in the column, or is said, or is asked for; it is never guessed."""
    cells = [stamp.strftime(pattern) for stamp in stamps]
    unit = "min" if "%H" in pattern else "D"
    assert parsed(cells, form).ns.tolist() == ns(stamps, unit)
    assert parsed(cells, pattern).ns.tolist() == ns(stamps, unit)
    if any(stamp.day > 12 for stamp in stamps) or all(stamp.day == stamp.month for stamp in stamps):
        assert parsed(cells).ns.tolist() == ns(stamps, unit)
    else:
        with pytest.raises(DataError, match="day first or month first") as caught:
            parsed(cells)
        assert "--date-format dmy" in caught.value.hint


@pytest.mark.parametrize(
    "cell",
    ["2024-02-30", "2024-13-01", "2024-01-01 24:01", "2024-01-01 23:59:60", "01/02/24", "24-01-01",
     "2024-1-1x", "32.01.2024", "00.01.2024", "2024-01-01 12:60", "1 Foo 2024", "13:00", "0001-01-01",
     "2024-01-01 13:00 PM", "3000-01-01", "２０２４-01-01", "2024-01-01 00:00 Europe/Berlin"],
)  # fmt: skip
def test_bad_cells(cell: str) -> None:
    """One impossible cell in a good column is an error with its line and value; no option would read it."""
    with pytest.raises(DataError, match="line 3, column 't'") as caught:
        parsed(["2024-01-01", cell, "2024-01-03"])
    assert repr(cell) in caught.value.message
    assert caught.value.hint == "Repair the cell or delete its row."


@pytest.mark.parametrize(("cells", "form"), [
    (["2024-01-01 23:00", "2024-01-01 24:00", "2024-01-02 01:00"], None),
    (["2024-01-01T23:00:00Z", "2024-01-01T24:00:00Z", "2024-01-02T01:00:00Z"], None),
    (["2024-01-01T23:00+0100", "2024-01-01T24:00+0100", "2024-01-02T01:00+0100"], None),
    (["31.12.2023 23:00", "31.12.2023 24:00", "01.01.2024 01:00"], None),
    (["Dec 31, 2023 23:00:00", "Dec 31, 2023 24:00:00", "Jan 1, 2024 01:00:00"], None),
    (["23-12-31 23:00", "23-12-31 24:00", "24-01-01 01:00"], "%y-%m-%d %H:%M"),
])  # fmt: skip
def test_the_end_of_a_day(cells: list[str], form: str | None) -> None:
    """24:00 is midnight of the day after, in every form, and that is said."""
    times = parsed(cells, form)
    assert np.diff(times.ns).tolist() == [3600 * 10**9] * 2
    finding = times.findings[-1]
    assert (finding.code, finding.count, finding.places) == ("T006", 1, ("data.csv, line 3",))


def test_offsets() -> None:
    """One offset is kept as the zone; several go to UTC with a finding; naive and aware do not mix."""
    one = parsed(["2024-01-01T12:00:00+01:00", "2024-01-01T13:00:00+0100"])
    assert (one.tz, one.findings) == ("+01:00", ())
    assert one.ns.tolist() == ns(["2024-01-01 11:00", "2024-01-01 12:00"])
    two = parsed(["2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31 04:00 -03:30"])
    assert two.ns.tolist() == ns(["2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 07:30"])
    assert two.tz == "UTC"
    assert [finding.code for finding in two.findings] == ["T002"]
    with pytest.raises(DataError, match="line 3"):
        parsed(["2024-01-01T12:00:00Z", "2024-01-01T13:00:00"])


def test_zone_option() -> None:
    """Naive times are placed in the zone, aware ones shown in it; local times may not exist."""
    assert parsed(["2024-07-01 12:00"], tz="Europe/Berlin").ns.tolist() == ns(["2024-07-01 10:00"])
    since_1970 = parsed([str(ns(["2024-07-01 10:00"])[0] // 10**9)], tz="Europe/Berlin")
    assert since_1970.ns.tolist() == ns(["2024-07-01 10:00"])  # in UTC, whatever the zone
    aware = parsed(["2024-07-01 12:00Z"], tz="Europe/Berlin")
    assert (aware.ns.tolist(), aware.tz) == (ns(["2024-07-01 12:00"]), "Europe/Berlin")
    with pytest.raises(DataError, match="line 2: 2024-03-31 02:30:00 does not exist in Europe/Berlin"):
        parsed(["2024-03-31 02:30"], tz="Europe/Berlin")
    with pytest.raises(DataError, match="line 2: 2024-10-27 02:30:00 comes twice in Europe/Berlin"):
        parsed(["2024-10-27 02:30"], tz="Europe/Berlin")


@pytest.mark.parametrize("step", ["h", "30min", "15min"])
def test_clocks_that_go_back(step: str) -> None:
    """Local times over both changes of the clock are what pandas had before it forgot their offsets."""
    for start in ("2024-03-30 20:00", "2024-10-26 20:00"):
        index = pd.date_range(start, periods=60, freq=step, tz="Europe/Berlin", unit="ns")
        times = parsed([str(stamp)[:19] for stamp in index], tz="Europe/Berlin")
        assert times.ns.tolist() == index.asi8.tolist()
        twice = index.tz_localize(None).duplicated(keep=False).sum()
        counts = [finding.count for finding in times.findings if finding.code == "T005"]
        assert counts == ([twice] if twice else [])


def test_clocks_that_go_back_for_several_series() -> None:
    """Rows of several series at one time are distinguished too; a time that lacks its second pass is not."""
    index = pd.date_range("2024-10-27 00:00", periods=12, freq="30min", tz="Europe/Berlin", unit="ns")
    twice = index.repeat(3)
    assert parsed([str(t)[:19] for t in twice], tz="Europe/Berlin").ns.tolist() == twice.asi8.tolist()
    with pytest.raises(DataError, match="comes twice"):
        parsed([str(t)[:19] for t in index[[0, 1, 2, 3, 4, 5, 8]]], tz="Europe/Berlin")


def test_fractions_and_serials() -> None:
    """Seconds since 1970 may have fractions; days of a spreadsheet are read when they are named."""
    assert parsed(["1700000000.25", "1700000001"]).ns.tolist() == [1700000000250000000, 1700000001000000000]
    assert parsed([1700000000.5, 1700000001.0]).ns.tolist() == [1700000000500000000, 1700000001000000000]
    assert parsed(["45292", "45292.5"], "excel").ns.tolist() == ns(["2024-01-01", "2024-01-01 12:00"])
    with pytest.raises(DataError, match="line 3, column"):
        parsed(["45292", "5"], "excel")


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("text", [True, False])
def test_epoch(unit: str, factor: int, text: bool) -> None:
    """Numbers since 1970 are read by their range, and first and last date are said."""
    cells = [1_700_000_000 * factor, 1_700_003_600 * factor]
    times = parsed([str(cell) for cell in cells] if text else cells)
    assert times.ns.tolist() == ns(["2023-11-14 22:13:20", "2023-11-14 23:13:20"])
    (finding,) = times.findings
    assert finding.code == "T001"
    assert "2023-11-14T22:13:20 to 2023-11-14T23:13:20" in finding.message
    again = parsed(cells, times.form)
    assert (again.ns.tolist(), again.findings) == (times.ns.tolist(), ())


@pytest.mark.parametrize(
    "cells", [[20240101, 20240199], [18990101, 18990102], [45292, 45293], [2023, 2024], [5, 6], [1.5, 2.5]]
)
def test_numbers_that_are_no_clear_times(cells: list) -> None:
    """Excel serials, digits that are no dates of today, years and others are not taken for 1970."""
    with pytest.raises(DataError, match="column 't' holds numbers"):
        parsed(cells)


def test_numbers_with_a_pattern() -> None:
    """A pattern reads compact dates, also from a typed column."""
    assert parsed(["20240101", "20240102"], "%Y%m%d").ns.tolist() == ns(["2024-01-01", "2024-01-02"])
    assert parsed([20240101, 20240102], "%Y%m%d").ns.tolist() == ns(["2024-01-01", "2024-01-02"])
    assert parsed([2023, 2024], "%Y").ns.tolist() == ns(["2023-01-01", "2024-01-01"])
    with pytest.raises(DataError, match="line 3, column 't': '20240230'"):
        parsed(["20240101", "20240230"], "%Y%m%d")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_typed_times(unit: str, tz: str | None) -> None:
    """Typed timestamps of any unit are nanoseconds after reading, with their zone."""
    index = pd.date_range("2024-01-01 05:00", periods=3, freq="h", tz=tz, unit="ns")
    times = parsed(index.as_unit(unit).to_pydatetime().tolist(), kind=pa.timestamp(unit, tz))
    assert (times.ns.tolist(), times.tz, times.dates) == (index.asi8.tolist(), tz, False)


def test_typed_dates_and_what_is_none() -> None:
    """A date column is dates; a missing timestamp is an error with its place; text or bits are not times."""
    times = parsed([pd.Timestamp("2024-01-01").date()], kind=pa.date32())
    assert (times.ns.tolist(), times.dates) == (ns(["2024-01-01"]), True)
    for cells, kind in (
        ([None, 1], pa.timestamp("s")),
        ([None, "2024-01-01"], pa.string()),
        (["", "2024-01-01"], None),
    ):
        with pytest.raises(DataError, match="line 2, column 't': timestamp missing"):
            parsed(cells, kind=kind)
    with pytest.raises(DataError, match="not times"):
        parsed([True, False])
    with pytest.raises(DataError, match="outside 1677 to 2262"):
        parsed([32_503_680_000], kind=pa.timestamp("s"))
    assert np.array_equal(parsed(["1700000000"], "s").ns, [1_700_000_000_000_000_000])


@given(
    st.lists(CELLS, min_size=1, max_size=3) | CELLS.map(lambda cell: [cell] * 3),
    st.sampled_from([None, "iso", *FORMS, *UNITS, "excel", "%Y%m%d", "%d.%m.%Y %H:%M", "%z", "%"]),
    st.sampled_from([None, "UTC", "Europe/Berlin"]),
)
@example(["45000", "abc"], "excel", None)
@examples(400)
def test_any_text_is_a_time_or_an_error(cells: list[str], form: str | None, tz: str | None) -> None:
    """Whatever the cells and the form asked for: times, or an error of ours, not of a library."""
    with contextlib.suppress(ForecasterError):
        assert len(parsed(cells, form, tz, pa.string()).ns) == len(cells)


@given(
    st.lists(
        st.sampled_from(
            ["05.01.2024 10:00", "6/1/2024 11:00", "05.01.2024 10:00 +01:00", "07.01.2024", "31.02.2024", "x",
             "05.01.2024 10:00 Z", "6/13/2024 11:00"]
        ),
        min_size=1,
        max_size=6,
    )
)  # fmt: skip
@examples(100)
def test_pieces_of_a_column(cells: list[str]) -> None:
    """A column in pieces, as large ones are, has the times or the error of a column in one piece."""
    found: list[object] = []
    for chunks in ([cells], [[cell] for cell in cells]):
        part = Part("data.csv", "data", len(cells), lambda row: f"line {row + 2}")
        table = Table({"t": pa.chunked_array(chunks, pa.string())}, (part,))
        try:
            times = parse_times(table, "t")
            found.append((times.ns.tolist(), times.tz, times.dates, times.form, times.findings))
        except DataError as error:
            found.append((str(error), error.count))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2010-Q1", "2010-Q4"], ["2010-01-01", "2010-10-01"]),
        (["2010 Q2", "2011 Q1"], ["2010-04-01", "2011-01-01"]),
        (["Q3 2010", "Q4 2010"], ["2010-07-01", "2010-10-01"]),
        (["2020-W53", "2021-W01"], ["2020-12-28", "2021-01-04"]),
        (["Jan-2010", "September 2010"], ["2010-01-01", "2010-09-01"]),
        (["01/2010", "12/2010"], ["2010-01-01", "2010-12-01"]),
        (["2010/01", "2010/12"], ["2010-01-01", "2010-12-01"]),
        (["01JAN2024", "29FEB2024"], ["2024-01-01", "2024-02-29"]),
        (["1. 2. 2024", "30. 11. 2024"], ["2024-02-01", "2024-11-30"]),
        (["2024.01.31.", "2024. 2. 1."], ["2024-01-31", "2024-02-01"]),
        (["1.2.2024 0.05", "31.12.2024 23.59"], ["2024-02-01 00:05", "2024-12-31 23:59"]),
        (["13/02/2024 18.00.05", "14/02/2024 18.00.06"], ["2024-02-13 18:00:05", "2024-02-14 18:00:06"]),
        (["20240131 235959", "20240201 000000"], ["2024-01-31 23:59:59", "2024-02-01"]),
        (["20240131:2359", "20240201:0009"], ["2024-01-31 23:59", "2024-02-01 00:09"]),
    ],
)
def test_forms_of_other_places(cells: list[str], expected: list[str]) -> None:
    """Months, quarters and weeks are their first day; points and spaces as other countries write them."""
    times = parsed(cells)
    assert times.ns.tolist() == ns(expected)
    assert times.dates == all(len(day) == 10 for day in expected[:1])
    assert parsed(cells, times.form).ns.tolist() == times.ns.tolist()


@pytest.mark.parametrize(
    "cells",
    [
        ["2010-Q0"], ["2010-Q5"], ["2021-W53"], ["2021-W00"], ["13/2010"], ["Marble 2010"], ["Mayor 5, 2010"],
        ["Jan-10"], ["31FEB2024"], ["2024-01-01 12.50"], ["12/01/2024 9.30"], ["20240131 246000"],
        ["20241301 000000"],
    ],
)  # fmt: skip
def test_what_only_looks_like_such_a_form(cells: list[str]) -> None:
    """Quarters and weeks that there are not, words that only begin like a month, and fractions of hours."""
    with pytest.raises(DataError):
        parsed(cells)


@pytest.mark.parametrize(
    ("numbers", "pattern", "unit"),
    [
        ([2024010100, 2024010101, 2024010123], "%Y%m%d%H", "s"),
        ([202401010000, 202412312359], "%Y%m%d%H%M", "ms"),
    ],
)
def test_dates_without_marks_that_could_be_numbers_since_1970(
    numbers: list[int], pattern: str, unit: str
) -> None:
    """Digits that spell dates and lie in the range of a unit since 1970 are not guessed at."""
    for cells in (numbers, [str(number) for number in numbers]):
        with pytest.raises(DataError, match=f"may be dates or {unit} since 1970") as caught:
            parsed(cells)
        assert caught.value.hint == f"Say which: --date-format {pattern} or --date-format {unit}."
        assert parsed(cells, pattern).ns[:1].tolist() == ns(["2024-01-01"])
        assert parsed(cells, unit).ns[0] == numbers[0] * UNITS[unit][2]
    assert parsed([2024010160, 2024010161]).form == "s"  # there is no hour 60


@pytest.mark.parametrize(
    ("numbers", "form"),
    [
        ([1950, 2019], "%Y"), ([201001, 201312], "%Y%m"), ([45292, 45300], "excel"),
    ],
)  # fmt: skip
def test_numbers_that_spell_dates(numbers: list[int], form: str) -> None:
    """The error names the one format by which all of them are dates, and that format reads them."""
    with pytest.raises(DataError, match="not clearly times") as caught:
        parsed(numbers)
    assert f"--date-format {form};" in caught.value.hint
    assert parsed(numbers, form).dates


HOURS = [202401 * 10**4 + (1 + hour // 24) * 100 + hour % 24 for hour in range(48)]
"""Two days of hours, as 2024010123."""


@pytest.mark.parametrize(
    ("numbers", "form", "last"),
    [
        ([20240131, 20240229], "%Y%m%d", "2024-02-29"),
        ([20240229, 20240131], "%Y%m%d", "2024-01-31"),
        ([20240131235959, 20240229000000], "%Y%m%d%H%M%S", "2024-02-29"),
        (HOURS, "%Y%m%d%H", "2024-01-02 23:00"),
        ([100 * hour + half for hour in HOURS for half in (0, 30)], "%Y%m%d%H%M", "2024-01-02 23:30"),
    ],
)
def test_digits_that_are_dates_at_a_glance(numbers: list[int], form: str, last: str) -> None:
    """Dates in order, and hours that stop at 23 and go on the next day, are nothing else; that is said."""
    for cells in (numbers, [str(number) for number in numbers]):
        times = parsed(cells)
        assert (times.form, times.ns[-1], times.findings[0].code) == (form, ns([last])[0], "T008")
        assert parsed(cells, form).ns.tolist() == times.ns.tolist()


def test_digits_in_no_order_are_no_dates() -> None:
    """A measurement may have the digits of a date by chance."""
    with pytest.raises(DataError, match="not clearly times"):
        parsed([20240131, 20240229, 20230101, 20241231, 20240101])


@pytest.mark.parametrize("zone", ["", " UTC", "+01:00", "Z"])
@pytest.mark.parametrize(
    "form", ["2024-01-02 %02d:%02d:00%s", "02.01.2024 %02d:%02d:00%s", "02.01.2024, %02d:%02d%s"]
)
def test_minute_24_is_no_midnight(form: str, zone: str) -> None:
    """00:24:00 is 24 minutes after midnight, in every form."""
    cells = [form % (*divmod(minute, 60), zone) for minute in range(1440)]
    assert set(np.diff(parsed(cells).ns).tolist()) == {60 * 10**9}
    assert not [finding for finding in parsed(cells).findings if finding.code == "T006"]
    assert parsed(["20240101:23:00", "20240101:24:00"], "%Y%m%d:%H:%M").ns[1] == ns(["2024-01-02"])[0]


@pytest.mark.parametrize("mark", [" - ", " – "])
def test_intervals_are_named_by_their_start(mark: str) -> None:
    """A start and an end in one cell, as grid operators write them; reading again takes the same form."""
    cells = [f"01.01.2024 {hour:02d}:00{mark}01.01.2024 {hour + 1:02d}:00" for hour in range(23)]
    times = parsed(cells)
    assert times.ns.tolist() == ns([f"2024-01-01 {hour:02d}:00" for hour in range(23)])
    assert times.findings[-1].code == "T009"
    assert parsed(cells, times.form).ns.tolist() == times.ns.tolist()


def test_the_order_of_day_and_month_by_hours_that_go_on() -> None:
    """Hours of 02/01/2024 to 02/05/2024 are of one week; of one day alone, the order is asked for."""
    cells = [f"02/{day:02d}/2024 {hour:02d}:00" for day in range(1, 6) for hour in range(24)]
    assert parsed(cells).form == "mdy" and parsed(cells).ns[-1] == ns(["2024-02-05 23:00"])[0]
    with pytest.raises(DataError, match="day first or month first"):
        parsed(cells[:24])
    with pytest.raises(DataError, match="day first or month first"):
        parsed([cell[:10] for cell in cells[::24]])
