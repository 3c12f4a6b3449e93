"""The standard streams in every state: the work is done, files are whole, and the exit code tells."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import SCRIPT, daily, environment, forecast

QUICK = ("--steps", "1", "--no-pretrained", "--effort", "quick")
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


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demand.csv, gap.csv and forecast.model."""
    folder = tmp_path_factory.mktemp("trained")
    lines = daily().splitlines()
    (folder / "demand.csv").write_text("\n".join(lines) + "\n")
    (folder / "gap.csv").write_text("\n".join(lines[:50] + lines[52:]) + "\n")
    assert forecast("train", "demand.csv", *QUICK, cwd=folder).returncode == 0
    return folder


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


def test_a_slow_reader_loses_nothing(tmp_path: Path) -> None:
    """A pipe that does not block, as another program may leave it, is waited for."""
    code = GUARDED + "import os\nos.set_blocking(1, False)\nprint('x' * 1_000_000)\nsys.exit(lost_output())\n"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        time.sleep(0.5)
        assert len(process.stdout.read()) == 1_000_001
    assert process.returncode == 0


@needs_full
@pytest.mark.parametrize(
    "streams",
    [
        {"stderr": "closed"},
        {"stdout": "left", "stderr": "left"},
        {"stdout": "closed", "stderr": "full", "stdin": "closed"},
    ],
)
def test_training_is_finished(trained: Path, tmp_path: Path, streams: dict[str, str]) -> None:
    """The model and the report are there and the exit code is 0, whatever becomes of the streams."""
    arguments = ("train", trained / "demand.csv", *QUICK, "--report", "r.json")
    done = run([SCRIPT, *arguments], tmp_path, **streams)
    assert done.returncode == 0
    assert (tmp_path / "forecast.model").read_bytes() == (trained / "forecast.model").read_bytes()
    assert json.loads((tmp_path / "r.json").read_text())["horizon"] == 14


@needs_full
@pytest.mark.parametrize(
    ("command", "file", "state", "code"),
    [
        (("train", "demand.csv", *QUICK, "--json", "-m", "new.model"), "new.model", "left", 0),
        (("evaluate", "demand.csv", *QUICK, "--report", "r.csv"), "r.csv", "left", 0),
        (("evaluate", "demand.csv", *QUICK, "--report", "r.csv"), "r.csv", "full", 5),
        (("inspect", "demand.csv", "--export", "e.csv"), "e.csv", "closed", 5),
    ],
)
def test_files_are_written_before_the_result(
    trained: Path, command: tuple[str, ...], file: str, state: str, code: int
) -> None:
    """A result that stdout does not take is exit code 5, and the file is there; a reader may leave."""
    (trained / file).unlink(missing_ok=True)
    done = run([SCRIPT, *command], trained, stdout=state)
    assert done.returncode == code
    assert (trained / file).stat().st_size > 100
    said = (trained / "stderr.txt").read_text()
    assert ("the result cannot be written to standard output" in said) == (code == 5)
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@needs_full
def test_forecasts_to_a_file_need_no_stdout(trained: Path) -> None:
    """`predict -o` says nothing on stdout, so that its state does not matter, nor that of stderr."""
    for state in ("closed", "left"):
        (trained / "f.csv").unlink(missing_ok=True)
        done = run([SCRIPT, "predict", "-o", "f.csv"], trained, stdout=state, stderr=state)
        assert done.returncode == 0
        assert len((trained / "f.csv").read_text().splitlines()) == 15


def test_a_warning_never_lands_in_the_data(trained: Path) -> None:
    """With stderr closed, a warning of repaired data vanishes."""
    done = run([SCRIPT, "predict", "gap.csv"], trained, stderr="closed")
    assert done.returncode == 0
    lines = (trained / "stdout.txt").read_text().splitlines()
    assert len(lines) == 15
    assert all(line.count(",") == 5 for line in lines)


def test_a_closed_stdin_has_no_data(trained: Path) -> None:
    """`train -` with stdin closed is exit code 5 and says so."""
    assert run([SCRIPT, "train", "-"], trained, stdin="closed").returncode == 5
    assert "standard input cannot be read: it is closed" in (trained / "stderr.txt").read_text()


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


def test_outputs_named_as_streams(trained: Path) -> None:
    """/dev/stdout, /dev/fd/N and /dev/null are written to, by every option that names an output."""
    csv = forecast("predict", cwd=trained).stdout
    line = (
        'exec 4>four; "$0" predict -o /dev/stdout && "$0" predict -o /dev/fd/4 && "$0" predict -o /dev/null'
    )
    done = subprocess.run(
        ["bash", "-c", line, SCRIPT],
        cwd=trained,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, (trained / "four").read_text()) == (0, csv, csv)
    for option, start in (("--plot", b"\x89PNG"), ("-m", b"")):
        if option == "--plot":
            pytest.importorskip("matplotlib")
            command = ["predict", "-o", "/dev/null", option, "/dev/stdout"]
        else:
            command = ["train", "demand.csv", *QUICK, option, "/dev/stdout"]
        done = subprocess.run(
            [SCRIPT, *command], cwd=trained, env=environment(), capture_output=True, check=True
        )
        assert done.stdout.startswith(start)
    assert done.stdout == (trained / "forecast.model").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts(trained: Path, number: signal.Signals) -> None:
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
            cwd=trained,
            env=environment(),
            capture_output=True,
            check=False,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert (done.returncode, done.stderr, done.stdout) == (128 + number, b"", b"")


def test_what_cannot_be_loaded(trained: Path) -> None:
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
    for module in ("typer", "safetensors"):
        command = [sys.executable, "-c", code, "predict", module]
        done = subprocess.run(
            command, cwd=trained, env=environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
