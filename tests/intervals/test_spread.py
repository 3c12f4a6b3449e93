"""The spread: growth with the step, positions in the season, fallbacks, and nothing after the origin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.intervals.past import PastRows
from forecaster.intervals.regimes import change_points
from forecaster.intervals.spread import spread
from forecaster.intervals.volatility import CALM, GRID, Volatility, choose, factors


def history_of(*series, log=False, origins=None, begins=None):
    """All rows of some series, NaN where not observed."""
    lengths = np.array([len(values) for values in series])
    values = np.concatenate([np.asarray(values, float) for values in series])
    count = len(series)
    return PastRows(
        values=values,
        observed=np.isfinite(values),
        starts=np.cumsum(lengths) - lengths,
        origins=lengths if origins is None else np.asarray(origins),
        log=np.full(count, log),
        begins=np.zeros(count, np.int64) if begins is None else np.asarray(begins),
        first=np.zeros(count, np.int64),
    )


def test_a_random_walk_spreads_with_the_root_of_the_step():
    """Over many walks, the spread is the mean absolute error of the naive forecast: it grows as the root."""
    rng = np.random.default_rng(0)
    walks = np.cumsum(rng.normal(size=(200, 1000)), axis=1)
    found = spread(history_of(*walks), 16, ()).mean(axis=0)
    expected = np.sqrt(2 / np.pi * np.arange(1, 17))
    np.testing.assert_allclose(found, expected, rtol=0.12)


def test_noise_around_a_mean_does_not_spread_further():
    """A stationary series is as uncertain 16 steps ahead as one step ahead."""
    rng = np.random.default_rng(1)
    found = spread(history_of(*rng.normal(size=(50, 1000))), 16, ()).mean(axis=0)
    np.testing.assert_allclose(found, np.sqrt(2 / np.pi), rtol=0.16)


def test_a_season_is_not_taken_for_spread():
    """A pattern of 100 that repeats with noise of 1 has the spread of the noise."""
    rng = np.random.default_rng(2)
    t = np.arange(24 * 30)
    found = spread(history_of(100 * np.sin(2 * np.pi * t / 24) + rng.normal(size=t.size)), 24, (24,))
    assert (found < 2.5).all()


def test_nights_without_sun_have_no_spread():
    """Hours that were always zero get no width, noon more than dawn."""
    rng = np.random.default_rng(3)
    t = np.arange(24 * 60)
    sun = np.maximum(0, np.sin(2 * np.pi * (t % 24 - 6) / 24)) * np.repeat(rng.uniform(0.2, 1, 60), 24)
    found = spread(history_of(1000 * sun), 24, (24,))[0]
    assert (found[[0, 2, 22]] == 0).all()
    assert found[12] > 2 * found[7] > 0
    assert (spread(history_of(1000 * sun), 4, (24,)) == 0).all()  # also where all steps lie in the night


@pytest.mark.parametrize("log", [True, False])
def test_a_spread_scales_with_its_series(log):
    """Ten times the values: the same spread in logarithms, ten times the spread otherwise; alone or not."""
    rng = np.random.default_rng(4)
    values = np.exp(np.cumsum(rng.normal(size=150) / 20))
    other = 1000 + np.cumsum(rng.normal(size=80)) * 50
    one = spread(history_of(values, log=log), 6, (7,))
    ten = spread(history_of(10 * values, other, log=log), 6, (7,))[:1]
    np.testing.assert_allclose(ten, one if log else 10 * one)


def test_a_flat_end_falls_back_on_the_longer_past():
    """A sensor that stood still for its last rows keeps a spread; one that never moved has none."""
    rng = np.random.default_rng(5)
    moving = np.cumsum(rng.normal(size=100))
    flat_end = np.concatenate([moving, np.full(400, moving[-1])])
    found = spread(history_of(flat_end, np.full(50, 3.0)), 5, ())
    assert (found[0] > 0).all()
    assert (found[1] == 0).all()


@given(st.integers(1, 130), st.sampled_from(GRID))
@settings(max_examples=60, deadline=None)
def test_a_series_does_not_depend_on_its_neighbours(rows, volatility):
    """Beside a far longer series, a short one has the spread that it has alone."""
    rng = np.random.default_rng(rows)
    short, long = 50 + rng.normal(size=rows), np.cumsum(rng.normal(size=900))
    alone = spread(history_of(short, [7.0, 8.0]), 30, (12, 24), volatility)
    beside = spread(history_of(short, [7.0, 8.0], long), 30, (12, 24), volatility)
    if rows > 1:
        np.testing.assert_allclose(beside[0], alone[0], rtol=1e-9)


@pytest.mark.parametrize("log", [True, False])
def test_a_single_row_has_the_spread_of_its_kind(log):
    """A new series is as uncertain, in parts of its value, as the others of the table."""
    rng = np.random.default_rng(6)
    known = np.exp(np.cumsum(rng.normal(size=300) / 50)) * 40
    found = spread(history_of(known, [2 * known[-1]], log=log), 4, ())
    np.testing.assert_allclose(found[1, 0], found[0, 0] * (1 if log else 2))
    assert (np.diff(found[1]) > 0).all()
    assert (spread(history_of([5.0], log=log), 4, ()) > 0).all()


def test_a_single_zero_is_not_certain():
    """One reading of zero shows no scale: it has the spread of others, alone one unit; many are certain."""
    rng = np.random.default_rng(0)
    others = [rng.normal(100, size, 200) for size in (2.0, 3.0, 4.0)]
    found = spread(history_of([0.0], *others), 4, ())
    assert found[0, 0] == np.median(found[1:, 0])
    assert spread(history_of([0.0]), 4, ())[0].tolist() == pytest.approx([1, 2**0.5, 3**0.5, 2])
    assert not spread(history_of(np.zeros(30)), 4, ()).any()


def test_a_perfect_line_still_has_a_spread():
    """A method that was never wrong is not trusted to stay so."""
    assert (spread(history_of(np.arange(200.0)), 5, ()) > 0).all()


def test_one_broken_reading_hardly_widens():
    """A sentinel among 300 readings must not set the spread."""
    rng = np.random.default_rng(7)
    clean = 20 + rng.normal(size=300)
    broken = clean.copy()
    broken[150] = -999
    ratio = spread(history_of(broken), 8, ()) / spread(history_of(clean), 8, ())
    assert (ratio < 2).all()


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=1, max_size=60),
    st.integers(1, 30),
    st.sampled_from([(), (4,), (3, 12)]),
    st.booleans(),
    st.sampled_from(GRID),
)
@settings(max_examples=200, deadline=None)
def test_any_series_has_a_finite_spread(values, horizon, seasons, log, volatility):
    """Whatever the gaps, signs and lengths, spreads are finite and not negative."""
    found = spread(history_of(values, [1.0, 2.0, 4.0], log=log), horizon, seasons, volatility)
    assert found.shape == (2, horizon)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


@pytest.mark.parametrize("volatility", [CALM, Volatility(0.1, 0.85)])
def test_nothing_after_the_origin_is_read(volatility):
    """Rows after the origin, and rows of other series, change nothing."""
    rng = np.random.default_rng(8)
    values = np.exp(np.cumsum(rng.normal(size=300) / 20))
    other = values.copy()
    other[200:] = rng.choice([np.nan, -1e30, 1e30], 100)
    for log in (True, False):
        one, two = (
            spread(history_of(v, v, log=log, origins=[200, 150]), 12, (7,), volatility)
            for v in (values, other)
        )
        np.testing.assert_array_equal(one, two)


def test_rows_before_a_change_do_not_count():
    """From a given change on, the spread is that of a series that begins there."""
    rng = np.random.default_rng(9)
    old, new = 200 + np.cumsum(rng.normal(size=100)), 20 + np.cumsum(rng.normal(size=40)) / 10
    whole = history_of(np.concatenate([old, new]), begins=[100])
    np.testing.assert_allclose(spread(whole, 6, ()), spread(history_of(new), 6, ()))


def test_factors_equal_the_recursion():
    """The closed form is the absolute-value GARCH run row by row from its mean."""
    rng = np.random.default_rng(10)
    errors = rng.normal(size=(3, 2000)) * np.exp(np.sin(np.arange(2000) / 100))
    alpha, beta = 0.08, 0.91
    found = factors(errors, 12, Volatility(alpha, beta), 500)
    for row, mine in zip(errors, found, strict=True):
        size = np.minimum(np.abs(row), 6 * np.abs(row).mean())
        mean = state = size.mean()
        for now in size:
            state = (1 - alpha - beta) * mean + alpha * now + beta * state
        ahead = [mean + (alpha + beta) ** step * (state - mean) for step in range(12)]
        naive = np.cumsum(ahead) / np.arange(1, 13)
        newest = np.minimum(np.abs(row[-500:]), 6 * np.abs(row[-500:]).mean()).mean()
        np.testing.assert_allclose(mine, naive / newest, rtol=5e-3)


def test_volatility_is_found_where_there_is_some():
    """Clusters are found in a GARCH series, and none in noise."""
    rng = np.random.default_rng(11)
    noise = rng.laplace(size=(20, 800))
    clustered, state = np.empty((20, 800)), np.ones(20)
    for t in range(800):
        clustered[:, t] = state * noise[:, t]
        state = 0.05 + 0.1 * np.abs(clustered[:, t]) + 0.85 * state
    assert choose(noise) == CALM
    assert choose(clustered).alpha > 0
    assert choose(clustered, season=24) in (CALM, Volatility(0.03, 0.96))


def test_wild_days_widen_what_follows():
    """After large errors the spread is larger than after small ones, less so further ahead."""
    calm, wild = np.ones(500), np.concatenate([np.ones(480), np.full(20, 4.0)])
    found = factors(np.stack([calm, wild]), 50, Volatility(0.1, 0.85), 500)
    np.testing.assert_allclose(found[0], 1.0)
    assert found[1, 0] > 1.5
    assert (np.diff(found[1]) < 0).all()


def test_a_new_level_is_found_where_it_begins():
    """Values divided by ten from a row on: that row; a walk, a season and a ramp have no such row."""
    rng = np.random.default_rng(12)
    walk = 200 + np.cumsum(rng.normal(size=150))
    shifted = walk.copy()
    shifted[130:] /= 10
    wave = np.sin(np.arange(150) / 5)
    found = change_points(history_of(walk, shifted, wave, np.arange(150.0), [1.0, 9.0]))
    np.testing.assert_array_equal(found, [0, 130, 0, 0, 0])


def test_a_new_scale_is_found_about_where_it_begins():
    """Noise that shrinks to a tenth; noise that does not."""
    rng = np.random.default_rng(13)
    noise = rng.normal(size=(2, 200))
    noise[1, 140:] /= 10
    same, smaller = change_points(history_of(*noise))
    assert same == 0
    assert abs(smaller - 140) < 10
