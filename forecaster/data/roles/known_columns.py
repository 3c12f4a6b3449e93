"""Known columns: those that go on after the target ends are known of the future."""

from __future__ import annotations

import shlex
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Bools, Ints
from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import plain
from forecaster.data.parsing.numbers import blanked, is_text
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.words import FEW, MOST_WORDS
from forecaster.data.roles.ids import id_parts
from forecaster.data.roles.kinds import codes, distinct, has_some_numbers
from forecaster.data.roles.part_columns import why_unmeasured
from forecaster.data.table import Table
from forecaster.errors import DataError

MOST = 0.5
"""A known column goes on in more than this share of the series, and is filled in more of the rows before."""
DOUBTFUL = ("price",)
"""Names of a target that is as often what demand depends on."""
NEVER = np.iinfo(np.int64).min


class Rows(NamedTuple):
    """What the rows of a table are."""

    times: Times
    series: str | None
    """The id column."""
    targets: tuple[str, ...]
    each_file: bool
    """Each file is a series."""


class Ends(NamedTuple):
    """The rows after the end of the target of their series, of several targets after all of them."""

    owner: Ints  # (R,) the series of each row
    present: Bools  # (R,) whether it has a target
    after: Bools  # (R,)

    @property
    def series(self) -> int:
        """How many series have a target."""
        return len(np.unique(self.owner[self.present]))


def known_columns(
    table: Table, config: ReadConfig, kinds: dict[str, str], rows: Rows, others: dict[str, str]
) -> tuple[tuple[str, ...], list[Finding]]:
    """The columns known of the future, as named, or those that go on after the target ends; and what to say.

    `others`: the columns that are not used so far.
    """
    named = config.known or ()
    if config.agg == "count":
        return named, []
    filled = [_filled(table, name, config.na) for name in rows.targets]
    ends = _ends(table, rows, filled)
    if ends is None:
        return named, [] if config.target else _another_ends(table, config, kinds, rows, filled, others)
    findings = _past_only(table, config, ends)
    if config.known is not None:
        return named, findings
    why = {name: _why_not(table, config, name, kinds[name], rows, ends) for name in others}
    found = [name for name, reason in why.items() if reason == ""]
    unused = {name: reason for name, reason in why.items() if reason}
    if found:
        go, them = ("goes", "it is") if len(found) == 1 else ("go", "they are")
        message = f"{listed(found)} {go} on after the target ends: {them} taken as known of the future"
        findings.append(info("K001", message, count=len(found), action="--known '' leaves out all such"))
    if unused:
        message = ", ".join(f"{shown(name)} ({why})" for name, why in list(unused.items())[:FEW])
        action = "not used; --known names those that are known of the future"
        findings.append(
            info("K003", f"columns go on after the target ends: {message}", count=len(unused), action=action)
        )
    return tuple(found), findings


def _ends(table: Table, rows: Rows, filled: list[Bools]) -> Ends | None:
    """The rows after the end of the targets, which are `filled` there; None if there are none."""
    if any(each.all() for each in filled):
        return None
    present = np.any(filled, axis=0)
    owner, ns = np.zeros(table.rows, np.int64), rows.times.ns
    if rows.series is not None:
        owner = codes(table, rows.series)[0].astype(np.int64)
    elif rows.each_file:
        owner = np.repeat(np.arange(len(table.parts)), [part.rows for part in table.parts])
    end = np.full(int(owner.max(initial=0)) + 1, NEVER)
    np.maximum.at(end, owner[present], ns[present])
    after = (ns > end[owner]) & (end[owner] != NEVER)
    return Ends(owner, present, after) if after.any() else None


def _past_only(table: Table, config: ReadConfig, ends: Ends) -> list[Finding]:
    """The finding for covariates whose future is there, but was not asked for."""
    names = [name for name in config.covariates if _goes_on(table, name, config.na, ends)]
    if not names:
        return []
    message = f"{listed(names)} after the target ends: not used, since --covariates are past only"
    action = f"--known {shlex.quote(','.join(names))} instead uses it"
    return [info("K003", message, count=len(names), action=action)]


def _why_not(table: Table, config: ReadConfig, name: str, kind: str, rows: Rows, ends: Ends) -> str | None:
    """Why a column that goes on is not taken as known; empty if it is, None for one that does not go on."""
    count = _goes_on(table, name, config.na, ends)
    if not count:
        return None
    why = _unfit(table, config, kind, name, rows.times, rows.series)
    if not why and count <= MOST * ends.series:
        return f"in {count:,} of {ends.series:,} series"
    return why or ("" if _was_there(table, name, config.na, ends) else "mostly empty before")


def _another_ends(
    table: Table,
    config: ReadConfig,
    kinds: dict[str, str],
    rows: Rows,
    filled: list[Bools],
    others: dict[str, str],
) -> list[Finding]:
    """The finding for a column that ends before the target that was chosen: it may be what to forecast."""
    if len(rows.targets) > 1:
        return _one_ends_early(rows, filled)
    target = rows.targets[0]
    for name in others:
        if kinds[name] != "number" or why_unmeasured(table, name, rows.times, rows.series, fractions=False):
            continue
        ends = _ends(table, rows, [_filled(table, name, config.na)])
        if ends is None or _goes_on(table, target, config.na, ends) <= MOST * ends.series:
            continue
        message = f"{shown(name)} ends before {shown(target)}, which was chosen as the target"
        options = f"--target {shlex.quote(name)} --known {shlex.quote(target)}"
        if plain(target) in DOUBTFUL:
            raise DataError(
                f"{table.name}: {shown(name)} ends before {shown(target)}: either could be the target",
                hint=f"Choose: --target {shlex.quote(name)}, with {shown(target)} as known of the future; or "
                f"--target {shlex.quote(target)}.",
            )
        action = f"if {shown(name)} is to be forecast, and the other is known of the future: {options}"
        return [info("K003", message, action=action)]
    return []


def _one_ends_early(rows: Rows, filled: list[Bools]) -> list[Finding]:
    """The finding for one of several columns that ends before all others: it may be the only target."""
    end = np.array([rows.times.ns[each].max(initial=NEVER) for each in filled])
    early = np.flatnonzero(end < end.max())
    if len(early) != 1 or (end == NEVER).any():
        return []
    target = rows.targets[early[0]]
    names = [name for name in rows.targets if name != target]
    message = f"{shown(target)} ends before {listed(names)}; each is forecast"
    options = f"--target {shlex.quote(target)} --known {shlex.quote(','.join(names))}"
    action = f"if the others are known of the future: {options}"
    return [info("K003", message, count=len(names), action=action)]


def _filled(table: Table, name: str, na: tuple[str, ...]) -> Bools:
    """Which cells of a column have a value (R,)."""
    column = table.parsed[name] if name in table.parsed else table.columns[name]
    if pa.types.is_dictionary(column.type):
        return np.asarray(column.is_valid().to_numpy(), np.bool_)
    if is_text(column.type):
        column = blanked(column, na)
    valid = column.is_valid()
    if pa.types.is_floating(column.type):
        valid = pc.and_(valid, pc.invert(pc.fill_null(pc.is_nan(column), True)))
    return np.asarray(valid.to_numpy(), np.bool_)


def _goes_on(table: Table, name: str, na: tuple[str, ...], ends: Ends) -> int:
    """In how many series a column has a value after the target ends."""
    return len(np.unique(ends.owner[ends.after & _filled(table, name, na)]))


def _was_there(table: Table, name: str, na: tuple[str, ...], ends: Ends) -> bool:
    """Whether a column is filled in most rows that have a target."""
    return bool(np.mean(_filled(table, name, na)[ends.present]) > MOST)


def _unfit(table: Table, config: ReadConfig, kind: str, name: str, times: Times, series: str | None) -> str:
    """Why a column is not taken as known of the future unless it is named; empty if it is."""
    if kind == "number":
        why = why_unmeasured(table, name, times, series, fractions=False)
        return "" if why == "a flag of 0 and 1" else why
    if pa.types.is_boolean(table.columns[name].type):
        return ""
    if kind != "text":
        return {"time": "another time", "key": "a name of folders"}.get(kind, "neither numbers nor words")
    if has_some_numbers(table, name, config.na):
        return "words, and some numbers"
    count = distinct(table, name)
    if count < 2:
        return "the same in all rows"
    if series is not None and len(id_parts(table, series)) == 1 and _is_of_series(table, series, name):
        return "the same in all rows of a series: see --static"
    return "too many words" if count > MOST_WORDS or 2 * count > table.rows else ""


def _is_of_series(table: Table, series: str, name: str) -> bool:
    """Whether words have one value in each of several series."""
    (left, ids), (right, count) = codes(table, series), codes(table, name)
    return ids > 1 and len(np.unique(left.astype(np.int64) * count + right)) == ids
