"""What only some systems have: flags to open files with, 0 where they mean nothing, and owners of files."""

import os


def _flag(name: str) -> int:
    return getattr(os, name, 0)


BINARY = _flag("O_BINARY") | _flag("O_CLOEXEC")
"""Bytes as they are, which Windows would change at line ends; and not for other programs."""
NO_WAIT = _flag("O_NONBLOCK")
"""No wait for the other end of a FIFO."""
NO_LINK = _flag("O_NOFOLLOW")
"""Not what a link names."""
NO_TERMINAL = _flag("O_NOCTTY")
"""A terminal that is opened does not control this process."""
HAS_OWNERS = hasattr(os, "fchown")
"""Whether files have an owner, a group and a mode: not on Windows."""
