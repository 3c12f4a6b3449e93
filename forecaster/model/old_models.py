"""Old models: forecast.model.1 is the newest of them, forecast.model.2 the one before, and so on.

Each change is one link or one rename, so that a kill between two of them loses no model. While a new model
is written, the old one has a second name, which is hidden; `settle` makes a number of it, now or in the next
run. Of a link to a model, the numbers lie beside the model.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import shutil
from pathlib import Path
from typing import BinaryIO

from forecaster.data.labels import shown
from forecaster.data.writing.atomic import atomic_write
from forecaster.errors import ModelError, StorageError
from forecaster.model.model import Model


def check_keeping(path: str | Path, keep: int) -> None:
    """Raise StorageError before any work where something that is no file has the name of an old model."""
    path = Path(path).resolve()
    for number in range(1, keep + 1):
        place = _numbered(path, number)
        if place.exists() and not place.is_file():
            raise StorageError(f"{shown(place.name)} is in the way of an old model: it is no file")


def save_keeping(model: Model, path: str | Path, keep: int) -> None:
    """Save a model, and keep the `keep` newest of those before it under numbers; 0: number none.

    A model of the same bytes is not kept twice. Raises StorageError.
    """
    path = Path(path).resolve()
    settle(path)
    try:
        if keep and path.is_file():
            _link(path, _aside(path))
        model.save(path)
    finally:
        settle(path, keep)


def roll_back(path: str | Path) -> tuple[Model, list[Path]]:
    """Bring the newest old model back. Returns it, and the old ones that are left, newest first.

    The model that it replaces is then called forecast.model.undone. Raises ModelError where there is no old
    model, or the newest one is damaged; StorageError where the folder cannot be changed.
    """
    path = Path(path).resolve()
    settle(path)
    numbers = _numbers(path)
    if not numbers:
        undone = path.with_name(f"{path.name}.undone")
        back = f"The model before the last rollback is {shown(undone.name)}: rename it to have it back."
        raise ModelError(
            f"there is no older model of {shown(path.name)}",
            hint=back
            if undone.is_file()
            else "Old models are kept where --keep asks for it: `forecast train DATA --keep 3`.",
        )
    newest = _numbered(path, numbers[0])
    model = Model.load(newest)
    try:
        if path.is_file():
            _replace_by_link(path, path.with_name(f"{path.name}.undone"))
            _as_accessible_as(path, newest)
        newest.replace(path)
        for place, number in enumerate(numbers[1:], 1):
            _numbered(path, number).replace(_numbered(path, place))
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be replaced: {error.strerror or error}") from error
    return model, [_numbered(path, number) for number in range(1, len(numbers))]


def settle(path: Path, keep: int = 0) -> None:
    """Give the number 1 to a model set aside, and the next ones to those before it; remove all after `keep`.

    Where a number is free, because a run was killed, those above it stay. A model set aside that is still the
    model, or is the same bytes, is no old one. 0: remove none.
    """
    aside = _aside(path)
    if not aside.is_file():
        return
    try:
        if path.is_file() and filecmp.cmp(aside, path, shallow=False):
            aside.unlink()
            return
        numbers = _numbers(path)
        free = next(number for number in range(1, len(numbers) + 2) if number not in numbers)
        for number in range(free - 1, 0, -1):
            _numbered(path, number).replace(_numbered(path, number + 1))
        aside.replace(_numbered(path, 1))
        for number in _numbers(path) if keep else ():
            if number > keep:
                _numbered(path, number).unlink()
    except OSError as error:
        raise StorageError(f"{shown(aside)} cannot be numbered: {error.strerror or error}") from error


def _aside(path: Path) -> Path:
    """The hidden name of the old model while a new one is written."""
    return path.with_name(f".{path.name}.old")


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _numbers(path: Path) -> list[int]:
    """The numbers of the old models, ascending: the newest first."""
    name = re.compile(re.escape(path.name) + r"\.([1-9]\d{0,2})")
    found = [match for entry in path.parent.iterdir() if (match := name.fullmatch(entry.name))]
    return sorted(int(match[1]) for match in found if path.with_name(match[0]).is_file())


def _replace_by_link(path: Path, name: Path) -> None:
    """Give `path` the second name `name`, which may be in use."""
    temporary = path.with_name(f".{name.name}")
    temporary.unlink(missing_ok=True)
    _link(path, temporary)
    temporary.replace(name)


def _link(path: Path, name: Path) -> None:
    """A second name for the file; a copy of it where the file system or its owner allows no links."""
    try:
        name.hardlink_to(path)
    except OSError:
        content = path.read_bytes()

        def write(file: BinaryIO) -> None:
            file.write(content)

        atomic_write(name, write)
        _as_accessible_as(path, name)
        status = path.stat()
        os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns))


def _as_accessible_as(path: Path, other: Path) -> None:
    """Give `other` the mode of `path`, and its owner as far as that is allowed."""
    with contextlib.suppress(OSError):
        shutil.chown(other, path.stat().st_uid, path.stat().st_gid)
    with contextlib.suppress(OSError):
        shutil.copymode(path, other)
