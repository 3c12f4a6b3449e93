"""`--difference`: the rate of a counter, at resets, failed readings, gaps and short series."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import inside
from panels import panel_of

import forecaster
from forecaster.config import ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.load import Loaded, load
from forecaster.data.series.differences import differenced
from forecaster.errors import DataError

RATE = ReadConfig(difference=True)
NAN = np.nan


def rates(*series: list[float]) -> tuple[list[list[float]], list[Finding]]:
    """The differences of each series, and what was found."""
    panel, findings = differenced(panel_of(*series), asked=True)
    assert (panel.observed == ~np.isnan(panel.values)).all()
    return [part.tolist() for part in np.split(panel.target, panel.offsets[1:-1])], findings


def table(values: np.ndarray) -> pd.DataFrame:
    """Daily rows of one series."""
    return pd.DataFrame({"day": pd.date_range("2024-01-01", periods=len(values)), "kwh": values})


def count(loaded: Loaded, code: str) -> int:
    """How often a code was found."""
    return sum(finding.count for finding in loaded.findings if finding.code == code)


def test_each_value_less_the_one_before() -> None:
    """A series starts at its second row, and no difference crosses from one series to the next."""
    found, (finding,) = rates([1, 3, 3, 7], [100, 110])
    assert found == [[2, 0, 4], [10]]
    assert (finding.code, finding.count, finding.places) == ("D010", 2, ())


def test_not_asked_is_not_done() -> None:
    """By default the panel stays as it is."""
    panel = panel_of([1, 3])
    assert differenced(panel, asked=False) == (panel, [])


def test_at_a_reset_the_value_itself() -> None:
    """A counter that begins again has counted its value since; the place is named."""
    found, (finding,) = rates([10, 20, 30, 4, 14, 24])
    assert found == [[10, 10, 4, 10, 10]]
    assert finding.places == ("4 on 1970-01-04 00:00:00 in 's000'",)


def test_a_counter_of_each_day() -> None:
    """One that begins again every fourth row is a counter, too."""
    found, _ = rates([1, 2, 4, 8] * 5, [1, 2, 3, 9] * 5)
    assert found == [[1, 2, 4, *[1, 1, 2, 4] * 4], [1, 1, 6, *[1, 1, 1, 6] * 4]]


def test_what_also_falls_otherwise_is_no_counter() -> None:
    """A temperature has differences below zero, however far it falls."""
    found, (finding,) = rates([10, 20, 4, 9, 8, 12])
    assert found == [[10, -16, 5, -1, 4]]
    assert finding.places == ()
    assert rates([-1, 5, 1, 6])[0] == [[6, -4, 5]]


@pytest.mark.parametrize("failed", [[0], [0, 0], [3, 0, 0]])
def test_a_failed_reading_is_missing(failed: list[float]) -> None:
    """1020, 0, 1040 is no reset, and 1040 no rate: both differences are missing."""
    found, (_, finding) = rates([1000, 1010, 1020, *failed, 1040, 1050])
    np.testing.assert_array_equal(found, [[10, 10, *[NAN] * (len(failed) + 1), 10]])
    assert (finding.code, finding.severity, finding.count) == ("V008", "repair", len(failed))


def test_after_a_gap_the_difference_is_missing() -> None:
    """It spans several rows. Such rows are left out at the start only: forecasts follow the last row."""
    found, _ = rates([1, NAN, 5, 6, NAN, 9, 10, NAN, 12])
    np.testing.assert_array_equal(found, [[1, NAN, NAN, 1, NAN, NAN]])


def test_covariates_stay_as_they_are() -> None:
    """Only the target is differenced; the covariates of the rows that are left stay beside it."""
    panel, _ = differenced(panel_of([[1, 7], [3, 8], [6, 9]]), asked=True)
    assert panel.values.tolist() == [[2, 8], [3, 9]]
    assert panel.time.tolist() == panel_of([1, 2, 3]).time[1:].tolist()


def test_series_of_one_row_are_left_out() -> None:
    """They have no difference, and are named (V004); without any other there is an error."""
    found, (_, finding) = rates([5], [1, 2], [7])
    assert found == [[1]]
    assert (finding.code, finding.count) == ("V004", 2)
    assert "'s000', 's002'" in finding.message
    with pytest.raises(DataError, match="no difference"):
        rates([5], [7])


def test_the_finding_of_resets_is_gone() -> None:
    """Where the rate is asked for, V010 is not reported: it has been dealt with."""
    values = np.cumsum(np.random.default_rng(2).gamma(2, 3, 300))
    values[180:] -= values[179]
    plain, rate = load(table(values)), load(table(values), RATE)
    assert (count(plain, "V010"), count(rate, "V010")) == (1, 0)
    assert count(load(table(values), ReadConfig(difference=True, strict=True)), "D010") == 1


def test_a_model_remembers_that_it_forecasts_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`train --difference`, then `predict` on newer rows: rates about 5, not a counter about 2000."""
    values = 1000 + np.cumsum(5 + np.random.default_rng(3).normal(0, 0.5, 200))
    table(values[:190]).to_csv(tmp_path / "x.csv", index=False)
    table(values).to_csv(tmp_path / "newer.csv", index=False)
    monkeypatch.chdir(tmp_path)
    flags = ("--difference", "--horizon", "4", "--steps", "10", "--members", "1", "--hidden", "8")
    assert inside("train", "x.csv", *flags, capfd=capfd).returncode == 0
    assert inside("predict", "newer.csv", "-o", "f.csv", capfd=capfd).returncode == 0
    frame = pd.read_csv("f.csv")
    assert frame["day"].iloc[0] == "2024-07-19"
    assert frame["forecast"].between(3, 7).all()
    assert forecaster.load("forecast.model").facts.names.target == "kwh"
    shown = inside("inspect", "x.csv", "--difference", "--json", capfd=capfd).stdout
    assert '"rows": 189' in shown
    assert "D010" in shown
