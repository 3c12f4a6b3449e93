"""Defaults: what frequency and length lead to; settings are kept, and no rule reads held-out rows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import panel_of, with_garbage
from profiles import examples

from forecaster.config import Options
from forecaster.data.calendar.frequency import frequency
from forecaster.errors import DataError
from forecaster.features.seasonal_index import LEAST_SEASONS
from forecaster.features.windows import count_features, index_windows
from forecaster.training import plan as defaults
from forecaster.training.plan import EFFORTS, choose_horizon, plan, smoothing_partner, split


def panel_at(alias, *lengths, channels=1):
    """Positive series of these lengths and this frequency."""
    rng = np.random.default_rng(0)
    series = [5 + rng.random((n, channels)) for n in lengths]
    return panel_of(*series, seasons=frequency(alias).seasonalities, alias=alias)


def configs_of(alias, *lengths, options=Options(), channels=1):
    """(horizon, members) for all rows of such a panel."""
    panel = panel_at(alias, *lengths, channels=channels)
    horizon = choose_horizon(options, panel)
    return horizon, plan(panel, panel.lengths, horizon, options)


RULES = {
    # alias, rows: horizon, seasons, segments that may be
    ("YS", 40): (6, (), {1}),
    ("QS", 60): (8, (4,), {2, 4}),
    ("MS", 120): (12, (12,), {6, 12}),
    ("ME", 20): (4, (), {1}),
    ("W-SUN", 300): (13, (52,), {13, 26, 52}),
    ("B", 1000): (10, (5,), {5}),
    ("D", 1000): (14, (7,), {7}),
    ("D", 30): (6, (7,), {7}),
    ("h", 5000): (24, (24, 168), {12, 24}),
    ("h", 100): (20, (24,), {12, 24}),
    ("30min", 10_000): (48, (48, 336), {24, 48}),
    ("15min", 10_000): (96, (96, 672), {24, 96}),
    ("h@Mon-Fri/09:30-15:30", 1000): (7, (7, 35), {7}),
    ("5min@Mon-Fri/09:30-15:55", 3000): (78, (78, 390), {26, 78}),
    ("5min@Mon-Fri/09:00-17:30", 3000): (103, (103, 515), {13, 26}),
}


@pytest.mark.parametrize(("alias", "rows"), RULES, ids=[f"{alias}-{rows}" for alias, rows in RULES])
def test_rules(alias, rows):
    """Frequency and length decide horizon, seasons and segment."""
    horizon, seasons, segments = RULES[alias, rows]
    found, members = configs_of(alias, rows)
    assert found == horizon
    assert all(member.horizon == horizon for member in members)
    assert {member.seasons for member in members} == {seasons, ()}
    assert {member.segment for member in members} <= segments


@given(
    st.sampled_from(["s", "min", "15min", "h", "D", "B", "W-MON", "MS", "QS", "YS", "2h", "6D"]),
    st.lists(st.integers(3, 400), min_size=1, max_size=4),
    st.sampled_from([1, 3]),
    st.sampled_from(["quick", "normal", "best"]),
    st.none() | st.integers(1, 12),
)
@examples(150)
def test_whatever_the_data_the_members_hold_together(alias, lengths, channels, effort, asked):
    """A network fits its windows, windows fit the history, and members differ by their seeds."""
    if asked is not None and max(lengths) < asked + 2:
        return
    options = Options(effort=effort, horizon=asked)
    horizon, members = configs_of(alias, *lengths, options=options, channels=channels)
    assert horizon == asked if asked is not None else 1 <= horizon <= max(1, max(lengths) // 5)
    assert len(members) == EFFORTS[effort].members
    assert len({member.seed for member in members}) == len(members)
    for member in members:
        assert member.lookback % member.segment == 0
        assert 1 <= member.lookback < max(2, np.median(lengths)) + member.segment
        assert member.network.outputs == horizon
        assert member.network.inputs == count_features(channels, member.segment, member.gaps, member.phases)
        assert all(LEAST_SEASONS * season <= np.median(lengths) for season in member.seasons)
        assert len(index_windows(np.array(lengths), member.lookback, horizon)) > 0


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=60), st.integers(1, 60))
@examples(300)
def test_split_leaves_enough_on_both_sides(known, horizon):
    """What is held out is a horizon at least; what is left is worth learning from; or nothing is."""
    rows = np.array(known)
    parts = split(rows, horizon)
    assert (parts.validation == rows).all()
    held = parts.validation - parts.train
    for s in range(len(rows)):
        if parts.train[s] == 0:
            assert rows[s] < horizon + max(2, min(horizon, 4))
        else:
            assert held[s] >= horizon
            assert parts.train[s] >= max(2, min(horizon, 4))
            assert held[s] == horizon or 6 * held[s] <= rows[s]
    assert set(parts.series) == set(np.flatnonzero(parts.train))


@pytest.mark.parametrize(
    ("rows", "horizon", "train"), [(2, 1, 0), (3, 1, 2), (4, 2, 2), (7, 5, 0), (8, 5, 0), (9, 5, 4)]
)
def test_the_shortest_series_that_hold_something_out(rows, horizon, train):
    """Two rows at least are left to learn from, for longer horizons up to four."""
    assert split(np.array([rows]), horizon).train.tolist() == [train]


def test_few_series_validate_on_more_rows():
    """A single series holds several horizons out, each of many series only one."""
    one = split(np.array([10_000]), 10)
    many = split(np.full(1000, 10_000), 10)
    assert one.validation[0] - one.train[0] >= 10 * 10
    assert (many.validation - many.train == 10).all()


@pytest.mark.parametrize(
    "asked",
    [
        {"horizon": 5},
        {"lookback": 12, "segment": 3},
        {"lookback": 10, "segment": 20},
        {"segment": 4},
        {"seasons": (9, 4)},
        {"seasons": ()},
        {"log": False},
        {"deseasonalise": True},
        {"deseasonalise": False},
        {"decoder": "direct"},
        {"decoder": "segments"},
        {"cell": "lstm", "hidden": 7, "layers": 3, "dropout": 0.2},
        {"members": 3},
        {"steps": 11, "batch": 13, "rate": 0.5, "loss": "huber", "patience": 0},
        {"optimizer": "sgd", "weight_decay": 0.1, "clip": 0.0, "schedule": "step", "unroll": 2},
        {"quantile": 0.3, "loss": "pinball"},
        {"seed": 40},
    ],
    ids=lambda asked: "-".join(asked),
)
def test_what_is_asked_for_is_kept(asked):
    """No default replaces what a user set."""
    _, members = configs_of("D", 200, options=Options(**asked))
    for number, member in enumerate(members):
        here = dataclasses.asdict(member) | dataclasses.asdict(member.network)
        here |= dataclasses.asdict(member.training)
        for name, value in asked.items():
            if name == "members":
                assert len(members) == value
            elif name == "deseasonalise":
                assert bool(member.seasons) == value
            elif name == "seasons":
                assert member.seasons in ((), tuple(sorted(value)))
            elif name == "lookback":
                assert value <= member.lookback < value + member.segment
            elif name == "decoder":
                assert member.network.output_segment == (7 if value == "segments" else None)
            elif name == "seed":
                assert member.seed == value + number
            else:
                assert here[name] == value


@pytest.mark.parametrize(
    ("alias", "asked", "sizes"),
    [
        ("h", {"horizon": 48}, [24, 24, 12, None]),
        ("h", {"horizon": 20}, [20, 20, 12, None]),
        ("MS", {"horizon": 18}, [None] * 4),
        ("MS", {"horizon": 18, "lookback": 54}, [12, 12, 6, None]),
        ("h", {"horizon": 48, "decoder": "direct"}, [None] * 4),
        ("h", {"horizon": 48, "seasons": ()}, [None] * 4),
        ("h", {"horizon": 48, "lookback": 143}, [None] * 4),
        ("YS", {"horizon": 6}, [None] * 4),
        ("YS", {"horizon": 6, "decoder": "segments"}, [1] * 4),
    ],
)
def test_segments_where_there_are_seasons(alias, asked, sizes):
    """A decoder step for each segment in three of four networks; none without seasons or a long lookback."""
    _, members = configs_of(alias, 600, options=Options(**asked))
    assert [member.network.output_segment for member in members] == sizes


def test_more_effort_is_more_training():
    """Each effort has more members and steps than the one before it."""
    spent = [EFFORTS[effort].members * EFFORTS[effort].steps for effort in ("quick", "normal", "best")]
    assert spent == sorted(set(spent))


@pytest.mark.parametrize(
    ("effort", "few", "much"), [("quick", 64, 64), ("normal", 64, 64), ("best", 64, 128)]
)
def test_larger_networks_where_there_is_much_to_learn(monkeypatch, effort, few, much):
    """Of all efforts, `best` has 128 units where there are enough known values, in all series together."""
    monkeypatch.setattr(defaults, "MUCH", 900)
    for lengths, units in (((600, 299), few), ((600, 300), much)):
        _, members = configs_of("h", *lengths, options=Options(effort=effort))
        assert {member.network.hidden for member in members} == {units}
    _, members = configs_of("h", 600, 600, options=Options(effort=effort, hidden=7))
    assert {member.network.hidden for member in members} == {7}


def test_a_scale_of_its_own_where_any_series_has_one():
    """Logarithms need positive data and roots no negative; without a season only every other member takes
    them. One series that has a scale is enough, and one that has none keeps it from no other."""
    panel = panel_at("YE", 60)
    negative = dataclasses.replace(panel, values=panel.values - panel.values.max())
    zero = panel.values.copy()
    zero[30] = 0.0
    mixed = panel_of(panel.target, negative.target, seasons=(1,), alias="YE")
    every_other = [True, False] * 2
    for each, logs in (
        (panel, every_other),
        (dataclasses.replace(panel, values=zero), every_other),
        (mixed, every_other),
        (negative, [False] * 4),
    ):
        log = logs[0]
        configs = plan(each, each.lengths, 7, Options())
        assert [member.log for member in configs] == logs
        assert {member.scales for member in configs} == {"relative"}
        assert smoothing_partner(each, each.lengths, Options()).log == log
        assert not smoothing_partner(each, each.lengths, Options(log=False)).log
    assert smoothing_partner(panel, panel.lengths, Options(log=True)).scales == "logarithms"


def test_all_members_take_logarithms_where_a_season_is_seen_in_two_ways():
    """With a season in the data members differ by that; what a user asks for is for all of them."""
    wave = 10 + np.sin(np.arange(70) * 2 * np.pi / 7)
    panel = dataclasses.replace(panel_at("D", 70), values=wave[:, None])
    assert {member.log for member in plan(panel, panel.lengths, 7, Options())} == {True}
    without = panel_at("YE", 70)
    for log in (True, False):
        assert {member.log for member in plan(without, without.lengths, 7, Options(log=log))} == {log}


def test_members_differ_where_there_is_a_season():
    """Seasons are removed in some members and left in others."""
    _, members = configs_of("h", 2000)
    assert {bool(member.seasons) for member in members} == {True, False}
    assert {member.level_rows for member in members if member.seasons} == {1}
    assert {member.level_rows for member in members if not member.seasons} == {24}
    assert {member.level_rows for member in configs_of("YE", 60)[1]} == {1}
    assert smoothing_partner(panel_at("h", 2000), np.array([2000]), Options()).seasons == (24, 168)


@pytest.mark.parametrize(
    ("alias", "season", "shifts", "phases"),
    [
        ("D", 7, (0,), (7,)),
        ("D", 7, (0, 0, 0), (7,)),
        ("D", 7, (0, 2, 4), ()),
        ("MS", 12, (0, 1), (12,)),
        ("B", 5, (0,), ()),
        ("YE", 1, (0,), ()),
    ],
)
def test_phases_are_told_where_the_calendar_explains_the_season(alias, season, shifts, phases):
    """Series that peak together get the seasonal position; trading days do not, as holidays shift them."""
    rng = np.random.default_rng(0)
    t = np.arange(25 * season + 30)
    waves = [
        10 + np.sin(2 * np.pi * (t - shift) / max(season, 7)) + rng.random(len(t)) / 9 for shift in shifts
    ]
    panel = panel_of(*waves, seasons=(season,), alias=alias)
    assert {member.phases for member in plan(panel, panel.lengths, 3, Options())} == {phases}


def test_series_without_known_rows_have_no_say():
    """Series that begin after the origin do not change the plan."""
    panel = panel_at("D", 40, 200)
    alone = plan(panel, np.array([40, 0]), 7, Options())
    assert alone == plan(panel_at("D", 40), np.array([40]), 7, Options())
    assert smoothing_partner(panel, np.array([40, 0]), Options()).seasons == (7,)


def test_a_horizon_that_does_not_fit():
    """A horizon is refused where fewer than two rows would precede it; the longest series is named."""
    panel = panel_at("D", 10, 20)
    assert choose_horizon(Options(horizon=18), panel) == 18
    with pytest.raises(DataError, match=r"needs at least 21 rows.*'s001'.*has 20") as caught:
        choose_horizon(Options(horizon=19), panel)
    assert "--horizon 6" in caught.value.hint
    with pytest.raises(DataError):
        choose_horizon(Options(), panel_at("D", 2))
    assert choose_horizon(Options(), panel_at("D", 3)) == 1


@pytest.mark.parametrize("seed", range(8))
def test_garbage_after_the_origin_changes_no_choice(seed):
    """No rule depends on values or gaps at or after the origin."""
    rng = np.random.default_rng(seed)
    panel = panel_at("D", 200, 150, 90, channels=2)
    known = np.array([rng.integers(3, n) for n in panel.lengths])
    garbage = with_garbage(panel, known, seed=seed)
    assert plan(panel, known, 7, Options()) == plan(garbage, known, 7, Options())
    assert smoothing_partner(panel, known, Options()) == smoothing_partner(garbage, known, Options())


def test_many_members_look_back_over_several_lengths():
    """Of twelve members the first four look back as far as four alone, the next less, the last farther."""
    panel = panel_at("MS", 200)
    few = {member.lookback for member in plan(panel, panel.lengths, 12, Options())}
    lengths = [member.lookback for member in plan(panel, panel.lengths, 12, Options(members=12))]
    assert few == set(lengths[:4])
    assert max(lengths[4:8]) < min(lengths[:4]) <= max(lengths[:4]) < min(lengths[8:])
    fixed = plan(panel, panel.lengths, 12, Options(members=12, lookback=24))
    assert {member.lookback for member in fixed} == {24}


def test_smoothing_has_the_seasons_that_all_rows_hold():
    """Three years of months hold a year twice, though the rows before validation and test do not."""
    panel = panel_at("MS", 36)
    known = np.array([18])
    assert smoothing_partner(panel, known, Options(), panel.lengths).seasons == (12,)
    assert smoothing_partner(panel, known, Options()).seasons == ()
    assert {member.seasons for member in plan(panel, known, 9, Options())} == {()}
