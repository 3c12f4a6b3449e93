"""No output replaces what is read, nor another output."""

import shutil

import pytest
from command import assert_clean_failure, daily, forecast, inside


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with demand.csv, a link and a hard link to it, and the model trained on it."""
    folder = tmp_path_factory.mktemp("apart")
    (folder / "demand.csv").write_text(daily())
    assert forecast("train", "demand.csv", cwd=folder).returncode == 0
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A copy of it, in which the command runs."""
    for name in ("demand.csv", "forecast.model"):
        shutil.copy(trained / name, tmp_path)
    (tmp_path / "link.csv").symlink_to("demand.csv")
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "demand.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


CLASHES = [
    ("predict", "demand.csv", "-o", "demand.csv"),
    ("predict", "demand.csv", "-o", "link.csv"),
    ("predict", "link.csv", "-o", "hard.csv"),
    ("predict", "-o", "demand.csv", "-m", "here.model"),
    ("predict", "demand.csv", "--summary", "forecast.model"),
    ("predict", "demand.csv", "--log-file", "forecast.model"),
    ("predict", "demand.csv", "-o", "f.csv", "--summary", "f.csv"),
    ("train", "demand.csv", "-m", "demand.csv"),
    ("train", "demand.csv", "-m", "r.json", "--report", "r.json"),
    ("train", "demand.csv", "--report", "demand.csv"),
    ("train", "demand.csv", "--summary", "demand.csv"),
    ("train", "demand.csv", "--log-file", "demand.csv"),
    ("train", "demand.csv", "--log-file", "new", "--summary", "new"),
    ("inspect", "demand.csv", "--export", "demand.csv"),
    ("inspect", ".", "--export", "demand.csv"),
    ("evaluate", "demand.csv", "--report", "demand.csv"),
    ("compare", "demand.csv", "--models", "forecast.model", "--report", "forecast.model"),
    ("compare", "demand.csv", "--tune", "2", "-o", "r.csv", "--report", "r.csv"),
]


@pytest.mark.parametrize("arguments", CLASHES, ids=" ".join)
def test_one_file_twice_is_wrong_usage(arguments, folder, capfd):
    """Said before the work, and nothing is lost: not through a link or another name of the file either."""
    if "here.model" in arguments:  # a model that remembers the data of this folder
        assert inside("train", "demand.csv", "--steps", "1", "-m", "here.model", capfd=capfd).returncode == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "new"}
    result = inside(*arguments, capfd=capfd)
    assert_clean_failure(result, 2)
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before}
    assert after == before


def test_logs_and_summaries_are_written_again(folder, capfd):
    """The files of an earlier run are taken; a device is no file."""
    for name in ("log", "log", "/dev/null"):
        options = ("--log-file", name, "--summary", "run.json" if name == "log" else "/dev/null")
        result = inside("predict", "demand.csv", "-o", "f.csv", *options, capfd=capfd)
        assert result.returncode == 0, result.stderr
    assert (folder / "log").read_text().count("exit code 0") == 2
