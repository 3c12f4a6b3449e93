"""Gaps too long to cross: how long that is, and that no window, forecast or score reaches over one."""

import dataclasses
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import DAY, panel_of, wavy

from forecaster.config import MemberConfig, NetworkConfig, ReadConfig, TrainingConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.calendar.gaps import longest_crossed
from forecaster.data.load import load
from forecaster.data.series.health import examine
from forecaster.errors import DataError, UsageError
from forecaster.evaluation.backtest import held_out
from forecaster.features.transform import fit_transform
from forecaster.features.windows import Windows, index_windows
from forecaster.forecasting.components import point_forecasts
from forecaster.methods.blend import Blend
from forecaster.model.model import Member, Networks
from forecaster.nn.network import Network
from forecaster.training.member import _training_data
from forecaster.training.plan import Split, newest_origins

GAP = 3
masks = st.lists(st.booleans(), min_size=2, max_size=40).map(lambda seen: [True, *seen, True])


def panel_seen(*seen, max_gap=GAP):
    """A panel whose series are observed as given; all values differ."""
    rng = np.random.default_rng(0)
    series = [np.where(mask, rng.normal(size=len(mask)), np.nan) for mask in seen]
    return dataclasses.replace(panel_of(*series), max_gap=max_gap)


def crosses(seen, rows, max_gap):
    """Whether more than `max_gap` rows in a row are missing between two observed of `rows`."""
    used = [row for row in sorted(rows) if seen[row]]
    return any(run > max_gap for a, b in pairwise(used) for run in [longest_missing(seen[a + 1 : b])])


def longest_missing(seen):
    """The longest run of False."""
    longest = run = 0
    for here in seen:
        run = 0 if here else run + 1
        longest = max(longest, run)
    return longest


# --- how long is too long -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "alias", "rows"),
    [
        (None, "h", 48), (None, "D", 14), (None, "MS", 24), (None, "B", 10), (None, "YS", 10),
        (None, "5min", 576), ("any", "h", None), (24, "h", 24), ("24", "D", 24), ("0", "h", 0),
        ("2h", "h", 2), ("2h", "5min", 24), ("90min", "h", 1), ("5min", "h", 0), ("1D", "h", 24),
        ("2W", "D", 14), ("4W", "W-SUN", 4), ("1QS", "MS", 3), ("1YS", "ME", 12), (" 2 hours ", "h", 2),
        (5, "B", 5),
    ],
)  # fmt: skip
def test_how_many_rows_may_be_missing(asked, alias, rows):
    """A number counts rows; a duration is divided by the step; the default is two seasons."""
    assert longest_crossed(asked, frequency(alias)) == rows


@pytest.mark.parametrize("asked", ["-3", -3, "2.5", "abc", "", "0h", "h2", "ANY?", "½", "2h30", "2 4", "5m"])
def test_what_is_no_length(asked):
    """Anything else is refused with examples of valid values."""
    with pytest.raises(UsageError, match="max_gap cannot be") as caught:
        longest_crossed(asked, frequency("h"))
    assert "such as 2h" in caught.value.hint


@pytest.mark.parametrize(("asked", "alias"), [("1MS", "h"), ("30D", "MS"), ("5D", "B"), ("2QS", "W")])
def test_durations_that_are_no_number_of_rows(asked, alias):
    """Months have no fixed number of days, and days no fixed number of business days."""
    with pytest.raises(UsageError, match=f"not a whole number of rows of {alias}") as caught:
        longest_crossed(asked, frequency(alias))
    assert "number of rows" in caught.value.hint


# --- spans ----------------------------------------------------------------------------------------------


@given(st.lists(masks, min_size=1, max_size=4), st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_spans_equal_a_walk(seen, max_gap):
    """Each span begins with its series or after a longer gap, and ends before one or with its series."""
    panel = panel_seen(*seen, max_gap=max_gap)
    expected = []
    for number, mask in enumerate(seen):
        start = last = 0
        for row in np.flatnonzero(mask).tolist():
            if row - last - 1 > max_gap:
                expected.append((number, start, last + 1))
                start = row
            last = row
        expected.append((number, start, len(mask)))
    series, start, stop = panel.spans
    offset = panel.offsets[series]
    assert (
        list(zip(series.tolist(), (start - offset).tolist(), (stop - offset).tolist(), strict=True))
        == expected
    )
    assert panel.broken == (len(expected) > len(seen))
    rows = np.arange(len(panel.values))
    begin, following = panel.spans.around(rows)
    edges = np.append(start, len(rows))
    for row in rows:
        assert begin[row] == max(edge for edge in edges if edge <= row)
        assert following[row] == min(edge for edge in edges if edge > row)


def test_any_gap_may_be_crossed():
    """Without a bound each series is one span."""
    panel = panel_seen([True, *[False] * 30, True], max_gap=None)
    assert not panel.broken


def test_business_days_without_rows_are_missing():
    """A share that did not trade for three weeks has a gap of 15 business days between two rows."""
    days = np.r_[np.arange(4, 9), np.arange(11, 16), np.arange(39, 44), np.arange(46, 51)]  # from a Monday on
    panel = panel_of(np.arange(20.0) + 1, seasons=(5,), alias="B")
    panel = dataclasses.replace(panel, time=days * DAY, max_gap=14)
    assert panel.spans.start.tolist() == [0, 10]
    assert not dataclasses.replace(panel, max_gap=15).broken
    two = panel_of(np.arange(10.0), np.arange(10.0), seasons=(5,), alias="B")  # one before the other
    assert not dataclasses.replace(two, time=days * DAY, max_gap=2).broken


# --- windows --------------------------------------------------------------------------------------------


@given(
    st.lists(masks, min_size=1, max_size=3),
    st.integers(0, 6),
    st.integers(1, 12),
    st.integers(1, 6),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_no_training_window_crosses_a_longer_gap(seen, max_gap, lookback, horizon, data):
    """What is seen of a window that may be drawn, and what has weight, lies on one side of each such gap."""
    panel = panel_seen(*seen, max_gap=max_gap)
    known = np.array([data.draw(st.integers(0, len(mask))) for mask in seen])
    try:
        index = index_windows(known, lookback, horizon, panel=panel)
    except DataError:
        assert panel.broken
        return
    if not len(index):
        return
    series, ends = every_window(index)
    z = np.arange(1.0, 1 + len(panel.values), dtype=np.float32)[:, None]  # the row tells itself
    fitted = dataclasses.replace(
        fit_transform(panel, np.maximum(known, 1), log=False, seasons=(), horizon=horizon), z=z
    )
    windows = Windows(panel, fitted, lookback=lookback, segment=1, horizon=horizon, gaps=False)
    batch = windows.batch(series, ends, known)
    for b, (s, end) in enumerate(zip(series.tolist(), ends.tolist(), strict=True)):
        shown = np.arange(end - lookback, end)[batch.mask[:, b] if batch.mask is not None else slice(None)]
        levels = batch.inputs[-len(shown) :, 0, b] + z[panel.offsets[s] + end - 1]
        np.testing.assert_array_equal(levels, panel.offsets[s] + shown + 1)
        targets = end + (np.arange(horizon) if batch.weights is None else np.flatnonzero(batch.weights[:, b]))
        assert end < known[s]
        assert all(row < known[s] and seen[s][row] for row in targets)
        assert not crosses(seen[s], [*shown.tolist(), *targets.tolist()], max_gap), (s, end)


def every_window(index):
    """All windows of an index."""
    ranges = list(zip(index.series.tolist(), index.first.tolist(), index.last.tolist(), strict=True))
    pairs = [(s, end) for s, first, last in ranges for end in range(first, last + 1)]
    return tuple(np.array(part) for part in zip(*pairs, strict=True))


def test_windows_far_from_gaps_stay_as_they_are():
    """What a window shows between gaps, or across shorter ones, does not depend on the bound."""
    seen = np.ones(60, bool)
    seen[20:30] = seen[45:47] = False
    panel = panel_seen(seen)
    both = [dataclasses.replace(panel, max_gap=bound) for bound in (GAP, None)]
    fitted = fit_transform(both[1], panel.lengths, log=False, seasons=(), horizon=4)
    near, far = (Windows(each, fitted, lookback=6, segment=2, horizon=4, gaps=True) for each in both)
    ends = np.r_[np.arange(6, 17), np.arange(36, 57)]
    series = np.zeros(len(ends), np.int64)
    one, other = (each.batch(series, ends, panel.lengths) for each in (near, far))
    assert one.inputs.tobytes() == other.inputs.tobytes()
    assert (one.targets * one.weights).tobytes() == (other.targets * other.weights).tobytes()
    assert one.weights.tobytes() == other.weights.tobytes()


def test_every_window_of_a_span_is_drawn():
    """All series are drawn equally often, whatever the number of their spans, and so are their windows."""
    broken = np.r_[
        np.ones(12, bool), np.zeros(5, bool), np.ones(20, bool), np.zeros(9, bool), np.ones(8, bool)
    ]
    panel = panel_seen(broken, np.ones(30, bool))
    index = index_windows(panel.lengths, 5, 3, panel=panel)
    series, ends = index.sample(8000, rng=np.random.default_rng(2))
    assert set(zip(series.tolist(), ends.tolist(), strict=True)) == set(
        zip(*map(list, every_window(index)), strict=True)
    )
    np.testing.assert_allclose(np.bincount(series) / 8000, 1 / 2, atol=0.03)
    counts = np.bincount(ends[series == 0])
    assert counts[counts > 0].min() > 0.6 * counts.max()


def test_windows_begin_with_their_span():
    """After a gap one row is enough history for a window, as for a forecast soon after a gap."""
    seen = np.r_[np.ones(20, bool), np.zeros(5, bool), np.ones(12, bool)]
    index = index_windows(np.array([37]), 8, 3, panel=panel_seen(seen))
    assert list(zip(index.first.tolist(), index.last.tolist(), strict=True)) == [(8, 17), (26, 34)]
    recent = index_windows(np.array([37]), 8, 3, recent=20, panel=panel_seen(seen))
    assert list(zip(recent.first.tolist(), recent.last.tolist(), strict=True)) == [(14, 17), (26, 34)]
    recent = index_windows(np.array([37]), 8, 3, recent=4, panel=panel_seen(seen))
    assert list(zip(recent.first.tolist(), recent.last.tolist(), strict=True)) == [(30, 34)]


def test_nothing_to_learn_from():
    """Where gaps leave no two rows together, the error names the way out."""
    panel = panel_seen(np.arange(21) % 2 == 0, max_gap=0)
    with pytest.raises(DataError, match="gap between observed rows is longer than 0") as caught:
        index_windows(panel.lengths, 4, 2, panel=panel)
    assert "--max-gap any" in caught.value.hint


# --- filling, forecasts and scores ----------------------------------------------------------------------


def test_filling_ends_where_the_gap_is_too_long():
    """A gap keeps the last value for as many rows as may be missing, then the centre: zero."""
    x = np.arange(30.0)
    x[5:12] = np.nan
    y = 50 + np.arange(30.0)
    covariate = np.where((x > 14) & (x < 22), np.nan, x)
    panel = dataclasses.replace(panel_of(np.column_stack([y, covariate])), max_gap=GAP)
    z = fit_transform(panel, panel.lengths, log=False, seasons=(), horizon=3).z[:, 1]
    assert (z[5:8] == z[4]).all()
    assert (z[8:12] == 0).all()
    assert (z[15:18] == z[14]).all()
    assert (z[18:22] == 0).all()


@pytest.mark.parametrize("rows_after", [1, 2, 7, 30])
def test_a_forecast_after_a_gap_uses_only_rows_after_it(rows_after):
    """Other values before the gap, of the same scale, change neither network nor smoothing."""
    rng = np.random.default_rng(3)
    before, after = wavy(rng, 40), wavy(rng, rows_after)
    hole = np.full(GAP + 1, np.nan)
    other = 500 + before[::-1]  # the mean size of its steps is the same
    panels = [
        dataclasses.replace(panel_of(np.r_[part, hole, after]), max_gap=GAP) for part in (before, other)
    ]
    member = member_of(small_network())
    blend = Blend({"network 1": 0.4, "theta": 0.3, "damped": 0.3}, log=False, seasons=())
    one, changed = (point_forecasts(Networks((member,)), blend, each, each.lengths) for each in panels)
    np.testing.assert_allclose(changed, one, rtol=1e-4)
    crossing = [dataclasses.replace(each, max_gap=None) for each in panels]
    one, changed = (point_forecasts(Networks((member,)), blend, each, each.lengths) for each in crossing)
    assert abs(changed - one).max() > 0.05


def small_network():
    """For segments of two rows, each with its flag, and five steps ahead."""
    config = NetworkConfig(cell="gru", inputs=4, hidden=6, outputs=5)
    return Network(config, rng=np.random.default_rng(1))


def member_of(network):
    """A member that looks 16 rows back in segments of 2."""
    config = MemberConfig(
        horizon=5, lookback=16, segment=2, log=False, seasons=(), gaps=True, phases=(), seed=0,
        network=network.config, training=TrainingConfig(),
    )  # fmt: skip
    return Member(config, network)


@given(masks, st.integers(0, 5), st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_rows_after_a_longer_gap_are_not_scored(seen, max_gap, horizon):
    """Actual values count up to the first gap, after the last row known, that is too long."""
    panel = panel_seen(seen, max_gap=max_gap)
    ends = np.arange(1, len(seen) + 1)
    actual = held_out(panel, ends[:, None], horizon)[:, 0]
    for end, values in zip(ends.tolist(), actual, strict=True):
        before = max(row for row in range(end) if seen[row])
        for step, value in enumerate(values):
            row = end + step
            counts = row < len(seen) and seen[row] and longest_missing(seen[before + 1 : row]) <= max_gap
            assert np.isfinite(value) == counts


def test_nothing_to_validate_on():
    """If the rows held out lie in a gap, they do not stop training."""
    seen = np.r_[np.ones(30, bool), np.zeros(8, bool), np.ones(12, bool)]
    panel, config = panel_seen(seen), member_of(small_network()).config
    for train, validation, any_value in ((30, 38, False), (30, 39, False), (24, 38, True), (30, 44, True)):
        parts = Split(np.array([train]), np.array([validation]))
        data = _training_data(panel, parts, config, np.random.default_rng(0))
        assert (data.validation is not None) == any_value
    assert data.index.series.tolist() == [0]
    data = _training_data(panel, Split(np.array([48]), np.array([50])), config, np.random.default_rng(0))
    assert data.index.series.tolist() == [0, 0]


def test_the_newest_origin_before_whole_rows():
    """The rows held out for the report lie between gaps: not after a gap that the forecast does not see."""
    resumed = np.r_[np.ones(40, bool), np.zeros(9, bool), np.ones(6, bool)]
    panel = panel_seen(resumed, np.ones(20, bool), np.ones(4, bool), [True, *[False] * 7, True])
    assert newest_origins(panel, 5).tolist() == [50, 15, 0, 4]
    assert newest_origins(panel, 6).tolist() == [34, 14, 0, 3]
    assert newest_origins(dataclasses.replace(panel, max_gap=None), 6).tolist() == [49, 14, 0, 3]


# --- findings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "named"), [(1, True), (6, True), (7, False), (30, False)])
def test_series_that_resumed_lately_are_named(rows, named):
    """A finding names series with little history since an outage."""
    seen = np.r_[np.ones(40, bool), np.zeros(20, bool), np.ones(rows, bool)]
    panel = panel_seen(np.ones(50, bool), seen, max_gap=14)
    panel = dataclasses.replace(panel, frequency=frequency("D"))
    found = {each.code: each for each in examine(panel, now=2**62)}
    assert ("S004" in found) == named
    assert found["V006"].places == ("20 rows after 1970-02-09 00:00:00 in 's001'",)
    if named:
        assert (found["S004"].count, found["S004"].places) == (1, (f"{rows} since 1970-03-02 00:00:00",))
        assert "'s001'" in found["S004"].message
    crossing = {each.code: each for each in examine(dataclasses.replace(panel, max_gap=None), now=2**62)}
    assert "S004" not in crossing
    assert crossing["V006"].action == "crossed, as asked"


def test_the_longest_gaps_are_named():
    """Of many gaps the three longest are named, the longest first."""
    lengths = [4, 9, 5, 20, 4, 12]
    seen = np.concatenate([np.r_[np.ones(3, bool), np.zeros(length, bool)] for length in lengths] + [[True]])
    (found,) = [each for each in examine(panel_seen(seen), now=2**62) if each.code == "V006"]
    assert found.count == len(lengths)
    assert [place.split()[0] for place in found.places] == ["20", "12", "9"]


def test_prices_are_never_filled_in():
    """Up to ten business days without trade are stepped over, and said to be; more are not crossed."""
    days = pd.bdate_range("2024-01-01", periods=90)
    closes = pd.DataFrame({"date": days, "close": 100 + np.arange(90.0)})
    for missing, code in ((5, None), (6, "D005"), (10, "D005"), (11, "V006"), (25, "V006")):
        loaded = load(closes.drop(index=range(40, 40 + missing)))
        found = {each.code for each in loaded.findings} & {"D005", "V006"}
        assert found == ({code} if code else set()), missing
        assert len(loaded.panel.values) == 90 - missing
        assert loaded.panel.broken == (code == "V006")
        assert (
            load(closes.drop(index=range(40, 40 + missing)), ReadConfig(max_gap=missing)).panel.broken
            is False
        )
