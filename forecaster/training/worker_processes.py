"""Trains members in parallel, in worker processes: one per core.

Threads over shards of a batch (`nn.parallel`) wait for the interpreter lock at every call. Whole members in
processes do not, and train 1.2 to 1.5 times as fast. A member is the same bytes either way.

A worker is a new interpreter, not a fork: a fork would copy locks that threads of a library may hold. It
receives the Panel and then one task after another through a pipe, and answers with events and finally
weights. Messages are pickled; they pass only between our own processes and are never stored.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, Pipe, wait

from forecaster.arrays import Float32s
from forecaster.data.panel import Panel
from forecaster.errors import ForecasterError, MemoryLimitError
from forecaster.machine import memory
from forecaster.machine.cores import cores
from forecaster.training.loop import Event, Outcome
from forecaster.training.member import Run, Task, fit_member
from forecaster.training.plan import Split, training_bytes

Result = tuple[Float32s, Outcome]
"""The weights of a member (P,), and the outcome of its training."""

MOST_VALUES = 500_000
"""A larger Panel is trained by threads, because every process holds a copy of it and of its features."""
LEAST_STEPS = 500
"""Fewer steps in total take less time than starting the processes."""
COPIES = 6
"""What a process holds of the Panel, with all that is made of it."""
PATIENCE = 5.0
"""Seconds to wait for a process to end before it is killed."""

START = """
import ctypes, json, os, signal, sys
if sys.platform.startswith("linux"):
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[3]):
    os._exit(1)
sys.path[:] = json.loads(sys.argv[1])
from forecaster.training.worker_processes import serve
serve(int(sys.argv[2]), int(sys.argv[4]), json.loads(sys.argv[5]))
"""
"""What a worker runs. Linux ends it with its parent; elsewhere `_end_with_parent` does."""


def processes(panel: Panel, tasks: Sequence[Task]) -> int:
    """The best number of processes for these tasks; 1: use threads in this process."""
    steps = sum(task.config.training.steps for task in tasks)
    small = steps < LEAST_STEPS or panel.values.size > MOST_VALUES
    if small or os.name != "posix" or not sys.executable:
        return 1
    wanted = min(len(tasks), tasks[0].workers or cores())
    if memory.allowed() is None:
        return wanted
    each = memory.FRESH + COPIES * panel.values.nbytes + max(training_bytes(task.config) for task in tasks)
    return max(1, min(wanted, (memory.left() or 0) // each))


def fit_in_parallel(
    panel: Panel, parts: Split, tasks: Sequence[Task], count: int, on_event: Callable[[Event], None] | None
) -> list[Result | None]:
    """The result of each task, by `count` processes; None for tasks not done because of an interruption.

    Ctrl-C raises KeyboardInterrupt. With `keep_on_interrupt`, running tasks end with the weights they have
    instead, and tasks not yet started are left out.

    Raises MemoryLimitError where a process dies, DivergenceError where a training diverges.
    """
    results: list[Result | None] = [None] * len(tasks)
    waiting = list(enumerate(tasks))[::-1]
    working: dict[Connection, int] = {}
    interrupted = False

    def next_task(line: Connection) -> None:
        if waiting and not interrupted:
            working[line], task = waiting.pop()
            line.send(task)

    share = None if memory.allowed() is None else (memory.left() or 0) // count
    with ExitStack() as stack:
        crew = dict(stack.enter_context(_process(share)) for _ in range(count))
        for line in crew:
            line.send((panel, parts))
            next_task(line)
        while working:
            try:
                for line in _ready(working):
                    answer = _receive(line, crew[line], interrupted)
                    if isinstance(answer, Event):
                        if on_event is not None:
                            on_event(answer)
                        continue
                    results[working.pop(line)] = answer
                    next_task(line)
            except KeyboardInterrupt:
                if interrupted or not tasks[0].keep_on_interrupt:
                    raise
                interrupted = True
                for line in working:
                    crew[line].send_signal(signal.SIGINT)
    return results


def _ready(lines: Collection[Connection]) -> list[Connection]:
    """The connections with a message; waits for the first."""
    ready = wait(lines)
    return [line for line in lines if line in ready]


def _receive(line: Connection, worker: subprocess.Popen[bytes], interrupted: bool) -> Event | Result | None:
    """The next message of a process; raises the error if it sent one."""
    try:
        answer = line.recv()
    except (EOFError, ConnectionResetError) as error:
        if interrupted:
            return None  # it received Ctrl-C before its handler was installed
        raise MemoryLimitError(
            f"a training process has died{_last_words(worker)}, perhaps because memory ran out",
            hint="Use `--workers 1` to train one network after the other in a single process; or give fewer "
            "rows or series.",
        ) from error
    if isinstance(answer, ForecasterError):
        raise answer
    return answer


def _last_words(worker: subprocess.Popen[bytes]) -> str:
    """How a process ended, as far as that is known."""
    try:
        code = worker.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return ""
    return f" (killed by signal {-code})" if code < 0 else f" (exit code {code})"


@contextmanager
def _process(share: int | None) -> Iterator[tuple[Connection, subprocess.Popen[bytes]]]:
    """A worker process in a session of its own: the terminal's Ctrl-C reaches only us, and we pass it on.

    `share`: the memory that it may take; None: what there is.
    """
    ours, theirs = Pipe()
    alive, life = os.pipe()  # nothing is written: the end closes with this process
    with ours, os.fdopen(life, "wb"):
        with theirs, os.fdopen(alive, "rb"):
            own = (json.dumps(sys.path), theirs.fileno(), os.getpid(), alive, json.dumps(share))
            worker = subprocess.Popen(
                [sys.executable, "-c", START, *map(str, own)],
                pass_fds=[theirs.fileno(), alive],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            yield ours, worker
        except BaseException:
            worker.kill()
            raise
        finally:
            ours.close()  # this makes the worker end
            try:
                worker.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def serve(descriptor: int, alive: int, share: int | None) -> None:
    """Fit members for the process at the other end of a pipe until that process closes the pipe.

    `alive`: a pipe that the other process holds open as long as it lives. `share`: as for `_process`.
    """
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
    if share is not None:
        memory.restrict(share)
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))  # checked between messages
    with Connection(descriptor) as line:
        try:
            panel, parts = line.recv()
            while True:
                _serve_one(line, fit_member(panel, parts, line.recv()), interrupts)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the other end is closed: nobody waits for an answer


def _serve_one(line: Connection, run: Run, interrupts: list[int]) -> None:
    """Send every event, then the result; training ends early once `interrupts` is not empty."""
    try:
        event = next(run)
        while True:
            line.send(event)
            event = run.throw(KeyboardInterrupt()) if interrupts else next(run)
    except StopIteration as stop:
        network, outcome = stop.value
        line.send((network.flat, outcome))
    except KeyboardInterrupt:
        line.send(None)
    except ForecasterError as error:
        line.send(error)
    except MemoryError as error:
        line.send(memory.ran_out(error))


def _end_with_parent(alive: int) -> None:
    """Wait in a thread until the parent ends, and end at once, however busy this process is."""
    os.read(alive, 1)
    os._exit(1)
