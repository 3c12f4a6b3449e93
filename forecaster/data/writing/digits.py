"""Numbers with as many digits as mean something, for CSV and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.series.hierarchy.tree import Tree
from forecaster.errors import UsageError

DIGITS = 7
"""Significant digits of the largest number of a series: those of float32, in which networks compute."""
MORE = 8
"""Further digits where intervals are narrow."""
OF_WIDTH = 3
"""Significant digits of the narrowest interval."""
MOST = 17
"""Significant digits that tell any two numbers of float64 apart."""
EXACT = 22
"""Powers of ten up to this one are exact in float64: a number rounded to so many decimals prints as such."""


def check_digits(digits: int | None) -> None:
    """Raise UsageError for a number of digits that no number can have."""
    if digits is not None and not 1 <= digits <= MOST:
        raise UsageError(f"digits cannot be {digits}", hint=f"Give a whole number from 1 to {MOST}.")


def rounded(columns: Mapping[str, Floats], digits: int | None = None) -> dict[str, Floats]:
    """The numbers of each column (S, ...) with the same number of decimals throughout a series.

    `digits`: significant digits of the largest number of the series. None: DIGITS of them, and up to MORE
    where the interval from the least to the largest column at a step would have less than OF_WIDTH itself.
    Whole numbers are never rounded to tens.
    """
    if digits is not None and digits >= MOST:
        return dict(columns)
    decimals = _decimals(_stacked(columns), digits)
    return {name: _to_decimals(values, decimals, digits or DIGITS) for name, values in columns.items()}


def rounded_sums(
    values: Floats, columns: Mapping[str, Floats], tree: Tree, digits: int | None = None
) -> Floats:
    """Values (S, ...) that are rounded as the `columns` are, each sum of the tree made of those of its parts.

    It has as many decimals as they have: numbers add up as they are printed.
    """
    if digits is not None and digits >= MOST:
        return tree.summed(values)
    decimals = tree.most(_decimals(_stacked(columns), digits))
    return _to_decimals(tree.summed(values), decimals, digits or DIGITS)


def rounded_like(
    values: Floats, tables: Sequence[Mapping[str, Floats]], digits: int | None, tree: Tree | None = None
) -> Floats:
    """`values` (S, ...) with the most decimals that `rounded` gives a series in any of the tables; of a tree,
    with those of `rounded_sums`.

    The difference of two rounded numbers then is the one that a reader of them finds.
    """
    if digits is not None and digits >= MOST:
        return values
    decimals = np.max([_decimals(_stacked(columns), digits) for columns in tables], axis=0)
    return _to_decimals(values, decimals if tree is None else tree.most(decimals), digits or DIGITS)


def _stacked(columns: Mapping[str, Floats]) -> Floats:
    """All numbers (C, S, N)."""
    return np.stack([values.reshape(len(values), -1) for values in columns.values()])


def _decimals(numbers: Floats, digits: int | None) -> Ints:
    """Decimals (S,) for the series of `numbers` (C, S, N)."""
    largest = np.abs(numbers).max(axis=(0, 2))
    by_size = (digits or DIGITS) - 1 - _power(largest)
    if digits is not None:
        return np.maximum(by_size, 0)
    with np.errstate(invalid="ignore"):  # a width between infinities
        widths = numbers.max(axis=0) - numbers.min(axis=0)  # (S, N)
    narrowest = np.where(widths > 0, widths, np.inf).min(axis=1)
    by_width = np.where(np.isfinite(narrowest), OF_WIDTH - 1 - _power(narrowest), 0)
    return np.maximum(np.clip(by_width, by_size, by_size + MORE), 0)


def _power(sizes: Floats) -> Ints:
    """The power of ten of the first digit; 0 for zero and for what is not finite."""
    usable = np.isfinite(sizes) & (sizes > 0)
    return np.floor(np.log10(sizes, where=usable, out=np.zeros(sizes.shape))).astype(np.int64)


def _to_decimals(values: Floats, decimals: Ints, digits: int) -> Floats:
    """`values` (S, ...) rounded to `decimals` (S,); beyond EXACT decimals, to `digits` significant ones."""
    result = np.array(values, dtype=float)
    for count in np.unique(decimals):
        chosen = decimals == count
        if count <= EXACT:
            result[chosen] = np.round(result[chosen], count)
        else:
            result[chosen] = np.vectorize(lambda value: float(f"{value:.{digits - 1}e}"))(result[chosen])
    return result
