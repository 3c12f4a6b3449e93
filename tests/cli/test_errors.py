"""Wrong usage: one clear message on stderr, the right exit code, no traceback, no file changed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from command import SCRIPT, assert_clean_failure, daily, environment, forecast, inside, said


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demand.csv and the model trained on it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "demand.csv").write_text(daily())
    result = forecast("train", "demand.csv", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of that folder that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "work"))


def content(folder: Path) -> dict[str, bytes]:
    """Every file of the folder."""
    found = (path for path in folder.iterdir() if path.is_file() and path.suffix != ".lock")
    return {path.name: path.read_bytes() for path in found}


TEN = {
    "missing file": (["train", "nowhere.csv"], 5, "nowhere.csv"),
    "directory without data": (["train", "empty_folder"], 3, "empty_folder"),
    "text as target": (["train", "names.csv", "--target", "name"], 3, "name"),
    "horizon beyond history": (["train", "demand.csv", "--horizon", "500"], 3, "500"),
    "unknown option": (["train", "demand.csv", "--hrizon", "3"], 2, "--hrizon"),
    "damaged model": (["predict", "demand.csv", "--model", "damaged.model"], 4, "damaged.model"),
    "model of another frequency": (["predict", "hourly.csv"], 4, "frequency"),
    "empty file": (["train", "empty.csv"], 3, "empty.csv"),
    "header only": (["train", "header.csv"], 3, "header.csv"),
}
"""The tenth case, no permission, has its own test."""
MORE = {
    "missing file to predict": (["predict", "nowhere.csv"], 5, "nowhere.csv"),
    "not a model": (["predict", "--model", "demand.csv"], 4, "demand.csv"),
    "missing model": (["predict", "--model", "none.model"], 4, "none.model"),
    "missing model to show": (["show", "none.model"], 4, "none.model"),
    "unknown column": (["train", "demand.csv", "--target", "sales"], 2, "sales"),
    "horizon beyond the model's": (["predict", "--horizon", "99"], 4, "99"),
    "unknown ending": (["predict", "-o", "forecasts.docx"], 2, "forecasts.docx"),
    "unknown ending of a report": (["train", "demand.csv", "--report", "report.docx"], 2, "report.docx"),
    "unknown ending of a picture": (["predict", "--plot", "picture.docx"], 2, "picture.docx"),
    "folder that is not there": (["predict", "-o", "no/such/folder.csv"], 5, "no/such"),
    "report into no folder": (["train", "demand.csv", "--report", "no/report.json"], 5, "no"),
    "model into no folder": (["train", "demand.csv", "--model", "no/forecast.model"], 5, "no"),
    "series that is not there": (["predict", "--plot", "p.png", "--plot-series", "x"], 2, "'x'"),
    "choice of nothing to draw": (["predict", "--plot-series", "x"], 2, "--plot"),
    "negative horizon": (["train", "demand.csv", "--horizon", "-3"], 2, "horizon"),
    "too many origins": (["evaluate", "demand.csv", "--origins", "500"], 2, "origin"),
    "no origin": (["evaluate", "demand.csv", "--origins", "0"], 2, "--origins"),
    "model that saw the origins": (
        ["evaluate", "demand.csv", "--model", "forecast.model"],
        4,
        "trained on data up to",
    ),
    "unknown command": (["trian", "demand.csv"], 2, "trian"),
    "no data": (["train"], 2, "DATA"),
}


def spoil(folder: Path) -> None:
    """Add the files that the wrong commands name."""
    (folder / "empty_folder").mkdir()
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("day,demand\n")
    (folder / "names.csv").write_text("day,name\n" + "".join(f"2024-01-{d:02d},bob\n" for d in range(1, 29)))
    (folder / "hourly.csv").write_text(daily(200, step="h"))
    model = (folder / "forecast.model").read_bytes()
    (folder / "damaged.model").write_bytes(model[:-100] + bytes(100))


@pytest.mark.parametrize("case", TEN)
def test_a_wrong_use_gets_one_clear_message(case: str, folder: Path) -> None:
    """The message names the cause, the exit code its kind, and every file stays unchanged."""
    arguments, code, named = TEN[case]
    spoil(folder)
    before = content(folder)
    result = forecast(*arguments, cwd=folder)
    assert_clean_failure(result, code)
    assert named in result.stderr
    assert content(folder) == before


@pytest.mark.parametrize("case", MORE)
def test_more_wrong_uses(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same for less usual cases, in this process, which is faster."""
    arguments, code, named = MORE[case]
    spoil(folder)
    before = content(folder)
    monkeypatch.chdir(folder)
    result = inside(*arguments, capfd=capfd)
    assert_clean_failure(result, code)
    assert named in result.stderr
    assert content(folder) == before


def test_no_permission(folder: Path) -> None:
    """Without permission to read or write, a message says so and the exit code is 5."""
    if os.geteuid() == 0:
        pytest.skip("root may read and write everything")
    (folder / "demand.csv").chmod(0)
    assert_clean_failure(forecast("train", "demand.csv", cwd=folder), 5)
    (folder / "demand.csv").chmod(0o600)
    folder.chmod(0o500)
    before = content(folder)
    assert_clean_failure(forecast("train", "demand.csv", cwd=folder), 5)
    assert content(folder) == before


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a folder that nobody may write to")
def test_a_place_nobody_may_write_to(folder: Path) -> None:
    """Even root cannot write into /proc and /sys: the message names the file and the exit code is 5."""
    for arguments in (
        ["predict", "-o", "/proc/forecasts.csv"],
        ["predict", "--plot", "/proc/forecasts.png"],
        ["train", "demand.csv", "--model", "/sys/forecast.model"],
    ):
        result = forecast(*arguments, cwd=folder)
        assert_clean_failure(result, 5)
        assert arguments[-1] in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["predict", "show --json", "inspect demand.csv"])
def test_a_full_disk(folder: Path, command: str) -> None:
    """Output that cannot be written is an error with exit code 5, not a silent loss."""
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [SCRIPT, *command.split()],
            cwd=folder,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 5
    assert said(result).startswith("error: ")
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


def test_errors_as_json_lines(folder: Path) -> None:
    """With --log-format json an error is one JSON object, hint and exit code included."""
    result = forecast("predict", "--model", "none.model", "--log-format", "json", cwd=folder)
    told = json.loads(result.stderr)
    assert (told["level"], told["exit_code"], result.returncode) == ("error", 4, 4)
    assert "none.model" in told["message"]
    assert told["hint"]


def test_names_cannot_steer_the_terminal(folder: Path) -> None:
    """Control characters and markup in file names, columns and ids are escaped."""
    evil = "\x1b]0;owned\x07[red]x[/red]\n"
    result = forecast("train", f"no{evil}.csv", cwd=folder)
    assert_clean_failure(result, 5)
    assert "\x1b" not in result.stderr
    assert "[red]x[/red]" in result.stderr
    rows = "".join(f'"{evil}",2024-{m:02d}-{d:02d},{d}\n' for m in (1, 2) for d in range(1, 29))
    (folder / "evil.csv").write_text('"[/x]",day,"de\x1b[2Jmand"\n' + rows)
    for command in ("inspect", "train"):
        result = forecast(command, "evil.csv", "--freq", "D", cwd=folder)
        assert "\x1b" not in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        assert "bug in forecast" not in result.stderr


def test_a_fault_of_ours_does_not_show_the_data(tmp_path: Path) -> None:
    """An unexpected exception gives exit code 1 and asks for a bug report, without the exception's text."""
    broken = (
        "from forecaster.model.model import Model\n"
        "def load(path):\n"
        "    raise ValueError('secret figure 42')\n"
        "Model.load = load\n"
        "from forecaster.__main__ import main\n"
        "main()\n"
    )
    (tmp_path / "broken.py").write_text(broken)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        python = SCRIPT.with_name("python")
        command = [python, "broken.py", "show", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )

    result = run()
    assert result.returncode == 1
    assert result.stderr.startswith("error: a bug in forecast, not in your data (ValueError at ")
    assert "report" in result.stderr
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr
    debugged = run("--debug")
    assert debugged.returncode == 1
    assert "broken.py" in debugged.stderr
    assert "secret figure" not in debugged.stderr.replace("raise ValueError('secret figure 42')", "")
