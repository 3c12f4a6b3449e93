"""The runs that are disturbed, and what must hold afterwards: each file is the old or the new one, whole."""

import os
from pathlib import Path

QUICK = ("--effort", "quick", "--steps", "1", "--no-pretrained", "--members", "1", "--hidden", "4")
COMMANDS = {
    "train": ("train", "demand.csv", *QUICK, "--horizon", "5"),
    "predict": ("predict", "-o", "f.csv"),
    "evaluate": ("evaluate", "demand.csv", *QUICK, "--report", "r.json"),
}
FILES = {"train": "forecast.model", "predict": "f.csv", "evaluate": "r.json"}
"""Command -> the file that it writes."""
OLD = b"what was there before\n"


def number(name: str, usual: int) -> int:
    """How many: what the environment variable of this name says, else the usual number."""
    return int(os.environ.get(name, usual))


def prepare(folder: Path, command: str) -> None:
    """Put an old file where a command writes."""
    path = folder / FILES[command]
    path.write_bytes(OLD)
    path.chmod(0o640)


def assert_whole(folder: Path, command: str, code: int, new: bytes, *, strict_mode: bool = True) -> None:
    """The file is the new one where the run ended well, else the old one or the new one; its mode stays.

    Not `strict_mode`: where it cannot be set, the file is for its owner alone.
    """
    path = folder / FILES[command]
    content = path.read_bytes()
    assert content == new or (code != 0 and content == OLD), f"exit code {code}"
    assert path.stat().st_mode & 0o777 in ((0o640,) if strict_mode else (0o640, 0o600))


def assert_nothing_left(folder: Path) -> None:
    """No temporary file and no lock."""
    left = [path.name for path in folder.iterdir() if path.suffix in (".tmp", ".lock", ".locked")]
    assert not left
