"""A data set of results: a folder of Parquet files, written piece by piece, that survives a kill.

    part-00000.parquet …    the results of each piece
    _manifest.json          what the data set is; written last: without it the data set is not complete
    _work/                  while it is written: run.json, which says of what run, and a note of each part

Each file is replaced atomically. A run that was killed leaves whole parts, with a note of each; the same run
goes on from there. Readers of data sets leave out names that begin with `_`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from forecaster.data.labels import shown
from forecaster.data.storage import files as storage
from forecaster.data.storage.place import Place
from forecaster.data.writing.atomic import atomic_write
from forecaster.data.writing.write import parquet_bytes
from forecaster.errors import StorageError

MANIFEST, WORK, RUN = "_manifest.json", "_work", "run.json"
SCHEMA = "manifest-1"
"""docs/schemas has it."""
PART_NOTE = re.compile(r"part-\d+\.json")
ANOTHER = "Name a new folder, such as one for each day, or remove this one."


@dataclass(frozen=True)
class Part:
    """The results of a piece, as its note says."""

    piece: int
    file: str | None
    """None: the piece has no results."""
    rows: int = 0
    bytes: int = 0
    sha256: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the run wants to know of the piece, as plain values."""


def manifest_of(folder: Place) -> dict[str, Any]:
    """The manifest of a data set that is complete. Raises StorageError."""
    return _json(folder / MANIFEST)


def is_folder(destination: str | Path) -> bool:
    """Whether a destination names a folder for a data set: it ends in /."""
    return str(destination).endswith("/") and str(destination) != "/"


def is_complete(folder: Place, run: Mapping[str, Any]) -> bool:
    """Whether the folder holds all results of `run`; else it is made ready for them.

    Raises StorageError where it holds something else: other files, or results of another run.
    """
    with _failing(folder):
        if isinstance(folder, Path):
            folder.mkdir(parents=True, exist_ok=True)
        else:
            storage.check_writable(folder / MANIFEST)
        names = set(storage.names(folder))
        if MANIFEST in names:
            manifest = _json(folder / MANIFEST)
            _check_same(folder, manifest.get("run"), run)
            _check_whole(folder, manifest["files"], names)
            return True
        if names - {WORK} and not _is_begun(folder):
            raise StorageError(f"{shown(folder)} holds other files", hint=ANOTHER)
        if isinstance(folder, Path):
            (folder / WORK).mkdir(exist_ok=True)
    return False


def begin(folder: Place, run: Mapping[str, Any]) -> dict[int, Part]:
    """The parts that `run` has done before, by piece. Raises StorageError, as `is_complete` does."""
    with _failing(folder):
        if _is_begun(folder):
            _check_same(folder, _json(folder / WORK / RUN), run)
        else:
            note(folder, RUN, run)
        names = sorted(name for name in storage.names(folder / WORK) if PART_NOTE.fullmatch(name))
        parts = [Part(**_json(folder / WORK / name)) for name in names]
        return {part.piece: part for part in parts if _is_there(folder, part)}


def _is_begun(folder: Place) -> bool:
    return storage.is_file(folder / WORK / RUN)


@contextmanager
def _failing(folder: Place) -> Iterator[None]:
    """OSError of this machine as StorageError."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{shown(folder)} cannot be written: {error.strerror or error}") from error


def write_part(folder: Place, piece: int, frame: pd.DataFrame | None, facts: dict[str, Any]) -> Part:
    """Write the results of a piece, and the note that they are there. Raises StorageError."""
    part = Part(piece, None, facts=facts)
    if frame is not None and len(frame):
        name, data = f"part-{piece:05d}.parquet", parquet_bytes(frame)
        atomic_write(folder / name, partial(_all_of, data=data))
        part = Part(piece, name, len(frame), len(data), hashlib.sha256(data).hexdigest(), facts)
    note(folder, f"part-{piece:05d}.json", asdict(part))
    return part


def note(folder: Place, name: str, content: Mapping[str, Any]) -> None:
    """Write a note into the folder of the work. Raises StorageError."""
    _write_json(folder / WORK / name, content)


def noted(folder: Place, name: str) -> dict[str, Any] | None:
    """A note, if there is one."""
    place = folder / WORK / name
    return _json(place) if storage.is_file(place) else None


def finish(
    folder: Place, run: Mapping[str, Any], parts: Mapping[int, Part], facts: Mapping[str, Any]
) -> None:
    """Write the manifest, and remove what served the work only. Raises StorageError."""
    listed = [parts[piece] for piece in sorted(parts) if parts[piece].file]
    content = {
        "schema": SCHEMA,
        "run": run,
        **facts,
        "files": [_of_manifest(part) for part in listed],
    }
    _write_json(folder / MANIFEST, content)
    with suppress(OSError):  # what is left there disturbs no reader
        storage.remove_folder(folder / WORK)


def _of_manifest(part: Part) -> dict[str, Any]:
    facts = {name: value for name, value in part.facts.items() if name != "findings"}
    return {"file": part.file, "rows": part.rows, "bytes": part.bytes, "sha256": part.sha256, **facts}


def _is_there(folder: Place, part: Part) -> bool:
    if part.file is None:
        return True
    place = folder / part.file
    return storage.is_file(place) and storage.size_and_time(place)[0] == part.bytes


def _check_whole(folder: Place, files: list[dict[str, Any]], names: set[str]) -> None:
    """Raise StorageError where a part that the manifest lists is gone, or on this machine not as long."""
    for file in files:
        there = file["file"] in names
        if there and isinstance(folder, Path):  # of a store, each size would be a call
            there = (folder / file["file"]).stat().st_size == file["bytes"]
        if not there:
            raise StorageError(
                f"{shown(folder)} is not as its manifest says: {file['file']} is gone or cut off",
                hint="Remove this folder and run again, or name a new one.",
            )


def _check_same(folder: Place, before: Any, run: Mapping[str, Any]) -> None:
    """Raise StorageError where the folder is of another run, with what is different."""
    now = json.loads(json.dumps(run))
    if before == now:
        return
    before = before if isinstance(before, dict) else {}
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    raise StorageError(
        f"{shown(folder)} holds results of another run: another {', another '.join(names)}", hint=ANOTHER
    )


def _json(path: Place) -> dict[str, Any]:
    try:
        content = json.loads(storage.read(path).decode("utf-8"))
    except ValueError as error:
        raise StorageError(f"{shown(path)} is damaged: {error}", hint=ANOTHER) from error
    return content if isinstance(content, dict) else {}


def _write_json(path: Place, content: Mapping[str, Any]) -> None:
    data = (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()
    atomic_write(path, partial(_all_of, data=data))


def _all_of(file: BinaryIO, data: bytes) -> None:
    file.write(data)
