"""Page: the result of a command as one page of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from forecaster.config import Options, ReadConfig
from forecaster.data.load import Loaded
from forecaster.errors import UsageError
from forecaster.evaluation.error_report import Report
from forecaster.forecasting.forecast import Forecast
from forecaster.pipeline.compare import Comparisons
from forecaster.pipeline.evaluate import Evaluation
from forecaster.pipeline.train import VERSIONS, Training
from forecaster.pipeline.update import Update
from forecaster.report.files import check_report_file, is_page, write_report
from forecaster.report.page.board import board_section
from forecaster.report.page.build import Results, page
from forecaster.report.page.making import versions_now
from forecaster.report.page.parts import Section
from forecaster.report.page.write import write_page

if TYPE_CHECKING:
    from forecaster.model.model import Model

Reported = Training | Evaluation | Comparisons | Update
"""Results with errors."""
Result = Reported | Forecast | Loaded


def write_result(
    result: Result | Results,
    path: str | Path,
    *,
    model: Model | None = None,
    loaded: Loaded | None = None,
    options: Options | None = None,
    series: Sequence[str] = (),
    sections: Sequence[Section] = (),
    command: str = "",
) -> None:
    """Write the result of train, evaluate, compare, update, predict or inspect as a page.

    `model` and `loaded` belong to a Forecast: what made it, and the data it was made from; `options` to one
    of the pretrained networks, and to a comparison. `series` are ids that must have a chart; `sections` come
    after the errors; `command` is what was typed. Results of another kind are given as `Results`. Raises
    UsageError for a series that does not exist, and where a package is missing; StorageError where writing
    fails.
    """
    results = result if isinstance(result, Results) else _results(result, model, loaded, options or Options())
    more = (*results.more, *sections)
    write_page(page(replace(results, named=tuple(series), more=more, command=command)), path)


def write_any(result: Reported, path: str, series: Sequence[str]) -> None:
    """Write a result as a page, or its errors as JSON or CSV, by the ending of `path`; errors as above."""
    check_report_file(path, page=True)
    held = result.leaderboard if isinstance(result, Comparisons) else result.report
    if is_page(path):
        write_result(result, path, series=series)
    elif held is None:
        raise UsageError("nothing was held out: there are no errors to write", hint="Write a .html file.")
    else:
        write_report(held, path)


def _results(result: Result, model: Model | None, loaded: Loaded | None, options: Options) -> Results:
    """What the page is made from."""
    if isinstance(result, Forecast):
        return _of_forecast(result, model, loaded, options)
    versions = versions_now(VERSIONS)
    if isinstance(result, Loaded):
        return Results("Data", result.panel, options, result.read, versions, result)
    if isinstance(result, Comparisons):
        return _of_comparison(result, options)
    if not isinstance(result, Training | Evaluation | Update):
        raise UsageError(f"there is no page of a {type(result).__name__}")
    kind = {Training: "Training", Evaluation: "Backtest", Update: "Update"}[type(result)]
    made = result.model
    if made is not None:
        options = made.options
    elif isinstance(result, Evaluation):
        options = result.options
    return Results(
        kind,
        result.loaded.panel,
        options,
        result.loaded.read,
        versions,
        result.loaded,
        result.report,
        None if isinstance(result, Update) else result.backtest,
        model=made,
        blend=None if made is None else made.blend,
        curves=() if isinstance(result, Update) else result.curves,
        notes=result.notes,
    )


def _of_forecast(result: Forecast, model: Model | None, loaded: Loaded | None, options: Options) -> Results:
    """What the page of a forecast is made from; `options` are those of the pretrained networks."""
    held = None if model is None else model.facts.report
    read = ReadConfig() if model is None else model.facts.read
    return Results(
        "Forecast",
        result.panel,
        options if model is None else model.options,
        read if loaded is None else loaded.read,
        versions_now(VERSIONS),
        loaded,
        None if held is None else Report.from_json(held),
        forecast=result,
        model=model,
        blend=None if model is None else model.blend,
    )


def _of_comparison(result: Comparisons, options: Options) -> Results:
    """What the page of a comparison is made from. UsageError where the search was stopped before its test."""
    board = result.leaderboard
    if board is None:
        raise UsageError("nothing was tested, so there is no leaderboard")
    return Results(
        "Comparison",
        result.loaded.panel,
        options,
        result.loaded.read,
        versions_now(VERSIONS),
        result.loaded,
        board.report,
        board.backtest,
        notes=result.notes,
        more=(board_section(board),),
        verdict=board.verdict,
    )
