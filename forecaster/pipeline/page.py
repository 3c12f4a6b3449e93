"""Page: the result of a command as one page of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forecaster.config import Options, ReadConfig
from forecaster.data.load import Loaded
from forecaster.errors import UsageError
from forecaster.evaluation.error_report import Report
from forecaster.forecasting.forecast import Forecast
from forecaster.pipeline.evaluate import Evaluation
from forecaster.pipeline.train import VERSIONS, Training
from forecaster.report.page.build import Results, page
from forecaster.report.page.making import versions_now
from forecaster.report.page.parts import Section
from forecaster.report.page.write import write_page

if TYPE_CHECKING:
    from forecaster.model.model import Model

Result = Training | Evaluation | Forecast | Loaded


def write_result(
    result: Result,
    path: str | Path,
    *,
    model: Model | None = None,
    loaded: Loaded | None = None,
    options: Options | None = None,
    series: Sequence[str] = (),
    sections: Sequence[Section] = (),
    command: str = "",
) -> None:
    """Write the result of train, evaluate, predict or inspect as a page.

    `model` and `loaded` belong to a Forecast: what made it, and the data it was made from. `series` are ids
    that must have a chart; `sections` come after the errors; `command` is what was typed. Raises UsageError
    for a series that does not exist, and where a package is missing; StorageError where writing fails.
    """
    results = _results(result, model, loaded, options, tuple(series), tuple(sections), command)
    write_page(page(results), path)


def _results(
    result: Result,
    model: Model | None,
    loaded: Loaded | None,
    options: Options | None,
    series: tuple[str, ...],
    sections: tuple[Section, ...],
    command: str,
) -> Results:
    """What the page is made from."""
    versions = versions_now(VERSIONS)
    if isinstance(result, Loaded):
        return Results(
            "Data", result.panel, options or Options(), result.read, versions, result,
            named=series, more=sections, command=command,
        )  # fmt: skip
    if isinstance(result, Forecast):
        held = model.facts.report if model is not None else None
        return Results(
            "Forecast",
            result.panel,
            options or (model.options if model is not None else Options()),
            loaded.read if loaded is not None else model.facts.read if model is not None else ReadConfig(),
            versions,
            loaded,
            None if held is None else Report.from_json(held),
            forecast=result,
            model=model,
            blend=None if model is None else model.blend,
            named=series,
            more=sections,
            command=command,
        )
    if not isinstance(result, Training | Evaluation):
        raise UsageError(f"there is no page of a {type(result).__name__}")
    made = result.model
    asked = result.options if isinstance(result, Evaluation) else result.model.options
    return Results(
        "Training" if isinstance(result, Training) else "Backtest",
        result.loaded.panel,
        options or (made.options if made is not None else asked),
        result.loaded.read,
        versions,
        result.loaded,
        result.report,
        result.backtest,
        model=made,
        blend=None if made is None else made.blend,
        curves=result.curves,
        notes=result.notes,
        named=series,
        more=sections,
        command=command,
    )
