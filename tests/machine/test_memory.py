"""How much memory may be taken: sizes as text, estimates, and the error where it runs out."""

import resource
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from forecaster.errors import MemoryLimitError, UsageError
from forecaster.machine import memory

GIB = 2**30


@pytest.fixture(autouse=True)
def lifted() -> Iterator[None]:
    """No test leaves a limit behind."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield
    memory.lift()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(
    ("text", "size"),
    [("2G", 2 * GIB), ("500M", 500 * 2**20), ("1.5GB", 3 * 2**29), ("2 GiB", 2 * GIB), ("1t", 2**40)],
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    """Units are powers of 1024, with or without iB; a bare number counts bytes."""
    assert memory.parse_size(text) == size
    assert memory.parse_size(str(size)) == memory.parse_size(size) == size


@pytest.mark.parametrize(
    "text", ["", "x", "-2G", "1e9", "2X", "1", "255M", "9" * 5000, 10**400, "inf", "2G2", True]
)
def test_sizes_that_are_none(text: str | int) -> None:
    """Anything else, and less than Python and its libraries need, is wrong usage."""
    with pytest.raises(UsageError, match="max_memory cannot be") as caught:
        memory.parse_size(text)
    assert caught.value.hint == "Give 256M or more, such as 2G."


def test_what_is_left_and_what_is_needed() -> None:
    """A limit counts what the process has already; beyond it an estimate is an error that says both."""
    free = memory.left()
    assert free is None or free > 0
    memory.restrict(memory.taken() + GIB)
    assert 0.9 * GIB < (memory.left() or 0) <= GIB
    memory.require(GIB // 2, "a thing")
    with pytest.raises(
        MemoryLimitError, match=r"a thing needs about 2 GiB of memory, but .* left of --max-mem"
    ):
        memory.require(2 * GIB, "a thing", "Make it smaller.")
    memory.lift()
    assert memory.allowed() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux enforces it")
def test_the_system_enforces_it() -> None:
    """An array beyond the limit is a MemoryError, of which the message tells how much was asked for."""
    memory.restrict(memory.taken() + GIB // 4)
    with pytest.raises(MemoryError) as caught:
        np.ones(4 * GIB // 8)
    error = memory.ran_out(caught.value)
    assert "more memory is needed than --max-memory allows: another 4.00 GiB were needed at once" in str(
        error
    )
    assert error.exit_code == 10
    memory.lift()
    assert len(np.ones(GIB // 4 // 8)) > 0


def test_a_hint_can_be_typed() -> None:
    """The size that a hint names is read as the size that it means."""
    for size in (300 * 2**20, 3 * GIB, 2**40, 268_435_457):
        assert memory.parse_size(memory.in_units(size)) == size
