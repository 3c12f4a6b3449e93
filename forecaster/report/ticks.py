"""Round numbers and times for the axes of a plot."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from forecaster.data.calendar.clock import DAY, MONTHS, SECOND

Times = NDArray[np.datetime64]

SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
STEPS = (*(factor * 10**power for power in range(9) for factor in (1, 2, 5)),
         *(each * SECOND for each in SECONDS), *(each * DAY for each in (1, 2, 3, 7, 14)))  # fmt: skip
"""Steps between two ticks in ns, up to two weeks; longer ones are months."""
MONDAY = 4 * DAY  # 1970-01-05
YEAR_0 = 12 * 1970
"""Months before 1970: decades begin with those of the calendar."""
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 48, 60, 120, 240, 600, 1200, 3000)


def round_numbers(low: float, high: float, most: int) -> dict[float, str]:
    """Round numbers from `low` to `high`, at most `most` steps apart, and how they are written."""
    step = 10.0 ** math.floor(math.log10((high - low) / max(most, 1)))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10, 20) if (high - low) / (step * factor) <= most)
    decimals = max(0, 1 - math.floor(math.log10(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > most:  # the numbers are so close to each other that they are hardly numbers
        return {low: f"{low:.15g}", high: f"{high:.15g}"}
    values = [round(place * step, decimals) + 0.0 for place in range(first, last + 1)]
    return {value: f"{value:,.15g}" for value in values}


def round_times(first: np.datetime64, last: np.datetime64, most: int) -> list[tuple[np.datetime64, str]]:
    """At most `most` round times from `first` to `last`, years to seconds, and how they are written."""
    span = int((last - first) / np.timedelta64(1, "ns"))
    for step in STEPS:
        if span / step <= most - 1:
            start = int(first.astype("datetime64[ns]").astype(np.int64))
            shift = MONDAY if step % (7 * DAY) == 0 else 0
            begin = -((shift - start) // step) * step + shift
            times = np.arange(begin, start + span + 1, step).astype("datetime64[ns]")
            return [(time, _short(time, step)) for time in times]
    begin, end = (int(time.astype("datetime64[M]").astype(np.int64)) + YEAR_0 for time in (first, last))
    step = next((each for each in MONTH_STEPS if (end - begin) / each <= most - 1), 12000)
    numbers = np.arange(-(-begin // step) * step, end + 1, step)
    times = (numbers - YEAR_0).astype("datetime64[M]").astype("datetime64[ns]")
    shown = [time for time in times if time >= first]
    return [(time, _month(time, step)) for time in shown]


def shared(first: np.datetime64, last: np.datetime64, labels: list[str]) -> str:
    """What the labels of times leave out: the date or the year of the last."""
    if any(len(text) == 4 and text.isdecimal() for text in labels):
        return ""
    date = str(np.datetime_as_string(last, unit="D"))
    year, month, day = date.rsplit("-", 2)
    clocks = any(":" in text for text in labels)
    return f"{day} {MONTHS[int(month) - 1]} {year}" if clocks else year


def time_text(first: np.datetime64, last: np.datetime64) -> str:
    """A span of times in full: from the first to the last."""
    units = ("D", "m", "s", "ms", "us", "ns")
    unit = next(u for u in units if all(time == time.astype(f"datetime64[{u}]") for time in (first, last)))
    start, end = (str(time.astype(f"datetime64[{unit}]")).replace("T", " ") for time in (first, last))
    return start if start == end else f"{start} to {end}"


def _short(time: np.datetime64, step: int) -> str:
    """A time of day, or a date at midnight and in steps of days."""
    date, clock = str(np.datetime_as_string(time, unit="ns")).split("T")
    if step >= DAY or clock == "00:00:00.000000000":
        return f"{date[-2:]} {MONTHS[int(date[-5:-3]) - 1]}"
    return (
        clock[:5] if step >= 60 * SECOND else clock[:8] if step >= SECOND else clock.rstrip("0").rstrip(".")
    )


def _month(time: np.datetime64, step: int) -> str:
    """The name of a month; the year in January."""
    year, month = str(np.datetime_as_string(time, unit="M")).rsplit("-", 1)
    return year if month == "01" or step >= 12 else MONTHS[int(month) - 1]
