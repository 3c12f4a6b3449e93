"""What is seen from an origin, and which actual values say how large errors usually are."""

import numpy as np
from flat import walk
from panels import panel_of, with_garbage

from forecaster.evaluation.backtest import held_out
from forecaster.features.view import cleaned, comparable

HORIZON = 5


def eventful():
    """A series with a change of level in row 130, one with a broken reading in row 126, a healthy one."""
    shifted, broken = walk(150, seed=0), walk(150, start=50, seed=1)
    shifted[130:] /= 10
    broken[126] = -999.0
    return panel_of(shifted, broken, walk(150, seed=2), seasons=(7,))


def test_a_healthy_panel_is_seen_as_it_is():
    """Where nothing is suspicious, and for models of format 1, the view is the panel itself."""
    panel = eventful()
    healthy = panel_of(walk(150, seed=2), seasons=(7,))
    assert cleaned(healthy, healthy.lengths, "each") is healthy
    assert cleaned(panel, panel.lengths, "table") is panel


def test_events_are_seen_from_when_they_are_known():
    """A level counts once it has lasted, a broken reading at once, and neither before it came."""
    panel = eventful()
    early = cleaned(panel, np.array([125, 125, 125]), "each")
    assert early is panel
    view = cleaned(panel, panel.lengths, "each")
    assert np.abs(np.diff(view.target[:150])).max() < 1.0
    assert not view.target_observed[150 + 126]
    np.testing.assert_array_equal(view.target[300:], panel.target[300:])


def test_values_of_a_level_not_yet_seen_are_not_compared():
    """Neither those of a new level with forecasts from before it, nor broken readings; all others are."""
    panel = eventful()
    origins = np.array([100, 124, 128, 133, 140])[:, None].repeat(3, axis=1)
    origins[0, 2] = -1
    actual = held_out(panel, origins, HORIZON)
    found = comparable(panel, origins, actual, actual)
    kept = np.isfinite(found)
    np.testing.assert_array_equal(found[kept], actual[kept])
    rows = origins[..., None] + np.arange(HORIZON)
    expected = np.isfinite(actual)
    expected[:, 0] &= (rows[:, 0] < 130) | (origins[:, 0, None] >= 136)
    expected[:, 1] &= rows[:, 1] != 126
    np.testing.assert_array_equal(kept, expected)


def test_nothing_after_what_is_held_out_is_read():
    """Rows after the last held-out one change nothing."""
    panel = eventful()
    origins = np.array([124, 132, 137])[:, None].repeat(3, axis=1)
    reference = comparable(panel, origins, held_out(panel, origins, HORIZON), np.zeros(()))
    for seed in range(3):
        garbage = with_garbage(panel, origins[-1] + HORIZON, seed=seed)
        found = comparable(garbage, origins, held_out(garbage, origins, HORIZON), np.zeros(()))
        assert found.tobytes() == reference.tobytes()


def test_directions_are_seen_without_the_jump_at_north():
    """The view of a wind around north turns by small steps; its newest value and whole turns stay."""
    angles = walk(300, start=0, step=6, seed=3) * 0.5
    wind = panel_of(np.mod(angles, 360), walk(300, seed=2), seasons=(7,))
    view = cleaned(wind, wind.lengths, "each")
    assert np.abs(np.diff(view.target[:300])).max() < 30
    assert view.target[299] == wind.target[299]
    np.testing.assert_allclose((view.target - wind.target)[:300] % 360 % 359.999, 0, atol=1e-2)
    np.testing.assert_array_equal(view.target[300:], wind.target[300:])


def test_errors_of_directions_go_the_short_way():
    """After 355 a forecast of 2 is 7 from it, whichever turn either is in."""
    wind = panel_of(np.mod(walk(300, start=0, step=6, seed=3), 360), seasons=(7,))
    origins = np.array([[290]])
    actual = held_out(wind, origins, HORIZON)
    error = comparable(wind, origins, actual, actual + 367) - (actual + 367)
    np.testing.assert_allclose(error, -7)


def test_a_counter_goes_on_after_a_reset():
    """Earlier counts are moved below the new ones, so that it never falls; a daily counter stays."""
    counts = np.cumsum(np.random.default_rng(0).poisson(5, 400) + 0.5)
    began = counts.copy()
    began[300:] -= counts[299]
    view = cleaned(panel_of(began), np.array([400]), "each")
    np.testing.assert_allclose(view.target - view.target[0], counts - counts[0])
    np.testing.assert_array_equal(view.target[300:], began[300:])
    daily = panel_of(counts - np.repeat(counts[::100], 100))
    np.testing.assert_array_equal(cleaned(daily, daily.lengths, "each").target, daily.target)
