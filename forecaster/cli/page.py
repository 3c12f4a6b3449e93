"""What --report writes: the errors of a result as JSON or CSV, or its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forecaster.cli.account import account
from forecaster.cli.log import without_secrets
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.config import Options
    from forecaster.data.load import Loaded, Reader
    from forecaster.model.model import Model
    from forecaster.pipeline.evaluate import Evaluation
    from forecaster.pipeline.page import Result
    from forecaster.pipeline.train import Training
    from forecaster.pipeline.update import Update
    from forecaster.report.page.parts import Section


def check_report(path: str | None, series: list[str] | None = None, *, errors: bool = True) -> None:
    """Raise UsageError or StorageError before any work is done where the report could not be written.

    `errors`: there are errors to report, not only a page.
    """
    from forecaster.report.files import check_report_file, is_page

    check_report_file(path, errors=errors, page=True)
    if series and not is_page(path):
        raise UsageError("--report-series needs a page", hint="Add --report FILE.html.")


def reader(series: list[str] | None, then: Reader = account.read) -> Reader:
    """What is done with the data once it is read: `then`, and the series named must be there."""

    def read(loaded: Loaded) -> None:
        then(loaded)
        if series:
            from forecaster.report.page.build import numbers_of

            numbers_of(loaded.panel, series)

    return read


def write_report(
    result: Training | Evaluation | Update, path: str | None, series: list[str] | None = None
) -> None:
    """Write the errors, or the page, by the ending of `path`; no errors where nothing was held out."""
    from forecaster.report import files

    if path is None:
        return
    if files.is_page(path):
        write_page(result, path, series)
    elif result.report is not None:
        files.write_report(result.report, path)
        account.wrote(path)


def write_page(
    result: Result,
    path: str,
    series: list[str] | None,
    *,
    model: Model | None = None,
    loaded: Loaded | None = None,
    options: Options | None = None,
    sections: Sequence[Section] = (),
) -> None:
    """Write the page, and record the file. `sections` come after the errors."""
    import shlex

    from forecaster.pipeline.page import write_result

    command = shlex.join(("forecast", *map(without_secrets, account.arguments)))
    write_result(
        result,
        path,
        model=model,
        loaded=loaded,
        options=options,
        series=series or (),
        sections=sections,
        command=command,
    )
    account.wrote(path)
