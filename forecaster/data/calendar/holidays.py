"""Holidays: closed days of the year, as rules learned from the weekdays that have no row.

A rule is a date (25 December, perhaps moved from a weekend to a weekday), a weekday of a month (the last
Monday of May) or a distance from Easter Sunday (Good Friday). A rule is learned if each of its newest days in
the data is closed, and if there are too many of them for chance: if as many days were closed at random, fewer
than one table in twenty would show any such rule. That takes at least two years. A rule holds from the first
of those days on, so it never covers a day that is open in the data.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import product
from typing import Literal

import numpy as np
from dateutil.easter import easter

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import MONTHS, WEEKDAYS, weekday_of

EPOCH = date(1970, 1, 1).toordinal()
SATURDAY, SUNDAY = 5, 6
LAST = -1
Moves = tuple[tuple[int, int], ...]
MOVES: Moves = tuple(product((0, -1, 2), (0, 1, 2)))
"""By how many days countries move a holiday from a Saturday and from a Sunday."""
ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}
EASTER = {-48: "Carnival Monday", -47: "Shrove Tuesday", -3: "Maundy Thursday", -2: "Good Friday",
          1: "Easter Monday", 39: "Ascension Day", 50: "Whit Monday", 60: "Corpus Christi"}  # fmt: skip
CHANCE = 0.05
"""The probability of learning any rule from days that are closed at random."""
LONG_GAP = 5  # business days in a row; in a longer gap data is missing, it is no holiday


@dataclass(frozen=True)
class Holiday:
    """A day of each year from `since` on; ValueError for an impossible one.

    kind      month   day                                                           weekday
    date      1-12    of the month                                                  -
    weekday   1-12    1 to 4 for the first to the fourth such weekday, -1 the last   0 Monday to 6 Sunday
    easter    -       days after Easter Sunday                                      -
    """

    kind: Literal["date", "weekday", "easter"]
    day: int
    month: int = 1
    weekday: int = 0
    saturday: int = 0
    """Days by which a date on a Saturday is moved."""
    sunday: int = 0
    since: int = 1970

    def __post_init__(self) -> None:
        days = {"date": range(1, 32), "weekday": ORDINALS, "easter": range(-99, 100)}
        weekday, moves = 0 <= self.weekday <= 6, {self.saturday, self.sunday} <= {-1, 0, 1, 2}
        if not (self.day in days[self.kind] and 1 <= self.month <= 12 and weekday and moves):
            raise ValueError(f"there is no such holiday: {dataclasses.astuple(self)}")

    def in_year(self, year: int) -> int | None:
        """The day, counted from 1970-01-01, in `year`; None if that year has none, as for 29 February."""
        if self.kind == "easter":
            return _easter(year) + self.day
        if self.kind == "weekday":
            return _nth_weekday(year, self.month, self.weekday, self.day)
        try:
            day = date(year, self.month, self.day)
        except ValueError:
            return None
        move = {SATURDAY: self.saturday, SUNDAY: self.sunday}.get(day.weekday(), 0)
        return day.toordinal() - EPOCH + move

    def __str__(self) -> str:
        if self.kind == "easter":
            return EASTER.get(self.day, f"Easter{self.day:+d} days")
        if self.kind == "weekday":
            return f"{ORDINALS[self.day]} {WEEKDAYS[self.weekday]} of {MONTHS[self.month - 1]}"
        moves = ((SATURDAY, self.saturday), (SUNDAY, self.sunday))
        words = [f"{WEEKDAYS[at]} moves to {WEEKDAYS[(at + move) % 7]}" for at, move in moves if move]
        return f"{self.day} {MONTHS[self.month - 1]}" + (f" ({', '.join(words)})" if words else "")


COMMON = (
    *(Holiday("date", day, month) for day, month in ((25, 12), (1, 1))),
    Holiday("easter", -2),
    Holiday("easter", 1),
    *(Holiday("date", day, month) for day, month in ((1, 5), (26, 12), (4, 7), (19, 6))),
    *(Holiday("weekday", nth, month, 0) for nth, month in ((3, 1), (3, 2), (LAST, 5), (1, 9), (2, 10))),
    Holiday("weekday", 4, 11, weekday=3),
    *(Holiday("weekday", nth, month, 0) for nth, month in ((1, 5), (LAST, 8))),
    Holiday("easter", 39),
    Holiday("easter", 50),
    *(Holiday("date", day, month) for day, month in ((24, 12), (31, 12), (6, 1), (15, 8), (1, 11))),
)
"""Holidays of many exchanges, the commonest first. Fewer years are needed to learn these."""
POSSIBLE = 366 + 12 * 5 * 5 + len(EASTER)
"""The number of possible rules: dates, weekdays of months, days around Easter."""


def learn_holidays(open_days: Bools, first: int, weekmask: str) -> tuple[Holiday, ...]:
    """The rules that the data support, in the order of the year.

    `open_days` (N,): whether day `first` + i, counted from 1970-01-01, has any row; the first and last do.
    `weekmask`: the trading weekdays, Monday first, such as '1111100'.
    """
    evidence = _Evidence(open_days, first, weekmask)
    rules = [evidence.moved(rule) for rule in evidence.rules(((0, 0),))]
    rules += evidence.rules(MOVES)  # rules that only their moved days support
    rules = [_moved_like_others(rule, rules, evidence) for rule in rules]
    return tuple(sorted(rules, key=lambda rule: rule.in_year(evidence.newest) or 0))


def closed_days(rules: Iterable[Holiday], until: int) -> Ints:
    """The days of all rules up to the year `until`, counted from 1970-01-01."""
    days = {rule.in_year(year) for rule in rules for year in range(rule.since, until + 1)}
    return np.array(sorted(day for day in days if day is not None), np.int64)


class _Evidence:
    """The days that were open, and the closed days that no rule explains yet."""

    def __init__(self, open_days: Bools, first: int, weekmask: str) -> None:
        days = np.arange(first, first + len(open_days))
        trading = np.array([flag == "1" for flag in weekmask])[weekday_of(days)]
        closed = _short_runs(trading & ~open_days, trading)
        self.open = set(days[open_days].tolist())
        self.closed = set(days[closed].tolist())
        self.oldest, self.newest = (date.fromordinal(int(day) + EPOCH).year for day in days[[0, -1]])
        share = len(self.closed) / max(len(self.closed) + int(np.count_nonzero(open_days & trading)), 1)
        self.needed_common, self.needed = _needed(len(COMMON), share), _needed(POSSIBLE, share)

    def rules(self, moves: Moves) -> list[Holiday]:
        """Rules for the closed days that no rule explains yet, the rule for most years first."""
        rules = []
        candidates = list(
            dict.fromkeys(rule for day in sorted(self.closed) for rule in _candidates(day, moves))
        )
        while candidates := [rule for rule in candidates if self._is_supported(rule)]:
            best = max(candidates, key=self._order)
            rules.append(self._explained(replace(best, since=self.run(best)[1])))
        return rules

    def run(self, rule: Holiday) -> tuple[int, int]:
        """The number of the rule's newest days that are closed and unexplained, and their first year."""
        count = since = 0
        for year in range(self.newest + 1, self.oldest - 1, -1):  # 1 January may be moved to the year before
            day = rule.in_year(year)
            if day in self.open:
                break
            if day in self.closed:
                count, since = count + 1, year
        return count, since

    def moved(self, rule: Holiday) -> Holiday:
        """The rule with those moves from weekends, if any, that explain most of the closed days left."""
        if rule.kind != "date":
            return rule
        tried = [replace(rule, saturday=saturday, sunday=sunday) for saturday, sunday in MOVES]
        best = max((each for each in tried if not self.contradicts(each)), key=self._order)
        return self._explained(replace(best, since=min(rule.since, self.run(best)[1] or rule.since)))

    def contradicts(self, rule: Holiday) -> bool:
        """Whether a day of the rule was open."""
        return not self.open.isdisjoint(self._days(rule))

    def _days(self, rule: Holiday) -> set[int | None]:
        return {rule.in_year(year) for year in range(rule.since, self.newest + 2)}

    def _is_supported(self, rule: Holiday) -> bool:
        return self.run(rule)[0] >= (self.needed_common if _rank(rule) < len(COMMON) else self.needed)

    def _order(self, rule: Holiday) -> tuple[int, int, int, int]:
        """Most years first; then the commonest rule, then the fewest moves, then the longest ones."""
        moves = (rule.saturday, rule.sunday)
        return self.run(rule)[0], -_rank(rule), moves.count(0), sum(moves)

    def _explained(self, rule: Holiday) -> Holiday:
        """The rule, after its days are removed from those that other rules may explain."""
        self.closed -= self._days(rule)
        return rule


def _rank(rule: Holiday) -> int:
    """The place of a rule among the common ones; all other rules come after them."""
    plain = replace(rule, saturday=0, sunday=0, since=Holiday.since)
    return COMMON.index(plain) if plain in COMMON else len(COMMON)


def _candidates(day: int, moves: Moves) -> Iterable[Holiday]:
    """All rules that would explain a closed day."""
    at = date.fromordinal(day + EPOCH)
    if at.day < 29:
        yield Holiday("weekday", (at.day + 6) // 7, at.month, at.weekday())
    if (at + timedelta(7)).month != at.month:
        yield Holiday("weekday", LAST, at.month, at.weekday())
    if day - _easter(at.year) in EASTER:
        yield Holiday("easter", day - _easter(at.year))
    for saturday, sunday in moves:
        for move in {0, saturday, sunday}:
            named = at - timedelta(move)
            yield Holiday("date", named.day, named.month, saturday=saturday, sunday=sunday)


def _moved_like_others(rule: Holiday, rules: list[Holiday], evidence: _Evidence) -> Holiday:
    """The rule moved like most others from weekends not yet seen, unless an open day contradicts that."""
    if rule.kind != "date":
        return rule
    saturday = rule.saturday or _usual_move(rules, SATURDAY, evidence.newest)
    tried = replace(rule, saturday=saturday)
    rule = rule if evidence.contradicts(tried) else tried
    sunday = rule.sunday or _usual_move(rules, SUNDAY, evidence.newest)
    tried = replace(rule, sunday=sunday)
    return rule if evidence.contradicts(tried) else tried


def _usual_move(rules: Iterable[Holiday], weekday: int, newest: int) -> int:
    """By how many days most dates were moved from this weekday; 0 if fewer than two were moved."""
    votes = Counter(
        rule.saturday if weekday == SATURDAY else rule.sunday
        for rule in rules
        for year in range(rule.since, newest + 1)
        if rule.kind == "date" and _weekday(replace(rule, saturday=0, sunday=0).in_year(year)) == weekday
    )
    move, count = votes.most_common(1)[0] if votes else (0, 0)
    return move if count >= 2 and count * 2 > votes.total() else 0


def _weekday(day: int | None) -> int | None:
    return None if day is None else weekday_of(day)


def _needed(rules: int, share: float) -> float:
    """How many closed days, and no open one, make one of `rules` credible if a `share` of days is closed."""
    if not 0 < share < 1:
        return math.inf
    return max(2, math.ceil(math.log(CHANCE / rules) / math.log(share)))


def _short_runs(closed: Bools, trading: Bools) -> Bools:
    """The closed days except runs of more than LONG_GAP trading days."""
    days = np.flatnonzero(trading)
    opens = np.cumsum(~closed[days])
    length = np.bincount(opens, weights=closed[days])
    kept = closed.copy()
    kept[days[length[opens] > LONG_GAP]] = False
    return kept


@cache
def _easter(year: int) -> int:
    return easter(year).toordinal() - EPOCH


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> int:
    """The nth such weekday of a month; -1 for the last."""
    first = date(year + (month == 12 and nth == LAST), month % 12 + 1 if nth == LAST else month, 1)
    start = first.toordinal() - EPOCH - (7 if nth == LAST else 0)
    return start + (weekday - weekday_of(start)) % 7 + 7 * (max(nth, 1) - 1)
