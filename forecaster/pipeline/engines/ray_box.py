"""Where workers of Ray leave messages for the process that began them, and learn when to end early."""

from __future__ import annotations

import pickle
from contextlib import suppress
from typing import Any


class Box:
    """The box, seen from the process that began the run. Without it the work goes on, untold."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self.handle = ray.remote(num_cpus=0)(_box()).remote()

    def take(self) -> list[Any]:
        """The messages left since the last time."""
        with suppress(self._ray.exceptions.RayError):  # its node died
            return [pickle.loads(message) for message in self._ray.get(self.handle.take.remote())]
        return []

    def stop(self) -> None:
        """Let the workers end early."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.get(self.handle.stop.remote())


def _box() -> type:
    """The class of the actor; within a function, it passes as its code."""

    class Messages:
        def __init__(self) -> None:
            self.left: list[bytes] = []
            self.stopped = False

        def put(self, message: bytes) -> bool:
            self.left.append(message)
            return self.stopped

        def take(self) -> list[bytes]:
            left, self.left = self.left, []
            return left

        def stop(self) -> None:
            self.stopped = True

    return Messages
