"""Members in processes of their own, side by side: one a core.

Threads over shards of a batch (`nn.parallel`) wait for the interpreter lock at every call; whole members in
processes of their own don't, and train 1.2 to 1.5 times as fast. A member is the same bytes either way.

A process is this file run anew, not a fork: a fork copies locks that threads of a library may hold. It gets
the Panel and then one task after another through a pipe, and answers with events and, at last, weights. What
goes through the pipe is pickled, by ourselves for ourselves; nothing of it is ever kept.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, Pipe, wait

from forecaster.arrays import Float32s
from forecaster.data.panel import Panel
from forecaster.errors import ForecasterError
from forecaster.nn.parallel import cores
from forecaster.training.loop import Event, Outcome
from forecaster.training.member import Run, Task, fit_member
from forecaster.training.plan import Split

Result = tuple[Float32s, Outcome]
"""The weights of a member (P,), and how its training ended."""

MOST_VALUES = 500_000
"""Every process holds the Panel and what is made of it; a larger one is left to threads."""
LEAST_STEPS = 500
"""Fewer steps in all are over before the processes have started."""
PATIENCE = 5.0
"""Seconds that a process may take to end."""

START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from forecaster.training.worker_processes import serve
serve(int(sys.argv[2]))
"""


def processes(panel: Panel, tasks: Sequence[Task]) -> int:
    """How many processes serve these tasks best; 1: none, threads do."""
    steps = sum(task.config.training.steps for task in tasks)
    small = steps < LEAST_STEPS or panel.values.size > MOST_VALUES
    if small or os.name != "posix" or not sys.executable:
        return 1
    return min(len(tasks), tasks[0].workers or cores())


def fit_side_by_side(
    panel: Panel, parts: Split, tasks: Sequence[Task], count: int, on_event: Callable[[Event], None] | None
) -> list[Result | None]:
    """The result of each task, by `count` processes; None for those that an interruption kept from it.

    Ctrl-C raises KeyboardInterrupt unless the tasks say `keep_on_interrupt`: then those at work end with
    what they have, and the others are left out.

    Raises ForecasterError where a process dies, DivergenceError where a training does.
    """
    results: list[Result | None] = [None] * len(tasks)
    waiting = list(enumerate(tasks))[::-1]
    working: dict[Connection, int] = {}
    interrupted = False

    def next_task(line: Connection) -> None:
        if waiting and not interrupted:
            working[line], task = waiting.pop()
            line.send(task)

    with ExitStack() as stack:
        crew = dict(stack.enter_context(_process()) for _ in range(count))
        for line in crew:
            line.send((panel, parts))
            next_task(line)
        while working:
            try:
                for line in _ready(working):
                    answer = _receive(line, interrupted)
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
    """Those with something to say; waits for the first."""
    ready = wait(lines)
    return [line for line in lines if line in ready]


def _receive(line: Connection, interrupted: bool) -> Event | Result | None:
    """What a process has to say; raises what went wrong there."""
    try:
        answer = line.recv()
    except (EOFError, ConnectionResetError) as error:
        if interrupted:
            return None  # Ctrl-C met it before it could listen
        raise ForecasterError(
            "a process that trained a network has died, perhaps for want of memory",
            hint="`--workers 1` trains one network after the other in a single process.",
        ) from error
    if isinstance(answer, ForecasterError):
        raise answer
    return answer


@contextmanager
def _process() -> Iterator[tuple[Connection, subprocess.Popen[bytes]]]:
    """A process that serves, out of reach of the terminal's Ctrl-C: that is for us to pass on."""
    ours, theirs = Pipe()
    with ours:
        with theirs:
            worker = subprocess.Popen(
                [sys.executable, "-c", START, json.dumps(sys.path), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
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
            ours.close()  # at which it ends
            try:
                worker.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def serve(descriptor: int) -> None:
    """Fit members for the process at the other end of a pipe until it closes that."""
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))  # heeded between two messages
    with Connection(descriptor) as line:
        try:
            panel, parts = line.recv()
            while True:
                _serve_one(line, fit_member(panel, parts, line.recv()), asked)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the other end has gone, in whatever way: nobody waits for an answer


def _serve_one(line: Connection, run: Run, asked: list[int]) -> None:
    """Tell of every event, then the result; `asked` holds something once this should end."""
    try:
        event = next(run)
        while True:
            line.send(event)
            event = run.throw(KeyboardInterrupt()) if asked else next(run)
    except StopIteration as stop:
        network, outcome = stop.value
        line.send((network.flat, outcome))
    except KeyboardInterrupt:
        line.send(None)
    except ForecasterError as error:
        line.send(error)
