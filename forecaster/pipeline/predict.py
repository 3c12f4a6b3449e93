"""Predict: model and data in, forecast out; apart from `pipeline`, to start without what training needs."""

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
"""Reading settings that another source than a model's own need not share."""


def predict(
    model: Model,
    source: str | Path | pd.DataFrame | None = None,
    *,
    read: ReadConfig | None = None,
    horizon: int | None = None,
) -> Forecast:
    """Forecast from the newest row of `source`, by default the one that the model was trained on.

    Columns and dialect are those that the model remembers; `read` overrides what it sets. Raises
    ModelError where the data does not fit the model.
    """
    if source is None:
        source = model.facts.source
        if source in ("", "-"):
            raise UsageError(
                "the model was trained on "
                + ("standard input" if source else "a table in memory")
                + ", which cannot be read again",
                hint="Name the data: `forecast predict DATA`, or `-` to read standard input.",
            )
    loaded = load(source, read_as(model, source, read))
    return dataclasses.replace(forecast(model, loaded.panel, horizon=horizon), findings=loaded.findings)


def read_as(model: Model, source: str | Path | pd.DataFrame, asked: ReadConfig | None) -> ReadConfig:
    """How to read `source` for a model: columns as it remembers them, what was asked for in their place.

    Dialect and frequency are remembered of the model's own source only: another file may be written
    otherwise, and is checked against the model's frequency.
    """
    remembered = model.facts.read
    own = isinstance(source, str | Path) and str(Path(source).absolute()) == model.facts.source
    default = ReadConfig()
    if not own:
        anew = {name: getattr(default, name) for name in OF_ONE_SOURCE}
        remembered = dataclasses.replace(remembered, **anew)
    if asked is None:
        return remembered
    changed = {
        field.name: getattr(asked, field.name)
        for field in dataclasses.fields(ReadConfig)
        if getattr(asked, field.name) != getattr(default, field.name)
    }
    return dataclasses.replace(remembered, **changed)
