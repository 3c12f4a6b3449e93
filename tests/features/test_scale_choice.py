"""The scale of each series follows its own spread, whatever the other series of the table are."""

import numpy as np
import pytest
from flat import flat, walk, with_garbage
from hypothesis import given
from hypothesis import strategies as st
from panels import flat_panel

from forecaster.data.rows import known_values as blocks
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, UNITS, choose_powers, from_scale, to_scale


def celsius(rng, count=1500):
    """Hourly readings in °C, all above zero, as spread in the cold as in the warm."""
    slow = np.convolve(rng.normal(size=count + 300), 0.98 ** np.arange(300))[300 : count + 300]
    readings = 5 * np.sin(2 * np.pi * np.arange(count) / 24) + 1.5 * slow + rng.normal(0, 0.3, count)
    return readings - readings.min() + 0.5


def sales(rng, count=120):
    """Monthly sales with growth and a season of ratios."""
    month = np.arange(count)
    return 300 * np.exp(0.02 * month + 0.3 * np.sin(2 * np.pi * month / 12) + rng.normal(0, 0.05, count))


def counts(rng, count=600):
    """Poisson counts, whose spread is the root of their level."""
    return rng.poisson(60 * np.exp(np.sin(np.arange(count) / 60))) + 1.0


def chosen(values, observed, offsets, known, *, season=1):
    """The powers of flat series."""
    return choose_powers(flat_panel(values, observed, offsets, season=season), known)


@pytest.mark.parametrize(
    ("make", "season", "powers"),
    [(celsius, 24, {UNITS}), (sales, 12, {LOGARITHMS}), (counts, 1, {ROOTS, LOGARITHMS})],
)
def test_each_kind_gets_the_scale_that_makes_its_spread_even(make, season, powers):
    """Temperatures stay in units, growing sales get logarithms, counts something in between."""
    rng = np.random.default_rng(0)
    found = chosen(*flat(*[make(rng) for _ in range(20)]), season=season)
    assert np.isin(found, list(powers)).mean() >= 0.95


def test_short_positive_series_take_the_prior():
    """Where a few rows show nothing, growth by ratios is assumed."""
    series = [100 * np.exp(walk(14, start=0, step=0.05, seed=seed)) for seed in range(50)]
    assert (chosen(*flat(*series)) == LOGARITHMS).mean() > 0.9
    assert chosen(*flat([5.0], [3.0, 4.0], [7.0] * 30)).tolist() == [LOGARITHMS] * 3


def test_one_zero_changes_its_own_series_only():
    """The series with a zero has no logarithm; where the zero is left out, it has one again."""
    rng = np.random.default_rng(0)
    series = [sales(rng) for _ in range(9)]
    values, observed, offsets, known = flat(*series)
    whole = chosen(values, observed, offsets, known, season=12)
    zero = offsets[4] + 70
    values[zero] = 0
    found = chosen(values, observed, offsets, known, season=12)
    np.testing.assert_array_equal(np.delete(found, 4), np.delete(whole, 4))
    assert found[4] in (ROOTS, UNITS)
    observed[zero] = False
    np.testing.assert_array_equal(chosen(values, observed, offsets, known, season=12), whole)


def test_negative_values_keep_their_units():
    """One negative value is enough, and a series without any known value harms none."""
    series = sales(np.random.default_rng(0))
    series[7] = -1
    assert chosen(*flat(series, [np.nan] * 5), season=12)[0] == UNITS


def test_only_rows_before_the_origin_count(monkeypatch):
    """Later rows change nothing, in one block or in several."""
    rng = np.random.default_rng(1)
    values, observed, offsets, _ = flat(sales(rng), celsius(rng, 300), counts(rng, 200), sales(rng))
    known = np.array([90, 250, 0, 12])
    whole = chosen(values, observed, offsets, known, season=12)
    monkeypatch.setattr(blocks, "BLOCK", 150)
    garbage = with_garbage(values, offsets, known)
    np.testing.assert_array_equal(chosen(garbage, observed, offsets, known, season=12), whole)


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=20), st.sampled_from([LOGARITHMS, ROOTS, UNITS]))
def test_scales_can_be_left_again(values, power):
    """`from_scale` undoes `to_scale`."""
    powers = np.full(len(values), power)
    np.testing.assert_allclose(from_scale(to_scale(np.array(values), powers), powers), values, rtol=1e-9)


def test_what_has_no_logarithm_or_root_is_missing():
    """Zero has a root and no logarithm, and a negative number has neither."""
    powers = np.array([LOGARITHMS, LOGARITHMS, ROOTS, ROOTS, UNITS])
    scaled = to_scale(np.array([0.0, -1.0, 0.0, -1.0, -1.0]), powers)
    np.testing.assert_array_equal(scaled, [np.nan, np.nan, 0.0, np.nan, -1.0])
    assert from_scale(np.array([-0.5]), np.array([ROOTS])).tolist() == [0.0]
