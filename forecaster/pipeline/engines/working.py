"""What a worker does with a piece, wherever it works."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from forecaster.errors import ForecasterError
from forecaster.machine import memory


def answer_to(work: Callable[[Any, Any], Any], shared: Any, piece: Any) -> Any:
    """The result of a piece, or the error to be raised where the run was begun."""
    try:
        return work(shared, piece)
    except ForecasterError as error:
        return error
    except MemoryError as error:
        return memory.ran_out(error)
    except Exception:  # noqa: BLE001 - a bug: it is shown where the run was begun
        return RuntimeError(f"in a worker process:\n{traceback.format_exc()}")


def died(how: str, number: int, tries: int) -> str:
    """What to say of a piece, counted from 0, that ended its worker on each try."""
    return f"a process has died{how} on piece {number + 1}, {tries} times, perhaps as memory ran out"
