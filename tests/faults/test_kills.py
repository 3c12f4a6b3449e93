"""Runs that are killed, or may write no more: files are whole, and the next run cleans up."""

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_runs import COMMANDS, FILES, OLD, assert_nothing_left, assert_whole, number, prepare

KILLS = number("FAULTS_KILLS", 200)
SHARES = {"train": 0.3, "predict": 0.6, "evaluate": 0.1}


@pytest.mark.parametrize("command", COMMANDS)
def test_kills_at_random_moments(runs, folder: Path, command: str) -> None:
    """SIGKILL leaves the old file or the new one, whole; the next run succeeds and leaves nothing behind."""
    draw = random.Random(command)
    start = time.monotonic()
    assert runs.run(folder, *COMMANDS[command]) == 0
    usual = time.monotonic() - start
    new = (folder / FILES[command]).read_bytes()
    for _ in range(round(KILLS * SHARES[command])):
        prepare(folder, command)
        late = draw.random() < 0.5  # half of the kills fall where files are written
        code = runs.killed(folder, *COMMANDS[command], after=usual * draw.uniform(0.7 * late, 1.1))
        assert code in (-9, 0)
        assert_whole(folder, command, code, new)
    assert runs.run(folder, *COMMANDS[command]) == 0, (folder / "stderr").read_text()
    assert_whole(folder, command, 0, new)
    assert_nothing_left(folder)


@pytest.mark.parametrize("limit", [0, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_limit_on_the_size_of_files(runs, folder: Path, command: str, limit: int) -> None:
    """Where no file may grow that far, the exit code is 5 and the old file stays."""
    prepare(folder, command)
    assert runs.run(folder, *COMMANDS[command], limit=limit) == 5
    assert (folder / FILES[command]).read_bytes() == OLD
    assert_nothing_left(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode
    except FileNotFoundError:
        done = 1
    if done != 0:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_is_full(runs, folder: Path, small_disk: Path, command: str) -> None:
    """No space is exit code 5; the old file stays."""
    for path in folder.iterdir():
        (small_disk / path.name).write_bytes(path.read_bytes())
    prepare(small_disk, command)
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(512))
        except OSError:
            pass
    assert runs.run(small_disk, *COMMANDS[command]) == 5
    assert (small_disk / FILES[command]).read_bytes() == OLD
    assert_nothing_left(small_disk)
