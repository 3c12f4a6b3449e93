"""Seasonal position: rows counted along the calendar, and how similar the seasons of series are."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from panels import panel_of

from forecaster.features.seasonal_position import agreement, circle, row_numbers


@pytest.mark.parametrize(
    ("alias", "phase", "season"),
    [
        ("h", lambda time: time.hour, 24),
        ("D", lambda time: time.weekday(), 7),
        ("ME", lambda time: time.month - 1, 12),
        ("QS", lambda time: time.quarter - 1, 4),
    ],
)
@pytest.mark.parametrize("tz", [None, "America/New_York"])
@pytest.mark.parametrize("start", ["2019-03-29", "1931-12-31"])
def test_row_numbers_are_phases_of_the_calendar(alias, phase, season, tz, start):
    """The remainder by the season is the hour, weekday, month or quarter in local time, before 1970 too."""
    times = pd.date_range(start, periods=60, freq=alias, tz=tz)
    panel = panel_of(np.arange(60.0), alias=alias)
    names = dataclasses.replace(panel.names, tz=tz)
    panel = dataclasses.replace(panel, time=times.as_unit("ns").asi8, names=names)
    assert (row_numbers(panel, np.arange(60)) % season).tolist() == [phase(time) for time in times]


def test_the_circle_is_closed():
    """Neighbouring positions are equally far apart, the last and the first too."""
    points = circle(5)
    steps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)


def test_agreement_is_the_mean_cosine_of_pairs():
    """Against a loop over pairs; series begin at different positions, and one has no season."""
    rng = np.random.default_rng(0)
    panel = panel_of(*[np.arange(30.0)] * 4)
    starts = np.repeat([0, 3, 5, 6], 30) * 86_400 * 10**9
    panel = dataclasses.replace(panel, time=panel.time + starts)
    index = rng.normal(size=(4, 7))
    index[2] = 0.0
    turned = [np.roll(row, first) for row, first in zip(index, (-4 % 7, 6, 1, 2), strict=True)]
    pairs = [(0, 1), (0, 3), (1, 3)]
    cosines = [
        turned[a] @ turned[b] / np.linalg.norm(turned[a]) / np.linalg.norm(turned[b]) for a, b in pairs
    ]
    assert agreement(panel, index) == pytest.approx(np.mean(cosines))
    assert agreement(panel, index[:1].repeat(4, axis=0) * [[1], [0], [0], [0]]) == 1.0
    assert agreement(panel, np.zeros((4, 7))) == 0.0
