"""Predict: model and data in, forecast out. It starts fast: no import that only training needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import UsageError
from forecaster.forecasting.forecast import Forecast, forecast
from forecaster.model.model import Model

if TYPE_CHECKING:
    import pandas as pd

OF_ONE_SOURCE = ("delimiter", "encoding", "quote", "escape", "header", "skip", "skip_end", "decimal",
                 "thousands", "strip", "date_format", "freq")  # fmt: skip
"""Reading settings that hold for one source only; another source may be written differently."""


def predict(
    model: Model,
    source: str | Path | pd.DataFrame | None = None,
    *,
    read: ReadConfig | None = None,
    horizon: int | None = None,
) -> Forecast:
    """Forecast from the newest row of `source` (default: the source that the model was trained on).

    The model stores columns and dialect; the settings made in `read` override them. Raises ModelError where
    the data does not fit the model.
    """
    if source is None:
        source = model.facts.source
        if source in ("", "-"):
            raise UsageError(
                "the model was trained on "
                + ("standard input" if source else "a table in memory")
                + ", which cannot be read again",
                hint="Name the data, `forecast predict DATA`, or use `-` to read standard input.",
            )
    loaded = load(source, read_as(model, source, read))
    return dataclasses.replace(forecast(model, loaded.panel, horizon=horizon), findings=loaded.findings)


def read_as(model: Model, source: str | Path | pd.DataFrame, asked: ReadConfig | None) -> ReadConfig:
    """How to read `source` for a model: with the model's stored settings, overridden by those in `asked`.

    The stored dialect and frequency are used for the model's own source only. Another file may be written
    differently; its frequency is inferred and checked against the model's.
    """
    stored = model.facts.read
    own = isinstance(source, str | Path) and str(Path(source).absolute()) == model.facts.source
    default = ReadConfig()
    if not own:
        reset = {name: getattr(default, name) for name in OF_ONE_SOURCE}
        stored = dataclasses.replace(stored, **reset)
    if asked is None:
        return stored
    changed = {
        field.name: getattr(asked, field.name)
        for field in dataclasses.fields(ReadConfig)
        if getattr(asked, field.name) != getattr(default, field.name)
    }
    return dataclasses.replace(stored, **changed)
