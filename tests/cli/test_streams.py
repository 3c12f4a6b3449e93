"""The standard streams in every state: the work is done, files are whole, and the exit code tells."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import SCRIPT, daily, environment, forecast

from forecaster.cli.streams import Stream

GUARDED = "import sys\nfrom forecaster.cli.streams import guard, lost_output\nguard()\n"
STATES = ("closed", "full", "left", "file")
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def run(command: list[str | Path], folder: Path, **streams: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command with streams that are closed, full, left by their reader, or a file of that name."""
    script = " ".join(
        {
            "closed": f"{number}>&-",
            "full": f"{number}>/dev/full",
            "left": f"{number}> >(exec true)",
        }.get(streams.get(name, "out.txt"), f"{number}>{name}.txt")
        for number, name in ((1, "stdout"), (2, "stderr"))
    )
    if streams.get("stdin") == "closed":
        script += " <&-"
    wait = "sleep 0.1; " if "left" in streams.values() else ""  # until the reader is gone
    line = f'{{ {wait}"$@"; }} {script}'
    return subprocess.run(
        ["bash", "-c", line, "bash", *map(str, command)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


@needs_full
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("number", [1, 2])
def test_a_guarded_stream_stops_nothing(tmp_path: Path, state: str, number: int) -> None:
    """Whatever becomes of a stream, the process goes on; only the loss of a result on stdout is known."""
    code = GUARDED + (
        "from pathlib import Path\n"
        "for stream in (sys.stdout, sys.stderr):\n"
        "    print('x' * 100_000, file=stream, flush=True)\n"
        "error = lost_output()\n"
        "Path('done').write_text(str(error.errno if error else 0))\n"
    )
    done = run([sys.executable, "-c", code], tmp_path, **{("stdout", "stderr")[number - 1]: state})
    lost = {"closed": "9", "full": "28"}.get(state, "0") if number == 1 else "0"
    assert (done.returncode, (tmp_path / "done").read_text()) == (0, lost)


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """With all three streams closed the first file that is opened gets the number 3."""
    code = (
        GUARDED + "print(open('f', 'w').fileno(), file=open('done', 'w'))\nprint('lost', file=sys.stderr)\n"
    )
    run([sys.executable, "-c", code], tmp_path, stdin="closed", stdout="closed", stderr="closed")
    assert ((tmp_path / "done").read_text(), (tmp_path / "f").read_text()) == ("3\n", "")


def test_after_an_error_nothing_more_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result has no hole where a disk had no space for a moment."""
    stream, written = Stream(1), []

    def write(descriptor: int, data: bytes) -> int:
        written.append(bytes(data))
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return len(data)

    monkeypatch.setattr(os, "write", write)
    assert [stream.write(data) for data in (b"a", b"bc", b"d")] == [1, 2, 1]
    assert written == [b"a", b"bc"]
    assert stream.error is not None


def test_a_slow_reader_loses_nothing(tmp_path: Path) -> None:
    """A pipe that does not block, as another program may leave it, is waited for."""
    code = GUARDED + "import os\nos.set_blocking(1, False)\nprint('x' * 1_000_000)\nsys.exit(lost_output())\n"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        time.sleep(0.5)
        assert len(process.stdout.read()) == 1_000_001
    assert process.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_json_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    """--json is the same document in every encoding of stdout, with names that it cannot encode."""
    (tmp_path / "д.csv").write_text(daily(name="Größe д\u202e\x85\x7f"))
    done = subprocess.run(
        [SCRIPT, "inspect", "д.csv", "--json"],
        cwd=tmp_path,
        env=environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode(encoding))["target"] == ["Größe д\u202e\x85\x7f"]
    assert not any(mark in done.stdout.decode(encoding) for mark in "\u202e\x85\x7f")
    if encoding == "ascii":
        table = forecast("inspect", "д.csv", cwd=tmp_path, PYTHONIOENCODING=encoding)
        assert (table.returncode, table.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts(tmp_path: Path, number: signal.Signals) -> None:
    """From the first imports on, a signal ends the process with its exit code and without a word."""
    code = (
        "import os, sys\n"
        "from forecaster.__main__ import main\n"
        "class Import:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == sys.argv.pop(): os.kill(os.getpid(), {int(number)})\n"
        "        else: sys.argv.append(name_of)\n"
        "name_of = sys.argv[-1]\n"
        "sys.meta_path.insert(0, Import())\n"
        "main()\n"
    )
    for module in ("forecaster.cli.streams", "forecaster.cli.show"):
        done = subprocess.run(
            [sys.executable, "-c", code, "show", module],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            check=False,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert (done.returncode, done.stderr, done.stdout) == (128 + number, b"", b"")


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    """A package that cannot be read, at the start or later, is exit code 5 with a message."""
    code = (
        "import sys\n"
        "from forecaster.__main__ import main\n"
        "class Import:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == broken: raise OSError(24, 'Too many open files', name)\n"
        "broken = sys.argv.pop()\n"
        "sys.meta_path.insert(0, Import())\n"
        "main()\n"
    )
    for module in ("typer", "forecaster.model.model"):
        command = [sys.executable, "-c", code, "show", module]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
