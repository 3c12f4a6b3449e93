"""The model file, and its lock. It is safetensors with a digest: checked on reading, written atomically.

The arrays are the weights of every member and the interval half-widths. The metadata holds `format`,
`version`, `model` (JSON: configuration and facts) and `sha256`, a digest over that JSON and every array
with its name, type and shape.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from forecaster.data.writing.atomic import atomic_write
from forecaster.errors import LockedError, ModelError, StorageError

FORMAT = "forecaster-model"
VERSION = 2
"""Format 1 had one scale for all series and intervals of fixed half-widths."""
MAX_BYTES = 2**30
MAX_HEADER = 2**26

Arrays = dict[str, NDArray[Any]]


def write_model_file(path: Path, text: str, arrays: Arrays) -> None:
    """Write `text`, the configuration and facts as JSON, and the arrays. Raises StorageError."""
    metadata = {"format": FORMAT, "version": str(VERSION), "model": text, "sha256": _digest(text, arrays)}
    content = _encode(arrays, metadata)

    def write(file: BinaryIO) -> None:
        file.write(content)

    atomic_write(path, write)


def read_model_file(path: Path) -> tuple[str, Arrays]:
    """The JSON and the arrays of a model file, after checks of digest, version, sizes and finite values.

    Raises ModelError where the file is missing, damaged, no model or of a newer version; StorageError where
    it cannot be read.
    """
    content = _read(path)
    metadata = _metadata(content, path)
    arrays = _load_arrays(content, path)
    if _digest(metadata["model"], arrays) != metadata["sha256"]:
        raise damaged(path, "its digest does not match its content")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise damaged(path, f"{name!r} holds values that are not finite")
    return metadata["model"], arrays


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise damaged(path, f"it has {size:,} bytes, more than any model file may have")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no model at {str(path)!r}",
            hint="Train one with `forecast train DATA`, or name another file with --model.",
        ) from error
    except OSError as error:
        raise StorageError(f"cannot read the model {str(path)!r}: {error.strerror}") from error


def _metadata(content: bytes, path: Path) -> dict[str, str]:
    """The metadata of the header, checked before any array is read."""
    if len(content) < 8:
        raise damaged(path, "it is too short")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(len(content) - 8, MAX_HEADER):
        raise damaged(path, "its header is longer than the file, or than any model header may be")
    try:
        header = json.loads(content[8 : 8 + length])
        metadata = header["__metadata__"]
        foreign = metadata["format"] != FORMAT
        version = int(metadata["version"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(path, "it is not a forecaster model, or its header is damaged") from error
    if foreign:
        raise damaged(path, "it is not a forecaster model")
    if version > VERSION:
        raise ModelError(
            f"{str(path)!r} was written by a newer forecaster (format {version}; this one reads {VERSION})",
            hint="Update with `pip install --upgrade forecaster`, or train again.",
        )
    if version < 1 or not {"model", "sha256"} <= metadata.keys():
        raise damaged(path, "its header lacks required fields")
    return {str(key): str(value) for key, value in metadata.items()}


def _load_arrays(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(content)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise damaged(path, str(error)) from error


def _encode(arrays: dict[str, NDArray[Any]], metadata: dict[str, str]) -> bytes:
    """The file's bytes with a sorted header, because the library's order differs from run to run."""
    from safetensors.numpy import save

    content = save(arrays, metadata)
    (length,) = struct.unpack("<Q", content[:8])
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def _digest(text: str, arrays: dict[str, NDArray[Any]]) -> str:
    """SHA-256 over the JSON and each array with its name, type and shape."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def damaged(path: Path, why: str) -> ModelError:
    return ModelError(
        f"the model file {str(path)!r} cannot be used: {why}",
        hint="Restore it from a backup, or train a new model with `forecast train DATA`.",
    )


@contextmanager
def lock(path: str | Path) -> Iterator[None]:
    """Hold the lock of the model at `path`, a hidden file in the same folder.

    Raises LockedError where another run holds it; StorageError where it cannot be created.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    if not path.parent.is_dir():
        raise StorageError(f"cannot write {str(path)!r}: its folder does not exist")
    held = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        raise LockedError(
            f"another run is training {str(path)!r}",
            hint="Wait until it ends, or train to another file with --model.",
        ) from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise StorageError(f"cannot write a lock file next to {str(path)!r}: {reason}") from error
    try:
        yield
    finally:
        held.release()
