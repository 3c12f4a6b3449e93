"""Inspect: data in, and out how it was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forecaster.config import ReadConfig
from forecaster.data.load import Loaded, load

if TYPE_CHECKING:
    import pandas as pd


def inspect(source: str | Path | pd.DataFrame, read: ReadConfig = ReadConfig()) -> Loaded:
    """Read the data and report how it was read."""
    return load(source, read)
