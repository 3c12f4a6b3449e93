"""Checkpoint: how far a training has come, in a hidden file beside the model, for a run after a kill.

The networks are all that takes long: everything else is computed again, the same to the byte. The file holds
the state of each network at work and the result of each finished one, and digests of data and settings.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from forecaster.config import Options, to_json
from forecaster.data.panel import Panel
from forecaster.data.storage import files as storage
from forecaster.data.storage.place import Named, Place, real
from forecaster.data.writing.atomic import atomic_write
from forecaster.errors import DataError, StorageError
from forecaster.nn.array_file import decode, encode
from forecaster.nn.compiled_layer import available
from forecaster.training.loop import Event, State
from forecaster.training.member import Task

Listener = Callable[[Event], None]

FORMAT, VERSION = "forecaster-checkpoint", 1
SECONDS_VARIABLE = "FORECAST_CHECKPOINT_SECONDS"
"""Environment variable: seconds between two checkpoints, the first of which comes after as many."""
SECONDS = 5.0
SHARE = 0.01
"""Most of the time that writing may take: a slow disk gets fewer checkpoints."""
BITS = {"<f4": "<u4", "<f8": "<u8"}


def checkpoint_file(model: Named) -> Place:
    """The checkpoint beside a model; one for all links to it."""
    path = real(model)
    return path.with_name(f".{path.name}.checkpoint")


class Checkpoint:
    """The states of all networks of a training. `tell` reports to the user."""

    def __init__(self, path: Place, tell: Callable[[str], None], *, resume: bool = True) -> None:
        self.path, self.resume = path, resume
        self.written = False
        """Whether this run has left a file that the next one can go on from."""
        self._tell = tell
        self._seconds = float(os.environ.get(SECONDS_VARIABLE, SECONDS))
        self._pause, self._last, self._failed = self._seconds, time.monotonic(), False
        self._identity: dict[str, str] = {}
        self._states: dict[str, State] = {}
        self._keys: dict[tuple[str, int], str] = {}

    def begin(self, panel: Panel, options: Options) -> None:
        """Take over what an interrupted run of the same training has left, if anything."""
        self._identity, self._last = _identity(panel, options), time.monotonic()
        if not self.resume or not storage.is_file(self.path):
            return
        try:
            identity, states = _decoded(storage.read(self.path))
        except (OSError, ValueError, KeyError, TypeError, DataError) as error:
            self._tell(f"the checkpoint {self.path.name} cannot be used ({error}): training starts anew")
            return
        changed = [name for name, value in self._identity.items() if identity.get(name) != value]
        if changed:
            what = " and ".join(changed)
            self._tell(f"an interrupted training was not the same ({what} differ): training starts anew")
            return
        self._tell("going on where an interrupted training of the same data and settings stopped")
        self._states, self.written = states, True

    def resumed(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks, with their states as far as there are any."""
        keys = [_key(task) for task in tasks]
        self._keys = {(task.label[0], task.label[1]): key for task, key in zip(tasks, keys, strict=True)}
        return [
            dataclasses.replace(task, state=self._states.get(key), state_every=self._seconds)
            for task, key in zip(tasks, keys, strict=True)
        ]

    def listener(self, on_event: Listener | None) -> Listener:
        """Keeps the states of events, and passes the events on without them."""

        def listen(event: Event) -> None:
            if event.state is not None:
                self._states[self._keys[event.stage, event.member]] = event.state
                event = dataclasses.replace(event, state=None)
                self._write_if_due()
            if on_event is not None:
                on_event(event)

        return listen

    def _write_if_due(self) -> None:
        """Write the file, but not too often. If that fails, say so once; training goes on."""
        start = time.monotonic()
        if self._failed or start - self._last < self._pause:
            return
        content = _encoded(self._identity, self._states)

        def write(file: BinaryIO) -> None:
            file.write(content)

        try:
            atomic_write(self.path, write)
        except StorageError as error:
            self._failed = True
            self._tell(f"training goes on without checkpoints: {error.message}")
            return
        self.written, self._last = True, time.monotonic()
        if self._seconds:
            self._pause = max(self._seconds, (self._last - start) / SHARE)

    def remove(self) -> None:
        """Remove the file: the training is done."""
        try:
            storage.remove(self.path)
        except FileNotFoundError:
            pass
        except StorageError as error:
            self._tell(error.message)
        except OSError as error:
            self._tell(f"{self.path.name} cannot be removed: {error.strerror}")
        self.written = False


def _key(task: Task) -> str:
    """What names a task in the file: stage, number, and a digest of its configuration and first weights."""
    stage, number, _ = task.label
    digest = hashlib.sha256(json.dumps(to_json(task.config), sort_keys=True).encode())
    if task.start is not None:
        digest.update(np.ascontiguousarray(task.start).tobytes())
    return f"{stage} {number} {digest.hexdigest()[:32]}"


def _identity(panel: Panel, options: Options) -> dict[str, str]:
    """Digests of all that the networks depend on, by the name that a message gives it."""
    settings = to_json(dataclasses.replace(options, workers=None, keep_on_interrupt=False))
    program = [version("forecaster"), np.__version__, platform.machine(), available(np.float32)]
    arrays = [panel.values, panel.observed, panel.time, panel.offsets, *(panel.turns or ())]
    rest = [panel.ids, to_json(panel.frequency), to_json(panel.names), panel.max_gap, panel.circle]
    return {
        "data": _digest(rest, arrays),
        "settings": _digest(settings),
        "versions of the program": _digest(program),
    }


def _digest(values: Any, arrays: Sequence[NDArray[Any]] = ()) -> str:
    total = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode())
    for array in arrays:
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _encoded(identity: dict[str, str], states: dict[str, State]) -> bytes:
    """The bytes of a checkpoint. Floats are stored as bits: a moment of the optimiser may be infinite."""
    text = json.dumps({"identity": identity, "states": {key: state.facts for key, state in states.items()}})
    arrays = {
        f"{key}|{name}": array.view(BITS[array.dtype.str])
        for key, state in states.items()
        for name, array in state.arrays.items()
    }
    return encode(text, arrays, format=FORMAT, version=VERSION)


def _decoded(content: bytes) -> tuple[dict[str, str], dict[str, State]]:
    """Identity and states. ValueError, KeyError or TypeError where the file is damaged or another one."""
    text, arrays = decode(content, FORMAT)
    facts = json.loads(text)
    held: dict[str, dict[str, Any]] = {key: {} for key in facts["states"]}
    floats = {bits: kind for kind, bits in BITS.items()}
    for name, array in arrays.items():
        key, _, part = name.partition("|")
        held[key][part] = array.view(floats[array.dtype.str])
    return facts["identity"], {key: State(facts["states"][key], held[key]) for key in held}
