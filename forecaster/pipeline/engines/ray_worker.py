"""What a worker of Ray does: one piece after the other, of the newest job that it has been given."""

from __future__ import annotations

import importlib
import pickle
from functools import partial
from typing import Any

from forecaster.machine import memory
from forecaster.machine.cores import use_one
from forecaster.pipeline.engines.working import answer_to


class _Known:
    """What a worker knows: the newest job."""

    job: str | None = None
    work: Any = None
    shared: Any = None


def answer(job: list[Any], piece: bytes, share: int | None, box: Any) -> bytes:
    """The result of a piece or its error, pickled. `box`: where to tell how far it is; None: nowhere."""
    if _Known.job is None:
        use_one()
        if share is not None:
            memory.restrict(share)
    if _Known.job != job[0].hex():
        _Known.work = _Known.shared = None  # the one before may be large
        _Known.work, _Known.shared = pickle.loads(importlib.import_module("ray").get(job[0]))
        _Known.job = job[0].hex()
    work = _Known.work if box is None else partial(_telling, _Known.work, box)
    return pickle.dumps(answer_to(work, _Known.shared, pickle.loads(piece)), protocol=5)


def _telling(work: Any, box: Any, shared: Any, piece: Any) -> Any:
    """Work that tells how far it is."""
    ray = importlib.import_module("ray")

    def tell(message: Any) -> bool:
        try:
            return bool(ray.get(box.put.remote(pickle.dumps(message, protocol=5))))
        except ray.exceptions.RayError:  # the node of the box died: the work goes on, untold
            return False

    return work(shared, piece, tell)
