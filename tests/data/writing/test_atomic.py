"""Files replaced: owner and mode are kept, streams are written to, leftovers go, warnings are no errors."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecaster.data.writing import atomic, leftovers
from forecaster.data.writing.atomic import atomic_write, check_folder
from forecaster.data.writing.leftovers import new_temporary, remove_leftovers
from forecaster.data.writing.processes import Process, host_name, this_process
from forecaster.errors import StorageError, StorageWarning

NOBODY = 65534
GAMES = 60
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def new(file) -> None:
    file.write(b"new")


@contextlib.contextmanager
def as_user(uid: int, *groups: int) -> Iterator[None]:
    """Be another user for a moment."""
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(groups[0] if groups else uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that everybody may write to and reach."""
    for folder in [tmp_path, *tmp_path.parents[:-2]]:  # all below /tmp
        folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o777)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def facts(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


# --- owner and mode -----------------------------------------------------------------------------------


@root
def test_a_replaced_file_keeps_owner_group_and_mode(tmp_path: Path) -> None:
    """What belongs to nobody:games with mode 640 does so after root replaced it."""
    path = tmp_path / "model"
    path.write_bytes(b"old")
    os.chown(path, NOBODY, GAMES)
    path.chmod(0o640)
    check_folder(path)
    atomic_write(path, new)
    assert (path.read_bytes(), facts(path)) == (b"new", (NOBODY, GAMES, 0o640))


@root
def test_a_file_of_the_group_keeps_group_and_mode(shared: Path) -> None:
    """One of the group replaces a file of another user: group and mode stay, a warning names the owners."""
    path = shared / "model"
    path.write_bytes(b"old")
    os.chown(path, NOBODY, GAMES)
    path.chmod(0o664)
    with as_user(1234, GAMES):
        with pytest.warns(StorageWarning, match="owner of .* cannot be kept: it belongs to nobody:"):
            check_folder(path)
        assert path.read_bytes() == b"old"
        with pytest.warns(StorageWarning, match="once replaced to 1234:"):
            atomic_write(path, new)
    assert (path.read_bytes(), facts(path)) == (b"new", (1234, GAMES, 0o664))
    assert names(shared) == ["model"]


@root
def test_no_other_group_gets_the_rights_of_the_group(shared: Path) -> None:
    """Where the group is another afterwards, it gets what all others have."""
    path = shared / "model"
    path.write_bytes(b"old")
    os.chown(path, NOBODY, GAMES)
    path.chmod(0o660)
    with as_user(1234), pytest.warns(StorageWarning, match="owner and group"):
        atomic_write(path, new)
    assert facts(path) == (1234, 1234, 0o600)


@root
def test_a_folder_of_a_group_gives_its_group(shared: Path) -> None:
    """In a folder with the setgid bit a new file gets the group of the folder and the usual mode."""
    os.chown(shared, 0, GAMES)
    shared.chmod(0o2777)
    with as_user(1234):
        atomic_write(shared / "fresh", new)
    assert facts(shared / "fresh")[:2] == (1234, GAMES)


@root
def test_a_file_that_only_its_owner_may_replace(shared: Path) -> None:
    """In a folder such as /tmp the file of another user is refused before the work is done."""
    (shared / "model").write_bytes(b"old")
    shared.chmod(0o1777)
    with as_user(1234), pytest.raises(StorageError, match="belongs to root"):
        check_folder(shared / "model")
    assert names(shared) == ["model"]


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="needs extended attributes")
def test_attributes_are_kept(tmp_path: Path) -> None:
    """Attributes that a user set stay, as access lists do."""
    path = tmp_path / "model"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no attributes")
    atomic_write(path, new)
    assert os.getxattr(path, "user.note") == b"mine"


def test_a_private_file_is_never_readable_by_others(tmp_path: Path) -> None:
    """While it is written, the new file has the mode 600; a file that was not there has the usual mode."""
    path, modes = tmp_path / "model", []
    for _ in range(2):
        atomic_write(path, lambda file: modes.append(stat.S_IMODE(os.fstat(file.fileno()).st_mode)))
        path.chmod(0o600)
    mask = os.umask(0)
    os.umask(mask)
    assert modes == [0o666 & ~mask, 0o600]


@pytest.mark.parametrize("call", ["fchmod", "fchown"])
def test_a_mode_that_cannot_be_set_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """On a file system without modes or owners the file is written, and a warning says so."""
    path = tmp_path / "model"
    path.write_bytes(b"old")
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)

    def refuse(*args: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, call, refuse)
    if call == "fchmod" or os.geteuid() == 0:
        with pytest.warns(StorageWarning, match="cannot be kept"):
            atomic_write(path, new)
    assert path.read_bytes() == (b"new" if call == "fchmod" or os.geteuid() == 0 else b"old")


# --- syncing ------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_synced_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the rename nothing is an error: the new file is there."""
    fsync = os.fsync

    def fails(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(5, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.warns(StorageWarning, match="is written, but may not outlive a power failure: Input"):
        atomic_write(tmp_path / "x", new)
    assert (tmp_path / "x").read_bytes() == b"new"


@root
def test_a_folder_that_may_be_written_but_not_read(shared: Path) -> None:
    """Such a folder cannot be synced: a warning, and the file is there."""
    shared.chmod(0o733)
    with as_user(1234), pytest.warns(StorageWarning, match="Permission denied"):
        atomic_write(shared / "x", new)
    assert (shared / "x").read_bytes() == b"new"


@pytest.mark.parametrize(("number", "is_written"), [(5, False), (28, False), (22, True), (38, True)])
def test_a_file_that_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_written: bool
) -> None:
    """A failed sync is an error and the old file stays; a file system that has no sync is a warning."""
    (tmp_path / "x").write_bytes(b"old")

    def fails(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.nullcontext() if is_written else pytest.raises(StorageError):
            atomic_write(tmp_path / "x", new)
    assert (tmp_path / "x").read_bytes() == (b"new" if is_written else b"old")
    assert names(tmp_path) == ["x"]


def test_written_files_are_known(tmp_path: Path) -> None:
    """WRITTEN lists what was replaced, and not what failed."""
    before = len(atomic.WRITTEN)
    atomic_write(tmp_path / "x", new)
    with pytest.raises(ZeroDivisionError):
        atomic_write(tmp_path / "y", lambda file: 1 / 0)
    assert atomic.WRITTEN[before:] == [tmp_path / "x"]


# --- streams and other things that are no files ---------------------------------------------------------


def special(folder: Path) -> dict[str, str]:
    """Paths that are no files, by what a message calls them."""
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
    return {"fifo": "a FIFO", "folder": "a folder", "socket": "a socket", "/dev/zero": "a device"}


@pytest.mark.parametrize("by_link", [False, True])
def test_what_is_no_file_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_link: bool
) -> None:
    """FIFOs, folders, sockets and devices are refused at once, by their name or by a link."""
    monkeypatch.chdir(tmp_path)
    for name, words in special(tmp_path).items():
        path = Path(name)
        if by_link:
            path = tmp_path / "link"
            path.unlink(missing_ok=True)
            path.symlink_to(name)
        kind = stat.S_IFMT(path.stat().st_mode)
        for call in (check_folder, lambda path: atomic_write(path, new)):
            with pytest.raises(StorageError, match=words):
                call(path)
        assert stat.S_IFMT(path.stat().st_mode) == kind


def test_the_null_device_takes_everything(tmp_path: Path) -> None:
    """/dev/null stays what it is, by its name or by a link."""
    (tmp_path / "link").symlink_to("/dev/null")
    for path in ("/dev/null", tmp_path / "link"):
        check_folder(path)
        atomic_write(path, new)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert (tmp_path / "link").is_symlink()


def test_an_open_file_is_written_to(tmp_path: Path) -> None:
    """/dev/fd/N and a link to it add to the open file, after what is there."""
    with (tmp_path / "x").open("wb", buffering=0) as file:
        file.write(b"before ")
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        for path in (f"/dev/fd/{file.fileno()}", f"/proc/self/fd/{file.fileno()}", tmp_path / "link"):
            check_folder(path)
            atomic_write(path, new)
    assert (tmp_path / "x").read_bytes() == b"before newnewnew"
    with pytest.raises(StorageError, match="Bad file descriptor"):
        check_folder("/dev/fd/987654")


def test_a_link_that_leads_round(tmp_path: Path) -> None:
    """A link to itself is an error, and stays."""
    (tmp_path / "loop").symlink_to("loop")
    for call in (check_folder, lambda path: atomic_write(path, new)):
        with pytest.raises(StorageError, match="symbolic links"):
            call(tmp_path / "loop")
    assert (tmp_path / "loop").is_symlink()


def test_a_link_into_another_folder(tmp_path: Path) -> None:
    """The folder that is checked is that of the file a link leads to."""
    (tmp_path / "link").symlink_to("none/x")
    with pytest.raises(StorageError, match="no folder"):
        check_folder(tmp_path / "link")


@pytest.mark.parametrize("name", ["x" * 255, "ж" * 127])
def test_long_names(tmp_path: Path, name: str) -> None:
    """The longest name that the file system allows can be written."""
    atomic_write(tmp_path / name, new)
    assert names(tmp_path) == [name]


# --- leftovers ------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from forecaster.data.writing.atomic import atomic_write
def write(file):
    file.write(b"half" * 100_000)
    file.flush()
    os.kill(os.getpid(), int(sys.argv[2]))
atomic_write(sys.argv[1], write)
"""


def test_a_killed_run_leaves_a_file_that_the_next_removes(tmp_path: Path) -> None:
    """Whatever the next run writes into that folder."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a.csv"), str(int(signal.SIGKILL))]
    subprocess.run(command, check=False)
    assert len(names(tmp_path)) == 1
    atomic_write(tmp_path / "b.csv", new)
    assert names(tmp_path) == ["b.csv"]


def test_the_file_of_a_living_run_stays(tmp_path: Path) -> None:
    """Also where the run is stopped, and where it started longer ago than a day."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a.csv"), str(int(signal.SIGSTOP))]
    with subprocess.Popen(command) as process:
        try:
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            (temporary,) = tmp_path.glob(".*.tmp")
            os.utime(temporary, (0, 0))
            remove_leftovers(tmp_path)
            assert temporary.exists()
            process.send_signal(signal.SIGCONT)
            process.wait()
        finally:
            process.kill()
    assert names(tmp_path) == ["a.csv"]


def test_which_files_are_left_over(tmp_path: Path) -> None:
    """A process of this host that is gone; one of another host after a day; nothing of other names."""
    me, gone = this_process(), 2**22 + 1
    here = leftovers._tag()
    old = {
        f".x.{here}-{gone}-0-0123abcd.tmp",
        f".x.{here}-{me.pid}-1-0123abcd.tmp",
        ".x.other-1-1-0123abcd.tmp",
    }
    fresh = {".y.other-1-1-0123abcd.tmp"}
    others = {
        f".x.{here}-{me.pid}-{me.start}-0123abcd.tmp",
        ".x.abcdefgh.tmp",
        f"{here}-{gone}-0-0123abcd.tmp",
    }
    for name in old | fresh | others:
        (tmp_path / name).write_bytes(b"")
        if name not in fresh:
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / "target").write_bytes(b"mine")
    (tmp_path / f".z.{here}-{gone}-0-0123abcd.tmp").symlink_to("target")
    remove_leftovers(tmp_path)
    left = set(names(tmp_path)) - {"target", f".z.{here}-{gone}-0-0123abcd.tmp"}
    assert left == fresh | others
    assert (tmp_path / "target").read_bytes() == b"mine"


def test_a_locked_file_stays(tmp_path: Path) -> None:
    """A container with the same host name cannot see the process, but finds its lock."""
    handle, path = new_temporary(tmp_path / "x", private=True)
    dead = path.with_name(f".x.{leftovers._tag()}-{2**22 + 1}-0-0123abcd.tmp")
    path.rename(dead)
    remove_leftovers(tmp_path)
    assert dead.exists()
    os.close(handle)
    remove_leftovers(tmp_path)
    assert not dead.exists()


def test_whether_a_process_is_gone() -> None:
    """This one is not; one that ended is, even where its number is in use, or its parent does not ask."""
    me = this_process()
    assert not me.is_gone
    assert not Process("elsewhere", 2**22 + 1, 0).is_gone
    assert Process(host_name(), me.pid, me.start + 1).is_gone or not me.start
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        end = time.monotonic() + 5
        while not Process(host_name(), process.pid, 0).is_gone and time.monotonic() < end:
            time.sleep(0.01)
        assert Process(host_name(), process.pid, 0).is_gone
    assert Process(host_name(), process.pid, 0).is_gone
