"""Sessions: bars of opening hours, their text form, and how they are counted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from forecaster.config import from_json, to_json
from forecaster.data.calendar.frequency import Frequency, frequency, step_of
from forecaster.data.calendar.holidays import Holiday
from forecaster.errors import UsageError

EXCHANGE = "5min@Mon-Fri/09:05-17:30"
TOKYO = "h@Mon-Fri/09:00-11:00+12:30-14:30"
CURRENCY = "h@Mon-Thu,Fri/00:00-21:00,Sun/22:00-23:00"
SEASONS = {
    EXCHANGE: (102, 510),
    TOKYO: (6, 30),
    CURRENCY: (24, 120),
    "h@Mon-Thu/08:00-17:00,Fri/08:00-12:00": (45,),
    "6h@Mon/09:30-15:30,Wed/09:30-15:30": (2, 4),
    "h@Mon-Fri/09:30-15:30@America/New_York": (7, 35),
    "s@Sat/23:59:57-23:59:59": (3,),
}
STARTS = st.datetimes(pd.Timestamp("1930-01-01"), pd.Timestamp("2090-01-01"))


def bars(alias: str, first: pd.Timestamp, days: int) -> np.ndarray:
    """The bars of some days from midnight of `first` on, read off the text, day by day."""
    size, week, *_ = alias.split("@")
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    found = []
    for day in pd.date_range(first.normalize(), periods=days):
        for part in week.split(","):
            which, _, hours = part.partition("/")
            since, _, until = which.partition("-")
            if names.index(since) <= day.day_of_week <= names.index(until or since):
                for span in hours.split("+") if hours else ["00:00-23:59"]:
                    start, _, stop = span.partition("-")
                    ends = [
                        day + pd.Timedelta(at + ":00" * (at.count(":") == 1)) for at in (start, stop or start)
                    ]
                    found.append(pd.date_range(*ends, freq=size, unit="ns").asi8)
    return np.concatenate(found)


@pytest.mark.parametrize("alias", SEASONS)
def test_the_text_form(alias: str) -> None:
    """The text of sessions reads back as itself, also from the JSON of a model, and tells their seasons."""
    found = frequency(alias)
    assert found.alias == alias == found.step.alias(0)
    assert found.seasonalities == SEASONS[alias]
    assert from_json(Frequency, to_json(found)) == found


@pytest.mark.parametrize("alias", SEASONS)
@given(start=STARTS, count=st.integers(1, 300))
@examples(15)
def test_bars_to_come(alias: str, start, count: int) -> None:
    """What comes next are the open bars, whatever the time before."""
    name = "@".join(alias.split("@")[:2])
    last = pd.Timestamp(start).as_unit("ns")
    ahead = frequency(name).future_times(last.value, count)
    expected = bars(name, last, 7 * (count + 7))
    assert ahead.tolist() == expected[expected > last.value][:count].tolist()
    steps, fits = step_of(name).position(ahead, np.full(count, ahead[0]))
    assert steps.tolist() == list(range(count))
    assert fits.all()
    assert not step_of(name).position(ahead + 1, ahead)[1].any()


def test_holidays_are_left_out() -> None:
    """Bars on a holiday do not come, however many bars a day has."""
    xmas = Frequency(EXCHANGE, (102, 510), (Holiday("date", 25, 12), Holiday("date", 26, 12)))
    last = pd.Timestamp("2024-12-24 17:25").as_unit("ns").value
    ahead = pd.DatetimeIndex(xmas.future_times(last, 104).view("M8[ns]")).strftime("%m-%d %H:%M")
    assert ahead[[0, 1, -1]].tolist() == ["12-24 17:30", "12-27 09:05", "12-30 09:05"]


@pytest.mark.parametrize(("last", "first"), [("2024-03-08 20:30", "2024-03-11 13:30"),
                                             ("2024-11-01 19:30", "2024-11-04 14:30")])  # fmt: skip
def test_bars_on_the_clock_of_a_zone(last: str, first: str) -> None:
    """In UTC, an exchange in New York opens an hour earlier in summer, with the zone named in either way."""
    for alias, tz in (
        ("h@Mon-Fri/09:30-15:30@America/New_York", "UTC"),
        ("h@Mon-Fri/09:30-15:30", "America/New_York"),
    ):
        ahead = frequency(alias).future_times(pd.Timestamp(last).as_unit("ns").value, 1, tz)
        assert pd.Timestamp(ahead[0]) == pd.Timestamp(first)


@pytest.mark.parametrize("alias", ["h@", "h@Mon/", "D@Mon-Fri", "100ms@Mon", "h@Foo", "h@Mon/10:00-09:00",
                                   "h@Mon/08:00-10:00+09:00-11:00", "h@Mon,Mon", "h@Fri-Mon", "h@Mon/25:00",
                                   "h@Mon@Foo/Bar", "h@Mon@", "B@Mon"])  # fmt: skip
def test_no_sessions(alias: str) -> None:
    """A text that names no opening hours is refused, with an example that works."""
    with pytest.raises(UsageError) as caught:
        frequency(alias)
    assert frequency(caught.value.hint.rsplit(" ", 1)[1].rstrip(".")) if "@" in caught.value.hint else True
