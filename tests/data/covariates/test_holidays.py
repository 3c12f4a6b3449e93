"""Public holidays as known columns: beside a loop over days, on every frequency, clock and horizon."""

import dataclasses
import datetime
import sys

import numpy as np
import pandas as pd
import pytest
from read_as import bare

from forecaster.config import ReadConfig
from forecaster.data.covariates.calendars import with_calendar
from forecaster.data.load import load
from forecaster.errors import UsageError

holidays = pytest.importorskip("holidays", reason="the extra `holidays` is not installed")
BAVARIA = bare(holidays=("DE-BY",))


def panel_at(times, ahead=0, **settings):
    """A panel with rows at these times, and its findings."""
    frame = pd.DataFrame({"when": times, "y": np.arange(len(times)) % 5 + 1.0})
    loaded = load(frame, dataclasses.replace(BAVARIA, **settings), ahead=ahead)
    return loaded.panel, loaded.findings


def column(panel, name):
    """A known column; of a category its words."""
    at = panel.known.names.index(name)
    values, words = panel.known.values[:, at], panel.known.words[at]
    return values if words is None else [words[int(code)] for code in values]


def days_off(first, last, code="DE", part="BY"):
    """The public holidays of some years, by date, in English."""
    return holidays.country_holidays(code, subdiv=part, years=range(first, last + 1), language="en_US")


def is_closed(day, known):
    """Whether a day is a holiday outside the weekend."""
    return day in known and day.weekday() < 5


def naive_near(day, known):
    """The four numbers of a day, by the words of the documentation."""
    one = datetime.timedelta(days=1)
    off = [each in known or each.weekday() >= 5 for each in (day - one, day, day + one)]
    bridge = off[0] and not off[1] and off[2] and (day - one in known or day + one in known)
    return (
        is_closed(day, known),
        day not in known and is_closed(day + one, known),
        day not in known and is_closed(day - one, known),
        bridge,
    )


NEAR = ("holiday DE-BY", "day before holiday DE-BY", "day after holiday DE-BY", "bridge day DE-BY")


def test_daily_columns_are_those_of_a_loop() -> None:
    """Six years of days and 400 days ahead: each column is what its words say."""
    times = pd.date_range("2018-01-01", "2023-12-31", freq="D")
    panel, found = panel_at(times, ahead=400)
    known = days_off(2017, 2026)
    every = [day.date() for day in pd.date_range("2018-01-01", periods=len(times) + 400, freq="D")]
    assert len(panel.known.values) == len(every)
    expected = np.array([naive_near(day, known) for day in every], float)
    np.testing.assert_array_equal(np.column_stack([column(panel, name) for name in NEAR]), expected)
    assert expected.sum(axis=0).min() > 5
    names = column(panel, "name of holiday DE-BY")
    assert names == [known.get(day, "none") for day in every]
    (finding,) = [each for each in found if each.code == "H001"]
    past = sum(datetime.date(2018, 1, 1) <= day <= times[-1].date() for day in known)
    assert finding.message.startswith(f"public holidays of DE-BY: {past} in the data, ")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland"])
def test_the_clock_decides_the_day_of_an_hour(zone: str) -> None:
    """Hours over both changes of the clock: the day is that of the local clock, in the past and ahead."""
    times = pd.date_range("2024-03-25", "2024-10-20", freq="h", tz="UTC")
    panel, _ = panel_at(times, ahead=24 * 80, tz=zone)
    known = days_off(2023, 2026)
    local = pd.date_range(times[0], periods=len(times) + 24 * 80, freq="h").tz_convert(zone)
    expected = [naive_near(day, known) for day in local.date]
    np.testing.assert_array_equal(np.column_stack([column(panel, name) for name in NEAR]), expected)


def test_times_in_utc_are_said_to_have_days_of_utc() -> None:
    """Only where hours could belong to another day."""
    hourly = pd.date_range("2024-05-01", periods=100, freq="h", tz="UTC")
    (finding,) = [each for each in panel_at(hourly)[1] if each.code == "H001"]
    assert "days are those of UTC: --tz names the local clock" in finding.action
    daily = pd.date_range("2024-05-01", periods=100, freq="D", tz="UTC")
    for times in (daily, hourly.tz_localize(None), hourly.tz_convert("Europe/Berlin")):
        (finding,) = [each for each in panel_at(times)[1] if each.code == "H001"]
        assert "--tz" not in finding.action


@pytest.mark.parametrize("freq", ["MS", "ME", "BME", "QS-FEB", "QE", "YS", "YE-MAR", "SMS", "SME"])
def test_months_hold_their_holidays(freq: str) -> None:
    """The number of holidays on weekdays of the months that a label names, past and future."""
    times = pd.date_range("2012-01-01", "2022-06-30", freq=freq)
    panel, _ = panel_at(times, ahead=8)
    known = days_off(2010, 2036)
    labels = pd.DatetimeIndex(panel.known.offsets[1] * [times[0]])
    labels = pd.date_range(times[0], periods=len(times) + 8, freq=freq)
    expected = []
    for label in labels:
        if freq.startswith("SM"):
            late = label.day > 15 if freq == "SME" else label.day >= 15
            middle = 15 if freq == "SME" else 14
            first = label.replace(day=middle + 1 if late else 1)
            last = label + pd.offsets.MonthEnd(0) if late else label.replace(day=middle)
        else:
            size = {"M": 1, "B": 1, "Q": 3, "Y": 12}[freq[0]]
            month = label.to_period("M")
            months = (month - size + 1, month) if "E" in freq.split("-")[0] else (month, month + size - 1)
            first, last = months[0].start_time, months[1].end_time.normalize()
        span = pd.date_range(first, last, freq="D")
        expected.append(sum(is_closed(day.date(), known) for day in span))
    assert panel.known.names == ("holidays DE-BY",)
    np.testing.assert_array_equal(panel.known.values[:, 0], expected)
    assert len(set(expected)) > 1 or freq.startswith("Y")


def test_weeks_are_read_both_ways() -> None:
    """A weekly date may be the first or the last of its week: there is a column for each."""
    times = pd.date_range("2019-01-04", "2023-06-02", freq="W-FRI")
    panel, _ = panel_at(times, ahead=30)
    known = days_off(2018, 2025)
    labels = [day.date() for day in pd.date_range(times[0], periods=len(times) + 30, freq="7D")]
    for suffix, reach in ((" (7 days from)", range(7)), (" (7 days to)", range(-6, 1))):
        weeks = [[day + datetime.timedelta(days=further) for further in reach] for day in labels]
        counts = [sum(is_closed(day, known) for day in week) for week in weeks]
        np.testing.assert_array_equal(column(panel, f"holidays DE-BY{suffix}"), counts)
        for week, name in zip(weeks, column(panel, f"name of holiday DE-BY{suffix}"), strict=True):
            of_work = [known[day] for day in week if is_closed(day, known)]
            others = [known[day] for day in week if day in known]
            assert name == [*of_work, *others, "none"][0]


def test_business_days_have_friday_before_monday() -> None:
    """Rows are weekdays: beside a holiday on a Monday lie Friday and Tuesday. Future rows skip weekends."""
    times = pd.bdate_range("2023-01-02", "2024-03-22")
    panel, _ = panel_at(times, ahead=15, freq="B")
    known = days_off(2022, 2025)
    labels = list(pd.bdate_range(times[0], periods=len(times) + 15))
    before = [
        each.date() not in known and is_closed((each + pd.offsets.BDay()).date(), known) for each in labels
    ]
    np.testing.assert_array_equal(column(panel, "day before holiday DE-BY"), before)
    assert column(panel, "day before holiday DE-BY")[labels.index(pd.Timestamp("2024-03-28"))] == 1


def test_a_name_that_the_past_does_not_show() -> None:
    """It is counted as a holiday, has the word none, and is reported."""
    panel, found = panel_at(pd.date_range("2024-04-08", "2024-12-01", freq="D"), ahead=40)
    at = 237 + 1 + 24  # 25 December
    assert column(panel, "holiday DE-BY")[at] == 1
    assert column(panel, "name of holiday DE-BY")[at] == "none"
    (finding,) = [each for each in found if each.code == "H002"]
    assert (
        "'Christmas Day'" in finding.message and finding.count == 4
    )  # with Boxing Day, New Year and Epiphany


def test_years_without_known_holidays_are_counted() -> None:
    """A country of which the library knows no older year."""
    start = holidays.country_holidays("HR").start_year
    panel, found = panel_at(pd.date_range(f"{start - 1}-12-25", periods=60, freq="D"), holidays=("HR",))
    (finding,) = [each for each in found if each.code == "H003"]
    assert (finding.count, finding.severity) == (7, "warning")
    assert len(panel.known.values) == 60


def test_what_the_library_warns_of_is_passed_on() -> None:
    """Of India it knows the movable holidays of some years only, and says so."""
    _, found = panel_at(pd.date_range("1990-01-01", periods=60, freq="D"), holidays=("IN",))
    (finding,) = [each for each in found if each.code == "H003"]
    assert "from 2001 to 2035" in finding.message


def test_weekends_are_those_of_the_country() -> None:
    """In Saudi Arabia a holiday on a Friday changes little, and one on a Sunday counts."""
    panel, _ = panel_at(pd.date_range("2021-01-01", "2024-12-31", freq="D"), holidays=("SA",))
    known = days_off(2021, 2024, "SA", None)
    days = [day.date() for day in pd.date_range("2021-01-01", "2024-12-31", freq="D")]
    expected = [day in known and day.weekday() not in (4, 5) for day in days]
    np.testing.assert_array_equal(column(panel, "holiday SA"), expected)
    assert any(day.weekday() == 6 and flag for day, flag in zip(days, expected, strict=True))


def test_codes_and_order() -> None:
    """Codes in lower case and given twice are one; a wide table has the same columns for each series."""
    times = pd.date_range("2023-01-01", periods=400, freq="D")
    frame = pd.DataFrame({"when": times, "a": 1.0 + np.arange(400) % 7, "b": 2.0 + np.arange(400) % 5})
    loaded = load(frame, bare(target=("a", "b"), holidays=("de-by", "DE-BY", "fr")), ahead=3)
    known = loaded.panel.known
    assert [name for name in known.names if name.startswith("holiday ")] == ["holiday DE-BY", "holiday FR"]
    np.testing.assert_array_equal(known.values[:403], known.values[403:])
    assert loaded.read.holidays == ("de-by", "DE-BY", "fr")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("DE-XY", "Regions of DE are, among others, "),
        ("Germany", "Did you mean DE (Germany)"),
        ("Grmany", "DE (Germany)"),
        ("XNYS", "An exchange is a calendar: --calendar XNYS"),
        ("", "--holidays DE-BY,FR"),
        ("MC-3", "knows no regions of it: --holidays MC"),
    ],
)
def test_an_unknown_code_names_codes_like_it(code: str, hint: str) -> None:
    """Nothing is guessed; the nearest codes are shown."""
    with pytest.raises(UsageError, match="unknown country or region") as caught:
        panel_at(pd.date_range("2023-01-01", periods=40, freq="D"), holidays=(code,))
    assert hint in caught.value.hint


def test_names_do_not_depend_on_the_language_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself the library takes the language of LANG."""
    from forecaster.data.covariates.holidays import _country

    english = _country("DE-BY", 2001, 2003)
    _country.cache_clear()
    for name in ("LANGUAGE", "LC_ALL", "LANG"):
        monkeypatch.setenv(name, "th_TH.UTF-8")
    assert _country("DE-BY", 2001, 2003).names == english.names
    assert "Christmas Day" in english.names


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    from forecaster.data.covariates.holidays import _regions

    _regions.cache_clear()
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(UsageError, match="need the library holidays") as caught:
        panel_at(pd.date_range("2023-01-01", periods=40, freq="D"))
    assert "pip install 'forecaster[holidays]'" in caught.value.hint


def test_two_versions_of_a_name_are_one_word() -> None:
    """A day in lieu has the name of its holiday, so that both are learned together."""
    panel, _ = panel_at(pd.date_range("2021-01-01", "2022-12-31", freq="D"), holidays=("US",))
    names = column(panel, "name of holiday US")
    assert names[184] == names[185] == "Independence Day"  # Sunday 4 July 2021, and the Monday
    assert [column(panel, "holiday US")[day] for day in (184, 185)] == [0, 1]


def test_without_options_nothing_is_added() -> None:
    """A table without holidays and events is as it was."""
    frame = pd.DataFrame({"when": pd.date_range("2023-01-01", periods=40, freq="D"), "y": np.arange(40.0)})
    panel = load(frame, ReadConfig(), ahead=9).panel
    assert panel.known is None
    assert with_calendar(panel, ReadConfig(), 9) == (panel, [])
