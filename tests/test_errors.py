"""The exception tree and its exit codes."""

import pytest

from forecaster import errors

CODES = {
    "ForecasterError": 1,
    "UsageError": 2,
    "DataError": 3,
    "ModelError": 4,
    "StorageError": 5,
    "LockedError": 6,
    "DivergenceError": 7,
    "StaleError": 9,
    "MemoryLimitError": 10,
}


def test_the_tree_is_as_documented() -> None:
    """Our exceptions are these nine, and each has the exit code of the table; a warning has none."""
    kinds = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    found = {name: kind for name, kind in kinds.items() if not issubclass(kind, Warning)}
    assert {name: kind.exit_code for name, kind in found.items()} == CODES
    assert all(issubclass(kind, errors.ForecasterError) for kind in found.values())
    for name, code in CODES.items():
        assert f"{name}".ljust(20) in (errors.__doc__ or "")
        assert str(code) in (errors.__doc__ or "")


@pytest.mark.parametrize("name", CODES)
def test_an_error_carries_its_way_out(name: str) -> None:
    """The text of an error is its message, then its hint where it has one."""
    kind = getattr(errors, name)
    assert str(kind("no such file")) == "no such file"
    assert str(kind("no such file", hint="look again")) == "no such file\nlook again"
    assert kind("a", hint="b").message == "a"
    assert kind("a", hint="b").hint == "b"
