"""What commands that forecast have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.option_texts import FORECASTING
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.cli.options import Settings
    from forecaster.model.model import Model

NewestData = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATA]",
        help="A file, a directory, a glob, a URL (s3://, gs://, abfs://, https://), or - for stdin. "
        "Default: what the model was trained on.",
    ),
]
LIMITS = {name: FORECASTING[name] for name in ("lower", "upper", "integer", "circular")}
LOGGED = ("K003", "K007", "K008", "S005", "T004", "T010", "V012", "W002", "W003", "W004")
"""Codes of findings that are logged beside repairs: they say how far to trust these forecasts."""


def check_limits(settings: Settings, model: Model) -> None:
    """Raise UsageError for limits that are not those of the model."""
    limits = model.blend.limits  # those of forecast.toml may be set for training and predicting alike
    options = settings.options
    given = [n for n in LIMITS if n in settings.explicit and getattr(options, n) != getattr(limits, n)]
    if given:
        raise UsageError(
            f"--{given[0]} is part of the model: it cannot be changed when forecasting",
            hint=f"Train with --{given[0]}, or forecast with --model pretrained.",
        )
