"""Irregular sensors: clocks that drift, bursts and events, put on a grid that keeps what was not measured."""

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError

ROWS = 1000


def readings(seconds: np.ndarray, **columns: object) -> pd.DataFrame:
    """Readings so many seconds after a midnight; the value of each is its number."""
    times = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.round(seconds, 3), unit="s")
    return pd.DataFrame({"t": times, "y": np.arange(float(len(times)))} | columns)


def jittered(step: int, phase: float, by: float) -> np.ndarray:
    """Times about `step` s apart, `phase` s after round ones, each up to `by` s early or late (ROWS,)."""
    return phase + step * np.arange(ROWS) + np.random.default_rng(5).uniform(-by, by, ROWS)


@pytest.mark.parametrize("phase", [0, 20, 75, 150, 225, 290, 299])
@pytest.mark.parametrize("every", ["5min", "300s"])
def test_one_reading_each_five_minutes_give_or_take(phase: float, every: str) -> None:
    """Each of them has a step of its own, whether the sensor reads at round times or between them."""
    loaded = load(readings(jittered(300, phase, 20)), ReadConfig(every=every))
    np.testing.assert_array_equal(loaded.panel.target, np.arange(ROWS))
    action = next(finding.action for finding in loaded.findings if finding.code == "D006")
    assert ("nearest" in action) == (phase in (0, 290, 299))


def test_daily_readings_about_midnight() -> None:
    """Nor does a day stay empty where a reading came a little before it began."""
    loaded = load(readings(jittered(86_400, 0, 3000)), ReadConfig(every="D"))
    np.testing.assert_array_equal(loaded.panel.target, np.arange(ROWS))
    assert str(loaded.panel.time[:1].view("M8[ns]")[0])[:10] == "2024-03-01"


def test_each_sensor_reads_when_it_does() -> None:
    """What is nearest is decided sensor by sensor."""
    frames = [readings(jittered(300, phase, 20), id=name) for name, phase in (("a", 0), ("b", 150))]
    panel = load(pd.concat(frames), ReadConfig(every="5min")).panel
    np.testing.assert_array_equal(panel.target, np.tile(np.arange(ROWS), 2))


def test_a_slow_clock() -> None:
    """A step of 303 s leaves one of 5 minutes empty now and then, unobserved, and no two readings in one."""
    panel = load(readings(303.0 * np.arange(ROWS)), ReadConfig(every="5min")).panel
    seen = panel.observed[:, 0]
    np.testing.assert_array_equal(panel.target[seen], np.arange(ROWS))
    assert (~seen).sum() == 303 * (ROWS - 1) // 300 + 1 - ROWS


@pytest.mark.parametrize("how", ["mean", "sum", "last", "first", "max", "min"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 1, 3])
def test_events_belong_to_the_step_they_fall_in(rate: float, how: str) -> None:
    """Events and bursts are not readings beside a grid: as pandas resamples them, empty steps unobserved."""
    rng = np.random.default_rng(6)
    starts = np.cumsum(rng.exponential(300 / rate, ROWS))
    seconds = np.sort(np.concatenate([starts, starts[::5] + rng.exponential(2, len(starts[::5]))]))
    frame = readings(seconds)
    panel = load(frame, ReadConfig(every="5min", agg=how)).panel
    steps = frame.set_index("t")["y"].resample("5min")
    expected = getattr(steps, how)().where(steps.count() > 0)
    np.testing.assert_allclose(panel.target, expected.to_numpy())
    np.testing.assert_array_equal(panel.observed[:, 0], expected.notna())
    assert panel.time.tolist() == expected.index.as_unit("ns").asi8.tolist()


def test_a_few_events_are_no_readings_beside_a_grid() -> None:
    """Where several events fall into one step, chance alone does not move them to the nearest."""
    for seed in range(30):
        seconds = np.cumsum(np.random.default_rng(seed).exponential(300, 60))
        (found, *_) = load(readings(seconds), ReadConfig(every="5min")).findings
        assert (found.code, found.action) == ("D006", "took the mean of each step")


@pytest.mark.parametrize(
    ("seconds", "step"),
    [
        (jittered(300, 0, 20), "5min"),
        (303.0 * np.arange(ROWS) + np.random.default_rng(0).uniform(0, 9, ROWS), "5min"),
        (jittered(86_400, 0, 900), "D"),
        (np.cumsum(np.tile([2.1, 1.7, 2.4, 1800.0, 2.2, 1750.0], 200) + np.arange(1200) / 1e2), "30min"),
        (jittered(1, 0, 0.2), "s"),
    ],
)
def test_the_step_that_is_suggested(seconds: np.ndarray, step: str) -> None:
    """Irregular times are refused with a step that suits them, bursts left aside; and that step works."""
    with pytest.raises(DataError, match="irregular times") as caught:
        load(readings(seconds))
    assert caught.value.hint.endswith(f"--every {step}.")
    assert load(readings(seconds), ReadConfig(every=step)).panel.observed.mean() > 0.9


def test_a_clock_that_skips_a_second() -> None:
    """Rows that leave their grid are refused with the step that most have; and that step works."""
    seconds = np.cumsum(np.where(np.arange(ROWS) % 50 == 49, 601, 600)).astype(float)
    with pytest.raises(DataError, match="does not lie on its grid") as caught:
        load(readings(seconds))
    assert "--every 10min" in caught.value.hint
    np.testing.assert_array_equal(
        load(readings(seconds), ReadConfig(every="10min")).panel.target, np.arange(ROWS)
    )


def test_a_step_that_is_too_short() -> None:
    """Events on a grid of seconds would be empty rows all but few: refused with a step that suits them."""
    seconds = np.cumsum(np.random.default_rng(7).exponential(400, ROWS))
    with pytest.raises(DataError, match="rows would have to be") as caught:
        load(readings(seconds), ReadConfig(every="s"))
    assert caught.value.hint == "Name a longer step, such as --every 15min."


def test_a_timestamp_that_is_far_off() -> None:
    """Where one row makes a grid too long, that row is named, not the step."""
    seconds = np.r_[300.0 * np.arange(50), 86_400.0 * 365 * 20]
    with pytest.raises(DataError, match="the widest gap follows the DataFrame, row 49") as caught:
        load(readings(seconds))
    assert caught.value.hint.startswith("Repair that timestamp")
