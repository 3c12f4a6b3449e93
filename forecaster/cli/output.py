"""What commands share in telling results: facts and findings, the error report, JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from forecaster.cli.log import inert, stderr

if TYPE_CHECKING:
    from rich.console import Console

    from forecaster.data.load import Loaded
    from forecaster.evaluation.error_report import Report
    from forecaster.forecasting.forecast import Forecast


def console(*, to_stderr: bool = False) -> Console:
    """Where tables go; colour only on a terminal, and never with NO_COLOR."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # for the border; Rich would end the process with exit code 1

    return Piped(stderr=to_stderr)


def write_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def findings(loaded: Loaded) -> list[dict[str, Any]]:
    """What was noticed and repaired in the data, in plain JSON values."""
    return [dataclasses.asdict(finding) for finding in loaded.findings]


def facts(loaded: Loaded) -> dict[str, Any]:
    """What was understood of the data, in plain JSON values."""
    from forecaster.data.labels import times_as_strings
    from forecaster.data.series.learned_holidays import described

    panel, names = loaded.panel, loaded.panel.names
    days = described(panel.frequency)
    first, last = times_as_strings(panel.time[[panel.time.argmin(), panel.time.argmax()]], names)
    return {
        "source": loaded.source,
        "time": names.time,
        "id": loaded.read.id,
        "target": list(loaded.read.target or (names.target,)),
        "covariates": list(names.covariates),
        "frequency": panel.frequency.alias,
        **({"trading days": days} if days else {}),
        "season": panel.frequency.season,
        "series": len(panel),
        "rows": int(panel.lengths.sum()),
        "not observed": int((~panel.target_observed).sum()),
        "first": first,
        "last": last,
    }


def series_facts(loaded: Loaded) -> dict[str, dict[str, Any]]:
    """Each series with its rows, first and last timestamp, and rows not observed."""
    from forecaster.data.labels import times_as_strings

    panel = loaded.panel
    found = {}
    for number, name in enumerate(panel.ids):
        start, stop = panel.offsets[number : number + 2]
        first, last = times_as_strings(panel.time[[start, stop - 1]], panel.names)
        found[name] = {
            "rows": int(stop - start),
            "first": first,
            "last": last,
            "not observed": int((~panel.target_observed[start:stop]).sum()),
        }
    return found


def print_series(series: dict[str, dict[str, Any]], shown: int = 8) -> None:
    """The first series, each on a line, and how many more there are."""
    names = [inert(name) for name in list(series)[:shown]]
    width = max(map(len, names))
    for name, found in zip(names, series.values(), strict=False):
        missing = f", {found['not observed']:,} not observed" if found["not observed"] else ""
        print(f"{name:{width}}  {found['rows']:,} rows, {found['first']} to {found['last']}{missing}")
    if len(series) > shown:
        print(f"... and {len(series) - shown:,} more")


def say_understood(loaded: Loaded, notes: Iterable[str] = ()) -> None:
    """What was read and noticed, as log lines."""
    found = facts(loaded)
    several = f"{found['series']:,} series, " if found["series"] > 1 else ""
    by = f", id {found['id']!r}" if found["id"] else ""
    targets = ", ".join(map(repr, found["target"][:3])) + (" ..." if len(found["target"]) > 3 else "")
    stderr.info(
        f"read {several}{found['rows']:,} rows of frequency {found['frequency']}, {found['first']} to "
        f"{found['last']}: time {found['time']!r}{by}, target {targets}",
        **found,
    )
    for finding in loaded.findings:
        stderr.finding(finding)
    for note in notes:
        stderr.info(note)


def show_report(report: Report, *, to_stderr: bool = False) -> None:
    """The error report as tables."""
    from forecaster.report.terminal import print_report

    print_report(console(to_stderr=to_stderr), report)


def tell_report(report: Report, path: str | None) -> None:
    """The error report of a training run: on stderr, and to a file where one is asked for."""
    if stderr.as_json:
        stderr.info(report.verdict, report=report.to_json(series=False))
    elif not stderr.quiet:
        show_report(report, to_stderr=True)
    if path:
        from forecaster.report.files import write_report

        write_report(report, path)


def preview(forecast: Forecast, shown: int = 3) -> None:
    """The first series of a forecast that went to a file, at a glance, on a terminal's stderr."""
    from forecaster.report.terminal import print_preview

    if stderr.quiet or stderr.as_json or not sys.stderr.isatty():
        return
    panel = forecast.panel
    times = forecast.to_frame()[panel.names.time].astype(str)
    steps = forecast.point.shape[1]
    for number, name in enumerate(panel.ids[:shown]):
        bounds = zip(forecast.levels, forecast.lower[:, number], forecast.upper[:, number], strict=True)
        print_preview(
            console(to_stderr=True),
            name or panel.names.target,
            list(times[number * steps : (number + 1) * steps]),
            forecast.point[number],
            {level: (lower, upper) for level, lower, upper in bounds},
            history=panel.target[panel.offsets[number] : panel.offsets[number + 1]],
        )
