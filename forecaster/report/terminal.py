"""Output for the terminal. Each function prints on the Rich console in its first argument.

User text (names, ids, messages) is never taken for markup, and its control characters are escaped: see
`text.inert`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from forecaster.evaluation.error_report import Report
from forecaster.report.error_tables import (
    interval_line,
    level_table,
    overall_table,
    series_table,
    share_better,
    step_table,
)
from forecaster.report.explanation_table import (
    components_table,
    contributions_table,
    headline,
    known_notes,
    known_table,
    strongest_rows_table,
)
from forecaster.report.leaderboard_tables import CAN_BE_LEFT_OUT, board_table
from forecaster.report.text import inert, numbers, plain, sparkline

if TYPE_CHECKING:
    from forecaster.data.findings import Finding
    from forecaster.data.labels import Names
    from forecaster.evaluation.leaderboard import Leaderboard
    from forecaster.forecasting.explanation import Explanation

SEVERITY = {"info": "cyan", "repair": "yellow", "warning": "bold yellow", "error": "bold red"}
SPARK = 60  # bars of a sparkline at most
WIDE = 1000  # wider than any table
ROWS = 6  # forecast rows shown at most


def print_report(console: Console, report: Report, *, notes: Sequence[str] = ()) -> None:
    """The error report: overall, by step, by series where there are several, then the verdict."""
    _title(console, "Errors on held-out data", _scored_windows(report))
    _print(console, overall_table(report))
    if report.horizon > 1:
        _print(console, Text(), step_table(report))
    if len(report.ids) > 1:
        share = f"{100 * share_better(report):.0f} % of series"
        _print(console, Text(), series_table(report), Text())
        _print(console, Text(f"The model is better than {report.best_baseline} on {share}.", "dim"))
    by_level = level_table(report)
    if by_level is not None:
        _print(console, Text(), by_level, Text())
    if report.intervals is not None:
        _print(console, Text(interval_line(report), "dim"))
    _print(console, Text(), Text(inert(report.verdict), "bold green" if report.beats else "bold yellow"))
    _group_lines(console, report)
    for note in notes:
        _print(console, Text(inert(note), "dim"))


def print_leaderboard(console: Console, board: Leaderboard) -> None:
    """The methods from the best to the worst, those that failed with the reason, then the verdict."""
    _title(console, "Errors on held-out data", _scored_windows(board.report))
    wide = console.options.update(max_width=WIDE)
    tables = [board_table(board, leave_out) for leave_out in range(len(CAN_BE_LEFT_OUT) + 1)]
    fitting = (table for table in tables if console.measure(table, options=wide).maximum <= console.width)
    _print(console, next(fitting, tables[-1]))
    for failure in board.failures:
        _print(console, Text(f"{inert(failure.name)}: {inert(failure.reason)}", "yellow"))
    tests = len(board.standings) - 1
    note = (
        "in 80 %: how often the 80 % interval covers the value. p: how likely such a difference to the best "
        f"is by chance, with Holm's correction for {tests} test{'s'[: tests != 1]}."
    )
    _print(console, Text(note, "dim"), Text(), Text(inert(board.verdict), "bold green"))


def _group_lines(console: Console, report: Report) -> None:
    """What serves each group of series, where there are several."""
    for comparison in report.groups:
        style = "dim" if comparison.chance else "green" if comparison.beats else "yellow"
        _print(console, Text(inert(comparison.line), style))


def print_findings(console: Console, findings: Iterable[Finding]) -> None:
    """Findings in the data: code, severity, message, places, and what was done."""
    findings = list(findings)
    _title(console, "Findings", "" if findings else "none")
    if not findings:
        return
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column()
    for finding in findings:
        style = SEVERITY.get(finding.severity, "")
        message = Text(inert(finding.message))
        if finding.places:
            more = ", .." if finding.count > len(finding.places) else ""
            message.append("\n" + "; ".join(map(inert, finding.places)) + more, "dim")
        if finding.action:
            message.append(f"\n{inert(finding.action)}", style)
        count = f"{finding.count:,} times" if finding.count != 1 else ""
        table.add_row(Text(inert(finding.code), "bold"), Text(finding.severity, style), Text(count), message)
    _print(console, table)


def print_explanation(console: Console, explanation: Explanation, names: Names) -> None:
    """What moved a forecast: contributions from the baseline to the forecast, strongest rows, components."""
    _title(console, *headline(explanation, names))
    _print(console, contributions_table(explanation, ascii_only=console.options.ascii_only), Text())
    rows = strongest_rows_table(explanation, names)
    if rows is not None:
        _print(console, rows, Text())
    known, notes = known_table(explanation), known_notes(explanation)
    if known is not None:
        _print(console, known, Text())
    if notes:
        _print(console, *(Text(note) for note in notes), Text())
    _print(console, components_table(explanation))


def print_facts(console: Console, title: str, facts: Mapping[str, Any]) -> None:
    """Keys and values, one per line."""
    _title(console, title[:1].upper() + title[1:])
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in facts.items():
        table.add_row(Text(inert(key).replace("_", " ")), Text(plain(value)))
    _print(console, table)


def print_card(console: Console, card: Mapping[str, Mapping[str, Any]]) -> None:
    """The model card: each section with its facts; `report` as a table of errors and a verdict."""
    for section, facts in card.items():
        if section == "report" and facts:
            report = Report.from_json(dict(facts))
            _title(console, "Report", _scored_windows(report))
            style = "green" if report.beats else "yellow"
            _print(console, overall_table(report), Text(), Text(inert(report.verdict), style))
            _group_lines(console, report)
        elif section == "sample":
            _print_sample(console, facts)
        elif facts and all(isinstance(value, Mapping) for value in facts.values()):
            _title(console, section[:1].upper() + section[1:])
            _print(console, _comparison(facts))
        elif facts:
            print_facts(console, section, facts)


def _print_sample(console: Console, sample: Mapping[str, Any]) -> None:
    """How many series a model was trained on, in all and of each stratum, and what the sample costs."""
    counts = ("series", "sampled", "held_out")
    _title(console, "Sample", f"{sample['sampled']:,} of {sample['series']:,} series")
    table = _plain_table("stratum", *(name.replace("_", " ") for name in counts))
    for each in sample["strata"]:
        table.add_row(Text(inert(each["stratum"])), *(f"{each[name]:,}" for name in counts))
    _print(console, table)
    for note in sample["notes"]:
        _print(console, Text(inert(note), "dim"))


def print_preview(
    console: Console,
    name: str,
    times: Sequence[str],
    point: ArrayLike,
    intervals: Mapping[int, tuple[ArrayLike, ArrayLike]],
    *,
    history: ArrayLike = (),
    base: ArrayLike | None = None,
    difference: ArrayLike = (),
) -> None:
    """A summary of a forecast: a sparkline of history and forecast (H,), and its first and last rows.

    `intervals` {level in percent: (lower, upper)}; `times` are printed unchanged. Of a what-if, `base` (H,)
    is the forecast without its changes, and `difference` (H,) how far they move it.
    """
    point, past = np.asarray(point, dtype=float), np.asarray(history, dtype=float)
    _title(console, name)
    _print(console, _sparklines(console, past[-4 * len(point) :], point), Text())
    apart = np.asarray(difference, dtype=float)
    added = ("base", "difference") if base is not None else ()
    table = _plain_table("time", "forecast", *added, *(f"{level} %" for level in intervals))
    bounds = [np.asarray(pair, dtype=float) for pair in intervals.values()]  # (2, H) each
    widths = np.concatenate([high - low for low, high in bounds]) if bounds else None
    columns = [numbers(point, like=widths)]
    if base is not None:
        columns += [numbers(base, like=widths), numbers(apart, like=widths)]
    for pair in bounds:
        low, high = (numbers(bound, like=widths) for bound in pair)
        columns.append([f"{a} to {b}" for a, b in zip(low, high, strict=True)])
    rows = range(len(point))
    shown = rows if len(point) <= ROWS else [*rows[: ROWS - 1], rows[-1]]
    for previous, row in zip([-1, *shown], shown, strict=False):
        if row != previous + 1:
            table.add_row(Text(f".. {row - previous - 1:,} more", "dim"))
        table.add_row(Text(inert(times[row])), *(column[row] for column in columns))
    _print(console, table)
    if np.isfinite(apart).all() and apart.size:
        (whole,) = numbers([apart.sum()], like=widths)
        _print(console, Text(), Text(f"The what-if moves the forecast by {whole} in sum.", "bold"))


def _scored_windows(report: Report) -> str:
    windows = f"{report.windows:,} window{'s'[: report.windows != 1]} of {report.horizon:,} row"
    windows += "s" * (report.horizon != 1)
    series = f" in {report.scored:,} series" if report.scored > 1 else ""
    left_out = f" ({report.no_mase:,} series without MASE)" if report.no_mase else ""
    start, end = (time.replace("T", " ").removesuffix(":00") for time in (report.start, report.end))
    return f"{windows}{series}, {start} to {end}, MASE season {report.season}{left_out}"


def _comparison(columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """Things with the same facts, one column each."""
    table = _plain_table("", *map(inert, columns))
    for key in next(iter(columns.values())):
        table.add_row(Text(inert(key), "cyan"), *(Text(plain(facts.get(key))) for facts in columns.values()))
    return table


def _plain_table(first: str, *titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column(Text(first))
    for title in titles:
        table.add_column(Text(title), justify="right")
    return table


def _sparklines(console: Console, past: np.ndarray, point: np.ndarray) -> Text:
    """History (dim) and forecast (bright) as bars on one scale."""
    values = np.concatenate([past, point])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    ahead = max(1, round(SPARK * len(point) / max(len(past) + len(point), 1)))
    line = Text()
    for part, width, style in ((past, SPARK - ahead, "dim"), (point, ahead, "bold cyan")):
        bars = sparkline(part, width, low=low, high=high, ascii_only=console.options.ascii_only)
        line.append(bars, style)
    first, last = numbers([low, high])
    return line.append(f"  {first} to {last}", "dim")


def _title(console: Console, title: str, detail: str = "") -> None:
    text = Text(inert(title), "bold underline" if console.is_terminal else "bold")
    _print(
        console, Text(), text.append(f"\n{inert(detail)}", "not bold not underline dim") if detail else text
    )


def _print(console: Console, *parts: RenderableType) -> None:
    if console.options.ascii_only:
        _print_escaped(console, *parts)
        return
    for part in parts:
        console.print(part, highlight=False)


def _print_escaped(console: Console, *parts: RenderableType) -> None:
    """Print on a stream that cannot encode every character; the others are escaped."""
    with console.capture() as captured:
        for part in parts:
            console.print(part, highlight=False)
    console.file.write(captured.get().encode(console.encoding, "backslashreplace").decode(console.encoding))
