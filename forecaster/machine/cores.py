"""Cores: how many of them this process may use."""

import os


class _Limit:
    """What this process may use at most; None: what the machine has."""

    most: int | None = None


def cores() -> int:
    """Cores this process may use; all cores on systems that cannot say."""
    if _Limit.most is not None:
        return _Limit.most
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_one() -> None:
    """Let this process use one core from now on: it is a worker, of which there are as many as cores."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no types

    _Limit.most = 1
    threadpool_limits(1, user_api="blas")
