"""Local times where clocks change: what a message says to type, and that it works when typed."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError


def local(zone: str, start: str, rows: int, freq: str = "h") -> pd.DatetimeIndex:
    """Consecutive rows, as a clock of the zone shows them."""
    return pd.date_range(start, periods=rows, freq=freq, tz=zone).tz_localize(None)


def table(times: pd.DatetimeIndex, **more: object) -> pd.DataFrame:
    """A random walk at these times."""
    walk = np.random.default_rng(3).normal(size=len(times)).cumsum()
    return pd.DataFrame({"local": times, "load": 50 + walk, **more})


def zones(hint: str) -> list[str]:
    """The zones that a hint says to type."""
    return re.findall(r"--tz (\S+?)[,.]? ", hint)


def codes(loaded: Loaded) -> dict[str, int]:
    """Findings as code: count."""
    return {finding.code: finding.count for finding in loaded.findings}


CHANGES = [
    ("Europe/Berlin", "2023-10-20", ["Europe/Berlin"]),
    ("Europe/London", "2023-10-20", ["Europe/London"]),
    ("America/New_York", "2023-11-01", ["America/New_York", "America/Chicago", "America/Denver"]),
    ("Australia/Sydney", "2023-03-28", ["Australia/Sydney"]),
]


@pytest.mark.parametrize(("zone", "start", "named"), CHANGES)
@pytest.mark.parametrize("freq", ["h", "15min"])
def test_a_repeated_hour_names_the_zones(zone: str, start: str, named: list[str], freq: str) -> None:
    """Where local times repeat as clocks go back, the hint names the zones, and each reads the file."""
    frame = table(local(zone, start, 1400, freq))
    with pytest.raises(DataError, match="duplicate timestamp") as caught:
        load(frame)
    found = zones(caught.value.hint)
    assert found[: len(named)] == named
    for each in found:
        panel = load(frame, ReadConfig(tz=each)).panel
        assert panel.target_observed.all()
        assert len(panel.time) == 1400
        assert panel.frequency.alias == freq


@pytest.mark.parametrize("order", ["by series", "by time", "wide"])
def test_a_repeated_hour_of_several_series(order: str) -> None:
    """The zone is found in tables sorted by series or by time, and in a column for each series."""
    times = local("Europe/Berlin", "2023-10-20", 500)
    frame = pd.concat([table(times, id="a"), table(times, id="b")])
    if order == "by time":
        frame = frame.sort_index(kind="stable")
    if order == "wide":
        frame = table(times, other=2.5)
    target = ("load", "other") if order == "wide" else None
    with pytest.raises(DataError, match="duplicate timestamp") as caught:
        load(frame, ReadConfig(target=target))
    assert zones(caught.value.hint) == ["Europe/Berlin"]
    panel = load(frame, ReadConfig(target=target, tz="Europe/Berlin")).panel
    assert panel.lengths.tolist() == [500, 500]


def test_other_duplicates_name_no_zone() -> None:
    """Times repeated on another day, twice over, or beside a skipped hour that has a row, name no zone."""
    times = local("Europe/Berlin", "2023-10-20", 500)
    for frame in (table(times - pd.Timedelta(days=1)), table(times.append(times[240:260]))):
        with pytest.raises(DataError, match="duplicate timestamp") as caught:
            load(frame)
        assert "--tz" not in caught.value.hint
    spring = local("Europe/Berlin", "2023-03-01", 6000).append(pd.DatetimeIndex(["2023-03-26 02:30"]))
    with pytest.raises(DataError) as caught:
        load(table(spring.sort_values()))
    assert "--tz Europe/Berlin" not in caught.value.hint


def test_a_clock_set_back_between_irregular_readings() -> None:
    """That readings of the repeated hour are mixed with those before it is said, and --tz places them."""
    jitter = pd.to_timedelta(np.random.default_rng(0).integers(0, 40, 3000), "s")
    steps = pd.date_range("2023-10-20", periods=3000, freq="5min", tz="Europe/Berlin")
    times = (steps + jitter).tz_localize(None)
    loaded = load(table(times), ReadConfig(every="5min"))
    finding = next(finding for finding in loaded.findings if finding.code == "T007")
    assert (finding.severity, finding.count) == ("warning", 1)
    assert zones(finding.action + " ") == ["Europe/Berlin"]
    placed = load(table(times), ReadConfig(every="5min", tz="Europe/Berlin"))
    assert codes(placed) == {"T005": 24, "D006": 3000}
    assert placed.panel.target_observed.all()
    mixed = table(local("Europe/Berlin", "2023-06-01", 500)).sample(frac=1, random_state=1)
    assert "T007" not in codes(load(mixed))


def test_local_hours_without_the_repeated_one(tmp_path: Path) -> None:
    """Where the repeated hour was dropped, --tz cannot place it, and leaving --tz out works."""
    times = local("Europe/Berlin", "2023-10-20", 500)
    frame = table(times[~times.duplicated()])
    with pytest.raises(DataError, match="comes twice in Europe/Berlin") as caught:
        load(frame, ReadConfig(tz="Europe/Berlin"))
    assert caught.value.hint.endswith("leave out --tz Europe/Berlin.")
    assert load(frame).panel.target_observed.all()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Denver", "Pacific/Auckland"])
def test_days_in_utc_name_the_zones(zone: str) -> None:
    """Local midnights in UTC change their hour twice a year; the hint names zones in which they do not."""
    days = pd.date_range("2024-01-01", periods=330, tz=zone).tz_convert("UTC")
    with pytest.raises(DataError, match="does not lie on its grid of D") as caught:
        load(table(days))
    found = zones(caught.value.hint)
    assert len(found) < 6
    assert zone in found
    for each in found:
        assert load(table(days), ReadConfig(tz=each)).panel.target_observed.all()


def test_hours_ending_at_24(tmp_path: Path) -> None:
    """A date and hours from 01:00 to 24:00 are the ends of hours, read without an option."""
    rows = [f"2024-01-{1 + at // 24:02},{1 + at % 24:02}:00,{10 + at % 7}" for at in range(240)]
    (tmp_path / "x.csv").write_text("\n".join(["Date,Time,load", *rows]))
    loaded = load(tmp_path / "x.csv")
    assert codes(loaded) == {"C003": 2}
    assert (np.diff(loaded.panel.time) == 3600 * 10**9).all()
    assert pd.Timestamp(loaded.panel.time[0]) == pd.Timestamp("2024-01-01 00:00")
    again = load(tmp_path / "x.csv", loaded.read)
    assert again.panel.time.tolist() == loaded.panel.time.tolist()
