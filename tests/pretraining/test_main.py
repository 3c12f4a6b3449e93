"""`python -m forecaster.pretraining` trains networks, mixes real series in, and says what is wrong."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from command import environment

from forecaster.pretraining import __main__ as module
from forecaster.pretraining.recipes import RECIPES, Recipe
from forecaster.pretraining.series.priors import QUARTERLY
from forecaster.pretraining.store import Pretrained
from forecaster.pretraining.windows import Seasonal


def pretraining(*arguments, cwd):
    """Run it as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "forecaster.pretraining", *map(str, arguments)],
        cwd=cwd,
        env=environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_network_from_ones_own_data(tmp_path):
    """With --data real series are mixed in: the file is written, loads, and its digest is printed."""
    quarters = pd.date_range("2010-01-01", periods=40, freq="QS")
    table = pd.DataFrame({"ds": quarters, "y": 10 + np.sin(np.arange(40))})
    table.to_csv(tmp_path / "mine.csv", index=False)
    result = pretraining(
        "season_4", "--steps", "1", "--data", "mine.csv", "--output", "out", "--seed", "3", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    content = (tmp_path / "out" / "season_4.safetensors").read_bytes()
    network = Pretrained.from_bytes(content)
    assert network.kind == "season_4"
    assert network.facts["steps"] == 1
    assert network.facts["seed"] == 3
    assert network.digest in result.stdout
    assert f"{len(content):,} bytes" in result.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["season_4.safetensors"]


@pytest.fixture
def main(monkeypatch, capsys, tmp_path):
    """main(arguments) in this process and without others -> (exit code, stdout, stderr)."""

    class Here:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def submit(self, work, *arguments):
            outcome = work(*arguments)
            return type("Done", (), {"result": lambda self: outcome})()

    monkeypatch.setattr(module, "ProcessPoolExecutor", Here)
    monkeypatch.setattr("forecaster.pretraining.windows.SERIES", 600)
    monkeypatch.setitem(RECIPES, "season_4", Recipe(Seasonal(QUARTERLY, 4, 8), 4, 2, 16))
    monkeypatch.setattr(module, "TOLD", 1)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pretraining", *map(str, arguments), "--output", str(tmp_path)])
        try:
            code = module.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


def test_the_same_seed_gives_the_same_file(main, tmp_path):
    """Byte for byte; progress is told."""
    contents = []
    for seed in (1, 1, 2):
        code, out, _ = main("season_4", "--seed", seed)
        assert code == 0
        assert "season_4: step 1, loss" in out
        contents.append((tmp_path / "season_4.safetensors").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_an_unknown_kind(main):
    """The message lists those that there are."""
    code, _, err = main("season_5")
    assert code == 2
    assert "season_5" in err
    assert "season_12" in err


@pytest.mark.parametrize(("data", "code"), [("nothing.csv", 5), ("days.csv", 3)])
def test_data_that_cannot_be_used(main, tmp_path, data, code, monkeypatch):
    """One message, the exit code of the error, and what to do instead."""
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-01", periods=60)
    pd.DataFrame({"ds": days, "y": np.arange(60.0)}).to_csv("days.csv", index=False)
    found, _, err = main("season_4", "--data", data)
    assert found == code
    assert err.startswith("error: ")
    assert not (tmp_path / "season_4.safetensors").exists()
    assert data != "days.csv" or "Give it quarterly series. These are for 'season_7'." in err


@pytest.mark.parametrize("steps", ["0", "-3", "many"])
def test_wrong_numbers_of_steps(main, steps):
    """At least one step."""
    code, _, err = main("season_4", "--steps", steps)
    assert code == 2
    assert "--steps" in err
