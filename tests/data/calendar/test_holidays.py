"""Holidays: rules found again in the days that are closed, with pandas and a calendar library as oracles."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.tseries import holiday as oracle
from profiles import examples

from forecaster.data.calendar.holidays import COMMON, EASTER, LAST, Holiday, closed_days, learn_holidays

DAY = np.timedelta64(1, "D")
UNITED_STATES = (
    oracle.Holiday("new year", month=1, day=1, observance=oracle.sunday_to_monday),
    oracle.USMartinLutherKingJr,
    oracle.USPresidentsDay,
    oracle.GoodFriday,
    oracle.USMemorialDay,
    oracle.Holiday("independence", month=7, day=4, observance=oracle.nearest_workday),
    oracle.USLaborDay,
    oracle.USThanksgivingDay,
    oracle.Holiday("christmas", month=12, day=25, observance=oracle.nearest_workday),
)
BRITAIN = (
    oracle.Holiday("new year", month=1, day=1, observance=oracle.next_monday),
    oracle.GoodFriday,
    oracle.EasterMonday,
    oracle.Holiday("may", month=5, day=1, offset=pd.DateOffset(weekday=oracle.MO(1))),
    oracle.Holiday("august", month=8, day=31, offset=pd.DateOffset(weekday=oracle.MO(-1))),
    oracle.Holiday("christmas", month=12, day=25, observance=oracle.next_monday),
    oracle.Holiday("boxing", month=12, day=26, observance=oracle.next_monday_or_tuesday),
)
NEAREST = Holiday("date", 25, 12, saturday=-1, sunday=1)


def closed_by(rules: tuple[oracle.Holiday, ...], start: str, stop: str) -> np.ndarray:
    """The days on which these rules of pandas close, from `start` up to `stop`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns of its own slow way to Easter
        found = [day for rule in rules for day in rule.dates(start, stop)]
    return np.array(sorted({np.datetime64(day, "D") for day in found}))


def weekdays(start: str, stop: str) -> np.ndarray:
    """Monday to Friday."""
    days = np.arange(start, stop, dtype="M8[D]")
    return days[np.is_busday(days)]


def learned(days: np.ndarray, weekmask: str = "1111100") -> tuple[Holiday, ...]:
    """What is learned where these are the open days."""
    numbers = np.sort(days.astype(np.int64))
    is_open = np.zeros(numbers[-1] - numbers[0] + 1, bool)
    is_open[numbers - numbers[0]] = True
    return learn_holidays(is_open, int(numbers[0]), weekmask)


def ahead(rules: tuple[Holiday, ...], start: str, stop: str) -> set[np.datetime64]:
    """The weekdays that the rules close."""
    days = closed_days(rules, 2100).astype("M8[D]")
    return set(days[(days >= np.datetime64(start)) & (days < np.datetime64(stop)) & np.is_busday(days)])


@pytest.mark.parametrize(("rules", "start"), [(UNITED_STATES, "2005-01-03"), (BRITAIN, "2008-03-03")])
def test_the_rules_of_a_country_are_found_again(rules: tuple, start: str) -> None:
    """From ten years and more of trading days the next ten years' holidays follow, to the day."""
    days = np.setdiff1d(weekdays(start, "2023-01-01"), closed_by(rules, start, "2023-01-05"))
    found = learned(days)
    assert len(found) == len(rules)
    expected = closed_by(rules, "2023-01-01", "2033-01-01")
    assert ahead(found, "2023-01-01", "2033-01-01") == {day for day in expected if np.is_busday(day)}


def test_two_years_are_enough_for_what_is_common() -> None:
    """Of two years and a half each holiday that came twice on a weekday is learned."""
    days = np.setdiff1d(weekdays("2022-01-03", "2024-07-01"), closed_by(UNITED_STATES, "2022", "2025"))
    assert {str(rule) for rule in learned(days)} == {
        "1 Jan (Sun moves to Mon)", "third Mon of Jan", "third Mon of Feb", "Good Friday", "last Mon of May",
        "4 Jul (Sun moves to Mon)", "first Mon of Sep", "fourth Thu of Nov", "25 Dec (Sun moves to Mon)",
    }  # fmt: skip


def test_one_year_is_not_enough() -> None:
    """A day closed once may be chance, and nothing is learned if nothing closes."""
    days = weekdays("2023-01-02", "2024-02-01")
    assert learned(np.setdiff1d(days, closed_by(UNITED_STATES, "2023-02", "2024"))) == ()
    assert learned(days) == ()


@pytest.mark.parametrize("code", ["XNYS", "XLON", "XETR", "XASX"])
@pytest.mark.parametrize("start", ["2012-01-01", "2019-01-01"])
def test_exchanges(code: str, start: str) -> None:
    """Of real exchanges no holiday is invented, and all but one-off closings and rare moves are foreseen."""
    calendars = pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sessions = calendars.get_calendar(code, start=start, end="2027-12-31").sessions
    sessions = sessions.to_numpy().astype("M8[D]")
    rules = learned(sessions[sessions < np.datetime64("2025-01-01")])
    truth = set(np.setdiff1d(weekdays("2025-01-01", "2027-12-31"), sessions))
    found = ahead(rules, "2025-01-01", "2027-12-31")
    assert found <= truth
    assert len(found) >= 0.85 * len(truth)


@given(
    st.integers(8_000, 20_000),
    st.lists(st.integers(0, 1499), max_size=150),
    st.lists(st.sampled_from((*COMMON, NEAREST)), max_size=8),
    st.sampled_from(["1111100", "1111001", "1111110", "1111111"]),
)
@examples(80)
def test_no_open_day_is_left_out(first: int, closed: list[int], rules: list[Holiday], weekmask: str) -> None:
    """Whatever is closed, no learned holiday falls on a day that was open."""
    days = np.arange(first, first + 1500)
    open_days = days[np.array([flag == "1" for flag in weekmask])[(days + 3) % 7]]
    open_days = np.setdiff1d(open_days, np.r_[days[closed], closed_days(rules, 2030)].astype(np.int64))
    found = learned(open_days.astype("M8[D]"), weekmask)
    assert not set(closed_days(found, 2100)) & set(open_days)


def test_chance_is_not_taken_for_a_rule() -> None:
    """Days closed at random, however many, give a rule in few tables."""
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        days = weekdays("2018-01-01", "2024-01-01")
        found += bool(learned(days[rng.random(len(days)) > rng.choice([0.02, 0.05, 0.1, 0.3])]))
    assert found <= 4


def test_a_holiday_that_began_and_one_that_ended() -> None:
    """A rule holds from its first closed year on; one that the newest year does not keep is gone."""
    days = weekdays("2015-01-02", "2025-01-01")
    new = closed_by((oracle.USMemorialDay,), "2019-01-01", "2025-01-01")
    old = closed_by((oracle.USLaborDay,), "2015-01-01", "2023-01-01")
    (rule,) = learned(np.setdiff1d(days, np.r_[new, old]))
    assert (str(rule), rule.since) == ("last Mon of May", 2019)


def test_a_hole_in_the_data_is_no_holiday() -> None:
    """Weeks without any row say nothing of the days in them."""
    days = weekdays("2018-01-02", "2024-12-31")
    christmas = closed_by((oracle.Holiday("christmas", month=12, day=25),), "2018", "2025")
    hole = weekdays("2021-12-01", "2022-02-01")
    assert [str(rule) for rule in learned(np.setdiff1d(days, np.r_[christmas, hole]))] == ["25 Dec"]
    holes = np.concatenate([weekdays(f"{year}-07-01", f"{year}-07-20") for year in range(2018, 2024)])
    assert learned(np.setdiff1d(days, holes)) == ()


def test_moves_are_taken_over_from_other_dates() -> None:
    """A date that no weekend has tried yet moves as the others do, unless an open day speaks against it."""
    rules = tuple(
        oracle.Holiday(f"{month}", month=month, day=4, observance=oracle.nearest_workday)
        for month in (7, 9, 10, 12)
    )
    days = np.setdiff1d(weekdays("2015-01-02", "2024-01-01"), closed_by(rules, "2015", "2024"))
    new = oracle.Holiday("new", month=6, day=19, observance=oracle.nearest_workday)
    days = np.setdiff1d(days, closed_by((new,), "2016-01-01", "2021-01-01"))
    days = days[days < np.datetime64("2020-12-31")]
    found = {(rule.month, rule.day): rule for rule in learned(days)}
    assert (found[6, 19].saturday, found[6, 19].sunday) == (-1, 1)


@pytest.mark.parametrize("year", [1999, 2024, 2100])
def test_days_in_a_year(year: int) -> None:
    """Weekdays of months and days around Easter are those of pandas."""
    for nth, month, weekday in ((1, 9, 0), (3, 1, 0), (4, 11, 3), (LAST, 5, 0), (LAST, 12, 4), (2, 2, 6)):
        day = pd.Timestamp(year, month, 1)
        in_month = pd.date_range(day, day + pd.offsets.MonthEnd())
        expected = in_month[in_month.day_of_week == weekday][nth - 1 if nth > 0 else -1]
        found = Holiday("weekday", nth, month, weekday).in_year(year)
        assert np.datetime64(found, "D") == expected.to_datetime64()
    for days in EASTER:
        expected = pd.Timestamp(year, 1, 1) + pd.offsets.Easter() + pd.Timedelta(days, "D")
        assert np.datetime64(Holiday("easter", days).in_year(year), "D") == expected.to_datetime64()


@pytest.mark.parametrize(
    "wrong",
    [
        {"day": 32},
        {"day": 0},
        {"month": 13},
        {"weekday": 7},
        {"saturday": 3},
        {"sunday": -2},
        {"kind": "weekday", "day": 5},
    ],
)
def test_holidays_that_cannot_be(wrong: dict) -> None:
    """A day that no year has is refused."""
    with pytest.raises(ValueError, match="no such holiday"):
        Holiday(**({"kind": "date", "day": 1} | wrong))


def test_the_29th_of_february() -> None:
    """A date that a year has not is no holiday in it."""
    rule = Holiday("date", 29, 2, since=2023)
    assert rule.in_year(2023) is None
    assert closed_days([rule], 2025).astype("M8[D]").tolist() == [np.datetime64("2024-02-29").item()]
