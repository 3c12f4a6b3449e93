"""Thinned lines keep every peak, every gap and both ends."""

import numpy as np
import pytest

from forecaster.report.thinning import kept_rows, merged


@pytest.mark.parametrize("rows", [0, 1, 7, 40, 41, 1000, 12_345])
def test_every_bin_keeps_its_extremes(rows):
    """No bin loses its least or greatest value, the ends stay, and there are at most four rows a bin."""
    values = np.random.default_rng(1).normal(size=rows)
    kept = kept_rows(values, 10)
    assert len(kept) <= 40
    assert (np.diff(kept) > 0).all()
    size = -(-rows // 10) if rows else 1
    for start in range(0, rows, size):
        block, shown = values[start : start + size], values[kept[(kept >= start) & (kept < start + size)]]
        assert (shown.min(), shown.max()) == (block.min(), block.max())
    if rows:
        assert (kept[0], kept[-1]) == (0, rows - 1)


def test_a_gap_stays_a_gap():
    """A bin without values keeps a missing row; one missing row among values goes."""
    values = np.arange(1000.0)
    values[300:500] = np.nan
    values[700] = np.nan
    kept = kept_rows(values, 10)
    assert np.isnan(values[kept]).sum() == 2
    assert 700 not in kept
    assert {299, 500} <= set(kept)


def test_spans_close_to_each_other_become_one():
    """Spans fewer than `least` rows apart are joined."""
    starts, stops = merged(np.array([0, 5, 20]), np.array([3, 8, 21]), 4)
    assert (starts.tolist(), stops.tolist()) == ([0, 20], [8, 21])
    assert merged(starts[:0], stops[:0], 4)[0].tolist() == []
