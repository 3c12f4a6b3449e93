"""The model file. It is safetensors with a digest: checked on reading, written atomically.

The arrays are the weights of every member and the interval half-widths. The metadata holds `format`,
`version`, `model` (JSON: configuration and facts) and `sha256`, a digest over that JSON and every array
with its name, type and shape.
"""

from __future__ import annotations

from typing import BinaryIO

from forecaster.data.reading.files import regular_bytes
from forecaster.data.storage.files import size_and_time
from forecaster.data.storage.place import Place
from forecaster.data.writing.atomic import atomic_write
from forecaster.errors import ModelError, StorageError
from forecaster.machine import memory
from forecaster.nn.array_file import Arrays, decode, encode, version_of

FORMAT = "forecaster-model"
VERSION = 3
"""Format 1 had one scale for all series and intervals of fixed half-widths; format 2 no held forecasts."""
MAX_BYTES = 2**30


def write_model_file(path: Place, text: str, arrays: Arrays) -> None:
    """Write `text`, the configuration and facts as JSON, and the arrays. Raises StorageError."""
    content = encode(text, arrays, format=FORMAT, version=VERSION)

    def write(file: BinaryIO) -> None:
        file.write(content)

    atomic_write(path, write)


def read_model_file(path: Place) -> tuple[str, Arrays]:
    """The JSON and the arrays of a model file, after checks of digest, version, sizes and finite values.

    Raises ModelError where the file is missing, damaged, no model or of a newer version; StorageError where
    it cannot be read.
    """
    content = _read(path)
    try:
        version = version_of(content, FORMAT)
        if version > VERSION:
            raise ModelError(
                f"{str(path)!r} was written by a newer forecaster "
                f"(format {version}; this one reads {VERSION})",
                hint="Update with `pip install --upgrade forecaster`, or train again.",
            )
        if version < 1:
            raise ValueError("its header lacks required fields")
        return decode(content, FORMAT)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def _read(path: Place) -> bytes:
    try:
        memory.require(3 * min(size_and_time(path)[0], MAX_BYTES), f"reading the model {str(path)!r}")
        return regular_bytes(path, MAX_BYTES, "model file")
    except ValueError as error:
        raise damaged(path, str(error)) from error
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no model at {str(path)!r}",
            hint="Train one with `forecast train DATA`, name another file with --model, or forecast without "
            "training: `forecast predict DATA --model pretrained`.",
        ) from error
    except OSError as error:
        raise StorageError(f"cannot read the model {str(path)!r}: {error.strerror}") from error


def damaged(path: Place, why: str) -> ModelError:
    return ModelError(
        f"the model file {str(path)!r} cannot be used: {why}",
        hint="Restore it from a backup, or train a new model with `forecast train DATA`.",
    )
