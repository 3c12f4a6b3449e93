"""The lock of a model: one run at a time trains it, whatever name it is called by.

The lock is on a hidden file beside the model, `.NAME.lock`, which also says who holds it. The system frees
the lock when its process ends, however it ends. Where a file system has no such locks, a second file, whose
existence is the lock, takes their place; it is removed once its process on this host has ended.

A store has no locks. For a model in one, the runs of a user on this machine lock a file here; whether a run
elsewhere wrote the model meanwhile is seen by its version, right before it is replaced.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from forecaster.data.storage.files import version
from forecaster.data.storage.place import Named, Place, Remote, real
from forecaster.data.writing import ownership
from forecaster.data.writing.destination import is_stream
from forecaster.data.writing.processes import Process, this_process
from forecaster.errors import LockedError, StorageError, UsageError
from forecaster.machine.system import BINARY, HAS_OWNERS, NO_LINK, NO_WAIT

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""Errors of file systems that have no locks."""
PAUSE = 0.2
"""Seconds between two attempts."""
LONGEST_NAME = 200
MOST_BYTES = 4096

Release = Callable[[], None]


@dataclass(frozen=True)
class Held:
    """A lock that is held. `version` is that of a file in a store when the lock was taken."""

    place: Place
    use: Use
    version: str = ""

    def is_replaced(self) -> bool:
        """Whether a run on another machine has written the file since."""
        return isinstance(self.place, Remote) and version(self.place) != self.version

    def check(self) -> None:
        """Raise LockedError where a run on another machine has written the file since."""
        if self.is_replaced():
            raise LockedError(
                f"{str(self.place)!r} was replaced meanwhile by a run on another machine",
                hint=f"Run again, or {self.use.instead}.",
            )


class Use(NamedTuple):
    """Words of an error: what another run does with a file, and what to do instead of waiting."""

    what: str
    instead: str


TRAINING = Use("is training", "train to another file with --model")
JUDGING = Use("is judging by", "name another file with --state")


@contextmanager
def lock(
    path: Named,
    wait: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    *,
    use: Use = TRAINING,
) -> Iterator[Held]:
    """Hold the lock of the model, or another file, at `path`. A link has the lock of its target; a stream
    needs none.

    Waits up to `wait` seconds for another run, and calls `on_wait` once with who holds the lock. Raises
    LockedError, in the words of `use`, where the run goes on after that, StorageError where no lock can be
    made.
    """
    if not wait >= 0:
        raise UsageError(f"wait cannot be {wait}", hint="Give seconds, such as 600.")
    target = real(path)
    if is_stream(path):
        yield Held(target, use)
        return
    if isinstance(target, Path) and not target.parent.is_dir():
        raise StorageError(f"cannot write {str(path)!r}: its folder does not exist")
    release = _acquire(_lock_file(target), target, wait, on_wait, use)
    try:
        yield Held(target, use, "" if isinstance(target, Path) else version(target))
    finally:
        release()


def _lock_file(target: Place) -> Path:
    """The lock file: beside a file here; for a file in a store in a folder of this user."""
    if isinstance(target, Remote):
        digest = hashlib.sha256(target.address.encode()).hexdigest()
        return _own_folder() / f".{digest[:32]}.lock"
    name = os.fsdecode(os.fsencode(target.name)[:LONGEST_NAME])
    return target.with_name(f".{name}.lock")


def _own_folder() -> Path:
    """A folder of this user for locks of files elsewhere, which is made. Raises StorageError."""
    home = os.path.expanduser("~/.cache")  # noqa: PTH111 - of Path, it fails for unknown users
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home)
    for folder in (cache / "forecaster", Path(tempfile.gettempdir()) / f"forecaster-{os.geteuid()}"):
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and os.access(folder, os.W_OK):
                return folder
    raise StorageError(
        "there is no folder to write a lock file to", hint="Name one of your own: XDG_CACHE_HOME=FOLDER"
    )


def _acquire(
    file: Path, target: Place, wait: float, on_wait: Callable[[str], None] | None, use: Use
) -> Release:
    """Take the lock, or wait for it; what releases it."""
    end = time.monotonic() + wait
    told = False
    while True:
        release = _take(file, target)
        if release is not None:
            return release
        left = end - time.monotonic()
        if left <= 0:
            raise LockedError(
                f"another run {use.what} {str(target)!r}: {_holder(file)}",
                hint=f"Wait until it ends, as --wait 600 does for up to 600 seconds, or {use.instead}.",
            )
        if on_wait is not None and not told:
            on_wait(_holder(file))
            told = True
        time.sleep(min(PAUSE, left))


def _take(file: Path, target: Place) -> Release | None:
    """Take the lock where it is free; what releases it, or None where another run has it."""
    try:
        handle = _open(file, target)
        if handle is None:
            return None  # just removed: the next attempt makes a new one
        free = False
        try:
            free = _flock(handle) and _is_at(handle, file)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            return _take_marker(file)
        finally:
            if not free:
                os.close(handle)
        if not free:
            return None
        _sign(handle)
        return lambda: _release(handle, file)
    except OSError as error:
        raise _no_lock(file, target, error) from error


def _flock(handle: int) -> bool:
    """Lock an open file; False where another process has it. Raises OSError."""
    try:
        import fcntl
    except ImportError as error:  # not on this system
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(file: Path, target: Place) -> int | None:
    """Open the lock file, to write if that is allowed; None where it was removed meanwhile. Raises OSError.

    A file that root makes is given to whom the model belongs, so that it does not block that user.
    """
    flags = NO_LINK | NO_WAIT | BINARY
    try:
        handle = os.open(file, flags | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        with contextlib.suppress(FileNotFoundError):
            try:
                handle = os.open(file, flags | os.O_RDWR)
            except PermissionError:
                handle = os.open(file, flags | os.O_RDONLY)  # enough to lock it
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return handle
            os.close(handle)
            raise OSError(errno.EEXIST, "something else is there") from None
        return None
    if not HAS_OWNERS:
        return handle
    with contextlib.suppress(OSError):
        os.fchmod(handle, 0o644)  # for others to see who holds it, whatever the umask
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            beside = target if isinstance(target, Path) and target.exists() else file.parent
            owner = beside.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _is_at(handle: int, file: Path) -> bool:
    """Whether an open file still has its name: another run may have removed it as it ended."""
    try:
        return os.path.samestat(os.fstat(handle), file.lstat())
    except FileNotFoundError:
        return False


def _sign(handle: int) -> None:
    """Write into the lock file who holds it."""
    content = json.dumps(
        asdict(this_process()) | {"since": datetime.now().astimezone().isoformat(" ", "seconds")}
    )
    with contextlib.suppress(OSError):  # of another user, or no space: the lock holds all the same
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, content.encode())


def _release(handle: int, file: Path) -> None:
    """Remove the lock file while it is locked, then free the lock: nobody can hold it under another name."""
    with contextlib.suppress(OSError):
        if _is_at(handle, file):
            file.unlink()
    with contextlib.suppress(OSError):
        os.close(handle)


def _take_marker(file: Path) -> Release | None:
    """The lock where the file system has none: the existence of a file."""
    import warnings

    from filelock import SoftFileLock, Timeout

    marker = SoftFileLock(_marker(file), timeout=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            marker.acquire()
    except Timeout:
        return None
    with contextlib.suppress(OSError):
        handle = os.open(file, os.O_RDWR | os.O_CREAT | NO_LINK | BINARY, 0o666)
        _sign(handle)
        os.close(handle)

    def release() -> None:
        for remove in (file.unlink, marker.release):
            with contextlib.suppress(OSError):
                remove()

    return release


def _marker(file: Path) -> Path:
    return file.with_suffix(".locked")


def _holder(file: Path) -> str:
    """Who holds the lock, as text."""
    marker = _marker(file)
    where = f"lock file {str(marker if marker.exists() else file)!r}"
    try:
        with file.open("rb") as content:
            facts = json.loads(content.read(MOST_BYTES))
        process = Process(str(facts["host"]), int(facts["pid"]), int(facts["start"]))
        since = str(facts["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return where
    return where if process.is_gone else f"process {process.pid} on {process.host} since {since}, {where}"


def _no_lock(file: Path, target: Place, error: OSError) -> StorageError:
    """Why the lock file cannot be used, with whom it belongs to."""
    reason = os.strerror(error.errno) if error.errno not in (None, errno.EEXIST) else str(error.strerror)
    whose = ""
    with contextlib.suppress(OSError):
        whose = f", which belongs to {ownership.user(file.lstat().st_uid)}"
    return StorageError(
        f"cannot write a lock file next to {str(target)!r}, {str(file)!r}{whose}: {reason}",
        hint="If no run is training this model, remove that file." if whose else "",
    )
