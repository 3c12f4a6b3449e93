"""Stock splits: a jump of a price from one trading day to the next by a ratio such as 2:1 or 1:10."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from forecaster.data.calendar.clock import DAY
from forecaster.data.findings import SHOWN, Finding, repair, warn
from forecaster.data.labels import shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.parsing.looks import plain
from forecaster.data.roles.known_names import TARGET_NAMES

RATIOS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100])
NEAR = 0.03  # in logarithms: what a share may move on the day of its split
FEW = 20  # prices; with fewer the usual move is unknown
WEEK = 10 * DAY  # a week and the weekends around it
UNUSUAL = 8.0  # usual daily moves
ADJUSTED = ("adjusted", "adjclose", "adjopen", "adjhigh", "adjlow", "adjprice", "bereinigt", "splitbereinigt",
            "dividendenbereinigt", "angepasst", "ajusté", "ajustee", "ajustad", "rettificat", "aggiustat",
            "aangepast", "gecorrigeerd", "skorygowan", "скорректирован")  # fmt: skip
"""How words begin that say that a price is adjusted for splits."""
NOT = {"un", "non", "not", "no", "nicht", "ohne", "pas", "sin", "sem", "não", "niet", "nie", "не"}
PRICES = {*" ".join(TARGET_NAMES).split(), "open", "high", "low", "prices"} - {"adj"}
"""Words that make 'adj' beside them a short form of 'adjusted': alone it may be the symbol of a share."""


def adjusted(panel: Panel, *, adjust: bool) -> tuple[Panel, list[Finding]]:
    """The panel with prices before each split divided, if asked; and the finding that names the splits."""
    values = panel.values
    places: list[str] = []
    found = splits(panel)
    for number, row, ratio in found:
        start, stop = panel.offsets[number : number + 2]
        if len(places) < SHOWN:
            (stamp,) = times_as_strings(panel.time[[start + row]], panel.names)
            words = f"{ratio:g}:1" if ratio > 1 else f"1:{1 / ratio:g}"
            places.append(f"{words} on {stamp} in {shown(panel.ids[number])}")
        if adjust:
            values = values.copy() if values is panel.values else values
            _divide(values[start:stop], row, ratio)
    if not found:
        return panel, []
    message = "jumps that look like stock splits"
    if not adjust:
        action = "kept; --adjust-splits divides the prices before them"
        return panel, [warn("P001", message, count=len(found), places=places, action=action)]
    action = "divided the prices before them"
    finding = repair("P002", message, count=len(found), places=places, action=action)
    return dataclasses.replace(panel, values=values), [finding]


def splits(panel: Panel) -> list[tuple[int, int, float]]:
    """Series, the first row after the split, and the number of new shares for an old one, of each split.

    Only series of trading days with positive values can have splits, and only if no name says that the prices
    are adjusted already. That may be the name of the target or, in a wide table, of the series.
    """
    if not panel.frequency.is_business_days or is_adjusted(panel.names.target):
        return []
    found = []
    for number, name in enumerate(panel.ids):
        if not is_adjusted(name):
            rows = slice(*panel.offsets[number : number + 2])
            found += [(number, row, ratio) for row, ratio in _splits(panel.target[rows], panel.time[rows])]
    return found


def is_adjusted(name: str) -> bool:
    """Whether a column of this name holds prices that are adjusted for splits."""
    words = re.findall(r"\w+", plain(name))
    if not NOT.isdisjoint(words):
        return False
    if "adj" in words and not PRICES.isdisjoint(words):
        return True
    return any(word.startswith(ADJUSTED) for word in words)


def _splits(prices: np.ndarray, time: np.ndarray) -> list[tuple[int, float]]:
    """The first row after each split, and the number of new shares for an old one."""
    known = np.flatnonzero(~np.isnan(prices))
    if len(known) < FEW or not (prices[known] > 0).all():
        return []
    moves = np.diff(np.log(prices[known]))  # also over days without a price
    moves[np.diff(time[known]) > WEEK] = 0  # the price may have moved for other reasons
    usual = np.median(np.abs(moves))
    logs = np.log(np.r_[RATIOS, 1 / RATIOS])
    splits = []
    for row in np.flatnonzero(np.abs(moves) > max(UNUSUAL * usual, np.log(1.4))):
        nearest = int(np.argmin(np.abs(-moves[row] - logs)))
        if abs(-moves[row] - logs[nearest]) < NEAR + usual:
            splits.append((int(known[row + 1]), float(np.exp(logs[nearest]))))
    return splits


def _divide(values: np.ndarray, row: int, ratio: float) -> None:
    """Divide the values before `row` in each channel that jumps with the target."""
    for channel in range(values.shape[1]):
        earlier = values[:row, channel]
        before, after = next(iter(earlier[~np.isnan(earlier)][::-1]), np.nan), values[row, channel]
        if before > 0 and after > 0 and abs(np.log(before / after) - np.log(ratio)) < 2 * NEAR + 0.1:
            values[:row, channel] /= ratio
