"""Passes by blocks give what one pass over the whole gives."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.data.rows import blockwise as passes


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three elements, so that short arrays have several."""
    monkeypatch.setattr(passes, "BLOCK", 3)


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
STEPS = st.lists(st.sampled_from([1, 1, 1, 2]), min_size=60, max_size=60)
NUMBERS = st.lists(st.integers(0, 2), max_size=12)


@given(NUMBERS, st.lists(st.integers(0, 1), min_size=12, max_size=12))
def test_neighbours(values: list[int], within: list[int]) -> None:
    """A comparison of all neighbours, of those in the same series, and the runs of equal values."""
    pairs = list(zip(values, values[1:], within, within[1:], strict=False))
    array, series = np.array(values, np.int64), np.array(within[: len(values)], np.int64)
    assert passes.always(np.greater, array) == all(b > a for a, b, _, _ in pairs)
    assert passes.always(np.greater, array, within=series) == all(b > a for a, b, s, t in pairs if s == t)
    assert passes.runs(array) == (1 + sum(b != a for a, b, _, _ in pairs) if values else 0)


@given(LENGTHS, STEPS, st.booleans())
def test_only_step(lengths: list[int], steps: list[int], even: bool) -> None:
    """The one step within series, whatever lies between the last row of one and the first of the next."""
    offsets = np.r_[0, np.cumsum(lengths)]
    time = np.cumsum([7 * step for step in ([1] * 60 if even else steps)])[: offsets[-1]]
    time = time + np.repeat(np.arange(len(lengths)) * 1000, lengths)
    found = {int(step) for a, b in pairwise(offsets) for step in np.diff(time[a:b])}
    assert passes.only_step(time, offsets) == (found.pop() if len(found) == 1 else None)


@given(LENGTHS, st.lists(st.sampled_from([0.5, 2.0, -3.0, np.nan]), min_size=60, max_size=60))
def test_over_series(lengths: list[int], numbers: list[float]) -> None:
    """A reduction of each series, though blocks end within series."""
    offsets = np.r_[0, np.cumsum(lengths)]
    values = np.array(numbers)[: offsets[-1]]
    for reduce, start in ((np.fmin, np.nan), (np.fmax, np.nan), (np.add, 0.0)):
        expected = [reduce.reduce(values[a:b]) for a, b in pairwise(offsets)]
        found = passes.over_series(reduce, values.__getitem__, offsets, start)
        np.testing.assert_array_equal(found, expected)
