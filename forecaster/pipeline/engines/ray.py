"""The engine of a cluster: tasks of Ray, each of which works on one piece. The extra `ray` installs it.

Pieces and results pass through Ray as bytes, pickled by us: arrays stay writable, and what is shared is read
once by each worker. Ray does not try again by itself: whatever ends a worker or a node, the piece is begun
again here. A worker whose packages are of other versions than ours does nothing: its results could differ.
"""

from __future__ import annotations

import importlib
import logging
import os
import pickle
import signal
import socket
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any

from forecaster.errors import ForecasterError, MemoryLimitError, StorageError, UsageError
from forecaster.machine import memory
from forecaster.machine.cores import cores
from forecaster.pipeline.engines.engine import FEWER, TRIES, Piece, Result, Shared, Tell
from forecaster.pipeline.engines.ray_box import Box
from forecaster.pipeline.engines.working import died

ADDRESS = "RAY_ADDRESS"
"""Variable with the address of a cluster, which Ray defines."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # without it, Ray warns of what it will change
    "RAY_DEDUP_LOGS": "0",
}
ANSWERS = 10.0
"""Seconds within which a cluster takes a connection."""
WAITING = 2
"""Pieces given to Ray beyond those that are worked on, so that no worker waits for the next."""
OF_STORE = 4
"""One part in OF_STORE of the memory that is left goes to the object store, where that is limited."""
LEAST_STORE = 80 * 2**20
ALIKE = ("forecaster", "numpy", "pyarrow")
"""Packages whose versions must be the same on all machines."""
OFTEN = 0.3
"""Seconds between two looks at what workers tell."""
A_LITTLE = 1.0
"""Seconds in which short pieces may end by themselves when nobody wants them any more."""
RETRY = 0.2
"""Seconds before a piece is begun again: Ray then knows that the node is gone."""


_Place = tuple[list[str], int | None]
"""Where modules are found on this machine, and the memory that each worker may take; None: what there is."""


class Ray:
    """Pieces as tasks of Ray, on this machine or on a cluster.

    `address`: ray://HOST:PORT; None: the cluster of RAY_ADDRESS, else this machine. `workers`: pieces worked
    on at once; None: one for each core of the cluster. A cluster of our own ends with this object, one of
    others goes on. Raises UsageError without Ray, StorageError where a cluster does not answer.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._ray, self._address, self._asked = _library(), address or os.environ.get(ADDRESS), workers
        self._closed: weakref.finalize[..., Any] | None = None

    @property
    def workers(self) -> int:
        """How many pieces are worked on at once, at most: a cluster may grow."""
        if self._asked is not None:
            return self._asked
        if not self._ray.is_initialized():
            return cores()
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """As for `Engine`. Raises MemoryLimitError where a piece ends its worker TRIES times."""
        left = iter(enumerate(pieces))
        first = next(left, None)
        if first is None:
            return
        run = _Run(self._ray, work, shared, self._connect())
        try:
            run.give(*first, tries=1)
            while run.busy:
                while len(run.busy) < self.workers + WAITING and (following := next(left, None)):
                    run.give(*following, tries=1)
                yield from run.ready()
        finally:
            self._end(run)

    def map_telling(
        self,
        work: Callable[[Shared, Piece, Tell], Result],
        shared: Shared,
        pieces: Iterable[Piece],
        listen: Callable[[Any], None],
        *,
        keep: bool,
    ) -> Iterator[tuple[int, Result]]:
        """As for `Telling`."""
        place = self._connect()
        box = Box(self._ray)
        run = _Run(self._ray, work, shared, place, box.handle)
        left, stopped = iter(enumerate(pieces)), False
        try:
            while True:
                while not stopped and len(run.busy) < self.workers and (following := next(left, None)):
                    run.give(*following, tries=1)
                if not run.busy:
                    break
                done = []
                try:
                    done = list(run.ready(OFTEN))
                    for message in box.take():
                        listen(message)
                except KeyboardInterrupt:
                    if stopped or not keep:
                        raise
                    stopped = True
                    box.stop()
                yield from done
        finally:
            self._end(run)

    def _end(self, run: _Run) -> None:
        """End what is still being done, by leaving the cluster: to cancel tasks may abort this process."""
        if self._closed is not None and not run.ended():
            self._closed()

    def _connect(self) -> _Place:
        """Connect to the cluster, or begin one here."""
        here = self._address is None
        share = None
        if here and memory.allowed() is not None:
            share = (memory.left() or 0) * (OF_STORE - 1) // OF_STORE // self.workers
        place = (sys.path if here else []), share
        if self._ray.is_initialized():  # ours, or one that the program around us uses
            return place
        try:
            with _undisturbed():
                _check_answers(self._address)
                _begin(self._ray, self._address, self._asked)
        except Exception as error:  # Ray raises many kinds, also plain ones
            if here:
                raise StorageError(f"Ray cannot be begun here: {_first_line(error)}") from error
            raise StorageError(
                f"the cluster {self._address} cannot be reached: {_first_line(error)}",
                hint="Check that it runs, with the versions of Ray and Python of this machine.",
            ) from error
        self._closed = weakref.finalize(self, self._ray.shutdown)  # when nobody needs it, or at the end
        return place


def _library() -> Any:
    """Ray, told to be quiet. UsageError where it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        library = importlib.import_module("ray")
    except ImportError as error:
        raise UsageError(
            "the engine ray needs the library ray",
            hint="Install it: pip install 'forecaster[ray]', or leave --engine out.",
        ) from error
    with suppress(AttributeError):  # it writes of workers that died to stdout, whatever it is told
        library._private.worker.print_to_stdstream = lambda *_, **__: None
    return library


def _check_answers(address: str | None) -> None:
    """Raise OSError where nothing answers at HOST:PORT: Ray itself would try for many minutes, and tell of it
    on stderr.
    """
    host, colon, port = (address or "").removeprefix("ray://").partition("/")[0].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), ANSWERS).close()


def _begin(ray: Any, address: str | None, workers: int | None) -> None:
    """Connect to a cluster; without an address, begin one on this machine."""
    own: dict[str, Any] = {}
    if address is None:
        own = {"num_cpus": workers or cores(), "include_dashboard": False}
        if memory.allowed() is not None:
            own["object_store_memory"] = max((memory.left() or 0) // OF_STORE, LEAST_STORE)
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        with suppress(Exception):  # on a busy machine, Ray may find itself too slow to begin
            ray.init("local", **quiet, **own)
            return
        ray.shutdown()
    ray.init(address or "local", **quiet, **own)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ray takes over SIGTERM: it stays as it was. The processes of Ray get no limit of ours."""
    before = signal.getsignal(signal.SIGTERM)
    with memory.unlimited():
        yield
    with suppress(ValueError):  # not the main thread: Ray has left it alone
        signal.signal(signal.SIGTERM, before)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class _Run:
    """The tasks of one `map`."""

    def __init__(self, ray: Any, work: Any, shared: Any, place: _Place, box: Any = None) -> None:
        self._ray, self._place, self._box = ray, place, box
        self._job = [ray.put(pickle.dumps((work, shared), protocol=5))]  # in a list: a worker reads it once
        self._versions = {name: version(name) for name in ALIKE}
        self._task = ray.remote(num_cpus=1, max_retries=0)(_remote())
        self.busy: dict[Any, tuple[int, Any, int]] = {}
        """Task -> number of the piece, the piece, how often it was begun."""

    def give(self, number: int, piece: Any, tries: int) -> None:
        """Begin a piece."""
        content = pickle.dumps(piece, protocol=5)
        task = self._task.remote(self._versions, self._place, self._job, content, self._box)
        self.busy[task] = number, piece, tries

    def ready(self, timeout: float | None = None) -> Iterator[tuple[int, Any]]:
        """Number and result of the next piece, unless it must be begun again. Raises errors of the work.

        `timeout`: seconds to wait for it; None: until it is there.
        """
        done, _ = self._ray.wait(list(self.busy), num_returns=1, timeout=timeout)
        if not done:
            return
        number, piece, tries = self.busy[done[0]]
        try:
            answer = self._ray.get(done[0])
        except self._ray.exceptions.RayTaskError as error:
            raise RuntimeError(f"in a worker process:\n{error}") from None
        except self._ray.exceptions.RayError as error:
            del self.busy[done[0]]
            if tries == TRIES:
                raise MemoryLimitError(
                    died(f" ({_first_line(error)})", number, TRIES),
                    hint=FEWER,
                ) from error
            time.sleep(RETRY)
            self.give(number, piece, tries + 1)
            return
        if isinstance(answer, tuple):
            node, there = answer
            raise _other_versions(node, there, self._versions)
        answer = pickle.loads(answer)
        if isinstance(answer, BaseException):
            raise answer
        del self.busy[done[0]]
        yield number, answer

    def ended(self) -> bool:
        """Whether nothing is being done any more; waits for it a little."""
        tasks = list(self.busy)
        return not tasks or not self._ray.wait(tasks, num_returns=len(tasks), timeout=A_LITTLE)[1]


def _other_versions(node: str, there: dict[str, str], here: dict[str, str]) -> ForecasterError:
    """The error for a machine of the cluster that has not what this one has."""
    name = next(name for name in here if there[name] != here[name])
    has = f"has {name} {there[name]}" if there[name] else f"has no {name}"
    return UsageError(
        f"the node {node} of the cluster {has}, but this machine has {here[name]}",
        hint=f"Install {name} {here[name]} on every node, such as in the image of the cluster.",
    )


def _remote() -> Callable[..., Any]:
    """What a worker runs. A function within a function passes as its code: the package need not be there."""

    def task(versions: dict[str, str], place: Any, job: list[Any], piece: bytes, box: Any) -> Any:
        import platform
        import sys
        from importlib.metadata import PackageNotFoundError, version

        paths, share = place
        sys.path += [path for path in paths if path not in sys.path]
        there = dict.fromkeys(versions, "")
        for name in versions:
            try:
                there[name] = version(name)
            except PackageNotFoundError:
                break
        if there != versions:
            return platform.node(), there
        from forecaster.pipeline.engines.ray_worker import answer

        return answer(job, piece, share, box)

    return task
