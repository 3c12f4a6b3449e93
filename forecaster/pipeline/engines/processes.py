"""The engine of one machine: processes, each of which works on one piece at a time."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

from forecaster.errors import MemoryLimitError
from forecaster.machine import memory
from forecaster.machine.cores import use_one
from forecaster.machine.processes import Worker, ready
from forecaster.pipeline.engines.engine import FEWER, TRIES, Piece, Result, Shared
from forecaster.pipeline.engines.working import answer_to, died

SERVE = "forecaster.pipeline.engines.processes:serve"


class InTurn:
    """One piece after the other, in this process."""

    workers = 1

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """As for `Engine`."""
        for number, piece in enumerate(pieces):
            yield number, work(shared, piece)


class Processes:
    """Pieces in several processes of this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(
        self, work: Callable[[Shared, Piece], Result], shared: Shared, pieces: Iterable[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """As for `Engine`. Raises MemoryLimitError where a piece ends its worker TRIES times."""
        with ExitStack() as stack:
            self.crew = crew = _Crew(work, shared, iter(enumerate(pieces)), self.workers)
            stack.callback(crew.end)
            while crew.hire():
                for line in ready(crew.busy):
                    number, piece, tries = crew.busy.pop(line)
                    try:
                        answer = line.recv()
                    except (EOFError, ConnectionResetError):
                        crew.again(line, number, piece, tries)
                        continue
                    crew.free.append(line)
                    if isinstance(answer, BaseException):
                        raise crew.advised(answer)
                    crew.hire()  # before the result is used: the worker need not wait for that
                    yield number, answer
            crew.dismiss()


class _Crew:
    """The workers, and who does what."""

    def __init__(self, work: Any, shared: Any, pieces: Iterator[tuple[int, Any]], count: int) -> None:
        self.job, self.pieces, self.count = (work, shared), pieces, count
        self.busy: dict[Connection, tuple[int, Any, int]] = {}
        self.free: list[Connection] = []
        self.left: list[tuple[int, Any, int]] = []
        """Pieces whose worker has died, with how often they were begun."""
        self.workers: dict[Connection, Worker] = {}
        self.told: set[Connection] = set()
        """Those that know the job."""
        self.share = None if memory.allowed() is None else (memory.left() or 0) // count

    def hire(self) -> bool:
        """Give a piece to each worker that is free, and to new ones up to their number; whether one works."""
        while self.free or len(self.workers) < self.count:
            if self.left:
                number, piece, tries = self.left.pop()
            else:
                following = next(self.pieces, None)
                if following is None:
                    break
                (number, piece), tries = following, 0
            line = self.free.pop() if self.free else self._new()
            try:
                if line not in self.told:
                    line.send(self.job)
                    self.told.add(line)
                line.send(piece)
            except (BrokenPipeError, ConnectionResetError):  # it died before it had anything to do
                self.again(line, number, piece, tries + 1)
                continue
            self.busy[line] = number, piece, tries + 1
        return bool(self.busy)

    def _new(self) -> Connection:
        worker = Worker(SERVE, self.share)
        self.workers[worker.line] = worker
        return worker.line

    def again(self, line: Connection, number: int, piece: Any, tries: int) -> None:
        """Keep the piece of a worker that has died for another."""
        worker = self.workers.pop(line)
        how = worker.last_words()
        worker.close(kill=True)
        if tries == TRIES:
            raise MemoryLimitError(died(how, number, TRIES), hint=FEWER)
        self.left.append((number, piece, tries))

    def advised(self, error: BaseException) -> BaseException:
        """The error of a worker; that its share of --max-memory is too small has this remedy first."""
        if self.share is None or not isinstance(error, MemoryLimitError):
            return error
        return MemoryLimitError(error.message, hint=f"{FEWER} {error.hint}".strip())

    def dismiss(self) -> None:
        """Let all workers end by themselves."""
        while self.workers:
            self.workers.popitem()[1].close()

    def end(self) -> None:
        """End the workers at once, whatever they do."""
        while self.workers:
            self.workers.popitem()[1].close(kill=True)


def serve(line: Connection) -> None:
    """Work on pieces for the process at the other end of a pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_one()
    work, shared = line.recv()
    while True:
        line.send(answer_to(work, shared, line.recv()))
