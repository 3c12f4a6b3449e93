"""Ticks: round numbers and times, few enough not to overlap, and readable in every range."""

from itertools import pairwise

import numpy as np
import pytest

from forecaster.report.ticks import round_numbers, round_times, shared, time_text

THOUSANDTHS = [f"1,000,000,000{rest}" for rest in ("", ".001", ".002", ".003", ".004")]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (-7, 31, ["0", "10", "20", "30"]),
        (1e-12, 9e-12, ["2e-12", "4e-12", "6e-12", "8e-12"]),
        (0, 4.2e30, ["0", "1e+30", "2e+30", "3e+30", "4e+30"]),
        (1e9, 1e9 + 0.0045, THOUSANDTHS),
        (0.1, 0.7, ["0.2", "0.4", "0.6"]),
    ],
)
def test_numbers(low, high, expected):
    """Round numbers within the range, without the noise of floating point."""
    ticks = round_numbers(low, high, 5)
    assert list(ticks.values()) == expected
    assert all(low <= value <= high for value in ticks)


@pytest.mark.parametrize("exponent", [-300, -20, 0, 15, 40])
def test_numbers_are_few(exponent):
    """Ranges of every size get one to six numbers, each written differently."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        low, high = np.sort(rng.normal(size=2)) * 10.0**exponent
        ticks = round_numbers(low, high, 5)
        assert 1 <= len(ticks) <= 6
        assert len(set(ticks.values())) == len(ticks)


@pytest.mark.parametrize(
    ("first", "last", "labels", "rest"),
    [
        (
            "2024-01-01T01:02:01",
            "2024-01-01T01:02:02.8",
            "01:02:01 01:02:01.5 01:02:02 01:02:02.5",
            "01 Jan 2024",
        ),
        ("2024-01-01T22:10", "2024-01-02T01:00", "23:00 02 Jan 01:00", "02 Jan 2024"),
        ("2023-12-30", "2024-01-02", "30 Dec 31 Dec 01 Jan 02 Jan", "2024"),
        ("2024-03-02", "2024-07-09", "Apr May Jun Jul", "2024"),
        ("2023-10-02", "2024-03-09", "Nov 2024 Mar", ""),
        ("1955-10-02", "2024-03-09", "1960 1980 2000 2020", ""),
    ],
)
def test_times(first, last, labels, rest):
    """Round times from seconds to decades; the date or year that the labels lack stands apart."""
    first, last = (np.datetime64(text, "ns") for text in (first, last))
    ticks = round_times(first, last, 5)
    assert " ".join(text for _, text in ticks) == labels
    assert all(first <= time <= last for time, _ in ticks)
    assert shared(first, last, [text for _, text in ticks]) == rest


@pytest.mark.parametrize("power", range(19))
def test_times_of_every_span(power):
    """One nanosecond to three hundred years: never more ticks than asked for, and no label twice in a row."""
    first = np.datetime64("1999-12-31T23:59:58.7", "ns")
    last = first + np.timedelta64(10**power, "ns")
    for most in (2, 5, 9):
        texts = [text for _, text in round_times(first, last, most)]
        assert len(texts) <= most + 1
        assert all(one != other for one, other in pairwise(texts))


def test_a_span_in_full():
    """Both ends, as short as they can be written; one time stands alone."""
    day, minute = np.datetime64("2024-01-01", "ns"), np.datetime64("2024-02-01T10:30", "ns")
    assert time_text(day, day + np.timedelta64(1, "D")) == "2024-01-01 to 2024-01-02"
    assert time_text(day, minute) == "2024-01-01 00:00 to 2024-02-01 10:30"
    assert time_text(minute, minute) == "2024-02-01 10:30"
