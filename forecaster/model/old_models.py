"""Old models: forecast.model.1 is the newest of them, forecast.model.2 the one before, and so on.

Each change is one link or one rename, so that a kill between two of them loses no model. While a new model
is written, the old one has a second name, which is hidden; `settle` makes a number of it, now or in the next
run. Of a link to a model, the numbers lie beside the model. In a store, a copy and a removal are a rename: a
kill in between leaves one model under two numbers, and none is lost.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import BinaryIO

from forecaster.data.labels import shown
from forecaster.data.storage import files as storage
from forecaster.data.storage.place import Named, Place, Remote, real
from forecaster.data.writing.atomic import atomic_write
from forecaster.errors import ModelError, StorageError
from forecaster.model.model import Model


def check_keeping(named: Named, keep: int) -> None:
    """Raise StorageError before any work where something that is no file has the name of an old model."""
    path = real(named)
    for number in range(1, keep + 1):
        old = _numbered(path, number)
        if isinstance(old, Path) and old.exists() and not old.is_file():
            raise StorageError(f"{shown(old.name)} is in the way of an old model: it is no file")


def save_keeping(model: Model, named: Named, keep: int) -> None:
    """Save a model, and keep the `keep` newest of those before it under numbers; 0: number none.

    A model of the same bytes is not kept twice. Raises StorageError.
    """
    path = real(named)
    settle(path)
    try:
        if keep and storage.is_file(path):
            _link(path, _aside(path))
        model.save(path)
    finally:
        settle(path, keep)


def roll_back(named: Named) -> tuple[Model, list[Place], int]:
    """Bring the newest old model back. Returns it, the old ones that are left, newest first, and when it was
    written (ns since 1970).

    The model that it replaces is then called forecast.model.undone. Raises ModelError where there is no old
    model, or the newest one is damaged; StorageError where the folder cannot be changed.
    """
    path = real(named)
    settle(path)
    numbers = _numbers(path)
    if not numbers:
        undone = path.with_name(f"{path.name}.undone")
        back = f"The model before the last rollback is {shown(undone.name)}: rename it to have it back."
        raise ModelError(
            f"there is no older model of {shown(path.name)}",
            hint=back
            if storage.is_file(undone)
            else "Old models are kept where --keep asks for it: `forecast train DATA --keep 3`.",
        )
    newest = _numbered(path, numbers[0])
    model, written = Model.load(newest), storage.size_and_time(newest)[1]
    try:
        if storage.is_file(path):
            _replace_by_link(path, path.with_name(f"{path.name}.undone"))
            _as_accessible_as(path, newest)
        storage.move(newest, path)
        for free, number in enumerate(numbers[1:], 1):
            storage.move(_numbered(path, number), _numbered(path, free))
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be replaced: {error.strerror or error}") from error
    return model, [_numbered(path, number) for number in range(1, len(numbers))], written


def settle(path: Place, keep: int = 0) -> None:
    """Give the number 1 to a model set aside, and the next ones to those before it; remove all after `keep`.

    Where a number is free, because a run was killed, those above it stay. A model set aside that is still the
    model, or is the same bytes, is no old one. 0: remove none.
    """
    aside = _aside(path)
    if not storage.is_file(aside):
        return
    try:
        if storage.is_file(path) and storage.is_same(aside, path):
            storage.remove(aside)
            return
        numbers = _numbers(path)
        free = next(number for number in range(1, len(numbers) + 2) if number not in numbers)
        for number in range(free - 1, 0, -1):
            storage.move(_numbered(path, number), _numbered(path, number + 1))
        storage.move(aside, _numbered(path, 1))
        for number in _numbers(path) if keep else ():
            if number > keep:
                storage.remove(_numbered(path, number))
    except OSError as error:
        raise StorageError(f"{shown(aside)} cannot be numbered: {error.strerror or error}") from error


def _aside(path: Place) -> Place:
    """The hidden name of the old model while a new one is written."""
    return path.with_name(f".{path.name}.old")


def _numbered(path: Place, number: int) -> Place:
    return path.with_name(f"{path.name}.{number}")


def _numbers(path: Place) -> list[int]:
    """The numbers of the old models, ascending: the newest first."""
    name = re.compile(re.escape(path.name) + r"\.([1-9]\d{0,2})")
    found = [match for each in storage.names(path.parent) if (match := name.fullmatch(each))]
    return sorted(int(match[1]) for match in found if storage.is_file(path.with_name(match[0])))


def _replace_by_link(path: Place, name: Place) -> None:
    """Give `path` the second name `name`, which may be in use; in a store, a copy of that name."""
    if isinstance(path, Remote) or isinstance(name, Remote):
        storage.copy(path, name)
        return
    temporary = path.with_name(f".{name.name}")
    temporary.unlink(missing_ok=True)
    _link(path, temporary)
    temporary.replace(name)


def _link(path: Place, name: Place) -> None:
    """A second name for the file; a copy of it in a store, or where the file system allows no links."""
    if isinstance(path, Remote) or isinstance(name, Remote):
        storage.copy(path, name)
        return
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


def _as_accessible_as(path: Place, other: Place) -> None:
    """Give `other` the mode of `path`, and its owner as far as that is allowed. A store has no such thing."""
    if isinstance(path, Remote) or isinstance(other, Remote):
        return
    with contextlib.suppress(OSError):
        shutil.chown(other, path.stat().st_uid, path.stat().st_gid)
    with contextlib.suppress(OSError):
        shutil.copymode(path, other)
