"""Cores: how many of them this process may use."""

import os


def cores() -> int:
    """Cores this process may use; all cores on systems that cannot say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
