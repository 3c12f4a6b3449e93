"""`forecast compare`: what it prints and writes, what it refuses, and what an interruption leaves."""

import csv
import json
import shutil
import signal
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest
from command import ROOT, SCRIPT, SMALL, assert_clean_failure, daily, environment, forecast, inside

from forecaster.model.model import Model

ORIGINS = ("--horizon", "5", "--origins", "3")
SEARCH = ("--horizon", "7", "--origins", "2", "--tune", "3", "--seed", "3", "--no-pretrained")
"""A search that finds better settings."""


def check(document):
    """Fail unless the document fits its schema."""
    schema = json.loads((ROOT / "docs" / "schemas" / "compare-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with demand.csv, in which the command runs, with small training."""
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "demand.csv").write_text(daily())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_board_and_its_files(folder, capfd):
    """A settings file, a cell and the pretrained networks: on the terminal, as JSON, and as CSV."""
    (folder / "a.toml").write_text('cell = "rnn"\n')
    contestants = ("--configs", "a.toml", "--cells", "lstm", "--models", "pretrained")
    shown = forecast("compare", "demand.csv", *contestants, *ORIGINS, "--report", "r.csv", cwd=folder)
    assert shown.returncode == 0, shown.stderr
    for word in ("a.toml", "lstm", "pretrained", "seasonal naive", "in 80 %", "best", "Use "):
        assert word in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "2 of 3: a.toml" in shown.stderr
    with (folder / "r.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {"a.toml", "lstm", "pretrained", "naive", "seasonal naive", "drift", "mean"}
    assert {row["name"] for row in rows} == names
    assert [row["rank"] for row in rows] == [str(rank) for rank in range(1, 8)]
    again = ("compare", "demand.csv", *contestants, *ORIGINS, "--json", "-q", "--report", "r.json")
    result = inside(*again, capfd=capfd)
    document, report = json.loads(result.stdout), json.loads((folder / "r.json").read_text())
    check(document)
    assert result.stderr == ""
    assert [m["name"] for m in document["methods"]] == [row["name"] for row in rows]
    assert float(rows[0]["mae"]) == document["methods"][0]["errors"]["mae"]
    assert report["verdict"] == document["verdict"]
    assert report["verdict"] in " ".join(shown.stdout.split())


def test_hostile_names(folder, capfd):
    """Names of files are shown as they are, on the terminal, in CSV and in JSON; none takes a baseline's."""
    names = ["[red]x.toml", "=1+1", "\x1b]0;x\x07.toml", "naive", "a,b.toml", "📈.toml"]
    for seed, name in enumerate(names):
        (folder / name).write_text(f"seed = {seed}\n")
    (folder / "sub").mkdir()
    shutil.copy(folder / "naive", folder / "sub" / "naive")
    typed = ",".join(f'"{name}"' for name in [*names, "sub/naive"])
    options = (*ORIGINS, "--steps", "2", "--configs", typed, "--report", "r.csv")
    shown = inside("compare", "demand.csv", *options, capfd=capfd)
    assert shown.returncode == 0, shown.stderr
    assert "\x1b" not in shown.stdout + shown.stderr
    for word in ("[red]x.toml", "=1+1", "\\x1b]0;x\\x07.toml", "settings naive", "a,b.toml", "📈.toml"):
        assert word in shown.stdout
    with (folder / "r.csv").open() as file:
        written = [row["name"] for row in csv.DictReader(file)]
    assert {"'=1+1", "naive", "settings naive", "a,b.toml"} <= set(written)
    assert "sub/naive and settings naive are the same" in shown.stderr.replace("'", "")


def test_settings_that_a_search_finds(folder, capfd):
    """They are written for `train`, with how they were found; the model is that of the same flags."""
    result = forecast("compare", "demand.csv", *SEARCH, "-o", "tuned.toml", "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    check(document)
    tuning = document["tuning"]
    assert tuning["better"] is True
    assert tuning["file"] == "tuned.toml"
    assert "wrote tuned.toml: `forecast train DATA --config tuned.toml`" in result.stderr
    text = (folder / "tuned.toml").read_text()
    settings = tomllib.loads(text)
    assert {name: settings[name] for name in tuning["settings"]} == tuning["settings"]
    assert (settings["horizon"], settings["seed"], settings["pretrained"]) == (7, 3, False)
    assert "validation origins" in text
    assert "test origins" in text
    command = text.split("# Use: forecast ")[1].splitlines()[0].split()
    assert inside(*command, "-m", "file.model", capfd=capfd).returncode == 0
    flags = [f"--{name}={value}" for name, value in tuning["settings"].items() if value is not True]
    flags += [f"--{name}" for name, value in tuning["settings"].items() if value is True]
    same = ("--horizon", "7", "--seed", "3", "--no-pretrained", *flags)
    assert inside("train", "demand.csv", *same, "-m", "flags.model", capfd=capfd).returncode == 0
    models = [Model.load(folder / name) for name in ("file.model", "flags.model")]
    assert models[0].options == models[1].options
    for one, other in zip(models[0].members, models[1].members, strict=True):
        assert one.network.flat.tobytes() == other.network.flat.tobytes()


def test_a_search_without_success_writes_nothing(folder, capfd):
    """The default stays, and that is said."""
    search = [each if each != "3" else "1" for each in SEARCH]
    result = inside("compare", "demand.csv", *search, capfd=capfd)
    assert result.returncode == 0
    assert "The default stays" in result.stderr
    assert "no settings were written" in result.stderr
    assert not (folder / "forecast.toml").exists()


def test_an_existing_file_is_not_replaced(folder, capfd):
    """Said before the work, for the default name too; the name of the hint is free."""
    for name in ("forecast.toml", "tuned.toml"):
        (folder / name).write_text("seed = 3\n")
        asked = () if name == "forecast.toml" else ("-o", name)
        result = inside("compare", "demand.csv", "--tune", "3", *asked, capfd=capfd)
        assert_clean_failure(result, 2)
        assert f"'{name}' is there" in result.stderr
        free = "tuned.toml" if name == "forecast.toml" else "tuned-2.toml"
        assert f"--output {free};" in result.stderr
        assert (folder / name).read_text() == "seed = 3\n"
    (folder / "forecast.toml").unlink()
    result = inside("compare", "demand.csv", "--tune", "3", "-o", "none/x.toml", capfd=capfd)
    assert_clean_failure(result, 5)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ("--cells", "gru,tanh")),
        (2, ("--efforts", "slow")),
        (2, ("--configs", "none.toml")),
        (2, ("--configs", "bad.toml")),
        (2, ("--configs", "a.toml,,")),
        (2, ("--output", "x.toml")),
        (2, ("--refit", "always")),
        (2, ("--tune", "0")),
        (2, ("--configs", "a.toml", "--report", "a.toml")),
        (2, ("--configs", "a.toml", "--report", "link.csv")),
        (2, ("--report", "x.txt")),
        (2, ("--origins", "999")),
        (3, ("--horizon", "200", "--models", "pretrained")),
        (4, ("--models", "none.model")),
        (4, ("--models", "a.toml")),
    ],
)
def test_wrong_use(code, arguments, folder, capfd):
    """One message, with a hint where there is something to type, and nothing written."""
    (folder / "a.toml").write_text("seed = 1\n")
    (folder / "bad.toml").write_text("tanh = 1\n")
    (folder / "link.csv").symlink_to("a.toml")
    result = inside("compare", "demand.csv", *arguments, capfd=capfd)
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("error: ") == 1
    assert "bug in forecast" not in result.stderr
    assert (folder / "a.toml").read_text() == "seed = 1\n"


def test_two_horizons_are_refused_with_one_that_works(folder, capfd):
    """The hint can be typed."""
    (folder / "a.toml").write_text("horizon = 5\n")
    (folder / "b.toml").write_text("horizon = 6\nseed = 3\n")
    arguments = ("compare", "demand.csv", "--configs", "a.toml,b.toml", "--origins", "2")
    result = inside(*arguments, capfd=capfd)
    assert_clean_failure(result, 2)
    assert "--horizon 5" in result.stderr
    assert inside(*arguments, "--horizon", "5", "--steps", "2", capfd=capfd).returncode == 0


def test_an_interruption_loses_nothing(folder):
    """Ctrl-C while the second contestant trains: the first is shown and in the report, exit code 130."""
    (folder / "a.toml").write_text("steps = 5\nmembers = 1\n")
    (folder / "b.toml").write_text("steps = 1000000\npatience = 0\nmembers = 1\n")
    env = environment()
    for name in ("FORECAST_STEPS", "FORECAST_MEMBERS"):
        del env[name]
    process = subprocess.Popen(
        [SCRIPT, "compare", "demand.csv", "--configs", "a.toml,b.toml", *ORIGINS, "--report", "r.json"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("training: step") and "/1000000" in line:
            break
        if line.startswith("2 of 2"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "a.toml" in out
    assert "b.toml: not finished" in out
    assert "written before:" in err
    report = json.loads(Path("r.json").read_text())
    assert report["failures"] == [{"name": "b.toml", "reason": "not finished, the run was stopped"}]
