"""The section of errors: by method, by step of the horizon, by origin and by group, beside the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Floats
from forecaster.evaluation.error_report import Report
from forecaster.evaluation.metrics import METRICS
from forecaster.evaluation.scores import mase_scales
from forecaster.methods.baselines import first_origins
from forecaster.report.page.charts import LOOKS, lines
from forecaster.report.page.parts import Chart, Key, Section, Table, amount, clean
from forecaster.report.text import numbers, percents

if TYPE_CHECKING:
    from forecaster.evaluation.backtest import Backtest

MEANINGS = {
    "mae": "MAE is the mean absolute error, in the unit of the data.",
    "mase": "MASE is the mean absolute error, divided by the mean change of the series over one season: "
    "below 1 is closer than repeating the season before was, on the rows before the hold-out.",
}
MOST_GROUPS = 12
FAR = 3.0
"""Methods whose errors are so many times those of the model and of the best one are left out of pictures."""
UNEVEN = 5.0
"""Origins with a gap of so many usual ones are counted, not placed on a time axis."""
MARKED = 60
"""Origins up to which each has a mark."""


def errors_section(report: Report, notes: tuple[str, ...] = ()) -> Section:
    """Errors of all methods, by step, origin and group."""
    charts = [chart for chart in (_by_step(report), _by_origin(report)) if chart]
    tables = [("All methods", _overall(report))]
    if groups := _by_group(report):
        tables.append(("By group of series", groups))
    if levels := _by_level(report):
        tables.append(("Weighted RMSSE by level of the hierarchy", levels))
    scored = amount(report.scored, "series", "series")
    held_out = (
        f"Each method forecast {amount(report.windows, 'window')} of {amount(report.horizon, 'row')} that it "
        f"had not seen, in {scored}, from {_short(report.start)} to {_short(report.end)}. "
    )
    text = [held_out + MEANINGS[report.decided_on]]
    if report.no_mase:
        text.append(f"{amount(report.no_mase, 'series', 'series')} without a MASE: constant, or too short.")
    return Section(
        "errors", "Errors beside simple methods", "Errors", (*text, *notes), tuple(charts), tuple(tables)
    )


def scales(backtest: Backtest, decided_on: str) -> Floats:
    """What errors of each series are divided by (S,): the scale of MASE, or 1 where errors stay in units."""
    panel = backtest.panel
    if decided_on != "mase":
        return np.ones(len(panel))
    return mase_scales(panel, first_origins(backtest.origins), panel.frequency.season)


def measure_name(report: Report) -> str:
    """The measure that ranks methods, as people write it."""
    return METRICS[report.decided_on].title


def unit_of(decided_on: str) -> str:
    """The unit of single errors on the page."""
    return "usual seasonal change" if decided_on == "mase" else "unit of the data"


def _by_step(report: Report) -> Chart | None:
    if report.horizon < 2:
        return None
    metric = report.metrics.index(report.decided_on)
    name, table = measure_name(report), report.per_step[:, metric]  # (M, H)
    first, last = table[0, 0], table[0, -1]
    title = f"{name} of each step ahead"
    if np.isfinite([first, last]).all():
        a, b = numbers([first, last])
        word = "grow" if last > 1.05 * first else "fall" if last < 0.95 * first else "hardly change"
        title = f"Errors {word} with the horizon: {name} {a} at step 1, {b} at step {report.horizon}"
    behind = int(np.sum(table[0] > np.fmin.reduce(table[1:], axis=0)))
    text = f"Mean {name} of each step ahead, over all origins and series; lower is better. "
    text += (
        f"Some simple method was better at {behind} of {report.horizon} steps."
        if behind
        else "The model was the best at every step."
    )
    steps = np.arange(1, report.horizon + 1)
    drawn, far = _near(report, table)
    spec = lines(steps, drawn, x_title="Step ahead", y_title=name)
    told = _numbers("Step", map(str, steps), report.methods, table)
    return Chart("errors-by-step", title, text + far, spec, told, _keys(drawn))


def _by_origin(report: Report) -> Chart | None:
    """Mean error of each origin; None for a single one, and where the report is too old to know them."""
    used = np.array([place for place, time in enumerate(report.origin_times) if time], dtype=np.int64)
    if used.size < 2:
        return None
    table = report.per_origin[:, report.metrics.index(report.decided_on)][:, used]  # (M, O)
    rival = table[report.methods.index(report.best_baseline)]
    wins = int(np.sum(table[0] <= rival))
    name = measure_name(report)
    title = _wins(wins, used.size, clean(report.best_baseline))
    text = (
        f"Mean {name} of all steps and series, by the time at which the forecast began. One bad origin can "
        "decide a mean."
    )
    drawn, far = _near(report, table)
    times = [report.origin_times[place] for place in used]
    at = np.array([time.removesuffix("Z") for time in times], "M8[ms]").astype(np.int64)
    gaps = np.diff(at)
    even = bool(gaps.min() > 0 and gaps.max() <= UNEVEN * np.median(gaps))
    if not even:  # series that end at different times
        at = np.arange(1, used.size + 1)
        text = (
            f"Mean {name} of all steps and series from each origin, the oldest first. One bad origin can "
            "decide a mean."
        )
    spec = lines(
        at,
        drawn,
        x_title="Forecast from" if even else "Origin",
        y_title=name,
        time=even,
        points=used.size <= MARKED,
    )
    table_of = _numbers("From", map(_short, times), report.methods, table)
    return Chart("errors-by-origin", title, text + far, spec, table_of, _keys(drawn))


def _wins(wins: int, origins: int, rival: str) -> str:
    """From how many origins the model was at least as good as the best baseline, as a sentence."""
    if wins == origins:
        return f"The model was at least as good as {rival} from each of {origins} origins"
    if wins == 0:
        return f"The model was worse than {rival} from each of {origins} origins"
    return f"The model was at least as good as {rival} from {wins} of {origins} origins"


def _overall(report: Report) -> Table:
    """A row for each method, the best first."""
    order = np.argsort(report.overall[:, report.metrics.index(report.decided_on)], kind="stable")
    shown = [m for m in report.metrics if m not in METRICS or METRICS[m].printed]
    titles = [METRICS[m].title if m in METRICS else f"{m.capitalize()} %" for m in shown]
    columns = [
        (percents if metric == "skill" else numbers)(report.overall[:, report.metrics.index(metric)])
        for metric in shown
    ]
    rows = tuple((clean(report.methods[m]), *(column[m] for column in columns)) for m in order)
    strong = (int(np.flatnonzero(order == 0)[0]),)
    return Table(("Method", *titles), rows, strong=strong)


def _by_group(report: Report) -> Table | None:
    """The comparison of each group of series; None where all are in one group."""
    if not report.groups:
        return None
    largest = sorted(report.groups, key=lambda each: -each.series)[:MOST_GROUPS]
    rows = [
        (
            clean(each.group),
            clean(each.line, 300),
            f"{each.series:,}",
            f"{each.windows:,}",
            _percent(each.difference),
        )
        for each in largest
    ]
    left = len(report.groups) - len(largest)
    if left:
        rows.append((f"{left:,} more groups", "", "", "", ""))
    return Table(("Group", "Result", "Series", "Windows", "Difference"), tuple(rows), words=2)


def _by_level(report: Report) -> Table | None:
    """The weighted RMSSE of each method at each level of a hierarchy; None without one."""
    found = report.hierarchy
    if found is None:
        return None
    columns = [numbers(column) for column in (*found.wrmsse.T, found.overall)]
    titles = (*(clean(level) for level in found.levels), "All levels")
    rows = [(clean(name), *(column[m] for column in columns)) for m, name in enumerate(report.methods)]
    return Table(("Method", *titles), tuple(rows), strong=(0,))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:+.1f} %" if np.isfinite(fraction) else "-"


def _near(report: Report, table: Floats) -> tuple[dict[str, tuple[str, Floats]], str]:
    """Curves {method: (look, errors (n,))} of the methods that a picture has room for, from `table` (M, n).

    Those far above the others would flatten the picture; the text names them.
    """
    middle = np.array(
        [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.inf for row in table]
    )
    edge = FAR * max(middle[0], middle[report.methods.index(report.best_baseline)])
    near = [m for m in range(len(middle)) if middle[m] <= edge][: len(LOOKS)]
    looks = dict(zip(range(len(middle)), (*LOOKS, *LOOKS[1:] * len(middle)), strict=False))
    curves = {clean(report.methods[m]): (looks[m], table[m]) for m in near}
    others = [clean(report.methods[m]) for m in range(len(middle)) if m not in near]
    return curves, f" Far above, and only in the numbers: {', '.join(others)}." if others else ""


def _keys(curves: Mapping[str, tuple[str, Floats]]) -> tuple[Key, ...]:
    return tuple(Key(look, name) for name, (look, _) in curves.items())


def _numbers(head: str, names: Iterable[str], methods: Iterable[str], table: Floats) -> Table:
    """The numbers of curves (M, n) as a table with a row for each place."""
    columns = [numbers(values) for values in table]
    return Table((head, *map(clean, methods)), tuple(zip(names, *columns, strict=True)))


def _short(time: str) -> str:
    return time.replace("T", " ").replace("Z", " UTC").replace(":00 UTC", " UTC").removesuffix(":00")
