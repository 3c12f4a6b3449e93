"""Settings as a file of settings (forecast.toml), which every command reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

from forecaster.config import Options, ReadConfig
from forecaster.data.storage.files import is_file
from forecaster.data.storage.place import place
from forecaster.data.writing.atomic import atomic_write, check_folder
from forecaster.data.writing.destination import is_stream
from forecaster.errors import UsageError
from forecaster.report.text import inert

OF_THE_MACHINE = ("workers",)
"""Settings that change no result."""
FREE, NEXT = "tuned.toml", "tuned-{}.toml".format


def check_settings_file(path: str) -> None:
    """Raise UsageError where there is such a file already, StorageError where it could not be written."""
    if not is_stream(path) and _is_taken(path):
        free = next(name for name in chain((FREE,), map(NEXT, count(2))) if not _is_taken(name))
        raise UsageError(
            f"{path!r} is there and is not replaced",
            hint=f"Name another file, such as --output {free}; or move it away.",
        )
    check_folder(path)


def _is_taken(path: str) -> bool:
    where = place(path)
    return where.exists() or where.is_symlink() if isinstance(where, Path) else is_file(where)


def write_settings(path: str, options: Options, read: ReadConfig, comments: Iterable[str] = ()) -> None:
    """Write the settings that are not the default, below `comments`, one a line. Raises StorageError."""
    content = settings_text(options, read, comments).encode()

    def write(file: BinaryIO) -> None:
        file.write(content)

    atomic_write(path, write)


def settings_text(options: Options, read: ReadConfig, comments: Iterable[str] = ()) -> str:
    """The settings that are not the default as TOML, below `comments`, one a line."""
    lines = [f"# {inert(comment)}" for comment in comments]
    for config, default in ((read, ReadConfig()), (options, Options())):
        for each in dataclasses.fields(config):
            value = getattr(config, each.name)
            if value != getattr(default, each.name) and each.name not in OF_THE_MACHINE:
                lines.append(f"{each.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{"".join(map(_escaped, value))}"' if isinstance(value, str) else repr(value)


def _escaped(character: str) -> str:
    """A character between quotes."""
    if character.isprintable() and character not in '"\\':
        return character
    return f"\\U{ord(character):08x}"
