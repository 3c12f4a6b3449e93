"""Grouped sorting, quantiles and sums against NumPy, one series at a time."""

import numpy as np
from flat import flat, with_garbage
from hypothesis import given
from hypothesis import strategies as st

from forecaster.data.rows import known_values as module
from forecaster.data.rows.known_values import blocks_of_series, known_values, run_starts

SERIES = st.lists(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)), max_size=20), min_size=1, max_size=8
)


@given(SERIES, st.floats(0, 1))
def test_each_series_is_treated_as_if_alone(series, level):
    """Sorted values, quantiles, sums and steps are NumPy's, with gaps closed; empty series give NaN."""
    values, observed, offsets, known = flat(*series)
    seen = known_values(values, observed, offsets, known)
    for number, each in enumerate(series):
        there = np.array([value for value in each if not np.isnan(value)])
        part = slice(seen.starts[number], seen.starts[number + 1])
        np.testing.assert_array_equal(seen.sorted[part], np.sort(there))
        expected = np.quantile(there, level) if len(there) else np.nan
        np.testing.assert_allclose(seen.quantile(level)[number], expected, rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(seen.total(seen.values)[number], there.sum(), atol=1e-6)
        np.testing.assert_allclose(seen.steps[part][1:], np.diff(there), atol=1e-6)


@given(SERIES, st.data())
def test_rows_from_the_origin_on_are_never_seen(series, data):
    """Garbage at or after the known rows changes nothing."""
    values, observed, offsets, lengths = flat(*series)
    known = np.array([data.draw(st.integers(0, int(length))) for length in lengths])
    seen = known_values(values, observed, offsets, known)
    other = known_values(with_garbage(values, offsets, known), observed, offsets, known)
    np.testing.assert_array_equal(seen.values, other.values)
    assert (seen.row < known[seen.series]).all()


def test_what_comes_first_and_what_is_left_out():
    """Rows before `first` and rows left out are not seen."""
    values, observed, offsets, known = flat([1, 2, 3, 4], [5, 6, 7])
    left_out = np.array([False, False, True, False, False, False, False])
    seen = known_values(values, observed, offsets, known, first=np.array([1, 2]), left_out=left_out)
    np.testing.assert_array_equal(seen.values, [2, 4, 7])
    np.testing.assert_array_equal(seen.row, [1, 3, 2])


def test_sorting_in_several_batches(monkeypatch):
    """Few cells at once give the same as many."""
    rng = np.random.default_rng(0)
    values, observed, offsets, known = flat(*[rng.normal(size=n) for n in (3, 50, 1, 7, 7, 50, 4)])
    whole = known_values(values, observed, offsets, known).sorted
    monkeypatch.setattr(module, "CELLS", 8)
    np.testing.assert_array_equal(known_values(values, observed, offsets, known).sorted, whole)


def test_runs_end_with_their_series():
    """Equal values on both sides of a border between series are two runs."""
    seen = known_values(*flat([1, 1, 2], [2, 2]))
    np.testing.assert_array_equal(run_starts(seen), [0, 2, 3])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_blocks_cover_every_series_once(lengths):
    """Blocks of whole series follow one another without a gap."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    parts = list(blocks_of_series(offsets))
    assert [part.start for part, _ in parts[1:]] == [part.stop for part, _ in parts[:-1]]
    assert (parts[0][0].start, parts[-1][0].stop) == (0, len(lengths))
    assert all(span == slice(offsets[part.start], offsets[part.stop]) for part, span in parts)
