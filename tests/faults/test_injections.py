"""Each call of the system fails once: files are whole, and the exit code is that of the work."""

import os
import random
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from fault_runs import COMMANDS, FILES, assert_whole, number, prepare

CALLS = {
    "write": "ENOSPC",
    "fsync": "EIO",
    "rename": "EIO",
    "openat": "EMFILE",
    "close": "EIO",
    "fchmod": "EPERM",
    "fchown": "EPERM",
    "ftruncate": "EIO",
    "flock": "ENOLCK",
    "unlink": "EIO",
    "fstat,newfstatat": "EIO",
}
INJECTIONS = number("FAULTS_INJECTIONS", 24)
"""How many of all calls fail, one in a run; 0: each of them."""


def traced(runs, folder: Path, command: str, *options: str) -> int:
    """A run under strace, whose log is the file `trace`: its exit code."""
    pid = runs.start(folder, *COMMANDS[command], stopped=True)
    with subprocess.Popen(
        ["strace", "-f", "-o", str(folder / "trace"), *options, "-p", str(pid)],
        stderr=subprocess.PIPE,
        text=True,
    ) as strace:
        assert strace.stderr is not None
        said = strace.stderr.readline()
        os.kill(pid, signal.SIGCONT)
        code = runs.end(pid)
        strace.stderr.read()
    if "attached" not in said:
        pytest.skip(f"strace cannot attach: {said}")
    return code


def counted(runs, folder: Path, command: str) -> dict[str, int]:
    """How often an undisturbed run makes each call."""
    calls = ",".join(CALLS)
    assert traced(runs, folder, command, "-e", f"trace={calls}") == 0
    log = (folder / "trace").read_text(errors="replace")
    return {call: len(re.findall(rf"^\d+ +{call}\(", log, re.MULTILINE)) for call in CALLS}


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("command", COMMANDS)
def test_each_call_fails_once(runs, folder: Path, command: str) -> None:
    """A failed call is exit code 5, or 0 where the file is there all the same; never a partial file."""
    prepare(folder, command)
    counts = counted(runs, folder, command)
    new = (folder / FILES[command]).read_bytes()
    cases = [(call, when) for call, count in counts.items() for when in range(1, count + 1)]
    if INJECTIONS:
        few = INJECTIONS // len(COMMANDS)
        first = [case for case in cases if case[1] == 1]
        others = random.Random(command).sample(cases, len(cases))
        cases = [*first[: few // 2], *others[: few - few // 2]]
    for call, when in cases:
        prepare(folder, command)
        fault = f"inject={call}:error={CALLS[call]}:when={when}"
        code = traced(runs, folder, command, "-e", f"trace={call}", "-e", fault)
        said = (folder / "stderr").read_text(errors="replace")
        assert code in (0, 5), (call, when, code, said)
        assert "Traceback" not in said, (call, when, said)
        assert_whole(folder, command, code, new, strict_mode=call != "fchmod")
