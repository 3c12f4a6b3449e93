"""Series that go round are told from those that do not, and unwrapped."""

import dataclasses

import numpy as np
import pytest
from flat import walk
from panels import panel_of, with_garbage

from forecaster.data.series.directions import nearest, turns_of, unwrapped
from forecaster.data.series.value_findings import oddities

RNG = np.random.default_rng(0)


def steady(centre, spread, count=600, seed=0):
    """A wind that stays around a direction (autocorrelation 0.8), in degrees from 0 to 360."""
    rng = np.random.default_rng(seed)
    shocks = rng.normal(0, 0.6 * spread, count)
    away = np.zeros(count)
    for row in range(1, count):
        away[row] = 0.8 * away[row - 1] + shocks[row]
    return (centre + away) % 360


ROUND = np.mod(walk(900, step=20, seed=4), 360)
ANGLES = {
    "all round": (ROUND, 0, 360),
    "whole degrees": (np.rint(ROUND) % 360, 0, 360),
    "north": (steady(2, 8), 0, 360),
    "unsteady north": (steady(0, 35, seed=1), 0, 360),
    "sixteen points": (np.rint(ROUND / 22.5) * 22.5 % 360, 0, 360),
    "eight points": (np.rint(ROUND / 45) * 45 % 360, 0, 360),
    "eight points, north": (np.rint(steady(0, 30) / 45) * 45 % 360, 0, 360),
    "tens, north as 360": (np.where(ROUND < 5, 360, np.rint(ROUND / 10) * 10), 0, 360),
    "signed": (ROUND - 180, -180, 360),
    "signed, south": ((steady(180, 10) + 180) % 360 - 180, -180, 360),
    "radians": (np.deg2rad(ROUND), 0, 2 * np.pi),
    "with sentinels": (np.where(np.arange(900) % 90 == 7, -999, ROUND), 0, 360),
}
ON = np.repeat(RNG.random(60) < 0.5, 10)
NUMBERS = {
    "anything up to 360": RNG.uniform(0, 360, 900),
    "off or on": np.where(ON, 352 + RNG.normal(0, 4, 600).clip(-8, 8), 0.0),
    "standby or on": np.where(
        ON, 353 + RNG.normal(0, 2, 600).clip(-6, 6), 5 + RNG.normal(0, 2, 600).clip(-4, 4)
    ),
    "sawtooth": np.arange(600) * 7.0 % 360,
    "around zero": RNG.normal(0, 50, 600).clip(-180, 180),
    "west": steady(270, 10),
    "counts to six": RNG.integers(0, 7, 600).astype(float),
    "minutes of sun": np.where(RNG.random(600) < 0.4, 360.0, np.where(RNG.random(600) < 0.5, 0.0, 170.0)),
}


@pytest.mark.parametrize("name", ANGLES)
def test_angles_are_known(name):
    """The first value and the size of the turn."""
    values, low, size = ANGLES[name]
    panel = panel_of(values)
    turns = turns_of(panel, panel.lengths)
    assert turns is not None
    assert (turns.low[0], turns.size[0]) == pytest.approx((low, size), abs=1e-9)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_not_taken_for_angles(name):
    """Neither amounts that come near 0 and 360, nor winds that never cross north."""
    panel = panel_of(NUMBERS[name])
    assert turns_of(panel, panel.lengths) is None


def test_what_a_user_says_is_believed():
    """All series go round; one with negative values from −180 on."""
    panel = dataclasses.replace(panel_of([10.0, 20.0], [-170.0, 170.0]), circle=360.0)
    turns = turns_of(panel, panel.lengths)
    assert turns.low.tolist() == [0, -180] and turns.size.tolist() == [360, 360]


def test_a_steady_wind_keeps_its_mean():
    """Unwrapped, a wind around north stays around one number, although single gusts pass the south."""
    angles = steady(0, 30)
    angles[300:303] = 120, 200, 290  # once round
    panel = panel_of(angles)
    flat = unwrapped(panel, panel.lengths, turns_of(panel, panel.lengths))
    assert np.ptp(flat) < 360
    assert flat[-1] == angles[-1]
    assert abs(np.mean(flat[:300]) - np.mean(flat[303:])) < 20


def test_rows_after_the_origin_are_not_read():
    """Turns and unwrapped values of the known rows follow from these only."""
    panel = panel_of(ROUND, steady(0, 10), walk(600))
    known = np.array([500, 400, 300])
    turns = turns_of(panel, known)
    flat = unwrapped(panel, known, turns)
    other = with_garbage(panel, known)
    np.testing.assert_array_equal(turns_of(other, known), turns)
    mine = np.arange(len(flat)) - np.repeat(panel.offsets[:-1], panel.lengths) < np.repeat(
        known, panel.lengths
    )
    np.testing.assert_array_equal(unwrapped(other, known, turns)[mine], flat[mine])


def test_north_is_no_dropout_and_no_spike():
    """A wind around north is not suspicious where it shows 0 or passes to 355; 999 is."""
    angles = np.rint(steady(350, 5)) % 360
    assert ((angles < 180).sum() > 5) and (angles == 0).any()
    angles[500] = 999
    panel = panel_of(angles)
    found = oddities(panel, panel.lengths)
    assert found.turns is not None
    assert found.suspicious.row.tolist() == [500]
    assert np.flatnonzero(found.suspicious.left_out).tolist() == [500]


def test_the_nearest_turn():
    """355 is −5 beside 2; what does not go round stays."""
    np.testing.assert_allclose(
        nearest(np.array([355.0, 720.0, 355.0]), 2.0, np.array([360.0, 360, np.nan])), [-5, 0, 355]
    )
