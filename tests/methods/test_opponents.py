"""Theta and AutoETS beside the model: what they see, and what happens without them."""

import sys
import types

import numpy as np
import pytest
from evaluation_panel import panel_of

from forecaster.methods import opponents
from forecaster.pipeline import evaluate as pipeline


class Stub:
    """Stands in for a method of statsforecast: forecasts how many rows it saw."""

    def __init__(self, season_length: int) -> None:
        self.season = season_length

    def forecast(self, y: np.ndarray, h: int) -> dict[str, np.ndarray]:
        if y[-1] == 13:
            raise ValueError("unlucky")
        assert np.isfinite(y).all()
        return {"mean": np.full(h, len(y) + self.season / 100)}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    models = types.SimpleNamespace(DynamicOptimizedTheta=Stub, AutoETS=Stub)
    monkeypatch.setitem(sys.modules, "statsforecast", types.SimpleNamespace(models=models))
    monkeypatch.setattr(opponents, "are_installed", lambda: True)


def test_each_sees_the_rows_before_its_origin(installed: None) -> None:
    """Gaps are filled, a long past is cut, the season fits; what cannot be fitted gets the last value."""
    gaps = np.array([np.nan, 1.0, np.nan, 3.0, 2.0, 5.0, 4.0, 1.0, 9.0, 2.0])
    rows = [gaps, np.full(10, 5.0), [1.0, 2, 3, 4, 5, 6, 7, 13, 1, 1], np.arange(2000.0) % 7]
    panel = panel_of(*rows, seasonalities=(4,))
    origins = np.array([[8, 8, 8, 1900], [9, -1, 9, 20]])
    found = opponents.opponent_forecasts(panel, origins, 2)
    assert set(found) == {"Theta", "AutoETS"}
    np.testing.assert_allclose(found["Theta"][0, :, 0], [7.01, 5.0, 13.0, 1000.04])
    np.testing.assert_allclose(found["Theta"][1, :, 0], [8.04, np.nan, 9.04, 20.04])


def test_a_backtest_sets_them_beside_the_model(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand in the report where they are installed; not where there are too many windows."""
    import pandas as pd

    table = pd.DataFrame({"t": pd.date_range("2024", periods=60), "y": np.arange(60.0) % 7})
    result = pipeline.evaluate(table, model="pretrained", origins=2)
    assert {"Theta", "AutoETS"} < set(result.report.methods) and not result.notes
    monkeypatch.setattr(opponents, "MOST_WINDOWS", 1)
    result = pipeline.evaluate(table, model="pretrained", origins=2)
    assert "Theta" not in result.report.methods
    assert "Theta and AutoETS are left out: they would be fitted 2 times" in result.notes[0]
