"""Splits of shares: a jump from one trading day to the next by a ratio such as 2:1 or 1:10."""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.data.calendar.clock import DAY
from forecaster.data.findings import SHOWN, Finding, repair, warn
from forecaster.data.labels import shown, times_as_strings
from forecaster.data.panel import Panel

RATIOS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100])
NEAR = 0.03  # of a logarithm: what a share may move on the day of its split
FEW = 20  # prices, from which no usual move is known
WEEK = 10 * DAY  # with the weekends beside it
UNUSUAL = 8.0  # usual daily moves


def adjusted(panel: Panel, *, adjust: bool) -> tuple[Panel, list[Finding]]:
    """The panel with prices before each split divided, if asked; and the finding that names the splits.

    Only series of trading days are looked at, and only those whose values are all positive.
    """
    if not panel.frequency.is_business_days:
        return panel, []
    values = panel.values
    places: list[str] = []
    count = 0
    for number, name in enumerate(panel.ids):
        start, stop = panel.offsets[number : number + 2]
        for row, ratio in _splits(panel.target[start:stop], panel.time[start:stop]):
            count += 1
            if len(places) < SHOWN:
                (stamp,) = times_as_strings(panel.time[[start + row]], panel.names)
                words = f"{ratio:g}:1" if ratio > 1 else f"1:{1 / ratio:g}"
                places.append(f"{words} on {stamp} in {shown(name)}")
            if adjust:
                values = values.copy() if values is panel.values else values
                _divide(values[start:stop], row, ratio)
    if not count:
        return panel, []
    message = "jumps that look like splits of shares"
    if not adjust:
        action = "kept; --adjust-splits divides the prices before them"
        return panel, [warn("P001", message, count=count, places=places, action=action)]
    finding = repair("P002", message, count=count, places=places, action="divided the prices before them")
    return dataclasses.replace(panel, values=values), [finding]


def _splits(prices: np.ndarray, time: np.ndarray) -> list[tuple[int, float]]:
    """Rows that begin a new count of shares, with how many new shares an old one became."""
    known = np.flatnonzero(~np.isnan(prices))
    if len(known) < FEW or not (prices[known] > 0).all():
        return []
    moves = np.diff(np.log(prices[known]))  # over days without a price, too
    moves[np.diff(time[known]) > WEEK] = 0  # much else may happen meanwhile
    usual = np.median(np.abs(moves))
    logs = np.log(np.r_[RATIOS, 1 / RATIOS])
    found = []
    for row in np.flatnonzero(np.abs(moves) > max(UNUSUAL * usual, np.log(1.4))):
        nearest = int(np.argmin(np.abs(-moves[row] - logs)))
        if abs(-moves[row] - logs[nearest]) < NEAR + usual:
            found.append((int(known[row + 1]), float(np.exp(logs[nearest]))))
    return found


def _divide(values: np.ndarray, row: int, ratio: float) -> None:
    """Divide, in each channel that jumps with the target, what lies before `row`."""
    for channel in range(values.shape[1]):
        earlier = values[:row, channel]
        before, after = next(iter(earlier[~np.isnan(earlier)][::-1]), np.nan), values[row, channel]
        if before > 0 and after > 0 and abs(np.log(before / after) - np.log(ratio)) < 2 * NEAR + 0.1:
            values[:row, channel] /= ratio
