"""Roles: which column is time, series id, target or covariate. What is not set is inferred from all rows.

Layouts: `one` series (no id), `long` (an id column), `wide` (each target column is a series), `files` (each
file is a series, named by its file).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain

import numpy as np

from forecaster.arrays import Ints
from forecaster.config import Layout, ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import TIME_NAMES, plain
from forecaster.data.parsing.numbered_times import are_clear_times
from forecaster.data.parsing.time_formats import date_pattern
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.times import are_times, parse_times
from forecaster.data.roles.ids import id_column, id_parts, with_joined_id
from forecaster.data.roles.kinds import distinct, kind_of, whole_numbers
from forecaster.data.roles.known_columns import Rows, known_columns
from forecaster.data.roles.known_names import CHANGED_WORDS, FIRST_WORDS, TIME_WORDS, UTC_WORDS, ranked
from forecaster.data.roles.targets import LeftOut, about_choice, choose_targets, why_left_out
from forecaster.data.roles.time_parts import to_join
from forecaster.data.table import Table
from forecaster.errors import DataError, UsageError

BOUNDS = ((1800, 2100), (1, 12), (1, 31), (0, 23))
"""The least and the greatest year, month, day and hour."""
NEXT = 10
"""Steps by which two files of one series may be apart, at most."""


@dataclass(frozen=True)
class Roles:
    """What each column is used for."""

    time: str
    id: str | None
    targets: tuple[str, ...]
    covariates: tuple[str, ...]
    layout: Layout
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    left_out: LeftOut = field(default_factory=dict)
    uses: dict[str, str] = field(default_factory=dict)
    """Column -> what it is used for, or why it is left out."""

    def possible_ids(self, table: Table) -> tuple[str, ...]:
        """Columns that may name series, where none was found to: some values, each in several rows."""
        names = [name for name, why in self.left_out.items() if why in ("words", "a label")]
        return (
            () if self.id else tuple(name for name in names if 2 <= distinct(table, name) <= table.rows / 2)
        )


def assign(
    table: Table, config: ReadConfig, *, many: bool, by: str | None = None
) -> tuple[tuple[Roles, Times, DataError | None], list[Finding]]:
    """The roles, the parsed time column and a doubt about the id; and findings about what was chosen.

    The doubt is an error to raise later: rows can be parsed and exported without their series.
    `many`: the source is a folder or glob. `by`: a column that groups series. Raises UsageError for a column
    that does not exist, and DataError with the candidates if a role is unclear.
    """
    _check_names(table, config, by)
    kinds = {name: kind_of(table, name, config.na) for name in table.columns}
    time = time_column(table, config)
    times = _times(table, time, config)
    taken = {time, *(config.target or ()), *config.input_columns}
    series, doubt = config.id, None
    if series is None and config.layout in (None, "long"):
        try:
            series = id_column(table, config, kinds, times, taken)
        except DataError as error:
            doubt = error
    table = with_joined_id(table, series)
    if by and by not in id_parts(table, series):
        taken.add(by)
    targets, left_out, findings = choose_targets(table, config, kinds, series, taken, times)
    if len(targets) > 1 and config.id is None:
        series = None  # its one value names nothing: each target is a series
    used: set[str | None] = {*taken, *targets, *id_parts(table, series)}
    others, about = why_left_out(table, config, kinds, used)
    layout = config.layout or _layout(series, targets, many)
    if config.layout is None and layout == "files" and _follow(table, times):
        layout = "one"
        message = f"{len(table.parts)} files follow one another in time and are one series"
        about.append(info("C004", message, action="--layout files makes each a series"))
    if layout == "long" and series is None and doubt is None:
        raise DataError(f"{table.name} has no id column", hint=f"Set it: --id. Columns: {_all(table)}")
    if layout != "wide" and len(targets) > 1:
        raise UsageError(
            f"{len(targets)} targets for a table with one row per series and time",
            hint="Name one: --target NAME",
        )
    left_out |= others
    known, going_on = config.known or (), list[Finding]()
    if doubt is None:
        rows = Rows(times, series, targets, each_file=layout == "files")
        known, going_on = known_columns(table, config, kinds, rows, left_out)
    left_out = {name: why for name, why in left_out.items() if name not in known}
    if known and config.known is None:
        about = [each for each in about if each.code != "C002"]
        about += why_left_out(table, config, kinds, {*used, *known})[1]
        findings = [each for each in findings if each.code != "C001"] + about_choice(targets, left_out)
    findings = [*findings, *about, *going_on]
    uses = {name: f"left out: {left_out.get(name, 'not needed')}" for name in kinds}
    uses |= {by: "groups errors"} if by else {}
    uses |= dict.fromkeys(config.static, "static") | dict.fromkeys(known, "known")
    uses |= dict.fromkeys(config.covariates, "covariate (past only)") | dict.fromkeys(targets, "target")
    uses |= dict.fromkeys(id_parts(table, series), "id") | {time: "time"}
    roles = Roles(time, series, targets, config.covariates, layout, known, config.static,
                  left_out, uses)  # fmt: skip
    return (roles, times, doubt), [*times.findings, *findings]


def _check_names(table: Table, config: ReadConfig, by: str | None) -> None:
    """Raise UsageError for a column that does not exist, and for one of two roles."""
    named: dict[str, Sequence[str]] = {
        "--time": [config.time] if config.time else [],
        "--id": id_parts(table, config.id),
        "--target": config.target or (),
        "--covariates": config.covariates,
        "--known": config.known or (),
        "--static": config.static,
        "--by": [by] if by else [],
    }
    for name in chain.from_iterable(named.values()):
        if name not in table.columns:
            close = get_close_matches(name, list(table.columns), 1)
            meant = f"Did you mean {shown(close[0])}? " if close else ""
            raise UsageError(
                f"{table.name} has no column {shown(name)}", hint=f"{meant}Columns: {_all(table)}"
            )
    for one, others in ((option, named[option]) for option in ("--known", "--static")):
        for other, names in named.items():
            both = [name for name in others if name in names]
            if both and other not in (one, "--by"):
                raise UsageError(
                    f"{shown(both[0])} is named by {other} and {one}", hint="Name it by one of them only."
                )
            repeated = [name for name in both if list(others).count(name) > 1]
            if repeated:
                raise UsageError(f"{one} names {shown(repeated[0])} twice", hint="Name it once.")


def _times(table: Table, time: str, config: ReadConfig) -> Times:
    """The parsed time column. If it holds a part of the time only, the error says how to join the parts."""
    try:
        return parse_times(table, time, config.date_format, config.tz)
    except DataError as error:
        join = to_join(table, time, config)
        if join:
            error.hint = f"If the time is in several columns: {join}. {error.hint}"
        raise


def time_column(table: Table, config: ReadConfig) -> str:
    """The time column, set or inferred. DataError with the candidates if it is unclear."""
    if config.time is not None:
        return config.time
    kinds = {name: kind_of(table, name, config.na) for name in table.columns}
    return _time(table, kinds, {config.id, *(config.target or ()), *config.input_columns})


def _all(table: Table) -> str:
    return listed(list(table.columns))


def _time(table: Table, kinds: dict[str, str], taken: set[str | None]) -> str:
    candidates = [name for name, kind in kinds.items() if kind == "time" and name not in taken]
    known = ranked(candidates, TIME_NAMES)
    if len(candidates) == 1 or (known and len({plain(name) for name in known}) == len(known)):
        return known[0] if known else candidates[0]
    if candidates:
        best = _of_several(candidates)
        if best is not None:
            return best
        options = " or ".join(f"--time {shlex.quote(name)}" for name in candidates[:3])
        raise DataError(
            f"{table.name}: {len(candidates)} columns hold times: {listed(candidates)}",
            hint=f"Choose one: {options}",
        )
    whole = [name for name, kind in kinds.items() if kind in ("number", "text") and name not in taken]
    known = ranked(whole, TIME_NAMES)
    if known:  # beside a date, a column called time is the time of day
        return next((name for name in known if plain(name) == "date"), known[0])
    numbered = {name: whole_numbers(table, name) for name in whole if kinds[name] == "number"}
    clear = [
        name
        for name, each in numbered.items()
        if each is not None and are_clear_times(each, named=_has_word(name, TIME_WORDS))
    ]
    best = clear[0] if len(clear) == 1 else _of_several(clear) if clear else None
    if best is not None:
        return best
    first = next(iter(table.columns))
    if len(table.columns) > 1 and kinds[first] == "number" and are_times(table.columns[first], ReadConfig()):
        return first
    dated = [
        (name, pattern)
        for name, each in numbered.items()
        if each is not None and (pattern := date_pattern(each)) and pattern.startswith("%Y%m%d")
    ]
    apart = _parts_by_values({name: each for name, each in numbered.items() if each is not None})
    hint = apart or " or ".join(
        f"--time {shlex.quote(name)} --date-format {pattern}" for name, pattern in dated
    )
    raise DataError(
        f"{table.name}: no column holds times. Columns: {_all(table)}",
        hint=f"If it holds dates: {hint}"
        if hint
        else "Set it: --time COLUMN. If rows are one step apart, "
        "say when the first was: --start 2020-01-01 --freq D.",
    )


def _parts_by_values(numbers: dict[str, Ints]) -> str:
    """The options for columns of a year, a month, a day and perhaps an hour that their names do not show."""
    names: list[str] = []
    for name, cells in numbers.items():
        low, high = BOUNDS[len(names)]
        if low <= cells.min() and cells.max() <= high:
            names.append(name)
        elif names:
            break
        if len(names) == len(BOUNDS):
            break
    if len(names) < len(BOUNDS) - 1:
        return ""
    form = " ".join(("%Y", "%m", "%d", "%H")[: len(names)])
    return f"--time {shlex.quote('+'.join(names))} --date-format {shlex.quote(form)}"


def _of_several(names: list[str]) -> str | None:
    """Of the times of a start and an end, the start; of local time and UTC, UTC; of a change and an update,
    the change. None if unclear."""
    for words in (FIRST_WORDS, UTC_WORDS, CHANGED_WORDS):
        some = [name for name in names if _has_word(name, words)]
        names = some or names
    return names[0] if len(names) == 1 else None


def _has_word(name: str, words: tuple[str, ...]) -> bool:
    """Whether a name has one of `words`, or a longer word with one of five letters or more in it."""
    inside = any(word in plain(name) for word in words if len(word) >= 5)
    return inside or not set(plain(name).split(" ")).isdisjoint(words)


def _follow(table: Table, times: Times) -> bool:
    """Whether the files follow one another in time, as daily or monthly logs do."""
    rows = np.array([part.rows for part in table.parts if part.rows])
    starts = np.cumsum(rows) - rows
    first, last = np.minimum.reduceat(times.ns, starts), np.maximum.reduceat(times.ns, starts)
    order = np.argsort(first)
    apart = first[order][1:] - last[order][:-1]
    if not len(apart) or (apart <= 0).any():
        return False
    several = rows > 1
    steps = (last - first)[several] / (rows[several] - 1) if several.any() else apart
    return bool(apart.max() <= NEXT * np.median(steps))


def _layout(series: str | None, targets: tuple[str, ...], many: bool) -> Layout:
    if len(targets) > 1:
        return "wide"
    if series is not None:
        return "long"
    return "files" if many else "one"
