"""Numbers are rounded to what means something, and never out of order."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from forecaster.data.writing.digits import check_digits, rounded
from forecaster.errors import UsageError

NUMBERS = st.floats(-1e9, 1e9).map(lambda value: 0.0 if abs(value) < 1e-9 else value)


def test_digits_of_the_largest_number():
    """Seven digits of the largest number of each series; all its numbers have as many decimals."""
    result = rounded({"a": np.array([[21.53871446, 0.123456789], [1.08432123, 1.0]])})
    np.testing.assert_array_equal(result["a"], [[21.53871, 0.12346], [1.084321, 1.0]])


def test_narrow_intervals_get_more():
    """An interval narrower than the seventh digit keeps three digits of its own, up to eight more."""
    low, high = np.array([[101325.12345678]]), np.array([[101325.12445678]])
    result = rounded({"lo": low, "hi": high})
    assert (result["lo"][0, 0], result["hi"][0, 0]) == (101325.12346, 101325.12446)


def test_whole_numbers_stay_whole():
    """A large number keeps all digits before its point."""
    assert rounded({"a": np.array([[123456789123.4]])})["a"][0, 0] == 123456789123.0


@pytest.mark.parametrize(("digits", "expected"), [(3, 21.5), (5, 21.539), (1, 22.0), (17, 21.53871446)])
def test_digits_as_asked(digits, expected):
    """--digits counts significant digits of the largest number."""
    assert rounded({"a": np.array([[21.53871446]])}, digits)["a"][0, 0] == expected


def test_tiny_and_undefined_numbers():
    """Numbers beyond exact powers of ten are rounded one by one; NaN, infinity and zero pass."""
    values = np.array([[1.23456789e-30, 0.0], [np.nan, np.inf], [0.0, 0.0]])
    result = rounded({"a": values})["a"]
    np.testing.assert_array_equal(result, [[1.234568e-30, 0.0], [np.nan, np.inf], [0.0, 0.0]])


@given(arrays.arrays(float, (3, 4), elements=NUMBERS))
def test_as_decimal_arithmetic_rounds(values):
    """The same as rounding each number by exact decimal arithmetic, and order is kept."""
    columns = {
        "lo": values.min(axis=0)[None],
        "mid": np.median(values, axis=0)[None],
        "hi": values.max(axis=0)[None],
    }
    result = rounded(columns, 7)
    largest = np.abs(values).max()
    decimals = max(6 - (Decimal(float(largest)).adjusted() if largest else 0), 0)
    for name, numbers in columns.items():
        for value, got in zip(numbers[0], result[name][0], strict=True):
            exact = Decimal(float(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
            assert abs(Decimal(float(got)) - exact) <= Decimal(1).scaleb(-decimals - 6) + abs(
                exact
            ) * Decimal("1e-15")
    assert (result["lo"] <= result["mid"]).all()
    assert (result["mid"] <= result["hi"]).all()


@pytest.mark.parametrize("digits", [0, -1, 18])
def test_impossible_digits(digits):
    """No number has as few or as many."""
    with pytest.raises(UsageError, match="digits cannot be"):
        check_digits(digits)
