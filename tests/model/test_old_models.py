"""Old models under numbers: none is lost, whenever a run is killed; links, modes and times stay."""

import contextlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.errors import ModelError, StorageError
from forecaster.model import old_models
from forecaster.model.old_models import roll_back, save_keeping
from forecaster.pipeline.train import train


@pytest.fixture(scope="module")
def model():
    """A small model."""
    table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=30), "y": np.arange(30) % 7 + 1.0})
    return train(table, horizon_of(3)).model


def horizon_of(steps):
    from forecaster.config import Options

    return Options(horizon=steps, hidden=4, steps=5, members=1, workers=1, pretrained=False)


class Written:
    """Stands for a model whose file has some content."""

    def __init__(self, content):
        self.content = content

    def save(self, path):
        """As `Model.save`: replaced atomically."""
        temporary = path.with_name(".new.tmp")
        temporary.write_text(self.content)
        temporary.replace(path)


def save(folder, content, keep):
    save_keeping(Written(content), folder / "x.model", keep)


def contents(folder):
    """What each file holds, by the end of its name."""
    return {path.name.removeprefix("x.model"): path.read_text() for path in sorted(folder.iterdir())}


def test_old_models_are_numbered_from_the_newest(tmp_path):
    """The newest old model has the number 1; there are never more than asked for."""
    for content in "abcde":
        save(tmp_path, content, 3)
    assert contents(tmp_path) == {"": "e", ".1": "d", ".2": "c", ".3": "b"}
    save(tmp_path, "f", 0)
    assert contents(tmp_path) == {"": "f", ".1": "d", ".2": "c", ".3": "b"}
    save(tmp_path, "g", 1)
    assert contents(tmp_path) == {"": "g", ".1": "f"}


def test_the_same_bytes_are_kept_once(tmp_path):
    """Saving the same model again pushes none out."""
    for content in "abbb":
        save(tmp_path, content, 3)
    assert contents(tmp_path) == {"": "b", ".1": "a"}


def test_other_files_are_left_alone(tmp_path):
    """Only names with a number of up to three digits are old models."""
    others = {"x.model.2024", "x.model.01", "x.model.1.bak", "y.model.1"}
    for name in others:
        (tmp_path / name).write_text("mine")
    for content in "abc":
        save(tmp_path, content, 1)
    assert all((tmp_path / name).read_text() == "mine" for name in others)
    assert (tmp_path / "x.model.1").read_text() == "b"


class Killed(BaseException):
    """A kill: nothing runs after it."""


def killed_at(monkeypatch, step):
    """Let the process die before the operation of this number (from 0) on the folder."""
    done = [0]

    def dying(original):
        def operation(*given, **named):
            if done[0] >= step:
                raise Killed
            done[0] += 1
            return original(*given, **named)

        return operation

    for name in ("replace", "hardlink_to", "unlink"):
        monkeypatch.setattr(Path, name, dying(getattr(Path, name)))


@pytest.mark.parametrize("step", range(7))
def test_a_kill_loses_no_model(tmp_path, step):
    """Before any operation: the models are all there, but for the one to be dropped at the very end.

    The next run brings the numbers in order.
    """
    for content in "abcd":
        save(tmp_path, content, 3)
    with pytest.MonkeyPatch.context() as patch:
        killed_at(patch, step)
        try:
            save(tmp_path, "e", 3)
        except Killed:
            done = False
        else:
            done = True
    held = contents(tmp_path)
    assert {"b", "c", "d"} <= set(held.values())
    assert held[""] in "de"
    assert "a" in held.values() or done
    save(tmp_path, "f", 3)
    after = contents(tmp_path)
    after.pop(".new.tmp", None)  # of the stand-in
    expected = ["f", "e", "d", "c"] if held[""] == "e" else ["f", "d", "c", "b"]
    assert after == dict(zip(["", ".1", ".2", ".3"], expected, strict=True))


def test_a_failed_save_changes_nothing(tmp_path):
    """Where the new model cannot be written, the old one has no second name left."""
    save(tmp_path, "a", 3)

    class Full:
        def save(self, path):
            raise StorageError("no space left")

    with pytest.raises(StorageError):
        save_keeping(Full(), tmp_path / "x.model", 3)
    assert contents(tmp_path) == {"": "a"}


@pytest.mark.parametrize("linkable", [True, False])
def test_a_link_stays_a_link_and_modes_and_times_stay(tmp_path, linkable, monkeypatch):
    """Numbers lie beside the model that a link leads to; an old model keeps its time and mode."""
    if not linkable:
        monkeypatch.setattr(Path, "hardlink_to", lambda *given: (_ for _ in ()).throw(OSError("none")))
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "x.model", tmp_path / "latest"
    real.write_text("a")
    real.chmod(0o640)
    os.utime(real, (1_700_000_000, 1_700_000_000))
    link.symlink_to(real)
    save_keeping(Written("b"), link, 2)
    assert link.is_symlink()
    assert contents(real.parent) == {"": "b", ".1": "a"}
    old = real.with_name("x.model.1").stat()
    assert old.st_mode & 0o777 == 0o640
    assert old.st_mtime == 1_700_000_000


# --- rolling back -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(model, tmp_path):
    """x.model of seed 3, and those before it, of seeds 2 and 1."""
    for seed in (1, 2, 3):
        save_keeping(with_seed(model, seed), tmp_path / "x.model", 5)
    return tmp_path


def with_seed(model, seed):
    import dataclasses

    return dataclasses.replace(model, options=dataclasses.replace(model.options, seed=seed))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_rolling_back_goes_to_the_model_before_each_time(folder):
    """Each call brings back one model, until there is none; then it is an error with a hint."""
    model, left, _ = roll_back(folder / "x.model")
    assert model.options.seed == 2
    assert [path.name for path in left] == ["x.model.1"]
    assert names(folder) == ["x.model", "x.model.1", "x.model.undone"]
    model, left, _ = roll_back(folder / "x.model")
    assert (model.options.seed, left) == (1, [])
    with pytest.raises(ModelError) as caught:
        roll_back(folder / "x.model")
    assert "'x.model.undone': rename it" in caught.value.hint
    assert names(folder) == ["x.model", "x.model.undone"]
    (folder / "x.model.undone").unlink()
    with pytest.raises(ModelError) as caught:
        roll_back(folder / "x.model")
    assert "--keep 3" in caught.value.hint


def test_a_damaged_old_model_is_not_brought_back(folder):
    """The model that works stays."""
    (folder / "x.model.1").write_bytes(b"damaged")
    before = (folder / "x.model").read_bytes()
    with pytest.raises(ModelError, match=r"x\.model\.1"):
        roll_back(folder / "x.model")
    assert (folder / "x.model").read_bytes() == before


def test_rolling_back_where_the_model_is_gone(folder):
    """A model that was deleted comes back from its number."""
    (folder / "x.model").unlink()
    assert roll_back(folder / "x.model")[0].options.seed == 2


def test_rolling_back_keeps_the_mode(folder):
    """The file that is read every hour stays readable to the same users."""
    (folder / "x.model").chmod(0o644)
    (folder / "x.model.1").chmod(0o600)
    roll_back(folder / "x.model")
    assert (folder / "x.model").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("step", range(5))
def test_a_kill_while_rolling_back_loses_no_model(folder, step):
    """All three models are there afterwards, and the next call goes on to one that is older."""
    held = {path.read_bytes() for path in folder.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        killed_at(patch, step)
        with contextlib.suppress(Killed):
            roll_back(folder / "x.model")
    assert held == {path.read_bytes() for path in folder.iterdir()}
    from forecaster.model.model import Model

    before = Model.load(folder / "x.model").options.seed
    assert roll_back(folder / "x.model")[0].options.seed == before - 1


def test_the_hidden_name_is_the_model_s_own(tmp_path):
    """What a killed run has left is named after the model."""
    assert old_models._aside(tmp_path / "x.model").name == ".x.model.old"
