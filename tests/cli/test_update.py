"""`forecast update`: files, streams, exit codes."""

import json
from pathlib import Path

import pytest
from command import assert_clean_failure, daily, inside

from forecaster.pipeline import update as pipeline

SMALL = ("--steps", "5", "--members", "1", "--hidden", "4", "--workers", "1", "--no-pretrained")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """The working folder, with a model of the first 100 days of demand.csv."""
    monkeypatch.chdir(tmp_path)
    Path("demand.csv").write_text(daily(100))
    result = inside("train", "demand.csv", *SMALL, capfd=capfd)
    assert result.returncode == 0, result.stderr
    return tmp_path


@pytest.fixture
def always_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """The updated model wins, whatever the errors are."""
    monkeypatch.setattr("forecaster.pipeline.update._worse", lambda *given: False)


def test_without_data_the_source_is_read_again(
    folder: Path, capfd: pytest.CaptureFixture[str], always_better: None
) -> None:
    """New rows in the source: the model is updated, once; the old one is kept, and comes back."""
    before = Path("forecast.model").read_bytes()
    Path("demand.csv").write_text(daily(130))
    result = inside("update", "--keep", "2", capfd=capfd)
    assert (result.returncode, result.stdout) == (0, "")
    for said in ("model before", "updated forecast.model after 30 new rows up to 2024-05-09: MAE", "before"):
        assert said in result.stderr
    assert Path("forecast.model.1").read_bytes() == before
    updated = Path("forecast.model").read_bytes()
    assert updated != before
    result = inside("update", "--keep", "2", capfd=capfd)
    assert result.returncode == 0
    assert "nothing new up to 2024-05-09; forecast.model stays as it is" in result.stderr
    assert Path("forecast.model").read_bytes() == updated
    assert sorted(path.name for path in folder.glob("forecast.model*")) == [
        "forecast.model",
        "forecast.model.1",
    ]
    assert inside("rollback", capfd=capfd).returncode == 0
    assert Path("forecast.model").read_bytes() == before


def test_nothing_new_changes_no_byte(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, one document on stdout, every file as it was: the same bytes, the same times."""
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.*")}
    result = inside("update", "demand.csv", "--keep", "3", "--json", capfd=capfd)
    assert result.returncode == 0
    told = json.loads(result.stdout)
    assert (told["outcome"], told["new_rows"], told["last"]) == ("nothing new", 0, "2024-04-09")
    assert (told["errors"], told["report"]) == (None, None)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.*")} == before


def test_a_worse_model_is_not_taken(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, reports both, exits with 0 and leaves the file alone."""
    best = pipeline._best
    monkeypatch.setattr(pipeline, "_best", lambda *given: (None, best(*given)[1]))
    before = Path("forecast.model").read_bytes()
    Path("demand.csv").write_text(daily(130))
    result = inside("update", "--json", "--report", "report.json", "--keep", "3", capfd=capfd)
    assert result.returncode == 0
    assert "kept forecast.model as it was after 30 new rows up to 2024-05-09" in result.stderr
    told = json.loads(result.stdout)
    assert told["outcome"] == "kept"
    assert told["errors"]["metric"] == "mae"
    overall = told["report"]["overall"]
    assert overall["model"]["mae"] == told["errors"]["updated"]
    assert overall["model before"]["mae"] == told["errors"]["before"]
    assert "model before" in json.loads(Path("report.json").read_text())["methods"]
    assert Path("forecast.model").read_bytes() == before
    assert not Path("forecast.model.1").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--model", "none.model"), 4, "forecast train DATA"),
        (("--model", "pretrained"), 2, "not trained again"),
        (("renamed.csv",), 4, "does not fit the model"),
        (("missing.csv",), 5, "missing.csv"),
    ],
)
def test_what_cannot_be_updated(
    folder: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    """A clear message, the exit code, and the model as it was."""
    Path("renamed.csv").write_text(daily(130, name="sales"))
    before = Path("forecast.model").read_bytes()
    result = inside("update", *arguments, capfd=capfd)
    assert_clean_failure(result, code)
    assert words in result.stderr
    assert Path("forecast.model").read_bytes() == before
