"""Files that options and forecast.toml name: ~, special files, forecast.toml of the working directory."""

import json
import os
from pathlib import Path

import pytest
from command import daily, inside

from forecaster.cli.options import FILES, PANELS, resolve
from forecaster.errors import StorageError, UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in the home of the user."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_home_of_the_user(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """~ works in data, in an output, and in forecast.toml; of an unknown user it is no folder."""
    (folder / "deep").mkdir()
    (folder / "deep" / "demand.csv").write_text(daily())
    done = inside("inspect", "~/deep/demand.csv", "--export", "~/deep/x.csv", capfd=capfd)
    assert done.returncode == 0, done.stderr
    assert (folder / "deep" / "x.csv").exists()
    (folder / "forecast.toml").write_text('model = "~/deep/none.model"\n')
    assert str(resolve({}).model) == f"{folder}/deep/none.model"
    assert str(resolve({"model": "~/y"}).model) == f"{folder}/y"
    (folder / "forecast.toml").unlink()
    assert inside("inspect", "~nobody-here/x.csv", capfd=capfd).returncode == 5
    assert not (folder / "~").exists()


def test_every_file_option_is_listed() -> None:
    """FILES has every setting whose help calls it a file."""
    shown = {name for texts in PANELS.values() for name, text in texts.items() if "ile" in text.split(".")[0]}
    assert {name for name in shown if name in ("model", "config")} <= set(FILES)


def test_a_name_that_no_file_has(folder: Path) -> None:
    """A zero byte, which only forecast.toml can hold, is a UsageError."""
    (folder / "forecast.toml").write_text('model = "a\\u0000b"\n')
    with pytest.raises(UsageError, match="model cannot be"):
        resolve({})


def test_settings_of_the_working_directory_are_named(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A forecast.toml that is found is named on stderr, in both formats; one that is asked for is not."""
    (folder / "demand.csv").write_text(daily())
    (folder / "forecast.toml").write_text("quiet = false\n")
    done = inside("inspect", "demand.csv", capfd=capfd)
    assert done.stderr == f"settings of {folder}/forecast.toml\n"
    done = inside("inspect", "demand.csv", "--log-format", "json", capfd=capfd)
    assert json.loads(done.stderr)["config"] == f"{folder}/forecast.toml"
    assert inside("inspect", "demand.csv", "--config", "forecast.toml", capfd=capfd).stderr == ""
    assert inside("inspect", "demand.csv", "--quiet", capfd=capfd).stderr == ""
    (folder / "forecast.toml").write_text("\n")
    assert inside("inspect", "demand.csv", capfd=capfd).stderr == ""


@pytest.mark.parametrize("name", ["fifo", "folder", "/dev/zero", "large"])
def test_settings_in_what_is_no_file(folder: Path, name: str) -> None:
    """A FIFO, a folder, a device and a very large file are refused at once."""
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    (folder / "large").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(StorageError, match="cannot read"):
        resolve({"config": name})


@pytest.mark.parametrize("name", ["fifo", "folder", "/dev/zero", "/dev/null"])
def test_a_model_in_what_is_no_file(folder: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    """Reading a model from a FIFO or a device is exit code 4 at once."""
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    for command in (("show", name), ("predict", "--model", name)):
        done = inside(*command, capfd=capfd)
        assert (done.returncode, done.stdout) == (4, "")
        assert "it is not a regular file" in done.stderr


def test_outputs_that_are_no_files(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A FIFO as an output of any command is exit code 5 before any work, and stays a FIFO."""
    (folder / "demand.csv").write_text(daily())
    for name in ("fifo", "fifo.csv", "fifo.png"):
        os.mkfifo(folder / name)
    for command in (
        ("train", "demand.csv", "-m", "fifo"),
        ("train", "demand.csv", "--report", "fifo.csv"),
        ("evaluate", "demand.csv", "--report", "fifo.csv"),
        ("inspect", "demand.csv", "--export", "fifo.csv"),
        ("predict", "demand.csv", "--model", "pretrained", "-o", "fifo.csv"),
        ("predict", "demand.csv", "--model", "pretrained", "--plot", "fifo.png"),
        ("evaluate", "demand.csv", "--model", "pretrained", "--plot", "fifo.png"),
        ("inspect", "demand.csv", "--plot", "fifo.png"),
    ):
        done = inside(*command, capfd=capfd)
        assert (done.returncode, done.stdout) == (5, ""), command
        assert "it is a FIFO" in done.stderr
    assert all((folder / name).is_fifo() for name in ("fifo", "fifo.csv", "fifo.png"))
