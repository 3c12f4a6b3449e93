"""Targets: which columns are forecast, and why each other column is not."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import are_switches, plain
from forecaster.data.parsing.numbers import is_text
from forecaster.data.parsing.time_zones import Times
from forecaster.data.roles.ids import id_parts, repeated_times, same_at_each_time
from forecaster.data.roles.kinds import (
    SAMPLED,
    distinct,
    has_some_numbers,
    is_complete,
    is_whole,
    kind_of,
    never_changes,
)
from forecaster.data.roles.known_names import ID_NAMES, TARGET_NAMES, is_id_name, price_tables, ranked
from forecaster.data.roles.part_columns import ONE_NUMBER, why_unmeasured
from forecaster.data.table import Table
from forecaster.errors import DataError

FEW = 0.05
"""Share of rows that repeat a timestamp up to which a table is one with a few faulty rows."""
ROLES = "--target, --covariates, --known or --static changes it"
LeftOut = dict[str, str]
"""Column -> why it is not used."""


def choose_targets(
    table: Table, config: ReadConfig, kinds: dict[str, str], series: str | None, taken: set[str], times: Times
) -> tuple[tuple[str, ...], LeftOut, list[Finding]]:
    """The target columns, why other columns of numbers are not used, and findings about the choice.

    DataError without a column of numbers, and where several could be meant.
    """
    used = {*taken, *id_parts(table, series)}
    numeric = [name for name, kind in kinds.items() if kind == "number" and name not in used]
    if config.target:
        return config.target, dict.fromkeys(numeric, "not named as --target"), []
    if config.agg == "count":
        return _counted(table, kinds, series, used)
    if not numeric:
        raise _no_numbers(table, [name for name in kinds if name not in used])
    why = _unmeasured(table, numeric, times, series)
    values = [name for name in numeric if name not in why]
    if not values:
        raise _no_numbers(table, [name for name in kinds if name not in (*used, *numeric)])
    chosen = tuple(values) if len(values) == 1 else _known_targets(values)
    if chosen and (len(chosen) == 1 or series is None):
        for name in numeric:
            if name not in chosen:
                why.setdefault(name, f"another column, {shown(chosen[0])}, is the target")
        return chosen, why, about_choice(chosen, [name for name in numeric if name not in chosen])
    labels = [name for name in numeric if plain(name) in ID_NAMES and is_whole(table, name)]
    labels = [name for name in labels if 1 < distinct(table, name) < table.rows]
    one = series is None or (config.id is None and len(table.parts) == 1 and distinct(table, series) == 1)
    several = repeated_times(times) > FEW * table.rows and not same_at_each_time(table, values, times)
    if not one or config.input_columns or labels or several:
        raise DataError(f"{table.name}: {len(values)} columns could be the target: {listed(values)}",
                        hint=f"Choose one, such as --target {shlex.quote(values[0])}")  # fmt: skip
    unused = [name for name in numeric if name not in values]
    findings = [info("C002", f"not used: {listed(unused)}", count=len(unused))] if unused else []
    return tuple(values), why, findings


def _unmeasured(table: Table, numeric: list[str], times: Times, series: str | None) -> LeftOut:
    """Columns that measure nothing, with the reason; none if no other column would be left."""
    if len(numeric) == 1:
        return {}
    changing = [name for name in numeric if not never_changes(table, name)]
    fractions = not all(is_whole(table, name) for name in changing)
    why = {name: why_unmeasured(table, name, times, series, fractions) for name in numeric}
    found = {name: reason for name, reason in why.items() if reason}
    if len(found) < len(numeric):
        return found
    # Flags, and numbers that never change, may be what is measured; the clock and the row number are not.
    for some in (("a flag of 0 and 1",), ("a label", ONE_NUMBER)):
        kept = {n: reason for n, reason in found.items() if reason not in some or is_id_name(n, numbers=True)}
        if len(kept) < len(numeric):
            return kept
    ids = [name for name in numeric if found[name] == "a place" or is_id_name(name, numbers=True)]
    return found if len(ids) == len(numeric) else {}


def about_choice(chosen: tuple[str, ...], others: Iterable[str]) -> list[Finding]:
    """The finding that names the targets chosen, and other columns of numbers; none without others."""
    unused = list(others)
    if not unused:
        return []
    subject = f"the target is {shown(chosen[0])}" if len(chosen) == 1 else f"targets are {listed(chosen)}"
    message = f"{subject}; not used: {listed(unused)}"
    return [info("C001", message, count=len(unused), action=ROLES)]


def _known_targets(numeric: list[str]) -> tuple[str, ...]:
    """The close of each table of prices, adjusted if there is one; else the best known name."""
    tables = price_tables(numeric)
    if tables:
        return tuple(prices.get("adjusted", prices["close"]) for prices in tables.values())
    return tuple(ranked(numeric, TARGET_NAMES)[:1])


def likely_targets(table: Table, config: ReadConfig, time: str) -> tuple[str, ...]:
    """The target columns, as far as they can be inferred without the times."""
    taken = {time, config.id, *config.input_columns}
    numeric = [
        name for name in table.columns if name not in taken and kind_of(table, name, config.na) == "number"
    ]
    return config.target or _known_targets(numeric) or tuple(numeric)


def _counted(
    table: Table, kinds: dict[str, str], series: str | None, used: set[str]
) -> tuple[tuple[str, ...], LeftOut, list[Finding]]:
    """For --agg count, which counts rows: the first column without a missing cell, the id last."""
    names = [name for name in kinds if name not in used]
    whole = [name for name in names if is_complete(table, name)]
    if not whole and series is None:
        raise DataError(
            f"{table.name}: each column lacks a cell, so rows cannot be counted",
            hint=" or ".join(f"--target {shlex.quote(name)}" for name in names[:3]),
        )
    whole = whole or [str(series)]
    why = {name: "rows are counted" for name in names if kinds[name] == "number" and name != whole[0]}
    message = f"the rows with a value in {shown(whole[0])} are counted"
    return (whole[0],), why, [info("C001", message, action="--target chooses another column")]


def why_left_out(
    table: Table, config: ReadConfig, kinds: dict[str, str], used: set[str | None]
) -> tuple[LeftOut, list[Finding]]:
    """Why columns that are not numbers are not used, and findings that name them."""
    names = [name for name in kinds if name not in used and kinds[name] != "number"]
    words = [name for name in names if kinds[name] in ("text", "key")]
    mixed = [name for name in words if has_some_numbers(table, name, config.na)]
    reasons = {"time": "another time", "empty": "no cell has a value", "other": "no numbers"}
    why = {name: reasons.get(kinds[name], "words") for name in names}
    why |= dict.fromkeys(mixed, "words, and some numbers")
    findings = []
    if mixed:
        message = f"not used: {listed(mixed)}, where some cells are numbers and most are not"
        action = "name it as --target to see the cells that are not"
        findings.append(info("C002", message, count=len(mixed), action=action))
    others = [name for name in names if name not in mixed]
    if others:
        grouped = {why[name]: [other for other in others if why[other] == why[name]] for name in others}
        message = "; ".join(f"{listed(each)} ({reason})" for reason, each in grouped.items())
        findings.append(info("C002", f"not used: {message}", count=len(others)))
    return why, findings


def _no_numbers(table: Table, names: list[str]) -> DataError:
    """The error for a table without a column of numbers, with what to type."""
    signed = [name for name in names if _ends_in_digits(table, name)]
    switches = [name for name in names if are_switches(table.columns[name])]
    hint = f"Text columns cannot be forecast: {listed(names)}" if names else "Add a column of numbers"
    if not signed and not switches:
        hint += "; to forecast how many rows there are each day: --every D --agg count"
    if switches:
        hint = f"To forecast {shown(switches[0])} as 1 and 0: --target {shlex.quote(switches[0])}"
    if signed:
        option = f"--target {shlex.quote(signed[0])}"
        hint = f"If {shown(signed[0])} holds numbers with signs beside them: {option}"
    message = f"{table.name}: no column of numbers to forecast. Columns: {listed(list(table.columns))}"
    return DataError(message, hint=hint)


def _ends_in_digits(table: Table, name: str) -> bool:
    """Whether most cells of a sample are a number with a few signs beside it."""
    column = table.columns[name]
    if not is_text(column.type) or not len(column):
        return False
    signed = pc.match_substring_regex(column.slice(0, SAMPLED), r"^[^0-9]{0,5}[0-9][0-9.,]*[^0-9]{0,5}$")
    return bool(2 * (pc.sum(signed).as_py() or 0) > min(len(column), SAMPLED))
