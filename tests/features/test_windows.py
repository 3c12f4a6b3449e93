"""Windows against loops over one window at a time; sampling stays inside the index."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import panel_of, wavy, with_garbage
from profiles import examples

from forecaster.features.transform import fit_transform
from forecaster.features.windows import Windows, count_features, index_windows


def last_resumed(panel, s, end):
    """The first row that a window of series s may use: after the last gap longer than `max_gap`."""
    begin = last = 0
    for row in range(end):
        if panel.observed[panel.offsets[s] + row, 0]:
            if panel.max_gap is not None and row - last - 1 > panel.max_gap:
                begin = row
            last = row
    return begin


def naive_level(panel, z, s, end, level_rows):
    """Mean of the last z before an origin; the first row is repeated before the series begins."""
    begin, start = last_resumed(panel, s, end), panel.offsets[s]
    rows = [start + max(end - back, begin) for back in range(1, level_rows + 1)]
    return np.float32(sum(float(z[row, 0]) for row in rows) / level_rows)


def naive_inputs(panel, z, observed, series, origins, *, lookback, segment, gaps, level_rows):
    """Inputs (T, F, B) and mask (T, B), number by number."""
    steps, channels = lookback // segment, z.shape[1]
    features = segment * (channels + (1 if gaps else 0))
    inputs = np.zeros((steps, features, len(series)), np.float32)
    mask = np.zeros((steps, len(series)), bool)
    for b, (s, end) in enumerate(zip(series, origins, strict=True)):
        start = panel.offsets[s]
        level, begin = naive_level(panel, z, s, end, level_rows), last_resumed(panel, s, end)
        for step in range(steps):
            for place in range(segment):
                row = end - lookback + step * segment + place
                if row < begin:
                    continue
                mask[step, b] = True
                for c in range(channels):
                    inputs[step, c * segment + place, b] = z[start + row, c] - (level if c == 0 else 0)
                if gaps:
                    inputs[step, channels * segment + place, b] = observed[start + row, 0]
    return inputs, mask


def naive_targets(panel, z, observed, series, origins, known, *, lookback, horizon, gaps, level_rows):
    """Targets (H, B), NaN where the weight is zero, and weights."""
    targets = np.full((horizon, len(series)), np.nan, np.float32)
    weights = np.zeros((horizon, len(series)), np.float32)
    for b, (s, end) in enumerate(zip(series, origins, strict=True)):
        start = panel.offsets[s]
        begin = last_resumed(panel, s, end)
        seen = observed[start + max(begin, end - lookback) : start + end, 0].any()
        for h in range(horizon):
            row = end + h
            near = row < known[s] and last_resumed(panel, s, row + 1) == begin
            if near and observed[start + row, 0] and (seen or not gaps):
                targets[h, b] = z[start + row, 0] - naive_level(panel, z, s, end, level_rows)
                weights[h, b] = 1
    return targets, weights


@pytest.fixture(scope="module")
def panel():
    """Three series with two covariates; the second has gaps, the third is short."""
    rng = np.random.default_rng(0)
    lengths, gaps = (40, 31, 5), (0.0, 0.3, 0.0)
    series = [
        np.column_stack([wavy(rng, n, gaps=g), rng.normal(size=n), rng.random(n)])
        for n, g in zip(lengths, gaps, strict=True)
    ]
    series[1][8:16, 0] = np.nan
    return panel_of(*series)


def windows_of(panel, *, known=None, horizon=5, **asked):
    known = panel.lengths if known is None else known
    fitted = fit_transform(panel, known, log=False, seasons=(7,), horizon=horizon)
    return Windows(
        panel, fitted, **{"lookback": 8, "segment": 2, "gaps": False} | asked, horizon=horizon
    ), fitted


def every_window(panel):
    """All origins of all series: (series (B,), origins (B,))."""
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    return series, np.concatenate([np.arange(1, n + 1) for n in panel.lengths])


@pytest.mark.parametrize("max_gap", [None, 7, 1, 0])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("level_rows", [1, 3, 12])
@pytest.mark.parametrize(("lookback", "segment"), [(8, 2), (8, 1), (9, 3), (6, 6), (60, 4), (100, 4), (1, 1)])
def test_batch_equals_loops(panel, gaps, lookback, segment, max_gap, level_rows):
    """Inputs, masks, targets and weights of every window equal those gathered number by number."""
    panel = dataclasses.replace(panel, max_gap=max_gap)
    assert panel.broken == (max_gap is not None)
    made, fitted = windows_of(panel, lookback=lookback, segment=segment, gaps=gaps, level_rows=level_rows)
    series, origins = every_window(panel)
    known = panel.lengths - [3, 4, 0]
    inside = origins <= known[series]
    series, origins = series[inside], origins[inside]
    batch = made.batch(series, origins, known)
    seen, asked = (
        (panel, fitted.z, fitted.observed, series, origins),
        {"gaps": gaps, "level_rows": level_rows},
    )
    inputs, mask = naive_inputs(*seen, lookback=lookback, segment=segment, **asked)
    targets, weights = naive_targets(*seen, known, lookback=lookback, horizon=5, **asked)
    np.testing.assert_array_equal(batch.inputs, inputs)
    np.testing.assert_array_equal(batch.weights, weights)
    np.testing.assert_array_equal(np.where(batch.weights > 0, batch.targets, np.nan), targets)
    np.testing.assert_array_equal(mask if batch.mask is None else batch.mask, mask)
    assert batch.mask is not None or mask.all()
    assert batch.inputs.dtype == batch.targets.dtype == batch.weights.dtype == np.float32
    assert batch.inputs.shape[1] == made.features == count_features(3, segment, gaps)


def test_a_batch_without_padding_has_no_mask(panel):
    """Without padding there is no mask."""
    made, _ = windows_of(panel)
    assert made.inputs(np.array([0, 1]), np.array([8, 31])).mask is None
    padded = made.inputs(np.array([0, 2]), np.array([8, 5])).mask
    assert padded[:, 0].all()
    assert padded[:, 1].tolist() == [False, True, True, True]


def test_a_batch_of_full_weight_has_no_weights(panel):
    """Weights are None if and only if every target is known and observed."""
    made, _ = windows_of(panel)
    series, origins = every_window(panel)
    weights = made.targets(series, origins, panel.lengths)[1]
    full = weights.all(axis=0)
    assert 0 < full.sum() < len(full)
    assert made.batch(series[full], origins[full], panel.lengths).weights is None
    np.testing.assert_array_equal(made.batch(series, origins, panel.lengths).weights, weights)


@pytest.mark.parametrize("known", [44, 45])
def test_one_row_too_few_weighs_nothing_where_all_is_observed(known):
    """In a series without gaps, the row after the last known one is the first without weight."""
    whole = panel_of(wavy(np.random.default_rng(0), 60))
    made, _ = windows_of(whole)
    batch = made.batch(np.array([0, 0]), np.array([39, 40]), np.array([known]))
    if known == 45:
        assert batch.weights is None
    else:
        assert batch.weights.T.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]
        assert batch.targets[-1, 1] == 0


def test_a_window_seen_alone_is_the_same(panel):
    """A window does not depend on the batch that it is in."""
    made, _ = windows_of(panel, gaps=True, level_rows=9)
    series, origins = every_window(panel)
    together = made.inputs(series, origins).inputs
    for b in (0, 7, 40, 60, 72):
        alone = made.inputs(series[b : b + 1], origins[b : b + 1]).inputs
        np.testing.assert_array_equal(together[:, :, b], alone[:, :, 0])


def test_level_is_the_last_known_value(panel):
    """Inputs are relative to the last z: that one is zero, and shifting a series changes nothing."""
    made, fitted = windows_of(panel, segment=1)
    inputs = made.inputs(np.array([0]), np.array([20])).inputs
    assert inputs[-1, 0, 0] == 0
    assert made.level(np.array([0]), np.array([20]))[0] == fitted.z[19, 0]
    shifted = dataclasses.replace(fitted, z=fitted.z + np.float32(16))
    again = Windows(panel, shifted, lookback=8, segment=1, horizon=5, gaps=False)
    moved = again.inputs(np.array([0]), np.array([20])).inputs
    np.testing.assert_allclose(moved[:, 0], inputs[:, 0], atol=1e-5)


def test_inputs_never_read_past_the_end(panel):
    """The inputs do not depend on rows at or after the origin."""
    origins = np.array([22, 17, 4])
    made, _ = windows_of(panel, lookback=12, known=origins, gaps=True, level_rows=3)
    noisy, _ = windows_of(with_garbage(panel, origins), lookback=12, known=origins, gaps=True, level_rows=3)
    one, other = (w.inputs(np.arange(3), origins) for w in (made, noisy))
    assert one.inputs.tobytes() == other.inputs.tobytes()
    assert one.mask.tobytes() == other.mask.tobytes()


def test_targets_at_or_after_known_weigh_nothing(panel):
    """Garbage at or after `known` reaches no target that has weight, whatever the origin."""
    known = np.array([30, 25, 4])
    made, _ = windows_of(panel, known=known)
    noisy, _ = windows_of(with_garbage(panel, known), known=known)
    series, origins = every_window(panel)
    inside = origins < known[series]
    series, origins = series[inside], origins[inside]
    (targets, weights), (others, same) = (w.targets(series, origins, known) for w in (made, noisy))
    assert weights.tobytes() == same.tobytes()
    assert (targets * weights).tobytes() == (others * same).tobytes()
    last = weights[:, origins == known[series] - 1]
    np.testing.assert_array_equal(last.sum(axis=0), panel.observed[panel.offsets[:-1] + known - 1, 0])


# --- the index ------------------------------------------------------------------------------------------

knowns = st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(lambda rows: max(rows) >= 2)


@given(knowns, st.integers(1, 30), st.integers(1, 20), st.none() | st.integers(0, 20))
@examples(300)
def test_index_holds_what_can_be_learned(rows, lookback, horizon, recent):
    """Each origin has a row before and a target after it, and all of both where the series is long enough."""
    known = np.array(rows)
    index = index_windows(known, lookback, horizon, recent=recent)
    assert index.series.tolist() == [s for s, n in enumerate(rows) if n >= 2]
    for s, first, last in zip(index.series, index.first, index.last, strict=True):
        n = rows[s]
        assert 1 <= first <= last < n
        if n >= lookback + horizon and n >= 2 * lookback - 1:
            assert last == n - horizon
            assert first == (lookback if recent is None else max(lookback, last - recent))
        if n > horizon + (n + 1) // 2:
            assert last + horizon <= n
        if n < 2 * lookback:
            assert first >= (n + 1) // 2
        if recent is not None:
            assert last - first <= recent
    assert len(index) == sum(last - first + 1 for first, last in zip(index.first, index.last, strict=True))


def test_partial_targets_never_pass_known():
    """A series shorter than the horizon gives the targets it has, and none after the known rows."""
    panel = panel_of(np.arange(1.0, 41), np.arange(5.0, 17), [1.0, 2.0, 4.0, 8.0], [3.0, 1.0])
    known = np.array([40, 10, 3, 2])
    made, _ = windows_of(panel, lookback=8, horizon=9, known=known)
    index = index_windows(known, 8, 9)
    rng = np.random.default_rng(0)
    series, origins = index.sample(500, rng=rng)
    _, weights = made.targets(series, origins, known)
    assert set(series) == {0, 1, 2, 3}
    np.testing.assert_array_equal(weights.sum(axis=0), np.minimum(9, known[series] - origins))
    assert weights.sum(axis=0).min() >= 1


def test_sampling_stays_inside_and_reaches_everything():
    """Draws lie in the index and cover all of it; short series are drawn as often as long ones."""
    known = np.array([12, 40, 1, 25])
    index = index_windows(known, 6, 3)
    series, origins = index.sample(6000, rng=np.random.default_rng(1))
    drawn = set(zip(series.tolist(), origins.tolist(), strict=True))
    expected = {
        (int(s), end)
        for s, first, last in zip(index.series, index.first, index.last, strict=True)
        for end in range(first, last + 1)
    }
    assert drawn == expected
    assert len(index) == len(expected)
    counts = np.bincount(series, minlength=4)
    assert counts[2] == 0
    np.testing.assert_allclose(counts[[0, 1, 3]] / 6000, 1 / 3, atol=0.03)


def test_sampling_repeats_with_its_seed():
    """The same generator draws the same windows."""
    index = index_windows(np.array([30, 20]), 6, 3)
    one, other = (index.sample(50, rng=np.random.default_rng(7)) for _ in range(2))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("alias", "season", "tz", "phase"),
    [
        ("h", 24, None, lambda time: time.hour),
        ("h", 24, "Asia/Kolkata", lambda time: time.hour),
        ("30min", 336, None, lambda time: 48 * time.weekday() + 2 * time.hour + time.minute // 30),
        ("D", 7, None, lambda time: time.weekday()),
        ("ME", 12, None, lambda time: time.month - 1),
        ("QS", 4, None, lambda time: time.quarter - 1),
    ],
)
def test_phases_are_those_of_the_calendar(alias, season, tz, phase):
    """Each step has the sine and cosine of the seasonal position of its last row, in local time."""
    rng = np.random.default_rng(3)
    times = [pd.date_range(start, periods=50, freq=alias, tz=tz) for start in ("2019-05-07", "1968-02-29")]
    panel = panel_of(wavy(rng, 50), wavy(rng, 50), seasons=(season,), alias=alias)
    ns = np.concatenate([each.as_unit("ns").asi8 for each in times])
    panel = dataclasses.replace(panel, time=ns, names=dataclasses.replace(panel.names, tz=tz))
    fitted = fit_transform(panel, panel.lengths, log=False, seasons=(), horizon=2)
    made = Windows(panel, fitted, lookback=12, segment=3, horizon=2, gaps=False, phases=(season, 5))
    series, origins = np.array([0, 1, 1]), np.array([30, 12, 41])
    inputs = made.inputs(series, origins).inputs
    assert inputs.shape == (4, made.features, 3) == (4, 3 + 4, 3)
    for b, (s, end) in enumerate(zip(series, origins, strict=True)):
        for step in range(4):
            angle = 2 * np.pi * phase(times[s][end - 12 + 3 * step + 2]) / season
            np.testing.assert_allclose(inputs[step, 3:5, b], [np.sin(angle), np.cos(angle)], atol=1e-6)
