"""One run at a time trains a model, whatever name it is called by; the message says who does."""

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from forecaster.data.writing.processes import host_name
from forecaster.errors import LockedError, StorageError, UsageError
from forecaster.model import lock as lock_module
from forecaster.model.lock import lock

HOLD = """
import sys
from forecaster.model.lock import lock
with lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
WITHOUT_LOCKS = """
import errno, fcntl
def refuse(*args):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = refuse
"""


@contextlib.contextmanager
def held(path: Path, code: str = HOLD) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `path`."""
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def refused(path: Path, match: str = "another run is training", wait: float = 0.0) -> LockedError:
    with pytest.raises(LockedError, match=match) as caught, lock(path, wait):
        pass
    return caught.value


def test_a_second_process_finds_the_lock_held(tmp_path: Path) -> None:
    """It is told who holds it, since when, and where; another model and a later run are free."""
    path = tmp_path / "y.model"
    with held(path) as other:
        error = refused(path)
        assert f"process {other.pid} on {host_name()} since 20" in error.message
        assert f"lock file '{tmp_path}/.y.model.lock'" in error.message
        assert "--wait 600" in error.hint
        assert "--model" in error.hint
        with lock(tmp_path / "other.model"):
            pass
    with lock(path):
        pass


def test_no_lock_file_stays(tmp_path: Path) -> None:
    """After the run the lock file is gone, so that it cannot block another user."""
    with lock(tmp_path / "y.model"):
        assert [path.name for path in tmp_path.iterdir()] == [".y.model.lock"]
    assert not list(tmp_path.iterdir())


def test_one_lock_by_any_name(tmp_path: Path) -> None:
    """A link to the model, in this folder or another, and a link to its folder have the lock of the model."""
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / "y.model"
    path.write_bytes(b"a model")
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "two").symlink_to("one")
    with lock(tmp_path / "link"):
        for name in (path, tmp_path / "link", tmp_path / "two" / "y.model"):
            refused(name)
    with lock(path):
        refused(tmp_path / "link")


def test_a_killed_run_frees_the_lock(tmp_path: Path) -> None:
    """Its lock file stays and stops nobody, nor is it named when somebody else holds the lock."""
    path = tmp_path / "y.model"
    with held(path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert (tmp_path / ".y.model.lock").exists()
    with FileLock(tmp_path / ".y.model.lock"):
        assert str(other.pid) not in refused(path).message.split("lock file")[0]
    with lock(path):
        pass


def test_waiting(tmp_path: Path) -> None:
    """With a time to wait, the lock is taken when it is free; who holds it is told once."""
    path, told = tmp_path / "y.model", []
    with held(path) as other:
        start = time.monotonic()
        refused(path, wait=0.3)
        assert time.monotonic() - start >= 0.3
        threading.Timer(0.5, other.kill).start()
        with lock(path, 60, told.append):
            pass
    (holder,) = told
    assert str(other.pid) in holder


@pytest.mark.parametrize("wait", [-1.0, float("nan")])
def test_a_time_to_wait_that_is_none(tmp_path: Path, wait: float) -> None:
    """A negative time is a UsageError."""
    with pytest.raises(UsageError, match="wait cannot be"), lock(tmp_path / "y.model", wait):
        pass


def test_a_lock_is_released_after_an_error(tmp_path: Path) -> None:
    """An error inside leaves the lock free, and passes through."""
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), lock(tmp_path / "y.model"):
            _ = 1 / 0


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    """Where something else lies in the lock's place, that is a StorageError that names it."""
    (tmp_path / ".y.model.lock").mkdir()
    text = r"cannot write a lock file next to .*\.y\.model\.lock', which belongs to"
    with pytest.raises(StorageError, match=text), lock(tmp_path / "y.model"):
        pass


def test_a_lock_in_a_missing_folder(tmp_path: Path) -> None:
    """Where no lock can be made, that is a StorageError."""
    with pytest.raises(StorageError, match="folder does not exist"), lock(tmp_path / "none" / "y.model"):
        pass


def test_a_stream_needs_no_lock() -> None:
    """Two runs may write to /dev/null at once."""
    with lock("/dev/null"), lock("/dev/null"):
        pass
    assert not Path("/dev/.null.lock").exists()


def test_a_lock_file_that_was_removed(tmp_path: Path) -> None:
    """A run whose lock file somebody removed leaves the lock of the next one alone."""
    with lock(tmp_path / "y.model"):
        (tmp_path / ".y.model.lock").unlink()
        with held(tmp_path / "y.model"), contextlib.suppress(LockedError), lock(tmp_path / "y.model"):
            pytest.fail("two runs hold the lock")
    assert not (tmp_path / ".y.model.locked").exists()


def test_a_lock_file_that_the_holder_removes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that lost its name between opening and locking is no lock: another is made and locked."""
    path, file = tmp_path / "y.model", tmp_path / ".y.model.lock"
    flock, calls = fcntl.flock, []

    def late(*args: int) -> None:
        if not calls:
            file.unlink()
        calls.append(args)
        flock(*args)

    monkeypatch.setattr(fcntl, "flock", late)
    with lock(path, wait=5):
        refused(path)
    assert len(calls) == 3


def test_long_names(tmp_path: Path) -> None:
    """The longest name that a model may have has a lock."""
    with lock(tmp_path / ("x" * 255)):
        refused(tmp_path / ("x" * 255))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_the_lock_file_of_another_user(tmp_path: Path) -> None:
    """One that may be read is enough; one that may not is named with its owner."""
    for folder in [tmp_path, *tmp_path.parents[:-2]]:  # all below /tmp
        folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o777)
    path, file = tmp_path / "y.model", tmp_path / ".y.model.lock"
    file.write_bytes(b"")
    os.seteuid(65534)
    try:
        with lock(path):
            refused(path)
        os.seteuid(0)
        file.write_bytes(b"")
        file.chmod(0o600)
        os.seteuid(65534)
        text = r"(?s)\.y\.model\.lock', which belongs to root: Permission denied.*remove that file"
        with pytest.raises(StorageError, match=text), lock(path):
            pass
    finally:
        os.seteuid(0)


def test_others_may_see_who_holds_it(tmp_path: Path) -> None:
    """Whatever the umask, the lock file can be read by all."""
    mask = os.umask(0o077)
    try:
        with lock(tmp_path / "y.model"):
            assert (tmp_path / ".y.model.lock").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(mask)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_lock_file_that_root_makes(tmp_path: Path) -> None:
    """It belongs to whom the model belongs, or without a model the folder, so that it does not block them."""
    path = tmp_path / "y.model"
    os.chown(tmp_path, 65534, 60)
    with lock(path):
        assert (tmp_path / ".y.model.lock").stat().st_uid == 65534
    path.write_bytes(b"a model")
    os.chown(path, 1234, 60)
    with lock(path):
        assert (tmp_path / ".y.model.lock").stat().st_uid == 1234


# --- file systems without locks -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_without_locks_a_file_takes_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """It excludes another process, says who holds it, and is gone afterwards."""

    def refuse(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    path = tmp_path / "y.model"
    with held(path, WITHOUT_LOCKS + HOLD) as other:
        message = refused(path).message
        assert f"process {other.pid} on {host_name()} since 20" in message
        assert ".y.model.locked'" in message
        other.communicate("")
    with lock(path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".y.model.lock", ".y.model.locked"]
    assert not list(tmp_path.iterdir())


def test_without_locks_a_killed_run_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of a run that was killed on this host does not block the next."""
    path = tmp_path / "y.model"
    with held(path, WITHOUT_LOCKS + HOLD) as other:
        other.kill()
        other.wait()
        assert (tmp_path / ".y.model.locked").exists()

    def refuse(*args: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with lock(path):
        assert (tmp_path / ".y.model.locked").exists()


def test_other_errors_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that fails for another reason is a StorageError."""

    def fail(*args: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(StorageError, match="Input/output error"), lock(tmp_path / "y.model"):
        pass
    assert lock_module.PAUSE < 1
