"""forecast inspect: what is understood of the data."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.options import COLUMNS, READING, SPEAKING, Data, Given, accepts

if TYPE_CHECKING:
    from forecaster.config import ReadConfig
    from forecaster.data.audit import Finding
    from forecaster.data.load import Loaded
    from forecaster.data.observations import Observations
    from forecaster.data.panel import Names

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

    loaded = _load(data, given.read, export)
    facts, series = output.facts(loaded), output.series_facts(loaded)
    if given.general.json:
        findings = [dataclasses.asdict(finding) for finding in loaded.findings]
        output.write_json(facts | {"each_series": series, "findings": findings})
        return
    console = output.console()
    terminal.print_facts(console, "data", facts)
    console.print("\nSeries", style="bold")
    output.print_series(series)
    terminal.print_findings(console, loaded.findings)


def _load(data: str, read: ReadConfig, export: str | None) -> Loaded:
    """What is understood. Where the rows are, but make no series, the rows are exported all the same."""
    from forecaster.data.load import load

    if export is None:
        return load(data, read)
    from forecaster.cli.log import stderr
    from forecaster.data.export import export_panel, export_rows
    from forecaster.data.write import check_destination
    from forecaster.errors import DataError

    check_destination(export)
    rows: list[tuple[Observations, Names]] = []

    def keep(found: Observations, names: Names, findings: list[Finding]) -> None:
        rows.append((found, names))

    try:
        loaded = load(data, read, on_rows=keep)
    except DataError:
        if rows:
            export_rows(*rows[0], export)
            stderr.warn(f"the rows make no series; {export!r} holds them as they were read")
        raise
    export_panel(loaded.panel, export)
    return loaded
