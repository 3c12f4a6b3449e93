"""`predict` on series shorter than the model looks back on: forecast and named, or left out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import inside

import forecaster
from forecaster.errors import DataError
from forecaster.pipeline.predict import predict
from forecaster.pipeline.train import Training

TINY = {"steps": 20, "members": 1, "hidden": 8, "workers": 1, "lookback": 21}


def series(name: str, rows: int, level: float) -> pd.DataFrame:
    """Daily rows up to 2024-06-30."""
    days = pd.date_range(end="2024-06-30", periods=rows)
    values = (
        level + 5 * np.sin(2 * np.pi * np.arange(rows) / 7) + np.random.default_rng(rows).normal(size=rows)
    )
    return pd.DataFrame({"shop": name, "day": days, "y": values})


LONG = pd.concat([series("a", 120, 50), series("b", 120, 80)])


@pytest.fixture(scope="module")
def training() -> Training:
    """A model of two long series that looks back on 21 rows."""
    return forecaster.train(LONG, horizon=4, **TINY)


@pytest.mark.parametrize("rows", [8, 1])
def test_a_short_series_is_forecast_and_named(training: Training, rows: int) -> None:
    """A new series of 8 rows, or of one, gets a forecast near its values with an interval; S005 names it."""
    new = series("new", rows, 60)
    result = predict(training.model, pd.concat([LONG, new]))
    frame = result.to_frame().query("shop == 'new'")
    assert len(frame) == 4
    assert frame["forecast"].between(45, 75).all()
    assert (frame["hi_80"] - frame["lo_80"] > 0.1).all()
    (finding,) = [each for each in result.findings if each.code == "S005"]
    assert (finding.severity, finding.count) == ("info", 1)
    assert finding.message == "series of fewer than the 21 rows that the model looks back on: 'new'"
    assert "--skip-short" in finding.action


def test_the_others_stay_as_they_are(training: Training) -> None:
    """The forecasts of long series hardly move for a short one beside them (seasons are pooled)."""
    alone = forecaster.predict(training, LONG)
    beside = forecaster.predict(training, pd.concat([LONG, series("new", 5, 60)])).query("shop != 'new'")
    columns = ["forecast", "lo_80", "hi_80"]
    np.testing.assert_allclose(alone[columns], beside[columns], rtol=1e-3)


def test_short_series_can_be_left_out(training: Training) -> None:
    """skip_short: no rows of theirs, neither forecasts nor paths; the finding says so."""
    table = pd.concat([LONG, series("new", 20, 60), series("enough", 21, 60)])
    result = predict(training.model, table, skip_short=True)
    assert result.panel.ids == ("a", "b", "enough")
    (finding,) = [each for each in result.findings if each.code == "S005"]
    assert (finding.count, finding.action) == (1, "left out, as asked")
    paths = forecaster.predict(training, table, skip_short=True, samples=2)
    assert set(paths["shop"]) == {"a", "b", "enough"}
    with pytest.raises(DataError, match="fewer than the 21 rows"):
        forecaster.predict(training, series("new", 9, 60), skip_short=True)


@pytest.mark.parametrize("id_column", [True, False])
def test_a_table_of_one_row(training: Training, id_column: bool) -> None:
    """One row shows no frequency; the model's is taken. Times go on from it."""
    one = series("new", 1, 60)
    if not id_column:
        training, one = (
            forecaster.train(series("a", 120, 50)[["day", "y"]], horizon=4, **TINY),
            one[["day", "y"]],
        )
    frame = forecaster.predict(training, one)
    assert frame["day"].astype(str).tolist() == ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04"]
    assert np.isfinite(frame["forecast"]).all()
    assert (frame["lo_80"] < frame["hi_80"]).all()


def test_a_table_of_one_row_cannot_be_trained_on() -> None:
    """It is refused, as before."""
    with pytest.raises(DataError, match="has one row"):
        forecaster.train(series("new", 1, 60))


def test_the_command_line_says_so(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """S005 is logged; --skip-short, flag or variable, leaves out."""
    monkeypatch.chdir(tmp_path)
    training.model.save(tmp_path / "forecast.model")
    pd.concat([LONG, series("new", 8, 60)]).to_csv("x.csv", index=False)
    result = inside("predict", "x.csv", capfd=capfd)
    assert (result.returncode, len(result.stdout.splitlines())) == (0, 13)
    assert result.stderr.startswith(
        "S005 series of fewer than the 21 rows that the model looks back on: 'new'"
    )
    result = inside("predict", "x.csv", "--skip-short", capfd=capfd)
    assert (result.returncode, len(result.stdout.splitlines())) == (0, 9)
    assert "left out, as asked" in result.stderr
    monkeypatch.setenv("FORECAST_SKIP_SHORT", "true")
    assert len(inside("predict", "x.csv", capfd=capfd).stdout.splitlines()) == 9
