"""Roles: which column is time, series id, target or covariate. What is not set is inferred from all rows.

Layouts: `one` series (no id), `long` (an id column), `wide` (each target column is a series), `files` (each
file is a series, named by its file).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import Layout, ReadConfig
from forecaster.data.blockwise import always, runs
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import NUMBER_LIKE, TIME_NAMES, kind_of_cells, plain
from forecaster.data.parsing.numbers import blanked, is_number, is_text
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.times import are_times, parse_times
from forecaster.data.roles.known_names import ID_NAMES, TARGET_NAMES, close_columns, ranked
from forecaster.data.roles.time_parts import is_part_of_time, numbers_rows, to_join
from forecaster.data.table import Table, taken
from forecaster.errors import DataError, UsageError

SAMPLED = 200
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


def assign(
    table: Table, config: ReadConfig, *, many: bool
) -> tuple[tuple[Roles, Times, DataError | None], list[Finding]]:
    """The roles, the parsed time column and a doubt about the id; and findings about what was chosen.

    The doubt is an error to raise later: rows can be parsed and exported without their series.
    `many`: the source is a folder or glob. Raises UsageError for a column that does not exist, and DataError
    with the candidates if a role is unclear.
    """
    named = [config.time, config.id, *(config.target or ()), *config.covariates]
    for name in named:
        if name is not None and name not in table.columns:
            raise UsageError(f"{table.name} has no column {shown(name)}", hint=f"Columns: {_all(table)}")
    kinds = {name: kind_of(table, name, config.na) for name in table.columns}
    time = time_column(table, config)
    times = _times(table, time, config)
    taken = {time, *(config.target or ()), *config.covariates}
    series, doubt = config.id, None
    if series is None and config.layout in (None, "long"):
        try:
            series = _id(table, kinds, times, taken)
        except DataError as error:
            doubt = error
    targets, findings = _targets(table, config, kinds, series, taken, times)
    texts = [name for name, kind in kinds.items() if kind == "text" and name not in {*taken, series}]
    if mixed := [name for name in texts if _some_numbers(table, name, config.na)]:
        message = f"not used: {listed(mixed)}, where some cells are numbers and most are not"
        findings.append(
            info(
                "C002", message, count=len(mixed), action="name it as --target to see the cells that are not"
            )
        )
    layout = config.layout or _layout(series, targets, many)
    if config.layout is None and layout == "files" and _follow(table, times):
        layout = "one"
        message = f"{len(table.parts)} files follow one another in time and are one series"
        findings.append(info("C004", message, action="--layout files makes each a series"))
    if layout == "long" and series is None and doubt is None:
        raise DataError(f"{table.name} has no id column", hint=f"Set it: --id. Columns: {_all(table)}")
    if layout != "wide" and len(targets) > 1:
        raise UsageError(
            f"{len(targets)} targets for a table with one row per series and time",
            hint="Name one: --target NAME",
        )
    roles = Roles(time, series, targets, config.covariates, layout)
    return (roles, times, doubt), [*times.findings, *findings]


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
    return _time(table, kinds, {config.id, *(config.target or ()), *config.covariates})


def likely_targets(table: Table, config: ReadConfig, time: str) -> tuple[str, ...]:
    """The target columns, as far as they can be inferred without the times."""
    taken = {time, config.id, *config.covariates}
    numeric = [
        name for name in table.columns if name not in taken and kind_of(table, name, config.na) == "number"
    ]
    known = _known_target(numeric)
    return config.target or ((known,) if known else tuple(numeric))


def kind_of(table: Table, name: str, na: tuple[str, ...]) -> str:
    """time, number, text, empty, key or other: what most cells of a sample look like.

    A key comes from the names of folders, even if they look like numbers.
    """
    kind = _kind_of(table, name, na)
    return "key" if name in table.keys and kind in ("number", "text") else kind


def _kind_of(table: Table, name: str, na: tuple[str, ...]) -> str:
    column = table.parsed[name] if name in table.parsed else table.columns[name]
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return "time"
    if is_number(column.type):
        return "number" if column.null_count < len(column) else "empty"
    if not pa.types.is_dictionary(column.type) and not is_text(column.type):
        return "empty" if pa.types.is_null(column.type) else "other"
    kind = kind_of_cells(_sample(column), na)
    return kind if kind != "empty" else kind_of_cells(column.cast(pa.string()), na)


def _some_numbers(table: Table, name: str, na: tuple[str, ...]) -> bool:
    """Whether any cell of a sample looks like a number."""
    cells = blanked(_sample(table.parsed.get(name, table.columns[name])), na)
    return bool(pc.any(pc.match_substring_regex(cells, NUMBER_LIKE)).as_py())


def _sample(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first cells of a column and some from its whole length, as text."""
    rows = np.unique(np.linspace(0, len(column) - 1, SAMPLED).astype(np.int64))
    head = column.slice(0, SAMPLED)
    spread = taken(column, rows) if len(column) > SAMPLED else head
    return pa.chunked_array([*head.chunks, *spread.chunks], column.type).cast(pa.string())


def _all(table: Table) -> str:
    return listed(list(table.columns))


def _time(table: Table, kinds: dict[str, str], taken: set[str | None]) -> str:
    candidates = [name for name, kind in kinds.items() if kind == "time" and name not in taken]
    known = ranked(candidates, TIME_NAMES)
    if len(candidates) == 1 or (known and len({plain(name) for name in known}) == len(known)):
        return known[0] if known else candidates[0]
    if candidates:
        raise DataError(
            f"{table.name}: {len(candidates)} columns hold times: {listed(candidates)}",
            hint="Choose one: --time",
        )
    whole = [name for name, kind in kinds.items() if kind in ("number", "text") and name not in taken]
    known = ranked(whole, TIME_NAMES)
    if known:  # beside a date, a column called time is the time of day
        return next((name for name in known if plain(name) == "date"), known[0])
    first = next(iter(table.columns))
    if len(table.columns) > 1 and kinds[first] == "number" and are_times(table.columns[first], ReadConfig()):
        return first
    raise DataError(
        f"{table.name}: no column holds times. Columns: {_all(table)}",
        hint="Set it: --time COLUMN. If rows are one step apart, "
        "say when the first was: --start 2020-01-01 --freq D.",
    )


def _id(table: Table, kinds: dict[str, str], times: Times, taken: set[str]) -> str | None:
    """The id column: within one id no timestamp repeats."""
    texts = [
        name
        for name, kind in kinds.items()
        if kind in ("text", "key") and name not in taken and not is_part_of_time(table, name, number=False)
    ]
    known = [name for name in ranked(texts, ID_NAMES) if _distinct(table, name) * 2 <= table.rows]
    repeated = _repeated(times)
    if len(table.parts) > 1 and not table.keys:
        repeated = 0 if not known else repeated
    if not repeated:
        return known[0] if known else None
    whole = [
        name
        for name, kind in kinds.items()
        if kind == "number"
        and name not in taken
        and not is_part_of_time(table, name, number=True)
        and _is_whole(table, name)
    ]
    conflicts = {name: _conflicts(table, name, times) for name in texts + whole}
    sound = [name for name in texts if conflicts[name] == 0]
    sound = sound or [
        name for name in whole if conflicts[name] == 0 and _distinct(table, name) * 2 <= table.rows
    ]
    sound = sound or [
        name for name in texts + whole if conflicts[name] * 4 <= repeated and plain(name) in ID_NAMES
    ]
    best = ranked(sound, ID_NAMES)
    if best or len(sound) <= 1:
        return best[0] if best else next(iter(sound), None)
    same = all(_pairs(table, sound[0], other) == _distinct(table, sound[0]) for other in sound[1:])
    if same:
        return sound[0]
    raise DataError(
        f"{table.name}: several columns could name the series: {listed(sound)}", hint="Choose one: --id"
    )


def _repeated(times: Times) -> int:
    """How many rows have the timestamp of an earlier row."""
    if always(np.greater, times.ns) or always(np.less, times.ns):
        return 0
    return len(times.ns) - runs(np.sort(times.ns))


def _is_whole(table: Table, name: str) -> bool:
    if name in table.parsed and not _may_be_whole(table.parsed[name]):
        return False
    column = table.columns[name]
    if is_text(column.type):
        return bool(pc.all(pc.match_substring_regex(column, "^[0-9]+$")).as_py())
    return bool(pa.types.is_integer(column.type))


def _may_be_whole(column: pa.ChunkedArray) -> bool:
    """Whether all cells of a parsed column may be digits only."""
    if not is_number(column.type) or column.null_count:
        return False
    return all(bool(pc.all(pc.equal(chunk, pc.floor(chunk))).as_py()) for chunk in column.chunks)


def _codes(table: Table, name: str) -> tuple[np.ndarray, int]:
    """The index of each row's value among the distinct ones, and how many there are."""
    coded = table.parsed.get(name)
    if coded is None or not pa.types.is_dictionary(coded.type):
        coded = pc.dictionary_encode(table.columns[name], null_encoding="encode")
    coded = coded.combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0)
    return coded.indices.to_numpy(zero_copy_only=False), len(coded.dictionary)


def _distinct(table: Table, name: str) -> int:
    column = table.parsed.get(name)
    if column is not None and pa.types.is_dictionary(column.type):
        return len(np.unique(np.concatenate([np.unique(chunk.indices) for chunk in column.chunks])))
    return int(pc.count_distinct(table.columns[name], mode="all").as_py())


def _conflicts(table: Table, name: str, times: Times) -> int:
    """How many rows repeat the time and the value of `name` of another row."""
    codes, count = _codes(table, name)
    if runs(codes) == count and always(np.greater, times.ns, within=codes):
        return 0  # one series after another, each in order of time
    order = np.lexsort((times.ns, codes))
    return int(np.count_nonzero((np.diff(codes[order]) == 0) & (np.diff(times.ns[order]) == 0)))


def _pairs(table: Table, one: str, other: str) -> int:
    """How many distinct pairs of values two columns have."""
    (left, _), (right, count) = _codes(table, one), _codes(table, other)
    return len(np.unique(left.astype(np.int64) * count + right))


def _targets(
    table: Table, config: ReadConfig, kinds: dict[str, str], series: str | None, taken: set[str], times: Times
) -> tuple[tuple[str, ...], list[Finding]]:
    """The target columns, and findings about the choice."""
    if config.target:
        return config.target, []
    numeric = [name for name, kind in kinds.items() if kind == "number" and name not in {*taken, series}]
    if not numeric:
        text = [name for name, kind in kinds.items() if kind != "number" and name not in {*taken, series}]
        raise DataError(
            f"{table.name}: no column of numbers to forecast. Columns: {_all(table)}",
            hint=_without_numbers(table, text),
        )
    if len(numeric) == 1:
        return (numeric[0],), []
    whole = [name for name in numeric if _is_whole(table, name)]
    labels = [name for name in whole if plain(name) in ID_NAMES]
    counts = [name for name in whole if numbers_rows(table, name, times)]
    values = [name for name in numeric if name not in (*labels, *counts)] or numeric
    chosen = values[0] if len(values) == 1 else _known_target(values)
    if chosen:
        unused = [name for name in numeric if name != chosen]
        message = f"the target is {shown(chosen)}; not used: {listed(unused)}"
        return (chosen,), [
            info("C001", message, count=len(unused), action="--target or --covariates changes it")
        ]
    if series is not None or config.covariates or labels or _repeated(times):
        raise DataError(f"{table.name}: {len(values)} columns could be the target: {listed(values)}",
                        hint="Choose one: --target NAME")  # fmt: skip
    unused = [name for name in numeric if name not in values]
    findings = [info("C002", f"not used: {listed(unused)}", count=len(unused))] if unused else []
    return tuple(values), findings


def _without_numbers(table: Table, text: list[str]) -> str:
    """What to type if no column holds plain numbers."""
    signed = [name for name in text if _ends_in_digits(table, name)]
    if signed:
        return (
            f"If {shown(signed[0])} holds numbers with signs beside them: --target {shlex.quote(signed[0])}"
        )
    return f"Text columns cannot be forecast: {listed(text)}" if text else "Add a column of numbers."


def _ends_in_digits(table: Table, name: str) -> bool:
    """Whether most cells of a sample are a number with a few signs beside it."""
    column = table.columns[name]
    if not is_text(column.type) or not len(column):
        return False
    signed = pc.match_substring_regex(column.slice(0, SAMPLED), r"^[^0-9]{0,5}[0-9][0-9.,]*[^0-9]{0,5}$")
    return bool(2 * (pc.sum(signed).as_py() or 0) > min(len(column), SAMPLED))


def _known_target(numeric: list[str]) -> str | None:
    if {"open", "high", "low", "close"} <= {plain(name) for name in numeric}:
        paid, adjusted = close_columns(numeric)
        return adjusted or paid
    known = ranked(numeric, TARGET_NAMES)
    return known[0] if known else None


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
