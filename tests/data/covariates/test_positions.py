"""Columns of the position in month and year: beside a loop over days."""

import datetime

import numpy as np
import pandas as pd
import pytest
from dateutil.easter import easter

from forecaster.data.calendar.frequency import frequency
from forecaster.data.covariates.positions import calendar_columns


def columns_of(times: pd.DatetimeIndex, alias: str) -> dict[str, np.ndarray]:
    names, values = calendar_columns(times.as_unit("ns").asi8, frequency(alias))
    assert values.shape == (len(times), len(names))
    assert np.isfinite(values).all()
    return dict(zip(names, values.T, strict=True))


def easter_span(year: int, first: int, last: int) -> set[datetime.date]:
    return {easter(year) + datetime.timedelta(days=day) for day in range(first, last + 1)}


def test_days() -> None:
    """Start, end and middle of the month, Easter, and the time of year, over leap years."""
    times = pd.date_range("1999-11-01", "2005-03-01", freq="D")
    columns = columns_of(times, "D")
    assert list(columns) == ["month start", "month end", "mid month", "Easter", "year sine", "year cosine"]
    for row, day in enumerate(times):
        left = day.days_in_month - day.day
        assert columns["month start"][row] == pytest.approx({1: 1, 2: 2 / 3, 3: 1 / 3}.get(day.day, 0))
        assert columns["month end"][row] == pytest.approx({0: 1, 1: 2 / 3, 2: 1 / 3}.get(left, 0))
        assert columns["mid month"][row] == {14: 0.5, 15: 1, 16: 0.5}.get(day.day, 0)
        assert columns["Easter"][row] == (day.date() in easter_span(day.year, -2, 1))
    summer = columns["year cosine"][times.month == 7].mean(), columns["year cosine"][times.month == 1].mean()
    assert summer[0] < -0.8 and summer[1] > 0.8


def test_hours_have_the_columns_of_their_day() -> None:
    """Whatever the hour."""
    hours = columns_of(pd.date_range("2024-01-29", "2024-02-05", freq="h"), "h")
    days = columns_of(pd.date_range("2024-01-29", "2024-02-05", freq="D"), "D")
    for name, values in days.items():
        np.testing.assert_array_equal(hours[name][::24], values)
        np.testing.assert_array_equal(hours[name][:-1], np.repeat(values[:-1], 24))


def test_business_days_count_open_days() -> None:
    """The first and last three weekdays of a month, wherever the weekend lies."""
    times = pd.bdate_range("2023-01-02", "2024-12-31")
    columns = columns_of(times, "B")
    month = times.to_period("M")
    for each in month.unique():
        inside = np.flatnonzero(month == each)
        np.testing.assert_allclose(columns["month start"][inside[:4]], [1, 2 / 3, 1 / 3, 0])
        np.testing.assert_allclose(columns["month end"][inside[-4:]], [0, 1 / 3, 2 / 3, 1], atol=1e-15)
    assert not columns["before closing"].any() and not columns["after closing"].any()  # no holidays known
    assert "half day" not in columns


def test_an_exchange_closes() -> None:
    """The days beside holidays, and half days, of New York in 2024."""
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    times = pd.DatetimeIndex([day for day in pd.bdate_range("2024-06-17", "2024-07-12")
                              if str(day.date()) not in ("2024-06-19", "2024-07-04")])  # fmt: skip
    columns = columns_of(times, "B-XNYS")
    days = {name: [str(day.date()) for day in times[columns[name] > 0]] for name in columns}
    assert days["before closing"] == ["2024-06-18", "2024-07-03"]
    assert days["after closing"] == ["2024-06-20", "2024-07-05"]
    assert days["half day"] == ["2024-07-03"]


@pytest.mark.parametrize(("alias", "size", "end"), [("MS", 1, False), ("ME", 1, True), ("QS-JAN", 3, False),
                                                    ("QE-DEC", 3, True), ("SMS", 0, False)])  # fmt: skip
def test_months_are_made_of_weekdays(alias: str, size: int, end: bool) -> None:
    """Mondays to Fridays, Saturdays and Sundays of the months, and the days before Easter within them."""
    times = pd.date_range("2000-01-01", "2012-12-31", freq=alias)
    columns = columns_of(times, alias)
    assert list(columns) == ["working days", "Saturdays", "Sundays", "Easter"]
    for row, label in enumerate(times):
        if size:
            month = label.to_period("M")
            first, last = (month - size + 1, month) if end else (month, month + size - 1)
            span = pd.date_range(first.start_time, last.end_time.normalize(), freq="D")
        else:
            last = label.replace(day=14) if label.day == 1 else label + pd.offsets.MonthEnd(0)
            span = pd.date_range(label, last, freq="D")
        weekday = span.day_of_week
        expected = [(weekday < 5).sum(), (weekday == 5).sum(), (weekday == 6).sum()]
        assert [columns[name][row] for name in list(columns)[:3]] == expected
        before = easter_span(label.year, -8, -1)
        assert columns["Easter"][row] == sum(day.date() in before for day in span) / 8
    assert 0 < columns["Easter"].sum() <= 13.001


def test_weeks_and_years() -> None:
    """Weeks: the place in the month, and Easter in both readings of their date. Years: nothing."""
    times = pd.date_range("2020-01-05", "2023-12-31", freq="W-SUN")
    columns = columns_of(times, "W-SUN")
    assert list(columns) == ["month sine", "month cosine", "Easter (7 days from)", "Easter (7 days to)"]
    for row, day in enumerate(times):
        angle = 2 * np.pi * (day.day - 1) / day.days_in_month
        assert columns["month sine"][row] == pytest.approx(np.sin(angle))
        for name, reach in (("Easter (7 days from)", range(7)), ("Easter (7 days to)", range(-6, 1))):
            days = {(day + pd.Timedelta(days=further)).date() for further in reach}
            assert columns[name][row] == len(days & easter_span(day.year, -2, 1)) / 4
    assert columns_of(pd.date_range("2000-01-01", periods=9, freq="YS"), "YS") == {}
