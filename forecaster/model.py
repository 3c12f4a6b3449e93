"""Model: networks, configuration and facts in one file; saved and loaded safely, never unpickled.

The file is safetensors. Its arrays are the weights of every member and the interval half-widths; its
metadata holds `format`, `version`, `model` (JSON: configuration and facts) and `sha256`, a digest over
that JSON and every array with its name, type and shape.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from forecaster.blend import Blend, network_name
from forecaster.config import MemberConfig, Options, ReadConfig, from_json, to_json
from forecaster.data.calendar import Frequency, frequency, times_as_strings
from forecaster.data.panel import Names, Panel
from forecaster.data.trading import described
from forecaster.data.write import atomic_write
from forecaster.errors import LockedError, ModelError, StorageError, UsageError
from forecaster.nn.network import Network, parameter_shapes
from forecaster.windows import count_features

FORMAT = "forecaster-model"
VERSION = 1
MAX_BYTES = 2**30
MAX_HEADER = 2**26


@dataclass(frozen=True, eq=False)
class Member:
    """One network of the ensemble and how it sees the data."""

    config: MemberConfig
    network: Network


@dataclass(frozen=True)
class Facts:
    """Where a model comes from and what it may be used on."""

    source: str
    """What to read again; "-" for stdin, empty for a DataFrame."""
    read: ReadConfig
    """The columns and the dialect, resolved, so that reading again infers nothing."""
    names: Names
    frequency: Frequency
    series: int
    rows: int
    first: int
    """The first timestamp seen, ns UTC."""
    last: int
    """The last timestamp seen, ns UTC."""
    versions: dict[str, str] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)
    """What was repaired on reading: code of the finding -> count."""
    training: dict[str, Any] = field(default_factory=dict)
    """Steps and validation loss of each member, windows, whether refitted."""
    report: dict[str, Any] | None = None
    """The error report on held-out data, as JSON."""


@dataclass(frozen=True, eq=False)
class Model:
    """A trained forecaster. `half_widths` (levels, H): of the intervals, in units of local spread."""

    options: Options
    members: tuple[Member, ...]
    blend: Blend
    half_widths: NDArray[np.float64]
    facts: Facts

    @property
    def horizon(self) -> int:
        return self.members[0].config.horizon

    @property
    def lookback(self) -> int:
        """Rows that the longest-sighted member looks back."""
        return max(member.config.lookback for member in self.members)

    def save(self, path: str | Path) -> None:
        """Write the model atomically. Raises StorageError."""
        arrays = self._arrays()
        text = json.dumps(self._json(), sort_keys=True, allow_nan=False)
        metadata = {"format": FORMAT, "version": str(VERSION), "model": text, "sha256": _digest(text, arrays)}
        content = _encode(arrays, metadata)

        def write(file: BinaryIO) -> None:
            file.write(content)

        atomic_write(Path(path), write)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a model; nothing of it is trusted before it has been checked.

        Raises ModelError where the file is missing, damaged, foreign or of a newer version;
        StorageError where it cannot be read.
        """
        content = _read(Path(path))
        metadata = _metadata(content, Path(path))
        arrays = _load_arrays(content, Path(path))
        if _digest(metadata["model"], arrays) != metadata["sha256"]:
            raise _damaged(Path(path), "its digest does not match its content")
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise _damaged(Path(path), f"{name!r} holds values that are not finite")
        try:
            return cls._from(json.loads(metadata["model"]), arrays)
        except (KeyError, TypeError, ValueError, RecursionError, UsageError) as error:
            raise _damaged(Path(path), f"its configuration does not fit its weights ({error})") from error

    def card(self) -> dict[str, dict[str, Any]]:
        """The model card: sections of plain facts for people and scripts."""
        facts, config = self.facts, self.members[0].config
        first, last = times_as_strings(np.array([facts.first, facts.last]), facts.names)
        return {
            "data": {
                "source": facts.source,
                "time": facts.names.time,
                "id": facts.names.id,
                "target": facts.names.target,
                "covariates": list(facts.names.covariates),
                "frequency": facts.frequency.alias,
                **({"trading days": days} if (days := described(facts.frequency)) else {}),
                "seasons": list(facts.frequency.seasonalities),
                "series": facts.series,
                "rows": facts.rows,
                "first": first,
                "last": last,
                "max_gap": facts.read.max_gap,
                "repairs": facts.repairs,
            },
            "forecast": {"horizon": self.horizon, "levels": list(self.options.levels), "log": config.log},
            "blend": {name: round(weight, 3) for name, weight in self.blend.weights.items()},
            "members": {network_name(n): _describe(m) for n, m in enumerate(self.members)},
            "training": facts.training,
            "report": facts.report or {},
            "versions": facts.versions | {"format": str(VERSION)},
        }

    def check_fits(self, panel: Panel) -> None:
        """Raise ModelError unless `panel` is data of the kind that the model was trained on."""
        if panel.frequency.alias != self.facts.frequency.alias:
            raise ModelError(
                f"the model was trained on data of frequency {self.facts.frequency.alias}, "
                f"this data has frequency {panel.frequency.alias}",
                hint="Train a model for this data with `forecast train`, or say --freq if it was misread.",
            )
        if panel.names.covariates != self.facts.names.covariates:
            raise ModelError(
                f"the model was trained with the covariates {list(self.facts.names.covariates)}, "
                f"this data gives {list(panel.names.covariates)}",
                hint="Give the same --covariates in the same order, or train a new model.",
            )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"half_widths": np.ascontiguousarray(self.half_widths)}
        for number, member in enumerate(self.members):
            for name, values in member.network.parameters.items():
                arrays[f"member{number}.{name}"] = np.ascontiguousarray(values)
        return arrays

    def _json(self) -> dict[str, Any]:
        return {
            "options": to_json(self.options),
            "members": [to_json(member.config) for member in self.members],
            "blend": to_json(self.blend),
            "facts": to_json(self.facts),
        }

    @classmethod
    def _from(cls, content: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Model:
        configs = [from_json(MemberConfig, values) for values in content["members"]]
        options = from_json(Options, content["options"])
        members = tuple(
            Member(config, _network(config, f"member{number}.", arrays))
            for number, config in enumerate(configs)
        )
        blend, facts = from_json(Blend, content["blend"]), from_json(Facts, content["facts"])
        model = cls(options, members, blend, arrays["half_widths"], facts)
        _check_whole(model, len(arrays))
        return model


def _check_whole(model: Model, arrays: int) -> None:
    """Raise ValueError or UsageError where the parts of a model that was read contradict each other."""
    members, facts, weights = model.members, model.facts, model.blend.weights
    if len({member.config.horizon for member in members}) != 1:
        raise ValueError("the members have no common horizon")
    expected = (len(model.options.levels), model.horizon)
    if model.half_widths.shape != expected or model.half_widths.dtype != np.float64:
        raise ValueError("the interval half-widths have another shape or type")
    for config in (member.config for member in members):
        features = count_features(1 + len(facts.names.covariates), config.segment, config.gaps, config.phases)
        if (config.network.inputs, config.network.outputs) != (features, config.horizon):
            raise ValueError("a network has other inputs or outputs than its windows")
    if arrays != 1 + sum(len(member.network.parameters) for member in members):
        raise ValueError("there are more arrays than weights")
    networks = {network_name(number) for number in range(len(members))}
    if any(name.startswith("network") and name not in networks for name in weights):
        raise ValueError("the blend has a network that is not there")
    if not all(weight >= 0 for weight in weights.values()) or abs(sum(weights.values()) - 1) > 1e-6:
        raise ValueError("the weights of the blend do not sum to one")
    if min(facts.frequency.seasonalities, default=0) < 1 or not frequency(facts.frequency.alias):
        raise ValueError("the frequency has no seasonality")


def _describe(member: Member) -> dict[str, Any]:
    config = member.config
    return {
        "cell": config.network.cell,
        "layers": config.network.layers,
        "hidden": config.network.hidden,
        "decoder": "direct" if config.network.output_segment is None else "segments",
        "parameters": int(member.network.flat.size),
        "lookback": config.lookback,
        "segment": config.segment,
        "seasons removed": list(config.seasons),
        "loss": config.training.loss,
        "seed": config.seed,
    }


def _network(config: MemberConfig, prefix: str, arrays: dict[str, NDArray[Any]]) -> Network:
    """The member's network with its saved weights; ValueError or KeyError where they do not fit."""
    expected = parameter_shapes(config.network)
    held = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if {name: array.shape for name, array in held.items()} != expected:
        raise ValueError("sizes of the network and of its weights differ")
    network = Network(config.network, rng=None)
    for name, view in network.parameters.items():
        if held[name].dtype != view.dtype:
            raise ValueError(f"{prefix}{name} is {held[name].dtype}")
        view[...] = held[name]
    return network


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _damaged(path, f"it has {size:,} bytes, more than any model of ours")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no model at {str(path)!r}", hint="Make one with `forecast train DATA`, or say --model."
        ) from error
    except OSError as error:
        raise StorageError(f"cannot read the model {str(path)!r}: {error.strerror}") from error


def _metadata(content: bytes, path: Path) -> dict[str, str]:
    """The metadata of the header; it is checked before any array is."""
    if len(content) < 8:
        raise _damaged(path, "it is too short")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(len(content) - 8, MAX_HEADER):
        raise _damaged(path, "its header is longer than the file or than any of ours")
    try:
        header = json.loads(content[8 : 8 + length])
        metadata = header["__metadata__"]
        foreign = metadata["format"] != FORMAT
        version = int(metadata["version"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, "it is not a model of forecaster, or its header is broken") from error
    if foreign:
        raise _damaged(path, "it is not a model of forecaster")
    if version > VERSION:
        raise ModelError(
            f"{str(path)!r} was written by a newer forecaster (format {version}, this one reads {VERSION})",
            hint="Update with `pip install --upgrade forecaster`, or train again.",
        )
    if version < 1 or not {"model", "sha256"} <= metadata.keys():
        raise _damaged(path, "its header lacks what a model needs")
    return {str(key): str(value) for key, value in metadata.items()}


def _load_arrays(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(content)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, str(error)) from error


def _encode(arrays: dict[str, NDArray[Any]], metadata: dict[str, str]) -> bytes:
    """The file, with its header in one order: that which the library writes differs from run to run."""
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


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(
        f"the model file {str(path)!r} cannot be used: {why}",
        hint="Restore it from a copy, or make a new one with `forecast train DATA`.",
    )


@contextmanager
def lock(path: str | Path) -> Iterator[None]:
    """Hold the lock of the model at `path`, a hidden file beside it.

    Raises LockedError where another run holds it; StorageError where it cannot be made.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    if not path.parent.is_dir():
        raise StorageError(f"cannot write beside {str(path)!r}: there is no such folder")
    held = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        raise LockedError(
            f"another run is training {str(path)!r}",
            hint="Wait for it, or train to another file with --model.",
        ) from error
    except OSError as error:
        raise StorageError(f"cannot write beside {str(path)!r}: {os.strerror(error.errno or 0)}") from error
    try:
        yield
    finally:
        held.release()
