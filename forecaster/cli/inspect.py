"""forecast inspect: what is understood of the data."""

from __future__ import annotations

import dataclasses

from forecaster.cli.options import COLUMNS, READING, SPEAKING, Data, Given, accepts


@accepts(COLUMNS, READING, SPEAKING)
def inspect(data: Data, given: Given) -> None:
    """\b
    $ forecast inspect sample_data/sensors.parquet

    Say what is understood of DATA: columns, frequency, series, gaps, findings. Nothing is written.
    """
    from forecaster import pipeline
    from forecaster.cli import output
    from forecaster.report import terminal

    loaded = pipeline.inspect(data, given.read)
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
