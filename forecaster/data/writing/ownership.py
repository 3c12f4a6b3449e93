"""Owner, group, mode and access lists of a file that is replaced."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from forecaster.machine.system import HAS_OWNERS

ATTRIBUTES = ("user.", "system.posix_acl_access")
"""Extended attributes that a new file takes over: those that users set, and access lists."""


def keep(handle: int, target: Path, old: os.stat_result) -> str:
    """Give an open file the owner, group, mode and access list of `target`, which has the status `old`.

    Returns what could not be kept, empty where all was. Nobody gets a right that they did not have: where the
    group is another, it gets the rights of all others.
    """
    if not HAS_OWNERS:
        return ""
    owner, group = _own(handle, old)
    mode = stat.S_IMODE(old.st_mode)
    if not group:
        mode = mode & ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3
    try:
        os.fchmod(handle, mode)
    except OSError as error:
        return f"the mode of {str(target)!r} cannot be kept: {error.strerror}"
    if owner and group:
        _copy_attributes(handle, target)
        return ""
    what = " and ".join(["owner"] * (not owner) + ["group"] * (not group))
    before, after = (f"{user(s.st_uid)}:{_group(s.st_gid)}" for s in (old, os.fstat(handle)))
    return (
        f"the {what} of {str(target)!r} cannot be kept: it belongs to {before}, and once replaced to {after}"
    )


def _own(handle: int, old: os.stat_result) -> tuple[bool, bool]:
    """Set owner and group of an open file; whether they are those of `old`."""
    for owner in (old.st_uid, -1):
        new = os.fstat(handle)
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            with contextlib.suppress(OSError):
                os.fchown(handle, owner, old.st_gid)
    new = os.fstat(handle)
    return new.st_uid == old.st_uid, new.st_gid == old.st_gid


def _copy_attributes(handle: int, target: Path) -> None:
    """Copy access lists and the attributes that users set, where the file system has them."""
    if not hasattr(os, "listxattr"):
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(target):
            if name.startswith(ATTRIBUTES):
                os.setxattr(handle, name, os.getxattr(target, name))


def is_ours(old: os.stat_result) -> bool:
    """Whether a file belongs to this user and to one of the user's groups."""
    return not HAS_OWNERS or (old.st_uid == os.geteuid() and old.st_gid in {os.getegid(), *os.getgroups()})


def user(number: int) -> str:
    """The name of a user; the number where it has none."""
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return str(number)


def _group(number: int) -> str:
    try:
        import grp

        return grp.getgrgid(number).gr_name
    except (ImportError, KeyError):
        return str(number)
