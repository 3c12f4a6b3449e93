"""The judge, with a forecaster that knows how the series were made."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from panels import panel_of

from forecaster.monitoring import scores
from forecaster.monitoring.judge import Expected, Judge, resolution
from forecaster.monitoring.revisions import Revisions, revisions
from forecaster.monitoring.state import NEVER, fresh, sizes

DAY = 86_400_000_000_000
STRIDE = 12
PHI = 0.8


def made(count, rows, seed, *, heavy=False):
    """Series of an autoregression around a level: (S, R)."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(4, size=(count, rows)) if heavy else rng.normal(size=(count, rows))
    x = np.zeros((count, rows))
    for row in range(1, rows):
        x[:, row] = PHI * x[:, row - 1] + noise[:, row]
    return 100 + x


def forecaster(panel, horizon):
    """The true forecast of `made`: back to the level by powers of PHI."""
    rows = panel.offsets[1:] - 1
    known = np.where(panel.target_observed, panel.target, 100.0)
    step = np.arange(1, horizon + 1)
    centre = 100 + PHI**step * (known[rows, None] - 100)
    spread = np.sqrt((1 - PHI ** (2 * step)) / (1 - PHI**2))
    table = centre + scores.SCORES[:, None, None] * spread
    return Expected(table, table[[4, 1, 7]], np.full(len(panel), np.nan))


def judged(panel, begins=400, chance=1 / 168, state=None, stride=STRIDE, kept=None):
    """The verdict on a panel, and the state after it."""
    if state is None:
        state = fresh(panel.ids, stride, "D", begins * DAY - 1, *(kept or sizes(len(panel), stride)))
    else:
        state = state.of(panel.ids, state.newest)
    verdict = Judge(panel, state, forecaster, chance).run()
    return verdict, dataclasses.replace(state, newest=int(panel.time.max()))


def as_text(alarm):
    """An alarm without the last digits, which depend on the order of sums."""
    return str([f"{each:.9g}" if type(each) is float else each for each in dataclasses.astuple(alarm)])


def kinds(verdict):
    return Counter(alarm.kind for alarm in verdict.alarms)


CHECKED = [(1, 2900, False, 1 / 168), (1, 2900, True, 1 / 168), (40, 700, False, 1 / 40)]


@pytest.mark.parametrize(("count", "rows", "heavy", "chance"), CHECKED)
def test_false_alarms_are_as_many_as_stated(count, rows, heavy, chance):
    """Of series without a fault: the stated rate, over the steps of one and of many series together."""
    alarms = steps = 0
    for seed in (1, 2):
        verdict, _ = judged(panel_of(*made(count, rows, seed, heavy=heavy)), chance=chance)
        alarms += len(verdict.alarms)
        steps += verdict.judged / count
    expected = steps * chance
    assert steps == 2 * (rows - 400)
    assert expected / 5 < alarms < expected + 2 * np.sqrt(expected)


def test_kinds_are_told_apart():
    """One spike, one lasting shift, one stuck sensor: each is one alarm, with its time; a level of 2 rows is
    no shift, and a row that is missing no spike.
    """
    y = made(8, 700, 7)
    y[0, 600] += 12
    y[1, 600:] += 9
    y[2, 600:660] = y[2, 600]
    y[3, 600:602] += 12
    y[4, 600] = np.nan
    y[5, 600:640] = np.nan
    verdict, _ = judged(panel_of(*y), begins=595)
    found = {series: [] for series in range(8)}
    for alarm in verdict.alarms:
        found[int(alarm.series[1:])].append((alarm.kind, alarm.time // DAY, alarm.since // DAY))
    assert found[0] == [("spike", 600, 600)]
    assert [kind for kind, _, _ in found[1]] == ["spike", "shift"]
    assert found[1][1][1] in range(603, 607)
    assert found[1][1][2] == 600
    assert found[2] == [("stuck", 611, 600)]
    assert found[3] == [("spike", 600, 600)]
    assert found[4] == []
    assert ("silent", 605, 600) in found[5]
    assert found[6] == found[7] == []


def test_a_shift_too_small_for_a_spike_is_found():
    """Three standard deviations of the noise of one row, for good."""
    y = made(1, 700, 3)
    y[0, 648:] -= 5
    verdict, _ = judged(panel_of(*y), begins=640)
    assert kinds(verdict)["shift"] == 1
    (alarm,) = [alarm for alarm in verdict.alarms if alarm.kind == "shift"]
    assert 648 <= alarm.time // DAY < 660
    assert alarm.value < alarm.lower


def test_a_silent_series_among_others():
    """It ends long before the others: one alarm, at the row that is overdue; one that ended before, none."""
    y = made(3, 700, 4)
    panel = panel_of(y[0], y[1, :650], y[2, :300])
    verdict, state = judged(panel, begins=600)
    assert [(a.kind, a.series, a.time // DAY) for a in verdict.alarms if a.kind == "silent"] == [
        ("silent", "s001", 655)
    ]
    verdict, _ = judged(panel_of(made(3, 740, 4)[0], y[1, :650], y[2, :300]), state=state)
    assert not kinds(verdict)["silent"]


def test_many_runs_raise_the_alarms_of_one():
    """Whatever rows each run brings: no alarm twice, none missed, however little is kept."""
    y = made(4, 560, 11, heavy=True)
    y[0, 450] += 12
    y[1, 470:] += 8
    y[2, 480:510] = 101.0
    y[3, 500:530] = np.nan
    kept = (3 * STRIDE + 8, 9)
    whole = judged(panel_of(*y), chance=1 / 30, kept=kept)[0]
    assert set(kinds(whole)) == {"spike", "shift", "stuck", "silent"}
    rng, state, found, stop = np.random.default_rng(0), None, [], 410
    while True:
        part = panel_of(*y[:, :stop])
        verdict, state = judged(part, chance=1 / 30, state=state, kept=kept)
        found += verdict.alarms
        if stop == 560:
            break
        stop = min(560, stop + int(rng.integers(1, 20)))
    assert sorted(map(as_text, found)) == sorted(map(as_text, whole.alarms))
    assert not judged(panel_of(*y), chance=1 / 30, state=state)[0].alarms


def test_later_rows_change_no_verdict():
    """Rows after a row may be anything, in all series: alarms up to it are the same."""
    y = made(3, 560, 5, heavy=True)
    y[0, 430] += 15
    y[1, 440:] += 9
    y[0, 497] += 15  # in the block that the garbage begins in
    before = [a for a in judged(panel_of(*y), chance=1 / 30)[0].alarms if a.time < 500 * DAY]
    assert len(before) > 3
    assert before[-1].time == 497 * DAY
    for garbage in (1e9, -5.0, 100.0):
        y[:, 500:] = garbage
        changed = judged(panel_of(*y), chance=1 / 30)[0].alarms
        assert [a for a in changed if a.time < 500 * DAY] == before


def test_series_that_lag_behind_and_new_ones():
    """A series is judged when its rows come; a new one from then on, after a warm-up on what it has."""
    y = made(3, 560, 6)
    y[1, 480] += 15
    y[2, 520] += 15
    state = judged(panel_of(y[0, :500], y[1, :470]))[1]
    verdict, state = judged(panel_of(y[0, :510], y[1, :510], y[2, :510]), state=state)
    assert [(a.series, a.time // DAY) for a in verdict.alarms] == [("s001", 480)]
    assert verdict.judged == 10 + 40 + 10
    verdict, _ = judged(panel_of(*y), state=state)
    assert [(a.series, a.time // DAY) for a in verdict.alarms] == [("s002", 520)]


def test_rows_without_enough_before_them_are_counted():
    """Two blocks must come before a forecast, and some more before there are chances."""
    verdict, _ = judged(panel_of(made(1, 60, 0)[0]), begins=0)
    assert (verdict.judged, verdict.alarms) == (0, [])
    assert verdict.unjudged == 60
    verdict, _ = judged(panel_of(made(1, 460, 0)[0]), begins=20)
    assert verdict.judged + verdict.unjudged == 440
    assert 90 < verdict.unjudged < 150


def test_revisions_are_counted():
    """Rows that came late, were changed or vanished since they were judged; newer rows are none of these."""
    y = made(2, 500, 8)
    y[0, 450:453] = np.nan
    state = judged(panel_of(*y))[1]
    y = np.concatenate([y, made(2, 20, 1)], axis=1)
    assert revisions(panel_of(*y), state) == Revisions()
    y[0, 451:453] = 100.0
    y[1, 460] += 1e-9
    y[1, 470:475] = np.nan
    assert revisions(panel_of(*y), state) == Revisions(late=2, changed=1, gone=5)
    verdict, _ = judged(panel_of(*y), state=state)
    assert verdict.judged == 40
    assert all(alarm.time >= 500 * DAY for alarm in verdict.alarms)


def test_the_resolution_is_that_of_earlier_rows():
    """Half the least step so far."""
    panel = panel_of([5.0, 5.0, np.nan, 7.0, 6.5, 9.0], [0.0, 0.0])
    np.testing.assert_allclose(resolution(panel), [5e-9, 5e-9, 5e-9, 1.0, 0.25, 0.25, 1e-9, 1e-9], rtol=1e-6)


def test_directions_are_compared_around_the_turn():
    """359 degrees beside 1 are no spike, 180 are."""
    rng = np.random.default_rng(0)
    y = rng.normal(0, 2, size=600) % 360
    y[500] = 180.0

    def around(panel, horizon):
        table = np.broadcast_to(2 * scores.SCORES[:, None, None], (9, len(panel), horizon))
        return Expected(table, table[[4, 1, 7]], np.full(len(panel), 360.0))

    panel = panel_of(y)
    state = fresh(panel.ids, STRIDE, "D", 490 * DAY, *sizes(1, STRIDE))
    alarms = Judge(panel, state, around, 1 / 1000).run().alarms
    assert [(a.kind, a.time // DAY) for a in alarms] == [("spike", 500)]
    assert (state.done != NEVER).all()
