"""The section of an explanation: how the baseline became the forecast, and which rows did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.data.calendar.clock import to_local
from forecaster.data.labels import Names, times_as_strings
from forecaster.report.explanation_table import Line, headline, known_notes, lines, usual_value
from forecaster.report.page import charts
from forecaster.report.page.parts import Chart, Key, Section, Table, clean
from forecaster.report.text import numbers

if TYPE_CHECKING:
    from forecaster.forecasting.explanation import Explanation

LEAST_ROWS, MOST_ROWS, SEASONS = 30, 400, 4
"""Newest rows in the picture of rows: so many seasons, within these bounds."""

LEAST_SHARE = 0.001
"""Of all contributions: a smaller one is not seen."""


def explained_section(explanation: Explanation, names: Names) -> Section:
    """What moved the forecast of a series, as two pictures and a table of the components."""
    title, baseline = headline(explanation, names)
    parts = _seen(lines(explanation))
    return Section(
        "explained",
        "What moved the forecast",
        "Explanation",
        (clean(title, 400) + ". " + clean(baseline, 300), *(clean(n, 400) for n in known_notes(explanation))),
        (_sums(explanation, parts), _rows(explanation, names)),
        (*_known(explanation, names), ("Components of the blend", _components(explanation))),
    )


def _known(e: Explanation, names: Names) -> list[tuple[str, Table]]:
    """Tables of known covariates: the effect at each step, and what networks make of them."""
    steps = [
        (label, clean(each.name), clean(usual_value((value,))), effect)
        for each in e.known
        if each.confirmed
        for label, value, effect in zip(
            times_as_strings(e.ahead, names), each.values, numbers(each.effects), strict=True
        )
    ]
    read = [each for each in e.known if each.read]
    moved = numbers([each.in_networks for each in read])
    made = [(clean(k.name), clean(usual_value(k.values)), m) for k, m in zip(read, moved, strict=True)]
    tables = []
    if steps:
        effects = Table(("Step", "Known covariate", "Value", "Effect"), tuple(steps), words=3)
        tables.append(("Effects of known covariates", effects))
    if made:
        networks = Table(("Known covariate", "Value", "Contribution"), tuple(made), words=2)
        tables.append(("What networks make of known covariates", networks))
    return tables


def _seen(every: list[Line]) -> list[Line]:
    """The contributions that a picture can show; the others together are the last."""
    total = sum(abs(line.value) for line in every)
    seen = [line for line in every if abs(line.value) >= LEAST_SHARE * total and line.value]
    rest = sum(line.value for line in every if line not in seen)
    return [*seen, Line("all else", None, rest)] if abs(rest) >= LEAST_SHARE * total > 0 else seen


def _sums(e: Explanation, parts: list[Line]) -> Chart:
    """From the baseline to the forecast, one contribution after the other."""
    ends = e.baseline + np.cumsum([0.0, *(line.value for line in parts)])
    called = [clean(line.name) for line in parts]
    first, last, *sums = numbers([ends[0], ends[-1], *ends[1:]])
    rows = [("baseline forecast", "", "", first)]
    for name, line, value, total in zip(called, parts, numbers([p.value for p in parts]), sums, strict=True):
        rows.append((name, "" if line.rows is None else f"{line.rows:,}", value, total))
    largest = max(parts, key=lambda line: abs(line.value)).name if parts else "nothing"
    return Chart(
        "explained-sums",
        f"From {first} to {last}: most by {clean(largest)}",
        "Each bar begins where the one above it ends. Rows are those of the past; their contributions, with "
        "those of covariates, facts and the position in the season, sum to the forecast.",
        charts.steps_between(called, ends, x_title=clean(e.target)),
        Table(("Part", "Rows", "Contribution", "Sum so far"), tuple(rows)),
        (Key("model", "raises it"), Key("second", "lowers it")),
    )


def _rows(e: Explanation, names: Names) -> Chart:
    """The contributions of the newest rows."""
    count = min(len(e.rows), int(np.clip(SEASONS * e.season, LEAST_ROWS, MOST_ROWS)))
    times, values, moved = e.times[-count:], e.values[-count:], e.rows[-count:]
    labels = times_as_strings(times, names)
    table = tuple(zip(labels, numbers(values), numbers(moved), strict=True))
    strongest = labels[int(np.argmax(np.abs(moved)))]
    return Chart(
        "explained-rows",
        f"The row that moved it most: {strongest}",
        f"Contributions of the newest {count:,} rows, which together make "
        f"{numbers([moved.sum()])[0]}; all {len(e.rows):,} rows make {numbers([e.rows.sum()])[0]}.",
        charts.lines(
            to_local(times, names.tz) / 1e6,
            {"contribution": ("model", moved)},
            x_title="Row",
            y_title="Contribution",
            level=0.0,
            time=True,
            points=count <= 60,
        ),
        Table(("Row", "Value", "Contribution"), table),
        (Key("model", "contribution"),),
    )


def _components(e: Explanation) -> Table:
    """Each component of the blend with its share and its own forecast."""
    order = np.argsort(-e.shares, kind="stable")
    columns = numbers(e.component_forecasts), numbers(e.component_baselines)
    rows = tuple(
        (clean(e.component_names[k]), f"{100 * e.shares[k]:.1f}", *(column[k] for column in columns))
        for k in order
    )
    return Table(("Component", "Share %", "Its forecast", "Its baseline"), rows)
