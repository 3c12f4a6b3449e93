"""The worked examples run as their READMEs say, learn within a few steps, and repeat themselves."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
QUICK = {
    "classifier": (["--steps", "250"], 60.0),  # of four shapes: 25 % by guessing
    "reverse": (["--steps", "200", "--longest", "3"], 80.0),  # whole sequences: under 4 % by guessing
}
"""Arguments that take a few seconds, and the accuracy in percent that they must exceed."""


def run(name, arguments):
    """What the example prints."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name / "main.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def accuracy(output):
    """The percentage at the end of the last line."""
    return float(re.fullmatch(r".*: ([\d.]+)%", output.splitlines()[-1])[1])


@pytest.mark.parametrize("name", QUICK)
def test_the_example_learns(name):
    """A few steps of training are far better than guessing."""
    arguments, wanted = QUICK[name]
    assert accuracy(run(name, arguments)) > wanted


@pytest.mark.parametrize("name", QUICK)
def test_it_is_the_training_that_makes_it_learn(name):
    """With one step of training the same example is far below that."""
    assert accuracy(run(name, [*QUICK[name][0], "--steps", "1"])) < QUICK[name][1] - 20


@pytest.mark.parametrize("name", QUICK)
def test_the_same_seed_prints_the_same(name):
    """A seed decides every line; another seed gives others."""
    short = [*QUICK[name][0], "--steps", "3"]
    assert run(name, short) == run(name, short) != run(name, [*short, "--seed", "2"])


@pytest.mark.parametrize("name", QUICK)
def test_the_readme_names_the_command(name):
    """Each example has a README with the command that runs it and what its last line says."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert f"$ python examples/{name}/main.py\n" in text
    last_line = run(name, ["--steps", "1"]).splitlines()[-1]
    assert last_line.rpartition(":")[0] in text


def test_the_patients(tmp_path):
    """The commands of the README run on visits of the same form, and each patient gets two forecasts."""
    readme = (EXAMPLES / "patients" / "README.md").read_text(encoding="utf-8")
    settings = re.search(r"```toml\n(.*?)```", readme, re.S)[1]
    (tmp_path / "forecast.toml").write_text(settings + "steps = 20\nmembers = 1\nhidden = 8\n")
    rng = np.random.default_rng(0)
    rows = [
        (patient, day, "placebo" if patient % 2 else "drug", 40 + patient, "fm"[patient % 2], *rng.random(4))
        for patient in range(1, 31)
        for day in np.cumsum(rng.integers(150, 500, rng.integers(1, 13))) - 150
    ]
    names = ["id", "day", "trt", "age", "sex", "bili", "albumin", "platelet", "protime"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "visits.csv", index=False)
    commands = re.findall(r"^forecast .*", readme, re.M)
    assert [command.split()[1] for command in commands] == [
        "inspect",
        "evaluate",
        "train",
        "predict",
        "explain",
    ]
    for command in commands:
        words = (
            command.replace("--series 101", "--series 7").replace("--origins 3", "--origins 2").split()[1:]
        )
        done = subprocess.run(
            [sys.executable, "-m", "forecaster", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "next_visits.csv")) == 2 * 30
