"""Findings of reading: sentinels, dropouts, stuck sensors, counter resets and changes of level."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import inside
from shares import prices

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError

ROOT = Path(__file__).parents[3]
CODES = ("V005", "V007", "V008", "V009", "V010", "V011", "P001")


def table(values: np.ndarray, step: str = "h") -> pd.DataFrame:
    """One series that begins in 2024."""
    return pd.DataFrame({"time": pd.date_range("2024-01-01", periods=len(values), freq=step), "y": values})


def warm(rows: int = 400) -> np.ndarray:
    """Temperatures with a day and a night, above zero."""
    hours = np.arange(rows)
    noise = np.random.default_rng(1).normal(size=rows)
    return np.round(20 + 4 * np.sin(2 * np.pi * hours / 24) + 0.3 * noise, 2)


def codes(loaded: Loaded) -> list[str]:
    """Those of the codes of values that were found."""
    return [finding.code for finding in loaded.findings if finding.code in CODES]


def finding(values: np.ndarray, code: str, config: ReadConfig = ReadConfig()) -> Finding:
    """The one finding about values, which has this code."""
    loaded = load(table(values), config, remembered=True)
    assert codes(loaded) == [code]
    return next(each for each in loaded.findings if each.code == code)


def test_a_healthy_series_has_none() -> None:
    """Temperatures alone give no finding about values."""
    assert codes(load(table(warm()))) == []


@pytest.mark.parametrize("number", [-127.0, -999.0, 85.0])
def test_a_sentinel_has_a_hint_that_works(number: float) -> None:
    """V007 names value, time and series, and what to type; typed, the value is missing."""
    values = warm()
    values[[100, 300]] = number
    found = finding(values, "V007")
    assert (found.severity, found.count) == ("repair", 2)
    assert found.places[0] == f"{number:g} on 2024-01-05 04:00:00 in 'y'"
    assert f"; --na {number:g} makes" in found.action
    mended = load(table(values), ReadConfig(na=(f"{number:g}",)))
    assert codes(mended) == []
    assert np.flatnonzero(~mended.panel.target_observed).tolist() == [100, 300]


@pytest.mark.parametrize("written", ["-127", "-127.0", "-127.00"])
def test_the_hint_works_on_the_command_line(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """However the number is written in the file, the hint makes it missing; --strict passes then."""
    cells = [f"{value:.2f}" for value in warm(200)]
    cells[50] = written
    times = pd.date_range("2024-01-01", periods=200, freq="h")
    lines = [f"{time:%Y-%m-%d %H:%M},{cell}" for time, cell in zip(times, cells, strict=True)]
    (tmp_path / "x.csv").write_text("\n".join(["time,y", *lines, ""]))
    monkeypatch.chdir(tmp_path)
    refused = inside("inspect", "x.csv", "--strict", capfd=capfd)
    assert refused.returncode == 3
    assert "V007" in refused.stderr
    assert "--na -127 makes them missing for good" in refused.stderr
    assert inside("inspect", "x.csv", "--strict", "--na", "-127", capfd=capfd).returncode == 0


def test_several_sentinels_are_one_list() -> None:
    """--na is given once, with the words that it has already."""
    values = warm()
    values[100], values[200] = -127, -999
    assert "; --na x,-999,-127 makes" in finding(values, "V007", ReadConfig(na=("x",))).action


def test_a_dropout_is_named() -> None:
    """V008: a share price of zero for a day between prices of 200."""
    values = 200 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 300)))
    values[150:152] = 0
    found = finding(values, "V008")
    assert (found.severity, found.count) == ("repair", 2)
    assert found.places == ("0 on 2024-01-07 06:00:00 in 'y' and the next row",)


def test_an_absurd_value_is_named_once() -> None:
    """A value that is left out (V008) is not also one that is kept (V005)."""
    values = warm()
    values[77] = 1e30
    assert finding(values, "V008").places == ("1e+30 on 2024-01-04 05:00:00 in 'y'",)


def test_a_stuck_sensor_is_named() -> None:
    """V009: the same reading for 90 hours, where it changes every hour otherwise."""
    values = warm()
    values[200:290] = values[200]
    found = finding(values, "V009")
    assert (found.severity, found.count) == ("repair", 89)
    assert found.places[0].endswith("and the next 88 rows")


def test_a_counter_reset_is_a_warning() -> None:
    """V010: nothing is left out, --difference is offered; --strict stops."""
    values = np.cumsum(np.random.default_rng(2).gamma(2, 3, 300))
    values[180:] -= values[179]
    found = finding(values, "V010")
    assert (found.severity, found.count) == ("warning", 1)
    assert "--difference" in found.action
    with pytest.raises(DataError, match="V010"):
        load(table(values), ReadConfig(strict=True))


def test_a_gap_in_a_counter_is_no_reset() -> None:
    """A counter that shows zero for two rows and then goes on did not begin again."""
    values = np.cumsum(np.random.default_rng(2).gamma(2, 3, 300))
    values[180:182] = 0
    assert "V010" not in codes(load(table(values)))


def test_a_change_of_level_is_named() -> None:
    """V011 has the levels before and after, the time and the series (fault 1 of the issue)."""
    values = 200 + np.cumsum(np.random.default_rng(1).normal(0, 1, 150))
    values[130:] /= 10
    found = finding(values, "V011")
    assert (found.severity, found.count) == ("repair", 1)
    before, to, after, *rest = found.places[0].split()
    assert (to, rest) == ("to", ["on", "2024-01-06", "10:00:00", "in", "'y'"])
    assert float(before) == pytest.approx(np.median(values[106:130]), rel=0.02)
    assert float(after) == pytest.approx(np.median(values[130:]), rel=0.02)


@pytest.mark.parametrize(("adjust", "expected"), [(False, ["P001"]), (True, [])])
def test_a_split_is_named_once(adjust: bool, expected: list[str]) -> None:
    """A jump that is named as a stock split (P001) is not named again as a change of level (V011)."""
    frame = prices(10, row=95)
    assert codes(load(frame.assign(date=range(120)), ReadConfig(date_format="s"))) == ["V011"]
    assert codes(load(frame, ReadConfig(adjust_splits=adjust))) == expected


def test_each_series_is_judged_alone() -> None:
    """In a table of several series the place names the one; the numbers of others do not matter."""
    wide = table(warm()).assign(z=warm() * 1000)
    wide.loc[123, "z"] = -999
    loaded = load(wide, ReadConfig(target=("y", "z")))
    assert codes(loaded) == ["V007"]
    assert loaded.findings[-1].places == ("-999 on 2024-01-06 03:00:00 in 'z'",)


@pytest.mark.parametrize("name", ["stocks.csv", "sensors.parquet"])
def test_the_samples_are_healthy(name: str) -> None:
    """The sample data gives no false alarm."""
    assert codes(load(ROOT / "sample_data" / name)) == []
