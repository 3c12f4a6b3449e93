"""The engine that a user names."""

from __future__ import annotations

from forecaster.errors import UsageError
from forecaster.machine.cores import cores
from forecaster.machine.processes import possible
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.engines.processes import InTurn, Processes

DEFAULT = "processes"


def engine_named(name: str = DEFAULT, workers: int | None = None) -> Engine:
    """The engine `processes`. `workers`: None for one of each core. Raises UsageError for other names."""
    if name != DEFAULT:
        raise UsageError(f"there is no engine {name!r}", hint=f"Use {DEFAULT}.")
    count = workers or cores()
    return Processes(count) if count > 1 and possible() else InTurn()
