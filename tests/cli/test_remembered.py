"""A source that only the model names: said which, followed no further than its folder, never quoted."""

import json
import shutil
from pathlib import Path

import pytest
from command import SMALL, daily, inside

SECRET = "operator7:$6$hash:19000:0"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of one file, and one of a folder of files."""
    folder = tmp_path_factory.mktemp("remembered")
    (folder / "demand.csv").write_text(daily(40))
    (folder / "many").mkdir()
    for name in "ab":
        (folder / "many" / f"{name}.csv").write_text(daily(40))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in SMALL.items():
            patch.setenv(name, value)
        from forecaster.cli.app import build
        from forecaster.cli.border import run

        for source, model in (
            ("demand.csv", "one.model"),
            ("many", "many.model"),
            ("many/*.csv", "glob.model"),
        ):
            arguments = ["train", source, "--horizon", "5", "--model", model, "--quiet"]
            assert run(build(arguments), arguments) == 0
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, as it was after training, to work in."""
    monkeypatch.chdir(trained)
    (trained / "demand.csv").write_text(daily(40))
    for path in (trained / "many").iterdir():
        if path.name not in ("a.csv", "b.csv"):
            path.unlink()
    return trained


@pytest.mark.parametrize(
    ("model", "source"), [("one", "demand.csv"), ("many", "many"), ("glob", "many/*.csv")]
)
def test_the_source_is_named(model: str, source: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A bare predict says on stderr which file it reads; with DATA it need not."""
    result = inside("predict", "--model", f"{model}.model", capfd=capfd)
    assert result.returncode == 0, result.stderr
    assert f"reading '{here / source}', as the model remembers" in result.stderr
    assert (
        "as the model remembers"
        not in inside("predict", source, "--model", f"{model}.model", capfd=capfd).stderr
    )


@pytest.mark.parametrize(
    "content",
    [
        SECRET + "\n",
        f"{SECRET}\n" * 50,
        f"day,demand\n2024-01-01,{SECRET}\n" * 9,
        f"{SECRET},demand\n1,2\n" * 9,
    ],
)
def test_no_word_of_the_content(content: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A remembered file that is no table of the model is not quoted; who names it sees what is wrong."""
    (here / "demand.csv").write_text(content)
    for extra in ([], ["--json"], ["--log-format", "json"], ["--debug"]):
        result = inside("predict", "--model", "one.model", *extra, capfd=capfd)
        assert result.returncode in (2, 3)
        assert "cannot be read as it was then" in result.stderr
        assert f"forecast predict {here / 'demand.csv'}" in result.stderr
        assert not any(part in result.stderr + result.stdout for part in SECRET.split(":")[:3])
    named = inside("predict", str(here / "demand.csv"), "--model", "one.model", capfd=capfd)
    assert named.returncode in (2, 3)
    assert "operator7" in named.stderr or "demand" in named.stderr


@pytest.mark.parametrize("model", ["many", "glob"])
def test_links_out_of_the_folder(model: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A link in a remembered folder that leads elsewhere is not followed; DATA that a user names is."""
    (here / "many" / "c.csv").symlink_to(here / "demand.csv")
    result = inside("predict", "--model", f"{model}.model", capfd=capfd)
    assert result.returncode == 4
    assert "leads to" in result.stderr
    assert inside("predict", "many", "--model", f"{model}.model", capfd=capfd).returncode == 0


def test_many_more_files(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A remembered folder with far more files than the model has series is not read."""
    for number in range(40):
        shutil.copy(here / "many" / "a.csv", here / "many" / f"x{number}.csv")
    result = inside("predict", "--model", "many.model", "--log-format", "json", capfd=capfd)
    assert result.returncode == 4
    assert "has 42 files; it knows 2" in json.loads(result.stderr.splitlines()[-1])["message"]
