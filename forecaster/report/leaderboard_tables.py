"""A leaderboard as Rich tables. Prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from forecaster.evaluation.leaderboard import COVERED
from forecaster.evaluation.metrics import METRICS
from forecaster.report.text import NOTHING, inert, numbers

if TYPE_CHECKING:
    from forecaster.evaluation.leaderboard import Leaderboard, Standing

BEST = "bold green"
SURE = 0.001
LONGEST_NAME = 36
CAN_BE_LEFT_OUT = ("predict s", "sMAPE %", "WQL", "train s")
"""Columns, the first to go first."""


def board_table(board: Leaderboard, leave_out: int = 0) -> Table:
    """Methods as rows, the best first; those that may be as good as the best are marked.

    `leave_out`: so many of the columns that can be done without, for a narrow terminal.
    """
    columns = _columns(board)
    for title in CAN_BE_LEFT_OUT[:leave_out]:
        del columns[title]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    table.add_column(Text("method"), no_wrap=True, overflow="ellipsis", max_width=LONGEST_NAME)
    for title in columns:
        table.add_column(Text(title), justify="right", no_wrap=True)
    for place, each in enumerate(board.standings):
        style = BEST if each is board.recommended else "bold" if each.as_good else ""
        cells = (column[place] for column in columns.values())
        table.add_row(str(each.rank), Text(inert(each.name), style), *cells)
    for failure in board.failures:
        table.add_row(NOTHING, Text(inert(failure.name), "dim"), *[NOTHING] * len(columns))
    return table


def _columns(board: Leaderboard) -> dict[str, list[str]]:
    """Title -> cells of each column beside rank and name."""
    methods, decided = board.standings, board.decided_on
    return {
        METRICS[decided].title: numbers([each.errors[decided] for each in methods]),
        "sMAPE %": numbers([each.errors["smape"] for each in methods]),
        "WQL": numbers([each.wql for each in methods]),
        f"in {COVERED} %": [_one_decimal(each.coverage) for each in methods],
        "train s": [
            _one_decimal(each.train_seconds) if each.kind == "training" else NOTHING for each in methods
        ],
        "predict s": [_one_decimal(each.forecast_seconds) for each in methods],
        "p": [_p(each, board) for each in methods],
    }


def _one_decimal(value: float) -> str:
    return f"{value:,.1f}" if np.isfinite(value) else NOTHING


def _p(standing: Standing, board: Leaderboard) -> str:
    """The p-value of the difference to the best, after the correction."""
    if standing is board.best:
        return "best"
    if not np.isfinite(standing.adjusted):
        return NOTHING
    return f"< {SURE}" if standing.adjusted < SURE else f"{standing.adjusted:.3f}"
