"""The data as it was understood: facts, series and findings, as JSON values, log lines and printed lines."""

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


def facts(loaded: Loaded) -> dict[str, Any]:
    """Columns, frequency, size and time range of the data, as JSON values."""
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
        **({"left out": left_out} if (left_out := _left_out(loaded)) else {}),
        **({"difference": True} if loaded.read.difference else {}),
        "frequency": panel.frequency.alias,
        **({"trading days": days} if days else {}),
        "season": panel.frequency.season,
        "series": len(panel),
        "rows": int(panel.lengths.sum()),
        "not observed": int((~panel.target_observed).sum()),
        "first": first,
        "last": last,
    }


def _left_out(loaded: Loaded) -> dict[str, str]:
    """Column -> why it is neither time, id, target nor covariate."""
    start = "left out: "
    return {name: use.removeprefix(start) for name, use in loaded.uses.items() if use.startswith(start)}


def left_out_by_reason(facts: dict[str, Any], shown: int = 8) -> dict[str, list[str]]:
    """The columns left out, as text: each reason with its first columns; empty without any."""
    reasons: dict[str, list[str]] = {}
    for name, reason in facts.get("left out", {}).items():
        reasons.setdefault(reason, []).append(name)
    texts = []
    for reason, names in reasons.items():
        more = f" and {len(names) - shown} more" if len(names) > shown else ""
        texts.append(f"{', '.join(names[:shown])}{more} ({reason})")
    return {"left out": texts} if texts else {}


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
    data = facts(loaded)
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
