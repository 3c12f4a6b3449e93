"""The engine that a user names."""

from __future__ import annotations

from forecaster.errors import UsageError
from forecaster.machine.cores import cores
from forecaster.machine.processes import possible
from forecaster.pipeline.engines.engine import Engine
from forecaster.pipeline.engines.processes import InTurn, Processes

DEFAULT, RAY = "processes", "ray"
CLUSTER = "ray://"
"""What the address of a cluster begins with."""


def engine_named(name: str | None = None, workers: int | None = None) -> Engine:
    """The engine `processes`, `ray`, or that of a cluster, ray://HOST:PORT. None: the default.

    `workers`: None for one of each core, here or of the cluster. Raises UsageError for other names, and the
    errors of `Ray`.
    """
    name = name or DEFAULT
    if name == RAY or name.startswith(CLUSTER):
        from forecaster.pipeline.engines.ray import Ray

        return Ray(None if name == RAY else name, workers)
    if name != DEFAULT:
        raise UsageError(f"there is no engine {name!r}", hint=f"Use {DEFAULT}, {RAY} or {CLUSTER}HOST:10001.")
    count = workers or cores()
    return Processes(count) if count > 1 and possible() else InTurn()
