"""Observations: one row per series and timestamp, in order, without duplicates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import Duplicates, ReadConfig
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import are_switches
from forecaster.data.parsing.numbers import blanked, is_number, is_text, parse_numbers
from forecaster.data.parsing.time_zones import Times
from forecaster.data.parsing.words import read_column, switched
from forecaster.data.roles.ids import with_joined_id
from forecaster.data.roles.kinds import kind_of
from forecaster.data.roles.repeats import Repeats
from forecaster.data.roles.roles import Roles
from forecaster.data.rows.blockwise import always, blocks
from forecaster.data.rows.known import Words
from forecaster.data.table import Table
from forecaster.errors import DataError


@dataclass(frozen=True)
class Observations:
    """Rows as they were read, later sorted by series and time."""

    ids: tuple[str, ...]  # (S,) sorted
    series: NDArray[np.int32]  # (N,) index into ids
    time: Ints  # (N,) ns UTC
    values: Floats  # (N, C); NaN where missing
    table_rows: int
    """Rows of the table; of a wide table each target has that many rows, one target after another."""
    origin: Ints | None = None
    """(N,) the first place of each row, before sorting and filtering; None: unchanged."""
    words: tuple[Words, ...] = ()
    """(K,) of the known covariates, which are the last channels."""

    def row(self, at: int) -> int:
        """The table row that row `at` comes from, for messages."""
        return int(at if self.origin is None else self.origin[at]) % self.table_rows

    def take(self, which: NDArray[np.generic]) -> Observations:
        """The rows given by index or mask."""
        origin = np.arange(len(self.time)) if self.origin is None else self.origin
        return dataclasses.replace(
            self,
            series=self.series[which],
            time=self.time[which],
            values=self.values[which],
            origin=origin[which],
        )

    @property
    def categories(self) -> list[int]:
        """The channels that hold codes of words."""
        first = self.values.shape[1] - len(self.words)
        return [first + place for place, words in enumerate(self.words) if words is not None]

    def after_end(self, present: Bools) -> Bools:
        """Rows (N,) after the last of a series that is `present` (N,), up to its last with a known value.

        Rows must be sorted. None in a series without any row that is present.
        """
        offsets = self.offsets()
        filled = ~np.isnan(self.values[:, self.values.shape[1] - len(self.words) :]).all(axis=1)
        place = np.arange(len(self.time))
        end, last = (
            np.maximum.reduceat(np.where(rows, place, -1), offsets[:-1])[self.series]
            for rows in (present, filled)
        )
        return np.asarray((end >= 0) & (place > end) & (place <= last))

    def offsets(self) -> Ints:
        """Where each series begins (S+1,); rows must be sorted."""
        bounds = np.arange(len(self.ids) + 1, dtype=self.series.dtype)  # another type would be copied
        return np.searchsorted(self.series, bounds).astype(np.int64)


class Readings(NamedTuple):
    """The data of a table of R rows, in its order and as compact as in the table."""

    ids: tuple[str, ...]  # (S,) sorted
    series: NDArray[np.int32] | None  # (R,) index into ids; None: each series has all rows, one by one
    time: Ints  # (R,) ns UTC
    values: Floats  # (R, C), or (S·R, C) if each series has all rows
    words: tuple[Words, ...] = ()  # (K,) of the known covariates, the last channels
    comma: bool = False
    """Whether the decimal mark was recognised as a comma."""

    def each(self) -> Observations:
        """The observations, in the same order."""
        rows = len(self.time)
        if self.series is not None:
            return Observations(self.ids, self.series, self.time, self.values, rows, words=self.words)
        series = np.repeat(np.arange(len(self.ids), dtype=np.int32), rows)
        time = np.tile(self.time, len(self.ids))
        return Observations(self.ids, series, time, self.values, rows, words=self.words)


def observe(
    table: Table, roles: Roles, times: Times, config: ReadConfig, like: Mapping[str, Words]
) -> tuple[Readings, list[Finding]]:
    """The readings of a table, and repairs of its cells. Raises DataError for cells that are not numbers.

    `like`: the words of known covariates, as a model knows them.
    """
    findings: list[Finding] = []
    table = with_joined_id(table, roles.id)
    comma = decimal_commas(table, roles.targets, roles.time, times, config)
    targets, rows = tuple(sorted(roles.targets)), table.rows
    table.parsed.pop(roles.time, None)
    inputs = (*roles.covariates, *roles.known)
    values = np.empty((len(targets) * rows, 1 + len(inputs)))
    wanted = [*((0, channel, name) for channel, name in enumerate(roles.covariates, 1)),
              *((place, 0, name) for place, name in enumerate(targets))]  # fmt: skip
    for place, channel, name in wanted:
        part = slice(place * rows, (place + 1) * rows)
        if channel == 0 and config.agg == "count":
            values[part, 0] = _present(table, name, config)
            continue
        if not _is_parsed(table, name) and are_switches(table.columns[name]):
            findings.append(switched(table, name, values[part, channel]))
            continue
        repairs = _parsed(table, name, config, comma, values[part, channel], is_target=channel == 0)
        if table.parsed.pop(name, None):  # frees memory: the numbers are copied
            pa.default_memory_pool().release_unused()
        findings += repairs
    words = []
    for channel, name in enumerate(roles.known, 1 + len(roles.covariates)):
        kind, out = kind_of(table, name, config.na), values[:rows, channel]
        each, repairs = read_column(table, name, config, kind, comma=comma, out=out, like=like)
        table.parsed.pop(name, None)
        words.append(each)
        findings += repairs
    for place in range(1, len(targets) if inputs else 0):
        values[place * rows : (place + 1) * rows, 1:] = values[:rows, 1:]
    ids, series = (targets, None) if roles.layout == "wide" else series_of(table, roles)
    return Readings(ids, series, times.ns, values, tuple(words), comma), findings


def decimal_commas(
    table: Table, columns: tuple[str, ...], time: str, times: Times, config: ReadConfig
) -> bool:
    """Whether dates and delimiters beside them show that the decimal mark of `columns` is a comma."""
    comma = times.form == "dmy" and config.delimiter is not None
    shows = [config.delimiter == ";", comma and _dotted(table, time)]
    return comma and any(shows) and (all(shows) or _has_decimal_commas(table, columns))


def _parsed(
    table: Table, name: str, config: ReadConfig, comma: bool, out: Floats, *, is_target: bool
) -> list[Finding]:
    """Write the numbers of a column to `out` (N,); the repairs. An error says where words are read."""
    try:
        return parse_numbers(table, name, config, comma=comma, out=out)[1]
    except DataError as error:
        if error.code == "E003" and not is_target:
            error.hint = error.hint.replace("--target.", "--covariates.")
            error.hint += " Words are read from columns of --known and --static."
        raise


def _is_parsed(table: Table, name: str) -> bool:
    """Whether a column was read as numbers."""
    return name in table.parsed and is_number(table.parsed[name].type)


def _present(table: Table, name: str, config: ReadConfig) -> Floats:
    """1 for each cell with a value, NaN for each that is missing (N,)."""
    column = table.columns[name]
    known = (blanked(column, config.na) if is_text(column.type) else column).is_valid()
    return np.where(known.to_numpy(), 1.0, np.nan)


def _dotted(table: Table, time: str) -> bool:
    """Whether dates look like 31.12.2024, as in countries whose decimal mark is a comma."""
    return is_text(table.columns[time].type) and bool(
        pc.all(pc.match_substring(table.columns[time], ".")).as_py()
    )


def _has_decimal_commas(table: Table, targets: tuple[str, ...]) -> bool:
    """Whether a cell ends with a comma and one or two digits, too few for a group of thousands."""
    texts = [table.columns[name] for name in targets if is_text(table.columns[name].type)]
    return any(
        pc.any(pc.match_substring_regex(cells, "^[^,]*[0-9],[0-9]{1,2} *$")).as_py() for cells in texts
    )


def series_of(table: Table, roles: Roles) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Sorted ids, and the index of each row's id."""
    if roles.layout == "one":
        return (roles.targets[0],), np.zeros(table.rows, np.int32)
    if roles.layout == "files":
        words = pa.array([part.stem for part in table.parts])
        codes = np.repeat(np.arange(len(table.parts)), [part.rows for part in table.parts])
    else:
        words, codes = _coded(table, roles.id or "")
    texts = [str(word) for word in words.to_pylist()]
    ids = tuple(sorted(set(texts)))
    place = {text: index for index, text in enumerate(ids)}
    return ids, np.array([place[text] for text in texts], np.int32)[codes]


def _coded(table: Table, name: str) -> tuple[pa.Array, NDArray[np.signedinteger]]:
    """The distinct ids, and the index of each row's id. Raises DataError for a missing id."""
    words = _as_parsed(table, name)
    if words is not None:
        return words
    column = table.columns[name]
    if pa.types.is_floating(column.type):  # pandas stores whole numbers so if some are missing
        column = column.cast(pa.int64()) if pc.all(pc.equal(column, pc.floor(column))).as_py() else column
    try:
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
    except pa.ArrowException:
        kind = column.type
        raise DataError(
            f"{table.name}: column {shown(name)} holds {kind}, not names of series",
            hint="Choose another: --id",
        ) from None
    empty = np.flatnonzero(pc.equal(column, "").fill_null(True).to_numpy())
    if len(empty):
        raise DataError(
            f"{table.where(int(empty[0]))}, column {shown(name)}: id missing ({len(empty)} such rows)",
            hint="Fill it in or remove the row.",
        )
    coded = pc.dictionary_encode(column.combine_chunks())
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    return coded.dictionary, coded.indices.to_numpy(zero_copy_only=False)


def _as_parsed(table: Table, name: str) -> tuple[pa.Array, NDArray[np.signedinteger]] | None:
    """The ids as they were parsed during reading; None if their text must be checked."""
    column = table.parsed.get(name)
    if column is None or not pa.types.is_dictionary(column.type):
        return None
    coded = column.combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    words, codes = pc.utf8_trim_whitespace(coded.dictionary), coded.indices.to_numpy()
    used = np.flatnonzero(np.bincount(codes, minlength=len(words)))
    if len(used) < len(words):  # an id that only left-out rows had
        words, codes = words.take(used), np.searchsorted(used, codes)
    return None if pc.any(pc.equal(words, "")).as_py() else (words, codes)


def in_order(obs: Observations) -> tuple[Observations, list[Finding]]:
    """Rows sorted by series, then time; duplicate timestamps stay in the order of the source."""
    if not always(np.greater_equal, obs.series):
        small = obs.series.astype(np.uint16) if len(obs.ids) <= 2**16 else obs.series
        obs = obs.take(np.argsort(small, kind="stable"))  # a radix sort for 16 bits
    if always(np.greater_equal, obs.time, within=obs.series):
        return obs, []
    back = np.flatnonzero((np.diff(obs.time) < 0) & (np.diff(obs.series) == 0))
    places = [f"series {shown(obs.ids[obs.series[at]])}" for at in back[:SHOWN]]
    message = "rows are not in order of time"
    finding = repair("D004", message, count=len(back), places=list(dict.fromkeys(places)), action="sorted")
    return obs.take(np.lexsort((obs.time, obs.series))), [finding]


def each_once(
    obs: Observations, rule: Duplicates, table: Table, advice: Callable[[Repeats], str]
) -> tuple[Observations, list[Finding]]:
    """One row per series and timestamp. Raises DataError for contradicting rows unless `rule` combines them.

    A missing value contradicts no other. `advice` says what to type where rows contradict each other.
    """
    if always(np.not_equal, obs.time, within=obs.series):
        return obs, []
    again = np.r_[False, (np.diff(obs.time) == 0) & (np.diff(obs.series) == 0)]
    group = np.cumsum(~again) - 1  # (N,)
    first = np.flatnonzero(~again)
    largest = np.fmax.reduceat(obs.values, first, axis=0)
    differs = np.any(largest > np.fmin.reduceat(obs.values, first, axis=0), axis=1)
    conflicting = np.flatnonzero(differs)
    findings = _copies(obs, np.flatnonzero(again & ~differs[group]), first[group], table)
    if not len(conflicting):
        return dataclasses.replace(obs.take(~again), values=largest), findings
    pair = np.flatnonzero(group == conflicting[0])
    stamp = str(np.datetime64(int(obs.time[first[conflicting[0]]]), "ns"))[:19].replace("T", " ")
    places = [table.where(obs.row(at)) for at in pair[:2]]
    place = f"{places[0]} and {places[1].rsplit(', ', 1)[-1]}"
    if rule == "error":
        stamps = len(np.unique(obs.time[first[conflicting]]))
        raise DataError(
            f"{place}: duplicate timestamp {stamp} with different values"
            f"{_of(obs, int(first[conflicting[0]]))} ({stamps} such timestamps)",
            hint=advice(Repeats(obs.time[first], obs.series[first], np.bincount(group))),
            code="E005",
            count=len(conflicting),
        )
    message = "duplicate timestamps with different values"
    findings.append(
        repair("D003", message, count=len(conflicting), places=[place], action=f"took the {rule}")
    )
    combined = _combined(obs, rule, again, group, first)
    return dataclasses.replace(
        combined, values=np.where(differs[:, None], combined.values, largest)
    ), findings


def _copies(obs: Observations, rows: Ints, leader: Ints, table: Table) -> list[Finding]:
    """Findings for `rows` that contradict no other: copies of the first such row, leader (N,), and others."""
    whole = (np.isnan(obs.values[rows]) == np.isnan(obs.values[leader[rows]])).all(axis=1)
    findings = []
    for some, message, action in (
        (rows[whole], "exact duplicate rows", "kept the first"),
        (rows[~whole], "duplicate rows, of which one lacks a value", "kept the known values"),
    ):
        if len(some):
            places = [table.where(obs.row(int(at))) for at in some[:SHOWN]]
            findings.append(repair("D001", message, count=len(some), places=places, action=action))
    return findings


def _of(obs: Observations, at: int) -> str:
    return f" in series {shown(obs.ids[obs.series[at]])}" if len(obs.ids) > 1 else ""


def _combined(obs: Observations, rule: Duplicates, again: Bools, group: Ints, first: Ints) -> Observations:
    if rule == "first":
        return obs.take(~again)
    if rule == "last":
        return obs.take(np.r_[first[1:], len(group)] - 1)
    known = ~np.isnan(obs.values)
    total = np.add.reduceat(np.where(known, obs.values, 0.0), first, axis=0)
    count = np.add.reduceat(known.astype(np.float64), first, axis=0)
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    single = np.diff(np.r_[first, len(group)]) == 1
    mean[single] = obs.values[first[single]]
    last = np.r_[first[1:], len(group)] - 1
    mean[:, obs.categories] = obs.values[last][:, obs.categories]
    return dataclasses.replace(obs.take(first), values=mean)


def trimmed(obs: Observations, table: Table, targets: tuple[str, ...]) -> tuple[Observations, list[Finding]]:
    """Without rows before a series' first or after its last target value, and without series of no value.

    Raises DataError if no series has a value.
    """
    if not any(np.isnan(obs.values[part, 0]).any() for part in blocks(len(obs.values))):
        return obs, []
    known = ~np.isnan(obs.values[:, 0])
    if not known.any():
        raise DataError(
            f"{table.name}, column {listed(targets, SHOWN)}: no value at all",
            hint="Choose another column: --target",
            code="E007",
            count=len(obs.ids),
            places=tuple(obs.ids[:SHOWN]),
        )
    findings = [info("V001", "missing target values", count=int((~known).sum()))]
    offsets = obs.offsets()
    if known[offsets[:-1]].all() and known[offsets[1:] - 1].all():
        return obs, findings
    counts = np.add.reduceat(known, offsets[:-1])
    empty = [obs.ids[series] for series in np.flatnonzero(counts == 0)]
    if empty:
        message = f"series without any value: {listed(empty, SHOWN)}"
        findings.append(repair("V004", message, count=len(empty), action="left out"))
    before = np.cumsum(known) - np.repeat(np.r_[0, np.cumsum(known)][offsets[:-1]], np.diff(offsets))
    inside = (before > 0) & ((before < counts[obs.series]) | known)
    at_ends = ~inside & (counts[obs.series] > 0)
    if at_ends.any():
        series = [obs.ids[index] for index in np.unique(obs.series[at_ends])]
        message = f"missing values at the start or end of series {listed(series, SHOWN)}"
        action = "left out; a forecast starts after the last value"
        findings.append(repair("V002", message, count=int(at_ends.sum()), action=action))
    kept = obs.take(inside)
    alive = np.flatnonzero(counts > 0)
    ids = tuple(obs.ids[series] for series in alive)
    codes = np.searchsorted(alive, kept.series).astype(np.int32)
    return dataclasses.replace(kept, ids=ids, series=codes), findings
