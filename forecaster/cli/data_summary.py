"""The data as it was understood: series and findings, as JSON values, log lines and printed lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from forecaster.cli.log import inert, stderr

if TYPE_CHECKING:
    from forecaster.data.load import Loaded
    from forecaster.report.series_kinds import SeriesKind


def findings(loaded: Loaded) -> list[dict[str, Any]]:
    """The findings in the data, as JSON values."""
    return [dataclasses.asdict(finding) for finding in loaded.findings]


def series_facts(loaded: Loaded, kinds: Sequence[SeriesKind]) -> dict[str, dict[str, Any]]:
    """Size and time range of each series, and what it is taken for, as JSON values."""
    from forecaster.data.labels import times_as_strings

    panel = loaded.panel
    series = {}
    for number, name in enumerate(panel.ids):
        start, stop = panel.offsets[number : number + 2]
        first, last = times_as_strings(panel.time[[start, stop - 1]], panel.names)
        series[name] = {
            "rows": int(stop - start),
            "first": first,
            "last": last,
            "not observed": int((~panel.observed[start:stop, 0]).sum()),
            **dataclasses.asdict(kinds[number]),
        }
    return series


def print_series(series: dict[str, dict[str, Any]], shown: int = 8) -> None:
    """Print the first series, one a line, and how many more there are."""
    names = [inert(name) for name in list(series)[:shown]]
    width = max(map(len, names))
    for name, each in zip(names, series.values(), strict=False):
        missing = f", {each['not observed']:,} not observed" if each["not observed"] else ""
        kind = f", {each['kind']}" if len(series) > 1 else ""  # of one there is a section
        print(f"{name:{width}}  {each['rows']:,} rows, {each['first']} to {each['last']}{missing}{kind}")
    if len(series) > shown:
        print(f"... and {len(series) - shown:,} more")


def log_data(loaded: Loaded, notes: Iterable[str] = ()) -> None:
    """Log what was read, the findings in it, and notes on the result."""
    from forecaster.report.data_facts import data_facts

    data = data_facts(loaded)
    several = f"{data['series']:,} series, " if data["series"] > 1 else ""
    by = f", id {data['id']!r}" if data["id"] else ""
    targets = ", ".join(map(repr, data["target"][:3])) + (" ..." if len(data["target"]) > 3 else "")
    stderr.info(
        f"read {several}{data['rows']:,} rows of frequency {data['frequency']}, {data['first']} to "
        f"{data['last']}: time {data['time']!r}{by}, target {targets}",
        **data,
    )
    for finding in loaded.findings:
        stderr.finding(finding)
    for note in notes:
        stderr.info(note)
