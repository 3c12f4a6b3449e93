"""Commands with standard streams in every state: files are written, and the exit code tells of the work."""

import json
from itertools import product
from pathlib import Path

import pytest
from command import daily
from fault_runs import COMMANDS, FILES, assert_nothing_left, prepare

STATES = ("closed", "full", "left", "file")
LOST = "the result cannot be written to standard output"

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.mark.parametrize("command", ["train", "predict"])
def test_files_need_no_streams(runs, folder: Path, command: str) -> None:
    """A command without a result on stdout ends well in all states of both streams."""
    assert runs.run(folder, *COMMANDS[command]) == 0
    new = (folder / FILES[command]).read_bytes()
    states = product(STATES, STATES) if command == "predict" else [(each, each) for each in STATES[:3]]
    for out, err in states:
        prepare(folder, command)
        assert runs.run(folder, *COMMANDS[command], streams=f"closed,{out},{err}") == 0, (out, err)
        assert (folder / FILES[command]).read_bytes() == new, (out, err)
    assert_nothing_left(folder)


@pytest.mark.parametrize(("state", "code"), [("closed", 5), ("full", 5), ("left", 0)])
@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("r.json", COMMANDS["evaluate"]),
        ("e.csv", ("inspect", "demand.csv", "--export", "e.csv")),
        ("new.model", (*COMMANDS["train"], "--json", "-m", "new.model")),
        ("forecast.model", ("show",)),
        ("forecast.model", ("inspect", "demand.csv", "--json")),
    ],
)
def test_a_result_that_is_lost(
    runs, folder: Path, file: str, command: tuple[str, ...], state: str, code: int
) -> None:
    """A result that stdout does not take is exit code 5, after the files; a reader may leave: 0."""
    assert runs.run(folder, *command, streams=f"file,{state},file") == code
    assert (folder / file).stat().st_size > 100
    said = (folder / "stderr").read_text()
    assert (LOST in said) == (code == 5)
    assert "Traceback" not in said
    assert runs.run(folder, *command, streams=f"file,{state},{state}") == code


def test_an_error_that_nobody_hears(runs, folder: Path) -> None:
    """The exit code of an error is its own, whatever becomes of the message."""
    for state in STATES:
        assert runs.run(folder, "show", "none.model", streams=f"{state},{state},{state}") == 4


def test_a_warning_never_lands_in_the_data(runs, folder: Path) -> None:
    """With stderr closed, a warning of repaired data vanishes."""
    lines = daily(60).splitlines()
    (folder / "gap.csv").write_text("\n".join(lines[:30] + lines[32:]) + "\n")
    assert runs.run(folder, "predict", "gap.csv", "--json", streams="file,file,closed") == 0
    assert len(json.loads((folder / "stdout").read_text())) == 5
    assert runs.run(folder, "predict", "gap.csv") == 0
    assert "D002" in (folder / "stderr").read_text()


def test_a_closed_stdin_has_no_data(runs, folder: Path) -> None:
    """`train -` with stdin closed is exit code 5 and says so."""
    assert runs.run(folder, "train", "-", streams="closed,file,file") == 5
    assert "standard input cannot be read: it is closed" in (folder / "stderr").read_text()


def test_outputs_named_as_streams(runs, folder: Path) -> None:
    """/dev/stdout, /dev/stderr, /dev/fd/N and /dev/null are written to, by every option for an output."""
    assert runs.run(folder, "predict") == 0
    csv = (folder / "stdout").read_text()
    for output, file in (("/dev/stdout", "stdout"), ("/dev/fd/1", "stdout"), ("/dev/stderr", "stderr")):
        assert runs.run(folder, "predict", "-q", "-o", output) == 0
        assert (folder / file).read_text() == csv
    assert runs.run(folder, "inspect", "demand.csv", "--export", "/dev/stderr") == 0
    assert (folder / "stderr").read_text().startswith("id,time,value,observed")
    assert runs.run(folder, *COMMANDS["evaluate"][:-1], "/dev/stderr", "-q") == 0
    assert json.loads((folder / "stderr").read_text())["horizon"] == 12
    assert runs.run(folder, *COMMANDS["train"]) == 0
    model = (folder / "forecast.model").read_bytes()
    for output, content in (("/dev/stdout", model), ("/dev/null", b"")):
        assert runs.run(folder, *COMMANDS["train"], "-m", output) == 0
        assert (folder / "stdout").read_bytes() == content
    assert not Path("/dev/null").is_file()


def test_a_picture_on_stdout(runs, folder: Path) -> None:
    """A picture on /dev/stdout is a PNG."""
    pytest.importorskip("matplotlib")
    assert runs.run(folder, "predict", "-o", "/dev/null", "--plot", "/dev/stdout") == 0
    assert (folder / "stdout").read_bytes().startswith(b"\x89PNG")
