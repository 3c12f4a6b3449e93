"""Calls to a store, each in a thread of its own: a store that never answers holds up nothing for long.

A call in C++ cannot be stopped. It goes on in a thread that ends with the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

VARIABLE = "FORECAST_STORAGE_SECONDS"
SECONDS = 30.0
AT_ONCE = 8
"""Requests at the same time: one alone does not fill a fast network."""


def patience() -> float:
    """Seconds that a store may stay silent."""
    try:
        return max(float(os.environ.get(VARIABLE, SECONDS)), 1.0)
    except ValueError:
        return SECONDS


def answers(calls: Sequence[Callable[[], T]], seconds: float | None = None) -> list[T]:
    """What the calls return, in order. Raises what a call raises; TimeoutError if none ends for `seconds`."""
    seconds = seconds or patience() + 5  # the libraries give up first, and say why
    todo: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, T | None, BaseException | None]] = SimpleQueue()
    for number in range(len(calls)):
        todo.put(number)

    def work() -> None:
        while True:
            try:
                number = todo.get_nowait()
            except Empty:
                return
            try:
                done.put((number, calls[number](), None))
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
                done.put((number, None, error))

    for _ in range(min(AT_ONCE, len(calls))):
        threading.Thread(target=work, daemon=True).start()
    results: dict[int, T] = {}
    while len(results) < len(calls):
        try:
            number, result, error = done.get(timeout=seconds)
        except Empty:
            raise TimeoutError(f"no answer for {seconds:.0f} s") from None
        if error is not None:
            while not todo.empty():
                _drop(todo)
            raise error
        results[number] = result  # type: ignore[assignment] # of a call without an error
    return [results[number] for number in range(len(calls))]


def answer(call: Callable[[], T], seconds: float | None = None) -> T:
    """What one call returns; see `answers`."""
    return answers([call], seconds)[0]


def _drop(todo: SimpleQueue[int]) -> None:
    try:
        todo.get_nowait()
    except Empty:
        return
