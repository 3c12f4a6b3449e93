"""Pictures of forecasts, backtests and data: several series as small multiples. For PNG, SVG and PDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from forecaster.evaluation.metrics import METRICS
from forecaster.report.axes import draw_errors, draw_scene, key_lines
from forecaster.report.canvas import DPI, style
from forecaster.report.scenes import Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecaster.evaluation.error_report import Report

WIDE = 9.6, 4.4
"""Width and height of a picture of one series, in inches."""
SMALL = 13.0, 3.5
"""Width of a picture of several series, and height of one of them."""
ERRORS = 3.0
"""Height of the errors by step."""


def scenes_figure(scenes: Sequence[Scene], *, report: Report | None = None) -> Figure:
    """The series in one figure, two columns wide where there are several; below them the errors by step of
    a `report`. UsageError without matplotlib.
    """
    count = len(scenes)
    columns = 1 if count == 1 else 2
    rows = -(-count // columns)
    heights = [WIDE[1] if count == 1 else SMALL[1]] * rows + ([ERRORS] if report else [])
    with style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDE[0] if count == 1 else SMALL[0], sum(heights)), dpi=DPI)
        grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
        for number, scene in enumerate(scenes):
            axes = figure.add_subplot(grid[divmod(number, columns)])
            beside = scenes[number - number % columns :][:columns]  # their titles stand on one line
            draw_scene(axes, scene, wide=columns == 1, key=max(map(key_lines, beside)))
        if report:
            axes = figure.add_subplot(grid[-1, :])
            draw_errors(axes, *errors_by_step(report))
    return figure


def errors_by_step(report: Report) -> tuple[dict[str, np.ndarray], str, str]:
    """Errors {method: (H,)} by the metric that ranks the methods, the best baseline, and a title."""
    metric = report.decided_on
    table = report.per_step[:, report.metrics.index(metric)]
    label = METRICS[metric].title
    windows = f"{report.windows:,} window{'s'[: report.windows != 1]}"
    title = f"{label} by step, mean over {windows}"
    return dict(zip(report.methods, table, strict=True)), report.best_baseline, title
