"""Arrays and a JSON text in one file: safetensors with a digest over both."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_HEADER = 2**26

Arrays = dict[str, NDArray[Any]]


def encode(text: str, arrays: Arrays, *, format: str, version: int) -> bytes:
    """The bytes of a file of a format; the same content gives the same bytes."""
    from safetensors.numpy import save

    metadata = {"format": format, "version": str(version), "model": text, "sha256": digest(text, arrays)}
    content = save(arrays, metadata)
    (length,) = struct.unpack("<Q", content[:8])
    header = json.dumps(
        json.loads(content[8 : 8 + length]), sort_keys=True
    ).encode()  # the library's order varies
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def version_of(content: bytes, format: str) -> int:
    """The version of a file of this format. Raises ValueError, with the reason, for another format."""
    return int(_metadata(content, format)["version"])


def decode(content: bytes, format: str) -> tuple[str, Arrays]:
    """The text and the arrays. Raises ValueError, with the reason, where anything is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    metadata = _metadata(content, format)
    if not {"model", "sha256"} <= metadata.keys():
        raise ValueError("its header lacks required fields")
    try:
        arrays = load(content)
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
    if digest(metadata["model"], arrays) != metadata["sha256"]:
        raise ValueError("its digest does not match its content")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name!r} holds values that are not finite")
    return metadata["model"], arrays


def digest(text: str, arrays: Arrays) -> str:
    """SHA-256 over the text and each array with its name, type and shape."""
    total = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _metadata(content: bytes, format: str) -> dict[str, str]:
    """The metadata of the header, checked before any array is read."""
    if len(content) < 8:
        raise ValueError("it is too short")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(len(content) - 8, MAX_HEADER):
        raise ValueError("its header is longer than the file, or than any header may be")
    try:
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        foreign = metadata["format"] != format
        int(metadata["version"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is not a forecaster model, or its header is damaged") from error
    if foreign:
        raise ValueError("it is not a forecaster model")
    return {str(key): str(value) for key, value in metadata.items()}
