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
    found = comparable(panel, origins, actual)
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
    reference = comparable(panel, origins, held_out(panel, origins, HORIZON))
    for seed in range(3):
        garbage = with_garbage(panel, origins[-1] + HORIZON, seed=seed)
        found = comparable(garbage, origins, held_out(garbage, origins, HORIZON))
        assert found.tobytes() == reference.tobytes()
