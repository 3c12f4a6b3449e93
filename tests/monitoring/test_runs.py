"""Stuck and silent series, against loops."""

import numpy as np

from forecaster.monitoring.runs import FEWEST, LONGER, SILENT, STUCK, Run, held_rows, silent_runs, stuck_runs


def naive_stuck(values, observed):
    """Walk along the readings and count how often each repeats; ends of the range are not looked at."""
    found, length, longest, first, seen = [], 0, 0, 0, 0
    last = None
    for row, (value, known) in enumerate(zip(values, observed, strict=True)):
        if not known:
            continue
        if value == last:
            length += 1
        else:
            longest, length, first, start = max(longest, length), 1, row, seen
        last = value
        if length == max(STUCK, LONGER * longest) and start >= FEWEST:
            found.append(Run(first, row))
        seen += 1
    return found


def test_stuck_runs_are_found_row_by_row() -> None:
    """The same runs as a walk along the rows, with missing rows between."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = np.round(rng.normal(size=300), 1)
        for start in rng.integers(30, 280, size=3):
            values[start : start + rng.integers(3, 40)] = np.round(rng.normal() / 5, 1)
        values[[5, 6]] = -99.0, 99.0  # the ends of the range
        observed = rng.random(300) < 0.95
        assert stuck_runs(values, observed) == naive_stuck(values, observed)


def test_a_rest_at_an_end_of_the_range_is_not_stuck() -> None:
    """Nights of zeros, even a long one; but a zero that was never seen is."""
    day = np.concatenate([np.zeros(8), 1 + np.arange(16.0)])
    values = np.tile(day, 10)
    values[200:] = 0.0
    assert not stuck_runs(values, np.ones(240, bool))
    values = np.concatenate([1 + np.random.default_rng(1).random(100), np.zeros(40)])
    assert stuck_runs(values, np.ones(140, bool)) == [Run(100, 111)]


def test_usual_repeats_are_not_stuck() -> None:
    """A run must be five times as long as any before it; a constant series has none."""
    values = np.repeat(np.arange(20.0) % 7, 10)
    values = np.concatenate([values, np.full(49, 3.5), values[:5]])
    assert not stuck_runs(values, np.ones(len(values), bool))
    assert stuck_runs(np.insert(values, 220, 3.5), np.ones(len(values) + 1, bool)) == [Run(200, 249)]
    assert not stuck_runs(np.full(100, 5.0), np.ones(100, bool))


def test_held_rows_repeat_more_often_than_ever() -> None:
    """From the fourth reading on, in a walk along the rows; a constant series never."""
    rng = np.random.default_rng(5)
    values, observed = np.round(rng.normal(size=300), 1), rng.random(300) < 0.9
    for start, length in ((40, 6), (100, 6), (150, 9)):
        values[start : start + length] = 0.5
    times, longest, seen, last = 0, 0, 0, None
    expected = np.zeros(300, bool)
    for row in np.flatnonzero(observed):
        if values[row] == last:
            times += 1
        else:
            longest, times, first = max(longest, times), 1, seen
        last, seen = values[row], seen + 1
        expected[row] = times >= 4 and times > longest and first >= FEWEST
    assert expected.any()
    np.testing.assert_array_equal(held_rows(values, observed), expected)
    assert not held_rows(np.full(50, 2.0), np.ones(50, bool)).any()
    assert not held_rows(np.full(50, 2.0), np.zeros(50, bool)).any()


def naive_silent(seen):
    """Walk along the rows and count the missing ones."""
    found, missing, longest, known = [], 0, 0, 0
    for row, here in enumerate(seen):
        if here:
            longest, missing, known = max(longest, missing), 0, known + 1
            continue
        missing += 1
        if missing == max(SILENT, LONGER * longest) and known >= FEWEST:
            found.append(Run(row - missing + 1, row))
    return found


def test_silent_runs_are_found_row_by_row() -> None:
    """Within the rows of a series, and after its last one."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        seen = rng.random(200) < 0.97
        for start in rng.integers(25, 190, size=2):
            seen[start : start + rng.integers(2, 30)] = False
        last = np.flatnonzero(seen)[-1] + 1
        assert silent_runs(seen[:last], 200 - last) == naive_silent(seen)
