"""Prices of shares, for tests."""

import numpy as np
import pandas as pd


def prices(ratio: float, row: int = 60) -> pd.DataFrame:
    """Prices of a share that is split once."""
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 120)))
    close[row:] /= ratio
    return pd.DataFrame({"date": pd.bdate_range("2024-01-01", periods=120), "close": close})
