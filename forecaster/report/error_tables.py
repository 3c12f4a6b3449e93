"""The error report as Rich tables: overall, by horizon step, by series. Prints nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from forecaster.evaluation.metrics import METRICS
from forecaster.report.text import inert, numbers, percents

if TYPE_CHECKING:
    from forecaster.evaluation.error_report import Report

TITLES = {name: metric.title for name, metric in METRICS.items()} | {"skill": "skill %"}
BEST = "bold green"
STEPS = 6  # columns of a horizon that is too long to show step by step
ENDS = 3  # best and worst series shown where there are many
FEW = 8  # up to this number of steps or series, all are shown


def overall_table(report: Report) -> Table:
    """Methods as rows, the model first; metrics as columns; the best number of each column is marked."""
    shown = [name for name in report.metrics if name not in METRICS or METRICS[name].printed]
    table = _table("", *(TITLES.get(metric, metric) for metric in shown))
    columns = [_column(name, report.overall[:, report.metrics.index(name)]) for name in shown]
    for m, method in enumerate(report.methods):
        table.add_row(_name(method, m == 0), *(column[m] for column in columns))
    return table


def level_table(report: Report) -> Table | None:
    """The weighted RMSSE of each method at the levels of a hierarchy, and over all; None without one."""
    found = report.hierarchy
    if found is None:
        return None
    table = _table("WRMSSE by level", *map(inert, found.levels), "all levels")
    errors = np.column_stack([found.wrmsse, found.overall])  # (M, L + 1)
    columns = [_column("wrmsse", column) for column in errors.T]
    for m, method in enumerate(report.methods):
        table.add_row(_name(method, m == 0), *(column[m] for column in columns))
    return table


def interval_line(report: Report) -> str:
    """How often the model's intervals cover the actual value, and how good its quantiles are; empty: none."""
    measures = report.intervals
    if measures is None:
        return ""
    levels = [name.removeprefix("coverage_") for name in measures.names if name.startswith("coverage_")]
    covers = [f"{level} % intervals cover {measures.value(f'coverage_{level}'):.1f} %" for level in levels]
    crps, wql = measures.value("crps"), measures.value("wql")
    return f"The {', '.join(covers)}. CRPS {numbers([crps])[0]}, WQL {numbers([wql])[0]}."


def step_table(report: Report) -> Table:
    """Model and best baseline at each step of the horizon, or over ranges of steps where it is long."""
    parts = report.horizon if report.horizon <= FEW else STEPS
    edges = np.linspace(0, report.horizon, parts + 1).round().astype(int)
    ranges = list(pairwise(edges))
    labels = [str(stop) if stop - start == 1 else f"{start + 1}-{stop}" for start, stop in ranges]
    table = _table(f"{TITLES[report.decided_on]} by step", *labels)
    k = report.metrics.index(report.decided_on)
    rows = [0, report.methods.index(report.best_baseline)]
    errors = np.array([[_mean(report.per_step[m, k, a:b]) for a, b in ranges] for m in rows])
    texts = numbers(errors.ravel())
    for place, m in enumerate(rows):
        cells = texts[place * len(ranges) : (place + 1) * len(ranges)]
        better = errors[place] < errors[1 - place]
        marked = [Text(cell, BEST if wins else "") for cell, wins in zip(cells, better, strict=True)]
        table.add_row(_name(report.methods[m], m == 0), *marked)
    skills = [1 - model / best if best else np.nan for model, best in errors.T]
    table.add_row("skill %", *percents(skills), style="dim")
    return table


def series_table(report: Report) -> Table:
    """Every series; where there are many, the few best and the few worst by skill."""
    table = _table("series", "MAE model", f"MAE {report.best_baseline}", "skill %")
    table.columns[0].no_wrap, table.columns[0].overflow, table.columns[0].max_width = True, "ellipsis", 32
    mae, skill = (report.metrics.index(name) for name in ("mae", "skill"))
    best = report.methods.index(report.best_baseline)
    order = np.argsort(-report.per_series[0, skill], kind="stable")  # best first, undefined last
    order = order[np.isfinite(report.per_series[0, skill, order])]
    shown = order if len(order) <= FEW else np.concatenate([order[:ENDS], order[-ENDS:]])
    skills = percents(report.per_series[0, skill, shown])
    for place, s in enumerate(shown):
        if len(order) > FEW and place == ENDS:
            table.add_row(Text("..", "dim"))
        wins = report.per_series[0, skill, s] > 0
        errors = numbers(report.per_series[[0, best], mae, s])
        table.add_row(Text(inert(report.ids[s])), *errors, Text(skills[place], "green" if wins else "yellow"))
    return table


def share_better(report: Report) -> float:
    """Share of the scored series whose MAE is lower with the model than with the best baseline."""
    mae = report.per_series[:, report.metrics.index("mae")]
    model, best = mae[0], mae[report.methods.index(report.best_baseline)]
    return float(np.mean(model[np.isfinite(model)] < best[np.isfinite(model)]))


def _table(first: str, *titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column(Text(first), min_width=12)
    for title in titles:
        table.add_column(Text(title), justify="right", no_wrap=True)
    return table


def _column(metric: str, values: np.ndarray) -> list[Text]:
    """The cells of a metric, the best number (lowest error, highest skill) in bold."""
    texts = percents(values) if metric == "skill" else numbers(values)
    ranked = -values if metric == "skill" else values
    best = texts[int(np.nanargmin(ranked))] if np.isfinite(ranked).any() else None
    return [Text(text, BEST if text == best else "") for text in texts]


def _name(method: str, is_model: bool) -> Text:
    return Text(inert(method), "bold" if is_model else "")


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")
