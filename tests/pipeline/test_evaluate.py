"""What a backtest says where the held-out rows hold what nobody can forecast."""

import numpy as np
import pandas as pd
import pytest
from flat import walk

from forecaster.config import Options
from forecaster.pipeline.evaluate import evaluate

TINY = Options(horizon=4, steps=20, hidden=8, members=1, workers=1)


def table(values):
    return pd.DataFrame({"t": pd.date_range("2024", periods=len(values)), "y": values})


@pytest.mark.parametrize("rows", [18, 60, 200])
@pytest.mark.parametrize("value", [1e300, -1e300])
def test_absurd_numbers_after_the_first_origin(rows, value):
    """1e300 in held-out rows is named and left out of the report; the forecasts after it are finite."""
    values = np.round(20 + np.random.default_rng(0).normal(size=rows), 2)
    values[[-3, -6, -9]] = value
    result = evaluate(table(values), TINY, origins=3)
    assert result.report.overall[:, 0].max() < 5
    assert [(each.code, each.count) for each in result.loaded.findings if each.code == "V008"] == [
        ("V008", 3)
    ]


def test_errors_of_a_wind_around_north():
    """Forecasts near north are compared with what was near north: no error is near 360."""
    angles = np.mod(3 * np.convolve(np.random.default_rng(0).normal(size=400), np.ones(8), "valid"), 360)
    report = evaluate(table(angles), TINY, origins=5).report
    assert report.overall[:, 0].max() < 40


def test_a_model_is_not_judged_by_a_broken_reading():
    """A spike among the held-out rows changes neither the error of the model nor of the naive forecast."""
    values = walk(200, start=50, step=0.2)
    values[-2] = 900.0
    report = evaluate(table(values), TINY, origins=2).report
    assert report.overall[:, 0].max() < 5
