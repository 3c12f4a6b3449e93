"""Hints: options for a column that cannot be parsed. Each is tried on the column before it is shown."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.parsing.number_formats import MISSING, NUMBER
from forecaster.data.table import Part, Table
from forecaster.errors import ForecasterError

MOST = 100_000  # distinct cells on which options are tried
Changes = dict[str, Any]
WORDS = 3  # words for missing values in a hint
BESIDE = (
    r"^\s*[(+\-\x{2212}]?(?P<before>[^0-9(.,+\-]*)[+\-]?[0-9][0-9.,' \x{a0}]*"
    r"(?P<after>[^0-9).,]*)[)]?\s*$"
)
LONGEST = 6  # characters of a unit or sign beside numbers
DATES = ("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%y-%m-%d", "%y/%m/%d", "%d-%m-%y", "%d-%b-%y", "%d %b %y",
         "%b-%y", "%b %y", "%d%b%y", "%Y%m%d", "%Y-%j", "%A, %B %d, %Y", "%a, %d %b %Y")  # fmt: skip
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I.%M.%S.%f %p", "-%H:%M:%S", ":%H:%M:%S")


def for_numbers(
    table: Table, name: str, config: ReadConfig, parse: Callable[[Table, ReadConfig], object]
) -> str:
    """The options that make all cells of a column of text numbers; empty without any."""
    cells = pc.unique(table.columns[name])[:MOST]
    part = Part(table.name, name, len(cells), lambda row: f"row {row}")
    small = Table({name: pa.chunked_array([cells])}, (part,))

    def works(changes: Changes) -> bool:
        try:
            parse(small, dataclasses.replace(config, **changes))
        except ForecasterError:
            return False
        return True

    solutions: list[Changes] = []
    for changes in _changes(cells, config):
        if not any(set(earlier) <= set(changes) for earlier in solutions) and works(changes):
            solutions.append(changes)
    words = {"na": (*config.na, *_non_numbers(cells, config))}
    if not solutions and words["na"] != config.na and works(words):
        solutions.append(words)
    return "; ".join(map(_as_options, solutions))


def _non_numbers(cells: pa.Array, config: ReadConfig) -> list[str]:
    """The words that are not numbers, if they are few."""
    text = pc.utf8_trim_whitespace(cells)
    plain = pc.and_(pc.match_substring_regex(text, NUMBER), pc.is_finite(_floats(text)))
    words = [word for word in text.filter(pc.invert(plain.fill_null(False))).to_pylist() if word]
    words = [word for word in dict.fromkeys(words) if word not in (*MISSING, *config.na)]
    if len(words) > WORDS:  # beside numbers that are written otherwise
        words = [word for word in words if not any(mark.isdigit() for mark in word)]
    few = len(words) <= WORDS and 2 * len(words) < len(cells) and not any("," in word for word in words)
    return words if few else []


def _floats(text: pa.Array) -> pa.Array:
    """Numbers; null for other cells."""
    number = pc.match_substring_regex(text, NUMBER).fill_null(False)
    return pc.if_else(number, text, pa.scalar(None, text.type)).cast(pa.float64())


def _changes(cells: pa.Array, config: ReadConfig) -> Iterator[Changes]:
    """Settings that could help, the simplest first."""
    marks: list[Changes] = [{}]
    if config.decimal is None and config.thousands is None:
        either: list[Changes] = [
            {"decimal": ","},
            {"thousands": ","},
        ]  # the likelier first: of cells in quotes
        marks += [
            *(reversed(either) if config.delimiter == "," else either),
            {"decimal": ",", "thousands": "."},
        ]
    yield from marks[1:]
    signs = "".join(dict.fromkeys("".join(_affixes(cells))))
    if signs and len(signs) <= LONGEST:
        yield from ({"strip": config.strip + signs} | each for each in marks)
    words = _non_numbers(cells, config)
    if words and not any(mark.isdigit() for word in words for mark in word):
        yield from ({"na": (*config.na, *words)} | each for each in marks)
        if signs and len(signs) <= LONGEST:
            strip = {"strip": config.strip + signs}
            yield from ({"na": (*config.na, *words)} | strip | each for each in marks)


def _affixes(cells: pa.Array) -> list[str]:
    """The text beside the digits, such as a unit, if it is the same in all cells with digits."""
    affixes = pc.extract_regex(cells, BESIDE).drop_null()
    parts = (pc.struct_field(affixes, side) for side in ("before", "after"))
    beside = pc.binary_join_element_wise(*parts, "")
    words = [word for word in pc.unique(beside).to_pylist() if word.strip()]
    return [words[0].replace(" ", "")] if len(words) == 1 else []


def _as_options(changes: Changes) -> str:
    """Settings as options, with their reason."""
    words = []
    for option, value in changes.items():
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        words.append(f"--{option} {shlex.quote(text) if text not in ',.' else repr(text)}")
    why = {"decimal": "if the comma is the decimal mark", "thousands": "if commas group thousands",
           "strip": "to remove the signs", "na": "if it means a missing value"}  # fmt: skip
    return f"{why[next(iter(changes))]}: {' '.join(words)}"


def for_times(cells: pa.ChunkedArray) -> str:
    """The patterns that make all cells times, as options; empty without any."""
    some = pc.unique(cells).drop_null()[:MOST].to_pandas()
    patterns: dict[str, pd.Series] = {}
    for date in DATES:
        for clock in CLOCKS:
            if pd.isna(pd.to_datetime(some.iloc[0], format=date + clock, errors="coerce")):
                continue
            times = pd.to_datetime(some, format=date + clock, errors="coerce")
            if not times.isna().any() and not any(times.equals(other) for other in patterns.values()):
                patterns[date + clock] = times
    return " or ".join(f"--date-format {shlex.quote(pattern)}" for pattern in patterns)
