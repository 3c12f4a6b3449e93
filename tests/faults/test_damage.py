"""Damaged models and tables: refused with an error of ours, or understood; never anything else."""

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import daily
from fault_runs import number
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import ForecasterError, ModelError
from forecaster.model.file import FORMAT, VERSION, write_model_file
from forecaster.model.model import Model
from forecaster.nn.array_file import decode, version_of

FLIPS = number("FAULTS_FLIPS", 3_000)
FUZZ_SECONDS = number("FAULTS_FUZZ_SECONDS", 0)
"""How long to go on with new examples; 0: the usual ones once, the same each time."""

Edits = list[tuple[float, int, bytes]]
MARKS = [bytes([code]) for code in b",;\n\r\"'\0-T\t|# \xff"]
WORDS = [
    b"\xef\xbb\xbf",
    b"1e999",
    b"NaN",
    b"2024-02-30",
    b"9" * 40,
    b"\xd9\xa3",
    b"+25:00",
    b"0001-01-01",
    b"9999-12-31",
]
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 40),
        st.one_of(st.sampled_from(MARKS + WORDS), st.binary(max_size=8)),
    ),
    min_size=1,
    max_size=8,
)
"""Where, how many bytes to take away, and what to put there."""


def edited(content: bytes, edits: Edits) -> bytes:
    for place, count, put in edits:
        start = int(place * len(content))
        content = content[:start] + put + content[start + count :]
    return content


def fuzz(check: Callable[[Edits], None]) -> None:
    """Check a property on the usual examples; with FUZZ_SECONDS, on new ones until the time is over."""
    end = time.monotonic() + FUZZ_SECONDS
    if not FUZZ_SECONDS:
        settings(max_examples=60)(given(EDITS)(check))()
    while time.monotonic() < end:
        many = settings(max_examples=500, deadline=None, derandomize=False, database=None)
        seed(random.SystemRandom().getrandbits(64))(many(given(EDITS)(check)))()


def test_every_flip_is_refused(trained: Path) -> None:
    """A model with one damaged bit or byte is refused, or it holds what it held."""
    content = (trained / "forecast.model").read_bytes()
    text, arrays = decode(content, FORMAT)
    draw = random.Random(0 if FLIPS < 10_000 else None)
    accepted = 0
    for turn in range(FLIPS):
        place = draw.randrange(len(content))
        mask = 1 << draw.randrange(8) if turn % 2 else draw.randrange(1, 256)
        damaged = bytearray(content)
        damaged[place] ^= mask
        try:
            if not 1 <= version_of(bytes(damaged), FORMAT) <= VERSION:
                continue
            again, others = decode(bytes(damaged), FORMAT)
        except ValueError:
            continue
        accepted += 1
        assert again == text, (place, mask)
        assert others.keys() == arrays.keys(), (place, mask)
        assert all((others[name] == arrays[name]).all() for name in arrays), (place, mask)
    assert accepted <= FLIPS / 1000  # spaces of the header that became other blanks, the version


def test_a_fuzzed_model_is_refused(trained: Path, tmp_path: Path) -> None:
    """Bytes taken away, put in and replaced: a ModelError, or the same model."""
    content = (trained / "forecast.model").read_bytes()
    path = tmp_path / "y.model"

    def check(edits: Edits) -> None:
        damaged = edited(content, edits)
        path.write_bytes(damaged)
        if damaged != content:
            with pytest.raises(ModelError):
                Model.load(path)

    fuzz(check)


def test_a_fuzzed_configuration_is_refused(trained: Path, tmp_path: Path) -> None:
    """A model with a right digest, whose configuration was edited, loads or is a ModelError."""
    text, arrays = decode((trained / "forecast.model").read_bytes(), FORMAT)
    path = tmp_path / "y.model"

    def check(edits: Edits) -> None:
        write_model_file(path, edited(text.encode(), edits).decode(errors="replace"), arrays)
        with contextlib.suppress(ModelError):
            Model.load(path)

    fuzz(check)


def test_a_fuzzed_table_is_read_or_refused(tmp_path: Path) -> None:
    """Any table is read, or refused with a message of ours; nothing else is raised."""
    content = daily(40).encode()
    path = tmp_path / "x.csv"

    def check(edits: Edits) -> None:
        path.write_bytes(edited(content, edits))
        try:
            load(path, ReadConfig())
        except ForecasterError as error:
            assert error.exit_code in (2, 3)

    fuzz(check)
