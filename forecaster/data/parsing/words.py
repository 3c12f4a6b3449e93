"""Words: a column of words -> codes; of numbers, or of two states such as TRUE and FALSE -> numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Floats
from forecaster.config import ReadConfig
from forecaster.data.findings import SHOWN, Finding, info
from forecaster.data.labels import listed, shown
from forecaster.data.parsing.looks import NUMBER_LIKE, SWITCHES, are_switches
from forecaster.data.parsing.numbers import blanked, is_number, is_text, parse_numbers
from forecaster.data.rows.known import Words
from forecaster.data.table import Table
from forecaster.errors import DataError

MOST_WORDS = 1000
"""Different words that a category has, at most."""
FEW = 10
"""Rows from which words that are all different name the rows."""


def read_column(
    table: Table,
    name: str,
    config: ReadConfig,
    kind: str,
    *,
    comma: bool,
    out: Floats,
    like: Mapping[str, Words],
    repeats: bool = False,
) -> tuple[Words, list[Finding]]:
    """Write the numbers of a column, or the codes of its words, to `out` (N,); NaN where a cell is missing.

    Returns the sorted words, None for numbers and for two states such as TRUE and FALSE; and the repairs.
    `kind` is what `roles.kinds.kind_of` says of the column. `like`: column -> its words as a model knows
    them; None: numbers. `repeats`: rows of a series say the same. Raises DataError for words among numbers,
    for times, and for too many words.
    """
    as_words, as_numbers = like.get(name) is not None, name in like and like[name] is None
    parsed = name in table.parsed and is_number(table.parsed[name].type)
    if not as_words:
        if not parsed and are_switches(table.columns[name]):
            return None, [switched(table, name, out)]
        if kind == "number" or as_numbers:
            return None, parse_numbers(table, name, config, comma=comma, out=out)[1]
    if kind == "empty":
        out[:] = np.nan
        return None, []
    if kind not in ("text", "key") and not as_words:
        what = "times" if kind == "time" else str(table.columns[name].type)
        raise DataError(
            f"{table.name}: column {shown(name)} holds {what}, neither numbers nor words",
            hint="Name another column.",
        )
    words = _coded(table, name, config, out)
    if not as_words:
        _refuse_mixed(table, name, words, out)
        _refuse_many(table, name, len(words), table.rows if repeats else int((~np.isnan(out)).sum()))
    return words, []


def switched(table: Table, name: str, out: Floats) -> Finding:
    """Write 1 and 0 for two states to `out` (N,), NaN where the cell is missing; the finding that says so."""
    column = table.columns[name]
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.string())
    words = pc.utf8_lower(blanked(column))
    place = pc.index_in(words, value_set=pa.array(list(SWITCHES), words.type))
    out[:] = np.array([*SWITCHES.values(), np.nan])[place.fill_null(len(SWITCHES)).to_numpy()]
    seen = [(int(np.flatnonzero(out == state)[0]), state) for state in (1, 0) if (out == state).any()]
    states = " and ".join(f"{table.cell(name, row)} as {state}" for row, state in seen)
    return info("N008", f"column {shown(name)} holds states: {states}", count=len(out))


def _coded(table: Table, name: str, config: ReadConfig, out: Floats) -> tuple[str, ...]:
    """Write the codes of the words to `out`; the sorted words."""
    column = table.parsed.get(name)
    if column is None or not pa.types.is_dictionary(column.type):
        column = table.columns[name]
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column if is_text(column.type) else column.cast(pa.string()))
    column = column.unify_dictionaries().combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    cells = blanked(pa.chunked_array([column.dictionary.cast(pa.string())]), config.na).to_pylist()
    index = column.indices.fill_null(len(cells)).to_numpy(zero_copy_only=False)
    used = set(np.unique(index).tolist())
    words = sorted({cell for place, cell in enumerate(cells) if cell is not None and place in used})
    code = {word: float(place) for place, word in enumerate(words)}
    out[:] = np.array([*(code.get(cell, np.nan) for cell in cells), np.nan])[index]
    return tuple(words)


def _refuse_mixed(table: Table, name: str, words: tuple[str, ...], codes: Floats) -> None:
    """Raise DataError where some words are numbers."""
    odd = np.flatnonzero(pc.match_substring_regex(pa.array(words, pa.string()), NUMBER_LIKE).to_numpy(False))
    if not len(odd):
        return
    rows = np.flatnonzero(np.isin(codes, odd))
    word = words[next(place for place in range(len(words)) if place not in odd)]
    raise DataError(
        f"{table.where(int(rows[0]))}, column {shown(name)}: {table.cell(name, int(rows[0]))} is a number, "
        f"and {shown(word)} is a word",
        hint="Write all cells as numbers, or all as words such as 'type 1'; --na names words for missing "
        "values.",
        code="E003",
        count=len(rows),
        places=table.places(name, rows),
    )


def _refuse_many(table: Table, name: str, words: int, cells: int) -> None:
    """Raise DataError for words that name the rows, or are free text."""
    if words <= MOST_WORDS and (words < cells or cells < FEW):
        return
    raise DataError(
        f"{table.name}: column {shown(name)} has {words:,} different words in {cells:,} rows: names or text, "
        "no category",
        hint="Leave it out, or write fewer kinds of it.",
    )


def recoded(codes: Floats, own: Words, wanted: Words, name: str) -> tuple[Floats, list[Finding]]:
    """Codes (n,) of the words `own` as codes of the words `wanted`; of all others the code after the last.

    The finding counts those others.
    """
    if own is None or wanted is None:
        return codes, []
    place = {word: float(code) for code, word in enumerate(wanted)}
    new = np.array([*(place.get(word, float(len(wanted))) for word in own), np.nan])
    result = new[np.where(np.isnan(codes), len(own), codes).astype(np.int64)]
    odd = result == len(wanted)
    if not odd.any():
        return result, []
    return result, [_unseen(name, [own[int(code)] for code in np.unique(codes[odd])], int(odd.sum()))]


def _unseen(name: str, words: Iterable[str], count: int) -> Finding:
    message = f"words of {shown(name)} that were never seen before: {listed(tuple(words), SHOWN)}"
    return info("K007", message, count=count, action="taken as one further kind")


def used_words(own: Words, codes: Floats) -> Words:
    """Those of the words `own` whose codes are among `codes`."""
    if own is None:
        return None
    used = np.unique(codes[~np.isnan(codes)]).astype(np.int64)
    return tuple(own[code] for code in used)
