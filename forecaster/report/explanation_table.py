"""An explanation as tables: from the baseline to the forecast, the strongest rows, the components.

Prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from forecaster.data.labels import Names, times_as_strings
from forecaster.forecasting.explaining.row_groups import row_groups
from forecaster.report.text import NOTHING, inert, numbers

if TYPE_CHECKING:
    from forecaster.forecasting.explaining.known import KnownCovariate
    from forecaster.forecasting.explanation import Explanation

BAR = 7
"""Widest bar on each side of the middle."""
STRONGEST = 5
"""Rows shown one by one."""
WIDEST = 32


class Line(NamedTuple):
    """One contribution, of some rows or of something else."""

    name: str
    rows: int | None
    value: float


def lines(explanation: Explanation) -> list[Line]:
    """All contributions, which sum to the forecast less its baseline."""
    e = explanation
    groups = row_groups(e.values, e.season, e.first_step, e.last_step)
    result = [Line(group.name, len(group.rows), float(e.rows[group.rows].sum())) for group in groups]
    result.append(Line("seasonal position", None, e.position))
    named = zip(e.covariate_names, e.covariates, strict=True)
    result += [Line(f"covariate {name}", None, float(value)) for name, value in named]
    result += [Line(f"known {each.name}", None, each.contribution) for each in e.known if _acts(each)]
    result += [Line(f"fact {each.name}", None, each.contribution) for each in e.facts]
    result.append(Line("limits and rounding", None, e.limits))
    return [*result, Line("not explained", None, e.remainder)]


def headline(explanation: Explanation, names: Names) -> tuple[str, str]:
    """What is explained, and from where."""
    e = explanation
    ahead = times_as_strings(e.ahead, names)
    when = f"step {e.first_step}, {ahead[0]}"
    if len(ahead) > 1:
        when = f"mean of steps {e.first_step} to {e.last_step}, {ahead[0]} to {ahead[-1]}"
    mean = f"level at {numbers([e.level])[0]}, the mean of the newest {e.level_rows} known rows"
    mean += " without the effect of known covariates" if e.without_effect else ""
    baseline = f"Baseline: the forecast of a past that is {mean if e.level_rows else 'zero'}."
    of = f" of {e.target}" if e.series else ""
    return f"{e.series or e.target}: what moved the forecast{of}, {when}", baseline


def contributions_table(explanation: Explanation, *, ascii_only: bool = False) -> Table:
    """From the baseline to the forecast: each contribution, the sum so far, and a bar."""
    e = explanation
    every = lines(e)
    decimals = _decimals(np.r_[[line.value for line in every], e.baseline, e.forecast])
    shown = [line for line in every if _matters(line, decimals)]
    values = np.array([line.value for line in shown])
    sums = np.round(e.baseline + np.cumsum(np.r_[0.0, values]), decimals)
    table = _table("", "rows", "contribution", "sum so far")
    table.add_column(Text("-" + " " * (2 * BAR - 1) + "+"), no_wrap=True)
    table.add_row(Text("baseline forecast", "bold"), "", "", f"{e.baseline:,.{decimals}f}")
    moves = np.diff(sums)  # so that what is shown adds up to the last digit
    for line, move, total in zip(shown, moves, sums[1:], strict=True):
        rows = "" if line.rows is None else f"{line.rows:,}"
        bar = _bar(line.value, float(np.abs(values).max()), ascii_only)
        style = "green" if line.value > 0 else "red"
        value = Text(_signed(float(move), decimals), style)
        table.add_row(Text(inert(line.name)), rows, value, f"{total:,.{decimals}f}", Text(bar, style))
    table.add_row(Text("forecast", "bold"), "", "", Text(f"{e.forecast:,.{decimals}f}", "bold"))
    return table


def strongest_rows_table(explanation: Explanation, names: Names) -> Table | None:
    """The rows with the largest contributions; None where no row has any."""
    e = explanation
    order = np.argsort(-np.abs(e.rows), kind="stable")[:STRONGEST]
    order = order[np.abs(e.rows[order]) > 0]
    if not len(order):
        return None
    columns = {e.target: e.values[order]}
    if e.without_effect and e.bare is not None:
        columns["without effects"] = e.bare[order]
    table = _table("strongest rows", *columns, "contribution")
    decimals = _decimals(e.rows[order])
    times = times_as_strings(e.times[order], names)
    cells = [numbers(column) for column in columns.values()]
    for row, time, *each in zip(order, times, *cells, strict=True):
        table.add_row(Text(inert(time)), *each, _signed(float(e.rows[row]), decimals))
    return table


def known_table(explanation: Explanation) -> Table | None:
    """Each known covariate at the steps: its value, what its effect adds, and what networks make of it."""
    shown = [each for each in explanation.known if _acts(each)]
    if not shown:
        return None
    steps = "mean of its values" if len(explanation.ahead) > 1 else "value"
    table = _table("known covariate", steps, "effect", "in networks")
    effects = [float(each.effects.mean()) for each in shown]
    decimals = _decimals(np.array(effects + [each.in_networks for each in shown]))
    for each, effect in zip(shown, effects, strict=True):
        read = _signed(each.in_networks, decimals) if each.read else NOTHING
        added = _signed(effect, decimals) if each.confirmed else NOTHING
        table.add_row(Text(inert(each.name)), inert(usual_value(each.values)), added, read)
    return table


def known_notes(explanation: Explanation) -> list[str]:
    """What is to be said of known covariates: how effects are counted, and which have none."""
    e = explanation
    notes = []
    if e.without_effect:
        notes.append("Rows are those of the series without these effects, which are added after them.")
    without = [each for each in e.known if not each.confirmed]
    nothing = [inert(each.name) for each in without if not each.read and not each.of_calendar]
    if nothing:
        change = "it changes" if len(nothing) == 1 else "they change"
        notes.append(f"No effect of {', '.join(nothing)} on this series is confirmed: {change} nothing here.")
    read = [inert(each.name) for each in without if each.read]
    if read:
        why = "networks read them where they have one on other series"
        notes.append(f"No effect of {', '.join(read)} on this series is confirmed; {why}.")
    calendar = [inert(each.name) for each in without if each.of_calendar and not each.read]
    if calendar:
        notes.append(f"Columns of the calendar without a confirmed effect: {', '.join(calendar)}.")
    return notes


def usual_value(values: tuple[float | str | None, ...]) -> str:
    """The mean of numbers, or the words in order, each once."""
    there = [value for value in values if value is not None]
    words = [value for value in there if isinstance(value, str)]
    if words or not there:
        return ", ".join(dict.fromkeys(words)) or NOTHING
    return numbers([float(np.mean([value for value in there if not isinstance(value, str)]))])[0]


def components_table(explanation: Explanation) -> Table:
    """The components of the blend, the largest share first."""
    e = explanation
    table = _table("component of the blend", "share %", "its forecast", "its baseline")
    forecasts, baselines = numbers(e.component_forecasts), numbers(e.component_baselines)
    for k in np.argsort(-e.shares, kind="stable"):
        name = Text(inert(e.component_names[k]))
        table.add_row(name, f"{100 * e.shares[k]:.1f}", forecasts[k], baselines[k])
    return table


def to_json(explanation: Explanation, names: Names) -> dict[str, Any]:
    """The document of `explain --json`."""
    e = explanation
    groups = row_groups(e.values, e.season, e.first_step, e.last_step)
    past = zip(times_as_strings(e.times, names), e.values, e.rows, strict=True)
    covariates = zip(e.covariate_names, e.covariates, strict=True)
    parts = zip(e.component_names, e.shares, e.component_baselines, e.component_forecasts, strict=True)
    return {
        "series": e.series,
        "target": e.target,
        "first_step": e.first_step,
        "last_step": e.last_step,
        "ahead": times_as_strings(e.ahead, names),
        "level": e.level,
        "level_rows": e.level_rows,
        "baseline": e.baseline,
        "forecast": e.forecast,
        "groups": [
            {"name": g.name, "rows": len(g.rows), "contribution": float(e.rows[g.rows].sum())} for g in groups
        ],
        "seasonal_position": e.position,
        "covariates": [{"name": name, "contribution": float(value)} for name, value in covariates],
        "known": [_known_json(each, times_as_strings(e.ahead, names)) for each in e.known],
        "facts": [each._asdict() for each in e.facts],
        "limits": e.limits,
        "remainder": e.remainder,
        "components": [
            {"name": name, "share": float(share), "baseline": float(base), "forecast": float(forecast)}
            for name, share, base, forecast in parts
        ],
        "rows": [
            {"time": time, "value": float(v) if np.isfinite(v) else None, "contribution": float(c)}
            for time, v, c in past
        ],
    }


def _known_json(each: KnownCovariate, times: list[str]) -> dict[str, Any]:
    steps = zip(times, each.values, each.effects, strict=True)
    return {
        "name": each.name,
        "contribution": each.contribution,
        "effect": float(each.effects.mean()),
        "in_networks": each.in_networks,
        "confirmed": each.confirmed,
        "read_by_networks": each.read,
        "of_calendar": each.of_calendar,
        "steps": [{"time": time, "value": value, "effect": float(effect)} for time, value, effect in steps],
    }


def _acts(each: KnownCovariate) -> bool:
    """Whether a known covariate can have a contribution."""
    return each.confirmed or each.read


def _matters(line: Line, decimals: int) -> bool:
    """Whether a line is shown: rows and covariates always, the rest where its digits are not zeros."""
    always = line.rows is not None or line.name.startswith(("covariate ", "known "))
    return always or abs(line.value) >= 0.5 * 10.0**-decimals


def _decimals(values: np.ndarray) -> int:
    """Decimals for a sum: five significant digits of its largest number."""
    largest = float(np.abs(values).max(initial=0.0))
    return int(np.clip(4 - np.floor(np.log10(largest)), 0, 12)) if largest > 0 else 1


def _signed(value: float, decimals: int) -> str:
    """With its sign, unless all of its digits are zeros."""
    value = round(value, decimals)
    return f"{value:+,.{decimals}f}" if value else f"{0:.{decimals}f}"


def _bar(value: float, largest: float, ascii_only: bool) -> str:
    """A bar from the middle to the left for a negative value, to the right for a positive one."""
    width = round(BAR * abs(value) / largest) if largest > 0 else 0
    bar = ("#" if ascii_only else "█") * width
    middle = "|" if ascii_only else "│"
    return bar.rjust(BAR) + middle if value < 0 else " " * BAR + middle + bar


def _table(first: str, *titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column(Text(inert(first)), max_width=WIDEST, no_wrap=True, overflow="ellipsis")
    for title in titles:
        table.add_column(Text(inert(title)), justify="right", no_wrap=True)
    return table
