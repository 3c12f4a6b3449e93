"""The border: what it tells of an interruption, and of files that were written with a warning."""

import signal
import warnings
from pathlib import Path

import pytest
import typer

from forecaster.cli.border import run
from forecaster.data.writing import atomic
from forecaster.errors import StorageWarning


def app_of(function) -> typer.Typer:
    app = typer.Typer()
    app.command()(function)
    return app


def test_an_interruption_tells_which_files_are_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "No file was changed" is said only where that is so; handlers of signals are as before."""
    monkeypatch.setattr(atomic, "WRITTEN", [])
    before = signal.getsignal(signal.SIGINT)

    def interrupted() -> None:
        raise KeyboardInterrupt

    def late() -> None:
        atomic.atomic_write(tmp_path / "x", lambda file: file.write(b"new"))
        raise KeyboardInterrupt

    assert run(app_of(interrupted), []) == 130
    assert capsys.readouterr().err == "interrupted; no file was changed\n"
    assert run(app_of(late), []) == 130
    assert capsys.readouterr().err == f"interrupted; written before: {tmp_path}/x\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_warning_of_files_is_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is logged once, whatever filters are set; the exit code is 0."""

    def warns() -> None:
        for text in ("one", "two", "one"):
            warnings.warn(text, StorageWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(app_of(warns), []) == 0
    assert capsys.readouterr().err == "warning: one\nwarning: two\n"


def test_a_package_that_cannot_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    """It is exit code 5 and named."""

    def fails() -> None:
        raise ImportError("libx.so: cannot open shared object file", name="x")

    assert run(app_of(fails), []) == 5
    assert "the package 'x' cannot be loaded" in capsys.readouterr().err
