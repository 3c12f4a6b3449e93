"""Text for people: escaped, consistent, readable."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.report.text import inert, numbers, percents, plain, sparkline


@given(st.text())
def test_nothing_a_terminal_obeys_is_left(text):
    """Any text becomes printable, on one line, and can be encoded."""
    shown = inert(text)
    assert shown.isprintable()
    shown.encode("utf-8")


def test_ordinary_text_stays_as_it_is():
    """Letters of any script and punctuation are unchanged; escape, bidi and newline are escaped."""
    assert inert("Zürich 東京 50 %") == "Zürich 東京 50 %"
    assert inert("a\x1b[31mb\nc\u202ed\u200be") == r"a\x1b[31mb\nc\u202ed\u200be"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([871.2, 12345.6], ["871", "12,346"]),
        ([0.8304, 2.7], ["0.830", "2.700"]),
        ([9.87, math.nan], ["9.87", "-"]),
        ([0.0, 0.5], ["0.000", "0.500"]),
        ([0.0, 0.0], ["0.00", "0.00"]),
        ([1.5e9, 2.0], ["1.50e+09", "2.00e+00"]),
        ([1e-7], ["1.00e-07"]),
        ([1e-9, 1.0], ["0.00000", "1.00000"]),
        ([math.inf], ["-"]),
        ([], []),
    ],
)
def test_a_column_has_one_form(values, texts):
    """The same decimals for all, three digits of the smallest, grouped thousands, exponents if extreme."""
    assert numbers(values) == texts


def test_other_numbers_may_decide_the_decimals():
    """Bounds take the decimals of the interval's width."""
    assert numbers([-0.01, 431.27], like=[9.5]) == ["-0.01", "431.27"]


def test_percents_carry_their_sign():
    """Skill has a sign; a tiny value is 0.0 without one."""
    assert percents([0.142, -2.0, 0.0, -0.0001, math.nan]) == ["+14.2", "-200.0", "0.0", "0.0", "-"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        ({}, "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (12345, "12,345"),
        (0.00312345, "0.003123"),
        (1234567.0, "1,234,567"),
        ((80, 95), "80, 95"),
        ({"D001": 12, "D002": 3}, "D001 12, D002 3"),
        ("x\ty", r"x\ty"),
    ],
)
def test_facts_read_as_a_person_would_write_them(value, text):
    """Settings and facts of any type become short text."""
    assert plain(value) == text


def test_a_sparkline_spans_its_range():
    """The lowest value is the lowest bar, the highest the highest, a gap is a blank."""
    values = [0.0, 1.0, np.nan, 7.9, 8.0]
    assert sparkline(values, 9, low=0, high=8) == "▁▂ ██"
    assert sparkline(values, 9, low=0, high=8, ascii_only=True) == "_. ##"
    assert len(sparkline(np.arange(1000.0), 30, low=0, high=999)) == 30
    assert sparkline([3.0, 3.0], 5, low=3, high=3) == "▁▁"
    assert sparkline([], 5, low=0, high=1) == ""
