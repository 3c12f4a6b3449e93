"""Design: the columns of a regression that known covariates give, in groups that enter it together.

A number u, standardised by its past, may act in five ways, each of them a group of columns:

    line      u
    bend      max(u − q, 0) at quartiles q of its past: heating below, cooling above a temperature
    recent    the mean of u over the season up to the row: buildings stay warm
    season    u · sin, u · cos of the position in the season: opening hours matter by day
    bent season  the same of the bends

A category has a column for each word, and these by the position in the season. Columns of words, and of
numbers with two values, stay 0 or 1, so that a ridge shrinks those that were seldom seen.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.rows.known import Words

QUARTILES = (0.25, 0.5, 0.75)
LEAST_DISTINCT = 12
"""Values that a number must have taken for bends to mean anything."""
WAVES = 6
"""Pairs of sine and cosine along a season, at most."""
LEAST_SEASON = 4
LEAST_SEEN = 2
"""Rows of the past that a word must be in."""
FEW_WORDS = 8
"""With more words, there are too many columns for each word by the position in the season."""
MOST_WORDS = 40
"""The most common words of a category have a column."""

LINE, BEND, RECENT, SEASON, BENT_SEASON = "line", "bend", "recent", "season", "bent season"
AFTER = {LINE: "", BEND: LINE, RECENT: LINE, SEASON: LINE, BENT_SEASON: BEND}
"""Group -> the group that must have entered before it."""


class Group(NamedTuple):
    """Columns that enter a regression together."""

    covariate: int
    kind: str


def groups_of(
    values: Floats, words: tuple[Words, ...], season: int, lines: Collection[int] = ()
) -> list[Group]:
    """The groups that the past values (n, K) of known covariates allow; `lines` enter as lines only."""
    groups = []
    for number in range(values.shape[1]):
        seen = np.unique(values[np.isfinite(values[:, number]), number])
        if len(seen) < 2:
            continue
        groups.append(Group(number, LINE))
        if number in lines:
            continue
        bends = words[number] is None and len(seen) >= LEAST_DISTINCT
        if bends:
            groups.append(Group(number, BEND))
        if season >= LEAST_SEASON and (words[number] is None or len(seen) <= FEW_WORDS):
            groups.append(Group(number, SEASON))
            if bends:
                groups += [Group(number, RECENT), Group(number, BENT_SEASON)]
    return groups


def columns(
    groups: list[Group], values: Floats, words: tuple[Words, ...], known: int, season: int, place: Ints
) -> list[Floats]:
    """The columns (R, p) of each group for all rows R, with scales and words of the first `known` rows.

    values (R, K); NaN where missing: the columns are then NaN too. place (R,): the position in the season.
    """
    bases: dict[int, Floats] = {}
    waves = _waves(place, season)
    made = []
    for number, kind in groups:
        if number not in bases:
            bases[number] = _base(values[:, number], words[number], known)
        base = bases[number]
        if kind in (BEND, BENT_SEASON):
            base = _bends(base[:, 0], known)
        elif kind == RECENT:
            base = _recent(base[:, 0], season)[:, None]
        if kind in (SEASON, BENT_SEASON):
            base = (base[:, :, None] * waves[:, None, :]).reshape(len(base), -1)
        made.append(base)
    return made


def _base(values: Floats, words: Words, known: int) -> Floats:
    """A number, standardised by its past, or 0 and 1 for each word (R, 1 or words)."""
    past = values[:known]
    seen, counts = np.unique(past[np.isfinite(past)], return_counts=True)
    if words is not None:
        codes = np.sort(seen[counts >= LEAST_SEEN][np.argsort(-counts[counts >= LEAST_SEEN])[:MOST_WORDS]])
        each = (values[:, None] == codes).astype(np.float64)
        each[np.isnan(values)] = np.nan
        return each
    if len(seen) == 2:
        return ((values - seen[0]) / (seen[1] - seen[0]))[:, None]
    return ((values - np.nanmean(past)) / np.nanstd(past))[:, None]


def _bends(u: Floats, known: int) -> Floats:
    knots = np.nanquantile(u[:known], QUARTILES)
    return np.maximum(u[:, None] - knots, 0.0)


def _recent(u: Floats, season: int) -> Floats:
    """The mean over the season up to each row, of what there is (R,)."""
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(u))])
    count = np.concatenate([[0], np.cumsum(np.isfinite(u))])
    row = np.arange(len(u))
    first = np.maximum(row + 1 - season, 0)
    mean = (total[row + 1] - total[first]) / np.maximum(count[row + 1] - count[first], 1)
    return np.where(np.isfinite(u), mean, np.nan)


def _waves(place: Ints, season: int) -> Floats:
    """Sines and cosines (R, 2·waves) of the position in the season."""
    if season < LEAST_SEASON:
        return np.empty((len(place), 0))
    angle = 2 * np.pi * place[:, None] * np.arange(1, min(WAVES, season // 2) + 1) / season
    both = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return both[:, np.abs(both).max(axis=0) > 1e-9]  # the last sine of an even season is zero
