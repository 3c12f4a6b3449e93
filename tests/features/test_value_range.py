"""What series can show is learned where they show it, and forecasts keep to it."""

import dataclasses

import numpy as np
import pytest
from flat import flat, sunshine, temperature, walk, with_garbage
from hypothesis import given
from hypothesis import strategies as st
from panels import flat_panel, panel_of

from forecaster.config import Limits
from forecaster.data.rows import known_values as blocks
from forecaster.data.series.directions import turns_of
from forecaster.features.possible_forecasts import respect
from forecaster.features.scale_choice import choose_powers
from forecaster.features.value_range import KINDS, ValueRange, learn_range, with_options
from forecaster.features.view import possible

LEVELS = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
HOUR = np.arange(24 * 40)
RNG = np.random.default_rng(0)
SERIES = {
    "sun": (sunshine(), 24, "continuous", 0, np.inf),
    "counts": (RNG.poisson(3, 100), 1, "count", 0, np.inf),
    "counts that fall": (
        np.maximum(0, np.linspace(100, 8, 70) + RNG.normal(0, 3, 70)).round(),
        1,
        "count",
        0,
        np.inf,
    ),
    "demand": ((RNG.random(365) < 0.12) * RNG.poisson(5, 365), 7, "intermittent", 0, np.inf),
    "humidity": (np.clip(80 + 15 * np.sin(HOUR / 4) + RNG.normal(0, 10, 960), 0, 100), 24, "bounded", 0, 100),
    "humidity below": (98.5 - 40 * np.abs(np.sin(HOUR / 9)) - RNG.random(960), 24, "bounded", 0, 100),
    "amounts": (RNG.lognormal(0, 1, 200), 1, "continuous", 0, np.inf),
    "flow with rests": (RNG.uniform(5, 10, 300) * (RNG.random(300) > 0.1), 1, "continuous", 0, np.inf),
    "battery": (np.minimum(np.linspace(40, 140, 200), 100), 1, "bounded", 0, 100),
    "fraction": (np.clip(RNG.normal(0.8, 0.2, 300), 0, 1), 1, "bounded", 0, 1),
    "switch": ((RNG.random(200) < 0.4) * 1, 1, "bounded", 0, 1),
    "direction": (np.mod(walk(900, start=0, step=20, seed=4), 360), 1, "circular", 0, 360),
    "signed direction": (np.mod(walk(900, step=20, seed=4), 360) - 180, 1, "circular", -180, 180),
    "meter": (np.cumsum(sunshine(20)), 24, "counter", None, np.inf),
    "price": (30 * np.exp(walk(500, start=0, step=0.02)), 1, "price", 0, np.inf),
    "flat": (np.full(50, 3.5), 1, "constant", None, np.inf),
    "temperature": (temperature(), 288, "continuous", -np.inf, np.inf),
    "returns": (RNG.normal(0, 0.01, 400), 1, "continuous", -np.inf, np.inf),
    "trend": (np.arange(60) * 10 + RNG.normal(0, 2, 60), 1, "continuous", None, np.inf),
    "anything up to 360": (RNG.uniform(0, 360, 900), 1, "continuous", 0, np.inf),
    "counts without zero": (np.maximum(2, RNG.poisson(9, 200)), 1, "count", 0, np.inf),
    "few counts that fall": (np.array([41, 33, 30, 22, 19, 11, 6, 3]), 1, "count", 0, np.inf),
    "whole degrees": (
        np.rint(12 + 6 * np.sin(HOUR / 4) + walk(960, start=0, step=0.1)).clip(2),
        24,
        "continuous",
        -np.inf,
        np.inf,
    ),
    "full word": (
        np.minimum(3960 + 150 * np.sin(HOUR / 4) + RNG.normal(0, 30, 960), 4095),
        24,
        "bounded",
        None,
        4095,
    ),
    "floor of a scale": (
        np.maximum(40 + 30 * np.sin(HOUR / 4) + RNG.normal(0, 3, 960), 14.5),
        24,
        "continuous",
        14.5,
        np.inf,
    ),
    "sun less standby": (np.where(sunshine() > 0, sunshine(), -0.3), 24, "continuous", -0.3, np.inf),
    "highest price for a while": (
        np.minimum(walk(300, start=50, step=0.5, seed=1), 55.0)[:200],
        1,
        "price",
        None,
        np.inf,
    ),
    "two tariffs": (np.where(HOUR % 24 < 7, 0.18, 0.31), 24, "continuous", None, np.inf),
    "an index near 100": (np.minimum(walk(300, start=97, step=0.5), 99.8), 1, "price", 0, np.inf),
}


def learned(series, season=1, **options):
    values, observed, offsets, known = flat(series)
    power = choose_powers(flat_panel(values, observed, offsets, season=season), known)
    turns = turns_of(flat_panel(values, observed, offsets, season=season), known)
    return learn_range(values, observed, offsets, known, season=season, power=power, turns=turns, **options)


@pytest.mark.parametrize("name", SERIES)
def test_each_kind_is_known_by_its_values(name):
    """Kind and bounds of one series of each sort; None: not of interest."""
    series, season, kind, lower, upper = SERIES[name]
    limits = learned(series, season)
    assert KINDS[limits.kind[0]] == kind
    assert limits.upper[0] == upper
    assert lower is None or limits.lower[0] == lower


def test_temperatures_above_zero_have_no_bound():
    """Neither tenths nor whole degrees that stay above freezing by chance get the bound of counts."""
    bounded = 0
    rng = np.random.default_rng(3)
    for number in range(100):
        slow = np.convolve(rng.normal(size=560), 0.97 ** np.arange(200))[160:560]
        series = 14 + 6 * np.sin(2 * np.pi * np.arange(400) / 24) + slow
        series = np.round(series - min(series.min(), 0) + rng.uniform(0.5, 3), number % 2)
        bounded += np.isfinite(learned(series, 24).lower[0])
    assert bounded <= 2


def test_hours_without_sun_are_idle():
    """Nights are idle on the local clock; four days are enough, and demand has no idle weekday."""
    night = (np.arange(24) <= 6) | (np.arange(24) >= 18)
    for days in (4, 40):
        limits = learned(sunshine(days), 24)
        np.testing.assert_array_equal(limits.idle[0], night)
        assert limits.resting[0] == 0
    later = learned(sunshine(), 24, phase=(np.arange(24 * 40) + 2) % 24)
    np.testing.assert_array_equal(later.idle[0], np.roll(night, 2))
    assert not learned(SERIES["demand"][0], 7).idle.any()
    assert not learned(sunshine(1), 24).idle.any()


def test_closed_sundays():
    """One weekday without any sale in ten weeks is closed; one sale there opens it."""
    days = np.where(np.arange(70) % 7 == 6, 0, RNG.poisson(20, 70) + 1)
    assert learned(days, 7).idle[0].tolist() == [False] * 6 + [True]
    days[13] = 4
    assert not learned(days, 7).idle.any()


def test_steady_growth_is_no_counter():
    """Yearly figures that rose every year may fall next year."""
    growth = 100 * 1.05 ** np.arange(40) * (1 + RNG.normal(0, 0.002, 40))
    assert (np.diff(growth) > 0).all()
    assert not learned(growth).rising[0]


def test_night_stays_dark_and_noon_is_not_below_zero():
    """Forecasts of idle positions are the resting value with all quantiles; none is below the bound."""
    limits = learned(sunshine(), 24)
    phase = np.arange(24)[None]
    point, quantiles = respect(
        limits, np.full((1, 24), -5.0), -5 + 500 * (LEVELS - 0.5) * np.ones((1, 24, 1)), LEVELS,
        series=np.array([0]), phase=phase,
    )  # fmt: skip
    assert (point >= 0).all() and (quantiles >= 0).all()
    assert (quantiles[0, :6] == 0).all() and quantiles[0, 12].max() > 0


def test_demand_is_expected_in_fractions_and_bounded_in_whole_numbers():
    """The point of intermittent demand is a mean; that of counts is a count."""
    quantiles = np.array([[[-1.3, 0.2, 0.4, 3.1, 5.0]]])
    for name, expected in (("demand", 0.6), ("counts", 1.0)):
        series, season, *_ = SERIES[name]
        point, whole = respect(
            learned(series, season), np.array([[0.6]]), quantiles, LEVELS, series=np.array([0])
        )
        assert point.tolist() == [[expected]]
        assert whole.tolist() == [[[0, 0, 0, 4, 5]]]


def test_a_night_that_scatters_below_zero():
    """An inverter draws 0.2 to 0.5 W at night: its forecast is never below; a temperature has no floor."""
    night = np.where(sunshine() > 0, sunshine(), -0.35 + RNG.uniform(-0.15, 0.15, len(sunshine())))
    assert learned(night, 24).lower[0] == night.min()
    assert learned(temperature() - 20, 288).lower[0] == -np.inf


def test_names_that_tell():
    """Whole numbers above zero are counts, but not if they are called a temperature or a balance."""
    for name, lower in (
        ("orders", 0),
        ("network", 0),
        ("attempts", 0),
        ("temp_out", -np.inf),
        ("net", -np.inf),
    ):
        panel = panel_of([5, 4, 4, 3, 1] * 4)
        panel = dataclasses.replace(panel, ids=(name,))
        assert possible(panel, panel.lengths, 3, scales="each", limits=Limits()).limits.lower[0] == lower


def test_a_counter_never_falls():
    """Forecasts and quantiles start from the last value and never go down."""
    limits = learned(SERIES["meter"][0], 24)
    last = limits.last[0]
    point, quantiles = respect(
        limits, last + np.array([[-3.0, 5.0, 2.0]]), last + np.array([[[-9.0], [1.0], [-4.0]]]),
        np.array([0.1]), series=np.array([0]),
    )  # fmt: skip
    np.testing.assert_array_equal(point - last, [[0, 5, 5]])
    np.testing.assert_array_equal(quantiles[..., 0] - last, [[0, 1, 1]])


def test_directions_stay_within_one_turn():
    """370° is 10°; an interval across north goes up from 300° to 40°, one of more than a turn is a turn."""
    limits = learned(SERIES["direction"][0])
    point, quantiles = respect(
        limits, np.array([[550.0, 370.0]]),
        np.array([[[510.0, 530, 550, 600, 620], [150, 300, 370, 400, 530]]]), LEVELS, series=np.array([0]),
    )  # fmt: skip
    np.testing.assert_allclose(point, [[190, 10]])
    np.testing.assert_allclose(quantiles[0], [[150, 170, 190, 240, 260], [0, 300, 10, 40, 360]])


def test_what_a_user_sets_is_kept():
    """Options replace what was learned, for all series."""
    limits = with_options(learned(temperature()), lower=-40.0, upper=60.0, integer=True)
    assert (limits.lower[0], limits.upper[0], limits.integer[0]) == (-40, 60, True)
    limits = with_options(learned(SERIES["anything up to 360"][0]), circular=360.0)
    assert (limits.circle[0], limits.lower[0], limits.upper[0]) == (360, 0, 360)
    assert KINDS[limits.kind[0]] == "circular"


@given(st.data())
def test_possible_forecasts_stay_in_order_and_in_range(data):
    """Quantiles lie within the bounds; they ascend and stay when asked again, but for angles."""
    size = data.draw(st.integers(1, 4))
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    bounded, rising, integer, round_ = (np.array(data.draw(flags)) for _ in range(4))
    rising &= ~round_ & ~bounded
    limits = ValueRange(
        lower=np.where(bounded | round_, 0.0, -np.inf),
        upper=np.where(round_, 360.0, np.where(bounded, 100.0, np.inf)),
        integer=integer,
        circle=np.where(round_, 360.0, np.nan),
        rising=rising,
        idle=rng.random((size, 3)) < 0.3,
        resting=np.zeros(size),
        last=np.where(rising, 5.0, np.nan),
        kind=rng.integers(0, len(KINDS), size).astype(np.int8),
    )
    limits.idle[rising] = False
    limits.kind[round_] = KINDS.index("circular")
    quantiles = np.sort(rng.normal(0, 200, (size, 6, 5)), axis=2)
    asked = {"series": np.arange(size), "phase": np.tile(np.arange(6) % 3, (size, 1))}
    point, possible = respect(limits, quantiles[..., 2], quantiles, LEVELS, **asked)
    assert (np.diff(possible[~round_], axis=2) >= 0).all()
    assert (possible >= limits.lower[:, None, None]).all() and (possible <= limits.upper[:, None, None]).all()
    assert (np.diff(possible[rising], axis=1) >= 0).all() and (np.diff(point[rising], axis=1) >= 0).all()
    assert (possible[integer] == np.rint(possible[integer])).all()
    again = respect(limits, point, possible, LEVELS, **asked)
    np.testing.assert_array_equal(again[1][~round_], possible[~round_])


def test_only_rows_before_the_origin_count(monkeypatch):
    """Later rows change nothing, in one block or in several."""
    series = [each[0] for each in SERIES.values()]
    values, observed, offsets, lengths = flat(*series)
    known = lengths // 2
    known[3] = 0
    whole = learn_range(values, observed, offsets, known, season=24)
    monkeypatch.setattr(blocks, "BLOCK", 500)
    other = learn_range(with_garbage(values, offsets, known), observed, offsets, known, season=24)
    for name, field in vars(whole).items():
        np.testing.assert_array_equal(field, getattr(other, name), err_msg=name)
