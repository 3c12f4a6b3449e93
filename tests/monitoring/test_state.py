"""The state file: written and read again, and refused where anything in it is wrong."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from forecaster.errors import StorageError
from forecaster.monitoring.state import ARRAYS, FORMAT, NEVER, State, fresh, read_state, sizes, write_state
from forecaster.nn.array_file import decode, encode


def some_state() -> State:
    """A state with numbers and gaps in it."""
    state = fresh(("a", "b\x1b"), 6, "h", 5, *sizes(2, 6))
    rng = np.random.default_rng(0)
    state.value[0, -5:], state.new[0, -3:], state.maxima[1, -1, 0] = rng.random(5), rng.random(3), 4.0
    state.time[0, -5:] = np.arange(5)
    return dataclasses.replace(state, newest=77)


def same(one: State, other: State) -> None:
    """Fail unless both hold the same."""
    for field in dataclasses.fields(State):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    """With every NaN; and nothing where there is no file."""
    path = tmp_path / "x.monitor"
    assert read_state(path) is None
    write_state(some_state(), path)
    found = read_state(path)
    assert found is not None
    same(found, some_state())
    found.value[0, 0] = 1.0  # to be changed by the judge


def changed(name: str, value: object) -> tuple[dict, dict]:
    """The content of a file with one part changed: its text, its arrays."""
    state = some_state()
    text = {"ids": list(state.ids), "stride": 6, "frequency": "h", "newest": 77}
    arrays = {each: np.nan_to_num(getattr(state, each)) for each in ARRAYS}
    part = text if name in text else arrays
    part[name] = value
    return text, {each: array for each, array in arrays.items() if array is not None}


WRONG = {
    "ids": [["a", "a"], ["a"], "ab", [1, 2], None],
    "stride": [0, -1, 1.5, "6", 10**9, None, True],
    "newest": [2**70, 0.5, None],
    "frequency": [3, None],
    "time": [np.zeros((2, 3)), np.zeros(2, np.int64), -np.arange(2000).reshape(2, 1000), None],
    "value": [np.zeros((2, 4)), np.zeros((3, 1000)), np.zeros((2, 1000), np.float32)],
    "lead": [np.full((2, 1000), -1), np.full((2, 1000), 13)],
    "kind": [np.full(2, 3), np.full(2, -1)],
    "unusual": [np.full(2, -(2**63))],
    "maxima": [np.full((2, 120, 2), -1.0), np.zeros((2, 120))],
    "more": [np.zeros(3)],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, each in WRONG.items() for value in each])
def test_wrong_parts_under_a_right_digest(tmp_path: Path, name: str, value: object) -> None:
    """Each is refused with the name of the file and what to do."""
    path = tmp_path / "x.monitor"
    text, arrays = changed(name, value)
    path.write_bytes(encode(json.dumps(text), arrays, format=FORMAT, version=1))
    with pytest.raises(StorageError, match=r"x\.monitor' cannot be used") as caught:
        read_state(path)
    assert "Remove it" in caught.value.hint


def test_a_right_file_is_read(tmp_path: Path) -> None:
    """What the wrong ones are made of is right."""
    path = tmp_path / "x.monitor"
    text, arrays = changed("stride", 6)
    path.write_bytes(encode(json.dumps(text), arrays, format=FORMAT, version=1))
    assert read_state(path) is not None


def test_damaged_bytes(tmp_path: Path) -> None:
    """A bit anywhere, or an end that is missing: refused, or (a blank of the header) the same state."""
    path = tmp_path / "x.monitor"
    write_state(some_state(), path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), size=40):
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        try:
            found = read_state(path)
        except StorageError as error:
            assert str(path) in error.message
        else:
            same(found, some_state())
    path.write_bytes(whole[:-9])
    with pytest.raises(StorageError, match="cannot be used"):
        read_state(path)


def test_a_newer_file_is_named(tmp_path: Path) -> None:
    """It may be right: the hint is another one."""
    path = tmp_path / "x.monitor"
    write_state(some_state(), path)
    path.write_bytes(encode(*decode(path.read_bytes(), FORMAT), format=FORMAT, version=2))
    with pytest.raises(StorageError, match="written by a newer forecaster") as caught:
        read_state(path)
    assert "--state" in caught.value.hint


def test_series_by_name() -> None:
    """Those asked for, in their order; new ones are fresh; what is not asked for stays in the update."""
    state = some_state()
    part = state.of(("c", "a"), 9)
    assert part.ids == ("c", "a")
    np.testing.assert_array_equal(part.value[1], state.value[0])
    assert (part.begins.tolist(), part.done.tolist()) == ([9, 5], [NEVER, NEVER])
    part.done[:] = 8
    whole = state.updated(dataclasses.replace(part, newest=80))
    assert (whole.ids, whole.newest) == (("c", "a", "b\x1b"), 80)
    assert whole.done.tolist() == [8, 8, NEVER]
    assert state.done.tolist() == [NEVER, NEVER]
