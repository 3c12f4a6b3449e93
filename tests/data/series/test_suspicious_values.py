"""What no healthy source reports is found, and true extremes are left alone."""

import numpy as np
import pytest
from flat import flat, sunshine, temperature, walk, with_garbage

from forecaster.data.rows import known_values as blocks
from forecaster.data.series.suspicious_values import hint, suspicious_values


def found(series):
    """{code: rows} of one series."""
    values = suspicious_values(*flat(series))
    codes = ("sentinel", "dropout", "spike", "stuck", "reset")
    return {code: values.of(code).row.tolist() for code in codes if len(values.of(code).row)}


@pytest.mark.parametrize("number", [-127, -999, 85, 999, 9999, -1, -32768])
def test_a_sentinel_a_day_ago(number):
    """One impossible reading of a thermometer is a sentinel, with its place and the option to type."""
    series = temperature()
    series[-288] = number
    values = suspicious_values(*flat(series))
    assert values.row.tolist() == [len(series) - 288]
    assert values.left_out.sum() == 1
    assert hint(values) == f"--na {number}"


def test_an_hour_without_readings():
    """A sentinel in many rows one after the other is one, too."""
    series = temperature()
    series[500:530] = -127
    assert found(series) == {"sentinel": list(range(500, 530))}


@pytest.mark.parametrize("number", [85.0, 999.0, -1.0])
def test_numbers_that_fit_in_are_readings(number):
    """999 hPa among 990 … 1010, 85 °F among 60 … 95 and −1 °C after −0.5 °C are no sentinels."""
    rng = np.random.default_rng(1)
    around = np.round(number + np.convolve(rng.normal(size=600), np.ones(30) / 8, "valid"))
    assert (around == number).any()
    assert not found(around)


def test_minus_one_among_positive_values():
    """−1 stands for nothing where all else lies between 0.2 and 0.9."""
    series = np.random.default_rng(0).uniform(0.2, 0.9, 200)
    series[77] = -1
    assert found(series) == {"sentinel": [77]}


def test_minus_one_percent_of_humidity():
    """Even where the values vary much, −1 is none of them."""
    series = np.clip(np.round(np.random.default_rng(0).normal(70, 15, 500)), 20, 100)
    assert series.min() < 30
    series[55] = -1
    assert found(series) == {"sentinel": [55]}


def test_the_largest_reading_may_be_85():
    """A number on the list that is just beyond the others is a reading."""
    series = np.random.default_rng(0).uniform(60, 84, 300)
    series[100] = 85
    assert not found(series)


def test_a_large_order_of_85():
    """A count may be any whole number, and a shower may bring 99 mm."""
    rng = np.random.default_rng(0)
    orders = rng.poisson(8, 200).astype(float)
    orders[100] = 60
    orders[150] = 85
    assert not found(orders)
    rain = np.round((rng.random(300) < 0.3) * rng.gamma(0.5, 12, 300), 1)
    rain[50] = 99
    assert not found(rain)


def test_a_weak_signal_of_minus_99():
    """−99 dBm just below −95 … −60 is a reading."""
    series = np.random.default_rng(0).uniform(-95, -60, 300)
    series[100] = -99
    assert not found(series)


def test_far_but_not_impossible():
    """Three ranges beyond the others is an event."""
    series = np.random.default_rng(0).uniform(-1, 1, 300)
    series[100] = 6
    assert not found(series)


def test_a_calm_fall_to_zero_is_none_of_a_source():
    """Zero after ever smaller values is the end of a fall."""
    down = np.array([80.0, 47, 30, 21, 16, 0, 15, 23, 40, 70])
    assert not found(
        np.concatenate([np.full(30, 80) + np.arange(30) % 7, down, np.full(30, 90) - np.arange(30) % 5])
    )


def test_rest_at_an_end_of_the_range():
    """Hours at a full 100 after a small step are rest; hours at a floor after a leap are a fault."""
    rng = np.random.default_rng(0)
    series = np.round(np.linspace(60, 99, 100) + rng.uniform(-2, 0.5, 100), 1)
    assert not found(np.concatenate([series, np.full(30, 100.0), series[::-1]]))
    series[50:70] = 3.0
    assert found(series) == {"stuck": list(range(51, 70))}


def test_a_price_of_zero_for_a_row():
    """21,500 → 0 → 21,500 is a dropout, also in a series that grew a hundredfold."""
    series = 21500 * np.exp(walk(500, start=0, step=0.01))
    series[300] = 0
    assert found(series) == {"dropout": [300]}
    series = np.geomspace(3, 900, 500)
    series[499] = 0
    assert found(series) == {"dropout": [499]}


def test_a_lost_decimal_point():
    """A value a hundred times too large is a spike."""
    series = np.random.default_rng(0).normal(20, 2, 300)
    series[40] *= 100
    assert found(series) == {"spike": [40]}


@pytest.mark.parametrize("value", [99.9, 60.0, 45.0, -12.0])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_moderate_spike(value, rows):
    """A thermometer at 18 ± 5 °C that shows 45 for a few minutes has failed; zero is not needed for that."""
    hour = np.arange(24 * 20) / 24
    series = 18 + 5 * np.sin(2 * np.pi * hour) + np.random.default_rng(0).normal(0, 0.4, len(hour))
    for place in (200, len(series) - 24, len(series) - rows):
        broken = series.copy()
        broken[place : place + rows] = value
        assert found(broken) == {"spike": list(range(place, place + rows))}


def test_a_spike_among_noise():
    """99.9 is impossible in a series that is noise around 18, too."""
    series = np.random.default_rng(0).normal(18, 5, 400)
    series[300] = 99.9
    assert found(series) == {"spike": [300]}


def test_a_spike_of_whole_degrees():
    """A smooth series of whole numbers is no count of orders."""
    series = np.rint(18 + 5 * np.sin(2 * np.pi * np.arange(480) / 24))
    series[300] = 90
    assert found(series) == {"spike": [300]}


def test_what_recurs_is_no_fault():
    """A flush every morning, far above all else, is part of the day; at odd times it is not."""
    rng = np.random.default_rng(0)
    series = 7.5 + 0.05 * np.sin(2 * np.pi * np.arange(288 * 8) / 288) + rng.normal(0, 0.005, 288 * 8)
    daily = series.copy()
    daily[100::288] = 9.3
    assert not found(daily)
    odd = series.copy()
    odd[[100, 450, 1100, 1999]] = 9.3
    assert found(odd) == {"spike": [100, 450, 1100, 1999]}


def test_a_stuck_sensor_at_the_end_and_inside():
    """The first of the repeated readings is kept, and the others are left out."""
    for part in (slice(4032 - 44, 4032), slice(1000, 1100)):
        series = temperature()
        series[part] = series[part.start]
        assert found(series) == {"stuck": list(range(part.start + 1, part.stop))}


def test_a_counter_that_begins_again():
    """The row of a reset is named, and its value is kept."""
    series = np.cumsum(np.random.default_rng(0).poisson(5, 400)).astype(float)
    series[250:] -= series[249]
    values = suspicious_values(*flat(series))
    assert values.of("reset").row.tolist() == [250]
    assert not values.left_out.any()


def test_a_reset_a_few_rows_ago():
    """A counter that counts on from zero has no spikes, however new that is."""
    series = 5000 + np.cumsum(np.random.default_rng(0).poisson(5, 400) + 1.0)
    for rows in (2, 3, 5):
        broken = series.copy()
        broken[-rows:] -= broken[-rows - 1]
        assert found(broken) == {"reset": [400 - rows]}


def _garch(rng, count):
    """Prices whose volatility comes in clusters, with fat tails."""
    variance, previous, returns = 1.0, 0.0, []
    for _ in range(count):
        variance = 0.03 + 0.08 * previous**2 + 0.89 * variance
        previous = np.sqrt(variance / 2) * rng.standard_t(4)
        returns.append(previous)
    return 50 * np.exp(0.015 * np.cumsum(returns))


GENUINE = {
    "prices": _garch,
    "demand": lambda rng, n: (rng.random(n) < 0.12) * np.round(rng.lognormal(1, 1, n)),
    "rain": lambda rng, n: np.round((rng.random(n) < 0.3) * rng.gamma(0.4, 12, n), 1),
    "visits": lambda rng, n: np.round(500 * np.exp(rng.normal(0, 0.4, n)) * (1 + 9 * (rng.random(n) < 0.01))),
    "sun": lambda rng, n: sunshine(n // 24 + 1, seed=rng.integers(99))[:n],
    "humidity": lambda rng, n: np.clip(np.round(85 + rng.normal(0, 15, n)), 0, 100),
    "direction": lambda rng, n: np.mod(np.round(180 + walk(n, start=0, step=30, seed=rng.integers(99))), 360),
    "meter": lambda rng, n: np.cumsum(rng.poisson(3, n)),
    "wind": lambda rng, n: np.abs(walk(n, start=0, step=0.4, seed=rng.integers(99))) * rng.gamma(4, 0.25, n),
    "load": lambda rng, n: (
        100 + 20 * np.sin(np.arange(n) / 4) + 15 * (rng.random(n) < 0.05) + rng.normal(0, 2, n)
    ),
    "sales": lambda rng, n: rng.gamma(9, 2, n) + 100 * (rng.random(n) < 0.01),
    "latency": lambda rng, n: rng.lognormal(3, 0.5, n),
    "t noise": lambda rng, n: 20 + rng.standard_t(5, n),
    "exponential": lambda rng, n: rng.exponential(3, n),
    "net flow": lambda rng, n: rng.integers(-30, 30, n),
    "switch": lambda rng, n: 1500 * np.mod(np.cumsum(rng.random(n) < 0.05), 2),
    "coarse": lambda rng, n: np.round(21 + 0.2 * np.sin(np.arange(n) / 9) + rng.normal(0, 0.05, n), 1),
}


@pytest.mark.parametrize("name", GENUINE)
def test_nothing_is_found_in_healthy_series(name):
    """Crashes, storms, large orders, nights, calms and holidays are no faults of a source."""
    rng = np.random.default_rng(5)
    series = [GENUINE[name](rng, length) for length in (60, 150, 700) for _ in range(20)]
    assert len(suspicious_values(*flat(*series)).row) <= 1


def test_only_rows_before_the_origin_count(monkeypatch):
    """Later rows change nothing, and series do not see each other, in one block or in several."""
    series = [temperature(seed=seed)[:900] for seed in range(4)]
    series[1][100], series[2][400:430] = -127, series[2][400]
    values, observed, offsets, _ = flat(*series)
    known = np.array([800, 200, 900, 0])
    whole = suspicious_values(values, observed, offsets, known)
    assert sorted(set(whole.series.tolist())) == [1, 2]
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    other = suspicious_values(with_garbage(values, offsets, known), observed, offsets, known)
    for one, two in zip(whole, other, strict=True):
        np.testing.assert_array_equal(one, two)
