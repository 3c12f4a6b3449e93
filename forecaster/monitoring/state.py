"""The state between two runs: which rows were judged, what was seen of them, and which alarms are going on.

The file is safetensors with a digest, as a model file is: nothing in it is executed, and all of it is checked
before it is used. S series, R rows kept of each (the newest last), M blocks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any, BinaryIO

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.reading.files import regular_bytes
from forecaster.data.storage.place import Place
from forecaster.data.writing.atomic import atomic_write
from forecaster.errors import StorageError
from forecaster.nn.array_file import decode, encode, version_of

FORMAT, VERSION = "forecaster-monitor", 1
MAX_BYTES = 2**30
NUMBERS_KEPT, MOST_ROWS = 60_000, 1000
BLOCKS_KEPT, LEAST_BLOCKS, MOST_BLOCKS = 20_000, 20, 120
"""Rows and blocks of all series together that are kept, about; and of each series."""
NEVER = -(2**62)
"""A time or row number before all others."""
MOST_KIND = 2
"""Of the numbers of kinds in `alarms`."""
UNKNOWN = float(np.finfo(np.float64).max)
"""Stands for NaN in the file, which holds finite numbers only."""


@dataclass(frozen=True, eq=False)
class State:
    """What is known of the series of one table. Arrays are changed in place by the judge."""

    ids: tuple[str, ...]
    stride: int
    """Rows of a block."""
    frequency: str
    newest: int
    """The newest time (ns UTC) of any series when rows were last judged."""
    begins: Ints  # (S,) rows after this time are judged
    done: Ints  # (S,) rows up to this time have been
    time: Ints  # (S, R); NEVER: no row
    block: Ints  # (S, R)
    lead: Ints  # (S, R) steps after the origin of its newest forecast
    value: Floats  # (S, R)
    new: Floats  # (S, R) score by the newest forecast
    old: Floats  # (S, R) score by the forecast before
    maxima: Floats  # (S, M, 2) largest |u| and |c| of each block
    maxima_of: Ints  # (S, M) the number of the block; NEVER: none
    kind: Ints  # (S,) of the alarm that is going on, 0: none
    unusual: Ints  # (S,) number of the row that was last unusual
    opened: Ints  # (S,) number of the row at which the alarm began

    def taken(self, series: Ints) -> State:
        """Copies of some series."""
        arrays: dict[str, Any] = {name: getattr(self, name)[series] for name in ARRAYS}
        return replace(self, ids=tuple(self.ids[each] for each in series), **arrays)

    def of(self, ids: tuple[str, ...], begins: int) -> State:
        """The state of these series, in their order; those that it does not know begin at `begins`."""
        place = {name: number for number, name in enumerate(self.ids)}
        unknown = tuple(name for name in ids if name not in place)
        more = fresh(unknown, self.stride, self.frequency, begins, self.time.shape[1], self.maxima.shape[1])
        place |= {name: len(self.ids) + number for number, name in enumerate(unknown)}
        return self.joined(more).taken(np.array([place[name] for name in ids], np.int64))

    def joined(self, other: State) -> State:
        """These series and the others."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in ARRAYS
        }
        return replace(self, ids=self.ids + other.ids, **arrays)

    def updated(self, other: State) -> State:
        """The series of `other` in place of those of the same name; the rest stays."""
        known = set(other.ids)
        rest = np.array([n for n, name in enumerate(self.ids) if name not in known], np.int64)
        joined = other.joined(self.taken(rest))
        return replace(joined, newest=max(self.newest, other.newest))


ARRAYS = tuple(field.name for field in fields(State) if field.type in ("Ints", "Floats"))


def sizes(series: int, stride: int) -> tuple[int, int]:
    """How many rows and blocks are kept of each of so many series."""
    rows = max(min(NUMBERS_KEPT // max(series, 1), MOST_ROWS), 3 * stride + 8)
    return rows, min(max(BLOCKS_KEPT // max(series, 1), LEAST_BLOCKS), MOST_BLOCKS)


def fresh(ids: tuple[str, ...], stride: int, frequency: str, begins: int, rows: int, blocks: int) -> State:
    """The state of series of which nothing is known; rows after the time `begins` are to be judged."""
    count = len(ids)
    never = np.full((count, rows), NEVER)
    unknown = np.full((count, rows), np.nan)
    each = np.full(count, NEVER)
    return State(
        ids, stride, frequency, NEVER, np.full(count, begins), each, never, never.copy(),
        np.zeros((count, rows), np.int64), unknown, unknown.copy(), unknown.copy(),
        np.full((count, blocks, 2), np.nan), np.full((count, blocks), NEVER),
        np.zeros(count, np.int64), each.copy(), each.copy(),
    )  # fmt: skip


def write_state(state: State, path: Place) -> None:
    """Write the file atomically. Raises StorageError."""
    arrays: dict[str, Any] = {}
    for name in ARRAYS:
        values = getattr(state, name)
        arrays[name] = np.where(np.isnan(values), UNKNOWN, values) if values.dtype.kind == "f" else values
    text = {
        "ids": list(state.ids), "stride": state.stride, "frequency": state.frequency, "newest": state.newest
    }  # fmt: skip
    content = encode(json.dumps(text), arrays, format=FORMAT, version=VERSION)

    def write(file: BinaryIO) -> None:
        file.write(content)

    atomic_write(path, write)


def read_state(path: Place) -> State | None:
    """The state in a file; None where there is none. Raises StorageError where it is damaged or no state."""
    try:
        content = regular_bytes(path, MAX_BYTES, "file of a state")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read the state {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise _damaged(path, str(error).replace("forecaster model", "state")) from error
    try:
        if version_of(content, FORMAT) > VERSION:
            raise StorageError(
                f"the state {str(path)!r} was written by a newer forecaster",
                hint="Update with `pip install --upgrade forecaster`, or name another file with --state.",
            )
        text, arrays = decode(content, FORMAT)
        return _checked(json.loads(text), arrays)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error).replace("forecaster model", "state")) from error


def _checked(text: dict[str, Any], arrays: dict[str, Any]) -> State:
    """The state; ValueError, KeyError or TypeError where its parts do not fit each other."""
    ids, stride, newest = tuple(text["ids"]), text["stride"], text["newest"]
    if (
        type(text["ids"]) is not list
        or not all(type(each) is str for each in ids)
        or len(set(ids)) < len(ids)
    ):
        raise ValueError("its series have no names of their own")
    if type(stride) is not int or not 1 <= stride <= 10**6 or type(newest) is not int:
        raise ValueError("its blocks have no length")
    if abs(newest) > 2**63 - 1 or type(text["frequency"]) is not str:
        raise ValueError("it has no time or frequency")
    rows, blocks = arrays["time"].shape[1:], arrays["maxima_of"].shape[1:]
    model = fresh((), stride, text["frequency"], 0, *rows, *blocks)
    parts = {}
    for name in ARRAYS:
        kind, values = getattr(model, name), arrays[name]
        if values.dtype != kind.dtype or values.shape != (len(ids), *kind.shape[1:]):
            raise ValueError(f"{name} has another type or size")
        values = np.array(values)
        if values.dtype.kind == "f":
            values[values == UNKNOWN] = np.nan
        parts[name] = values
    if len(arrays) > len(ARRAYS) or not _in_range(parts, stride):
        raise ValueError("its numbers are none of a state")
    return State(ids, stride, text["frequency"], newest, **parts)


def _in_range(parts: dict[str, Any], stride: int) -> bool:
    """Whether numbers are such as the judge writes: none overflows, and none asks for more memory."""
    whole = [values for values in parts.values() if values.dtype.kind == "i"]
    return bool(
        all(((values >= NEVER) & (values <= -NEVER)).all() for values in whole)
        and ((parts["lead"] >= 0) & (parts["lead"] <= 2 * stride)).all()
        and ((parts["kind"] >= 0) & (parts["kind"] <= MOST_KIND)).all()
        and (np.diff(parts["time"], axis=1) >= 0).all()
        and not (parts["maxima"] < 0).any()
    )


def _damaged(path: Place, why: str) -> StorageError:
    return StorageError(
        f"the state {str(path)!r} cannot be used: {why}",
        hint="Remove it: the next run begins a new one. --since TIME then says after which time to judge.",
    )
