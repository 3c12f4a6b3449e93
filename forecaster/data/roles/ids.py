"""Ids: the column that names the series of each row.

An id repeats over time, and distinguishes the rows of one timestamp. A measurement may do so by chance.
What counts is how the rows of each value lie in time: as those of a sensor or a share do, at nearly all
timestamps between the first and the last, beside those of other values; or at steps of their own.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.config import ReadConfig
from forecaster.data.labels import listed
from forecaster.data.parsing.looks import plain
from forecaster.data.parsing.time_zones import Times
from forecaster.data.roles.kinds import codes, distinct, is_complete, is_whole
from forecaster.data.roles.known_names import ID_NAMES, NOTE_WORDS, SEVERAL_NAMES, is_id_name, ranked
from forecaster.data.roles.part_columns import is_clock, may_be_part
from forecaster.data.rows.blockwise import always, runs
from forecaster.data.table import OnDemand, Table, makers_of, taken
from forecaster.errors import DataError, UsageError

COVERED = 0.8
"""Share of the timestamps between its first and last row at which a series has one, at least."""
TOGETHER = 1.2
"""Series at one time, and rows for each timestamp, on average: at least so many where ids are not named."""
REGULAR = 0.5
"""Share of steps near the median step from which the rows of a series count as regular."""
ONE_STEP = 0.7
"""The same for all timestamps of a table; more than half, as bursts of several sensors have two steps."""
NEAR = 0.2
"""A step is near the median if it differs by this part of it at most."""
ROWS = 5
"""Rows for each word, on average, from which words may be ids though no timestamp repeats."""
MANY = 1_000_000
"""Rows that are looked at, at most, to see how they lie in time."""
MOST = 5
"""Columns of which two or three are tried as ids together."""
ZONES = ("UTC", "GMT", "BST", "CET", "CEST", "EET", "EEST", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST",
         "PDT", "AKST", "AKDT", "HST", "AEST", "AEDT", "ACST", "ACDT", "AWST", "NZST", "NZDT")  # fmt: skip
"""Short names of clocks in zones."""
SERIES = "series"
"""The id of series that no column names, in forecasts."""
CHECKED = 1000
"""Rows that share time and id with another, compared to see whether they are copies of it."""


def id_column(
    table: Table, config: ReadConfig, kinds: dict[str, str], times: Times, taken: set[str]
) -> str | None:
    """The id column: within one id no timestamp repeats. None if the table is one series, or no column fits.

    DataError with the candidates if several could be it.
    """
    texts = [
        name
        for name, kind in kinds.items()
        if kind in ("text", "key") and name not in taken and not is_clock(table, name)
        if not _holds_zones(table, name)
    ]
    known = [name for name in ranked(texts, ID_NAMES) if distinct(table, name) * 2 <= table.rows]
    several = [name for name in ranked(texts, SEVERAL_NAMES) if distinct(table, name) > 1]
    known = known or [name for name in several if distinct(table, name) * ROWS <= table.rows]
    repeated = repeated_times(times)
    if len(table.parts) > 1 and not table.keys:
        repeated = 0 if not known else repeated
    elif not repeated and not known:
        return _words_beside_a_value(table, config, kinds, times, texts)
    if not repeated:
        return known[0] if known else None
    whole = [
        name
        for name, kind in kinds.items()
        if kind == "number" and name not in taken and not may_be_part(table, name) and is_whole(table, name)
    ]
    found = _distinguishing(table, kinds, times, repeated, texts, whole)
    if not found and not (len(table.parts) > 1 and not table.keys):
        word = _words_beside_a_value(table, config, kinds, times, texts)
        found = [word] if word else []
    if not found and repeated * 2 >= table.rows and len(table.parts) == 1:
        return _together(table, times, texts + whole)
    best = ranked(found, ID_NAMES)
    if best or len(found) <= 1:
        return best[0] if best else next(iter(found), None)
    if all(_pairs(table, found[0], other) == distinct(table, found[0]) for other in found[1:]):
        return found[0]
    raise DataError(
        f"{table.name}: several columns could name the series: {listed(found)}",
        hint="Choose one: " + " or ".join(f"--id {shlex.quote(name)}" for name in found[:3]),
    )


def _holds_zones(table: Table, name: str) -> bool:
    """Whether a column says on which clock each time is, such as EST and EDT."""
    if distinct(table, name) > len(ZONES):
        return False
    words = pc.unique(table.columns[name].cast(pa.string())).drop_null()
    return bool(pc.all(pc.is_in(pc.utf8_trim_whitespace(words), value_set=pa.array(ZONES))).as_py())


def _distinguishing(
    table: Table, kinds: dict[str, str], times: Times, repeated: int, texts: list[str], whole: list[str]
) -> list[str]:
    """The columns by which rows of one timestamp differ as series do; those of words, where there are any."""
    conflicts = {name: _conflicts(table, name, times) for name in texts + whole}
    counts = {name: distinct(table, name) for name in texts + whole}

    def fits(name: str) -> bool:
        if conflicts[name] or counts[name] == table.rows:
            return False
        if kinds[name] == "key" or (kinds[name] == "text" and plain(name) in ID_NAMES):
            return True
        if kinds[name] == "text" and is_id_name(name, numbers=False) and not _is_regular(times):
            return True
        if 2 * counts[name] > table.rows:
            return False
        if is_id_name(name, numbers=True):
            return True
        if not is_complete(table, name):
            return False
        spread = _spread(table, name, times)
        words = kinds[name] == "text" and not _is_note(name)
        if words and spread.beside:
            return True
        return spread.in_step or (words and spread.regularity >= REGULAR and not _is_regular(times))

    found = [name for name in texts if fits(name)] or [name for name in whole if fits(name)]
    return found or [
        name
        for name in texts + whole
        if plain(name) in ID_NAMES and 2 * counts[name] <= table.rows and conflicts[name] * 4 <= repeated
    ]


def _together(table: Table, times: Times, names: list[str]) -> str | None:
    """The columns that name the series together, such as store+item; None without any.

    DataError if several pairs could be them.
    """
    names = [
        name
        for name in table.columns
        if name in names and not _is_note(name) and is_complete(table, name)
        if 2 <= distinct(table, name) <= table.rows / ROWS
    ][:MOST]
    for count in (2, 3):
        found: list[str] = []
        for some in combinations(names, count):
            name = "+".join(some)
            joined = with_joined_id(table, name)
            if 2 * distinct(joined, name) > table.rows or _conflicts(joined, name, times):
                continue
            if _spread(joined, name, times).in_step and not any(_same(joined, name, each) for each in found):
                found.append(name)
        if len(found) > 1:
            options = " or ".join(f"--id {shlex.quote(name)}" for name in found[:3])
            raise DataError(
                f"{table.name}: several columns together could name the series: {listed(found)}",
                hint=f"Choose: {options}",
            )
        if found:
            return found[0]
    return None


def _same(table: Table, one: str, other: str) -> bool:
    """Whether two joined ids divide the rows alike."""
    table = with_joined_id(table, other)
    return _pairs(table, one, other) == distinct(table, one) == distinct(table, other)


def id_parts(table: Table, name: str | None) -> tuple[str, ...]:
    """The columns that an id is made of: store+item of two; nothing without an id."""
    if name is None:
        return ()
    parts = tuple(name.split("+"))
    return parts if name not in table.columns or set(parts) <= set(table.columns) else (name,)


def with_parts_as_id(table: Table, config: ReadConfig) -> ReadConfig:
    """The configuration in which the columns of a hierarchy are the id. UsageError where --id names another.

    In a wide table and a folder, the one column of a hierarchy is what forecasts call it: SERIES.
    """
    if not config.hierarchy or (config.hierarchy == (SERIES,) and SERIES not in table.columns):
        return config
    name = "+".join(config.hierarchy)
    if config.id not in (None, name):
        raise UsageError(
            f"--id {config.id} and --hierarchy {','.join(config.hierarchy)} name different series",
            hint="Leave --id out.",
        )
    return dataclasses.replace(config, id=name)


def with_joined_id(table: Table, name: str | None) -> Table:
    """The table with the column `name` made of its parts, as 1/BEER; the same without parts."""
    parts = id_parts(table, name)
    if name is None or name in table.columns or not set(parts) <= set(table.columns):
        return table

    def cells() -> pa.ChunkedArray:
        texts = [pc.utf8_trim_whitespace(table.columns[part].cast(pa.string())) for part in parts]
        return pc.binary_join_element_wise(*texts, "/")

    columns = OnDemand({name: cells} | makers_of(table.columns))
    return dataclasses.replace(table, columns=columns)


def _words_beside_a_value(
    table: Table, config: ReadConfig, kinds: dict[str, str], times: Times, texts: list[str]
) -> str | None:
    """The one column of few words beside one column of values, if the rows of all words lie irregularly.

    So an event log writes the states of many sensors. In a table with one regular step, words are remarks.
    """
    values = [name for name, kind in kinds.items() if kind == "number" and name not in config.input_columns]
    words = [name for name in texts if kinds[name] == "text" and not _is_note(name)]
    words = [name for name in words if 2 <= distinct(table, name) <= table.rows / ROWS]
    words = [name for name in words if is_complete(table, name)]
    if len(values) != 1 or len(words) != 1 or _conflicts(table, words[0], times) or _is_regular(times):
        return None
    return words[0] if _spread(table, words[0], times).together >= TOGETHER else None


def _is_note(name: str) -> bool:
    """Whether a column of this name holds remarks about its rows."""
    return any(word in NOTE_WORDS for word in plain(name).split())


def repeated_times(times: Times) -> int:
    """How many rows have the timestamp of an earlier row."""
    if always(np.greater, times.ns) or always(np.less, times.ns):
        return 0
    return len(times.ns) - runs(np.sort(times.ns))


def same_at_each_time(table: Table, names: list[str], times: Times) -> bool:
    """Whether rows of one timestamp agree in all these columns; they may differ in words."""
    ns = times.ns
    order = np.argsort(ns, kind="stable")
    again = np.flatnonzero(np.diff(ns[order]) == 0) + 1
    both = np.r_[order[again], order[again - 1]]
    for name in names:
        cells = pc.dictionary_encode(
            taken(table.columns[name], both), null_encoding="encode"
        ).combine_chunks()
        cells = cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
        index = cells.indices.to_numpy(zero_copy_only=False)
        if (index[: len(again)] != index[len(again) :]).any():
            return False
    return True


def _conflicts(table: Table, name: str, times: Times) -> int:
    """How many rows repeat the time and the value of `name` of another row, and are no copy of it."""
    code, count = codes(table, name)
    if runs(code) == count and always(np.greater, times.ns, within=code):
        return 0  # one series after another, each in order of time
    order = np.lexsort((times.ns, code))
    again = np.flatnonzero((np.diff(code[order]) == 0) & (np.diff(times.ns[order]) == 0)) + 1
    return _without_copies(table, order, again) if len(again) else 0


@dataclass(frozen=True)
class _Spread:
    """How the rows of each value of a column lie in time."""

    together: float
    """Values between their first and last timestamp, on average over all timestamps."""
    covered: float
    """Share of the timestamps between its first and last at which a value has a row."""
    per_time: float
    """Rows for each timestamp."""
    regularity: float
    """Share of the steps of a value that are near the median step of that value."""

    @property
    def beside(self) -> bool:
        """Whether many timestamps have rows of several values."""
        return min(self.together, self.per_time) >= TOGETHER

    @property
    def in_step(self) -> bool:
        """Whether that is so, and the values are there at nearly all timestamps."""
        return self.covered >= COVERED and self.beside


def _spread(table: Table, name: str, times: Times) -> _Spread:
    """Of the rows of a long table, only the earliest count."""
    (code, _), ns = codes(table, name), times.ns
    if len(ns) > MANY:
        early = ns <= np.partition(ns, MANY)[MANY]
        code, ns = code[early], ns[early]
    order = np.lexsort((ns, code))
    ns, code = ns[order], code[order]
    new = np.r_[True, (np.diff(code) != 0) | (np.diff(ns) != 0)]  # copies count once
    ns, code = ns[new], code[new]
    stamps, place = np.unique(ns, return_inverse=True)
    same = np.diff(code) == 0
    first = np.flatnonzero(np.r_[True, ~same])
    last = np.r_[first[1:], len(ns)] - 1
    spans = int((place[last] - place[first] + 1).sum())
    steps = (ns[1:] - ns[:-1])[same]
    regularity = _near_median(steps, code[1:][same])
    return _Spread(spans / len(stamps), len(ns) / spans, len(ns) / len(stamps), regularity)


def _without_copies(table: Table, order: Ints, again: Ints) -> int:
    """How many of the rows order[again] differ from the row before: exact copies are no conflict."""
    some = again[np.unique(np.linspace(0, len(again) - 1, CHECKED).astype(np.int64))]
    rows, before = order[some], order[some - 1]
    both, where = np.unique(np.r_[rows, before], return_inverse=True)
    differs = np.zeros(len(some), np.bool_)
    for column in table.columns.values():
        if pa.types.is_nested(column.type):
            continue
        cells = pc.dictionary_encode(taken(column, both), null_encoding="encode").combine_chunks()
        cells = cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
        index = cells.indices.to_numpy(zero_copy_only=False)[where]
        differs |= index[: len(some)] != index[len(some) :]
    return round(float(differs.mean()) * len(again))


def _is_regular(times: Times) -> bool:
    """Whether the timestamps of the whole table have one step."""
    stamps = np.unique(times.ns)
    steps = stamps[1:] - stamps[:-1]
    return _near_median(steps, np.zeros(len(steps), np.int64)) >= ONE_STEP


def _near_median(steps: Ints, code: Ints) -> float:
    """Share of `steps` (N,) near the median step of their value; `code` (N,) is in ascending order."""
    if not len(steps):
        return 0.0
    order = np.lexsort((steps, code))
    starts = np.flatnonzero(np.r_[True, np.diff(code) != 0])
    counts = np.diff(np.r_[starts, len(code)])
    median = np.repeat(steps[order][starts + counts // 2], counts)
    return float(np.mean(np.abs(steps - median) <= NEAR * median))


def _pairs(table: Table, one: str, other: str) -> int:
    """How many distinct pairs of values two columns have."""
    (left, _), (right, count) = codes(table, one), codes(table, other)
    return len(np.unique(left.astype(np.int64) * count + right))
