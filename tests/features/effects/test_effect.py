"""The effect of known covariates: taken out, put back, blind for the future, and of the right size."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import panel_of, rows_of, wavy, with_garbage

from forecaster.data.rows.known import Known
from forecaster.features.effects.effect import restored, with_effect, without_effect
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, UNITS

SEASON, HORIZON = 7, 14


def known_of(panel, *columns, words=None):
    """Known covariates, HORIZON rows longer than each series: columns of all rows (R,)."""
    offsets = panel.offsets + HORIZON * np.arange(len(panel.offsets))
    names = tuple(f"k{number}" for number in range(len(columns)))
    known = Known(names, words or (None,) * len(columns), np.stack(columns, axis=1), offsets)
    return dataclasses.replace(panel, known=known)


def sold(rng, n, *, promotions, noise=0.05, elasticity=1.5):
    """Daily sales, and a price that falls by 20 % on some days (n + HORIZON,); every 5th day to come."""
    price = np.full(n + HORIZON, 10.0)
    price[rng.choice(n - 5, promotions, replace=False)] = 8.0
    price[n::5] = 8.0
    t = np.arange(n + HORIZON)
    usual = 100 * np.exp(0.3 * np.sin(2 * np.pi * t / SEASON) + np.cumsum(0.01 * rng.normal(size=len(t))))
    return usual * (price / 10) ** -elasticity * np.exp(noise * rng.normal(size=len(t))), price


def one(seed=0, n=300, **options):
    """A panel of one series with a price, and all its sales."""
    y, price = sold(np.random.default_rng(seed), n, **{"promotions": 30, **options})
    return known_of(panel_of(y[:n], seasons=(SEASON,)), price), y


def scaled(power, rng, n=200):
    """A series that is seen on the scale `power`, with the effect of a flag on it."""
    flag = (rng.random(n + HORIZON) < 0.2) * 1.0
    base = 4 + np.sin(2 * np.pi * np.arange(n) / SEASON) + 0.1 * np.cumsum(rng.normal(size=n)) / np.sqrt(n)
    y = base + 1.5 * flag[:n] + 0.1 * rng.normal(size=n)
    if power == UNITS:
        y = 20 * y - 100  # negative values have no other scale
    return known_of(panel_of(np.exp(y) if power == LOGARITHMS else y**2 if power == ROOTS else y,
                             seasons=(SEASON,)), flag)  # fmt: skip


@pytest.mark.parametrize("power", [LOGARITHMS, ROOTS, UNITS])
def test_what_is_taken_out_comes_back(power):
    """Values without the effect, as forecasts, are the values again, on each scale."""
    panel = scaled(power, np.random.default_rng(5))
    if power == ROOTS:
        panel.values[100] = 0.0  # a zero has no logarithm
    origin = panel.lengths - HORIZON
    view = without_effect(panel, origin)
    assert view.removed.power == power
    forecasts = view.target[origin[0] :][None, :]
    np.testing.assert_allclose(restored(view, forecasts, origin)[0], panel.target[origin[0] :], rtol=1e-9)
    assert with_effect(view).target.tobytes() == panel.target.tobytes()


@pytest.mark.parametrize("promotions, within", [(40, 0.06), (20, 0.1), (5, 0.2)])
def test_a_price_moves_the_forecast_as_it_moved_sales(promotions, within):
    """A price 20 % lower sells 1.25^1.5 times as much; few promotions say so less exactly."""
    moved = []
    for seed in range(5):
        panel, _ = one(seed, 500, promotions=promotions)
        view = without_effect(panel, panel.lengths)
        forecast = restored(view, np.full((1, HORIZON), 100.0), panel.lengths)[0]
        moved.append(forecast[0] / forecast[1])
    truth = 0.8**-1.5
    assert np.mean(np.array(moved) - 1) == pytest.approx(truth - 1, rel=within)


def test_a_price_moves_weekly_sales():
    """Three years of weeks, without enough years for a season of their own."""
    y, price = sold(np.random.default_rng(1), 156, promotions=25)
    panel = known_of(panel_of(y[:156], seasons=(52,)), price)
    forecast = restored(without_effect(panel, panel.lengths), np.full((1, HORIZON), 100.0), panel.lengths)[0]
    assert forecast[0] / forecast[1] - 1 == pytest.approx(0.8**-1.5 - 1, rel=0.1)


@pytest.mark.parametrize("kind", ["number", "walk", "flag", "words"])
def test_what_explains_everything_leaves_nothing(kind):
    """Without the effect, less than a tenth of the moves are left, also of rows not seen."""
    rng, n = np.random.default_rng(3), 300
    x = {
        "number": rng.normal(size=n + HORIZON),
        "walk": np.cumsum(rng.normal(size=n + HORIZON)),
        "flag": (rng.random(n + HORIZON) < 0.3) * 1.0,
        "words": rng.integers(0, 3, n + HORIZON) * 1.0,
    }[kind]
    y = 100 + 5 * (x == 1) - 3 * (x == 2) if kind == "words" else 100 + 5 * x
    words = (("a", "b", "c"),) if kind == "words" else None
    panel = known_of(panel_of(y[:n], seasons=(SEASON,)), x, words=words)
    view = without_effect(panel, panel.lengths)
    forecast = restored(view, np.full((1, HORIZON), view.target[-1]), panel.lengths)[0]
    naive = np.abs(y[n:] - y[n - 1]).mean()
    assert np.abs(forecast - y[n:]).mean() < 0.1 * naive


@pytest.mark.parametrize("kind", ["white", "walk", "flag"])
def test_noise_has_an_effect_on_few_series(kind):
    """On an eighth at most, and it costs at most 1 % of the error of a seasonal naive forecast."""
    rng, n, count = np.random.default_rng(7), 120, 120
    y = np.stack([wavy(rng, n + HORIZON, season=12) for _ in range(count)])
    draws = {
        "white": lambda size: rng.normal(size=size),
        "walk": lambda size: np.cumsum(rng.normal(size=size)),
        "flag": lambda size: (rng.random(size) < 0.1) * 1.0,
    }
    panel = panel_of(*y[:, :n], seasons=(12,))
    panel = known_of(panel, np.concatenate([draws[kind](n + HORIZON) for _ in range(count)]))
    view = without_effect(panel, panel.lengths)
    before, after = (each.target.reshape(count, n) for each in (panel, view))
    assert (before != after).any(axis=1).mean() <= 1 / 8
    usual = np.abs(before[:, -12:] - y[:, n : n + 12]).mean()
    error = np.abs(restored(view, after[:, -12:], panel.lengths) - y[:, n : n + 12]).mean()
    assert error <= 1.01 * usual


def test_targets_after_the_origin_and_past_covariates_change_no_byte():
    """Nor do known values of later rows change anything but the forecast of their own row."""
    panel, _ = one(n=200)
    past = panel_of(np.stack([panel.target, np.random.default_rng(1).normal(size=200)], axis=1), seasons=(7,))
    panel = dataclasses.replace(past, known=panel.known)
    origin = np.array([180])
    reference = _moved(panel, origin)
    for seed in range(3):
        assert _moved(with_garbage(panel, origin, seed=seed), origin).tobytes() == reference.tobytes()
    values = panel.known.values.copy()
    values[185] = 18.0 - values[185]
    other = _moved(dataclasses.replace(panel, known=dataclasses.replace(panel.known, values=values)), origin)
    assert np.flatnonzero(other[0] != reference[0]).tolist() == [5]


def test_known_values_of_later_rows_set_no_scale():
    """A heat wave to come changes its own days and those that follow, by the column of recent values; the
    effect in all rows before it stays.
    """
    rng = np.random.default_rng(8)
    warm = 15 + 8 * np.sin(np.arange(300 + HORIZON) / 20) + 2 * rng.normal(size=300 + HORIZON)
    y = 100 + 3 * np.maximum(warm - 18, 0)[:300] + rng.normal(size=300)
    panel = known_of(panel_of(y, seasons=(SEASON,)), warm)
    values = panel.known.values.copy()
    values[305:] = 500.0
    later = dataclasses.replace(panel, known=dataclasses.replace(panel.known, values=values))
    first, second = (without_effect(each, panel.lengths).removed.effect for each in (panel, later))
    assert first[:305].tobytes() == second[:305].tobytes()
    assert (first[305:] != second[305:]).all()
    assert second.max() <= first[:300].max() + 0.5 * np.ptp(first[:300])


def _moved(panel, origin):
    view = without_effect(panel, origin)
    assert view.removed is not None
    return restored(view, np.full((len(panel), HORIZON), 100.0), origin)


def test_a_series_is_not_moved_by_the_covariates_of_another():
    """Known values and targets of one series change no byte of another."""
    panel = pair()
    reference = _moved(panel, panel.lengths)
    values = panel.known.values.copy()
    values[panel.known.offsets[1] :] = np.random.default_rng(2).normal(size=(len(values) - 214, 1))
    changed = dataclasses.replace(panel, known=dataclasses.replace(panel.known, values=values))
    assert _moved(changed, panel.lengths)[0].tobytes() == reference[0].tobytes()


def pair():
    """Two series of 200 and 250 rows, each with its price."""
    (first, a), (second, b) = (
        sold(np.random.default_rng(seed), n, promotions=30) for seed, n in ((1, 200), (2, 250))
    )
    panel = panel_of(first[:200], second[:250], seasons=(SEASON,))
    return known_of(panel, np.concatenate([a, b]))


def test_the_same_twice():
    """Equal bytes from equal input."""
    assert _moved(pair(), np.array([200, 250])).tobytes() == _moved(pair(), np.array([200, 250])).tobytes()


def test_missing_known_values():
    """Past ones do not hide an effect; a future one makes the forecast of its row missing."""
    panel, _ = one()
    values = panel.known.values.copy()
    values[10:20], values[303] = np.nan, np.nan
    panel = dataclasses.replace(panel, known=dataclasses.replace(panel.known, values=values))
    moved = _moved(panel, panel.lengths)[0]
    assert np.flatnonzero(np.isnan(moved)).tolist() == [3]
    assert moved[0] / moved[1] == pytest.approx(0.8**-1.5, rel=0.1)


def test_future_values_that_nothing_depends_on_may_be_missing():
    """A series without an effect is forecast without them."""
    panel = known_of(panel_of(wavy(np.random.default_rng(0), 100), seasons=(7,)), np.full(114, np.nan))
    view = without_effect(panel, panel.lengths)
    assert view is panel
    assert np.isfinite(restored(view, np.ones((1, HORIZON)), panel.lengths)).all()


def test_series_of_mostly_zeros_and_constants_are_left_alone():
    """Zeros stay zeros; what never moves has no effect; neither has a covariate that never moves."""
    rng = np.random.default_rng(4)
    flag = (rng.random(200 + HORIZON) < 0.3) * 1.0
    sparse = 5.0 * flag[:200]
    for y, x in ((sparse, flag), (np.full(200, 3.0), flag), (wavy(rng, 200), np.ones(214))):
        panel = known_of(panel_of(y, seasons=(SEASON,)), x)
        assert without_effect(panel, panel.lengths) is panel


def test_words_never_seen_have_no_effect_of_their_own():
    """A word of the future only is forecast like the words that are not told apart."""
    rng, n = np.random.default_rng(6), 300
    x = rng.integers(0, 2, n + HORIZON) * 1.0
    x[n], x[n + 1], x[n + 2] = 0, 1, 2
    y = 100 + 20 * x[:n] + rng.normal(size=n)
    panel = known_of(panel_of(y, seasons=(SEASON,)), x, words=(("a", "b", "new"),))
    moved = _moved(panel, panel.lengths)[0]
    assert moved[1] - moved[0] == pytest.approx(20, rel=0.1)
    assert moved[0] < moved[2] < moved[1]


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4), data=st.data())
def test_parts_of_a_panel_keep_their_known_rows(lengths, data):
    """Each row that is kept has the known values that it had, and so have those after it."""
    panel = panel_of(*(np.arange(n) + 100.0 * i for i, n in enumerate(lengths)))
    ahead = np.concatenate([np.arange(n + HORIZON) + 100.0 * i for i, n in enumerate(lengths)])
    panel = known_of(panel, ahead)
    origins = np.array([data.draw(st.integers(0, n)) for n in lengths])
    firsts = np.array([data.draw(st.integers(0, n)) for n in lengths])
    row = rows_of(panel)
    for kept in (row < np.repeat(origins, lengths), row >= np.repeat(firsts, lengths)):
        if not kept.any():
            continue
        part = panel.only(kept)
        for series in range(len(part)):
            mine = part.known.values[part.known.offsets[series] : part.known.offsets[series + 1], 0]
            own = part.target[part.offsets[series] : part.offsets[series + 1]]
            np.testing.assert_array_equal(mine[: len(own)], own)
            np.testing.assert_array_equal(np.diff(mine), 1.0)
            assert len(mine) >= len(own) + HORIZON
    if origins.any():
        assert len(panel.before(origins)) == np.count_nonzero(origins)


@pytest.mark.parametrize("rows", [206, 207, 208, 212, 219])
def test_an_effect_lasts_as_a_series_passes_four_seasons(rows):
    """Weekly sales: the groups are chosen from fewer rows than there are, and both see the same season."""
    y, price = sold(np.random.default_rng(1), rows, promotions=28)
    panel = known_of(panel_of(y[:rows], seasons=(52,), alias="W-SUN"), price)
    assert without_effect(panel, panel.lengths).removed is not None
