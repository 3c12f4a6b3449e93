"""Globs in stores, with the rules of `glob` on this machine: *, ?, [...], and ** for any folders."""

from __future__ import annotations

import glob
from dataclasses import replace
from fnmatch import fnmatchcase

from forecaster.data.storage.files import entries, is_file
from forecaster.data.storage.place import Remote

ANY_FOLDERS = "**"


def fixed(pattern: Remote) -> Remote:
    """The folder before the first part of a glob that has magic."""
    parts = pattern.parts
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return replace(pattern, key="/".join(parts[:first]))


def matches(pattern: Remote) -> list[Remote]:
    """The files that a glob names, sorted. A name with a dot first needs one in the pattern."""
    folder = fixed(pattern)
    return sorted(set(_inside(folder, pattern.parts[len(folder.parts) :])))


def _inside(folder: Remote, parts: tuple[str, ...]) -> list[Remote]:
    """The files in a folder that the parts of a pattern name."""
    part, rest = parts[0], parts[1:]
    if ANY_FOLDERS in parts:
        all_of_them = [each.place for each in entries(folder, deep=True)[0]]
        return [file for file in all_of_them if _fits(file.parts[len(folder.parts) :], parts)]
    if not glob.has_magic(part):
        file = folder / part
        return _inside(file, rest) if rest else [file] if is_file(file) else []
    files, folders = entries(folder)
    if not rest:
        return [file.place for file in files if _is_like(file.place.name, part)]
    return [file for each in folders if _is_like(each.name, part) for file in _inside(each, rest)]


def _fits(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether the names of folders and a file are like the parts of a pattern."""
    if not parts:
        return not names
    if parts[0] != ANY_FOLDERS:
        return bool(names) and _is_like(names[0], parts[0]) and _fits(names[1:], parts[1:])
    if not parts[1:]:
        return bool(names) and not any(name.startswith(".") for name in names)
    return _fits(names, parts[1:]) or bool(names and not names[0].startswith(".") and _fits(names[1:], parts))


def _is_like(name: str, part: str) -> bool:
    return fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
