"""The section of a comparison: contestants and baselines, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.evaluation.leaderboard import COVERED
from forecaster.evaluation.metrics import METRICS
from forecaster.report.page.parts import Section, Table, clean
from forecaster.report.text import numbers

if TYPE_CHECKING:
    from forecaster.evaluation.leaderboard import Leaderboard, Standing

LONGEST = 300
"""Characters of a reason that a page shows."""


def board_section(board: Leaderboard) -> Section:
    """All methods with their errors, whether the difference to the best may be chance, and what failed."""
    methods, metric = board.standings, board.decided_on
    columns = (
        numbers([each.errors[metric] for each in methods]),
        numbers([each.errors["smape"] for each in methods]),
        numbers([each.wql for each in methods]),
        [f"{each.coverage:.1f}" if np.isfinite(each.coverage) else "-" for each in methods],
    )
    rows = tuple(
        (clean(each.name), _compared(each, board), *cells)
        for each, *cells in zip(methods, *columns, strict=True)
    )
    head = ("Method", "Beside the best", METRICS[metric].title, "sMAPE %", "WQL", f"in {COVERED} %")
    strong = () if board.recommended is None else (methods.index(board.recommended),)
    tables = [("Leaderboard", Table(head, rows, words=2, strong=strong))]
    if board.failures:
        failed = tuple((clean(each.name), clean(each.reason, LONGEST)) for each in board.failures)
        tables.append(("Could not be tried", Table(("Method", "Reason"), failed, words=2)))
    best = clean(next(iter(board.backtest.point)))
    text = (
        "All forecast from the same origins. What is recommended is set in bold: the simplest of those that "
        f"may be as good as the best. Below, the model is the best contestant, {best}."
    )
    return Section("board", "What is best", "Leaderboard", (text,), (), tuple(tables))


def _compared(each: Standing, board: Leaderboard) -> str:
    """A method beside the best, in a few words."""
    if each is board.best:
        return "the best"
    if not np.isfinite(each.adjusted):
        return "cannot be told"
    p = "p < 0.001" if each.adjusted < 0.001 else f"p = {each.adjusted:.2g}"
    return f"the difference may be chance ({p})" if each.as_good else f"worse ({p})"
