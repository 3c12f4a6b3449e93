"""forecast inspect: show how the data is understood."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.option_texts import COLUMNS, GENERAL, READING
from forecaster.cli.options import Data, PageFile, PageSeries, Settings, accepts
from forecaster.cli.picture import (
    SCREEN,
    Plot,
    PlotSeries,
    before_work,
    by_default,
    check_plot,
    chosen,
    draw,
    labels,
    with_findings_first,
)

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


@accepts(COLUMNS, READING, GENERAL)
def inspect(
    data: Data,
    settings: Settings,
    export: ExportFile = None,
    report: PageFile = None,
    report_series: PageSeries = None,
    plot: Plot = None,
    plot_series: PlotSeries = None,
) -> None:
    """\b
    $ forecast inspect sample_data/sensors.parquet

    Show how DATA is understood: columns, frequency, kinds of series, gaps, findings. Nothing is trained.
    Nothing is written, except the series as understood to the file that --export names, the page of --report,
    and a picture of them to the file of --plot: with missing rows, suspicious values and changes of level.
    """
    from forecaster.cli import data_summary
    from forecaster.cli.page import check_report, write_page
    from forecaster.cli.streams import console, write_json
    from forecaster.report import terminal
    from forecaster.report.data_facts import data_facts, left_out_by_reason
    from forecaster.report.series_kinds import series_kinds, summary

    check_report(report, report_series, errors=False)
    on_stdout = "--json" * settings.general.json or "--export" * _is_stdout(export)
    check_plot(plot, plot_series, data_on_stdout=on_stdout, text_on_stdout=True)
    loaded = _load(data, settings, export, plot_series)
    if report:
        write_page(loaded, report, report_series)
    if plot and plot != SCREEN:
        _draw(loaded, plot, plot_series)
    kinds = series_kinds(loaded.panel, loaded.odd)
    facts, values = data_facts(loaded), summary(kinds)
    series = data_summary.series_facts(loaded, kinds)
    if settings.general.json:
        details = {
            "usable": True,
            "values": values,
            "each_series": series,
            "findings": data_summary.findings(loaded),
        }
        write_json("inspect-1", facts | details)
        return
    screen = console()
    terminal.print_facts(screen, "data", facts | left_out_by_reason(facts))
    terminal.print_facts(screen, "values", values)
    screen.print("\nSeries", style="bold")
    data_summary.print_series(series)
    terminal.print_findings(screen, loaded.findings)
    if plot == SCREEN:
        print()
        _draw(loaded, plot, plot_series)


def _draw(loaded: Loaded, plot: str, series: list[str] | None) -> None:
    """Draw the series asked for, else those with findings."""
    from forecaster.report.scenes import data_scene

    shown = chosen(labels(loaded.panel), series, with_findings_first(loaded))
    how = by_default(series, ", those with findings first")
    draw(plot, loaded.panel, shown, lambda number: data_scene(loaded, number), how=how)


def _is_stdout(export: str | None) -> bool:
    from forecaster.data.writing.destination import is_stdout

    return export is not None and (export == "-" or is_stdout(export))


def _load(data: str, settings: Settings, export: str | None, to_draw: list[str] | None) -> Loaded:
    """Load the data and export it. Where it cannot be used, show the problems, export the rows and raise.

    Raises UsageError for a series `to_draw` that is not there.
    """
    from forecaster.data.load import load
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.export import export_panel
    from forecaster.data.writing.write import check_destination
    from forecaster.errors import DataError

    check_destination(export)
    if export and export != "-":
        check_folder(export)
    rows_read: list[tuple[Observations, Names, list[Finding]]] = []
    findings: list[Finding] = []
    try:
        loaded = load(data, settings.read, on_rows=lambda *rows: rows_read.append(rows), noted=findings)
    except DataError as error:
        account.found(findings)
        _export_rows(rows_read, export)
        _show_problems(data, findings, error, settings)
        raise
    before_work(to_draw)(loaded)
    if export:
        export_panel(loaded.panel, export)
        account.wrote(export)
        _log_repairs(loaded.findings)
    return loaded


def _log_repairs(findings: Iterable[Finding]) -> None:
    """Log what was repaired in the rows that an exported file holds."""
    from forecaster.cli.log import stderr

    for finding in findings:
        if finding.severity != "info":
            stderr.finding(finding)


def _export_rows(rows_read: list[tuple[Observations, Names, list[Finding]]], export: str | None) -> None:
    """Write the rows as read, where they could not be arranged as series."""
    from forecaster.cli.log import stderr
    from forecaster.data.writing.export import export_rows

    if export and rows_read:
        observations, names, findings = rows_read[0]
        export_rows(observations, names, export)
        _log_repairs(findings)
        stderr.warn(f"the rows cannot be arranged as series; {export!r} holds them as read")


def _show_problems(data: str, findings: list[Finding], error: DataError, settings: Settings) -> None:
    """Show the findings before the error, the error, and further errors that it hides."""
    from forecaster.cli.streams import console, write_json
    from forecaster.data.problems import problems
    from forecaster.report import terminal

    everything = [*findings, *problems(data, settings.read, error)]
    if settings.general.json:
        write_json(
            "inspect-1", {"usable": False, "findings": [dataclasses.asdict(each) for each in everything]}
        )
    elif len(everything) > 1 or error.count > 1:  # `border` prints a single error
        terminal.print_findings(console(), everything)
