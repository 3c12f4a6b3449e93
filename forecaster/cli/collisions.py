"""Files of one run must be different: no output may replace what is read, or another output."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecaster.cli.log import at_home
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.data.storage.place import Remote

READ = ("data", "future", "config", "events", "file", "configs", "models")
"""Arguments and settings that name files which are read; so does `model`, unless a command writes it."""
WRITTEN = ("model", "report", "output", "plot", "export", "predictions", "state", "summary", "log_file")


def check_apart(named: Mapping[str, Any], *, model_is_written: bool, source: str = "") -> None:
    """Raise UsageError where an output is the same file as something that is read, or as another output.

    `named`: argument or setting -> path or None. `source`: what a model remembers as its data, where that is
    read. A link, and another name of the same file, is the same file; streams and devices are none.
    """
    read = [(name, path) for name in READ for path in _each(named.get(name))] + [("data", source)]
    written = [(name, named.get(name)) for name in WRITTEN]
    if not model_is_written:
        read, written = [*read, written[0]], written[1:]
    taken: dict[tuple[object, ...], str] = {}
    for name, path in read:
        for file in _files(path):
            taken[file] = name
    for name, path in written:
        _check_not_in_a_folder(name, path, read)
        for file in _files(path):
            if file in taken:
                raise _same(name, path, taken[file])
            taken[file] = name


def _same(name: str, path: Any, other: str) -> UsageError:
    return UsageError(
        f"--{name.replace('_', '-')} {str(path)!r} is the same file as {_words(other)}",
        hint="Name another file: one of the two would be lost.",
    )


def _elsewhere(path: Any) -> Remote | None:
    """The file of a store or server that is named; None for one of this machine."""
    if isinstance(path, Path) or "://" not in str(path):
        return None
    from forecaster.data.storage.place import Remote, place

    where = place(path)
    return where if isinstance(where, Remote) else None


def _check_not_in_a_folder(name: str, path: Any, read: list[tuple[str, Any]]) -> None:
    """UsageError for an output in a store that is a file of a folder or glob which is read."""
    if path in (None, "", "-") or (where := _elsewhere(path)) is None:
        return
    from forecaster.data.reading.files import is_among

    for other, source in read:
        if source not in (None, "", "-") and (folder := _elsewhere(source)) and is_among(where, folder):
            raise _same(name, path, other)


def _each(value: Any) -> list[Any]:
    """Each path of a list, or the one."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _words(name: str) -> str:
    return {"data": "the data", "file": "the model"}.get(name, f"--{name.replace('_', '-')}")


def _files(path: Any) -> list[tuple[object, ...]]:
    """What identifies the file at a path: nothing for streams, devices and none; all files of a folder."""
    if path in (None, "", "-"):
        return []
    if (elsewhere := _elsewhere(path)) is not None:
        return [("elsewhere", elsewhere.address)]
    try:
        file = Path(os.path.realpath(at_home(path)))
        if file.is_dir():
            return [one for entry in file.iterdir() if entry.is_file() for one in _files(entry)]
        status = file.stat()
    except (OSError, ValueError):  # there is none, or whoever reads or writes it says why it cannot be
        return [("new", os.path.realpath(str(path).replace("\0", "")))]
    return [(status.st_dev, status.st_ino)] if file.is_file() else []
