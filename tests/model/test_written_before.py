"""Models written by version 0.1.0 before the rooms were built: they load, and forecast what they did then."""

from pathlib import Path

import pandas as pd
import pytest

import forecaster

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "tests" / "data" / "written_before"
SENSORS = pd.read_parquet(ROOT / "sample_data" / "sensors.parquet")
STOCKS = pd.read_csv(ROOT / "sample_data" / "stocks.csv")


@pytest.mark.parametrize(("cell", "table"), [("gru", SENSORS), ("rnn", SENSORS), ("lstm", STOCKS)])
def test_an_old_model_forecasts_what_it_did(cell: str, table: pd.DataFrame) -> None:
    """Forecast and bounds stay; another processor may round the last digits otherwise."""
    forecasts = forecaster.predict(forecaster.load(WRITTEN / f"{cell}.model"), table)
    before = pd.read_csv(WRITTEN / f"{cell}.csv")
    assert list(forecasts.columns) == list(before.columns)
    assert len(forecasts) == len(before)
    for name in before.select_dtypes("number"):
        assert forecasts[name].to_numpy() == pytest.approx(before[name].to_numpy(), rel=1e-5)
