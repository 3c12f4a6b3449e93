"""forecast inspect: what is understood of the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.options import COLUMNS, READING, SPEAKING, Data, Given, accepts

if TYPE_CHECKING:
    from forecaster.data.findings import Finding
    from forecaster.data.labels import Names
    from forecaster.data.load import Loaded
    from forecaster.data.series.observations import Observations
    from forecaster.errors import DataError

ExportFile = Annotated[
    str | None,
    typer.Option(
        "--export", metavar="FILE", help="Write the series as understood: id, time, value, observed."
    ),
]


@accepts(COLUMNS, READING, SPEAKING)
def inspect(data: Data, given: Given, export: ExportFile = None) -> None:
    """\b
    $ forecast inspect sample_data/sensors.parquet

    Say what is understood of DATA: columns, frequency, series, gaps, findings. Nothing is written, but for
    the series as they were understood to a file that --export names.
    """
    from forecaster.cli import output
    from forecaster.report import terminal

    loaded = _load(data, given, export)
    facts, series = output.facts(loaded), output.series_facts(loaded)
    if given.general.json:
        told = {"usable": True, "each_series": series, "findings": output.findings(loaded)}
        output.write_json(facts | told)
        return
    console = output.console()
    terminal.print_facts(console, "data", facts)
    console.print("\nSeries", style="bold")
    output.print_series(series)
    terminal.print_findings(console, loaded.findings)


def _load(data: str, given: Given, export: str | None) -> Loaded:
    """What is understood; where that is not enough for series, what there is of it is told and exported."""
    from forecaster.data.load import load
    from forecaster.data.writing.export import export_panel
    from forecaster.data.writing.write import check_destination
    from forecaster.errors import DataError

    check_destination(export)
    seen: list[tuple[Observations, Names, list[Finding]]] = []
    noted: list[Finding] = []
    try:
        loaded = load(data, given.read, on_rows=lambda *rows: seen.append(rows), noted=noted)
    except DataError as error:
        _export_rows(seen, export)
        _tell_unusable(data, noted, error, given)
        raise
    if export:
        export_panel(loaded.panel, export)
        _warn(loaded.findings)
    return loaded


def _warn(findings: Iterable[Finding]) -> None:
    """Beside a file that was written, what was repaired in it."""
    from forecaster.cli.log import stderr

    for finding in findings:
        if finding.severity != "info":
            stderr.finding(finding)


def _export_rows(seen: list[tuple[Observations, Names, list[Finding]]], export: str | None) -> None:
    """The rows that were read but make no series."""
    from forecaster.cli.log import stderr
    from forecaster.data.writing.export import export_rows

    if export and seen:
        export_rows(*seen[0][:2], export)
        _warn(seen[0][2])
        stderr.warn(f"the rows make no series; {export!r} holds them as they were read")


def _tell_unusable(data: str, noted: list[Finding], error: DataError, given: Given) -> None:
    """What was noticed up to the error, the error, and those behind it."""
    from forecaster.cli import output
    from forecaster.data.problems import problems
    from forecaster.report import terminal

    findings = [*noted, *problems(data, given.read, error)]
    if given.general.json:
        output.write_json({"usable": False, "findings": [dataclasses.asdict(each) for each in findings]})
    elif len(findings) > 1 or error.count > 1:  # one error alone is told by the border
        terminal.print_findings(output.console(), findings)
