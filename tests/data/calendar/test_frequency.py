"""Frequencies and what comes next, with pandas as the oracle."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from forecaster.data.calendar.clock import from_local, to_local
from forecaster.data.calendar.frequency import frequency, step_of
from forecaster.data.calendar.infer import grid_positions, infer_frequency
from forecaster.data.labels import Names, times_as_strings, timestamps
from forecaster.errors import DataError, UsageError

ALIASES = ["100ms", "s", "15s", "min", "5min", "30min", "h", "8h", "D", "3D", "B", "W-SUN", "W-THU", "2W-MON",
           "MS", "ME", "2MS", "4ME", "QS-JAN", "QS-MAR", "QE-DEC", "QE-OCT", "2QS-FEB", "YS-JAN", "YS-JUL",
           "YE-DEC", "YE-FEB", "2YS-JAN", "SMS", "SME", "BMS", "BME", "2BMS", "5BME", "BQS-JAN", "BQE-DEC",
           "BQE-NOV", "BYS-JAN", "BYE-DEC", "BYE-JUN", "2BYE-MAR"]  # fmt: skip
STARTS = st.datetimes(pd.Timestamp("1930-01-01"), pd.Timestamp("2090-01-01"))


def regular(alias: str, start, count: int) -> np.ndarray:
    """Regular times as int64 ns, by pandas, from the whole second of the start."""
    return pd.date_range(pd.Timestamp(start).floor("s"), periods=count, freq=alias, unit="ns").asi8


@pytest.mark.parametrize("alias", ALIASES)
@given(start=STARTS, count=st.integers(8, 40))
@examples(15)
def test_frequency_is_recognised(alias: str, start, count: int) -> None:
    """Regular times give back the alias that made them, or of business months a plainer one as good."""
    time = regular(alias, start, count)
    found = infer_frequency(time, np.array([0, count])).alias
    if "B" in alias[:2]:
        assert regular(found, pd.Timestamp(time[0]), count).tolist() == time.tolist()
    else:
        assert found == alias


@pytest.mark.parametrize("alias", ALIASES)
@given(start=STARTS, count=st.integers(1, 60))
@examples(15)
def test_future_times_are_what_pandas_says(alias: str, start, count: int) -> None:
    """The timestamps after the last one are those of pandas' date_range."""
    time = regular(alias, start, count + 1)
    assert frequency(alias).future_times(int(time[0]), count).tolist() == time[1:].tolist()


@pytest.mark.parametrize("alias", ALIASES)
@given(start=STARTS, count=st.integers(1, 60))
@examples(10)
def test_position_and_moved_are_inverse(alias: str, start, count: int) -> None:
    """Moving by k steps and counting the steps gives k, on the grid."""
    first = np.full(count, regular(alias, start, 1)[0])
    later = step_of(alias).moved(first, np.arange(count))
    steps, fits = step_of(alias).position(later, first)
    assert steps.tolist() == list(range(count))
    assert fits.all()


@pytest.mark.parametrize(
    ("alias", "seasons"),
    [("30min", (48, 336)), ("h", (24, 168)), ("D", (7, 365)), ("B", (5,)), ("W-SUN", (52,)), ("2W", (26,)),
     ("MS", (12,)), ("ME", (12,)), ("QS", (4,)), ("QE-NOV", (4,)), ("YS", (1,)), ("YE", (1,)), ("2MS", (6,)),
     ("BME", (12,)), ("BQS", (4,)), ("BYE-JUN", (1,)), ("SMS", (24,)), ("SME-15", (24,)),
     ("5MS", (1,)), ("s", (3600, 86400)), ("10s", (360, 8640)), ("5min", (288, 2016)), ("7min", (1440,)),
     ("13min", (1,)), ("12h", (2, 14)), ("2D", (1,)), ("100ms", (10, 600))],
)  # fmt: skip
def test_seasons(alias: str, seasons: tuple[int, ...]) -> None:
    """A frequency knows the seasons that such data may have, the usual first."""
    assert frequency(alias).seasonalities == seasons
    assert frequency(alias).season == seasons[0]


@pytest.mark.parametrize(
    ("said", "alias"),
    [
        ("5 min", "5min"), ("5 minutes", "5min"), ("1 hour", "1h"), ("2Hours", "2h"), ("30 sec", "30s"),
        ("seconds", "s"), ("7 days", "7D"), ("d", "D"), ("2 weeks", "2W"), ("w-sun", "W-SUN"),
        ("MS", "MS"), ("ms", "ms"), ("us", "us"), ("YS", "YS"), ("QS", "QS"), ("mins", "min"),
    ],
)  # fmt: skip
def test_steps_in_words(said: str, alias: str) -> None:
    """Steps as people write them mean what they say; aliases are never taken for words."""
    assert frequency(said).alias == alias


def test_older_aliases() -> None:
    """Older pandas spellings mean the new ones."""
    older = ["H", "15T", "S", "M", "Q", "A", "Q-JAN", "A-JUN", "SM", "BM", "BQ", "BA-MAR", "BAS"]
    assert [frequency(alias).alias for alias in older] == [
        "h",
        "15min",
        "s",
        "ME",
        "QE",
        "YE",
        "QE-JAN",
        "YE-JUN",
        "SME",
        "BME",
        "BQE",
        "BYE-MAR",
        "BYS",
    ]


@pytest.mark.parametrize(
    "alias",
    [
        "",
        "x",
        "5m",
        "s s",
        "5  h",
        "ws",
        "0h",
        "-1h",
        "2B",
        "W-JAN",
        "QS-SUN",
        "MS-JAN",
        "h-MON",
        "1.5h",
        "15",
        "h h",
        "BME-JAN",
        "2SMS",
        "SMS-10",
        "BWS",
        "B-0000000",
        "B-11111000",
        "BM-DEC",
        "BQE-MON",
    ],
)
def test_unknown_frequency(alias: str) -> None:
    """What is no frequency is a UsageError that lists some."""
    with pytest.raises(UsageError, match="unknown frequency") as caught:
        frequency(alias)
    assert "W-SUN" in caught.value.hint


def test_middle_of_the_month() -> None:
    """Readings on the 15th of each month are monthly and go on on the 15th."""
    time = regular("MS", "2020-01-01", 12) + 14 * 86_400 * 10**9
    found = infer_frequency(time, np.array([0, 12]))
    assert found.alias == "MS"
    ahead = found.future_times(int(time[-1]), 2)
    assert np.datetime_as_string(ahead.view("M8[ns]"), unit="D").tolist() == ["2021-01-15", "2021-02-15"]


LAST_DAYS = {  # of trading in New York: 29 March 2024 is Good Friday, 31 May 2021 Memorial Day
    "BME": ["2021-03-31", "2021-04-30", "2021-05-28", "2021-06-30", "2021-07-30", "2021-08-31"],
    "BQE-DEC": ["2023-06-30", "2023-09-29", "2023-12-29", "2024-03-28", "2024-06-28", "2024-09-30"],
    "BMS": ["2022-10-03", "2022-11-01", "2022-12-01", "2023-01-03", "2023-02-01", "2023-03-01"],
}


@pytest.mark.parametrize("alias", LAST_DAYS)
def test_first_and_last_trading_days(alias: str) -> None:
    """Trading days beside a holiday at the end of a month lie on the grid; two in one month do not."""
    time = np.array(LAST_DAYS[alias], "M8[ns]").astype(np.int64)
    ends = np.array([0, len(time)])
    assert infer_frequency(time, ends).alias == alias
    place, fits = grid_positions(step_of(alias), time, ends)
    assert fits.all()
    assert np.unique(np.diff(place)).tolist() == [1]
    double = np.insert(time, 1, time[0] + (1 - 2 * alias.endswith("S")) * -86_400 * 10**9)
    _, fits = grid_positions(step_of(alias), np.sort(double), np.array([0, len(double)]))
    assert fits.sum() == len(time)


def test_business_days_need_a_weekend() -> None:
    """Five days in a row are daily; without any Saturday or Sunday over weeks they are business days."""
    assert infer_frequency(regular("D", "2024-01-01", 5), np.array([0, 5])).alias == "D"
    assert infer_frequency(regular("D", "2024-01-01", 12), np.array([0, 12])).alias == "D"
    assert infer_frequency(regular("B", "2024-01-01", 8), np.array([0, 8])).alias == "B"
    holidays = np.delete(regular("B", "2023-01-02", 250), [3, 17, 77, 78, 133, 200])
    assert infer_frequency(holidays, np.array([0, 244])).alias == "B"


@pytest.mark.parametrize("weekmask", ["1111001", "1111110", "1011110", "0111111", "1111000"])
def test_weekdays_of_other_weeks(weekmask: str) -> None:
    """Weekdays that never have a row are no gaps and are not forecast, as NumPy counts business days."""
    time = np.arange("2023-03-06", "2023-05-20", dtype="M8[D]")
    time = time[np.is_busday(time, weekmask=weekmask)]
    ns = time.astype("M8[ns]").astype(np.int64)
    found = infer_frequency(ns, np.array([0, len(ns)]))
    assert (found.alias, found.seasonalities) == (f"B-{weekmask}", (weekmask.count("1"),))
    ahead = found.future_times(int(ns[-1]), 20).astype("M8[ns]").astype("M8[D]")
    assert ahead.tolist() == np.busday_offset(time[-1], np.arange(1, 21), weekmask=weekmask).tolist()


def test_weekdays_that_may_be_missing_by_chance() -> None:
    """In few weeks, or where many days are missing, a weekday without rows says nothing."""
    days = np.arange("2023-03-06", "2023-07-20", dtype="M8[D]").astype("M8[ns]").astype(np.int64)
    no_sunday = days[(days // 86_400_000_000_000 + 3) % 7 != 6]
    assert infer_frequency(no_sunday[:20], np.array([0, 20])).alias == "D"
    few = np.sort(np.random.default_rng(3).choice(no_sunday[:33], 20, replace=False))
    assert infer_frequency(few, np.array([0, 20])).alias == "D"
    assert infer_frequency(days, np.array([0, len(days)])).alias == "D"


def test_votes_of_series() -> None:
    """The frequency of most series wins, whatever their phase; anchors follow the majority."""
    parts = [
        regular("W-MON", "2024-01-01", 9),
        regular("W-MON", "2024-02-01", 9),
        regular("W-TUE", "2024-01-01", 9),
    ]
    assert infer_frequency(np.concatenate(parts), np.array([0, 9, 18, 27])).alias == "W-MON"
    parts[2] = regular("D", "2024-01-01", 9)
    assert infer_frequency(np.concatenate(parts), np.array([0, 9, 18, 27])).alias == "W-MON"


def test_too_few_rows() -> None:
    """Series of one row show no frequency; two rows show one."""
    with pytest.raises(DataError, match="no series has two rows"):
        infer_frequency(np.array([0, 5]), np.array([0, 1, 2]))
    assert infer_frequency(np.array([0, 3600 * 10**9]), np.array([0, 2])).alias == "h"


@pytest.mark.parametrize("tz", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "+05:30", "UTC"])
@pytest.mark.parametrize("alias", ["h", "D", "W-SUN", "MS", "ME", "B", "BME", "SMS"])
def test_future_in_a_zone(tz: str, alias: str) -> None:
    """Days and longer steps keep the local clock through changes of clocks; hours go on in UTC."""
    for start in ("2024-03-20 09:00", "2024-10-25 09:00"):
        days = pd.date_range(start, periods=30, freq=alias, tz=tz, unit="ns")
        ahead = frequency(alias).future_times(int(days.asi8[0]), 29, tz)
        assert ahead.tolist() == days.asi8[1:].tolist()


def test_local_clock_and_back() -> None:
    """The local clock and back is the identity, outside the hour that comes twice."""
    time = pd.date_range("2024-01-01", "2024-12-31", freq="D", tz="UTC", unit="ns").asi8
    assert from_local(to_local(time, "Europe/Berlin"), "Europe/Berlin").tolist() == time.tolist()


def test_timestamps_for_the_user() -> None:
    """Times come back in the user's zone, and as plain dates where the source had those."""
    ns = np.array([1_704_067_200_000_000_000])
    assert times_as_strings(ns, Names("t", None, "y", dates=True)) == ["2024-01-01"]
    assert times_as_strings(ns, Names("t", None, "y")) == ["2024-01-01 00:00:00"]
    assert times_as_strings(ns, Names("t", None, "y", tz="Europe/Berlin")) == ["2024-01-01 01:00:00+01:00"]
    assert timestamps(ns, Names("t", None, "y", tz="+02:00"))[0] == pd.Timestamp("2024-01-01 02:00+02:00")
    assert timestamps(ns, Names("t", None, "y")).tz is None


def test_alias_of_a_half_hour() -> None:
    """A fixed step is named in the largest unit that divides it."""
    assert step_of("90min").alias(0) == "90min"
    assert step_of("60min").alias(0) == "h"
    assert step_of("1500ms").alias(0) == "1500ms"
